"""What running processes ask of the kernel, written down by strace."""

import re
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bench.servers import is_traced

_MAKING = re.compile(r'openat\([^,]*, "([^"]*)", [^)]*(?:O_CREAT|O_TMPFILE)')


def family(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


@contextmanager
def watched(pid: int, trace: Path, calls: str) -> Iterator[None]:
    """Write down some calls of a process and its children until the block ends."""
    everyone = family(pid)
    command = ["strace", "-f", "-qq", "-yy", "-s", "2000000", "-e", f"trace={calls}", "-o", str(trace)]
    command += [word for one in everyone for word in ("-p", str(one))]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as tracer:
        while not all(map(is_traced, everyone)):
            assert tracer.poll() is None, "strace gave up"
            time.sleep(0.05)
        yield
        tracer.terminate()


def lines_of(trace: Path) -> list[str]:
    """The calls of a trace."""
    return trace.read_text(errors="replace").splitlines()


def folders_written(calls: Sequence[str], *, but: Iterable[Path] = ()) -> set[Path]:
    """Folders outside of some in which a file was made, with a name or without, but for the server's heartbeats."""
    found = set()
    for call in calls:
        if (made := _MAKING.search(call)) and "/wgunicorn-" not in made[1]:
            path = Path(made[1])
            found.add(path if "O_TMPFILE" in call else path.parent)
    return {one for one in found if not any(one.is_relative_to(other) for other in but)}
