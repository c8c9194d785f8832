"""Releases for the promises of counting: with consents refused, with the protection taken out, and a second judge.

The judge here is written from the published schema alone and solves whole-number programs with another library than the
release's own intruder; it puts everything that was ever published into one system of equations.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from review_tool.cases import Case
from review_tool.coding import Coding
from review_tool.errors import NotCountableError
from review_tool.gates import Countable, countable, linked
from review_tool.statistics import hierarchy, release, tables
from review_tool.statistics.release import PreparedRelease
from tests.review_tool.statistics.records import case, coding, record

K = 5  # sources; what a protected group has fewer of
CEILING = 100_000  # more incidents than any Center counts in a quarter
GROUNDS = {0: "gi.trans", 1: "race.asian", 2: "sogi.lesbian", 3: "gi.trans"}

Gate = Callable[[Case, Coding], Countable]


def prepared(
    records: Sequence[Countable],
    *,
    period: str = "2026Q3",
    before: PreparedRelease | None = None,
    seed: bytes = b"s" * 32,
) -> PreparedRelease:
    """A release of countable records, after another one or the first."""
    return release.prepare(
        linked(records),
        period=period,
        closes=date(2026, 9, 30),
        center_name="Test Center",
        past=None if before is None else before.files["release.json"],
        levels={} if before is None else before.levels,
        seed=seed,
        sign=lambda _: b"signature\n",
    )


# --- P11 ------------------------------------------------------------------------------------------


def counted(
    people: int, *, refusing: Collection[int] = (), absent: Collection[int] = (), gate: Gate = countable
) -> Mapping[str, bytes]:
    """All files of a release in which some people refused to be counted, and others never wrote.

    Their reports are tied to others': a refused one must not tie those to each other, nor stand for their incident.
    """
    passed = []
    for number in range(1, people + 1):
        if number in absent:
            continue
        told = case(
            number,
            answers={"consent_count": number not in refusing, "role": "me" if number % 3 else "saw"},
            incident_id="R-0004" if number % 11 == 4 else None,
            series_id="S-1" if number % 9 == 0 else None,
        )
        try:
            passed.append(gate(told, coding(number, grounds=(GROUNDS.get(number % 6, "sogi.gay"),))))
        except NotCountableError:
            continue
    return prepared(passed).files


def heedless(told: Case, judged: Coding) -> Countable:
    """The sin: a gate that does not ask whether the person allowed it."""
    return countable(replace(told, report=replace(told.report, consent_count=True)), judged)


# --- P12 ------------------------------------------------------------------------------------------


def quarter(first: int, last: int) -> list[Countable]:
    """The records of a quarter: many of one kind, few of others."""
    return [
        record(
            number,
            grounds=(GROUNDS.get(number % 17, "sogi.gay"),),
            place=("20", "13", "58", "03", "53")[number % 5 if number % 13 else 4],
            answers={
                "incident_types": ("words", "hit") if number % 3 else ("threat",),
                "reported_to": ("none",) if number % 19 else ("police",),
            },
        )
        for number in range(first, last)
    ]


def three_in_no_row() -> list[Countable]:
    """Twenty-five incidents: each ground is safe by itself, and together they leave three without one."""
    return _of_grounds([("sogi.gay",)] * 13 + [("race.asian",)] * 9 + [("unknown",)] * 3)


def three_in_both() -> list[Countable]:
    """Twenty-five incidents: each ground is safe by itself, and together they are too many not to meet in three."""
    both = ("race.asian", "sogi.gay")
    return _of_grounds([("sogi.gay",)] * 17 + [("race.asian",)] * 5 + [both] * 3)


def nobody_is_few() -> list[Countable]:
    """Sixty incidents in which no cell and no two rows hold one to four."""
    return [
        record(
            number,
            grounds=(("sogi.gay", "gi.trans", "race.asian")[number % 3],),
            place="20" if number % 2 else "58",
            answers={
                "incident_types": ("words",) if number % 2 else ("hit",),
                "reported_to": ("none",) if number % 3 else ("police",),
            },
        )
        for number in range(1, 61)
    ]


def without_full(published: bytes) -> set[str]:
    """Exhibits of the last release that hide something, or are left out."""
    shown: dict[str, bool] = {}
    for table in json.loads(published)["releases"][-1]["tables"]:
        name = table["id"].partition(".")[0]
        shown[name] = shown.get(name, True) and all(cell["v"] != "c" for cell in table["cells"])
    return {one.id for one in hierarchy.QUARTERLY if not shown.get(one.id, False)}


def _of_grounds(told: Iterable[tuple[str, ...]]) -> list[Countable]:
    return [record(number, grounds=grounds) for number, grounds in enumerate(told, start=1)]


def two_quarters() -> bytes:
    """Everything published after the releases of two separate quarters."""
    first = prepared(quarter(1, 70))
    return prepared(quarter(100, 160), period="2026Q4", before=first).files["release.json"]


def primary_only(periods: Mapping[str, Sequence[Countable]]) -> bytes:
    """The sin: the same tables, finest level, with nothing hidden but the small cells themselves."""
    dimensions: dict[str, list[str]] = {}
    groups: dict[str, Mapping[str, Sequence[str]]] = {}
    releases = []
    for period, records in periods.items():
        splits = [split for exhibit in hierarchy.QUARTERLY for split in exhibit.levels[0]]
        shown = []
        for table in tables.count(linked(records), splits):
            one = table.split.dimension
            dimensions[one.name] = list(one.leaves)
            if one.groups:
                groups[one.name] = {code: list(leaves) for code, leaves in one.groups.items()}
            cells = [
                {one.name: cell.code, "v": "c" if 1 <= cell.size < K else cell.count}
                for cell in (*table.cells, table.total)
            ]
            shown.append(
                {
                    "id": table.split.id,
                    "dims": [one.name],
                    "filter": {name: list(codes) for name, codes in table.split.filter.items()},
                    "omitted": "absent",
                    "marks": {"c": [0, None]},
                    "cells": cells,
                }
            )
        releases.append({"id": period, "scope": [period], "tables": shown})
    whole = {"schema": "sdc-release/1", "dimensions": dimensions, "groups": groups, "releases": releases}
    return json.dumps(whole).encode()


class Equations:
    """Every published figure of every release as one system over counts of (slice, dimension, leaf)."""

    def __init__(self, published: bytes) -> None:
        self._whole = json.loads(published)
        self._columns: dict[tuple[str, str, str], int] = {}
        self._fixed: list[tuple[list[int], float]] = []
        self.hidden: list[tuple[str, list[int]]] = []  # every hidden cell: (its name, what it sums)
        for one in self._whole["releases"]:
            for table in one["tables"]:
                self._read(one, table)
        self._constraints = [self._row(columns, value) for columns, value in self._fixed]
        self._constraints += list(self._ties())

    def bounds(self, columns: Iterable[int]) -> tuple[int, int]:
        """The least and the largest whole number that a sum of counts can be."""
        costs = np.zeros(len(self._columns))
        costs[list(columns)] = 1
        ends = []
        for sign in (1, -1):
            found = milp(
                sign * costs,
                constraints=self._constraints,
                integrality=np.ones(len(costs)),
                bounds=Bounds(0, CEILING),
            )
            assert found.status == 0, found.message
            ends.append(round(sign * found.fun))
        return ends[0], ends[1]

    def learnt(self) -> list[str]:
        """Hidden cells that cannot be empty, or cannot hold K: what an intruder learns something about.

        Of a hidden total it is the part that is not printed: reports in all are no fewer than the incidents.
        """
        printed = {column for columns, _ in self._fixed if len(columns) == 1 for column in columns}
        found = []
        for name, columns in self.hidden:
            low, high = self.bounds(column for column in columns if column not in printed)
            if low > 0 or high < K:
                found.append(name)
        return found

    def in_no_ground(self, slice_: str) -> tuple[int, int]:
        """The least and the largest number of incidents in no row of the grounds."""
        return self._shared(slice_, [one for one in self._columns if one[1].startswith("bias.")], "no")

    def in_grounds(self, slice_: str, *names: str) -> tuple[int, int]:
        """The least and the largest number of incidents in all of these rows."""
        return self._shared(slice_, [(slice_, f"bias.{name}", "yes") for name in names], "yes")

    def _shared(self, slice_: str, named: Iterable[tuple[str, str, str]], leaf: str) -> tuple[int, int]:
        """One unknown more: no larger than any of the cells, and no smaller than what all others leave over."""
        cells = [self._columns[one] for one in named if (one[0], one[2]) == (slice_, leaf)]
        size = len(self._columns)
        below = np.zeros((len(cells), size + 1))
        below[range(len(cells)), cells] = 1
        below[:, size] = -1
        over = np.append(np.sum(below[:, :size], axis=0), -1.0)
        over[self._columns[slice_, "record", "incident"]] -= len(cells) - 1
        rows = [LinearConstraint(np.append(one.A, 0.0), one.lb, one.ub) for one in self._constraints]
        rows += [LinearConstraint(below, 0, np.inf), LinearConstraint(over, -np.inf, 0)]
        ends = []
        for sign in (1, -1):
            costs = np.append(np.zeros(size), float(sign))
            found = milp(costs, constraints=rows, integrality=np.ones(size + 1), bounds=Bounds(0, CEILING))
            assert found.status == 0, found.message
            ends.append(round(sign * found.fun))
        return ends[0], ends[1]

    def _read(self, one: Mapping[str, Any], table: Mapping[str, Any]) -> None:
        (dimension,) = table["dims"]
        assert set(table["filter"]) <= {"record"}, "the equations know no other filter"
        groups = self._whole["groups"].get(dimension, {})
        for cell in table["cells"]:
            code = cell[dimension]
            leaves = self._whole["dimensions"][dimension] if code == "*" else groups.get(code, [code])
            columns = [self._column(slice_, dimension, leaf) for slice_ in one["scope"] for leaf in leaves]
            if cell["v"] == "c":
                self.hidden.append((f"{one['id']} {table['id']} {code}", columns))
            else:
                self._fixed.append((columns, cell["v"]))

    def _column(self, slice_: str, dimension: str, leaf: str) -> int:
        return self._columns.setdefault((slice_, dimension, leaf), len(self._columns))

    def _ties(self) -> list[LinearConstraint]:
        """Every dimension sorts the same incidents of a slice."""
        found = []
        for slice_, dimension in sorted({(one[0], one[1]) for one in self._columns if one[1] != "record"}):
            row = np.zeros(len(self._columns))
            for leaf in self._whole["dimensions"][dimension]:
                row[self._columns[slice_, dimension, leaf]] = 1
            row[self._columns[slice_, "record", "incident"]] = -1
            found.append(LinearConstraint(row, 0, 0))
        return found

    def _row(self, columns: Iterable[int], value: float) -> LinearConstraint:
        row = np.zeros(len(self._columns))
        row[list(columns)] = 1
        return LinearConstraint(row, value, value)
