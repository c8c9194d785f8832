"""X-Wing key pairs (ML-KEM-768 with X25519) from 32-byte seeds, and recipient strings (FORMAT.md §2).

The library's hybrid objects have no serialisation and no seed, so the seed is kept here. There is no reader for
identity strings in this module and none may be added: the internet side imports it.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import shake_256
from typing import Final

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey

from crypto import bech32
from crypto.errors import KeyStringError

SEED_SIZE: Final = 32  # bytes; draft-connolly-cfrg-xwing-kem
PUBLIC_SIZE: Final = 1216  # bytes: ML-KEM-768 encapsulation key 1184, X25519 public key 32
MLKEM_PUBLIC_SIZE: Final = 1184  # bytes; FIPS 203
MLKEM_SEED_SIZE: Final = 64  # bytes; FIPS 203, d || z
RECIPIENT_HRP: Final = "age1pq"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """A seed with the keys that follow from it; only `key_pair` makes one."""

    public: bytes
    seed: bytes = field(repr=False)
    private_key: MLKEM768X25519PrivateKey = field(repr=False, compare=False)

    def __repr__(self) -> str:
        return "KeyPair(...)"


def key_pair(seed: bytes) -> KeyPair:
    """Expand a 32-byte seed to its key pair.

    Raises:
        KeyStringError: the seed has another length.
    """
    if len(seed) != SEED_SIZE:
        raise KeyStringError(f"a seed has {SEED_SIZE} bytes, this one has {len(seed)}")
    expanded = shake_256(seed).digest(MLKEM_SEED_SIZE + 32)
    mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:MLKEM_SEED_SIZE])
    x25519 = X25519PrivateKey.from_private_bytes(expanded[MLKEM_SEED_SIZE:])
    return KeyPair(
        public=mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw(),
        seed=seed,
        private_key=MLKEM768X25519PrivateKey(mlkem, x25519),
    )


@lru_cache(maxsize=8)  # a configuration names a handful of recipients, and every report is sealed to them
def public_key(public: bytes) -> MLKEM768X25519PublicKey:
    """Make the library's key of 1216 bytes.

    Raises:
        KeyStringError: wrong length, an ML-KEM key with coefficients out of range, or an X25519 point of low order.
    """
    if len(public) != PUBLIC_SIZE:
        raise KeyStringError(f"a recipient has {PUBLIC_SIZE} bytes, this one has {len(public)}")
    x25519 = X25519PublicKey.from_public_bytes(public[MLKEM_PUBLIC_SIZE:])
    try:
        mlkem = MLKEM768PublicKey.from_public_bytes(public[:MLKEM_PUBLIC_SIZE])
        X25519PrivateKey.generate().exchange(
            x25519
        )  # else a low order shows itself only when a report is sealed
    except ValueError:
        raise KeyStringError("the recipient is written correctly but is no usable key") from None
    return MLKEM768X25519PublicKey(mlkem, x25519)


def recipient_string(public: bytes) -> str:
    """Write a public key as the `age1pq1...` string that every age implementation reads (1959 characters)."""
    return bech32.encode(RECIPIENT_HRP, public)


@lru_cache(maxsize=8)  # for the same reason
def parse_recipient(text: str) -> bytes:
    """Read the 1216-byte public key of a recipient string.

    Raises:
        KeyStringError: the string is not one, or its key is not usable.
    """
    if text != text.lower():  # age writes recipients in lower case only
        raise KeyStringError("a recipient is written in lower case; copy it again")
    public = bech32.decode(RECIPIENT_HRP, text)
    public_key(public)
    return public
