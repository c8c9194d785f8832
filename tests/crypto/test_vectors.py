"""Published vectors for the primitives below the formats: a canary for every upgrade of the library."""

import hashlib
import json
import re
import zlib
from pathlib import Path

import pytest
from cryptography.cobblestone import Cobblestone128Decryptor, Cobblestone256Decryptor
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VECTORS = Path(__file__).parent.parent / "vectors"
TABLE_ROW = re.compile(r"^\| (\S+) \| \d+ \| .* \| ([0-9a-f]{64}) \|$", re.MULTILINE)


def wycheproof(name: str) -> list[tuple[dict, dict]]:
    """Every case of a Wycheproof file with the group it belongs to."""
    groups = json.loads((VECTORS / f"wycheproof_{name}_test.json").read_text())["testGroups"]
    return [(group, case) for group in groups for case in group["tests"]]


def unhex(case: dict, *names: str) -> list[bytes]:
    """The named values of a case, as bytes."""
    return [bytes.fromhex(case[name]) for name in names]


def test_every_vector_file_is_the_published_one() -> None:
    """A vector that was edited, or slipped in without a source, would prove what its editor wanted."""
    provenance = (VECTORS / "PROVENANCE.md").read_text()
    listed = dict(TABLE_ROW.findall(provenance))
    age = sorted((VECTORS / "cctv-age/testdata").iterdir())
    present = {str(path.relative_to(VECTORS)) for path in VECTORS.rglob("*") if path.is_file()}

    listing = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in age)

    assert len(age) == 143
    assert hashlib.sha256(listing.encode()).hexdigest() in provenance
    assert {name: hashlib.sha256((VECTORS / name).read_bytes()).hexdigest() for name in listed} == listed
    assert present - {f"cctv-age/testdata/{path.name}" for path in age} == {
        *listed,
        "PROVENANCE.md",
        ".gitattributes",
    }


def test_mlkem_decapsulates_as_published() -> None:
    """Half of the hybrid key agreement; a wrong implicit rejection would tell an attacker about the key."""
    for _, case in wycheproof("mlkem_768"):
        seed, ciphertext = unhex(case, "seed", "c")
        try:
            shared = MLKEM768PrivateKey.from_seed_bytes(seed).decapsulate(ciphertext)
        except ValueError:
            assert case["result"] == "invalid", case["tcId"]
        else:
            assert (case["result"], shared.hex()) == ("valid", case["K"]), case["tcId"]


def test_mlkem_keys_follow_from_seeds_as_published() -> None:
    """Two shares on paper give back a seed; the seed must give back the key, in any later version."""
    for _, case in wycheproof("mlkem_768_keygen_seed"):
        key = MLKEM768PrivateKey.from_seed_bytes(bytes.fromhex(case["seed"]))

        assert key.public_key().public_bytes_raw().hex() == case["ek"]


def test_mlkem_refuses_public_keys_outside_the_modulus() -> None:
    """Encapsulating to such a key would leak or fail later: FIPS 203 §7.2 wants it refused."""
    for _, case in wycheproof("mlkem_768_encaps"):
        public = bytes.fromhex(case["ek"])
        if case["result"] == "invalid":
            with pytest.raises(ValueError, match="1184 bytes"):
                MLKEM768PublicKey.from_public_bytes(public)
        else:
            MLKEM768PublicKey.from_public_bytes(public).encapsulate()


def test_x25519_agrees_as_published() -> None:
    """The other half; a shared secret of zero is refused, which the format relies on."""
    for _, case in wycheproof("x25519"):
        private, public = unhex(case, "private", "public")
        try:
            shared = X25519PrivateKey.from_private_bytes(private).exchange(
                X25519PublicKey.from_public_bytes(public)
            )
        except ValueError:
            assert "ZeroSharedSecret" in case["flags"], case["tcId"]
        else:
            assert shared.hex() == case["shared"], case["tcId"]


@pytest.mark.parametrize(
    ("name", "cipher", "unoffered"), [("chacha20_poly1305", ChaCha20Poly1305, 0), ("aes_gcm", AESGCM, 27)]
)
def test_aeads_open_and_refuse_as_published(name: str, cipher: type, unoffered: int) -> None:
    """Chunks and the keystore stand on these two; nonces of a size that we never use may be refused unseen."""
    refused_unseen = 0
    for _, case in wycheproof(name):
        key, nonce, associated, ciphertext, tag = unhex(case, "key", "iv", "aad", "ct", "tag")
        try:
            plaintext = cipher(key).decrypt(nonce, ciphertext + tag, associated)
        except InvalidTag:
            assert case["result"] == "invalid", case["tcId"]
        except ValueError:
            assert len(nonce) != 12, case["tcId"]
            refused_unseen += case["result"] == "valid"
        else:
            assert (case["result"], plaintext.hex()) == ("valid", case["msg"]), case["tcId"]
    assert refused_unseen == unoffered


def test_hkdf_derives_as_published() -> None:
    """File key to stream key: a wrong salt rule would make files that only we can read."""
    for _, case in wycheproof("hkdf_sha256"):
        secret, salt, info = unhex(case, "ikm", "salt", "info")
        if case["result"] == "invalid":
            with pytest.raises(ValueError, match="larger than"):
                HKDF(SHA256(), case["size"], salt, info)
        else:
            assert HKDF(SHA256(), case["size"], salt, info).derive(secret).hex() == case["okm"]


def test_ed25519_verifies_and_refuses_as_published() -> None:
    """Configurations, bundles and acknowledgements stand on it; a malleable signature would be a second one."""
    for group, case in wycheproof("ed25519"):
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(group["publicKey"]["pk"]))
        signature, message = unhex(case, "sig", "msg")
        if case["result"] == "valid":
            key.verify(signature, message)
        else:
            with pytest.raises(InvalidSignature):
                key.verify(signature, message)


@pytest.mark.parametrize(
    ("bits", "decryptor"), [(128, Cobblestone128Decryptor), (256, Cobblestone256Decryptor)]
)
def test_cobblestone_opens_and_refuses_as_published(bits: int, decryptor: type) -> None:
    """The upload spool and the vault's attachments use it; it must never outlive us, but must be right."""
    for _, case in wycheproof(f"c2sp_chunked_encryption_aes_{bits}_gcm"):
        key, context, packed = unhex(case, "key", "ctx", "ct")
        ciphertext = zlib.decompress(packed)
        try:
            opening = decryptor(key, context)
            plaintext = opening.update(ciphertext) + opening.finalize()
        except (InvalidTag, ValueError):
            assert case["result"] == "invalid", case["tcId"]
        else:
            assert case["result"] == "valid", case["tcId"]
            assert hashlib.sha512(plaintext).hexdigest() == case["msgSha512"], case["tcId"]


def test_argon2id_derives_as_the_rfc_prints() -> None:
    """The keystore must open in ten years with another implementation (RFC 9106 §5.3)."""
    derived = Argon2id(
        salt=bytes([2]) * 16,
        length=32,
        iterations=3,
        lanes=4,
        memory_cost=32,
        ad=bytes([4]) * 12,
        secret=bytes([3]) * 8,
    ).derive(bytes([1]) * 32)

    assert derived.hex() == "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
