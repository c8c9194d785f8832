"""Power cuts under load: `python -m tests.hardening.power --part 1/3 --cuts 200`.

People send reports to a server on a disk of its own, and at random moments the disk is copied as it would be if the power
failed. Afterwards each copy is mounted: every report that was answered 303 before must be there, once, whole, and open, and
the server must be able to go on. A third of the cuts meets text and a store that grows, a third meets files, and a third the
operator's export and acknowledgement; of those, only what an acknowledgement named may be gone.
"""

import os
import random
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from crypto.unseal import unseal
from intake.config import STORE_NAME
from tests.center import Center
from tests.hardening.disks import mounted, new_disk, obstacle
from tests.hardening.parts import parser_of, verdict
from tests.hardening.senders import Files, complaints, is_sound, kept_in, sending
from tests.intake.conftest import Server, center_with_files, initialised, intake_command, start_server
from tests.promises.servers import acknowledged, command, write_ack
from tests.server_copy import ROOT

CUTS: Final = 200
TOGETHER: Final = 10  # cuts of one load
PAUSE: Final = 0.8  # seconds between two of them, at most
SITE: Final = "site"  # folder of the server on its disk


class Load(StrEnum):
    """What is going on when the power fails."""

    TEXT = "text"
    FILES = "files"
    EXCHANGE = "exchange"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A copy of the disk, and what was known when it was made.

    Attributes:
        image: the copy.
        told: reports that had been acknowledged to their senders before.
        forgettable: stories that an acknowledgement of the review machine had named before the copy was there.
    """

    image: Path
    told: Mapping[str, Files]
    forgettable: frozenset[str]


def cut_under_load(folder: Path, load: Load, *, cuts: int, seed: int, tree: Path = ROOT) -> Iterator[str]:
    """Make a disk, load a server on it, cut its power so many times; yield what was wrong with each cut.

    Args:
        folder: empty.
        load: what goes on meanwhile.
        cuts: how often.
        seed: of the moments, and of what is sent.
        tree: whose code is run.
    """
    chance = random.Random(seed)  # noqa: S311 - a test that can be run again
    center = center_with_files() if load is Load.FILES else None
    with new_disk(folder) as disk:
        config, port, made = initialised(disk.root / SITE, center)
        os.sync()  # the operator's own files lie there since long
        server = start_server(config, port, made, tree=tree)
        told: dict[str, Files] = {}
        named: set[str] = set()
        taken: list[Cut] = []
        exchange = _exchanging(server, folder, named) if load is Load.EXCHANGE else nullcontext()
        with sending(server, told, name=load, seed=seed, with_files=load is Load.FILES), exchange:
            for number in range(cuts):
                time.sleep(chance.uniform(0.05, PAUSE))
                before = dict(told)
                image = disk.cut(number)
                taken.append(Cut(image=image, told=before, forgettable=frozenset(named)))
        for number, cut in enumerate(taken):
            with mounted(cut.image, folder / "cut") as root:
                for wrong in _examine(root / SITE, made, cut):
                    yield f"cut {number} of {load}: {wrong}"
                if number == len(taken) - 1:
                    _go_on(root / SITE, port, made)
        if not taken[-1].told:
            yield f"{load}: no report was taken, so nothing was tried"


def _examine(site: Path, center: Center, cut: Cut) -> Iterator[str]:
    """Look at a copy as the operator's commands find it."""
    config = site / "intake.toml"
    done = subprocess.run(intake_command(config, "check"), capture_output=True, text=True, check=False)
    if done.returncode:
        yield f"`intake check` refuses: {done.stderr.strip()}"
        return
    kept = kept_in(config, center)
    there = {
        story: files for story, files in cut.told.items() if story in kept or story not in cut.forgettable
    }
    yield from complaints(there, kept)
    if not is_sound(site / "data" / STORE_NAME):
        yield "the store is damaged"


def _go_on(site: Path, port: int, center: Center) -> None:
    """The server starts on a copy, takes a report, and exports what is there; each step asserts itself."""
    server = start_server(site / "intake.toml", port, center)
    try:
        assert server.post({"narrative": ["The power is back."]})[0] == 303
    finally:
        server.kill()
    stick = site / "stick"
    stick.mkdir()
    command(server, ROOT, "export", str(stick))


@contextmanager
def _exchanging(server: Server, folder: Path, named: set[str]) -> Iterator[None]:
    """Export and acknowledge for the length of a block, as an operator does in a year; sticks do not lose power."""
    is_over = threading.Event()
    failed: list[BaseException] = []

    def exchange() -> None:
        number = 0
        try:
            while not is_over.is_set():
                number += 1
                stick = folder / f"stick-{number}"
                stick.mkdir()
                bundle = Path(command(server, ROOT, "export", str(stick), "--json")["bundle"])
                ack = replace(acknowledged(bundle, server), ack_seq=number)
                for path in bundle.glob("*.age"):
                    story = unseal(path.read_bytes(), server.center.identities).report.narrative
                    named.add(story or "")
                command(server, ROOT, "acknowledge", str(write_ack(stick, ack, server.center.ack_seed)))
        except BaseException as error:  # noqa: BLE001 - raised again below, in the thread that waits
            failed.append(error)

    thread = threading.Thread(target=exchange)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
    if failed:
        raise failed[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the loads of one part; end with 1 if anything was lost."""
    parser = parser_of("tests.hardening.power", __doc__)
    parser.add_argument("--cuts", type=int, default=CUTS, help="over all parts")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32), help="to run the same again")
    given = parser.parse_args(arguments)
    part, parts = given.part
    if reason := obstacle():
        print(f"power: SKIPPED, {reason}")
        return 0
    print(f"power: {given.cuts} cuts, seed {given.seed}, part {part}/{parts}", flush=True)
    wrong: list[str] = []
    loads = [min(TOGETHER, given.cuts - done) for done in range(0, given.cuts, TOGETHER)]
    for number, count in list(enumerate(loads))[part - 1 :: parts]:
        load = list(Load)[number % len(Load)]
        with tempfile.TemporaryDirectory(prefix="power-") as name:
            wrong += cut_under_load(Path(name), load, cuts=count, seed=given.seed + number)
        print(f"power: load {number}, {load}: {count} cuts, {len(wrong)} complaints so far", flush=True)
    return verdict("power", wrong)


if __name__ == "__main__":
    sys.exit(main())
