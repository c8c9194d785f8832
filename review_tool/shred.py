"""Shredding, the first step: what a case consists of is deleted, and a mark stays so that it cannot come back.

What is deleted here is gone from the vault's own pages only when the vault was written anew, and from backups only when
their key is dead: `rekeying` does both, and the vault remembers until then that it has to be done. What stays of a case:
its number, its mark, that it was counted in a release and with which codes, and an entry in the log.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from crypto.canonical import Json
from review_tool import audit, case_rows, ledger
from review_tool import vault as vaults
from review_tool.arrivals import Outcome, tombstone
from review_tool.audit import Act, Entry
from review_tool.cases import Case, case_number
from review_tool.errors import TransitionError
from review_tool.schema import CASE, CODING, ENVELOPE, TOMBSTONE

_STAGE: Final = "shredding"  # name of the fact


class Why(StrEnum):
    """Why a case is shredded."""

    ASKED = "asked"
    RETENTION = "retention"
    RESTORED = "restored"  # it was shredded before, and an older backup brought it back


class Stage(StrEnum):
    """How far a shredding is."""

    DONE = ""
    KEY = "key"  # rows are gone; old keys and old pages still hold them
    BACKUP = "backup"  # the vault has a new key, and no backup that opens with it


@dataclass(frozen=True, slots=True, kw_only=True)
class Shredded:
    """What was shredded.

    Attributes:
        cases: ids.
        counted: those that stand in a release, which keeps its numbers.
        entries: entries of the log whose words went with them.
    """

    cases: tuple[str, ...]
    counted: tuple[str, ...]
    entries: int


def stage(connection: Connection) -> Stage:
    """How far the last shredding is."""
    return Stage(vaults.fact(connection, _STAGE))


def reach(connection: Connection, stage_: Stage) -> None:
    """Remember how far a shredding is."""
    vaults.state_fact(connection, _STAGE, stage_.value)


def shred(connection: Connection, identifiers: Sequence[str], why: Why, who: Entry) -> Shredded:
    """Delete cases with their sealed originals, codings and log entries: all of them or none.

    Raises:
        UnknownCaseError: a case is not there.
        TransitionError: a case is on hold, or another case tells the same words and would stay.
    """
    cases = case_rows.read_some(connection, list(dict.fromkeys(identifiers)))
    for case in cases:
        _require_free(connection, case, {one.id for one in cases})
    released = ledger.counted_numbers(connection)
    counted = tuple(case.id for case in cases if case_number(case.id) in released)
    entries = []
    count = 0
    for case in cases:
        forgotten = _delete(connection, case)
        count += forgotten
        facts: dict[str, Json] = {
            "case": case.id,
            "counted": case.id in counted,
            "entries": forgotten,
            "why": why.value,
        }
        entries.append(Entry(act=Act.SHRED, day=who.day, reviewer=who.reviewer, facts=facts))
    if cases:
        audit.append(connection, entries)
        reach(connection, Stage.KEY)
    return Shredded(cases=tuple(case.id for case in cases), counted=counted, entries=count)


def again(connection: Connection, marks: Collection[str], *, day: date, reviewer: str) -> Shredded:
    """Shred what a restored backup brought back: a hold in it is older than the decision to shred."""
    known = connection.execute(select(TOMBSTONE.c.sha256)).scalars().all()
    back = [case.id for case in case_rows.read_cases(connection) if tombstone(case.payload_id) in marks]
    for identifier in back:
        case_rows.hold(connection, identifier, is_held=False)
        _unlink_duplicates(connection, identifier)
    done = shred(connection, back, Why.RESTORED, Entry(act=Act.SHRED, day=day, reviewer=reviewer))
    now_known = {*known, *connection.execute(select(TOMBSTONE.c.sha256)).scalars()}
    unseen = [{"sha256": mark} for mark in sorted(set(marks) - now_known)]
    if unseen:
        connection.execute(insert(TOMBSTONE), unseen)
    return done


def _require_free(connection: Connection, case: Case, together: Collection[str]) -> None:
    if case.is_held:
        raise TransitionError(f"{case.id} is on hold; `review-tool hold {case.id} --lift` takes that away")
    staying = [other for other in case_rows.duplicates_of(connection, case.id) if other not in together]
    if staying:
        raise TransitionError(
            f"{', '.join(staying)} {'tells' if len(staying) == 1 else 'tell'} the same words as {case.id} and would stay: "
            "name both, or take the link away with `review-tool triage CASE --duplicate-of none`"
        )


def _delete(connection: Connection, case: Case) -> int:
    """Delete what a case consists of; returns how many entries of the log lost their words with it."""
    number = case_number(case.id)
    envelope = connection.execute(select(CASE.c.envelope).where(CASE.c.number == number)).scalar_one()
    connection.execute(delete(CODING).where(CODING.c.case_number == number))
    connection.execute(delete(CASE).where(CASE.c.number == number))
    gone = {"outcome": Outcome.SHREDDED.value, "sealed": None}
    connection.execute(update(ENVELOPE).where(ENVELOPE.c.sha256 == envelope).values(gone))
    connection.execute(insert(TOMBSTONE), {"sha256": tombstone(case.payload_id), "case_number": number})
    told = {
        number
        for name, value in (("case", case.id), ("envelope", envelope))
        for number, _ in audit.naming(connection, name, value)
    }
    audit.shred(connection, sorted(told))
    return len(told)


def _unlink_duplicates(connection: Connection, identifier: str) -> None:
    connection.execute(update(CASE).where(CASE.c.duplicate_of == identifier).values(duplicate_of=None))
