"""The whole flow by its two command lines, as `make demo` shows it, and the visitor's own report after it."""

import json
import re
import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Final

import pytest
from pytest_socket import disable_socket, enable_socket

from tests.demo import Demo, running_form, send_samples, sole_demo
from tests.form_client import send_report
from tests.intake.conftest import free_port

pytestmark = [pytest.mark.loopback, pytest.mark.slow]

SAMPLES: Final = (
    60  # 41 of them fill the released quarter, 19 the open one: with the visitor's it may be released
)
# What a visitor types when `code` asks.
CODING: Final = ("2026", "yes", "gi.trans", "2", "13C", "13", "ST", "1", "2", "clear")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A demo that ran to its end: where, what it printed, and the commands it named in order."""

    demo: Demo
    printed: str

    @property
    def commands(self) -> list[str]:
        return re.findall(r"(?:'[^'\n]*'|\S)+/on-(?:server|review) .*", self.printed)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """`python -m tests.demo --once` in a folder of its own."""
    with sockets_open():
        demo = Demo(root=tmp_path_factory.mktemp("demo") / "a place", port=free_port())
    words = ["--once", "--samples", str(SAMPLES), "--directory", str(demo.root), "--port", str(demo.port)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.demo", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Shown(demo=demo, printed=done.stdout)


@contextmanager
def sockets_open() -> Iterator[None]:
    """For what runs before a test's own fixture opens them."""
    enable_socket()
    try:
        yield
    finally:
        disable_socket(allow_unix_socket=True)


def status(demo: Demo) -> dict[str, object]:
    """What the server says that it holds."""
    done = subprocess.run(demo.intake("status", "--json"), capture_output=True, text=True, check=True)
    found: dict[str, object] = json.loads(done.stdout)
    return found


def incidents(demo: Demo, period: str) -> int:
    """How many incidents a release counts, as its page of figures says."""
    table = (demo.root / "releases" / period / "tables" / "E01.csv").read_text(encoding="utf-8")
    return max(int(number) for number in re.findall(r"\b\d+\b", table.replace(period, "")))


def test_the_demo_reaches_a_form_and_a_release_and_the_server_forgets(shown: Shown) -> None:
    """One command, no question asked; what it prints can be found by a program."""
    ready = re.search(r"^ready: (\S+)$", shown.printed, re.MULTILINE)
    released = re.search(r"^release: (.+)$", shown.printed, re.MULTILINE)

    assert ready is not None
    assert ready[1] == shown.demo.url
    assert released is not None
    names = {path.name for path in Path(released[1]).iterdir()}
    assert {"release.json", "report.html", "SHA256SUMS", "SHA256SUMS.sig", "tables"} <= names
    assert status(shown.demo)["stored"] == 0
    assert status(shown.demo)["awaiting_acknowledgement"] == 0


def test_the_visitors_own_report_is_counted_by_the_commands_that_the_demo_printed(
    shown: Shown, socket_enabled: None
) -> None:
    """The lines are run as they stand; only names in capitals are filled in from what was printed before."""
    demo = shown.demo
    with running_form(demo):
        send_report(demo.url, {"narrative": ["They followed me home."], "incident_types": ["threat"]})
        assert status(demo)["stored"] == 1
        filled: dict[str, str] = {}
        typed = {"code": "\n".join(CODING) + "\n", "release": "y\n"}
        outputs = [run_line(line, filled, typed) for line in shown.commands]

    assert any("They followed me home." in output for output in outputs)
    assert status(demo)["stored"] == 0
    earlier, current = sorted(path.name for path in (demo.root / "releases").iterdir())
    assert incidents(demo, earlier) + incidents(demo, current) == SAMPLES + 1


def started_again(root: Path, port: int) -> subprocess.CompletedProcess[str]:
    """A second `make demo` in this folder."""
    words = ["--once", "--samples", "0", "--directory", str(root), "--port", str(port)]
    return subprocess.run(
        [sys.executable, "-m", "tests.demo", *words], capture_output=True, text=True, check=False
    )


def test_a_second_demo_in_the_folder_of_a_running_one_is_refused(
    tmp_path: Path, socket_enabled: None
) -> None:
    """It would empty the folder under the first one's feet: keys, store and all that a visitor told."""
    (tmp_path / ".vouchsafe-demo").touch()
    (tmp_path / "told").write_text("kept")

    with sole_demo(tmp_path):
        done = started_again(tmp_path, free_port())

    assert done.returncode == 1
    assert done.stderr.startswith(f"a demo is running in {tmp_path}; stop it")
    assert len(done.stderr.splitlines()) == 1
    assert (tmp_path / "told").read_text() == "kept"


def test_a_port_that_is_taken_is_said_before_anything_is_done(tmp_path: Path, socket_enabled: None) -> None:
    """A ceremony takes a minute, and the last demo's folder would be gone."""
    (tmp_path / ".vouchsafe-demo").touch()
    (tmp_path / "told").write_text("kept")

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = started_again(tmp_path, port)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"port {port} is in use; choose another with PORT=\n"
    assert (tmp_path / "told").read_text() == "kept"


@pytest.mark.parametrize("kind", ["folder of somebody", "file"])
def test_a_place_that_the_demo_did_not_make_is_left_alone(
    tmp_path: Path, socket_enabled: None, kind: str
) -> None:
    """A mistyped DEMO_DIR must cost nothing."""
    own = tmp_path / "own"
    own.write_text("kept")

    done = started_again(tmp_path if kind != "file" else own, free_port())

    assert done.returncode == 1
    assert done.stderr.endswith("with DEMO_DIR=\n")
    assert len(done.stderr.splitlines()) == 1
    assert own.read_text() == "kept"


class _Closed(BaseHTTPRequestHandler):
    """A form that takes nothing."""

    def do_GET(self) -> None:
        self.send_error(503)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("is_there", [True, False])
def test_a_form_that_does_not_take_a_sample_is_one_sentence(
    tmp_path: Path, socket_enabled: None, capsys: pytest.CaptureFixture[str], is_there: bool
) -> None:
    """A full disk or a killed server is no reason for a page of Python."""
    demo = Demo(root=tmp_path, port=free_port())
    with HTTPServer(("127.0.0.1", demo.port), _Closed) if is_there else nullcontext() as server:
        if server is not None:
            threading.Thread(target=server.handle_request, daemon=True).start()
        with pytest.raises(SystemExit) as stopped:
            send_samples(demo, [{"narrative": ["x"]}])

    assert stopped.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("the form did not take sample 1 of 1: ")
    assert len(said.splitlines()) == 1


def run_line(line: str, filled: dict[str, str], typed: Mapping[str, str]) -> str:
    """Run one printed line through a shell, as a visitor pastes it."""
    for name, value in filled.items():
        line = line.replace(name, value)
    command = next((word for word in shlex.split(line)[1:] if word in typed), "")
    answers = typed.get(command, "")
    done = subprocess.run(["sh", "-c", line], input=answers, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    for name, pattern in (
        ("BUNDLE", r"/(bundle-[\w.-]+)"),
        ("ACKNOWLEDGEMENT", r"/(acknowledgement-[\w.-]+)"),
        ("CASE", r"^(R-\d+)"),
    ):
        found = re.findall(pattern, done.stdout, re.MULTILINE)
        if found:
            filled.setdefault(name, found[-1])
    return done.stdout
