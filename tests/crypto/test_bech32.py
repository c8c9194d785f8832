"""Bech32 as age uses it: one spelling for one key, everything else refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto import bech32
from crypto.errors import KeyStringError

# BIP 173, section "Test vectors": valid strings, here with the content bytes where they are whole bytes.
WITH_BYTES = {
    "a12uel5l": ("a", b""),
    "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw": ("abcdef", bytes.fromhex("00443214c74254b635cf84653a56d7c675be77df")),
}  # fmt: skip
REFUSED = {
    "checksum wrong": "a12uel5q",
    "no separator": "pzry9x0s0muk",
    "nothing before the separator": "1pzry9x0s0muk",
    "character outside the alphabet": "x1b4n0q5v",
    "checksum too short": "li1dgmt3",
    "mixed case": "a12UEL5L",
    "mixed case in the first part": "aBcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
    "checksum of the upper-case part": "A1G7SGD8",
    "empty": "",
    "letter that is no ASCII": "a12uel5\u0131",
}


@pytest.mark.parametrize("text", WITH_BYTES)
def test_published_strings_are_read_and_written_the_same(text: str) -> None:
    """Other implementations must accept what we write, so ours must agree with the published strings."""
    hrp, content = WITH_BYTES[text]

    assert bech32.decode(hrp, text) == content
    assert bech32.decode(hrp, text.upper()) == content
    assert bech32.encode(hrp, content) == text


@pytest.mark.parametrize("reason", REFUSED)
def test_broken_string_is_refused(reason: str) -> None:
    """A key copied with an error must never become another key."""
    text = REFUSED[reason]

    with pytest.raises(KeyStringError):
        bech32.decode(text.rpartition("1")[0].lower(), text)


def test_letter_that_only_looks_like_a_k_is_refused() -> None:
    """The Kelvin sign becomes a plain k in lower case: one key would have two spellings."""
    text = bech32.encode("age-secret-key-pq-", b"\x01" * 32).upper()

    with pytest.raises(KeyStringError):
        bech32.decode("age-secret-key-pq-", text.replace("K", "\u212a", 1))


def test_the_last_one_separates() -> None:
    """`age1pq` holds a 1 itself; taking the first would cut the key in the wrong place."""
    assert bech32.decode("age1pq", bech32.encode("age1pq", b"\x00" * 32)) == b"\x00" * 32
    with pytest.raises(KeyStringError, match="does not begin with age1"):
        bech32.decode("age", bech32.encode("age1pq", b"\x00" * 32))


def test_spare_bits_that_are_not_zero_are_refused() -> None:
    """Otherwise one key would have several strings, and comparing strings would not compare keys."""
    digits = [0, 1]  # one byte and two spare bits, of which one is set
    text = "a1" + "".join(bech32.ALPHABET[digit] for digit in [*digits, *bech32._checksum("a", digits)])  # noqa: SLF001 - no public way to write a wrong one

    with pytest.raises(KeyStringError, match="last bits"):
        bech32.decode("a", text)


def test_a_spare_digit_is_refused() -> None:
    """Five spare bits are a whole character that says nothing."""
    text = "a1" + "".join(bech32.ALPHABET[digit] for digit in [0, *bech32._checksum("a", [0])])  # noqa: SLF001 - no public way to write a wrong one

    with pytest.raises(KeyStringError, match="last bits"):
        bech32.decode("a", text)


@given(content=st.binary(max_size=300))
def test_any_bytes_come_back(content: bytes) -> None:
    """There is no limit of 90 characters: a recipient has 1,959."""
    assert bech32.decode("age1pq", bech32.encode("age1pq", content)) == content


@given(place=st.integers(min_value=0), wrong=st.sampled_from(bech32.ALPHABET))
def test_one_wrong_character_is_found(place: int, wrong: str) -> None:
    """Somebody types an identity from paper: one slip must be caught, wherever it is."""
    text = bech32.encode("age-secret-key-pq-", b"\x01" * 32)
    at = len("age-secret-key-pq-1") + place % (len(text) - len("age-secret-key-pq-1"))
    typed = text[:at] + wrong + text[at + 1 :]

    if typed == text:
        return
    with pytest.raises(KeyStringError):
        bech32.decode("age-secret-key-pq-", typed)
