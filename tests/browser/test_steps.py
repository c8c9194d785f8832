"""The five steps, the list of what was written and the languages, in a browser without scripts: not a word is lost."""

from typing import Final

import pytest
from playwright.sync_api import Page, Route

from crypto.report import QUESTIONS, Kind
from crypto.unseal import unseal_contact
from intake import controls
from tests.browser.conftest import Visit, stored_reports
from tests.browser.states import go_to_step, press
from tests.center import largest_report
from tests.intake.conftest import Server
from tests.intake.test_views import posted_answers

pytestmark = [pytest.mark.browser, pytest.mark.loopback]

TYPED: Final = {  # texts that a careless page would spoil: lines, quotes, markup, two directions
    "narrative": 'First line.\n\n  <b>"Third" & last</b> line',
    "when_text": "\N{LATIN CAPITAL LETTER E WITH ACUTE}n mayo; 'maybe' \N{BIRD}",
    "own_words": "سلام, hello",
    "contact": "any time & day\nor at night",
}

TICK_ALL: Final = """(ticks) => {
    for (const one of document.querySelectorAll("input:is([type=checkbox], [type=radio])")) {
        one.checked = (ticks[one.name] ?? []).includes(one.value);
    }
}"""


def steps_shown(page: Page) -> list[int]:
    """Numbers of the steps that can be seen."""
    return [number for number in range(1, 6) if page.locator(f"#s{number}").is_visible()]


def posted_pairs(page: Page) -> list[tuple[str, str]]:
    """Every answer that the form on a page would post now, in order."""
    pairs = page.evaluate("Array.from(new FormData(document.querySelector('#report')).entries())")
    # A form posts its lines with CR LF, whatever the field holds.
    return [(name, value.replace("\r\n", "\n")) for name, value in pairs if name not in controls.OWN_FIELDS]


def answer_everything(visit: Visit, served: Server) -> list[tuple[str, str]]:
    """Type every text, tick every box and choose something everywhere; return what the form would post."""
    told = posted_answers(largest_report("x", served.center.local))
    ticks = {asked.name: told[asked.name] for asked in QUESTIONS if asked.kind is not Kind.TEXT}
    ticks |= {asked.name: ["yes"] for asked in QUESTIONS if asked.kind is Kind.TICK}
    page = visit.page
    visit.go("/en/form")
    page.evaluate(TICK_ALL, ticks)  # one by one, 230 clicks would take a quarter of a minute
    for step in range(1, 6):
        go_to_step(page, step)
        for asked in QUESTIONS:
            if asked.step == step and asked.kind is Kind.TEXT:
                page.fill(f"#q-{asked.name}", TYPED[asked.name])
    pairs = posted_pairs(page)
    assert {name for name, _ in pairs} == {asked.name for asked in QUESTIONS}
    assert {name: value for name, value in pairs if name in TYPED} == TYPED
    return pairs


def test_one_step_is_seen_at_a_time_and_going_back_keeps_the_words(visit: Visit):
    """Back on the page and Back of the browser are both ways to look again, and neither asks the server anything."""
    page = visit.page
    visit.go("/en/form")
    asked = len(visit.requests)
    page.fill("#q-narrative", "They shouted.")
    page.check("[name=incident_types][value=words]")
    seen = [steps_shown(page)]
    for step in range(2, 6):
        page.click(f'a[href="#s{step}"]:visible')
        seen.append(steps_shown(page))
        assert page.locator(f"#s{step}:focus").count() == 1
    page.click('a[href="#s4"]:visible')
    seen.append(steps_shown(page))
    page.go_back()
    seen.append(steps_shown(page))
    go_back_to_the_first(page)
    seen.append(steps_shown(page))

    assert seen == [[1], [2], [3], [4], [5], [4], [5], [1]]
    assert page.input_value("#q-narrative") == "They shouted."
    assert page.is_checked("[name=incident_types][value=words]")
    assert len(visit.requests) == asked


def go_back_to_the_first(page: Page) -> None:
    """Press the browser's Back until the first step is there."""
    for _ in range(4):
        page.go_back()


def test_steps_of_a_page_that_answers_a_post_ask_the_server_nothing(visit: Visit):
    """A second post, or a "send again?" of the browser, would frighten."""
    page = visit.page
    visit.go("/en/form")
    page.fill("#q-narrative", "They shouted.")
    press_check(page)
    press(page, "show")
    page.wait_for_selector("#q-narrative")
    asked = len(visit.requests)

    go_to_step(page, 5)
    page.go_back()
    seen = steps_shown(page)
    page.go_back()

    assert seen == [4]
    assert page.input_value("#q-narrative") == "They shouted."
    assert len(visit.requests) == asked


