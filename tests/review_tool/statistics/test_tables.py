"""Counting: cells know their sources, add up to their total, and keep true figures out of tracebacks."""

from dataclasses import replace

import pytest

from review_tool.gates import linked
from review_tool.statistics import hierarchy
from review_tool.statistics.tables import Cell, count
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


@pytest.mark.parametrize("level", [1, 2, 3])
def test_grounds_roll_up_with_trans_people_last(level):
    """Careless thresholds erase trans people first: their group stands until the coarsest level."""
    found = cells(hierarchy.BIAS, [record(1, grounds=("gi.trans",))], level=level)

    assert [name for name, codes in found.items() if "yes" in codes] == [
        "E03.any_gi" if level < 3 else "E03.any_lgbtq"
    ]


def test_every_ground_stands_in_exactly_one_group_of_a_level():
    """A ground left out of a roll-up would vanish with its people."""
    for level in hierarchy.GROUND_LEVELS:
        grounds = [ground for _, members in level.values() for ground in members]
        assert sorted(grounds) == sorted(hierarchy.GROUNDS)


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
