"""A whole Center in memory, for stories: fixed keys, a signed configuration, and reports to tell.

Nothing here is secret: every seed is a hash of its name, so that a failing test can be told again. Code that opens
envelopes is imported inside the functions that need it, because the server's tests run with that code deleted.
"""

import hashlib
import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from crypto import fingerprint, report, signing, xwing
from crypto.answers import ConsentMode
from crypto.config import (
    CONFIG_NAME,
    MINISIG_NAME,
    ROOT_NAME,
    SIG_NAME,
    PublicConfig,
    Recipient,
    build_config,
    read_config,
    trusted_comment,
)
from crypto.content import CenterContent, content_from_toml
from crypto.payload import Attachment, AttachmentMeta
from crypto.report import Kind, LocalSets, Question, Report

if TYPE_CHECKING:
    from crypto.keystore import Keystore, RootKeystore
    from crypto.unseal import Identity

CENTER_ID: Final = "test-center"
DAY: Final = date(2026, 11, 16)  # a Monday; "today" of every story
NOT_BEFORE: Final = date(2026, 10, 1)
SOFT_EXPIRY: Final = date(2027, 10, 1)
EXAMPLE: Final = Path(__file__).parent.parent / "config.example.toml"
PASSPHRASE: Final = "correct horse battery staple mango river"  # noqa: S105 - of a keystore that guards nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Center:
    """One Center: what its server is given, and what only its review machine has."""

    id: str
    root_seed: bytes
    ack_seed: bytes
    export_seed: bytes
    vault_key: bytes
    epoch_seeds: dict[int, bytes]
    raw: bytes
    minisig: str

    @property
    def root_public(self) -> bytes:
        """What the server pins."""
        return signing.public_of(self.root_seed)

    @property
    def ack_public(self) -> bytes:
        """What acknowledgements and releases are verified with."""
        return signing.public_of(self.ack_seed)

    @property
    def export_public(self) -> bytes:
        """What the review machine records at pairing."""
        return signing.public_of(self.export_seed)

    @property
    def config(self) -> PublicConfig:
        """The configuration, verified and read as the server does it."""
        return read_config(self.raw, self.minisig, root_public=self.root_public, center=self.id)

    @property
    def local(self) -> LocalSets:
        """The local answers a report may have."""
        return self.config.content.local_sets()

    @property
    def identities(self) -> "tuple[Identity, ...]":
        """What unsealing takes: every key epoch."""
        from crypto.unseal import Identity

        return tuple(Identity(epoch=epoch, seed=seed) for epoch, seed in self.epoch_seeds.items())

    @property
    def keystore(self) -> "Keystore":
        """The keystore as the ceremony writes it."""
        from crypto.keystore import Epoch, EpochState, Keystore

        epochs = tuple(
            Epoch(
                epoch=epoch,
                seed=seed,
                state=EpochState.ACTIVE,
                fingerprint=fingerprint.fingerprint(xwing.key_pair(seed).public),
            )
            for epoch, seed in self.epoch_seeds.items()
        )
        return Keystore(center=self.id, epochs=epochs, ack_seed=self.ack_seed, vault_key=self.vault_key)

    @property
    def root_keystore(self) -> "RootKeystore":
        """The keystore of the root key, a file of its own."""
        from crypto.keystore import RootKeystore

        return RootKeystore(center=self.id, root_seed=self.root_seed)

    def write_public(self, directory: Path) -> None:
        """Write the signed configuration as the ceremony hands it to the server."""
        directory.mkdir(parents=True, exist_ok=True)
        (directory / CONFIG_NAME).write_bytes(self.raw)
        (directory / MINISIG_NAME).write_text(self.minisig)
        (directory / SIG_NAME).write_text(signing.signify(self.raw, self.root_seed))
        (directory / ROOT_NAME).write_text(signing.format_public_key(self.root_public, "test root key"))


