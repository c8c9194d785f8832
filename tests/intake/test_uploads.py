"""Files with a report: encrypted while they arrive, sealed in the same envelope, and no word lost when one is refused."""

import contextlib
import hashlib
import html
import http.client
import io
import os
import random
import re
import secrets
import signal
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from flask import Request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from crypto import age
from crypto.payload import CLASS_FLOOR
from intake import slots
from intake.bodies import Reading
from intake.config import Limits
from intake.multipart import FILES_TYPE, MAX_CLAIM, read_with_files
from intake.store import Store
from tests.center import example_content, make_center
from tests.intake.conftest import (
    Form,
    Server,
    center_with_files,
    initialised,
    make_form,
    start_server,
)
from tests.intake.traces import lines_of, watched
from tests.promises import search
from tests.promises.servers import needs_strace
from tests.server_copy import ROOT, server_copy, sinful

BOUNDARY = b"x7391boundary"
STORY = "Ayer en la parada.\n\nالسلام عليكم & <b>bold</b>"
FILES = (
    ("Ünïcode – 照片.jpg", "image/jpeg", secrets.token_bytes(700_000)),
    ("../../etc/passwd", "text/plain", b"--x7391boundary is written here, too\r\n"),
    ("empty.txt", "", b""),
)
WORDS = {"narrative": STORY, "when_text": "۱۴۰۵ آبان", "incident_types": "threat"}


def body_of(fields: dict[str, str], files: Sequence[tuple[str, str, bytes]]) -> bytes:
    """A body as browsers write it: the words first, then the files."""
    parts = [
        f'--{BOUNDARY.decode()}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for name, kind, content in files:
        head = f'--{BOUNDARY.decode()}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
        kind_line = f"Content-Type: {kind}\r\n" if kind else ""
        parts.append(f"{head}{kind_line}\r\n".encode() + content + b"\r\n")
    return b"".join(parts) + b"--" + BOUNDARY + b"--\r\n"


def _spoilt(body: bytes, seed: int) -> bytes:
    """A body with some of its bytes lost, doubled or replaced."""
    chance, spoilt = random.Random(seed), bytearray(body)  # noqa: S311 - a test that can be run again
    for _ in range(chance.randint(1, 4)):
        begin = chance.randrange(len(spoilt))
        piece = spoilt[begin : begin + chance.randint(1, 20)]
        spoilt[begin : begin + len(piece)] = chance.choice([b"", piece * 2, chance.randbytes(len(piece))])
    return bytes(spoilt)


CONTENT_TYPE = f"{FILES_TYPE}; boundary={BOUNDARY.decode()}"


class Trickle(io.RawIOBase):
    """A body that arrives in pieces of given lengths, over and over."""

    def __init__(self, body: bytes, lengths: Sequence[int]) -> None:
        self._body = io.BytesIO(body)
        self._lengths = list(lengths)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        self._lengths.append(length := self._lengths.pop(0))
        piece = self._body.read(min(length, len(buffer)))
        buffer[: len(piece)] = piece
        return len(piece)


def read(
    body: bytes,
    directory: Path,
    *,
    lengths: Sequence[int] = (65_536,),
    limits: Limits | None = None,
    **environ,
):
    """Read a body as it would come from a server."""
    values = EnvironBuilder(method="POST").get_environ() | {
        "wsgi.input_terminated": True,
        "wsgi.input": Trickle(body, lengths),
        "CONTENT_TYPE": CONTENT_TYPE,
        "CONTENT_LENGTH": str(len(body)),
    }
    values |= environ
    return read_with_files(Request(values), limits or Limits(), directory)


def contents(posted) -> list[bytes]:
    """The files of a post, in clear."""
    return [b"".join(upload.attachment.pieces) for upload in posted.uploads]


@pytest.fixture
def form(tmp_path: Path) -> Iterator[Form]:
    """A server side of a Center that takes files."""
    made = make_form(tmp_path, make_center(content=example_content(attachments=True)))
    yield made
    made.store.close()


def send(form: Form, fields: dict[str, str], files: Sequence[tuple[str, str, bytes]], **headers):
    """Press Send on the check page."""
    return form.client.post(
        "/en/send", data=body_of(fields, files), content_type=CONTENT_TYPE, headers=headers
    )


# What comes through


def test_files_are_sealed_with_the_report_as_they_came(form):
    """Bytes, names and types in order; a name is only carried."""
    answer = send(form, WORDS, FILES)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/en/done")
    (opened,) = form.opened()
    assert opened.report.narrative == STORY
    assert opened.attachments == tuple(content for _, _, content in FILES)
    assert [(one.name, one.claimed_type) for one in opened.header.attachments] == [
        (name, kind) for name, kind, _ in FILES
    ]


def test_a_report_whose_files_were_left_out_looks_like_any_other(form):
    """Browsers send an empty part for a file that was not chosen."""
    empty = ("", "application/octet-stream", b"")

    assert send(form, WORDS, (empty, empty, empty)).status_code == 303

    (stored,) = form.store.pending()
    assert len(stored.sealed) == age.sealed_size(CLASS_FLOOR, 1)


def test_a_report_with_files_takes_as_many_slots_as_its_class(form):
    """A class is all that shows of files (P3): how many there were, or how large, does not."""
    for files in (FILES[:1], [("a", "b", secrets.token_bytes(350_000))] * 2):
        send(form, WORDS, files)

    sizes = {len(places) for places in form.store.index().values()}
    assert sizes == {slots.parts_of(age.sealed_size(1 << 20, 1))}


@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    files=st.lists(
        st.builds(
            lambda content, copies: (content + b"\r\n--x7391boundar") * copies,
            st.binary(max_size=300),
            st.integers(0, 40),
        ),
        max_size=3,
    ),
    lengths=st.lists(st.integers(1, 3_000), min_size=1, max_size=5),
)
def test_any_file_arrives_unchanged_however_the_network_cuts_it(files, lengths, tmp_path_factory):
    """A boundary that falls between two packets must not cost a byte."""
    body = body_of(WORDS, [("a.bin", "x/y", content) for content in files])
    with contextlib.closing(read(body, tmp_path_factory.getbasetemp(), lengths=lengths)) as posted:
        assert posted.reading is Reading.WHOLE
        assert contents(posted) == files
        assert posted.first("narrative") == STORY


