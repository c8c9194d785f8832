"""What every command of `review-tool` shares: where things lie, who sits there, one way to open and to say no.

Commands get it by `@session.pass_settings`. Nothing here decides anything about a report.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import click

from crypto.canonical import Json
from crypto.errors import FormatError, KeystoreError
from crypto.keystore import Keystore, RootKeystore, read_keystore, read_root_keystore
from review_tool import shred
from review_tool import vault as vaults
from review_tool.coding import CODER_PATTERN
from review_tool.errors import FileFormatError, MemoryShortError, ReviewError
from review_tool.terminal import json_line, one_line, visible
from review_tool.vault import Vault

FILE_LIMIT: Final = (
    64 * 1024 * 1024
)  # bytes of a file of decisions or codings; 100,000 lines have about 30 MB
SOFTWARE: Final = version("vouchsafe")
UNFINISHED_SHRED: Final = (
    "a shredding is not finished: older backups may still hold the case, or no backup opens with the new key; run "
    "`review-tool shred --backup FOLDER`"
)
_PACKAGES: Final = (Path(__file__).parent, Path(__file__).parent.parent / "crypto")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options in front of the command.

    Attributes:
        vault: directory of the vault; None where a command needs none.
        keystore: the keystore file.
        passphrase_file: where the passphrase stands; None asks for it.
        reviewer: pseudonym for the log.
    """

    vault: Path | None
    keystore: Path | None
    passphrase_file: Path | None
    reviewer: str

    @property
    def vault_directory(self) -> Path:
        """The vault's directory; a command line without one is wrong."""
        if self.vault is None:
            raise click.UsageError("name the vault: review-tool --vault DIR COMMAND")
        return self.vault

    @property
    def keystore_file(self) -> Path:
        """The keystore, beside the vault unless it was named."""
        return self.keystore or self.vault_directory / "keystore"

    def passphrase(self, of: str = "keystore", file: Path | None = None) -> str:
        """Read the passphrase from a file of its own or the common one, or ask for it without showing it."""
        file = file or self.passphrase_file
        if file is not None:
            return read_text(file).rstrip("\r\n")
        answer: str = click.prompt(f"Passphrase of the {of}", hide_input=True, err=True)
        return answer

    def read_keystore(self, *, typed: str | None = None) -> Keystore:
        """Open the keystore, with a passphrase that was typed already or with the one it asks for.

        Raises:
            KeystoreError: wrong passphrase or damage.
            FileFormatError: no such file, or unreadable.
            MemoryShortError: too little memory for the passphrase's work.
        """
        path = self.keystore_file
        with _keystore_at(path, "--keystore"):
            return read_keystore(path, self.passphrase() if typed is None else typed)

    def read_root_keystore(
        self, path: Path, passphrase_file: Path | None = None, *, typed: str | None = None
    ) -> RootKeystore:
        """Open the root keystore, which may have a passphrase of its own.

        Raises:
            KeystoreError: wrong passphrase or damage.
            FileFormatError: no such file, or unreadable.
            MemoryShortError: too little memory for the passphrase's work.
        """
        with _keystore_at(path, "--root-keystore"):
            if typed is None:
                typed = self.passphrase("root keystore", passphrase_file)
            return read_root_keystore(path, typed)

    @contextmanager
    def opened(self, command: str) -> Iterator[tuple[Vault, Keystore]]:
        """Open keystore and vault for one command."""
        directory, keystore = self.vault_directory, self.read_keystore()
        with vaults.open_vault(directory, keystore, reviewer=self.reviewer, command=command) as vault:
            with vault.transaction() as connection:
                is_unfinished = bool(shred.stage(connection)) or keystore.next_vault_key is not None
            if is_unfinished:
                say(f"WARNING: {UNFINISHED_SHRED}", err=True)
            yield vault, keystore


@contextmanager
def _keystore_at(path: Path, option: str) -> Iterator[None]:
    """Say what keeps a keystore file from being read, and of one that does not open, which it is and what to do."""
    if not path.is_file():
        raise FileFormatError(f"there is no keystore {path}; put its stick in, or name it with {option}")
    next_step = (
        f"it is {path}: check the passphrase word by word and run the command again, then try with the copy on the other "
        f"stick ({option}); if no copy opens, `key recover` makes new ones from the shares on paper"
    )
    try:
        with noting(next_step, KeystoreError):
            yield
    except OSError as error:
        raise FileFormatError(f"the keystore {path} cannot be read ({error.strerror})") from None
    except MemoryError:
        raise MemoryShortError from None


@contextmanager
def noting(note: str, *kinds: type[Exception]) -> Iterator[None]:
    """Add to a refusal what only the caller knows, and a machine has no use for: which of several, and what to do next."""
    try:
        yield
    except kinds as error:
        error.add_note(note)
        raise


pass_settings = click.make_pass_decorator(Settings)


def reviewer_name(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """Check a pseudonym given on the command line."""
    if not CODER_PATTERN.fullmatch(value):
        raise click.BadParameter("a pseudonym has up to 24 of a-z, 0-9 and -; never a real name")
    return value


def read_text(path: Path) -> str:
    """Read a small text file named on the command line.

    Raises:
        FileFormatError: unreadable, too large, or no UTF-8.
    """
    try:
        with path.open("rb") as file:
            content = file.read(FILE_LIMIT + 1)
        if len(content) > FILE_LIMIT:
            raise FileFormatError(f"{path} has more than {FILE_LIMIT} bytes")
        return content.decode("utf-8")
    except OSError as error:
        raise FileFormatError(f"{path} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise FileFormatError(f"{path} is not UTF-8 text") from None


def say(sentence: str = "", *, err: bool = False) -> None:
    """Print for people; whatever steers a terminal is shown instead of sent."""
    click.echo(visible(sentence), err=err)


def say_json(facts: dict[str, Json]) -> None:
    """Print one JSON object in one line."""
    click.echo(json_line(facts))


class ReviewGroup(click.Group):
    """A group whose commands end with the exit code of what they refused."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run a command; print a refusal as one sentence."""
        try:
            return super().invoke(ctx)
        except (ReviewError, FormatError) as error:
            notes: list[str] = getattr(error, "__notes__", [])
            say(f"review-tool: {'; '.join([str(error), *notes])}", err=True)
            ctx.exit(error.exit_code)


def last_resort(kind: type[BaseException], _error: BaseException, trace: TracebackType | None) -> None:
    """Say where something unexpected happened, and nothing of what it said: messages quote what they choke on."""
    place = "outside our own code"
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if any(file.is_relative_to(package) for package in _PACKAGES):
            place = f"{file.parent.name}/{file.name}:{trace.tb_lineno}"
        trace = trace.tb_next
    click.echo(
        f"review-tool: unexpected {one_line(kind.__name__)} at {place}; please tell the developers", err=True
    )


def guard_output() -> None:
    """Let a terminal without Unicode show escapes instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
