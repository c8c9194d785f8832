"""The search for words on a device would see them, in each way in which a browser might have written them."""

import base64
import gzip
import json
import re
import zlib
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.browser.traces import LOCK_KEY, LOCK_START, LOCKED_SESSION, MOZ_LZ4, Search, found_on, unpack_lz4

WORDS: Final = ("Blauer Zaunkönig 2846", "گنجشک ۲۸۴۶", "麻雀七三九一", "blackmail")
WAYS: Final = {
    "as it is": str.encode,
    "two bytes a letter": lambda text: text.encode("utf-16-le"),
    "in an address": lambda text: quote(text).encode(),
    "in a posted form": lambda text: quote_plus(text).encode(),
    "in an address, in small letters": lambda text: re.sub(
        "%..", lambda code: code[0].lower(), quote(text)
    ).encode(),
    "in a script": lambda text: json.dumps(text).encode(),
    "in a page without its letters": lambda text: text.encode("ascii", "xmlcharrefreplace"),
    "in base64": lambda text: base64.b64encode(text.encode() + b"more"),
    "in base64, one letter in": lambda text: base64.b64encode(b"." + text.encode() + b"more"),
    "in base64, two letters in": lambda text: base64.urlsafe_b64encode(b".." + text.encode() + b"mo"),
    "in base64, two bytes a letter": lambda text: base64.b64encode(b"." + text.encode("utf-16-le") + b"m"),
    "in a cache, packed": lambda text: b"key" + gzip.compress(b"page " + text.encode()) + b"more",
    "packed by zlib": lambda text: b"key" + zlib.compress(b"page " + text.encode()) + b"more",
    "in a session of Firefox": lambda text: _session_of_firefox(text.encode()),
    "in a locked session of Chromium": lambda text: _locked_session(b"text " + text.encode()),
}


def _session_of_firefox(content: bytes) -> bytes:
    size, long = len(content).to_bytes(4, "little"), len(content) - 15
    assert 0 <= long < 255
    return MOZ_LZ4 + size + bytes([0xF0, long]) + content


def _locked_session(content: bytes) -> bytes:
    padding = 16 - len(content) % 16
    lock = Cipher(algorithms.AES(LOCK_KEY), modes.CBC(LOCK_START)).encryptor()
    record = b"v10" + lock.update(content + bytes([padding]) * padding) + lock.finalize()
    return LOCKED_SESSION + len(record).to_bytes(4, "little") + record


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("way", WAYS)
def test_a_word_is_found_in_whatever_way_it_is_written(way: str, word: str, tmp_path: Path):
    """A search that is blind in one way would call a leak in that way nothing."""
    (tmp_path / "kept").write_bytes(WAYS[way](word + " and more"))

    assert found_on(tmp_path, WORDS) == {("kept", word)}


def test_a_device_without_the_words_holds_nothing(tmp_path: Path):
    """What is near to a word is not the word."""
    (tmp_path / "kept").write_text(
        "Blauer Zaunkönig 284 6, 麻雀七三九, black mail\x1f\x8b\x08 and \x78\x9c by chance"
    )

    assert found_on(tmp_path, WORDS) == set()


def test_a_second_look_sees_what_was_written_since(tmp_path: Path):
    """Files that held nothing are not read again until they change."""
    search = Search(tmp_path, WORDS)
    (tmp_path / "kept").write_text("nothing")
    assert search.look() == set()

    (tmp_path / "kept").write_text("blackmail")

    assert search.look() == {("kept", "blackmail")}


@pytest.mark.parametrize("name", ["000005.ldb", "page.br"])
def test_a_file_that_the_search_cannot_open_is_no_clean_file(name: str, tmp_path: Path):
    """Nobody may take for empty what nobody could read."""
    (tmp_path / name).write_bytes(b"\0\1\2")

    with pytest.raises(AssertionError, match="cannot be searched"):
        found_on(tmp_path, WORDS)


def test_lz4_repeats_what_stands_before():
    """A match that reaches into itself, as in a session that says the same again and again."""
    assert unpack_lz4(b"\x3fabc\x03\x00\x00\x10!") == b"abc" + b"abc" * 6 + b"a" + b"!"
