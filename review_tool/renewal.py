"""A renewed configuration: the same keys, new words and dates, one serial higher (docs/reviewing.md).

The vault learns of it before anybody else, so that no report can arrive under a configuration that receiving does not
know. The root key is handed in, signs once, and goes with the process.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from crypto import config as configs
from crypto import signing
from crypto.canonical import Json
from crypto.config import PublicConfig, Recipient
from crypto.content import CenterContent, content_json
from crypto.keystore import Keystore, RootKeystore
from crypto.unseal import Identity
from review_tool import audit, ceremony, durable, signed_config
from review_tool import vault as vaults
from review_tool.audit import Act, Entry
from review_tool.errors import CeremonyError
from review_tool.signed_config import SignedConfig
from review_tool.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """A configuration that is signed and proved, and that nobody knows of yet.

    Attributes:
        signed: its files.
        last: the one that it follows.
        newer: what the vault did not know yet: `last` with its minisign signature, if that came from a folder.
        changed: settings of [center] that are others than in `last`.
    """

    signed: SignedConfig
    last: PublicConfig
    newer: tuple[tuple[PublicConfig, str], ...]
    changed: tuple[str, ...]


def renew(
    known: Sequence[PublicConfig],
    running: tuple[PublicConfig, str] | None,
    content: CenterContent,
    *,
    keystore: Keystore,
    root: RootKeystore,
    day: date,
    valid_days: int,
) -> Renewal:
    """Sign the next configuration, and prove that a report sealed under it opens.

    Args:
        known: the vault's archive, lowest serial first.
        running: the configuration that the server has, with its signature, if somebody brought it along.
        content: the new [center] section.
        keystore: holds the reading key that is sealed to, and the acknowledgement key.
        root: signs.
        day: first day of the new one.
        valid_days: days until it should be renewed.

    Raises:
        CeremonyError: a keystore does not belong to the configuration, or the test report does not come out.
        ConfigError: a value breaks a rule of the configuration.
    """
    last, newer = follow(known, running, keystore=keystore, root=root)
    newest = max(last.recipients, key=lambda one: one.epoch)
    others = [one for one in last.recipients if one != newest and one.until > day]
    recipients = [*others, replace(newest, until=end_of(day, valid_days))]
    signed = sign_next(last, content, recipients, root=root, day=day, valid_days=valid_days)
    ceremony.prove_sealing(signed.config, _identity(keystore, newest.fingerprint), day)
    return Renewal(signed=signed, last=last, newer=newer, changed=_changed(last.content, content))


def follow(
    known: Sequence[PublicConfig],
    running: tuple[PublicConfig, str] | None,
    *,
    keystore: Keystore,
    root: RootKeystore,
) -> tuple[PublicConfig, tuple[tuple[PublicConfig, str], ...]]:
    """Find the configuration that the next one follows, and what the vault did not know of.

    Raises:
        CeremonyError: a keystore does not belong to it.
    """
    newer = () if running is None or running[0].raw in {one.raw for one in known} else (running,)
    last = max((*known, *(one for one, _ in newer)), key=lambda one: one.serial)
    if signing.key_id(signing.public_of(root.root_seed)) != last.root_key_id:
        raise CeremonyError("this root keystore did not sign the last configuration; name the right one")
    if signing.public_of(keystore.ack_seed) != last.ack_key:
        raise CeremonyError(
            "the server obeys another acknowledgement key than the one in this keystore; use the newest keystore"
        )
    return last, newer


def end_of(day: date, valid_days: int) -> date:
    """The day from which nothing is sealed under a configuration any more; its newest key lasts as long."""
    return day + timedelta(days=valid_days) + configs.GRACE


def sign_next(
    last: PublicConfig,
    content: CenterContent,
    recipients: Sequence[Recipient],
    *,
    root: RootKeystore,
    day: date,
    valid_days: int,
) -> SignedConfig:
    """Sign the configuration that follows another one.

    Raises:
        ConfigError: a value breaks a rule of the configuration.
    """
    return signed_config.sign(
        content,
        recipients,
        root_seed=root.root_seed,
        ack_public=last.ack_key,
        center=last.center,
        serial=last.serial + 1,
        day=day,
        valid_days=valid_days,
    )


def publish(vault: Vault, renewal: Renewal, out: Path, *, day: date, reviewer: str) -> None:
    """Archive a renewed configuration in the vault, then let its folder appear by one rename.

    Broken off between the two, the vault knows a serial that nobody else saw; the next renewal takes the one after it.

    Raises:
        CeremonyError: the folder is there already, or cannot be written; the vault is unchanged.
        VaultError: the vault cannot be written; the folder is not there.
    """
    if out.exists() or out.is_symlink():
        raise CeremonyError(f"{out} exists; a configuration is written over nothing: give a new folder")
    beside = out.with_name(f".{out.name}.new")
    try:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        for name, content in renewal.signed.files.items():
            durable.write_file(beside / name, content)
    except OSError as error:
        raise CeremonyError(f"{out} cannot be written: {error.strerror}") from None
    config = renewal.signed.config
    facts: dict[str, Json] = {"config_serial": config.serial, "context": config.context_id.hex()}
    with vault.transaction() as connection:
        for one, minisig in (*renewal.newer, (config, renewal.signed.minisig)):
            vaults.archive_config(connection, one, minisig)
        audit.append(connection, [Entry(act=Act.CONFIG, day=day, reviewer=reviewer, facts=facts)])
    _appear(beside, out)


def _appear(beside: Path, out: Path) -> None:
    try:
        beside.rename(out)
        vaults.sync_directory(out.parent)
    except OSError as error:
        raise CeremonyError(
            f"{out} cannot be written ({error.strerror}); run the command again, it takes the next serial"
        ) from None


def _identity(keystore: Keystore, printed: str) -> Identity:
    for one in keystore.epochs:
        if one.fingerprint == printed:
            return Identity(epoch=one.epoch, seed=one.seed)
    raise CeremonyError(
        "the keystore lacks the reading key that the server seals to; use the newest keystore"
    )


def _changed(before: CenterContent, after: CenterContent) -> tuple[str, ...]:
    old, new = content_json(before), content_json(after)
    return tuple(sorted(name for name in new if new[name] != old.get(name)))
