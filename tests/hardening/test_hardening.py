"""The runner of the long tests: it says what it ran, and it would see a piece that opened."""

import pytest

from crypto.errors import HeaderError, StreamError
from tests.hardening.__main__ import Job, jobs, main, run_part

PARTS = 4001  # so that a part is a matter of a second


def refuse(error: type[Exception]) -> None:
    """A piece that is refused in this way."""
    raise error


def test_a_part_says_what_was_run(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever reads the log on another day must see which part it was and how many pieces."""
    assert main(["--part", f"7/{PARTS}"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(jobs()) + 1
    assert all(f"part 7/{PARTS}" in line for line in lines[:-1])
    assert "72 of 287872" in lines[0]
    assert lines[-1] == "hardening: passed"


def test_parts_together_are_the_whole() -> None:
    """Eight parts on eight days must leave no bit out and take none twice."""
    pieces: list[int] = []
    for part in range(1, 9):
        run_part(_job(lambda piece: (pieces.append(piece), refuse(HeaderError))), part, 8)

    assert sorted(pieces) == list(range(20))


def test_piece_that_opens_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """The twin: one damaged file among many that opens must fail the run, by its number."""
    wrong = run_part(_job(lambda piece: None if piece == 13 else refuse(HeaderError)), 1, 1)

    assert wrong == ["a test, piece 13: OPENED"]
    assert "19 HeaderError, 1 OPENED" in capsys.readouterr().out


def test_piece_that_is_refused_in_another_class_is_named() -> None:
    """The class decides what the reviewer does next."""
    assert run_part(_job(lambda piece: refuse(StreamError(piece))), 20, 20) == [
        "a test, piece 19: StreamError"
    ]


def test_piece_that_crashes_the_reader_is_named() -> None:
    """An exception outside the documented ones ends the run, and says where to look."""
    with pytest.raises(ZeroDivisionError) as raised:
        run_part(_job(lambda piece: 1 // (13 - piece) or refuse(HeaderError)), 14, 20)

    assert raised.value.__notes__ == ["a test, piece 13"]


@pytest.mark.parametrize("part", ["", "0/4", "5/4", "1", "1/0", "-1/4", "a/b"])
def test_part_that_is_none_is_refused(part: str) -> None:
    """A slip must not pass for a run of everything."""
    with pytest.raises(SystemExit):
        main(["--part", part])


def _job(run: object) -> Job:
    return Job(name="a test", total=20, run=run, allowed=frozenset({HeaderError}))  # type: ignore[arg-type]
