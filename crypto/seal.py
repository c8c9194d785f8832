"""Seal a report into an envelope: public keys only, and nothing here can open one again (P1, P4)."""

import io
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from crypto import age
from crypto.config import PublicConfig
from crypto.errors import HeaderError, NoRecipientError
from crypto.payload import Attachment, pack_contact, pack_report
from crypto.report import FORM_VERSION, Flag, Report, header_fields

PAYLOAD_ID_SIZE: Final = 16  # bytes; random, so that equal reports share nothing


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Envelope:
    """One sealed report: an age v1 file with one to four hybrid stanzas and no other.

    Having an `Envelope` means that its header was checked; the store takes nothing else.

    Raises:
        HeaderError: the bytes are no age file, or hold a stanza that is not quantum-safe.
    """

    sealed: bytes

    def __post_init__(self) -> None:
        header = age.read_header(io.BytesIO(self.sealed))
        if len(header.stanzas) > age.MAX_RECIPIENTS or not all(one.is_hybrid for one in header.stanzas):
            raise HeaderError

    def __repr__(self) -> str:
        return f"Envelope({len(self.sealed)} bytes)"


def seal(
    report: Report,
    config: PublicConfig,
    *,
    lang: str,
    flags: Collection[Flag],
    day: date,
    attachments: Sequence[Attachment] = (),
) -> Envelope:
    """Seal a report to every recipient that is active on `day`, which is also the day of receipt inside the seal.

    Raises:
        NoRecipientError: the configuration has no key for that day; the form must be closed.
        PayloadFormatError: the report with its attachments is above the largest size class.
    """
    recipients = [one.public for one in config.active(day)]
    if not recipients:
        raise NoRecipientError("no key of the Center is active today; install a newer signed configuration")
    payload_id = secrets.token_hex(PAYLOAD_ID_SIZE)
    contact_block = None
    if report.contact:
        contact = pack_contact(report.contact, payload_id=payload_id, context_id=config.context_id)
        contact_block = age.seal_to(recipients, contact)
    payload = pack_report(
        fields=header_fields(report),
        flags=flags,
        form_lang=lang,
        form_version=FORM_VERSION,
        payload_id=payload_id,
        received_day=day,
        context_id=config.context_id,
        contact_block=contact_block,
        attachments=attachments,
    )
    return Envelope(sealed=age.seal_to(recipients, payload))
