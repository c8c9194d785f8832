"""`intake doctor` finds each fault by its name when it is planted, and nothing on a machine set up as docs/running.md says.

The machine is a folder: the files of `deploy/` where the guide's own commands put them, a real store, and a real form that
answers through a socket. Each test plants one fault in a copy of it.
"""

import json
import os
import re
import shlex
import shutil
import socketserver
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Final

import pytest
from pytest_socket import enable_socket

from crypto import signing
from crypto.seal import seal
from intake import errors, export, readiness
from intake.anonymity import HEADERS, NO_STORE
from intake.clock import Now, iso_week, utc_now
from intake.config import EXPORT_KEY_NAME, STORE_NAME, UNLIMITED, load
from intake.doctor import MANY, Diagnosis, examine
from intake.host import FORM_UNIT
from intake.machine import Machine, ask_form
from intake.slots import draw_id, filling
from tests.center import Center, confirmed_content, sample_report
from tests.intake.conftest import intake_command, lasting_center, today
from tests.intake.proxy import DEPLOY, form_behind
from tests.server_copy import ROOT

pytestmark = [pytest.mark.loopback, pytest.mark.usefixtures("socket_enabled")]

ACCOUNT: Final = 990  # any but root
ONION: Final = "http://vouchsafetest.onion"
GUIDE: Final = ROOT / "docs" / "running.md"


