"""What a ceremony's machine must not have: a way out, or a disk that keeps its memory."""

from pathlib import Path

import pytest

from review_tool import isolation

V4_HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
SWAP_HEAD = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
ANY_V6 = "0" * 32


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine without network and swap, as the kernel shows it."""
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "route").write_text(V4_HEAD)
    (tmp_path / "net" / "ipv6_route").write_text("")
    (tmp_path / "swaps").write_text(SWAP_HEAD)
    (tmp_path / "block").mkdir()
    return tmp_path


def doors(machine: Path) -> tuple[str, ...]:
    """Look at the machine of the test."""
    return isolation.open_doors(machine, machine / "block")


def test_isolated_machine_has_no_doors(machine: Path) -> None:
    """A false alarm teaches people to say --not-isolated."""
    assert doors(machine) == ()


def test_kernel_without_a_network_has_no_doors(tmp_path: Path) -> None:
    """A kernel built without network has no such tables at all."""
    assert isolation.open_doors(tmp_path, tmp_path) == ()


@pytest.mark.parametrize(
    "row",
    [
        "eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n",
        "wlan0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n",
    ],
    ids=["default", "local network"],
)
def test_route_is_named_with_its_interface(machine: Path, row: str) -> None:
    """A neighbour on the local network is a way out too."""
    (machine / "net" / "route").write_text(V4_HEAD + row)

    (door,) = doors(machine)

    assert row.split("\t")[0] in door
    assert "network route" in door


def test_dead_or_rejecting_route_is_no_door(machine: Path) -> None:
    """Routes that are down or refuse lead nowhere."""
    down = "eth0\t00000000\t0101A8C0\t0002\t0\t0\t0\t00000000\t0\t0\t0\n"
    rejecting = "eth0\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0\n"
    (machine / "net" / "route").write_text(V4_HEAD + down + rejecting)

    assert doors(machine) == ()


def test_default_route_of_ipv6_is_a_door(machine: Path) -> None:
    """A machine with IPv6 alone is on the network as well."""
    (machine / "net" / "ipv6_route").write_text(
        f"{ANY_V6} 00 {ANY_V6} 00 fe80000000000000000000000000fffe 00000400 00000001 00000000 00000003     eth0\n"
    )

    assert len(doors(machine)) == 1


def test_rejecting_loopback_and_link_local_of_ipv6_are_no_doors(machine: Path) -> None:
    """Every machine with IPv6 has these."""
    (machine / "net" / "ipv6_route").write_text(
        f"{ANY_V6} 00 {ANY_V6} 00 {ANY_V6} ffffffff 00000001 00000000 00200200       lo\n"
        f"fe800000000000000000000000000000 40 {ANY_V6} 00 {ANY_V6} 00000100 00000001 00000000 00000001     eth0\n"
    )

    assert doors(machine) == ()


def test_plain_swap_is_a_door(machine: Path) -> None:
    """A seed in swap is on the disk for good."""
    (machine / "swaps").write_text(
        SWAP_HEAD + "/dev/sda3                               partition\t1000\t0\t-2\n"
    )

    (door,) = doors(machine)

    assert "sda3" in door


def test_swap_in_memory_or_encrypted_is_no_door(machine: Path) -> None:
    """Both forget with the power."""
    (machine / "block" / "dm-1" / "dm").mkdir(parents=True)
    (machine / "block" / "dm-1" / "dm" / "uuid").write_text("CRYPT-PLAIN-swap\n")
    rows = "/dev/zram0 partition 1000 0 100\n/dev/dm-1 partition 1000 0 -2\n"
    (machine / "swaps").write_text(SWAP_HEAD + rows)

    assert doors(machine) == ()


def test_unencrypted_volume_with_swap_is_a_door(machine: Path) -> None:
    """A mapper alone does not encrypt."""
    (machine / "block" / "dm-2" / "dm").mkdir(parents=True)
    (machine / "block" / "dm-2" / "dm" / "uuid").write_text("LVM-abc\n")
    (machine / "swaps").write_text(SWAP_HEAD + "/dev/dm-2 partition 1000 0 -2\n")

    assert len(doors(machine)) == 1
