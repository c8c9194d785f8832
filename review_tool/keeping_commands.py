"""The commands about how long things are kept: hold, shred, retention."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import click
from sqlalchemy import Connection

from crypto.canonical import Json
from crypto.keystore import Keystore
from review_tool import audit, case_rows, keystore_copies, ledger, publish, rekeying, session
from review_tool import backup as backups
from review_tool import retention as policies
from review_tool import shred as shredding
from review_tool import vault as vaults
from review_tool.audit import Act, Entry
from review_tool.backup import Backup
from review_tool.cases import Case, State, case_number
from review_tool.errors import (
    BackupError,
    MemoryShortError,
    NoBackupError,
    SecretFileError,
    TransitionError,
    UnknownCaseError,
    VaultError,
)
from review_tool.exit_codes import VAULT, ReviewCommand
from review_tool.retention import Kept, Policy
from review_tool.session import Settings, say, say_json
from review_tool.shred import Shredded, Why
from review_tool.terminal import counted
from review_tool.vault import Vault, today

_FOLDER: Final = click.Path(path_type=Path, file_okay=False)
_MONTHS: Final = click.IntRange(1, 600)
SPAM_MONTHS: Final = 12  # a mistake about spam shows itself within a year, when somebody asks
TEST_MONTHS: Final = 3  # the quarter in which they were made
STILL_TO_DO: Final = (
    "Older backups, on any medium, no longer open with this keystore.",
    "Copy the keystore over every other copy of it that was not named by --keystore-copy: an old copy opens old backups, and does not open the vault.",
    "Destroy archives that were made before, and the stick that brought the report.",
    "Flash memory may keep what was overwritten: the disk must be encrypted as a whole, and an old key stick destroyed.",
)
NOTHING: Final = Shredded(cases=(), counted=(), entries=0)
_REFUSES: Final = (*VAULT, UnknownCaseError, TransitionError, SecretFileError, BackupError, NoBackupError)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Hands:
    """What shredding needs beside the vault: the keystore with its passphrase, to write it anew, and a place for a backup."""

    settings: Settings
    passphrase: str
    keystore: Keystore
    backup_to: Path
    same_disk: bool
    copies: Sequence[Path]

    @contextmanager
    def opened(self, command: str) -> Iterator[Vault]:
        """Open the vault; it must be shut again before `finish`."""
        with vaults.open_vault(
            self.settings.vault_directory, self.keystore, reviewer=self.settings.reviewer, command=command
        ) as vault:
            yield vault

    def is_unfinished(self, vault: Vault) -> bool:
        """Whether an earlier shredding waits to be finished."""
        with vault.transaction() as connection:
            return bool(shredding.stage(connection)) or self.keystore.next_vault_key is not None

    def finish(self) -> Backup:
        """Change the vault's key and make the new backup."""
        settings = self.settings
        note = "the shredding is not finished: mend that, then run `review-tool shred --backup FOLDER`"
        with session.noting(note, VaultError, SecretFileError, MemoryShortError, BackupError):
            keystore = rekeying.change_vault_key(
                settings.vault_directory,
                settings.keystore_file,
                self.keystore,
                self.passphrase,
                _who(settings),
                self.copies,
            )
            with vaults.open_vault(
                settings.vault_directory, keystore, reviewer=settings.reviewer, command="backup"
            ) as vault:
                return backups.write_backup(
                    vault,
                    keystore,
                    self.backup_to,
                    day=today(),
                    reviewer=settings.reviewer,
                    same_disk=self.same_disk,
                )


def _take(settings: Settings, backup_to: Path, *, same_disk: bool, copies: Sequence[Path]) -> _Hands:
    """Open the keystore, and find out what would stop a shredding half-way before anything is destroyed."""
    directory, keystore_file = settings.vault_directory, settings.keystore_file
    backups.require_medium(directory, backup_to, same_disk=same_disk)
    passphrase = settings.passphrase()
    keystore = settings.read_keystore(typed=passphrase)
    keystore_copies.require_all(keystore_file, copies, keystore, passphrase)
    return _Hands(
        settings=settings,
        passphrase=passphrase,
        keystore=keystore,
        backup_to=backup_to,
        same_disk=same_disk,
        copies=copies,
    )


