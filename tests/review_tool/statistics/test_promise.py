"""The promise as properties: no release gives a group away (P12), and a refused consent changes no byte (P11)."""

import json
from datetime import date

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crypto.answers import IncidentType, ReportedTo
from crypto.codes import BIAS_CODED, PLACE_CODED
from review_tool.errors import NotCountableError, ReleaseRefusedError
from review_tool.gates import countable, linked
from review_tool.statistics import hierarchy, intruder, release, tables
from tests.review_tool.statistics.records import case, coding

SERIOUS = intruder.Severity.SERIOUS
SEEDS = st.binary(min_size=32, max_size=32)
# Few and uneven answers, so that small cells, zeros and full lines all come up.
GROUNDS = st.sampled_from(
    [("sogi.gay",)] * 6
    + [("gi.trans",), ("gi.trans", "sogi.lesbian"), ("race.asian",), ("unknown",), ("assoc",)]
)
TYPES = st.sampled_from(
    [("words",)] * 4 + [("words", "hit"), ("officer",), ("damage",), ("housing", "work"), ()]
)
PLACES = st.sampled_from(["street"] * 3 + ["20", "58", "police_jail", "lgbtq_space", "unsure", "03"])
TOLD = st.sampled_from([("police",), ("none",), ("none",), (), ("friends", "police")])
LINKS = st.sampled_from([None] * 6 + ["R-0001", "R-0002"])
TELLING = st.tuples(GROUNDS, TYPES, PLACES, TOLD, LINKS, LINKS)
QUARTERS = st.lists(TELLING, min_size=20, max_size=90)


def cases_of(told, *, first=1):
    """Closed cases with their codings."""
    return [
        (
            case(
                number,
                answers={"incident_types": types, "reported_to": reported},
                incident_id=incident,
                series_id=series,
            ),
            coding(number, grounds=grounds, place=place),
        )
        for number, (grounds, types, place, reported, incident, series) in enumerate(told, start=first)
    ]


def released(pairs, *, period="2026Q3", past=None, levels=None, seed=bytes(32)):
    """A release of what passes the gate among these cases."""
    passed = []
    for one, judged in pairs:
        try:
            passed.append(countable(one, judged))
        except NotCountableError:
            continue
    return release.prepare(
        linked(passed),
        period=period,
        closes=date(2026, 9, 30),
        center_name="Test Center",
        past=past,
        levels=levels or {},
        seed=seed,
        sign=lambda _: b"signature\n",
    )


def truth_of(pairs, period, levels):
    """What the Center knows of a period at these levels: `{cell: {source: records}}`."""
    records = linked([countable(one, judged) for one, judged in pairs])
    found = {}
    for exhibit in hierarchy.QUARTERLY:
        level = levels[exhibit.id.lower()]
        splits = exhibit.levels[level] if level < len(exhibit.levels) else ()
        for table in tables.count(records, splits):
            for cell in (*table.cells, table.total):
                found[period, table.split.id, (cell.code,)] = cell.by_source
        for group in tables.together(records, splits):
            found[period, group.list_id, (group.cell.code,)] = group.cell.by_source
    return found


def serious(findings):
    """Findings that refuse a release."""
    return [one for one in findings if one.severity >= SERIOUS]


@given(told=QUARTERS, seed=SEEDS)
@settings(max_examples=30, deadline=None, derandomize=True)
def test_any_quarter_is_released_without_a_finding_or_refused(told, seed):
    """The protector's work is judged from the bytes, by the outsider and by the Center."""
    pairs = cases_of(told)
    try:
        prepared = released(pairs, seed=seed)
    except ReleaseRefusedError as error:
        assert "stays open" in str(error)  # noqa: PT017 - too few incidents is the only refusal there may be
        return

    whole = prepared.files["release.json"]
    assert not serious(intruder.attack(whole))
    assert not serious(intruder.attack(whole, truth=truth_of(pairs, "2026Q3", prepared.levels)))


@given(first=QUARTERS, second=QUARTERS, third=QUARTERS, seed=SEEDS)
@settings(max_examples=8, deadline=None, derandomize=True)
def test_releases_of_separate_periods_together_reveal_nothing(first, second, third, seed):
    """P12: the file of the third release holds all three, and the intruder subtracts them at will."""
    past, levels, truth = None, {}, {}
    for number, told in enumerate((first, second, third), start=1):
        pairs, period = cases_of(told, first=number * 100), f"2026Q{number}"
        try:
            prepared = released(pairs, period=period, past=past, levels=levels, seed=seed)
        except ReleaseRefusedError:
            continue
        past, levels = prepared.files["release.json"], prepared.levels
        truth |= truth_of(pairs, period, levels)
    assume(past is not None)

    assert not serious(intruder.attack(past))
    assert not serious(intruder.attack(past, truth=truth))


@given(told=QUARTERS, data=st.data())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_a_refused_consent_is_as_if_the_report_had_not_been_sent(told, data):
    """P11: byte for byte, whatever the report is linked with."""
    pairs = cases_of(told)
    which = data.draw(st.integers(0, len(pairs) - 1))
    one, judged = pairs[which]
    refused = case(
        which + 1,
        answers={
            "incident_types": one.report.incident_types,
            "reported_to": one.report.reported_to,
            "consent_count": False,
        },
        incident_id=one.incident_id,
        series_id=one.series_id,
    )

    results = []
    for remaining in (
        [*pairs[:which], (refused, judged), *pairs[which + 1 :]],
        pairs[:which] + pairs[which + 1 :],
    ):
        try:
            results.append(released(remaining).files)
        except ReleaseRefusedError as error:
            results.append(str(error))

    assert results[0] == results[1]


@given(told=QUARTERS, seed=SEEDS)
@settings(max_examples=15, deadline=None, derandomize=True)
def test_opening_any_small_cell_is_caught(told, seed):
    """The planted twin: one hidden cell of 1 to k-1 sources printed, and no release passes."""
    pairs = cases_of(told)
    try:
        prepared = released(pairs, seed=seed)
    except ReleaseRefusedError:
        return
    truth = truth_of(pairs, "2026Q3", prepared.levels)

    printed = {one["id"] for one in json.loads(prepared.files["release.json"])["releases"][0]["tables"]}

    for key, cell in truth.items():
        if key[1] in printed and 1 <= len(cell) < intruder.K:  # what rows single out together is no cell
            whole = json.loads(prepared.files["release.json"])
            _open(whole, key, sum(cell.values()))
            assert serious(intruder.attack(json.dumps(whole).encode(), truth=truth)), key[1]


def _open(whole, key, count):
    _, table, (code,) = key
    for one in whole["releases"][0]["tables"]:
        if one["id"] == table:
            for cell in one["cells"]:
                if cell[one["dims"][0]] == code:
                    assert cell["v"] == "c"
                    cell["v"] = count


def test_every_code_of_the_codebook_has_a_cell():
    """A code that no table knows would make cells and totals disagree."""
    told = [
        (("assoc",), tuple(IncidentType), place, ("police",), None, None) for place in sorted(PLACE_CODED)
    ]
    told += [
        ((ground,), (), "street", (reported,), None, None)
        for ground in sorted(BIAS_CODED)
        for reported in ReportedTo
    ]
    records = linked([countable(one, judged) for one, judged in cases_of(told)])

    for exhibit in hierarchy.QUARTERLY:
        for splits in exhibit.levels:
            assert all(table.total.count == len(told) for table in tables.count(records, splits))
