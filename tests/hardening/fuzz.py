"""Feeds the readers of what comes from a hostile stick: `python -m tests.hardening.fuzz --part 1/3 --inputs 1000000`.

Each input is made of something real: bytes turned, lost, doubled and replaced, or values of its JSON replaced by odd ones; what
is signed is signed again, so that the reader behind the signature is reached. A reader may take it, or refuse it with one
of our own errors. Anything else is a fault. The same seed makes the same inputs.
"""

import io
import json
import random
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crypto import age, archive, bundle, canonical, config, labels, payload, seal, signing
from crypto.errors import FormatError
from crypto.report import report_from_header
from crypto.unseal import open_payload
from tests import center
from tests.hardening.parts import parser_of, verdict

INPUTS: Final = 1_000_000  # over all parts
GOLDEN: Final = Path(__file__).parent.parent / "golden"
ODD: Final = (
    None, True, False, 0, -1, 1, 2**31, 2**53, 2**63, -(2**63), 10**40, "", "0", "\\", "\0", "ü", "\U0001d518", "a" * 300,
    "2026-13-45", "9999-12-31", "0" * 64, "f" * 64, "../../etc/passwd", [], {}, [[]], [None], {"": ""}, {"a": {"b": {}}},
)  # fmt: skip
TOKENS: Final = (
    b"",
    b"\0",
    b"\xff",
    b"\n",
    b'"',
    b"{",
    b"}",
    b"[",
    b",",
    b":",
    b"\\u0000",
    b"\\ud800",
    b"-> ",
    b"---",
    b"1e9",
    b"9" * 40,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """One reader of bytes that somebody hostile may have written.

    Attributes:
        name: of what is read.
        real: something that it takes.
        read: the reader; raises one of our errors, or takes it.
        is_json: whether values of it can be replaced.
    """

    name: str
    real: bytes
    read: Callable[[bytes], object]
    is_json: bool = True


def readers() -> tuple[Reader, ...]:
    """Every reader that a stick can reach before or after decryption."""
    story = center.make_center(epochs=2)
    sealed = seal.seal(
        center.sample_report(contact="call 555 0100"), story.config, lang="en", flags=[], day=center.DAY,
        attachments=[center.attachment("a", b"content")],
    ).sealed  # fmt: skip
    plaintext, _ = open_payload(io.BytesIO(sealed), story.identities)
    header, context_id, _, _ = payload.unpack_report(plaintext)
    golden = {name: (GOLDEN / name).read_bytes() for name in ("manifest.json", "ack.json")}
    place = archive.Place(archive="0" * 32, center=story.id, day=center.DAY, volume=1, is_last=True)
    volume = b"".join(
        archive.pack_volume(place, archive.line({"kind": "case", "id": "R-0001"}), [], context_id=context_id)
    )

    def read_report(content: bytes) -> None:
        found, *_ = payload.unpack_report(content)
        report_from_header(found.fields)

    def read_header(content: bytes) -> None:
        report_from_header(payload.parse_header(content).fields)

    def read_manifest(content: bytes) -> None:
        signature = signing.sign(labels.BUNDLE, content, story.export_seed)
        bundle.read_manifest(content, signature, export_public=story.export_public, center=story.id)

    def read_ack(content: bytes) -> None:
        signature = signing.sign(labels.ACK, content, story.ack_seed)
        bundle.read_acknowledgement(
            content, signature, ack_public=signing.public_of(story.ack_seed), center=story.id
        )

    def read_config(content: bytes) -> None:
        minisig = signing.minisign(content, story.root_seed, config.trusted_comment(story.id, 1))
        config.read_config(content, minisig, root_public=story.root_public, center=story.id)

    return (
        Reader(name="header of an envelope", real=sealed[:5_000], read=lambda one: age.read_header(io.BytesIO(one)), is_json=False),
        Reader(name="payload of a report", real=plaintext.rstrip(b"\0"), read=lambda one: read_report(one.ljust(len(plaintext), b"\0")), is_json=False),
        Reader(name="header of a report", real=payload.format_header(header), read=read_header),
        Reader(name="volume of an archive", real=volume.rstrip(b"\0"), read=lambda one: archive.unpack_volume(one.ljust(len(volume), b"\0")), is_json=False),
        Reader(name="manifest", real=golden["manifest.json"], read=read_manifest),
        Reader(name="acknowledgement", real=golden["ack.json"], read=read_ack),
        Reader(name="signed configuration", real=story.raw, read=read_config),
        Reader(name="signature", real=story.minisig.encode(), read=lambda one: signing.verify_minisign(story.raw, one.decode("latin-1"), story.root_public), is_json=False),
        Reader(name="canonical JSON", real=golden["ack.json"], read=canonical.decode),
    )  # fmt: skip


def feed(reader: Reader, count: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Give a reader so many inputs: how it ended, and a sentence for each fault."""
    chance, ends, wrong = random.Random(f"{seed} {reader.name}"), Counter[str](), []  # noqa: S311 - to be run again
    for number in range(count):
        given = (
            _odd_json(reader.real, chance)
            if reader.is_json and chance.random() < 0.5
            else _odd_bytes(reader.real, chance)
        )
        try:
            reader.read(given)
            ends["taken"] += 1
        except FormatError as error:
            ends[type(error).__name__] += 1
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            ends["FAULT"] += 1
            wrong.append(f"{reader.name}, seed {seed}, input {number}: {type(error).__name__}")
    return ends, wrong


def _odd_bytes(real: bytes, chance: random.Random) -> bytes:
    odd = bytearray(real)
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        begin = chance.randrange(len(odd) + 1)
        end = min(len(odd), begin + chance.choice((0, 1, 1, 2, 8, 100)))
        piece = bytes(odd[begin:end])
        odd[begin:end] = chance.choice(
            (
                b"",
                piece * 2,
                chance.randbytes(len(piece)),
                chance.choice(TOKENS),
                bytes(one ^ 1 << chance.randrange(8) for one in piece),
            )
        )
    return bytes(odd)


def _odd_json(real: bytes, chance: random.Random) -> bytes:
    tree = json.loads(real)
    for _ in range(chance.choice((1, 1, 2))):
        if not (places := list(_places(tree))):
            break
        holder, key = chance.choice(places)
        match chance.randrange(4):
            case 0 if isinstance(holder, dict):
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[chance.choice(("", "x", "what", "\u2028"))] = chance.choice(ODD)
            case _:
                holder[key] = chance.choice(ODD)
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode(
        "utf-8", "surrogatepass"
    )


def _places(tree: object) -> Iterator[tuple[dict | list, object]]:
    """Every place in a tree that a value can be put into."""
    keys = tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in list(keys):
        yield tree, key
        yield from _places(tree[key])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the inputs of one part; end with 1 if any reader ended in another way than ours."""
    parser = parser_of("tests.hardening.fuzz", __doc__)
    parser.add_argument("--inputs", type=int, default=INPUTS, help="over all readers and parts")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32), help="to run the same again")
    given = parser.parse_args(arguments)
    part, parts = given.part
    every, wrong = readers(), []
    count = -(-given.inputs // len(every) // parts)
    for reader in every:
        begun = time.monotonic()
        ends, faults = feed(reader, count, given.seed * parts + part)
        wrong += faults
        told = ", ".join(f"{number} {name}" for name, number in ends.most_common())
        print(f"fuzz: {reader.name}: {count} inputs: {told} ({time.monotonic() - begun:.0f} s)", flush=True)
    return verdict("fuzz", wrong)


if __name__ == "__main__":
    sys.exit(main())
