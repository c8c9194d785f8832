"""The order of rows on disk says nothing about the order of arrival, at any moment (P2, M4).

The measure is Spearman's rank correlation between arrival and the file position of a mark deep in each envelope,
where SQLite keeps it in overflow pages. With n arrivals in random order its standard deviation is 1/sqrt(n - 1);
a look fails at 4.5 of those, which chance alone reaches less than once in 100,000 looks, while an order of arrival
gives a correlation near 1. The twin keeps rows as they come and must fail the same look at every moment.
"""

import math
import secrets
import sqlite3
from pathlib import Path

from intake.slots import SLOT_SIZE
from tests.intake.test_store import WEEK, envelope, made

LOOKS = (60, 119, 121, 130, 180, 239, 241, 300)  # before, at and after each of two growths of the pool
BATCH = 120
LIMIT = 4.5  # standard deviations


def look(path: Path, marks: list[bytes]) -> float:
    """Correlate arrival with file position, in standard deviations of chance."""
    content = path.read_bytes()
    positions = [content.index(mark) for mark in marks]
    assert all(content.count(mark) == 1 for mark in marks[::20]), "a copy was left behind"
    ranks = {position: rank for rank, position in enumerate(sorted(positions))}
    count = len(marks)
    distance = sum((arrival - ranks[position]) ** 2 for arrival, position in enumerate(positions))
    return (1 - 6 * distance / (count * (count**2 - 1))) * math.sqrt(count - 1)


def test_the_file_tells_no_order_of_arrival_at_any_moment_growth_included(tmp_path):
    """A seized disk shows how many slots are in use, and not in which order they were filled."""
    path = tmp_path / "store.sqlite"
    store = made(path, batch=BATCH)
    marks: list[bytes] = []

    for count in range(1, max(LOOKS) + 1):
        marks.append(secrets.token_bytes(16))
        store.add(envelope(marks[-1]), WEEK)
        if count in LOOKS:
            assert abs(look(path, marks)) < LIMIT, f"after {count} arrivals"

    assert path.stat().st_size > 3 * BATCH * SLOT_SIZE  # it did grow twice
    store.close()


def test_the_twin_that_appends_rows_is_found_out(tmp_path):
    """A detector counts only once it was seen to detect."""
    path = tmp_path / "rows.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE row (id INTEGER PRIMARY KEY, content BLOB)")
    marks: list[bytes] = []

    for count in range(1, max(LOOKS) + 1):
        marks.append(secrets.token_bytes(16))
        connection.execute("INSERT INTO row (content) VALUES (?)", (envelope(marks[-1]).sealed,))
        connection.commit()
        if count in LOOKS:
            assert abs(look(path, marks)) > LIMIT, f"after {count} arrivals"
    connection.close()


def test_the_twin_that_grows_without_laying_out_is_found_out(tmp_path):
    """New slots behind old ones tell which reports came before the growth."""
    path = tmp_path / "store.sqlite"
    store = made(path, batch=BATCH)
    marks: list[bytes] = []
    for _ in range(BATCH):
        marks.append(secrets.token_bytes(16))
        store.add(envelope(marks[-1]), WEEK)
    store.close()
    connection = sqlite3.connect(path)
    for _ in range(BATCH):
        marks.append(secrets.token_bytes(16))
        content = envelope(marks[-1]).sealed.ljust(SLOT_SIZE, b"\0")
        row = (secrets.randbelow(1 << 62) + (1 << 60), WEEK, secrets.randbelow(1 << 62), content)
        connection.execute("INSERT INTO slot VALUES (?, 1, ?, ?, ?)", row)
    connection.commit()
    connection.close()

    assert look(path, marks) > LIMIT


def test_scan_order_and_bundle_order_tell_nothing_either(tmp_path):
    """Ids are drawn at random, so everything that is sorted by them is in random order."""
    store = made(tmp_path / "store.sqlite", batch=BATCH)
    arrivals = [store.add(envelope(), WEEK) for _ in range(100)]
    order = list(store.index())
    store.close()

    ranks = [order.index(one) for one in arrivals]
    distance = sum((arrival - rank) ** 2 for arrival, rank in enumerate(ranks))
    assert abs((1 - 6 * distance / (100 * (100**2 - 1))) * math.sqrt(99)) < LIMIT
