"""The keystore file: opened by the passphrase alone, and silent about why it did not open.

Every derivation costs most of a second, also here: there is no cheaper profile. So one file serves many tests.
"""

import inspect
import os
import re
import shutil
import stat
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from crypto import canonical
from crypto.errors import KeystoreError
from crypto.keystore import (
    DEFAULT_COST,
    FLOOR_COST,
    MAGIC,
    Cost,
    Epoch,
    EpochState,
    Keystore,
    RootKeystore,
    read_keystore,
    read_root_keystore,
    write_keystore,
)

PASSPHRASE = "correct horse battery staple mango river"  # noqa: S105 - of keys that guard nothing
NO_PASSPHRASE: Any = None  # deriving from it is a TypeError, so it tells whether a refusal came before
ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests/golden/keystore"
EPOCH = {"epoch": 1, "fingerprint": "33922 95390", "seed": "01" * 32, "state": "active"}
KEYSTORE = Keystore(
    center="test-center",
    epochs=(
        Epoch(epoch=1, seed=b"\x01" * 32, state=EpochState.RETIRED, fingerprint="33922 95390"),
        Epoch(epoch=2, seed=b"\x02" * 32, state=EpochState.ACTIVE, fingerprint="00000 11111"),
    ),
    ack_seed=b"\x03" * 32,
    vault_key=b"\x04" * 32,
    next_vault_key=b"\x05" * 32,
)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A keystore as the writer leaves it, over an older one and the rest of a crash."""
    path = tmp_path_factory.mktemp("stick") / "keystore"
    path.write_bytes(b"an older keystore")
    path.with_name("keystore.new").write_bytes(b"what a crash left")
    write_keystore(path, KEYSTORE, PASSPHRASE, FLOOR_COST)
    return path


def test_keystore_comes_back_whole(written: Path) -> None:
    """A key lost here is a Center's reports lost."""
    assert read_keystore(written, PASSPHRASE) == KEYSTORE


def test_file_is_private_and_alone(written: Path) -> None:
    """Nobody else on the machine reads it, and no half-written copy lies beside it."""
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert [path.name for path in written.parent.iterdir()] == ["keystore"]


def test_file_holds_no_key_in_clear(written: Path) -> None:
    """Whoever finds the stick must not find the keys (P10)."""
    content = written.read_bytes()

    assert content.startswith(MAGIC)
    assert not any(
        bytes([number]) * 8 in content or f"{number:02x}" * 8 in repr(content) for number in range(1, 6)
    )


def test_wrong_passphrase_and_damage_give_one_message(written: Path, tmp_path: Path) -> None:
    """A thief who learns which of the two it was has learnt something."""
    content = written.read_bytes()
    damaged = tmp_path / "keystore"
    damaged.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))

    with pytest.raises(KeystoreError) as wrong:
        read_keystore(written, PASSPHRASE + " ")
    with pytest.raises(KeystoreError) as broken:
        read_keystore(damaged, PASSPHRASE)

    assert str(wrong.value) == str(broken.value)
    assert wrong.value.__cause__ is broken.value.__cause__ is None


