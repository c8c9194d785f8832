"""The twelve promises of `docs/threat-model.md`: each test fails when its promise is broken.

Beside the detectors stand twins in which a promise is broken on purpose, in a copy of the tree with one line edited or
with another table; there the same detector must fire. Where breaking it takes no more than other words or another page
(P8, P10), the detector is shown those in the same test. Details are tested beside the modules; here stands what is
promised. How things are looked for lies in `tests/promises/`. The file is long so that the twelve stand in one place.
"""

import base64
import io
import json
import re
import resource
import secrets
import shutil
import sqlite3
import subprocess
import time
import urllib.parse
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, insert, select

from crypto import age
from crypto.answers import PlaceType
from crypto.errors import HeaderError, KeystoreError
from crypto.keystore import read_keystore
from crypto.payload import CLASS_FLOOR
from crypto.report import QUESTIONS
from crypto.seal import Envelope, seal
from intake.config import load
from intake.slots import FREE_WEEK
from review_tool.audit import Act
from review_tool.errors import AuditError, NotCountableError, WrongKeyError
from review_tool.gates import countable
from review_tool.schema import AUDIT, METADATA
from review_tool.statistics import intruder
from tests.center import DAY, attachment, make_center, sample_report
from tests.hardening.kills import kill_under_load
from tests.intake.conftest import intake_command, make_form
from tests.intake.test_order import LIMIT, look
from tests.intake.test_store import WEEK, envelope, made
from tests.promises import commands, figures, search, servers
from tests.promises.servers import FALSE_ACKS, FORM_TYPE, TEXTS, TOLD, needs_strace, running
from tests.review_tool.review_machine import make_machine, sealed, write_bundle
from tests.review_tool.statistics.records import case, coding
from tests.server_copy import ROOT, python, server_copy, sinful

PLAIN = "canary7391plain"  # a trace shows plain letters as they are
FOREIGN = "Straßenvogel 鳥 ਪੰਛੀ é 🐤𝔘"  # beyond ASCII, beyond the BMP, and different in NFC and NFD
TYPED = f"{FOREIGN} <b>&\"said'</b>"

# --- P1: whoever holds the server or the stick reads nothing --------------------------------------


def told_to_a_server(root: Path, *, reports: int, tree: Path = ROOT) -> set[str]:
    """Send reports with words in every text, carry them onto a stick; the files in which a word lies."""
    (root / "stick").mkdir(parents=True)
    with running(root / "server", tree) as server:
        for number in range(reports):
            texts = {name: [f"{FOREIGN} {PLAIN} {number}"] for name in (*TEXTS, "unheard_of")}
            assert server.post({**TOLD, **texts, "place_type": [PlaceType.LGBTQ_SPACE.value]})[0] == 303
        servers.command(server, tree, "export", str(root / "stick"))
    return search.files_telling(root, [PLAIN, FOREIGN, PlaceType.LGBTQ_SPACE.value])


@pytest.mark.loopback
def test_p1_no_word_of_a_hundred_reports_lies_on_the_server_or_the_stick(tmp_path, socket_enabled):
    """Not in the store, its journal, a log, the bundle or any name, in any encoding; ticked codes neither."""
    assert told_to_a_server(tmp_path, reports=100) == set()


@pytest.mark.loopback
def test_p1_twin_a_seal_that_does_not_encrypt_is_found_out(tmp_path, socket_enabled):
    """The same search on a server whose envelopes look right and hide nothing."""
    copy = sinful(
        server_copy(tmp_path / "copy"),
        "crypto/age.py",
        "(cipher.encrypt(_chunk_nonce(self._chunk, is_last=is_last), chunk, None)",
        "(bytes(chunk) + bytes(TAG_SIZE)",
    )

    found = told_to_a_server(tmp_path / "sinful", reports=1, tree=copy)

    assert "server/data/store.sqlite" in found
    assert any(name.startswith("stick/") and name.endswith(".age") for name in found)


@pytest.mark.parametrize("word", [PLAIN, FOREIGN])
def test_p1_twin_a_word_is_found_in_each_of_its_disguises(word, tmp_path):
    """A search that knows UTF-8 alone would miss a dump of memory, a query string or an archive."""
    import gzip

    hidden = search.disguises(word) | {gzip.compress(b"x" * 50 + word.encode())}
    for number, disguise in enumerate(hidden):
        (tmp_path / str(number)).write_bytes(b"before" + disguise + b"after")

    assert len(search.files_telling(tmp_path, [word])) == len(hidden) > 9


