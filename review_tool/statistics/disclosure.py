"""Hide what would give somebody away: primary and complementary suppression of one-way tables (METHODS.md 3).

A group is protected when it has 1 to k-1 distinct sources. After protection every hidden cell, and every set of hidden
cells that one can name, is empty in some world that fits the printed figures and holds at least k in another. The
total of a line is printed, so the hidden cells of a line have a known sum, the residual; the rules below follow from it.
"""

import hashlib
import hmac
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

from review_tool.gates import Record
from review_tool.statistics.hierarchy import Split
from review_tool.statistics.tables import Cell, Table

EXTRA: Final = 1 / 4  # chance of a zero, and the largest of another harmless cell, to be hidden as well
EXTRA_REACH: Final = 2  # from this times k on, the chance falls as the count grows
MOST_ADDED: Final = 3  # further cells tried in all combinations; if none is safe, the whole line is hidden

_PROTECTED: Final = object()  # known to this module alone


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectedTable:
    """A table that may be published: `{code: count}`, None where it is hidden; made by this module alone.

    A release takes nothing else, so an unprotected table in a release is a type error.
    """

    split: Split
    cells: Mapping[str, int | None]
    total: int | None
    mark: object = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.mark is not _PROTECTED:
            raise AssertionError("only protection makes a ProtectedTable")

    @property
    def hidden(self) -> int:
        """How many cells are hidden, the total not counted."""
        return sum(count is None for count in self.cells.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """Chances that only the holder of a release's seed can foretell (METHODS.md 3).

    The same seed gives the same table; the seed is drawn before counting and never drawn again for a nicer one.
    """

    seed: bytes = field(repr=False)
    release: str

    def fraction(self, *names: str) -> float:
        """A number in [0, 1) for a cell and a purpose."""
        told = "\0".join((self.release, *names)).encode()
        drawn = hmac.new(self.seed, told, hashlib.sha256).digest()
        return int.from_bytes(drawn[:8], "big") / 2**64


def protect(table: Table, *, k: int, keyed: Keyed) -> ProtectedTable:
    """Protect a table whose total is printed, losing as little as can be.

    Args:
        table: one line of cells; its total has at least k sources.
        k: threshold in distinct sources.
        keyed: the chances of this release.

    Raises:
        ValueError: the total itself is a protected group.
    """
    if table.total.size < k:
        raise ValueError("the total is a protected group; nothing of this table can be shown")
    hidden = _cheapest(table, _primary(table, k) | _attribute(table, k), k, keyed)
    hidden = _cheapest(table, hidden | _extra(table, keyed, k), k, keyed)
    return _made(table, hidden, table.total.count)


def protect_records(table: Table, *, k: int) -> ProtectedTable:
    """Protect the table of incidents and further reports.

    The number of incidents is the total of all other tables and stays; where the further reports are a protected group,
    they are hidden together with the number of all reports, which is then open upwards.

    Raises:
        ValueError: the incidents themselves are a protected group.
    """
    cells = {cell.code: cell for cell in table.cells}
    if cells[Record.INCIDENT].size < k:
        raise ValueError("the incidents are a protected group; nothing can be shown")
    if _is_protected(cells[Record.FURTHER_REPORT], k):
        return _made(table, frozenset({Record.FURTHER_REPORT.value}), None)
    return _made(table, frozenset(), table.total.count)


def is_safe(table: Table, hidden: Collection[str], k: int) -> bool:
    """Whether hiding exactly these cells leaves no protected group within reach."""
    concealed = [cell for cell in table.cells if cell.code in hidden]
    printed = [cell for cell in table.cells if cell.code not in hidden]
    if any(_is_protected(cell, k) for cell in printed) or not _attribute(table, k) <= set(hidden):
        return False
    if not concealed:
        return True
    residual = sum(cell.count for cell in concealed)
    sources = {source for cell in concealed for source in cell.by_source}
    # A lone hidden cell is the residual itself; the residual is a group that anybody can work out.
    if len(concealed) < 2 or residual < k or len(sources) < k:
        return False
    # A cell whose sources alone are few must be able to hold k more than it does.
    small = [cell for cell in concealed if _is_protected(cell, k)]
    if all(cell.count < k for cell in small):
        return True
    return residual >= sum(cell.count for cell in small) + k


def _is_protected(cell: Cell, k: int) -> bool:
    return 1 <= cell.size < k


def _primary(table: Table, k: int) -> frozenset[str]:
    return frozenset(cell.code for cell in table.cells if _is_protected(cell, k))


def _attribute(table: Table, k: int) -> frozenset[str]:
    """A short line that lies in one cell gives every member's answer away: that cell must be hidden."""
    if table.total.count >= 3 * k:
        return frozenset()
    return frozenset(cell.code for cell in table.cells if cell.count == table.total.count)


def _extra(table: Table, keyed: Keyed, k: int) -> frozenset[str]:
    """A keyed handful of cells, zeros and k or more: fewer of them where much would be lost.

    Without them a hidden cell would be a small one for certain to whoever knows the rule.
    """
    return frozenset(
        cell.code
        for cell in table.cells
        if keyed.fraction(table.split.id, cell.code, "extra")
        < EXTRA * min(1, EXTRA_REACH * k / max(cell.count, 1))
    )


def _cheapest(table: Table, start: frozenset[str], k: int, keyed: Keyed) -> frozenset[str]:
    """The safe set of hidden cells that holds `start` and loses least; ties go to the first in order."""
    others = sorted(cell.code for cell in table.cells if cell.code not in start)
    sizes = range(min(MOST_ADDED, len(others)) + 1)
    candidates = [start | set(added) for size in sizes for added in combinations(others, size)]
    candidates.append(start | set(others))
    safe = [hidden for hidden in candidates if is_safe(table, hidden, k)]
    if not safe:
        raise ValueError("no pattern protects this table")
    loss = {cell.code: _loss(table, cell, keyed) for cell in table.cells}
    return min(safe, key=lambda hidden: (sum(loss[code] for code in sorted(hidden)), sorted(hidden)))


def _loss(table: Table, cell: Cell, keyed: Keyed) -> float:
    """What readers lose: more for larger counts, by a keyed factor of 1 to 2 that nobody can recompute."""
    return (1 + keyed.fraction(table.split.id, cell.code, "weight")) * (1 + math.log2(1 + cell.count))


def _made(table: Table, hidden: Collection[str], total: int | None) -> ProtectedTable:
    return ProtectedTable(
        split=table.split,
        cells={cell.code: None if cell.code in hidden else cell.count for cell in table.cells},
        total=total,
        mark=_PROTECTED,
    )
