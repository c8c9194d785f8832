"""All worlds that agree with a release file, as linear programs: how small and how large can a group be?

The joint table of all dimensions is far too large, so each slice is cut into the cliques of a triangulated graph whose
edges join dimensions that stand in one table. Neighbouring cliques agree on what they share, which loses nothing: such
tables of whole counts always extend to a joint table. Slices that no release adds up are programs of their own.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import Final, TypeAlias

import highspy
import numpy as np

from review_tool.statistics.published import Published, Range, Region, UnattackedError

TOLERANCE: Final = 1e-6  # of the solver; bounds are rounded inward to whole numbers
MOST_ATOMS: Final = 300_000  # unknowns; a larger plan is refused, a weaker model must not decide
_EXACT: Final = (highspy.HighsModelStatus.kOptimal,)
_OPEN: Final = (highspy.HighsModelStatus.kUnbounded, highspy.HighsModelStatus.kUnboundedOrInfeasible)

Columns: TypeAlias = frozenset[int]
Indices: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int32]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clique:
    """The atoms of one clique in one slice: columns `first` and on, by every combination of its leaf codes."""

    dims: tuple[str, ...]
    codes: tuple[tuple[str, ...], ...]
    first: int
    size: int

    def columns(self, region: Mapping[str, frozenset[str]]) -> Columns:
        """Columns of the atoms that lie in a region."""
        chosen = [
            [place for place, code in enumerate(codes) if code in region.get(name, codes)]
            for name, codes in zip(self.dims, self.codes, strict=True)
        ]
        shape = tuple(len(codes) for codes in self.codes)
        places = np.arange(self.size).reshape(shape)[np.ix_(*chosen)] if shape else np.zeros(1, dtype=int)
        return frozenset(int(place) + self.first for place in places.ravel())


@dataclass(slots=True, kw_only=True)
class _Block:
    """Slices that figures tie together, with one program for all of them."""

    slices: tuple[str, ...]
    cliques: dict[str, tuple[_Clique, ...]] = field(default_factory=dict)
    solver: highspy.Highs | None = None
    size: int = 0
    known: dict[Columns, Range] = field(default_factory=dict)


class Worlds:
    """Every world that agrees with a file."""

    def __init__(self, published: Published) -> None:
        """Build the programs.

        Raises:
            UnattackedError: too many unknowns, or figures that cannot all be true.
        """
        self._published = published
        self._placed_at: dict[
            tuple[str, Region], Columns | None
        ] = {}  # asked for again in every run of slices
        tables = published.tables
        self._blocks: dict[str, _Block] = {}
        for together in _tied(published.slices, [table.scope for table in tables]):
            block = _Block(slices=together)
            self._blocks.update(dict.fromkeys(together, block))
        for block in self._each():
            for slice_ in block.slices:
                cliques = _cliques([{*one.dims, *one.filter} for one in tables if slice_ in one.scope])
                block.cliques[slice_] = self._placed(block, cliques)
            if block.size > MOST_ATOMS:
                raise UnattackedError("the plan is too large to be attacked")
            self._load(block)

    def counts(self, region: Region, slices: Iterable[str]) -> bool:
        """Whether every one of these slices has a table that holds the region's dimensions."""
        return all(self._found(self._blocks[slice_], slice_, region) is not None for slice_ in slices)

    def bounds(self, regions: Iterable[Region], slices: Iterable[str]) -> Range:
        """The least and the largest whole count of disjoint regions over slices; infinity where nothing bounds it.

        Raises:
            UnattackedError: a region that no clique holds, or a solver that stopped.
        """
        parts: dict[int, tuple[_Block, set[int]]] = {}
        wanted = list(regions)
        for slice_ in slices:
            block = self._blocks[slice_]
            _, columns = parts.setdefault(id(block), (block, set()))
            for region in wanted:
                columns |= self._columns(block, slice_, region)
        low = high = 0.0
        for block, columns in parts.values():
            least, most = self._solved(block, frozenset(columns))
            low, high = low + least, high + most
        return low, high

    def _each(self) -> Iterator[_Block]:
        seen: set[int] = set()
        for block in self._blocks.values():
            if id(block) not in seen:
                seen.add(id(block))
                yield block

    def _placed(self, block: _Block, cliques: Sequence[tuple[str, ...]]) -> tuple[_Clique, ...]:
        placed = []
        for dims in cliques:
            codes = tuple(self._published.dimensions[name] for name in dims)
            size = math.prod(len(one) for one in codes)
            placed.append(_Clique(dims=dims, codes=codes, first=block.size, size=size))
            block.size += size
        return tuple(placed)

    def _columns(self, block: _Block, slice_: str, region: Region) -> Columns:
        columns = self._found(block, slice_, region)
        if columns is None:
            raise UnattackedError("a group lies across tables that were never joined")
        return columns

    def _found(self, block: _Block, slice_: str, region: Region) -> Columns | None:
        """Columns of a region in one slice; None where no clique holds its dimensions."""
        place = (slice_, region)
        if place not in self._placed_at:
            wanted = dict(region)
            holding = (clique for clique in block.cliques[slice_] if wanted.keys() <= set(clique.dims))
            clique = next(holding, None)
            self._placed_at[place] = None if clique is None else clique.columns(wanted)
        return self._placed_at[place]

    def _load(self, block: _Block) -> None:
        solver = highspy.Highs()  # type: ignore[no-untyped-call] # the binding ships without types for it
        solver.silent()
        solver.setOptionValue("threads", 1)  # one scheduler a process: another count answers with zeros
        solver.setOptionValue("presolve", "off")  # warm starts answer most bounds at once
        for _ in range(block.size):
            solver.addVar(0.0, highspy.kHighsInf)
        exact: dict[Columns, Range] = {}
        for figure in self._published.figures:
            if figure.scope <= set(block.slices):
                columns = frozenset[int]().union(
                    *(self._columns(block, slice_, figure.region) for slice_ in figure.scope)
                )
                _add_row(solver, dict.fromkeys(columns, 1.0), figure.low, figure.high)
                if not figure.is_hidden:
                    exact[columns] = (figure.low, figure.high)
        for cliques in block.cliques.values():
            for row in _agreements(cliques):
                _add_row(solver, row, 0.0, 0.0)
        block.solver = solver
        self._solved(
            block, frozenset()
        )  # figures that cannot all be true are refused even where nothing is hidden
        block.known |= exact

    def _solved(self, block: _Block, columns: Columns) -> Range:
        if columns not in block.known:
            low = _optimum(block, columns, highspy.ObjSense.kMinimize)
            high = _optimum(block, columns, highspy.ObjSense.kMaximize)
            block.known[columns] = (
                math.ceil(low - TOLERANCE),
                high if math.isinf(high) else math.floor(high + TOLERANCE),
            )
        return block.known[columns]


