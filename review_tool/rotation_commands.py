"""The commands `key rotate` and `drill`: a new reading key, and a rehearsal of what brings the old one back."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click

from crypto.canonical import Json
from crypto.config import PublicConfig, Recipient
from crypto.errors import ConfigError
from crypto.fingerprint import fingerprint
from crypto.unseal import Identity
from review_tool import ceremony as acts
from review_tool import dialogue, keystore_copies, renewal, session, signed_config, sitting
from review_tool import vault as vaults
from review_tool.audit import Act
from review_tool.ceremony import READING_KEY, ROOT_KEY
from review_tool.errors import CeremonyError, SecretFileError, ShareError
from review_tool.exit_codes import CONFIG, ENVELOPE, VAULT, ReviewCommand
from review_tool.rotation import OVERLAP_DAYS, Rotation
from review_tool.rotation import rotate as make
from review_tool.session import Settings, say, say_json
from review_tool.sitting import VALID_DAYS, require_isolated
from review_tool.vault import Vault

_PATH: Final = click.Path(path_type=Path)
_STILL_TO_DO: Final = (
    "Carry the folder to the operator today: until then the server seals to the old key alone.",
    "Copy the keystore over every other copy of it that was not named by --keystore-copy, and make a backup.",
    "Put the new fingerprint on leaflets and pages. Keep the old shares for as long as the old key.",
)
_REFUSES: Final = (*VAULT, *CONFIG, *ENVELOPE, CeremonyError, ShareError, SecretFileError)


@click.command("rotate", cls=ReviewCommand, refuses=_REFUSES)
@click.option("--out", type=_PATH, required=True, help="Folder to make; it is carried to the server.")
@click.option(
    "--public", type=_PATH, help="Folder that the server runs with, if it may be newer than this vault knows."
)
@click.option(
    "--root-keystore", type=_PATH, help="The root key's file.  [default: root-keystore beside the keystore]"
)
@click.option(
    "--root-passphrase-file",
    type=_PATH,
    help="Read the root keystore's passphrase from a file.  [default: --passphrase-file, or ask]",
)
@click.option(
    "--keystore-copy",
    "copies",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    help="Another copy of the keystore, to be renewed with it; may be repeated.",
)
@click.option(
    "--overlap-days",
    type=click.IntRange(0, 60),
    default=OVERLAP_DAYS,
    show_default=True,
    help="Days in which the server seals to the old key as well; 0 if the old key was exposed.",
)
@click.option(
    "--valid-days",
    type=click.IntRange(30, 400),
    default=VALID_DAYS,
    show_default=True,
    help="Days until the configuration should be renewed; it ends 90 days later.",
)
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="First day of it, in UTC.  [default: today]")
@click.option("--shares-to", type=_PATH, help="With --yes only: write the shares to files.")
@click.option(
    "--not-isolated", is_flag=True, help="Go on although there is a network route or unencrypted swap."
)
@click.option("--yes", is_flag=True, help="Ask nothing, nobody is there: for scripts.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@session.pass_settings
def rotate(settings: Settings, /, **options: Any) -> None:  # noqa: ANN401 - click
    """Make a new reading key: three new shares, the keystore with both keys, and the configuration that names the new one.

    The server seals to both keys until the overlap is over. The old key stays in the keystore, because reports that were
    sealed to it are still on their way. The old shares stay valid for the old key.
    """
    _rotate(settings, **options)  # typed, which click's options are not


def _rotate(
    settings: Settings,
    *,
    out: Path,
    public: Path | None,
    root_keystore: Path | None,
    root_passphrase_file: Path | None,
    copies: tuple[Path, ...],
    overlap_days: int,
    valid_days: int,
    day: datetime | None,
    shares_to: Path | None,
    not_isolated: bool,
    yes: bool,
    as_json: bool,
) -> None:
    if shares_to is not None and not yes:
        raise CeremonyError("--shares-to puts shares on a disk and goes with --yes only; people use paper")
    if not yes and not sitting.at_terminal():
        raise CeremonyError("a rotation is held at a terminal; scripts say --yes")
    require_isolated(allowed=not_isolated)
    acts.check_source(secrets.token_bytes)
    passphrase = settings.passphrase()
    keystore = settings.read_keystore(typed=passphrase)
    keystore_copies.require_all(settings.keystore_file, copies, keystore, passphrase)
    files = keystore_copies.costs_of(settings.keystore_file, copies)
    with vaults.open_vault(
        settings.vault_directory, keystore, reviewer=settings.reviewer, command="key rotate"
    ) as vault:
        known, root_public = _known(vault)
        root = settings.read_root_keystore(
            root_keystore or settings.keystore_file.with_name("root-keystore"), root_passphrase_file
        )
        rotation = make(
            known,
            None if public is None else signed_config.read_folder(public, root_public),
            keystore=keystore,
            root=root,
            seed=secrets.token_bytes(acts.SEED_SIZE),
            day=vaults.today() if day is None else day.date(),
            valid_days=valid_days,
            overlap_days=overlap_days,
        )
        if not yes:
            dialogue.clear_screen()
            say(f"{READING_KEY}, epoch {rotation.epoch.epoch}: {rotation.epoch.fingerprint}")
            dialogue.wait_for_enter("Everybody may see this fingerprint. Copy it on paper, twice.")
        told = sitting.hand_out(
            {f"{READING_KEY}": (rotation.epoch.seed, acts.reading_fingerprint)},
            draw=secrets.token_bytes,
            unattended=yes,
            directory=shares_to,
        )
        keystore_copies.rewrite(files, rotation.keystore, passphrase)
        renewal.publish(vault, rotation.renewal, out, day=vaults.today(), reviewer=settings.reviewer)
        facts: dict[str, Json] = {"changed": "reading key", "epoch": rotation.epoch.epoch}
        vault.record(Act.KEY, day=vaults.today(), reviewer=settings.reviewer, **facts)
    _tell(rotation, told, out, as_json=as_json)


def _tell(rotation: Rotation, told: str, out: Path, *, as_json: bool) -> None:
    config = rotation.renewal.signed.config
    if as_json:
        say_json(
            {
                "epoch": rotation.epoch.epoch,
                "fingerprint": rotation.epoch.fingerprint,
                "serial": config.serial,
                "reading_keys": {str(one.epoch): one.until.isoformat() for one in config.recipients},
                "shares": told,
                "directory": str(out),
            }
        )
        return
    say(f"Reading key of epoch {rotation.epoch.epoch}: {rotation.epoch.fingerprint}")
    say(f"Shares: {told}")
    for one in config.recipients:
        say(f"The server seals to epoch {one.epoch} until {one.until}, once it has the new configuration.")
    say(f"Signed as serial {config.serial}, and a test report opened: {out}")
    for sentence in _STILL_TO_DO:
        say(f"  {sentence}")


@click.command(cls=ReviewCommand, refuses=_REFUSES)
@click.option("--epoch", type=int, help="Key epoch of the reading-key shares.  [default: the newest]")
@click.option("--reading-only", is_flag=True, help="Leave the root key's shares where they are.")
@click.option("--shares-from", type=_PATH, help="With --yes only: read the shares from files.")
@click.option(
    "--not-isolated", is_flag=True, help="Go on although there is a network route or unencrypted swap."
)
@click.option("--yes", is_flag=True, help="Ask nothing: for scripts.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@session.pass_settings
def drill(
    settings: Settings,
    epoch: int | None,
    reading_only: bool,
    shares_from: Path | None,
    not_isolated: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Rehearse a recovery: two shares must give each key, and the reading key must open a test report. Nothing is changed.

    Ask two other advisors each time, so that every share has its turn.
    """
    if yes != (shares_from is not None):
        raise ShareError("--yes and --shares-from go together; people type shares from paper")
    if not yes and not sitting.at_terminal():
        raise CeremonyError("a drill is held at a terminal; scripts say --yes")
    require_isolated(allowed=not_isolated)
    with settings.opened("drill") as (vault, _):
        known, root_public = _known(vault)
        config, recipient = _naming(known, epoch)
        keys = [READING_KEY] if reading_only else [READING_KEY, ROOT_KEY]
        seed = sitting.from_paper(READING_KEY, recipient.fingerprint, acts.reading_fingerprint, shares_from)
        acts.prove_sealing(config, Identity(epoch=recipient.epoch, seed=seed), recipient.from_day)
        if not reading_only:
            sitting.from_paper(ROOT_KEY, fingerprint(root_public), acts.signing_fingerprint, shares_from)
        facts: dict[str, Json] = {"drill": list(keys), "epoch": recipient.epoch}
        vault.record(Act.KEY, day=vaults.today(), reviewer=settings.reviewer, **facts)
    if as_json:
        say_json({"epoch": recipient.epoch, "proved": list(keys)})
        return
    say(f"Two shares gave the reading key of epoch {recipient.epoch}, and it opened a test report.")
    if not reading_only:
        say("Two shares gave the root key.")
    say("Put the papers back into fresh envelopes, and close this window: the keys were in its memory.")


def _known(vault: Vault) -> tuple[list[PublicConfig], bytes]:
    """Every configuration that the vault knows, and the root key that signed them."""
    with vault.transaction() as connection:
        return vaults.archived_configs(connection), bytes.fromhex(vaults.fact(connection, "root_public"))


def _naming(known: Sequence[PublicConfig], epoch: int | None) -> tuple[PublicConfig, Recipient]:
    """The newest configuration that names a key epoch, by default the newest epoch of all.

    Raises:
        ConfigError: none does.
    """
    for config in sorted(known, key=lambda one: one.serial, reverse=True):
        for one in sorted(config.recipients, key=lambda one: one.epoch, reverse=True):
            if epoch in (None, one.epoch):
                return config, one
    raise ConfigError(f"no configuration names a key of epoch {epoch}; give the number on the shares")
