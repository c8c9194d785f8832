"""Published HPKE vectors: the suite of the envelope, and the others on offer as a canary for upgrades.

The vectors carry associated data, which age does not use. This is the one place that may call the library's private
function for it.
"""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives.asymmetric import ec, mlkem, x25519
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from crypto import xwing

VECTORS = Path(__file__).parent.parent / "vectors"
XWING = 0x647A
KEMS = {
    0x10: KEM.P256,
    0x11: KEM.P384,
    0x12: KEM.P521,
    0x20: KEM.X25519,
    0x41: KEM.MLKEM768,
    0x42: KEM.MLKEM1024,
    XWING: KEM.MLKEM768_X25519,
}
KDFS = {
    1: KDF.HKDF_SHA256,
    2: KDF.HKDF_SHA384,
    3: KDF.HKDF_SHA512,
    0x10: KDF.SHAKE128,
    0x11: KDF.SHAKE256,
}
AEADS = {1: AEAD.AES_128_GCM, 2: AEAD.AES_256_GCM, 3: AEAD.CHACHA20_POLY1305}
CURVES = {0x10: ec.SECP256R1(), 0x11: ec.SECP384R1(), 0x12: ec.SECP521R1()}
BASE_MODE = 0

POST_QUANTUM = json.loads((VECTORS / "hpke-pq_test-vectors.json").read_text())
RFC_9180 = json.loads(gzip.decompress((VECTORS / "vectors_rfc9180_5f503c5.json.gz").read_bytes()))


def private_key(kem: int, raw: bytes) -> object:
    """The library's private key of a vector's bytes."""
    if kem == XWING:
        return xwing.key_pair(raw).private_key
    if kem == 0x41:
        return mlkem.MLKEM768PrivateKey.from_seed_bytes(raw)
    if kem == 0x42:
        return mlkem.MLKEM1024PrivateKey.from_seed_bytes(raw)
    if kem == 0x20:
        return x25519.X25519PrivateKey.from_private_bytes(raw)
    return ec.derive_private_key(int.from_bytes(raw, "big"), CURVES[kem])


def is_offered(vector: dict) -> bool:
    """Whether the library has all three algorithms of a vector, in base mode."""
    return (
        vector["mode"] == BASE_MODE
        and vector["kem_id"] in KEMS
        and vector["kdf_id"] in KDFS
        and vector["aead_id"] in AEADS
    )


def open_first(vector: dict, *, flip: int = 0) -> bytes:
    """Open the first message of a vector; single-shot HPKE knows no second. `flip` damages the last byte."""
    suite = Suite(KEMS[vector["kem_id"]], KDFS[vector["kdf_id"]], AEADS[vector["aead_id"]])
    first = vector["encryptions"][0]
    sealed = bytearray.fromhex(vector["enc"] + first["ct"])
    sealed[-1] ^= flip
    key = private_key(vector["kem_id"], bytes.fromhex(vector["skRm"]))
    info, associated = bytes.fromhex(vector["info"]), bytes.fromhex(first["aad"])
    return openssl.hpke._decrypt_with_aad(  # noqa: SLF001 - the one place, see above
        suite, bytes(sealed), key, info, associated
    )


OFFERED = [vector for vector in [*POST_QUANTUM, *RFC_9180] if is_offered(vector)]


def test_the_suites_on_offer_are_counted() -> None:
    """If an upgrade offers more or less, somebody must look at why."""
    assert sum(is_offered(vector) for vector in RFC_9180) == 18
    assert Counter(vector["kem_id"] for vector in POST_QUANTUM if is_offered(vector)) == {
        0x41: 1,
        0x42: 1,
        0x10: 1,
        0x11: 1,
        XWING: 2,
    }


@pytest.mark.parametrize(
    "vector", OFFERED, ids=lambda one: f"{one['kem_id']:x}-{one['kdf_id']:x}-{one['aead_id']:x}"
)
def test_published_messages_open_and_damaged_ones_do_not(vector: dict) -> None:
    """What other implementations sealed opens here, and nothing close to it does."""
    assert open_first(vector).hex() == vector["encryptions"][0]["pt"]
    with pytest.raises(InvalidTag):
        open_first(vector, flip=1)


@pytest.mark.parametrize("vector", [one for one in POST_QUANTUM if one["kem_id"] == XWING])
def test_xwing_keys_follow_from_seeds_as_published(vector: dict) -> None:
    """The shares on paper hold a seed: every implementation must expand it to the same key."""
    assert xwing.key_pair(bytes.fromhex(vector["skRm"])).public.hex() == vector["pkRm"]
