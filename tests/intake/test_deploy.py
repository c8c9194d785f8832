"""What `deploy/` ships: files that their programs take, and a proxy that shields the form and remembers nobody."""

import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from intake.anonymity import HEADERS, NO_STORE
from intake.config import load
from intake.store import Store
from tests.intake.conftest import center_with_files, initialised
from tests.intake.proxy import (
    CIRCUIT,
    DEPLOY,
    Proxy,
    exposure,
    form_behind,
    head,
    placed,
    proxy_before,
    read_answer,
    report,
    unverified,
    write_certificate,
)
from tests.intake.test_uploads import CONTENT_TYPE, body_of
from tests.intake.traces import folders_written, lines_of, watched

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.usefixtures("socket_enabled"),
    pytest.mark.skipif(shutil.which("haproxy") is None, reason="MISSING: apt-get install haproxy"),
]

SLOW = 200  # connections held at one entrance
DEADLINE = 10  # seconds in which an honest report must be accepted beside them
BOTH = pytest.mark.parametrize("entrance", ["clearnet", "onion"])
UNIT = DEPLOY / "vouchsafe-intake.service"


# Files that their programs take


def test_haproxy_takes_the_file(tmp_path):
    """Without a warning: a warning is a line that does not do what it says."""
    write_certificate(tmp_path / "form.pem")
    config = tmp_path / "haproxy.cfg"
    config.write_text(placed(tmp_path, tmp_path / "form.sock", (1443, 1081, 1080), {}))

    done = subprocess.run(["haproxy", "-c", "-f", config], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("tor") is None, reason="MISSING: apt-get install tor")
def test_tor_takes_the_file(tmp_path):
    """Its defences have names that changed between versions."""
    torrc = tmp_path / "torrc"
    torrc.write_text((DEPLOY / "torrc").read_text().replace("/var/lib/tor/vouchsafe/", f"{tmp_path}/onion/"))

    done = subprocess.run(
        ["tor", "--verify-config", "--DataDirectory", tmp_path / "state", "-f", torrc],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "Configuration was valid" in done.stdout
    warnings = [line for line in done.stdout.splitlines() if "[warn]" in line]
    assert [line for line in warnings if "running Tor as root" not in line] == []


def test_the_unit_is_closed_but_for_what_it_needs():
    """0.5 of 10 is the goal; a unit without a line of this is at 9.6."""
    assert exposure(UNIT) <= 0.5


def test_twin_a_unit_that_opens_the_network_is_seen(tmp_path):
    """The score moves when a line is taken away."""
    opened = tmp_path / UNIT.name
    opened.write_text(
        re.sub(r"^(PrivateNetwork|RestrictAddress|IPAddress).*\n", "", UNIT.read_text(), flags=re.M)
    )

    assert exposure(opened) > 0.5


def test_systemd_takes_the_units(tmp_path):
    """A misspelt directive is ignored with a warning that nobody reads."""
    for unit in (UNIT, DEPLOY / "vouchsafe-intake.socket"):
        text = unit.read_text().replace("/opt/vouchsafe/bin/intake", sys.executable)
        (tmp_path / unit.name).write_text(text)

    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
    )

    assert [line for line in done.stderr.splitlines() if "vouchsafe" in line] == []


def test_the_form_runs_under_the_system_calls_of_its_unit(tmp_path):
    """A score says nothing about whether the program still works: here it seals a report under the filter."""
    config, _, _ = initialised(tmp_path, lines=f'unix_socket = "{tmp_path / "door"}"')
    launcher = tmp_path / "filtered.py"
    launcher.write_text(FILTERED.format(names=allowed_calls(UNIT)))

    with form_behind(config, tmp_path / "door", prefix=[sys.executable, str(launcher)]) as pid:
        line = socket.socket(socket.AF_UNIX)
        line.connect(str(tmp_path / "door"))
        line.sendall(report("Somebody shouted at us."))
        assert read_answer(line)[0] == 303
        line.close()
        assert "Seccomp:\t2" in Path(f"/proc/{pid}/status").read_text()
    assert stored(config) == 1


