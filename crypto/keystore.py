"""The keystore file: the Center's private keys under a passphrase (FORMAT.md §5). Never on the internet side (P4).

A wrong passphrase and a damaged file give one and the same message.
"""

import os
import secrets
import struct
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from crypto import canonical
from crypto.canonical import Json
from crypto.errors import CanonicalError, KeystoreError

MAGIC: Final = b"HIRK"
VERSION: Final = 1
KDF_ARGON2ID: Final = 1  # 2 is reserved for a wrapping key from shares
KEY_SIZE: Final = 32  # bytes of every key inside, and of the AES-256 key around them
MAX_MEMORY: Final = 4 * 1024 * 1024  # KiB, 4 GiB: a hostile file must not exhaust the machine
MAX_ITERATIONS: Final = 16  # the same
MAX_LANES: Final = 16  # the same
MAX_FILE: Final = 65_536  # bytes; ours stay below 2 KiB

_PREFIX: Final = struct.Struct(">4sBBHIII16s12s")  # magic, version, kdf, reserved, m, t, p, salt, nonce


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one guess at the passphrase costs (Argon2id, RFC 9106): memory in KiB, iterations, lanes."""

    memory_kib: int
    iterations: int
    lanes: int


DEFAULT_COST: Final = Cost(memory_kib=1024 * 1024, iterations=4, lanes=4)  # some 4 s a guess
FLOOR_COST: Final = Cost(memory_kib=256 * 1024, iterations=3, lanes=4)  # some 1 s; nothing lower is read


class EpochState(StrEnum):
    """Where a key epoch stands: sealed to, still opened, or kept only for late bundles."""

    ACTIVE = "active"
    OVERLAP = "overlap"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Epoch:
    """One key epoch: the seed that opens its envelopes, and the fingerprint of its public key.

    Raises:
        ValueError: the seed has another length.
    """

    epoch: int
    seed: bytes
    state: EpochState
    fingerprint: str

    def __post_init__(self) -> None:
        _require_keys(self.seed)

    def __repr__(self) -> str:
        return f"Epoch({self.epoch}, {self.state})"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Keystore:
    """The keys of the review machine: epochs, the acknowledgement key's seed, the vault's keys.

    Raises:
        ValueError: a key has another length, or an epoch stands twice.
    """

    center: str
    epochs: tuple[Epoch, ...]
    ack_seed: bytes
    vault_key: bytes
    next_vault_key: bytes | None = None

    def __post_init__(self) -> None:
        following = () if self.next_vault_key is None else (self.next_vault_key,)
        _require_keys(self.ack_seed, self.vault_key, *following)
        if len({one.epoch for one in self.epochs}) != len(self.epochs):
            raise ValueError("a keystore holds each key epoch once")

    def __repr__(self) -> str:
        return "Keystore(redacted)"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RootKeystore:
    """The root signing key's seed, in a file of its own: it signs configurations and nothing else.

    Raises:
        ValueError: the seed has another length.
    """

    center: str
    root_seed: bytes

    def __post_init__(self) -> None:
        _require_keys(self.root_seed)

    def __repr__(self) -> str:
        return "RootKeystore(redacted)"


def _require_keys(*keys: bytes) -> None:
    # Checked when the value is made: a keystore that holds a cut key would be written, and never read again.
    if any(len(key) != KEY_SIZE for key in keys):
        raise ValueError(f"every key in a keystore has {KEY_SIZE} bytes")


def write_keystore(
    path: Path, keystore: Keystore | RootKeystore, passphrase: str, cost: Cost = DEFAULT_COST
) -> None:
    """Write a keystore under a fresh salt and nonce, durably and in one step, mode 0600.

    Raises:
        ValueError: the cost is outside what a reader accepts.
        OSError: the file cannot be written; an older one at `path` is untouched.
    """
    if not _is_allowed(cost):
        raise ValueError("the cost is below the floor or above the reader's limits")
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    costs = (cost.memory_kib, cost.iterations, cost.lanes)
    prefix = _PREFIX.pack(MAGIC, VERSION, KDF_ARGON2ID, 0, *costs, salt, nonce)
    key = _derive(passphrase, salt, cost)
    sealed = AESGCM(key).encrypt(nonce, canonical.encode(_to_json(keystore)), prefix)
    _replace(path, prefix + sealed)


def cost_of(path: Path) -> Cost:
    """What a guess at a keystore costs, so that it can be written anew as it was.

    Raises:
        KeystoreError: no keystore of ours.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        prefix = file.read(_PREFIX.size)
    if len(prefix) != _PREFIX.size or not prefix.startswith(MAGIC):
        raise KeystoreError
    memory, iterations, lanes = _PREFIX.unpack(prefix)[4:7]
    return Cost(memory_kib=memory, iterations=iterations, lanes=lanes)


