"""Paper shares: every pair gives the key back, and nothing else gives anything."""

import json
from collections.abc import Callable
from hashlib import sha256, shake_256
from itertools import count, permutations
from pathlib import Path
from typing import Any

import pytest
from shamir_mnemonic import MnemonicError, combine_mnemonics, generate_mnemonics, shamir
from shamir_mnemonic.wordlist import WORDLIST

from review_tool import shares
from review_tool.errors import ShareError
from review_tool.shares import Share

VECTORS: list[Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "slip39_vectors.json").read_text(encoding="utf-8")
)
SECRET = bytes(range(32))


def digits(seed: bytes) -> str:
    """Stand-in for the printed fingerprint: any function of the key does."""
    return sha256(seed).hexdigest()


def draw_from(label: str) -> Callable[[int], bytes]:
    """A source that gives the same bytes in every run."""
    numbers = count()
    return lambda size: shake_256(f"{label}/{next(numbers)}".encode()).digest(size)


@pytest.fixture(scope="module")
def three() -> tuple[Share, Share, Share]:
    """The shares of one key."""
    return shares.split(SECRET, draw_from("today"), digits)


@pytest.fixture(scope="module")
def old() -> tuple[Share, Share, Share]:
    """Shares of the same key from an earlier cut: their words do not fit those of today."""
    return shares.split(SECRET, draw_from("last year"), digits)


@pytest.fixture(scope="module")
def foreign() -> tuple[Share, Share, Share]:
    """Shares of another key."""
    return shares.split(bytes(32), draw_from("foreign"), digits)


@pytest.mark.parametrize("vector", VECTORS, ids=[vector[0].split(".")[0] for vector in VECTORS])
def test_published_vector(vector: Any) -> None:
    """The library must do what the standard says: 45 published cases, 30 of them refusals."""
    comment, mnemonics, expected, _ = vector

    if expected:
        assert combine_mnemonics(mnemonics, b"TREZOR").hex() == expected, comment
    else:
        with pytest.raises(MnemonicError):
            combine_mnemonics(mnemonics, b"TREZOR")


def test_all_45_vectors_are_here() -> None:
    """A cut file would pass in silence."""
    assert len(VECTORS) == 45


def test_a_share_has_33_words_and_a_number(three: tuple[Share, Share, Share]) -> None:
    """The sheet for handwriting has 33 lines."""
    assert [len(share.words) for share in three] == [33, 33, 33]
    assert [share.number for share in three] == [1, 2, 3]


@pytest.mark.parametrize("pair", list(permutations(range(3), 2)))
def test_every_pair_in_either_order_gives_the_key(
    three: tuple[Share, Share, Share], pair: tuple[int, int]
) -> None:
    """Any two advisors are enough."""
    first, second = three[pair[0]], three[pair[1]]

    assert shares.combine(first, second, digits(SECRET), digits) == SECRET


def test_all_pairs_are_proved(three: tuple[Share, Share, Share]) -> None:
    """One unproved pair is one that may fail in ten years."""
    assert shares.prove_pairs(three, digits(SECRET), digits) == 3


@pytest.mark.parametrize("number", [0, 1, 2])
def test_one_share_alone_gives_nothing(three: tuple[Share, Share, Share], number: int) -> None:
    """One advisor must not be able to read."""
    with pytest.raises(ShareError, match="same share twice"):
        shares.combine(three[number], three[number], digits(SECRET), digits)
    with pytest.raises(MnemonicError):
        combine_mnemonics([three[number].text])


@pytest.mark.parametrize("pair", list(permutations(range(3), 2)))
def test_an_old_share_beside_a_new_one_is_refused(
    three: tuple[Share, Share, Share], old: tuple[Share, Share, Share], pair: tuple[int, int]
) -> None:
    """A sheet left over from an earlier ceremony must not give a key that opens nothing."""
    with pytest.raises(ShareError, match="do not belong together"):
        shares.combine(three[pair[0]], old[pair[1]], digits(SECRET), digits)


def test_shares_of_two_keys_are_refused(
    three: tuple[Share, Share, Share], foreign: tuple[Share, Share, Share]
) -> None:
    """Reading key and root key have a sheet each: people will mix them up."""
    with pytest.raises(ShareError, match="do not belong together"):
        shares.combine(three[0], foreign[1], digits(SECRET), digits)


def test_two_old_shares_of_another_key_are_refused_by_the_fingerprint(
    foreign: tuple[Share, Share, Share],
) -> None:
    """They fit each other, so only the fingerprint tells."""
    with pytest.raises(ShareError, match="another fingerprint"):
        shares.combine(foreign[0], foreign[1], digits(SECRET), digits)


