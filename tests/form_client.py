"""A browser without JavaScript, as far as sending a report goes: read the form, fill it in, press Send."""

from __future__ import annotations

import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

TIME_LIMIT: Final = 60  # seconds for one request to the loopback form


@dataclass(slots=True)
class FormPage(HTMLParser):
    """What a page's form would send: hidden fields as they stand, and the names it offers."""

    action: str = ""
    hidden: list[tuple[str, str]] = field(default_factory=list)
    offered: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super(FormPage, self).__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form" and (given.get("method") or "").lower() == "post":
            self.action = given.get("action") or ""
        name = given.get("name")
        if not name or tag not in {"input", "textarea", "select", "option"}:
            return
        kind = given.get("type") or tag
        if kind == "hidden" or (kind == "password" and "hidden" in given):
            self.hidden.append((name, given.get("value") or ""))
        elif kind in {"checkbox", "radio"}:
            self.offered.setdefault(name, set()).add(given.get("value") or "on")
        else:
            self.offered.setdefault(name, set())


def fetch_form(base: str, language: str = "en") -> FormPage:
    """Fetch the form of a language and read what it would send."""
    page = FormPage()
    with urllib.request.urlopen(f"{base}/{language}/form", timeout=TIME_LIMIT) as answer:
        page.feed(answer.read().decode("utf-8"))
    return page


def send_report(base: str, answers: Mapping[str, Sequence[str]], language: str = "en") -> str:
    """Fill in the form and press Send.

    Args:
        base: scheme, host and port of the form.
        answers: codes or text by the name of the question.
        language: path of the language.

    Returns:
        The thank-you page.

    Raises:
        AssertionError: the form does not offer what was answered, or the answer is not the thank-you page.
    """
    page = fetch_form(base, language)
    for name, values in answers.items():
        assert name in page.offered, f"the form has no question {name}"
        offered = page.offered[name]
        assert not offered or offered.issuperset(values), f"the form does not offer {values} in {name}"
    pairs = [*page.hidden, *((name, value) for name, values in answers.items() for value in values)]
    target = urllib.parse.urljoin(f"{base}/{language}/form", page.action)
    request = urllib.request.Request(target, data=urllib.parse.urlencode(pairs).encode("ascii"))
    with urllib.request.urlopen(request, timeout=TIME_LIMIT) as answer:
        assert answer.url.endswith(f"/{language}/done"), f"not accepted: {answer.status}"
        return str(answer.read().decode("utf-8"))
