"""`kill -9` in the middle of receiving: afterwards every report is there whole or not at all, and can be received.

A real process is killed by a real signal, at every line of our own code that a receive runs through (a trace counts
the lines and pulls the trigger), and at system calls of the database where strace is there to do it.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from sqlalchemy import func, select

from review_tool import acknowledge, arrivals, audit, backup, case_rows, receive, vault
from review_tool.audit import Act
from review_tool.errors import WrongKeyError
from review_tool.schema import CASE, ENVELOPE
from tests.center import DAY, Center, make_center
from tests.review_tool.review_machine import (
    REVIEWER,
    SOFTWARE,
    Machine,
    make_machine,
    reports,
    sealed,
    write_bundle,
)

WATCHED = frozenset(
    module.__file__ for module in (receive, arrivals, vault, case_rows, audit, backup, acknowledge)
)
STEP = 23  # a prime, so that successive runs of a loop are cut at different lines
# System calls of the database and their place in the run: the opening is logged first, then the import is written.
CALLS = (("pwrite64", 10), ("pwrite64", 30), ("fsync", 3), ("fsync", 6), ("unlink", 2))


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, center: Center) -> Path:
    """A fresh vault and a bundle of three reports, to be copied for each killing."""
    directory = tmp_path_factory.mktemp("stage")
    make_machine(directory, center)
    write_bundle(directory / "bundle", center, sealed(center, *reports(3)))
    return directory


def take_all(machine: Machine) -> None:
    """Receive, back up and acknowledge: the whole act that may be cut."""
    keystore = machine.center.keystore
    with machine.opened() as found:
        received = receive.receive(
            found, machine.directory / "bundle", keystore, day=DAY, reviewer=REVIEWER, software=SOFTWARE
        )
        kept = backup.write_backup(
            found, keystore, machine.directory / "backup", day=DAY, reviewer=REVIEWER, same_disk=True
        )
        acknowledge.acknowledge(
            found, received, kept, keystore, machine.directory / "ack", day=DAY, reviewer=REVIEWER
        )


def killed_at_line(machine: Machine, line: int) -> bool:
    """Run the act in a child that kills itself at its n-th line; False if the act ended before."""
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
            take_all(machine)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def check_whole(machine: Machine, *, finished: int | None = None) -> int:
    """Each case has its original and its log entry, and nothing is there beside; returns the number of cases."""
    with machine.opened() as found, found.transaction() as connection:
        audit.verify(connection)
        cases = connection.execute(select(func.count()).select_from(CASE)).scalar_one()
        originals = connection.execute(select(func.count()).select_from(ENVELOPE)).scalar_one()
        entries = [facts for _, facts in audit.read(connection) if facts and facts["act"] == Act.IMPORT.value]
    assert cases == originals == len(entries)
    assert finished is None or cases == finished
    return cases


def test_killed_at_any_line_a_second_receive_completes(stage: Path, center: Center, tmp_path: Path) -> None:
    """U1, D8: no report lost, none doubled, and no acknowledgement for what is not safe twice."""
    line, seen = 1, set()
    while True:
        directory = tmp_path / str(line)
        shutil.copytree(stage, directory)
        machine = Machine(center=center, directory=directory)
        was_killed = killed_at_line(machine, line)
        seen.add(check_whole(machine))
        if list((directory / "ack").glob("*.json")):
            check_whole(Machine(center=center, directory=directory), finished=3)
            assert (directory / "backup" / backup.BACKUP_NAME).exists()

        take_all(machine)

        check_whole(machine, finished=3)
        shutil.rmtree(directory)
        if not was_killed:
            break
        line += STEP
    assert seen == {0, 3}  # seen before and after the one transaction of this bundle


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace cuts inside the database's own writes")
@pytest.mark.parametrize(("call", "when"), CALLS)
def test_killed_inside_a_write_of_the_database_a_second_receive_completes(
    call: str, when: int, stage: Path, center: Center, tmp_path: Path
) -> None:
    """A half-written page is rolled back by the journal, also when another key is tried first."""
    machine = Machine(center=center, directory=tmp_path / "cut")
    shutil.copytree(stage, machine.directory)
    program = (
        "from pathlib import Path; from tests.center import make_center;"
        "from tests.review_tool.review_machine import Machine;"
        "from tests.review_tool.test_receive_killed import take_all;"
        f"take_all(Machine(center=make_center(), directory=Path({str(machine.directory)!r})))"
    )
    command = ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}"]
    command += ["-e", f"inject={call}:signal=KILL:when={when}", sys.executable, "-c", program]

    done = subprocess.run(command, cwd=Path(__file__).parents[2], check=False, capture_output=True)
    assert done.returncode != 0  # it was cut, not finished

    other = make_center(center="other-center").keystore
    with pytest.raises(WrongKeyError), vault.open_vault(machine.vault, other, day=DAY):
        pass
    check_whole(machine)
    take_all(machine)
    check_whole(machine, finished=3)
