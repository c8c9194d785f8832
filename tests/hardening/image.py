"""Searches a raw disk for what people told: `python -m tests.hardening.image`.

The deployment of the guide, proxy and form, works on a disk of its own: store, logs, homes, folders for temporary files. Words with
a mark in every field, header, path, file, file name and claimed type come in at both entrances; some are refused, cut off,
or meet a process that is killed. All the while the disk is made to write down what it has. Then every written block of it is
searched for the mark in all its disguises, deleted files included, and the sealed reports are opened to see that the mark is in them.
"""

import ctypes
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crypto.unseal import unseal
from intake.config import Limits, load
from intake.store import Store
from tests.center import Center
from tests.hardening.disks import new_disk, obstacle
from tests.hardening.parts import parser_of, verdict
from tests.intake.conftest import center_with_files, initialised, intake_command
from tests.intake.proxy import Proxy, form_behind, head, proxy_before
from tests.intake.test_uploads import CONTENT_TYPE, body_of
from tests.promises.search import disguises
from tests.server_copy import ROOT

# Drawn anew each time, in letters of one, two, three and four bytes; each word that is sent begins with one of them.
MARKS: Final = tuple(begin + secrets.token_hex(5) for begin in ("Qzvx", "Ñandú", "Зяблик", "麻雀麻雀", "𝔘𝔥𝔲"))
REPORTS: Final = 120
ENTRANCES: Final = ("clearnet", "onion")
SIZES: Final = (400_000, 600_000, 2_500_000, Limits().file_mib * 1024 * 1024 - 1)  # bytes of a file
FLUSH: Final = 0.01  # seconds between two orders to write down
STEP: Final = 1 << 24  # bytes of the disk that are searched at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was found.

    Attributes:
        told: reports that were answered 303.
        opened: stored reports in which every field and file has its mark.
        searched: bytes of the disk.
        places: where on the disk a mark lies, and which one.
    """

    told: int
    opened: int
    searched: int
    places: tuple[str, ...]

    def complaints(self) -> list[str]:
        """Say what is wrong."""
        wrong = [f"on the disk lies {place}" for place in self.places]
        if not 0 < self.told <= self.opened:
            wrong.append(f"{self.told} reports were acknowledged, and {self.opened} open with what was told")
        return wrong


def look_at_disk(
    folder: Path, *, reports: int = REPORTS, sizes: Sequence[int] = SIZES, tree: Path = ROOT
) -> Outcome:
    """Run the deployment on a disk, send everything, and search the disk.

    Args:
        folder: empty.
        reports: how many of text alone.
        sizes: of files, each sent at both entrances.
        tree: whose code is run.
    """
    with new_disk(folder) as disk, _homes(disk.root):
        site, door = disk.root / "site", disk.root / "door"
        config, _, center = initialised(site, center_with_files(), lines=f'unix_socket = "{door}"')
        with (
            _flushing(disk.root),
            form_behind(config, door, tree=tree) as pid,
            proxy_before(disk.root, door) as proxy,
        ):
            told = sum(_send_texts(proxy, reports)) + sum(_send_files(proxy, sizes))
            _send_what_fails(proxy, pid)
            stick = disk.root / "stick"
            stick.mkdir()
            subprocess.run(intake_command(config, "export", str(stick)), check=True, capture_output=True)
        os.sync()
        image = disk.cut(0)
        opened = _opened_with_marks(config, center)
        searched, places = _search(image)
    return Outcome(told=told, opened=opened, searched=searched, places=places)


def _word() -> str:
    return f"{secrets.choice(MARKS)} {secrets.token_hex(4)}"


def _fields() -> dict[str, str]:
    return {name: _word() for name in ("narrative", "when_text", "own_words", "contact")} | {
        "incident_types": "threat"
    }


def _request(path: str, body: bytes, kind: str, **more: str) -> bytes:
    """A post whose every header and whose address hold the mark, too."""
    told = {
        name: urllib.parse.quote(_word())
        for name in (
            "User_Agent",
            "Referer",
            "Accept_Language",
            "X_Forwarded_For",
            "Cookie",
            "Authorization",
            "X_Made_Up",
        )
    }
    address = f"{path}?q={urllib.parse.quote(_word())}"
    return head("POST", address, length=len(body), kind=kind, **(told | more)) + body


def _send_texts(proxy: Proxy, count: int) -> Iterator[bool]:
    for number in range(count):
        body = urllib.parse.urlencode(_fields()).encode()
        request = _request("/en/form", body, "application/x-www-form-urlencoded")
        yield proxy.ask(ENTRANCES[number % 2], request)[0] == 303


def _files(size: int) -> list[tuple[str, str, bytes]]:
    content = bytearray(secrets.token_bytes(size))
    for mark, place in zip(MARKS, range(0, size, size // len(MARKS)), strict=False):
        content[place : place + len(mark.encode())] = mark.encode()
    return [(f"{_word()}.jpg", f"image/{urllib.parse.quote(_word())}", bytes(content))]


def _send_files(proxy: Proxy, sizes: Sequence[int]) -> Iterator[bool]:
    for size in sizes:
        for entrance in ENTRANCES:
            request = _request("/en/send", body_of(_fields(), _files(size)), CONTENT_TYPE)
            yield proxy.ask(entrance, request, timeout=120)[0] == 303


def _send_what_fails(proxy: Proxy, pid: int) -> None:
    """Posts that are refused, pages that are not there, uploads that break off, a process that dies in one."""
    form = "application/x-www-form-urlencoded"
    words = urllib.parse.urlencode(_fields()).encode()
    for entrance in ENTRANCES:
        for request in (
            _request("/en/form", words + b"&own_words=" + b"x" * 200, form),
            _request("/en/form", words + b"&contact=" + b"x" * 2_200_000, form),
            _request("/en/form", words, form, Sec_Fetch_Site="cross-site"),
            _request("/en/form", words, "text/plain"),
            _request(f"/en/{urllib.parse.quote(MARKS[0])}", words, form),
            _request("/en/send", body_of(_fields(), _files(600_000) * 4), CONTENT_TYPE),
            _request("/en/send", body_of(_fields(), _files(26 << 20)), CONTENT_TYPE),
        ):
            assert proxy.ask(entrance, request, timeout=120)[0] >= 400
    upload = _request("/en/send", body_of(_fields(), _files(3_000_000)), CONTENT_TYPE)
    for is_killed in (False, True):
        with proxy.connect("onion") as line, suppress(OSError):
            line.sendall(upload[: len(upload) * 2 // 3])
            if is_killed:
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
                for child in children:
                    os.kill(int(child), signal.SIGKILL)


def _opened_with_marks(config: Path, center: Center) -> int:
    """Stored reports that hold a mark in each field, and in name, type and content of each file."""
    found = 0
    store = Store(load(config).intake.store)
    for envelope in store.pending():
        opened = unseal(envelope.sealed, center.identities)
        report = opened.report
        texts = [report.narrative or "", report.when_text or "", report.own_words or ""]
        texts += [
            part
            for one in opened.header.attachments
            for part in (one.name, urllib.parse.unquote(one.claimed_type))
        ]
        is_marked = all(any(mark in text for mark in MARKS) for text in texts)
        found += is_marked and all(MARKS[0].encode() in content for content in opened.attachments)
    store.close()
    return found


def _search(image: Path) -> tuple[int, tuple[str, ...]]:
    """Search every block of a disk that was ever written."""
    needles = {needle: mark for mark in MARKS for needle in disguises(mark)}
    overlap = max(map(len, needles))
    searched, places = 0, []
    with image.open("rb", buffering=0) as file:
        for begin, end in _extents(file.fileno()):
            for at in range(begin, end, STEP):
                block = os.pread(file.fileno(), min(STEP + overlap, end - at), at)
                searched += min(STEP, end - at)
                places += [
                    f"a mark ({ascii(mark)[:8]}...) near byte {at}"
                    for needle, mark in needles.items()
                    if needle in block
                ]
    return searched, tuple(places)


def _extents(descriptor: int) -> Iterator[tuple[int, int]]:
    """The parts of a sparse file that hold anything."""
    end, size = 0, os.fstat(descriptor).st_size
    while end < size:
        try:
            begin = os.lseek(descriptor, end, os.SEEK_DATA)
        except OSError:
            return
        end = os.lseek(descriptor, begin, os.SEEK_HOLE)
        yield begin, end


@contextmanager
def _homes(root: Path) -> Iterator[None]:
    """Let every program that is started keep its temporary files and its home on the disk."""
    places: Mapping[str, str] = {
        name: str(root / name.lower()) for name in ("TMPDIR", "HOME", "XDG_RUNTIME_DIR")
    }
    before = {name: os.environ.get(name) for name in places}
    for place in places.values():
        Path(place).mkdir()
    os.environ.update(places)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _flushing(root: Path) -> Iterator[None]:
    """Have the disk write down everything it was given, again and again: what is deleted at once would not reach it."""
    is_over = threading.Event()
    descriptor = os.open(root, os.O_RDONLY)
    library = ctypes.CDLL(None, use_errno=True)

    def flush() -> None:
        while not is_over.wait(FLUSH):
            library.syncfs(descriptor)

    thread = threading.Thread(target=flush)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
        os.close(descriptor)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run in the last part of however many, or in the only one; end with 1 if anything was found."""
    parser = parser_of("tests.hardening.image", __doc__)
    parser.add_argument("--reports", type=int, default=REPORTS, help="of text alone")
    given = parser.parse_args(arguments)
    part, parts = given.part
    if part != parts:
        print("image: it is in the last part")
        return 0
    if reason := obstacle():
        print(f"image: SKIPPED, {reason}")
        return 0
    with tempfile.TemporaryDirectory(prefix="image-") as name:
        outcome = look_at_disk(Path(name), reports=given.reports)
    print(
        f"image: {outcome.told} reports acknowledged, {outcome.opened} opened, {outcome.searched >> 20} MiB searched, {len(outcome.places)} hits"
    )
    return verdict("image", outcome.complaints())


if __name__ == "__main__":
    sys.exit(main())
