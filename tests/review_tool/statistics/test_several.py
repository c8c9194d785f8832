"""Lists of several answers: what their rows single out together is held to the promise of a hidden cell, and more.

Whoever reads "13 of 25" and "9 of 25" knows that three at least are in neither row. Here the criterion stands as properties over small
random lists, judged by whole-number programs on the full joint table.
"""

import json
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from review_tool.gates import linked
from review_tool.statistics import hierarchy, tables
from review_tool.statistics.disclosure import CannotProtectError, protect
from review_tool.statistics.intruder import Severity, attack
from review_tool.statistics.published import UnattackedError, read
from review_tool.statistics.several import together
from review_tool.statistics.worlds import Worlds
from tests.review_tool.statistics.records import record

K = 5
SEEDS = st.binary(min_size=32, max_size=32)
ROWS = ("sogi.gay", "sogi.lesbian", "gi.trans", "race.asian")
KINDS = tuple(product((False, True), repeat=len(ROWS)))  # which of the rows an incident is in


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarter:
    """Incidents by which of the rows they are in, with the tables and the groups counted from them."""

    counts: tuple[int, ...]
    writers: int  # sources that the incidents of one kind have at most
    rows: int = len(ROWS)
    tables: tuple = field(init=False)
    together: tuple = field(init=False)

    def __post_init__(self):
        splits = [one for one in hierarchy.BIAS.levels[0] if one.dimension.name[5:] in ROWS[: self.rows]]
        records = linked(self._records())
        object.__setattr__(self, "tables", tables.count(records, splits))
        object.__setattr__(self, "together", tables.together(records, splits))

    def _records(self):
        number = 0
        for kind, count in zip(KINDS, self.counts, strict=True):
            grounds = tuple(ground for ground, ticked in zip(ROWS, kind, strict=True) if ticked)
            for place in range(count):
                number += 1
                series = f"S-{KINDS.index(kind) * 1000 + place % self.writers}"
                yield record(number, grounds=grounds or ("unknown",), series_id=series)

    @property
    def truth(self):
        """What the Center knows."""
        known = {
            ("2026Q3", table.split.id, (cell.code,)): cell.by_source
            for table in self.tables
            for cell in (*table.cells, table.total)
        }
        return known | {
            ("2026Q3", one.list_id, (one.cell.code,)): one.cell.by_source for one in self.together
        }


@st.composite
def quarters(draw):
    """Twenty incidents or more of few kinds, with a busy writer now and then; two to four rows."""
    counts = draw(
        st.lists(
            st.one_of(st.just(0), st.integers(0, 6), st.integers(0, 40)),
            min_size=len(KINDS),
            max_size=len(KINDS),
        ).filter(lambda counts: 20 <= sum(counts) <= 150)
    )
    return Quarter(
        counts=tuple(counts),
        writers=draw(st.sampled_from([1000, 1000, 3])),
        rows=draw(st.integers(2, len(ROWS))),
    )


def quarter(*kinds, writers=1000, rows=2):
    """Incidents as `(number, rows they are in)`."""
    counts = dict.fromkeys(KINDS, 0)
    for count, *ticked in kinds:
        counts[tuple(ground in ticked for ground in ROWS)] += count
    return Quarter(counts=tuple(counts.values()), writers=writers, rows=rows)


def file_of(shown) -> bytes:
    """A `release.json` of yes/no tables given as `{row: {code: count or None}}`."""
    listed = [
        {
            "id": f"E03.{name}",
            "dims": [f"bias.{name}"],
            "filter": {"record": ["incident"]},
            "omitted": "absent",
            "cells": [{f"bias.{name}": code, "v": count} for code, count in cells.items()],
        }
        for name, cells in shown.items()
    ]
    dimensions = {f"bias.{name}": ["yes", "no"] for name in shown} | {
        "record": ["incident", "further_report"]
    }
    releases = [{"id": "2026Q3", "tables": listed}]
    return json.dumps(
        {"schema": "sdc-release/1", "dimensions": dimensions, "groups": {}, "releases": releases}
    ).encode()


def shown_by(protected):
    """The tables as they would be printed."""
    return {table.split.dimension.name[5:]: dict(table.counts) for table in protected}