def test_p1_an_envelope_with_a_classical_stanza_is_no_envelope():
    """One X25519 stanza would let a quantum computer in; the store's only type refuses it."""
    whole = seal(sample_report(), make_center().config, lang="en", flags=(), day=DAY).sealed
    first_line, rest = whole.split(b"\n", 1)
    share = base64.b64encode(bytes(32)).rstrip(b"=")
    Envelope(content=io.BytesIO(whole))

    with pytest.raises(HeaderError):
        Envelope(content=io.BytesIO(first_line + b"\n-> X25519 " + share + b"\n" + share + b"\n" + rest))


@pytest.mark.loopback
def test_p1_a_server_with_a_secret_key_on_it_does_not_start(tmp_path, socket_enabled):
    """A key that lies beside the store opens it for whoever takes the disk."""
    with running(tmp_path) as server:
        assert servers.command(server, ROOT, "check", "--json")["ready"]
        shutil.copy(ROOT / "tests/golden/keystore", load(server.config).intake.data_dir / "backup")

        with pytest.raises(AssertionError, match="holds a secret key"):
            servers.command(server, ROOT, "check")


# --- P2: nothing of who or when -------------------------------------------------------------------

ADDRESS = "127.0.0.77"
MARKS = {
    "User-Agent": "Marked-Agent-7391",
    "Referer": "http://example.org/marked-referer-7391",
    "X-Forwarded-For": "203.0.113.77",
    "Forwarded": "for=198.51.100.77",
    "Accept-Language": "xx-marked-7391",
    "Cookie": "marked=cookie7391",
}


def kept_of_a_visit(root: Path, tree: Path = ROOT) -> set[str]:
    """Visit from an unusual address with marked headers, well and badly; the files that keep who or when."""
    with running(root, tree) as server:
        time.sleep(1.1)  # a server may keep when it was started: the visit begins in another second
        came = time.time()
        body = urllib.parse.urlencode(TOLD, doseq=True).encode()
        assert servers.sent_from(server, ADDRESS, body, MARKS | {"Content-Type": FORM_TYPE}) == 303
        assert servers.sent_from(server, ADDRESS, body, MARKS) == 415
        assert servers.sent_from(server, ADDRESS, body, MARKS | {"Transfer-Encoding": "no"}) >= 400
    visit = search.moments(came, time.time())
    who = [ADDRESS, *MARKS.values()]
    needles = {one for word in who for one in search.disguises(word) | search.hashes(word)}
    return search.files_holding(root, needles | visit)


@pytest.mark.loopback
def test_p2_address_agent_and_time_of_a_visit_are_kept_nowhere(tmp_path, socket_enabled):
    """Neither plainly nor hashed; no second, minute or day, in letters or in bytes."""
    assert kept_of_a_visit(tmp_path) == set()


SINS_OF_MEMORY = {
    "an access log": (
        "intake/acceptance.py",
        "    if is_from_another_site(post):\n",
        "    _LOG.error('%s', post.headers.get('User-Agent'))\n    if is_from_another_site(post):\n",
    ),
    "a hashed address": (
        "intake/serving.py",
        "        _hand_on_circuit_only(req, conn)\n",
        "        address = __import__('hashlib').sha256(conn.client[0].encode()).hexdigest()\n"
        "        logging.getLogger(logs.LOGGER).error(address)\n",
    ),
    "a minute for a week": (
        "intake/clock.py",
        "        return iso_week(self.day)\n",
        "        return self.moment.strftime('%d.%H:%M')\n",
    ),
    "a time in the log": (
        "intake/logs.py",
        '            return f"{record.levelname.lower()}: {record.getMessage()}"\n',
        '            return f"{record.created} {record.getMessage()}"\n',
    ),
}


@pytest.mark.loopback
@pytest.mark.parametrize("sin", SINS_OF_MEMORY)
def test_p2_twin_a_server_that_remembers_is_found_out(sin, tmp_path, socket_enabled):
    """The same visit to a server that keeps something of it."""
    copy = sinful(server_copy(tmp_path / "copy"), *SINS_OF_MEMORY[sin])
    if sin == "a time in the log":  # our own server logs nothing in a visit, so here it says one word
        sinful(
            copy,
            "intake/acceptance.py",
            "    if is_from_another_site(post):\n",
            "    _LOG.error('x')\n    if is_from_another_site(post):\n",
        )

    assert kept_of_a_visit(tmp_path / "server", copy) != set()


