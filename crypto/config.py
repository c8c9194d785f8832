"""The signed public configuration of a Center: whom to seal to, for how long, and what the answers mean (FORMAT.md §6.1).

The ceremony builds and signs it; the server and the review machine read it. A reader verifies the signature before it
parses a byte, and takes nothing from an unsigned file. No clock is read here and no private key is held.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from crypto import canonical, labels, shape, signing, xwing
from crypto.canonical import Json
from crypto.content import CenterContent, content_from_json, content_json
from crypto.errors import (
    CanonicalError,
    ConfigError,
    ExpiredError,
    ForeignConfigError,
    KeyStringError,
    NoRecipientError,
    NotYetValidError,
    SignatureError,
    SoftwareTooOldError,
    StaleConfigError,
)
from crypto.fingerprint import fingerprint
from crypto.report import FORM_VERSION, form_sha256

CONFIG_NAME: Final = "center-config.json"
MINISIG_NAME: Final = "center-config.json.minisig"
SIG_NAME: Final = "center-config.json.sig"
ROOT_NAME: Final = "root.pub"

MIN_SOFTWARE: Final = "0.1.0"  # the first version that can read this format
GRACE: Final = timedelta(days=90)  # from soft to hard expiry: time to notice a forgotten renewal
WARN_DAYS: Final = (60, 30, 7)  # days before soft expiry on which the operator is told
MAX_ACTIVE: Final = 4  # recipients at once; each costs a stanza of 1,557 bytes

_CENTER: Final = re.compile(r"[a-z0-9-]{3,32}")
_VERSION: Final = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4}){1,3}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_KEY_ID: Final = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """One public key to seal to, active from `from_day` up to but not including `until`."""

    epoch: int
    fingerprint: str
    from_day: date
    recipient: str
    until: date

    @property
    def public(self) -> bytes:
        """The 1,216 bytes of the public key."""
        return xwing.parse_recipient(self.recipient)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicConfig:
    """A verified public configuration; `raw` are its exact signed bytes.

    An expiry day is the first day that is no longer covered. `forms` is `{version: SHA-256}`.
    """

    raw: bytes = field(repr=False)
    center: str
    serial: int
    not_before: date
    soft_expiry: date
    hard_expiry: date
    recipients: tuple[Recipient, ...] = field(repr=False)
    ack_key: bytes
    root_key_id: bytes
    forms: Mapping[str, str]
    min_software: str
    content: CenterContent = field(repr=False)

    @property
    def context_id(self) -> bytes:
        """What binds a payload to these exact bytes."""
        return hashlib.sha256(labels.CONTEXT + self.raw).digest()

    def active(self, day: date) -> tuple[Recipient, ...]:
        """Recipients that a report of this day must be sealed to; may be empty."""
        return tuple(one for one in self.recipients if one.from_day <= day < one.until)


class Standing(StrEnum):
    """Where a day lies in the life of a configuration."""

    CURRENT = "current"
    EXPIRING = "expiring"
    PAST_SOFT = "past_soft"
    CLOSED = "closed"


def standing(config: PublicConfig, day: date) -> Standing:
    """Judge a day; past soft expiry the form stays open, because closing it by a forgotten date does more harm."""
    if day >= config.hard_expiry:
        return Standing.CLOSED
    if day >= config.soft_expiry:
        return Standing.PAST_SOFT
    if (config.soft_expiry - day).days <= max(WARN_DAYS):
        return Standing.EXPIRING
    return Standing.CURRENT


def trusted_comment(center: str, serial: int) -> str:
    """The comment that the minisign signature of a configuration must cover."""
    return f"{labels.CONFIG} center={center} serial={serial}"


def build_config(
    *,
    center: str,
    serial: int,
    not_before: date,
    soft_expiry: date,
    recipients: Sequence[Recipient],
    ack_public: bytes,
    root_public: bytes,
    content: CenterContent,
    min_software: str = MIN_SOFTWARE,
) -> bytes:
    """Write the bytes that the root key will sign, after every check a reader makes, and the signer's own.

    Raises:
        ConfigError: a value breaks a rule, or the newest recipient would end before the hard expiry.
    """
    hard_expiry = soft_expiry + GRACE
    value: dict[str, Json] = {
        "ack_key": ack_public.hex(),
        "alg": "ed25519",
        "center": center,
        "content": content_json(content),
        "forms": [{"sha256": form_sha256(), "version": FORM_VERSION}],
        "hard_expiry": hard_expiry.isoformat(),
        "min_software": min_software,
        "not_before": not_before.isoformat(),
        "recipients": [_recipient_json(one) for one in recipients],
        "root_key_id": signing.key_id(root_public).hex(),
        "serial": serial,
        "soft_expiry": soft_expiry.isoformat(),
        "what": labels.CONFIG,
    }
    raw = canonical.encode(value)
    config = _parse(raw, root_public=root_public, center=center)
    newest = max(config.recipients, key=lambda one: one.epoch)
    if newest.until < hard_expiry:
        raise ConfigError(
            "the newest key ends before the hard expiry; give it a later end, or sign a shorter time"
        )
    if not config.active(not_before):
        raise NoRecipientError("no key is active on the first day; let one begin on or before it")
    return raw


def read_config(raw: bytes, minisig: str, *, root_public: bytes, center: str) -> PublicConfig:
    """Verify a configuration against the pinned root key, then read it.

    Raises:
        SignatureError: the signature does not fit the bytes.
        ForeignConfigError: it belongs to another root or another Center.
        ConfigError: it is signed, but breaks the format.
    """
    try:
        comment = signing.verify_minisign(raw, minisig, root_public)
    except SignatureError:
        if _named_key(minisig) not in (b"", signing.key_id(root_public)):
            raise ForeignConfigError(
                "signed by another root key; compare root.pub with the pinned one"
            ) from None
        raise
    config = _parse(raw, root_public=root_public, center=center)
    if comment != trusted_comment(config.center, config.serial):
        raise ConfigError("the signature's comment names another configuration; sign this one again")
    return config


def check_config(config: PublicConfig, *, day: date, highest_serial: int, software: str) -> None:
    """Refuse what the server must not run with (FORMAT.md §6.1).

    Raises:
        StaleConfigError: a higher serial was seen before.
        SoftwareTooOldError: it needs newer software, or a form that this software does not have.
        NotYetValidError: it begins later.
        ExpiredError: its hard expiry has come.
        NoRecipientError: no key, or more than four, is active on this day.
    """
    if config.serial < highest_serial:
        raise StaleConfigError(
            f"serial {config.serial} is older than {highest_serial}, seen before; install the newest"
        )
    if _ordered(software) < _ordered(config.min_software):
        raise SoftwareTooOldError(
            f"needs software {config.min_software} or newer, this is {software}; update it"
        )
    if config.forms.get(FORM_VERSION) != form_sha256():
        raise SoftwareTooOldError(
            "asks for a form that this software does not have; update it, or sign again"
        )
    if day < config.not_before:
        raise NotYetValidError(f"begins on {config.not_before}; check the clock, or install it then")
    if standing(config, day) is Standing.CLOSED:
        raise ExpiredError(f"expired for good on {config.hard_expiry}; sign and install a new one")
    if not 1 <= len(config.active(day)) <= MAX_ACTIVE:
        raise NoRecipientError(
            f"needs 1 to {MAX_ACTIVE} keys that are active today; sign and install a new one"
        )


def _parse(raw: bytes, *, root_public: bytes, center: str) -> PublicConfig:
    """Read verified bytes: `what` and the Center before anything else."""
    try:
        value = canonical.decode(raw)
    except CanonicalError:
        raise ConfigError("the configuration is not canonical JSON; export it again") from None
    if not isinstance(value, Mapping) or value.get("what") != labels.CONFIG or value.get("alg") != "ed25519":
        raise ConfigError("this is no signed public configuration of this version")
    if value.get("center") != center:
        raise ForeignConfigError("belongs to another Center; compare the center setting")
    if value.get("root_key_id") != signing.key_id(root_public).hex():
        raise ForeignConfigError("names another root key; compare root.pub with the pinned one")
    got = shape.fields(value, "configuration", (
        "ack_key", "alg", "center", "content", "forms", "hard_expiry", "min_software", "not_before", "recipients",
        "root_key_id", "serial", "soft_expiry", "what",
    ))  # fmt: skip
    config = PublicConfig(
        raw=raw,
        center=shape.matching(_CENTER, got["center"], "center"),
        serial=shape.count(got["serial"], "serial"),
        not_before=shape.day(got["not_before"], "not_before"),
        soft_expiry=shape.day(got["soft_expiry"], "soft_expiry"),
        hard_expiry=shape.day(got["hard_expiry"], "hard_expiry"),
        recipients=tuple(_recipient(one) for one in shape.items(got["recipients"], "recipients")),
        ack_key=bytes.fromhex(shape.matching(_DIGEST, got["ack_key"], "ack_key")),
        root_key_id=bytes.fromhex(shape.matching(_KEY_ID, got["root_key_id"], "root_key_id")),
        forms=_forms(got["forms"]),
        min_software=shape.matching(_VERSION, got["min_software"], "min_software"),
        content=content_from_json(got["content"]),
    )
    _check_dates(config)
    _check_recipients(config.recipients)
    return config


def _check_dates(config: PublicConfig) -> None:
    if config.hard_expiry != config.soft_expiry + GRACE:
        raise ConfigError(f"hard_expiry must be {GRACE.days} days after soft_expiry")
    if config.not_before >= config.soft_expiry:
        raise ConfigError("soft_expiry must be later than not_before")


def _check_recipients(recipients: Sequence[Recipient]) -> None:
    if not recipients:
        raise NoRecipientError("lists no key to seal to; run the ceremony again")
    if len({one.epoch for one in recipients}) != len(recipients):
        raise ConfigError("a key epoch stands twice among the recipients")
    if len({one.recipient for one in recipients}) != len(recipients):
        raise ConfigError("a key stands twice among the recipients")


def _recipient(value: object) -> Recipient:
    got = shape.fields(value, "recipients", ("epoch", "fingerprint", "from", "recipient", "until"))
    one = Recipient(
        epoch=shape.count(got["epoch"], "epoch"),
        fingerprint=shape.text(got["fingerprint"], "fingerprint"),
        from_day=shape.day(got["from"], "from"),
        recipient=shape.text(got["recipient"], "recipient"),
        until=shape.day(got["until"], "until"),
    )
    try:
        printed = fingerprint(one.public)
    except KeyStringError:
        raise ConfigError("a recipient is no hybrid age key; run the ceremony again") from None
    if printed != one.fingerprint:
        raise ConfigError("a fingerprint does not belong to its key; run the ceremony again")
    if one.from_day >= one.until:
        raise ConfigError("a key ends before it begins; run the ceremony again")
    return one


def _recipient_json(one: Recipient) -> dict[str, Json]:
    return {
        "epoch": one.epoch,
        "fingerprint": one.fingerprint,
        "from": one.from_day.isoformat(),
        "recipient": one.recipient,
        "until": one.until.isoformat(),
    }


def _forms(value: object) -> dict[str, str]:
    found = {}
    for one in shape.items(value, "forms"):
        got = shape.fields(one, "forms", ("sha256", "version"))
        found[shape.matching(_VERSION, got["version"], "form version")] = shape.matching(
            _DIGEST, got["sha256"], "form"
        )
    return found


def _named_key(minisig: str) -> bytes:
    """The key id that a signature file claims, for the message only; empty if it is no such file."""
    lines = minisig.split("\n")
    try:
        return base64.b64decode(lines[1], validate=True)[2:10] if len(lines) > 1 else b""
    except (ValueError, binascii.Error):
        return b""


def _ordered(version: str) -> tuple[int, ...]:
    if _VERSION.fullmatch(version) is None:
        raise ConfigError("a software version is written as numbers between points, for example 0.1.0")
    return tuple(int(part) for part in version.split("."))
