"""Hop 5: a bundle from the stick becomes sealed originals and opened cases in the vault.

For each report all of it is there afterwards (original, case, log entry) or nothing of it; whoever pulls the stick or
the plug receives the same bundle again, and what is there is counted, not doubled. Nothing here writes to the stick,
and nothing here tells the server to forget: that takes a backup first (`acknowledge.py`).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert as upsert

from crypto import age, bundle, payload
from crypto.bundle import AckEntry, AckState, BundleEntry, Manifest
from crypto.canonical import Json
from crypto.keystore import Keystore
from crypto.unseal import Quarantine
from review_tool import arrivals, audit, stick
from review_tool.arrivals import Arrival, Fate, Outcome, Ring
from review_tool.audit import Act, Entry
from review_tool.errors import ReceiveError
from review_tool.pairing import paired_key
from review_tool.schema import BUNDLE
from review_tool.stick import Stick, StickFileError
from review_tool.terminal import one_line
from review_tool.vault import Vault

MANIFEST_LIMIT: Final = 16 * 1024 * 1024  # bytes; a full bundle of 2 GiB has a manifest of about 7 MB
SIGNATURE_LIMIT: Final = 1024  # bytes; the signature has 89
ENVELOPE_LIMIT: Final = age.sealed_size(
    payload.CLASS_CAP, 4
)  # bytes; the largest class to the most recipients
GROUP_COUNT: Final = 64  # reports in one transaction: the syncs of one are shared by all of them
GROUP_BYTES: Final = 8 * 1024 * 1024  # bytes of ciphertext after which a group is written, however few it has
NAMES_SHOWN: Final = 20  # foreign file names that are listed; the rest is counted
PLAIN_NAMES: Final = frozenset(
    {bundle.MANIFEST_NAME, bundle.MANIFEST_SIG_NAME, bundle.SUMS_NAME, bundle.README_NAME}
)
ALARMING: Final = (Quarantine.TAMPERED_HEADER, Quarantine.TAMPERED)

Progress = Callable[[int], None]  # told how many envelopes were dealt with since the last call


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What one bundle brought.

    Attributes:
        center: whose bundle it is.
        seq: its number.
        manifest: SHA-256 of its manifest.
        opened: reports that became cases now.
        known: ciphertexts that were here before.
        copies: reports that were here before under another ciphertext.
        shredded: reports that were destroyed earlier and stay so.
        quarantined: `{reason: envelopes}` set aside now.
        retried: envelopes set aside earlier that became cases now.
        damaged: `{envelope id: reason}`, named in the manifest but missing or unusable on the stick.
        foreign: names on the stick that belong to no bundle, made harmless, at most NAMES_SHOWN and a count.
        doubts: sentences about the bundle as a whole that a person must read.
        entries: what may be acknowledged once it lies in a backup too.
        last_ack_seq: number of the last acknowledgement that the server has, 0 for none.
    """

    center: str
    seq: int
    manifest: str
    opened: int
    known: int
    copies: int
    shredded: int
    quarantined: Mapping[str, int]
    retried: int
    damaged: Mapping[str, str]
    foreign: tuple[str, ...]
    doubts: tuple[str, ...]
    entries: tuple[AckEntry, ...]
    last_ack_seq: int

    @property
    def is_doubtful(self) -> bool:
        """Whether a person must look at something."""
        return bool(self.doubts or self.damaged or self.foreign or self.quarantined)


def receive(
    vault: Vault,
    directory: Path,
    keystore: Keystore,
    *,
    day: date,
    reviewer: str,
    software: str,
    progress: Progress = lambda _done: None,
) -> Received:
    """Take a bundle into the vault; `software` is our version, a newer one tries unknown formats again.

    Raises:
        PairingError: no server is paired.
        ReceiveError: no folder, no manifest, or far too much of something.
        SignatureError, BundleError: the manifest is not of the paired server, or of another Center.
        VaultError: the vault could not be written; what was written is whole.
    """
    ring = arrivals.ring_of(keystore, software)
    who = Entry(act=Act.RECEIVE, day=day, reviewer=reviewer)
    with vault.transaction() as connection:
        public = paired_key(connection)
    with stick.opened(directory) as source:
        raw, manifest = _read_manifest(source, public, vault.center)
        digest = hashlib.sha256(raw).hexdigest()
        who = replace(who, facts={"bundle": manifest.seq})
        foreign = _foreign(source, manifest)
        retried = arrivals.retry(vault, ring, who)
        with vault.transaction() as connection:
            doubts = _doubts(connection, manifest, digest)
            before = arrivals.known(connection, [entry.sha256 for entry in manifest.envelopes])
        fates, damaged = _take(vault, source, manifest, ring, who, before, progress)
    usable = [entry for entry in manifest.envelopes if entry.id not in damaged]
    fresh = [fates[entry.sha256] for entry in usable if entry.sha256 not in before]
    received = Received(
        center=manifest.center,
        seq=manifest.seq,
        manifest=digest,
        opened=_count(fresh, Outcome.CASE),
        known=len(usable) - len(fresh),
        copies=_count(fresh, Outcome.COPY),
        shredded=_count(fresh, Outcome.SHREDDED),
        quarantined=_reasons(fresh),
        retried=retried,
        damaged=damaged,
        foreign=foreign,
        doubts=doubts + _alarms(fresh),
        entries=tuple(_ack_entry(entry, fates[entry.sha256]) for entry in usable),
        last_ack_seq=0 if manifest.last_ack is None else manifest.last_ack.ack_seq,
    )
    _note(vault, received, who)
    return received


