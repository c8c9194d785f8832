"""Seal a report into an envelope: public keys only, and nothing here can open one again (P1, P4)."""

import io
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import BinaryIO, Final

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

    Attributes:
        content: the age file, in memory or on a disk; whoever reads it begins at its start.
        size: its length in bytes.

    Raises:
        HeaderError: the bytes are no age file, or hold a stanza that is not quantum-safe.
    """

    content: BinaryIO
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.content.seek(0)
        header = age.read_header(self.content)
        if len(header.stanzas) > age.MAX_RECIPIENTS or not all(one.is_hybrid for one in header.stanzas):
            raise HeaderError
        object.__setattr__(self, "size", self.content.seek(0, io.SEEK_END))

    @property
    def sealed(self) -> bytes:
        """The whole file, for a report that is known to be small."""
        self.content.seek(0)
        return self.content.read()

    def __repr__(self) -> str:
        return f"Envelope({self.size} bytes)"


def seal(
    report: Report,
    config: PublicConfig,
    *,
    lang: str,
    flags: Collection[Flag],
    day: date,
    attachments: Sequence[Attachment] = (),
    sink: BinaryIO | None = None,
) -> Envelope:
    """Seal a report to every recipient that is active on `day`, which is also the day of receipt inside the seal.

    Nothing but a few chunks is held in memory, unless there is no `sink` and the whole envelope is.

    Raises:
        NoRecipientError: the configuration has no key for that day; the form must be closed.
        PayloadFormatError: the report with its attachments is above the largest size class, or an attachment is not
            as long as was said of it.
        OSError: the sink took no more.
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
    content: BinaryIO = io.BytesIO() if sink is None else sink
    age.seal_into(content, recipients, payload)
    return Envelope(content=content)
