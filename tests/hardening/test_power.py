"""Power cuts: a server that does not wait for the disk is found out, and a few cuts are made."""

import pytest

from tests.hardening.disks import obstacle
from tests.hardening.power import Load, cut_under_load
from tests.server_copy import server_copy, sinful

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.usefixtures("socket_enabled"),
    pytest.mark.skipif(obstacle() != "", reason=f"POWER: {obstacle()}"),
]
HASTE = ("intake/store.py", '("synchronous", "FULL", 2)', '("synchronous", "OFF", 0)')


def test_cuts_while_files_arrive_lose_nothing(tmp_path):
    """Two hundred, of text and of the exchange too, are part of `make hardening`."""
    assert list(cut_under_load(tmp_path, Load.FILES, cuts=3, seed=3)) == []


def test_twin_a_server_that_does_not_wait_for_the_disk_loses_reports(tmp_path):
    """The detector: the same load on a store whose writes stay in memory for a while."""
    tree = sinful(server_copy(tmp_path / "tree"), *HASTE)
    (tmp_path / "disk").mkdir()

    found = list(cut_under_load(tmp_path / "disk", Load.TEXT, cuts=3, seed=3, tree=tree))

    assert any("are not there" in one for one in found)
