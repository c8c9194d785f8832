"""A report from Firefox set up as Tor Browser's level "Safest" sets it up, by keyboard alone.

This emulates the settings, not Tor Browser: the round by hand before each release stays.
"""

from typing import Final

import pytest
from marionette_driver.keys import Keys

from tests.browser.conftest import stored_reports
from tests.browser.firefox import SAFEST
from tests.browser.traces import found_on

pytestmark = [pytest.mark.browser, pytest.mark.loopback]

NARRATIVE: Final = "They shouted at us. Then they left. \N{BIRD}"


@pytest.fixture
def safest(open_window):
    """A window in which nothing runs and nothing is kept."""
    return open_window("firefox", SAFEST)


def step_on(window) -> None:
    """Go to the next step."""
    window.tab_to("a.button.onstep")
    window.keys(Keys.ENTER)


def tell_by_keyboard(window, url: str) -> None:
    """From the start page through all five steps to the thank-you page with Tab, Space, arrows, letters and Enter."""
    window.go(f"{url}/en/")
    window.tab_to("main .start")
    window.keys(Keys.ENTER)
    window.wait_for(f"{url}/en/form")
    window.tab_to("#q-narrative")
    window.keys(*NARRATIVE)
    window.tab_to("[name=incident_types][value=words]")
    window.keys(Keys.SPACE)
    step_on(window)
    window.tab_to("[name=when]")
    window.keys(Keys.SPACE, Keys.ARROW_DOWN)
    step_on(window)
    step_on(window)
    window.tab_to("#s4 summary")
    window.keys(Keys.ENTER)
    window.tab_to("[name=officer_agency]")
    step_on(window)
    assert window.address == f"{url}/en/form#s5"
    window.tab_to("[name=do][value=send]")
    window.keys(Keys.ENTER)


def test_a_report_by_keyboard_from_the_safest_browser_opens_offline(safest, served):
    """Who needs the most protection gets the whole form: no script, no picture, no cookie is asked of them."""
    tell_by_keyboard(safest, served.url)

    safest.wait_for(f"{served.url}/en/done")
    (opened,) = stored_reports(served)
    assert opened.report.narrative == NARRATIVE
    assert opened.report.incident_types == ("words",)
    assert opened.report.when == "d7"
    assert safest.cookies() == []


def test_not_even_the_address_lies_on_the_device_of_the_safest_browser(safest, served):
    """Private browsing leaves out what no page can leave out: the history."""
    safest.go(f"{served.url}/en/form")
    safest.type("#q-narrative", NARRATIVE)

    safest.close()

    assert found_on(safest.device, (served.url, NARRATIVE)) == set()


def test_twin_a_window_that_is_not_private_tells_the_address(open_window, served):
    """The same search after the same visit, in a normal window."""
    window = open_window("firefox")
    window.go(f"{served.url}/en/form")

    window.close()

    assert found_on(window.device, (served.url,)) != set()
