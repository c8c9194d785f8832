"""Every sentence of the pages is plain, kind and true to its rules, whoever reads it."""

import re

import pytest

from intake.catalogues import folder, read_entries
from tests.crypto.test_answers import grade_of

ENTRIES = read_entries((folder() / "messages.pot").read_text(encoding="utf-8"), "messages.pot")
SHORTEST = (
    "First page",
    "Why a report",
    "Page of an error",
    "Page after",
    "Page that shows",
    "On every page",
)
BANNED = re.compile(
    r"victim|alleged|incident|\bsubmit|required|invalid|please note|are you sure|brave|!|\*|\bleft\b(?! of)|\bright\b(?! now)",
    re.IGNORECASE,
)


def sentences_of(*places: str) -> list[str]:
    """Sentences of the messages whose note begins with one of these words."""
    chosen = [entry.text for entry in ENTRIES if entry.comments[0].startswith(places)]
    return [part for text in chosen for part in re.split(r"(?<=[.?…:;])\s", text) if part.strip()]


@pytest.mark.parametrize(
    ("places", "grade"),
    [((*SHORTEST, "On the form", "Heading", "Question", "Hint", "Answer", "A box"), 6), (SHORTEST, 4)],
)
def test_pages_read_at_a_low_grade(places, grade):
    """Start, errors and the way out must be read by somebody in fear; the whole asks for six years of school."""
    sentences = sentences_of(*places)

    assert len(sentences) > 60
    assert grade_of(sentences) <= grade


def test_no_sentence_is_long():
    """Fifteen words where possible; the few longer ones are lists of what may be left."""
    long = [one for one in sentences_of("") if len(one.split()) > 17]

    assert len(long) <= 4, long


def test_no_sentence_breaks_the_copy_rules():
    """No blame, no praise for bravery, no shouting, and no side of a page that runs the other way."""
    assert [entry.text for entry in ENTRIES if BANNED.search(entry.text)] == []


def test_what_was_not_stored_is_never_called_sent():
    """Check and the language buttons do send words to the server; nothing of them is saved."""
    for entry in ENTRIES:
        if "Nothing" in entry.text:
            assert "sent" not in entry.text.split()


def test_every_sentence_tells_translators_where_it_stands():
    """A word without its place is translated by chance."""
    assert [entry.text for entry in ENTRIES if not entry.comments] == []
