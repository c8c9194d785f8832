"""How the pages are laid out, in every language: narrow screens, wide letters, both directions, thumbs and the keyboard.

Only here and in the audit do scripts run, because measuring needs them; the pages themselves have none.
"""

from collections.abc import Callable
from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from review_tool.statistics import release
from tests.browser import geometry
from tests.browser.conftest import PHONE
from tests.browser.geometry import NARROWEST, WIDE_LETTERS, ZOOMED
from tests.browser.pictures import photograph
from tests.browser.states import STATES, Site, looking, show
from tests.review_tool.statistics.records import CLOSED, record

pytestmark = [pytest.mark.browser, pytest.mark.loopback]

# Together they hold every piece of every page; the form in one piece and the one given back show all steps.
MEASURED: Final = (
    "choose",
    "start_unfolded",
    "form",
    "in_one_piece",
    "too_long",
    "check_with_hints",
    "done",
    "help",
    "missing",
    "gallery",
)
LONGEST: Final = 2.2  # times its English length may a button have, or it does not fit beside others
SHORT: Final = 12  # characters; below, a ratio says nothing: "Send" has four


@pytest.mark.parametrize("name", MEASURED)
def test_every_language_is_laid_out_well_on_small_screens(browser: Browser, site: Site, name: str):
    """On phones, and on a large screen at 400 %; also when somebody sets letters wide (WCAG 2.2 1.4.10, 1.4.12)."""
    found: dict[str, list[str]] = {}
    with looking(browser, site, **NARROWEST) as page:
        show(page, name)
        english = geometry.buttons(page)
        for code in site.languages[:1] if STATES[name].is_common else site.languages:
            show(page, name, code)
            photograph(page, f"{name}-{code}-narrow")
            found[f"{name} in {code}"] = [
                *geometry.faults(page),
                *geometry.broken_words(page),
                *long_buttons(english, geometry.buttons(page)),
            ]
            page.set_viewport_size(PHONE)
            found[f"{name} in {code}, on a phone"] = geometry.faults(page)
            page.set_viewport_size(NARROWEST)
            page.add_style_tag(content=WIDE_LETTERS)
            found[f"{name} in {code}, wide letters"] = geometry.faults(page)
            page.set_viewport_size(ZOOMED)
            found[f"{name} in {code}, wide letters, zoomed"] = geometry.faults(page)
            page.set_viewport_size(NARROWEST)

    assert {where: faults for where, faults in found.items() if faults} == {}


def long_buttons(english: list[str], said: list[str]) -> list[str]:
    """Buttons that push their neighbours off the screen; translators are told the same limit."""
    pairs = zip(english, said, strict=True)
    return [f"long: {one}" for plain, one in pairs if len(one) > max(SHORT, LONGEST * len(plain))]


def test_twin_a_long_button_is_seen():
    """Where a translator wrote a sentence."""
    assert long_buttons(["Send now", "Back"], ["Надіслати зараз", "Повернутися"]) == []
    assert long_buttons(["Send now", "Back"], ["Надіслати просто зараз", "Повернутися"]) != []


@pytest.mark.parametrize("size", [NARROWEST, ZOOMED], ids=["narrow", "zoomed"])
def test_the_bar_hides_nothing_that_the_keyboard_reaches(browser: Browser, site: Site, size: dict[str, int]):
    """Going up with Shift and Tab, too; on a low screen the bar does not stay at the top (WCAG 2.2 2.4.11)."""
    found: dict[str, list[str]] = {}
    with looking(browser, site, **size) as page:
        for code in site.languages:
            for name in ("step_5", "start_unfolded"):
                show(page, name, code)
                found[f"{name} in {code}"] = geometry.covered_by_the_bar(page)

        assert is_sticky(page) == (size == NARROWEST)
    assert {where: faults for where, faults in found.items() if faults} == {}


def is_sticky(page: Page) -> bool:
    """Whether the bar stays at the top."""
    position: str = page.evaluate("getComputedStyle(document.querySelector('.bar')).position")
    return position == "sticky"


# A fault, where it is put, and what must be said of it. Each is seen in both directions.
PLANTED: Final[dict[str, tuple[str, str]]] = {
    "a mirrored box": (".choice { flex-direction: row-reverse !important }", "tick at the end"),
    "a box above its words": (
        ".choice { align-items: flex-start !important; line-height: 3 }",
        "tick not beside",
    ),
    "words at the other side": (".choice { justify-content: space-between }", "words away"),
    "a mirrored bar": (".bar { flex-direction: row-reverse !important }", "leave not at the end"),
    "a wide heading": ("h1 { inline-size: 25rem }", "sideways"),
    "a heading outside": ("h1 { position: relative; inset-inline-start: -2rem }", "outside"),
    "a cut button": (".button { inline-size: 3rem; white-space: nowrap; overflow: hidden }", "cut"),
    "a small box": (
        ".choice { min-block-size: 0 !important; padding: 0 !important; line-height: 1 }",
        "small",
    ),
}


@pytest.mark.parametrize("code", ["en", "ar"])
@pytest.mark.parametrize("planted", PLANTED)
def test_twin_a_fault_of_layout_is_seen(browser: Browser, site: Site, planted: str, code: str):
    """Each measure, on a page with the fault that it is there for; the audit sees none of them."""
    style, said = PLANTED[planted]
    with looking(browser, site, **NARROWEST) as page:
        show(page, "form", code)
        assert geometry.faults(page) == []
        page.add_style_tag(content=style)

        assert [fault for fault in geometry.faults(page) if fault.startswith(said)]


@pytest.mark.parametrize(
    ("measure", "style"),
    [
        (geometry.broken_words, "h1 { inline-size: 2rem }"),
        (geometry.covered_by_the_bar, "html { scroll-padding: 0 !important } .bar { block-size: 12rem }"),
    ],
)
def test_twin_a_cut_word_and_a_hidden_control_are_seen(
    browser: Browser, site: Site, measure: Callable[[Page], list[str]], style: str
):
    """The other two measures."""
    with looking(browser, site, **NARROWEST) as page:
        show(page, "step_5")
        assert measure(page) == []
        page.add_style_tag(content=style)

        assert measure(page) != []


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
def test_axe_finds_nothing_on_a_released_page(browser: Browser, released: str, scheme: str):
    """The committee's page is read out well too, and runs nothing."""
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.set_content(released)

    found = Axe().run(page)

    assert page.locator("td.hidden").count() > 0
    assert page.locator("script, img, link").count() == 0
    assert found.violations_count == 0, found.generate_report()
    context.close()