def read_keystore(path: Path, passphrase: str) -> Keystore:
    """Open the keystore of the review machine.

    Raises:
        KeystoreError: wrong passphrase, damage, or another file: one message.
        OSError: the file cannot be read.
    """
    found = _read(path, passphrase)
    try:
        return _keystore(found)
    except (KeyError, TypeError, ValueError):
        raise KeystoreError from None


def read_root_keystore(path: Path, passphrase: str) -> RootKeystore:
    """Open the keystore of the root signing key.

    Raises:
        KeystoreError: wrong passphrase, damage, or another file: one message.
        OSError: the file cannot be read.
    """
    found = _read(path, passphrase)
    try:
        return RootKeystore(center=_text(found["center"]), root_seed=_key(found["root_seed"]))
    except (KeyError, TypeError, ValueError):
        raise KeystoreError from None


def _read(path: Path, passphrase: str) -> Mapping[str, Json]:
    with path.open("rb") as file:
        content = file.read(MAX_FILE + 1)
    if not _PREFIX.size < len(content) <= MAX_FILE:
        raise KeystoreError
    prefix = content[: _PREFIX.size]
    magic, version, kdf, reserved, memory, iterations, lanes, salt, nonce = _PREFIX.unpack(prefix)
    cost = Cost(memory_kib=memory, iterations=iterations, lanes=lanes)
    # Checked before deriving: a hostile header must not cost memory, a weakened one must not be used.
    if (magic, version, kdf, reserved) != (MAGIC, VERSION, KDF_ARGON2ID, 0) or not _is_allowed(cost):
        raise KeystoreError
    try:
        plaintext = AESGCM(_derive(passphrase, salt, cost)).decrypt(nonce, content[_PREFIX.size :], prefix)
        found = canonical.decode(plaintext)
    except (InvalidTag, CanonicalError):
        raise KeystoreError from None
    if not isinstance(found, dict):
        raise KeystoreError
    return found


def _is_allowed(cost: Cost) -> bool:
    return (
        FLOOR_COST.memory_kib <= cost.memory_kib <= MAX_MEMORY
        and FLOOR_COST.iterations <= cost.iterations <= MAX_ITERATIONS
        and FLOOR_COST.lanes <= cost.lanes <= MAX_LANES
    )


def _derive(passphrase: str, salt: bytes, cost: Cost) -> bytes:
    # NFKC: the same words typed on another keyboard must give the same key.
    typed = unicodedata.normalize("NFKC", passphrase).encode("utf-8", "surrogatepass")
    return Argon2id(
        salt=salt,
        length=KEY_SIZE,
        iterations=cost.iterations,
        lanes=cost.lanes,
        memory_cost=cost.memory_kib,
    ).derive(typed)


def _to_json(keystore: Keystore | RootKeystore) -> dict[str, Json]:
    if isinstance(keystore, RootKeystore):
        return {"center": keystore.center, "root_seed": keystore.root_seed.hex()}
    following = keystore.next_vault_key
    return {
        "ack_seed": keystore.ack_seed.hex(),
        "center": keystore.center,
        "epochs": [
            {
                "epoch": one.epoch,
                "fingerprint": one.fingerprint,
                "seed": one.seed.hex(),
                "state": one.state.value,
            }
            for one in keystore.epochs
        ],
        "next_vault_key": None if following is None else following.hex(),
        "vault_key": keystore.vault_key.hex(),
    }


def _keystore(found: Mapping[str, Json]) -> Keystore:
    epochs, following = found["epochs"], found["next_vault_key"]
    if not isinstance(epochs, list):
        raise TypeError("epochs")
    return Keystore(
        center=_text(found["center"]),
        epochs=tuple(_epoch(one) for one in epochs),
        ack_seed=_key(found["ack_seed"]),
        vault_key=_key(found["vault_key"]),
        next_vault_key=None if following is None else _key(following),
    )


def _epoch(found: Json) -> Epoch:
    if not isinstance(found, dict) or type(found["epoch"]) is not int:  # True is an int to isinstance
        raise TypeError("epoch")
    return Epoch(
        epoch=found["epoch"],
        seed=_key(found["seed"]),
        state=EpochState(_text(found["state"])),
        fingerprint=_text(found["fingerprint"]),
    )


def _text(found: Json) -> str:
    if not isinstance(found, str):
        raise TypeError("text")
    return found


def _key(found: Json) -> bytes:
    return bytes.fromhex(_text(found))


def _replace(path: Path, content: bytes) -> None:
    """Write beside, sync, rename, sync the directory: a crash leaves the old file or the new one."""
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - mode
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
