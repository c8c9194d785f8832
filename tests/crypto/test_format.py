"""FORMAT.md's worked example, computed again with the standard library and `cryptography` alone.

Our own code is then held to the same bytes. If it drifted from this document, files written today could not be read by
who has only the document.
"""

import base64
import hashlib
import hmac
import io
import json
import re
from datetime import date
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

import crypto
from crypto import age, archive, labels
from crypto.payload import Attachment, pack_report, unpack_report
from crypto.report import report_from_header
from crypto.xwing import key_pair

GOLDEN = Path(__file__).parent.parent / "golden"
DOCUMENT = (Path(crypto.__file__).parent / "FORMAT.md").read_text()
VALUES = dict(re.findall(r"^\| `(\w+)` \| `([^`]*)` \|$", DOCUMENT, re.MULTILINE))
BLOCKS = dict(re.findall(r"^`([^`\n]+)`\n```\n(.*?)\n```$", DOCUMENT, re.MULTILINE | re.DOTALL))
SEED, SIGNING_SEED = b"\x01" * 32, b"\x02" * 32
ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
CONFIG = b"{}\n"


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """HKDF-SHA256 of 32 bytes (RFC 5869), written out."""
    return hmac.digest(hmac.digest(salt or bytes(32), secret, "sha256"), info + b"\x01", "sha256")


def unbech32(text: str) -> bytes:
    """The bytes of a Bech32 string, its checksum unread."""
    digits = [ALPHABET.index(character) for character in text.lower().rpartition("1")[2][:-6]]
    bits = "".join(f"{digit:05b}" for digit in digits)
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) - len(bits) % 8, 8))


def digits_of(public: bytes) -> str:
    """The fingerprint of section 3."""
    number = int.from_bytes(hashlib.sha256(b"intake key fingerprint v1\0" + public).digest()[:17], "big")
    text = f"{number % 10**40:040}"
    return " ".join(text[at : at + 5] for at in range(0, 40, 5))


def private_keys() -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    """Both halves of the Center key, by section 2."""
    expanded = hashlib.shake_256(SEED).digest(96)
    return (
        MLKEM768PrivateKey.from_seed_bytes(expanded[:64]),
        X25519PrivateKey.from_private_bytes(expanded[64:]),
    )


def hex_block(name: str) -> bytes:
    """The bytes of a block of hex."""
    return bytes.fromhex(BLOCKS[name])


def test_keys_follow_from_the_seed() -> None:
    """Section 10.1."""
    mlkem, x25519 = private_keys()
    public = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()

    assert unbech32(VALUES["identity"]) == SEED
    assert hashlib.sha256(public).hexdigest() == VALUES["public_key_sha256"]
    assert public.startswith(unbech32(VALUES["recipient_begins"] + "q" * 6)[:32])
    assert digits_of(public) == VALUES["fingerprint"]


def test_age_file_opens_step_by_step() -> None:
    """Section 10.2: every intermediate value, then the file put together again from its parts."""
    age_file = hex_block("age_file")
    version, stanza, body, mac_line = age_file.split(b"\n", 4)[:4]
    _, kind, share = stanza.split(b" ")
    wrapped = base64.b64decode(share + b"==") + base64.b64decode(body + b"=")
    suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
    file_key = suite.decrypt(
        wrapped, MLKEM768X25519PrivateKey(*private_keys()), b"age-encryption.org/mlkem768x25519"
    )
    header_key = hkdf(file_key, b"", b"header")
    header = b"\n".join([version, stanza, body, b"---"])
    mac = hmac.digest(header_key, header, "sha256")
    nonce, chunk = bytes.fromhex(VALUES["nonce"]), bytes.fromhex(VALUES["chunk_0"])
    stream_key = hkdf(file_key, nonce, b"payload")

    assert kind == b"mlkem768x25519"
    assert file_key.hex() == VALUES["file_key"]
    assert header_key.hex() == VALUES["header_key"]
    assert mac.hex() == VALUES["mac"]
    assert mac_line == b"--- " + base64.b64encode(mac).rstrip(b"=")
    assert stream_key.hex() == VALUES["stream_key"]
    assert ChaCha20Poly1305(stream_key).decrypt(bytes(11) + b"\x01", chunk, None) == b"told"
    assert age_file == header + mac_line.removeprefix(b"---") + b"\n" + nonce + chunk


def test_payload_is_laid_out() -> None:
    """Section 10.3."""
    header = BLOCKS["payload_header"].encode()
    context = hashlib.sha256(b"intake/context/v1\0" + CONFIG).digest()
    prefix = b"HIRP\x01\x01\0\0" + len(header).to_bytes(4, "big") + bytes(8) + context
    padded = (prefix + header).ljust(32_768, b"\0")

    assert context.hex() == VALUES["context_id"]
    assert prefix.hex() == VALUES["payload_prefix"]
    assert str(len(padded)) == VALUES["payload_size"]
    assert hashlib.sha256(padded).hexdigest() == VALUES["payload_sha256"]
    assert json.dumps(json.loads(header), sort_keys=True, separators=(",", ":")).encode() == header


