"""The gate before every number: what may not be counted leaves no trace (P11)."""

from dataclasses import replace
from datetime import date

import pytest

from review_tool.cases import State
from review_tool.errors import NotCountableError
from review_tool.gates import COUNTED_FIELDS, Countable, Record, countable, linked
from tests.review_tool.statistics.records import case, coding, record


def kinds(records):
    """What each case became."""
    return {one.case: one.record for one in records}


def test_a_closed_case_with_consent_passes():
    """The one way in."""
    one = countable(case(1), coding(1))

    assert one.case == "R-0001"
    assert one.record is Record.INCIDENT


@pytest.mark.parametrize(
    "changes",
    [
        {"answers": {"consent_count": False}},
        {"duplicate_of": "R-0002"},
        *({"state": state, "closed_on": None} for state in State if state is not State.CLOSED),
    ],
)
def test_nothing_else_passes(changes):
    """No consent, a duplicate, spam, a test, or a case that nobody closed."""
    with pytest.raises(NotCountableError):
        countable(case(1, **changes), coding(1))


def test_a_coding_of_another_case_is_refused():
    """Two cases mixed up would be two wrong numbers."""
    with pytest.raises(NotCountableError, match="another case"):
        countable(case(1), coding(2))


def test_nobody_else_makes_a_countable():
    """A module that builds its own would never have asked for consent."""
    one = record(1)

    with pytest.raises(AssertionError, match="countable"):
        replace(one, gate=object())


def test_no_text_and_no_consent_goes_through():
    """What was written, who may be reached and what else was allowed cannot influence a number."""
    assert not {name for name in COUNTED_FIELDS if name.startswith("consent") or "text" in name}
    assert not {"narrative", "own_words", "contact", "when_text", "attachments"} & set(COUNTED_FIELDS)
    assert "redacted" in repr(record(1))


def test_none_beside_other_answers_says_nothing():
    """A contradiction on the form is no answer of its own."""
    assert record(1, answers={"reported_to": ("none", "police")}).answers["reported_to"] == ("police",)
    assert record(1, answers={"reported_to": ("none",)}).answers["reported_to"] == ("none",)


def test_reports_of_one_incident_count_once():
    """Two witnesses are no second attack."""
    told = linked([record(1, incident_id="R-0001"), record(2, incident_id="R-0001"), record(3)])

    assert kinds(told) == {
        "R-0001": Record.INCIDENT,
        "R-0002": Record.FURTHER_REPORT,
        "R-0003": Record.INCIDENT,
    }


def test_the_person_harmed_wins_over_a_witness_who_fills_the_gaps():
    """Their answers describe what happened to them; a witness may know what they left out."""
    saw = record(
        1, incident_id="R-0001", answers={"role": "saw", "reported_to": ("police",), "harm": ("hurt_care",)}
    )
    harmed = record(2, incident_id="R-0001", answers={"role": "me", "reported_to": ("none",), "harm": ()})

    counted = {one.record: one for one in linked([saw, harmed])}

    assert counted[Record.INCIDENT].case == "R-0002"
    assert counted[Record.INCIDENT].answers["reported_to"] == ("none",)
    assert counted[Record.INCIDENT].answers["harm"] == ("hurt_care",)


def test_a_known_ground_fills_an_unknown_one():
    """`unknown` says that nothing could be coded, not that there was no ground."""
    told = linked(
        [
            record(1, incident_id="R-0001", grounds=("unknown",)),
            record(2, incident_id="R-0001", grounds=("gi.trans",)),
        ]
    )

    assert told[0].coding.bias_coded == ("gi.trans",)


def test_a_later_report_of_a_published_incident_is_a_further_report():
    """The incident stands in an older release; counting it again would tell of two."""
    told = linked([record(5, incident_id="R-0001"), record(6)], counted={"R-0001"})

    assert kinds(told) == {"R-0005": Record.FURTHER_REPORT, "R-0006": Record.INCIDENT}


def test_series_and_incidents_tie_sources_through_each_other():
    """Thresholds count who tells, not how often."""
    told = linked(
        [
            record(1, incident_id="R-0001"),
            record(2, incident_id="R-0001", series_id="R-0002"),
            record(3, series_id="R-0002"),
            record(4),
        ]
    )

    sources = {one.case: one.source for one in told}
    assert sources["R-0001"] == sources["R-0002"] == sources["R-0003"] != sources["R-0004"]


def test_the_order_of_reading_changes_nothing():
    """The vault may give its rows in any order."""
    told = [record(number, incident_id="R-0001" if number < 4 else None) for number in range(1, 9)]

    assert [one.case for one in linked(told)] == [one.case for one in linked(reversed(told))]
    assert kinds(linked(told)) == kinds(linked(reversed(told)))


def test_an_uncounted_report_ties_nothing():
    """A link through a refused report would be its influence on a number (P11)."""
    first, last = case(1, incident_id="R-0002"), case(3, series_id="R-0002")
    refused = case(2, incident_id="R-0002", series_id="R-0002", answers={"consent_count": False})

    with pytest.raises(NotCountableError):
        countable(refused, coding(2))
    told = linked([countable(first, coding(1)), countable(last, coding(3))])

    assert len({one.source for one in told}) == 2
    assert {one.record for one in told} == {Record.INCIDENT}


def test_the_closing_day_is_not_its_business():
    """Which period a case belongs to is the ledger's decision; the gate knows no calendar."""
    early, late = case(1, closed_on=date(2020, 1, 1)), case(1, closed_on=date(2030, 1, 1))

    assert isinstance(countable(early, coding(1)), Countable)
    assert countable(early, coding(1)) == countable(late, coding(1))
