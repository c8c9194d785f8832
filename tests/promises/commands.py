"""Every command of the review tool once, in the order of a Center's first week, under two watches for the network.

All run in one child. The interpreter's audit hook sees every socket that Python would open; strace, where it is there,
sees every one that anything in the process would.
"""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from crypto import signing
from review_tool import audit
from review_tool.audit import Act
from review_tool.cli import main
from review_tool.verify_release import signatures
from tests.center import EXAMPLE, Center, make_center, sample_report
from tests.review_tool.review_machine import Machine, make_machine, sealed, write_bundle, write_keystores
from tests.server_copy import ALONE, ROOT

CAUGHT = 99  # exit code of the child when it reaches for a socket
TOO_FEW = "60"  # exit code of a release that is refused
DIALOGUES = {"recover"}  # reads paper shares from a person; `test_key_commands.py` holds one

# What each command must leave in the log of the vault; a ceremony makes a vault of its own.
ACTS = {
    "pair": Act.PAIR,
    "receive": Act.RECEIVE,
    "list": Act.LIST,
    "show": Act.SHOW,
    "contact": Act.CONTACT,
    "triage": Act.TRIAGE,
    "code": Act.CODE,
    "backup": Act.BACKUP,
    "release": Act.RELEASE_SEED,  # two reports are too few for more
    "export-age": Act.KEY,
    "audit": Act.AUDIT,
    "sign": Act.CONFIG,
    "rotate": Act.KEY,
    "drill": Act.KEY,
    "destroy": Act.KEY,
    "hold": Act.HOLD,
    "retention": Act.RETENTION,
    "archive": Act.ARCHIVE,
}

PROGRAM = f"""{ALONE}
import os
def watch(event, _arguments):
    if event.startswith("socket."):
        os.write(2, ("reached for " + event).encode())
        os._exit({CAUGHT})
if sys.argv[1] == "watched":
    sys.addaudithook(watch)
from review_tool.cli import main
commands = [[]]
for word in sys.argv[2:]:
    commands.append([]) if word == "--then" else commands[-1].append(word)
for words in commands:
    try:
        code = main(words, standalone_mode=False)
    except SystemExit as stop:
        code = stop.code
    print("ended", code, flush=True)
"""


@dataclass(frozen=True, kw_only=True)
class Week:
    """What became of a run of commands.

    Attributes:
        machine: the review machine afterwards.
        keystore: its keystore file.
        codes: how each command ended, "None" or "0" where all went well.
        complaints: what the child wrote to standard error.
        traced: calls that strace saw touch the network; None without strace.
    """

    machine: Machine
    keystore: Path
    codes: Sequence[str]
    complaints: str
    traced: Sequence[str] | None


