"""Run the long tests, all or one part of n: `python -m tests.hardening --part 3/8`.

A part takes every n-th piece of every test, so that parts take equally long and can be run on other days. Envelope,
acknowledgement and signature are those of `tests/golden`: all parts together damage one file everywhere, and a piece that
was not refused can be looked at again.
"""

import io
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from crypto import age, bundle, labels, signing
from crypto.errors import FormatError, HeaderError, HeaderMacError, NoMatchError, SignatureError, StreamError
from crypto.unseal import unseal
from tests import center
from tests.hardening import damage
from tests.hardening.parts import parser_of, verdict

GOLDEN = Path(__file__).parent.parent / "golden"
ENVELOPE_CLASSES = frozenset({HeaderError, NoMatchError, HeaderMacError, StreamError})
ACK_PUBLIC = signing.public_of(b"\x02" * 32)  # whose signature lies in tests/golden


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One long test: `run` opens piece number 0 to `total` - 1, which must raise one of `allowed`."""

    name: str
    total: int
    run: Callable[[int], object]
    allowed: frozenset[type[FormatError]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts that were asked for; end with 1 if any piece was not refused as documented."""
    part, parts = parser_of("tests.hardening", __doc__).parse_args(arguments).part
    return verdict("hardening", [piece for job in jobs() for piece in run_part(job, part, parts)])


def jobs() -> tuple[Job, ...]:
    """Every long test there is."""
    story = center.make_center(epochs=2)
    envelope = (GOLDEN / "envelope.age").read_bytes()
    ack, signature = (GOLDEN / "ack.json").read_bytes(), (GOLDEN / "ack.sig").read_bytes()
    identities = story.identities
    keys = [one.pair for one in identities]
    long_file = age.seal_to([one.public for one in keys], bytes(2 * age.CHUNK_SIZE + 1))

    def open_content(sealed: bytes) -> None:
        for _ in age.open_with(io.BytesIO(sealed), keys):
            pass

    def read_ack(content: bytes) -> None:
        bundle.read_acknowledgement(content, signature, ack_public=ACK_PUBLIC, center="test-center")

    def read_signature(content: bytes) -> None:
        signing.verify(labels.ACK, ack, content, ACK_PUBLIC)

    return (
        _flips("every bit of an envelope turned over", envelope, lambda one: unseal(one, identities)),
        _cuts("an envelope cut at every length", envelope, lambda one: unseal(one, identities)),
        _cuts("a file of three chunks cut at every length", long_file, open_content),
        _flips("every bit of an acknowledgement turned over", ack, read_ack, frozenset({SignatureError})),
        _flips(
            "every bit of a signature turned over", signature, read_signature, frozenset({SignatureError})
        ),
    )


def _flips(
    name: str,
    content: bytes,
    read: Callable[[bytes], object],
    allowed: frozenset[type[FormatError]] = ENVELOPE_CLASSES,
) -> Job:
    return Job(
        name=name, total=8 * len(content), run=lambda bit: read(damage.flip(content, bit)), allowed=allowed
    )


def _cuts(name: str, content: bytes, read: Callable[[bytes], object]) -> Job:
    return Job(
        name=name, total=len(content), run=lambda length: read(content[:length]), allowed=ENVELOPE_CLASSES
    )


def run_part(job: Job, part: int, parts: int) -> list[str]:
    """Run one part of a test, say what came out, and name the pieces that were not refused as documented."""
    started, outcomes, wrong = time.monotonic(), Counter[str](), []
    pieces = range(part - 1, job.total, parts)
    for piece in pieces:
        try:
            job.run(piece)
        except FormatError as error:
            outcomes[type(error).__name__] += 1
            if type(error) not in job.allowed:
                wrong.append(f"{job.name}, piece {piece}: {type(error).__name__}")
        except BaseException as error:
            error.add_note(f"{job.name}, piece {piece}")
            raise
        else:
            outcomes["OPENED"] += 1
            wrong.append(f"{job.name}, piece {piece}: OPENED")
    told = ", ".join(f"{count} {name}" for name, count in outcomes.most_common())
    print(
        f"{job.name}, part {part}/{parts}: {len(pieces)} of {job.total}: {told} ({time.monotonic() - started:.0f} s)",
        flush=True,
    )
    return wrong


if __name__ == "__main__":
    sys.exit(main())
