"""The commands about the sealed archive: archive, read-archive."""

from pathlib import Path
from typing import Final

import click

from crypto.archive import Volume
from crypto.canonical import Json
from review_tool import archive as archives
from review_tool import durable, secret_files, session
from review_tool.audit import Act
from review_tool.errors import ArchiveError, SecretFileError
from review_tool.exit_codes import VAULT, ReviewCommand
from review_tool.secret_files import Medium
from review_tool.session import Settings, say, say_json
from review_tool.terminal import counted
from review_tool.vault import today

_FOLDER: Final = click.Path(path_type=Path, file_okay=False)


@click.command(cls=ReviewCommand, refuses=(*VAULT, ArchiveError))
@click.argument("directory", type=_FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@session.pass_settings
def archive(settings: Settings, directory: Path, as_json: bool) -> None:
    """Write all cases with their files into an empty DIRECTORY, as volumes that stock age opens with the exported key.

    Each volume is opened again. Envelopes in quarantine are not in it, and contacts stay sealed inside.
    """
    with settings.opened("archive") as (vault, keystore):
        made = archives.write_archive(vault, keystore, directory, day=today(), reviewer=settings.reviewer)
    if as_json:
        facts: dict[str, Json] = {
            "volumes": [str(path) for path in made.files],
            "cases": made.cases,
            "files": made.attachments,
            "lost": list(made.lost),
        }
        say_json(facts)
        return
    for case in made.lost:
        say(
            f"WARNING: the files of {case} are not in it: no key of this keystore opens its original",
            err=True,
        )
    held = f"{counted(made.cases, 'case')} with {counted(made.attachments, 'file')}"
    say(f"Archive of {held}, opened again and complete: {counted(len(made.files), 'volume')} in {directory}")


@click.command("read-archive", cls=ReviewCommand, refuses=(*VAULT, ArchiveError, SecretFileError))
@click.argument("directory", type=_FOLDER)
@click.option(
    "--lines", is_flag=True, help="Print every line, a JSON object each: what people told, in clear."
)
@click.option(
    "--files-to",
    type=_FOLDER,
    help="Write the files of the cases, in clear, to memory (/dev/shm) or another medium.",
)
@session.pass_settings
def read_archive(settings: Settings, directory: Path, lines: bool, files_to: Path | None) -> None:
    """Open the archive in a DIRECTORY and prove that it is whole; without an option nothing of it is shown.

    Files get names of ours, by case and number; what they claim to be stands in the lines.
    """
    vault_directory = settings.vault_directory
    if files_to is not None and secret_files.medium_of(files_to, vault=vault_directory) is Medium.SAME:
        raise SecretFileError(
            f"{files_to} lies on the vault's disk, where a deleted file can be found again; take /dev/shm"
        )
    paths = archives.volumes_in(directory)
    with settings.opened("read-archive") as (vault, keystore):
        vault.record(Act.SHOW, day=today(), reviewer=settings.reviewer, archive=directory.name, lines=lines)
        for volume in archives.read_archive(paths, keystore):
            if lines:
                for one in volume.lines:
                    say_json(dict(one))
            if files_to is not None:
                _write_files(volume, files_to)
        cases, files = archives.counted(archives.read_archive(paths, keystore))
        with vault.transaction() as connection:
            is_ours = archives.is_logged(connection, paths)
    held = f"{counted(cases, 'case')} with {counted(files, 'file')} in {counted(len(paths), 'volume')}"
    say(f"The archive is whole: {held}.", err=lines)
    if not is_ours:
        say(
            "WARNING: by its log this vault never wrote it. Anybody can seal such volumes: ask where it comes from.",
            err=True,
        )


def _write_files(volume: Volume, folder: Path) -> None:
    """Write files under names that nobody but us chose."""
    seen: dict[str, int] = {}
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for case, _, content in volume.files:
            seen[case] = seen.get(case, 0) + 1
            durable.write_file(folder / f"{case}-{seen[case]}", content)
    except OSError as error:
        raise ArchiveError(f"files cannot be written to {folder} ({error.strerror})") from None


COMMANDS: Final = (archive, read_archive)
