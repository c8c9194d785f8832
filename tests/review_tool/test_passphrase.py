"""The six words that protect a keystore: where they come from, how they are drawn, what is refused."""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from hashlib import sha256, shake_256
from importlib.resources import files
from itertools import count
from pathlib import Path

import pytest

from review_tool import passphrase
from review_tool.errors import PassphraseError

EFF_SHA256 = "addd35536511597a02fa0a9ff1e5284677b8883b83e986e43f15a3db996b903e"


def draw_from(label: str) -> Callable[[int], bytes]:
    """A source that gives the same bytes in every run."""
    numbers = count()
    return lambda size: shake_256(f"{label}/{next(numbers)}".encode()).digest(size)


def draw_of(pairs: Iterable[int]) -> Callable[[int], bytes]:
    """A source that gives exactly these 16-bit numbers."""
    numbers = iter(pairs)
    return lambda size: next(numbers).to_bytes(size, "big")


def test_word_list_is_the_published_one() -> None:
    """A changed or shortened list would weaken every passphrase without a sign."""
    content = files("review_tool").joinpath("wordlist/eff_large_wordlist.txt").read_bytes()

    assert sha256(content).hexdigest() == EFF_SHA256


def test_word_list_has_7776_different_words() -> None:
    """77 bits rest on five dice a word."""
    words = passphrase.word_list()

    assert len(words) == len(set(words)) == 7776
    assert words[0] == "abacus"
    assert words[-1] == "zoom"
    assert all(word == word.strip().lower() and " " not in word for word in words)


def test_provenance_names_licence_and_hash() -> None:
    """Attribution is a condition of the list's licence."""
    text = files("review_tool").joinpath("wordlist/PROVENANCE.md").read_text(encoding="utf-8")

    assert "CC BY 3.0 US" in text
    assert EFF_SHA256 in text


def test_six_generated_words_hold_77_bits() -> None:
    """The number that the threat model gives must follow from the code."""
    assert 77 < passphrase.WORDS * math.log2(len(passphrase.word_list())) < 78


def test_generated_passphrase_is_six_words_of_the_list() -> None:
    """People write the words down and type them back: nothing else may be among them."""
    words = passphrase.generate(draw_from("six words")).split(" ")

    assert len(words) == 6
    assert set(words) <= set(passphrase.word_list())


def test_numbers_past_the_list_are_drawn_again() -> None:
    """A remainder would make the first 416 words twice as likely."""
    drawn = passphrase.generate(draw_of([7776, 8191, 0, 7775, 7777, 1, 2, 3, 4]))

    words = passphrase.word_list()
    assert drawn.split(" ") == [words[0], words[7775], words[1], words[2], words[3], words[4]]


def test_no_word_is_favoured() -> None:
    """Over 3,000 words the first half of the list comes as often as the second, within five deviations."""
    draw, words = draw_from("fair"), passphrase.word_list()
    place = {word: number for number, word in enumerate(words)}

    halves = Counter(place[w] < 3888 for _ in range(500) for w in passphrase.generate(draw).split(" "))

    assert abs(halves[True] - 1500) < 5 * (3000 / 4) ** 0.5


@pytest.mark.parametrize("typed", ["  one two\t three ", "one  two three\n", "one two three"])
def test_blanks_that_nobody_sees_do_not_count(typed: str) -> None:
    """A double blank typed once would lock a Center out."""
    assert passphrase.tidy(typed) == "one two three"


def test_six_generated_words_are_strong_however_short() -> None:
    """Six short words of the list have their 77 bits all the same."""
    passphrase.require_strong("t-shirt yo-yo abide able acid aged")


@pytest.mark.parametrize(
    "weak",
    ["", "tiny", "abide able acid aged ajar", "nineteen characters"],
    ids=["none", "tiny", "five words", "19"],
)
def test_weak_passphrase_is_refused_without_being_quoted(weak: str) -> None:
    """A passphrase in an error message ends in a scrollback or a photograph."""
    with pytest.raises(PassphraseError) as refusal:
        passphrase.require_strong(weak)

    assert not weak or weak not in str(refusal.value)


def test_own_passphrase_of_twenty_characters_is_accepted() -> None:
    """A Center may have its own habit, if it is long."""
    passphrase.require_strong("twenty characters ok")


def test_passphrase_file_is_read_without_its_line_end(tmp_path: Path) -> None:
    """Editors end files with a line end; it is no part of the passphrase."""
    file = tmp_path / "passphrase"
    file.write_text("abide able acid aged ajar alike\n", encoding="utf-8")

    assert passphrase.read_passphrase_file(file) == "abide able acid aged ajar alike"


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"one line\nand another\n", b"\xff\xfe secret words", b"secret " * 400, b"secret  words"],
    ids=["empty", "blank", "two lines", "not utf-8", "endless", "two blanks"],
)
def test_unusable_passphrase_file_is_refused_without_being_quoted(tmp_path: Path, content: bytes) -> None:
    """A wrong file named by mistake may hold anything: none of it may reach the screen."""
    file = tmp_path / "passphrase"
    file.write_bytes(content)

    with pytest.raises(PassphraseError) as refusal:
        passphrase.read_passphrase_file(file)

    assert "secret" not in str(refusal.value)
    assert "another" not in str(refusal.value)


def test_missing_passphrase_file_is_named(tmp_path: Path) -> None:
    """The operator learns which option to mend."""
    with pytest.raises(PassphraseError, match="--passphrase-file"):
        passphrase.read_passphrase_file(tmp_path / "nowhere")
