"""Hide what would give somebody away: primary and complementary suppression of one-way tables (METHODS.md 3).

A group is protected when it has 1 to k-1 distinct sources. After protection every hidden cell, and the sum of the hidden
cells of a table, which anybody can compute, is empty in some world that fits the printed figures and holds at least k in
another. For one line that is a covering problem of whole numbers, and it is solved exactly. The same holds for incidents
that a list of yes/no tables singles out together: those in no row, and those in both of two rows. The number of incidents
is printed in every table and never hidden: where that cannot be, there is no release.
"""

import hashlib
import hmac
import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Final

from review_tool.gates import Record
from review_tool.statistics.hierarchy import TOTAL, YES, Split
from review_tool.statistics.tables import Cell, Table, Together

K: Final = 5  # distinct sources; may be raised (11 is the rule of US Medicare), never lowered
ATTRIBUTE_LINE: Final = 3  # times k; a shorter line that is all of one kind tells about each person in it
HIDDEN_SHARE: Final = 4  # at most one cell in so many may be hidden, else the exhibit gets coarser
SEED_SIZE: Final = 32  # bytes, drawn before counting
WEIGHT_UNIT: Final = 1000  # weights are whole numbers, so that no two machines choose differently
MOST_EXTRA: Final = 3  # further cells hidden for the pattern's sake in an exhibit that hides anything
WITHOUT_NEED: Final = 4  # an exhibit that need hide nothing does so all the same one time in so many

_PROTECTED: Final = object()  # known to this module alone


class CannotProtectError(Exception):
    """No choice of hidden cells protects a table while its total is printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectedTable:
    """A table that may be published; made by `protect` alone, and the only thing a release takes.

    Attributes:
        split: what it counts.
        counts: `{code: count}`, None where hidden, in the order of the split; the total is under `*`.
    """

    split: Split = field(hash=False)
    counts: Mapping[str, int | None] = field(hash=False)
    gate: InitVar[object]

    def __post_init__(self, gate: object) -> None:
        if gate is not _PROTECTED:
            raise AssertionError("a protected table is made by protect() alone")

    @property
    def hidden(self) -> tuple[str, ...]:
        """Codes of the hidden cells, primary and complementary alike."""
        return tuple(code for code, count in self.counts.items() if count is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """Choices that only the holder of a release's seed can repeat; the same seed makes the same choices."""

    seed: bytes = field(repr=False)
    release: str

    def __post_init__(self) -> None:
        if len(self.seed) != SEED_SIZE:
            raise AssertionError(f"a seed has {SEED_SIZE} bytes")

    def draw(self, purpose: str, table: str, code: str) -> int:
        """A number below 2**32 for one cell and one purpose."""
        told = "\0".join((self.release, purpose, table, code)).encode()
        return int.from_bytes(hmac.digest(self.seed, told, hashlib.sha256)[:4], "big")


def protect(
    tables: Sequence[Table], *, together: Iterable[Together], k: int = K, seed: bytes, release_id: str
) -> tuple[ProtectedTable, ...]:
    """Protect the tables of one exhibit, in the same order.

    Args:
        tables: all that the exhibit shows.
        together: what its rows single out together, counted from the same records.
        k: threshold.
        seed: of the release.
        release_id: its period.

    Raises:
        CannotProtectError: some table stays unsafe whatever is hidden; a coarser one may do.
    """
    if k < K:
        raise AssertionError("the threshold may be raised, never lowered")
    keyed = Keyed(seed=seed, release=release_id)
    hidden = [_needed(table, k, keyed) for table in tables]
    for place in _opening(tables, hidden, together, k, keyed):
        hidden[place] = _covered(tables[place], frozenset({YES}), k, keyed)
    if not any(hidden) and _is_drawn(tables, keyed):
        hidden = _without_need(tables, k, keyed)
    if any(hidden):
        for place, code in _extra(tables, hidden, keyed):
            hidden[place] = _covered(tables[place], hidden[place] | {code}, k, keyed)
    return tuple(_made(table, codes) for table, codes in zip(tables, hidden, strict=True))


def hides_too_much(protected: Iterable[ProtectedTable]) -> bool:
    """Whether more than a quarter of an exhibit's cells are hidden; totals do not dilute the share."""
    tables = tuple(protected)
    cells = sum(len(table.counts) - 1 for table in tables)
    return sum(len(table.hidden) for table in tables) * HIDDEN_SHARE > cells


def is_protected_group(size: int, k: int = K) -> bool:
    """Whether a group of so many sources must stay unknown."""
    return 1 <= size < k


