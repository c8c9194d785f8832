"""Kills under load: `python -m tests.hardening.kills --part 1/3 --cycles 60`.

While people send reports, some with files, the server is killed (SIGKILL) at random moments, again and again: its whole
process group, and before that often the one process that answers. Whoever was answered 303 must have a report that is there
once, whole, and opens. Twenty cycles share a store, which is looked at when they are over.
"""

import os
import random
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.center import Center
from tests.hardening.parts import parser_of, verdict
from tests.hardening.senders import Files, complaints, is_sound, kept_in, sending
from tests.intake.conftest import Server, center_with_files, initialised, start_server
from tests.server_copy import ROOT

CYCLES: Final = 60  # in `make hardening`; a thousand take an hour
TOGETHER: Final = (
    20  # cycles that share a store: enough to meet what an earlier one left behind, and no gigabytes
)
LIFE: Final = 1.0  # seconds under load, at most, before all of the server is killed
OF_ONE: Final = 0.3  # of the cycles also kill one process alone
KNOWN: Final = frozenset(
    {"store.sqlite", "store.sqlite-journal", "export.key", "export.pub", "highest-serial", "last-flood"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What twenty cycles left behind.

    Attributes:
        told: the acknowledged reports and their files.
        kept: the stored ones.
        strange: files beside the store that nobody knows.
        is_sound: SQLite finds nothing wrong.
    """

    told: Mapping[str, Files] = field(default_factory=dict)
    kept: Mapping[str, Sequence[Files]] = field(default_factory=dict)
    strange: tuple[str, ...] = ()
    is_sound: bool = True

    def complaints(self) -> Iterator[str]:
        """Say what is wrong."""
        yield from complaints(self.told, self.kept)
        if self.strange:
            yield f"files were left behind: {', '.join(self.strange)}"
        if not self.is_sound:
            yield "the store is damaged"
        if not self.told:
            yield "no report was taken, so nothing was tried"


def kill_under_load(
    root: Path, tree: Path = ROOT, *, cycles: int, seed: int, center: Center | None = None
) -> Outcome:
    """Start, load and kill a server so many times on one store.

    Args:
        root: an empty folder.
        tree: whose code is run.
        cycles: how often.
        seed: of the moments, and of what is sent.
        center: one that takes files; without it reports are text alone.
    """
    chance = random.Random(seed)  # noqa: S311 - a test that can be run again
    config, port, made = initialised(root, center)
    told: dict[str, Files] = {}
    for cycle in range(cycles):
        server = start_server(config, port, made, tree=tree)
        before = len(told)
        with sending(server, told, name=str(cycle), seed=seed, with_files=center is not None) as threads:
            while len(told) == before and any(thread.is_alive() for thread in threads):
                time.sleep(0.005)  # until the first report is in: a server that nobody reached was not tried
            if chance.random() < OF_ONE:
                time.sleep(chance.uniform(0, LIFE / 2))
                _kill_one(server)
            time.sleep(chance.uniform(0, LIFE))
    data = config.parent / "data"
    strange = {path.name for path in data.iterdir()} - KNOWN
    kept = kept_in(config, made)
    return Outcome(told=told, kept=kept, strange=tuple(strange), is_sound=is_sound(data / "store.sqlite"))


def _kill_one(server: Server) -> None:
    """Kill the processes that answer or stand by, and leave the one that watches over them."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
    for pid in map(int, children.split()):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def run(cycles: Iterable[int], seed: int) -> list[str]:
    """Run rounds of cycles, each on a store of its own; what was wrong."""
    wrong, told, kept, files = [], 0, 0, 0
    for number, count in enumerate(cycles):
        with tempfile.TemporaryDirectory(prefix="kills-") as name:
            outcome = kill_under_load(
                Path(name) / "server", cycles=count, seed=seed + number, center=center_with_files()
            )
        wrong += [f"round {number}: {one}" for one in outcome.complaints()]
        told, kept = told + len(outcome.told), kept + len(outcome.kept)
        files += sum(map(len, outcome.told.values()))
        print(
            f"kills: round {number}: {told} acknowledged so far, with {files} files; {kept} kept, {len(wrong)} complaints",
            flush=True,
        )
    return wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds of one part; end with 1 if anything was lost."""
    parser = parser_of("tests.hardening.kills", __doc__)
    parser.add_argument("--cycles", type=int, default=CYCLES, help="kills, over all parts")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32), help="to run the same again")
    given = parser.parse_args(arguments)
    part, parts = given.part
    rounds = [min(TOGETHER, given.cycles - done) for done in range(0, given.cycles, TOGETHER)]
    print(f"kills: {given.cycles} cycles, seed {given.seed}, part {part}/{parts}", flush=True)
    return verdict("kills", run(rounds[part - 1 :: parts], given.seed + 1_000_000 * part))


if __name__ == "__main__":
    sys.exit(main())
