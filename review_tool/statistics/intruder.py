"""An intruder who solves the equations: reads a finished `release.json` and bounds what was hidden (METHODS.md 4).

Written against the published schema alone: it shares no code with the protector, reads the bytes that are about to be
written, and uses linear programs where the protector counts. What it cannot model is a failure, never a pass.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import highspy
import numpy as np

TOLERANCE: Final = 1e-6  # of the solver; bounds are rounded inward to whole numbers
BASE: Final = "record"  # the dimension that may stand in a filter

_Row = tuple[Counter[int], float, float]  # coefficients by unknown, least and largest sum

Truth = Mapping[tuple[str, str, str], int]  # {(release, table, code): size in sources}


class Severity(IntEnum):
    """How bad a finding is; a release with one of SERIOUS or above is refused."""

    INFORMATION = 0
    NOTICE = 1
    SERIOUS = 2
    PROOF = 3


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Finding:
    """Something an intruder can show, without its number: kind, release, table and the codes it is about."""

    severity: Severity
    kind: str
    release: str
    table: str
    codes: tuple[str, ...]


class UnattackedError(Exception):
    """The file holds something this intruder cannot model, or figures that contradict each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figure:
    """One published cell: the unknowns it sums, and the range that print gives it."""

    release: str
    table: str
    code: str
    columns: tuple[int, ...]
    low: float
    high: float

    @property
    def is_hidden(self) -> bool:
        return self.low != self.high


def attack(release_json: bytes, *, k: int, truth: Truth | None = None) -> tuple[Finding, ...]:
    """Find everything that the published bytes give away about groups of 1 to k-1.

    Args:
        release_json: schema `sdc-release/1`, this release and all earlier ones.
        k: threshold.
        truth: sizes of cells, as only the Center knows them; grades what an outsider can only suspect.

    Returns:
        Findings, worst first; empty when nothing was found.

    Raises:
        UnattackedError: a table with several dimensions, an unknown mark, or figures that contradict each other.
    """
    model = _Model(_parsed(release_json))
    model.bounds(())  # figures that cannot all be true are refused even where nothing is hidden
    findings: list[Finding] = []
    for figure in model.figures:
        findings += _about_cell(model, figure, k, truth)
    for line in model.lines():
        findings += _about_line(model, line, k)
    findings += _about_differences(model, k)
    return tuple(sorted(set(findings), reverse=True))


class _Model:
    """Unknown counts of every slice, dimension and code, and the equations that print puts on them."""

    def __init__(self, published: Mapping[str, Any]) -> None:
        self._dimensions: Mapping[str, Sequence[str]] = published["dimensions"]
        self._groups: Mapping[str, Mapping[str, Sequence[str]]] = published.get("groups", {})
        self._columns: dict[tuple[str, str, str], int] = {}
        self.figures: list[_Figure] = []
        for release in published["releases"]:
            for table in release["tables"]:
                self.figures += self._read(release, table)
        ties = list(self._ties())  # before the solver: they may name a further unknown
        self._solver = self._solved(ties)

    def lines(self) -> Iterator[tuple[_Figure, ...]]:
        """Each table as its inner cells followed by its total."""
        tables: dict[tuple[str, str], list[_Figure]] = {}
        for figure in self.figures:
            tables.setdefault((figure.release, figure.table), []).append(figure)
        for figures in tables.values():
            yield tuple(sorted(figures, key=lambda one: one.code == "*"))

    def bounds(self, columns: Iterable[int]) -> tuple[float, float]:
        """The least and the largest whole number that a sum of unknowns can be."""
        chosen = set(columns)
        costs = np.array([1.0 if one in chosen else 0.0 for one in range(len(self._columns))])
        low = self._optimum(costs, highspy.ObjSense.kMinimize)
        high = self._optimum(costs, highspy.ObjSense.kMaximize)
        return math.ceil(low - TOLERANCE), math.floor(high + TOLERANCE) if high < math.inf else math.inf

    def _read(self, release: Mapping[str, Any], table: Mapping[str, Any]) -> Iterator[_Figure]:
        if len(table["dims"]) != 1 or set(table.get("filter", {})) - {BASE}:
            raise UnattackedError("a table has more than one dimension")
        dimension = table["dims"][0]
        if dimension == BASE and table.get("filter"):
            raise UnattackedError("a table filters its own dimension")
        leaves = list(self._dimensions[dimension])
        groups = self._groups.get(dimension, {})
        covered: list[str] = []
        for cell in table["cells"]:
            code = cell[dimension]
            counted = leaves if code == "*" else groups.get(code, [code])
            covered += [] if code == "*" else counted
            low, high = _range(cell["v"], table["marks"])
            columns = tuple(
                self._column(slice_, dimension, leaf) for slice_ in release["scope"] for leaf in counted
            )
            yield _Figure(
                release=release["id"], table=table["id"], code=code, columns=columns, low=low, high=high
            )
        if sorted(covered) != sorted(leaves):
            raise UnattackedError("the cells of a table are not its whole dimension")

    def _column(self, slice_: str, dimension: str, code: str) -> int:
        return self._columns.setdefault((slice_, dimension, code), len(self._columns))

    def _solved(self, ties: Sequence[_Row]) -> highspy.Highs:
        """Put the unknowns and equations into the solver."""
        solver = highspy.Highs()  # type: ignore[no-untyped-call] # the binding ships without types for it
        solver.silent()
        solver.setOptionValue("threads", 1)  # one scheduler a process: another count answers with zeros
        figures = [(Counter(one.columns), one.low, one.high) for one in self.figures]
        rows = [*figures, *ties]
        for _ in self._columns:
            solver.addVar(0.0, highspy.kHighsInf)
        for parts, low, high in rows:
            indices = np.array(list(parts), dtype=np.int32)
            values = np.array(list(parts.values()), dtype=np.float64)
            solver.addRow(low, min(high, highspy.kHighsInf), len(parts), indices, values)
        return solver

    def _ties(self) -> Iterator[_Row]:
        """Every dimension sorts the same incidents: its codes add up to the incidents of the slice."""
        pairs = {(slice_, dimension) for slice_, dimension, _ in self._columns if dimension != BASE}
        for slice_, dimension in sorted(pairs):
            parts = Counter(self._column(slice_, dimension, code) for code in self._dimensions[dimension])
            parts[self._column(slice_, BASE, self._dimensions[BASE][0])] = -1
            yield parts, 0.0, 0.0

    def _optimum(self, costs: np.ndarray[Any, np.dtype[np.float64]], sense: highspy.ObjSense) -> float:
        solver = self._solver
        indices = np.arange(len(costs), dtype=np.int32)
        solver.changeColsCost(len(costs), indices, costs)
        solver.changeObjectiveSense(sense)
        solver.run()
        status = solver.getModelStatus()
        if status == highspy.HighsModelStatus.kOptimal:
            return float(solver.getInfo().objective_function_value)
        if status in (highspy.HighsModelStatus.kUnbounded, highspy.HighsModelStatus.kUnboundedOrInfeasible):
            return math.inf
        raise UnattackedError(f"the figures cannot all be true, or the solver stopped: {status.name}")