FILTERED = """\
import ctypes, os, sys
library = ctypes.CDLL("libseccomp.so.2")
library.seccomp_init.restype = ctypes.c_void_p
context = ctypes.c_void_p(library.seccomp_init(0x00050001))  # SCMP_ACT_ERRNO(EPERM)
for name in {names!r}:
    number = library.seccomp_syscall_resolve_name(name.encode())
    if number >= 0:
        library.seccomp_rule_add(context, 0x7FFF0000, number, 0)  # SCMP_ACT_ALLOW
assert library.seccomp_load(context) == 0
ctypes.CDLL(None).prctl(65, 1, 0, 0, 0)  # PR_SET_MDWE, as MemoryDenyWriteExecute=yes; kernels before 6.3 do not know it
# The process id of the launcher stays, so the sockets that were handed over are still its own.
os.execv(sys.argv[1], sys.argv[1:])
"""


def allowed_calls(unit: Path) -> list[str]:
    """The system calls that a unit's filter lets through."""
    allowed: set[str] = set()
    for words in re.findall(r"^SystemCallFilter=(.*)$", unit.read_text(), re.M):
        named = {name for one in words.lstrip("~").split() for name in calls_of(one)}
        allowed = allowed - named if words.startswith("~") else allowed | named
    return sorted(allowed)


def calls_of(group: str) -> set[str]:
    """The members of a group of systemd's, groups in it included."""
    if not group.startswith("@"):
        return {group}
    text = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager", group], capture_output=True, text=True, check=True
    ).stdout
    found = [line.strip() for line in text.splitlines()[1:] if line.startswith("    ")]
    return {name for one in found if not one.startswith("#") for name in calls_of(one)}


def test_the_filter_is_systemds_own_list():
    """Groups hold groups; what a worker needs and what root needs are told apart."""
    allowed = allowed_calls(UNIT)

    assert {"accept4", "fsync", "prlimit64", "clone3"} <= set(allowed)
    assert not {"chown", "mount", "ptrace", "setrlimit", "swapon", "bpf"} & set(allowed)


# Slow lines


@BOTH
def test_two_hundred_slow_lines_keep_nobody_out(tmp_path, entrance):
    """Half of them send their head letter by letter, half their words."""
    with deployment(tmp_path) as (proxy, config), ExitStack() as held:
        lines = slow_lines(held, proxy, entrance, SLOW)

        status, headers, _ = proxy.ask(entrance, report("They threw stones." + " " * 4_000), timeout=DEADLINE)

        assert (status, headers["location"]) == (303, "/en/done")
        assert all(is_open(line) for line in lines)
    assert stored(config) == 1


@BOTH
def test_slow_uploads_leave_the_places_of_text_alone(tmp_path, entrance):
    """What is too large to wait in memory takes a place while it arrives, and there are few of these."""
    with deployment(tmp_path) as (proxy, config), ExitStack() as held:
        for path in ("/en/form", "/en/send"):
            for _ in range(20):
                line = held.enter_context(proxy.connect(entrance))
                with suppress(OSError):  # where nobody takes files, the line is closed
                    line.sendall(head("POST", path, length=900_000) + b"narrative=" + b"x" * 200_000)

        status, _, _ = proxy.ask(entrance, report("They threw stones."), timeout=DEADLINE)

        assert status == 303
    assert stored(config) == 1


def test_twin_slow_lines_do_keep_people_out_when_nothing_is_waited_for(tmp_path):
    """The detector: the same lines before a proxy that hands requests on as they come."""
    waits = [line for line in (DEPLOY / "haproxy.cfg").read_text().splitlines() if "wait-for-body" in line]
    changes = {f"{line}\n": "" for line in waits} | {"timeout queue 8s": "timeout queue 2s"}
    with deployment(tmp_path, changes=changes) as (proxy, _), ExitStack() as held:
        slow_lines(held, proxy, "onion", SLOW)

        status, _, page = proxy.ask("onion", report("They threw stones."))

        assert status == 503
        assert "Your report was not saved." in page


