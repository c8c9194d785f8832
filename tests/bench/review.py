"""What receiving a report costs on the review machine."""

import hashlib
import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import sqlcipher3

from crypto import bundle, labels, signing
from crypto.report import Report
from crypto.seal import seal
from crypto.unseal import unseal
from review_tool import pairing, receive, vault
from tests.bench.form import COUNT, cpu_of, insert_into, make_plain
from tests.center import DAY, Center


def bench_receive(root: Path, center: Center, report: Report, counts: Sequence[int]) -> None:
    """Compare the CPU of receiving a report with a bare unseal and insert of the same run."""
    identities = center.identities
    sealed = seal(report, center.config, lang="en", flags=(), day=DAY).sealed
    parts = {
        "unseal": cpu_of(lambda: unseal(sealed, identities)) / COUNT,
        "insert": cpu_of(encrypted_insert(root / "bare.db", sealed)) / COUNT,
    }
    floor = sum(parts.values())
    print("receive: CPU a report, against " + " + ".join(f"{k} {v * 1e3:.2f} ms" for k, v in parts.items()))
    for count in counts:
        cost = _received(root, center, report, count)
        print(
            f"  {count:6} reports   {cost * 1e3:6.2f} ms   ratio to the floor {cost / floor:.2f}", flush=True
        )


def _received(root: Path, center: Center, report: Report, count: int) -> float:
    """CPU seconds a report of taking a bundle into a fresh vault."""
    directory = root / f"vault-{count}"
    stick = write_bundle(root, center, report, count)
    vault.create(
        directory,
        center=center.id,
        vault_key=center.vault_key,
        config_raw=center.raw,
        config_minisig=center.minisig,
        root_public=center.root_public,
        day=DAY,
    )
    with vault.open_vault(directory, center.keystore, day=DAY, reviewer="bench") as opened:
        pairing.pair(opened, center.export_public, day=DAY, reviewer="bench")
        start = time.process_time()
        receive.receive(opened, stick, center.keystore, day=DAY, reviewer="bench", software="0.1.0")
        cost = (time.process_time() - start) / count
    shutil.rmtree(stick)
    shutil.rmtree(directory)
    return cost


def encrypted_insert(path: Path, content: bytes) -> Callable[[], None]:
    """One envelope into a plain table of an encrypted database, committed and synced."""
    connection = sqlcipher3.connect(str(path), isolation_level=None)
    connection.execute(f"PRAGMA key = \"x'{secrets.token_hex(32)}'\"")
    make_plain(connection)
    return insert_into(connection, content)


def write_bundle(root: Path, center: Center, report: Report, count: int) -> Path:
    """Write a bundle of fresh envelopes as the server would."""
    directory = root / bundle.bundle_name(center.id, 1)
    directory.mkdir()
    config, entries = center.config, []
    for _ in range(count):
        sealed = seal(report, config, lang="en", flags=(), day=DAY).sealed
        one = bundle.BundleEntry(
            id=f"{secrets.randbits(62) | 1 << 56:016x}",
            n=len(sealed),
            sha256=hashlib.sha256(sealed).hexdigest(),
        )
        (directory / one.file_name).write_bytes(sealed)
        entries.append(one)
    manifest = bundle.format_manifest(
        bundle.Manifest(
            center=center.id, seq=1, prev=None, config_serial=1, envelopes=tuple(entries), last_ack=None
        )
    )
    (directory / bundle.MANIFEST_NAME).write_bytes(manifest)
    signature = signing.sign(labels.BUNDLE, manifest, center.export_seed)
    (directory / bundle.MANIFEST_SIG_NAME).write_bytes(signature)
    return directory
