"""Triage: what a reviewer decides about cases before and beside coding, one at a time or from a file.

Decisions are checked against the table of states (`cases.py`), stored and logged in one transaction: all of a file or
nothing of it. Suggestions about alike reports come later; a person always decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from sqlalchemy import Connection

from crypto.canonical import Json
from review_tool import audit, case_rows
from review_tool.audit import Act, Entry
from review_tool.cases import Case, Clarity, State, Urgency, moved
from review_tool.coding import Coding
from review_tool.errors import TransitionError
from review_tool.vault import Vault

NOTHING: Final = "none"  # on the command line: take a link away again


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a reviewer decides about one case; None leaves a thing as it is, NOTHING takes a link away.

    Attributes:
        case: id of the case.
        state: where it goes; closing wants a coding or a duplicate.
        urgency: how soon a person should look again.
        clarity: of the text, never of the truth.
        duplicate_of: id of the case with the same words.
        same_incident_as: id of a case that tells of the same incident.
        same_series_as: id of a case whose incident belongs to the same series.
        closed: the closing day; None is today.
    """

    case: str
    state: State | None = None
    urgency: Urgency | None = None
    clarity: Clarity | None = None
    duplicate_of: str | None = None
    same_incident_as: str | None = None
    same_series_as: str | None = None
    closed: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A coding, and the day on which its case is closed with it; None leaves the case open for a second coder."""

    coding: Coding
    closed: date | None


def triage(
    vault: Vault, decisions: Sequence[Decision], *, day: date, reviewer: str, last_until: date | None
) -> None:
    """Carry out decisions, all or none.

    Args:
        vault: the open vault.
        decisions: in the order in which they are to be carried out.
        day: today; the closing day where a decision names none.
        reviewer: pseudonym for the log.
        last_until: last day of the newest release; nothing is closed into a period that is already published.

    Raises:
        UnknownCaseError: a case is not there.
        TransitionError: a step is not in the table, or a link makes no sense.
    """
    with vault.transaction() as connection:
        entries = []
        for decision in decisions:
            case = case_rows.read_case(connection, decision.case)
            linked = _linked(connection, case, decision)
            is_coded = bool(case_rows.codings_of(connection, case.id))
            after = _decided(linked, decision, day=day, is_coded=is_coded)
            _check_closing(case, after, day=day, last_until=last_until)
            case_rows.save_review(connection, after)
            facts: dict[str, Json] = {
                "case": case.id,
                "changed": _changed(case, after),
                "state": after.state.value,
            }
            entries.append(Entry(act=Act.TRIAGE, day=day, reviewer=reviewer, facts=facts))
        audit.append(connection, entries)


def code(
    vault: Vault, judged: Sequence[Judged], *, day: date, reviewer: str, last_until: date | None
) -> None:
    """Store codings and close cases with them, all or none.

    Raises:
        UnknownCaseError: a case is not there.
        TransitionError: a case is not in a state in which it can be coded or closed.
    """
    with vault.transaction() as connection:
        entries = []
        for one in judged:
            coding = one.coding
            case = case_rows.read_case(connection, coding.case)
            after = moved(case, State.CODED, day=day, is_coded=True)
            if one.closed is not None:
                after = moved(after, State.CLOSED, day=one.closed, is_coded=True)
            after = replace(after, clarity=coding.clarity)
            _check_closing(case, after, day=day, last_until=last_until)
            case_rows.save_coding(connection, coding)
            case_rows.save_review(connection, after)
            facts: dict[str, Json] = {"case": case.id, "coder": coding.coder, "state": after.state.value}
            entries.append(Entry(act=Act.CODE, day=day, reviewer=reviewer, facts=facts))
        audit.append(connection, entries)


def _linked(connection: Connection, case: Case, decision: Decision) -> Case:
    """Carry out what a decision says about other cases."""
    if decision.duplicate_of is not None:
        case = replace(case, duplicate_of=_original(connection, case, decision.duplicate_of))
    if decision.same_incident_as is not None:
        case = replace(case, incident_id=_incident(connection, case, decision.same_incident_as))
    if decision.same_series_as is not None:
        case = replace(case, series_id=_series(connection, case, decision.same_series_as))
    return case


def _original(connection: Connection, case: Case, other_id: str) -> str | None:
    if other_id == NOTHING:
        return None
    other = _other(connection, case, other_id)
    if other.duplicate_of is not None:
        raise TransitionError(f"{other.id} is itself a duplicate of {other.duplicate_of}; name that one")
    if case_rows.duplicates_of(connection, case.id):
        raise TransitionError(f"{case.id} has duplicates of its own; mark those first")
    return other.id


def _incident(connection: Connection, case: Case, other_id: str) -> str | None:
    """Name the incident of another case, founding it if that case has none: it is named after its founder."""
    if other_id == NOTHING:
        return None
    other = _other(connection, case, other_id)
    link = other.incident_id or other.id
    case_rows.save_review(connection, replace(other, incident_id=link))
    return link


def _series(connection: Connection, case: Case, other_id: str) -> str | None:
    """Name the series of another case, founding it if that case has none."""
    if other_id == NOTHING:
        return None
    other = _other(connection, case, other_id)
    link = other.series_id or other.id
    case_rows.save_review(connection, replace(other, series_id=link))
    return link


def _other(connection: Connection, case: Case, other_id: str) -> Case:
    if other_id == case.id:
        raise TransitionError(f"{case.id} cannot be linked with itself")
    return case_rows.read_case(connection, other_id)


def _decided(case: Case, decision: Decision, *, day: date, is_coded: bool) -> Case:
    after = replace(case, urgency=decision.urgency or case.urgency, clarity=decision.clarity or case.clarity)
    if decision.state is None:
        if decision.closed is not None:
            raise TransitionError(f"{case.id}: a closing day needs the state closed")
        return after
    return moved(after, decision.state, day=decision.closed or day, is_coded=is_coded)


def _check_closing(before: Case, after: Case, *, day: date, last_until: date | None) -> None:
    """Refuse a closing day that is not there yet, or that lies in what is published."""
    if after.closed_on is None or after.closed_on == before.closed_on or after.closed_on == day:
        return
    if after.closed_on > day:
        raise TransitionError(f"{after.id} cannot be closed on a day that is still to come")
    if last_until is not None and after.closed_on <= last_until:
        raise TransitionError(
            f"{after.id} cannot be closed on or before {last_until}: that period is released; it counts in the next"
        )


def _changed(before: Case, after: Case) -> list[Json]:
    names = ("state", "urgency", "clarity", "duplicate_of", "incident_id", "series_id", "closed_on")
    return [name for name in names if getattr(before, name) != getattr(after, name)]