def printed(counts, total):
    """Rows printed in full: `{row: {code: count}}`."""
    return {name: {"yes": yes, "no": total - yes, "*": total} for name, yes in counts.items()}


def serious(findings):
    """Findings that refuse a release."""
    return {(one.kind, one.cells[0][0]) for one in findings if one.severity >= Severity.SERIOUS}


class Joint:
    """Every world of a list: how many incidents are of each kind, tied by the printed figures alone."""

    def __init__(self, shown):
        self.kinds = tuple(product((False, True), repeat=len(shown)))
        rows, values = [], []
        for place, cells in enumerate(shown.values()):
            for code, value in cells.items():
                if value is not None:
                    rows.append([code == "*" or kind[place] == (code == "yes") for kind in self.kinds])
                    values.append(value)
        self._limits = LinearConstraint(np.array(rows, dtype=float), values, values)

    def bounds(self, kinds):
        """The least and the largest number of incidents of these kinds."""
        costs = np.array([float(kind in kinds) for kind in self.kinds])
        ends = []
        for sign in (1, -1):
            found = milp(
                sign * costs,
                constraints=self._limits,
                integrality=np.ones(len(costs)),
                bounds=Bounds(0, np.inf),
            )
            assert found.status == 0, found.message
            ends.append(round(sign * found.fun))
        return tuple(ends)

    def named(self, shown):
        """Kinds of what the words of a list name: in no row, and in both of two rows."""
        names = list(shown)
        found = {"in no row": {kind for kind in self.kinds if not any(kind)}}
        for left in range(len(names)):
            for right in range(left + 1, len(names)):
                both = {kind for kind in self.kinds if kind[left] and kind[right]}
                found[f"E03.{names[left]} and E03.{names[right]}"] = both
        return found


def protected_or_none(told, seed):
    """The protected tables as printed, None where no choice of hidden cells would do."""
    try:
        return shown_by(protect(told.tables, together=told.together, seed=seed, release_id="2026Q3"))
    except CannotProtectError:
        return None


@given(told=quarters(), seed=SEEDS)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_a_protected_group_in_no_row_or_in_two_can_be_none_and_can_be_k(told, seed):
    """The criterion of a hidden cell: empty in one world, and in another k, or k more than its records."""
    shown = protected_or_none(told, seed)
    if shown is None:
        return
    joint = Joint(shown)
    true = {one.cell.code: one.cell for one in told.together}

    for name, kinds in joint.named(shown).items():
        low, high = joint.bounds(kinds)
        assert not (low >= 1 and high < K)
        if name in true and true[name].size < K:
            assert low == 0
            assert high >= max(K, true[name].count + K * (true[name].count >= K))


@given(told=quarters(), seed=SEEDS, data=st.data())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_no_set_of_incidents_whatever_is_certainly_one_to_k_minus_one(told, seed, data):
    """In one row and not in another, in three, in exactly one: all that rows could ever single out."""
    shown = protected_or_none(told, seed)
    if shown is None:
        return
    joint = Joint(shown)

    kinds = data.draw(st.sets(st.sampled_from(joint.kinds), min_size=1))

    high = joint.bounds(kinds)[1]
    assert high == 0 or high >= K


@given(told=quarters(), data=st.data())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_the_intruder_bounds_them_as_a_program_on_the_joint_table_does(told, data):
    """Whatever is hidden, safe or not: the judge's ranges are exact."""
    shown = {}
    for table in told.tables:
        gone = data.draw(st.sets(st.sampled_from(["yes", "no"])))
        cells = {cell.code: None if cell.code in gone else cell.count for cell in table.cells}
        shown[table.split.dimension.name[5:]] = cells | {"*": table.total.count}
    published = read(file_of(shown))
    joint = Joint(shown)

    found = {one.name: one.bounds for one in together(published, Worlds(published))}

    assert found == {name: joint.bounds(kinds) for name, kinds in joint.named(shown).items()}


