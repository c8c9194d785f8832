"""How envelopes lie in slots of one size: ids, parts and filling. Values only; `intake.store` writes them.

Nothing here orders anything: ids and filling come from the operating system's random source.
"""

import secrets
import struct
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

from intake import errors

SLOT_SIZE: Final = (
    40_960  # bytes; a sealed text report with up to four recipients (39,098 bytes) fits one slot
)
FREE_WEEK: Final = "0000-W00"  # as long as any ISO week, so that a slot never changes its size

# part number, number of parts, size of the envelope in bytes; then its bytes, then random filling
_PREFIX: Final = struct.Struct(">IIQ")
PART_SIZE: Final = SLOT_SIZE - _PREFIX.size  # bytes of an envelope in one slot

# From 2^56 up an integer takes eight bytes as a value and nine as a row key, whatever it is.
_LOWEST_ID: Final = 1 << 56
_IDS: Final = (1 << 63) - _LOWEST_ID


def draw_id() -> int:
    """Draw a random 63-bit id that SQLite stores as long as any other."""
    return _LOWEST_ID + secrets.randbelow(_IDS)


def format_id(value: int) -> str:
    """Write an id as the 16 lower-case hex digits that bundles name it by."""
    return f"{value:016x}"


def filling() -> bytes:
    """Return the content of a free slot."""
    return secrets.token_bytes(SLOT_SIZE)


def parts_of(size: int) -> int:
    """How many slots an envelope of `size` bytes takes."""
    return -(-size // PART_SIZE)


def split(content: BinaryIO, size: int) -> Iterator[bytes]:
    """Cut an envelope into slot contents, each of exactly `SLOT_SIZE` bytes, one in memory at a time."""
    content.seek(0)
    parts = parts_of(size)
    for part in range(parts):
        piece = content.read(PART_SIZE)
        yield _PREFIX.pack(part, parts, size) + piece + secrets.token_bytes(PART_SIZE - len(piece))


def join(contents: Sequence[bytes]) -> bytes:
    """Put an envelope together from its slot contents, given in any order.

    Raises:
        StoreDamageError: a part is missing, doubled, or contradicts another.
    """
    if not contents or any(len(content) != SLOT_SIZE for content in contents):
        raise _damage()
    ordered = sorted(contents, key=lambda content: content[: _PREFIX.size])
    prefixes = [_PREFIX.unpack_from(content) for content in ordered]
    size = prefixes[0][2]
    if prefixes != [(part, len(ordered), size) for part in range(len(ordered))]:
        raise _damage()
    if not (len(ordered) - 1) * PART_SIZE < size <= len(ordered) * PART_SIZE:
        raise _damage()
    return b"".join(content[_PREFIX.size :] for content in ordered)[:size]


def _damage() -> errors.StoreDamageError:
    return errors.StoreDamageError("the parts of an envelope in the store do not fit together")