def slow_lines(held: ExitStack, proxy: Proxy, entrance: str, number: int) -> list[socket.socket]:
    """Open connections that send a little and then nearly nothing."""
    lines = [held.enter_context(proxy.connect(entrance)) for _ in range(number)]
    for place, line in enumerate(lines):
        if place % 2:
            line.sendall(b"POST /en/form HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        else:
            line.sendall(report("slow", length=80_000)[:30_000])
    stop = threading.Event()

    def trickle() -> None:
        while not stop.wait(1):
            for line in lines:
                with suppress(OSError):
                    line.sendall(b"x")

    thread = threading.Thread(target=trickle)
    thread.start()
    held.callback(thread.join)
    held.callback(stop.set)
    return lines


def is_open(line: socket.socket) -> bool:
    """Whether the other side still waits for more."""
    line.settimeout(0)
    try:
        return line.recv(1) != b""
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    finally:
        line.settimeout(30)


def test_a_report_that_did_not_arrive_whole_looks_like_no_success(tmp_path):
    """Only the 303 and its page mean that we have it; another answer of 2xx would be believed."""
    changes = {"wait-for-body time 60s unless": "wait-for-body time 1s unless"}
    with deployment(tmp_path, changes=changes) as (proxy, config):
        with proxy.connect("onion") as line:
            line.sendall(report("They threw stones.")[:-500])
            status, _, page = read_answer(line)

        assert status == 408
        assert "Nothing was saved." in page
    assert stored(config) == 0


# What passes, and what stays behind


TELLING = {
    "User_Agent": "canary-agent",
    "Referer": "https://canary-referrer.example/",
    "X_Forwarded_For": "203.0.113.77",
    "X_Real_IP": "203.0.113.77",
    "Forwarded": "for=203.0.113.77",
    "Via": "1.1 canary-via",
    "Cookie": "canary=cookie",
    "From": "canary@example.org",
    "Sec_CH_UA_Platform": "canary-platform",
    "X_Client_Canary": "canary-header",
}
NEEDED = {"Accept_Language": "es", "Sec_Fetch_Site": "same-origin", "Accept_Encoding": "gzip"}
TRACES = (b"canary", b"203.0.113.77", b"127.0.0.1", b"PROXY")


@BOTH
def test_the_form_learns_no_address_and_nothing_of_the_browser(tmp_path, entrance):
    """It gets what it reads, and on the onion side the number of the circuit."""
    seen = seen_behind(tmp_path, entrance)

    if entrance == "onion":
        assert seen.startswith(f"PROXY TCP6 {CIRCUIT} ".encode())
        seen = seen.partition(b"\r\n")[2]
    assert [trace for trace in TRACES if trace in seen] == []
    assert b"accept-language: es" in seen
    assert b"sec-fetch-site: same-origin" in seen


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("    option http-server-close\n", "    option http-server-close\n    option forwardfor\n"),
        ("|transfer-encoding)$)", "|transfer-encoding|user-agent)$)"),
        ("maxconn 6\n", "maxconn 6 send-proxy\n"),
    ],
    ids=["forwardfor", "user agent", "PROXY line on the clearnet"],
)
def test_twin_a_proxy_that_tells_is_found_out(tmp_path, line, instead):
    """The detector on a file with one sin."""
    seen = seen_behind(tmp_path, "clearnet", {line: instead})

    assert [trace for trace in TRACES if trace in seen] != []


def seen_behind(folder: Path, entrance: str, changes: Mapping[str, str] | None = None) -> bytes:
    """What arrives at the form's socket of a request that tells much."""
    arrived: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(folder / "door"))
        door.listen()

        def listen() -> None:
            line, _ = door.accept()
            with line:
                seen = b""
                while b"\r\n\r\n" not in seen:
                    seen += line.recv(65_536)
                arrived.append(seen)
                line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=listen)
        thread.start()
        with proxy_before(folder, folder / "door", changes=changes) as proxy:
            status, _, _ = proxy.ask(entrance, head("GET", "/en/form", **TELLING, **NEEDED))
        thread.join()
    assert status == 200
    return arrived[0]


