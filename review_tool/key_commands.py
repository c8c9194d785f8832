"""The commands about keys: `ceremony`, and `key export-age | fingerprint | passphrase | recover`.

Commands parse, call and print. How a ceremony goes stands in `sitting`; what each of its acts does, in `ceremony`.
"""

import secrets
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from crypto import config as configs
from crypto.canonical import Json
from crypto.config import PublicConfig, Recipient
from crypto.errors import ConfigError
from crypto.fingerprint import fingerprint
from crypto.keystore import Epoch, EpochState, Keystore, RootKeystore
from crypto.unseal import format_identity
from review_tool import ceremony as acts
from review_tool import passphrase_change, secret_files, session, signed_config
from review_tool import vault as vaults
from review_tool.audit import Act
from review_tool.ceremony import READING_KEY, ROOT_KEY
from review_tool.errors import CeremonyError, PassphraseError, SecretFileError, ShareError, VaultError
from review_tool.exit_codes import CONFIG, ENVELOPE, KEYSTORE, VAULT, ReviewCommand
from review_tool.secret_files import Medium
from review_tool.session import Settings, pass_settings
from review_tool.sitting import (
    COSTS,
    VALID_DAYS,
    Choices,
    Founding,
    at_terminal,
    from_paper,
    give_shares,
    hold,
    new_passphrase,
    shout,
    sit,
)

_PATH: Final = click.Path(path_type=Path)
_SITTING: Final = (
    *VAULT,
    *CONFIG,
    *ENVELOPE,
    CeremonyError,
    ShareError,
    PassphraseError,
    SecretFileError,
)

_Command = TypeVar("_Command", bound=Callable[..., object])