def test_p2_no_column_of_the_store_holds_more_than_the_week(tmp_path):
    """What lies in clear beside the envelopes, whole: a list, so that a new column has to be argued for."""
    form = make_form(tmp_path)
    for _ in range(3):
        form.client.post("/en/form", data=TOLD)
    connection = sqlite3.connect(form.config.intake.store)
    (columns,) = connection.execute("SELECT group_concat(name) FROM pragma_table_info('slot')").fetchone()
    (tables,) = connection.execute("SELECT group_concat(name) FROM sqlite_master").fetchone()
    clear = set(connection.execute("SELECT used, week FROM slot"))
    connection.close()
    form.store.close()

    assert (tables, columns) == ("slot", "id,used,week,envelope,content")
    assert clear == {(0, FREE_WEEK), (1, WEEK)}


def test_p2_the_store_tells_no_order_of_arrival_and_its_twin_does(tmp_path):
    """`tests/intake/test_order.py` looks at more moments, growth of the pool included, and has more twins."""
    store = made(tmp_path / "store.sqlite", batch=100)
    rows = sqlite3.connect(tmp_path / "rows.sqlite")
    rows.execute("CREATE TABLE row (id INTEGER PRIMARY KEY, content BLOB)")
    marks = [secrets.token_bytes(16) for _ in range(80)]
    for mark in marks:
        store.add(envelope(mark), WEEK)
        rows.execute("INSERT INTO row (content) VALUES (?)", (envelope(mark).sealed,))
    rows.commit()
    rows.close()
    store.close()

    assert abs(look(tmp_path / "store.sqlite", marks)) < LIMIT
    assert look(tmp_path / "rows.sqlite", marks) > LIMIT


# --- P3: one size ---------------------------------------------------------------------------------

LETTERS = ("a", "ü", "я", "م", "ਪ", "鳥", "🐤", "\n", '"', "\\", "é", "\u200d")


