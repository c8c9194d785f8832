"""The whole flow with one command: a throwaway Center, sample reports, a release, and a form left open for yours.

Run by `make demo`. It uses nothing but the two command lines and the form over HTTP, as people do. All keys and
passphrases it makes are for the demo alone: they lie in the demo's folder, in the clear.
"""

from __future__ import annotations

import argparse
import fcntl
import http.client
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any, Final, NoReturn

from intake.config import UNLIMITED
from tests.form_client import send_report
from tests.sample_reports import Answers, coding_of, sample_answers

MARKER: Final = ".vouchsafe-demo"  # what a folder must hold before we empty it
START_LIMIT: Final = 60  # seconds the form may take to answer, on a slow machine
BIN: Final = Path(sys.executable).parent
CONFIG_EXAMPLE: Final = Path(__file__).parent.parent / "config.example.toml"
# The first part of the samples fills the last full quarter, the rest the current one: enough in both that
# a release of either is allowed, and that one more report is one among many.
EARLIER_SAMPLES: Final = 290


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """Where things lie: the two machines and the stick that is carried between them."""

    root: Path
    port: int

    @property
    def intake_config(self) -> Path:
        return self.root / "intake" / "intake.toml"

    @property
    def stick(self) -> Path:
        return self.root / "stick"

    @property
    def review(self) -> Path:
        return self.root / "review"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def intake(self, *words: str) -> list[str]:
        return [str(BIN / "intake"), "--config", str(self.intake_config), *words]

    def review_tool(self, *words: str) -> list[str]:
        start = [str(BIN / "review-tool"), "--vault", str(self.review / "vault")]
        start += ["--keystore", str(self.review / "keystick" / "keystore")]
        return [*start, "--passphrase-file", str(self.review / "passphrase"), *words]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="make demo")
    parser.add_argument("--directory", type=Path, default=Path("demo"))
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--samples", type=int, default=None, help="how many samples (all)")
    parser.add_argument("--once", action="store_true", help="stop when all is shown, for tests")
    options = parser.parse_args(arguments)
    demo = Demo(root=options.directory.absolute(), port=options.port)
    signal.signal(signal.SIGTERM, _stop)
    try:
        with sole_demo(demo.root):
            require_free_port(demo.port)  # before all that takes minutes
            fresh_directory(demo.root)
            make_center(demo)
            with running_form(demo):
                print(f"ready: {demo.url}", flush=True)
                show_samples(demo, sample_answers()[: options.samples])
                print(next_steps(demo), flush=True)
                while not options.once:
                    time.sleep(3600)
    except KeyboardInterrupt:
        print("\nstopped; the demo's folder stays until the next run:", demo.root)
    return 0


@contextmanager
def sole_demo(root: Path) -> Iterator[None]:
    """Hold the demo's folder for one run; a second run would empty it under the first one's feet."""
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        _fail(f"cannot use {root}: {error.strerror}; choose another with DEMO_DIR=")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # goes with the process, however that ends
    except BlockingIOError:
        _fail(
            f"a demo is running in {root}; stop it with Ctrl-C there, or choose another folder with DEMO_DIR="
        )
    try:
        yield
    finally:
        os.close(handle)


def fresh_directory(root: Path) -> None:
    """Empty the demo's folder, refusing one that the demo did not make; the folder itself stays, it is locked."""
    if any(root.iterdir()) and not (root / MARKER).exists():
        _fail(f"{root} is not empty and was not made by the demo; choose another with DEMO_DIR=")
    (
        root / MARKER
    ).touch()  # first and left alone: a run that is cut here leaves a folder that the next one takes
    for path in root.iterdir():
        if path.name == MARKER:
            continue
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for name in ("intake", "review/keystick", "stick"):
        (root / name).mkdir(parents=True, exist_ok=True, mode=0o700)


