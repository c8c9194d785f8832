"""A form in memory or as a process, with a real store and a real signed config."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from intake import kept, readiness
from intake.app import create_app
from intake.clock import Now, utc_now
from intake.config import UNLIMITED, Challenge, Config, load
from intake.export import Exchange
from intake.store import Store
from tests.center import DAY, Center, example_content, make_center
from tests.server_copy import ALONE, ROOT

NOON = datetime(DAY.year, DAY.month, DAY.day, 12, tzinfo=UTC)
SLOTS = 24  # a small pool, so that a store is made in milliseconds
COUNTED = ("flag_per_source", "refuse_per_source", "question_per_hour", "envelopes_per_day", "mib_per_day")
# Tests send thousands of reports in a minute; what the limits do with that is a matter of test_limits.
LOOSE = "limits = {" + ", ".join(f"{name} = {UNLIMITED}" for name in COUNTED) + "}\n"

GRASS = Challenge(
    number="1",
    text={"en": "What color is grass?", "es": "¿De qué color es el pasto?"},
    answers=("green", "Verde"),
)


def today() -> date:
    """The day on which the test really runs; for servers of their own process."""
    return utc_now().day


def lasting_center(**changes) -> Center:
    """A Center whose config is valid on the day the test really runs."""
    times = {"not_before": today() - timedelta(days=2), "soft_expiry": today() + timedelta(days=300)}
    return make_center(**(times | changes))


def write_config(root: Path, center: Center, *, lines: str = "", site: str = "", port: int = 8000) -> Path:
    """Write a config file beside the signed config of a Center."""
    root.mkdir(exist_ok=True)
    center.write_public(root / "public")
    path = root / "intake.toml"
    loose = "" if "[intake.limits]" in lines else LOOSE
    path.write_text(
        f'[intake]\ncenter = "{center.id}"\ndata_dir = "data"\npublic_config = "public"\nport = {port}\n'
        f"production = false\nslots = {SLOTS}\n{loose}{lines}\n[site]\n{site}\n"
    )
    return path


@dataclass
class Form:
    """A whole server side in one process, at a time that the test sets."""

    center: Center
    config: Config
    store: Store
    exchange: Exchange
    moment: datetime

    def clock(self) -> Now:
        return Now(moment=self.moment)

    @property
    def client(self) -> FlaskClient:
        return create_app(self.config, self.center.config, store=self.store, clock=self.clock).test_client()

    def opened(self) -> list:
        """Every stored report, opened as the review machine does it."""
        from crypto.unseal import unseal

        return [unseal(envelope.sealed, self.center.identities) for envelope in self.store.pending()]


def make_form(root: Path, center: Center | None = None, **settings) -> Form:
    """Set up a server side in a directory; name a setting of [intake] to change it."""
    center = center or make_center()
    config = load(write_config(root, center))
    config = replace(config, intake=replace(config.intake, **settings))
    config.intake.data_dir.mkdir(mode=0o700)
    kept.make_export_key(config.intake.data_dir)
    store = readiness.open_store(config)
    store.create()
    return Form(center, config, store, readiness.open_exchange(config, store), NOON)


@pytest.fixture
def form(tmp_path: Path) -> Iterator[Form]:
    """A server side in this process."""
    made = make_form(tmp_path)
    yield made
    made.store.close()


def center_with_files() -> Center:
    """A Center that takes files, today."""
    return lasting_center(content=example_content(attachments=True))


@dataclass
class Server:
    """`intake serve` as a process of its own."""

    config: Path
    port: int
    center: Center
    process: subprocess.Popen
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def post(self, answers: Mapping[str, Sequence[str]], *, timeout: float = 30) -> tuple[int, str]:
        """Send a form and follow nothing: (status, page or place)."""
        body = urllib.parse.urlencode([(name, one) for name, some in answers.items() for one in some])
        request = urllib.request.Request(f"{self.url}/en/form", data=body.encode())
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(request, timeout=timeout) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers.get("Location") or error.read().decode()

    def kill(self) -> None:
        """End the whole process group as a power button would, as far as a test can."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def intake_command(config: Path, *words: str) -> list[str]:
    """The command line as a process of this Python."""
    program = ALONE + "from intake.cli import main; main()"
    return [sys.executable, "-c", program, "--config", str(config), *words]


def start_server(
    config: Path,
    port: int,
    center: Center,
    *,
    prefix: Sequence[str] = (),
    tree: Path = ROOT,
) -> Server:
    """Start `intake serve` of a source tree in its own process group and wait until it answers."""
    log = config.with_name("serve.log")
    with log.open("ab") as stream:
        process = subprocess.Popen(
            [*prefix, *intake_command(config, "serve")],
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            cwd=tree,
        )
    server = Server(config, port, center, process, log)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{server.url}/healthz", timeout=5) as answer:
                assert answer.read() == b"ok\n"
                return server
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    raise AssertionError(log.read_text())


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def initialised(root: Path, center: Center | None = None, **config) -> tuple[Path, int, Center]:
    """A fresh server directory after `intake init`."""
    center, port = center or lasting_center(), free_port()
    path = write_config(root, center, port=port, **config)
    subprocess.run(intake_command(path, "init"), check=True, capture_output=True, cwd=Path.cwd())
    return path, port, center


@pytest.fixture
def server(tmp_path: Path, socket_enabled) -> Iterator[Server]:
    """A running server on a fresh store."""
    started = start_server(*initialised(tmp_path))
    yield started
    if started.process.poll() is None:
        started.kill()