def _take(
    vault: Vault,
    source: Stick,
    manifest: Manifest,
    ring: Ring,
    who: Entry,
    before: Mapping[str, Fate],
    progress: Progress,
) -> tuple[dict[str, Fate], dict[str, str]]:
    """Keep every envelope that is not here yet, in groups: what became of each, and which files are damaged."""
    fates, damaged = dict(before), dict[str, str]()
    group: list[Arrival] = []
    for entry in manifest.envelopes:
        progress(1)
        if entry.sha256 in fates:
            continue
        try:
            group.append(arrivals.opened(_read_envelope(source, entry), ring, entry.file_name))
        except StickFileError as error:
            damaged[entry.id] = str(error)
        if _is_full(group):
            fates |= arrivals.keep(vault, group, ring, who)
            group = []
    return fates | arrivals.keep(vault, group, ring, who), damaged


def _read_manifest(source: Stick, public: bytes, center: str) -> tuple[bytes, Manifest]:
    """Read and verify the manifest before anything it names is touched."""
    try:
        raw = source.read(bundle.MANIFEST_NAME, limit=MANIFEST_LIMIT)
        signature = source.read(bundle.MANIFEST_SIG_NAME, limit=SIGNATURE_LIMIT)
    except StickFileError as error:
        raise ReceiveError(f"the manifest of this bundle, or its signature, {error}; export again") from None
    return raw, bundle.read_manifest(raw, signature, export_public=public, center=center)


def _read_envelope(source: Stick, entry: BundleEntry) -> bytes:
    sealed = source.read(entry.file_name, limit=ENVELOPE_LIMIT, exactly=entry.n)
    if hashlib.sha256(sealed).hexdigest() != entry.sha256:
        raise StickFileError("is not what the manifest says (another hash)")
    return sealed


def _is_full(group: Sequence[Arrival]) -> bool:
    return len(group) >= GROUP_COUNT or sum(len(arrival.sealed) for arrival in group) >= GROUP_BYTES


def _count(fates: Sequence[Fate], outcome: Outcome) -> int:
    return sum(fate.outcome is outcome for fate in fates)


def _reasons(fates: Sequence[Fate]) -> dict[str, int]:
    reasons = [fate.reason.value for fate in fates if fate.reason is not None]
    return {reason: reasons.count(reason) for reason in sorted(set(reasons))}


def _alarms(fates: Sequence[Fate]) -> tuple[str, ...]:
    found = sorted({fate.reason.value for fate in fates if fate.reason in ALARMING})
    return tuple(f"{reason}: an envelope was changed after it was sealed" for reason in found)


def _ack_entry(entry: BundleEntry, fate: Fate) -> AckEntry:
    state = AckState.KEPT if fate.outcome is Outcome.QUARANTINE else AckState.READ
    return AckEntry(id=entry.id, sha256=entry.sha256, state=state)


def _foreign(source: Stick, manifest: Manifest) -> tuple[str, ...]:
    """Names on the stick that the manifest does not explain: ignored, and reported."""
    ours = {entry.file_name for entry in manifest.envelopes} | PLAIN_NAMES
    others = sorted(one_line(name) for name in source.names() if name not in ours)
    more = len(others) - NAMES_SHOWN
    return tuple(others[:NAMES_SHOWN]) + ((f"and {more} more",) if more > 0 else ())


def _doubts(connection: Connection, manifest: Manifest, digest: str) -> tuple[str, ...]:
    """What the numbers of this bundle, and what the server remembers of us, say beside the ones we have."""
    doubts = []
    last = connection.execute(select(BUNDLE.c.seq, BUNDLE.c.manifest).order_by(BUNDLE.c.seq.desc())).first()
    again = connection.execute(select(BUNDLE.c.seq).where(BUNDLE.c.manifest == digest)).first()
    if again is None:
        last_seq, last_manifest = (0, None) if last is None else (last.seq, last.manifest)
        if manifest.seq > last_seq + 1:
            doubts.append(_missing(last_seq + 1, manifest.seq - 1))
        elif manifest.seq <= last_seq:
            doubts.append(f"this bundle has number {manifest.seq}, but number {last_seq} was received before")
        elif manifest.prev != last_manifest:
            doubts.append(
                "this bundle does not follow the one received before it: one of them is not the server's"
            )
    if manifest.last_ack is not None and not audit.contains(connection, manifest.last_ack.audit_head):
        doubts.append(
            "the server was told to forget by a vault that is not this one, or this vault was set back to an "
            "older state: reports may be missing here"
        )
    return tuple(doubts)


def _missing(first: int, last: int) -> str:
    if first == last:
        return f"bundle {first} was never received here; what the server still had of it is in this one too"
    return f"bundles {first} to {last} were never received here; what the server still had of them is in this one too"


def _note(vault: Vault, received: Received, who: Entry) -> None:
    """Remember that this bundle was here, and what it brought."""
    facts: dict[str, Json] = {
        "bundle": received.seq,
        "manifest": received.manifest,
        "opened": received.opened,
        "known": received.known,
        "copies": received.copies,
        "shredded": received.shredded,
        "quarantined": sum(received.quarantined.values()),
        "retried": received.retried,
        "damaged": len(received.damaged),
        "doubts": len(received.doubts),
    }
    entry = Entry(act=Act.RECEIVE, day=who.day, reviewer=who.reviewer, facts=facts)
    row = {"manifest": received.manifest, "seq": received.seq, "envelopes": len(received.entries)}
    with vault.transaction() as connection:
        connection.execute(upsert(BUNDLE).values(row).on_conflict_do_nothing())
        audit.append(connection, [entry])
