"""Run the long tests, all or one part of n: `python -m tests.hardening --part 3/8`.

A part takes every n-th piece of every test, so that parts take equally long and can be run on other days.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable

from crypto import age, seal
from crypto.errors import HeaderError, HeaderMacError, NoMatchError, StreamError
from crypto.xwing import key_pair
from tests import center
from tests.hardening import damage

Outcomes = Counter[type[Exception] | None]
STREAM_CLASSES = {HeaderError, NoMatchError, HeaderMacError, StreamError}


def main() -> int:
    """Run the parts that were asked for; end with 1 if any piece was not refused as documented."""
    parser = argparse.ArgumentParser(prog="python -m tests.hardening", description=__doc__)
    parser.add_argument("--part", type=_part, default=(1, 1), metavar="I/N", help="the I-th of N parts")
    part, parts = parser.parse_args().part
    failed = 0
    for name, total, run in jobs():
        started = time.monotonic()
        outcomes = run(range(part - 1, total, parts))
        wrong = {one for one in outcomes if one not in STREAM_CLASSES}
        failed += bool(wrong)
        told = ", ".join(f"{count} {_name(one)}" for one, count in outcomes.most_common())
        print(f"{name}, part {part}/{parts}: {told} ({time.monotonic() - started:.0f} s)", flush=True)
    print("hardening: " + ("FAILED" if failed else "passed"))
    return min(failed, 1)


def jobs() -> Iterable[tuple[str, int, Callable[[Iterable[int]], Outcomes]]]:
    """Each test with its name, the number of its pieces, and what runs some of them."""
    story = center.make_center()
    keys = [key_pair(seed) for seed in story.epoch_seeds.values()]
    envelope = seal.seal(
        center.sample_report(contact="call after six"), story.config, lang="en", flags=(), day=center.DAY
    ).sealed
    long_file = age.seal_to([key.public for key in keys], bytes(2 * age.CHUNK_SIZE + 1))
    yield (
        "every bit of an envelope turned over",
        8 * len(envelope),
        lambda bits: damage.count_flips(envelope, keys, bits),
    )
    yield (
        "an envelope cut at every length",
        len(envelope),
        lambda lengths: damage.count_cuts(envelope, keys, lengths),
    )
    yield (
        "a file of three chunks cut at every length",
        len(long_file),
        lambda lengths: damage.count_cuts(long_file, keys, lengths),
    )


def _part(text: str) -> tuple[int, int]:
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise argparse.ArgumentTypeError("give a part as I/N, for example 3/8")
    return int(part), int(parts)


def _name(outcome: type[Exception] | None) -> str:
    return "OPENED" if outcome is None else outcome.__name__


if __name__ == "__main__":
    sys.exit(main())