@click.command(cls=ReviewCommand, refuses=(*VAULT, UnknownCaseError, TransitionError))
@click.argument("case")
@click.option("--reason", required=True, help="Why; stands in the log.")
@click.option("--lift", is_flag=True, help="Take the hold away.")
@session.pass_settings
def hold(settings: Settings, case: str, reason: str, lift: bool) -> None:
    """Keep a CASE from being shredded, by retention or by hand, for as long as a court or counsel needs it."""
    with settings.opened("hold") as (vault, _), vault.transaction() as connection:
        found = case_rows.read_case(connection, case)
        if found.is_held is not lift:
            raise TransitionError(f"{case} is {'not on hold' if lift else 'on hold already'}")
        case_rows.hold(connection, case, is_held=not lift)
        facts: dict[str, Json] = {"case": case, "held": not lift, "reason": reason}
        audit.append(connection, [Entry(act=Act.HOLD, day=today(), reviewer=settings.reviewer, facts=facts)])
    say(f"{case} is {'no longer ' if lift else ''}on hold.")


@click.command(cls=ReviewCommand, refuses=_REFUSES)
@click.argument("cases", nargs=-1, metavar="[CASE]...")
@click.option(
    "--backup", "backup_to", type=_FOLDER, required=True, help="Folder on another disk for the new backup."
)
@click.option("--same-disk", is_flag=True, help="Accept a backup on the vault's own disk. Demo only.")
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
def shred(
    settings: Settings,
    cases: tuple[str, ...],
    backup_to: Path,
    same_disk: bool,
    copies: tuple[Path, ...],
    yes: bool,
    as_json: bool,
) -> None:
    """Destroy CASEs for good: report, files, sealed original, contact, codings and what the log says of them.

    The vault gets a new key, and a new backup replaces the old one, so that no older backup opens any more. What a release
    has counted stays counted. Broken off at any moment, the same command without a CASE goes on.
    """
    hands = _take(settings, backup_to, same_disk=same_disk, copies=copies)
    done = NOTHING
    with hands.opened("shred") as vault:
        is_unfinished = hands.is_unfinished(vault)
        if cases:
            _require_finished(is_unfinished=is_unfinished)
            with vault.transaction() as connection:
                found = case_rows.read_some(connection, cases)
                released = ledger.counted_numbers(connection)
            _confirm(found, released, yes=yes, as_json=as_json)
            done = _shred(vault, cases, Why.ASKED, settings)
        elif not is_unfinished:
            raise click.UsageError("name the cases: no shredding waits to be finished")
    kept = hands.finish()
    _tell(done, kept, as_json=as_json)