def _about_cell(model: _Model, figure: _Figure, k: int, truth: Truth | None) -> Iterator[Finding]:
    if not figure.is_hidden:
        if 1 <= figure.low < k or _is_small(figure, k, truth):
            yield _finding(Severity.PROOF, "published_small", figure)
        return
    low, high = model.bounds(figure.columns)
    is_small = _is_small(figure, k, truth)
    if low == high:
        kind = "exact_small" if 1 <= low < k or is_small else "zero_known" if low == 0 else "exact_hidden"
        graded = {"exact_small": Severity.PROOF, "zero_known": Severity.INFORMATION}
        yield _finding(graded.get(kind, Severity.NOTICE), kind, figure)
        return
    if low >= 1 and high < k:
        yield _finding(Severity.PROOF, "small_range", figure)
    if low >= 1:
        yield _finding(Severity.SERIOUS if is_small else Severity.NOTICE, "existence", figure)
    if high < k:
        yield _finding(Severity.SERIOUS, "narrow", figure)
    elif high - low < k:
        yield _finding(Severity.SERIOUS if is_small else Severity.NOTICE, "narrow", figure)


def _is_small(figure: _Figure, k: int, truth: Truth | None) -> bool:
    """Whether the Center knows that this cell is a protected group."""
    known = {} if truth is None else truth
    return 1 <= known.get((figure.release, figure.table, figure.code), 0) < k


def _about_line(model: _Model, line: Sequence[_Figure], k: int) -> Iterator[Finding]:
    *inner, total = line
    hidden = [one for one in inner if one.is_hidden]
    if hidden:
        low, high = model.bounds(column for one in hidden for column in one.columns)
        if low >= 1 and high < k:
            yield _finding(Severity.PROOF, "residual_small", *hidden)
    if total.is_hidden or not 1 <= total.low < 3 * k:
        return
    for one in inner:
        rest = [column for other in inner if other is not one for column in other.columns]
        if model.bounds(rest)[1] == 0:
            yield _finding(Severity.SERIOUS, "attribute_all_in_one", one)


def _about_differences(model: _Model, k: int) -> Iterator[Finding]:
    """Every published cell of one release less the same cell of another that covers a part of it."""
    by_cell: dict[tuple[str, str], list[_Figure]] = {}
    for figure in model.figures:
        by_cell.setdefault((figure.table, figure.code), []).append(figure)
    for figures in by_cell.values():
        ordered = sorted(figures, key=lambda one: len(one.columns))
        for small, large in ((a, b) for i, a in enumerate(ordered) for b in ordered[i + 1 :]):
            if set(small.columns) < set(large.columns):
                low, high = model.bounds(set(large.columns) - set(small.columns))
                if low >= 1 and high < k:
                    yield _finding(Severity.PROOF, "difference_small", large)


def _finding(severity: Severity, kind: str, *figures: _Figure) -> Finding:
    first = figures[0]
    codes = tuple(one.code for one in figures)
    return Finding(severity=severity, kind=kind, release=first.release, table=first.table, codes=codes)


def _range(printed: object, marks: Mapping[str, Sequence[int | None]]) -> tuple[float, float]:
    if isinstance(printed, int) and not isinstance(printed, bool) and printed >= 0:
        return float(printed), float(printed)
    if isinstance(printed, str) and printed in marks:
        low, high = marks[printed]
        return float(low or 0), math.inf if high is None else float(high)
    raise UnattackedError("a cell holds neither a count nor a mark")


def _parsed(release_json: bytes) -> Mapping[str, Any]:
    published: Mapping[str, Any] = json.loads(release_json)
    if published.get("schema") != "sdc-release/1":
        raise UnattackedError("the file is not of the schema sdc-release/1")
    scopes = [set(release["scope"]) for release in published["releases"]]
    if any(not scope for scope in scopes):
        raise UnattackedError("a release counts no slice")
    return published
