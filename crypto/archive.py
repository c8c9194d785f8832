"""The sealed archive: volumes that any age program opens, with what a vault holds as lines of JSON (FORMAT.md §4.4).

A volume is a payload of its own type in an envelope. Writing and reading mirror each other; what the lines say is the
affair of whoever writes them. Nothing here seals or opens.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from crypto import canonical
from crypto.canonical import Json
from crypto.errors import CanonicalError, PayloadFormatError
from crypto.payload import Attachment, AttachmentMeta, PayloadType, pack, split, unpack

_ARCHIVE_ID: Final = re.compile(r"[0-9a-f]{32}")
_CASE: Final = re.compile(r"[A-Za-z0-9-]{1,16}")  # of a case or a release; it may become part of a file name
_CENTER: Final = re.compile(r"[a-z0-9-]{3,32}")
_HEADER_KEYS: Final = frozenset({"archive", "attachments", "center", "day", "is_last", "lines", "volume"})
_FILE_KEYS: Final = frozenset({"case", "claimed_type", "name", "sha256", "size"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which volume of which archive.

    Attributes:
        archive: 32 random hex digits, the same in all volumes.
        center: id of the Center.
        day: on which the archive was made.
        volume: counted from 1.
        is_last: whether it is the last one.
    """

    archive: str
    center: str
    day: date
    volume: int
    is_last: bool


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Volume:
    """An opened volume: its lines, and the files of cases with the id of the case."""

    place: Place
    context_id: bytes
    lines: tuple[Mapping[str, Json], ...]
    files: tuple[tuple[str, AttachmentMeta, bytes], ...]

    def __repr__(self) -> str:
        return "Volume(redacted)"


def line(facts: Mapping[str, Json]) -> bytes:
    """Write one line.

    Raises:
        CanonicalError: a value is outside the format.
    """
    return canonical.encode(facts) + b"\n"


def file_facts(case: str, meta: AttachmentMeta) -> dict[str, Json]:
    """What the header says of a file."""
    return {
        "case": case,
        "claimed_type": meta.claimed_type,
        "name": meta.name,
        "sha256": meta.sha256,
        "size": meta.size,
    }


def pack_volume(
    place: Place, lines: bytes, files: Sequence[tuple[str, Attachment]], *, context_id: bytes
) -> Iterator[bytes]:
    """Lay out a volume, piece by piece, padded to its class.

    Raises:
        PayloadFormatError: the whole is above the largest class, or a value is outside the format.
    """
    header = canonical.encode(
        {
            "archive": place.archive,
            "attachments": [file_facts(case, one.meta) for case, one in files],
            "center": place.center,
            "day": place.day.isoformat(),
            "is_last": place.is_last,
            "lines": {"sha256": hashlib.sha256(lines).hexdigest(), "size": len(lines)},
            "volume": place.volume,
        }
    )
    body = [(len(lines), [lines]), *((one.meta.size, one.pieces) for _, one in files)]
    return pack(PayloadType.ARCHIVE_VOLUME, header, body, context_id=context_id)


def unpack_volume(plaintext: bytes) -> Volume:
    """Read a volume, and hold every part of it against its hash.

    Raises:
        PayloadFormatError: it is not exactly what a writer writes.
        PayloadVersionError: it is of a version that this software does not know.
    """
    encoded, body, context_id = unpack(plaintext, PayloadType.ARCHIVE_VOLUME)
    try:
        header = _exactly(canonical.decode(encoded), _HEADER_KEYS)
        told = _exactly(header["lines"], {"sha256", "size"})
        listed = header["attachments"]
        named = [_file(one) for one in listed] if isinstance(listed, list) else []
        # The lines are no file of anybody; as one, the same rule holds for them.
        first = AttachmentMeta(
            name="", claimed_type="", sha256=str(told["sha256"]), size=_count(told["size"])
        )
        parts = split(body, [first, *(meta for _, meta in named)])
        lines = tuple(_line(one) for one in parts[0].split(b"\n")[:-1])
        if b"".join(line(one) for one in lines) != parts[0]:
            raise PayloadFormatError
        place = Place(
            archive=_matching(_ARCHIVE_ID, header["archive"]),
            center=_matching(_CENTER, header["center"]),
            day=date.fromisoformat(str(header["day"])),
            volume=_count(header["volume"]),
            is_last=header["is_last"] is True,
        )
    except (CanonicalError, ValueError):
        raise PayloadFormatError from None
    files = tuple((case, meta, content) for (case, meta), content in zip(named, parts[1:], strict=True))
    return Volume(place=place, context_id=context_id, lines=lines, files=files)


def _line(encoded: bytes) -> Mapping[str, Json]:
    found = canonical.decode(encoded)
    if not isinstance(found, Mapping):
        raise PayloadFormatError
    return found


def _file(value: Json) -> tuple[str, AttachmentMeta]:
    told = _exactly(value, _FILE_KEYS)
    meta = AttachmentMeta(
        name=str(told["name"]),
        claimed_type=str(told["claimed_type"]),
        sha256=str(told["sha256"]),
        size=_count(told["size"]),
    )
    return _matching(_CASE, told["case"]), meta


def _exactly(value: Json, keys: frozenset[str] | set[str]) -> Mapping[str, Json]:
    if not isinstance(value, Mapping) or set(value) != keys:
        raise PayloadFormatError
    return value


def _matching(pattern: re.Pattern[str], value: Json) -> str:
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise PayloadFormatError
    return value


def _count(value: Json) -> int:
    if type(value) is not int or value < 0:  # True is an int to isinstance
        raise PayloadFormatError
    return value
