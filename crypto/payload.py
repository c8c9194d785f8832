"""What is inside an envelope: payload v1, its size classes and the contact block (FORMAT.md §4).

Packing and unpacking mirror each other, in the order of the bytes: prefix, header, body, zeros. A reader accepts
nothing that this writer could not have written; within a class of refusal there is one message, whichever check
refused. Nothing here seals or opens, and names and types of attachments are carried, never trusted.
"""

import hashlib
import re
import struct
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import Final

from crypto import canonical
from crypto.canonical import Json
from crypto.errors import CanonicalError, PayloadFormatError, PayloadVersionError

PAYLOAD_MAGIC: Final = b"HIRP"
PAYLOAD_VERSION: Final = 1
CLASS_FLOOR: Final = 32_768  # bytes; the largest text report of any language fits (P3)
CLASS_CAP: Final = 134_217_728  # bytes, 128 MiB; three attachments of 25 MiB fall into it
CONTACT_SIZE: Final = 2_048  # bytes; 400 characters of four bytes need about 1,700
CONTEXT_SIZE: Final = 32  # bytes; SHA-256
MAX_HEADER: Final = 1_048_576  # bytes, 1 MiB; our largest is below 32 KiB

_PREFIX: Final = struct.Struct(
    ">4sBBHIQ32s"
)  # magic, version, type, reserved, header_len, body_len, context_id
_ZEROS: Final = bytes(1_048_576)  # padding is made once and used over and over
Part = tuple[int, Iterable[bytes]]  # bytes in all, and the bytes in pieces
_PAYLOAD_ID: Final = re.compile(r"[0-9a-f]{32}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_LANG: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?")
_VERSION: Final = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}")
_CODE: Final = re.compile(r"[a-z0-9_.]{1,24}")


