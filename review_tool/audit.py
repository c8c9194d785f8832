"""The audit chain: every act in the vault, each entry bound to all before it (docs/decisions.md 9).

    commit_i = H("entry", salt16, entry)         H(a, b, ..) = SHA-256 over u64be(len) || bytes of each
    link_i   = H("link", link_(i-1), u64be(i), commit_i)      the link before 0 is 32 zero bytes

Salt and entry can be shredded and the chain still verifies. It shows that entries were changed, dropped or reordered
after somebody else saw a later head (the server, the paper log); it does not prevent it. An entry names acts, cases
and counts, and the reason a contact was opened for: never an answer, words of a report, or a key.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, func, insert, select, update

from crypto import canonical, labels
from crypto.canonical import Json
from review_tool.errors import AuditError
from review_tool.schema import AUDIT

SALT_SIZE: Final = 16  # bytes; hides a shredded entry from guessing
BEFORE_FIRST: Final = bytes(32)  # the link before entry 0
DIGITS: Final = 40  # shown in eight groups of five, like a key's fingerprint
HEAD_BYTES: Final = 17  # leading bytes of a head that its digits come from


class Act(StrEnum):
    """What can be done to a vault."""

    CREATE = "create"
    OPEN = "open"
    PAIR = "pair"
    IMPORT = "import"
    QUARANTINE = "quarantine"
    DROP = "drop"
    RECEIVE = "receive"
    ACKNOWLEDGE = "acknowledge"
    BACKUP = "backup"
    RESTORE = "restore"
    ARCHIVE = "archive"
    HOLD = "hold"
    SHRED = "shred"
    RETENTION = "retention"
    LIST = "list"
    SHOW = "show"
    CONTACT = "contact"
    TRIAGE = "triage"
    CODE = "code"
    RELEASE_SEED = "release_seed"
    RELEASE_PREPARED = "release_prepared"
    RELEASE_PUBLISHED = "release_published"
    AUDIT = "audit"
    KEY = "key"
    CONFIG = "config"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One act, before it is chained.

    Attributes:
        act: what was done.
        day: when; nothing finer is kept.
        reviewer: pseudonym of who did it.
        facts: ids, counts and codes of ours; never content.
    """

    act: Act
    day: date
    reviewer: str
    facts: Mapping[str, Json] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """The entry as canonical JSON."""
        own: dict[str, Json] = {"act": self.act.value, "day": self.day.isoformat(), "reviewer": self.reviewer}
        return canonical.encode({**self.facts, **own})


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A chain that holds together.

    Attributes:
        entries: how many there are.
        shredded: how many of them no longer have their content.
        head: the last link, 64 hex digits.
    """

    entries: int
    shredded: int
    head: str


def append(connection: Connection, entries: Sequence[Entry]) -> None:
    """Chain acts in the transaction of what they did: both are there afterwards, or neither."""
    number, link = _last(connection)
    rows = []
    for entry in entries:
        number += 1
        salt, encoded = secrets.token_bytes(SALT_SIZE), entry.encoded()
        commit = commitment(salt, encoded)
        link = chained(link, number, commit)
        rows.append({"number": number, "salt": salt, "entry": encoded, "commitment": commit, "link": link})
    if rows:
        connection.execute(insert(AUDIT), rows)


def head(connection: Connection) -> str:
    """The last link of the chain, 64 hex digits."""
    return _last(connection)[1].hex()


def contains(connection: Connection, head_: str) -> bool:
    """Whether a head that somebody else saw is one of this chain's links."""
    found = select(func.count()).select_from(AUDIT).where(AUDIT.c.link == _link_of(head_))
    return bool(connection.execute(found).scalar_one())


