"""The shipped HAProxy before a form on a Unix socket: real processes, with nothing of `deploy/` changed but places."""

import http.client
import os
import re
import shlex
import signal
import socket
import ssl
import subprocess
import time
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from intake.controls import PAD, PADDING
from tests.intake.conftest import free_port, intake_command
from tests.server_copy import ROOT

DEPLOY: Final = ROOT / "deploy"
NAME: Final = "form.example.org"
STARTED: Final = 60  # seconds until a process must answer
# What tor says of a connection (HiddenServiceExportCircuitID haproxy): the last 32 bits are the circuit.
CIRCUIT: Final = "fc00:dead:beef:4dad::5"


@dataclass(frozen=True)
class Proxy:
    """A running HAProxy, its two entrances, and the folder in which it was started."""

    clearnet: int
    onion: int
    plain: int
    process: subprocess.Popen
    folder: Path
    output: Path

    def connect(self, entrance: str, timeout: float = 30, *, circuit: str = CIRCUIT) -> socket.socket:
        """Open a connection as a visitor's browser or tor does."""
        port = self.onion if entrance == "onion" else self.clearnet
        line = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        if entrance == "onion":
            line.sendall(introduction(circuit))
            return line
        return unverified().wrap_socket(line, server_hostname=NAME)

    def ask(
        self, entrance: str, request: bytes, timeout: float = 30, *, circuit: str = CIRCUIT
    ) -> tuple[int, Mapping[str, str], str]:
        """Send one request as it stands: status, headers by lower-case name, page."""
        with self.connect(entrance, timeout, circuit=circuit) as line:
            with suppress(OSError):  # what is refused early is answered all the same
                line.sendall(request)
            return read_answer(line)


def introduction(circuit: str) -> bytes:
    """What tor says on a new connection, of whom it comes from."""
    return f"PROXY TCP6 {circuit} ::1 5 80\r\n".encode()


def unverified() -> ssl.SSLContext:
    """The certificate is the test's own; what is looked at is what goes through."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def read_answer(line: socket.socket) -> tuple[int, Mapping[str, str], str]:
    """Read one answer to its end."""
    answer = http.client.HTTPResponse(line)
    answer.begin()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()


def report(words: str, *, length: int | None = None) -> bytes:
    """A report as a browser posts it, with the empty lines that every form carries.

    Args:
        words: what happened.
        length: bytes that are announced, if other than the true number.
    """
    pairs = [("narrative", words), (PAD, PADDING.replace("\n", "\r\n"))]
    body = urllib.parse.urlencode(pairs).encode()
    return head("POST", "/en/form", length=len(body) if length is None else length) + body


def head(
    method: str,
    path: str,
    *,
    length: int | None = None,
    kind: str = "application/x-www-form-urlencoded",
    **more: str,
) -> bytes:
    """The head of a request; of a body its kind and length, if there is one."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {NAME}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]
    if length is not None:
        lines += [f"Content-Type: {kind}", f"Content-Length: {length}"]
    return "\r\n".join([*lines, "", ""]).encode()


def placed(folder: Path, door: Path, ports: Sequence[int], changes: Mapping[str, str]) -> str:
    """The shipped file with places of a test: paths, ports, and no change of account.

    Args:
        folder: of the certificate.
        door: the form's socket.
        ports: of the clearnet entrance, the onion entrance and the redirection.
        changes: texts and what stands there instead.
    """
    text = (DEPLOY / "haproxy.cfg").read_text()
    clearnet, onion, plain = ports
    for old, new in {
        "/etc/vouchsafe/errors": str(DEPLOY / "errors"),
        "/run/vouchsafe/form.sock": str(door),
        "/etc/haproxy/form.pem": str(folder / "form.pem"),
        ":::443 v4v6": f"127.0.0.1:{clearnet}",
        ":::80 v4v6": f"127.0.0.1:{plain}",
        "127.0.0.1:8081": f"127.0.0.1:{onion}",
        "    user haproxy\n    group haproxy\n": "",
        **changes,
    }.items():
        assert old in text, f"deploy/haproxy.cfg has changed: {old!r} is not in it"
        text = text.replace(old, new)
    return text


@contextmanager
def proxy_before(folder: Path, door: Path, *, changes: Mapping[str, str] | None = None) -> Iterator[Proxy]:
    """Run HAProxy in an empty folder of its own, before whatever listens at a socket.

    Args:
        folder: for the configuration.
        door: the form's socket.
        changes: texts of the shipped file and what stands there instead, for twins and shorter waits.
    """
    ports = [free_port() for _ in range(3)]
    write_certificate(folder / "form.pem")
    config = folder / "haproxy.cfg"
    config.write_text(placed(folder, door, ports, changes or {}))
    empty, output = folder / "proxy", folder / "proxy.out"
    empty.mkdir()
    with output.open("wb") as stream:
        process = subprocess.Popen(
            ["haproxy", "-db", "-f", str(config)],
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            cwd=empty,
        )
    try:
        wait_for(ports[1], process, output)
        yield Proxy(*ports[:2], ports[2], process, empty, output)
    finally:
        end(process)


def end(process: subprocess.Popen) -> None:
    """Kill a process with all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_for(port: int, process: subprocess.Popen, output: Path) -> None:
    """Wait until a port takes connections."""
    deadline = time.monotonic() + STARTED
    while time.monotonic() < deadline:
        assert process.poll() is None, output.read_text()
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError(output.read_text())


def write_certificate(path: Path) -> None:
    """Make a certificate that nobody believes."""
    subprocess.run(
        shlex.split(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
            f"-subj /CN={NAME} -keyout {path}.key -out {path}.crt"
        ),
        check=True,
        capture_output=True,
    )
    path.write_text(Path(f"{path}.crt").read_text() + Path(f"{path}.key").read_text())


@contextmanager
def form_behind(config: Path, door: Path, *, tree: Path = ROOT, prefix: Sequence[str] = ()) -> Iterator[int]:
    """Run `intake serve` behind a socket that is handed over open, as the socket unit does; yields its process id.

    Args:
        config: the server's config file; its `unix_socket` is the door.
        door: the socket.
        tree: whose code is run.
        prefix: a command that becomes the form, as the filter of a unit does.
    """
    log = config.with_name("serve.log")
    with log.open("ab") as stream:
        process = subprocess.Popen(
            [
                *("systemd-socket-activate", "-l", str(door)),
                *(["-E", "TMPDIR"] if "TMPDIR" in os.environ else []),  # it hands on few variables by itself
                *prefix,
                *intake_command(config, "serve"),
            ],
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            cwd=tree,
        )
    try:
        wait_at(door, process, log)
        yield process.pid
    finally:
        end(process)


def wait_at(door: Path, process: subprocess.Popen, log: Path) -> None:
    """Wait until the form behind a socket says that it is well."""
    deadline = time.monotonic() + STARTED
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        with suppress(OSError, http.client.HTTPException), socket.socket(socket.AF_UNIX) as line:
            line.settimeout(10)
            line.connect(str(door))
            line.sendall(head("GET", "/healthz"))
            if read_answer(line)[2] == "ok\n":
                return
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def exposure(unit: Path) -> float:
    """What `systemd-analyze security` says of a unit, from 0 to 10."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)],
        capture_output=True,
        text=True,
        check=False,  # it ends with 1 above the threshold
    )
    found = re.search(r"Overall exposure level .*: (\d+\.\d)", done.stdout)
    assert found, done.stdout + done.stderr
    return float(found[1])
