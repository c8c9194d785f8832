"""Counting: countable records become tables whose cells know how many sources they have.

A table here is unprotected: it never leaves the review machine, and no release can be written of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from review_tool.gates import Countable
from review_tool.statistics.hierarchy import TOTAL, Split


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Cell:
    """A true figure: how many records of each source fall under one code.

    `by_source` is `{source: records}` and may be empty; a source is what reports of one incident or series share.
    """

    code: str
    by_source: Mapping[str, int] = field(hash=False)

    def __post_init__(self) -> None:
        if any(count < 1 for count in self.by_source.values()):
            raise AssertionError("a source without a record is none")

    def __repr__(self) -> str:
        return f"Cell({self.code!r}, redacted)"  # true figures stay out of tracebacks

    @property
    def count(self) -> int:
        """Records, as printed."""
        return sum(self.by_source.values())

    @property
    def size(self) -> int:
        """Distinct sources, never more than the count: what thresholds are held against."""
        return len(self.by_source)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Table:
    """One-way counts: every record of the filter falls under exactly one cell, and all together are the total."""

    split: Split = field(hash=False)
    cells: tuple[Cell, ...]
    total: Cell

    def __post_init__(self) -> None:
        if tuple(cell.code for cell in self.cells) != tuple(self.split.labels):
            raise AssertionError("a table has one cell a code, in the order of its split")
        if sum(cell.count for cell in self.cells) != self.total.count:
            raise AssertionError("the cells of a table add up to its total")

    def __repr__(self) -> str:
        return f"Table({self.split.id!r}, redacted)"


def count(records: Sequence[Countable], splits: Iterable[Split]) -> tuple[Table, ...]:
    """Count the records by each split, in the same order."""
    return tuple(_counted(records, split) for split in splits)


_ALL: Final[tuple[str, ...]] = ()


def _counted(records: Sequence[Countable], split: Split) -> Table:
    sources: dict[str, dict[str, int]] = {code: {} for code in (*split.labels, TOTAL)}
    kinds = split.filter.get("record", _ALL)
    for record in records:
        if kinds and record.record.value not in kinds:
            continue
        for code in (split.code_of(record), TOTAL):
            sources[code][record.source] = sources[code].get(record.source, 0) + 1
    *cells, total = (Cell(code=code, by_source=found) for code, found in sources.items())
    return Table(split=split, cells=tuple(cells), total=total)