def test_the_proxy_writes_no_file_and_says_nothing(tmp_path):
    """Whatever comes: pages, reports, nonsense, and a form that is down."""
    with deployment(tmp_path) as (proxy, _):
        for entrance in ("clearnet", "onion"):
            assert proxy.ask(entrance, head("GET", "/en/form", **TELLING))[0] == 200
            assert proxy.ask(entrance, report("They threw stones."))[0] == 303
            assert proxy.ask(entrance, b"canary nonsense\r\n\r\n")[0] == 400
    (tmp_path / "down").mkdir()
    with proxy_before(tmp_path / "down", tmp_path / "nowhere") as lonely:
        assert lonely.ask("clearnet", head("GET", "/canary", **TELLING))[0] == 503

    for one in (proxy, lonely):
        assert list(one.folder.iterdir()) == []
        assert one.output.read_text() == ""


def test_twin_a_proxy_that_logs_is_heard(tmp_path):
    """The detector: one line that asks for a log."""
    changes = {"    no log\n": "    log stderr format raw local0\n    option httplog\n"}
    with proxy_before(tmp_path, tmp_path / "nowhere", changes=changes) as proxy:
        proxy.ask("clearnet", head("GET", "/canary", **TELLING))
        time.sleep(0.2)

    assert "127.0.0.1" in proxy.output.read_text()


needs_strace = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("strace") is None,
    reason="STRACE: needs strace, and root: a hardened server shows its buffers to nobody else",
)
WORD = "Qzvx-canary-in-the-words"


@needs_strace
def test_no_word_is_written_to_anything_but_a_socket(tmp_path):
    """A trace of proxy and form together: no file search sees a file without a name."""
    proxy_calls, form_calls = traced(tmp_path)

    for calls in (proxy_calls, form_calls):
        assert any(WORD in call for call in calls), "the trace is blind"
        assert written(calls) == []
        assert folders_written(calls, but=[tmp_path / "site" / "data"]) == set()


@needs_strace
def test_twin_a_proxy_that_writes_words_down_is_seen(tmp_path):
    """The detector: a log line with what stands in a header."""
    calls, _ = traced(
        tmp_path,
        {
            "    no log\n": "    log stderr format raw local0\n    option httplog\n",
            "    use_backend large_onion": "    http-request capture req.body len 200\n    use_backend large_onion",
        },
    )

    assert written(calls) != []


def traced(folder: Path, changes: Mapping[str, str] | None = None) -> tuple[list[str], list[str]]:
    """Send a report, and one with a file, through proxy and form, both under strace: the calls of each."""
    calls = "read,recvfrom,write,pwrite64,writev,pwritev,sendto,sendmsg,splice,openat,memfd_create"
    door, site = folder / "door", folder / "site"
    site.mkdir()
    config, _, _ = initialised(site, center_with_files(), lines=f'unix_socket = "{door}"')
    body = body_of({"narrative": WORD}, [(f"{WORD}.jpg", f"image/{WORD}", WORD.encode() * 30_000)])
    telling = {"User_Agent": WORD, "Referer": WORD, "Cookie": WORD}
    upload = head("POST", f"/en/send?{WORD}", length=len(body), kind=CONTENT_TYPE, **telling) + body
    with (
        form_behind(config, door) as form,
        proxy_before(folder, door, changes=changes) as proxy,
        watched(form, folder / "form", calls),
        watched(proxy.process.pid, folder / "proxy.trace", calls),
    ):
        for request in (report(WORD), upload):
            assert proxy.ask("onion", request)[0] == 303
        time.sleep(0.5)  # what would be written after the answer
    return lines_of(folder / "proxy.trace"), lines_of(folder / "form")


def written(calls: Sequence[str]) -> list[str]:
    """Calls that gave the word to anything but a socket."""
    writing = re.compile(r"\d+ +(write|pwrite64|writev|pwritev|sendto|sendmsg|openat)\(")
    return [
        call for call in calls if WORD in call and writing.match(call) and not re.search(r"<(TCP|UNIX)", call)
    ]


