"""Searches everything below a directory for words and moments that must not be there, however they are written down.

A search that finds nothing proves nothing by itself: each use has a twin in which the same search must find something.
What it cannot see: a word cut in two by a page of a database, and a four-byte number of seconds inside ciphertext,
where chance would cry wolf; the columns of the store that are in clear are compared with a list instead.
"""

import base64
import contextlib
import hashlib
import html
import json
import os
import quopri
import struct
import time
import unicodedata
import urllib.parse
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

_DEFLATED = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda", b"\x1f\x8b\x08")  # zlib and gzip begin so


def disguises(word: str) -> set[bytes]:
    """A word as it could lie on a disk: in its character sets, escapes and codes."""
    found: set[bytes] = set()
    for form in ("NFC", "NFD"):
        text = unicodedata.normalize(form, word)
        plain = text.encode()
        found |= {text.encode(name) for name in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-7")}
        found |= {text.encode(name, "ignore") for name in ("latin-1", "cp1252") if _fits(text, name)}
        found |= {plain.hex().encode(), plain.hex().upper().encode(), quopri.encodestring(plain)}
        quoted = urllib.parse.quote(text, safe="").encode()
        found |= {quoted, urllib.parse.quote_plus(text).encode(), _lower_percent(quoted)}
        found |= {json.dumps(text)[1:-1].encode(), repr(text)[1:-1].encode(), repr(plain)[2:-1].encode()}
        found |= {html.escape(text).encode(), text.encode("ascii", "xmlcharrefreplace")}
        for shift in range(3):  # base64 at each alignment, without the ends that neighbours change
            for alphabet in (base64.b64encode, base64.urlsafe_b64encode):
                found.add(alphabet(b"x" * shift + plain)[4:-4])
    return {one for one in found if len(one) > 3}


def hashes(word: str) -> set[bytes]:
    """What an address or an agent could be kept as by somebody who thinks that a hash hides it."""
    found: set[bytes] = set()
    for name in ("md5", "sha1", "sha256", "sha512", "blake2b"):
        digest = hashlib.new(name, word.encode()).digest()
        found |= {digest, digest.hex().encode(), base64.b64encode(digest).rstrip(b"=")}
    return found


def moments(first: float, last: float) -> set[bytes]:
    """Every second from one time to another, as clocks, logs and databases write it."""
    found: set[bytes] = set()
    for second in range(int(first), int(last) + 1):
        found |= {str(second).encode(), struct.pack(">q", second), struct.pack("<q", second)}
        found.add(struct.pack(">d", second)[:5])  # a floating number of SQLite, to four seconds
        utc = time.gmtime(second)
        found |= {time.strftime(one, utc).encode() for one in ("%Y-%m-%d", "%Y%m%d", "%d/%b/%Y", "%H:%M")}
    for step in range(int(first * 1000) >> 8, (int(last * 1000) >> 8) + 1):  # milliseconds, 256 at a time
        found |= {step.to_bytes(5, "big"), step.to_bytes(7, "little")}
    return found


def files_holding(root: Path, wanted: Iterable[bytes]) -> set[str]:
    """Names of the files below a directory that hold any of these bytes in name, attributes or content."""
    needles = tuple(wanted)
    return {
        str(path.relative_to(root))
        for path in root.rglob("*")
        if any(one in part for part in _parts(path) for one in needles)
    }


def files_telling(root: Path, words: Iterable[str]) -> set[str]:
    """Names of the files below a directory in which any of these words lies, in any disguise."""
    return files_holding(root, {disguise for word in words for disguise in disguises(word)})


def _parts(path: Path) -> Iterator[bytes]:
    yield os.fsencode(path.name)
    yield from (os.getxattr(path, name) for name in os.listxattr(path))
    if path.is_file():
        content = path.read_bytes()
        yield content
        yield from _inflated(content)


def _inflated(content: bytes) -> Iterator[bytes]:
    """Whatever in a file can be decompressed."""
    whole = memoryview(content)  # a slice of a large file is a copy, and so is what zlib does not use
    for start in _DEFLATED:
        at = content.find(start)
        while at >= 0:
            with contextlib.suppress(zlib.error):  # of most it only looks so
                yield zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(whole[at : at + (1 << 20)], 1 << 20)
            at = content.find(start, at + 1)


def _fits(text: str, name: str) -> bool:
    try:
        text.encode(name)
    except UnicodeEncodeError:
        return False
    return True


def _lower_percent(quoted: bytes) -> bytes:
    return b"%".join(
        part[:2].lower() + part[2:] if at else part for at, part in enumerate(quoted.split(b"%"))
    )
