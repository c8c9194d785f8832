"""The command `config sign`: renew the signed configuration, without a new vault and without new keys."""

from datetime import datetime
from pathlib import Path
from typing import Final

import click

from crypto import config as configs
from crypto.canonical import Json
from crypto.fingerprint import fingerprint
from review_tool import renewal, session, signed_config
from review_tool import vault as vaults
from review_tool.errors import CeremonyError
from review_tool.exit_codes import CONFIG, ENVELOPE, VAULT, ReviewCommand
from review_tool.renewal import Renewal
from review_tool.session import Settings, say, say_json
from review_tool.sitting import VALID_DAYS, require_isolated

_PATH: Final = click.Path(path_type=Path)


@click.group("config")
def config() -> None:
    """Sign the Center's public configuration anew."""


@config.command("sign", cls=ReviewCommand, refuses=(*VAULT, *CONFIG, *ENVELOPE, CeremonyError))
@click.option("--config", "config_file", type=_PATH, required=True, help="File with the [center] section.")
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
    "--valid-days",
    type=click.IntRange(30, 400),
    default=VALID_DAYS,
    show_default=True,
    help="Days until it should be renewed; it ends 90 days later.",
)
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="First day of it, in UTC.  [default: today]")
@click.option(
    "--not-isolated", is_flag=True, help="Go on although there is a network route or unencrypted swap."
)
@click.option("--yes", is_flag=True, help="Ask nothing: for scripts.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@session.pass_settings
def sign(
    settings: Settings,
    config_file: Path,
    out: Path,
    public: Path | None,
    root_keystore: Path | None,
    root_passphrase_file: Path | None,
    valid_days: int,
    day: datetime | None,
    not_isolated: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Sign the [center] section of a file as the next configuration: the same keys, the next serial, new dates.

    The vault keeps every configuration, so reports sealed under the last one are received as before. The server takes
    the new folder whenever the operator puts it there.
    """
    require_isolated(allowed=not_isolated)
    content = signed_config.center_section(config_file)
    first = vaults.today() if day is None else day.date()
    with settings.opened("config sign") as (vault, keystore):
        with vault.transaction() as connection:
            known = vaults.archived_configs(connection)
            root_public = bytes.fromhex(vaults.fact(connection, "root_public"))
        running = None if public is None else signed_config.read_folder(public, root_public)
        root = settings.read_root_keystore(
            root_keystore or settings.keystore_file.with_name("root-keystore"), root_passphrase_file
        )
        renewed = renewal.renew(
            known, running, content, keystore=keystore, root=root, day=first, valid_days=valid_days
        )
        if not yes:
            say("\n".join(_lines(renewed)))
            click.confirm("Sign this?", abort=True)
        renewal.publish(vault, renewed, out, day=vaults.today(), reviewer=settings.reviewer)
    if as_json:
        say_json({**_facts(renewed), "directory": str(out)})
        return
    say("\n".join(_lines(renewed)))
    say(f"Signed, and a test report opened: {out}")
    say("Carry the folder to the operator, and make a backup: the vault knows the new serial.")


def _facts(renewed: Renewal) -> dict[str, Json]:
    made = renewed.signed.config
    return {
        "center": made.center,
        "serial": made.serial,
        "not_before": made.not_before.isoformat(),
        "soft_expiry": made.soft_expiry.isoformat(),
        "hard_expiry": made.hard_expiry.isoformat(),
        "changed": list(renewed.changed),
        "root_key": fingerprint(renewed.signed.root_public),
        "reading_keys": [one.fingerprint for one in made.recipients],
    }


def _lines(renewed: Renewal) -> list[str]:
    made, changed = renewed.signed.config, ", ".join(renewed.changed) or "nothing"
    return [
        f"Configuration of {made.center}, serial {made.serial}, after {renewed.last.serial}",
        f"  valid from {made.not_before}, to renew by {made.soft_expiry}, ends {made.hard_expiry}"
        f" ({configs.GRACE.days} days later)",
        f"  changed in [center]: {changed}",
        f"  root key: {fingerprint(renewed.signed.root_public)}",
    ]
