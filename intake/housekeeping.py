"""What a worker does beside answering: cover times, grow the pool, erase and forget what is due, retire when idle.

All of it happens at whole multiples of a minute, so that nothing it leaves behind tells when a report came. Each
worker does it; doing it twice does no harm.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from intake import errors, kept, logs
from intake.clock import Now
from intake.export import Exchange, erase_due
from intake.limits import Gate
from intake.store import Store, cover_times

INTERVAL: Final = 60  # seconds; the store's times never tell more than this
# Seconds after a post until its worker is replaced, if nothing else came (docs/decisions.md 3).
IDLE: Final = 3.0
_TICK: Final = 1.0  # seconds between looks at the clock


class Housekeeping:
    """The chores of one worker process.

    Args:
        store: the worker's store.
        path: its file.
        exchange: for what is due to be erased.
        reserve: free slots below which the pool grows.
        gate: whose counters are forgotten when their time is over, and whose alarm is written down.
        clock: read once a tick.
    """

    def __init__(
        self,
        *,
        store: Store,
        path: Path,
        exchange: Exchange,
        reserve: int,
        gate: Gate,
        clock: Callable[[], Now],
    ) -> None:
        self._store = store
        self._path = path
        self._exchange = exchange
        self._reserve = reserve
        self._gate = gate
        self._clock = clock

    def run(self, now: Now) -> None:
        """Do all chores once, as of the last whole minute."""
        self._gate.forget()
        whole_minute = now.seconds // INTERVAL * INTERVAL
        try:
            cover_times(
                kept.note_flood(self._path.parent, now.week if self._gate.is_scarce() else None), whole_minute
            )
            erase_due(self._exchange, now.day)
            self._store.grow_if_short(reserve=self._reserve)
            cover_times(self._path, whole_minute)
        except (errors.IntakeError, OSError) as error:
            logs.log_fault(error)

    def start(self, *, last_post: Callable[[], float | None], retire: Callable[[], None]) -> None:
        """Run the chores on the fixed clock for as long as the process lives.

        Args:
            last_post: on the monotonic clock, when this worker last read words; None if it never did.
            retire: asks the server to replace this worker.
        """
        threading.Thread(target=self._loop, args=(last_post, retire), daemon=True).start()

    def _loop(self, last_post: Callable[[], float | None], retire: Callable[[], None]) -> None:
        done = self._clock().seconds // INTERVAL
        while True:
            time.sleep(_TICK)
            now = self._clock()
            if now.seconds // INTERVAL != done:
                done = now.seconds // INTERVAL
                self.run(now)
            posted = last_post()
            if posted is not None and time.monotonic() - posted > IDLE:
                retire()
