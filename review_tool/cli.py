"""`review-tool`: the command line of the review machine. Which command is where, and how it ends.

Commands parse, call and print; what they decide stands in the modules they call. The desk, when it comes, calls the
same functions.
"""

import sys
from pathlib import Path

import click

from review_tool import (
    archive_commands,
    bundle_commands,
    case_commands,
    config_commands,
    exit_codes,
    keeping_commands,
    key_commands,
    release_command,
    retirement_command,
    rotation_commands,
    session,
)
from review_tool.session import ReviewGroup, Settings
from review_tool.vault import UNNAMED


@click.group(
    cls=ReviewGroup,
    epilog=exit_codes.explained(exit_codes.every_refusal()),
    context_settings={"max_content_width": 110},
)
@click.option("--vault", type=click.Path(path_type=Path, file_okay=False), help="Directory of the vault.")
@click.option(
    "--keystore",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The keystore file, best on a stick of its own.  [default: keystore inside the vault's directory]",
)
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Read the passphrase from a file instead of asking: for scripts and the demo.",
)
@click.option(
    "--reviewer",
    default=UNNAMED,
    show_default=True,
    callback=session.reviewer_name,
    help="Pseudonym that stands in the log and beside codings.",
)
@click.version_option(session.SOFTWARE, prog_name="review-tool")
@click.pass_context
def main(
    context: click.Context,
    vault: Path | None,
    keystore: Path | None,
    passphrase_file: Path | None,
    reviewer: str,
) -> None:
    """Open, review, count and release reports on a machine that is never online.

    The way of a report: receive, list, show, triage, code, release. Everything done is written into the vault's log;
    `audit` prints its head as digits for the paper log at the end of a day.
    """
    session.guard_output()
    context.obj = Settings(vault=vault, keystore=keystore, passphrase_file=passphrase_file, reviewer=reviewer)
    # The interpreter's own report of an unexpected error would print what the error says, and that may be a report.
    sys.excepthook = session.last_resort


for _command in (
    key_commands.ceremony,
    *bundle_commands.COMMANDS,
    *case_commands.COMMANDS,
    *keeping_commands.COMMANDS,
    *archive_commands.COMMANDS,
    release_command.release,
    release_command.verify_release,
    key_commands.key,
    rotation_commands.drill,
    config_commands.config,
):
    main.add_command(_command)
for _command in (rotation_commands.rotate, retirement_command.destroy):
    key_commands.key.add_command(_command)
