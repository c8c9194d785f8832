"""What the long tests share: the part that is asked for, and the verdict."""

import argparse
from collections.abc import Sequence
from typing import Final

SHOWN: Final = 20  # complaints that are printed; more would say no more


def parser_of(name: str, doc: str | None) -> argparse.ArgumentParser:
    """The command line of a long test that can be run in parts."""
    parser = argparse.ArgumentParser(prog=f"python -m {name}", description=doc)
    parser.add_argument("--part", type=part_of, default=(1, 1), metavar="I/N", help="the I-th of N parts")
    return parser


def part_of(text: str) -> tuple[int, int]:
    """Read `3/8` as the third of eight parts."""
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise argparse.ArgumentTypeError("give a part as I/N, for example 3/8")
    return int(part), int(parts)


def verdict(name: str, wrong: Sequence[str]) -> int:
    """Print what was wrong and how it ended; the exit code."""
    for line in wrong[:SHOWN]:
        print(f"  {line}")
    print(f"{name}: {f'FAILED, {len(wrong)}' if wrong else 'passed'}", flush=True)
    return 1 if wrong else 0
