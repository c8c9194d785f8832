"""Exit codes are explained where a person looks: in the help of the command that ended with one."""

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from review_tool import errors, exit_codes
from review_tool.cli import main
from tests.review_tool.conftest import unexplained


def leaves(group: click.Group, *words: str) -> Iterator[tuple[str, ...]]:
    """Every command, by its words."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, *words, name)
        else:
            yield (*words, name)


def codes_in(text: str) -> dict[str, str]:
    """Code and sentence of every line behind the heading; click wraps what is too wide."""
    lines = text.partition("Exit codes:\n")[2].splitlines()
    return {line.split()[0]: line.strip().partition("  ")[2] for line in lines if line.split()[:1] != []}


@pytest.mark.parametrize("words", list(leaves(main)), ids=" ".join)
def test_every_command_lists_the_codes_it_can_end_with(words: tuple[str, ...]) -> None:
    """One sentence a code, the same as in the list of all, which is typed once."""
    everything = codes_in(CliRunner().invoke(main, ["--help"]).output)

    own = codes_in(CliRunner().invoke(main, [*words, "--help"]).output)

    assert {"0", "1", "2"} < set(own)
    assert own.items() <= everything.items()
    assert len(own) < len(everything)


def test_every_refusal_belongs_to_a_command_or_to_opening_an_envelope() -> None:
    """A code in no command's help is a code that nobody can end with, or a help that is not true."""
    told = {
        code
        for words in leaves(main)
        for code in codes_in(CliRunner().invoke(main, [*words, "--help"]).output)
    }

    ours = {
        str(kind.exit_code) for kind in exit_codes.every_refusal() if issubclass(kind, errors.ReviewError)
    }
    assert ours - told == {str(errors.NotCountableError.exit_code)}  # decided case by case inside a release


def test_twin_a_code_that_no_help_names_is_seen() -> None:
    """The watch over all command-line tests, on a command that cannot end so, and on one that can."""
    assert "list --help does not name 60" in unexplained(["--vault", "x", "list"], 60)
    assert unexplained(["--vault", "x", "release", "2026Q3"], 60) == ""
