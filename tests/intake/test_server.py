"""The running server: what only a process can show. Kills, traces and full disks of the whole are promises' tests."""

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from crypto.unseal import unseal
from intake.config import load
from intake.store import Store
from tests.intake.conftest import (
    ROOT,
    SLOTS,
    Server,
    initialised,
    intake_command,
    lasting_center,
    start_server,
    write_config,
)
from tests.intake.test_committer import held, transactions
from tests.intake.test_headers import EXACT, NEVER
from tests.intake.traces import folders_written, lines_of
from tests.promises.servers import needs_strace

pytestmark = pytest.mark.loopback


def workers(server: Server) -> list[int]:
    """Process ids of the workers."""
    pid = server.process.pid
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def narratives(server: Server) -> list[str]:
    """What lies in the store, opened."""
    store = Store(load(server.config).intake.store)
    found = [unseal(one.sealed, server.center.identities).report.narrative for one in store.pending()]
    store.close()
    return found


def test_the_server_adds_no_header_that_names_it(server):
    """The application's headers are a table; these are what gunicorn puts around them."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    for path, status in (("/en/form", 200), ("/nowhere", 404), ("//evil.example/en/", 404)):
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status
        assert {name: answer.headers.get(name) for name in EXACT} == EXACT
        assert [name for name in NEVER if name in answer.headers] == []
    connection.close()


def test_no_process_may_dump_core(server):
    """The limit is set before the workers are forked, and in each of them."""
    for pid in (server.process.pid, *workers(server)):
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert "Max core file size        0                    0" in limits


def test_a_hardened_process_is_closed_to_others_of_its_account():
    """Whatever the environment asked for; a process of its own, because there is no way back."""
    program = (
        "import ctypes, faulthandler, os, resource\n"
        "from intake.hardening import harden\n"
        "harden()\n"
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), faulthandler.is_enabled(),\n"
        "      resource.getrlimit(resource.RLIMIT_CORE), oct(os.umask(0)))"
    )
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )

    assert done.stdout.strip() == "0 False (0, 0) 0o77"


NOBODY = 65_534  # uid
# The interpreter may lie where another account reads nothing, so it becomes the account late. That closes a process by itself.
AS_NOBODY = f"import ctypes, os, resource, time; os.setuid({NOBODY}); ctypes.CDLL(None).prctl(4, 1);"
OPENED = "resource.setrlimit(resource.RLIMIT_CORE, (1 << 20, 1 << 20));"
WAITING = "print('ready', flush=True); time.sleep(60)"


@pytest.mark.skipif(os.geteuid() != 0, reason="ACCOUNT: needs root, to become another account")
@pytest.mark.parametrize(("hardening", "is_open"), [("harden();", False), ("", True)])
def test_another_process_of_its_account_reads_none_of_its_memory_and_a_crash_dumps_none(hardening, is_open):
    """As a debugger of the same account would; the twin is a process that was not hardened."""
    program = f"from intake.hardening import harden; {AS_NOBODY} {OPENED} {hardening} {WAITING}"
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        reader = f"{AS_NOBODY} open('/proc/{process.pid}/mem', 'rb')"
        done = subprocess.run([sys.executable, "-c", reader], capture_output=True, check=False)
        process.send_signal(signal.SIGSEGV)
        _, status = os.waitpid(process.pid, 0)
        process.returncode = -signal.SIGSEGV

    assert (done.returncode == 0) is is_open
    assert os.WTERMSIG(status) == signal.SIGSEGV
    assert not os.WCOREDUMP(status) or is_open  # what a core of the twin becomes is for the system to say


@needs_strace
def test_the_copy_that_lays_the_store_out_lies_beside_it(tmp_path):
    """It would lie in a folder that all programs share: deleted blocks of a whole store, on another disk perhaps."""
    config = write_config(tmp_path, lasting_center())
    config.write_text(
        config.read_text().replace(f"slots = {SLOTS}", "slots = 3000")
    )  # more than fits into memory
    trace = tmp_path / "trace.txt"
    command = ["strace", "-f", "-qq", "-e", "trace=openat", "-o", str(trace), *intake_command(config, "init")]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    calls = lines_of(trace)

    assert any("etilqs" in call for call in calls), "the store was laid out without a copy"
    assert folders_written(calls, but=[tmp_path / "data"]) == set()


def test_nothing_is_made_beside_the_store_and_no_control_socket_listens(server):
    """The server would open one in the home directory by default."""
    server.post({"narrative": ["x"]})

    names = {path.name for path in load(server.config).intake.data_dir.iterdir()}
    assert names == {
        "store.sqlite",
        "store.sqlite-journal",
        "export.key",
        "export.pub",
        "highest-serial",
        "last-flood",
    }
    opened = Path("/proc/net/unix").read_text()
    assert "gunicorn" not in opened


def test_a_killed_worker_loses_no_acknowledged_report_and_is_replaced(server):
    """One worker dies in the middle of its work; who saw "We have it" is not concerned."""
    acknowledged: list[str] = []
    stop = threading.Event()

    def send(name: str) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            story = f"{name}-{number}"
            try:
                status, _ = server.post({"narrative": [story]})
            except (OSError, http.client.HTTPException):
                continue
            if status == 303:
                acknowledged.append(story)

    threads = [threading.Thread(target=send, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for _ in range(4):
        time.sleep(0.4)
        os.kill(workers(server)[0], signal.SIGKILL)
    time.sleep(0.4)
    stop.set()
    for thread in threads:
        thread.join()

    kept = narratives(server)
    assert len(acknowledged) > 20
    assert set(acknowledged) <= set(kept)
    assert len(kept) == len(set(kept))


def test_sixteen_that_wait_are_stored_together(tmp_path, socket_enabled):
    """One worker answers, so whoever waits for the same file shares one commit."""
    config, port, center = initialised(tmp_path, lines="deadline_seconds = 30")
    server = start_server(config, port, center)
    path = load(config).intake.store
    holder = held(path)
    before = transactions(path)

    with ThreadPoolExecutor(16) as pool:
        sent = [pool.submit(server.post, {"narrative": [f"story {number}"]}) for number in range(16)]
        time.sleep(2)  # all wait by now, or nearly all: more than one transaction is allowed below
        holder.execute("ROLLBACK")
        holder.close()
        assert {one.result()[0] for one in sent} == {303}

    assert len(narratives(server)) == 16
    assert transactions(path) - before <= 8
    server.kill()


def test_a_worker_that_had_enough_hands_over_without_refusing_anyone(tmp_path, socket_enabled):
    """What was read does not stay in memory, and nobody notices the change."""
    server = start_server(*initialised(tmp_path, lines="max_requests = 5"))
    first = set(workers(server))

    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(server.post, {"narrative": [f"story {number}"]}) for number in range(60)]
        assert {one.result()[0] for one in sent} == {303}

    assert len(narratives(server)) == 60
    assert not first & set(workers(server))
    server.kill()


def test_tokens_of_one_worker_are_known_to_the_next(tmp_path, socket_enabled):
    """The key is made before the workers are forked."""
    from tests.form_client import send_report

    server = start_server(*initialised(tmp_path, lines="max_requests = 3"))
    for number in range(8):
        send_report(server.url, {"narrative": [f"story {number}"]})

    store = Store(load(server.config).intake.store)
    flags = {unseal(one.sealed, server.center.identities).header.flags for one in store.pending()}
    store.close()
    server.kill()
    assert flags == {("fast", "no_fetch")}  # whoever sends them is quick
