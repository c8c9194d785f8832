"""A review machine for tests: a vault of the test Center, and bundles as its server would carry them out.

Real vault files, real envelopes, real signatures; the clock is `DAY`.
"""

import hashlib
import itertools
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from crypto import bundle, labels, seal, signing, xwing
from crypto.age import seal_to
from crypto.bundle import BundleEntry, LastAck, Manifest
from crypto.keystore import FLOOR_COST, Keystore, write_keystore
from crypto.payload import Attachment
from crypto.report import Report
from crypto.unseal import Quarantine
from review_tool import case_rows, pairing, receive, vault
from review_tool.cases import Case
from review_tool.receive import Received
from review_tool.vault import Vault
from tests.center import DAY, PASSPHRASE, Center, make_center, sample_report

REVIEWER = "r1"
SOFTWARE = "0.1.0"


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One Center's review machine."""

    center: Center
    directory: Path

    @property
    def vault(self) -> Path:
        """Directory of the vault."""
        return self.directory / "vault"

    @contextmanager
    def opened(self, keystore: Keystore | None = None) -> Iterator[Vault]:
        """Open the vault."""
        with vault.open_vault(
            self.vault, keystore or self.center.keystore, day=DAY, reviewer=REVIEWER
        ) as found:
            yield found

    def receive(
        self, source: Path, *, keystore: Keystore | None = None, software: str = SOFTWARE
    ) -> Received:
        """Open the vault and receive one bundle."""
        keys = keystore or self.center.keystore
        with self.opened(keys) as found:
            return receive.receive(found, source, keys, day=DAY, reviewer=REVIEWER, software=software)

    def cases(self) -> list[Case]:
        """Every case of the vault."""
        with self.opened() as found, found.transaction() as connection:
            return list(case_rows.read_cases(connection))


def make_machine(directory: Path, center: Center | None = None, *, paired: bool = True) -> Machine:
    """Make a vault, paired with the Center's own server."""
    machine = Machine(center=center or make_center(), directory=directory)
    vault.create(
        machine.vault,
        center=machine.center.id,
        vault_key=machine.center.vault_key,
        config_raw=machine.center.raw,
        config_minisig=machine.center.minisig,
        root_public=machine.center.root_public,
        day=DAY,
    )
    if paired:
        with machine.opened() as found:
            pairing.pair(found, machine.center.export_public, day=DAY, reviewer=REVIEWER)
    return machine


def write_keystores(directory: Path, center: Center, *, root_passphrase: str = PASSPHRASE) -> None:
    """Put both keystores, quick to open, and the passphrase of the first beside a vault."""
    write_keystore(directory / "keystore", center.keystore, PASSPHRASE, FLOOR_COST)
    write_keystore(directory / "root-keystore", center.root_keystore, root_passphrase, FLOOR_COST)
    (directory / "passphrase").write_text(PASSPHRASE)


def sealed(center: Center, *reports: Report, day: date = DAY) -> list[bytes]:
    """Seal reports as the server does."""
    config = center.config
    return [seal.seal(report, config, lang="en", flags=[], day=day).sealed for report in reports]


def sealed_with_files(center: Center, report: Report, *files: Attachment) -> bytes:
    """Seal one report with files."""
    return seal.seal(report, center.config, lang="en", flags=[], day=DAY, attachments=files).sealed


def broken_envelopes(center: Center) -> dict[Quarantine, bytes]:
    """One envelope for each class of quarantine (FORMAT.md §4)."""
    good = sealed(center, sample_report())[0]
    public = xwing.key_pair(center.epoch_seeds[1]).public
    mac = good.index(b"\n--- ") + len("\n--- ")
    other_mac = good[:mac] + (b"B" if good[mac : mac + 1] == b"A" else b"A") + good[mac + 1 :]
    return {
        Quarantine.UNREADABLE: b"not an age file at all",
        Quarantine.NO_KEY: sealed(make_center(center="other-center"), sample_report())[0],
        Quarantine.TAMPERED_HEADER: other_mac,
        Quarantine.TAMPERED: flipped(good, len(good) - 1),
        Quarantine.UNSTRUCTURED: seal_to([public], b"Dear Center, I sealed this by hand."),
        Quarantine.MALFORMED: seal_to([public], b"HIRP\x01\x01\0\0" + bytes(32_760)),
        Quarantine.NEWER_FORMAT: seal_to([public], b"HIRP\x02\x01\0\0" + bytes(32_760)),
    }


def reports(count: int) -> list[Report]:
    """Different reports that count."""
    return [sample_report(narrative=f"Story number {number}.") for number in range(count)]


def id_of(sealed_: bytes) -> str:
    """An envelope id for tests: fixed by the content, so that a story can be told again."""
    return "1" + hashlib.sha256(sealed_).hexdigest()[:15]


def write_bundle(
    directory: Path,
    center: Center,
    envelopes: Sequence[bytes],
    *,
    seq: int = 1,
    prev: str | None = None,
    last_ack: LastAck | None = None,
    entries: Sequence[BundleEntry] | None = None,
    signed_by: bytes | None = None,
) -> str:
    """Write a bundle; `entries` lets the manifest lie. Returns the manifest's hash."""
    directory.mkdir(parents=True)
    true_entries = [entry_of(one) for one in envelopes]
    for entry, content in zip(true_entries, envelopes, strict=True):
        (directory / entry.file_name).write_bytes(content)
    manifest = Manifest(
        center=center.id,
        seq=seq,
        prev=prev,
        config_serial=1,
        envelopes=tuple(true_entries if entries is None else entries),
        last_ack=last_ack,
    )
    raw = bundle.format_manifest(manifest)
    (directory / bundle.MANIFEST_NAME).write_bytes(raw)
    signature = signing.sign(labels.BUNDLE, raw, signed_by or center.export_seed)
    (directory / bundle.MANIFEST_SIG_NAME).write_bytes(signature)
    (directory / bundle.README_NAME).write_text("A bundle.")
    (directory / bundle.SUMS_NAME).write_text("")
    return hashlib.sha256(raw).hexdigest()


def entry_of(content: bytes) -> BundleEntry:
    """The true manifest entry of an envelope."""
    return BundleEntry(id=id_of(content), n=len(content), sha256=hashlib.sha256(content).hexdigest())


def flipped(content: bytes, position: int) -> bytes:
    """The content with one bit changed."""
    changed = bytearray(content)
    changed[position] ^= 1
    return bytes(changed)


def killed_in(act: Callable[[], object], module: object, name: str) -> None:
    """Do something in a child that kills itself when it enters a function of ours."""
    child = os.fork()
    if child == 0:

        def watch(frame: object, event: str, _: object) -> Callable[..., object] | None:
            code = frame.f_code  # type: ignore[attr-defined]
            if event == "call" and code.co_name == name and code.co_filename == module.__file__:  # type: ignore[attr-defined]
                os.kill(os.getpid(), signal.SIGKILL)
            return None

        try:
            sys.settrace(watch)
            act()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)


def numbered(prefix: str) -> Iterator[str]:
    """Names that never repeat."""
    return (f"{prefix}-{number}" for number in itertools.count(1))