def test_claims_of_a_browser_are_kept_short(tmp_path):
    """Names are never longer than file systems allow."""
    body = body_of({}, [("n" * 900, "t" * 900, b"x")])

    with contextlib.closing(read(body, tmp_path)) as posted:
        (upload,) = posted.uploads

    assert (len(upload.meta.name), len(upload.meta.claimed_type)) == (MAX_CLAIM, MAX_CLAIM)
    assert "n" * 9 not in repr(posted) + repr(upload)


# What is refused gives every word back

SMALL = Limits(text_kib=256, file_mib=1, drain_mib=4)
LARGE = ("large.jpg", "image/jpeg", b"x" * 1_100_000)
REFUSED = {
    "a file too large": (413, WORDS, [LARGE], "too large"),
    "a large file before a small one": (413, WORDS, [LARGE, FILES[1]], "too large"),
    "four files": (413, WORDS, [FILES[1]] * 4, "too many"),
    "too much text": (413, WORDS | {"contact": "x" * 300_000}, FILES[1:2], "first part"),
    "letters that are no UTF-8": (422, WORDS | {"own_words": "@@"}, FILES[1:2], "letters"),
    "nothing told": (422, {"when_text": "۱۴۰۵ آبان"}, FILES[1:2], "One of the two is enough"),
    "a text above its limit": (422, WORDS | {"own_words": "x" * 500}, FILES[1:2], "too long"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_whatever_is_refused_gives_the_words_back_and_says_to_choose_again(case, tmp_path):
    """No browser remembers a chosen file, and no word may be typed twice (P7)."""
    status, fields, files, sentence = REFUSED[case]
    form = make_form(
        tmp_path, make_center(content=example_content(attachments=True)), limits=SMALL, deadline_seconds=0.2
    )

    body = body_of(fields, files).replace(b"@@", b"\xff\xfe")
    answer = form.client.post("/en/send", data=body, content_type=CONTENT_TYPE)

    page = html.unescape(answer.data.decode())
    assert answer.status_code == status
    assert sentence in page
    assert "choose them again" in page
    assert fields["when_text"] in page
    assert STORY in page or "narrative" not in fields
    assert form.store.count() == 0
    assert left_behind(tmp_path) == []
    form.store.close()


TOLD = body_of(
    {"narrative": "Zaunkoenig4417"}, [("Zaunkoenig4417.jpg", "image/Zaunkoenig4417", b"Zaunkoenig4417")]
)
SPOILED = {
    "no boundary": ("multipart/form-data", TOLD),
    "an empty boundary": ("multipart/form-data; boundary=", TOLD),
    "a boundary of letters that are no ASCII": ("multipart/form-data; boundary=ü", TOLD),
    "another boundary": ("multipart/form-data; boundary=other", TOLD),
    "another type": ("multipart/mixed; boundary=" + BOUNDARY.decode(), TOLD),
    "a head without a colon": (CONTENT_TYPE, TOLD.replace(b"Content-Type: ", b"Content-Type ")),
    "a name that is no UTF-8": (CONTENT_TYPE, TOLD.replace(b"4417.jpg", b"\xff\xfe.jpg")),
    "a NUL in a name": (CONTENT_TYPE, TOLD.replace(b"4417.jpg", b"\0.jpg")),
    "a line end in a name": (CONTENT_TYPE, TOLD.replace(b"4417.jpg", b"\r\nX: 4417.jpg")),
    "a quote that stays open": (CONTENT_TYPE, TOLD.replace(b'4417.jpg"', b"4417.jpg")),
    "no disposition": (CONTENT_TYPE, TOLD.replace(b"Content-Disposition", b"Disposition")),
    "a file in another field": (CONTENT_TYPE, TOLD.replace(b'name="files"', b'name="narrative"')),
    "another transfer encoding": (
        CONTENT_TYPE,
        TOLD.replace(b"Content-Type", b"Content-Transfer-Encoding: base64\r\nX"),
    ),
    "bytes before the first part": (CONTENT_TYPE, b"Zaunkoenig4417" + TOLD),
    "no end": (CONTENT_TYPE, TOLD[:-4]),
    "nothing": (CONTENT_TYPE, b""),
} | {f"bytes {seed} changed": (CONTENT_TYPE, _spoilt(TOLD, seed)) for seed in range(120)}


def test_a_body_that_nobody_could_take_apart_is_no_fault_and_leaves_nothing(tmp_path, capsys):
    """It is taken or refused in our words; no log, and no file beside the store, tells what was in it."""
    form = make_form(tmp_path, make_center(content=example_content(attachments=True)), limits=SMALL)
    client = form.client
    for name, (kind, body) in SPOILED.items():
        answer = client.post("/en/send", data=body, content_type=kind)
        assert answer.status_code == 303 or 400 <= answer.status_code < 500, name
        assert answer.status_code == 303 or b'class="problem"' in answer.data, name

    assert "Zaunkoenig" not in "".join(capsys.readouterr())
    assert left_behind(tmp_path) == []
    assert len(form.opened()) == form.store.count()
    form.store.close()


def left_behind(root: Path) -> list[str]:
    """Files below a directory that no server keeps."""
    known = {
        "store.sqlite",
        "store.sqlite-journal",
        "export.key",
        "export.pub",
        "highest-serial",
        "last-flood",
    }
    return [str(path) for path in (root / "data").rglob("*") if path.is_file() and path.name not in known]


def test_a_post_from_another_site_gives_the_words_back(form):
    """As on the form: the person presses Send again, and it is taken."""
    answer = send(form, WORDS, FILES, **{"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403
    assert STORY in html.unescape(answer.data.decode())
    assert 'name="again" value="yes"' in answer.data.decode()


def test_a_full_disk_gives_the_words_back(form, monkeypatch):
    """Neither half a file nor half a report is kept (P6)."""
    full = form.config.intake.data_dir / "full"
    full.symlink_to("/dev/full")
    monkeypatch.setattr("intake.uploads.scratch", lambda _: full.open("r+b", buffering=0))

    answer = send(form, WORDS, FILES)

    page = html.unescape(answer.data.decode())
    assert answer.status_code == 503
    assert STORY in page
    assert "choose them again" in page
    assert form.store.count() == 0


def test_a_center_that_takes_no_files_has_no_address_for_them(tmp_path):
    """What is not offered is not there to be attacked."""
    form = make_form(tmp_path, make_center(content=example_content(attachments=False)))

    assert (
        form.client.post("/en/send", data=body_of(WORDS, FILES), content_type=CONTENT_TYPE).status_code == 404
    )
    assert b'type="file"' not in form.client.post("/en/form", data=WORDS | {"do": "check"}).data
    form.store.close()


def test_a_head_without_an_end_is_no_way_to_fill_the_memory(tmp_path):
    """What cannot be taken apart is read to its end and thrown away."""
    for body in (b"x" * 2_000_000, b"--" + BOUNDARY + b"\r\n" + b"A: b\r\n" * 500_000):
        posted = read(body, tmp_path)

        assert posted.reading in {Reading.TOO_MUCH, Reading.CUT}
        assert posted.uploads == ()


@pytest.mark.parametrize("missing", [1, 30, 60_000])
def test_a_body_that_breaks_off_is_no_report(missing, tmp_path):
    """Half a file must never look like a whole one."""
    whole = body_of(WORDS, FILES)

    posted = read(whole[:-missing], tmp_path, CONTENT_LENGTH=str(len(whole)))

    assert posted.reading is Reading.CUT
    assert posted.uploads == ()
    assert posted.first("narrative") == STORY


def test_a_body_that_drips_is_given_up(tmp_path, monkeypatch):
    """It would hold one of few places for hours; what was read of the words is there all the same."""
    monkeypatch.setattr("intake.bodies.GRACE", 0.0)
    monkeypatch.setattr("intake.bodies.SLOWEST", 1 << 40)

    posted = read(body_of(WORDS, FILES), tmp_path, lengths=[1_000])

    assert posted.reading is Reading.CUT
    assert posted.first("narrative") == STORY


# On a running server

MEBIBYTE = 1 << 20


@pytest.fixture
def taking(tmp_path: Path, socket_enabled) -> Iterator[Server]:
    """A running server of a Center that takes files."""
    with serving(tmp_path) as server:
        yield server


@contextlib.contextmanager
def serving(root: Path, tree: Path = ROOT) -> Iterator[Server]:
    """A server that takes files, with as much room as one real server has."""
    root.mkdir(exist_ok=True)
    server = start_server(*initialised(root, center_with_files()), tree=tree)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()


@contextlib.contextmanager
def begun(server: Server, size: int) -> Iterator[http.client.HTTPConnection]:
    """A post whose body of a size is still to come."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.putrequest("POST", "/en/send")
    connection.putheader("Content-Type", CONTENT_TYPE)
    connection.putheader("Content-Length", str(size))
    connection.endheaders()
    try:
        yield connection
    finally:
        connection.close()


def opened(server: Server) -> list:
    """Every stored report of a server, opened."""
    from crypto.unseal import unseal
    from intake.config import load

    store = Store(load(server.config).intake.store)
    found = [unseal(one.sealed, server.center.identities) for one in store.pending()]
    store.close()
    return found


def memory_of(server: Server) -> int:
    """The most memory that any process of a server ever had of its own, in MiB."""
    most = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError, ProcessLookupError):
            text = status.read_text()
            if os.getpgid(int(status.parent.name)) == server.process.pid:
                most = max(most, int(re.search(r"VmHWM:\s+(\d+)", text)[1]) // 1024)
    return most


@pytest.mark.loopback
def test_the_largest_report_goes_through_bounded_memory_and_leaves_no_other_file(taking, tmp_path):
    """Three files of 25 MiB fit the largest class; what is held of them at once is a few MiB."""
    server = taking
    server.post({"narrative": ["warm up"]})
    before = memory_of(server)
    files = [
        (f"{number}.mov", "video/quicktime", bytes([65 + number]) * (25 * MEBIBYTE)) for number in range(3)
    ]
    body = body_of(WORDS, files)

    with begun(server, len(body)) as connection:
        connection.send(body)
        assert connection.getresponse().status == 303

    assert memory_of(server) - before < 40  # MiB; the files are 75, and the envelope 128
    (found,) = [one for one in opened(server) if one.attachments]
    assert [hashlib.sha256(one).digest() for one in found.attachments] == [
        hashlib.sha256(content).digest() for _, _, content in files
    ]
    assert left_behind(tmp_path) == []


@pytest.mark.loopback
@pytest.mark.parametrize("end", ["the line breaks", "the server is killed"])
def test_an_upload_that_ends_too_soon_leaves_nothing_readable(end, taking, tmp_path):
    """Whoever takes the machine then finds neither file nor name nor word (P5)."""
    server, canary = taking, f"canary{secrets.token_hex(8)}"
    body = body_of(
        WORDS | {"narrative": canary}, [(f"{canary}.jpg", "image/jpeg", canary.encode() * 100_000)]
    )
    with begun(server, len(body)) as connection:
        connection.send(body[: len(body) * 2 // 3])
        time.sleep(0.5)
        if end == "the server is killed":
            server.kill()
    time.sleep(0.5)

    assert opened(server) == []
    assert left_behind(tmp_path) == []
    assert search.files_telling(tmp_path, [canary]) == set()


@pytest.mark.loopback
def test_a_server_that_is_told_to_stop_takes_what_is_still_arriving(taking):
    """A restart for an update must not cost anybody their words (P7)."""
    server = taking
    body = body_of(WORDS, [("a.jpg", "image/jpeg", secrets.token_bytes(2 * MEBIBYTE))])
    with begun(server, len(body)) as connection:
        connection.send(body[: len(body) // 2])
        time.sleep(0.5)
        os.kill(server.process.pid, signal.SIGTERM)
        time.sleep(1)
        connection.send(body[len(body) // 2 :])
        assert connection.getresponse().status == 303

    server.process.wait(30)
    assert len(opened(server)) == 1


# A server that gives its processes a second, and holds one that is silent for two for dead.
IMPATIENT = (
    "intake/serving.py",
    '            "umask": 0o077,',
    '            "umask": 0o077, "graceful_timeout": 1, "timeout": 2,',
)
NO_PATIENCE = ("intake/serving.py", '        worker.cfg.set("graceful_timeout", _UPLOAD_PATIENCE)\n', "")


@pytest.mark.loopback
@pytest.mark.parametrize(("sins", "is_kept"), [((IMPATIENT,), True), ((IMPATIENT, NO_PATIENCE), False)])
def test_a_process_that_retires_waits_for_what_is_still_arriving(sins, is_kept, tmp_path, socket_enabled):
    """Others' requests must cut nobody off; the twin waits no longer than the server itself would."""
    tree = server_copy(tmp_path / "tree")
    for sin in sins:
        sinful(tree, *sin)
    body = body_of(WORDS, [("a.jpg", "image/jpeg", secrets.token_bytes(MEBIBYTE))])
    with serving(tmp_path / "root", tree) as server, begun(server, len(body)) as connection:
        connection.send(body[: len(body) // 2])
        for _ in range(160):  # more than the requests of a life
            urllib.request.urlopen(f"{server.url}/healthz", timeout=30).close()
        time.sleep(6)
        try:
            connection.send(body[len(body) // 2 :])
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException):
            status = 0

    assert (status == 303) == is_kept


# What reaches a disk

CANARY = "Wiedehopf8853"
SPOOLED_IN_CLEAR = (
    "intake/uploads.py",
    "self._file.write(self._cipher.update(piece))",
    "scratch(Path('/tmp')).write(piece), self._file.write(self._cipher.update(piece))",
)


def test_files_are_nowhere_but_inside_the_envelope(form):
    """Neither name nor content nor type lies anywhere in clear, and the opened envelope has them all (P1, P5)."""
    told = (f"{CANARY}-name.txt", f"text/{CANARY}-type", f"{CANARY}-content".encode() * 90_000)

    assert send(form, WORDS, (told,)).status_code == 303

    assert search.files_telling(form.config.path.parent, [CANARY]) == set()
    (opened,) = form.opened()
    (meta,) = opened.header.attachments
    assert (meta.name, meta.claimed_type, opened.attachments[0]) == told


def traced_upload(server: Server, trace: Path) -> list[str]:
    """Send a file to a running server whose calls are watched; the calls that gave its words to anything but a socket."""
    body = body_of({"narrative": CANARY}, [(f"{CANARY}.txt", "text/plain", CANARY.encode() * 90_000)])
    calls = "write,pwrite64,writev,pwritev,sendto,sendmsg,openat,rename"
    with watched(server.process.pid, trace, calls), begun(server, len(body)) as connection:
        connection.send(body)
        assert connection.getresponse().status == 303
    lines = lines_of(trace)
    assert any("pwrite64(" in line and "store.sqlite" in line for line in lines)
    return [line[:200] for line in lines if CANARY in line and "TCP" not in line]


@needs_strace
@pytest.mark.loopback
def test_no_call_gives_a_file_in_clear_to_anything_but_the_line(taking, tmp_path):
    """Not to a disk, not to a temporary file without a name: these no search of a disk would find (P5)."""
    assert traced_upload(taking, tmp_path / "trace.txt") == []


@needs_strace
@pytest.mark.loopback
def test_twin_a_spool_in_clear_is_found_out(tmp_path, socket_enabled):
    """The same trace of a server that forgets to encrypt."""
    tree = sinful(server_copy(tmp_path / "tree"), *SPOOLED_IN_CLEAR)
    with serving(tmp_path / "root", tree) as server:
        assert traced_upload(server, tmp_path / "trace.txt")
