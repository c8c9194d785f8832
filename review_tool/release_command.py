"""The commands `release` and `verify-release`: ask what a machine cannot know, then publish; check what was published."""

from datetime import datetime
from pathlib import Path

import click

from crypto.config import ROOT_NAME
from crypto.fingerprint import fingerprint
from review_tool import ledger, publish, session, signed_config
from review_tool import verify_release as verifying
from review_tool.errors import FileFormatError, ReleaseFilesError, ReleaseRefusedError, ReleaseWriteError
from review_tool.exit_codes import CONFIG, VAULT, ReviewCommand
from review_tool.session import Settings, say, say_json
from review_tool.terminal import counted
from review_tool.vault import today


@click.command(cls=ReviewCommand, refuses=(*VAULT, *CONFIG, ReleaseRefusedError, ReleaseWriteError))
@click.argument("period")
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Last closing day that counts.  [default: the period's end, or today]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Directory to make; it must not be there.",
)
@click.option("--yes", is_flag=True, help="Ask nothing: for scripts.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@session.pass_settings
def release(
    settings: Settings, period: str, until: datetime | None, out: Path, yes: bool, as_json: bool
) -> None:
    """Release a PERIOD like 2026Q3 into a directory of its own, and close it.

    It counts every case closed by then and in no release yet, hides what could reveal somebody, attacks the result,
    and writes nothing at all if the attack learns anything. What is closed later counts in the next period. A release
    that was broken off is finished by the same command.
    """
    wanted = ledger.parse_period(period)
    with settings.opened("release") as (vault, keystore):
        with vault.transaction() as connection:
            before = ledger.last(connection)
        if not yes:
            known = "no release at all" if before is None else f"{before.period.id}, closed on {before.until}"
            # A vault restored from an old backup forgets a release, and the next one could then be subtracted from it.
            click.confirm(f"This vault knows as the last release: {known}. Is that true?", abort=True)
        made = publish.publish(
            vault,
            keystore,
            wanted,
            until=None if until is None else until.date(),
            out=out,
            day=today(),
            reviewer=settings.reviewer,
        )
    if as_json:
        say_json({"release": made.period.id, "until": made.until.isoformat(), "directory": str(out)})
    else:
        say(f"Released {made.period.id}, closed on {made.until}: {out}")
        say("Make a backup now: the ledger in this vault protects every later release.")


@click.command("verify-release", cls=ReviewCommand, refuses=(*CONFIG, FileFormatError, ReleaseFilesError))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--public",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of the Center's signed configuration, which names the key that signs releases.",
)
@click.option(
    "--root-public",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The Center's root.pub as you keep it.  [default: root.pub in that folder; compare its digits]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def verify_release(folder: Path, public: Path, root_public: Path | None, as_json: bool) -> None:
    """Check the FOLDER of a release: the Center's signature, every file, and the quarter it claims to be.

    It needs no vault and no key, and runs on any machine.
    """
    root_key = signed_config.read_root_key(root_public or public / ROOT_NAME)
    config, _ = signed_config.read_folder(public, root_key)
    verified = verifying.verify(folder, config)
    digits = fingerprint(root_key)
    if as_json:
        say_json(
            {"release": verified.period, "center": config.center, "files": verified.files, "root_key": digits}
        )
        return
    say(
        f"Release {verified.period} of {config.center}: signed by the Center, {counted(verified.files, 'file')} whole."
    )
    say(f"This holds if these digits are those of the root key on the Center's paper:\n  {digits}")
