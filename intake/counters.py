"""Counters of the limiter, in memory that all workers share and no disk ever sees.

A storage of the `limits` library over one table of fixed size. It is made before the workers are forked, so it outlives
each of them and dies with the service. Its entries are hashes and numbers. Where reports come from goes in only as
`pseudonym`, a keyed hash under a random salt that is replaced every ten minutes; then what was counted under the old
one is overwritten too. Windows are whole steps since the service was first asked, so all counts of a salt end with it.

Whoever reads this memory while the service runs, with the salt in it, can try circuit ids of the last ten minutes.
"""

import fcntl
import hashlib
import hmac
import mmap
import os
import secrets
import struct
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from limits.storage import Storage

ROTATION: Final = 600  # seconds that a salt lives; also the window in which reports of one source are counted
SCHEME: Final = "vouchsafe"  # by which the limiter finds this storage

# What a storage that does not work raises; the caller goes on without it.
BROKEN: Final = (OSError, ValueError, struct.error)

_HEAD: Final = struct.Struct("<qq32s")  # first second that was asked for, step of the salt, salt
_ENTRY: Final = struct.Struct("<16sqQ")  # hash of a key, when its window ends, count; all zero when free
_WAYS: Final = 8  # entries that one hash may lie in; if all are taken, the smallest count gives way
_BUCKETS: Final = 2048  # 16,384 entries in 512 KiB: sources of a flood that the limits for all let through
_SIZE: Final = _HEAD.size + _BUCKETS * _WAYS * _ENTRY.size  # bytes


class SharedCounters(Storage):
    """The table; safe to use from several threads and from the processes that were forked after it was made.

    Args:
        uri: what the limiter called it by.
        clock: seconds, on any clock that all workers share.
    """

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012 - the library reads it so

    def __init__(self, uri: str | None = None, *, clock: Callable[[], int]) -> None:
        super().__init__(uri)
        self._clock = clock
        self._memory = mmap.mmap(-1, _SIZE)  # shared by all who are forked from here
        self._lock = os.memfd_create("counters")  # stays empty
        weakref.finalize(self, os.close, self._lock)
        self._mutex = threading.RLock()
        self._depth = 0
        _HEAD.pack_into(self._memory, 0, 0, 0, secrets.token_bytes(32))

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """What goes wrong below this class."""
        return BROKEN

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep all other threads and processes out for the length of a block; blocks may be nested.

        The kernel lets go of the lock when a process dies in the block.
        """
        with self._mutex:
            self._depth += 1
            try:
                if self._depth == 1:
                    fcntl.lockf(self._lock, fcntl.LOCK_EX)
                yield
            finally:
                self._depth -= 1
                if self._depth == 0:
                    fcntl.lockf(self._lock, fcntl.LOCK_UN)

    def pseudonym(self, source: str) -> str:
        """Name a source by a keyed hash that means nothing once the salt is replaced."""
        with self.alone():
            self.forget()
            salt: bytes = _HEAD.unpack_from(self._memory)[2]
            return hmac.digest(salt, source.encode(), hashlib.sha256).hex()

    def forget(self) -> None:
        """Replace a salt whose time is over, and overwrite every entry whose window has ended."""
        with self.alone():
            now = self._elapsed()
            step = now // ROTATION
            begin, known, _ = _HEAD.unpack_from(self._memory)
            if step == known:
                return
            _HEAD.pack_into(self._memory, 0, begin, step, secrets.token_bytes(32))
            for place in range(_HEAD.size, _SIZE, _ENTRY.size):
                end = _ENTRY.unpack_from(self._memory, place)[1]
                if end <= now or step < known:  # a clock that was set back would keep old windows for long
                    _ENTRY.pack_into(self._memory, place, b"", 0, 0)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to the count of a key in the window of `expiry` seconds; a negative amount takes back."""
        with self.alone():
            digest, now = _hash(key), self._elapsed()
            place, count = self._find(digest, now)
            count = max(0, count + amount)
            _ENTRY.pack_into(self._memory, place, digest, (now // expiry + 1) * expiry, count)
            return count

    def get(self, key: str) -> int:
        """Return the count of a key in its window."""
        with self.alone():
            return self._find(_hash(key), self._elapsed())[1]

    def get_expiry(self, key: str) -> float:
        """Return the second, on the given clock, in which the window of a key ends."""
        with self.alone():
            place, _ = self._find(_hash(key), self._elapsed())
            begin: int = _HEAD.unpack_from(self._memory)[0]
            return begin + float(_ENTRY.unpack_from(self._memory, place)[1])

    def check(self) -> bool:
        """Say whether the table can be read."""
        return len(self._memory) == _SIZE

    def reset(self) -> int | None:
        """Forget all counts."""
        with self.alone():
            self._memory[_HEAD.size :] = bytes(_SIZE - _HEAD.size)
        return None

    def clear(self, key: str) -> None:
        """Forget the count of one key."""
        with self.alone():
            place, _ = self._find(_hash(key), self._elapsed())
            _ENTRY.pack_into(self._memory, place, b"", 0, 0)

    def _elapsed(self) -> int:
        """Seconds since the service was first asked for a count."""
        now = self._clock()
        begin, step, salt = _HEAD.unpack_from(self._memory)
        if not begin:
            begin = now
            _HEAD.pack_into(self._memory, 0, begin, step, salt)
        return now - int(begin)

    def _find(self, digest: bytes, now: int) -> tuple[int, int]:
        """The place of a key and its count; without one the place it may take, and 0."""
        first = _HEAD.size + int.from_bytes(digest[:4], "little") % _BUCKETS * _WAYS * _ENTRY.size
        room: list[tuple[int, int]] = []
        for place in range(first, first + _WAYS * _ENTRY.size, _ENTRY.size):
            known, end, count = _ENTRY.unpack_from(self._memory, place)
            is_live = end > now
            if is_live and known == digest:
                return place, count
            room.append((count if is_live else -1, place))
        return min(room)[1], 0


def _hash(key: str) -> bytes:
    return hashlib.blake2b(key.encode(), digest_size=16).digest()