def sitting_options(command: _Command) -> _Command:
    """Add the options that `Choices` holds."""
    valid = click.IntRange(30, 400)
    options = (
        click.option("--out", type=_PATH, required=True, help="Directory of the signed configuration and the transcript; it is carried to the server."),
        click.option("--root-keystore", type=_PATH, help="Where the root key goes.  [default: root-keystore beside the keystore]"),
        click.option("--cost", type=click.Choice(sorted(COSTS)), default="default", show_default=True, help="Work of one guess at the passphrase: 1 GiB, or the floor of 256 MiB."),
        click.option("--valid-days", type=valid, default=VALID_DAYS, show_default=True, help="Days until the configuration should be renewed; it ends 90 days later."),
        click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="First day of the configuration, in UTC.  [default: today]"),
        click.option("--dice", "ask_dice", is_flag=True, help="Ask for dice rolls and mix them into the keys."),
        click.option("--own-passphrase", is_flag=True, help="Type your own passphrase (20 characters or more) instead of six generated words."),
        click.option("--not-isolated", is_flag=True, help="Go on although there is a network route or unencrypted swap."),
        click.option("--yes", "unattended", is_flag=True, help="Ask nothing, nobody is there: for demos and tests."),
        click.option("--json", "as_json", is_flag=True, help="Print the record as one JSON object."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@click.command(cls=ReviewCommand, refuses=_SITTING)
@click.option("--center", required=True, help="Id of the Center: 3 to 32 of a-z, 0-9 and -.")
@click.option("--config", "config_file", type=_PATH, required=True, help="File with the [center] section.")
@click.option("--shares-to", type=_PATH, help="With --yes only: write the shares to files.")
@sitting_options
@pass_settings
def ceremony(
    settings: Settings,
    /,
    center: str,
    config_file: Path,
    shares_to: Path | None,
    **options: Any,  # noqa: ANN401 - click
) -> None:
    """Make a Center's keys, shares, keystores, signed configuration and vault.

    At a terminal every secret is shown alone and typed back. With --yes nothing is asked: the passphrase is read from
    --passphrase-file, or six generated words are written there if there is no such file.
    """
    choices = Choices(**options)
    if shares_to is not None and not choices.unattended:
        raise CeremonyError("--shares-to puts shares on a disk and goes with --yes only; people use paper")
    founding = Founding(
        center=center,
        content=signed_config.center_section(config_file),
        epoch=acts.FIRST_EPOCH,
        serial=acts.FIRST_SERIAL,
    )
    sitting = sit(settings, choices, kind="founding", shares_to=shares_to)
    keys = acts.make_keys(sitting.draw)
    hold(sitting, founding, keys, partial(give_shares, sitting, keys))


@click.group("key")
def key() -> None:
    """Show, export or recover the Center's keys, or change their passphrase."""


@key.command("recover", cls=ReviewCommand, refuses=_SITTING)
@click.option(
    "--public", type=_PATH, required=True, help="Directory of the Center's last signed configuration."
)
@click.option("--epoch", type=int, help="Key epoch of the reading-key shares.  [default: the newest]")
@click.option("--shares-from", type=_PATH, help="With --yes only: read the shares from files.")
@sitting_options
@pass_settings
def recover(
    settings: Settings,
    /,
    public: Path,
    epoch: int | None,
    shares_from: Path | None,
    **options: Any,  # noqa: ANN401 - click
) -> None:
    """Make new keystores from two shares of each key, after a lost passphrase or stick.

    The reading key and the root key come back from paper and must have the printed fingerprints. The key of the old
    vault and the acknowledgement key are on no paper: a new vault is made at --vault, and a new configuration is signed,
    which the server needs. Reports that the server still holds can be received again, after `pair`.
    """
    choices = Choices(**options)
    if choices.unattended != (shares_from is not None):
        raise ShareError("--yes and --shares-from go together; people type shares from paper")
    # The root shares prove later that this root key is the Center's.
    root_public = signed_config.read_root_key(public / configs.ROOT_NAME)
    last, minisig = signed_config.read_folder(public, root_public)
    lost = _recipient_of(last, epoch)
    founding = Founding(
        center=last.center,
        content=last.content,
        epoch=lost.epoch,
        serial=last.serial + 1,
        last_config=last,
        last_minisig=minisig,
    )
    sitting = sit(settings, choices, kind="recovery", shares_to=None)
    keys = acts.recovered_keys(
        reading_seed=from_paper(READING_KEY, lost.fingerprint, acts.reading_fingerprint, shares_from),
        root_seed=from_paper(ROOT_KEY, fingerprint(root_public), acts.signing_fingerprint, shares_from),
        draw=sitting.draw,
    )
    hold(sitting, founding, keys, lambda: "two of each key combined; the paper shares stay valid")


@key.command("fingerprint", cls=ReviewCommand, refuses=KEYSTORE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@pass_settings
def show_fingerprints(settings: Settings, as_json: bool) -> None:
    """Print the fingerprints of the keys in the keystore, to compare with leaflets and server."""
    keystore = settings.read_keystore()
    epochs = [
        {"epoch": one.epoch, "fingerprint": one.fingerprint, "state": one.state.value}
        for one in keystore.epochs
    ]
    acknowledgement = acts.signing_fingerprint(keystore.ack_seed)
    if as_json:
        session.say_json({"acknowledgement": acknowledgement, "center": keystore.center, "epochs": epochs})
        return
    for one in keystore.epochs:
        session.say(f"reading key, epoch {one.epoch} ({one.state.value}): {one.fingerprint}")
    session.say(f"acknowledgement key: {acknowledgement}")


@key.command("passphrase", cls=ReviewCommand, refuses=(*KEYSTORE, PassphraseError, SecretFileError))
@click.option("--root-keystore", type=_PATH, help="Change this root keystore instead of the keystore.")
@click.option(
    "--new-passphrase-file",
    type=_PATH,
    help="Take the new passphrase from this file, or write six generated words there: for scripts.",
)
@click.option(
    "--cost",
    type=click.Choice(sorted(COSTS)),
    default="default",
    show_default=True,
    help="Work of one guess at the passphrase: 1 GiB, or the floor of 256 MiB.",
)
@click.option(
    "--own-passphrase",
    is_flag=True,
    help="Type your own passphrase (20 characters or more) instead of six generated words.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@pass_settings
def change_passphrase(
    settings: Settings,
    root_keystore: Path | None,
    new_passphrase_file: Path | None,
    cost: str,
    own_passphrase: bool,
    as_json: bool,
) -> None:
    """Put the keystore under a new passphrase: first the old one is asked for, then the new one is made.

    One file is changed. Do the same for every copy of it (--keystore), and for the root keystore. Cut off at any moment,
    the file opens with one of the two passphrases.
    """
    path = root_keystore or settings.keystore_file
    old = settings.passphrase("root keystore" if root_keystore else "keystore")
    stored: Keystore | RootKeystore = (
        settings.read_root_keystore(path, typed=old) if root_keystore else settings.read_keystore(typed=old)
    )
    new = new_passphrase(
        new_passphrase_file, unattended=not at_terminal(), own=own_passphrase, draw=secrets.token_bytes
    )
    if new == old:
        raise PassphraseError("the new passphrase is the old one; nothing was changed")
    if isinstance(stored, Keystore):
        _log(settings, stored, "key passphrase", changed="passphrase")
    else:
        shout("the root keystore stands in no log: write the change into the paper log")
    passphrase_change.rewrite(path, stored, new, COSTS[cost])
    if as_json:
        session.say_json({"keystore": str(path), "changed": True})
        return
    session.say(f"{path} opens with the new passphrase only.")
    session.say("Every other copy of it still opens with the old one: change those too, or destroy them.")


@key.command("export-age", cls=ReviewCommand, refuses=(*KEYSTORE, SecretFileError))
@click.option(
    "--to",
    "target",
    type=_PATH,
    required=True,
    help="New file, in memory (/dev/shm) or on another medium than the vault's.",
)
@click.option("--epoch", type=int, help="Key epoch.  [default: the newest active one]")
@click.option(
    "--on-vault-disk", is_flag=True, help="Write it although the file will lie on the vault's own disk."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@pass_settings
def export_age(
    settings: Settings, target: Path, epoch: int | None, on_vault_disk: bool, as_json: bool
) -> None:
    """Write the reading key as an identity for stock age 1.3 or newer: for emergencies only.

    Who has this file reads every report of that epoch. Destroy it after use; in memory it goes with the power.
    """
    _require_medium(target, settings.vault_directory, allowed=on_vault_disk)
    keystore = settings.read_keystore()
    chosen = _epoch_of(keystore, epoch)
    _log(settings, keystore, "key export-age", epoch=chosen.epoch, export="age")
    secret_files.write_secret(target, format_identity(chosen.seed) + "\n")
    if as_json:
        session.say_json({"epoch": chosen.epoch, "file": str(target), "fingerprint": chosen.fingerprint})
    else:
        session.say(
            f"identity of epoch {chosen.epoch} ({chosen.fingerprint}) written to {target}; destroy it after use"
        )


def _recipient_of(config: PublicConfig, epoch: int | None) -> Recipient:
    for one in sorted(config.recipients, key=lambda one: one.epoch, reverse=True):
        if epoch in (None, one.epoch):
            return one
    raise ConfigError(f"the configuration has no key of epoch {epoch}; give the number on the shares")


def _epoch_of(keystore: Keystore, epoch: int | None) -> Epoch:
    found = [
        one
        for one in keystore.epochs
        if one.epoch == epoch or (epoch is None and one.state is EpochState.ACTIVE)
    ]
    if not found:
        held = ", ".join(str(one.epoch) for one in keystore.epochs)
        raise SecretFileError(f"the keystore has no such key epoch; it holds {held}")
    return max(found, key=lambda one: one.epoch)


def _require_medium(target: Path, vault: Path, *, allowed: bool) -> None:
    """Refuse a place that would keep the key after its file is deleted.

    Raises:
        SecretFileError: the vault's own disk, without the option that allows it.
    """
    if secret_files.medium_of(target.parent, vault=vault) is not Medium.SAME:
        return
    if not allowed:
        raise SecretFileError(
            f"{target.parent} lies on the vault's disk, where a deleted key can be found again; "
            "write to /dev/shm or to a stick, or say --on-vault-disk"
        )
    shout("this file lies on the vault's own disk: deleting it may not destroy it")


def _log(settings: Settings, keystore: Keystore, command: str, **facts: Json) -> None:
    """Write an act with a key into the vault's log first; without a vault, say that it is in no log."""
    try:
        with vaults.open_vault(
            settings.vault_directory, keystore, reviewer=settings.reviewer, command=command
        ) as vault:
            vault.record(Act.KEY, day=vaults.today(), reviewer=settings.reviewer, **facts)
    except VaultError as error:
        shout(f"this act stands in no log ({error}): write it into the paper log")
