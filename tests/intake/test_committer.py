"""One committer: who waits together is written together, and each is told the truth about it (P6)."""

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from intake import errors
from intake.committer import Committer
from intake.store import Store
from tests.intake.test_store import WEEK, envelope, made

SENDERS = 16
LONG = 10.0  # seconds that no test waits unless something hangs


class Book:
    """Something that commits: it begins when the gate opens, and fails when it is told to."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.taken = threading.Event()
        self.finish = threading.Event()
        self.finish.set()
        self.fault: BaseException | None = None
        self.pages: list[list[str]] = []

    def commit(self, take: Callable[[], Sequence[str]]) -> None:
        """One transaction."""
        if not self.gate.wait(LONG):
            raise AssertionError("the gate stayed shut")
        items = list(take())
        self.taken.set()
        self.finish.wait(LONG)
        if self.fault is not None:
            raise self.fault
        self.pages.append(items)


def waiting(committer: Committer[str]) -> int:
    """How many items nobody took yet."""
    return len(committer._queue)  # noqa: SLF001 - nothing else shows that a thread has come to wait


def send(pool: ThreadPoolExecutor, committer: Committer[str], names: Sequence[str]) -> list[Future[None]]:
    """Add items from threads of their own, one after the other."""
    sent = []
    for count, name in enumerate(names, start=waiting(committer) + 1):
        sent.append(pool.submit(committer.add, name))
        until(lambda count=count: waiting(committer) == count)
    return sent


def until(is_true: Callable[[], bool]) -> None:
    """Wait for another thread."""
    end = time.monotonic() + LONG
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.fixture
def book():
    """A book whose gate is shut."""
    return Book()


@pytest.fixture
def pool():
    """Threads to send from."""
    with ThreadPoolExecutor(SENDERS) as threads:
        yield threads


def test_whoever_waits_when_a_transaction_begins_is_in_it(book, pool):
    """That is what makes sixteen reports as cheap as one."""
    committer = Committer(book.commit, deadline=LONG)
    sent = send(pool, committer, "abcdefgh")

    book.gate.set()

    for one in sent:
        one.result(LONG)
    assert book.pages == [list("abcdefgh")]


def test_a_failed_transaction_is_told_to_everyone_in_it(book, pool):
    """Each of them gets the words back; none is thanked."""
    committer = Committer(book.commit, deadline=LONG)
    sent = send(pool, committer, "abc")
    book.fault = errors.StoreFullError("the disk took no more bytes")

    book.gate.set()

    told = [one.exception(LONG) for one in sent]
    assert [type(one) for one in told] == [errors.StoreFullError] * 3
    assert len({id(one) for one in told}) == 3  # a shared one would carry the frames of another's report
    assert book.pages == []


def test_a_failure_nobody_foresaw_leaves_nobody_waiting(book, pool):
    """A thread that hangs for ever would hold a report that was neither kept nor given back."""
    committer = Committer(book.commit, deadline=LONG)
    sent = send(pool, committer, "abc")
    book.fault = MemoryError()

    book.gate.set()

    kinds = [type(one.exception(LONG)) for one in sent]
    assert kinds == [MemoryError, errors.StoreBusyError, errors.StoreBusyError]
    book.fault = None
    committer.add("d")
    assert book.pages == [["d"]]


def test_who_comes_after_the_transaction_began_is_in_the_next_one(book, pool):
    """And is not told that he is kept before that one is durable."""
    committer = Committer(book.commit, deadline=LONG)
    book.finish.clear()
    book.gate.set()
    first = pool.submit(committer.add, "a")
    assert book.taken.wait(LONG)
    later = send(pool, committer, "bc")
    assert not any(one.done() for one in later)

    book.finish.set()

    for one in (first, *later):
        one.result(LONG)
    assert book.pages == [["a"], ["b", "c"]]


def test_who_waited_past_the_deadline_is_not_kept_in_secret(book, pool):
    """He was told "not saved" and presses Send again: twice the same report would be counted twice."""
    committer = Committer(book.commit, deadline=0.05)
    leader, follower = send(pool, committer, "ab")

    assert type(follower.exception(LONG)) is errors.StoreBusyError
    book.gate.set()

    leader.result(LONG)
    assert book.pages == [["a"]]


def test_who_is_taken_waits_for_the_outcome_however_long_it_takes(book, pool):
    """From then on "not saved" could be untrue."""
    committer = Committer(book.commit, deadline=0.05)
    book.finish.clear()
    sent = send(pool, committer, "ab")
    book.gate.set()
    assert book.taken.wait(LONG)

    time.sleep(0.2)  # four deadlines
    assert not any(one.done() for one in sent)
    book.finish.set()

    for one in sent:
        one.result(LONG)
    assert book.pages == [["a", "b"]]


def test_a_leader_waits_a_moment_for_those_who_are_announced(book, pool):
    """Reports that are being sealed now can go into the same transaction."""
    committer = Committer(book.commit, deadline=LONG)
    book.gate.set()
    start = threading.Barrier(SENDERS)

    def bring(number: int) -> None:
        with committer.announced():
            start.wait(LONG)
            time.sleep(0.001 * number)
            committer.add(str(number))

    for one in [pool.submit(bring, number) for number in range(SENDERS)]:
        one.result(LONG)

    assert sorted(len(page) for page in book.pages) == [SENDERS]


def test_who_is_announced_and_never_comes_holds_nobody_up(book, pool):
    """A slow line must not keep the reports of others out of the store."""
    committer = Committer(book.commit, deadline=LONG)
    book.gate.set()

    with committer.announced():
        pool.submit(committer.add, "a").result(LONG)

    assert book.pages == [["a"]]


# The same through a store


def transactions(path: Path) -> int:
    """How many transactions ever wrote to a database: its header counts them."""
    return int.from_bytes(path.read_bytes()[24:28], "big")


def held(path: Path) -> sqlite3.Connection:
    """A connection that keeps every other one from writing."""
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    return holder


def adding(pool: ThreadPoolExecutor, store: Store, count: int) -> list[Future[str]]:
    """Add envelopes from threads of their own, until all of them wait."""
    sealed = [envelope(bytes([number]) * 16) for number in range(count)]
    sent = [pool.submit(store.add, one, WEEK) for one in sealed]
    until(lambda: waiting(store._committer) == count)  # noqa: SLF001 - as above
    return sent


def test_sixteen_that_wait_for_the_file_are_one_transaction(tmp_path, pool):
    """Whoever gets the file commits all that wait in its process."""
    path = tmp_path / "store.sqlite"
    made(path).close()
    store = Store(path, batch=40, deadline=LONG)
    holder = held(path)
    before = transactions(path)
    sent = adding(pool, store, SENDERS)

    holder.execute("ROLLBACK")

    ids = {one.result(LONG) for one in sent}
    assert transactions(path) == before + 1
    assert set(store.index()) == ids
    assert len(ids) == SENDERS
    holder.close()
    store.close()


def test_together_they_make_the_pool_grow_once_and_are_all_kept(tmp_path, pool):
    """More than the free slots may come at once."""
    path = tmp_path / "store.sqlite"
    made(path, batch=5).close()
    store = Store(path, batch=5, deadline=LONG)
    holder = held(path)
    sent = adding(pool, store, SENDERS)

    holder.execute("ROLLBACK")

    assert {one.result(LONG) for one in sent} == set(store.index())
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM slot").fetchone() == (20,)
    connection.close()
    holder.close()
    store.close()


def test_who_was_told_that_the_store_is_busy_is_not_in_it_later(tmp_path, pool):
    """All give up at the deadline, and only what is sent again is kept."""
    path = tmp_path / "store.sqlite"
    store = made(path)  # its deadline is short
    holder = held(path)
    told = [one.exception(LONG) for one in adding(pool, store, 4)]
    holder.execute("ROLLBACK")
    holder.close()

    again = store.add(envelope(), WEEK)

    assert [type(one) for one in told] == [errors.StoreBusyError] * 4
    assert list(store.index()) == [again]
    store.close()
