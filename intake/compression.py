"""Pages compressed once at start, and a compressed page into which a token is spliced without compressing it again.

Only pages without typed words are compressed: the length of a compressed answer says something about what is in it.
"""

import struct
import zlib  # noqa: TID251 - never for a page that holds typed words
from dataclasses import dataclass
from typing import Final

_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"  # RFC 1952: deflate, no name, no time, no system
_RAW: Final = -15  # deflate without a wrapper, for a window of 32 KiB


@dataclass(frozen=True, slots=True)
class Packed:
    """The bytes of a page, plain and as gzip."""

    plain: bytes
    gzip: bytes


def pack(plain: bytes) -> Packed:
    """Compress a page."""
    packer = zlib.compressobj(9, wbits=_RAW)
    body = packer.compress(plain) + packer.flush()
    return Packed(plain, _HEADER + body + _trailer(zlib.crc32(plain), len(plain)))


class Splice:
    """A page with a gap for a token, compressed around the gap."""

    def __init__(self, before: bytes, after: bytes) -> None:
        self._before = before
        self._after = after
        first, last = zlib.compressobj(9, wbits=_RAW), zlib.compressobj(9, wbits=_RAW)
        self._packed_before = _HEADER + first.compress(before) + first.flush(zlib.Z_FULL_FLUSH)
        self._packed_after = last.compress(after) + last.flush()
        self._crc_before = zlib.crc32(before)

    def filled(self, token: bytes) -> Packed:
        """The page with a token, which lies in a stored block (RFC 1951 §3.2.4) between two compressed ones."""
        plain = self._before + token + self._after
        stored = struct.pack("<BHH", 0, len(token), len(token) ^ 0xFFFF) + token
        crc = zlib.crc32(self._after, zlib.crc32(token, self._crc_before))
        return Packed(plain, self._packed_before + stored + self._packed_after + _trailer(crc, len(plain)))


def _trailer(crc: int, size: int) -> bytes:
    return struct.pack("<II", crc, size & 0xFFFFFFFF)
