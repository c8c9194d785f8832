"""Reports out, acknowledgements in: the state machine that lets the server forget (FORMAT.md §7).

`stored` is left only by a valid acknowledgement that names an id and the hash of its present bytes; then the
envelope is `pending_delete`, no longer exported, until the next acknowledgement or five weeks overwrite it. Nothing
here opens an envelope, and nothing is deleted because it was exported.
"""

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from crypto import bundle, labels, signing
from crypto.bundle import BundleEntry, LastAck, Manifest, read_acknowledgement
from intake import errors, kept
from intake.clock import monday, seconds_of
from intake.kept import ExportKey, LastAcknowledgement, LastManifest
from intake.store import Store

PENDING_LIFE: Final = timedelta(
    weeks=5
)  # an acknowledged envelope stays this long, in case the vault is lost
EXPORT_ALARM: Final = timedelta(weeks=2)  # without an export
ACK_ALARM: Final = timedelta(weeks=4)  # without an acknowledgement
FLOOD_ALARM: Final = timedelta(weeks=1)  # shown in the week of the flood and in the one after

_README: Final = """\
This directory carries sealed reports from the form of a community center to its review machine.
Nobody can open them without the Center's keys, which are not here.
Take it to the review machine: review-tool receive DIRECTORY. If you found it, please return it to the Center.
"""

Places = dict[str, tuple[int, ...]]  # slots by the id of their envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One server's side of the exchange: where things lie, and whom it believes."""

    store: Store
    data_dir: Path
    center: str
    ack_public: bytes
    config_serial: int
    export_key: ExportKey

    @property
    def last_manifest(self) -> LastManifest | None:
        """The last bundle."""
        return kept.last_manifest(self.data_dir, export_public=self.export_key.public, center=self.center)

    @property
    def last_ack(self) -> LastAcknowledgement | None:
        """The newest acknowledgement."""
        return kept.last_acknowledgement(self.data_dir, ack_public=self.ack_public, center=self.center)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What an export wrote.

    Attributes:
        bundles: directories, one unless the reports exceed 2 GiB.
        reports: envelopes in them together.
        damaged: ids of envelopes that the store could not put together; they stay where they are.
    """

    bundles: tuple[Path, ...]
    reports: int
    damaged: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """What an acknowledgement did.

    Attributes:
        is_new: False for one that was applied before, or is older than the last; then nothing changed.
        forgotten: envelopes that are pending deletion from now on.
        erased: envelopes of the acknowledgement before it that were overwritten.
        unmatched: entries whose bytes differ from ours; those envelopes stay stored.
    """

    is_new: bool
    forgotten: int
    erased: int
    unmatched: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Totals and alarms, and nothing that an operator could learn a person from.

    Attributes:
        stored: reports accepted and not yet acknowledged.
        exported: reports in the last bundle.
        awaiting_acknowledgement: those of them that are still stored.
        pending_delete: acknowledged, not yet overwritten.
        alarms: sentences; empty when all is well.
    """

    stored: int
    exported: int
    awaiting_acknowledgement: int
    pending_delete: int
    alarms: tuple[str, ...]