class PayloadType(IntEnum):
    """What a payload holds; REPORT, CONTACT and ARCHIVE_VOLUME are written today, the rest is reserved."""

    REPORT = 1
    FOLLOW_UP = 2
    WITHDRAWAL = 3
    COVER = 4
    CONTACT = 5
    REPLY_SLOT = 10
    ARCHIVE_VOLUME = 20


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AttachmentMeta:
    """What the header says of one attachment; `size` in bytes."""

    name: str
    claimed_type: str
    sha256: str
    size: int

    def __repr__(self) -> str:
        return "AttachmentMeta(redacted)"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Attachment:
    """A file as it came: what the header says of it, and its bytes in pieces of any length, to be read once."""

    meta: AttachmentMeta
    pieces: Iterable[bytes]

    def __repr__(self) -> str:
        return "Attachment(redacted)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactMeta:
    """What the header says of the sealed contact block; `size` in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Header:
    """The header of a report.

    `received_day` is the only date, and stands inside the seal only. `fields` are those of `report.header_fields`;
    `flags` may hold codes of newer software.
    """

    attachments: tuple[AttachmentMeta, ...]
    contact: ContactMeta | None
    fields: Mapping[str, Json]
    flags: tuple[str, ...]
    form_lang: str
    form_version: str
    payload_id: str
    received_day: date

    def __repr__(self) -> str:
        return "Header(redacted)"


def class_size(size: int) -> int:
    """Bytes that a payload of `size` bytes is padded to: a power of two, at least 32 KiB.

    Raises:
        PayloadFormatError: no class is that large.
    """
    padded = max(CLASS_FLOOR, 1 << (size - 1).bit_length())
    if padded > CLASS_CAP:
        raise PayloadFormatError
    return padded


def pack_report(
    *,
    fields: Mapping[str, Json],
    flags: Collection[str],
    form_lang: str,
    form_version: str,
    payload_id: str,
    received_day: date,
    context_id: bytes,
    contact_block: bytes | None,
    attachments: Sequence[Attachment] = (),
) -> Iterator[bytes]:
    """Lay out a report, piece by piece, and pad it to its class.

    `contact_block` is already sealed, None if none was given.

    Raises:
        PayloadFormatError: a value is outside the format, or the whole is above the largest class. While iterating: an
            attachment has another size than its header says.
    """
    header = Header(
        attachments=tuple(attachment.meta for attachment in attachments),
        contact=None
        if contact_block is None
        else ContactMeta(sha256=_sha256(contact_block), size=len(contact_block)),
        fields=fields,
        flags=tuple(sorted(flags)),
        form_lang=form_lang,
        form_version=form_version,
        payload_id=payload_id,
        received_day=received_day,
    )
    body: list[Part] = [] if contact_block is None else [(len(contact_block), [contact_block])]
    body += [(one.meta.size, one.pieces) for one in attachments]
    return pack(PayloadType.REPORT, format_header(header), body, context_id=context_id)


def unpack_report(plaintext: bytes) -> tuple[Header, bytes, bytes | None, tuple[bytes, ...]]:
    """Take a report apart: header, context id, sealed contact block or None, attachments in header order.

    Raises:
        PayloadFormatError: the bytes are no payload of ours, or not exactly what a writer writes.
        PayloadVersionError: they are of a version or a type that this software does not know.
    """
    encoded, body, context_id = unpack(plaintext, PayloadType.REPORT)
    if len(plaintext) != class_size(_PREFIX.size + len(encoded) + len(body)):
        raise PayloadFormatError
    header = parse_header(encoded)
    expected: list[ContactMeta | AttachmentMeta] = [*header.attachments]
    if header.contact is not None:
        expected.insert(0, header.contact)
    parts = split(body, expected)
    if header.contact is None:
        return header, context_id, None, parts
    return header, context_id, parts[0], parts[1:]


def pack_contact(contact: str, *, payload_id: str, context_id: bytes) -> bytes:
    """Lay out a contact block, always 2,048 bytes, bound to its report by both ids.

    Raises:
        PayloadFormatError: the text does not fit (a `Report` never holds such a one).
    """
    header = canonical.encode({"contact": contact, "payload_id": payload_id})
    return b"".join(pack(PayloadType.CONTACT, header, [], context_id=context_id, size=CONTACT_SIZE))


def unpack_contact(plaintext: bytes, *, payload_id: str, context_id: bytes) -> str:
    """Read the contact of the report with this payload id and context id.

    Raises:
        PayloadFormatError: the block is malformed or belongs to another report.
        PayloadVersionError: it is of a version or a type that this software does not know.
    """
    encoded, body, found_context = unpack(plaintext, PayloadType.CONTACT)
    header = _object(_decode(encoded), {"contact", "payload_id"})
    if len(plaintext) != CONTACT_SIZE or body or found_context != context_id:
        raise PayloadFormatError
    if header["payload_id"] != payload_id:
        raise PayloadFormatError
    return _text(header["contact"])


def format_header(header: Header) -> bytes:
    """Write a report's header as canonical JSON.

    Raises:
        PayloadFormatError: a value is outside the format.
    """
    contact = header.contact
    value: dict[str, Json] = {
        "attachments": [
            {"claimed_type": one.claimed_type, "name": one.name, "sha256": one.sha256, "size": one.size}
            for one in header.attachments
        ],
        "contact": None if contact is None else {"sha256": contact.sha256, "size": contact.size},
        "fields": header.fields,
        "flags": list(header.flags),
        "follow_up": None,
        "form": {"lang": header.form_lang, "version": header.form_version},
        "payload_id": header.payload_id,
        "received_day": header.received_day.isoformat(),
        "thread": None,
    }
    try:
        encoded = canonical.encode(value)
    except CanonicalError:
        raise PayloadFormatError from None
    parse_header(encoded)  # a header that no reader takes must not be sealed: nobody could mend it later
    return encoded


_HEADER_KEYS: Final = frozenset({
    "attachments", "contact", "fields", "flags", "follow_up", "form", "payload_id", "received_day", "thread",
})  # fmt: skip


def parse_header(encoded: bytes) -> Header:
    """Read a report's header.

    Raises:
        PayloadFormatError: not canonical, or not exactly the keys and shapes of version 1.
        PayloadVersionError: it uses a reserved place (`thread`, `follow_up`): newer software wrote it.
    """
    value = _object(_decode(encoded), _HEADER_KEYS)
    if value["thread"] is not None or value["follow_up"] is not None:
        raise PayloadVersionError
    form = _object(value["form"], {"lang", "version"})
    fields = value["fields"]
    if not isinstance(fields, Mapping):
        raise PayloadFormatError
    return Header(
        attachments=tuple(_attachment_meta(one) for one in _list(value["attachments"])),
        contact=None if value["contact"] is None else _contact_meta(value["contact"]),
        fields=fields,
        flags=tuple(_matching(_CODE, flag) for flag in _list(value["flags"])),
        form_lang=_matching(_LANG, form["lang"]),
        form_version=_matching(_VERSION, form["version"]),
        payload_id=_matching(_PAYLOAD_ID, value["payload_id"]),
        received_day=_day(value["received_day"]),
    )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def pack(
    kind: PayloadType, header: bytes, body: Sequence[Part], *, context_id: bytes, size: int | None = None
) -> Iterator[bytes]:
    """Lay out prefix, header, body and zeros; `size` fixes the result, else its class does.

    Raises:
        PayloadFormatError: header or context id are outside the format, or the whole is above the largest class. While
            iterating: a part is not as long as was said of it.
    """
    if len(header) > MAX_HEADER or len(context_id) != CONTEXT_SIZE:
        raise PayloadFormatError
    body_len = sum(part_size for part_size, _ in body)
    told = _PREFIX.size + len(header) + body_len
    padded = class_size(told) if size is None else size
    if told > padded:
        raise PayloadFormatError
    prefix = _PREFIX.pack(PAYLOAD_MAGIC, PAYLOAD_VERSION, kind, 0, len(header), body_len, context_id)
    return _lay_out(prefix + header, body, padded - told)


def _lay_out(start: bytes, body: Sequence[Part], zeros: int) -> Iterator[bytes]:
    yield start
    for size, pieces in body:
        missing = size
        for piece in pieces:
            missing -= len(piece)
            yield piece
        if missing:  # what follows would be read as part of another file
            raise PayloadFormatError
    for at in range(0, zeros, len(_ZEROS)):
        yield _ZEROS[: zeros - at]


def unpack(plaintext: bytes, wanted: PayloadType) -> tuple[bytes, bytes, bytes]:
    """Split a payload into header, body and context id, checking the prefix and the zeros behind.

    Raises:
        PayloadFormatError: the bytes are no payload of ours.
        PayloadVersionError: they are of a version or a type that this software does not know.
    """
    if plaintext[: len(PAYLOAD_MAGIC)] != PAYLOAD_MAGIC:
        raise PayloadFormatError(is_ours=False)
    if len(plaintext) < _PREFIX.size:
        raise PayloadFormatError
    _, version, kind, reserved, header_len, body_len, context_id = _PREFIX.unpack_from(plaintext)
    if version != PAYLOAD_VERSION or kind not in (wanted, PayloadType.REPORT, PayloadType.CONTACT):
        raise PayloadVersionError
    end = _PREFIX.size + header_len + body_len
    if kind != wanted or reserved or header_len > MAX_HEADER or end > len(plaintext):
        raise PayloadFormatError
    if plaintext.count(0, end) != len(plaintext) - end:
        raise PayloadFormatError
    body_start = _PREFIX.size + header_len
    return plaintext[_PREFIX.size : body_start], plaintext[body_start:end], context_id


def split(body: bytes, expected: Sequence[ContactMeta | AttachmentMeta]) -> tuple[bytes, ...]:
    """Cut a body into the parts that the header announced, and hold each against its hash.

    Raises:
        PayloadFormatError: a part is missing or another one, or bytes are left.
    """
    parts = []
    at = 0
    for meta in expected:
        part = body[at : at + meta.size]
        if len(part) != meta.size or _sha256(part) != meta.sha256:
            raise PayloadFormatError
        parts.append(part)
        at += meta.size
    if at != len(body):
        raise PayloadFormatError
    return tuple(parts)


def _decode(encoded: bytes) -> Json:
    try:
        return canonical.decode(encoded)
    except CanonicalError:
        raise PayloadFormatError from None


def _object(value: Json, keys: Collection[str]) -> Mapping[str, Json]:
    if not isinstance(value, Mapping) or set(value) != set(keys):
        raise PayloadFormatError
    return value


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise PayloadFormatError
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise PayloadFormatError
    return value


def _matching(pattern: re.Pattern[str], value: Json) -> str:
    text = _text(value)
    if pattern.fullmatch(text) is None:
        raise PayloadFormatError
    return text


def _size(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise PayloadFormatError
    return value


def _day(value: Json) -> date:
    text = _text(value)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise PayloadFormatError from None
    if day.isoformat() != text:  # Python reads more forms than the one we write
        raise PayloadFormatError
    return day


def _contact_meta(value: Json) -> ContactMeta:
    meta = _object(value, {"sha256", "size"})
    return ContactMeta(sha256=_matching(_DIGEST, meta["sha256"]), size=_size(meta["size"]))


def _attachment_meta(value: Json) -> AttachmentMeta:
    meta = _object(value, {"claimed_type", "name", "sha256", "size"})
    return AttachmentMeta(
        name=_text(meta["name"]),
        claimed_type=_text(meta["claimed_type"]),
        sha256=_matching(_DIGEST, meta["sha256"]),
        size=_size(meta["size"]),
    )