def test_an_archive_volume_is_laid_out() -> None:
    """Section 10.7, and our own writer and reader beside it."""
    header, lines = BLOCKS["volume_header"].encode(), BLOCKS["volume_lines"].encode() + b"\n"
    told = json.loads(header)
    body = lines + b"told"
    context = bytes.fromhex(VALUES["context_id"])
    prefix = b"HIRP\x01\x14\0\0" + len(header).to_bytes(4, "big") + len(body).to_bytes(8, "big") + context
    padded = (prefix + header + body).ljust(32_768, b"\0")

    assert prefix.hex() == VALUES["volume_prefix"]
    assert told["lines"] == {"sha256": hashlib.sha256(lines).hexdigest(), "size": len(lines)}
    assert told["attachments"][0]["sha256"] == hashlib.sha256(b"told").hexdigest()
    assert hashlib.sha256(padded).hexdigest() == VALUES["volume_sha256"]
    volume = archive.unpack_volume(padded)
    (case, meta, content) = volume.files[0]
    file = Attachment(meta=meta, pieces=[content])
    again = archive.pack_volume(
        volume.place, b"".join(map(archive.line, volume.lines)), [(case, file)], context_id=context
    )
    assert b"".join(again) == padded


def test_our_writer_and_reader_agree_with_the_document() -> None:
    """The same examples by our own code: otherwise the document would describe another format."""
    header = json.loads(BLOCKS["payload_header"])
    padded = b"".join(
        pack_report(
            fields=header["fields"],
            flags=(),
            form_lang="en",
            form_version="1.0",
            payload_id=header["payload_id"],
            received_day=date.fromisoformat(header["received_day"]),
            context_id=bytes.fromhex(VALUES["context_id"]),
            contact_block=None,
            attachments=(),
        )
    )

    assert padded.startswith(bytes.fromhex(VALUES["payload_prefix"]) + BLOCKS["payload_header"].encode())
    assert hashlib.sha256(padded).hexdigest() == VALUES["payload_sha256"]
    assert report_from_header(unpack_report(padded)[0].fields).narrative == "They shouted at us."
    assert b"".join(age.open_with(io.BytesIO(hex_block("age_file")), [key_pair(SEED)])) == b"told"


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sig", "ack.json", "ack.sig"])
def test_golden_files_are_those_of_the_document(name: str) -> None:
    """Two examples of one format would drift apart."""
    assert (GOLDEN / name).read_bytes().removesuffix(b"\n").decode() == BLOCKS[name]


def test_golden_keystore_is_that_of_the_document() -> None:
    """The same for the file that must open in ten years."""
    assert (GOLDEN / "keystore").read_bytes() == hex_block("keystore")


def test_signature_files_are_as_written() -> None:
    """Section 10.4: Ed25519 is deterministic, so every byte can be computed again."""
    key = Ed25519PrivateKey.from_private_bytes(SIGNING_SEED)
    public = key.public_key().public_bytes_raw()
    key_id = hashlib.sha256(b"intake/sign-key-id/v1\0" + public).digest()[:8]
    comment = BLOCKS["minisign"].splitlines()[2].removeprefix("trusted comment: ")
    hashed = key.sign(hashlib.blake2b(CONFIG).digest())

    def base64_of(content: bytes) -> str:
        return base64.b64encode(content).decode()

    assert public.hex() == VALUES["signing_public_key"]
    assert key_id.hex() == VALUES["key_id"]
    assert digits_of(public) == VALUES["signing_fingerprint"]
    assert BLOCKS["root.pub"].splitlines()[1] == base64_of(b"Ed" + key_id + public)
    assert BLOCKS["labelled intake/ack/v1"] == base64_of(key.sign(b"intake/ack/v1\0" + CONFIG))
    assert BLOCKS["signify"].splitlines()[1] == base64_of(b"Ed" + key_id + key.sign(CONFIG))
    assert BLOCKS["minisign"].splitlines()[1] == base64_of(b"ED" + key_id + hashed)
    assert BLOCKS["minisign"].splitlines()[3] == base64_of(key.sign(hashed + comment.encode()))


@pytest.mark.parametrize(
    ("name", "label", "seed"),
    [("manifest", b"intake/bundle/v1", SEED), ("ack", b"intake/ack/v1", SIGNING_SEED)],
)
def test_manifest_and_acknowledgement_verify(name: str, label: bytes, seed: bytes) -> None:
    """Section 10.5."""
    content = BLOCKS[f"{name}.json"].encode()
    public: Ed25519PublicKey = Ed25519PrivateKey.from_private_bytes(seed).public_key()

    public.verify(base64.b64decode(BLOCKS[f"{name}.sig"]), label + b"\0" + content)

    assert json.loads(content)["what"].encode() == label
    assert json.dumps(json.loads(content), sort_keys=True, separators=(",", ":")).encode() == content


def test_keystore_opens_step_by_step() -> None:
    """Section 10.6."""
    content = hex_block("keystore")
    memory, iterations, lanes = (int.from_bytes(content[at : at + 4], "big") for at in (8, 12, 16))
    key = Argon2id(
        salt=content[20:36], length=32, iterations=iterations, lanes=lanes, memory_cost=memory
    ).derive(b"correct horse battery staple mango river")

    assert content[:8] == b"HIRK\x01\x01\0\0"
    assert key.hex() == VALUES["keystore_key"]
    plaintext = AESGCM(key).decrypt(content[36:48], content[48:], content[:48])
    assert plaintext.decode() == BLOCKS["keystore_plaintext"]


def test_every_label_stands_in_the_document() -> None:
    """Section 8 is the registry for who has no Python."""
    section = DOCUMENT.partition("## 8. Labels")[2].partition("## 9.")[0]
    registered = [value for name, value in vars(labels).items() if name.isupper() and name != "RESERVED"]

    for label in [*registered, *labels.RESERVED]:
        text = label if isinstance(label, str) else label.decode()
        assert f"`{text.replace(chr(0), chr(92) + '0')}`" in section or text == "mlkem768x25519"
