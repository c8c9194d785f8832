"""Counting: countable records become tables whose cells know how many sources they have.

A table here is unprotected: it never leaves the review machine, and no release can be written of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

from review_tool.gates import Countable
from review_tool.statistics.hierarchy import NO, TOTAL, YES, Split


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


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Together:
    """Incidents that rows of one yes/no list single out together; never a cell, but bounded by those that are.

    Attributes:
        list_id: the list, `E03`.
        codes: `{table: code}`: "yes" in each of two rows, or "no" in every row of the list.
        cell: its true figure, never empty.
    """

    list_id: str
    codes: Mapping[str, str] = field(hash=False)
    cell: Cell

    def __repr__(self) -> str:
        return f"Together({self.list_id!r}, redacted)"


def count(records: Sequence[Countable], splits: Iterable[Split]) -> tuple[Table, ...]:
    """Count the records by each split, in the same order."""
    return tuple(_counted(records, split) for split in splits)


def together(records: Iterable[Countable], splits: Sequence[Split]) -> tuple[Together, ...]:
    """Count what the words of a yes/no list name beside its rows: incidents in no row, and in both of two rows.

    Groups that nobody is in are left out; a list of one row has none.
    """
    rows = [split for split in splits if split.label]
    found: dict[tuple[str, ...], dict[str, int]] = {}
    for record in records if len(rows) > 1 else ():
        if _is_kept(record, rows[0]):
            ticked = [split.id for split in rows if split.code_of(record) == YES]
            for pair in combinations(ticked, 2) if ticked else ((),):
                sources = found.setdefault(pair, {})
                sources[record.source] = sources.get(record.source, 0) + 1
    return tuple(
        Together(
            list_id=rows[0].id.partition(".")[0],
            codes=dict.fromkeys(pair, YES) or {split.id: NO for split in rows},
            cell=Cell(code=" and ".join(pair) or "in no row", by_source=sources),
        )
        for pair, sources in found.items()
    )


_ALL: Final[tuple[str, ...]] = ()


def _is_kept(record: Countable, split: Split) -> bool:
    kinds = split.filter.get("record", _ALL)
    return not kinds or record.record.value in kinds


def _counted(records: Sequence[Countable], split: Split) -> Table:
    sources: dict[str, dict[str, int]] = {code: {} for code in (*split.labels, TOTAL)}
    for record in records:
        if not _is_kept(record, split):
            continue
        for code in (split.code_of(record), TOTAL):
            sources[code][record.source] = sources[code].get(record.source, 0) + 1
    *cells, total = (Cell(code=code, by_source=found) for code, found in sources.items())
    return Table(split=split, cells=tuple(cells), total=total)
