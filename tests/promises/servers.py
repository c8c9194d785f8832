"""The running server seen from outside: visits, refusals, traces, kills. Each takes the tree to run, honest or sinful."""

import contextlib
import hashlib
import html
import http.client
import json
import os
import re
import shutil
import sqlite3
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from crypto import labels, signing
from crypto.bundle import AckEntry, Acknowledgement, AckState, format_acknowledgement, read_manifest
from crypto.report import QUESTIONS, Kind
from intake.config import load
from tests.center import Center
from tests.intake.conftest import Server, initialised, intake_command, start_server
from tests.server_copy import ROOT

TOLD = {"narrative": ["We were shouted at."], "incident_types": ["words"]}
TEXTS = tuple(asked.name for asked in QUESTIONS if asked.kind is Kind.TEXT)
FORM_TYPE = "application/x-www-form-urlencoded"
SENDERS = 16  # people who send at the same time: as many as share a commit

needs_strace = pytest.mark.skipif(
    os.geteuid() != 0 or (shutil.which("strace") is None and os.environ.get("CI") != "true"),
    reason="needs strace, and root: a hardened server shows its buffers to nobody else",
)


@contextlib.contextmanager
def running(
    root: Path, tree: Path = ROOT, *, prefix: Sequence[str] = (), lines: str = ""
) -> Iterator[Server]:
    """A server of a source tree on a fresh store below a directory, killed at the end."""
    root.mkdir(parents=True, exist_ok=True)
    config, port, center = initialised(root, lines=lines)
    server = start_server(config, port, center, prefix=prefix, tree=tree)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()


