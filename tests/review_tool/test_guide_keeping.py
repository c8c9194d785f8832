"""The reviewer's guide on keeping, destroying and archiving, done by the letter as far as a test can."""

import re
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from review_tool.cli import main
from tests.center import Center, attachment, sample_report
from tests.review_tool.review_machine import (
    make_machine,
    sealed_with_files,
    write_bundle,
    write_keystores,
)
from tests.server_copy import ROOT

MEMORY = "/dev/shm"  # noqa: S108 - the place that the guide names
CHAPTERS = ("How long cases are kept", "Destroying a case", "The sealed archive, each month")


def commands_of(chapter: str) -> list[str]:
    """The command lines of a chapter."""
    guide = (ROOT / "docs" / "reviewing.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {chapter}\n(.*?)^## ", guide, re.DOTALL | re.MULTILINE)
    assert found is not None, f"the guide has no chapter {chapter}"
    blocks = re.findall(r"^```\n(.*?)^```", found[1], re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines() if line.startswith("review-tool ")]


@pytest.fixture
def disk(center: Center, tmp_path: Path) -> Path:
    """A machine with one case that has a file."""
    machine = make_machine(tmp_path, center)
    write_keystores(tmp_path, center)
    report = sealed_with_files(center, sample_report(), attachment("a.png", b"a picture"))
    write_bundle(tmp_path / "bundle", center, [report])
    machine.receive(tmp_path / "bundle")
    return tmp_path


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory that goes when the test does."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        yield Path(folder)


def test_the_chapters_on_keeping_can_be_followed_word_by_word(disk: Path, memory: Path) -> None:
    """In the order of the guide; only what a test cannot have is given in addition: other disks, and a person who types."""
    lines = [line for chapter in CHAPTERS for line in commands_of(chapter)]
    # A case on hold cannot be shredded: the guide tells in its text how to lift it, so that is done by hand here.
    lift = 'review-tool --vault VAULT --keystore KEYSTORE hold R-0001 --lift --reason "done"'
    at = next(place for place, line in enumerate(lines) if " shred " in line)
    said = ""
    for line in [*lines[:at], lift, *lines[at:]]:
        words = re.sub(r"VAULT\b", f"{disk}/vault", line).replace("KEYSTORE", f"{disk}/keystore")
        words = words.replace("/media/", f"{disk}/media/").replace(f"{MEMORY}/", f"{memory}/")
        _, *rest = shlex.split(words)
        more = ["--same-disk", "--yes"] if "--backup" in rest else []

        done = CliRunner().invoke(
            main, [f"--passphrase-file={disk}/passphrase", *rest, *more], catch_exceptions=False
        )

        assert done.exit_code == 0, (line, done.output)
        said += done.output

    assert len(lines) >= 7
    assert "R-0001 is on hold." in said
    assert "Shredded: R-0001." in said
    assert "Archive of 0 cases" in said
    assert "The archive is whole" in said
