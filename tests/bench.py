"""The benchmarks of `make bench`: each against a reference measured in the same run, printed as ratios.

Machines are noisy, so no figure here is a pass or a failure, and only ratios are meant to be quoted.

    accept    CPU of the server's processes for one accepted report, against the sum of one seal, one durable insert in
              the same journal mode, and one POST to a bare Flask view under the same server settings
    receive   CPU of taking one report from a bundle into the vault, against one bare unseal and one insert into
              an encrypted database

Both run for 1,000 and for 10,000 reports, to show the growth. A number on the command line sets other counts.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import sqlcipher3

from crypto import bundle, labels, signing
from crypto.report import Report, report_from_answers
from crypto.seal import seal
from crypto.unseal import unseal
from tests.center import DAY, Center, make_center

COUNTS: Final = (1_000, 10_000)  # reports
REFERENCE: Final = 500  # seals, inserts and bare posts that a reference figure is the mean of
PORT: Final = 18_700  # loopback; the bare server takes the next one
BIN: Final = Path(sys.executable).parent
ANSWERS: Final = {
    "narrative": ["They shouted at us at the bus stop and threw a bottle. We ran. " * 38],  # about 2.4 KB
    "incident_types": ["words", "spat"],
    "bias": ["gi.trans"],
    "place_type": ["transit"],
    "reported_to": ["none"],
}
TICKS: Final = os.sysconf("SC_CLK_TCK")  # per second, of /proc


def main(arguments: Sequence[str]) -> int:
    """Run both benchmarks and print their tables."""
    counts = tuple(int(word) for word in arguments) or COUNTS
    center = make_center()
    report, _ = report_from_answers(ANSWERS, center.local)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        bench_accept(Path(name), center, report, counts)
        bench_receive(Path(name), center, report, counts)
    return 0


def bench_accept(root: Path, center: Center, report: Report, counts: Sequence[int]) -> None:
    """Compare the CPU of an accepted report with the floor of the same run."""
    config = center.config
    body = urllib.parse.urlencode(ANSWERS, doseq=True).encode("ascii")
    sealed = seal(report, config, lang="en", flags=(), day=DAY).sealed
    parts = {
        "seal": cpu_of(lambda: seal(report, config, lang="en", flags=(), day=DAY)),
        "durable insert": cpu_of(plain_insert(root / "plain.sqlite", sealed)),
        "bare POST": bare_post(root, body),
    }
    floor = sum(parts.values())
    print("accept: CPU a report, against " + " + ".join(f"{k} {v * 1e3:.2f} ms" for k, v in parts.items()))
    for count in counts:
        with served_form(root / f"intake-{count}", center) as pid:
            cost = posts(PORT, "/en/form", body, count, pid)
        print(
            f"  {count:6} reports   {cost * 1e3:6.2f} ms   ratio to the floor {cost / floor:.2f}", flush=True
        )


def bench_receive(root: Path, center: Center, report: Report, counts: Sequence[int]) -> None:
    """Compare the CPU of receiving a report with a bare unseal and insert of the same run."""
    from review_tool import pairing, receive, vault

    config, identities = center.config, center.identities
    sealed = seal(report, config, lang="en", flags=(), day=DAY).sealed
    parts = {
        "unseal": cpu_of(lambda: unseal(sealed, identities)),
        "insert": cpu_of(encrypted_insert(root / "bare.db", sealed)),
    }
    floor = sum(parts.values())
    print("receive: CPU a report, against " + " + ".join(f"{k} {v * 1e3:.2f} ms" for k, v in parts.items()))
    for count in counts:
        directory = root / f"vault-{count}"
        stick = write_bundle(root, center, report, count)
        vault.create(
            directory,
            center=center.id,
            vault_key=center.vault_key,
            config_raw=center.raw,
            config_minisig=center.minisig,
            root_public=center.root_public,
            day=DAY,
        )
        with vault.open_vault(directory, center.keystore, day=DAY, reviewer="bench") as opened:
            pairing.pair(opened, center.export_public, day=DAY, reviewer="bench")
            start = time.process_time()
            receive.receive(opened, stick, center.keystore, day=DAY, reviewer="bench", software="0.1.0")
            cost = (time.process_time() - start) / count
        print(
            f"  {count:6} reports   {cost * 1e3:6.2f} ms   ratio to the floor {cost / floor:.2f}", flush=True
        )
        shutil.rmtree(stick)
        shutil.rmtree(directory)


def cpu_of(act: Callable[[], object]) -> float:
    """Mean CPU seconds of one act in this process."""
    act()
    start = time.process_time()
    for _ in range(REFERENCE):
        act()
    return (time.process_time() - start) / REFERENCE


def plain_insert(path: Path, content: bytes) -> Callable[[], None]:
    """One envelope into a plain table, in the store's journal mode, committed and synced."""
    return _insert(sqlite3.connect(path, isolation_level=None), content)