def _needed(table: Table, k: int, keyed: Keyed) -> frozenset[str]:
    """Hidden cells of a table that the rules ask for, before any extra ones."""
    if is_protected_group(table.total.size, k):
        raise CannotProtectError(f"{table.split.id}: the total itself is a protected group")
    primary = frozenset(cell.code for cell in table.cells if _is_primary(cell, table, k))
    return _hiding(table, primary, k, keyed) if primary else primary


def _is_primary(cell: Cell, table: Table, k: int) -> bool:
    is_whole_line = cell.count == table.total.count and len(table.cells) > 1
    return is_protected_group(cell.size, k) or (is_whole_line and table.total.size < ATTRIBUTE_LINE * k)


def _hiding(table: Table, start: frozenset[str], k: int, keyed: Keyed) -> frozenset[str]:
    """The cells to hide for these.

    Of incidents and further reports, incidents stay: they are the total of every other table. The further reports and
    the reports in all are hidden together, which leaves both open upwards.
    """
    if not table.split.filter:
        return frozenset({Record.FURTHER_REPORT.value, TOTAL})
    return _covered(table, start, k, keyed)


def _is_drawn(tables: Sequence[Table], keyed: Keyed) -> bool:
    """Whether an exhibit hides without need at this level: else whatever is hidden would prove a protected group."""
    level = " ".join(f"{table.split.id}.{code}" for table in tables for code in table.split.labels)
    return keyed.draw("without need", tables[0].split.id, level) % WITHOUT_NEED == 0


