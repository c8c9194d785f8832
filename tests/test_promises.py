"""The twelve promises of `docs/threat-model.md`: each test fails when its promise is broken.

Beside each detector stands a twin in which the promise is broken on purpose, in a copy of the server's tree or with
another table; there the same detector must fire. Details are tested beside the modules; here stands what is promised.
"""

import base64
import hashlib
import http.client
import json
import os
import re
import shutil
import sqlite3
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from crypto import labels, signing
from crypto.bundle import AckEntry, Acknowledgement, AckState, format_acknowledgement, read_manifest
from crypto.errors import HeaderError
from crypto.seal import Envelope, seal
from crypto.unseal import unseal
from intake.config import load
from intake.export import export
from intake.store import Store
from review_tool import audit
from review_tool.audit import Act
from review_tool.errors import AuditError, NotCountableError, WrongKeyError
from review_tool.gates import countable, linked
from review_tool.statistics import intruder, release
from tests.center import DAY, make_center, sample_report
from tests.intake.conftest import Server, initialised, intake_command, make_form, start_server
from tests.review_tool.review_machine import make_machine, sealed, write_bundle
from tests.review_tool.statistics.records import case, coding, record
from tests.server_copy import ROOT, python, server_copy, sinful

TOLD = {"narrative": ["We were shouted at."], "incident_types": ["words"]}
CANARY = "Kanarienvogel-ß-鳥-🐤"
TRACED = "kanarienvogel7391"  # plain letters: a trace shows them as they are
SYNCS = re.compile(r"\b(fsync|fdatasync)\(")


# --- detectors ------------------------------------------------------------------------------------


def disguises(word: str) -> set[bytes]:
    """A word as it could lie on a disk."""
    plain = word.encode()
    found = {plain, word.encode("utf-16-le"), word.encode("utf-16-be"), plain.hex().encode()}
    found |= {urllib.parse.quote(word).encode(), urllib.parse.quote_plus(word).lower().encode()}
    found.add(json.dumps(word)[1:-1].encode())
    for shift in range(3):  # base64 of the word at each alignment, without the ends that neighbours change
        found.add(base64.b64encode(b"x" * shift + plain)[4:-4])
    return found


def files_holding(root: Path, words: Iterable[str]) -> set[str]:
    """Names of files below a directory in which any of the words lies, in any disguise."""
    wanted = {disguise for word in words for disguise in disguises(word)}
    return {
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_file() and any(one in path.read_bytes() for one in wanted)
    }


def lost_words(page: str, typed: str) -> bool:
    """Whether an answer to a post gives the typed words not back."""
    return typed not in page


