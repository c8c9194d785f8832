"""`kill -9` in the middle of shredding: nothing that was saved is lost, nothing that was shredded comes back.

Real processes are killed by real signals: at lines of the step that deletes and of the step that writes the vault anew, at
system calls of the database where strace is there, and between any two writes of keystore, vault and backup.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import pytest

from crypto import keystore as keystores
from crypto.keystore import Keystore, read_keystore
from review_tool import (
    audit,
    backup,
    case_rows,
    passphrase_change,
    rekeying,
    shred,
    shred_list,
    vault,
    vault_rekey,
)
from review_tool.audit import Act, Entry
from review_tool.shred import Stage, Why
from tests.center import DAY, PASSPHRASE, Center, seed_of
from tests.review_tool import pages
from tests.review_tool.review_machine import REVIEWER, Machine, killed_in
from tests.review_tool.test_shred import CANARY, STAYS, told_in, write_stage

WHO = Entry(act=Act.SHRED, day=DAY, reviewer=REVIEWER)
STEP = 13  # lines; a prime, so that runs of a loop are cut at different lines
WATCHED = frozenset(module.__file__ for module in (shred, vault, vault_rekey, case_rows, audit))
# Where the whole act is cut: on entering a function, so between two writes. The place in the list is the order in time.
CUTS: tuple[tuple[ModuleType, str], ...] = (
    (shred_list, "add"),  # rows are gone, the list is not yet there
    (vault_rekey, "rekey"),  # the next key is in the keystore
    (backup, "write_backup"),  # the old key is gone, no backup opens
    (backup, "_proved"),  # the new backup is half-made
)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, center: Center) -> Path:
    """The machine before, to be copied for each killing."""
    return write_stage(tmp_path_factory.mktemp("stage"), center).directory


def machine_at(stage: Path, center: Center, folder: Path) -> Machine:
    """A copy of the machine."""
    shutil.copytree(stage, folder)
    return Machine(center=center, directory=folder)


def shred_all(machine: Machine, keystore: Keystore, passphrase: str = PASSPHRASE) -> None:
    """What the command does, from the beginning or from where it was cut off."""
    with machine.opened(keystore) as found, found.transaction() as connection:
        if any(case.id == "R-0001" for case in case_rows.read_cases(connection)):
            shred.shred(connection, ["R-0001"], Why.ASKED, WHO)
    after = rekeying.change_vault_key(
        machine.vault, machine.directory / "keystore", keystore, passphrase, WHO
    )
    with machine.opened(after) as found:
        backup.write_backup(
            found, after, machine.directory / "backup", day=DAY, reviewer=REVIEWER, same_disk=True
        )


def saved(machine: Machine, keystore: Keystore) -> tuple[bool, bool]:
    """Whether each of the two stories can be read; the log must hold and every page be whole."""
    with machine.opened(keystore) as found, found.transaction() as connection:
        vault.require_whole(connection)
        audit.verify(connection)
        told = {case.report.narrative for case in case_rows.read_cases(connection)}
    return CANARY in told, STAYS in told


def killed_at_line(act: Callable[[], object], line: int) -> bool:
    """Run an act in a child that kills itself at its n-th line; False if the act ended before."""
    child = os.fork()
    if child == 0:
        try:
            left = line

            def count(frame: FrameType, event: str, _: Any) -> Any:
                nonlocal left
                if frame.f_code.co_filename not in WATCHED:
                    return None
                if event == "line":
                    left -= 1
                    if left == 0:
                        os.kill(os.getpid(), signal.SIGKILL)
                return count

            sys.settrace(count)
            act()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_killed_at_any_line_of_the_deletion_the_case_is_there_whole_or_gone(
    stage: Path, center: Center, tmp_path: Path
) -> None:
    """One transaction: rows, mark, log and the reminder, or none of them."""

    def delete(machine: Machine) -> None:
        with machine.opened() as found, found.transaction() as connection:
            shred.shred(connection, ["R-0001"], Why.ASKED, WHO)

    seen, line, was_killed = set(), 1, True
    while was_killed:
        machine = machine_at(stage, center, tmp_path / str(line))
        was_killed = killed_at_line(lambda machine=machine: delete(machine), line)  # type: ignore[misc]
        shown = saved(machine, center.keystore)
        with machine.opened() as found, found.transaction() as connection:
            is_reminded = shred.stage(connection) is Stage.KEY
            assert bool(shred_list.marks_of(connection)) is is_reminded is not shown[0]
        seen.add(shown)
        shutil.rmtree(machine.directory)
        line += STEP
    assert seen == {(True, True), (False, True)}


def test_killed_at_any_line_of_the_rewriting_one_of_the_two_keys_opens(
    stage: Path, center: Center, tmp_path: Path
) -> None:
    """The old file is whole until the new one is proved and takes its name."""
    both = replace(center.keystore, next_vault_key=seed_of("next"))
    opened_with, line, was_killed = set(), 1, True
    while was_killed:
        machine = machine_at(stage, center, tmp_path / str(line))
        was_killed = killed_at_line(lambda machine=machine: vault_rekey.rekey(machine.vault, both), line)  # type: ignore[misc]
        assert saved(machine, both) == (True, True)

        vault_rekey.rekey(machine.vault, both)

        assert saved(machine, replace(both, vault_key=seed_of("next"), next_vault_key=None)) == (True, True)
        assert [path.name for path in machine.vault.iterdir()] == [vault.FILE_NAME]
        opened_with.add(was_killed)
        shutil.rmtree(machine.directory)
        line += STEP
    assert opened_with == {True, False}


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace cuts inside the database's own writes")
@pytest.mark.parametrize(
    ("call", "when"), [("pwrite64", 5), ("pwrite64", 60), ("fsync", 4), ("fsync", 20), ("rename", 1)]
)
def test_killed_inside_a_write_of_the_rewriting_one_of_the_two_keys_opens(
    call: str, when: int, stage: Path, center: Center, tmp_path: Path
) -> None:
    """A half-written new vault is thrown away, a finished one is kept."""
    machine = machine_at(stage, center, tmp_path / "cut")
    both = replace(center.keystore, next_vault_key=seed_of("next"))
    program = (
        "from dataclasses import replace; from pathlib import Path; from review_tool import vault_rekey;"
        "from tests.center import make_center, seed_of;"
        "keys = replace(make_center().keystore, next_vault_key=seed_of('next'));"
        f"vault_rekey.rekey(Path({str(machine.vault)!r}), keys)"
    )
    command = ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}"]
    command += ["-e", f"inject={call}:signal=KILL:when={when}", sys.executable, "-c", program]

    done = subprocess.run(command, cwd=Path(__file__).parents[2], check=False, capture_output=True)
    assert done.returncode != 0  # it was cut, not finished

    assert saved(machine, both) == (True, True)
    vault_rekey.rekey(machine.vault, both)
    assert saved(machine, both) == (True, True)


@pytest.mark.parametrize(("module", "name"), CUTS, ids=[name for _, name in CUTS])
def test_killed_between_two_writes_a_second_run_finishes(
    module: ModuleType, name: str, stage: Path, center: Center, tmp_path: Path
) -> None:
    """The story that stays is always readable, the other one never comes back, and in the end no key opens a page with it."""
    machine = machine_at(stage, center, tmp_path / "cut")

    killed_in(lambda: shred_all(machine, center.keystore), module, name)

    found = read_keystore(machine.directory / "keystore", PASSPHRASE)
    assert saved(machine, found) == (False, True)
    with machine.opened(found) as opened, opened.transaction() as connection:
        assert shred.stage(connection) is not Stage.DONE or found.next_vault_key is not None

    shred_all(machine, found)

    last = read_keystore(machine.directory / "keystore", PASSPHRASE)
    assert last.next_vault_key is None
    assert saved(machine, last) == (False, True)
    for place in (machine.vault / vault.FILE_NAME, machine.directory / "backup" / backup.BACKUP_NAME):
        assert told_in(pages.decrypted(place, last.vault_key)) == set()


@pytest.mark.parametrize("nth", [1, 2], ids=["before the next key", "before the old key goes"])
def test_killed_while_the_keystore_is_replaced_a_second_run_finishes(
    nth: int, stage: Path, center: Center, tmp_path: Path
) -> None:
    """The n-th of the two times that the keystore is written, at the moment of the rename."""
    machine = machine_at(stage, center, tmp_path / "cut")

    def cut() -> None:
        left = nth

        def watch(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal left
            name, file = frame.f_code.co_name, frame.f_code.co_filename
            if event == "call" and name == "_prove" and file == passphrase_change.__file__:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return None

        sys.settrace(watch)
        shred_all(machine, center.keystore)

    child = os.fork()
    if child == 0:
        try:
            cut()
        finally:
            os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])

    found = read_keystore(machine.directory / "keystore", PASSPHRASE)
    assert (found.next_vault_key is None) is (nth == 1)
    assert saved(machine, found) == (False, True)
    shred_all(machine, found)
    last = read_keystore(machine.directory / "keystore", PASSPHRASE)
    assert (last.next_vault_key, saved(machine, last)) == (None, (False, True))
    assert last.vault_key != center.vault_key


def test_the_cost_of_a_file_that_is_no_keystore_is_refused(tmp_path: Path) -> None:
    """What is rewritten must have been a keystore."""
    (tmp_path / "file").write_bytes(b"HIRK")

    with pytest.raises(keystores.KeystoreError):
        keystores.cost_of(tmp_path / "file")
