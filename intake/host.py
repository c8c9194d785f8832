"""The doctor's look at the system under the form: swap, core dumps, clock, account, environment, and the units."""

import re
from collections.abc import Iterator
from typing import Final

from intake.findings import Finding
from intake.machine import Machine

FORM_UNIT: Final = "vouchsafe-intake.service"
PROXY_UNIT: Final = "haproxy.service"

# What a unit must say so that memory stays in memory.
_IN_MEMORY: Final = {"MemorySwapMax": "0", "LimitCORE": "0"}
# The rest of the form's: no network, no new rights, one place to write. `deploy/` ships more of them.
_CLOSED: Final = _IN_MEMORY | {
    "NoNewPrivileges": "yes",
    "PrivateDevices": "yes",
    "PrivateNetwork": "yes",
    "PrivateTmp": "yes",
    "ProtectHome": "yes",
    "ProtectSystem": "strict",
    "CapabilityBoundingSet": "",
    "MemoryDenyWriteExecute": "yes",
    "RestrictAddressFamilies": "AF_UNIX",
    "UMask": "0077",
}

# Variables by which Python or the framework show or write what a program holds in memory.
_TELLING: Final = re.compile(
    r"(PYTHON(FAULTHANDLER|DEVMODE|TRACEMALLOC|DEBUG|INSPECT|VERBOSE|DUMPREFS\w*|ASYNCIODEBUG|MALLOC)"
    r"|FLASK_(DEBUG|ENV)|WERKZEUG_\w+|GUNICORN_CMD_ARGS|SSLKEYLOGFILE)"
)
_YES: Final = {"true": "yes", "on": "yes"}  # other ways in which systemd takes a yes
_FOLDERS: Final = ("etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system", "lib/systemd/system")


def look_at_host(machine: Machine) -> Iterator[Finding]:
    """Yield what is wrong with the system, whatever the config says."""
    yield from _swap(machine)
    yield from _core_dumps(machine)
    yield from _clock(machine)
    if machine.account == 0:
        yield Finding(
            name="root",
            wrong="this command runs as root, and so may the form; what root writes the form's account cannot use",
            do="run it as the account of the form: /usr/local/bin/intake does so (docs/running.md)",
        )
    yield from _environment(machine)
    yield from _form_unit(machine)
    if machine.text("etc/haproxy/haproxy.cfg") is not None:
        yield from _proxy_unit(machine)


def _swap(machine: Machine) -> Iterator[Finding]:
    for line in (machine.text("proc/swaps") or "").splitlines()[1:]:
        place = line.split()[0]
        device = place.rpartition("/")[2]
        if device.startswith("zram"):  # compressed memory
            continue
        if (machine.text(f"sys/block/{device}/dm/uuid") or "").startswith("CRYPT-"):
            continue
        yield Finding(
            name="swap",
            wrong=f"{place} takes what stands in memory to a disk, reports among it, in clear",
            do="run `swapoff -a` and take the line out of /etc/fstab, or put it on an encrypted volume",
        )


def _core_dumps(machine: Machine) -> Iterator[Finding]:
    pattern = (machine.text("proc/sys/kernel/core_pattern") or "").strip()
    after_change = (machine.text("proc/sys/fs/suid_dumpable") or "0").strip()
    if pattern != "|/bin/false" or after_change != "0":
        yield Finding(
            name="core-dumps",
            wrong="a program that dies may leave a picture of its memory on the disk",
            do="copy deploy/sysctl.conf to /etc/sysctl.d/90-vouchsafe.conf and run `sysctl --system`",
        )


def _clock(machine: Machine) -> Iterator[Finding]:
    if machine.is_synchronised() is False:
        yield Finding(
            name="clock-not-set",
            wrong="the clock is not set by the network; the days of keys and weeks of reports will be wrong",
            do="install systemd-timesyncd or chrony, and run `timedatectl set-ntp true`",
        )


def _environment(machine: Machine) -> Iterator[Finding]:
    own = {name for name, value in machine.environment.items() if _TELLING.fullmatch(name) and value}
    lines = [value for key, value in _lines(machine, FORM_UNIT) if key == "Environment"]
    of_unit = {name for line in lines for name in re.findall(r"(\w+)=", line) if _TELLING.fullmatch(name)}
    for name in sorted(own | of_unit):
        yield Finding(
            name="environment",
            wrong=f"the variable {name} makes programs show or write what they hold in memory",
            do="take it out of the unit, of /etc/environment, and of the shell that starts the form",
        )


def _form_unit(machine: Machine) -> Iterator[Finding]:
    lines = _lines(machine, FORM_UNIT)
    if not lines:
        yield Finding(
            name="no-unit",
            wrong=f"there is no {FORM_UNIT}, so nothing closes the form in or starts it again",
            do="copy the units from deploy/ to /etc/systemd/system (docs/running.md)",
        )
        return
    yield from _loose(FORM_UNIT, dict(lines), _CLOSED)
    if dict(lines).get("User", "root") in {"", "root", "0"}:
        yield Finding(
            name="unit-of-root",
            wrong=f"{FORM_UNIT} runs the form as root",
            do="set User=vouchsafe in it, as deploy/ does, and give that account the data directory",
        )


def _proxy_unit(machine: Machine) -> Iterator[Finding]:
    yield from _loose(PROXY_UNIT, dict(_lines(machine, PROXY_UNIT)), _IN_MEMORY)


def _loose(unit: str, found: dict[str, str], wanted: dict[str, str]) -> Iterator[Finding]:
    said = {key: _YES.get(value, value) for key, value in found.items()}
    missing = [f"{key}={value}" for key, value in wanted.items() if said.get(key) != value]
    if missing:
        yield Finding(
            name="unit" if unit == FORM_UNIT else "proxy-unit",
            wrong=f"{unit} does not say {' '.join(missing)}",
            do="copy it from deploy/ again, look for other files in the folder beside it that end with .d, and run "
            "`systemctl daemon-reload`",
        )


def _lines(machine: Machine, unit: str) -> list[tuple[str, str]]:
    """The settings of a unit and what was put over it, in the order in which they count; empty without the unit."""
    text = next((found for folder in _FOLDERS if (found := machine.text(f"{folder}/{unit}"))), "")
    over = [machine.texts(f"{folder}/{unit}.d", "*.conf") for folder in reversed(_FOLDERS)]
    texts = [text, *(one for folder in over for one in folder.values())]
    plain = "\n".join(texts).replace("\\\n", " ")
    return re.findall(r"^(\w+)[ \t]*=[ \t]*(.*?)[ \t]*$", plain, re.MULTILINE)
