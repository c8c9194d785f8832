"""How long words stay in memory: `python -m tests.hardening.memory`.

Reports with a mark each, some with files, come to a running form. Then the memory of each of its processes is searched, soon
after the last one and again when the form has been idle for a minute: by then nothing may be left. Needs root, because a hardened
process shows its memory to nobody else.
"""

import os
import re
import secrets
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.hardening.parts import parser_of, verdict
from tests.hardening.senders import send
from tests.intake.conftest import Server, center_with_files, initialised, start_server
from tests.intake.traces import family
from tests.server_copy import ROOT

REPORTS: Final = 60  # of text alone; the process that answers is replaced after a hundred requests
FILES: Final = 6  # reports with a file each
SIZE: Final = 600_000  # bytes of a file
SOON: Final = 5.0  # seconds after the last report
IDLE: Final = 60.0  # seconds
FEW: Final = 1  # reports that a process may still hold soon after the last one

_MARKS: Final = re.compile(rb"Qzvx[0-9a-f]{16}|Q\0z\0v\0x\0(?:[0-9a-f]\0){16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Reports whose mark is in memory, by process.

    Attributes:
        during: while they came; none would mean that the search is blind.
        soon: five seconds after the last one.
        idle: a minute after the last one.
    """

    during: Mapping[int, int]
    soon: Mapping[int, int]
    idle: Mapping[int, int]

    def complaints(self) -> list[str]:
        """Say what is wrong."""
        wrong = [
            f"a process holds {one} reports after {SOON:.0f} s" for one in self.soon.values() if one > FEW
        ]
        wrong += [f"a process holds {one} reports after {IDLE:.0f} s" for one in self.idle.values() if one]
        if not any(self.during.values()):
            wrong.append("no report was seen in memory, so the search is blind")
        return wrong


def look_into_memory(folder: Path, *, tree: Path = ROOT, idle: float = IDLE) -> Outcome:
    """Send reports to a form and look for them in its memory.

    Args:
        folder: empty.
        tree: whose code is run.
        idle: seconds until the last look.
    """
    server = start_server(*initialised(folder / "server", center_with_files()), tree=tree)
    try:
        marks = [f"Qzvx{secrets.token_hex(8)}" for _ in range(REPORTS + FILES)]
        for number, mark in enumerate(marks):
            content = (mark.encode() + secrets.token_bytes(1_000)) * (SIZE // 1_024)
            assert (
                send(server, f"They said {mark}.", [content] if number % (REPORTS // FILES) == 0 else [])
                == 303
            )
        during = _held(server, marks)
        last = time.monotonic()
        time.sleep(SOON)
        soon = _held(server, marks)
        time.sleep(max(0, last + idle - time.monotonic()))
        return Outcome(during=during, soon=soon, idle=_held(server, marks))
    finally:
        server.kill()


def _held(server: Server, marks: Iterable[str]) -> dict[int, int]:
    # All of them are read before any is searched: a process that is idle is soon replaced.
    memories = {pid: list(_memory_of(pid)) for pid in family(server.process.pid)}
    return {pid: len(_found_in(blocks) & set(marks)) for pid, blocks in memories.items()}


def _found_in(blocks: Iterable[bytes]) -> set[str]:
    """Marks in letters of one byte or of two."""
    found: set[bytes] = set()
    for block in blocks:
        found |= {one.replace(b"\0", b"") for one in _MARKS.findall(block)}
    return {one.decode() for one in found}


def _memory_of(pid: int) -> Iterator[bytes]:
    """What a process may write to, and with that all that it ever read."""
    maps = Path(f"/proc/{pid}/maps")
    with (
        suppress(FileNotFoundError, ProcessLookupError),
        maps.with_name("mem").open("rb", buffering=0) as memory,
    ):
        for line in maps.read_text().splitlines():
            place, rights, *_ = line.split()
            begin, end = (int(one, 16) for one in place.split("-"))
            if rights.startswith("rw"):
                with suppress(OSError):
                    yield os.pread(memory.fileno(), end - begin, begin)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run in the first part of however many; end with 1 if anything stayed."""
    part, _ = parser_of("tests.hardening.memory", __doc__).parse_args(arguments).part
    if part != 1:
        print("memory: it is in part 1")
        return 0
    if os.geteuid() != 0:
        print("memory: SKIPPED, it needs root")
        return 0
    with tempfile.TemporaryDirectory(prefix="memory-") as name:
        outcome = look_into_memory(Path(name))
    print(
        f"memory: of {REPORTS + FILES} reports, processes held {sorted(outcome.during.values())} at once, "
        f"{sorted(outcome.soon.values())} after {SOON:.0f} s, {sorted(outcome.idle.values())} after {IDLE:.0f} s"
    )
    return verdict("memory", outcome.complaints())


if __name__ == "__main__":
    sys.exit(main())