def sizes_of(reports: int) -> set[int]:
    """Sizes of sealed reports, every text of another length and script, some boxes ticked, some with contact."""
    center = make_center()
    sizes = set()
    for number in range(reports):
        letter = LETTERS[number % len(LETTERS)]
        texts = {
            asked.name: "x"[:number] + letter * (number * 7919 % ((asked.limit or 0) * 2 // 3))
            for asked in QUESTIONS
            if asked.name in TEXTS
        }
        texts["narrative"] = texts["narrative"][
            : 19_000 // len(json.dumps(letter, ensure_ascii=False).encode())
        ]
        report = sample_report(**texts, bias=("sogi.gay", "gi.trans")[: number % 3])
        lang = ("en", "es", "fa", "hmn")[number % 4]
        sizes.add(len(seal(report, center.config, lang=lang, flags=(), day=DAY).sealed))
    return sizes


def test_p3_five_hundred_reports_of_any_length_and_script_have_one_size():
    """10,000 of them are sealed in `tests/crypto/test_seal.py`; the largest possible one there too."""
    assert len(sizes_of(500)) == 1


def test_p3_of_files_only_a_class_shows():
    """Neither how many there were, nor how large each was."""
    config = make_center().config
    sizes = set()
    for number in range(40):
        files = [attachment("a", bytes(3_000 * number + 50_000 * each)) for each in range(number % 4)]
        envelope = seal(sample_report(), config, lang="en", flags=(), day=DAY, attachments=files)
        sizes.add(envelope.size)

    assert sizes == {age.sealed_size(CLASS_FLOOR << step, 1) for step in range(5)}


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
    done = python(copy, "from tests.test_promises import sizes_of\nprint(*sizes_of(50))")

    assert len(done.stdout.split()) > 10, done.stderr


# --- P4: the internet side opens nothing ----------------------------------------------------------

OPENERS = {"crypto.unseal", "crypto.keystore", "sqlcipher3", "shamir_mnemonic", "review_tool"}


def loaded_modules(tree: Path) -> set[str]:
    """What the whole server loads when all its modules are imported."""
    done = python(
        tree,
        "import importlib, pkgutil, intake\n"
        "for one in pkgutil.iter_modules(intake.__path__): importlib.import_module('intake.' + one.name)\n"
        "print(*sys.modules)",
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.loopback
def test_p4_the_whole_flow_runs_with_the_opening_code_deleted(tmp_path, socket_enabled):
    """Check, form, export and acknowledgement, as deployed."""
    copy = server_copy(tmp_path / "copy")
    with running(tmp_path / "server", copy) as server:
        assert servers.command(server, copy, "check", "--json")["ready"]
        assert server.post(TOLD)[0] == 303
        exported = servers.command(server, copy, "export", str(tmp_path), "--json")
        answer = servers.acknowledged(Path(exported["bundle"]), server)
        path = servers.write_ack(tmp_path, answer, server.center.ack_seed)
        servers.command(server, copy, "acknowledge", str(path))
        status = servers.command(server, copy, "status", "--json")

    assert not [
        name for name in ("crypto/unseal.py", "crypto/keystore.py", "review_tool") if (copy / name).exists()
    ]
    assert (status["stored"], status["awaiting_acknowledgement"]) == (0, 0)


def test_p4_no_opening_code_is_loaded_and_its_twin_is_seen(tmp_path):
    """`sys.modules` of the whole server; then the same with one import planted, and with the code deleted too."""
    copy = server_copy(tmp_path / "copy", without=())
    assert not OPENERS & loaded_modules(copy)

    sinful(copy, "intake/frame.py", "import hashlib\n", "import hashlib\nimport crypto.unseal\n")

    assert OPENERS & loaded_modules(copy) == {"crypto.unseal"}
    (copy / "crypto/unseal.py").unlink()
    with pytest.raises(AssertionError, match=r"crypto\.unseal"):
        loaded_modules(copy)


# --- P5, P6: no plain word on a disk; "we have it" is true ----------------------------------------


@needs_strace
@pytest.mark.loopback
def test_p5_p6_no_word_is_written_and_the_store_is_synced_before_the_answer(tmp_path, socket_enabled):
    """A trace of the running server: kill -9 cannot show a missing sync, and no file search sees an unnamed file."""
    calls = servers.traced_post(tmp_path, server_copy(tmp_path / "copy"), PLAIN)

    assert servers.is_durable_at_the_answer(calls)
    assert any(PLAIN in call for call in calls), "the trace is blind"
    assert servers.written_anywhere(calls, PLAIN) == []


LATER = "        __import__('threading').Timer(0.5, parts.store.add, (envelope, now.week)).start()\n"
SINS_OF_HASTE = {
    "the disk takes its time": ("intake/store.py", '("synchronous", "FULL", 2)', '("synchronous", "OFF", 0)'),
    # The end of the journal is not synced: after a power cut a journal that came back undoes the report.
    "half a sync": ("intake/store.py", '("synchronous", "FULL", 2)', '("synchronous", "NORMAL", 1)'),
    "an answer before the commit": (
        "intake/acceptance.py",
        "        parts.store.add(envelope, now.week)\n",
        LATER,
    ),
}


@needs_strace
@pytest.mark.loopback
@pytest.mark.parametrize("sin", SINS_OF_HASTE)
def test_p6_twin_an_answer_before_the_sync_is_found_out(sin, tmp_path, socket_enabled):
    """The same trace of servers that say "we have it" too early."""
    copy = sinful(server_copy(tmp_path / "copy"), *SINS_OF_HASTE[sin])

    assert not servers.is_durable_at_the_answer(servers.traced_post(tmp_path, copy, PLAIN))


@needs_strace
@pytest.mark.loopback
def test_p5_twin_a_server_that_keeps_a_draft_is_found_out(tmp_path, socket_enabled):
    """The same trace of a server that spools into a file without a name, which no search would see."""
    copy = sinful(
        server_copy(tmp_path / "copy"),
        "intake/acceptance.py",
        "    if is_from_another_site(post):\n",
        "    draft = __import__('tempfile').TemporaryFile()\n"
        "    draft.write(str(posted.fields).encode())\n    draft.flush()\n"
        "    if is_from_another_site(post):\n",
    )

    assert servers.written_anywhere(servers.traced_post(tmp_path, copy, PLAIN), PLAIN)


def largest_cores(root: Path, tree: Path = ROOT) -> set[str]:
    """How large a core each process of a server may leave, where the system would allow any."""
    with running(root, tree, prefix=["prlimit", "--core=1000000:1000000"]) as server:
        pid = server.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        limits = [Path(f"/proc/{one}/limits").read_text() for one in (pid, *children)]
    assert len(limits) > 1
    return {found[1] for found in (re.search(r"Max core file size\s+(\d+)", one) for one in limits) if found}


@pytest.mark.loopback
@pytest.mark.skipif(
    0 <= resource.getrlimit(resource.RLIMIT_CORE)[1] < 1_000_000, reason="this system allows no core at all"
)
def test_p5_no_core_is_dumped_and_its_twin_would_be(tmp_path, socket_enabled):
    """A crash must not write the memory that holds a report."""
    assert largest_cores(tmp_path / "server") == {"0"}

    line = "    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"
    copy = sinful(
        server_copy(tmp_path / "copy"),
        "intake/hardening.py",
        line,
        "",
    )
    assert largest_cores(tmp_path / "sinful", copy) == {"1000000"}


@pytest.mark.loopback
def test_p6_every_acknowledged_report_survives_kill_nine_under_load(tmp_path, socket_enabled):
    """Who saw "We have it" has a report that is there afterwards, once, and opens."""
    outcome = kill_under_load(tmp_path / "server", cycles=20, seed=20261125)

    assert len(outcome.told) > 1000
    assert list(outcome.complaints()) == []


@pytest.mark.loopback
def test_p6_twin_a_server_that_answers_before_it_stores_loses_reports(tmp_path, socket_enabled):
    """The same with the commit left to a thread."""
    copy = sinful(server_copy(tmp_path / "copy"), *SINS_OF_HASTE["an answer before the commit"])

    outcome = kill_under_load(tmp_path / "server", copy, cycles=1, seed=1)

    assert any("are not there" in one for one in outcome.complaints())


def still_stored(root: Path, names: Iterable[str], tree: Path = ROOT) -> tuple[int, int]:
    """Give a server with one report false acknowledgements, then the true one; what is stored after either."""
    with running(root, tree) as server:
        assert server.post(TOLD)[0] == 303
        exported = servers.command(server, tree, "export", str(root), "--json")
        true = servers.acknowledged(Path(exported["bundle"]), server)
        answers = [FALSE_ACKS[name](true, server.center) for name in names]
        for seq, (ack, seed) in enumerate(answers, start=1):
            path = servers.write_ack(root, replace(ack, ack_seq=seq), seed)
            command = intake_command(server.config, "acknowledge", str(path))
            subprocess.run(command, cwd=tree, capture_output=True, check=False)
        kept = servers.command(server, tree, "status", "--json")["stored"]
        path = servers.write_ack(root, replace(true, ack_seq=len(answers) + 1), server.center.ack_seed)
        servers.command(server, tree, "acknowledge", str(path))
        return kept, servers.command(server, tree, "status", "--json")["stored"]


@pytest.mark.loopback
def test_p6_only_a_signed_acknowledgement_that_names_id_and_hash_lets_the_server_forget(
    tmp_path, socket_enabled
):
    """All false ones leave the report where it is, the true one does not; more in `tests/intake/test_export.py`."""
    assert still_stored(tmp_path, FALSE_ACKS) == (1, 0)


SINS_OF_FORGETTING = {
    "of other bytes": ("intake/export.py", " == entry.sha256:", " != '':"),
    "signed by another key": (
        "crypto/bundle.py",
        "    signing.verify(labels.ACK, content, signature, ack_public)\n",
        "",
    ),
}


@pytest.mark.loopback
@pytest.mark.parametrize("false", SINS_OF_FORGETTING)
def test_p6_twin_a_server_that_believes_too_much_is_found_out(false, tmp_path, socket_enabled):
    """The same acknowledgements against servers that check less."""
    copy = sinful(server_copy(tmp_path / "copy"), *SINS_OF_FORGETTING[false])

    assert still_stored(tmp_path / "server", [false], copy) == (0, 0)


# --- P7: typed words come back ---------------------------------------------------------------------


@pytest.mark.loopback
def test_p7_every_refusal_gives_the_typed_words_back(tmp_path, socket_enabled):
    """Whatever goes wrong after a post, nobody has to tell it twice; more kinds in `tests/intake/test_views.py`."""
    with running(tmp_path, lines="deadline_seconds = 0.3") as server:
        pages = servers.refusals(server, TYPED)

    assert servers.without_the_words(pages, TYPED) == []


@pytest.mark.loopback
def test_p7_twin_an_error_page_without_the_words_is_found_out(tmp_path, socket_enabled):
    """The same refusals by a server that shows an empty form with the error on top."""
    copy = sinful(
        server_copy(tmp_path / "copy"),
        "intake/views.py",
        "form_again(posted, _token(parts",
        "form_again(Posted(fields={}, reading=posted.reading), _token(parts",
    )
    with running(tmp_path / "server", copy, lines="deadline_seconds = 0.3") as server:
        pages = servers.refusals(server, TYPED)

    assert servers.without_the_words(pages, TYPED) == list(pages)


@pytest.mark.loopback
def test_p7_a_full_disk_gives_the_typed_words_back(tmp_path, socket_enabled):
    """A real limit on what the process may write."""
    with running(tmp_path, prefix=["prlimit", "--fsize=4096"]) as server:
        status, page = server.post({**TOLD, "narrative": [TYPED]})

    assert status == 503
    assert servers.without_the_words({"full disk": page}, TYPED) == []


def test_p7_an_expired_token_and_a_restarted_server_lose_nothing(tmp_path):
    """A page that was open for days is accepted, and flagged inside the seal."""
    form = make_form(tmp_path)
    token = re.search(r'name="token" value="([^"]+)"', form.client.get("/en/form").text)
    assert token is not None
    form.store.close()
    restarted = make_form(tmp_path / "again", form.center)

    answer = restarted.client.post("/en/form", data=TOLD | {"token": token[1], "narrative": TYPED})

    assert answer.status_code == 303
    assert restarted.opened()[0].report.narrative == TYPED
    restarted.store.close()


# --- P8: no script, no cookie -----------------------------------------------------------------------


def needs_more_than_html(page: str, headers: Iterable[str]) -> bool:
    """Whether an answer sets a cookie or holds anything that runs."""
    return "Set-Cookie" in headers or bool(re.search(r"<script|javascript:|\son[a-z]+=", page))


def test_p8_no_page_sets_a_cookie_or_holds_a_script_and_twins_are_seen(tmp_path):
    """The browser tests send a whole report without either; here every kind of answer."""
    form = make_form(tmp_path)
    client = form.client
    paths = ("/", "/en/", "/en/form", "/en/done", "/en/help", "/leave", "/nowhere")
    pages = [client.get(path) for path in paths]
    pages += [client.post("/en/form", data=TOLD), client.post("/en/form", data={"contact": "x"})]
    form.store.close()

    assert [page.request.path for page in pages if needs_more_than_html(page.text, page.headers.keys())] == []
    assert needs_more_than_html(pages[2].text, ["Set-Cookie"])
    assert needs_more_than_html(pages[2].text.replace("<button", '<button onclick="send()"'), [])


# --- P9: the review tool opens no connection; P10: every act is in the log ---------------------------


@pytest.fixture(scope="module")
def week(tmp_path_factory) -> commands.Week:
    """A Center's first week: every command once, watched and, where strace is, traced."""
    folder = tmp_path_factory.mktemp("week")
    machine, start = commands.machine_with_keystore(folder)
    used = commands.every_command(folder, machine, start)
    assert commands.unused(used) == set(), "a command is not watched"
    return commands.run(folder, machine, used, is_traced=shutil.which("strace") is not None)


def run_sinful(root: Path, name: str, line: str, instead: str, **how: bool) -> commands.Week:
    """Run `list` of a copy of the review tool in which one line was edited."""
    copy = sinful(server_copy(root / "copy", without=()), name, line, instead)
    (root / "machine").mkdir()
    machine, start = commands.machine_with_keystore(root / "machine")
    return commands.run(root, machine, [[*start, "list"]], tree=copy, **how)


def test_p9_no_command_reaches_for_a_network(week):
    """What came across the gap stays on this side of it."""
    assert [code for code in week.codes if code not in {"None", "0"}] == [commands.TOO_FEW]
    assert "reached for" not in week.complaints
    assert not week.traced


LISTED = '    with settings.opened("list") as (vault, _), vault.transaction() as connection:\n'


@pytest.mark.parametrize("is_traced", [False, True], ids=["by the hook", "by the trace"])
def test_p9_twin_a_command_that_reaches_out_is_seen(is_traced, tmp_path):
    """Each of the two watches alone, on a command with one socket in it."""
    if is_traced and shutil.which("strace") is None:
        pytest.skip("strace is not installed")

    ran = run_sinful(
        tmp_path,
        "review_tool/case_commands.py",
        LISTED,
        "    __import__('socket').socket(2, 2).close()\n" + LISTED,
        is_watched=not is_traced,
        is_traced=is_traced,
    )

    assert (
        any("socket(" in call for call in ran.traced or ())
        if is_traced
        else "reached for socket" in ran.complaints
    )


def test_p9_no_networking_module_is_imported_by_the_review_tool_and_the_formats():
    """Not even where no command of today comes along."""
    forbidden = re.compile(
        r"^\s*(import|from)\s+(socket|http|urllib|ssl|smtplib|requests|ftplib|asyncio)\b", re.M
    )
    sources = [*(ROOT / "review_tool").rglob("*.py"), *(ROOT / "crypto").glob("*.py")]

    assert [path.name for path in sources if forbidden.search(path.read_text())] == []
    assert forbidden.search("    import socket")


def test_p10_every_command_stands_in_the_log(week):
    """Looking counts as an act; `test_receive.py` and `test_publish.py` hold the acts that this week had no cause for."""
    assert commands.unlogged(week.machine, set(commands.ACTS.values())) == set()


def test_p10_twin_an_act_that_is_not_logged_is_found_out(tmp_path):
    """The same look at the log of a tool that lists without a trace."""
    line = "        audit.append(connection, [_act(Act.LIST, settings, facts)])\n"

    ran = run_sinful(tmp_path, "review_tool/case_commands.py", line, "")

    assert ran.codes in (["None"], ["0"])
    assert commands.unlogged(ran.machine, {Act.OPEN, Act.LIST}) == {Act.LIST}


def test_p10_a_rewritten_log_breaks_its_chain(week, tmp_path):
    """A changed entry is found by its number; dropped and exchanged ones in `test_audit.py`."""
    from review_tool import audit

    shutil.copytree(week.machine.directory / "vault", tmp_path / "vault")
    with replace(week.machine, directory=tmp_path).opened() as vault, vault.transaction() as connection:
        audit.verify(connection)
        entry = connection.execute(select(AUDIT.c.entry).where(AUDIT.c.number == 3)).scalar_one()
        connection.execute(AUDIT.update().where(AUDIT.c.number == 3).values(entry=entry.replace(b"2", b"3")))

        with pytest.raises(AuditError) as found:
            audit.verify(connection)
    assert found.value.entry == 3


def test_p10_the_vault_is_unreadable_and_its_twin_in_plain_sqlite_is_read(tmp_path):
    """Not a word of an opened report lies in its files; the same rows in an ordinary database show all of it."""
    machine = make_machine(tmp_path / "machine")
    report = sample_report(narrative=f"{PLAIN} {FOREIGN}", place_type=PlaceType.LGBTQ_SPACE.value)
    write_bundle(tmp_path / "bundle", machine.center, sealed(machine.center, report))
    machine.receive(tmp_path / "bundle")
    words = [PLAIN, FOREIGN, PlaceType.LGBTQ_SPACE.value, "CREATE TABLE"]

    assert machine.cases()[0].report.narrative == report.narrative
    assert search.files_telling(machine.directory, words) == set()
    with pytest.raises(WrongKeyError), machine.opened(replace(machine.center.keystore, vault_key=bytes(32))):
        pass

    plain = create_engine(f"sqlite:///{tmp_path / 'machine' / 'plain.db'}")
    METADATA.create_all(plain)
    with machine.opened() as vault, vault.transaction() as sealed_rows, plain.begin() as rows:
        for table in METADATA.sorted_tables:
            if found := sealed_rows.execute(select(table)).mappings().all():
                rows.execute(insert(table), [dict(one) for one in found])
    plain.dispose()
    for word in words:
        assert search.files_telling(machine.directory, [word]) == {"plain.db"}


def test_p10_the_keystore_opens_by_its_passphrase_alone(week):
    """Its commands opened it all week; one letter more and it stays shut, and tells nothing of what is in it."""
    from tests.center import PASSPHRASE

    content = week.keystore.read_bytes()
    center = week.machine.center

    with pytest.raises(KeystoreError):
        read_keystore(week.keystore, PASSPHRASE + "s")
    assert not [
        one for one in (center.vault_key, center.ack_seed, *center.epoch_seeds.values()) if one in content
    ]


# --- P11: a consent that was not given ---------------------------------------------------------------

PEOPLE = 44
REFUSING = st.sets(st.integers(1, PEOPLE), max_size=15)


@given(refusing=REFUSING)
@settings(max_examples=15, deadline=None, derandomize=True)
def test_p11_refusing_to_be_counted_is_as_if_the_report_were_not_there(refusing):
    """Byte for byte, every file of a release, whatever the refused report is tied to."""
    assert figures.counted(PEOPLE, refusing=refusing) == figures.counted(PEOPLE, absent=refusing)


@pytest.mark.parametrize("refusing", [{6}, {4, 15}, {9, 18, 27}, {1, 2, 3, 5, 7}])
def test_p11_twin_a_gate_that_does_not_ask_is_found_out(refusing):
    """The same comparison with a gate that lets everybody through."""
    unasked = figures.counted(PEOPLE, refusing=refusing, gate=figures.heedless)

    assert unasked != figures.counted(PEOPLE, absent=refusing)


def test_p11_another_consent_changes_no_number():
    """Who may not be quoted or shared is counted like everybody else: nothing of it shows."""

    def changed(told, judged):
        report = replace(told.report, consent_quote=True, consent_share=("city_only",))
        return countable(replace(told, report=report), judged)

    assert figures.counted(PEOPLE, gate=changed) == figures.counted(PEOPLE)


def test_p11_only_the_gate_lets_a_case_into_the_numbers():
    """No consent, no countable."""
    countable(case(1), coding(1))

    with pytest.raises(NotCountableError):
        countable(case(1, answers={"consent_count": False}), coding(1))


# --- P12: no release, alone or with all earlier ones ---------------------------------------------------


def serious(published: bytes) -> set[str]:
    """What the release's own intruder finds that would refuse it."""
    return {one.kind for one in intruder.attack(published) if one.severity >= intruder.Severity.SERIOUS}


def test_p12_two_separate_periods_give_no_protected_count_away():
    """Attacked by the release's own judge and by another solver; every hidden cell can be none and can be five."""
    published = figures.two_quarters()
    equations = figures.Equations(published)

    assert serious(published) == set()
    assert len(equations.hidden) > 5
    assert equations.learnt() == []


def test_p12_twin_a_release_by_primary_suppression_only_is_found_out():
    """Hide the small cells and print everything else: both judges subtract them out again."""
    published = figures.primary_only({"2026Q3": figures.quarter(1, 70), "2026Q4": figures.quarter(100, 160)})

    assert "exact_small" in serious(published)
    assert figures.Equations(published).learnt() != []


def test_p12_twin_one_complementary_cell_opened_is_found_out():
    """The smallest slip: one cell of a safe release printed that should not be."""
    published = json.loads(figures.two_quarters())
    pairs = [
        (table, [cell for cell in table["cells"] if cell["v"] == "c"])
        for one in published["releases"]
        for table in one["tables"]
        if table["filter"]
    ]
    table, hidden = next((table, cells) for table, cells in pairs if len(cells) == 2)
    printed = sum(cell["v"] for cell in table["cells"][:-1] if cell["v"] != "c")
    hidden[1]["v"] = table["cells"][-1]["v"] - printed - 3  # the other one is left with three
    opened = json.dumps(published).encode()

    assert serious(opened) != set()
    assert figures.Equations(opened).learnt() != []


def test_p12_what_is_hidden_or_left_out_is_no_proof():
    """Nobody is few in this quarter, and yet each exhibit hides something or is left out under some seed."""
    told = figures.nobody_is_few()
    releases = [figures.prepared(told, seed=bytes([number]) * 32) for number in range(16)]
    without = [figures.without_full(one.files["release.json"]) for one in releases]

    assert set().union(*without) == {"E01", "E03", "E04", "E06", "E09"}
    assert any("E09" not in one for one in without)


def test_p12_twin_hiding_for_cause_alone_would_be_a_proof():
    """The sin: the same quarter without a draw hides nothing, so whatever is hidden elsewhere is a small group."""
    assert figures.without_full(figures.primary_only({"2026Q3": figures.nobody_is_few()})) == set()


IN_BOTH = ("sogi.gay", "race.asian")


def test_p12_what_rows_say_together_gives_no_protected_count_away():
    """Thirteen and nine of twenty-five would leave three in no row; twenty and eight would meet in three."""
    without = figures.Equations(figures.prepared(figures.three_in_no_row()).files["release.json"])
    both = figures.Equations(figures.prepared(figures.three_in_both()).files["release.json"])

    for low, high in (without.in_no_ground("2026Q3"), both.in_grounds("2026Q3", *IN_BOTH)):
        assert low == 0
        assert high >= figures.K


def test_p12_twin_rows_that_are_safe_one_by_one_are_found_out():
    """The sin: no cell is small, so nothing is hidden, and the rows say what no cell does."""
    without = figures.Equations(figures.primary_only({"2026Q3": figures.three_in_no_row()}))
    both = figures.Equations(figures.primary_only({"2026Q3": figures.three_in_both()}))

    assert without.hidden == both.hidden == []
    assert without.in_no_ground("2026Q3") == (3, 12)
    assert both.in_grounds("2026Q3", *IN_BOTH) == (3, 8)
