"""The commands that carry things across the gap and keep the vault safe: pair, receive, backup, audit."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import Progress

from crypto.canonical import Json
from crypto.errors import BundleError, SignatureError
from crypto.fingerprint import fingerprint
from review_tool import acknowledge, arrivals, audit, pairing, session
from review_tool import backup as backups
from review_tool import quarantine as quarantines
from review_tool import receive as receiving
from review_tool import vault as vaults
from review_tool.audit import Act, Entry
from review_tool.backup import Backup
from review_tool.errors import (
    AuditError,
    BackupError,
    DamagedBackupError,
    DoubtError,
    NoBackupError,
    PairingError,
    PaperLogError,
    ReceiveError,
)
from review_tool.exit_codes import VAULT, ReviewCommand
from review_tool.receive import Received
from review_tool.session import SOFTWARE, Settings, say, say_json
from review_tool.shred_list import LIST_NAME
from review_tool.terminal import counted
from review_tool.vault import today

SAME_DISK: Final = (
    "the backup is on the vault's own disk: whoever loses that disk loses every report. Demo only."
)


@click.command(cls=ReviewCommand, refuses=(*VAULT, PairingError))
@click.argument("export_key", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--yes", is_flag=True, help="The fingerprint was compared already: do not ask.")
@session.pass_settings
def pair(settings: Settings, export_key: Path, yes: bool) -> None:
    """Believe bundles of the server whose export.pub this is, after its fingerprint was compared.

    `intake init` and `intake check` show the same digits on the server.
    """
    public = pairing.parse_export_key(session.read_text(export_key))
    say(f"Fingerprint of the server's export key:\n  {fingerprint(public)}")
    if not yes:
        click.confirm("Does the server show exactly these digits?", abort=True)
    with settings.opened("pair") as (vault, _):
        pairing.pair(vault, public, day=today(), reviewer=settings.reviewer)
    say("Paired. Bundles of this server are accepted from now on.")


@click.command(
    cls=ReviewCommand,
    refuses=(
        *VAULT,
        PairingError,
        ReceiveError,
        SignatureError,
        BundleError,
        DoubtError,
        BackupError,
        NoBackupError,
    ),
)
@click.argument("bundle", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--backup", "backup_to", type=click.Path(path_type=Path), help="Folder on another disk for the backup."
)
@click.option(
    "--ack-to", type=click.Path(path_type=Path), help="Folder for the acknowledgement, on the stick."
)
@click.option("--same-disk", is_flag=True, help="Accept a backup on the vault's own disk. Demo only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@session.pass_settings
def receive(
    settings: Settings,
    bundle: Path,
    backup_to: Path | None,
    ack_to: Path | None,
    same_disk: bool,
    as_json: bool,
) -> None:
    """Take the reports of a BUNDLE folder into the vault; run it again whenever it was broken off.

    The server forgets a report only by an acknowledgement, which is written only when everything also lies in a
    backup on another disk: give --backup and --ack-to. Whatever looks wrong is named, the rest is kept, and the
    command ends with a code of its own.
    """
    if ack_to is not None and backup_to is None:
        raise NoBackupError("an acknowledgement needs a backup: give --backup FOLDER on another disk")
    day, reviewer = today(), settings.reviewer
    with settings.opened("receive") as (vault, keystore), _progress("Opening reports") as step:
        with session.noting(f"the bundle is {bundle}", ReceiveError, SignatureError, BundleError):
            received = receiving.receive(
                vault, bundle, keystore, day=day, reviewer=reviewer, software=SOFTWARE, progress=step
            )
        kept = written = None
        if backup_to is not None:
            kept = backups.write_backup(
                vault, keystore, backup_to, day=day, reviewer=reviewer, same_disk=same_disk
            )
        if kept is not None and ack_to is not None:
            written = acknowledge.acknowledge(
                vault, received, kept, keystore, ack_to, day=day, reviewer=reviewer
            )
    _shout(kept)
    if as_json:
        say_json(_facts(received, kept, written))
    else:
        _tell(received, kept, written)
    if received.is_doubtful:
        raise DoubtError("something about this bundle needs your eyes: read what stands above")


def _facts(received: Received, kept: Backup | None, written: Path | None) -> dict[str, Json]:
    return {
        "bundle": received.seq,
        "opened": received.opened,
        "known": received.known,
        "copies": received.copies,
        "shredded": received.shredded,
        "retried": received.retried,
        "quarantined": dict(received.quarantined),
        "damaged": dict(received.damaged),
        "foreign": list(received.foreign),
        "doubts": list(received.doubts),
        "backup": None if kept is None else str(kept.path),
        "acknowledgement": None if written is None else str(written),
    }


def _tell(received: Received, kept: Backup | None, written: Path | None) -> None:
    say(f"Bundle {received.seq}: {counted(received.opened, 'report')} opened, {received.known} here before.")
    for count, what in (
        (received.copies, "dropped: here already under another seal"),
        (received.shredded, "dropped: destroyed earlier, and that stays so"),
        (received.retried, "set aside earlier, opened now"),
    ):
        if count:
            say(f"  {counted(count, 'report')} {what}")
    for reason, count in received.quarantined.items():
        say(f"  {count} set aside sealed, see `review-tool quarantine`: {reason}")
    for envelope, why in received.damaged.items():
        say(f"  envelope {envelope} {why}; it stays on the server")
    for name in received.foreign:
        say(f"  not part of the bundle, left alone: {name}")
    for doubt in received.doubts:
        say(f"  DOUBT: {doubt}")
    if kept is not None:
        say(f"Backup, opened again and complete: {kept.path}")
    if written is not None:
        say(f"Acknowledgement for the server: {written}\nThe stick may be taken out now.")
    else:
        say("No acknowledgement was written: the server keeps its copies.")


@click.command(cls=ReviewCommand, refuses=VAULT)
@click.option(
    "--retry", is_flag=True, help="First try all of them again with the keys and the software of today."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object an envelope.")
@session.pass_settings
def quarantine(settings: Settings, retry: bool, as_json: bool) -> None:
    """List the envelopes that could not be opened: what each class means, and what to do next.

    Their sealed bytes are kept in the vault. What lacks a key or newer software is tried again at each `receive`.
    """
    who = Entry(act=Act.LIST, day=today(), reviewer=settings.reviewer)
    with settings.opened("quarantine") as (vault, keystore):
        ring = arrivals.ring_of(keystore, SOFTWARE)
        opened = arrivals.retry(vault, ring, who, every=True) if retry else 0
        with vault.transaction() as connection:
            found = quarantines.waiting(connection)
            facts: dict[str, Json] = {"quarantined": len(found), "retried": opened}
            audit.append(connection, [replace(who, facts=facts)])
    if as_json:
        for one in found:
            say_json(one.facts())
        return
    for one in found:
        remedy, bundle = quarantines.REMEDIES[one.reason], "?" if one.bundle is None else one.bundle
        say(f"{one.envelope[: quarantines.SHOWN_DIGITS]}  bundle {bundle}  {one.day:10}  {one.reason}")
        if one.file:
            say(f"    File in the bundle: {one.file}")
        say(f"    {remedy.means}.\n    Next: {remedy.next}.")
    if retry:
        say(
            f"{counted(opened, 'envelope')} could be opened now; `review-tool list --state new` shows the cases."
        )
    say(f"{counted(len(found), 'envelope')} in quarantine.")


@click.command(cls=ReviewCommand, refuses=(*VAULT, BackupError, NoBackupError))
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--same-disk", is_flag=True, help="Accept a folder on the vault's own disk. Demo only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@session.pass_settings
def backup(settings: Settings, directory: Path, same_disk: bool, as_json: bool) -> None:
    """Copy the encrypted vault to a DIRECTORY on another disk, and open the copy to prove it.

    `restore` puts it back. The keystore is not in it.
    """
    with settings.opened("backup") as (vault, keystore):
        kept = backups.write_backup(
            vault, keystore, directory, day=today(), reviewer=settings.reviewer, same_disk=same_disk
        )
    _shout(kept)
    if as_json:
        say_json({"backup": str(kept.path), "audit_head": kept.audit_head, "entries": kept.entries})
    else:
        say(f"Backup, opened again and complete: {kept.path}")


@click.command(cls=ReviewCommand, refuses=(*VAULT, BackupError, DamagedBackupError))
@click.argument("backup", type=click.Path(path_type=Path))
@click.option(
    "--shred-list",
    "more",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    help="Another shred list than those beside the backup and beside the keystore; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@session.pass_settings
def restore(settings: Settings, backup: Path, more: tuple[Path, ...], as_json: bool) -> None:
    """Put a BACKUP, the file or its folder, into the empty folder --vault, after proving that it is whole.

    What was shredded since is shredded again, by the shred lists beside the backup and beside the keystore. What was received, decided or released after the backup was made is not in it: receive the last bundles again, and
    do not release anything before you know which release was the last.
    """
    keystore = settings.read_keystore()
    restored = backups.restore(
        backup,
        keystore,
        settings.vault_directory,
        shred_lists=[settings.keystore_file.with_name(LIST_NAME), *more],
        day=today(),
        reviewer=settings.reviewer,
    )
    again = list[Json](restored.shredded.cases)
    if as_json:
        say_json(
            {
                "vault": str(settings.vault_directory),
                "entries": restored.entries,
                "shred_list": restored.marks,
                "shredded": again,
            }
        )
    else:
        length = counted(restored.entries, "entry", "entries")
        say(f"Restored, every page whole, the log with {length}: {settings.vault_directory}")
        say(f"Shred list: {counted(restored.marks, 'mark')}; shredded again: {counted(len(again), 'case')}.")
        if not restored.marks:
            say(
                "If a case was ever shredded, its list is missing here: restore again with --shred-list FILE."
            )
        if again:
            say("Now run `review-tool shred --backup FOLDER`: it finishes that.")
        say("Now receive again the bundles that came after this backup.")


@click.command(name="audit", cls=ReviewCommand, refuses=(*VAULT, AuditError, PaperLogError))
@click.option("--verify", is_flag=True, help="Check every page of the vault, and walk the whole chain.")
@click.option("--entries", is_flag=True, help="Print every entry.")
@click.option("--paper", default="", help="Digits out of the paper log: was that ever the head of this log?")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
@session.pass_settings
def audit_command(settings: Settings, verify: bool, entries: bool, paper: str, as_json: bool) -> None:
    """Show the head of the log as digits for the paper log; --verify proves that nothing is damaged or was changed.

    A log that was cut, or a vault that was set back, holds together by itself: only a head that was written down shows it.
    --paper looks for one.
    """
    with settings.opened("audit") as (vault, _):
        if verify:
            with vault.transaction() as connection:
                vaults.require_whole(connection)
        vault.record(Act.AUDIT, day=today(), reviewer=settings.reviewer, verify=verify, entries=entries)
        with vault.transaction() as connection:
            verified = audit.verify(connection) if verify else None
            listed = audit.read(connection) if entries else []
            head = audit.head(connection)
            place = audit.position(connection, paper) if paper else None
    if paper and place is None:
        raise PaperLogError
    for number, facts in listed:
        said: dict[str, Json] = {"number": number, **(facts or {"act": "shredded"})}
        say_json(said) if as_json else say(_entry_line(said))
    if as_json:
        count = None if verified is None else verified.entries
        say_json({"head": head, "digits": audit.digits(head), "verified": count, "paper": place})
        return
    if verified is not None:
        say("Every page of the vault is whole.")
        length = counted(verified.entries, "entry", "entries")
        say(f"The chain holds: {length}, {verified.shredded} of them shredded.")
    if place is not None:
        say(f"The digits from the paper log are those of entry {place}: all up to it is as it was then.")
    say(f"Head of the log, for the paper log:\n  {audit.digits(head)}")


def _entry_line(facts: dict[str, Json]) -> str:
    first = f"{facts.pop('number'):>7}  {facts.pop('day', ''):10}  {facts.pop('reviewer', '')}  {facts.pop('act')}"
    return "  ".join([first, *(f"{name}={value}" for name, value in sorted(facts.items()))])


def _shout(kept: Backup | None) -> None:
    if kept is not None and kept.on_same_disk:
        say(f"WARNING: {SAME_DISK}", err=True)


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int], None]]:
    """Show how far a long act is, on a terminal only."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done: bar.update(task, advance=done)


COMMANDS: Final = (pair, receive, quarantine, backup, restore, audit_command)
