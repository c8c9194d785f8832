"""The forty digits by which people compare a key on paper, on a leaflet and on a screen (FORMAT.md §3).

Digits, because they are the same in every language. This module never decides whether a key is trusted.
"""

from hashlib import sha256
from typing import Final

from crypto import labels

HASH_BYTES: Final = 17  # bytes of the hash that are read: 136 bits, more than 40 digits hold
DIGITS: Final = 40  # about 133 bits
GROUP: Final = 5  # digits between spaces, so that a voice on a telephone keeps its place


def fingerprint(public: bytes) -> str:
    """Compute the fingerprint of a public key (1216 bytes of a recipient, 32 of Ed25519): `33922 95390 ...`."""
    number = int.from_bytes(sha256(labels.FINGERPRINT + public).digest()[:HASH_BYTES], "big")
    digits = f"{number % 10**DIGITS:0{DIGITS}d}"
    return " ".join(digits[start : start + GROUP] for start in range(0, DIGITS, GROUP))
