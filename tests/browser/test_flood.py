"""A person in the middle of a flood, in a real browser without scripts: asked one question, and nothing is lost."""

from pathlib import Path

import pytest

from crypto.report import Flag
from intake.config import load
from tests.browser.conftest import site_section, stored_reports
from tests.browser.story import CHECK, NARRATIVE, SEND, fill_in
from tests.intake.conftest import Server, center_with_files, initialised, start_server

pytestmark = [pytest.mark.browser, pytest.mark.loopback, pytest.mark.usefixtures("socket_enabled")]


@pytest.fixture
def flooded(tmp_path: Path, socket_enabled):
    """A server that has had more reports in this hour than it likes."""
    lines = "[intake.limits]\nquestion_per_hour = 1\n"
    config, port, center = initialised(tmp_path, center_with_files(), lines=lines, site=site_section())
    server = start_server(config, port, center)
    assert server.post({"narrative": ["An automatic message."]})[0] == 303
    yield server
    server.kill()


def answer_to(server: Server, question: str) -> str:
    """What the Center takes for an answer to a question of its page."""
    return next(one.answers[0] for one in load(server.config).site.challenges if one.text["en"] == question)


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_one_question_and_the_report_is_in(browser, open_window, flooded):
    """A wrong answer is asked again; the words stay where they are."""
    window = open_window(browser)
    fill_in(window, flooded)

    window.press(SEND)
    assert "a lot of automatic messages" in window.text(".problem")
    window.type("#q-answer", "I do not know")
    window.press(SEND)
    assert window.words_in("#q-narrative") == " ".join(NARRATIVE)
    window.type("#q-answer", answer_to(flooded, window.text("label[for=q-answer]").strip()))
    window.press(SEND)

    assert window.address.endswith("/en/done")
    (mine,) = (one for one in stored_reports(flooded) if one.report.narrative == " ".join(NARRATIVE))
    assert Flag.QUESTION in mine.header.flags


def test_files_are_sent_once(open_window, flooded, tmp_path_factory):
    """The question stands on the check page before anything was sent."""
    window, file = open_window("chromium"), tmp_path_factory.mktemp("files") / "photo.jpg"
    file.write_bytes(b"x" * 90_000)
    fill_in(window, flooded)
    window.press(CHECK)

    window.type("#q-answer", answer_to(flooded, window.text("label[for=q-answer]").strip()))
    window.choose("#q-files-1", file)
    window.press(SEND)

    assert window.address.endswith("/en/done")
    assert [one.attachments for one in stored_reports(flooded) if one.attachments] == [(file.read_bytes(),)]