def export(
    exchange: Exchange,
    destination: Path,
    *,
    day: date,
    progress: Callable[[], None] = lambda: None,
    max_size: int = bundle.MAX_BUNDLE,
) -> Exported:
    """Write every envelope that is not acknowledged into new bundle directories.

    Args:
        exchange: what to export, and in whose name.
        destination: a directory, usually on a stick.
        day: of the export; only its week is kept.
        progress: called after each envelope.
        max_size: bytes of envelopes a bundle; beyond it a second bundle begins.

    Raises:
        ExportError: the destination took no more, or holds this bundle already.
        StoreError: the store could not be read, or the disk under it took no more; no bundle is complete but those
            that are remembered.
    """
    if not destination.is_dir():
        raise errors.ExportError(f"{destination} is no directory; mount the stick and name a directory on it")
    erase_due(exchange, day)
    doomed = _pending_delete(exchange)
    waiting = {name: places for name, places in exchange.store.index().items() if name not in doomed}
    damaged: list[str] = []
    writers: list[_BundleWriter] = []
    try:
        writers.append(_BundleWriter(exchange, destination, day))
        for envelope_id, places in waiting.items():
            try:
                envelope = exchange.store.read(envelope_id, places)
            except errors.StoreDamageError:
                damaged.append(envelope_id)
                continue
            if not writers[-1].has_room(len(envelope.sealed), max_size):
                writers[-1].finish()
                writers.append(_BundleWriter(exchange, destination, day))
            writers[-1].add(envelope_id, envelope.sealed)
            progress()
        writers[-1].finish()
    except OSError as error:
        raise errors.ExportError(
            f"cannot write to {destination}: {error.strerror}; free some space or take another stick, and export again"
        ) from None
    return Exported(
        bundles=tuple(writer.directory for writer in writers),
        reports=sum(len(writer.entries) for writer in writers),
        damaged=tuple(damaged),
    )


def acknowledge(exchange: Exchange, content: bytes, signature: bytes, *, day: date) -> Acknowledged:
    """Apply an acknowledgement: what it names becomes pending, what the one before named is overwritten.

    Raises:
        SignatureError: not by this Center's acknowledgement key; nothing changed.
        BundleError: of another Center, or malformed; nothing changed.
    """
    found = read_acknowledgement(content, signature, ack_public=exchange.ack_public, center=exchange.center)
    last = exchange.last_ack
    if last is not None and found.ack_seq <= last.acknowledgement.ack_seq:
        return Acknowledged(is_new=False, forgotten=0, erased=0, unmatched=())
    # A crash between the two steps is harmless: the erased ones are gone already when this is run again.
    doomed = _pending_delete(exchange)
    exchange.store.erase(doomed)
    kept.keep_acknowledgement(exchange.data_dir, content, signature, day)
    present = exchange.store.index()
    forgotten = _pending_delete(exchange)
    return Acknowledged(
        is_new=True,
        forgotten=len(forgotten),
        erased=len(doomed),
        unmatched=tuple(one.id for one in found.stored if one.id in present and one.id not in forgotten),
    )


def erase_due(exchange: Exchange, day: date) -> int:
    """Overwrite what was acknowledged five weeks ago; return how many envelopes that were."""
    last = exchange.last_ack
    if last is None or monday(day) - last.week < PENDING_LIFE:
        return 0
    doomed = _pending_delete(exchange)
    exchange.store.erase(doomed)
    return len(doomed)


def status(exchange: Exchange, day: date) -> Status:
    """Count, and say what is overdue."""
    present, doomed = exchange.store.index(), _pending_delete(exchange)
    stored = present.keys() - doomed.keys()
    manifest, ack = exchange.last_manifest, exchange.last_ack
    listed = [] if manifest is None else [one.id for one in manifest.manifest.envelopes]
    awaiting = sum(1 for name in listed if name in stored)
    oldest = exchange.store.oldest_week()
    alarms = []
    if stored and _is_overdue(day, EXPORT_ALARM, oldest, manifest):
        alarms.append("no export for two weeks or more; run `intake export DEST`")
    if awaiting and _is_overdue(day, ACK_ALARM, oldest, ack):
        alarms.append("no acknowledgement for four weeks or more; ask the reviewers for one")
    flood = kept.last_flood(exchange.data_dir)
    if flood is not None and monday(day) - flood <= FLOOD_ALARM:
        alarms.append(
            "the limit of a day was reached this week or last: a flood, or more reports than [intake.limits] expects; "
            "docs/running.md says what to do"
        )
    return Status(
        stored=len(stored),
        exported=len(listed),
        awaiting_acknowledgement=awaiting,
        pending_delete=len(doomed),
        alarms=tuple(alarms),
    )


def _is_overdue(
    day: date, allowed: timedelta, oldest: date | None, last: LastManifest | LastAcknowledgement | None
) -> bool:
    """Whether neither the last time nor the oldest report is recent."""
    weeks = [week for week in (oldest, None if last is None else last.week) if week is not None]
    return bool(weeks) and day - max(weeks) >= allowed


