"""What a reporter does in a browser without scripts: type, tick, send, err, and send again."""

import pytest
from playwright.sync_api import Page, Route

from tests.browser.conftest import SEND, Visit, stored_reports
from tests.intake.conftest import Server

pytestmark = [pytest.mark.browser, pytest.mark.loopback]

STEPS_OF_TAB = 400  # more than there are things to reach on the form
ONE_LINE = "input[type=text]:not([name=website])"


def tab_to(page: Page, wanted: str) -> None:
    """Press Tab until something is reached, as a person without a mouse does."""
    reached = page.locator(f"{wanted}:focus")
    for _ in range(STEPS_OF_TAB):
        page.keyboard.press("Tab")
        if reached.count():
            return
    raise AssertionError(f"Tab never reaches {wanted}")


def test_a_report_typed_by_keyboard_alone_is_kept_and_opens_offline(visit: Visit, served: Server):
    """From the start page to the thank-you page with Tab, Space, arrows, letters and Enter."""
    keyboard, page = visit.page.keyboard, visit.page
    visit.go("/en/")

    tab_to(page, "a.button")
    keyboard.press("Enter")
    page.wait_for_url("**/en/form")
    tab_to(page, "#q-narrative")
    keyboard.type("They shouted at us.\nThen they left. \N{BIRD}")
    tab_to(page, "[name=incident_types][value=words]")
    keyboard.press("Space")
    tab_to(page, "[name=when]")
    keyboard.press("Space")
    keyboard.press("ArrowDown")
    tab_to(page, "summary")
    keyboard.press("Enter")
    tab_to(page, "[name=bias_group]")
    tab_to(page, SEND)
    keyboard.press("Enter")
    page.wait_for_url("**/en/done")

    (report,) = [one.report for one in stored_reports(served) if "They shouted" in one.report.narrative]
    assert report.narrative == "They shouted at us.\nThen they left. \N{BIRD}"
    assert report.incident_types == ("words",)
    assert report.when == "d7"


def press_enter_everywhere(visit: Visit) -> list[str]:
    """Type into every one-line field of the form and press Enter there; return what was posted."""
    visit.go("/en/form")
    for fold in visit.page.locator("summary").all():
        fold.click()
    fields = visit.page.locator(ONE_LINE)
    assert fields.count() >= 2
    for number in range(fields.count()):
        fields.nth(number).fill("May")
        fields.nth(number).press("Enter")
        visit.page.wait_for_load_state()
        if visit.posts:
            break
    return visit.posts


def test_enter_in_a_one_line_field_sends_nothing(visit: Visit):
    """Somebody who ends a line with Enter has not decided to send."""
    assert press_enter_everywhere(visit) == []
    assert visit.page.locator(ONE_LINE).first.input_value() == "May"


def test_twin_without_the_first_button_enter_is_seen_to_send(visit: Visit):
    """The detector on a form whose first button is Send."""

    def without_first_button(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(
            response=answer, body=answer.text().replace("<button disabled hidden>Continue</button>", "")
        )

    visit.page.route("**/en/form", without_first_button)

    assert press_enter_everywhere(visit) != []


def test_a_whole_visit_sets_no_cookie_and_asks_nobody_else(visit: Visit):
    """Five things asked of us, the stylesheet among them: no cookie, no script, no font, no third party."""
    visit.go("/en/")
    visit.page.click("a.button")
    visit.page.fill("#q-narrative", "Nothing to see.")
    visit.send()
    visit.page.wait_for_url("**/en/done")

    asked = {one for one in visit.requests if not one[2].startswith("data:")}  # the icon that is none
    assert [address for _, _, address in asked if not address.startswith(visit.url + "/")] == []
    assert {kind for _, kind, _ in asked} == {"document", "stylesheet"}
    assert len(asked) == 5
    assert visit.page.context.cookies() == []


@pytest.mark.parametrize("path", ["/en/", "/en/form", "/en/done", "/en/help", "/en/nowhere"])
def test_no_page_holds_a_script_or_a_frame(visit: Visit, path: str):
    """What is not there cannot run."""
    visit.go(path)

    assert visit.page.locator("script, iframe, object, embed, [onclick], [onload]").count() == 0


def test_nothing_told_is_said_kindly_and_the_words_stay_in_their_fields(visit: Visit):
    """A date alone is no report yet; what was typed and ticked is still there to go on with."""
    visit.go("/en/form")
    visit.page.fill("#q-when_text", "In May, I think")
    visit.page.check("[name=area][value=elk_grove]")

    answer = visit.send()

    assert answer.status == 422
    assert visit.page.title().startswith("Error:")
    assert "One of the two is enough" in visit.page.inner_text(".problem")
    assert visit.page.input_value("#q-when_text") == "In May, I think"
    assert visit.page.is_checked("[name=area][value=elk_grove]")

    visit.page.click(".problem a >> nth=0")
    visit.page.keyboard.type("They shouted.")
    assert visit.send().status == 303


def test_too_long_a_text_is_said_beside_it_and_no_word_is_cut(visit: Visit):
    """The person cuts, never the page; the fold in question stands open."""
    words = "palabras " * 20
    visit.go("/en/form")
    visit.page.fill("#q-narrative", "They shouted.")
    visit.page.locator("details", has=visit.page.locator("#q-own_words")).locator("summary").click()
    visit.page.fill("#q-own_words", words)

    answer = visit.send()

    assert answer.status == 422
    assert "too long" in visit.page.inner_text("#e-own_words")
    assert visit.page.locator("#q-own_words").is_visible()
    assert visit.page.input_value("#q-own_words") == words
    assert visit.page.input_value("#q-narrative") == "They shouted."


def test_back_after_sending_shows_an_empty_form(visit: Visit):
    """Whoever takes the phone next reads nothing."""
    visit.go("/en/form")
    visit.page.fill("#q-narrative", "They shouted.")
    visit.send()
    visit.page.wait_for_url("**/en/done")

    visit.page.go_back()

    assert visit.page.input_value("#q-narrative") == ""