def command(server: Server, tree: Path, *words: str) -> dict:
    """Run an operator's command against a server's files; what it says with --json, else nothing."""
    done = subprocess.run(
        intake_command(server.config, *words), cwd=tree, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if "--json" in words else {}


def sent_from(
    server: Server, source: str, body: bytes, headers: Mapping[str, str], *, method: str = "POST"
) -> int:
    """Send one request from an address of the loopback net; the status."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, source_address=(source, 0))
    connection.request(method, "/en/form", body, dict(headers))
    status = connection.getresponse().status
    connection.close()
    return status


# --- P6: acknowledgements -------------------------------------------------------------------------


def acknowledged(bundle: Path, server: Server) -> Acknowledgement:
    """Answer a bundle truly, as the review machine does, without opening it."""
    raw = (bundle / "manifest.json").read_bytes()
    public = signing.parse_public_key((load(server.config).intake.data_dir / "export.pub").read_text())
    signature = (bundle / "manifest.sig").read_bytes()
    manifest = read_manifest(raw, signature, export_public=public, center=server.center.id)
    return Acknowledgement(
        center=server.center.id,
        ack_seq=1,
        manifest=hashlib.sha256(raw).hexdigest(),
        stored=tuple(
            AckEntry(id=one.id, sha256=one.sha256, state=AckState.READ) for one in manifest.envelopes
        ),
        audit_head="0" * 64,
    )


def write_ack(directory: Path, ack: Acknowledgement, seed: bytes) -> Path:
    """Write an acknowledgement and its signature as a stick carries them."""
    content = format_acknowledgement(ack)
    path = directory / "acknowledgement.json"
    path.write_bytes(content)
    path.with_suffix(".sig").write_bytes(signing.sign(labels.ACK, content, seed))
    return path


def _of_other_bytes(ack: Acknowledgement, center: Center) -> tuple[Acknowledgement, bytes]:
    return replace(ack, stored=tuple(replace(one, sha256="0" * 64) for one in ack.stored)), center.ack_seed


def _of_another_report(ack: Acknowledgement, center: Center) -> tuple[Acknowledgement, bytes]:
    others = tuple(replace(one, id=f"7{number:015x}") for number, one in enumerate(ack.stored))
    return replace(ack, stored=others), center.ack_seed


def _signed_by_the_server(ack: Acknowledgement, center: Center) -> tuple[Acknowledgement, bytes]:
    return ack, center.export_seed


def _of_another_center(ack: Acknowledgement, center: Center) -> tuple[Acknowledgement, bytes]:
    return replace(ack, center="another-center"), center.ack_seed


FALSE_ACKS: Mapping[str, Callable[[Acknowledgement, Center], tuple[Acknowledgement, bytes]]] = {
    "of other bytes": _of_other_bytes,
    "of another report": _of_another_report,
    "signed by another key": _signed_by_the_server,
    "of another center": _of_another_center,
}


# --- P5, P6: a trace -------------------------------------------------------------------------------


def traced_post(root: Path, tree: Path, word: str) -> list[str]:
    """Run a server under strace and send it one report; every call from the post to the end of the answer."""
    trace = root / "trace.txt"
    calls = (
        "trace=fsync,fdatasync,write,pwrite64,writev,pwritev,ftruncate,sendto,sendmsg,recvfrom,openat,rename"
    )
    prefix = ["strace", "-f", "-qq", "-yy", "-s", "200000", "-e", calls, "-o", str(trace)]
    with running(root / "server", tree, prefix=prefix) as server:
        status, _ = server.post({**TOLD, "narrative": [word]})
        assert status == 303
        # The client may have the answer before the trace has the end of the call that sent it.
        with urllib.request.urlopen(f"{server.url}/healthz", timeout=30):
            pass
    lines = list(_whole_calls(trace.read_text()))
    (received,) = (at for at, line in enumerate(lines) if "recvfrom(" in line and "POST /en/form" in line)
    return lines[received:]


def _whole_calls(trace: str) -> Iterator[str]:
    """Lines of a trace, a call that another process interrupted put together again where it ended."""
    begun: dict[str, str] = {}
    for line in trace.splitlines():
        process, _, call = line.partition(" ")
        if call.endswith("<unfinished ...>"):
            begun[process] = call.removesuffix("<unfinished ...>")
        elif resumed := re.match(r"\s*<\.\.\. \w+ resumed>(.*)", call):
            yield begun.pop(process, "") + resumed[1]
        else:
            yield call


def is_durable_at_the_answer(calls: Sequence[str]) -> bool:
    """Whether the store was written, and every byte written to it or its journal synced, before the 303 left."""
    unsynced: set[str] = set()
    written = False
    for call in calls:
        name, _, rest = call.strip().partition("(")
        path = re.match(r"\d+<([^>]*/store\.sqlite[^>]*)>", rest)
        if name == "sendto" and "HTTP/1.1 303" in call:
            return written and not unsynced
        if path is None:
            continue
        if name in {"write", "pwrite64", "writev", "pwritev", "ftruncate"}:
            unsynced.add(path[1])
            written = written or path[1].endswith("store.sqlite")
        elif name in {"fsync", "fdatasync"} and call.rstrip().endswith("= 0"):
            unsynced.discard(path[1])
    raise AssertionError("the answer is not in the trace")


def written_anywhere(calls: Sequence[str], word: str) -> list[str]:
    """Calls that gave a word to anything but a socket."""
    writing = re.compile(r"\s*(write|pwrite64|writev|pwritev|sendto|sendmsg|openat|rename)\(")
    return [call for call in calls if word in call and writing.match(call) and "TCP" not in call]


# --- P7: refusals -----------------------------------------------------------------------------------


def refusals(server: Server, words: str) -> dict[str, str]:
    """Press a button after typing words, once for each thing that keeps them from being stored: `{what: page}`."""
    told = {**TOLD, "narrative": [words]}
    pages = {
        "nothing told": server.post({"own_words": [words]}),
        "too long": server.post({**told, "own_words": ["x" * 121]}),
        "far too long": server.post({**told, "narrative": ["x" * 1_000_000 + words + "x" * 900_000]}),
        "too much": server.post({**told, "contact": ["x" * 2_200_000]}),
        "another site": _sent(server, told, {"Sec-Fetch-Site": "cross-site"}),
        "not UTF-8": _sent(server, told, {}, more=b"&own_words=%E9"),
        "another language": _sent(server, {**told, "do": ["show"]}, {}, path="/ar/form"),
    }
    other = sqlite3.connect(load(server.config).intake.store, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    pages["locked store"] = server.post(told)
    other.execute("ROLLBACK")
    other.close()
    for what, (status, _) in pages.items():
        assert status != 303, what
    return {what: page for what, (_, page) in pages.items()}


def without_the_words(pages: Mapping[str, str], words: str) -> list[str]:
    """Which pages do not hold what was typed."""
    return [what for what, page in pages.items() if words not in html.unescape(page)]


def _sent(
    server: Server,
    answers: Mapping[str, Sequence[str]],
    headers: Mapping[str, str],
    *,
    more: bytes = b"",
    path: str = "/en/form",
) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    body = urllib.parse.urlencode(answers, doseq=True).encode() + more
    connection.request("POST", path, body, {"Content-Type": FORM_TYPE, **headers})
    answer = connection.getresponse()
    page = answer.read().decode()
    connection.close()
    return answer.status, page