@dataclass
class Patient:
    """A machine to plant a fault in."""

    folder: Path
    center: Center
    machine: Machine

    @property
    def config(self) -> Path:
        return self.folder / "site" / "intake.toml"

    @property
    def data(self) -> Path:
        return self.folder / "site" / "data"

    @property
    def store(self) -> Path:
        return self.data / STORE_NAME

    def place(self, name: str) -> Path:
        """A file of the system, its folder made."""
        path = self.folder / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write(self, name: str, text: str) -> None:
        self.place(name).write_text(text)

    def edit(self, path: Path, old: str, new: str) -> None:
        text = path.read_text()
        assert old in text, f"{path} has changed: plant the fault anew"
        path.write_text(text.replace(old, new, 1))

    def haproxy(self, old: str, new: str) -> None:
        self.edit(self.place("etc/haproxy/haproxy.cfg"), old, new)

    def torrc(self, old: str, new: str) -> None:
        self.edit(self.place("etc/tor/torrc"), old, new)

    def unit(self, old: str, new: str = "") -> None:
        self.edit(self.place(f"etc/systemd/system/{FORM_UNIT}"), old, new)

    def set(self, old: str, new: str) -> None:
        self.edit(self.config, old, new)

    def sql(self, statement: str, *rows: Sequence[object]) -> None:
        """Change the store behind everybody's back, at a time that tells nothing."""
        with closing(sqlite3.connect(self.store, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = TRUNCATE")
            connection.execute("BEGIN")
            connection.executemany(statement, rows or [()])
            connection.execute("COMMIT")
        self.cover()

    def cover(self) -> None:
        for path in self.data.iterdir():
            os.utime(path, (60 * 27_000_000, 60 * 27_000_000))

    def become(self, **changes: object) -> None:
        self.machine = replace(self.machine, **changes)

    def report(self, day) -> None:
        """Keep a report that came on a day."""
        store = readiness.open_store(load(self.config))
        public = self.center.config
        store.add(seal(sample_report(), public, lang="en", flags=frozenset(), day=day), iso_week(day))
        store.close()
        self.cover()

    def export(self, day) -> None:
        """Carry everything out on a day."""
        config = load(self.config)
        store = readiness.open_store(config)
        stick = self.folder / "stick"
        stick.mkdir(exist_ok=True)
        export.export(readiness.open_exchange(config, store), stick, day=day)
        store.close()
        self.cover()

    def examine(self) -> Diagnosis:
        return examine(self.machine, self.config)


def follow_the_guide(root: Path) -> None:
    """Copy the files of `deploy/` as the `install` lines of docs/running.md do, below another root."""
    for line in re.findall(r"^ *install (.*deploy/.*)$", GUIDE.read_text(), re.MULTILINE):
        words = [word for word in shlex.split(line) if not re.fullmatch(r"-D?m\d+", word)]
        into = words[words.index("-t") + 1] if "-t" in words else ""
        names = [word for word in words if word.startswith("deploy/")]
        for path in (path for name in names for path in ROOT.glob(name)):
            copy = root / (f"{into}/{path.name}" if into else words[-1]).lstrip("/")
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


QUESTION = '[[site.question]]\ntext = "What color is grass?"\nanswers = ["green"]\n'


def set_up(folder: Path) -> Patient:
    """A machine as the guide leaves it, but for the form, which is started beside it."""
    root, site = folder / "root", folder / "site"
    follow_the_guide(root)
    haproxy = root / "etc/haproxy/haproxy.cfg"
    for old, new in {"form.example.org": "form.center.test", "http://example.onion": ONION}.items():
        haproxy.write_text(haproxy.read_text().replace(old, new))
    key = root / "etc/haproxy/form.pem"
    key.write_text("a key")
    key.chmod(0o600)
    kernel = dict(
        re.findall(r"^([\w.]+) = (.*)$", (root / "etc/sysctl.d/90-vouchsafe.conf").read_text(), re.MULTILINE)
    )
    for name, value in kernel.items():
        path = root / "proc/sys" / name.replace(".", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value + "\n")
    (root / "proc/swaps").write_text("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n")
    center = lasting_center(content=confirmed_content(["en"]), not_before=today() - timedelta(days=90))
    center.write_public(site / "public")
    (folder / "pinned").mkdir()
    (folder / "pinned" / "root.pub").write_text(signing.format_public_key(center.root_public, "pinned"))
    (site / "intake.toml").write_text(
        f'[intake]\ncenter = "{center.id}"\ndata_dir = "data"\npublic_config = "public"\n'
        f'root_public = "../pinned/root.pub"\nunix_socket = "{folder / "door"}"\nslots = 24\n'
        f'[site]\nonion = "{ONION}"\ntexts_confirmed_on = {today()}\n'
        f"{QUESTION}"
    )
    machine = Machine(
        root=root,
        environment={"PATH": "/usr/bin", "PYTHONUNBUFFERED": "1"},
        account=ACCOUNT,
        now=utc_now(),
        free_bytes=lambda _: 10 << 30,
        is_synchronised=lambda: True,
        ask=ask_form,
    )
    return Patient(folder, center, machine)


@pytest.fixture(scope="module")
def healthy(tmp_path_factory) -> Iterator[Patient]:
    """A machine with nothing wrong, and its form running."""
    enable_socket()
    patient = set_up(tmp_path_factory.mktemp("healthy"))
    subprocess.run(intake_command(patient.config, "init"), check=True, capture_output=True, cwd=ROOT)
    with form_behind(patient.config, patient.folder / "door"):
        yield patient


@pytest.fixture
def patient(healthy, tmp_path) -> Patient:
    """A copy of it, whose config still names the running form."""
    for name in ("root", "site", "pinned"):
        shutil.copytree(healthy.folder / name, tmp_path / name)
    machine = replace(healthy.machine, root=tmp_path / "root", now=utc_now())
    return Patient(tmp_path, healthy.center, machine)


def test_nothing_is_found_on_a_machine_set_up_by_the_guide(patient):
    """A doctor that always finds something is not called again."""
    assert patient.examine().faults == ()


def test_the_guide_installs_every_file_of_deploy(patient):
    """A file that no step puts anywhere is in nobody's way, and nobody's help."""
    placed = [path.read_bytes() for path in (patient.folder / "root").rglob("*") if path.is_file()]
    edited = {"haproxy.cfg"}  # with the operator's own names

    missing = [
        path.name
        for path in DEPLOY.rglob("*")
        if path.is_file() and path.name not in edited and path.read_bytes() not in placed
    ]

    assert missing == []


SWAP: Final = "Filename\tType\tSize\tUsed\tPriority\n{} partition 1048572 0 -2\n"
LONG_AGO: Final = timedelta(weeks=6)


def fill(patient: Patient, number: int, week: str) -> None:
    """Put envelopes that nobody sealed into the store."""
    rows = [(draw_id(), 1, week, draw_id(), filling()) for _ in range(number)]
    patient.sql("INSERT INTO slot (id, used, week, envelope, content) VALUES (?, ?, ?, ?, ?)", *rows)


def leave_wal(patient: Patient) -> None:
    """Open the store as another program does."""
    with closing(sqlite3.connect(patient.store)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    patient.cover()


def free_a_page(patient: Patient) -> None:
    """Delete behind everybody's back."""
    patient.sql("DELETE FROM slot WHERE id IN (SELECT id FROM slot LIMIT 1)")


def sign_anew(patient: Patient, **changes) -> None:
    """Carry another signed config over."""
    content = changes.pop("content", None) or confirmed_content(["en"])
    center = lasting_center(content=content, not_before=today() - timedelta(days=90), **changes)
    center.write_public(patient.config.parent / "public")


def show_a_draft(patient: Patient) -> None:
    """Show a language that no person has read."""
    sign_anew(patient, content=confirmed_content(["en", "es"]))
    patient.set("[site]\n", '[site]\nallow_unreviewed = ["es"]\n')


def give_to_another(patient: Patient) -> None:
    """Do as root's hands do."""
    os.chown(patient.data / EXPORT_KEY_NAME, 12_345, -1)


def carry_nothing_back(patient: Patient) -> None:
    """Export every week, and get no acknowledgement."""
    patient.report(today() - LONG_AGO)
    patient.export(today() - LONG_AGO)
    patient.export(today())


def set_times(patient: Patient, seconds_ago: int) -> None:
    """Leave the time of a write on the store."""
    moment = patient.machine.now.seconds - seconds_ago
    moment += moment % 60 == 0
    os.utime(patient.store, (moment, moment))


def nginx(text: str) -> Callable[[Patient], None]:
    """Put nginx before the form, with these lines in its block."""
    block = f"server {{\n {text}\n location / {{ proxy_pass http://unix:/run/vouchsafe/form.sock; }}\n}}\n"
    return lambda patient: patient.write("etc/nginx/sites-enabled/form", block)


GOOD_NGINX: Final = "access_log off;\n error_log /dev/null;\n proxy_request_buffering off;"

# what the test is called, the name that the doctor must give it, a word that must be in its sentence, how it is planted
FAULTS: Final[list[tuple[str, str, str, Callable[[Patient], object]]]] = [
    # the config, its keys, and what `check` finds
    ("the config is no TOML", "check", "no TOML", lambda one: one.config.write_text("[intake")),
    ("a setting is misspelt", "check", "treads", lambda one: one.set("slots =", "treads = 4\nslots =")),
    ("nobody confirmed the words", "check", "drafts", lambda one: one.set("texts_confirmed_on", "# was")),
    ("no root key is pinned", "check", "pinned", lambda one: one.set("root_public =", "# root_public =")),
    ("the signed config was altered", "check", "center-config.json", lambda one: one.edit(
        one.config.parent / "public/center-config.json", "test-center", "best-center")),
    ("the signed config runs out", "warning", "expires on", lambda one: sign_anew(
        one, soft_expiry=today() + timedelta(days=20))),
    ("the config is that of a demo", "warning", "production = false", lambda one: one.set(
        "slots =", "production = false\nslots =")),
    ("a limit is none", "warning", "is no limit", lambda one: one.set(
        "[site]", f"[intake.limits]\nenvelopes_per_day = {UNLIMITED}\n[site]")),
    ("nothing slows a flood", "warning", "question", lambda one: one.set(QUESTION, "")),
    ("a secret key lies here", "check", "secret key", lambda one: (
        one.data / "stray").write_text("AGE-SECRET-KEY-PQ-1" + "Q" * 58)),
    ("a language is shown that nobody reviewed", "warning", "es is shown as a draft", show_a_draft),
    ("the store is missing", "check", "store", lambda one: one.store.unlink()),
    # the store and its disk
    ("the store is open to others", "warning", "chmod", lambda one: one.store.chmod(0o644)),
    ("the export key is open to others", "export-key-open", "export.key", lambda one: (
        one.data / EXPORT_KEY_NAME).chmod(0o640)),
    ("the store keeps a write-ahead log", "store-wal", "order", leave_wal),
    ("pages of the store were freed", "store-freed", "deleted", free_a_page),
    ("the time of the last report shows", "store-times", "last report", lambda one: set_times(one, 1_000)),
    ("no slots are left in reserve", "store-short", "few free", lambda one: one.sql(
        "UPDATE slot SET used = 1, week = ?", (iso_week(today()),))),
    ("the disk is nearly full", "disk", "1 MiB left", lambda one: one.become(free_bytes=lambda _: 1 << 20)),
    # the exchange
    ("nobody carries reports out", "exchange", "no export", lambda one: one.report(today() - LONG_AGO)),
    ("nobody carries acknowledgements back", "exchange", "no acknowledgement", carry_nothing_back),
    ("too many reports wait", "many-reports", str(MANY + 1), lambda one: fill(one, MANY + 1, iso_week(today()))),
    # the system
    ("swap is on", "swap", "/dev/sda2", lambda one: one.write("proc/swaps", SWAP.format("/dev/sda2"))),
    ("swap is a file", "swap", "/swapfile", lambda one: one.write("proc/swaps", SWAP.format("/swapfile"))),
    ("core dumps go to a file", "core-dumps", "memory", lambda one: one.write("proc/sys/kernel/core_pattern", "core\n")),
    ("core dumps go to a collector", "core-dumps", "memory", lambda one: one.write(
        "proc/sys/kernel/core_pattern", "|/usr/lib/systemd/systemd-coredump %P\n")),
    ("programs that change account dump core", "core-dumps", "memory", lambda one: one.write(
        "proc/sys/fs/suid_dumpable", "2\n")),
    ("nothing sets the clock", "clock-not-set", "clock", lambda one: one.become(is_synchronised=lambda: False)),
    ("the clock went back", "clock-behind", "week before", lambda one: (
        one.report(today()), one.become(now=Now(moment=one.machine.now.moment - timedelta(weeks=3))))),
    ("it runs as root", "root", "runs as root", lambda one: one.become(account=0)),
    ("Python dumps its state when it fails", "environment", "PYTHONFAULTHANDLER", lambda one: one.become(
        environment={"PYTHONFAULTHANDLER": "1"})),
    ("the unit starts a debugger", "environment", "FLASK_DEBUG", lambda one: one.unit(
        "[Service]\n", "[Service]\nEnvironment=FLASK_DEBUG=1\n")),
    # the units
    ("there is no unit", "no-unit", FORM_UNIT, lambda one: one.place(f"etc/systemd/system/{FORM_UNIT}").unlink()),
    ("the unit lets swap take its memory", "unit", "MemorySwapMax=0", lambda one: one.unit("MemorySwapMax=0\n")),
    ("the unit lets cores be dumped", "unit", "LimitCORE=0", lambda one: one.unit("LimitCORE=0\n", "LimitCORE=infinity\n")),
    ("the unit may write everywhere", "unit", "ProtectSystem=strict", lambda one: one.unit("ProtectSystem=strict\n")),
    ("the unit has a network", "unit", "PrivateNetwork=yes", lambda one: one.unit("PrivateNetwork=yes\n")),
    ("a file beside the unit takes back what it says", "unit", "NoNewPrivileges=yes", lambda one: one.write(
        f"etc/systemd/system/{FORM_UNIT}.d/override.conf", "[Service]\nNoNewPrivileges=no\n")),
    ("the unit runs as root", "unit-of-root", "root", lambda one: one.unit("User=vouchsafe\n")),
    ("swap may take the proxy's memory", "proxy-unit", "MemorySwapMax=0", lambda one: one.place(
        "etc/systemd/system/haproxy.service.d/vouchsafe.conf").unlink()),
    # HAProxy
    ("there is no proxy", "no-proxy", "slow lines", lambda one: one.place("etc/haproxy/haproxy.cfg").unlink()),
    ("the proxy logs", "proxy-log", "log", lambda one: one.haproxy("    no log\n", "    log /dev/log local0\n")),
    ("the proxy keeps a log of pages", "proxy-log", "log", lambda one: one.haproxy(
        "    no log\n", "    option httplog\n")),
    ("the proxy passes addresses on", "proxy-address", "address", lambda one: one.haproxy(
        "    no log\n", "    no log\n    option forwardfor\n")),
    ("the proxy puts addresses before requests", "proxy-address", "text_clearnet", lambda one: one.haproxy(
        "maxconn 6\n", "maxconn 6 send-proxy\n")),
    ("the proxy passes on what browsers tell", "proxy-headers", "browsers", lambda one: one.haproxy(
        "    http-request del-header", "    #")),
    ("the proxy does not wait for bodies", "proxy-slow-lines", "whole", lambda one: [
        one.haproxy("    http-request wait-for-body", "    #") for _ in range(2)]),
    ("the proxy's names are the example's", "proxy-names", "example", lambda one: one.haproxy(
        "https://form.center.test", "https://form.example.org")),
    ("the key of the certificate is open", "tls-key", "form.pem", lambda one: one.place(
        "etc/haproxy/form.pem").chmod(0o644)),
    # other programs before the form
    ("nginx logs visitors", "nginx-log", "access log", nginx(GOOD_NGINX.replace("access_log off;", ""))),
    ("nginx logs visitors in its errors", "nginx-error-log", "error log", nginx(
        GOOD_NGINX.replace("/dev/null", "/var/log/nginx/error.log"))),
    ("nginx writes bodies to the disk", "proxy-disk", "in clear", nginx(GOOD_NGINX.replace("buffering off", "buffering on"))),
    ("Caddy logs visitors", "caddy-log", "Caddy", lambda one: one.write(
        "etc/caddy/Caddyfile", "form.center.test {\n reverse_proxy unix//run/vouchsafe/form.sock\n}\n")),
    # tor
    ("tor logs much", "tor-log", "warnings", lambda one: one.torrc("Log warn", "Log info")),
    ("tor logs addresses", "tor-log", "warnings", lambda one: one.torrc("SafeLogging 1", "SafeLogging 0")),
    ("tor offers no service", "tor-no-service", "no address", lambda one: one.torrc("HiddenServiceDir", "# ")),
    ("tor asks no work of a flood", "tor-defence", "proof of work", lambda one: one.torrc(
        "HiddenServicePoWDefensesEnabled 1", "HiddenServicePoWDefensesEnabled 0")),
    ("tor does not tell circuits apart", "tor-circuits", "circuit", lambda one: one.torrc(
        "HiddenServiceExportCircuitID", "# ")),
    # what the form answers
    ("the form is down", "no-answer", "does not answer", lambda one: one.set('/door"', '/nowhere"')),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "word", "plant"), [row[1:] for row in FAULTS], ids=[row[0].replace(" ", "-") for row in FAULTS]
)
def test_a_planted_fault_is_found_and_nothing_else(patient, name, word, plant):
    """Exactly this one, by its name, with a sentence that says what and another that says what to do."""
    plant(patient)

    faults = patient.examine().faults

    assert [fault.name for fault in faults] == [name]
    assert word in faults[0].wrong
    assert len(faults[0].do.split()) >= 4
    assert not re.search(r"\d\d:\d\d", faults[0].wrong + faults[0].do)


@pytest.mark.skipif(os.geteuid() != 0, reason="ROOT: only root can give a file to another account")
def test_a_file_of_another_account_is_found(patient):
    """Root's hands leave files that the form cannot use."""
    give_to_another(patient)

    assert [fault.name for fault in patient.examine().faults] == ["owner"]


@contextmanager
def impostor(door: Path, headers: dict[str, str]) -> Iterator[None]:
    """Something else that answers at the form's socket."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(200)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def address_string(self) -> str:
            return ""

        def log_message(self, *_: object) -> None:
            pass

    with socketserver.ThreadingUnixStreamServer(str(door), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


OURS: Final = {**HEADERS, "Cache-Control": NO_STORE}


@pytest.mark.parametrize(
    ("headers", "named"),
    [
        (OURS, []),
        (OURS | {"Server": "nginx"}, ["server"]),
        (OURS | {"Set-Cookie": "id=1"}, ["set-cookie"]),
        (OURS | {"Cache-Control": "private"}, ["cache-control"]),
        (OURS | {"Content-Security-Policy": "default-src *"}, ["content-security-policy"]),
        ({"Cache-Control": NO_STORE}, sorted(name.lower() for name in HEADERS)),
    ],
    ids=["as ours", "a server's name", "a cookie", "kept by browsers", "another policy", "none of ours"],
)
def test_headers_that_are_not_the_forms_are_named(patient, headers, named):
    """Something else at the address of the form, or a proxy that meddles."""
    door = patient.folder / "door"
    patient.set(re.search(r'unix_socket = "(.*)"', patient.config.read_text())[1], str(door))

    with impostor(door, headers):
        faults = patient.examine().faults

    assert [fault.name for fault in faults] == (["headers"] if named else [])
    assert sorted(name for fault in faults for name in fault.wrong.partition(": ")[2].split(", ")) == named


# What is no fault


@pytest.mark.parametrize(
    "plant",
    [
        lambda one: (
            one.write("proc/swaps", SWAP.format("/dev/dm-1")),
            one.write("sys/block/dm-1/dm/uuid", "CRYPT-LUKS2-abc-cryptswap\n"),
        ),
        lambda one: one.write("proc/swaps", SWAP.format("/dev/zram0")),
        lambda one: one.report(today()),
        lambda one: (one.report(today()), set_times(one, 30)),
        lambda one: one.become(is_synchronised=lambda: None),
        lambda one: sign_anew(one, content=confirmed_content(["en", "es"])),
        nginx(GOOD_NGINX),
    ],
    ids=[
        "encrypted swap", "swap in memory", "a new report", "a report of this minute", "a clock that says nothing",
        "a language held back", "an nginx that forgets",
    ],
)  # fmt: skip
def test_what_may_be_so_is_no_fault(patient, plant):
    """False alarms teach people to look away."""
    plant(patient)

    assert patient.examine().faults == ()


def test_several_faults_are_all_named(patient):
    """The operator mends them in one evening."""
    patient.write("proc/swaps", SWAP.format("/dev/sda2"))
    patient.unit("LimitCORE=0\n")
    patient.set("texts_confirmed_on", "# was")

    assert [fault.name for fault in patient.examine().faults] == ["check", "swap", "unit"]


def test_no_moment_of_a_report_is_told(patient):
    """An operator who knows when a report came may know who sent it."""
    patient.report(today())

    told = json.dumps([str(one) for one in (*patient.examine().faults, *patient.examine().notes)])

    assert not re.search(r"\d\d:\d\d|\d{4}-W\d\d", told)
    assert iso_week(today()) not in told


# The command


def test_the_command_lists_faults_first_and_ends_with_its_own_code(patient):
    """For a person and for a script; here it looks at the machine that runs the tests, which is no server."""
    plain = subprocess.run(
        intake_command(patient.config, "doctor"), capture_output=True, text=True, check=False, cwd=ROOT
    )
    told = subprocess.run(
        intake_command(patient.config, "doctor", "--json"),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )

    assert plain.returncode == told.returncode == errors.FaultsFoundError.exit_code
    assert plain.stdout.startswith("WRONG (")
    assert plain.stdout.index("DO: ") < plain.stdout.index("note: ")
    found = json.loads(told.stdout)
    assert "no-unit" in {fault["name"] for fault in found["faults"]}
    assert all(set(fault) == {"name", "wrong", "do"} for fault in found["faults"])