def _pending_delete(exchange: Exchange) -> Places:
    """Envelopes that the last acknowledgement names by id and by the hash of their present bytes."""
    last = exchange.last_ack
    if last is None:
        return {}
    present = exchange.store.index()
    found: Places = {}
    for entry in last.acknowledgement.stored:
        places = present.get(entry.id)
        if places is not None and _hash(exchange.store, entry.id, places) == entry.sha256:
            found[entry.id] = places
    return found


def _hash(store: Store, envelope_id: str, places: tuple[int, ...]) -> str:
    try:
        return store.read(envelope_id, places).sha256
    except errors.StoreDamageError:
        return ""  # no hash names a damaged envelope, so nothing acknowledges it


class _BundleWriter:
    """One bundle directory in the making; the manifest comes last, so an unfinished one is none."""

    def __init__(self, exchange: Exchange, destination: Path, day: date) -> None:
        last = exchange.last_manifest
        self._exchange = exchange
        self._day = day
        self._seq = 1 if last is None else last.manifest.seq + 1
        self._prev = None if last is None else last.sha256
        self._size = 0
        self._sums: list[str] = []
        self.entries: list[BundleEntry] = []
        self.directory = destination / bundle.bundle_name(exchange.center, self._seq)
        if (self.directory / bundle.MANIFEST_NAME).exists():
            raise errors.ExportError(
                f"{self.directory} exists already; take another directory, or move it away"
            )
        self.directory.mkdir(exist_ok=True)
        # Open to every account, though the umask is closed: a stick with owners is read by another one on the review
        # machine. What lies here is sealed, or signed and public: the mode protects nothing.
        with suppress(PermissionError):  # FAT knows no modes
            self.directory.chmod(0o755)

    def has_room(self, size: int, max_size: int) -> bool:
        return not self.entries or self._size + size <= max_size

    def add(self, envelope_id: str, sealed: bytes) -> None:
        entry = BundleEntry(id=envelope_id, n=len(sealed), sha256=hashlib.sha256(sealed).hexdigest())
        self._write(entry.file_name, sealed)
        self.entries.append(entry)
        self._size += entry.n

    def finish(self) -> None:
        last_ack = self._exchange.last_ack
        manifest = bundle.format_manifest(
            Manifest(
                center=self._exchange.center,
                seq=self._seq,
                prev=self._prev,
                config_serial=self._exchange.config_serial,
                envelopes=tuple(self.entries),
                last_ack=None
                if last_ack is None
                else LastAck(
                    ack_seq=last_ack.acknowledgement.ack_seq, audit_head=last_ack.acknowledgement.audit_head
                ),
            )
        )
        signature = signing.sign(labels.BUNDLE, manifest, self._exchange.export_key.seed)
        self._write(bundle.README_NAME, _README.encode())
        self._write(bundle.SUMS_NAME, "".join(sorted(self._sums)).encode())
        self._write(bundle.MANIFEST_SIG_NAME, signature)
        try:
            with kept.keeping_manifest(self._exchange.data_dir, manifest, signature, self._day):
                self._write(bundle.MANIFEST_NAME, manifest)
                self._set_times()
                kept.sync_directory(self.directory)
                kept.sync_directory(self.directory.parent)
        except BaseException:
            # The next bundle gets this number. A kill in the middle can still leave two with one number: the review
            # machine takes both, and says so. Remembering first would let a bundle be missed that never was, and the
            # alarm for one that is overdue be silent.
            with suppress(OSError):
                (self.directory / bundle.MANIFEST_NAME).unlink(missing_ok=True)
            raise

    def _write(self, name: str, content: bytes) -> None:
        kept.write_file(self.directory / name, content, mode=0o644)
        self._sums.append(f"{hashlib.sha256(content).hexdigest()}  {name}\n")

    def _set_times(self) -> None:
        """Let no time in the directory be finer than the week."""
        week = seconds_of(monday(self._day))
        for path in (*self.directory.iterdir(), self.directory):
            os.utime(path, (week, week))
