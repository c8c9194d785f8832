"""Debian's Firefox with a profile of its own, driven through Marionette, which also works with scripts off.

All that it writes lies below one directory: the device of a reporter. It reaches the form on 127.0.0.1 and nothing
else: whatever it wants of the network goes to a proxy that is not there.
"""

import json
import os
import signal
import subprocess
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Final

with warnings.catch_warnings():
    # One of its own requirements asks another for a function that will go; nothing we could change.
    warnings.simplefilter("ignore", DeprecationWarning)
    from marionette_driver.errors import UnknownException
    from marionette_driver.keys import Keys
    from marionette_driver.marionette import Marionette, WebElement

from tests.browser.traces import MOZ_LZ4, await_write, unpack_lz4

FIREFOX: Final = Path("/usr/bin/firefox-esr")
PATIENCE: Final = 60  # seconds for the browser to start, to write, or to end
CSS: Final = "css selector"
NOBODY: Final = 9  # a port of 127.0.0.1 on which no proxy listens

Prefs = Mapping[str, bool | int | str]

# A normal window of a person who has switched scripts off, but for the first lines.
NORMAL: Final[Prefs] = {
    "marionette.port": 0,  # one that is free
    "remote.prefs.recommended": False,  # they would spare the disk in ways that nobody's own Firefox does
    "browser.sessionstore.interval": 1000,  # milliseconds; 15000 else, for which no test should wait
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": NOBODY,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": NOBODY,
    "browser.shell.checkDefaultBrowser": False,
    "browser.aboutwelcome.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "termsofuse.bypassNotification": True,
    "javascript.enabled": False,
    # A person's picker hands the file over; the driver has the page's own process read it.
    "dom.file.createInChild": True,
}
# Tor Browser at the level "Safest", as far as settings of Firefox go. It is not Tor Browser.
SAFEST: Final[Prefs] = {
    **NORMAL,
    "browser.privatebrowsing.autostart": True,
    "privacy.resistFingerprinting": True,
    "privacy.resistFingerprinting.letterboxing": True,
    "gfx.downloadable_fonts.enabled": False,
    "svg.disabled": True,
    "mathml.disabled": True,
}


class Firefox:
    """One window; `device` holds the profile and whatever else the browser writes."""

    def __init__(self, device: Path, prefs: Prefs = NORMAL) -> None:
        self.device = device
        self._began = self._moved = 0.0
        self._process = _start(device, prefs)
        try:
            self._window = _connect(device / "profile", self._process)
        except BaseException:
            self.kill()
            raise

    @property
    def address(self) -> str:
        return self._window.get_url()

    def go(self, address: str) -> None:
        """Open a page."""
        self._began = time.time()
        self._window.navigate(address)
        self._moved = time.time()

    def back(self) -> None:
        """Press the browser's Back; where a page was the answer to a post, Firefox says that it is gone."""
        self._began = time.time()
        try:
            self._window.go_back()
        except UnknownException as error:
            if "notCached" not in str(error):
                raise
        self._moved = time.time()

    def press(self, what: str) -> None:
        """Press the first that is seen of the things that match."""
        seen = self._seen(what)
        # From under the bar, which stays at the top of the window.
        self._window.execute_script("arguments[0].scrollIntoView({block: 'center'})", script_args=[seen])
        self._began = time.time()
        seen.click()
        self._moved = time.time()

    def type(self, field: str, words: str) -> None:
        """Type at the end of a field, key by key."""
        self._seen(field).send_keys(words)

    def fill(self, field: str, words: str) -> None:
        """Replace what stands in a field, all at once."""
        # In the driver's own sandbox; the page's scripts stay off.
        self._window.execute_script(
            "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input', {bubbles: true}))",
            script_args=[self._seen(field), words],
        )

    def choose(self, field: str, file: Path) -> None:
        """Choose a file."""
        self._window.find_element(CSS, field).send_keys(str(file))

    def words_in(self, field: str) -> str:
        """What stands in a field; nothing if there is none."""
        return self._window.find_element(CSS, field).get_property("value") if self.has(field) else ""

    def text(self, what: str) -> str:
        """What is to be read in a part of the page."""
        return self._window.find_element(CSS, what).text

    def has(self, what: str) -> bool:
        """Whether the page holds such a thing, seen or not."""
        return bool(self._window.find_elements(CSS, what))

    def settle(self) -> None:
        """Wait until the browser has written that this page is open, with whatever it keeps of it."""
        session = self.device / "profile" / "sessionstore-backups" / "recovery.jsonlz4"
        await_write(lambda: [session], began=self._began, moved=self._moved)
        while not session.exists():  # the next is just put in its place
            time.sleep(0.05)
        written = json.loads(unpack_lz4(session.read_bytes()[len(MOZ_LZ4) + 4 :]))
        (tab,) = written["windows"][0]["tabs"]
        assert tab["entries"][tab["index"] - 1]["url"] == self.address, "the session file is not of this page"

    def keys(self, *keys: str) -> None:
        """Press keys, one after another, wherever the focus is."""
        for key in keys:
            self._window.actions.sequence("key", "keyboard").send_keys(key).perform()

    def tab_to(self, wanted: str, *, limit: int = 400) -> None:
        """Press Tab until something is reached, as a person without a mouse does."""
        for _ in range(limit):
            self.keys(Keys.TAB)
            if self.has(f"{wanted}:focus"):
                return
        raise AssertionError(f"Tab never reaches {wanted}")

    def wait_for(self, address: str) -> None:
        """Wait until a key press has led to a page."""
        deadline = time.monotonic() + PATIENCE
        while self.address != address:
            assert time.monotonic() < deadline, f"{self.address} is no way to {address}"
            time.sleep(0.05)

    def cookies(self) -> list[object]:
        """All cookies that this page could read."""
        return self._window.get_cookies()

    def close(self) -> None:
        """Close the browser as a person does, and wait until it has written what it writes then."""
        self._window.client.request("Marionette:Quit", {})
        self._window.delete_session(send_request=False)
        self._process.wait(timeout=PATIENCE)

    def kill(self) -> None:
        """End it as a flat battery does."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=PATIENCE)

    def _seen(self, what: str) -> WebElement:
        for one in self._window.find_elements(CSS, what):
            if one.is_displayed():
                return one
        raise AssertionError(f"{what} is not seen on {self.address}")


def _start(device: Path, prefs: Prefs) -> subprocess.Popen[bytes]:
    profile = device / "profile"
    profile.mkdir(parents=True)
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in prefs.items()]
    (profile / "user.js").write_text("".join(lines))
    return subprocess.Popen(
        [FIREFOX, "--headless", "--marionette", "--no-remote", "--profile", profile],
        env={"HOME": str(device), "TMPDIR": str(device), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # a group of its own, to be killed as a whole
    )


def _connect(profile: Path, process: subprocess.Popen[bytes]) -> Marionette:
    port = profile / "MarionetteActivePort"
    deadline = time.monotonic() + PATIENCE
    while not (port.exists() and port.read_text()):
        assert process.poll() is None, "Firefox ended at once"
        assert time.monotonic() < deadline, "Firefox did not start in time"
        time.sleep(0.05)
    window = Marionette(port=int(port.read_text()), startup_timeout=PATIENCE, socket_timeout=PATIENCE)
    window.start_session()
    return window