def run(
    folder: Path,
    machine: Machine,
    commands: Sequence[Sequence[str]],
    *,
    tree: Path = ROOT,
    is_watched: bool = True,
    is_traced: bool = False,
) -> Week:
    """Run commands one after the other in one child of a source tree."""
    words = [word for command in commands for word in ("--then", *command)][1:]
    program = [sys.executable, "-c", PROGRAM, "watched" if is_watched else "unwatched", *words]
    trace = folder / "trace"
    if is_traced:
        program = ["strace", "-f", "-qq", "-e", "trace=network", "-o", str(trace), *program]
    done = subprocess.run(program, cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode in {0, CAUGHT}, done.stderr
    return Week(
        machine=machine,
        keystore=folder / "keystore",
        codes=[line.split()[1] for line in done.stdout.splitlines() if line.startswith("ended ")],
        complaints=done.stderr,
        traced=_calls(trace) if is_traced else None,
    )


def machine_with_keystore(folder: Path) -> tuple[Machine, list[str]]:
    """A review machine on a disk, and the options that open it."""
    machine = make_machine(folder, make_center(), paired=False)
    write_keystores(folder, machine.center)
    return machine, _options(folder)


def every_command(folder: Path, machine: Machine, start: Sequence[str]) -> list[list[str]]:
    """One use of each command."""
    center, new = machine.center, folder / "new"
    new.mkdir()
    (folder / "export.pub").write_text(signing.format_public_key(center.export_public, "export key"))
    told = [sample_report(narrative=f"Story {number}.", contact="call 555 0100") for number in range(2)]
    write_bundle(folder / "bundle", center, sealed(center, *told))
    ceremony = f"ceremony --center new-center --config {EXAMPLE} --out {new}/out --shares-to {new}/shares"
    # Shredding gives the restored vault another key, and the first one keeps the keystore that it had.
    shutil.copy(folder / "keystore", folder / "keystore-2")
    restored = _options(folder, vault="restored", keystore="keystore-2")
    receive = f"receive {folder}/bundle --backup {folder}/backup --ack-to {folder}/stick --same-disk"
    coding = (
        "--period 2026 --crime no --bias none --strength 0 --offense= --place bar "
        "--relation= --severity 0 --confidence 1 --clarity clear"
    )
    return [
        [*_options(new), *ceremony.split(), "--cost", "floor", "--not-isolated", "--yes"],
        *(
            [*start, *words.split()]
            for words in (
                f"pair {folder}/export.pub --yes",
                receive,
                "list",
                "show R-0001",
                "show R-0001 --contact --reason asked",
                "triage R-0001 --state in_review",
                f"code R-0001 {coding}",
                f"backup {folder}/backup --same-disk",
                f"release 2026Q4 --out {folder}/release --yes",
                "key fingerprint",
                f"key export-age --to {folder}/identity --on-vault-disk",
                "audit --verify",
                "quarantine --retry",
                "hold R-0002 --reason asked",
                "retention",
                f"archive {folder}/archive",
                f"read-archive {folder}/archive",
                f"config sign --config {EXAMPLE} --out {folder}/public --not-isolated --yes",
                f"verify-release {_signed_release(folder, center)} --public {folder}/public",
                f"key rotate --overlap-days 0 --out {folder}/rotated --shares-to {folder}/shares --not-isolated --yes",
                f"drill --reading-only --shares-from {folder}/shares --not-isolated --yes",
                "key destroy --epoch 1 --early --lose --yes",
                f"key passphrase --root-keystore {folder}/root-keystore --new-passphrase-file {folder}/new-passphrase",
            )
        ),
        [*restored, "restore", f"{folder}/backup"],
        [*restored, *f"shred R-0001 --backup {folder}/backup-2 --same-disk --yes".split()],
    ]


def unused(commands: Sequence[Sequence[str]]) -> set[str]:
    """Commands of the command line that are used nowhere in a list."""
    return {name for name in _names(main) if not any(name in words for words in commands)} - DIALOGUES


def unlogged(machine: Machine, expected: Collection[Act]) -> set[Act]:
    """Acts that have no entry in the vault's log, whose chain must hold."""
    with machine.opened() as vault, vault.transaction() as connection:
        audit.verify(connection)
        logged = {str(facts["act"]) for _, facts in audit.read(connection) if facts}
    return {act for act in expected if act.value not in logged}


def _signed_release(folder: Path, center: Center) -> Path:
    """A release of one quarter that prints nothing, signed: two reports are too few for a real one."""
    release = folder / "signed"
    release.mkdir()
    told = b'{"schema": "sdc-release/1", "dimensions": {}, "releases": [{"id": "2026Q3", "tables": []}]}'
    sums = f"{hashlib.sha256(told).hexdigest()}  release.json\n".encode()
    signed = signatures(sums, center.ack_seed, center=center.id, period="2026Q3")
    for name, content in {"release.json": told, "SHA256SUMS": sums, **signed}.items():
        (release / name).write_bytes(content)
    return release


def _options(folder: Path, vault: str = "vault", keystore: str = "keystore") -> list[str]:
    options = [f"--vault={folder}/{vault}", f"--keystore={folder}/{keystore}"]
    return [*options, f"--passphrase-file={folder}/passphrase"]


def _names(group: click.Group) -> Iterator[str]:
    for name, command in group.commands.items():
        yield from _names(command) if isinstance(command, click.Group) else [name]


def _calls(trace: Path) -> list[str]:
    return [line for line in trace.read_text().splitlines() if "(" in line and "+++" not in line]