def _tied(slices: Sequence[str], scopes: Collection[frozenset[str]]) -> Iterator[tuple[str, ...]]:
    """Sets of slices that some release counts together, directly or through others."""
    groups: list[set[str]] = [{slice_} for slice_ in slices]
    for scope in scopes:
        touched = [group for group in groups if group & scope]
        groups = [group for group in groups if not group & scope] + [set().union(*touched)]
    for group in groups:
        yield tuple(slice_ for slice_ in slices if slice_ in group)


def _cliques(tables: Iterable[set[str]]) -> list[tuple[str, ...]]:
    """Maximal cliques of the triangulated graph, by least fill-in, ties by name; one empty clique without dimensions."""
    edges: dict[str, set[str]] = {}
    for names in tables:
        for name in names:
            edges.setdefault(name, set()).update(names - {name})
    found: list[set[str]] = []
    while edges:
        name = min(edges, key=lambda one: (_fill(edges, one), len(edges[one]), one))
        around = edges.pop(name)
        for other in around:
            edges[other] = (edges[other] | around) - {other, name}
        if not any({name, *around} <= known for known in found):
            found.append({name, *around})
    return [tuple(sorted(names)) for names in found] or [()]


def _fill(edges: Mapping[str, set[str]], name: str) -> int:
    return sum(right not in edges[left] for left, right in combinations(sorted(edges[name]), 2))


def _agreements(cliques: Sequence[_Clique]) -> Iterator[dict[int, float]]:
    """Rows that make neighbouring cliques agree, over a spanning tree that keeps the largest intersections."""
    joined, rest = list(cliques[:1]), list(cliques[1:])
    while rest:
        old, new = max(
            product(joined, rest), key=lambda pair: (len({*pair[0].dims} & {*pair[1].dims}), -pair[1].first)
        )
        shared = sorted({*old.dims} & {*new.dims})
        codes = {name: old.codes[old.dims.index(name)] for name in shared}
        for chosen in product(*(codes[name] for name in shared)):
            region = {name: frozenset({code}) for name, code in zip(shared, chosen, strict=True)}
            row = dict.fromkeys(old.columns(region), 1.0) | dict.fromkeys(new.columns(region), -1.0)
            yield row
        joined.append(new)
        rest.remove(new)


def _add_row(solver: highspy.Highs, row: Mapping[int, float], low: float, high: float) -> None:
    indices = np.fromiter(row, dtype=np.int32, count=len(row))
    values = np.fromiter(row.values(), dtype=np.float64, count=len(row))
    solver.addRow(low, min(high, highspy.kHighsInf), len(row), indices, values)


def _optimum(block: _Block, columns: Columns, sense: highspy.ObjSense) -> float:
    """The optimum over whole numbers: by linear program, and by integer program where its world is fractional."""
    solver = block.solver
    if solver is None:
        raise AssertionError("a block is loaded before it is asked")
    indices = np.fromiter(sorted(columns), dtype=np.int32, count=len(columns))
    everything = np.arange(block.size, dtype=np.int32)
    solver.changeColsCost(len(indices), indices, np.ones(len(indices)))
    solver.changeObjectiveSense(sense)
    try:
        value = _run(solver, sense)
        if math.isfinite(value) and not _is_whole(solver):
            _set_whole(solver, everything, highspy.HighsVarType.kInteger)
            value = _run(solver, sense)
            _set_whole(solver, everything, highspy.HighsVarType.kContinuous)
    finally:
        solver.changeColsCost(len(indices), indices, np.zeros(len(indices)))
    return value


def _run(solver: highspy.Highs, sense: highspy.ObjSense) -> float:
    solver.run()
    status = solver.getModelStatus()
    if status in _EXACT:
        return float(solver.getInfo().objective_function_value)
    if status in _OPEN and sense == highspy.ObjSense.kMaximize:
        return math.inf
    raise UnattackedError(f"the figures cannot all be true, or the solver stopped: {status.name}")


def _is_whole(solver: highspy.Highs) -> bool:
    values = np.asarray(solver.getSolution().col_value)
    return bool(np.all(np.abs(values - np.round(values)) <= TOLERANCE))


def _set_whole(solver: highspy.Highs, columns: Indices, kind: highspy.HighsVarType) -> None:
    kinds = np.full(len(columns), int(kind.value), dtype=np.uint8)
    solver.changeColsIntegrality(len(columns), columns, kinds)
