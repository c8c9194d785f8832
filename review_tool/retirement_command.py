"""The command `key destroy`: an old reading key out of the keystore and its copies, for good."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from crypto.canonical import Json
from crypto.keystore import Epoch, Keystore
from review_tool import keystore_copies, retirement, session
from review_tool import vault as vaults
from review_tool.audit import Act
from review_tool.errors import KeyInUseError, SecretFileError
from review_tool.exit_codes import VAULT, ReviewCommand
from review_tool.session import Settings, say, say_json

_STILL_TO_DO: Final = (
    "Destroy every copy of the keystore that was not named, and on flash memory the stick itself.",
    "Burn the paper shares of that epoch; archives and bundles that were sealed to it alone are shut now.",
)


@click.command("destroy", cls=ReviewCommand, refuses=(*VAULT, KeyInUseError, SecretFileError))
@click.option("--epoch", "number", type=int, required=True, help="Key epoch; `key fingerprint` lists them.")
@click.option(
    "--early", is_flag=True, help="Do not wait for what may be on its way: after a key was exposed."
)
@click.option(
    "--lose", is_flag=True, help="Lose the files and the ways to be reached that open with nothing else."
)
@click.option(
    "--keystore-copy",
    "copies",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    help="Another copy of the keystore, to be renewed with it; may be repeated.",
)
@click.option("--yes", is_flag=True, help="Ask nothing: for scripts.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@session.pass_settings
def destroy(
    settings: Settings,
    number: int,
    early: bool,
    lose: bool,
    copies: tuple[Path, ...],
    yes: bool,
    as_json: bool,
) -> None:
    """Take an old reading key out of the keystore, so that seized sticks and copies of the server stay shut for ever.

    It must not be sealed to any more, 90 days must be over, and a bundle must have been received since. The words of all
    cases stay in the vault. Make an archive first: it is sealed to the keys that stay.
    """
    passphrase = settings.passphrase()
    keystore = settings.read_keystore(typed=passphrase)
    keystore_copies.require_all(settings.keystore_file, copies, keystore, passphrase)
    files = keystore_copies.costs_of(settings.keystore_file, copies)
    with vaults.open_vault(
        settings.vault_directory, keystore, reviewer=settings.reviewer, command="key destroy"
    ) as vault:
        with vault.transaction() as connection:
            known = vaults.archived_configs(connection)
            epoch = _epoch(keystore, number)
            retirement.require_over(connection, known, keystore, epoch, day=vaults.today(), is_early=early)
            lost = retirement.only_with(connection, keystore, epoch)
        if lost and not lose:
            raise KeyInUseError(
                f"the files or ways to be reached of {len(lost)} cases open with epoch {number} alone "
                f"({', '.join(lost[:3])}): use them, make an archive, then say --lose"
            )
        if not yes and click.prompt(
            f"Nobody can bring it back. Type {number} to destroy it", err=True
        ) != str(number):
            raise click.Abort
        facts: dict[str, Json] = {"changed": "reading key destroyed", "epoch": number, "lost": list(lost)}
        vault.record(Act.KEY, day=vaults.today(), reviewer=settings.reviewer, **facts)
    staying = tuple(one for one in keystore.epochs if one != epoch)
    keystore_copies.rewrite(files, replace(keystore, epochs=staying), passphrase)
    if as_json:
        say_json({"destroyed": number, "fingerprint": epoch.fingerprint, "lost": list(lost)})
        return
    say(f"The keystore holds epoch {number} ({epoch.fingerprint}) no longer.")
    for sentence in _STILL_TO_DO:
        say(f"  {sentence}")


def _epoch(keystore: Keystore, number: int) -> Epoch:
    for one in keystore.epochs:
        if one.epoch == number:
            return one
    held = ", ".join(str(one.epoch) for one in keystore.epochs)
    raise SecretFileError(f"the keystore has no such key epoch; it holds {held}")
