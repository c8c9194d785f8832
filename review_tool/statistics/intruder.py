"""An intruder who solves the equations: reads a finished `release.json` and bounds what was hidden (METHODS.md 4).

Written against the published schema alone: it shares no code with the protector, reads the bytes that are about to be
written, and uses linear programs where the protector counts. What it cannot model is a failure, never a pass. A finding
never holds a number: it may be shown where a release is refused.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import combinations
from typing import Final

from review_tool.statistics.published import (
    TOTAL,
    Figure,
    Published,
    PublishedTable,
    Range,
    Region,
    UnattackedError,
    read,
)
from review_tool.statistics.several import Together, together
from review_tool.statistics.worlds import Worlds

K: Final = 5  # sources; the threshold of the promise
ATTRIBUTE_LINE: Final = 3  # times k; shorter lines tell about their members when they lie in one cell
INSIDER_LINE: Final = 3  # records from which on the odd one out learns all others' answer

# {(release, table, codes of the cell): {source: records}}: what only the Center knows. What rows of a list single out
# together stands under the list and its name.
Truth = Mapping[tuple[str, str, tuple[str, ...]], Mapping[str, int]]


class Severity(IntEnum):
    """How bad a finding is; a release with one of SERIOUS or above is refused."""

    INFORMATION = 0
    NOTICE = 1
    SERIOUS = 2
    PROOF = 3


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Finding:
    """Something an intruder can show, without its number.

    Attributes:
        severity: how bad it is.
        kind: as METHODS.md 4 names it; with a question mark where only the Center could say if it matters.
        releases: the releases involved.
        table: the table it is about.
        cells: the cells together, each by its codes.
    """

    severity: Severity
    kind: str
    releases: tuple[str, ...]
    table: str
    cells: tuple[tuple[str, ...], ...]


def attack(release_json: bytes, *, k: int = K, truth: Truth | None = None) -> tuple[Finding, ...]:
    """Find everything that the published bytes give away about groups of 1 to k-1 sources.

    Args:
        release_json: schema `sdc-release/1`, this release and all earlier ones.
        k: threshold.
        truth: true figures of some or all cells; grades what an outsider can only suspect.

    Returns:
        Findings, worst first; empty when nothing was found.

    Raises:
        UnattackedError: the file cannot be modelled, or its figures contradict each other or the truth.
    """
    published = read(release_json)
    intruder = _Intruder(published, Worlds(published), k, truth)
    return tuple(sorted(set(intruder.findings()), reverse=True))


class _Intruder:
    """One attack: targets in turn, each held against its bounds."""

    def __init__(self, published: Published, worlds: Worlds, k: int, truth: Truth | None) -> None:
        self._published = published
        self._worlds = worlds
        self._k = k
        self._truth = truth

    def findings(self) -> Iterator[Finding]:
        """Everything found, in no order."""
        for table in self._published.tables:
            for figure in table.figures.values():
                yield from self._cell(figure)
            yield from self._outside_filter(table)
            for line in _lines(table):
                yield from self._residual(line)
                yield from self._attribute(line)
        for group in together(self._published, self._worlds):
            yield from self._together(group)
        yield from self._differences()

    def _cell(self, figure: Figure) -> Iterator[Finding]:
        bounds = self._worlds.bounds([figure.region], figure.scope)
        known = self._known([figure])
        if known is not None and not bounds[0] <= sum(known.values()) <= bounds[1]:
            raise UnattackedError("a printed figure is not the true one")
        if not figure.is_hidden:
            if 1 <= figure.low < self._k or self._is_small(known):
                yield self._finding(Severity.PROOF, "published_small", [figure])
            return
        for severity, kind in self._graded(bounds, known, is_cell=True):
            yield self._finding(severity, kind, [figure])

    def _graded(
        self, bounds: Range, known: Mapping[str, int] | None, *, is_cell: bool
    ) -> Iterator[tuple[Severity, str]]:
        """What the range of a hidden group gives away."""
        low, high = bounds
        is_small = self._is_small(known)
        if low == high:
            if is_small or 1 <= low < self._k:
                yield Severity.PROOF, "exact_small"
            else:
                yield (Severity.INFORMATION, "zero_known") if high == 0 else (Severity.NOTICE, "exact_hidden")
            return
        if low >= 1 and high < self._k:
            yield Severity.PROOF, "small_range"
            return
        unsure = (Severity.NOTICE, "?") if known is None else None
        grade = (Severity.SERIOUS, "") if is_small else unsure
        if low >= 1 and grade is not None:
            yield grade[0], f"existence{grade[1]}"
        if high < self._k:
            yield (Severity.SERIOUS, "narrow") if is_cell else (Severity.NOTICE, "narrow?")
        elif grade is not None and (high - low < self._k or self._is_held_down(high, known)):
            yield grade[0], f"narrow{grade[1]}"

    def _is_held_down(self, high: float, known: Mapping[str, int] | None) -> bool:
        """Many records of few sources: the group must be able to hold k more than it does."""
        count = 0 if known is None else sum(known.values())
        return count >= self._k and high < count + self._k

    def _outside_filter(self, table: PublishedTable) -> Iterator[Finding]:
        """The records that a filter leaves out are a group as well."""
        for name, kept in table.filter.items():
            others = frozenset(self._published.dimensions[name]) - kept
            if others and len(table.filter) == 1:
                low, high = self._worlds.bounds([frozenset({(name, others)})], table.scope)
                if low >= 1 and high < self._k:
                    yield Finding(
                        severity=Severity.PROOF,
                        kind="residual_small",
                        releases=(table.release,),
                        table=table.id,
                        cells=((f"not {name}",),),
                    )

    def _residual(self, line: "_Line") -> Iterator[Finding]:
        """What a published sum holds beside its printed parts: anybody can subtract."""
        hidden = [figure for figure in line.parts if figure.is_hidden]
        printed = [line.leaves_of(figure) for figure in line.parts if not figure.is_hidden]
        rest = line.leaves - frozenset[str]().union(*printed)
        if not rest or (len(hidden) == 1 and line.leaves_of(hidden[0]) == rest):
            return  # nothing is left, or one cell that was attacked as such
        bounds = self._worlds.bounds([line.region(rest)], line.whole.scope)
        is_all_hidden = sum(len(line.leaves_of(figure)) for figure in hidden) == len(rest)
        known = self._known(hidden) if hidden and is_all_hidden else None
        if bounds[0] >= 1 and bounds[1] < self._k:
            yield self._finding(Severity.PROOF, "residual_small", hidden or [line.whole])
        elif bounds[0] >= 1 and self._is_small(known):
            yield self._finding(Severity.SERIOUS, "existence", hidden)

    def _attribute(self, line: "_Line") -> Iterator[Finding]:
        """A short line that provably lies in one cell tells about each who is in it."""
        low, high = self._worlds.bounds([line.whole.region], line.whole.scope)
        if low < 1 or high >= ATTRIBUTE_LINE * self._k:
            return
        for figure in line.parts:
            others = line.region(line.leaves - line.leaves_of(figure))
            least, most = self._worlds.bounds([others], line.whole.scope)
            if most == 0:
                yield self._finding(Severity.SERIOUS, "attribute_all_in_one", [figure])
            elif least == most == 1 and low >= INSIDER_LINE:
                yield self._finding(Severity.NOTICE, "insider_attribute", [figure])

    def _together(self, group: Together) -> Iterator[Finding]:
        """What rows of a list single out together is judged like a hidden cell."""
        cell = (group.release, group.list_id, (group.name,))
        known = (self._truth or {}).get(cell)
        low, high = group.bounds
        if known is None and low >= 1 and self._knows_all(group):
            raise UnattackedError("the true figures leave out what rows of a list single out together")
        if known is not None and not low <= sum(known.values()) <= high:
            raise UnattackedError("a printed figure is not the true one")
        for severity, kind in self._graded(group.bounds, known, is_cell=True):
            if severity > Severity.INFORMATION:  # nobody is in a row that is empty
                yield Finding(
                    severity=severity,
                    kind=kind,
                    releases=(group.release,),
                    table=group.list_id,
                    cells=((group.name,),),
                )

    def _knows_all(self, group: Together) -> bool:
        return all(self._known([figure]) is not None for row in group.rows for figure in row.figures.values())

    def _differences(self) -> Iterator[Finding]:
        """Published cells over every set of slices that subtraction or addition of releases can reach."""
        by_region: dict[Region, list[Figure]] = {}
        for figure in self._published.figures:
            by_region.setdefault(figure.region, []).append(figure)
        for region, figures in by_region.items():
            printed = {figure.scope for figure in figures}
            for slices in _reachable(self._published.slices, printed):
                if slices in printed or not self._worlds.counts(region, slices):
                    continue
                low, high = self._worlds.bounds([region], slices)
                if low >= 1 and high < self._k:
                    touched = frozenset[str]().union(*(scope for scope in printed if scope & slices))
                    involved = [figure for figure in figures if figure.scope & touched]
                    yield self._finding(Severity.PROOF, "difference_small", involved)

    def _known(self, figures: Sequence[Figure]) -> Mapping[str, int] | None:
        """The sources of disjoint cells together; None if the truth of one is not known."""
        together: dict[str, int] = {}
        for figure in figures:
            cell = (self._truth or {}).get((figure.release, figure.table, figure.codes))
            if cell is None:
                return None
            for source, count in cell.items():
                together[source] = together.get(source, 0) + count
        return together

    def _is_small(self, known: Mapping[str, int] | None) -> bool:
        return known is not None and 1 <= len(known) < self._k

    def _finding(self, severity: Severity, kind: str, figures: Sequence[Figure]) -> Finding:
        return Finding(
            severity=severity,
            kind=kind,
            releases=tuple(sorted({figure.release for figure in figures})),
            table=figures[0].table,
            cells=tuple(dict.fromkeys(figure.codes for figure in figures)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A published sum and the published cells that are its parts, along one dimension.

    `leaves` are those of the sum, `codes` what every part stands for.
    """

    whole: Figure
    parts: tuple[Figure, ...]
    name: str
    place: int
    leaves: frozenset[str]
    codes: Mapping[str, frozenset[str]]

    def leaves_of(self, part: Figure) -> frozenset[str]:
        """Leaves that a part counts."""
        return self.codes[part.codes[self.place]]

    def region(self, leaves: frozenset[str]) -> Region:
        """The sum's own region, narrowed to some of its leaves."""
        kept = {(name, part) for name, part in self.whole.region if name != self.name}
        return frozenset({*kept, (self.name, leaves)})


