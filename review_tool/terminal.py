"""Text on its way to a terminal or a line of JSON: what a stranger wrote must not steer the screen.

The one rule of output: everything that came out of an envelope, off a stick or out of a file passes `visible` (for
people) or `json_line` (for scripts) before it is printed. Control characters are shown, never sent.
"""

import json
import unicodedata
from collections.abc import Mapping
from typing import Final

from crypto.canonical import Json

# Cc: C0 (escape, bell, backspace ..), delete, C1. Cs: lone surrogates. Zl, Zp: line breaks that are no newline.
_STEERING: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Bidi embeddings, overrides and isolates reorder what stands around them, also our own words. Joiners and the
# direction marks U+200E and U+200F stay: Persian, Punjabi and Pashto need them and they reach no further.
_BIDI: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_KEPT: Final = "\n\t"
_TAGS: Final = range(
    0xE0000, 0xE0080
)  # invisible copies of ASCII: text that a person cannot see is not shown as none
LONGEST_NAME: Final = 80  # characters of a stranger's file name that are shown


def visible(text: str) -> str:
    """Replace every character that could steer a terminal by its code point in brackets."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def one_line(text: str) -> str:
    """As `visible`, and line breaks and tabs are shown too: for names and other things that are one word."""
    shown = visible(text).replace("\n", _bracketed("\n")).replace("\t", _bracketed("\t"))
    return shown if len(shown) <= LONGEST_NAME else shown[: LONGEST_NAME - 1] + "…"


def json_line(facts: Mapping[str, Json]) -> str:
    """Write one JSON object in one line of printable ASCII."""
    return json.dumps(facts, ensure_ascii=True, separators=(", ", ": ")).replace("\x7f", "\\u007f")


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: `1 decision`, `2 decisions`; a plural that is not made by an s is given."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def _shown(character: str) -> str:
    if character in _KEPT:
        return character
    is_steering = (
        unicodedata.category(character) in _STEERING or character in _BIDI or ord(character) in _TAGS
    )
    return _bracketed(character) if is_steering else character


def _bracketed(character: str) -> str:
    return f"[U+{ord(character):04X}]"
