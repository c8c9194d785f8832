"""A flood of ten times what the form can take, through the shipped proxy: `python -m tests.hardening.flood`.

First as many senders as the proxy has places measure what the machine takes; then ten times as many reports a second come
for a while, whether they are answered or not. No 5xx but 503 may come back, every report that was answered with 303 must
lie in the store, and an honest report must be taken soon after the flood has ended.
"""

import asyncio
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crypto.unseal import unseal
from intake.config import load
from intake.store import Store
from tests.center import Center
from tests.hardening.parts import parser_of, verdict
from tests.intake.conftest import initialised
from tests.intake.proxy import NAME, Proxy, form_behind, proxy_before, report

TIMES: Final = 10  # the capacity
SENDERS: Final = 6  # places for text behind one entrance
AT_ONCE: Final = 3_000  # connections of ours; those beyond wait to be opened, as they would elsewhere
PATIENCE: Final = 30  # seconds for an answer
LATE: Final = 10  # seconds within which 99 of 100 answers must come
RECOVERY: Final = 15  # seconds after the flood in which an honest report must be taken
EXPECTED: Final = frozenset({303, 429, 503})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a flood did.

    Attributes:
        capacity: reports a second that were taken before it.
        offered: reports a second that came.
        statuses: answers by status; 0 where the line broke or nothing came.
        late: seconds within which 99 of 100 answers came.
        told: stories that were answered with 303.
        kept: stories in the store.
        recovered: seconds from the end of the flood to an honest report that was taken; None if there was none.
    """

    capacity: float
    offered: float
    statuses: dict[int, int]
    late: float
    told: frozenset[str]
    kept: Counter[str]
    recovered: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status, or 0, and the seconds until it came."""

    status: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Flooded:
    """What the senders saw: reports a second before and during the flood, and the answer to each story."""

    capacity: float
    offered: float
    answers: dict[str, Answer]


def complaints(outcome: Outcome) -> list[str]:
    """Say what a flood did that it must not do."""
    odd = sorted(set(outcome.statuses) - EXPECTED - {0})
    lost = outcome.told - set(outcome.kept)
    twice = [story for story, number in outcome.kept.items() if number > 1]
    return [
        *(f"{outcome.statuses[status]} answers were {status}" for status in odd),
        *([f"{len(lost)} reports that were answered with 303 are not in the store"] if lost else []),
        *([f"{len(twice)} reports lie in the store twice"] if twice else []),
        *([f"one answer in 100 took {outcome.late:.0f} s or more"] if outcome.late > LATE else []),
        *(["no report was taken"] if not outcome.told else []),
        *(["no report was refused, so this was no flood"] if not outcome.statuses.get(503) else []),
        *(["no honest report was taken after it"] if outcome.recovered is None else []),
    ]


def flood(folder: Path, *, seconds: float) -> Outcome:
    """Set up form and proxy in a folder, flood the onion entrance, and look into the store."""
    site = folder / "site"
    site.mkdir()
    door = folder / "door"
    config, _, center = initialised(site, lines=f'unix_socket = "{door}"')
    with form_behind(config, door), proxy_before(folder, door) as proxy:
        flooded = asyncio.run(_flood(proxy, seconds))
        recovered = _recover(proxy)
    return Outcome(
        capacity=flooded.capacity,
        offered=flooded.offered,
        statuses=dict(Counter(one.status for one in flooded.answers.values())),
        late=_late(flooded.answers.values()),
        told=frozenset(story for story, one in flooded.answers.items() if one.status == 303),
        kept=_stories(config, center),
        recovered=recovered,
    )


async def _flood(proxy: Proxy, seconds: float) -> Flooded:
    answers: dict[str, Answer] = {}
    until = time.monotonic() + 3

    async def send_in_turn() -> None:
        while time.monotonic() < until:
            await _send(proxy.onion, answers)

    await asyncio.gather(*(send_in_turn() for _ in range(SENDERS)))
    capacity = sum(1 for one in answers.values() if one.status == 303) / 3

    room = asyncio.Semaphore(AT_ONCE)
    begun, sent, waiting = time.monotonic(), 0, set[asyncio.Task[None]]()

    async def send_when_there_is_room() -> None:
        async with room:
            await _send(proxy.onion, answers)

    while (passed := time.monotonic() - begun) < seconds:
        for _ in range(int(passed * capacity * TIMES) - sent):
            task = asyncio.create_task(send_when_there_is_room())
            waiting.add(task)
            task.add_done_callback(waiting.discard)
            sent += 1
        await asyncio.sleep(0.01)
    for task in list(waiting):
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    return Flooded(capacity=capacity, offered=sent / seconds, answers=answers)


async def _send(port: int, answers: dict[str, Answer]) -> None:
    """Send one report from a circuit of its own, and note how it was answered."""
    story = secrets.token_hex(8)
    body = f"narrative={story}".encode()
    request = (
        f"PROXY TCP6 fc00:dead:beef:4dad::{secrets.randbits(16):x}:{secrets.randbits(16):x} ::1 5 80\r\n"
        f"POST /en/form HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    begun = time.monotonic()
    answers[story] = Answer(status=0, seconds=0)
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(request)
                first = await reader.readline()
                status = int(first.split()[1]) if first else 0
                answers[story] = Answer(status=status, seconds=time.monotonic() - begun)
                await reader.read(65_536)
            finally:
                writer.close()
    except (OSError, TimeoutError, IndexError):
        return


def _late(answers: Iterable[Answer]) -> float:
    times = sorted(one.seconds for one in answers if one.status)
    return times[len(times) * 99 // 100]


def _recover(proxy: Proxy) -> float | None:
    """Send honest reports as a browser does until one is taken."""
    begun = time.monotonic()
    while time.monotonic() - begun < RECOVERY:
        try:
            status, _, _ = proxy.ask("onion", report("honest"), timeout=RECOVERY)
        except OSError:
            continue
        if status == 303:
            return time.monotonic() - begun
        time.sleep(0.5)
    return None


def _stories(config: Path, center: Center) -> Counter[str]:
    store = Store(load(config).intake.store)
    try:
        return Counter(
            unseal(one.sealed, center.identities).report.narrative or "" for one in store.pending()
        )
    finally:
        store.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the flood in the first part of however many; end with 1 if anything went wrong."""
    parser = parser_of("tests.hardening.flood", __doc__)
    parser.add_argument("--seconds", type=float, default=20, help="how long the flood lasts")
    given = parser.parse_args(arguments)
    if given.part[0] != 1:
        print("flood: it is in part 1")
        return 0
    with tempfile.TemporaryDirectory() as name:
        outcome = flood(Path(name), seconds=given.seconds)
    told = ", ".join(f"{number} of {status}" for status, number in sorted(outcome.statuses.items()))
    print(
        f"flood: {outcome.capacity:.0f} a second were taken before, {outcome.offered:.0f} a second came: {told}; "
        f"99 of 100 answered within {outcome.late:.2f} s; {len(outcome.told)} taken, {sum(outcome.kept.values())} kept, an honest report taken {outcome.recovered} s after"
    )
    return verdict("flood", complaints(outcome))


if __name__ == "__main__":
    sys.exit(main())
