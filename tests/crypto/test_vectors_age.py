"""The published age files: 143 of them, through every step of our reader.

Files for X25519 keys and passphrases are read too, with the file key that their header gives away, because what they
test of headers and streams holds for ours. The exceptions stand here by name.
"""

import hashlib
import io
import zlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from crypto import age
from crypto.errors import HeaderError, HeaderMacError, NoMatchError, StreamError
from crypto.unseal import IDENTITY_HRP, parse_identity
from crypto.xwing import KeyPair, key_pair

TESTDATA = Path(__file__).parent.parent / "vectors/cctv-age/testdata"

# The library reports a share of zero as a message that does not open, and X25519 stanzas are not looked into.
NO_MATCH_INSTEAD = {"hybrid_identity", "hybrid_low_order", "hybrid_x25519_arg"}

# Rules of the stanza types that we do not implement; the file key from the header passes them by.
RULES_OF_OTHER_TYPES = {
    "scrypt_bad_tag", "scrypt_extra_argument", "scrypt_no_match",
    "scrypt_not_canonical_salt", "scrypt_salt_long", "scrypt_salt_missing", "scrypt_salt_short", "scrypt_uppercase",
    "scrypt_work_factor_23", "scrypt_work_factor_hex", "scrypt_work_factor_leading_garbage",
    "scrypt_work_factor_leading_plus", "scrypt_work_factor_leading_zero_decimal",
    "scrypt_work_factor_leading_zero_octal", "scrypt_work_factor_missing", "scrypt_work_factor_negative",
    "scrypt_work_factor_overflow", "scrypt_work_factor_trailing_garbage", "scrypt_work_factor_wrong",
    "scrypt_work_factor_zero", "x25519_bad_tag", "x25519_extra_argument", "x25519_identity",
    "x25519_long_share", "x25519_low_order", "x25519_lowercase", "x25519_no_match",
    "x25519_not_canonical_share", "x25519_short_share",
}  # fmt: skip

# Refused as expected, with one chunk less released: our reader looks ahead before it releases a chunk.
ONE_CHUNK_LESS = {
    "stream_no_final_full", "stream_no_final_two_chunks_full", "stream_trailing_garbage_long",
    "stream_trailing_garbage_short", "stream_two_final_chunks", "stream_two_final_chunks_full",
    "stream_two_final_chunks_second",
}  # fmt: skip

EXPECTATIONS = {
    HeaderError: "header failure",
    NoMatchError: "no match",
    HeaderMacError: "HMAC failure",
    StreamError: "payload failure",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """One file: what its header says, and the age file behind the empty line."""

    name: str
    told: dict[str, list[str]]
    sealed: bytes

    @property
    def keys(self) -> list[KeyPair]:
        """The hybrid keys among its identities."""
        prefix = IDENTITY_HRP.upper()
        return [
            key_pair(parse_identity(one)) for one in self.told.get("identity", []) if one.startswith(prefix)
        ]

    @property
    def needs_other_keys(self) -> bool:
        """Whether only an X25519 key or a passphrase opens it."""
        return "passphrase" in self.told or len(self.keys) < len(self.told.get("identity", []))


def read_vector(path: Path) -> Vector:
    """Split a file into what it tells and what it holds."""
    head, _, sealed = path.read_bytes().partition(b"\n\n")
    told: dict[str, list[str]] = {}
    for line in head.decode().splitlines():
        key, _, value = line.partition(": ")
        told.setdefault(key, []).append(value)
    return Vector(
        name=path.name, told=told, sealed=zlib.decompress(sealed) if "compressed" in told else sealed
    )


ALL = [read_vector(path) for path in sorted(TESTDATA.iterdir())]
BINARY = [vector for vector in ALL if "armored" not in vector.told]
APPLICABLE = [one for one in BINARY if not (one.needs_other_keys and one.name in RULES_OF_OTHER_TYPES)]


def open_vector(vector: Vector) -> tuple[str, bytes]:
    """Open a file; return the outcome in the corpus's words and all that was released before it."""
    sealed, released = io.BytesIO(vector.sealed), b""
    try:
        header = age.read_header(sealed)
        if vector.needs_other_keys and not vector.keys:
            file_key = bytes.fromhex(vector.told["file key"][0])
        else:
            file_key = age.unwrap(header, vector.keys)
        for chunk in age.open_content(sealed, header, file_key):
            released += chunk
    except (HeaderError, NoMatchError, HeaderMacError, StreamError) as error:
        return EXPECTATIONS[type(error)], released
    return "success", released


def test_the_corpus_is_counted() -> None:
    """A file that nobody runs proves nothing: all are run but the armored ones and the rules of other types."""
    assert (len(ALL), len(BINARY)) == (143, 110)
    assert {one.name for one in ALL} > NO_MATCH_INSTEAD | RULES_OF_OTHER_TYPES | ONE_CHUNK_LESS
    assert (len(RULES_OF_OTHER_TYPES), len(APPLICABLE)) == (29, 81)


@pytest.mark.parametrize("vector", APPLICABLE, ids=lambda vector: vector.name)
def test_age_file_gives_the_published_outcome(vector: Vector) -> None:
    """Each kind of damage must fail in its own class, and release only what was authentic."""
    expected = "no match" if vector.name in NO_MATCH_INSTEAD else vector.told["expect"][0]
    empty = hashlib.sha256(b"").hexdigest()

    outcome, released = open_vector(vector)

    assert outcome == expected
    if vector.name in ONE_CHUNK_LESS:
        assert len(released) % age.CHUNK_SIZE == 0
    else:
        assert hashlib.sha256(released).hexdigest() == vector.told.get("payload", [empty])[0]


@pytest.mark.parametrize(
    "vector", [one for one in ALL if "armored" in one.told], ids=lambda vector: vector.name
)
def test_armored_file_is_no_envelope(vector: Vector) -> None:
    """We write no armor and read none: what is not an age file at its first byte is refused as such."""
    with pytest.raises(HeaderError):
        age.read_header(io.BytesIO(vector.sealed))


@pytest.mark.parametrize("vector", [one for one in BINARY if one.told["expect"] == ["success"]])
def test_readable_header_is_written_back_the_same(vector: Vector) -> None:
    """What the reader authenticates is exactly the bytes that stood in the file."""
    header = age.read_header(io.BytesIO(vector.sealed))

    assert vector.sealed.startswith(header.authenticated + b" ")