def test_in_print_the_whole_form_is_there(visit: Visit):
    """A sheet of paper has no steps."""
    visit.go("/en/form")
    visit.page.emulate_media(media="print")

    assert steps_shown(visit.page) == [1, 2, 3, 4, 5]
    assert not visit.page.locator(".bar").is_visible()
    ticks = visit.page.locator(".choice").all()
    assert len(ticks) > 200
    assert all(tick.is_visible() for tick in ticks)  # those in closed folds, too


def test_without_the_stylesheet_the_whole_form_is_there_and_sends(visit: Visit, served: Server):
    """Where style is blocked, or the line broke before it came."""
    visit.page.route("**/static/**", lambda route: route.abort())
    visit.go("/en/form")

    assert steps_shown(visit.page) == [1, 2, 3, 4, 5]
    for fold in visit.page.locator("summary").all():
        fold.click()
    visit.page.fill("#q-when_text", "Without style.")
    visit.page.check("[name=incident_types][value=words]")
    assert visit.send().status == 303
    assert "Without style." in [one.report.when_text for one in stored_reports(served)]


def test_a_browser_that_does_not_know_has_shows_every_step(visit: Visit):
    """An unknown selector would drop the rule that shows the first step, and leave the rule that hides the others."""

    def old_browser(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace(":has(", ":not-yet-known("))

    visit.page.route("**/static/**", old_browser)
    visit.go("/en/form")

    assert steps_shown(visit.page) == [1, 2, 3, 4, 5]
    go_to_step(visit.page, 3)
    assert steps_shown(visit.page) == [1, 2, 3, 4, 5]


def test_who_checks_the_words_can_change_them_and_send(visit: Visit, served: Server):
    """The list saves nothing; what is sent in the end is what was typed last."""
    page = visit.page
    visit.go("/en/form")
    page.fill("#q-narrative", "They shouted, and one of them called from 555-010-0199.")
    before = len(stored_reports(served))
    press_check(page)

    assert "Nothing has been saved yet." in page.inner_text("main")
    assert page.locator(".note bdi").all_inner_texts() == ["555-010-0199"]
    assert len(stored_reports(served)) == before

    press(page, "show")
    page.fill("#q-narrative", "They shouted, and one of them called.")
    press_check(page)
    assert page.locator("main .note").count() == 0
    assert page.locator(".told dd").all_inner_texts() == ["They shouted, and one of them called."]
    assert visit.send().status == 303
    told = [one.report.narrative for one in stored_reports(served)]
    assert len(told) == before + 1
    assert "They shouted, and one of them called." in told


def press_check(page: Page) -> None:
    """Go to the last step and ask for the list."""
    go_to_step(page, 5)
    press(page, "check")
    page.wait_for_selector(".told")


def test_a_change_of_language_carries_every_answer_of_the_form_along(visit: Visit, served: Server):
    """Whoever finds their language late has typed already."""
    told = answer_everything(visit, served)

    for code in ("ar", "es", "en"):
        visit.page.click(f"nav button[lang={code}]")
        visit.page.wait_for_selector(f"html[lang={code}]")
        assert posted_pairs(visit.page) == told


def test_a_change_of_language_carries_every_answer_of_the_list_along_and_it_is_sent(
    visit: Visit, served: Server
):
    """From the list in one language to the list in another, back to the form, and to the sealed report."""
    told = answer_everything(visit, served)
    press_check(visit.page)
    assert sorted(posted_pairs(visit.page)) == sorted(told)

    visit.page.click("nav button[lang=ar]")
    visit.page.wait_for_selector("html[lang=ar] .told")
    assert sorted(posted_pairs(visit.page)) == sorted(told)

    press(visit.page, "show")
    visit.page.wait_for_selector("#q-narrative")
    assert posted_pairs(visit.page) == told
    assert visit.send().status == 303
    (sent,) = [one for one in stored_reports(served) if one.report.narrative == TYPED["narrative"]]
    assert sent.report.incident_types == tuple(value for name, value in told if name == "incident_types")
    assert unseal_contact(sent, served.center.identities) == TYPED["contact"]


def test_twin_an_answer_that_is_lost_on_the_way_is_seen(visit: Visit, served: Server):
    """The comparison, with one tick taken off in the other language."""
    told = answer_everything(visit, served)
    visit.page.click("nav button[lang=ar]")
    visit.page.wait_for_selector("html[lang=ar]")

    visit.page.uncheck("[name=incident_types][value=words]")

    assert posted_pairs(visit.page) != told