@given(told=quarters(), seed=SEEDS)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_the_intruder_finds_what_the_protector_leaves_out(told, seed):
    """The planted fault: rows protected one by one. It is found just where the promise is broken."""
    try:
        shown = shown_by(protect(told.tables, together=(), seed=seed, release_id="2026Q3"))
    except CannotProtectError:
        return
    joint = Joint(shown)
    named = joint.named(shown)
    broken = set()
    for one in told.together:
        low, high = joint.bounds(named[one.cell.code])
        need = one.cell.count + K if one.cell.count >= K else K
        if one.cell.size < K and (low > 0 or high < need):
            broken.add(one.cell.code)

    found = attack(file_of(shown), truth=told.truth)

    assert {name for _, name in serious(found)} == broken


def test_thirteen_and_nine_of_twenty_five_leave_three_in_no_row():
    """The leak as it was found: both rows are safe, and together they prove three incidents without a ground."""
    told = quarter((13, "sogi.gay"), (9, "sogi.lesbian"), (3,))
    leaking = file_of(printed({"sogi.gay": 13, "sogi.lesbian": 9}, 25))

    assert ("existence", "in no row") in serious(attack(leaking, truth=told.truth))
    assert serious(attack(leaking)) == set()  # an outsider knows three to twelve: not that they are few
    assert shown_by(
        protect(told.tables, together=told.together, seed=bytes(32), release_id="2026Q3")
    ) != printed({"sogi.gay": 13, "sogi.lesbian": 9}, 25)


def test_twenty_and_eight_of_twenty_five_meet_in_three():
    """The other one: two rows that are too large for the quarter."""
    told = quarter((17, "sogi.gay"), (5, "sogi.lesbian"), (3, "sogi.gay", "sogi.lesbian"))
    leaking = file_of(printed({"sogi.gay": 20, "sogi.lesbian": 8}, 25))

    assert ("existence", "E03.sogi.gay and E03.sogi.lesbian") in serious(attack(leaking, truth=told.truth))
    assert protected_or_none(told, bytes(32)) != printed({"sogi.gay": 20, "sogi.lesbian": 8}, 25)


def test_a_single_incident_in_no_row_is_one_too_many():
    """The edge of the criterion: all but one of the rows' other incidents, and a range from one to ten."""
    told = quarter((14, "sogi.gay"), (10, "sogi.lesbian"), (1,))
    covered = quarter((14, "sogi.gay"), (10, "sogi.lesbian"), (1, "sogi.gay", "sogi.lesbian"), (1,))

    assert protected_or_none(told, bytes(32)) != printed({"sogi.gay": 14, "sogi.lesbian": 10}, 25)
    assert protected_or_none(covered, bytes(32)) == printed({"sogi.gay": 15, "sogi.lesbian": 11}, 26)


def test_a_busy_writer_in_two_rows_needs_room_above():
    """Eight reports of one series in both rows: the rows must allow for thirteen."""
    told = quarter((9, "sogi.gay"), (9, "sogi.lesbian"), (8, "sogi.gay", "sogi.lesbian"), (20,))
    series = {"S-1": 8}
    truth = told.truth | {("2026Q3", "E03", ("E03.sogi.gay and E03.sogi.lesbian",)): series}
    tight = file_of(printed({"sogi.gay": 12, "sogi.lesbian": 17}, 46))

    assert {
        kind
        for kind, _ in serious(attack(tight, truth={key: truth[key] for key in truth if "and" in key[2][0]}))
    } == {"narrow"}


def test_a_group_that_is_no_protected_one_costs_nothing():
    """Nine in no row are no secret: a lower bound of theirs shows nobody."""
    told = quarter((30, "sogi.gay"), (20, "sogi.lesbian"), (9,))

    assert protected_or_none(told, bytes(32)) == printed({"sogi.gay": 30, "sogi.lesbian": 20}, 59)