def patched(offset: int, layout: str, value: int) -> Callable[[bytes], bytes]:
    """A change of one number of the prefix."""

    def change(content: bytes) -> bytes:
        damaged = bytearray(content)
        struct.pack_into(layout, damaged, offset, value)
        return bytes(damaged)

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda content: b"",
        lambda content: content[:48],
        lambda content: b"HIRP" + content[4:],
        lambda content: content + bytes(70_000),
        patched(4, ">B", 2),
        patched(5, ">B", 2),
        patched(6, ">H", 1),
        patched(8, ">I", FLOOR_COST.memory_kib - 1),
        patched(8, ">I", 0),
        patched(8, ">I", 4 * 1024 * 1024 + 1),
        patched(8, ">I", 2**32 - 1),
        patched(12, ">I", 2),
        patched(12, ">I", 17),
        patched(16, ">I", 3),
        patched(16, ">I", 17),
        patched(16, ">I", 2**32 - 1),
    ],
    ids=[
        "empty", "prefix only", "magic", "too long", "version", "kdf", "reserved", "memory below the floor",
        "no memory", "memory above the cap", "all memory", "iterations below", "iterations above", "lanes below",
        "lanes above", "all lanes",
    ],
)  # fmt: skip
def test_impossible_file_is_refused_before_deriving(
    written: Path, tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    """A file that asks for 4 TiB must not bring the machine down; a weakened one must not be used."""
    damaged = tmp_path / "keystore"
    damaged.write_bytes(change(written.read_bytes()))

    with pytest.raises(KeystoreError):
        read_keystore(damaged, NO_PASSPHRASE)


def test_the_test_before_deriving_would_notice_deriving(written: Path) -> None:
    """Its twin: with a good prefix the passphrase that is none is used, and that shows."""
    with pytest.raises(TypeError):
        read_keystore(written, NO_PASSPHRASE)


def test_keystores_cost_a_gibibyte_a_guess_unless_asked_otherwise() -> None:
    """Whoever calls the writer without a thought must get the strong profile."""
    assert inspect.signature(write_keystore).parameters["cost"].default is DEFAULT_COST
    assert Cost(memory_kib=1_048_576, iterations=4, lanes=4) == DEFAULT_COST
    assert Cost(memory_kib=262_144, iterations=3, lanes=4) == FLOOR_COST


@pytest.mark.parametrize(
    "cost",
    [
        replace(FLOOR_COST, memory_kib=FLOOR_COST.memory_kib - 1),
        replace(FLOOR_COST, iterations=2),
        replace(FLOOR_COST, lanes=1),
        replace(DEFAULT_COST, iterations=17),
    ],
)
def test_no_cheaper_keystore_can_be_written(tmp_path: Path, cost: Cost) -> None:
    """Not in a test and not in a demo: what does not exist cannot be left on by mistake."""
    with pytest.raises(ValueError, match="cost"):
        write_keystore(tmp_path / "keystore", KEYSTORE, PASSPHRASE, cost)


def test_rewriting_changes_salt_and_nonce_and_kinds_do_not_mix(tmp_path: Path) -> None:
    """The same key and nonce twice would break AES-GCM; the root key must never pass for the Center's."""
    first, second = tmp_path / "first", tmp_path / "second"
    root = RootKeystore(center="test-center", root_seed=b"\x06" * 32)
    for path in (first, second):
        write_keystore(path, root, "ＦＵＬＬ ｗｉｄｔｈ words of the passphrase", FLOOR_COST)

    assert first.read_bytes()[20:36] != second.read_bytes()[20:36]
    assert first.read_bytes()[36:48] != second.read_bytes()[36:48]
    assert read_root_keystore(first, "FULL width words of the passphrase") == root  # NFKC makes them one
    with pytest.raises(KeystoreError):
        read_keystore(first, "FULL width words of the passphrase")


def test_file_is_on_the_stick_before_it_replaces_the_old_one(tmp_path: Path) -> None:
    """Power fails, or the stick is pulled: either keystore is whole. The system calls tell the order."""
    strace = shutil.which("strace")
    if strace is None and os.environ.get("CI") == "true":
        pytest.fail("strace is missing: apt-get install strace")
    if strace is None:
        pytest.skip(
            "strace is not installed, so NOBODY WATCHED the keystore being written: apt-get install strace"
        )
    code = (
        "from pathlib import Path; from crypto.keystore import *;"
        "write_keystore(Path('keystore'), RootKeystore(center='test-center', root_seed=bytes(32)), 'words', FLOOR_COST)"
    )
    calls = ["-f", "-y", "-e", "trace=fsync,rename,renameat,renameat2", "-o", "calls"]

    subprocess.run(
        [strace, *calls, sys.executable, "-B", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )

    done = re.findall(r"(fsync|rename)\w*\(.*?(keystore\.new|\w+)[>\"]", (tmp_path / "calls").read_text())
    assert done == [("fsync", "keystore.new"), ("rename", "keystore.new"), ("fsync", tmp_path.name)]


@pytest.mark.parametrize(
    "make",
    [
        lambda: replace(KEYSTORE, ack_seed=bytes(31)),
        lambda: replace(KEYSTORE, vault_key=bytes(33)),
        lambda: replace(KEYSTORE, next_vault_key=b""),
        lambda: replace(KEYSTORE, epochs=(KEYSTORE.epochs[0], KEYSTORE.epochs[0])),
        lambda: replace(KEYSTORE.epochs[0], seed=b""),
        lambda: RootKeystore(center="test-center", root_seed=bytes(64)),
    ],
    ids=["short seed", "long key", "empty key", "epoch twice", "empty seed", "long root seed"],
)
def test_keystore_with_a_cut_key_cannot_be_made(make: Callable[[], object]) -> None:
    """It would be written without complaint, and never be read again."""
    with pytest.raises(ValueError, match=r"32 bytes|once"):
        make()


def test_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    """The stick was pulled: the keys that were there are still there."""
    path = tmp_path / "keystore"
    path.write_bytes(b"the old one")
    (tmp_path / "keystore.new").mkdir()

    with pytest.raises(OSError, match=r"keystore\.new"):
        write_keystore(path, KEYSTORE, PASSPHRASE, FLOOR_COST)

    assert path.read_bytes() == b"the old one"


def test_keys_show_no_secret() -> None:
    """A key in a traceback or a log would be a key lost."""
    shown = repr([KEYSTORE, KEYSTORE.epochs, RootKeystore(center="test-center", root_seed=b"\x06" * 32)])

    assert "\\x0" not in shown
    assert "06" not in shown


@pytest.fixture(scope="module")
def reseal() -> Callable[[object], bytes]:
    """Seals any canonical JSON under the golden file's salt, as somebody with the passphrase could."""
    prefix = GOLDEN.read_bytes()[:48]
    key = Argon2id(salt=prefix[20:36], length=32, iterations=3, lanes=4, memory_cost=262_144).derive(
        PASSPHRASE.encode()
    )
    return lambda value: prefix + AESGCM(key).encrypt(prefix[36:], canonical.encode(value), prefix)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        lambda whole: [whole],
        lambda whole: {**whole, "epochs": {}},
        lambda whole: {**whole, "epochs": [{"epoch": "1"}]},
        lambda whole: {**whole, "epochs": [{**EPOCH, "epoch": True}]},
        lambda whole: {**whole, "epochs": [{**EPOCH, "state": "lost"}]},
        lambda whole: {**whole, "epochs": [EPOCH, EPOCH]},
        lambda whole: {**whole, "center": 1},
        lambda whole: {**whole, "vault_key": "04" * 31},
        lambda whole: {**whole, "ack_seed": "no hex"},
    ],
    ids=[
        "no object", "epochs no list", "epoch no number", "epoch a truth", "unknown state", "epoch twice",
        "center no text", "short key", "no hex",
    ],
)  # fmt: skip
def test_authentic_nonsense_is_refused(
    reseal: Callable[[object], bytes], tmp_path: Path, change: Callable[[dict], object]
) -> None:
    """A file of other software under the same passphrase must not give half a keystore."""
    whole = {
        "ack_seed": "03" * 32, "center": "test-center", "epochs": [], "next_vault_key": None, "vault_key": "04" * 32,
    }  # fmt: skip
    path = tmp_path / "keystore"
    path.write_bytes(reseal(change(whole)))

    with pytest.raises(KeystoreError):
        read_keystore(path, PASSPHRASE)


def test_file_written_once_opens_for_ever() -> None:
    """These bytes were written by the first version; no later one may lose them."""
    assert read_keystore(GOLDEN, PASSPHRASE) == replace(KEYSTORE, next_vault_key=None)


def test_root_keystore_refuses_a_center_keystore() -> None:
    """And the other way round: signing a configuration with the wrong file must not look like damage to the keys."""
    with pytest.raises(KeystoreError):
        read_root_keystore(GOLDEN, PASSPHRASE)