def encrypted_insert(path: Path, content: bytes) -> Callable[[], None]:
    """One envelope into a plain table of an encrypted database, committed and synced."""
    connection = sqlcipher3.connect(str(path), isolation_level=None)
    connection.execute(f"PRAGMA key = \"x'{secrets.token_hex(32)}'\"")
    return _insert(connection, content)


def _insert(connection: sqlite3.Connection, content: bytes) -> Callable[[], None]:
    connection.execute("PRAGMA journal_mode = TRUNCATE")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE envelope (id INTEGER PRIMARY KEY, content BLOB NOT NULL)")
    return lambda: connection.execute("INSERT INTO envelope (content) VALUES (?)", (content,)) and None


def bare_post(root: Path, body: bytes) -> float:
    """CPU seconds of one POST to the bare view, under the server settings of the form."""
    command = [
        str(BIN / "gunicorn"),
        "--worker-class",
        "gthread",
        "--workers",
        "2",
        "--threads",
        "4",
        "--preload",
    ]
    command += ["--bind", f"127.0.0.1:{PORT + 1}", "--log-level", "critical", "--no-control-socket"]
    with started([*command, "tests.bench_floor:app"], PORT + 1, "/") as pid:
        return posts(PORT + 1, "/", body, REFERENCE * 2, pid)


@contextmanager
def served_form(directory: Path, center: Center) -> Iterator[int]:
    """Run `intake serve` on a fresh store; yield the server's process id."""
    center.write_public(directory / "public")
    example = Path("config.example.toml").read_text(encoding="utf-8")
    site = example[example.index("[site]") : example.index("[review]")]
    config = directory / "intake.toml"
    config.write_text(
        f'[intake]\ncenter = "{center.id}"\ndata_dir = "{directory}/data"\npublic_config = "{directory}/public"\n'
        f"port = {PORT}\nproduction = false\n\n{site}",
        encoding="utf-8",
    )
    intake = [str(BIN / "intake"), "--config", str(config)]
    subprocess.run([*intake, "init"], check=True, capture_output=True)
    with started([*intake, "serve"], PORT, "/healthz") as pid:
        yield pid


@contextmanager
def started(command: Sequence[str], port: int, path: str) -> Iterator[int]:
    """Run a server until the block ends; wait until it answers."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            for _ in range(300):
                if server.poll() is not None:
                    raise SystemExit(f"{command[0]} stopped at once; is port {port} free?")
                try:
                    ask(port, "GET", path)
                    break
                except OSError:
                    time.sleep(0.1)
            yield server.pid
        finally:
            server.terminate()


def posts(port: int, path: str, body: bytes, count: int, pid: int) -> float:
    """Mean CPU seconds of all the server's processes for one accepted POST."""
    for _ in range(20):  # both workers have started and imported
        ask(port, "POST", path, body)
    before = tree_cpu(pid)
    for _ in range(count):
        status = ask(port, "POST", path, body)
        assert status == 303, f"not accepted: {status}"
    return (tree_cpu(pid) - before) / count


def ask(port: int, method: str, path: str, body: bytes | None = None) -> int:
    """Send one request on a connection of its own, as a browser would; return the status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def tree_cpu(pid: int) -> float:
    """CPU seconds of a process, its living children, and its children that were waited for."""
    total, waiting = 0.0, [pid]
    while waiting:
        one = waiting.pop()
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            waiting += [int(word) for word in Path(f"/proc/{one}/task/{one}/children").read_text().split()]
        except FileNotFoundError:
            continue
        total += sum(int(word) for word in fields[11:15]) / TICKS  # utime, stime, cutime, cstime
    return total


def write_bundle(root: Path, center: Center, report: Report, count: int) -> Path:
    """Write a bundle of fresh envelopes as the server would."""
    directory = root / bundle.bundle_name(center.id, 1)
    directory.mkdir()
    config, entries = center.config, []
    for _ in range(count):
        sealed = seal(report, config, lang="en", flags=(), day=DAY).sealed
        one = bundle.BundleEntry(
            id=f"{secrets.randbits(62) | 1 << 56:016x}",
            n=len(sealed),
            sha256=hashlib.sha256(sealed).hexdigest(),
        )
        (directory / one.file_name).write_bytes(sealed)
        entries.append(one)
    manifest = bundle.format_manifest(
        bundle.Manifest(
            center=center.id, seq=1, prev=None, config_serial=1, envelopes=tuple(entries), last_ack=None
        )
    )
    (directory / bundle.MANIFEST_NAME).write_bytes(manifest)
    signature = signing.sign(labels.BUNDLE, manifest, center.export_seed)
    (directory / bundle.MANIFEST_SIG_NAME).write_bytes(signature)
    return directory


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
