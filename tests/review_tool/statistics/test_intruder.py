"""The intruder: every kind of leak that is planted is found, and its bounds are those of another solver."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from review_tool.statistics.intruder import Severity, UnattackedError, attack

K = 5


def published(*releases, dimensions=None, groups=None) -> bytes:
    """A `release.json` of one-way tables: `(period, {table: {code: value}})`, totals under "*"."""
    found = {"record": ["incident", "further_report"]} | (dimensions or {})
    listed = []
    for period, tables in releases:
        shown = []
        for name, cells in tables.items():
            found.setdefault(name, [code for code in cells if code != "*"])
            shown.append(
                {
                    "id": name,
                    "dims": [name],
                    "filter": {} if name == "record" else {"record": ["incident"]},
                    "omitted": "absent",
                    "marks": {"c": [0, None], "<5": [1, 4]},
                    "cells": [{name: code, "v": value} for code, value in cells.items()],
                }
            )
        scope = [period] if isinstance(period, str) else list(period)
        listed.append({"id": "+".join(scope), "scope": scope, "tables": shown})
    whole = {"schema": "sdc-release/1", "dimensions": found, "groups": groups or {}, "releases": listed}
    return json.dumps(whole).encode()


def kinds(findings, *, least=Severity.SERIOUS):
    """Kinds of findings at or above a severity."""
    return {one.kind for one in findings if one.severity >= least}


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ({"a": 3, "b": 27, "*": 30}, "published_small"),
        ({"a": "c", "b": 27, "*": 30}, "exact_small"),
        ({"a": "c", "b": "c", "d": 26, "*": 30}, "residual_small"),
        ({"a": "<5", "b": "c", "*": 30}, "small_range"),
        ({"a": "c", "b": "c", "d": 28, "*": 31}, "narrow"),
        ({"a": 12, "b": 0, "*": 12}, "attribute_all_in_one"),
        ({"a": "c", "b": 0, "*": 12}, "attribute_all_in_one"),
    ],
)
def test_each_planted_leak_is_found(cells, kind):
    """A detector counts only once it was seen to detect."""
    assert kind in kinds(attack(published(("2026Q3", {"t": cells})), k=K))


def test_a_difference_of_two_releases_is_found():
    """Cumulative figures: the later one less the earlier one is a group of three."""
    leaking = published(
        ("2026Q3", {"t": {"a": 30, "b": 40, "*": 70}}),
        (("2026Q3", "2026Q4"), {"t": {"a": 33, "b": 60, "*": 93}}),
    )

    assert "difference_small" in kinds(attack(leaking, k=K))


def test_existence_is_graded_by_what_the_center_knows():
    """An outsider may only suspect; who knows that the hidden cell is small sees a leak."""
    cells = published(("2026Q3", {"t": {"a": "c", "b": "<5", "*": 30}}))

    assert "existence" not in kinds(attack(cells, k=K, truth={}), least=Severity.PROOF)
    assert "existence" in kinds(attack(cells, k=K, truth={("2026Q3", "t", "a"): 3}))


def test_a_safe_table_gives_nothing():
    """The other half of a detector: silence where nothing leaks."""
    safe = published(("2026Q3", {"t": {"a": "c", "b": "c", "d": 20, "*": 40}}))

    assert not kinds(attack(safe, k=K))


def test_a_coarse_code_stands_for_its_leaves():
    """Groups are read from the file, so that two levels of one dimension meet in the same unknowns."""
    leaking = published(
        ("2026Q3", {"t": {"ab": 33, "d": 20, "*": 53}, "u": {"x": 53, "y": 0, "*": 53}}),
        dimensions={"t": ["a", "b", "d"]},
        groups={"t": {"ab": ["a", "b"]}},
    )

    assert not kinds(attack(leaking, k=K))


@pytest.mark.parametrize(
    "breaks",
    [
        lambda whole: whole.update(schema="other"),
        lambda whole: whole["releases"][0].update(scope=[]),
        lambda whole: whole["releases"][0]["tables"][0].update(dims=["t", "u"]),
        lambda whole: whole["releases"][0]["tables"][0]["filter"].update(area=["x"]),
        lambda whole: whole["releases"][0]["tables"][0]["cells"].pop(0),
        lambda whole: whole["releases"][0]["tables"][0]["cells"][0].update(v="?"),
        lambda whole: whole["releases"][0]["tables"][0]["cells"][0].update(v=99),
        lambda whole: whole["releases"][0]["tables"][0]["cells"][0].update(v=-1),
    ],
)
def test_what_it_cannot_model_is_a_failure(breaks):
    """An intruder that looks away would pass anything."""
    whole = json.loads(published(("2026Q3", {"t": {"a": 10, "b": 20, "*": 30}})))
    breaks(whole)

    with pytest.raises(UnattackedError):
        attack(json.dumps(whole).encode(), k=K)


@given(
    counts=st.lists(st.integers(0, 9), min_size=3, max_size=5),
    other=st.lists(st.integers(0, 9), min_size=2, max_size=3),
    data=st.data(),
)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_its_verdict_is_that_of_another_solver_on_the_joint_table(counts, other, data):
    """Two tables over the same incidents, hidden at random; whole numbers, no shared code, no shortcuts."""
    other = [*other, max(0, sum(counts) - sum(other))]
    if sum(other) != sum(counts) or sum(counts) == 0:
        return
    shown = {
        name: {
            f"{name}{number}": "c" if data.draw(st.booleans()) else count
            for number, count in enumerate(values)
        }
        | {"*": "c" if data.draw(st.booleans()) else sum(values)}
        for name, values in (("t", counts), ("u", other))
    }

    found = attack(published(("2026Q3", shown)), k=K)

    expected = _judged(shown, counts, other)
    certain = {(one.table, one.codes[0]) for one in found if one.kind in ("exact_small", "small_range")}
    assert certain == {name for name, (low, high) in expected.items() if low >= 1 and high < K}
    below = {(one.table, one.codes[0]) for one in found if one.kind == "narrow" and one.severity >= 2}
    assert below == {name for name, (low, high) in expected.items() if low == 0 < high < K}


def _judged(shown, counts, other):
    """Bounds of every hidden cell by mixed-integer programs over the joint table t x u."""
    rows, columns = len(counts), len(other)
    size, constraints = rows * columns, []
    masks = {("t", f"t{i}"): [(i, j) for j in range(columns)] for i in range(rows)}
    masks |= {("u", f"u{j}"): [(i, j) for i in range(rows)] for j in range(columns)}
    whole = [(i, j) for i in range(rows) for j in range(columns)]
    masks |= {("t", "*"): whole, ("u", "*"): whole}
    sums = {}
    for name, cells in masks.items():
        row = np.zeros(size)
        for i, j in cells:
            row[i * columns + j] = 1
        sums[name] = row
        value = shown[name[0]][name[1]]
        if value != "c":
            constraints.append(LinearConstraint(row, value, value))
    bounds = {}
    for name, row in sums.items():
        if shown[name[0]][name[1]] == "c":
            ends = [
                milp(sign * row, constraints=constraints, integrality=np.ones(size), bounds=Bounds(0, 1000))
                for sign in (1, -1)
            ]
            bounds[name] = (round(ends[0].fun), round(-ends[1].fun))
    return bounds
