"""The one handler of what nobody foresaw names class and place, and quotes nothing (E7)."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

UNEXPECTED = """
import click
from review_tool.cli import main
@main.command()
def broken():
    int("canary-of-a-narrative")
main(["broken"])
"""


def test_an_unexpected_error_names_its_place_and_quotes_nothing() -> None:
    """Python's own messages repeat what they choke on."""
    done = subprocess.run(
        [sys.executable, "-c", UNEXPECTED], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "unexpected ValueError" in done.stderr
    assert "canary" not in done.stderr
    assert "Traceback" not in done.stderr
