"""Counting: cells know their sources, add up to their total, and keep true figures out of tracebacks."""

from dataclasses import replace

import pytest

from review_tool.gates import linked
from review_tool.statistics import hierarchy
from review_tool.statistics.tables import Cell, count, together
from tests.review_tool.statistics.records import record, table_of


def cells(exhibit, records, *, level=0):
    """`{table: {code: count}}` of an exhibit, zeros left out."""
    return {
        table.split.id: {cell.code: cell.count for cell in table.cells if cell.count}
        for table in count(linked(records), exhibit.levels[level])
    }


def test_incidents_and_further_reports_are_told_apart():
    """Everything but the first exhibit counts incidents."""
    records = [record(1, incident_id="R-0001"), record(2, incident_id="R-0001"), record(3)]

    assert cells(hierarchy.RECORDS, records) == {"E01": {"incident": 2, "further_report": 1}}
    assert sum(cells(hierarchy.POLICE_TOLD, records)["E09"].values()) == 2


def test_an_incident_of_several_grounds_is_a_yes_in_each():
    """A lesbian trans woman is both; the rows do not add up."""
    found = cells(hierarchy.BIAS, [record(1, grounds=("gi.trans", "sogi.lesbian"))])

    assert [name for name, codes in found.items() if codes == {"yes": 1}] == [
        "E03.sogi.lesbian",
        "E03.gi.trans",
    ]


def test_incidents_in_two_rows_and_in_none_are_counted_apart():
    """Rows bound them without printing them; incidents alone count, and each pair of rows that meet in one."""
    records = linked(
        [
            record(1, grounds=("gi.trans", "sogi.lesbian"), series_id="S-1"),
            record(2, grounds=("gi.trans", "sogi.lesbian"), series_id="S-1"),
            record(3, grounds=("unknown",), incident_id="R-0003"),
            record(4, grounds=("unknown",), incident_id="R-0003"),
            record(5, grounds=("sogi.gay",)),
        ]
    )

    found = {one.cell.code: one for one in together(records, hierarchy.BIAS.levels[0])}

    assert {name: (one.cell.count, one.cell.size) for name, one in found.items()} == {
        "E03.sogi.lesbian and E03.gi.trans": (2, 1),
        "in no row": (1, 1),
    }
    assert set(found["in no row"].codes.values()) == {"no"}
    assert len(found["in no row"].codes) == len(hierarchy.GROUNDS)
    assert "redacted" in repr(found["in no row"])


@pytest.mark.parametrize("exhibit", [hierarchy.RECORDS, hierarchy.PLACES, hierarchy.POLICE_TOLD])
def test_an_exhibit_of_one_answer_an_incident_has_no_rows_that_meet(exhibit):
    """Its codes are disjoint and leave nothing over."""
    assert all(not together(linked([record(1), record(2)]), splits) for splits in exhibit.levels)


def test_a_list_of_one_row_has_none_that_meet():
    """What is outside the only row is a cell of its own."""
    assert not together(linked([record(1, grounds=("unknown",))]), hierarchy.BIAS.levels[-1])


@pytest.mark.parametrize("level", [1, 2, 3])
def test_grounds_roll_up_with_trans_people_last(level):
    """Careless thresholds erase trans people first: their group stands until the coarsest level."""
    found = cells(hierarchy.BIAS, [record(1, grounds=("gi.trans",))], level=level)

    assert [name for name, codes in found.items() if "yes" in codes] == [
        "E03.any_gi" if level < 3 else "E03.any_lgbtq"
    ]


def test_every_ground_stands_in_exactly_one_group_of_a_level():
    """A ground left out of a roll-up would vanish with its people."""
    *levels, coarsest = hierarchy.GROUND_LEVELS

    for level in levels:
        grounds = [ground for _, members in level.values() for ground in members]
        assert sorted(grounds) == sorted(hierarchy.GROUNDS)
    assert coarsest == {"any_lgbtq": levels[-1]["any_lgbtq"]}  # one row, and no other to be compared with


def test_every_place_stands_in_exactly_one_row_of_a_level():
    """The rows of the places add up to the incidents, at each level."""
    for (split,) in hierarchy.PLACES.levels:
        leaves = [leaf for code in split.labels for leaf in hierarchy.PLACE.groups.get(code, (code,))]
        assert sorted(leaves) == sorted(hierarchy.PLACE.leaves)


def test_a_police_station_never_stands_alone():
    """Everything about officers has another threshold and is not counted yet."""
    assert cells(hierarchy.PLACES, [record(1, place="police_jail")]) == {"E06": {"public_body": 1}}
    assert cells(hierarchy.TYPES, [record(1, answers={"incident_types": ("officer",)})])["E04.other"] == {
        "no": 1
    }


@pytest.mark.parametrize(
    ("told", "code"),
    [((), "not_answered"), (("none",), "no"), (("friends",), "no"), (("friends", "police"), "yes")],
)
def test_telling_the_police_is_yes_no_or_not_answered(told, code):
    """A blank is no "no"."""
    assert cells(hierarchy.POLICE_TOLD, [record(1, answers={"reported_to": told})]) == {"E09": {code: 1}}


@pytest.mark.parametrize(
    ("ticked", "code"), [("", "not_answered"), ("skip", "not_answered"), ("street", "unsure")]
)
def test_a_place_nobody_knew_is_not_answered_where_it_was_left_blank(ticked, code):
    """Not known and not said are two things."""
    records = [record(1, place="unsure", answers={"place_type": ticked})]

    assert cells(hierarchy.PLACES, records) == {"E06": {code: 1}}


def test_true_figures_stay_out_of_tracebacks():
    """A traceback may be shown to somebody; it names tables and codes, never counts."""
    table = table_of({"a": 7, "b": 20})

    assert "7" not in repr(table)
    assert "7" not in repr(table.cells[0])


def test_a_table_that_does_not_add_up_is_none():
    """Such a table would let somebody subtract what is not there."""
    table = table_of({"a": 7, "b": 20})

    with pytest.raises(AssertionError, match="add up"):
        replace(table, total=Cell(code="*", by_source={"one": 3}))
    with pytest.raises(AssertionError, match="one cell a code"):
        replace(table, cells=table.cells[:1])
    with pytest.raises(AssertionError, match="without a record"):
        Cell(code="a", by_source={"one": 0})
