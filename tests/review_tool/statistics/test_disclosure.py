"""Protection of one table: what must be hidden is, what is hidden stays open, and an intruder finds nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review_tool.statistics.disclosure import Keyed, ProtectedTable, is_safe, protect
from tests.review_tool.statistics.records import table_of

K = 5
KEYED = Keyed(seed=bytes(32), release="2026Q3")
SEEDS = st.binary(min_size=32, max_size=32)
COUNTS = st.lists(st.one_of(st.integers(0, 12), st.integers(0, 200)), min_size=2, max_size=9).filter(
    lambda counts: sum(counts) >= 20
)


def _table(counts):
    return table_of({f"c{number}": count for number, count in enumerate(counts)})


def _worlds(protected: ProtectedTable) -> dict[str, tuple[int, int]]:
    """Least and largest value of each hidden cell, from the printed figures and a known total alone."""
    assert protected.total is not None
    hidden = [code for code, count in protected.cells.items() if count is None]
    residual = protected.total - sum(count for count in protected.cells.values() if count is not None)
    return {code: (residual if len(hidden) == 1 else 0, residual) for code in hidden}


@given(counts=COUNTS, seed=SEEDS)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_every_hidden_cell_can_be_none_and_can_be_k(counts, seed):
    """The promise of a table, for any counts and any chances."""
    protected = protect(_table(counts), k=K, keyed=Keyed(seed=seed, release="2026Q3"))

    assert all(low == 0 and high >= K for low, high in _worlds(protected).values())


@given(counts=COUNTS, seed=SEEDS)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_no_small_count_is_printed_and_printed_counts_are_true(counts, seed):
    """Hiding is the only change: a printed figure is the count itself, and never 1 to k-1."""
    protected = protect(_table(counts), k=K, keyed=Keyed(seed=seed, release="2026Q3"))

    for (code, shown), count in zip(protected.cells.items(), counts, strict=True):
        assert shown in (None, count), code
        assert shown is None or shown == 0 or shown >= K


@given(counts=COUNTS, seed=SEEDS)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_the_same_seed_gives_the_same_table(counts, seed):
    """A release can be made again from the ledger, byte for byte."""
    keyed = Keyed(seed=seed, release="2026Q3")

    assert protect(_table(counts), k=K, keyed=keyed).cells == protect(_table(counts), k=K, keyed=keyed).cells


def test_hiding_the_small_cell_alone_is_not_safe():
    """The twin: primary suppression by itself leaves the cell to a subtraction."""
    assert not is_safe(_table([3, 20, 30]), {"c0"}, K)
    assert is_safe(_table([3, 20, 30]), {"c0", "c1"}, K)


def test_two_small_cells_with_a_small_sum_are_not_safe():
    """A residual of 1 to k-1 is a protected group of its own."""
    assert not is_safe(_table([1, 2, 30]), {"c0", "c1"}, K)


def test_a_small_cell_and_a_zero_are_not_safe():
    """A zero hides nothing: the other cell is the residual."""
    assert not is_safe(_table([3, 0, 30]), {"c0", "c1"}, K)


def test_five_reports_of_one_series_are_one_source():
    """A busy writer does not make a group: its cell is hidden, and can hold k more than it does."""
    table = table_of({"a": 8, "b": 20, "c": 30}, sources={"a": 1})

    protected = protect(table, k=K, keyed=KEYED)

    assert protected.cells["a"] is None
    assert _worlds(protected)["a"][1] >= 8 + K


def test_a_short_line_all_in_one_cell_is_hidden():
    """Of fewer than 3k people known to be counted, each one's answer would be known."""
    protected = protect(_table([12, 0]), k=K, keyed=KEYED)

    assert protected.cells["c0"] is None


def test_a_total_of_few_sources_is_refused():
    """Nothing of a table can be shown when its total is a protected group."""
    with pytest.raises(ValueError, match="total"):
        protect(table_of({"a": 30, "b": 0}, sources={"a": 2}), k=K, keyed=KEYED)


def test_zeros_are_hidden_too_but_not_always():
    """Else whoever knows the rule would know that a hidden cell is no zero."""
    shown = [
        protect(_table([0, 40, 60]), k=K, keyed=Keyed(seed=bytes([number]) * 32, release="2026Q3")).cells[
            "c0"
        ]
        for number in range(200)
    ]

    assert 20 < shown.count(None) < 120


def test_nobody_else_makes_a_protected_table():
    """An unprotected table in a release is a type error and a refusal, not a matter of care."""
    table = _table([3, 20, 30])

    with pytest.raises(AssertionError, match="protection"):
        ProtectedTable(split=table.split, cells={"c0": 3}, total=53, mark=object())
