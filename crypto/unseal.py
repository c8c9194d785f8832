"""Open envelopes with the Center's private keys: never on the internet side (P4).

Nothing of a report is handed on before its last byte was authenticated, and nothing here writes a file.
"""

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import BinaryIO, Final

from crypto import age, bech32
from crypto.errors import (
    ContextError,
    FormatError,
    HeaderError,
    HeaderMacError,
    KeyStringError,
    NoMatchError,
    PayloadFormatError,
    PayloadVersionError,
    StreamError,
)
from crypto.payload import CLASS_CAP, CONTACT_SIZE, Header, unpack_contact, unpack_report
from crypto.report import Report, report_from_header
from crypto.xwing import SEED_SIZE, KeyPair, key_pair

IDENTITY_HRP: Final = "age-secret-key-pq-"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Identity:
    """The private key of one key epoch: its 32-byte seed."""

    epoch: int
    seed: bytes
    pair: KeyPair = field(init=False)  # expanded once, not for every envelope

    def __post_init__(self) -> None:
        object.__setattr__(self, "pair", key_pair(self.seed))

    def __repr__(self) -> str:
        return f"Identity(epoch={self.epoch})"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Opened:
    """An opened report; its contact block is still sealed, and `report.contact` is empty."""

    header: Header
    report: Report
    context_id: bytes
    contact_block: bytes | None
    attachments: tuple[bytes, ...]
    epoch: int

    def __repr__(self) -> str:
        return "Opened(redacted)"


class Quarantine(StrEnum):
    """Why an envelope could not become a case; its ciphertext is kept."""

    UNREADABLE = "unreadable-envelope"
    NO_KEY = "no-key"
    TAMPERED_HEADER = "tampered-header"
    TAMPERED = "tampered"
    NEWER_FORMAT = "newer-format"
    UNSTRUCTURED = "unstructured"
    MALFORMED = "malformed"


def format_identity(seed: bytes) -> str:
    """Write a seed as the identity string of stock age, `AGE-SECRET-KEY-PQ-1…` in upper case."""
    return bech32.encode(IDENTITY_HRP, seed).upper()


def parse_identity(text: str) -> bytes:
    """Read the 32-byte seed out of an identity string.

    Raises:
        KeyStringError: it is not an upper-case identity string of a hybrid key.
    """
    if text != text.upper():
        raise KeyStringError("an identity string is upper case throughout; copy it again")
    seed = bech32.decode(IDENTITY_HRP, text)
    if len(seed) != SEED_SIZE:
        raise KeyStringError("an identity string holds 32 bytes; copy it again")
    return seed


def unseal(sealed: BinaryIO | bytes, identities: Sequence[Identity]) -> Opened:
    """Open one envelope; everything is authenticated before anything is returned.

    Raises:
        EnvelopeError: by the failure table of `FORMAT.md`: not an age file, no key, tampered header or content.
        PayloadError: what was sealed is not a report that this software knows.
    """
    plaintext, epoch = open_payload(sealed, identities, CLASS_CAP)
    header, context_id, contact_block, attachments = unpack_report(plaintext)
    return Opened(
        header=header,
        report=report_from_header(header.fields),
        context_id=context_id,
        contact_block=contact_block,
        attachments=attachments,
        epoch=epoch,
    )


def unseal_contact(opened: Opened, identities: Sequence[Identity]) -> str:
    """Open the contact block of an opened report; a logged act with a reason, at its caller.

    Raises:
        EnvelopeError: the block does not open.
        PayloadFormatError: there is none, or it belongs to another report.
    """
    if opened.contact_block is None:
        raise PayloadFormatError
    plaintext, _ = open_payload(opened.contact_block, identities, CONTACT_SIZE)
    return unpack_contact(plaintext, payload_id=opened.header.payload_id, context_id=opened.context_id)


def require_context(opened: Opened, archive: Collection[bytes]) -> None:
    """Refuse a report that was sealed under a configuration not in the archive of context ids.

    Raises:
        ContextError: the report is whole, but the labels its author saw are unknown.
    """
    if opened.context_id not in archive:
        raise ContextError


def quarantine_class(error: FormatError) -> Quarantine:
    """Name the quarantine that an envelope goes to after `unseal` raised this error."""
    match error:
        case NoMatchError():
            return Quarantine.NO_KEY
        case HeaderMacError():
            return Quarantine.TAMPERED_HEADER
        case StreamError():
            return Quarantine.TAMPERED
        case HeaderError():
            return Quarantine.UNREADABLE
        case PayloadVersionError():
            return Quarantine.NEWER_FORMAT
        case PayloadFormatError() if not error.is_ours:
            return Quarantine.UNSTRUCTURED
        case _:
            return Quarantine.MALFORMED


def open_payload(
    sealed: BinaryIO | bytes, identities: Sequence[Identity], limit: int = CLASS_CAP
) -> tuple[bytes, int]:
    """Open an age file of at most `limit` plaintext bytes; return them with the epoch whose key fitted.

    Raises:
        EnvelopeError: by the failure table of `FORMAT.md`.
        PayloadFormatError: there are more bytes.
    """
    stream = io.BytesIO(sealed) if isinstance(sealed, bytes) else sealed
    header = age.read_header(stream)
    file_key, epoch = _unwrap(header, identities)
    content = bytearray()
    for chunk in age.open_content(stream, header, file_key):
        content += chunk
        if len(content) > limit:
            raise PayloadFormatError
    return bytes(content), epoch


def _unwrap(header: age.Header, identities: Sequence[Identity]) -> tuple[bytes, int]:
    for identity in identities:
        try:
            return age.unwrap(header, [identity.pair]), identity.epoch
        except NoMatchError:
            continue
    raise NoMatchError(tuple(identity.epoch for identity in identities))
