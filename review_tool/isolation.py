"""What connects this machine to others or lets memory reach a disk, found by reading, never by trying.

A ceremony belongs on an isolated machine with no unencrypted swap. This module only looks: it opens no socket, and
what follows from a finding is decided by the command.
"""

from pathlib import Path
from typing import Final

_UP: Final = 0x1  # RTF_UP of route(8)
_REJECT: Final = 0x200  # RTF_REJECT: a route that leads nowhere
_ENCRYPTED: Final = "CRYPT-"  # how the uuid of a dm-crypt device begins
_LOOPBACK: Final = "lo"


def open_doors(proc: Path = Path("/proc"), blocks: Path = Path("/sys/block")) -> tuple[str, ...]:
    """Name what a ceremony should not find on its machine, one sentence each; none means isolated."""
    doors = []
    if interfaces := sorted({*_routes_v4(proc / "net/route"), *_routes_v6(proc / "net/ipv6_route")}):
        doors.append(f"there is a network route ({', '.join(interfaces)}): take the machine off the network")
    if swaps := _plain_swaps(proc / "swaps", blocks):
        doors.append(f"there is unencrypted swap ({', '.join(swaps)}): switch it off with `swapoff -a`")
    return tuple(doors)


def _routes_v4(table: Path) -> list[str]:
    """Interfaces of live routes; columns: interface, destination, gateway, flags, .. (proc_net_route)."""
    rows = [line.split() for line in _lines(table)[1:]]
    return [row[0] for row in rows if _is_live(int(row[3], 16)) and row[0] != _LOOPBACK]


def _routes_v6(table: Path) -> list[str]:
    """Interfaces of live default routes; flags stand in column 9, the interface last.

    Link-local and multicast routes come with every interface that is up, plugged in or not: only a default counts.
    """
    rows = [line.split() for line in _lines(table)]
    defaults = [row for row in rows if row[0] == "0" * 32 and row[1] == "00"]
    return [row[9] for row in defaults if _is_live(int(row[8], 16)) and row[9] != _LOOPBACK]


def _is_live(flags: int) -> bool:
    return bool(flags & _UP) and not flags & _REJECT


def _plain_swaps(table: Path, blocks: Path) -> list[str]:
    """Names of swap areas that keep what they are given when the power is off."""
    names = [Path(line.split()[0]).name for line in _lines(table)[1:]]
    return [name for name in names if not name.startswith("zram") and not _is_encrypted(blocks / name)]


def _is_encrypted(block: Path) -> bool:
    uuid = block / "dm" / "uuid"
    return uuid.is_file() and uuid.read_text(encoding="ascii").startswith(_ENCRYPTED)


def _lines(table: Path) -> list[str]:
    """Lines of a kernel table; a kernel without the table has none of what it lists."""
    return table.read_text(encoding="ascii").splitlines() if table.is_file() else []
