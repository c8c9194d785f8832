"""Retention: what was kept long enough, what waits and why; nothing that nobody has read expires."""

import json
from collections.abc import Collection, Sequence
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from review_tool import case_rows, retention, triage
from review_tool.cases import Case, State, Urgency
from review_tool.cli import main
from review_tool.coding import Coding, Crime
from review_tool.retention import Kept, Policy
from review_tool.triage import Decision, Judged
from tests.center import DAY, Center, sample_report
from tests.review_tool.review_machine import (
    REVIEWER,
    Machine,
    make_machine,
    sealed,
    write_bundle,
    write_keystores,
)

POLICY = Policy(closed=24, likely_spam=12, test=3)
LONG_AGO = "2020-W01"  # ends on 6 January 2020


def case(number: int, state: State, **changes: object) -> Case:
    """A case of long ago in a state."""
    told: dict[str, object] = {
        "id": f"R-{number:04d}",
        "payload_id": f"{number:032x}",
        "week": LONG_AGO,
        "lang": "en",
        "form_version": "1.0",
        "report": sample_report(),
        "state": state,
        "closed_on": date(2020, 1, 31) if state is State.CLOSED else None,
    }
    return Case(**{**told, **changes})  # type: ignore[arg-type]


def over(
    cases: Sequence[Case], day: date = DAY, policy: Policy = POLICY, uncounted: Collection[str] = ()
) -> list[Kept]:
    """What retention says about cases."""
    return retention.over(cases, policy, day=day, uncounted=uncounted)


@pytest.mark.parametrize(
    ("state", "last_day_kept"),
    [
        (State.CLOSED, date(2022, 1, 30)),
        (State.LIKELY_SPAM, date(2021, 1, 5)),
        (State.TEST, date(2020, 4, 5)),
    ],
)
def test_a_case_is_over_on_the_day_its_months_end_and_not_before(state: State, last_day_kept: date) -> None:
    """Closed cases count from the closing day, the others from the end of their week: nothing finer is known."""
    next_day = date.fromordinal(last_day_kept.toordinal() + 1)

    assert over([case(1, state)], day=last_day_kept) == []
    [found] = over([case(1, state)], day=next_day)
    assert (found.case, found.since, found.waits) == ("R-0001", next_day, "")


@pytest.mark.parametrize(
    "state", [state for state in State if state not in {State.CLOSED, State.LIKELY_SPAM, State.TEST}]
)
def test_nothing_that_waits_for_a_person_expires(state: State) -> None:
    """New, in review, coded, in disagreement: somebody has still to look, however old it is."""
    assert over([case(1, state, urgency=Urgency.ROUTINE)]) == []


def test_a_kind_without_months_is_kept_for_good() -> None:
    """Closed cases, until the Center decided."""
    assert over([case(1, State.CLOSED)], policy=Policy(likely_spam=1, test=1)) == []


@pytest.mark.parametrize(
    ("cases", "uncounted", "why"),
    [
        ([case(1, State.CLOSED, is_held=True)], (), "on hold"),
        ([case(1, State.CLOSED)], {"R-0001"}, "the next release counts it"),
        (
            [case(1, State.CLOSED), case(2, State.NEW, duplicate_of="R-0001")],
            (),
            "R-0002 has the same words and stays",
        ),
    ],
)
def test_a_case_that_must_wait_says_why(cases: list[Case], uncounted: Collection[str], why: str) -> None:
    """Its time is over, and it is listed all the same."""
    [found] = over(cases, uncounted=uncounted)

    assert found.waits == why


def test_duplicates_go_together() -> None:
    """Neither waits for the other once the time of both is over."""
    cases = [case(1, State.CLOSED), case(2, State.CLOSED, duplicate_of="R-0001")]

    assert [found.waits for found in over(cases)] == ["", ""]


@pytest.mark.parametrize(
    ("day", "months", "after"),
    [
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2023, 1, 31), 1, date(2023, 2, 28)),
        (date(2024, 11, 30), 3, date(2025, 2, 28)),
        (date(2024, 12, 15), 12, date(2025, 12, 15)),
    ],
)
def test_months_end_on_the_last_day_of_a_shorter_month(day: date, months: int, after: date) -> None:
    """Never a day later than promised."""
    assert retention.months_after(day, months) == after


class TestCommand:
    """`review-tool retention`, on a machine with one case of each kind."""

    @pytest.fixture
    def machine(self, center: Center, tmp_path: Path) -> Machine:
        """R-0001 closed and countable, R-0002 closed and not to be counted, R-0003 spam, R-0004 new; all of 2020."""
        machine = make_machine(tmp_path, center)
        write_keystores(tmp_path, center)
        told = [{}, {"consent_count": False}, {}, {}]
        for number, changes in enumerate(told, start=1):
            report = sample_report(narrative=f"Story {number}.", **changes)
            envelopes = sealed(center, report)
            write_bundle(tmp_path / f"bundle-{number}", center, envelopes, seq=number)
            machine.receive(tmp_path / f"bundle-{number}")
        closed = [Judged(coding=coding(f"R-000{number}"), closed=date(2020, 1, 31)) for number in (1, 2)]
        with machine.opened() as found:
            triage.code(found, closed, day=DAY, reviewer=REVIEWER, last_until=None)
            spam = Decision(case="R-0003", state=State.LIKELY_SPAM)
            triage.triage(found, [spam], day=DAY, reviewer=REVIEWER, last_until=None)
        return machine

    def run(self, machine: Machine, *words: str, code: int = 0, answer: str = "") -> Result:
        """The command."""
        folder = machine.directory
        start = [f"--vault={folder}/vault", f"--keystore={folder}/keystore"]
        start += [f"--passphrase-file={folder}/passphrase", "retention", "--closed-months", "24"]
        done = CliRunner().invoke(main, [*start, *words], input=answer, catch_exceptions=False)
        assert done.exit_code == code, done.output
        return done

    def test_it_lists_what_is_over_and_touches_nothing(self, machine: Machine) -> None:
        """Looking is looking."""
        lines = [json.loads(line) for line in self.run(machine, "--json").output.splitlines()]

        assert {line["id"]: line["waits"] for line in lines} == {
            "R-0001": "the next release counts it",
            "R-0002": "",
        }
        assert len(machine.cases()) == 4

    def test_applied_it_shreds_what_is_due_and_leaves_what_waits(self, machine: Machine) -> None:
        """A person types how many; a script says yes."""
        place = ("--apply", "--backup", f"{machine.directory}/backup", "--same-disk")
        assert "1 case due, 1 waiting." in self.run(machine, *place, code=1, answer="2\n").output

        said = self.run(machine, *place, answer="1\n").output

        assert "Shredded: R-0002." in said
        assert "0 cases due, 1 waiting." in self.run(machine).output
        assert "0 cases due" in self.run(machine, *place).output  # and no key is changed for nothing

    def test_applying_needs_a_place_for_the_backup(self, machine: Machine) -> None:
        """And a place for a backup alone shreds nothing."""
        self.run(machine, "--apply", code=2)
        self.run(machine, "--backup", f"{machine.directory}/backup", code=2)


def coding(case_: str) -> Coding:
    """A coding that closes a case."""
    return Coding(
        case=case_,
        coder=REVIEWER,
        period="2019",
        crime=Crime.NO,
        bias_coded=("none",),
        bias_strength=0,
        offense_coded=(),
        place_coded="bar",
        relation_coded=(),
        severity=0,
        confidence=1,
        clarity=case_rows.Clarity.CLEAR,
    )
