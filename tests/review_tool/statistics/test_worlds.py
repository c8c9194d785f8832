"""The intruder's bounds are those of another solver on the full joint table: no cliques, no merging, no shared code."""

import json
from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from review_tool.statistics.published import read
from review_tool.statistics.worlds import Worlds

CODES = {"p": ("p1", "p2", "p3"), "q": ("q1", "q2"), "r": ("r1", "r2"), "s": ("s1", "s2")}
SLICES = ("1", "2", "3")
SCOPES = (("1",), ("2",), ("3",), ("1", "2"), ("2", "3"), ("1", "2", "3"))
MOST = 10_000  # far above any count drawn here; reaching it means that nothing bounds the group


@st.composite
def releases(draw):
    """A small truth and some releases of it: up to three tables each, any cells hidden, scopes that may overlap."""
    names = sorted(draw(st.sets(st.sampled_from(sorted(CODES)), min_size=1, max_size=4)))
    cells = list(product(SLICES, *(CODES[name] for name in names)))
    truth = dict(
        zip(cells, draw(st.lists(st.integers(0, 6), min_size=len(cells), max_size=len(cells))), strict=True)
    )
    found = []
    for scope in draw(st.lists(st.sampled_from(SCOPES), min_size=1, max_size=3, unique=True)):
        tables = [_table(draw, number, names, scope, truth) for number in range(draw(st.integers(1, 3)))]
        found.append({"id": "+".join(scope), "scope": list(scope), "tables": tables})
    return {"schema": "sdc-release/1", "dimensions": {name: CODES[name] for name in names}, "releases": found}


def _table(draw, number, names, scope, truth):
    dims = sorted(draw(st.sets(st.sampled_from(names), max_size=2)))
    others = [name for name in names if name not in dims]
    kept = {}
    if others and draw(st.booleans()):
        name = draw(st.sampled_from(others))
        kept = {name: [CODES[name][0]]}
    cells = []
    for codes in product(*(("*", *CODES[name]) for name in dims)):
        wanted = {name: {code} for name, code in zip(dims, codes, strict=True) if code != "*"}
        wanted |= {name: set(some) for name, some in kept.items()}
        count = sum(value for cell, value in truth.items() if _is_in(cell, names, wanted, scope))
        value = draw(st.sampled_from([count, count, "c", f"{max(0, count - 2)}-{count + 1}"]))
        cells.append(dict(zip(dims, codes, strict=True)) | {"v": value})
    return {"id": f"T{number}", "dims": dims, "filter": kept, "omitted": "absent", "cells": cells}


def _is_in(cell, names, wanted, scope):
    slice_, *codes = cell
    return slice_ in scope and all(
        code in wanted[name] for name, code in zip(names, codes, strict=True) if name in wanted
    )


def _joint(published, names):
    """Every figure as a row over the joint table: slice x all dimensions."""
    cells = list(product(SLICES, *(CODES[name] for name in names)))
    return [
        (figure, np.array([float(_is_in(cell, names, dict(figure.region), figure.scope)) for cell in cells]))
        for figure in published.figures
    ]


@given(whole=releases())
@settings(max_examples=120, deadline=None, derandomize=True)
def test_bounds_are_those_of_an_integer_program_on_the_joint_table(whole):
    """The strongest intruder there is, on releases small enough for it."""
    published = read(json.dumps(whole).encode())
    worlds = Worlds(published)
    rows = _joint(published, sorted(whole["dimensions"]))
    limits = LinearConstraint(
        np.array([row for _, row in rows]),
        [figure.low for figure, _ in rows],
        [figure.high for figure, _ in rows],
    )

    for figure, row in rows:
        ends = [
            milp(sign * row, constraints=limits, integrality=np.ones(len(row)), bounds=Bounds(0, MOST))
            for sign in (1, -1)
        ]
        low, high = worlds.bounds([figure.region], figure.scope)
        assert low == round(ends[0].fun)
        assert high == round(-ends[1].fun) or (high == float("inf") and -ends[1].fun >= MOST)


def test_counts_of_whole_people_bound_more_than_fractions():
    """Two triangles of pairs with one person at most in each: three halves twice are no three people."""
    leaves = ["a", "b", "d", "x", "y", "z"]
    pairs = {"ab": "ab", "bd": "bd", "ad": "ad", "xy": "xy", "yz": "yz", "xz": "xz"}
    cells = [{"t": pair, "v": {"lo": 0, "hi": 1}} for pair in pairs]
    whole = {
        "schema": "sdc-release/1",
        "dimensions": {"t": leaves},
        "groups": {"t": {pair: list(codes) for pair, codes in pairs.items()}},
        "releases": [
            {"id": "1", "tables": [{"id": "T", "dims": ["t"], "omitted": "absent", "cells": cells}]}
        ],
    }

    assert Worlds(read(json.dumps(whole).encode())).bounds([frozenset()], ["1"]) == (0, 2)
