"""Files in a real browser: chosen on the check page, sent with the words, and not lost when the server goes down."""

import hashlib
import os
import secrets
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import site_section, stored_reports
from tests.browser.story import CHECK, NARRATIVE, SEND, fill_in
from tests.intake.conftest import Server, center_with_files, initialised, start_server

pytestmark = [pytest.mark.browser, pytest.mark.loopback, pytest.mark.usefixtures("socket_enabled")]

LARGE = 24 * 1024 * 1024  # bytes, more than all buffers between a browser and a server hold


@pytest.fixture
def taking(tmp_path: Path, socket_enabled) -> Iterator[Server]:
    """A server of a Center that takes files."""
    server = start_server(*initialised(tmp_path, center_with_files(), site=site_section()))
    yield server
    if server.process.poll() is None:
        server.kill()


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_files_are_sent_with_the_words_without_a_script(browser, open_window, taking, tmp_path_factory):
    """Three files of any kind, and the report that they belong to."""
    window, folder = open_window(browser), tmp_path_factory.mktemp("files")
    contents = [secrets.token_bytes(size) for size in (70_000, 1, 300_000)]

    fill_in(window, taking)
    window.press(CHECK)
    for number, content in enumerate(contents, start=1):
        (folder / f"photo {number} ü.jpg").write_bytes(content)
        window.choose(f"#q-files-{number}", folder / f"photo {number} ü.jpg")
    window.press(SEND)

    assert window.address.endswith("/en/done")
    (opened,) = stored_reports(taking)
    assert opened.report.narrative == " ".join(NARRATIVE)
    assert list(opened.attachments) == contents
    assert [one.name for one in opened.header.attachments] == [
        f"photo {number} ü.jpg" for number in (1, 2, 3)
    ]


def test_a_server_that_goes_down_in_the_middle_of_a_file_loses_nothing(open_window, taking, tmp_path_factory):
    """Whoever loads the page again sends words and file again, as the page says."""
    window, file = open_window("chromium"), tmp_path_factory.mktemp("files") / "large.mov"
    file.write_bytes(secrets.token_bytes(LARGE))
    fill_in(window, taking)
    window.press(CHECK)
    window.choose("#q-files-1", file)

    os.killpg(taking.process.pid, signal.SIGSTOP)
    window.press_at_once(SEND)
    time.sleep(2)
    taking.kill()
    again = start_server(taking.config, taking.port, taking.center)
    try:
        window.load_again(f"{taking.url}/en/done")
        (opened,) = stored_reports(again)
    finally:
        again.kill()

    assert opened.report.narrative == " ".join(NARRATIVE)
    assert hashlib.sha256(opened.attachments[0]).digest() == hashlib.sha256(file.read_bytes()).digest()