def test_shares_made_with_a_slip39_passphrase_are_refused_by_the_fingerprint() -> None:
    """A wrong SLIP-39 passphrase gives another key without a word: the fingerprint must be what speaks."""
    ((first, second, _),) = generate_mnemonics(1, [(2, 3)], SECRET, b"a passphrase")

    with pytest.raises(ShareError, match="another fingerprint"):
        shares.combine(shares.parse_share(first), shares.parse_share(second), digits(SECRET), digits)


def test_two_shares_do_not_prove_all_pairs(three: tuple[Share, Share, Share]) -> None:
    """A ceremony with an absent advisor is not finished."""
    with pytest.raises(ShareError, match="3 shares"):
        shares.prove_pairs(three[:2], digits(SECRET), digits)


@pytest.mark.parametrize("place", range(33))
def test_one_wrong_word_anywhere_is_refused_and_not_quoted(
    three: tuple[Share, Share, Share], place: int
) -> None:
    """The checksum finds a misread word; the message must not carry words to a screen or log."""
    words = list(three[0].words)
    words[place] = WORDLIST[(WORDLIST.index(words[place]) + 1) % len(WORDLIST)]

    with pytest.raises(ShareError) as refusal:
        shares.parse_share(" ".join(words))

    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__
    assert not set(words) & set(str(refusal.value).replace(",", " ").split()) - {"wrong", "place", "missing"}


def test_two_words_changed_about_are_refused(three: tuple[Share, Share, Share]) -> None:
    """People skip a line of the sheet."""
    words = list(three[0].words)
    words[10], words[11] = words[11], words[10]

    with pytest.raises(ShareError):
        shares.parse_share(" ".join(words))


@pytest.mark.parametrize("length", [0, 1, 20, 32, 34, 66])
def test_another_number_of_words_is_refused(three: tuple[Share, Share, Share], length: int) -> None:
    """The message counts, so that people find the line they left out."""
    words = (three[0].words + three[1].words)[:length]

    with pytest.raises(ShareError, match=f"here are {length}"):
        shares.parse_share(" ".join(words))


def test_unknown_word_is_named_by_its_place_only(three: tuple[Share, Share, Share]) -> None:
    """`word 7` helps as much as the word would, and tells nothing."""
    words = list(three[0].words)
    words[6] = "vouchsafe"

    with pytest.raises(ShareError, match="word 7 is not") as refusal:
        shares.parse_share(" ".join(words))

    assert "vouchsafe" not in str(refusal.value)


def test_share_is_read_by_four_letters_in_any_case(three: tuple[Share, Share, Share]) -> None:
    """Handwriting is checked as well by four letters, and typing 33 words is long."""
    typed = "\n".join(word[:4].upper() for word in three[1].words)

    assert shares.parse_share(f"  {typed}  ") == three[1]


def test_four_letters_tell_all_share_words_apart() -> None:
    """The rule above rests on how SLIP-39 chose its words."""
    assert len({word[:4] for word in WORDLIST}) == len(WORDLIST) == 1024


def test_three_letters_are_not_guessed_at(three: tuple[Share, Share, Share]) -> None:
    """A guess would hide a misread word."""
    with pytest.raises(ShareError, match="word 1 is not"):
        shares.whole_word("aca", 1)


@pytest.mark.parametrize(
    ("groups", "size"),
    [([(3, 5)], 32), ([(1, 1)], 32), ([(2, 5)], 32)],
    ids=["3 of 5", "1 of 1", "share 5 of 5"],
)
def test_share_of_another_scheme_is_refused(groups: list[tuple[int, int]], size: int) -> None:
    """A sheet from somebody's wallet is no share of a Center."""
    (texts,) = generate_mnemonics(1, groups, bytes(size))

    with pytest.raises(ShareError, match="another kind"):
        shares.parse_share(texts[-1])


@pytest.mark.parametrize("size", [0, 16, 31, 33, 64])
def test_key_of_another_size_is_not_cut(size: int) -> None:
    """Only seeds go on paper."""
    with pytest.raises(ShareError, match="32 bytes"):
        shares.split(bytes(size), draw_from("size"), digits)


def test_chance_comes_from_the_argument_and_the_library_gets_its_own_back() -> None:
    """Dice must reach the shares, and a later caller of the library must not get our source."""
    before = shamir.RANDOM_BYTES

    first = shares.split(SECRET, draw_from("same"), digits)
    second = shares.split(SECRET, draw_from("same"), digits)

    assert first == second
    assert shamir.RANDOM_BYTES is before


def test_library_gets_its_source_back_after_a_failure() -> None:
    """Even when the source breaks in the middle."""
    before = shamir.RANDOM_BYTES

    def broken(size: int) -> bytes:
        raise OSError("no randomness")

    with pytest.raises(OSError, match="no randomness"):
        shares.split(SECRET, broken, digits)

    assert shamir.RANDOM_BYTES is before


def test_repr_shows_no_word(three: tuple[Share, Share, Share]) -> None:
    """A traceback or a failed assertion must not print a share."""
    assert repr(three[0]) == "Share(<33 words>)"
