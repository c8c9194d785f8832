"""The body reader: reads to the end, keeps the words, doubts a cut line."""

import io
from urllib.parse import quote_plus

import pytest
from flask import Request
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from intake.bodies import FORM_TYPE, MAX_FIELDS, Reading, read_posted
from intake.config import Limits

LIMITS = Limits(text_kib=128, drain_mib=1)


def posted(body: bytes, *, kind: str = FORM_TYPE, length: int | None = None, limits: Limits = LIMITS):
    """Read a body as it would come from a server that announces its length."""
    stream = io.BytesIO(body)
    builder = EnvironBuilder(method="POST", content_type=kind, input_stream=stream, content_length=len(body))
    environ = builder.get_environ()
    environ["wsgi.input_terminated"] = True
    environ["CONTENT_LENGTH"] = str(len(body) if length is None else length)
    found = read_posted(Request(environ), limits)
    return found, stream


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8), st.lists(st.text(max_size=30), min_size=1, max_size=3), max_size=6
    )
)
def test_any_text_arrives_as_it_was_typed(fields):
    """Fourteen languages, joiners, marks and characters nobody has seen yet."""
    storable = {name: some for name, some in fields.items() if "\ud800" not in name}
    body = "&".join(
        f"{quote_plus(name)}={quote_plus(one)}" for name, some in storable.items() for one in some
    )

    found, _ = posted(body.encode())

    assert found.reading is Reading.WHOLE
    assert found.fields == {name: tuple(some) for name, some in storable.items()}


def test_a_repr_never_shows_the_words():
    """A traceback or a log line prints objects."""
    found, _ = posted(b"narrative=CANARY")

    assert "CANARY" not in repr(found)


def test_too_much_text_is_read_to_its_end_and_the_first_part_is_kept():
    """A browser whose body is left unread shows a broken line instead of our page."""
    found, stream = posted(b"narrative=first" + b"x" * 400_000)

    assert found.reading is Reading.TOO_MUCH
    assert found.first("narrative").startswith("first")
    assert stream.read() == b""


def test_short_fields_behind_too_much_text_are_kept():
    """A pasted novel must not take the way to be reached along."""
    found, _ = posted(b"narrative=first" + b"x" * 400_000 + b"&when_text=in+May&contact=Sam%2C+555")

    assert found.reading is Reading.TOO_MUCH
    assert found.first("narrative").startswith("firstxxx")
    assert (found.first("when_text"), found.first("contact")) == ("in May", "Sam, 555")


@pytest.mark.parametrize("more", [1, 20, 70_000])
def test_no_field_is_made_of_two_halves_where_the_limit_falls(more):
    """What lies between the first part and the end is left out, not glued together."""
    start = b"narrative=" + b"x" * (128 * 1024 - 20)
    found, _ = posted(start + b"&when_text=" + b"y" * (10 + more) + b"&contact=z")

    assert set(found.first("when_text")) <= {"y"}
    assert len(found.first("when_text")) < 10 + more
    assert found.first("contact") == "z"


def test_more_than_the_drain_limit_is_left_unread():
    """Nobody types a megabyte beyond all limits; the line is cut."""
    found, stream = posted(b"narrative=first" + b"x" * 4_000_000)

    assert found.reading is Reading.TOO_MUCH
    assert stream.read()


def test_more_fields_than_any_form_has_are_too_much():
    """Each costs memory, and a form has some three hundred."""
    found, _ = posted(b"&".join(b"a=b" for _ in range(MAX_FIELDS + 1)))

    assert found.reading is Reading.TOO_MUCH


@pytest.mark.parametrize("lost", [1, 10, 10_000])
def test_a_body_shorter_than_announced_is_cut_and_its_words_are_kept(lost):
    """A cut upload must never look like success."""
    found, _ = posted(b"narrative=half+a+story", length=22 + lost)

    assert found.reading is Reading.CUT
    assert found.first("narrative") == "half a story"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"caf%E9", "café"),
        (b"caf\xe9", "café"),
        (b"%C3%A9t%E9", "été"),
        (b"%80uro", "€uro"),
        (b"%FF%FE", "ÿþ"),
    ],
)
def test_letters_that_are_not_utf8_are_shown_so_that_they_can_be_mended(raw, shown):
    """Losing the letters would lose the word."""
    found, _ = posted(b"narrative=" + raw)

    assert found.reading is Reading.NOT_UTF8
    assert found.first("narrative") == shown


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "application/json", "text/plain", ""])
def test_another_type_of_body_is_read_and_holds_nothing(kind):
    """Only our form's type is taken apart; nothing is guessed."""
    found, stream = posted(b'{"narrative": "x"}', kind=kind)

    assert found.reading is Reading.OTHER_TYPE
    assert found.fields == {}
    assert stream.read() == b""
