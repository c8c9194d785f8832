"""Triage and coding: all of a file or nothing of it, nothing into a released period, everything in the log."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from review_tool import audit, case_rows, review_lines, triage
from review_tool.cases import Case, Clarity, State, Urgency
from review_tool.errors import CodingError, FileFormatError, TransitionError, UnknownCaseError
from review_tool.triage import Decision, Judged
from review_tool.vault import Vault
from tests.center import DAY, make_center
from tests.review_tool.review_machine import REVIEWER, make_machine, reports, sealed, write_bundle
from tests.review_tool.test_coding import coding

LINE = {
    "case": "R-0001", "period": "2026", "crime": "no", "bias_coded": ["sogi.gay"], "bias_strength": 2,
    "offense_coded": [], "place_coded": "bar", "relation_coded": [], "severity": 1, "confidence": 2, "clarity": "clear",
}  # fmt: skip


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    """A vault with three new cases."""
    center = make_center()
    machine = make_machine(tmp_path, center)
    write_bundle(tmp_path / "bundle", center, sealed(center, *reports(3)))
    machine.receive(tmp_path / "bundle")
    with machine.opened() as found:
        yield found


def case(vault: Vault, number: int = 1) -> Case:
    """A case as it is stored."""
    with vault.transaction() as connection:
        return case_rows.read_case(connection, f"R-{number:04d}")


def decide(vault: Vault, *decisions: Decision, last_until: date | None = None) -> None:
    """Carry out decisions today."""
    triage.triage(vault, decisions, day=DAY, reviewer=REVIEWER, last_until=last_until)


def judge(vault: Vault, *judged: Judged, last_until: date | None = None) -> None:
    """Store codings today."""
    triage.code(vault, judged, day=DAY, reviewer=REVIEWER, last_until=last_until)


def test_a_decision_is_stored_and_logged(vault: Vault) -> None:
    """P10: the log says that something was decided, not what the report says."""
    decide(
        vault, Decision(case="R-0001", state=State.IN_REVIEW, urgency=Urgency.SAFETY, clarity=Clarity.PARTLY)
    )

    found = case(vault)
    assert (found.state, found.urgency, found.clarity) == (State.IN_REVIEW, Urgency.SAFETY, Clarity.PARTLY)
    with vault.transaction() as connection:
        entry = [facts for _, facts in audit.read(connection) if facts][-1]
    assert entry["act"] == "triage"
    assert entry["changed"] == ["state", "urgency", "clarity"]


def test_one_bad_decision_stops_all_of_them(vault: Vault) -> None:
    """A half-carried-out file would have to be sorted out by hand."""
    good, bad = Decision(case="R-0001", state=State.TEST), Decision(case="R-0002", state=State.DISAGREE)

    with pytest.raises(TransitionError):
        decide(vault, good, bad)
    assert case(vault).state is State.NEW


def test_a_case_that_is_not_there_is_named(vault: Vault) -> None:
    """A typing mistake must not be silent."""
    with pytest.raises(UnknownCaseError, match="R-0404"):
        decide(vault, Decision(case="R-0404", state=State.TEST))


def test_coding_closes_a_case_on_the_day_given(vault: Vault) -> None:
    """The closing day decides in which release it counts."""
    judge(vault, Judged(coding=coding(), closed=date(2026, 9, 30)))

    found = case(vault)
    assert (found.state, found.closed_on) == (State.CLOSED, date(2026, 9, 30))
    with vault.transaction() as connection:
        assert case_rows.codings_of(connection, "R-0001") == (coding(),)


def test_a_case_coded_without_closing_waits(vault: Vault) -> None:
    """A second coder may follow."""
    judge(vault, Judged(coding=coding(), closed=None))

    assert case(vault).state is State.CODED


def test_coding_again_by_the_same_coder_replaces(vault: Vault) -> None:
    """People correct themselves; the log keeps that they did."""
    judge(vault, Judged(coding=coding(severity=1), closed=None))
    judge(vault, Judged(coding=coding(severity=3), closed=None))
    judge(vault, Judged(coding=coding(coder="r2", severity=2), closed=None))

    with vault.transaction() as connection:
        found = case_rows.codings_of(connection, "R-0001")
    assert [(one.coder, one.severity) for one in found] == [("r1", 3), ("r2", 2)]


def test_a_closed_case_must_be_reopened_before_it_is_coded_again(vault: Vault) -> None:
    """What was counted does not change by the way."""
    judge(vault, Judged(coding=coding(), closed=DAY))

    with pytest.raises(TransitionError):
        judge(vault, Judged(coding=coding(severity=4), closed=DAY))


def test_nothing_is_closed_in_the_future(vault: Vault) -> None:
    """It would be counted before it is done."""
    with pytest.raises(TransitionError, match="still to come"):
        judge(vault, Judged(coding=coding(), closed=date(2026, 12, 31)))


def test_nothing_is_coded_into_a_released_period(vault: Vault) -> None:
    """A published quarter is never revised."""
    until = date(2026, 9, 30)

    with pytest.raises(TransitionError, match="counts in the next"):
        judge(vault, Judged(coding=coding(), closed=until), last_until=until)


def test_nothing_is_closed_into_a_released_period(vault: Vault) -> None:
    """Neither by coding nor afterwards."""
    until = date(2026, 9, 30)
    judge(vault, Judged(coding=coding(), closed=None))

    with pytest.raises(TransitionError, match="counts in the next"):
        decide(vault, Decision(case="R-0001", state=State.CLOSED, closed=until), last_until=until)


def test_closing_today_works_on_the_day_of_a_release(vault: Vault) -> None:
    """Reviewers go on working; what is closed after the release counts in the next one."""
    judge(vault, Judged(coding=coding(), closed=DAY), last_until=DAY)

    assert case(vault).closed_on == DAY


def test_two_reports_of_one_incident_are_linked_and_unlinked(vault: Vault) -> None:
    """A person confirms, and can take it back."""
    decide(vault, Decision(case="R-0002", same_incident_as="R-0001", same_series_as="R-0003"))

    assert case(vault, 1).incident_id == case(vault, 2).incident_id == "R-0001"
    assert case(vault, 2).series_id == case(vault, 3).series_id == "R-0003"

    decide(vault, Decision(case="R-0002", same_incident_as=triage.NOTHING, same_series_as=triage.NOTHING))

    assert case(vault, 2).incident_id is None
    assert case(vault, 2).series_id is None


def test_a_duplicate_names_its_original(vault: Vault) -> None:
    """The same words sent twice count once."""
    decide(vault, Decision(case="R-0002", duplicate_of="R-0001", state=State.CLOSED))

    assert case(vault, 2).duplicate_of == "R-0001"
    decide(vault, Decision(case="R-0002", state=State.IN_REVIEW, duplicate_of=triage.NOTHING))
    assert case(vault, 2).duplicate_of is None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (None, Decision(case="R-0001", duplicate_of="R-0001")),
        (None, Decision(case="R-0001", same_incident_as="R-0001")),
        (Decision(case="R-0001", duplicate_of="R-0002"), Decision(case="R-0003", duplicate_of="R-0001")),
        (Decision(case="R-0001", duplicate_of="R-0002"), Decision(case="R-0002", duplicate_of="R-0003")),
        (None, Decision(case="R-0001", closed=DAY)),
    ],
)
def test_a_link_that_makes_no_sense_is_refused(
    first: Decision | None, second: Decision, vault: Vault
) -> None:
    """Chains and circles of duplicates would count nobody."""
    if first is not None:
        decide(vault, first)

    with pytest.raises(TransitionError):
        decide(vault, second)


# --- files ----------------------------------------------------------------------------------------


def test_a_line_of_a_file_is_a_decision() -> None:
    """What a script writes."""
    text = '{"case": "R-0001", "state": "closed", "closed": "2026-09-30"}\n\n{"case": "R-0002", "urgency": "routine"}\n'

    first, second = review_lines.parse_decisions(text)

    assert (first.state, first.closed) == (State.CLOSED, date(2026, 9, 30))
    assert (second.urgency, second.state) == (Urgency.ROUTINE, None)


def test_a_line_of_a_file_is_a_coding() -> None:
    """Coder and closing day may stand once for the whole file."""
    lines = [LINE, {**LINE, "coder": "r9", "closed": None}, {**LINE, "closed": "2026-08-01"}]

    found = review_lines.parse_codings("\n".join(map(json.dumps, lines)), coder="r1", closed=DAY)

    assert [one.coding.coder for one in found] == ["r1", "r9", "r1"]
    assert [one.closed for one in found] == [DAY, None, date(2026, 8, 1)]


@pytest.mark.parametrize(
    "line",
    [
        "canary",
        "[]",
        '"canary"',
        '{"case": "R-0001", "canary": 1}',
        '{"case": 1}',
        '{"case": "R-0001", "state": "canary"}',
        '{"case": "R-0001", "closed": "canary"}',
        '{"case": "R-0001", "closed": 20260930}',
        "[" * 9000,
        '{"case": "' + "x" * 20_000 + '"}',
    ],
)
def test_a_bad_line_is_refused_by_its_number_and_never_quoted(line: str) -> None:
    """Somebody may have pasted a report into it."""
    with pytest.raises(FileFormatError, match="line 2") as refusal:
        review_lines.parse_decisions(f'{{"case": "R-0001"}}\n{line}\n')
    assert "canary" not in str(refusal.value)


@pytest.mark.parametrize(
    "change",
    [
        {"crime": None},
        {"severity": "2"},
        {"severity": True},
        {"bias_coded": "sogi.gay"},
        {"bias_coded": [1]},
        {"confidence": 7},
        {"period": "canary"},
        {"place_coded": "canary"},
        {"clarity": "canary"},
        {"words": "canary"},
    ],
)
def test_a_bad_coding_is_refused_by_its_number_and_never_quoted(change: dict[str, object]) -> None:
    """One line of hundreds must be found."""
    text = "\n".join([json.dumps(LINE), json.dumps({**LINE, **change})])

    with pytest.raises((FileFormatError, CodingError), match="line 2") as refusal:
        review_lines.parse_codings(text, coder="r1", closed=DAY)
    assert "canary" not in str(refusal.value)
