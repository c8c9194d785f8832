"""Shows every piece that pages are made of, for those who draw and translate them.

It is a page of `production = false` alone, takes no answer and holds none. Each language has its own, so that both
directions can be seen; light, dark and forced colors are those of the browser.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from flask import Blueprint, Response

from crypto.content import CenterContent
from crypto.report import Kind, Question
from intake import forms, problems
from intake.pages import Place
from intake.parts import current

gallery: Final = Blueprint("gallery", __name__)

_EACH: Final = 2  # questions of a kind: one as it is, and one that something is wrong with
_PLACES: Final = (
    Place(
        label="A place that helps",
        phone="555-0100",
        text="555-0101",
        web="https://www.example.org/help",
        hours="Day and night",
        is_old=True,
    ),
    Place(label="A place with an address alone", web="https://www.example.org/"),
)
_COMING: Final = (
    Place(label="A town hall", details="6 in the evening, at the Center", web="https://www.example.org/"),
)


@gallery.get("/<code>/_gallery")
def show(code: str) -> Response:
    """Show the pieces in a language."""
    parts = current()
    pages = parts.pages_in(code)
    page = pages.render(
        "gallery.html",
        here="_gallery",
        form=forms.filled(pages.form_kind),
        questions=tuple(_some_of_each_kind(parts.public.content)),
        complaint=problems.nothing_told().sentences[0],
        places=_PLACES,
        coming=_COMING,
    )
    return Response(page, mimetype="text/html")


def _some_of_each_kind(content: CenterContent) -> Iterator[tuple[Question, bool]]:
    """Yield questions and whether something is wrong with them."""
    for kind in Kind:
        some = (asked for asked in forms.shown_questions(content) if asked.kind is kind)
        for number, asked in enumerate(islice(some, _EACH)):
            yield asked, number > 0
