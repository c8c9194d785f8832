"""Protection of one table: what must be hidden is, what is hidden stays open, and an intruder finds nothing."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review_tool.gates import linked
from review_tool.statistics import disclosure, hierarchy, tables
from review_tool.statistics.disclosure import CannotProtectError, Keyed, ProtectedTable, protect
from review_tool.statistics.hierarchy import TOTAL
from tests.review_tool.statistics.records import record, table_of

K = 5
SEEDS = st.binary(min_size=32, max_size=32)
COUNTS = st.lists(st.one_of(st.integers(0, 12), st.integers(0, 200)), min_size=2, max_size=9).filter(
    lambda counts: sum(counts) >= 20
)


def _table(counts):
    return table_of({f"c{number}": count for number, count in enumerate(counts)})


def _protected(table, seed=bytes(32)):
    (protected,) = protect([table], together=(), seed=seed, release_id="2026Q3")
    return protected


def _worlds(protected: ProtectedTable) -> dict[str, tuple[int, int]]:
    """Least and largest value of each hidden cell, from the printed figures and a known total alone."""
    inner = {code: count for code, count in protected.counts.items() if code != TOTAL}
    total = protected.counts[TOTAL]
    assert total is not None
    hidden = [code for code, count in inner.items() if count is None]
    residual = total - sum(count for count in inner.values() if count is not None)
    return {code: (residual if len(hidden) == 1 else 0, residual) for code in hidden}


@given(counts=COUNTS, seed=SEEDS)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_every_hidden_cell_can_be_none_and_can_be_k(counts, seed):
    """The promise of a table, for any counts and any chances."""
    protected = _protected(_table(counts), seed)

    assert all(low == 0 and high >= K for low, high in _worlds(protected).values())


@given(counts=COUNTS, seed=SEEDS)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_no_small_count_is_printed_and_printed_counts_are_true(counts, seed):
    """Hiding is the only change: a printed figure is the count itself, and never 1 to k-1."""
    protected = _protected(_table(counts), seed)

    for (code, shown), count in zip(list(protected.counts.items())[:-1], counts, strict=True):
        assert shown in (None, count), code
        assert shown is None or shown == 0 or shown >= K


@given(counts=COUNTS, seed=SEEDS)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_the_same_seed_gives_the_same_table(counts, seed):
    """A release can be made again from the ledger, byte for byte."""
    assert _protected(_table(counts), seed).counts == _protected(_table(counts), seed).counts


@given(
    counts=st.lists(st.integers(0, 30), min_size=2, max_size=7).filter(lambda counts: sum(counts) >= 20),
    writers=st.lists(st.integers(1, 30), min_size=7, max_size=7),
    seed=SEEDS,
)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_the_cells_hidden_for_protection_weigh_least(counts, writers, seed):
    """Exact, not greedy: no set of further cells protects as well and loses less."""
    names = [f"c{number}" for number in range(len(counts))]
    table = table_of(dict(zip(names, counts, strict=True)), sources=dict(zip(names, writers, strict=False)))
    keyed = Keyed(seed=seed, release="2026Q3")
    primary = {cell.code for cell in table.cells if 1 <= cell.size < K}
    primary |= {cell.code for cell in table.cells if cell.count == table.total.count < 3 * K}
    sets = [
        primary | set(more)
        for size in range(len(names) + 1)
        for more in combinations([name for name in names if name not in primary], size)
    ]
    safe = [hidden for hidden in sets if _is_safe(table, hidden)]
    if table.total.size < K or not safe:
        with pytest.raises(CannotProtectError):
            disclosure._needed(table, K, keyed)  # noqa: SLF001 - before the cells drawn by lot
        return

    found = disclosure._needed(table, K, keyed)  # noqa: SLF001 - as above

    assert _is_safe(table, found)
    assert _weight(table, found, keyed) == min(_weight(table, hidden, keyed) for hidden in safe)


def _is_safe(table, hidden):
    """The promise for one line, said again: two cells, k records and sources, room above each few-sourced cell."""
    cells = [cell for cell in table.cells if cell.code in hidden]
    residual = sum(cell.count for cell in cells)
    sources = {source for cell in cells for source in cell.by_source}
    needs = [cell.count + K if cell.count >= K else K for cell in cells if 1 <= cell.size < K]
    return not cells or (len(cells) > 1 and len(sources) >= K and residual >= max([K, *needs]))


def _weight(table, hidden, keyed):
    return sum(disclosure._weight(cell, table, keyed) for cell in table.cells if cell.code in hidden)  # noqa: SLF001 - the loss itself


def test_a_small_cell_is_never_hidden_alone():
    """Primary suppression by itself leaves the cell to a subtraction."""
    assert len(_protected(_table([3, 20, 30])).hidden) >= 2


def test_small_cells_with_a_small_sum_take_a_large_one_along():
    """A residual of 1 to k-1 is a protected group of its own."""
    assert len(_protected(_table([1, 2, 30])).hidden) == 3


def test_a_zero_beside_a_small_cell_is_no_cover():
    """A zero hides nothing: the other cell is the residual."""
    hidden = _protected(_table([3, 0, 30])).hidden

    assert {"c0", "c2"} <= set(hidden)


def test_five_reports_of_one_series_are_one_source():
    """A busy writer does not make a group: its cell is hidden, and can hold k more than it does."""
    table = table_of({"a": 8, "b": 20, "c": 30}, sources={"a": 1})

    protected = _protected(table)

    assert protected.counts["a"] is None
    assert _worlds(protected)["a"][1] >= 8 + K


def test_a_short_line_all_in_one_cell_is_hidden():
    """Of fewer than 3k people known to be counted, each one's answer would be known."""
    assert "c0" in _protected(_table([12, 0, 0])).hidden


