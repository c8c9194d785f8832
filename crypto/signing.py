"""Ed25519 signatures in three forms: labelled one-line files, minisign and signify (FORMAT.md §6).

Seeds and public keys are 32 bytes and are handed in: this module holds no key and trusts none. It reads the one
form it writes, so that a signature file cannot carry anything beside the signature.
"""

import base64
import binascii
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b, sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from crypto import labels
from crypto.errors import KeyStringError, SignatureError

SEED_SIZE: Final = 32  # bytes; RFC 8032
PUBLIC_SIZE: Final = 32  # bytes; RFC 8032
SIGNATURE_SIZE: Final = 64  # bytes; RFC 8032
KEY_ID_SIZE: Final = 8  # bytes; minisign and signify
BARE: Final = b"Ed"  # algorithm of a signature over the bytes themselves, and of public keys; signify
PREHASHED: Final = b"ED"  # algorithm of a signature over the BLAKE2b-512 hash; minisign
UNTRUSTED: Final = "untrusted comment: "
TRUSTED: Final = "trusted comment: "
COMMENT_LENGTH: Final = 1000  # characters; minisign and signify refuse longer lines


@contextmanager
def naming(file: str, remedy: str) -> Iterator[None]:
    """Let a refused signature say which file it is about and what to do next, whichever check refused it.

    Raises:
        SignatureError: the one of the block, with the file and the remedy in its message.
    """
    try:
        yield
    except SignatureError:
        raise SignatureError(file, remedy) from None


def public_of(seed: bytes) -> bytes:
    """Compute the 32-byte public key of a seed.

    Raises:
        KeyStringError: the seed has another length.
    """
    return _private(seed).public_key().public_bytes_raw()


def key_id(public: bytes) -> bytes:
    """Compute the 8 bytes by which signature files name their key; they prove nothing."""
    return sha256(labels.SIGN_KEY_ID + public).digest()[:KEY_ID_SIZE]


def sign(label: str, content: bytes, seed: bytes) -> bytes:
    """Sign bytes for one purpose; the result is a signature file of one line."""
    return base64.b64encode(_private(seed).sign(_labelled(label, content))) + b"\n"


def verify(label: str, content: bytes, signature: bytes, public: bytes) -> None:
    """Check a one-line signature file; the label is the one that the caller expects, never one that was read.

    Raises:
        SignatureError: it is not the signature of these bytes under this label by this key.
    """
    _check(public, _unbase64(signature, SIGNATURE_SIZE), _labelled(label, content))


def format_public_key(public: bytes, comment: str) -> str:
    """Write a public key file that minisign and signify read."""
    return _commented(UNTRUSTED, comment) + _base64(BARE + key_id(public) + public)


def parse_public_key(text: str) -> bytes:
    """Read the 32 bytes of a public key file, or of its second line alone.

    Raises:
        KeyStringError: it is not such a file, or its key id is not the one that follows from the key.
    """
    lines = text.splitlines()
    if len(lines) == 2 and lines[0].startswith(UNTRUSTED):
        lines = lines[1:]
    try:
        content = _unbase64(_ascii("".join(lines)), len(BARE) + KEY_ID_SIZE + PUBLIC_SIZE)
    except SignatureError:
        raise KeyStringError("this is no minisign or signify public key; copy the whole line again") from None
    public = content[-PUBLIC_SIZE:]
    if len(lines) != 1 or content != BARE + key_id(public) + public:
        raise KeyStringError("this public key was not made by this software, or was copied with an error")
    return public


def minisign(content: bytes, seed: bytes, trusted_comment: str) -> str:
    """Write a `.minisig` file: a signature of the content's hash, and one that covers the trusted comment."""
    private = _private(seed)
    signature = private.sign(blake2b(content).digest())
    seal_of_comment = private.sign(signature + trusted_comment.encode())
    return (
        _commented(UNTRUSTED, "verify with minisign and the public key of the Center")
        + _base64(PREHASHED + key_id(public_of(seed)) + signature)
        + _commented(TRUSTED, trusted_comment)
        + _base64(seal_of_comment)
    )


def verify_minisign(content: bytes, text: str, public: bytes) -> str:
    """Check a `.minisig` file and return its trusted comment.

    Raises:
        SignatureError: wrong form, another key, changed content or changed trusted comment.
    """
    match text.split("\n"):
        case [untrusted, first, trusted, second, ""] if _has(UNTRUSTED, untrusted) and _has(TRUSTED, trusted):
            pass
        case _:
            raise SignatureError
    comment = trusted.removeprefix(TRUSTED)
    signature = _signature_by(public, PREHASHED, first)
    _check(public, signature, blake2b(content).digest())
    _check(public, _unbase64(_ascii(second), SIGNATURE_SIZE), signature + comment.encode())
    return comment


def signify(content: bytes, seed: bytes) -> str:
    """Write a signify signature file over the bytes themselves."""
    signature = _private(seed).sign(content)
    return _commented(UNTRUSTED, "verify with signify-openbsd and the public key of the Center") + _base64(
        BARE + key_id(public_of(seed)) + signature
    )


def verify_signify(content: bytes, text: str, public: bytes) -> None:
    """Check a signify signature file.

    Raises:
        SignatureError: wrong form, another key or changed content.
    """
    match text.split("\n"):
        case [untrusted, line, ""] if _has(UNTRUSTED, untrusted):
            _check(public, _signature_by(public, BARE, line), content)
        case _:
            raise SignatureError


def _private(seed: bytes) -> Ed25519PrivateKey:
    if len(seed) != SEED_SIZE:
        raise KeyStringError(f"a signing seed has {SEED_SIZE} bytes, this one has {len(seed)}")
    return Ed25519PrivateKey.from_private_bytes(seed)


def _labelled(label: str, content: bytes) -> bytes:
    return label.encode() + b"\0" + content  # no label holds a zero byte, so none can be another's beginning


def _check(public: bytes, signature: bytes, signed: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, signed)
    except (InvalidSignature, ValueError):  # ValueError: the public key has another length
        raise SignatureError from None


def _signature_by(public: bytes, algorithm: bytes, line: str) -> bytes:
    """Take the signature out of a line that must name this algorithm and this key."""
    content = _unbase64(_ascii(line), len(algorithm) + KEY_ID_SIZE + SIGNATURE_SIZE)
    if content[:-SIGNATURE_SIZE] != algorithm + key_id(public):
        raise SignatureError
    return content[-SIGNATURE_SIZE:]


def _commented(prefix: str, comment: str) -> str:
    line = prefix + comment
    if not _has(prefix, line):
        raise ValueError(f"a comment is one line of at most {COMMENT_LENGTH} characters")
    return line + "\n"


def _has(prefix: str, line: str) -> bool:
    return line.startswith(prefix) and line.isprintable() and len(line) <= len(prefix) + COMMENT_LENGTH


def _ascii(line: str) -> bytes:
    return line.encode("ascii", errors="replace") + b"\n"  # a question mark is no base64 and is refused there


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode() + "\n"


def _unbase64(line: bytes, size: int) -> bytes:
    """Read one line of padded base64 that holds `size` bytes and has no other spelling."""
    try:
        content = base64.b64decode(line.removesuffix(b"\n"), validate=True)
    except binascii.Error:
        raise SignatureError from None
    if len(content) != size or base64.b64encode(content) + b"\n" != line:
        raise SignatureError
    return content
