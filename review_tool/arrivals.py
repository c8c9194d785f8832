"""What becomes of one envelope: a case, a place in quarantine, or a count because it was here before.

Opening happens before the vault is touched; writing happens for a small group at once, each report whole or not at
all. Whatever does not open keeps its ciphertext, its reason, and the mark of the keys that were tried.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from crypto import labels
from crypto.errors import ContextError, FormatError
from crypto.keystore import Keystore
from crypto.unseal import Identity, Opened, Quarantine, quarantine_class, unseal
from review_tool import audit, case_rows
from review_tool.audit import Act, Entry
from review_tool.case_rows import NewCase
from review_tool.schema import ENVELOPE, TOMBSTONE
from review_tool.vault import Vault

# Tried again whenever the keystore or the software is another than at the last try.
RETRIED: Final = (Quarantine.NO_KEY, Quarantine.NEWER_FORMAT)


class Outcome(StrEnum):
    """What became of a ciphertext."""

    CASE = "case"
    QUARANTINE = "quarantine"
    COPY = "copy"  # its payload is a case already, under another ciphertext
    SHREDDED = "shredded"  # its payload was destroyed on purpose and must not come back


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """The outcome of one ciphertext, with the reason if it is in quarantine."""

    outcome: Outcome
    reason: Quarantine | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """The keys of one run, and a mark that differs when keys or software do."""

    identities: tuple[Identity, ...]
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Arrival:
    """One envelope, opened or with the reason why not, before the vault knows of it.

    `file` is its name in the bundle, "" where none brought it now: by it the operator finds it on the server.
    """

    sha256: str
    file: str
    sealed: bytes
    opened: Opened | None
    reason: Quarantine | None

    def __repr__(self) -> str:
        return "Arrival(redacted)"


def ring_of(keystore: Keystore, software: str) -> Ring:
    """Gather the keys of every epoch, and mark them together with the version of this software."""
    epochs = sorted(keystore.epochs, key=lambda epoch: epoch.epoch, reverse=True)
    told = "\n".join([software, *(epoch.fingerprint for epoch in epochs)])
    return Ring(
        identities=tuple(Identity(epoch=epoch.epoch, seed=epoch.seed) for epoch in epochs),
        mark=hashlib.sha256(told.encode()).hexdigest(),
    )


def opened(sealed: bytes, ring: Ring, file: str = "") -> Arrival:
    """Open one envelope, or find the reason why it goes into quarantine."""
    found, reason = None, None
    try:
        found = unseal(sealed, ring.identities)
    except ContextError as error:
        raise AssertionError("an unknown configuration never keeps a report out") from error
    except FormatError as error:
        reason = quarantine_class(error)
    digest = hashlib.sha256(sealed).hexdigest()
    return Arrival(sha256=digest, file=file, sealed=sealed, opened=found, reason=reason)


def known(connection: Connection, digests: Sequence[str]) -> dict[str, Fate]:
    """The fates of those ciphertexts that were here before."""
    found: dict[str, Fate] = {}
    for some in case_rows.chunks(digests):
        query = select(ENVELOPE.c.sha256, ENVELOPE.c.outcome, ENVELOPE.c.quarantine)
        for row in connection.execute(query.where(ENVELOPE.c.sha256.in_(some))):
            reason = None if row.quarantine is None else Quarantine(row.quarantine)
            found[row.sha256] = Fate(outcome=Outcome(row.outcome), reason=reason)
    return found


def keep(vault: Vault, arrivals: Sequence[Arrival], ring: Ring, who: Entry) -> dict[str, Fate]:
    """Write a group of arrivals in one transaction, and tell the fate of each."""
    if not arrivals:
        return {}
    with vault.transaction() as connection:
        # Asked again inside the transaction: another process may have received the same bundle meanwhile.
        fates = known(connection, [arrival.sha256 for arrival in arrivals])
        fresh = {one.sha256: one for one in arrivals if one.sha256 not in fates}
        decided = _decide(connection, list(fresh.values()))
        if decided:
            rows = [_envelope_row(fresh[digest], fate, ring) for digest, fate in decided.items()]
            connection.execute(insert(ENVELOPE), rows)
        _enter(connection, fresh, decided, who)
    return {**fates, **decided}


def retry(vault: Vault, ring: Ring, who: Entry, *, every: bool = False) -> int:
    """Try again what could not be opened; count what became a case.

    Each `receive` tries what lacks a key or newer software, if keys or software are others than at the last try. `every`
    tries all of the quarantine: a person asked for it.
    """
    waiting = select(ENVELOPE.c.sha256).where(ENVELOPE.c.outcome == Outcome.QUARANTINE)
    if not every:
        waiting = waiting.where(
            ENVELOPE.c.quarantine.in_([reason.value for reason in RETRIED]), ENVELOPE.c.tried != ring.mark
        )
    with vault.transaction() as connection:
        digests = list(connection.execute(waiting).scalars())
    return sum(_retry_one(vault, digest, ring, who) for digest in digests)


def _retry_one(vault: Vault, digest: str, ring: Ring, who: Entry) -> bool:
    with vault.transaction() as connection:
        sealed = connection.execute(select(ENVELOPE.c.sealed).where(ENVELOPE.c.sha256 == digest)).scalar_one()
        arrival = opened(sealed, ring)
        fate = _decide(connection, [arrival])[digest]
        row = _envelope_row(arrival, fate, ring)
        connection.execute(update(ENVELOPE).where(ENVELOPE.c.sha256 == digest).values(row))
        if fate.outcome is not Outcome.QUARANTINE:
            _enter(connection, {digest: arrival}, {digest: fate}, who)
    return fate.outcome is Outcome.CASE


def tombstone(payload_id: str) -> str:
    """The mark of a shredded report: recognises it, and names nothing (FORMAT.md §9)."""
    return hashlib.sha256(labels.TOMBSTONE + payload_id.encode()).hexdigest()


def _decide(connection: Connection, fresh: Sequence[Arrival]) -> dict[str, Fate]:
    payload_ids = {one.opened.header.payload_id for one in fresh if one.opened is not None}
    taken = set(case_rows.known_payloads(connection, payload_ids))
    shredded = _shredded(connection, payload_ids)
    fates: dict[str, Fate] = {}
    for arrival in fresh:
        if arrival.opened is None:
            fates[arrival.sha256] = Fate(outcome=Outcome.QUARANTINE, reason=arrival.reason)
            continue
        payload_id = arrival.opened.header.payload_id
        if payload_id in shredded:
            fates[arrival.sha256] = Fate(outcome=Outcome.SHREDDED)
        elif payload_id in taken:
            fates[arrival.sha256] = Fate(outcome=Outcome.COPY)
        else:
            fates[arrival.sha256] = Fate(outcome=Outcome.CASE)
            taken.add(payload_id)
    return fates


def _shredded(connection: Connection, payload_ids: Collection[str]) -> frozenset[str]:
    marks = {tombstone(payload_id): payload_id for payload_id in payload_ids}
    found: set[str] = set()
    for some in case_rows.chunks(sorted(marks)):
        query = select(TOMBSTONE.c.sha256).where(TOMBSTONE.c.sha256.in_(some))
        found.update(marks[mark] for mark in connection.execute(query).scalars())
    return frozenset(found)


def _envelope_row(arrival: Arrival, fate: Fate, ring: Ring) -> dict[str, Any]:
    is_kept = fate.outcome in (Outcome.CASE, Outcome.QUARANTINE)
    return {
        "sha256": arrival.sha256,
        "outcome": fate.outcome.value,
        "epoch": None if arrival.opened is None else arrival.opened.epoch,
        "quarantine": None if fate.reason is None else fate.reason.value,
        "tried": ring.mark,
        "sealed": arrival.sealed if is_kept else None,
    }


def _enter(connection: Connection, arrivals: dict[str, Arrival], fates: dict[str, Fate], who: Entry) -> None:
    """Make the cases of a group, and write what became of each envelope into the chain."""
    cases = [digest for digest, fate in fates.items() if fate.outcome is Outcome.CASE]
    made = case_rows.add_cases(connection, [_new_case(arrivals[digest]) for digest in cases])
    ids = dict(zip(cases, made, strict=True))
    entries = []
    for digest, fate in fates.items():
        if fate.outcome is Outcome.CASE:
            entries.append(replace(who, act=Act.IMPORT, facts={"case": ids[digest], "envelope": digest}))
        elif fate.reason is not None:
            facts = {
                **who.facts,
                "envelope": digest,
                "file": arrivals[digest].file,
                "reason": fate.reason.value,
            }
            entries.append(replace(who, act=Act.QUARANTINE, facts=facts))
        else:
            facts = {"envelope": digest, "outcome": fate.outcome.value}
            entries.append(replace(who, act=Act.DROP, facts=facts))
    audit.append(connection, entries)


def _new_case(arrival: Arrival) -> NewCase:
    if arrival.opened is None:
        raise AssertionError("only an opened envelope becomes a case")
    return NewCase(
        header=arrival.opened.header,
        report=arrival.opened.report,
        context_id=arrival.opened.context_id,
        contact_block=arrival.opened.contact_block,
        envelope=arrival.sha256,
    )
