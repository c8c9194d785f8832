"""Which slots an envelope may be written into: drawn evenly from those known, each looked at before it is taken.

A process reads the slots once, before it forks its workers; reading them in each worker would cost as much as several
reports. So a worker begins with all slots of the pool, used ones among them, and passes over those. Every draw is even
among the free slots known, so a place tells nothing of when it was taken (P2).
"""

import secrets
import sqlite3
from array import array
from typing import Final

LAYOUT: Final = "PRAGMA user_version"
_ALL: Final = "SELECT id FROM slot"
_FREE: Final = "SELECT id FROM slot WHERE used = 0"
_USED: Final = "SELECT used FROM slot WHERE id = ?"


class FreeSlots:
    """The slots that a process believes free.

    Args:
        settled: the layout of a file whose slots are laid out by their ids; in another state no new ones are read.
    """

    def __init__(self, *, settled: int) -> None:
        self._settled = settled
        self._all = array("q")  # what a fork begins with
        self._free = array("q")

    def remember(self, connection: sqlite3.Connection) -> bool:
        """Read all slots for the processes that are forked from now on; False while the pool is being laid out."""
        is_settled = self._is_settled(connection)
        if is_settled:
            self._all = _read(connection, _ALL)
        return is_settled

    def begin(self) -> None:
        """Believe all remembered slots free, as a fresh process does."""
        self._free = self._all[:]

    def forget(self) -> None:
        """Know nothing, so that the next draw reads the file."""
        self._free = array("q")

    def take(self, connection: sqlite3.Connection, wanted: int) -> list[int]:
        """Draw free slots, or none if the pool must grow first; a transaction must be open."""
        taken: list[int] = []
        self._draw_into(taken, wanted, connection)
        if len(taken) < wanted:
            if not self._is_settled(connection):
                return []
            self._free = _read(connection, _FREE)
            for place in taken:
                self._free.remove(place)
            self._draw_into(taken, wanted, connection)
        return taken if len(taken) == wanted else []

    def _draw_into(self, taken: list[int], wanted: int, connection: sqlite3.Connection) -> None:
        free = self._free
        while free and len(taken) < wanted:
            chosen = secrets.randbelow(len(free))
            free[chosen], free[-1] = free[-1], free[chosen]
            place = free.pop()
            found = connection.execute(_USED, (place,)).fetchone()
            if found == (0,):
                taken.append(place)

    def _is_settled(self, connection: sqlite3.Connection) -> bool:
        return bool(connection.execute(LAYOUT).fetchone() == (self._settled,))


def _read(connection: sqlite3.Connection, query: str) -> "array[int]":
    return array("q", [place for (place,) in connection.execute(query)])
