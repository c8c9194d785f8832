"""What the form costs: its page, an accepted report, its syncs, and how that grows."""

import shutil
import sqlite3
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from crypto.report import Report
from crypto.seal import seal
from intake.controls import PAD, PADDING
from tests.bench.servers import WARM_UP, Ask, Served, served_behind_proxy, served_floor, served_form
from tests.center import DAY, Center

PORT: Final = 18_700  # loopback; the bare server takes the next one
ROUNDS: Final = 8  # both sides take turns, so that a noisy moment meets both
COUNT: Final = 50  # of everything a round: with three requests each, a worker's life and a half
WITH_ROOM: Final = 4_000  # slots, so that the pool does not grow meanwhile; `accept` shows it growing
TOGETHER: Final = 16  # people who send at the same time
ANSWERS: Final = {
    "narrative": ["They shouted at us at the bus stop and threw a bottle. We ran. " * 38],  # about 2.4 KB
    "incident_types": ["words", "spat"],
    "bias": ["gi.trans"],
    "place_type": ["transit"],
    "reported_to": ["none"],
}
BODY: Final = urllib.parse.urlencode(ANSWERS, doseq=True).encode("ascii")
# What a browser sends of our form: the padding comes along.
PADDED: Final = BODY + b"&" + urllib.parse.urlencode({PAD: PADDING.replace("\n", "\r\n")}).encode("ascii")
FORM: Final = Ask(method="GET", path="/en/form")
SEND: Final = Ask(method="POST", path="/en/form", body=PADDED)
DONE: Final = Ask(method="GET", path="/en/done")
BARE_GET: Final = Ask(method="GET", path="/")
BARE_POST: Final = Ask(method="POST", path="/", body=BODY)
BARE_SEAL: Final = Ask(method="POST", path="/sealed", body=BODY)
BARE_KEEP: Final = Ask(method="POST", path="/kept", body=BODY)


def bench_form(root: Path, center: Center, report: Report) -> dict[str, float]:
    """Compare page, post and whole report with the floor of the same run; CPU seconds of each act."""
    spent: Counter[str] = Counter()
    config = center.config  # read and verified once, as a server does it

    def sealed() -> bytes:
        return seal(report, config, lang="en", flags=(), day=DAY).sealed

    insert = insert_into(open_plain(root / "plain.sqlite"), sealed())
    with (
        served_form(root / "form", center, port=PORT, slots=WITH_ROOM) as ours,
        served_behind_proxy(root / "proxied", center, slots=WITH_ROOM) as proxied,
        served_floor(root / "floor", port=PORT + 1) as floor,
    ):
        acts: dict[str, Callable[[], float]] = {
            "form page": lambda: ours.cost_of([FORM], COUNT),
            "bare GET": lambda: floor.cost_of([BARE_GET], COUNT),
            "post": lambda: ours.cost_of([SEND], COUNT),
            "bare POST": lambda: floor.cost_of([BARE_POST], COUNT),
            "bare POST that seals": lambda: floor.cost_of([BARE_SEAL], COUNT),
            "whole report": lambda: ours.cost_of([FORM, SEND, DONE], COUNT),
            "whole report, behind the proxy": lambda: proxied.cost_of([FORM, SEND, DONE], COUNT),
            "three bare requests": lambda: floor.cost_of([BARE_GET, BARE_POST, BARE_GET], COUNT),
            "three bare requests that seal and insert": lambda: floor.cost_of(
                [BARE_GET, BARE_KEEP, BARE_GET], COUNT
            ),
            "seal": lambda: cpu_of(sealed),
            "durable insert": lambda: cpu_of(insert),
        }
        for act in acts.values():
            act()  # every worker that will be counted is forked from a server that has warmed up
        for _ in range(ROUNDS):
            for name, act in acts.items():
                spent[name] += act()
    each = {name: total / ROUNDS / COUNT for name, total in spent.items()}
    print("form: CPU of all processes, through one server, a new connection for each request")
    _tell("form page", each, "bare GET")
    _tell("post", each, "bare POST that seals")
    _tell("post", each, "bare POST", "seal")
    _tell("whole report", each, "three bare requests that seal and insert")
    _tell("whole report", each, "three bare requests", "seal", "durable insert")
    _tell("whole report, behind the proxy", each, "three bare requests that seal and insert")
    _tell("whole report, behind the proxy", each, "three bare requests", "seal", "durable insert")
    return each


def bench_syncs(root: Path, center: Center) -> None:
    """Count system calls that wait for the disk, for one sender and for many at once."""
    if shutil.which("strace") is None:
        print("syncs: not counted, strace is not installed")
        return
    with served_form(root / "syncs", center, port=PORT, slots=WITH_ROOM) as server:
        for senders, count in ((1, 200), (TOGETHER, TOGETHER * 50)):
            _warm_up(server, senders)
            found = server.syncs_of(SEND, count, senders=senders, trace=root / f"trace-{senders}")
            print(f"syncs: {found / count:.2f} a report with {senders} sending", flush=True)


def bench_accept(root: Path, center: Center, counts: Sequence[int], floor: dict[str, float]) -> None:
    """Show how the CPU of a post grows with the number of reports, growth of the pool included."""
    bare = floor["three bare requests that seal and insert"] - 2 * floor["bare GET"]
    apart = floor["bare POST"] + floor["seal"] + floor["durable insert"]
    print(
        "accept: CPU a post, the growing pool included, against a bare POST that seals and inserts; in (): parts apart"
    )
    for count in counts:
        with served_form(root / f"accept-{count}", center, port=PORT) as server:
            _warm_up(server)
            cost = server.cost_of([SEND], count) / count
        print(
            f"  {count:6} reports   {cost * 1e3:6.2f} ms   ratio {cost / bare:.2f} ({cost / apart:.2f})",
            flush=True,
        )
        shutil.rmtree(root / f"accept-{count}")


def cpu_of(act: Callable[[], object]) -> float:
    """CPU seconds in this process of doing something `COUNT` times."""
    start = time.process_time()
    for _ in range(COUNT):
        act()
    return time.process_time() - start


def open_plain(path: Path) -> sqlite3.Connection:
    """A database with one plain table, in the store's journal mode."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    make_plain(connection)
    return connection


def make_plain(connection: sqlite3.Connection) -> None:
    """The same of any database that is open."""
    connection.execute("PRAGMA journal_mode = TRUNCATE")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS envelope (id INTEGER PRIMARY KEY, content BLOB NOT NULL)")


def store_in(connection: sqlite3.Connection, content: bytes) -> None:
    """Insert one envelope, committed and synced."""
    connection.execute("INSERT INTO envelope (content) VALUES (?)", (content,))


def insert_into(connection: sqlite3.Connection, content: bytes) -> Callable[[], None]:
    """The same again and again."""
    return lambda: store_in(connection, content)


def _warm_up(server: Served, senders: int = 1) -> None:
    with ThreadPoolExecutor(senders) as pool:
        list(pool.map(lambda _: server.send(SEND), range(WARM_UP)))


def _tell(name: str, each: dict[str, float], *parts: str) -> None:
    floor = sum(each[part] for part in parts)
    told = " + ".join(f"{part} {each[part] * 1e3:.2f}" for part in parts)
    print(
        f"  {name:31}{each[name] * 1e3:6.2f} ms   ratio {each[name] / floor:.2f}   to {told} ms", flush=True
    )