def test_one_hidden_row_of_many_keeps_the_others_printed():
    """The mend that costs least: the lightest row goes, an empty one if there is one, and never the whole list."""
    told = linked(
        [record(number, grounds=("sogi.gay",)) for number in range(1, 14)]
        + [record(number, grounds=("race.asian",)) for number in range(14, 23)]
        + [record(number, grounds=("unknown",)) for number in range(23, 26)]
    )
    splits = hierarchy.BIAS.levels[0]
    found = protect(
        tables.count(told, splits),
        together=tables.together(told, splits),
        seed=bytes(32),
        release_id="2026Q3",
    )

    shown = shown_by(found)
    assert shown["sogi.gay"]["yes"] == 13
    assert shown["race.asian"]["yes"] == 9
    assert 1 <= sum(bool(table.hidden) for table in found) <= 4  # one, and those drawn by lot


def test_few_sources_in_no_row_of_nearly_all_incidents_cannot_be_protected():
    """One writer without a ground behind all but four: no quarter is large enough to hide that."""
    told = quarter((1, "sogi.gay"), (30,), writers=3)

    with pytest.raises(CannotProtectError):
        protect(told.tables, together=told.together, seed=bytes(32), release_id="2026Q3")


def test_a_range_inside_one_to_four_is_found_by_anybody():
    """Figures that this release would never print, in a file of somebody else."""
    small = file_of(
        {"sogi.gay": {"yes": "<5", "no": "c", "*": 25}, "gi.trans": {"yes": 24, "no": 1, "*": 25}}
    )
    pair = "E03.sogi.gay and E03.gi.trans"

    assert ("narrow", pair) in serious(attack(small))
    assert ("exact_small", pair) in serious(
        attack(
            file_of({"sogi.gay": {"yes": 3, "no": 22, "*": 25}, "gi.trans": {"yes": 25, "no": 0, "*": 25}})
        )
    )


def test_a_truth_that_does_not_know_the_rows_together_is_a_failure():
    """A judge that grades nothing would pass anything."""
    told = quarter((13, "sogi.gay"), (9, "sogi.lesbian"), (3,))
    cells = {key: known for key, known in told.truth.items() if key[1] != "E03"}

    with pytest.raises(UnattackedError, match="together"):
        attack(file_of(printed({"sogi.gay": 13, "sogi.lesbian": 9}, 25)), truth=cells)


def test_a_truth_that_the_rows_contradict_is_a_failure():
    """The Center counts two in no row where the rows leave three."""
    told = quarter((13, "sogi.gay"), (9, "sogi.lesbian"), (3,))
    wrong = told.truth | {("2026Q3", "E03", ("in no row",)): {"one": 1, "two": 1}}

    with pytest.raises(UnattackedError, match="not the true one"):
        attack(file_of(printed({"sogi.gay": 13, "sogi.lesbian": 9}, 25)), truth=wrong)


def _crossed(whole):
    dims = ["bias.sogi.gay", "record"]
    cells = [{"bias.sogi.gay": "yes", "record": "incident", "v": 13}]
    whole["releases"][0]["tables"].append({"id": "X", "dims": dims, "omitted": "absent", "cells": cells})


def _filtered(whole):
    cells = [{"record": "incident", "v": 13}]
    kept = {"bias.sogi.gay": ["yes"]}
    whole["releases"][0]["tables"].append(
        {"id": "X", "dims": ["record"], "filter": kept, "omitted": "absent", "cells": cells}
    )


def _twice(whole):
    table = whole["releases"][0]["tables"][0]
    whole["releases"][0]["tables"].append(table | {"id": "E03.again"})


def _overlapping(whole):
    first = whole["releases"][0]
    whole["releases"].append(
        first | {"id": "2026", "scope": ["2026Q3", "2026Q4"], "tables": first["tables"][:1]}
    )


def _without_total(whole):
    for table in whole["releases"][0]["tables"]:
        table["cells"] = [cell for cell in table["cells"] if cell[table["dims"][0]] == "yes"]


@pytest.mark.parametrize("ties", [_crossed, _filtered, _twice, _overlapping, _without_total])
def test_rows_tied_by_more_than_the_number_of_incidents_are_refused(ties):
    """Their true ranges may be narrower than those of the rows: a judge that cannot tell does not pass them."""
    whole = json.loads(file_of(printed({"sogi.gay": 13, "sogi.lesbian": 9}, 25)))
    ties(whole)

    with pytest.raises(UnattackedError, match="row"):
        attack(json.dumps(whole).encode())
