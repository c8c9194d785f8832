"""What lies in quarantine: envelopes that did not become cases, each with its reason in words and what to do next.

The vault keeps the sealed bytes of every one of them, so nothing here is lost for good, and a later key or a newer
software can try again. Nothing here opens an envelope by itself, and no byte of one is shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from crypto.canonical import Json
from crypto.unseal import Quarantine
from review_tool import audit
from review_tool.arrivals import Outcome
from review_tool.audit import Act
from review_tool.schema import ENVELOPE

SHOWN_DIGITS: Final = 16  # of an envelope's SHA-256 that people are shown: enough to find it in the log
RETRY: Final = "`review-tool quarantine --retry`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """A class of quarantine in words.

    Attributes:
        means: what is wrong with the envelope.
        next: what a person does now.
    """

    means: str
    next: str


_CHANGED: Final = (
    "ALARM: keep the stick, and ask the operator who could write to the server or the stick. Nothing in it can be "
    "believed or read; the person may tell again"
)
REMEDIES: Final[Mapping[Quarantine, Remedy]] = {
    Quarantine.UNREADABLE: Remedy(
        means="it is no sealed report at all, or its beginning is damaged",
        next="tell the operator: the server's disk may be failing, or somebody wrote into its store. There is no way to "
        "read it",
    ),
    Quarantine.NO_KEY: Remedy(
        means="no key in this keystore opens it",
        next="look for another keystore of this Center (an older stick, one made by a recovery), and open the vault with "
        f"the one that holds the missing key: {RETRY}. If there is none, compare the reading key's fingerprint with what "
        "`intake check` shows on the server: it may be sealing to a key that is not yours",
    ),
    Quarantine.TAMPERED_HEADER: Remedy(
        means="it was changed after it was sealed, in its header", next=_CHANGED
    ),
    Quarantine.TAMPERED: Remedy(means="it was changed or cut after it was sealed", next=_CHANGED),
    Quarantine.NEWER_FORMAT: Remedy(
        means="it is a report of a newer form than this software knows",
        next=f"update the review tool, then {RETRY}",
    ),
    Quarantine.UNSTRUCTURED: Remedy(
        means="it opens, but holds something else than a report of this form: somebody sealed a file by hand",
        next="leave it. It is in no number, and this version has no command that shows it",
    ),
    Quarantine.MALFORMED: Remedy(
        means="it opens, but what is inside breaks the format of a report",
        next="tell the developers the class, and the versions of both machines: the form or this tool has a defect. After "
        f"an update, {RETRY}",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """One envelope in quarantine.

    Attributes:
        envelope: its SHA-256, 64 hex digits; the log has the same.
        file: its name in the bundle and on the server; "" where the log does not say so.
        reason: its class.
        bundle: number of the bundle that brought it; None where the log does not say so any more.
        day: when it was set aside, "" where the log does not say so any more.
    """

    envelope: str
    file: str
    reason: Quarantine
    bundle: int | None
    day: str

    def facts(self) -> dict[str, Json]:
        """The envelope and its remedy as plain values."""
        remedy = REMEDIES[self.reason]
        return {
            "envelope": self.envelope,
            "file": self.file,
            "bundle": self.bundle,
            "day": self.day,
            "reason": self.reason.value,
            "means": remedy.means,
            "next": remedy.next,
        }


def waiting(connection: Connection) -> list[SetAside]:
    """Every envelope in quarantine, in the order in which they were set aside."""
    query = select(ENVELOPE.c.sha256, ENVELOPE.c.quarantine).where(ENVELOPE.c.outcome == Outcome.QUARANTINE)
    reasons = {row.sha256: Quarantine(row.quarantine) for row in connection.execute(query)}
    told = {
        str(facts["envelope"]): facts
        for _, facts in audit.read(connection)
        if facts is not None and facts["act"] == Act.QUARANTINE
    }
    order = [envelope for envelope in told if envelope in reasons]
    order += sorted(set(reasons) - set(order))
    return [_set_aside(envelope, reasons[envelope], told.get(envelope, {})) for envelope in order]


def _set_aside(envelope: str, reason: Quarantine, told: Mapping[str, Json]) -> SetAside:
    bundle = told.get("bundle")
    return SetAside(
        envelope=envelope,
        file=str(told.get("file", "")),
        reason=reason,
        bundle=bundle if isinstance(bundle, int) else None,
        day=str(told.get("day", "")),
    )
