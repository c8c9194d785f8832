"""One committer a process: whoever comes while another commits is written by the next transaction, in one go.

A durable commit costs the same five syncs for one report and for sixteen. So callers queue; the first of them leads:
it begins a transaction, takes everybody who waits by then, commits, and tells each what became of it. Nobody returns
before the commit that holds his item is durable or has failed, and a failure of the whole is told to everyone in it.

Who waits past the deadline withdraws, and is told so, only while nobody has taken his item; once it is taken he waits
for the outcome, however long that takes. So "not saved" is never said of what is saved.
"""

import mmap
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Generic, TypeVar

from intake import errors

_QUIET: Final = 0.1  # seconds in which nobody came after which a leader waits for no more of those announced
_PATIENCE: Final = 0.5  # seconds that a leader waits for them at most; nobody notices these beside a network

_Item = TypeVar("_Item")


class _Waiting(Generic[_Item]):
    """One caller: its item, and what it is woken for."""

    __slots__ = ("failure", "is_leader", "item", "woken")

    def __init__(self, item: _Item) -> None:
        self.item = item
        self.failure: errors.StoreError | None = None
        self.is_leader = False
        self.woken = threading.Lock()  # released once, to wake the caller
        self.woken.acquire()


class Committer(Generic[_Item]):
    """Collects the items of several threads into transactions.

    Args:
        commit: begins a transaction, calls the function it is given once, to take what waits by then, and commits.
        deadline: seconds until a caller whose item nobody took gives up.
    """

    def __init__(self, commit: Callable[[Callable[[], Sequence[_Item]]], None], *, deadline: float) -> None:
        self._commit = commit
        self._deadline = deadline
        self._together = mmap.mmap(
            -1, 1
        )  # a byte of memory that processes share: how many come together lately
        self.forget_threads()

    def forget_threads(self) -> None:
        """Start with nobody waiting, as a process must after it was forked."""
        self._queue: deque[_Waiting[_Item]] = deque()
        self._has_leader = False
        self._coming = 0  # requests under way that may bring an item
        self._is_coming = threading.local()
        self._mutex = threading.Lock()
        self._all_here = threading.Condition(self._mutex)

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits, and nobody who was announced is still to come."""
        with self._mutex:
            return not (self._queue or self._coming)

    @contextmanager
    def announced(self) -> Iterator[None]:
        """Say that an item may come from this thread, so that a leader waits a moment for it."""
        with self._mutex:
            self._coming += 1
        self._is_coming.value = True
        try:
            yield
        finally:
            with self._mutex:
                self._arrive()

    def add(self, item: _Item) -> None:
        """Return once the item is durable.

        Raises:
            StoreError: it was not kept: the commit failed, or nobody took it within the deadline.
        """
        mine = _Waiting(item)
        with self._mutex:
            self._queue.append(mine)
            mine.is_leader = not self._has_leader
            self._has_leader = True
            self._arrive()
        if not mine.is_leader:
            self._wait(mine)
        if mine.is_leader:
            self._lead(mine)
        if mine.failure is not None:
            raise mine.failure from None

    def _arrive(self) -> None:
        """Count this thread as here, or as not coming any more."""
        if getattr(self._is_coming, "value", False):
            self._is_coming.value = False
            self._coming -= 1
        if self._has_leader and not self._is_awaiting():
            self._all_here.notify()

    def _is_awaiting(self) -> bool:
        # Whoever came together comes together again, to the next worker, too.
        return self._coming > 0 or len(self._queue) < self._together[0]

    def _wait(self, mine: _Waiting[_Item]) -> None:
        """Wait until another caller committed the item or passed the lead on."""
        if mine.woken.acquire(timeout=self._deadline):
            return
        with self._mutex:
            if mine in self._queue and not mine.is_leader:
                self._queue.remove(mine)
                mine.failure = busy()
                return
        mine.woken.acquire()  # taken: only the outcome may be told now

    def _lead(self, mine: _Waiting[_Item]) -> None:
        """Commit what waits, tell everyone in it, and pass the lead on."""
        taken: list[_Waiting[_Item]] = []
        failure: errors.StoreError | None = busy("the store could not be written; try again in a moment")

        def take() -> list[_Item]:
            with self._mutex:
                taken.extend(self._queue)
                self._queue.clear()
            return [one.item for one in taken]

        try:
            self._gather()
            self._commit(take)
            failure = None
        except errors.StoreError as error:
            failure = error
        finally:
            self._finish(mine, taken or [mine], failure)

    def _gather(self) -> None:
        """Wait for as many as are announced, or came together lately, while they keep coming."""
        end = time.monotonic() + _PATIENCE
        with self._mutex:
            here = 0
            while here < len(self._queue) and self._is_awaiting() and time.monotonic() < end:
                here = len(self._queue)
                self._all_here.wait(_QUIET)

    def _finish(
        self, mine: _Waiting[_Item], told: Sequence[_Waiting[_Item]], failure: errors.StoreError | None
    ) -> None:
        with self._mutex:
            if mine in self._queue:  # the transaction did not even begin
                self._queue.remove(mine)
            # Halved, not dropped: one who comes early must not scatter those who come together.
            self._together[0] = min(255, max(len(told) + len(self._queue), self._together[0] // 2))
            self._has_leader = bool(self._queue)
            if self._has_leader:
                self._queue[0].is_leader = True
                self._queue[0].woken.release()
        for one in told:
            # Each gets an exception of its own: a shared one would carry one caller's frames to another.
            one.failure = None if failure is None else type(failure)(*failure.args)
            if one is not mine:
                one.woken.release()


def busy(words: str = "the store is held by another process; try again in a moment") -> errors.StoreBusyError:
    """Make the error of a caller that waited in vain."""
    return errors.StoreBusyError(words)