def _lines(table: PublishedTable) -> Iterator[_Line]:
    """Every line of a table: one dimension runs from a total or group to its next finer cells, the others are fixed."""
    for place, name in enumerate(table.dims):
        leaves = table.leaves[name]
        for others in dict.fromkeys(codes[:place] + codes[place + 1 :] for codes in table.figures):
            running = {
                code: figure
                for code in leaves
                if (figure := table.figures.get((*others[:place], code, *others[place:]))) is not None
            }
            finer = {code: leaves[code] for code in running if code != TOTAL}
            for whole, figure in running.items():
                for parts in _next_finer(finer, leaves[whole]):
                    yield _Line(
                        whole=figure,
                        parts=tuple(running[code] for code in parts),
                        name=name,
                        place=place,
                        leaves=leaves[whole],
                        codes=leaves,
                    )


def _next_finer(codes: Mapping[str, frozenset[str]], whole: frozenset[str]) -> Iterator[tuple[str, ...]]:
    """The largest codes strictly inside a whole; each on its own where groups overlap."""
    inside = {code: part for code, part in codes.items() if part < whole}
    largest = [code for code, part in inside.items() if not any(part < other for other in inside.values())]
    if sum(len(inside[code]) for code in largest) == len(frozenset[str]().union(*inside.values())):
        if largest:
            yield tuple(largest)
    else:
        yield from ((code,) for code in largest)


def _reachable(slices: Sequence[str], scopes: set[frozenset[str]]) -> Iterator[frozenset[str]]:
    """Each slice, each run of neighbouring ones, and each scope less another; among the slices that scopes cover."""
    covered = frozenset().union(*scopes)
    found: dict[frozenset[str], None] = {}
    for first, last in combinations(range(len(slices) + 1), 2):
        found[frozenset(slices[first:last])] = None
    for left in scopes:
        for right in scopes:
            found[left - right] = None
    yield from (chosen for chosen in found if chosen and chosen <= covered)
