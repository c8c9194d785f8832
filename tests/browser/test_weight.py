"""What a visit costs on a slow line, and what it leaves behind: bytes, requests, cookies, scripts, other hosts.

The bytes are those that the running server sends when a browser takes gzip, headers aside.
"""

import http.client
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pytest
from playwright.sync_api import Route

from intake import controls
from intake.languages import LANGUAGES
from intake.offers import State, state_of
from tests.browser.conftest import Visit
from tests.browser.states import go_to_step
from tests.intake.conftest import Server

pytestmark = [pytest.mark.browser, pytest.mark.loopback, pytest.mark.usefixtures("socket_enabled")]

START: Final = 4 * 1024  # bytes of the first page with its stylesheet: a second on a bad line
VISIT: Final = 14 * 1024  # bytes of a whole report in English
FORM: Final = 13 * 1024  # bytes of the form in the language that weighs most
ENGLISH_FORM: Final = 9 * 1024  # bytes
SESSION_FILE: Final = 64 * 1024  # bytes; of a larger post Chromium writes nothing down
UPLOAD: Final = 65 * 1024  # bytes of a post beside the words themselves
REQUESTS: Final = 5  # start, stylesheet, form, post, thank-you


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One answer as it went over the line."""

    status: int
    headers: Mapping[str, str]
    size: int


def ask(served: Server, path: str, told: Mapping[str, str] | None = None) -> Sent:
    """Ask as a browser does, and keep what came as it came."""
    line = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    headers = {"Accept-Encoding": "gzip, deflate, br", "Sec-Fetch-Site": "same-origin"}
    if told is None:
        line.request("GET", path, headers=headers)
    else:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        line.request("POST", path, urllib.parse.urlencode(told), headers)
    answer = line.getresponse()
    sent = Sent(status=answer.status, headers=dict(answer.headers), size=len(answer.read()))
    line.close()
    return sent


@pytest.fixture
def stylesheet(served: Server, socket_enabled: None) -> Sent:
    """The one stylesheet, as every page names it."""
    with urllib.request.urlopen(f"{served.url}/en/", timeout=30) as answer:
        page = answer.read().decode()
    return ask(served, page.split('rel="stylesheet" href="')[1].split('"')[0])


def test_the_first_page_is_light(served: Server, stylesheet: Sent):
    """Somebody in a hurry sees it before they give up."""
    start = ask(served, "/en/")

    assert start.headers["Content-Encoding"] == stylesheet.headers["Content-Encoding"] == "gzip"
    assert start.size + stylesheet.size <= START, (start.size, stylesheet.size)


def test_a_whole_report_is_light(served: Server, stylesheet: Sent):
    """Start, stylesheet, form, post and thank-you."""
    sent = [
        ask(served, "/en/"),
        stylesheet,
        ask(served, "/en/form", {"do": "show"}),  # the button Start
        ask(served, "/en/form", {"narrative": "They shouted."}),
        ask(served, "/en/done"),
    ]

    assert [one.status for one in sent] == [200, 200, 200, 303, 200]
    assert sum(one.size for one in sent) <= VISIT, [one.size for one in sent]


def test_what_a_post_sends_up_is_padding_and_little_else():
    """The price of leaving nothing on the device (docs/decisions.md 30): each button that posts sends this much."""
    padding = urllib.parse.urlencode({controls.PAD: controls.PADDING.replace("\n", "\r\n")})

    assert SESSION_FILE < len(padding) <= UPLOAD


def test_the_form_is_light_in_every_language(served: Server):
    """Letters of other alphabets take two or three bytes, and their readers have no faster lines."""
    codes = [one.code for one in LANGUAGES if state_of(one.code) is not State.INCOMPLETE]
    sizes = {code: ask(served, f"/{code}/form").size for code in codes}

    assert {code: size for code, size in sizes.items() if size > FORM} == {}
    assert sizes["en"] <= ENGLISH_FORM


def test_pages_that_hold_words_are_sent_as_they_are(served: Server):
    """Compressed, their length would tell something of the words to whoever watches the line."""
    answer = ask(served, "/en/form", {"contact": "a way"})

    assert answer.status == 422
    assert "Content-Encoding" not in answer.headers


def whole_visit(visit: Visit) -> list[tuple[str, str, str]]:
    """From the start page to the thank-you page; return what was asked for."""
    visit.go("/en/")
    visit.page.click("main .start")
    visit.page.fill("#q-narrative", "Nothing to see.")
    go_to_step(visit.page, 5)
    visit.send()
    visit.page.wait_for_url("**/en/done")
    return [one for one in visit.requests if not one[2].startswith("data:")]  # the icon that is none


def strangers(visit: Visit, asked: list[tuple[str, str, str]]) -> list[str]:
    """Addresses that are none of ours."""
    return [address for _, _, address in asked if not address.startswith(f"{visit.url}/")]


def test_a_whole_visit_sets_no_cookie_and_asks_nobody_else(visit: Visit):
    """Five things asked of us, the stylesheet among them: no cookie, no script, no font, no third party."""
    asked = whole_visit(visit)

    assert strangers(visit, asked) == []
    assert {kind for _, kind, _ in asked} == {"document", "stylesheet"}
    documents = [address for _, kind, address in asked if kind == "document"]
    styles = {address for _, kind, address in asked if kind == "stylesheet"}  # kept after the first page
    assert len(documents) + len(styles) == REQUESTS
    assert visit.page.context.cookies() == []


def test_twin_a_cookie_and_a_stranger_are_seen(visit: Visit):
    """The same visit, with a counter of visitors on the first page."""

    def counted(route: Route) -> None:
        answer = route.fetch()
        page = answer.text().replace("<main", '<img src="http://counter.invalid/1.png" alt=""><main')
        kept = {name: value for name, value in answer.headers.items() if name != "content-security-policy"}
        route.fulfill(response=answer, body=page, headers={**kept, "Set-Cookie": "visitor=1"})

    visit.page.route("**/en/", counted)

    asked = whole_visit(visit)

    assert strangers(visit, asked) == ["http://counter.invalid/1.png"]
    assert "image" in {kind for _, kind, _ in asked}
    assert [one["name"] for one in visit.page.context.cookies()] == ["visitor"]