def make_center(demo: Demo) -> None:
    """Hold the key ceremony unattended and set up the server with the signed config."""
    say("Key ceremony on the review machine (demo keys, kept in the clear in the demo's folder)")
    ceremony = demo.review / "ceremony"
    run(
        demo.review_tool(
            *("ceremony", "--center", "demo-center", "--config", str(CONFIG_EXAMPLE)),
            *("--out", str(ceremony), "--shares-to", str(demo.review / "shares")),
            *("--cost", "floor", "--not-isolated", "--yes"),
        )
    )
    public = demo.root / "intake" / "public"
    shutil.copytree(ceremony, public, ignore=lambda _, names: [n for n in names if not _is_public(n)])
    demo.intake_config.write_text(intake_toml(demo, public), encoding="utf-8")
    say("The server: store of sealed slots, export key")
    run(demo.intake("init"))
    export_key = demo.root / "intake" / "data" / "export.pub"
    run(demo.review_tool("pair", str(export_key), "--yes"))
    write_shortcuts(demo)


def intake_toml(demo: Demo, public: Path) -> str:
    """Take the example's [site], with an [intake] section for the loopback demo."""
    example = CONFIG_EXAMPLE.read_text(encoding="utf-8")
    site = example[example.index("[site]") : example.index("[review]")]
    intake = {
        "center": "demo-center",
        "data_dir": str(demo.root / "intake" / "data"),
        "public_config": str(public),
        "host": "127.0.0.1",
        "port": demo.port,
        "production": False,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in intake.items()]
    # A quarter's reports come in within a minute, and nobody is there to answer the question of a flood.
    limits = ["[intake.limits]", f"question_per_hour = {UNLIMITED}"]
    return "\n".join(["[intake]", *lines, *limits, "", site])