def make_center(
    *,
    center: str = CENTER_ID,
    serial: int = 1,
    epochs: int = 1,
    content: CenterContent | None = None,
    not_before: date = NOT_BEFORE,
    soft_expiry: date = SOFT_EXPIRY,
) -> Center:
    """Hold the ceremony: the same arguments always give the same keys; other centers have other keys."""
    epoch_seeds = {epoch: seed_of(f"{center} epoch {epoch}") for epoch in range(1, epochs + 1)}
    root_seed = seed_of(f"{center} root")
    ack_seed = seed_of(f"{center} ack")
    raw = build_config(
        center=center,
        serial=serial,
        not_before=not_before,
        soft_expiry=soft_expiry,
        recipients=[
            recipient_of(epoch, seed, not_before, soft_expiry + timedelta(days=180))
            for epoch, seed in epoch_seeds.items()
        ],
        ack_public=signing.public_of(ack_seed),
        root_public=signing.public_of(root_seed),
        content=content or example_content(),
    )
    return Center(
        id=center,
        root_seed=root_seed,
        ack_seed=ack_seed,
        export_seed=seed_of(f"{center} export"),
        vault_key=seed_of(f"{center} vault"),
        epoch_seeds=epoch_seeds,
        raw=raw,
        minisig=signing.minisign(raw, root_seed, trusted_comment(center, serial)),
    )


def seed_of(name: str) -> bytes:
    """A fixed 32-byte seed for a name."""
    return hashlib.sha256(name.encode()).digest()


def recipient_of(epoch: int, seed: bytes, from_day: date, until: date) -> Recipient:
    """The entry of a key epoch in the signed configuration."""
    public = xwing.key_pair(seed).public
    return Recipient(
        epoch=epoch,
        fingerprint=fingerprint.fingerprint(public),
        from_day=from_day,
        recipient=xwing.recipient_string(public),
        until=until,
    )


def center_section() -> dict[str, Any]:
    """The `[center]` section of the shipped example, fresh each time so that a test may change it."""
    return tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))["center"]


def example_content(**changes: object) -> CenterContent:
    """The content of the shipped example, with settings changed; without files, which need a large store."""
    return content_from_toml({**center_section(), "attachments": False, **changes})


def confirmed_content(languages: list[str], **changes: object) -> CenterContent:
    """The content of the shipped example after the Center has confirmed all of it, in these languages."""
    section = center_section()
    areas = [area | {"checked_on": DAY} for area in section["area"]]
    return example_content(texts_confirmed_on=DAY, area=areas, languages=languages, **changes)


def sample_report(**changes: object) -> Report:
    """A plain report that counts, without contact; name a field to change it."""
    told: dict[str, object] = {
        "narrative": "Two people shouted slurs at us at the bus stop.",
        "incident_types": ("words", "threat"),
        "series": "once",
        "when": "d7",
        "area": "sac_central",
        "place_type": "transit",
        "bias": ("sogi.lesbian", "gi.trans"),
        "bias_signs": ("slurs",),
        "role": "me",
        "offender_relation": ("stranger",),
        "reported_to": ("none",),
        "consent_count": True,
    }
    return Report(**{**told, **changes})


def attachment(name: str, content: bytes, claimed_type: str = "image/png") -> Attachment:
    """A file of a report, in memory."""
    meta = AttachmentMeta(
        name=name, claimed_type=claimed_type, sha256=hashlib.sha256(content).hexdigest(), size=len(content)
    )
    return Attachment(meta=meta, pieces=[content])


def largest_report(character: str, local: LocalSets) -> Report:
    """Every text at its limit, of one character, and every box ticked; the longest code of each single choice."""
    told: dict[str, object] = {}
    for asked in report.QUESTIONS:
        codes = local.allowed(asked)
        if asked.kind is Kind.TEXT:
            told[asked.name] = longest_text(asked, character)
        elif asked.kind is Kind.TICK:
            told[asked.name] = False  # longer than true
        else:
            told[asked.name] = max(codes, key=len) if asked.is_single else codes
    return Report(**told, consent_mode=ConsentMode.DEFAULT_YES.value, channel="online")


def longest_text(asked: Question, character: str) -> str:
    """As many of one character as the question accepts."""
    assert asked.limit is not None
    text = character * asked.limit
    try:
        report.check_text(asked, text)
    except report.TextTooLongError as error:
        return text[: error.limit]
    return text
