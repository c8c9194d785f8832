"""Kills: what must not come of them is seen when it does, and a few happen, with files under way."""

from dataclasses import replace

import pytest

from tests.hardening.kills import Outcome, kill_under_load, main
from tests.intake.conftest import center_with_files

GOOD = Outcome(told={"a": (), "b": ("0f",)}, kept={"a": [()], "b": [("0f",)], "not told": [()]})


def test_kills_that_lost_nothing_are_no_complaint():
    """A report that was kept though its sender never heard so is no loss."""
    assert list(GOOD.complaints()) == []


@pytest.mark.parametrize(
    ("sin", "words"),
    [
        ({"kept": {"b": [("0f",)]}}, "1 reports were acknowledged and are not there, such as 'a'"),
        ({"kept": {"a": [(), ()], "b": [("0f",)]}}, "1 reports lie in the store twice"),
        ({"kept": {"a": [()], "b": [()]}}, "1 reports have other files than were sent"),
        ({"strange": ("draft",)}, "files were left behind: draft"),
        ({"is_sound": False}, "the store is damaged"),
        ({"told": {}}, "no report was taken"),
    ],
)
def test_twin_each_harm_is_a_complaint(sin, words):
    """Each in its own words."""
    (said,) = replace(GOOD, **sin).complaints()

    assert words in said


@pytest.mark.loopback
def test_kills_while_files_arrive_lose_nothing(tmp_path, socket_enabled):
    """Sixty are part of `make hardening`; these keep it from rusting."""
    outcome = kill_under_load(tmp_path / "server", cycles=3, seed=7, center=center_with_files())

    assert list(outcome.complaints()) == []


@pytest.mark.parametrize("part", ["0/3", "4/3", "x", "1"])
def test_a_part_that_is_none_is_refused(part):
    """Before anything is killed."""
    with pytest.raises(SystemExit):
        main(["--part", part])
