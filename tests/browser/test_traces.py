"""What a reporter's browser keeps on its disk: nothing that was typed, ticked or chosen, at any moment of a visit.

Both browsers run in normal windows, not private ones, and with scripts off. Searched is all that they wrote, while
they run, after they were closed, and after they were killed.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from pytest_socket import disable_socket, enable_socket

from tests.browser.conftest import site_section
from tests.browser.story import (
    CHECK,
    CHOSEN,
    CONTACT,
    MOMENTS,
    NARRATIVE,
    SEND,
    SETTINGS,
    TYPED,
    WHEN,
    Window,
    fill_in,
    send_a_file,
    up_to,
    visit,
)
from tests.browser.traces import Search
from tests.center import Center
from tests.intake.conftest import Server, center_with_files, initialised, start_server
from tests.server_copy import ROOT, server_copy, sinful

pytestmark = [pytest.mark.browser, pytest.mark.loopback]

BROWSERS: Final = ("chromium", "firefox")
SECRET: Final = (*TYPED, *CHOSEN)
KILLED_AT: Final = ("in the middle", "nothing told")  # the rest in `make hardening`
FILE: Final = ("Pirol3391", "Eisvogel4417", "Goldammer6052", "Wiedehopf8853")  # folder, names, content
VISITED: Final = "/en/form"  # what history always tells; a device without it was not searched at all

# The four measures of docs/decisions.md 5, each taken away: (file, line, instead).
SHOWN_TO_CACHES: Final = (
    "intake/anonymity.py",
    'NO_STORE: Final = "no-store"',
    'NO_STORE: Final = "private"',
)
FIELDS: Final = "intake/templates/ui/fields.html"
FORM_REMEMBERED: Final = (FIELDS, ' accept-charset="utf-8" autocomplete="off"', ' accept-charset="utf-8"')
FIELDS_REMEMBERED: Final = tuple(
    (FIELDS, line, line.replace(' autocomplete="off"', ""))
    for line in (
        """else 4 }}" dir="auto" autocomplete="off\"""",
        """value="{{ field.data or '' }}" dir="auto" autocomplete="off\"""",
        '<input autocomplete="off" type="{{ kind }}"',
    )
)
NO_PASSWORD: Final = (FIELDS, '<input type="password" name="p" value="x" hidden autocomplete="off">', "")
UNPADDED: Final = (
    FIELDS,
    '<input type="hidden" name="pad" value="{{ controls.PADDING_WITH_FILES if with_files else controls.PADDING }}" autocomplete="off">',
    "",
)
EMPTY_PASSWORD: Final = (FIELDS, 'name="p" value="x" hidden', 'name="p" value="" hidden')
ANSWERED_200: Final = (
    "intake/views.py",
    '\n    return _redirect(f"/{code}/done", 303)',
    "\n    return _page(pages.done(parts.day_here))",
)