def verify(connection: Connection) -> Verified:
    """Walk the whole chain.

    Raises:
        AuditError: an entry does not fit, with its number.
    """
    link, shredded, count = BEFORE_FIRST, 0, 0
    for count, row in enumerate(connection.execute(select(AUDIT).order_by(AUDIT.c.number)), start=1):
        number = count - 1
        if row.number != number:
            raise AuditError(number)
        if row.entry is None:
            shredded += 1
        elif row.salt is None or commitment(row.salt, row.entry) != row.commitment:
            raise AuditError(number)
        link = chained(link, number, row.commitment)
        if link != row.link:
            raise AuditError(number)
    return Verified(entries=count, shredded=shredded, head=link.hex())


def read(connection: Connection) -> list[tuple[int, dict[str, Json] | None]]:
    """All entries in order, each with its number; None where the content was shredded."""
    rows = connection.execute(select(AUDIT.c.number, AUDIT.c.entry).order_by(AUDIT.c.number))
    return [(row.number, None if row.entry is None else _decoded(row.entry)) for row in rows]


def naming(connection: Connection, name: str, value: str) -> list[tuple[int, dict[str, Json]]]:
    """Every entry with this fact, in order, each with its number."""
    # A quotation mark inside a text is escaped, so no text can look like a fact.
    told = canonical.encode({name: value})[1:-1]
    query = select(AUDIT.c.number, AUDIT.c.entry).where(func.instr(AUDIT.c.entry, told) > 0)
    return [(row.number, _decoded(row.entry)) for row in connection.execute(query.order_by(AUDIT.c.number))]


def shred(connection: Connection, numbers: Sequence[int]) -> None:
    """Destroy what entries say; that they were there stays, and the chain holds."""
    for number in numbers:
        connection.execute(update(AUDIT).where(AUDIT.c.number == number).values(salt=None, entry=None))


def position(connection: Connection, digits_: str) -> int | None:
    """Number of the entry whose link was copied onto paper as these digits, None if the chain never had that head."""
    wanted = "".join(digits_.split())
    links = connection.execute(select(AUDIT.c.number, AUDIT.c.link).order_by(AUDIT.c.number.desc()))
    return next((row.number for row in links if digits(row.link.hex()).replace(" ", "") == wanted), None)


def last_day(connection: Connection, act: Act) -> str:
    """The day on which something was done last, "" if never."""
    newest_first = select(AUDIT.c.entry).where(AUDIT.c.entry.is_not(None)).order_by(AUDIT.c.number.desc())
    for encoded in connection.execute(newest_first).scalars():
        facts = _decoded(encoded)
        if facts["act"] == act:
            return str(facts["day"])
    return ""


def digits(head_: str) -> str:
    """Write a head as eight groups of five digits, for the paper log."""
    number = int.from_bytes(bytes.fromhex(head_)[:HEAD_BYTES]) % 10**DIGITS
    text = f"{number:0{DIGITS}d}"
    return " ".join(text[start : start + 5] for start in range(0, DIGITS, 5))


def commitment(salt: bytes, entry: bytes) -> bytes:
    """Bind an entry so that it can be shredded later."""
    return _hash(labels.AUDIT_ENTRY, salt, entry)


def chained(before: bytes, number: int, commit: bytes) -> bytes:
    """Compute the link of entry `number`, counted from 0."""
    return _hash(labels.AUDIT_LINK, before, number.to_bytes(8), commit)


def _hash(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(len(part).to_bytes(8) + part for part in parts)).digest()


def _last(connection: Connection) -> tuple[int, bytes]:
    row = connection.execute(
        select(AUDIT.c.number, AUDIT.c.link).order_by(AUDIT.c.number.desc()).limit(1)
    ).one_or_none()
    return (-1, BEFORE_FIRST) if row is None else (row.number, row.link)


def _link_of(head_: str) -> bytes:
    try:
        return bytes.fromhex(head_)
    except ValueError:
        return b""  # no link of any chain


def _decoded(entry: bytes) -> dict[str, Json]:
    match canonical.decode(entry):
        case dict() as facts:
            return facts
        case _:
            raise AssertionError("entries are written as objects")
