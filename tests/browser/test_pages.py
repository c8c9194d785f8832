"""How the pages look and how they are read out: narrow screens, wide letters, light and dark, and the axe audit.

Only here do scripts run, because measuring needs them; the pages themselves have none. Each page is photographed
into `artifacts/` for a person to look at.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from review_tool.statistics import release
from tests.browser.conftest import ARTIFACTS, SEND
from tests.intake.conftest import Server
from tests.review_tool.statistics.records import CLOSED, record

pytestmark = [pytest.mark.browser, pytest.mark.loopback]

PAGES: Final = ("start", "form", "error", "done", "help", "missing")
PATHS: Final = {"start": "/en/", "done": "/en/done", "help": "/en/help", "missing": "/en/nowhere"}
NARROWEST: Final = 320  # CSS pixels; WCAG 2.2 1.4.10, also what 1280 become at 400 % zoom
# WCAG 2.2 1.4.12: nothing may be lost when a reader sets these.
WIDE_LETTERS: Final = (
    "* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }"
)


@contextmanager
def shown(
    browser: Browser, served: Server, name: str, *, scheme: str = "light", width: int = 412
) -> Iterator[Page]:
    """Open a page with every fold open."""
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        bypass_csp=True,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(served.url + PATHS.get(name, "/en/form"))
    if name == "error":
        page.fill("#q-own_words", "palabras " * 20, force=True)
        page.click(SEND)
        page.wait_for_selector(".problem")
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    yield page
    context.close()


def photograph(page: Page, name: str) -> None:
    """Keep a picture of the whole page, for a person."""
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(browser, served, name, scheme):
    """No known barrier, in either color scheme, with all folds open."""
    with shown(browser, served, name, scheme=scheme) as page:
        photograph(page, f"{name}-{scheme}")

        found = Axe().run(page)

    assert found.violations_count == 0, found.generate_report()


def test_twin_axe_sees_a_field_without_a_label(browser, served):
    """The audit on a form in which one label is taken away."""
    with shown(browser, served, "form") as page:
        page.evaluate("document.querySelector('label[for=q-narrative]').remove()")

        found = Axe().run(page)

    assert found.violations_count > 0


@pytest.fixture(scope="module")
def released() -> str:
    """The page of a release in which something is hidden."""
    places = ["13"] * 20 + ["20"] * 12 + ["03"] * 6 + ["50"] * 3
    records = [record(number, place=place) for number, place in enumerate(places, start=1)]
    prepared = release.prepare(
        records,
        period="2026Q3",
        closes=CLOSED,
        center_name="A <Center>",
        past=None,
        levels={},
        seed=b"pages".ljust(32),
        sign=lambda data: b"signature",
    )
    return prepared.files["report.html"].decode()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_a_released_page(browser, released, scheme):
    """The committee's page is read out well too, and runs nothing."""
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.set_content(released)

    found = Axe().run(page)

    assert page.locator("td.hidden").count() > 0
    assert page.locator("script, img, link").count() == 0
    assert found.violations_count == 0, found.generate_report()
    context.close()


def sideways(page: Page) -> int:
    """By how many pixels a page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.mark.parametrize("name", PAGES)
def test_no_page_scrolls_sideways_on_the_narrowest_screen(browser, served, name):
    """A small phone, or a large one at 400 %, also with letters set wide."""
    with shown(browser, served, name, width=NARROWEST) as page:
        photograph(page, f"{name}-narrow")
        plain = sideways(page)
        page.add_style_tag(content=WIDE_LETTERS)
        wide = sideways(page)

    assert (plain, wide) == (0, 0)


def test_twin_a_wide_thing_is_seen(browser, served):
    """The measure on a page that holds something wider than the screen."""
    with shown(browser, served, "start", width=NARROWEST) as page:
        page.add_style_tag(content="h1 { inline-size: 25rem }")

        assert sideways(page) > 0


def test_everything_that_is_pressed_is_large_enough_for_a_thumb(browser, served):
    """24 pixels at least (WCAG 2.2 2.5.8): ticks with their labels, buttons, folds."""
    with shown(browser, served, "form", width=NARROWEST) as page:
        small = page.evaluate(
            """Array.from(document.querySelectorAll("main label, main a, main summary, main button[type=submit]"))
               .filter(one => one.checkVisibility() && one.closest('.decoy') === null)
               .filter(one => Math.min(one.offsetWidth, one.offsetHeight) < 24).map(one => one.outerHTML)"""
        )

    assert small == []


def test_in_print_and_without_the_stylesheet_the_whole_form_is_there(browser, served):
    """The form does not depend on how it is drawn."""
    with shown(browser, served, "form") as page:
        page.emulate_media(media="print")
        printed = page.locator("main input:visible").count()
        page.emulate_media(media="screen")
        page.evaluate("document.querySelector('link[rel=stylesheet]').remove()")
        bare = page.locator("main input:visible").count()

    assert printed > 250
    assert bare >= printed
