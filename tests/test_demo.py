"""The whole flow by its two command lines, as `make demo` shows it, and the visitor's own report after it."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from pytest_socket import disable_socket, enable_socket

from tests.demo import Demo, running_form
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