def test_a_total_of_few_sources_is_refused():
    """Nothing of a table can be shown when its total is a protected group."""
    with pytest.raises(CannotProtectError, match="total"):
        _protected(table_of({"a": 30, "b": 0}, sources={"a": 2}))


def test_a_zero_is_hidden_too_now_and_then_beside_a_small_cell():
    """Else whoever knows the rule would know that a hidden cell is no zero."""
    hidden = [
        "c1" in _protected(_table([3, 0, 40, 60, 80]), bytes([number]) * 32).hidden for number in range(100)
    ]

    assert any(hidden)
    assert not all(hidden)


def test_a_table_without_a_small_cell_hides_some_too_one_time_in_four():
    """Else a hidden cell would prove to whoever knows the rule that a group of one to four is in the table."""
    safe = _table([0, 0, 5, 9, 30, 40, 60, 80, 0, 0, 0, 7])
    shown = [_protected(safe, number.to_bytes(32)) for number in range(400)]

    without_need = [len(one.hidden) for one in shown if one.hidden]

    assert 70 <= len(without_need) <= 130
    assert min(without_need) >= 2


def test_a_pattern_of_need_comes_up_without_need_as_well():
    """A small cell with the cover it takes, and two that need none: no pattern of the first is its own."""
    small = _table([3, 5, 0, 0, 60, 70, 80, 90, 0, 0, 100, 110])
    none = _table([0, 8, 0, 0, 60, 70, 80, 90, 0, 0, 100, 110])

    sizes = [
        {len(_protected(table, number.to_bytes(32)).hidden) for number in range(400)}
        for table in (small, none)
    ]

    assert sizes[0] <= sizes[1]


def test_the_reports_in_all_are_hidden_without_need_by_the_same_lot():
    """One function draws for every exhibit, the one of records too."""
    (split,) = hierarchy.RECORDS.levels[0]
    told = linked([record(number) for number in range(1, 31)])
    counted = tables.count(told, [split])

    hidden = [
        protect(counted, together=(), seed=number.to_bytes(32), release_id="2026Q3")[0].hidden
        for number in range(100)
    ]

    assert {(), ("further_report", TOTAL)} == set(hidden)
    assert 10 <= sum(map(bool, hidden)) <= 40


def test_the_threshold_is_never_lowered():
    """Five is the least; a Center may only ask for more."""
    with pytest.raises(AssertionError, match="lowered"):
        protect([_table([3, 20, 30])], together=(), k=4, seed=bytes(32), release_id="2026Q3")


def test_nobody_else_makes_a_protected_table():
    """An unprotected table in a release is a type error and a refusal, not a matter of care."""
    table = _table([3, 20, 30])

    with pytest.raises(AssertionError, match="protect"):
        ProtectedTable(split=table.split, counts={"c0": 3}, gate=object())


@pytest.mark.parametrize("seed", [b"", bytes(31), bytes(33)])
def test_a_seed_of_another_length_is_a_mistake(seed):
    """A short seed could be tried out."""
    with pytest.raises(AssertionError, match="bytes"):
        protect([_table([3, 20, 30])], together=(), seed=seed, release_id="2026Q3")
