"""Words in memory: gone soon, and a server that never replaces its process is found out."""

import os

import pytest

from tests.hardening.memory import SOON, Outcome, look_into_memory
from tests.server_copy import server_copy, sinful

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.usefixtures("socket_enabled"),
    pytest.mark.skipif(
        os.geteuid() != 0, reason="MEMORY: needs root: a hardened process shows it to nobody else"
    ),
]
FOR_EVER = ("intake/housekeeping.py", "IDLE: Final = 3.0", "IDLE: Final = 3_000.0")
NONE = {1: 0, 2: 0}


def test_words_are_gone_from_memory_seconds_after_the_last_report(tmp_path):
    """Whoever takes the running machine finds the last moments alone."""
    assert look_into_memory(tmp_path, idle=SOON + 1).complaints() == []


def test_twin_a_process_that_is_never_replaced_is_found_out(tmp_path):
    """The detector: the language leaves copies of what was read."""
    tree = sinful(server_copy(tmp_path / "tree"), *FOR_EVER)

    outcome = look_into_memory(tmp_path, tree=tree, idle=SOON)

    assert any(outcome.idle.values())


def test_twin_a_search_that_sees_nothing_is_a_complaint():
    """It would be quiet for a bad reason."""
    assert Outcome(during=NONE, soon=NONE, idle=NONE).complaints()
