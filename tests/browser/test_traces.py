"""What a reporter's browser keeps on its disk: nothing that was typed, at any moment of a visit.

The profile of a real, normal (not private) window is searched after the browser was closed in the middle of things.
"""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, Route

from tests.browser.conftest import Visit, launch_arguments, visit_of
from tests.intake.conftest import Server

pytestmark = [pytest.mark.browser, pytest.mark.loopback]

CANARIES = ("Kanarienvogel7391", "Zaunkoenig2846")
MOMENTS = ("typed", "refused", "sent", "sent and typed again")


def files_holding(root: Path, words: tuple[str, ...]) -> set[str]:
    """Names of files below a directory that hold one of the words, in the two encodings a browser writes."""
    wanted = [word.encode(encoding) for word in words for encoding in ("utf-8", "utf-16-le")]
    return {
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_file() and any(one in path.read_bytes() for one in wanted)
    }


def type_canaries(visit: Visit) -> None:
    """Fill a long and a short field."""
    visit.go("/en/form")
    visit.page.fill("#q-contact", CANARIES[0])
    visit.page.fill("#q-when_text", CANARIES[1])


def leave_at(moment: str, visit: Visit) -> None:
    """Go as far as a moment of a visit."""
    type_canaries(visit)
    if moment != "typed":
        assert visit.send().status == 422
    if moment.startswith("sent"):
        visit.page.fill("#q-narrative", CANARIES[0])
        assert visit.send().status == 303
        visit.page.wait_for_url("**/en/done")
    if moment.endswith("again"):
        type_canaries(visit)


def profile_after(
    moment: str, playwright: Playwright, chromium: Path, served: Server, profile: Path, sin: str = ""
) -> set[str]:
    """Visit with a fresh profile, close the browser, and name the files of the profile that hold a canary."""
    context = playwright.chromium.launch_persistent_context(
        profile, executable_path=chromium, args=launch_arguments(), java_script_enabled=False
    )
    if sin:
        context.route("**/en/form", lambda route: _sinful(route, sin))
    leave_at(moment, visit_of(context, served.url))
    context.close()
    assert files_holding(profile, ("/en/form",)), "the profile was not written at all"
    return files_holding(profile, CANARIES)


def _sinful(route: Route, sin: str) -> None:
    """Take what matches `sin` out of the page on its way to the browser."""
    answer = route.fetch(max_redirects=0)
    route.fulfill(response=answer, body=re.sub(sin, "", answer.text()))


@pytest.mark.parametrize("moment", MOMENTS)
def test_no_typed_word_lies_in_the_profile(moment, playwright, chromium, served, tmp_path):
    """Somebody who searches the phone finds that a page was visited, and not one word."""
    assert profile_after(moment, playwright, chromium, served, tmp_path / "profile") == set()


@pytest.mark.parametrize("sin", [' autocomplete="off"', '<input type="password"[^>]*>'])
def test_twin_a_form_without_one_of_the_measures_is_found_out(sin, playwright, chromium, served, tmp_path):
    """Each measure is needed: without it the search finds the words."""
    assert profile_after("refused", playwright, chromium, served, tmp_path / "profile", sin) != set()
