"""Other age implementations: what we seal opens there, what they seal opens here, old ones refuse.

The main judge is the npm package age-encryption, by the author of age, pinned by `package-lock.json`. Stock age is asked
where it is installed: from 1.3 it must agree, before that it must refuse.
"""

import base64
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crypto import age
from crypto.payload import unpack_report
from crypto.report import report_from_header
from crypto.seal import seal
from crypto.unseal import format_identity, parse_identity, unseal
from crypto.xwing import key_pair, recipient_string
from tests.center import DAY, make_center, sample_report

HERE = Path(__file__).parent
NODE = Path(sys.executable).parent / "node"
SEEDS = [b"\x01" * 32, b"\x02" * 32]
PUBLICS = [key_pair(seed).public for seed in SEEDS]
RECIPIENTS = [recipient_string(public) for public in PUBLICS]
SIZES = [
    0,
    1,
    age.CHUNK_SIZE - 1,
    age.CHUNK_SIZE,
    age.CHUNK_SIZE + 1,
    2 * age.CHUNK_SIZE,
    3 * age.CHUNK_SIZE - 7,
    3 * age.CHUNK_SIZE,
]
HYBRID_SINCE = (1, 3)  # stock age


def missing(what: str) -> None:
    """Fail where everything must run, else skip and say loudly what was not judged."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(f"{what}; NO OTHER IMPLEMENTATION judged our files")


def ask(*jobs: dict[str, object]) -> list[dict[str, str]]:
    """Let age-encryption do these jobs in one Node process."""
    if not NODE.exists():
        missing("node is missing: make setup-test")
    if not (HERE / "node_modules/age-encryption").is_dir():
        missing("age-encryption is missing: make setup-test")
    lines = "".join(json.dumps(job) + "\n" for job in jobs)
    done = subprocess.run(
        [NODE, "age.mjs"], cwd=HERE, input=lines, capture_output=True, text=True, check=True, timeout=120
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def to_text(content: bytes) -> str:
    """Bytes as the script takes them."""
    return base64.b64encode(content).decode()


def content_of(size: int) -> bytes:
    """Bytes that are not all the same, so that swapped chunks would show."""
    return (bytes(range(256)) * (size // 256 + 1))[:size]


@pytest.mark.parametrize("count", [1, 2])
def test_age_encryption_opens_what_we_seal(count: int) -> None:
    """The browser may seal and open one day, and a reader in ten years may have only this."""
    jobs = [
        {"identity": format_identity(seed), "sealed": to_text(age.seal_to(PUBLICS[:count], content_of(size)))}
        for size in SIZES
        for seed in SEEDS[:count]
    ]

    answers = ask(*jobs)

    expected = [{"plaintext": to_text(content_of(size))} for size in SIZES for _ in range(count)]
    assert answers == expected


@pytest.mark.parametrize("count", [1, 2])
def test_we_open_what_age_encryption_seals(count: int) -> None:
    """Expert reporters and partners may seal with any age implementation."""
    answers = ask(
        *({"recipients": RECIPIENTS[:count], "plaintext": to_text(content_of(size))} for size in SIZES)
    )

    for size, answer in zip(SIZES, answers, strict=True):
        sealed = base64.b64decode(answer["sealed"])
        for seed in SEEDS[:count]:
            opened = b"".join(age.open_with(io.BytesIO(sealed), [key_pair(seed)]))
            assert opened == content_of(size)


def test_real_envelope_opens_with_the_exported_identity() -> None:
    """Two shares give a seed, the seed an identity, the identity the report: without this software."""
    center = make_center()
    envelope = seal(sample_report(), center.config, lang="en", flags=(), day=DAY)
    identity = format_identity(center.epoch_seeds[1])

    [answer] = ask({"identity": identity, "sealed": to_text(envelope.sealed)})

    header, context_id, contact, attachments = unpack_report(base64.b64decode(answer["plaintext"]))
    assert report_from_header(header.fields) == sample_report()
    assert (context_id, contact, attachments) == (center.config.context_id, None, ())


def test_keys_are_the_same_on_both_sides() -> None:
    """One seed has one recipient string, whoever computes it; and identities made elsewhere are read here."""
    ours, theirs = ask({"identity": format_identity(SEEDS[0])}, {})

    assert ours["recipient"] == RECIPIENTS[0]
    assert recipient_string(key_pair(parse_identity(theirs["identity"])).public) == theirs["recipient"]


def test_age_encryption_refuses_what_we_refuse() -> None:
    """A judge who opens everything is none: damaged, cut, lengthened, and for another key."""
    sealed = age.seal_to(PUBLICS[:1], content_of(100))
    wrong = [sealed[:-1] + bytes([sealed[-1] ^ 1]), sealed[:-1], sealed + b"\0", sealed[:500]]
    jobs = [{"identity": format_identity(SEEDS[0]), "sealed": to_text(one)} for one in wrong]

    answers = ask(*jobs, {"identity": format_identity(SEEDS[1]), "sealed": to_text(sealed)})

    assert [set(answer) for answer in answers] == [{"error"}] * 5


class TestStockAge:
    """The command line program: old versions must refuse our files, newer ones must agree."""

    @pytest.fixture
    def directory(self, tmp_path: Path) -> Path:
        """An envelope with the identity that opens it."""
        center = make_center()
        envelope = seal(sample_report(), center.config, lang="en", flags=(), day=DAY)
        (tmp_path / "envelope.age").write_bytes(envelope.sealed)
        (tmp_path / "identity").write_text(format_identity(center.epoch_seeds[1]) + "\n")
        return tmp_path

    def run(self, directory: Path, *arguments: str, version: bool) -> subprocess.CompletedProcess[bytes]:
        """Run age if it is here and, as `version` says, knows hybrid keys or does not."""
        program = shutil.which("age")
        if program is None:
            missing("age is missing: apt-get install age")
        told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        numbers = re.findall(r"\d+", told)
        if ((int(numbers[0]), int(numbers[1])) >= HYBRID_SINCE) is not version:
            pytest.skip(f"this is age {told.strip()}: the test is for {'newer' if version else 'older'} ones")
        return subprocess.run([program, *arguments], cwd=directory, capture_output=True, check=False)

    def test_age_before_hybrid_keys_refuses(self, directory: Path) -> None:
        """Debian 12 has 1.1.1: an operator who tries it must get an error, not garbage."""
        done = self.run(directory, "-d", "-i", "identity", "envelope.age", version=False)

        assert done.returncode != 0
        assert done.stdout == b""
        assert b"unknown identity type" in done.stderr

    def test_age_with_hybrid_keys_opens(self, directory: Path) -> None:
        """The recovery sheet says so."""
        done = self.run(directory, "-d", "-i", "identity", "envelope.age", version=True)

        assert done.returncode == 0, done.stderr
        assert report_from_header(unpack_report(done.stdout)[0].fields) == sample_report()

    def test_we_open_what_age_with_hybrid_keys_seals(self, directory: Path) -> None:
        """Partners may seal a whole payload with it."""
        center = make_center()
        payload = b"".join(
            age.open_with(
                io.BytesIO((directory / "envelope.age").read_bytes()),
                [key_pair(one.seed) for one in center.identities],
            )
        )
        (directory / "payload").write_bytes(payload)
        [recipient] = [one.recipient for one in center.config.recipients]

        done = self.run(directory, "-r", recipient, "payload", version=True)

        assert unseal(done.stdout, center.identities).report == sample_report()