def _without_need(tables: Sequence[Table], k: int, keyed: Keyed) -> list[frozenset[str]]:
    """What would be hidden if a few cells were small: most often one, up to as many as a level can hold and one more."""
    hidden: list[frozenset[str]] = [frozenset()] * len(tables)
    lot = keyed.draw("pretended", tables[0].split.id, TOTAL)
    most = max(sum(len(table.cells) for table in tables) // HIDDEN_SHARE, 1)
    few = min((lot & -lot).bit_length(), most)  # one for every odd lot, two for half of the others, and so on
    for place, code in _lots(tables, hidden, keyed)[: max(few, 1)]:
        hidden[place] = _hiding(tables[place], hidden[place] | {code}, k, keyed)
    return hidden


def _covered(table: Table, start: frozenset[str], k: int, keyed: Keyed) -> frozenset[str]:
    """The cells to hide that hold `start`, are safe and weigh least.

    With the total printed, the hidden cells of a line have a known sum S and any split of S among them is a world. So
    it takes two of them; S of at least k, and of k above the count of each cell that has many records of few sources;
    and k sources among them, for S itself is a group. A cell of many sources adds at least k of each, a zero adds
    neither: one zero at most is ever worth hiding.
    """
    cells = {cell.code: cell for cell in table.cells}
    chosen = [cells[code] for code in cells if code in start]
    others = [cell for code, cell in cells.items() if code not in start and cell.count]
    few = [cell.count for cell in chosen if cell.count >= k and is_protected_group(cell.size, k)]
    missing = max([k, *(count + k for count in few)]) - sum(cell.count for cell in chosen)
    if _sources(chosen) < k:
        missing = max(missing, 1)
    found = start | _cheapest_cover(others, max(missing, 0), table, keyed)
    if len(found) < 2:
        spare = [
            cell for cell in table.cells if cell.code not in found
        ]  # a lone cell is the total, never hidden
        found |= {min(spare, key=lambda cell: _weight(cell, table, keyed)).code}
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meeting:
    """A protected group of one cell of each of several tables; a world may put any `total` incidents into them.

    Attributes:
        shown: `{place of the table: count of its cell}`.
        total: incidents.
        need: what the group must be able to hold.
    """

    shown: Mapping[int, int]
    total: int
    need: int

    def closed_by(self, hidden: Collection[int]) -> list[int]:
        """Tables of which one must be hidden, and none once the group can be empty and can hold what it needs.

        It holds what the other codes of its tables cannot take, and never more than its smallest cell.
        """
        printed = {place: count for place, count in self.shown.items() if place not in hidden}
        tight = [place for place, count in printed.items() if count < self.need]
        others = sum(self.total - count for count in printed.values())
        can_be_empty = len(printed) < len(self.shown) or others >= self.total
        return tight or ([] if can_be_empty else list(printed))


def _opening(
    tables: Sequence[Table],
    hidden: Sequence[frozenset[str]],
    together: Iterable[Together],
    k: int,
    keyed: Keyed,
) -> frozenset[int]:
    """Further tables to hide, so that the protected groups among what rows single out together stay open.

    One hidden table leaves a group open downwards, for nobody knows what it takes. Chosen one by one, the table of least
    weight for the groups it opens; more than one or two are hardly ever needed.
    """
    places = {table.split.id: place for place, table in enumerate(tables)}
    meetings = [_meeting(one, tables, places, k) for one in together if is_protected_group(one.cell.size, k)]
    gone = {place for place, codes in enumerate(hidden) if codes}
    found: set[int] = set()
    while closed := [place for one in meetings for place in one.closed_by(gone | found)]:
        weights = {
            place: sum(_weight(cell, tables[place], keyed) for cell in tables[place].cells) / opened
            for place, opened in Counter(closed).items()
        }
        found.add(min(weights, key=lambda place: (weights[place], place)))
    return frozenset(found)


def _meeting(one: Together, tables: Sequence[Table], places: Mapping[str, int], k: int) -> _Meeting:
    counts = {
        places[name]: next(cell.count for cell in tables[places[name]].cells if cell.code == code)
        for name, code in one.codes.items()
    }
    need = one.cell.count + k if one.cell.count >= k else k
    total = tables[0].total.count
    if need > total:
        raise CannotProtectError(
            f"{one.list_id}: nearly all incidents in two rows, or in none, have few sources"
        )
    return _Meeting(shown=counts, total=total, need=need)


def _sources(cells: Iterable[Cell]) -> int:
    return len({source for cell in cells for source in cell.by_source})


def _cheapest_cover(cells: Sequence[Cell], missing: int, table: Table, keyed: Keyed) -> frozenset[str]:
    """Cells of least weight whose counts reach `missing`, by dynamic programming over what is still missing."""
    best: dict[int, tuple[int, frozenset[str]]] = {missing: (0, frozenset())}
    for cell in cells:
        weight = _weight(cell, table, keyed)
        for left, (cost, codes) in list(best.items()):
            then = max(left - cell.count, 0)
            if left and (then not in best or cost + weight < best[then][0]):
                best[then] = (cost + weight, codes | {cell.code})
    if 0 not in best:
        raise CannotProtectError(f"{table.split.id}: unsafe even with every cell hidden")
    return best[0][1]


def _value(cell: Cell) -> float:
    """What readers lose with a cell, before the keyed factor."""
    return 1 + math.log2(1 + cell.count)


def _weight(cell: Cell, table: Table, keyed: Keyed) -> int:
    """The loss times a keyed factor of 1 to 2 that nobody outside can recompute."""
    factor = 1 + keyed.draw("weight", table.split.id, cell.code) / 2**32
    return round(WEIGHT_UNIT * factor * _value(cell))


def _extra(
    tables: Sequence[Table], hidden: Sequence[frozenset[str]], keyed: Keyed
) -> tuple[tuple[int, str], ...]:
    """A keyed handful of further cells, zeros and large ones: the pattern alone must not say which are small.

    At least one wherever something is hidden, and as many more as the share of hidden cells leaves room for.
    """
    if not tables[0].split.filter:
        return ()
    cost = 2 if len(tables) > 1 else 1  # a yes/no table hides both its cells
    room = sum(len(table.cells) for table in tables) // HIDDEN_SHARE - sum(map(len, hidden))
    wanted = 1 + keyed.draw("extra", tables[0].split.id, TOTAL) % MOST_EXTRA
    return _lots(tables, hidden, keyed)[: min(wanted, max(room // cost, 1))]


def _lots(
    tables: Sequence[Table], hidden: Sequence[frozenset[str]], keyed: Keyed
) -> tuple[tuple[int, str], ...]:
    """Printed cells in the order in which they are drawn, one a table of a list; what loses least is likelier first."""
    candidates = [
        (keyed.draw("extra", table.split.id, cell.code) * _value(cell), place, cell.code)
        for place, table in enumerate(tables)
        for cell in table.cells
        if cell.code not in hidden[place]
    ]
    drawn: dict[object, tuple[int, str]] = {}
    for _, place, code in sorted(candidates):
        drawn.setdefault(place if len(tables) > 1 else code, (place, code))
    return tuple(drawn.values())


def _made(table: Table, hidden: Collection[str]) -> ProtectedTable:
    counts = {cell.code: None if cell.code in hidden else cell.count for cell in (*table.cells, table.total)}
    return ProtectedTable(split=table.split, counts=counts, gate=_PROTECTED)
