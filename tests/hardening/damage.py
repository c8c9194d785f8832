"""Damage an age file in every way one bit or one cut can, and see that it is refused in the documented classes."""

import io
from collections import Counter
from collections.abc import Iterable, Sequence

from crypto import age
from crypto.errors import HeaderError, HeaderMacError, NoMatchError, StreamError
from crypto.xwing import KeyPair


def outcome(sealed: bytes, keys: Sequence[KeyPair]) -> type[Exception] | None:
    """Open a file to its end; return the class of its refusal, None if it opened. Another exception passes on."""
    try:
        for _ in age.open_with(io.BytesIO(sealed), keys):
            pass
    except (HeaderError, NoMatchError, HeaderMacError, StreamError) as error:
        return type(error)
    return None


def flip(sealed: bytes, bit: int) -> bytes:
    """Turn one bit over."""
    damaged = bytearray(sealed)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


def count_flips(
    sealed: bytes, keys: Sequence[KeyPair], bits: Iterable[int]
) -> Counter[type[Exception] | None]:
    """Count how files with one bit turned over are refused."""
    return Counter(outcome(flip(sealed, bit), keys) for bit in bits)


def count_cuts(
    sealed: bytes, keys: Sequence[KeyPair], lengths: Iterable[int]
) -> Counter[type[Exception] | None]:
    """Count how files cut to these lengths are refused."""
    return Counter(outcome(sealed[:length], keys) for length in lengths)
