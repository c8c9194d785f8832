"""P9: no command of the review tool opens a socket of any kind, and an unexpected error quotes nothing.

All commands run in one child of their own. The interpreter's audit hook sees every socket that Python would open;
strace, where it is there, sees every one that anything in the process would.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crypto import signing
from crypto.keystore import FLOOR_COST, write_keystore
from tests.center import EXAMPLE, PASSPHRASE, make_center
from tests.review_tool.review_machine import make_machine, reports, sealed, write_bundle

ROOT = Path(__file__).parents[2]
CAUGHT = 99  # exit code of the child when it reaches for a socket

# Run as a program: a hook that kills at the first socket, then the commands given as arguments, apart by "--then".
PROGRAM = f"""
import os, sys
def watch(event, _arguments):
    if event.startswith("socket."):
        os.write(2, ("reached for " + event).encode())
        os._exit({CAUGHT})
sys.addaudithook(watch)
if sys.argv[1:] == ["--planted"]:
    import socket
    socket.socket()
from review_tool.cli import main
commands = [[]]
for word in sys.argv[1:]:
    commands.append([]) if word == "--then" else commands[-1].append(word)
for words in commands:
    try:
        code = main(words, standalone_mode=False)
    except SystemExit as stop:
        code = stop.code
    print("ended", words[-1], code, flush=True)
"""

UNEXPECTED = """
import click
from review_tool.cli import main
@main.command()
def broken():
    int("canary-of-a-narrative")
main(["broken"])
"""


def child(*words: str, trace: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the watched program."""
    command = [sys.executable, "-c", PROGRAM, *words]
    if trace is not None:
        command = ["strace", "-f", "-qq", "-e", "trace=network", "-o", str(trace), *command]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def every_command(folder: Path) -> list[list[str]]:
    """One use of each command, in the order of a Center's first week."""
    center = make_center()
    make_machine(folder, center)
    write_keystore(folder / "keystore", center.keystore, PASSPHRASE, FLOOR_COST)
    (folder / "passphrase").write_text(PASSPHRASE)
    (folder / "export.pub").write_text(signing.format_public_key(center.export_public, "export key"))
    write_bundle(folder / "bundle", center, sealed(center, *reports(2)))
    start = ["--vault", str(folder / "vault"), "--keystore", str(folder / "keystore")]
    start += ["--passphrase-file", str(folder / "passphrase")]
    founding = ["--vault", str(folder / "new" / "vault"), "--keystore", str(folder / "new" / "keystore")]
    founding += ["--passphrase-file", str(folder / "new" / "passphrase")]
    coding = [
        "--period",
        "2026",
        "--crime",
        "no",
        "--bias",
        "none",
        "--strength",
        "0",
        "--offense",
        "",
        "--place",
        "bar",
    ]
    coding += ["--relation", "", "--severity", "0", "--confidence", "1", "--clarity", "clear"]
    (folder / "new").mkdir()
    return [
        [
            *(
                *founding,
                "ceremony",
                "--center",
                "new-center",
                "--config",
                str(EXAMPLE),
                "--out",
                str(folder / "new" / "out"),
            ),
            *("--shares-to", str(folder / "new" / "shares"), "--cost", "floor", "--not-isolated", "--yes"),
        ],
        [*start, "pair", str(folder / "export.pub"), "--yes"],
        [
            *(*start, "receive", str(folder / "bundle"), "--backup", str(folder / "backup")),
            *("--ack-to", str(folder / "stick"), "--same-disk"),
        ],
        [*start, "list"],
        [*start, "show", "R-0001"],
        [*start, "triage", "R-0001", "--state", "in_review"],
        [*start, "code", "R-0001", *coding],
        [*start, "backup", str(folder / "backup"), "--same-disk"],
        [*start, "release", "2026Q4", "--out", str(folder / "release"), "--yes"],
        [*start, "key", "fingerprint"],
        [*start, "audit", "--verify"],
    ]


def test_no_command_opens_a_socket(tmp_path: Path) -> None:
    """What came across the gap stays on this side of it."""
    commands = every_command(tmp_path)
    words = [word for command in commands for word in ["--then", *command]][1:]
    trace = tmp_path / "trace" if shutil.which("strace") else None

    done = child(*words, trace=trace)

    assert done.returncode == 0, done.stderr
    ended = [line.split()[-1] for line in done.stdout.splitlines() if line.startswith("ended ")]
    assert [code for code in ended if code != "None"] == ["60"]  # two reports are too few to release
    assert len(ended) == len(commands)
    assert "reached for" not in done.stderr
    if trace is not None:
        calls = [line for line in trace.read_text().splitlines() if "(" in line and "+++" not in line]
        assert calls == []


def test_the_watch_sees_a_planted_socket() -> None:
    """The twin: a detector counts only once it was seen to detect."""
    assert child("--planted").returncode == CAUGHT


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is the second witness")
def test_the_second_witness_sees_a_planted_socket(tmp_path: Path) -> None:
    """The same for sockets that Python would not know of."""
    plant = "import socket; socket.socket().close()"
    command = [
        "strace",
        "-f",
        "-qq",
        "-e",
        "trace=network",
        "-o",
        str(tmp_path / "trace"),
        sys.executable,
        "-c",
        plant,
    ]

    subprocess.run(command, check=True, capture_output=True)

    assert "socket(" in (tmp_path / "trace").read_text()


def test_an_unexpected_error_names_its_place_and_quotes_nothing() -> None:
    """E7: Python's own messages repeat what they choke on."""
    done = subprocess.run(
        [sys.executable, "-c", UNEXPECTED],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ},
    )

    assert done.returncode == 1
    assert "unexpected ValueError" in done.stderr
    assert "canary" not in done.stderr
    assert "Traceback" not in done.stderr
