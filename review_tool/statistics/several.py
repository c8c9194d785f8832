"""What several yes/no tables of one list give away together, read from the published figures (METHODS.md 4).

Part of the judge. Incidents in no row of a list, and in both of two rows, stand in no table, but the rows bound them: a
list of 25 incidents with 13 and 9 in its rows leaves at least three in none. As long as nothing but the number of
incidents ties two rows to each other, their ranges follow from those of the rows alone; a file in which more does is
refused, for these ranges would then be too wide.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from review_tool.statistics.published import Published, PublishedTable, Range, Region, UnattackedError
from review_tool.statistics.worlds import Worlds

YES: Final = "yes"
NO: Final = "no"
IN_NO_ROW: Final = "in no row"


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """A group of one code of each of several rows.

    Attributes:
        release: that prints the rows.
        list_id: the list, `E03`.
        name: the rows, or that it is in none of them.
        rows: their tables.
        bounds: the least and the largest count.
    """

    release: str
    list_id: str
    name: str
    rows: tuple[PublishedTable, ...]
    bounds: Range


def together(published: Published, worlds: Worlds) -> Iterator[Together]:
    """Every such group of every release.

    Raises:
        UnattackedError: something else than the number of incidents ties the rows of a list together.
    """
    lists: dict[tuple[str, str, Region], list[PublishedTable]] = {}
    for table in published.tables:
        if _is_row(published, table):
            key = (table.release, table.id.partition(".")[0], frozenset(table.filter.items()))
            lists.setdefault(key, []).append(table)
    for (release, list_id, _), rows in lists.items():
        if len(rows) > 1:
            _refuse_other_ties(published, rows)
            for name, chosen, bounds in _groups(rows, worlds):
                yield Together(release=release, list_id=list_id, name=name, rows=chosen, bounds=bounds)


def _is_row(published: Published, table: PublishedTable) -> bool:
    return len(table.dims) == 1 and set(published.dimensions[table.dims[0]]) == {YES, NO}


def _groups(
    rows: Sequence[PublishedTable], worlds: Worlds
) -> Iterator[tuple[str, tuple[PublishedTable, ...], Range]]:
    kept = frozenset(rows[0].filter.items())
    whole, most = worlds.bounds([kept], rows[0].scope)
    if whole != most:
        raise UnattackedError("a list of rows does not print how many incidents it counts")

    def cells(code: str) -> list[Range]:
        return [worlds.bounds([kept | {(row.dims[0], frozenset({code}))}], row.scope) for row in rows]

    yield IN_NO_ROW, tuple(rows), _shared(whole, cells(NO))
    for (one, first), (other, second) in combinations(zip(rows, cells(YES), strict=True), 2):
        yield f"{one.id} and {other.id}", (one, other), _shared(whole, [first, second])


def _shared(whole: float, cells: Sequence[Range]) -> Range:
    """What one cell of each row shares: at least what all others leave over, at most the smallest cell."""
    return max(0.0, whole - sum(whole - low for low, _ in cells)), min(high for _, high in cells)


def _refuse_other_ties(published: Published, rows: Sequence[PublishedTable]) -> None:
    names = {row.dims[0] for row in rows}
    if len(names) < len(rows):
        raise UnattackedError("two rows of a list are of one dimension")
    for table in published.tables:
        if table.scope != rows[0].scope and table.scope & rows[0].scope:
            raise UnattackedError("lists of rows over periods that overlap are not modelled")
        is_plain = len(table.dims) == 1 and table.filter == rows[0].filter
        if table.scope == rows[0].scope and names & {*table.dims, *table.filter} and not is_plain:
            raise UnattackedError("rows of a list that stand in another table are not modelled")
