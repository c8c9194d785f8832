"""For all tests of the review machine: a Center, and that what a command ends with stands in its own help."""

from collections.abc import Sequence
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from review_tool.cli import main
from tests.center import Center, make_center


@pytest.fixture(scope="module")
def center() -> Center:
    """One Center with one key epoch; it is a frozen value, so tests may share it."""
    return make_center()


def command_of(words: Sequence[str]) -> click.Command:
    """The command that a command line names."""
    found: click.Command = main
    for word in words:
        if isinstance(found, click.Group) and word in found.commands:
            found = found.commands[word]
    return found


def unexplained(words: Sequence[str], code: int) -> str:
    """What is missing in the help of a command that ended with a code, or nothing."""
    command = command_of(words)
    is_told = f"\n  {code:>2}  " in (command.epilog or "")
    return (
        "" if is_told or isinstance(command, click.Group) else f"{command.name} --help does not name {code}"
    )


@pytest.fixture(autouse=True)
def every_refusal_stands_in_the_help(monkeypatch: pytest.MonkeyPatch) -> None:
    """Watch every command line that a test runs."""
    run = CliRunner.invoke

    def watched(self: CliRunner, cli: click.Command, words: Sequence[str] = (), **more: Any) -> Result:
        done = run(self, cli, words, **more)
        assert cli is not main or unexplained(words, done.exit_code) == ""
        return done

    monkeypatch.setattr(CliRunner, "invoke", watched)
