"""The machine that `intake doctor` looks at, as one value: where its files lie, and the few things that must be asked.

The rim of the doctor: everything else there is a function of this value. It reads and asks; it never changes anything.
"""

import http.client
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from intake.clock import Now, utc_now
from intake.config import IntakeConfig

_PATIENCE: Final = 10  # seconds for an answer of the form or of a program of the system


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the form answered: status, and headers by lower-case name."""

    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One machine.

    Attributes:
        root: its file system; places of the system are looked for below it, those of the config file are not.
        environment: variables that this process was started with, and so the form if it is started by hand.
        account: the effective user id.
        now: the moment.
        free_bytes: what a disk has left, by a path on it.
        is_synchronised: whether the clock is set by the network; None where the system does not say.
        ask: fetches a page of the form. Raises OSError or HTTPException when nobody answers.
    """

    root: Path
    environment: Mapping[str, str]
    account: int
    now: Now
    free_bytes: Callable[[Path], int]
    is_synchronised: Callable[[], bool | None]
    ask: Callable[[IntakeConfig, str], Answer]

    def at(self, place: str | Path) -> Path:
        """Find an absolute path of the system below the root."""
        return self.root / str(place).lstrip("/")

    def text(self, place: str | Path) -> str | None:
        """Read a file of the system, or None where there is none or this account may not read it."""
        try:
            return self.at(place).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None

    def texts(self, folder: str, pattern: str) -> dict[Path, str]:
        """Read the files of a folder of the system whose names fit, in the order of their names."""
        found = {one: self.text(one.relative_to(self.root)) for one in sorted(self.at(folder).glob(pattern))}
        return {one: text for one, text in found.items() if text is not None}


def this_machine() -> Machine:
    """Take the machine that this process runs on."""
    return Machine(
        root=Path("/"),
        environment=dict(os.environ),
        account=os.geteuid(),
        now=utc_now(),
        free_bytes=lambda path: shutil.disk_usage(path).free,
        is_synchronised=_is_synchronised,
        ask=ask_form,
    )


def ask_form(settings: IntakeConfig, path: str) -> Answer:
    """Fetch a page from the form itself, past any proxy.

    Raises:
        OSError: nobody listens, or this account may not connect.
        HTTPException: what came is no answer.
    """
    connection = http.client.HTTPConnection(settings.host, settings.port, timeout=_PATIENCE)
    try:
        if settings.unix_socket is not None:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(_PATIENCE)
            connection.sock.connect(str(settings.unix_socket))
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return Answer(
            status=answer.status, headers={name.lower(): value for name, value in answer.getheaders()}
        )
    finally:
        connection.close()


def _is_synchronised() -> bool | None:
    program = shutil.which("timedatectl")
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - a program of the system, and nothing from outside
            [program, "show", "--property=NTPSynchronized", "--value"],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {"yes": True, "no": False}.get(done.stdout.strip())
