"""What a reporter does in a browser without scripts: type, tick, send, err, and send again."""

import pytest
from playwright.sync_api import Page, Response, Route

from tests.browser.conftest import Visit, stored_reports
from tests.browser.states import button, go_to_step, press
from tests.intake.conftest import Server

pytestmark = [pytest.mark.browser, pytest.mark.loopback]

STEPS_OF_TAB = 400  # more than there are things to reach in a step
ONE_LINE = "input[type=text]:not([name=website])"
STORY = "They shouted at us.\nThen they left. \N{BIRD}"
SIZES = {
    "a phone": {"width": 412, "height": 915},
    "the narrowest screen": {"width": 320, "height": 568},
    "1280 x 1024 at 400 %": {"width": 320, "height": 256},
}


def tab_to(page: Page, wanted: str) -> None:
    """Press Tab until something is reached, as a person without a mouse does."""
    reached = page.locator(f"{wanted}:focus")
    for _ in range(STEPS_OF_TAB):
        page.keyboard.press("Tab")
        if reached.count():
            return
    raise AssertionError(f"Tab never reaches {wanted}")


def answer_to(visit: Visit, deed: str) -> Response:
    """Press a button of the step that is shown, and return the answer to the post."""
    with visit.page.expect_response(lambda answer: answer.request.method == "POST") as answered:
        press(visit.page, deed)
    visit.page.wait_for_load_state()
    return answered.value


@pytest.mark.parametrize("size", SIZES)
def test_a_report_typed_by_keyboard_alone_is_kept_and_opens_offline(visit: Visit, served: Server, size: str):
    """From the start page through five steps to the thank-you page with Tab, Space, arrows, letters and Enter."""
    keyboard, page = visit.page.keyboard, visit.page
    page.set_viewport_size(SIZES[size])
    visit.go("/en/")
    story = f"{STORY} On {size}."

    tab_to(page, "main .start")
    keyboard.press("Enter")
    page.wait_for_url("**/en/form")
    tab_to(page, "#q-narrative")
    keyboard.type(story)
    tab_to(page, "[name=incident_types][value=words]")
    keyboard.press("Space")
    onward(page, 2)
    tab_to(page, "[name=when]")
    keyboard.press("Space")
    keyboard.press("ArrowDown")
    onward(page, 3)
    tab_to(page, "summary")
    keyboard.press("Enter")
    tab_to(page, "[name=bias_group]")
    onward(page, 4)
    onward(page, 5)
    tab_to(page, button("send"))
    keyboard.press("Enter")
    page.wait_for_url("**/en/done")

    (report,) = [one.report for one in stored_reports(served) if one.report.narrative == story]
    assert report.incident_types == ("words",)
    assert report.when == "d7"


def onward(page: Page, step: int) -> None:
    """Press Continue with the keyboard; the next step is shown and has the focus, so that it is read out."""
    tab_to(page, f'a[href="#s{step}"]')
    page.keyboard.press("Enter")
    page.wait_for_selector(f"#s{step}:focus")


def press_enter_everywhere(visit: Visit) -> list[str]:
    """Type into every one-line field of the form and press Enter there; return what was posted."""
    visit.go("/en/form")
    pressed = 0
    for step in range(1, 6):
        go_to_step(visit.page, step)
        fields = visit.page.locator(f"#s{step} {ONE_LINE}")
        for number in range(fields.count()):
            fields.nth(number).fill("May")
            fields.nth(number).press("Enter")
            visit.page.wait_for_load_state()
            pressed += 1
            if visit.posts:
                return visit.posts
    assert pressed >= 2
    return visit.posts


def test_enter_in_a_one_line_field_sends_nothing(visit: Visit):
    """Somebody who ends a line with Enter has not decided to send."""
    assert press_enter_everywhere(visit) == []
    assert visit.page.locator(ONE_LINE).first.input_value() == "May"


def press_enter_on_a_tick(visit: Visit, name: str) -> str:
    """Type, press Enter on a tick or a choice, and return the heading of what is shown then."""
    visit.go("/en/form")
    visit.page.fill("#q-narrative", "half a sent")
    go_to_step(visit.page, 1 if name == "incident_types" else 4)
    visit.page.locator(f"[name={name}]").first.focus()
    with visit.page.expect_navigation():
        visit.page.keyboard.press("Enter")
    return visit.page.inner_text("h1")


