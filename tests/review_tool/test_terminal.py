"""What a stranger wrote must not steer the reviewer's terminal (R4)."""

import json

import pytest

from review_tool.terminal import LONGEST_NAME, json_line, one_line, visible

HOSTILE = {
    "escape": "\x1b[2J",
    "bell": "\x07",
    "backspace": "secret\x08\x08",
    "carriage return": "good\rbad",
    "delete": "\x7f",
    "eight-bit control": "\x9b31m",
    "hyperlink": "\x1b]8;;http://evil.example\x1b\\here\x1b]8;;\x1b\\",
    "window title": "\x1b]0;owned\x07",
    "right-to-left override": "\u202egnp.exe",
    "isolate": "\u2067abc\u2069",
    "line separator": "a\u2028b",
    "invisible tags": "ok\U000e0041\U000e0042",
    "lone surrogate": "\udc9b",
    "null": "a\0b",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_nothing_that_steers_reaches_the_terminal(text: str) -> None:
    """The screen shows what is there instead of doing it."""
    shown = visible(text)

    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in shown)
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")
    assert "[U+" in shown


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_json_is_printable_ascii_and_loses_nothing(text: str) -> None:
    """Scripts get the exact text; a terminal that shows the line gets only harmless characters."""
    line = json_line({"text": text})

    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {"text": text}


@pytest.mark.parametrize(
    "text", ["Zeile eins\nZeile zwei\tTab", "می\u200cخواهم", "ਪੰਜਾਬੀ", "\u200fعربي", "日本語", "👩🏽‍🚀"]
)
def test_every_script_is_shown_as_it_was_written(text: str) -> None:
    """Joiners and direction marks belong to the words; hiding them would alter the story."""
    assert visible(text) == text


def test_a_name_stays_on_its_line() -> None:
    """A file name with a line break must not write a line of its own."""
    assert one_line("a\nb\tc") == "a[U+000A]b[U+0009]c"


def test_a_very_long_name_is_cut() -> None:
    """A name of a megabyte would push everything else off the screen."""
    assert len(one_line("x" * 10_000)) == LONGEST_NAME
