"""The sealed archive: what the vault holds, in volumes that stock age opens in ten years without this software.

A case and its files stand in one volume. What a person left to be reached by stays sealed inside it, as in the vault.
Envelopes in quarantine are not in it: they are in the backups. Every volume is opened again before it counts.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, select

from crypto import age, xwing
from crypto import archive as volumes
from crypto.archive import Place, Volume
from crypto.canonical import Json
from crypto.errors import EnvelopeError, FormatError, PayloadError
from crypto.keystore import EpochState, Keystore
from crypto.payload import CLASS_CAP, Attachment, AttachmentMeta
from crypto.report import header_fields
from crypto.unseal import Identity, open_payload, unseal
from review_tool import audit, case_rows, durable
from review_tool import vault as vaults
from review_tool.audit import Act
from review_tool.cases import Case
from review_tool.errors import ArchiveError
from review_tool.schema import CASE, CONFIG, ENVELOPE, RELEASE, RELEASE_FILE
from review_tool.vault import Vault

ARCHIVE_ID_SIZE: Final = 16  # bytes, random: tells volumes of two archives apart
HEADER_ROOM: Final = 4096  # bytes of a volume for prefix and header without its files; some 400 are used
HEADER_LIMIT: Final = 512 * 1024  # bytes of a header that lists files; a reader takes 1 MiB
_SUFFIX: Final = ".age"


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """An archive that was opened again and is complete.

    Attributes:
        files: its volumes.
        cases: how many cases it holds.
        attachments: how many files of cases.
        lost: ids of cases whose files could not be taken along: no key of this keystore opens the sealed original.
    """

    files: tuple[Path, ...]
    cases: int
    attachments: int
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Entry:
    """One line, with the files that must stand in the same volume."""

    facts: Mapping[str, Json]
    case: str = ""
    files: tuple[Attachment, ...] = ()
    encoded: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoded", volumes.line(self.facts))

    @property
    def named(self) -> int:
        """Bytes that the header needs for the files."""
        return sum(len(volumes.line(volumes.file_facts(self.case, one.meta))) for one in self.files)

    @property
    def size(self) -> int:
        """Bytes that the body needs."""
        return len(self.encoded) + sum(one.meta.size for one in self.files)


def write_archive(
    vault: Vault,
    keystore: Keystore,
    directory: Path,
    *,
    day: date,
    reviewer: str,
    limit: int = CLASS_CAP,
    draw: Callable[[int], bytes] = secrets.token_bytes,
) -> Archive:
    """Write an archive of the vault, sealed to the active key epochs, and open it again.

    Args:
        vault: the open vault.
        keystore: its epochs open the originals and the archive.
        directory: where the volumes go, best empty.
        day: today; part of the names.
        reviewer: pseudonym for the log.
        limit: bytes of the largest volume, unsealed.
        draw: source of the archive's id.

    Raises:
        ArchiveError: it cannot be written, there is one of today already, or it did not open as it was written.
    """
    identities = [Identity(epoch=one.epoch, seed=one.seed) for one in keystore.epochs]
    active = [one.seed for one in keystore.epochs if one.state is EpochState.ACTIVE]
    recipients = [xwing.key_pair(seed).public for seed in active]
    place = Place(archive=draw(ARCHIVE_ID_SIZE).hex(), center=vault.center, day=day, volume=1, is_last=False)
    written: list[Path] = []
    lost: list[str] = []
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with vault.transaction() as connection:
            context_id = vaults.archived_configs(connection)[-1].context_id
            groups = _grouped(_entries(connection, identities, lost), limit)
            for group, is_last in _with_last(groups):
                place = replace(place, volume=len(written) + 1, is_last=is_last)
                written.append(_write(directory, place, group, recipients, context_id))
    except OSError as error:
        raise ArchiveError(
            f"the archive cannot be written to {directory} ({error.strerror}); take away what is there of it"
        ) from None
    cases, attachments = counted(read_archive(written, keystore))
    sums: list[Json] = [_digest(path) for path in written]
    facts: dict[str, Json] = {"archive": place.archive, "cases": cases, "volumes": sums}
    vault.record(Act.ARCHIVE, day=day, reviewer=reviewer, **facts)
    return Archive(files=tuple(written), cases=cases, attachments=attachments, lost=tuple(lost))


def counted(opened: Iterable[Volume]) -> tuple[int, int]:
    """Cases and their files in volumes, one volume in memory at a time."""
    cases = files = 0
    for volume in opened:
        here = {str(one["id"]) for one in volume.lines if one["kind"] == "case"}
        cases += len(here)
        files += sum(case in here for case, _, _ in volume.files)
    return cases, files


def is_logged(connection: Connection, files: Sequence[Path]) -> bool:
    """Whether the log says that this vault wrote just these volumes: an archive is sealed, and not signed."""
    written = audit.naming(connection, "act", Act.ARCHIVE.value)
    return any(facts["volumes"] == [_digest(path) for path in sorted(files)] for _, facts in written)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_archive(files: Sequence[Path], keystore: Keystore) -> Iterator[Volume]:
    """Open the volumes of one archive, in their order, one at a time; ends only if all of them were there.

    Raises:
        ArchiveError: a volume is missing, damaged, or of another archive or Center.
    """
    identities = [Identity(epoch=one.epoch, seed=one.seed) for one in keystore.epochs]
    first: Place | None = None
    number, is_last = 0, False
    for number, path in enumerate(sorted(files), start=1):
        volume = _open(path, identities)
        first = first or volume.place
        expected = replace(first, volume=number, is_last=volume.place.is_last)
        if is_last or volume.place != expected or first.center != keystore.center:
            raise ArchiveError(
                f"{path} is not volume {number} of this archive: give the folder of one archive, whole"
            )
        is_last = volume.place.is_last
        yield volume
    if not is_last:
        raise ArchiveError(f"the archive ends after {number} volumes without its last one: look for the rest")


def volumes_in(directory: Path) -> list[Path]:
    """The files of a folder that are volumes by their name."""
    return sorted(directory.glob(f"archive-*{_SUFFIX}"))


def _open(path: Path, identities: Sequence[Identity]) -> Volume:
    try:
        with path.open("rb") as file:
            plaintext, _ = open_payload(file, identities)
        return volumes.unpack_volume(plaintext)
    except OSError as error:
        raise ArchiveError(f"{path} cannot be read ({error.strerror})") from None
    except FormatError as error:
        raise ArchiveError(f"{path} does not open as a volume ({error}); take another copy of it") from None


def _write(
    directory: Path, place: Place, group: Sequence[_Entry], recipients: Sequence[bytes], context_id: bytes
) -> Path:
    path = directory / f"archive-{place.center}-{place.day}-{place.volume:03d}{_SUFFIX}"
    if path.exists():
        raise ArchiveError(f"{path} is there already; an archive goes into a folder of its own")
    pieces = volumes.pack_volume(
        place,
        b"".join(entry.encoded for entry in group),
        [(entry.case, one) for entry in group for one in entry.files],
        context_id=context_id,
    )
    with durable.appearing(path) as file, age.Writer(file, recipients) as writer:
        for piece in pieces:
            writer.write(piece)
    return path


def _grouped(entries: Iterator[_Entry], limit: int) -> Iterator[list[_Entry]]:
    """Fill volumes one after the other."""
    group: list[_Entry] = []
    size, named = HEADER_ROOM, 0
    for entry in entries:
        if group and (size + entry.size + entry.named > limit or named + entry.named > HEADER_LIMIT):
            yield group
            group, size, named = [], HEADER_ROOM, 0
        group.append(entry)
        size, named = size + entry.size + entry.named, named + entry.named
    yield group


def _with_last(groups: Iterator[list[_Entry]]) -> Iterator[tuple[list[_Entry], bool]]:
    """Tell of each volume whether it is the last one."""
    held = next(groups)
    for group in groups:
        yield held, False
        held = group
    yield held, True


def _entries(connection: Connection, identities: Sequence[Identity], lost: list[str]) -> Iterator[_Entry]:
    """Everything that the archive holds, line by line; ids of cases whose files stay behind are added to `lost`."""
    yield _Entry(facts={"kind": "log", "head": audit.head(connection)})
    for row in connection.execute(select(CONFIG).order_by(CONFIG.c.serial)):
        facts = {"context_id": row.context_id.hex(), "minisig": row.minisig, "raw": row.raw.decode()}
        yield _Entry(facts={"kind": "config", **facts})
    yield from _releases(connection)
    codings = case_rows.read_codings(connection)
    for case in case_rows.read_cases(connection):
        files = _files(connection, case, identities)
        if files is None:
            lost.append(case.id)
        judged: list[Json] = [
            {"coder": one.coder, **case_rows.judgement(one)} for one in codings.get(case.id, ())
        ]
        told = {**_case_facts(connection, case), "codings": judged, "files": len(files or ())}
        yield _Entry(facts=told, case=case.id, files=files or ())


def _releases(connection: Connection) -> Iterator[_Entry]:
    for row in connection.execute(select(RELEASE).order_by(RELEASE.c.number)).all():
        yield _Entry(facts={"kind": "release", "id": row.id, "until": row.until.isoformat()})
        query = select(RELEASE_FILE).where(RELEASE_FILE.c.release == row.id).order_by(RELEASE_FILE.c.name)
        for file in connection.execute(query).all():
            meta = AttachmentMeta(name=file.name, claimed_type="", sha256=file.sha256, size=len(file.content))
            facts = {"kind": "release_file", "release": row.id, "name": file.name}
            yield _Entry(facts=facts, case=row.id, files=(Attachment(meta=meta, pieces=[file.content]),))


def _case_facts(connection: Connection, case: Case) -> dict[str, Json]:
    block = case_rows.contact_block(connection, case.id)
    return {
        "kind": "case",
        "id": case.id,
        "payload_id": case.payload_id,
        "context_id": case_rows.context_of(connection, case.id).hex(),
        "week": case.week,
        "lang": case.lang,
        "form_version": case.form_version,
        "flags": list(case.flags),
        "answers": header_fields(case.report),
        "state": case.state.value,
        "urgency": case.urgency.value,
        "clarity": case.clarity.value,
        "duplicate_of": case.duplicate_of,
        "incident_id": case.incident_id,
        "series_id": case.series_id,
        "closed_on": None if case.closed_on is None else case.closed_on.isoformat(),
        "is_held": case.is_held,
        "contact_block": None if block is None else base64.b64encode(block).decode(),
    }


def _files(
    connection: Connection, case: Case, identities: Sequence[Identity]
) -> tuple[Attachment, ...] | None:
    """The files of a case out of its sealed original; None if that does not open any more."""
    if not case.attachments:
        return ()
    query = select(ENVELOPE.c.sealed).join(CASE, CASE.c.envelope == ENVELOPE.c.sha256)
    sealed = connection.execute(query.where(CASE.c.payload_id == case.payload_id)).scalar_one()
    try:
        opened = unseal(sealed, identities)
    except (EnvelopeError, PayloadError):
        return None
    pairs = zip(opened.header.attachments, opened.attachments, strict=True)
    return tuple(Attachment(meta=meta, pieces=[content]) for meta, content in pairs)
