"""People who send reports until the server is gone, some with files, and what became of their reports."""

import contextlib
import hashlib
import http.client
import random
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from crypto.unseal import unseal
from intake.config import load
from intake.store import Store
from tests.center import Center
from tests.intake.conftest import Server
from tests.intake.test_uploads import CONTENT_TYPE, body_of

Files = tuple[str, ...]  # SHA-256 of each, in the order in which they were chosen
TOLD: Final = {"narrative": ["We were shouted at."], "incident_types": ["words"]}
COUNT: Final = 16  # people who send at the same time: as many as share a commit
WITH_FILES: Final = 0.1  # of all reports, where the Center takes files
SMALL: Final = 200_000  # bytes of a file, at most
LARGE: Final = (
    6_000_000  # of one in ten files: a kill in the middle of it meets an upload, a seal or many slots
)
PATIENCE: Final = 20  # seconds for an answer


@contextlib.contextmanager
def sending(
    server: Server, told: dict[str, Files], *, name: str, seed: int, with_files: bool
) -> Iterator[Sequence[threading.Thread]]:
    """Let people send for the length of a block, which must end with a dead server.

    Args:
        server: running.
        told: filled with the story of each report that was answered 303, and its files.
        name: no other stories are called so.
        seed: of what is sent.
        with_files: the Center takes files.
    """

    def go_on(one: int) -> None:
        chance = random.Random(f"{seed} {name} {one}")  # noqa: S311 - a test that can be run again
        for number in range(1_000_000):
            story = f"story {name} {one} {number}"
            contents = _contents(chance) if with_files and chance.random() < WITH_FILES else []
            try:
                status = send(server, story, contents)
            except (OSError, http.client.HTTPException):
                if server.process.poll() is not None:
                    return
                continue
            if status == 303:
                told[story] = tuple(hashlib.sha256(content).hexdigest() for content in contents)

    threads = [threading.Thread(target=go_on, args=(one,)) for one in range(COUNT)]
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        if server.process.poll() is None:
            server.kill()
        for thread in threads:
            thread.join()


def kept_in(config: Path, center: Center) -> dict[str, list[Files]]:
    """Open every stored report: the files of each, by its story."""
    found: dict[str, list[Files]] = {}
    store = Store(load(config).intake.store)
    try:
        for envelope in store.pending():
            opened = unseal(envelope.sealed, center.identities)
            files = tuple(hashlib.sha256(content).hexdigest() for content in opened.attachments)
            found.setdefault(opened.report.narrative or "", []).append(files)
    finally:
        store.close()
    return found


def complaints(told: Mapping[str, Files], kept: Mapping[str, Sequence[Files]]) -> list[str]:
    """What is wrong with what was kept of what was acknowledged."""
    lost = [story for story in told if story not in kept]
    twice = [story for story, found in kept.items() if len(found) > 1]
    other = [story for story, files in told.items() if any(found != files for found in kept.get(story, ()))]
    said = {
        "were acknowledged and are not there": lost,
        "lie in the store twice": twice,
        "have other files than were sent": other,
    }
    return [
        f"{len(stories)} reports {what}, such as {stories[0]!r}" for what, stories in said.items() if stories
    ]


def is_sound(store: Path) -> bool:
    """Whether SQLite finds nothing wrong with the file of a store."""
    with contextlib.closing(sqlite3.connect(store)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def _contents(chance: random.Random) -> list[bytes]:
    limits = [LARGE if chance.random() < 0.1 else SMALL for _ in range(chance.randint(1, 3))]
    return [chance.randbytes(chance.randint(1, limit)) for limit in limits]


def send(server: Server, story: str, contents: Iterable[bytes]) -> int:
    """Send one report, with files if there are any; the status of the answer."""
    files = [(f"{number}.jpg", "image/jpeg", content) for number, content in enumerate(contents)]
    if not files:
        return server.post({**TOLD, "narrative": [story]}, timeout=PATIENCE)[0]
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        body = body_of({"narrative": story, "incident_types": "words"}, files)
        connection.request("POST", "/en/send", body, {"Content-Type": CONTENT_TYPE})
        return connection.getresponse().status
    finally:
        connection.close()
