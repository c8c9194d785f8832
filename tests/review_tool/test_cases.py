"""A case moves only along the table, and cannot exist in contradiction with itself."""

from dataclasses import replace
from datetime import date
from itertools import product

import pytest

from review_tool.cases import TRANSITIONS, Case, State, case_id, case_number, moved
from review_tool.errors import TransitionError
from tests.center import DAY, sample_report


def case(**changes: object) -> Case:
    """A new case."""
    told: dict[str, object] = {
        "id": "R-0001", "payload_id": "a" * 32, "week": "2026-W47", "lang": "en", "form_version": "1.0",
        "report": sample_report(),
    }  # fmt: skip
    return Case(**{**told, **changes})


def in_state(state: State) -> Case:
    """A case that stands in a state."""
    return case(state=state, closed_on=DAY if state is State.CLOSED else None)


def test_the_table_forgets_no_state() -> None:
    """A state without a row would be a trap that no reviewer gets a case out of."""
    assert set(TRANSITIONS) == set(State)
    assert all(targets for targets in TRANSITIONS.values())


@pytest.mark.parametrize(("start", "to"), list(product(State, State)))
def test_every_step_is_allowed_or_refused_as_the_table_says(start: State, to: State) -> None:
    """Command line and desk read the same table."""
    if to is start:
        assert moved(in_state(start), to, day=DAY, is_coded=True) == in_state(start)
    elif to in TRANSITIONS[start]:
        assert moved(in_state(start), to, day=DAY, is_coded=True).state is to
    else:
        with pytest.raises(TransitionError, match="from there it can become"):
            moved(in_state(start), to, day=DAY, is_coded=True)


@pytest.mark.parametrize("state", [State.LIKELY_SPAM, State.TEST, State.CLOSED])
def test_every_verdict_can_be_undone(state: State) -> None:
    """A mistaken "spam" must not cost a report."""
    assert moved(in_state(state), State.IN_REVIEW, day=DAY, is_coded=True).state is State.IN_REVIEW


def test_reopening_takes_the_closing_day_away() -> None:
    """A case counts by its closing day; an open one has none."""
    assert moved(in_state(State.CLOSED), State.IN_REVIEW, day=DAY, is_coded=True).closed_on is None


def test_an_uncoded_case_cannot_be_closed() -> None:
    """Otherwise it would count without a judgement."""
    with pytest.raises(TransitionError, match="when it is coded"):
        moved(case(), State.CLOSED, day=DAY, is_coded=False)


def test_an_uncoded_duplicate_can_be_closed() -> None:
    """Nobody codes the same words twice."""
    assert moved(case(duplicate_of="R-0007"), State.CLOSED, day=DAY, is_coded=False).closed_on == DAY


def test_an_uncoded_case_cannot_be_called_coded() -> None:
    """The state says what was done, not what was meant."""
    with pytest.raises(TransitionError, match="no coding"):
        moved(case(), State.CODED, day=DAY, is_coded=False)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "R-1"},
        {"id": "../R-0001"},
        {"week": "2026-11-16"},
        {"duplicate_of": "R-0001"},
        {"closed_on": date(2026, 11, 16)},
        {"state": State.CLOSED},
    ],
)
def test_a_contradictory_case_cannot_exist(changes: dict[str, object]) -> None:
    """Having a case means having passed the check."""
    with pytest.raises(TransitionError):
        case(**changes)


def test_what_the_person_said_is_in_no_description() -> None:
    """A repr ends in logs and tracebacks."""
    told = case(report=sample_report(narrative="canary-of-a-narrative"))

    assert "canary" not in repr(told)
    assert told.payload_id not in repr(told)


@pytest.mark.parametrize(("number", "identifier"), [(1, "R-0001"), (9999, "R-9999"), (10_000, "R-10000")])
def test_ids_and_numbers_are_inverse(number: int, identifier: str) -> None:
    """Cases above 9,999 keep their id."""
    assert case_id(number) == identifier
    assert case_number(identifier) == number


@pytest.mark.parametrize("text", ["", "R-", "R-12", "r-0001", "R-0001 ", "R-00١٢"])
def test_what_is_no_id_is_refused(text: str) -> None:
    """Other digits look like digits to Python."""
    with pytest.raises(TransitionError):
        case_number(text)


def test_replacing_checks_again() -> None:
    """Frozen is not enough: a changed copy is a new case."""
    with pytest.raises(TransitionError):
        replace(case(), state=State.CLOSED)