# Pages of the proxy's own


@BOTH
def test_when_the_form_is_down_our_own_page_says_so(tmp_path, entrance):
    """In plain words, with the headers of every other page, and with what becomes of the words."""
    with proxy_before(tmp_path, tmp_path / "nowhere") as proxy:
        status, headers, page = proxy.ask(entrance, report("They threw stones."))

    assert status == 503
    assert "Your report was not saved." in page
    assert {name: headers.get(name.lower()) for name in HEADERS} == dict(HEADERS)
    assert headers["cache-control"] == NO_STORE


@pytest.mark.parametrize("path", sorted((DEPLOY / "errors").iterdir()), ids=lambda path: path.name)
def test_each_page_of_the_proxy_is_an_answer_of_ours(path):
    """Its status is its name, its headers are ours, and it names neither the software nor the reason it exists."""
    lines, _, page = path.read_bytes().decode("ascii").partition("\r\n\r\n")
    first, *rest = lines.split("\r\n")
    headers = dict(line.split(": ", 1) for line in rest)

    assert first.split()[1] == path.stem
    assert {name: headers.get(name) for name in HEADERS} == dict(HEADERS)
    assert headers["Cache-Control"] == NO_STORE
    assert "not" in page
    assert not re.search(r"proxy|server|gateway|<title>(?!Community form<)", page, re.I)


def test_every_page_of_the_proxy_is_in_use():
    """A page that no line names is never seen."""
    named = re.findall(r"errorfile (\d+) /etc/vouchsafe/errors/(\S+)", (DEPLOY / "haproxy.cfg").read_text())

    assert {name for _, name in named} == {path.name for path in (DEPLOY / "errors").iterdir()}
    assert all(name == f"{status}.http" for status, name in named)


def test_the_clearnet_insists_on_tls_and_shows_the_onion_which_does_neither(tmp_path):
    """The onion address authenticates itself; a line about TLS there would be a lie."""
    with proxy_before(tmp_path, tmp_path / "nowhere") as proxy:
        _, clear, _ = proxy.ask("clearnet", head("GET", "/es/form"))
        _, onion, _ = proxy.ask("onion", head("GET", "/es/form"))
        with socket.create_connection(("127.0.0.1", proxy.plain), timeout=10) as line:
            line.sendall(head("GET", "/es/form"))
            status, moved, _ = read_answer(line)

    assert clear["strict-transport-security"] == "max-age=31536000"
    assert clear["onion-location"] == "http://example.onion/es/form"
    assert not {"strict-transport-security", "onion-location"} & onion.keys()
    assert (status, moved["location"]) == (308, "https://form.example.org/es/form")


def test_old_tls_is_refused(tmp_path):
    """What is older than 1.2 can be read by who listens."""
    old = unverified()
    old.set_ciphers("ALL:@SECLEVEL=0")
    with proxy_before(tmp_path, tmp_path / "nowhere") as proxy:
        with pytest.warns(DeprecationWarning, match="TLS"):
            old.minimum_version = ssl.TLSVersion.TLSv1
        with pytest.warns(DeprecationWarning, match="TLS"):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with (
            socket.create_connection(("127.0.0.1", proxy.clearnet), timeout=10) as line,
            pytest.raises(ssl.SSLError),
        ):
            old.wrap_socket(line)


# The whole


@contextmanager
def deployment(folder: Path, *, changes: Mapping[str, str] | None = None) -> Iterator[tuple[Proxy, Path]]:
    """The shipped proxy before a real form; yields the proxy and the form's config."""
    door, site = folder / "door", folder / "site"
    site.mkdir()
    config, _, _ = initialised(site, lines=f'unix_socket = "{door}"')
    with form_behind(config, door), proxy_before(folder, door, changes=changes) as proxy:
        yield proxy, config


def stored(config: Path) -> int:
    """Reports in the store."""
    store = Store(load(config).intake.store)
    try:
        return store.count()
    finally:
        store.close()