@contextmanager
def running(root: Path, *sins: tuple[str, str, str], center: Center | None = None) -> Iterator[Server]:
    """Run a form, honest or with sins planted in a copy of its source."""
    root.mkdir()
    tree = server_copy(root.with_name("tree")) if sins else ROOT
    for sin in sins:
        sinful(tree, *sin)
    server = start_server(*initialised(root, center, site=site_section(), lines=SETTINGS), tree=tree)
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="module")
def form(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The honest form."""
    enable_socket()
    with running(tmp_path_factory.mktemp("honest") / "form") as server:
        disable_socket(allow_unix_socket=True)
        yield server


@pytest.fixture(scope="module")
def form_with_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The honest form of a Center that takes files."""
    enable_socket()
    with running(tmp_path_factory.mktemp("files") / "form", center=center_with_files()) as server:
        disable_socket(allow_unix_socket=True)
        yield server


def told_by(window: Window, more: Sequence[str] = ()) -> set[str]:
    """Which of the secret words lie on a device, and whether it tells of the visit."""
    return {word for _, word in Search(window.device, (*SECRET, *more, VISITED)).look()}


def watched_visit(
    window: Window, server: Server, moments: tuple[str, ...]
) -> dict[str, set[tuple[str, str]]]:
    """Go through a whole visit, search the device at the named moments and after closing; {moment: what was found}."""
    search = Search(window.device, SECRET)
    found = {"before": search.look()}
    for moment in visit(window, server):
        if moment in moments:
            window.settle()
            found[moment] = search.look()
    window.close()
    return found | {"closed": search.look()}


@pytest.mark.parametrize("browser", BROWSERS)
def test_nothing_told_lies_on_the_device_at_any_moment_of_a_visit(browser, open_window, form):
    """Whoever takes the phone finds that a page was visited, and not one word, tick or choice."""
    window = open_window(browser)

    found = watched_visit(window, form, MOMENTS)

    assert found == {moment: set() for moment in ("before", *MOMENTS, "closed")}
    assert told_by(window) == {VISITED}


@pytest.mark.parametrize(
    "moment",
    [one if one in KILLED_AT else pytest.param(one, marks=pytest.mark.hardening) for one in MOMENTS],
)
@pytest.mark.parametrize("browser", BROWSERS)
def test_nothing_told_lies_on_the_device_when_the_browser_is_killed(browser, moment, open_window, form):
    """A crash, a flat battery, a phone torn away: nothing was kept to be restored."""
    window = open_window(browser)
    up_to(moment, window, form)

    window.kill()

    assert told_by(window) == {VISITED}


@pytest.mark.parametrize("browser", BROWSERS)
def test_no_file_that_was_chosen_is_told_by_the_device(browser, open_window, form_with_files, tmp_path):
    """Neither its name, nor its folder, nor what is in it; also when it was refused."""
    window = open_window(browser)
    file, large = (tmp_path / FILE[0] / f"{name}.txt" for name in FILE[1:3])
    file.parent.mkdir()
    file.write_text(FILE[3])
    large.write_text(FILE[3] * 100_000)
    search = Search(window.device, (*SECRET, *FILE))

    found = {}
    for moment in send_a_file(window, form_with_files, file, large):
        window.settle()
        found[moment] = search.look()
    window.close()
    found["closed"] = search.look()

    assert found == {moment: set() for moment in ("chosen", "too large", "sent", "closed")}


def test_twin_a_password_field_beside_files_is_found_out(open_window, tmp_path, socket_enabled):
    """What keeps words off the disk elsewhere makes room for the names of files here."""
    window = open_window("chromium")
    always = (FIELDS, '{% if not with_files %}<input type="password"', '{% if true %}<input type="password"')
    file = tmp_path / f"{FILE[1]}.txt"
    file.write_text(FILE[3] * 100_000)
    with running(tmp_path / "form", always, center=center_with_files()) as server:
        next(moment for moment in send_a_file(window, server, file, file) if moment == "too large")
        window.settle()

        assert FILE[1] in told_by(window, FILE)


def go_back_after_sending(window: Window, server: Server) -> None:
    """Answer, send at once, and press Back."""
    fill_in(window, server)
    window.press(SEND)
    assert window.address.endswith("/en/done")
    window.back()


def go_back_after_checking(window: Window, server: Server) -> None:
    """Answer, check, send, and press Back to where the check page was."""
    fill_in(window, server)
    window.press(CHECK)
    window.press(SEND)
    assert window.address.endswith("/en/done")
    window.back()


@pytest.mark.parametrize("browser", BROWSERS)
def test_back_after_sending_shows_no_word(browser, open_window, form):
    """Whoever takes the phone next reads nothing."""
    window = open_window(browser)

    go_back_after_sending(window, form)

    assert "/en/form" in window.address
    assert (window.words_in("#q-narrative"), window.words_in("#q-when_text")) == ("", "")


@pytest.mark.parametrize("browser", BROWSERS)
def test_nothing_told_lies_on_the_device_after_back_to_the_check_page(browser, open_window, form):
    """To look once more at what was sent is what many will try."""
    window = open_window(browser)

    go_back_after_checking(window, form)
    window.settle()

    assert told_by(window) == {VISITED}


def go_back_to_the_thanks(window: Window, server: Server) -> None:
    """Answer, send, go on to where help is, and press Back."""
    fill_in(window, server)
    window.press(SEND)
    window.go(f"{server.url}/en/help")
    window.back()


def test_without_the_padding_the_four_measures_keep_a_visit_off_the_disk(
    open_window, tmp_path, socket_enabled
):
    """What the twins below start from: the four measures are enough wherever Back leads to no answer to a post."""
    window = open_window("chromium")
    with running(tmp_path / "form", UNPADDED) as server:
        found = watched_visit(window, server, MOMENTS)

    assert found == {moment: set() for moment in ("before", *MOMENTS, "closed")}
    assert told_by(window) == {VISITED}


def test_without_the_padding_the_303_keeps_a_good_report_off_the_disk(open_window, tmp_path, socket_enabled):
    """The thank-you page is nobody's answer to a post, so that Back may lead to it."""
    window = open_window("chromium")
    with running(tmp_path / "form", UNPADDED) as server:
        go_back_to_the_thanks(window, server)
        window.settle()
        window.close()

    assert told_by(window) == {VISITED}


BY_LINK: Final = (
    "intake/templates/start.html",
    """<button class="start" name="do" value="show">{{ _('Start') }}</button>""",
    """<a class="start" href="/{{ language.code }}/form">{{ _('Start') }}</a>""",
)


def test_twin_a_form_behind_a_link_is_shown_again_by_back(open_window, tmp_path, socket_enabled):
    """What Chromium does with a page that came by GET, whatever its headers say."""
    window = open_window("chromium")
    with running(tmp_path / "form", BY_LINK) as server:
        go_back_after_sending(window, server)

        assert NARRATIVE[0] in window.words_in("#q-narrative")


def test_twin_a_post_without_padding_is_written_down_by_back(open_window, tmp_path, socket_enabled):
    """What Chromium does where Back leads to a page that was the answer to a post."""
    window = open_window("chromium")
    with running(tmp_path / "form", UNPADDED) as server:
        go_back_after_checking(window, server)
        window.settle()

        assert told_by(window) > {VISITED}


def check(window: Window, server: Server) -> None:
    """Answer, and have the page show it."""
    fill_in(window, server)
    window.press(CHECK)


def tell(window: Window, server: Server) -> None:
    """Answer, and go back one step."""
    fill_in(window, server)
    window.press("a.onstep")


# The padding alone keeps every post out of the session file of this Chromium; password field and 303 stand behind it, for
# programs that keep more than 64 KiB of a page. So their twins have no padding, as the honest form above has none.
# What is found when measures are taken away: (browser, how far, sins, some of what is found). Firefox heeds the form's
# own attribute in all fields but those of several lines; Chromium keeps what fields are called, and whether ticked.
TICKED: Final = ("incident_types", "officer_agency", "consent_quote")
POSTED: Final = (*NARRATIVE, *WHEN, *CONTACT, *TICKED, "blackmail", "sheriff")
NEEDED: Final = {
    "no-store, in Chromium": ("chromium", check, (SHOWN_TO_CACHES,), POSTED),
    "autocomplete on every field, in Firefox": ("firefox", tell, FIELDS_REMEMBERED, (*NARRATIVE, *CONTACT)),
    "303, in Chromium": ("chromium", go_back_to_the_thanks, (UNPADDED, ANSWERED_200), POSTED),
    "a password field, in Chromium": ("chromium", check, (UNPADDED, NO_PASSWORD), POSTED),
}
NEEDED_TOO: Final = {
    "no-store, in Firefox": ("firefox", check, (SHOWN_TO_CACHES,), POSTED),
    "autocomplete at all, in Firefox": (
        "firefox",
        tell,
        (FORM_REMEMBERED, *FIELDS_REMEMBERED),
        (*NARRATIVE, *WHEN, *CONTACT, *TICKED),
    ),
    "autocomplete at all, in Chromium": (
        "chromium",
        tell,
        (FORM_REMEMBERED, *FIELDS_REMEMBERED),
        (*NARRATIVE, *WHEN, *CONTACT, *TICKED),
    ),
    "a password field that is not empty, in Chromium": (
        "chromium",
        check,
        (UNPADDED, EMPTY_PASSWORD),
        POSTED,
    ),
}


@pytest.mark.parametrize(
    "measure", [*NEEDED, *(pytest.param(one, marks=pytest.mark.hardening) for one in NEEDED_TOO)]
)
def test_twin_a_form_without_one_of_the_measures_is_found_out(measure, open_window, tmp_path):
    """Each measure is needed: without it the same search at the same moment finds what was told."""
    browser, story, sins, expected = (NEEDED | NEEDED_TOO)[measure]
    with running(tmp_path / "sinful", *sins) as server:
        window = open_window(browser)
        story(window, server)
        window.settle()
        window.close()

    assert set(expected) <= told_by(window)
