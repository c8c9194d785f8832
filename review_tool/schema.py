"""The tables of the vault, in one place. Whoever changes one raises `SCHEMA_VERSION`.

No migration is written before the first real change; a vault of another version is refused.
"""

from typing import Final

from sqlalchemy import Boolean, Column, Date, ForeignKey, Integer, LargeBinary, MetaData, Table, Text

SCHEMA_VERSION: Final = 2  # stands in `user_version`

METADATA: Final = MetaData()

# Facts about the vault itself: center, root key, paired export key.
FACT: Final = Table(
    "fact",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

# Every signed configuration ever used, found by the context id inside a payload.
CONFIG: Final = Table(
    "config",
    METADATA,
    Column("context_id", LargeBinary, primary_key=True),
    Column("serial", Integer, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("minisig", Text, nullable=False),
)

# One row for each ciphertext that ever came, so that a second arrival is recognised without opening it. `sealed` is
# the original and is NULL only for what was dropped: a copy of a payload that is here already, or a shredded one.
ENVELOPE: Final = Table(
    "envelope",
    METADATA,
    Column("sha256", Text, primary_key=True),
    Column("outcome", Text, nullable=False),
    Column("epoch", Integer),
    Column("quarantine", Text),
    Column("tried", Text),
    Column("sealed", LargeBinary),  # last: SQLite walks all of a large value to reach what stands behind it
)

CASE: Final = Table(
    "case_file",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("payload_id", Text, nullable=False, unique=True),
    Column("envelope", Text, ForeignKey("envelope.sha256"), nullable=False),
    Column("context_id", LargeBinary, nullable=False),
    Column("week", Text, nullable=False),
    Column("lang", Text, nullable=False),
    Column("form_version", Text, nullable=False),
    Column("flags", Text, nullable=False),
    Column("attachments", Integer, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("urgency", Text, nullable=False),
    Column("clarity", Text, nullable=False),
    Column("duplicate_of", Text),
    Column("incident_id", Text),
    Column("series_id", Text),
    Column("closed_on", Date),
    Column("is_held", Boolean, nullable=False),
    Column("contact_block", LargeBinary),
    Column("fields", LargeBinary, nullable=False),
)

CODING: Final = Table(
    "coding",
    METADATA,
    Column("case_number", Integer, ForeignKey("case_file.number"), primary_key=True),
    Column("coder", Text, primary_key=True),
    Column("judgement", LargeBinary, nullable=False),
)

# SHA-256 of the payload ids that must never come back (FORMAT.md §9), and the numbers that must not be given again.
# The number is NULL where only a shred list knew of the case.
TOMBSTONE: Final = Table(
    "tombstone",
    METADATA,
    Column("sha256", Text, primary_key=True),
    Column("case_number", Integer, unique=True),
)

BUNDLE: Final = Table(
    "bundle",
    METADATA,
    Column("manifest", Text, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("envelopes", Integer, nullable=False),
)

ACKNOWLEDGEMENT: Final = Table(
    "acknowledgement",
    METADATA,
    Column("ack_seq", Integer, primary_key=True),
    Column("manifest", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

# The ledger. A seed is drawn once a release, before anything is counted, and stays when the release is refused.
RELEASE_SEED: Final = Table(
    "release_seed",
    METADATA,
    Column("release", Text, primary_key=True),
    Column("seed", LargeBinary, nullable=False),
)
RELEASE: Final = Table(
    "release",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("until", Date, nullable=False),
    Column("levels", LargeBinary, nullable=False),
    Column("is_published", Boolean, nullable=False),
)
RELEASE_FILE: Final = Table(
    "release_file",
    METADATA,
    Column("release", Text, ForeignKey("release.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
# Which case was counted in which release, and the codes it was counted with. No foreign key: it outlives a shredded case,
# because a published number must not change.
RELEASE_CASE: Final = Table(
    "release_case",
    METADATA,
    Column("case_number", Integer, primary_key=True),
    Column("release", Text, ForeignKey("release.id"), nullable=False),
    Column("counted_with", LargeBinary, nullable=False),
)

AUDIT: Final = Table(
    "audit",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("salt", LargeBinary),
    Column("entry", LargeBinary),
    Column("commitment", LargeBinary, nullable=False),
    Column("link", LargeBinary, nullable=False, index=True),
)