def require_free_port(port: int) -> None:
    """Stop the demo with one sentence when something listens on its port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            _fail(f"port {port} is in use; choose another with PORT=")


@contextmanager
def running_form(demo: Demo) -> Iterator[None]:
    """Run `intake serve` until the block ends; raise SystemExit when it does not come up."""
    require_free_port(demo.port)  # else another form there would answer for ours, and get the samples
    with subprocess.Popen(demo.intake("serve")) as server:
        try:
            _wait_for(demo, server)
            yield
        finally:
            server.terminate()
            server.wait(timeout=START_LIMIT)


def _wait_for(demo: Demo, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        if server.poll() is not None:
            _fail(f"the form stopped at once; is port {demo.port} in use? Choose another with PORT=")
        try:
            with urllib.request.urlopen(f"{demo.url}/healthz", timeout=5) as answer:
                if answer.read().strip() == b"ok":
                    return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    _fail("the form did not answer in time")


def show_samples(demo: Demo, samples: Sequence[Answers]) -> None:
    """Send the samples in two parts, carry them across, code them, and release the earlier quarter."""
    today = datetime.now(UTC).date()
    earlier, end_of_earlier = last_full_quarter(today)
    share = len(samples) * EARLIER_SAMPLES // len(sample_answers())
    say(f"Sample reports for {earlier}, made from public records, through the form: {share}")
    carry(demo, samples[:share], closed=end_of_earlier)
    release(demo, earlier)
    say(f"Sample reports for the current quarter, which stays open for yours: {len(samples) - share}")
    carry(demo, samples[share:], closed=today)


def carry(demo: Demo, samples: Sequence[Answers], *, closed: date) -> None:
    """Take reports the whole way: form, bundle, vault, acknowledgement, triage and coding."""
    send_samples(demo, samples)
    bundle = exported(demo)
    received = run_json(
        demo.review_tool("receive", str(bundle), *_backup(demo), "--json"),
    )
    run(demo.intake("acknowledge", received["acknowledgement"]))
    new = list(run_json_lines(demo.review_tool("show", "--all", "--state", "new", "--json")))
    triage = [
        {"case": case["id"], "state": "in_review", "urgency": "routine", "clarity": "clear"} for case in new
    ]
    codings = [coding_of(case, closed=closed.isoformat(), period="unknown") for case in new]
    run(demo.review_tool("triage", "--file", str(_lines(demo, "triage.jsonl", triage))))
    run(demo.review_tool("code", "--file", str(_lines(demo, "codings.jsonl", codings))))


def send_samples(demo: Demo, samples: Sequence[Answers]) -> None:
    """Fill in the form for each sample; stop the demo with one sentence when the form does not take it."""
    for number, answers in enumerate(samples, start=1):
        try:
            send_report(demo.url, answers)
        except (OSError, http.client.HTTPException, AssertionError) as error:
            if isinstance(error, urllib.error.HTTPError):
                error.close()
            _fail(
                f"the form did not take sample {number} of {len(samples)}: {error}; see its own lines above"
            )


def _backup(demo: Demo) -> tuple[str, ...]:
    # The demo has one disk. A Center gives a folder on another one, and needs no --same-disk.
    return ("--backup", str(demo.review / "backup"), "--ack-to", str(demo.stick), "--same-disk")


def exported(demo: Demo) -> Path:
    """Write a bundle to the stick and name its folder."""
    return Path(run_json(demo.intake("export", str(demo.stick), "--json"))["bundle"])


def release(demo: Demo, period: str) -> None:
    """Release one period and print where."""
    directory = demo.root / "releases" / period
    run(demo.review_tool("release", period, "--out", str(directory), "--yes"))
    print(f"release: {directory}", flush=True)


def last_full_quarter(today: date) -> tuple[str, date]:
    """Name the quarter before today's, and its last day."""
    first = date(today.year, 3 * ((today.month - 1) // 3) + 1, 1)
    last = first - timedelta(days=1)
    return f"{last.year}Q{(last.month + 2) // 3}", last


def next_steps(demo: Demo) -> str:
    """Say how the visitor's own report gets into the next release."""
    today = datetime.now(UTC).date()
    current = f"{today.year}Q{(today.month + 2) // 3}"
    inside = demo.root.is_relative_to(Path.cwd())
    here = shlex.quote(str(demo.root.relative_to(Path.cwd()) if inside else demo.root))
    server, review = f"{here}/on-server", f"{here}/on-review"
    return f"""
Now tell the form something yourself: {demo.url}
Then, in another terminal in this folder, take it into the release of {current}:

  1. out of the server   {server} export {here}/stick
  2. into the vault      {review} receive {here}/stick/BUNDLE --backup {here}/review/backup --ack-to {here}/stick --same-disk
  3. server forgets      {server} acknowledge {here}/stick/ACKNOWLEDGEMENT
  4. read it             {review} list --state new
                         {review} show CASE
  5. triage and code     {review} triage CASE --state in_review
                         {review} code CASE
  6. release             {review} release {current} --out {here}/releases/{current}

Steps 1, 2 and 4 print the names that stand here in capitals. on-server and on-review are the two command lines,
intake and review-tool, with the demo's own folders filled in. Ctrl-C stops the form.
"""


def write_shortcuts(demo: Demo) -> None:
    """Write the two command lines with the demo's folders filled in, one a machine."""
    for name, command in (("on-server", demo.intake()), ("on-review", demo.review_tool())):
        path = demo.root / name
        path.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', encoding="utf-8")
        path.chmod(0o700)


def say(sentence: str) -> None:
    """Tell the visitor what happens now."""
    print(f"--- {sentence}", flush=True)


def run(command: Sequence[str]) -> str:
    """Run one command line; stop the demo with its own words when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        _fail(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def run_json(command: Sequence[str]) -> dict[str, Any]:
    """Run a command that reports one JSON object."""
    answer: dict[str, Any] = json.loads(run(command))
    return answer


def run_json_lines(command: Sequence[str]) -> list[dict[str, Any]]:
    """Run a command that reports one JSON object a line."""
    return [json.loads(line) for line in run(command).splitlines() if line]


def _lines(demo: Demo, name: str, rows: Sequence[dict[str, Any]]) -> Path:
    path = demo.review / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def _is_public(name: str) -> bool:
    return name.startswith("center-config.json") or name == "root.pub"


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _fail(sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    sys.exit(main())