def loaded_modules(directory: Path) -> set[str]:
    """What the whole server loads when all its modules are imported."""
    done = python(
        directory,
        "import importlib, pkgutil, intake\n"
        "for one in pkgutil.iter_modules(intake.__path__): importlib.import_module('intake.' + one.name)\n"
        "print(*sys.modules)",
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def traced_post(server_log: Path, copy: Path, config: Path, port: int, center) -> str:
    """Post one report to a server run from a copy under strace; return the trace."""
    trace = server_log.with_name("trace.txt")
    calls = "trace=fsync,fdatasync,write,pwrite64,writev,pwritev,sendto,sendmsg,open,openat"
    prefix = ["strace", "-f", "-qq", "-yy", "-s", "200000", "-e", calls, "-o", str(trace)]
    server = start_server(config, port, center, prefix=prefix, tree=copy)
    try:
        status, _ = server.post({**TOLD, "narrative": [TRACED]})
        assert status == 303
    finally:
        server.kill()
    return trace.read_text()


def synced_before_answer(trace: str) -> bool:
    """Whether a file of the store was synced before the first byte of the 303 left."""
    before, found, _ = trace.partition("HTTP/1.1 303")
    assert found, "the answer is not in the trace"
    since_healthz = before.rpartition("HTTP/1.1 200")[2]  # the server has started and made its pool
    return any(SYNCS.search(line) and "store" in line for line in since_healthz.splitlines())


def writes_of(trace: str, word: str) -> list[str]:
    """Calls that gave a word to anything but a socket."""
    return [line for line in trace.splitlines() if word in line and "TCP" not in line]


needs_strace = pytest.mark.skipif(
    shutil.which("strace") is None and os.environ.get("CI") != "true", reason="strace is not installed"
)


# --- P1: whoever holds the server or the stick reads nothing ------------------------------------------


def told_with_canaries(client, count: int) -> list[str]:
    """Post reports with a word of their own in every text; return the words."""
    words = []
    for number in range(count):
        texts = {
            name: f"{CANARY}{name}{number}x" for name in ("narrative", "when_text", "own_words", "contact")
        }
        assert client.post("/en/form", data=TOLD | texts).status_code == 303
        words += texts.values()
    return words


def test_p1_no_word_of_a_hundred_reports_lies_on_the_server_or_the_stick(tmp_path):
    """Not in the store, its journal, the bundle or any name, in any encoding."""
    form = make_form(tmp_path / "server", slots=120)
    words = told_with_canaries(form.client, 100)
    (tmp_path / "stick").mkdir()
    export(form.exchange, tmp_path / "stick", day=DAY)

    assert files_holding(tmp_path, words) == set()


def test_p1_twin_a_store_without_a_seal_is_found_out(tmp_path):
    """The detector sees words that lie in a database, and in each disguise."""
    with sqlite3.connect(tmp_path / "store.sqlite") as connection:
        connection.execute("CREATE TABLE slot (content TEXT)")
        connection.execute("INSERT INTO slot VALUES (?)", (CANARY * 3,))
    connection.close()
    for number, disguise in enumerate(disguises(CANARY)):
        (tmp_path / str(number)).write_bytes(b"before" + disguise + b"after")

    assert len(files_holding(tmp_path, [CANARY])) == 1 + len(disguises(CANARY))


def test_p1_an_envelope_with_a_classical_stanza_is_no_envelope():
    """One X25519 stanza would let a quantum computer in; the store's only type refuses it."""
    center = make_center()
    whole = seal(sample_report(), center.config, lang="en", flags=(), day=DAY).sealed
    first_line, rest = whole.split(b"\n", 1)
    stanza = b"-> X25519 " + base64.b64encode(bytes(32)).rstrip(b"=") + b"\n"
    body = base64.b64encode(bytes(32)).rstrip(b"=") + b"\n"

    with pytest.raises(HeaderError):
        Envelope(sealed=first_line + b"\n" + stanza + body + rest)


# --- P2: nothing of who or when ----------------------------------------------------------------------


MARKS = ("Marked-Agent-7", "marked-referer-7", "203.0.113.77", "xx-marked")


def test_p2_address_agent_and_time_of_a_visit_are_kept_nowhere(tmp_path, socket_enabled):
    """A visitor from an unusual address with marked headers leaves a report and nothing else."""
    server = start_server(*initialised(tmp_path))
    before = time.time()
    try:
        _visit(server)
    finally:
        server.kill()
    times = {f"{int(before) + second}" for second in range(10)} | {
        time.strftime("%H:%M", time.gmtime(before))
    }

    log = server.log.read_bytes()
    assert files_holding(tmp_path, [*MARKS, "127.0.0.77"]) == set()
    assert not any(one.encode() in log for one in times)


def test_p2_twin_a_server_with_an_access_log_is_found_out(tmp_path, socket_enabled):
    """The same visit against a server that logs requests."""
    copy = sinful(
        server_copy(tmp_path / "copy"),
        "intake/views.py",
        "    if is_from_another_site(post):\n",
        "    _LOG.error('%s %s', post.headers.get('User-Agent'), post.environ['REMOTE_ADDR'])\n"
        "    print(post.headers.get('User-Agent'), flush=True)\n"
        "    if is_from_another_site(post):\n",
    )
    (tmp_path / "server").mkdir()
    config, port, center = initialised(tmp_path / "server")
    server = start_server(config, port, center, tree=copy)
    try:
        _visit(server)
    finally:
        server.kill()

    assert files_holding(tmp_path / "server", MARKS) != set()


def _visit(server: Server) -> None:
    """Post from 127.0.0.77 with headers that would show up."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, source_address=("127.0.0.77", 0))
    headers = {
        "User-Agent": MARKS[0],
        "Referer": f"http://127.0.0.1:{server.port}/{MARKS[1]}",
        "X-Forwarded-For": MARKS[2],
        "Accept-Language": MARKS[3],
        "Content-Type": "application/x-www-form-urlencoded",
    }
    connection.request("POST", "/en/form", urllib.parse.urlencode(TOLD, doseq=True), headers)
    assert connection.getresponse().status == 303
    connection.close()


def test_p2_rows_tell_no_order_of_arrival(tmp_path):
    """`tests/intake/test_order.py` holds this at any moment, growth included, with its twins."""
    from tests.intake import test_order

    test_order.test_the_file_tells_no_order_of_arrival_at_any_moment_growth_included(tmp_path)


# --- P3: one size ------------------------------------------------------------------------------------


def test_p3_reports_of_any_length_and_script_have_one_size():
    """10,000 of them are sealed in `tests/crypto/test_seal.py`."""
    center = make_center()
    texts = ["", "a", "ü" * 999, "鳥" * 6_000, "ਪ" * 3_000, "🐤" * 5_000, "\n" * 10 + "x"]
    sizes = {
        len(seal(sample_report(narrative=text), center.config, lang="en", flags=(), day=DAY).sealed)
        for text in texts
    }

    assert len(sizes) == 1


def test_p3_twin_without_padding_the_lengths_show(tmp_path):
    """The same with the padding taken out of a copy."""
    copy = sinful(
        server_copy(tmp_path, without=()),
        "crypto/payload.py",
        "    padded = max(CLASS_FLOOR, 1 << (size - 1).bit_length())\n",
        "    padded = size\n",
    )
    shutil.copytree(ROOT / "tests", copy / "tests", ignore=shutil.ignore_patterns("node_modules", "vectors"))
    shutil.copy(ROOT / "config.example.toml", copy)
    done = python(
        copy,
        "from crypto.seal import seal\n"
        "from tests.center import DAY, make_center, sample_report\n"
        "config = make_center().config\n"
        "print(*{len(seal(sample_report(narrative='a' * n), config, lang='en', flags=(), day=DAY).sealed)"
        " for n in (1, 500, 5000)})",
    )

    assert len(done.stdout.split()) == 3, done.stderr


# --- P4: the internet side opens nothing -----------------------------------------------------------------


def test_p4_the_whole_flow_runs_with_the_opening_code_deleted(tmp_path, socket_enabled):
    """Init, form, export and acknowledgement, as deployed."""
    copy = server_copy(tmp_path / "copy")
    (tmp_path / "server").mkdir()
    config, port, center = initialised(tmp_path / "server")
    server = start_server(config, port, center, tree=copy)
    try:
        assert server.post(TOLD)[0] == 303
        exported = _run(copy, config, "export", str(tmp_path), "--json")
        acknowledgement = _acknowledged(Path(exported["bundle"]), center, load(config).intake.data_dir)
        _run(copy, config, "acknowledge", str(acknowledgement))
        status = _run(copy, config, "status", "--json")
    finally:
        server.kill()

    assert not (copy / "crypto" / "unseal.py").exists()
    assert (status["stored"], status["awaiting_acknowledgement"]) == (0, 0)


def test_p4_no_opening_code_is_loaded_and_its_twin_is_seen(tmp_path):
    """`sys.modules` of the whole server; then the same with one import planted."""
    forbidden = {"crypto.unseal", "crypto.keystore", "sqlcipher3", "shamir_mnemonic", "review_tool"}
    copy = server_copy(tmp_path / "copy", without=())

    assert not forbidden & loaded_modules(copy)

    sinful(
        copy,
        "intake/pages.py",
        "import hashlib\n",
        "import hashlib\nimport crypto.unseal\n",
    )
    assert forbidden & loaded_modules(copy) == {"crypto.unseal"}


def _run(copy: Path, config: Path, *words: str) -> dict:
    done = subprocess.run(
        intake_command(config, *words),
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if "--json" in words else {}


def _acknowledged(bundle: Path, center, data_dir: Path) -> Path:
    """Answer a bundle as the review machine does, without opening it."""
    raw = (bundle / "manifest.json").read_bytes()
    public = signing.parse_public_key((data_dir / "export.pub").read_text())
    manifest = read_manifest(
        raw, (bundle / "manifest.sig").read_bytes(), export_public=public, center=center.id
    )
    ack = Acknowledgement(
        center=center.id,
        ack_seq=1,
        manifest=hashlib.sha256(raw).hexdigest(),
        stored=tuple(
            AckEntry(id=one.id, sha256=one.sha256, state=AckState.READ) for one in manifest.envelopes
        ),
        audit_head="0" * 64,
    )
    content = format_acknowledgement(ack)
    path = bundle.parent / "acknowledgement.json"
    path.write_bytes(content)
    path.with_suffix(".sig").write_bytes(signing.sign(labels.ACK, content, center.ack_seed))
    return path


# --- P5, P6: no plain word on a disk; "we have it" is true ---------------------------------------------------


@needs_strace
def test_p5_p6_no_word_is_written_and_the_store_is_synced_before_the_answer(tmp_path, socket_enabled):
    """A trace of the running server: kill -9 cannot show a missing sync, and no file search sees an unnamed file."""
    (tmp_path / "server").mkdir()
    config, port, center = initialised(tmp_path / "server")
    trace = traced_post(tmp_path / "log", server_copy(tmp_path / "copy"), config, port, center)

    assert synced_before_answer(trace)
    assert writes_of(trace, TRACED) == []


@needs_strace
def test_p5_p6_twin_a_server_that_spools_and_does_not_sync_is_found_out(tmp_path, socket_enabled):
    """The same trace of a server that keeps a draft in a file and lets the disk take its time."""
    copy = server_copy(tmp_path / "copy")
    sinful(copy, "intake/store.py", '    ("synchronous", "FULL", 2),\n', '    ("synchronous", "OFF", 0),\n')
    sinful(
        copy,
        "intake/views.py",
        "    if is_from_another_site(post):\n",
        "    __import__('pathlib').Path(__file__).with_name('draft').write_text(str(posted.fields))\n"
        "    if is_from_another_site(post):\n",
    )
    (tmp_path / "server").mkdir()
    config, port, center = initialised(tmp_path / "server")
    trace = traced_post(tmp_path / "log", copy, config, port, center)

    assert not synced_before_answer(trace)
    assert writes_of(trace, TRACED)


def test_p5_no_core_is_dumped(tmp_path, socket_enabled):
    """A crash must not write the memory that holds a report."""
    server = start_server(*initialised(tmp_path))
    limits = Path(f"/proc/{server.process.pid}/limits").read_text()
    server.kill()

    assert re.search(r"Max core file size\s+0\s+0\s", limits)


def killed_under_load(root: Path, tree: Path, *, cycles: int) -> tuple[set[str], set[str]]:
    """Kill the server while eight people send, again and again: (stories that were acknowledged, stories kept)."""
    config, port, center = initialised(root)
    acknowledged: set[str] = set()
    for cycle in range(cycles):
        server = start_server(config, port, center, tree=tree)
        threads = [
            threading.Thread(target=_send_until_dead, args=(server, f"{cycle}-{number}", acknowledged))
            for number in range(8)
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.7 + 0.13 * cycle)
        server.kill()
        for thread in threads:
            thread.join()
    store = Store(load(config).intake.store)
    kept = [unseal(one.sealed, center.identities).report.narrative for one in store.pending()]
    store.close()
    assert len(kept) == len(set(kept)), "a report lies twice"
    return acknowledged, set(kept)


def _send_until_dead(server: Server, name: str, acknowledged: set[str]) -> None:
    for number in range(10_000):
        story = f"story {name}-{number}"
        try:
            status, _ = server.post({**TOLD, "narrative": [story]}, timeout=10)
        except OSError:
            return
        if status == 303:
            acknowledged.add(story)


def test_p6_every_acknowledged_report_survives_kill_nine_under_load(tmp_path, socket_enabled):
    """Who saw "We have it" has a report that is there afterwards and opens."""
    acknowledged, kept = killed_under_load(tmp_path, ROOT, cycles=5)

    assert len(acknowledged) > 50
    assert acknowledged <= kept


def test_p6_twin_a_server_that_answers_before_it_stores_loses_reports(tmp_path, socket_enabled):
    """The same with the commit left to a thread."""
    copy = sinful(
        server_copy(tmp_path / "copy"),
        "intake/views.py",
        "        parts.store.add(envelope, now.week)\n",
        "        __import__('threading').Timer(0.5, parts.store.add, (envelope, now.week)).start()\n",
    )
    (tmp_path / "server").mkdir()
    acknowledged, kept = killed_under_load(tmp_path / "server", copy, cycles=1)

    assert not acknowledged <= kept


def test_p6_nothing_is_forgotten_without_a_signed_acknowledgement_of_the_same_bytes(tmp_path):
    """Forged, foreign, old and altered ones are refused in `tests/intake/test_export.py`."""
    form = make_form(tmp_path / "server")
    assert form.client.post("/en/form", data=TOLD).status_code == 303
    (stored,) = form.store.pending()
    ack = Acknowledgement(
        center=form.center.id,
        ack_seq=1,
        manifest="0" * 64,
        stored=(AckEntry(id=stored.id, sha256="0" * 64, state=AckState.READ),),
        audit_head="0" * 64,
    )
    content = format_acknowledgement(ack)
    path = tmp_path / "ack.json"
    path.write_bytes(content)
    path.with_suffix(".sig").write_bytes(signing.sign(labels.ACK, content, form.center.ack_seed))

    subprocess.run(
        intake_command(tmp_path / "server" / "intake.toml", "acknowledge", str(path)),
        check=False,
        capture_output=True,
        cwd=ROOT,
    )

    assert [one.sealed for one in form.store.pending()] == [stored.sealed]


# --- P7: typed words come back -----------------------------------------------------------------------------


def answers_with_words(form) -> dict[str, str]:
    """Every kind of refusal, each after words were typed: `{case: page}`."""
    words = {"narrative": CANARY}
    told = TOLD | words
    pages = {
        "nothing told": form.client.post("/en/form", data={"when_text": CANARY}),
        "too long": form.client.post("/en/form", data=told | {"own_words": "x" * 121}),
        "too much": form.client.post("/en/form", data=told | {"contact": "x" * 1_100_000}),
        "another site": form.client.post("/en/form", data=told, headers={"Sec-Fetch-Site": "cross-site"}),
        "not UTF-8": form.client.post(
            "/en/form",
            data=urllib.parse.urlencode(words).encode() + b"&own_words=%E9",
            content_type="application/x-www-form-urlencoded",
        ),
    }
    with sqlite3.connect(form.config.intake.store) as other:
        other.execute("BEGIN EXCLUSIVE")
        pages["locked store"] = form.client.post("/en/form", data=told)
        other.rollback()
    other.close()
    form.config.intake.store.rename(form.config.intake.store.with_suffix(".gone"))
    form.store.close()
    pages["no store"] = form.client.post("/en/form", data=told)
    assert all(page.status_code >= 400 for page in pages.values())
    return {name: page.text for name, page in pages.items()}


def test_p7_every_refusal_gives_the_typed_words_back(tmp_path):
    """Whatever goes wrong after a post, nobody has to tell it twice."""
    pages = answers_with_words(make_form(tmp_path, deadline_seconds=0.2))

    assert [name for name, page in pages.items() if lost_words(page, CANARY)] == []


def test_p7_a_full_disk_gives_the_typed_words_back(tmp_path, socket_enabled):
    """A real limit on what the process may write."""
    config, port, center = initialised(tmp_path)
    server = start_server(config, port, center, prefix=["prlimit", "--fsize=4096"])
    try:
        status, page = server.post({**TOLD, "narrative": [CANARY]})
    finally:
        server.kill()

    assert status == 503
    assert not lost_words(page, CANARY)


def test_p7_an_expired_token_and_a_restarted_server_lose_nothing(tmp_path):
    """A page that was open for days is accepted, and flagged inside the seal."""
    form = make_form(tmp_path)
    page = form.client.get("/en/form").text
    token = re.search(r'name="token" value="([^"]+)"', page)
    assert token is not None
    restarted = make_form(tmp_path / "again", form.center)

    answer = restarted.client.post("/en/form", data=TOLD | {"token": token[1], "narrative": CANARY})

    assert answer.status_code == 303
    assert restarted.opened()[0].report.narrative == CANARY


def test_p7_twin_an_error_page_without_the_words_is_found_out(tmp_path):
    """The detector on a bare error page."""
    page = make_form(tmp_path).client.post("/nowhere", data=TOLD | {"narrative": CANARY}).text

    assert lost_words(page, CANARY)


# --- P8: no script, no cookie -------------------------------------------------------------------------------


def test_p8_no_page_sets_a_cookie_or_holds_a_script(tmp_path):
    """The browser tests send a whole report without either."""
    client = make_form(tmp_path).client
    pages = [client.get(path) for path in ("/en/", "/en/form", "/en/done", "/en/help")]
    pages.append(client.post("/en/form", data=TOLD))

    for page in pages:
        assert "Set-Cookie" not in page.headers
        assert not re.search(r"<script|javascript:|\son[a-z]+=", page.text)


# --- P9: the review tool opens no connection -------------------------------------------------------------------


def test_p9_no_networking_module_is_imported_by_the_review_tool_and_the_formats():
    """`tests/review_tool/test_no_network.py` runs every command under an audit hook and a trace, with a twin."""
    forbidden = re.compile(
        r"^\s*(import|from)\s+(socket|http|urllib|ssl|smtplib|requests|ftplib|asyncio)\b", re.M
    )
    sources = [*(ROOT / "review_tool").rglob("*.py"), *(ROOT / "crypto").glob("*.py")]

    assert [path.name for path in sources if forbidden.search(path.read_text())] == []
    assert forbidden.search("import socket")


# --- P10: the vault --------------------------------------------------------------------------------------------


def test_p10_the_vault_is_unreadable_without_its_keystore(tmp_path):
    """Not a word of an opened report lies in its files, and another key does not open it."""
    machine = make_machine(tmp_path / "machine")
    report = sample_report(narrative=CANARY)
    write_bundle(tmp_path / "bundle", machine.center, sealed(machine.center, report))
    machine.receive(tmp_path / "bundle")

    assert machine.cases()[0].report.narrative == CANARY
    assert files_holding(machine.directory, [CANARY, report.bias[0]]) == set()
    with (
        pytest.raises(WrongKeyError),
        machine.opened(_other()),
    ):
        pass


def _other():
    from dataclasses import replace

    return replace(make_center().keystore, vault_key=bytes(32))


def test_p10_every_act_stands_in_a_chain_that_breaks_when_it_is_rewritten(tmp_path):
    """Opening and receiving are logged; a changed entry is found by its number."""
    machine = make_machine(tmp_path / "machine")
    write_bundle(tmp_path / "bundle", machine.center, sealed(machine.center, sample_report()))
    machine.receive(tmp_path / "bundle")

    with machine.opened() as vault, vault.transaction() as connection:
        acts = [entry["act"] for _, entry in audit.read(connection) if entry is not None]
        audit.verify(connection)
        connection.exec_driver_sql("UPDATE audit SET entry = x'00' WHERE number = 2")
        with pytest.raises(AuditError):
            audit.verify(connection)
        connection.rollback()

    assert Act.RECEIVE in acts


# --- P11: a consent that was not given ---------------------------------------------------------------------------


def prepared(records, *, period="2026Q3", past=None, levels=None):
    """A release of countable records."""
    return release.prepare(
        linked(records),
        period=period,
        closes=date(2026, 9, 30),
        center_name="Test Center",
        past=past,
        levels=levels or {},
        seed=b"s" * 32,
        sign=lambda _: b"signature\n",
    )


def counted(refusing: Sequence[int], *, left_out: Sequence[int] = (), count: int = 45) -> bytes:
    """All files of a release in which some people refused to be counted."""
    records = []
    for number in range(1, count):
        if number in left_out:
            continue
        try:
            told = case(number, answers={"consent_count": number not in refusing})
            grounds = ("gi.trans",) if number % 6 == 0 else ("sogi.gay",)
            records.append(countable(told, coding(number, grounds=grounds)))
        except NotCountableError:
            continue
    return b"".join(content for _, content in sorted(prepared(records).files.items()))


@given(refusing=st.sets(st.integers(1, 44), max_size=15))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_p11_refusing_to_be_counted_is_as_if_the_report_were_not_there(refusing):
    """Byte for byte, every file of a release."""
    assert counted(sorted(refusing)) == counted([], left_out=sorted(refusing))


def test_p11_twin_a_gate_that_does_not_ask_is_found_out():
    """The detector: counting all of them gives other bytes."""
    assert counted([]) != counted([], left_out=[6, 12, 18])


def test_p11_only_the_gate_lets_a_case_into_the_numbers():
    """No consent, no countable."""
    with pytest.raises(NotCountableError):
        countable(case(1, answers={"consent_count": False}), coding(1))


# --- P12: no release, alone or with all earlier ones -----------------------------------------------------------------


def two_quarters() -> bytes:
    """Two releases of separate quarters, in one file."""
    first = prepared(_records(1, 70))
    return prepared(
        _records(100, 160), period="2026Q4", past=first.files["release.json"], levels=first.levels
    ).files["release.json"]


def _records(first: int, last: int):
    grounds = {0: "gi.trans", 1: "race.asian", 2: "sogi.lesbian"}
    return [
        record(
            number,
            grounds=(grounds.get(number % 17, "sogi.gay"),),
            place=("20", "13", "58", "03", "53")[number % 5],
            answers={"incident_types": ("words", "hit") if number % 3 else ("threat",)},
        )
        for number in range(first, last)
    ]


def whole_number_bounds(published: dict) -> list[tuple[int, int]]:
    """Bounds of every hidden cell, each table by itself, by mixed-integer programs: another way than the intruder's."""
    bounds = []
    for one in published["releases"]:
        for table in one["tables"]:
            name = table["dims"][0]
            cells = {cell[name]: cell["v"] for cell in table["cells"]}
            codes = [code for code in cells if code != "*"]
            rows = [(np.eye(len(codes))[i], cells[code]) for i, code in enumerate(codes)]
            rows.append((np.ones(len(codes)), cells["*"]))
            fixed = [LinearConstraint(row, value, value) for row, value in rows if value != "c"]
            for row, value in rows:
                if value == "c":
                    ends = [
                        milp(
                            sign * row,
                            constraints=fixed,
                            integrality=np.ones(len(codes)),
                            bounds=Bounds(0, 999),
                        )
                        for sign in (1, -1)
                    ]
                    bounds.append((round(ends[0].fun), round(-ends[1].fun)))
    return bounds


def test_p12_two_separate_periods_give_no_protected_count_away():
    """Attacked by the release's own judge and by another solver; every hidden cell can be none and can be five."""
    published = two_quarters()

    assert [one for one in intruder.attack(published, k=5) if one.severity >= 2] == []
    bounds = whole_number_bounds(json.loads(published))
    assert bounds
    assert all(low == 0 and high >= 5 for low, high in bounds)


def test_p12_twin_hiding_only_the_small_cells_is_found_out():
    """Primary suppression alone: open one complementary cell, and both detectors fire."""
    published = json.loads(two_quarters())
    for table in published["releases"][0]["tables"]:
        total = table["cells"][-1]["v"]
        hidden = [cell for cell in table["cells"] if cell["v"] == "c"]
        if len(hidden) == 2 and total != "c":
            hidden[1]["v"] = total - 3

    assert any(one.severity >= 2 for one in intruder.attack(json.dumps(published).encode(), k=5))
    assert any(low == high == 3 for low, high in whole_number_bounds(published))
