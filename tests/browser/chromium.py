"""Debian's Chromium in a normal window with a profile of its own, scripts off, as one keeps it on a phone.

It offers what `Firefox` offers, so that one story is told to both. Unlike elsewhere in these tests a page that was left
stays in the browser's memory, as it does for everybody.
"""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from playwright.sync_api import Error, Playwright

from tests.browser.traces import await_write, unlock_session

# What Playwright adds and nobody's own Chromium has: it keeps no page in memory for Back.
UNUSUAL: Final = ("--disable-back-forward-cache",)
PATIENCE: Final = 30  # seconds for a page, and for the browser to end
TRIES: Final = 50  # tenths of a second until the browser has put one page in the place of another


class Chromium:
    """One window; `device` holds the profile and whatever else the browser writes."""

    def __init__(self, device: Path, playwright: Playwright, *, program: Path, arguments: list[str]) -> None:
        self.device = device
        self._profile = device / "profile"
        self._context = playwright.chromium.launch_persistent_context(
            self._profile,
            executable_path=program,
            args=arguments,
            ignore_default_args=list(UNUSUAL),
            java_script_enabled=False,
            env={"HOME": str(device), "TMPDIR": str(device), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        )
        self._page = self._context.pages[0]
        self._page.set_default_timeout(PATIENCE * 1000)
        # The lock of a profile names machine and process.
        self._process = int((self._profile / "SingletonLock").readlink().name.rpartition("-")[2])
        self._began = self._moved = 0.0

    @property
    def address(self) -> str:
        """What the address bar shows, also over one of the browser's own error pages."""
        for left in reversed(range(TRIES)):
            try:
                # A new one each time: the old one is lost where the browser puts a page of its own in the place of ours.
                tools = self._context.new_cdp_session(self._page)
                history = tools.send("Page.getNavigationHistory")
                tools.detach()
                return str(history["entries"][history["currentIndex"]]["url"])
            except Error:  # just then it is between the two
                if not left:
                    raise
                time.sleep(0.1)
        raise AssertionError("unreachable")

    def go(self, address: str) -> None:
        """Open a page."""
        self._began = time.time()
        self._page.goto(address)
        self._moved = time.time()

    def back(self) -> None:
        """Press the browser's Back; where a page was the answer to a post, Chromium asks whether to send it again."""
        self._began = time.time()
        try:
            self._page.go_back(wait_until="commit")  # a page out of memory does not load again
        except Error as error:
            if "ERR_CACHE_MISS" not in error.message:
                raise
        self._moved = time.time()

    def press(self, what: str) -> None:
        """Press the first that is seen of the things that match."""
        self._began = time.time()
        self._page.locator(what).locator("visible=true").first.click()
        self._page.wait_for_load_state()
        self._moved = time.time()

    def press_at_once(self, what: str) -> None:
        """Press without waiting for what comes of it."""
        self._page.locator(what).first.click(no_wait_after=True)

    def load_again(self, until: str) -> None:
        """Load the page again, and wait for an address."""
        with suppress(Error):  # over an error page of the browser's own, the answer is to another page
            self._page.reload()
        self._page.wait_for_url(until)

    def type(self, field: str, words: str) -> None:
        """Type at the end of a field, key by key."""
        self._page.locator(field).focus()
        self._page.keyboard.press("Control+End")
        self._page.keyboard.type(words)

    def fill(self, field: str, words: str) -> None:
        """Replace what stands in a field, all at once."""
        self._page.locator(field).fill(words)

    def choose(self, field: str, file: Path) -> None:
        """Choose a file."""
        self._page.set_input_files(field, file)

    def words_in(self, field: str) -> str:
        """What stands in a field; nothing if there is none."""
        return self._page.input_value(field) if self.has(field) else ""

    def text(self, what: str) -> str:
        """What is to be read in a part of the page."""
        return self._page.inner_text(what)

    def has(self, what: str) -> bool:
        """Whether the page holds such a thing, seen or not."""
        return self._page.locator(what).count() > 0

    def settle(self) -> None:
        """Wait until the browser has written that this page is open, with whatever it keeps of it."""
        await_write(self._sessions, began=self._began, moved=self._moved)
        written = b"".join(path.read_bytes() for path in self._sessions())
        assert self.address.encode() in written, "the session file cannot be read, so the search is blind"
        locked = [path.read_bytes() for path in self._profile.glob("Default/Sessions_Encrypted/Session_*")]
        assert all(self.address.encode() in unlock_session(one) for one in locked), "the same, for the locked"

    def close(self) -> None:
        """Close the browser as a person does; what it writes then is written when this returns."""
        self._context.close()

    def kill(self) -> None:
        """End it as a flat battery does, if it still runs."""
        proc = Path("/proc") / str(self._process) / "cmdline"
        if proc.exists() and str(self._profile).encode() in proc.read_bytes():
            os.kill(self._process, signal.SIGKILL)
        with suppress(Error):  # it is closed already
            self._context.close()

    def _sessions(self) -> list[Path]:
        return list(self._profile.glob("Default/Sessions/Session_*"))
