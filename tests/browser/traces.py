"""Search a device for words, however a browser may have written them: it opens what it can and knows what it cannot.

Searched are all bytes of all files, and the same again after taking off one layer: gzip and zlib at any place, the LZ4 of
Firefox's session files, and the fixed key with which Chromium locks its own where no keyring is at hand.
"""

import base64
import hashlib
import json
import os
import re
import struct
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

MOZ_LZ4: Final = b"mozLz40\0"  # then the size in 4 bytes, then one LZ4 block
LOCKED_SESSION: Final = b"SNSS\5\0\0\0"  # then records: 4 bytes of length, "v10", AES-128-CBC
LOCK_MARK: Final = b"v10"
# os_crypt of Chromium on Linux without a keyring: a password that stands in its source, hashed once.
LOCK_KEY: Final = hashlib.pbkdf2_hmac("sha1", b"peanuts", b"saltysalt", 1, 16)
LOCK_START: Final = b" " * 16
COMPRESSED: Final = (b"\x1f\x8b\x08", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
HOLLOW: Final = bytes(256)  # databases hold megabytes of nothing
LARGEST: Final = 1 << 22  # bytes that are unpacked at one place; a page of ours has some 100 KB
# Tables of LevelDB are packed with Snappy, which nothing here opens. Short visits leave its logs only, in clear.
CLOSED_KINDS: Final = (".ldb", ".sst", ".br", ".zst")

TELLS: Final = 1.2  # seconds until a page has told its browser what stands in its fields: 1 in both
SAVES: Final = 4.0  # seconds until that is on disk, too: 1 + 2.5 in Chromium, 1 + 2 in Firefox
PATIENCE: Final = 30.0  # seconds on a machine that does much else


class Search:
    """A search for words below a directory that can be repeated while a browser writes there."""

    def __init__(self, device: Path, words: Iterable[str]) -> None:
        self._device = device
        self._needles = [(word, needle) for word in words for needle in spellings(word)]
        self._clean: dict[Path, tuple[int, int]] = {}  # when and how long, of files that held nothing

    def look(self) -> set[tuple[str, str]]:
        """Name (file, word) for each file that holds one of the words, in whatever way."""
        found = set()
        paths = (Path(folder, name) for folder, _, names in os.walk(self._device) for name in names)
        for path in (one for one in paths if one.is_file() and not one.is_symlink()):
            here = self._words_in(path)
            found |= {(str(path.relative_to(self._device)), word) for word in here}
        return found

    def _words_in(self, path: Path) -> set[str]:
        assert path.suffix not in CLOSED_KINDS, f"{path.name} cannot be searched"
        try:
            state, content = path.stat(), path.read_bytes()
        except FileNotFoundError:  # a browser that runs renames and deletes
            return set()
        if self._clean.get(path) == (state.st_mtime_ns, state.st_size):
            return set()
        content = content.replace(HOLLOW, b"")
        found = {word for one in layers(content) for word, needle in self._needles if needle in one}
        if not found and time.time() - state.st_mtime > 1:  # s; else a second change might go unseen
            self._clean[path] = (state.st_mtime_ns, state.st_size)
        return found


def found_on(device: Path, words: Iterable[str]) -> set[tuple[str, str]]:
    """Search once."""
    return Search(device, words).look()


def await_write(files: Callable[[], list[Path]], *, began: float, moved: float) -> None:
    """Wait until files were written after a move from one page to another, from when it began to when it was done.

    A write that follows at once may have been due before, and hold the page as it was; or it holds all, and no other
    follows.
    """
    now = time.time()
    while now < moved + PATIENCE:
        written = max(map(_written, files()), default=0)
        if written > moved + TELLS or (written > began and now > moved + SAVES):
            return
        time.sleep(0.1)
        now = time.time()
    raise AssertionError("the browser did not write its session")


def spellings(word: str) -> set[bytes]:
    """All ways in which a browser, a form or a database may write a word."""
    plain, wide = word.encode(), word.encode("utf-16-le")
    percent, script = {quote(word), quote_plus(word)}, json.dumps(word)[1:-1]
    texts = {script, word.encode("ascii", "xmlcharrefreplace").decode()} | percent
    texts |= {re.sub("%..", lambda code: code[0].lower(), text) for text in percent}
    texts |= {re.sub(r"\\u(....)", lambda code: "\\u" + code[1].upper(), script)}
    in_base64 = {one for raw in (plain, wide) for one in _in_base64(raw)}
    return {plain, wide, *(text.encode() for text in texts), *in_base64}


def layers(content: bytes) -> Iterator[bytes]:
    """Yield bytes as they are, and what comes out when one layer is taken off."""
    yield content
    if content.startswith(MOZ_LZ4):
        yield unpack_lz4(content[len(MOZ_LZ4) + 4 :])
    if content.startswith(LOCKED_SESSION):
        yield unlock_session(content)
    for mark in COMPRESSED:
        at = content.find(mark)
        while at >= 0:
            yield _inflate(memoryview(content)[at:])
            at = content.find(mark, at + 1)


def unpack_lz4(block: bytes) -> bytes:
    """Unpack one LZ4 block (lz4_Block_format.md)."""
    out, at = bytearray(), 0
    while at < len(block):
        token = block[at]
        literals, at = _length(block, at + 1, token >> 4)
        out += block[at : at + literals]
        at += literals
        if at >= len(block):
            break  # the last sequence has no match
        distance = int.from_bytes(block[at : at + 2], "little")
        matched, at = _length(block, at + 2, token & 15)
        for _ in range(matched + 4):
            out.append(out[-distance])
    return bytes(out)


def unlock_session(content: bytes) -> bytes:
    """Open the records of a locked session file of Chromium; a record that is still being written ends it."""
    out, at = bytearray(), len(LOCKED_SESSION)
    while at + 4 <= len(content):
        (length,) = struct.unpack_from("<I", content, at)
        record = content[at + 4 : at + 4 + length]
        if len(record) < length:
            break
        assert record.startswith(LOCK_MARK), "Chromium locks its session in another way: mend this search"
        opener = Cipher(algorithms.AES(LOCK_KEY), modes.CBC(LOCK_START)).decryptor()
        out += opener.update(record[len(LOCK_MARK) :]) + opener.finalize()
        at += 4 + length
    return bytes(out)


def _written(path: Path) -> float:
    """When a file was written; never, while the browser puts another in its place."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0


def _in_base64(raw: bytes) -> Iterator[bytes]:
    """A word inside a longer text in base64: at each of three places, without the letters its neighbours share."""
    for before in range(3):
        whole = base64.b64encode(bytes(before) + raw)
        inner = whole[-(-before * 4 // 3) : len(whole) - 4 if (before + len(raw)) % 3 else len(whole)]
        yield from (inner, inner.translate(bytes.maketrans(b"+/", b"-_")))


def _inflate(packed: memoryview) -> bytes:
    try:
        return zlib.decompressobj(wbits=47).decompress(packed, LARGEST)  # 47: gzip and zlib alike
    except zlib.error:
        return b""  # the mark stood there by chance


def _length(block: bytes, at: int, length: int) -> tuple[int, int]:
    """Read a length that goes on in further bytes when it is 15: (length, place behind it)."""
    if length == 15:
        while True:
            length += block[at]
            at += 1
            if block[at - 1] != 255:
                break
    return length, at