@pytest.mark.parametrize("name", ["incident_types", "role"])
def test_enter_on_a_tick_sends_nothing_and_keeps_the_language(visit: Visit, served: Server, name: str):
    """Chromium presses the first button that is not disabled: it must be one that only shows the form again."""
    before = len(stored_reports(served))

    assert press_enter_on_a_tick(visit, name) == "Tell us what happened"

    assert "/en/form" in visit.page.url
    assert visit.page.input_value("#q-narrative") == "half a sent"
    assert len(stored_reports(served)) == before


def test_twin_without_the_second_button_enter_on_a_tick_goes_astray(visit: Visit):
    """The same where the first button that is not disabled is a language."""

    def without_second_button(route: Route) -> None:
        answer = route.fetch()
        button = '<button form="report" name="do" value="show" hidden>Continue</button>'
        assert button in answer.text()
        route.fulfill(response=answer, body=answer.text().replace(button, ""))

    visit.page.route("**/en/form", without_second_button)

    assert press_enter_on_a_tick(visit, "incident_types") != "Tell us what happened"


def test_twin_without_the_first_button_enter_is_seen_to_send(visit: Visit):
    """The detector on a form whose first button is a real one."""

    def without_first_button(route: Route) -> None:
        answer = route.fetch()
        spoiled = answer.text().replace('<button form="report" disabled hidden>Continue</button>', "")
        assert spoiled != answer.text()
        route.fulfill(response=answer, body=spoiled)

    visit.page.route("**/en/form", without_first_button)

    assert press_enter_everywhere(visit) != []


@pytest.mark.parametrize("path", ["/en/", "/en/form", "/en/done", "/en/help", "/en/nowhere"])
def test_no_page_holds_a_script_or_a_frame(visit: Visit, path: str):
    """What is not there cannot run."""
    visit.go(path)

    assert visit.page.locator("script, iframe, object, embed, [onclick], [onload]").count() == 0


def test_nothing_told_is_said_kindly_and_the_words_stay_in_their_fields(visit: Visit):
    """A date alone is no report yet; what was typed and ticked is still there to go on with."""
    visit.go("/en/form")
    go_to_step(visit.page, 2)
    visit.page.fill("#q-when_text", "In May, I think")
    visit.page.check("[name=area][value=elk_grove]")

    answer = answer_to(visit, "send")

    assert answer.status == 422
    assert visit.page.title().startswith("Error:")
    assert "One of the two is enough" in visit.page.inner_text(".problem")
    assert visit.page.input_value("#q-when_text") == "In May, I think"
    assert visit.page.is_checked("[name=area][value=elk_grove]")

    visit.page.click(".problem a >> nth=0")
    visit.page.keyboard.type("They shouted.")
    assert answer_to(visit, "send").status == 303


def test_too_long_a_text_is_said_beside_it_and_no_word_is_cut(visit: Visit):
    """The person cuts, never the page; the fold in question stands open, and the link leads to the field."""
    words = "palabras " * 20
    visit.go("/en/form")
    visit.page.fill("#q-narrative", "They shouted.")
    go_to_step(visit.page, 5)
    visit.page.fill("#q-own_words", words)

    answer = answer_to(visit, "send")

    assert answer.status == 422
    assert "too long" in visit.page.inner_text("#e-own_words")
    assert visit.page.locator("#q-own_words").is_visible()
    assert visit.page.input_value("#q-own_words") == words
    assert visit.page.input_value("#q-narrative") == "They shouted."

    visit.page.click(".problem a")
    assert visit.page.locator("#q-own_words:focus").count() == 1


def test_a_form_that_another_site_sends_comes_back_and_is_sent_again_from_ours(visit: Visit, served: Server):
    """The browser itself says where a post comes from; the words are not lost and nothing is stored yet."""
    visit.page.set_content(
        f'<form method="post" action="{visit.url}/en/form"><textarea name="narrative">Not from here.</textarea>'
        "<button>Go</button></form>"
    )
    with visit.page.expect_navigation() as gone:
        visit.page.click("button")

    assert gone.value.status == 403
    assert visit.page.input_value("#q-narrative") == "Not from here."
    assert "Not from here." not in [one.report.narrative for one in stored_reports(served)]

    assert answer_to(visit, "send").status == 303
    assert "Not from here." in [one.report.narrative for one in stored_reports(served)]
