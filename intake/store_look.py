"""The doctor's look at the store: what SQLite and the file system would tell somebody who takes the disk.

It reads the file's first bytes and counts free slots. No envelope is read, and no time is told.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

from intake.config import EXPORT_KEY_NAME, IntakeConfig
from intake.findings import Finding
from intake.housekeeping import INTERVAL
from intake.machine import Machine
from intake.slots import SLOT_SIZE

# Bytes of the header of a database (SQLite file format, 1.3): versions of writer and reader (2 is WAL), the number of
# freed pages, and whether the file shrinks by itself.
_HEADER: Final = 100
_WRITER, _READER = 18, 19
_FREED: Final = slice(36, 40)
_SHRINKS: Final = slice(52, 56)
_WAL: Final = 2

# Growing by half needs half of the file, and then its copy and its journal while the rows are laid out anew.
_GROWTH: Final = 3
_LARGEST_CLASS: Final = 3_280  # slots of the largest report with files; there must be room for one
_PRIVATE: Final = 0o077  # rights of others


def look_at_store(machine: Machine, settings: IntakeConfig, *, attachments: bool) -> Iterator[Finding]:
    """Yield what is wrong with the store and the disk that it lies on.

    Args:
        machine: the machine.
        settings: where the store lies.
        attachments: whether the signed config lets people add files.
    """
    yield from _disk(machine, settings, attachments=attachments)
    yield from _reserve(settings)
    yield from _times(machine, settings.store)
    yield from _owners(settings.data_dir)
    key = settings.data_dir / EXPORT_KEY_NAME
    if key.exists() and key.stat().st_mode & _PRIVATE:
        yield Finding(
            name="export-key-open",
            wrong=f"{key} can be read by other accounts",
            do=f"run `chmod 600 {key}`; if strangers use this machine, move the key away and run `intake init`",
        )


def _disk(machine: Machine, settings: IntakeConfig, *, attachments: bool) -> Iterator[Finding]:
    size = max(settings.store.stat().st_size, settings.slots * SLOT_SIZE)
    if attachments:
        size += _LARGEST_CLASS * SLOT_SIZE
    wanted = _GROWTH * size
    free = machine.free_bytes(settings.data_dir)
    if free < wanted:
        yield Finding(
            name="disk",
            wrong=f"the disk of {settings.data_dir} has {free >> 20} MiB left; the store needs {wanted >> 20} MiB to grow",
            do="free the disk; `intake export` and an acknowledgement make room in the store itself",
        )


def look_at_file(store: Path) -> Iterator[Finding]:
    """Yield what the first bytes of the file say. Comes first: whoever opens a store sets its journal right."""
    if not store.is_file():
        return  # `check` says so
    with store.open("rb") as file:
        header = file.read(_HEADER)
    beside = [store.with_name(store.name + ending) for ending in ("-wal", "-shm")]
    if _WAL in (header[_WRITER], header[_READER]) or any(one.exists() for one in beside):
        yield Finding(
            name="store-wal",
            wrong="another program set the store to a write-ahead log, which keeps reports in the order they came",
            do="stop that program; then `systemctl restart vouchsafe-intake` sets it back",
        )
    if any(header[_FREED]) or any(header[_SHRINKS]):
        yield Finding(
            name="store-freed",
            wrong="another program deleted from the store or changed its layout; what it freed may tell an order",
            do="find out which; then export, have it acknowledged, and begin with a new store",
        )


def _reserve(settings: IntakeConfig) -> Iterator[Finding]:
    address = f"file:{quote(str(settings.store))}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=settings.deadline_seconds)) as connection:
        (free,) = connection.execute("SELECT count(*) FROM slot WHERE used = 0").fetchone()
    if free < settings.slots // 4:
        yield Finding(
            name="store-short",
            wrong="the store has few free slots left and was not made larger",
            do="look whether the form runs and the disk has room; then `systemctl restart vouchsafe-intake`",
        )


def _times(machine: Machine, store: Path) -> Iterator[Finding]:
    changed = store.stat().st_mtime_ns
    is_covered = changed % (INTERVAL * 1_000_000_000) == 0
    if not is_covered and machine.now.seconds - changed // 1_000_000_000 > 2 * INTERVAL:
        yield Finding(
            name="store-times",
            wrong="the time of the store's file tells when the last report came; the running form would have covered it",
            do="look whether the form runs, and with `systemctl restart vouchsafe-intake` it covers the time",
        )


def _owners(data_dir: Path) -> Iterator[Finding]:
    owner = data_dir.stat().st_uid
    for path in sorted(data_dir.iterdir()):
        if path.stat().st_uid != owner:
            yield Finding(
                name="owner",
                wrong=f"{path} belongs to another account than its directory; the form may not be able to use it",
                do=f"run `chown --reference={data_dir} {path}`, and commands only as the form's account",
            )
