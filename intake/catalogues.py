"""Catalogues of translations: a strict reader of `.po` files, and the sentences that they translate.

A catalogue is read once at start. An entry that is fuzzy or empty counts as untranslated; a line that this reader does
not know is an error, so that a damaged catalogue stops the start and not a page.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from gettext import NullTranslations
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

from intake import errors

_STRING: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPES: Final = {"\\n": "\n", "\\t": "\t", '\\"': '"', "\\\\": "\\"}
_ESCAPE: Final = re.compile(r"\\.")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence in English, to be said in the language of the page: the text, and what stands in its gaps."""

    text: str
    values: Mapping[str, str] = field(default_factory=dict)


def say(text: str, **values: str) -> Sentence:
    """Mark a sentence for translation."""
    return Sentence(text, values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One message of a catalogue; a fuzzy one is a guess that somebody must look at."""

    text: str
    translation: str
    comments: tuple[str, ...] = ()
    is_fuzzy: bool = False

    @property
    def is_done(self) -> bool:
        """Whether a page may show it."""
        return bool(self.translation) and not self.is_fuzzy


class Catalogue(NullTranslations):
    """What pages are spoken with; without an entry, the English sentence itself."""

    def __init__(self, translated: Mapping[str, str]) -> None:
        super().__init__()
        self.translated: Final = dict(translated)

    def gettext(self, message: str) -> str:
        """Translate a message."""
        return self.translated.get(message, message)


def folder() -> Traversable:
    """Where catalogues and the states of their languages lie."""
    return resources.files("intake") / "translations"


def catalogue_of(code: str) -> Catalogue:
    """Read the catalogue of a language; English has none and needs none.

    Raises:
        CatalogueError: the file is damaged.
    """
    path = folder() / code / "LC_MESSAGES" / "messages.po"
    if not path.is_file():
        return Catalogue({})
    entries = read_entries(path.read_text(encoding="utf-8"), code)
    return Catalogue({entry.text: entry.translation for entry in entries if entry.is_done})


def read_entries(text: str, name: str) -> list[Entry]:
    """Read the messages of a `.po` file, without its header.

    Raises:
        CatalogueError: a line is none that a catalogue of ours may hold.
    """
    found = []
    for number, block in _blocks(text):
        keyed: dict[str, str] = {}
        comments, is_fuzzy, key = [], False, ""
        for offset, line in enumerate(block):
            if line.startswith("#"):
                is_fuzzy = is_fuzzy or (line.startswith("#,") and "fuzzy" in line)
                comments += [line[2:].strip()] if line.startswith("#.") else []
                continue
            word, _, rest = line.partition(" ") if not line.startswith('"') else (key, "", line)
            string = _STRING.fullmatch(rest.strip())
            if word not in {"msgid", "msgstr"} or string is None:
                raise errors.CatalogueError(f"catalogue {name}, line {number + offset}: not understood")
            key = word
            keyed[key] = keyed.get(key, "") + _ESCAPE.sub(lambda one: _unescaped(one[0], name), string[1])
        if keyed.keys() != {"msgid", "msgstr"}:
            raise errors.CatalogueError(f"catalogue {name}, line {number}: msgid or msgstr is missing")
        if keyed["msgid"]:
            found.append(
                Entry(
                    text=keyed["msgid"],
                    translation=keyed["msgstr"],
                    comments=tuple(comments),
                    is_fuzzy=is_fuzzy,
                )
            )
    return found


def _blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield runs of lines between blank lines, each with the number of its first line; old entries are skipped."""
    block: list[str] = []
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        if line.strip():
            block.append(line)
        elif block:
            kept = [one for one in block if not one.startswith("#~")]
            if kept and not all(one.startswith("#") for one in kept):
                yield number - len(block), block
            block = []


def _unescaped(escape: str, name: str) -> str:
    if escape not in _ESCAPES:
        raise errors.CatalogueError(f"catalogue {name}: {escape} is not understood")
    return _ESCAPES[escape]