@click.command(cls=ReviewCommand, refuses=_REFUSES)
@click.option(
    "--closed-months", type=_MONTHS, help="Months after the closing day.  [default: closed cases are kept]"
)
@click.option(
    "--spam-months",
    type=_MONTHS,
    default=SPAM_MONTHS,
    show_default=True,
    help="Months after the week of receipt, for likely spam.",
)
@click.option(
    "--test-months", type=_MONTHS, default=TEST_MONTHS, show_default=True, help="The same for tests."
)
@click.option("--apply", "is_applied", is_flag=True, help="Shred what is due; needs --backup.")
@click.option("--backup", "backup_to", type=_FOLDER, help="Folder on another disk for the new backup.")
@click.option("--same-disk", is_flag=True, help="Accept a backup on the vault's own disk. Demo only.")
@click.option(
    "--keystore-copy",
    "copies",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    help="Another copy of the keystore, to be renewed with it; may be repeated.",
)
@click.option("--yes", is_flag=True, help="Ask nothing: for scripts.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
@session.pass_settings
def retention(
    settings: Settings,
    closed_months: int | None,
    spam_months: int,
    test_months: int,
    is_applied: bool,
    backup_to: Path | None,
    same_disk: bool,
    copies: tuple[Path, ...],
    yes: bool,
    as_json: bool,
) -> None:
    """List the cases that were kept as long as the Center decided, and why some wait; --apply shreds the others.

    New and open cases and what is in quarantine never expire. A closed case waits until a release has counted it, if it may
    be counted.
    """
    if is_applied is (backup_to is None):
        raise click.UsageError("--apply and --backup FOLDER go together")
    policy = Policy(closed=closed_months, likely_spam=spam_months, test=test_months)
    if backup_to is None:
        with settings.opened("retention") as (vault, _):
            _list_over(_look(vault, policy, settings), vault, as_json=as_json)
        return
    hands = _take(settings, backup_to, same_disk=same_disk, copies=copies)
    with hands.opened("retention") as vault:
        _require_finished(is_unfinished=hands.is_unfinished(vault))
        over = _look(vault, policy, settings)
        _list_over(over, vault, as_json=as_json)
        due = [one.case for one in over if not one.waits]
        if not due:
            return
        if not yes:
            _typed(f"Type {len(due)} to shred so many cases for good", str(len(due)))
        done = _shred(vault, due, Why.RETENTION, settings)
    kept = hands.finish()
    _tell(done, kept, as_json=as_json)


def _require_finished(*, is_unfinished: bool) -> None:
    """Refuse to begin another shredding: the new key of the first may be in use, and what is deleted now needs another."""
    if is_unfinished:
        raise TransitionError(
            "an earlier shredding is not finished: run `review-tool shred --backup FOLDER` first"
        )


def _shred(vault: Vault, cases: Sequence[str], why: Why, settings: Settings) -> Shredded:
    with vault.transaction() as connection:
        return shredding.shred(connection, cases, why, _who(settings))


def _confirm(cases: Sequence[Case], released: Collection[int], *, yes: bool, as_json: bool) -> None:
    """Say what becomes of the numbers, and let a person type the ids again."""
    for case in cases if not as_json else ():
        if case_number(case.id) in released:
            number = "a release counts it: its numbers stay, and so do the codes it was counted with"
        elif case.state is State.CLOSED:
            number = "no release has counted it: it will be missing in the next one"
        else:
            number = "it is in no number"
        say(f"{case.id}  {case.state.value}  {case.week}  {number}")
    if not yes:
        wanted = " ".join(case.id for case in cases)
        _typed(f"Nobody can bring this back. Type {wanted} to shred", wanted)


def _typed(question: str, wanted: str) -> None:
    """Go on only if a person typed the words."""
    if click.prompt(question, err=True).split() != wanted.split():
        raise click.Abort


def _tell(done: Shredded, kept: Backup, *, as_json: bool) -> None:
    if as_json:
        facts: dict[str, Json] = {
            "shredded": list(done.cases),
            "counted": list(done.counted),
            "entries": done.entries,
            "backup": str(kept.path),
        }
        say_json(facts)
        return
    if done.cases:
        entries = counted(done.entries, "entry", "entries")
        say(f"Shredded: {', '.join(done.cases)}. The log lost the words of {entries}, and holds.")
    say(f"The vault has a new key. New backup, opened again and complete: {kept.path}")
    for sentence in STILL_TO_DO:
        say(f"  {sentence}")


def _look(vault: Vault, policy: Policy, settings: Settings) -> list[Kept]:
    """Find the cases whose time is over, and log that somebody looked."""
    with vault.transaction() as connection:
        uncounted = {one.case for one in publish.countables(connection, date.max)}
        over = policies.over(case_rows.read_cases(connection), policy, day=today(), uncounted=uncounted)
        facts: dict[str, Json] = {"over": len(over), "due": sum(not one.waits for one in over)}
        looked = Entry(act=Act.RETENTION, day=today(), reviewer=settings.reviewer, facts=facts)
        audit.append(connection, [looked])
    return over


def _list_over(over: Sequence[Kept], vault: Vault, *, as_json: bool) -> None:
    for one in over:
        if as_json:
            say_json(
                {"id": one.case, "state": one.state.value, "since": one.since.isoformat(), "waits": one.waits}
            )
        else:
            say(f"{one.case:8} {one.state.value:12} over since {one.since}  {one.waits or 'due'}")
    if as_json:
        return
    due = sum(not one.waits for one in over)
    say(f"{counted(due, 'case')} due, {len(over) - due} waiting.")
    with vault.transaction() as connection:
        stale = _stale_archives(connection)
    for day in stale:
        say(
            f"The archive of {day} is older than the last shredding and still holds what was shredded: destroy it."
        )


def _stale_archives(connection: Connection) -> list[str]:
    """Days of the archives that were made before something was shredded, by the log."""
    shredded = audit.naming(connection, "act", Act.SHRED.value)
    last = shredded[-1][0] if shredded else -1
    made = audit.naming(connection, "act", Act.ARCHIVE.value)
    return [str(facts["day"]) for number, facts in made if number < last]


def _who(settings: Settings) -> Entry:
    return Entry(act=Act.SHRED, day=today(), reviewer=settings.reviewer)


COMMANDS: Final = (hold, shred, retention)
