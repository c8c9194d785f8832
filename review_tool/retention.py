"""Retention: which cases have been kept as long as the Center decided, and which must wait, with the reason.

Nothing that nobody has read expires: new and open cases, and what is in quarantine, stay. A case that the next release
would count waits for it, because a case that disappears before it was counted changes a number for no reason that a
reader could know. Nothing here reads a clock or a database.
"""

import calendar
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from review_tool.cases import Case, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How many months each kind of case is kept; None keeps it for good.

    Attributes:
        closed: after the closing day.
        likely_spam: after the week of receipt; the day on which somebody decided so is in the log only.
        test: the same.
    """

    closed: int | None = None
    likely_spam: int | None = None
    test: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A case whose time is over.

    Attributes:
        case: its id.
        state: what it is.
        since: the day on which its time was over.
        waits: why it is not due all the same, "" if it is.
    """

    case: str
    state: State
    since: date
    waits: str = ""


def over(cases: Iterable[Case], policy: Policy, *, day: date, uncounted: Collection[str]) -> list[Kept]:
    """Every case whose time is over by a day, in the order given.

    Args:
        cases: all cases of the vault.
        policy: how long each kind is kept.
        day: today.
        uncounted: ids of the cases that the next release would count.
    """
    everything = list(cases)
    ends = {case.id: end for case in everything if (end := _end(case, policy)) is not None and end <= day}
    duplicates: dict[str, list[Case]] = {}
    for case in everything:
        if case.duplicate_of is not None:
            duplicates.setdefault(case.duplicate_of, []).append(case)
    return [
        Kept(
            case=case.id,
            state=case.state,
            since=ends[case.id],
            waits=_waits(case, ends, duplicates, uncounted),
        )
        for case in everything
        if case.id in ends
    ]


def _end(case: Case, policy: Policy) -> date | None:
    if case.state is State.CLOSED and case.closed_on is not None:
        return months_after(case.closed_on, policy.closed)
    if case.state in (State.LIKELY_SPAM, State.TEST):
        months = policy.test if case.state is State.TEST else policy.likely_spam
        return months_after(_after_week(case.week), months)
    return None


def _waits(
    case: Case, ends: Mapping[str, date], duplicates: Mapping[str, list[Case]], uncounted: Collection[str]
) -> str:
    if case.is_held:
        return "on hold"
    if case.id in uncounted:
        return "the next release counts it"
    staying = [one.id for one in duplicates.get(case.id, ()) if one.id not in ends or one.is_held]
    return f"{', '.join(staying)} has the same words and stays" if staying else ""


def months_after(day: date, months: int | None) -> date | None:
    """The same day some months later, or the last one of a shorter month; None for never."""
    if months is None:
        return None
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _after_week(week: str) -> date:
    return date.fromisocalendar(int(week[:4]), int(week[6:]), 1) + timedelta(days=7)
