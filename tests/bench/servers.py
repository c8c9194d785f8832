"""Servers to be measured, the requests they are sent, and what those cost in CPU and in syncs."""

import http.client
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.center import Center
from tests.intake.conftest import LOOSE
from tests.intake.proxy import CIRCUIT, form_behind, introduction, proxy_before

BIN: Final = Path(sys.executable).parent
TICKS: Final = os.sysconf("SC_CLK_TCK")  # per second, of /proc
CONFIG: Final = "intake.toml"
WARM_UP: Final = 40  # requests before anything is counted
HEADERS: Final = {
    "Accept-Encoding": "gzip, deflate, br",
    "Sec-Fetch-Site": "same-origin",
}  # as browsers send them
FORM_TYPE: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request, on a connection of its own: between the form and Send lie minutes, and no browser waits so long."""

    method: str
    path: str
    body: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A running server.

    Attributes:
        pids: whose processes, and whose children's, are counted.
        port: on loopback.
        preamble: what is said on each connection before the request.
    """

    pids: tuple[int, ...]
    port: int
    preamble: bytes = b""

    def send(self, *asks: Ask) -> None:
        """Send requests, one after the other; each must be answered well."""
        for one in asks:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            headers = HEADERS | ({"Content-Type": FORM_TYPE} if one.body else {})
            try:
                connection.connect()
                connection.sock.sendall(self.preamble)
                connection.request(one.method, one.path, one.body, headers)
                answer = connection.getresponse()
                answer.read()
            finally:
                connection.close()
            if answer.status != (303 if one.body else 200):
                raise SystemExit(f"{one.method} {one.path} was answered {answer.status}")

    def cost_of(self, asks: Sequence[Ask], count: int) -> float:
        """CPU seconds of all processes for sending these requests `count` times."""
        before = self._cpu()
        for _ in range(count):
            self.send(*asks)
        return self._cpu() - before

    def syncs_of(self, ask: Ask, count: int, *, senders: int, trace: Path) -> int:
        """Count the calls that wait for the disk while a request is sent `count` times, by so many at once."""
        with ThreadPoolExecutor(senders) as pool, self._traced(trace):
            list(pool.map(lambda _: self.send(ask), range(count)))
        return len(re.findall(r"^\d+ +f(?:data)?sync\(", trace.read_text(), re.MULTILINE))

    @contextmanager
    def _traced(self, trace: Path) -> Iterator[None]:
        pids = [f"--attach={pid}" for pid in self._family()]
        command = [
            "strace",
            "-f",
            "-qq",
            "-e",
            "trace=fsync,fdatasync",
            "-e",
            "signal=none",
            "-o",
            str(trace),
            *pids,
        ]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as tracer:
            while any(not is_traced(pid) for pid in self._family()) and tracer.poll() is None:
                time.sleep(0.05)
            yield
            tracer.terminate()

    def _family(self) -> list[int]:
        children = (Path(f"/proc/{pid}/task/{pid}/children").read_text().split() for pid in self.pids)
        return [*self.pids, *(int(child) for some in children for child in some)]

    def _cpu(self) -> float:
        """CPU seconds of the server, its living children, and its children that were waited for."""
        return sum(_cpu_of(pid) for pid in self._family())


def is_traced(pid: int) -> bool:
    """Whether a process is watched by another."""
    status = Path(f"/proc/{pid}/status").read_text()
    return "TracerPid:\t0\n" not in status


def _cpu_of(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return sum(int(word) for word in fields[11:15]) / TICKS  # utime, stime, cutime, cstime


@contextmanager
def served_form(directory: Path, center: Center, *, port: int, slots: int = 1000) -> Iterator[Served]:
    """Run `intake serve` on a fresh store."""
    intake = _initialised(directory, center, f"port = {port}\nslots = {slots}")
    with started([*intake, "serve"], port, "/healthz") as server:
        yield server


@contextmanager
def served_behind_proxy(directory: Path, center: Center, *, slots: int) -> Iterator[Served]:
    """The same behind the shipped HAProxy, as tor speaks to it; the CPU of both is counted."""
    door = directory / "door"
    _initialised(directory, center, f'unix_socket = "{door}"\nslots = {slots}')
    config = directory / CONFIG
    with form_behind(config, door) as pid, proxy_before(directory, door) as proxy:
        yield Served(pids=(pid, proxy.process.pid), port=proxy.onion, preamble=introduction(CIRCUIT))


def _initialised(directory: Path, center: Center, lines: str) -> list[str]:
    """Make a fresh store whose server counts reports and refuses none; the command of its operator."""
    center.write_public(directory / "public")
    example = Path("config.example.toml").read_text(encoding="utf-8")
    site = example[example.index("[site]") : example.index("[review]")]
    config = directory / CONFIG
    config.write_text(
        f'[intake]\ncenter = "{center.id}"\ndata_dir = "{directory}/data"\npublic_config = "{directory}/public"\n'
        f"production = false\n{lines}\n{LOOSE}\n{site}",
        encoding="utf-8",
    )
    intake = [str(BIN / "intake"), "--config", str(config)]
    subprocess.run([*intake, "init"], check=True, capture_output=True)
    return intake


@contextmanager
def served_floor(directory: Path, *, port: int) -> Iterator[Served]:
    """Run the bare application."""
    directory.mkdir()
    command = [sys.executable, "-m", "tests.bench.floor", str(directory), str(port)]
    with started(command, port, "/") as server:
        yield server


@contextmanager
def started(command: Sequence[str], port: int, path: str) -> Iterator[Served]:
    """Run a server until the block ends; wait until it answers."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        server = Served(pids=(process.pid,), port=port)
        try:
            for _ in range(300):
                if process.poll() is not None:
                    raise SystemExit(f"{command[0]} stopped at once; is port {port} free?")
                try:
                    server.send(Ask(method="GET", path=path))
                    break
                except OSError:
                    time.sleep(0.1)
            yield server
        finally:
            process.terminate()
