"""The shred list: the marks of all shredded cases, on other media than the vault.

A backup that is older than a shredding does not know of it. So the list lies beside the keystore and beside each backup,
and `restore` reads it. A mark is the hash of a random number that stood inside the seal: it names nobody and guesses
nothing, and whoever adds one can destroy no case whose number he does not know.
"""

import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, select

from review_tool import durable
from review_tool.errors import FileFormatError
from review_tool.schema import TOMBSTONE

LIST_NAME: Final = "shred-list.txt"
_HEAD: Final = "# Reports that were shredded and must not come back. Keep this file; restoring reads it.\n"
_MARK: Final = re.compile(r"[0-9a-f]{64}")


def marks_of(connection: Connection) -> frozenset[str]:
    """Every mark in the vault."""
    return frozenset(connection.execute(select(TOMBSTONE.c.sha256)).scalars())


def read(files: Iterable[Path]) -> frozenset[str]:
    """The marks in those of the files that are there.

    Raises:
        FileFormatError: a file cannot be read, or is no shred list.
    """
    return frozenset(mark for file in files if file.exists() for mark in _read(file))


def add(folder: Path, marks: Collection[str]) -> None:
    """Bring the list in a folder up to date; what stands in it stays.

    Raises:
        FileFormatError: what is there is no shred list.
        OSError: it cannot be written.
    """
    path = folder / LIST_NAME
    known = read([path])
    if not set(marks) <= known:
        lines = [f"{mark}\n" for mark in sorted(known | set(marks))]
        durable.write_file(path, (_HEAD + "".join(lines)).encode())


def _read(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise FileFormatError(f"the shred list {path} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        lines = ["?"]
    marks = [line for line in lines if line and not line.startswith("#")]
    if not all(_MARK.fullmatch(mark) for mark in marks):
        raise FileFormatError(
            f"{path} is no shred list; take the copy beside the keystore or beside a backup"
        )
    return marks
