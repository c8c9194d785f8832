"""A running form and Debian's Chromium before it, with scripts switched off unless a test measures the page.

The server is `intake serve` in a process of its own. The browser talks to the tests through a pipe, so these tests
open no socket but to see whether the server answers.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Response, sync_playwright
from pytest_socket import disable_socket, enable_socket

from crypto.unseal import Opened, unseal
from intake import readiness
from intake.config import load
from tests.browser.chromium import Chromium
from tests.browser.firefox import FIREFOX, NORMAL, Firefox, Prefs
from tests.browser.story import Window
from tests.intake.conftest import Server, initialised, start_server

if TYPE_CHECKING:
    from tests.browser.states import Site

CHROMIUM: Final = Path("/usr/bin/chromium")
ARGUMENTS: Final = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MISSING: Final = (
    "{0} is missing: nothing proves that the form works in it. "
    "Run: sudo apt-get install --no-install-recommends {0.name}"
)
EXAMPLE: Final = Path(__file__).parents[2] / "config.example.toml"
ARTIFACTS: Final = Path(__file__).parents[2] / "artifacts"
PHONE: Final = {"width": 412, "height": 915}  # CSS pixels of a common phone

# Each step has its own button; the one that is seen counts. The other buttons of the form send nothing.
SEND: Final = "button[name=do][value=send]:visible"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end, in red, that no browser was there: a skip is a letter that nobody reads."""
    for program in (CHROMIUM, FIREFOX):
        if not program.exists():
            terminalreporter.write_line(
                f"NO SUCH BROWSER TEST RAN: {MISSING.format(program)}", red=True, bold=True
            )


def launch_arguments() -> list[str]:
    """What Chromium is started with; root cannot have its sandbox."""
    return [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]


def site_section() -> str:
    """The [site] section of the shipped example, so that pages show what a visitor would see."""
    text = EXAMPLE.read_text(encoding="utf-8")
    return text[text.index("[site]") + len("[site]") : text.index("[review]")]


@dataclass
class Visit:
    """One visit to the form by somebody with a fresh browser: the page, and every request that it made."""

    page: Page
    url: str
    requests: list[tuple[str, str, str]] = field(default_factory=list)  # method, kind, address

    def go(self, path: str) -> Response:
        """Open a page of the form."""
        answer = self.page.goto(self.url + path)
        assert answer is not None
        return answer

    def send(self) -> Response:
        """Press Send and return the answer to the post."""
        with self.page.expect_response(lambda answer: answer.request.method == "POST") as answered:
            self.page.click(SEND)
        self.page.wait_for_load_state()
        return answered.value

    @property
    def posts(self) -> list[str]:
        return [address for method, _, address in self.requests if method == "POST"]


def visit_of(context: BrowserContext, url: str) -> Visit:
    """Watch what a browser asks for."""
    visit = Visit(page=context.pages[0] if context.pages else context.new_page(), url=url)
    context.on("request", lambda asked: visit.requests.append((asked.method, asked.resource_type, asked.url)))
    return visit


def stored_reports(server: Server) -> list[Opened]:
    """Every report in the server's store, opened with the Center's keys as the review machine does it."""
    store = readiness.open_store(load(server.config))
    try:
        return [unseal(envelope.sealed, server.center.identities) for envelope in store.pending()]
    finally:
        store.close()


def _present(program: Path) -> Path:
    """A browser; without it tests are skipped loudly, and fail where they must run."""
    if program.exists():
        return program
    if os.environ.get("CI") == "true":
        pytest.fail(MISSING.format(program))
    pytest.skip(MISSING.format(program))


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Debian's Chromium."""
    return _present(CHROMIUM)


@pytest.fixture(scope="session")
def firefox() -> Path:
    """Debian's Firefox."""
    return _present(FIREFOX)


@pytest.fixture(scope="module")
def served(chromium: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One running form for the tests of a module; it ends with them."""
    enable_socket()
    try:
        server = start_server(*initialised(tmp_path_factory.mktemp("served"), site=site_section()))
    finally:
        disable_socket(allow_unix_socket=True)
    yield server
    server.kill()


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """The driver; ended with its module, so that no later test runs beside a browser."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="module")
def browser(chromium: Path, playwright: Playwright) -> Iterator[Browser]:
    """One browser; each test gets a context of its own, which keeps nothing."""
    started = playwright.chromium.launch(executable_path=chromium, args=launch_arguments())
    yield started
    started.close()


@pytest.fixture
def visit(browser: Browser, served: Server) -> Iterator[Visit]:
    """Somebody with a phone and scripts off."""
    context = browser.new_context(java_script_enabled=False, viewport=PHONE)
    yield visit_of(context, served.url)
    context.close()


@pytest.fixture
def open_window(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, socket_enabled: None
) -> Iterator[Callable[..., Window]]:
    """Open windows of a browser, each on a device of its own; what still runs at the end is killed."""
    windows: list[Window] = []

    def opened(browser: str, prefs: Prefs = NORMAL) -> Window:
        device = tmp_path_factory.mktemp("device")  # short: Chromium makes a socket there
        program = request.getfixturevalue(browser)
        if browser == "firefox":
            window: Window = Firefox(device, prefs)
        else:
            driver = request.getfixturevalue("playwright")
            window = Chromium(device, driver, program=program, arguments=launch_arguments())
        windows.append(window)
        return window

    yield opened
    for window in windows:
        window.kill()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Site]":
    """Every form that the states need, in this process."""
    from tests.browser.states import Site  # it needs this module

    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.close()
