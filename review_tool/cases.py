"""A case: one opened report under review, the states it goes through, and what a reviewer says about it.

What the person said is never edited here or anywhere. Nothing in this module reads a file, a database or a clock.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Final

from crypto.report import Report
from review_tool.errors import TransitionError

ID_PATTERN: Final = re.compile(r"R-[0-9]{4,9}")
WEEK_PATTERN: Final = re.compile(r"[0-9]{4}-W[0-9]{2}")


class State(StrEnum):
    """Where a case stands."""

    NEW = "new"
    IN_REVIEW = "in_review"
    CODED = "coded"
    DISAGREE = "disagree"
    CLOSED = "closed"
    LIKELY_SPAM = "likely_spam"
    TEST = "test"


class Urgency(StrEnum):
    """How soon a person should look again; `safety` when danger seems near."""

    SAFETY = "safety"
    FOLLOW_UP = "follow_up"
    ROUTINE = "routine"


class Clarity(StrEnum):
    """How well the text can be understood; never about whether it is true."""

    CLEAR = "clear"
    PARTLY = "partly"
    UNCLEAR = "unclear"


# From each state to those a reviewer may choose next. Spam, test and closed lead back to review: every
# decision can be undone. Coding and closing have conditions of their own (`check_closable`).
TRANSITIONS: Final[Mapping[State, frozenset[State]]] = {
    State.NEW: frozenset({State.IN_REVIEW, State.CODED, State.CLOSED, State.LIKELY_SPAM, State.TEST}),
    State.IN_REVIEW: frozenset({State.NEW, State.CODED, State.CLOSED, State.LIKELY_SPAM, State.TEST}),
    State.CODED: frozenset({State.IN_REVIEW, State.DISAGREE, State.CLOSED, State.LIKELY_SPAM, State.TEST}),
    State.DISAGREE: frozenset({State.IN_REVIEW, State.CODED, State.LIKELY_SPAM, State.TEST}),
    State.CLOSED: frozenset({State.IN_REVIEW}),
    State.LIKELY_SPAM: frozenset({State.IN_REVIEW}),
    State.TEST: frozenset({State.IN_REVIEW}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One report under review.

    Attributes:
        id: `R-0001`; numbers follow the order of opening, which is not the order of arrival.
        payload_id: 32 hex digits from inside the seal; known to nothing else.
        week: ISO week in which the report was received, `2026-W47`; nothing finer is kept.
        lang: language of the page, for routing.
        form_version: version of the questionnaire that was answered.
        report: the answers, without the contact block.
        flags: what the abuse checks noticed; unknown ones are kept as they came.
        duplicate_of: id of the case that tells the same words; a duplicate never counts.
        incident_id: cases with one value tell of one incident; None stands for an incident of its own.
        series_id: incidents with one value belong together; None for a single one.
        context_known: False if the sealing configuration is not in the archive (labels may be missing).
        closed_on: day on which the case was closed; None while it is open.
        attachments: number of files inside the sealed original.
        has_contact: whether a sealed contact block was sent.
        is_held: whether a legal hold keeps it from being shredded.
    """

    id: str
    payload_id: str = field(repr=False)
    week: str
    lang: str
    form_version: str
    report: Report = field(repr=False)
    flags: tuple[str, ...] = ()
    state: State = State.NEW
    urgency: Urgency = Urgency.ROUTINE
    clarity: Clarity = Clarity.CLEAR
    duplicate_of: str | None = None
    incident_id: str | None = None
    series_id: str | None = None
    context_known: bool = True
    closed_on: date | None = None
    attachments: int = 0
    has_contact: bool = False
    is_held: bool = False

    def __post_init__(self) -> None:
        """Refuse a case that contradicts itself."""
        if not ID_PATTERN.fullmatch(self.id):
            raise TransitionError("a case id looks like R-0001")
        if not WEEK_PATTERN.fullmatch(self.week):
            raise TransitionError(f"{self.id}: the week looks like 2026-W47")
        if self.duplicate_of == self.id:
            raise TransitionError(f"{self.id} cannot be a duplicate of itself")
        if (self.closed_on is not None) != (self.state is State.CLOSED):
            raise TransitionError(f"{self.id}: exactly the closed cases have a closing day")


def case_id(number: int) -> str:
    """Write the id of the case with this number, counted from 1."""
    return f"R-{number:04d}"


def case_number(identifier: str) -> int:
    """Read the number out of a case id.

    Raises:
        TransitionError: it is no case id.
    """
    if not ID_PATTERN.fullmatch(identifier):
        raise TransitionError("a case id looks like R-0001")
    return int(identifier[2:])


def moved(case: Case, to: State, *, day: date, is_coded: bool) -> Case:
    """Put a case into another state, if the table allows it.

    Args:
        case: the case as it stands.
        to: the state asked for; the present one changes nothing.
        day: the closing day, used only when `to` is `closed`.
        is_coded: whether a coding of the case is stored.

    Raises:
        TransitionError: the table has no such step, or the case cannot be closed yet.
    """
    if to is case.state:
        return case
    if to not in TRANSITIONS[case.state]:
        allowed = ", ".join(sorted(TRANSITIONS[case.state]))
        raise TransitionError(f"{case.id} is {case.state}; from there it can become: {allowed}")
    if to in {State.CODED, State.DISAGREE} and not is_coded:
        raise TransitionError(f"{case.id} has no coding yet; use `review-tool code`")
    if to is State.CLOSED and not (is_coded or case.duplicate_of):
        raise TransitionError(f"{case.id} can be closed when it is coded, or is a duplicate")
    return replace(case, state=to, closed_on=day if to is State.CLOSED else None)
