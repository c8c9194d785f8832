"""The encrypted backup: a whole copy of the vault on another medium, believed only after it was opened again.

The copy is the same ciphertext under the same key, so it needs the keystore as the vault does. The keystore itself is
not in it: that has copies of its own. The old backup is replaced by one rename, after the new one proved good. Beside it
lies the shred list, so that no older backup brings back what was shredded.
"""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from sqlalchemy import select

from crypto.keystore import Keystore
from review_tool import audit, case_rows, secret_files, shred_list
from review_tool import shred as shredding
from review_tool import vault as vaults
from review_tool.audit import Act, Entry
from review_tool.errors import (
    AuditError,
    BackupError,
    DamagedBackupError,
    NoBackupError,
    VaultError,
    VaultVersionError,
    WrongKeyError,
)
from review_tool.schema import ENVELOPE
from review_tool.secret_files import Medium
from review_tool.shred import Shredded, Stage
from review_tool.vault import Vault

BACKUP_NAME: Final = "vault-backup.db"
UNFINISHED_NAME: Final = "vault-backup.db.new"
RESTORING_NAME: Final = "vault.db.restoring"  # becomes the vault by one rename
PIECE: Final = 1024 * 1024  # bytes copied at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A backup that was opened again and holds together.

    Attributes:
        path: the file.
        audit_head: last link of the chain inside the copy, 64 hex digits.
        entries: length of that chain.
        on_same_disk: True if it shares a disk with the vault; no protection against the loss of that disk.
    """

    path: Path
    audit_head: str
    entries: int
    on_same_disk: bool


def write_backup(
    vault: Vault, keystore: Keystore, directory: Path, *, day: date, reviewer: str, same_disk: bool = False
) -> Backup:
    """Copy the vault to another medium, open the copy and walk through it, then let it replace the old one.

    Args:
        vault: the open vault.
        keystore: opens the copy.
        directory: on another disk than the vault's.
        day: today.
        reviewer: pseudonym for the log.
        same_disk: accept a directory on the vault's own disk, or in memory (demo and tests).

    Raises:
        NoBackupError: the directory is on the vault's disk or in memory.
        DamagedVaultError: the vault itself is damaged; the old backup is untouched.
        BackupError: it cannot be written, or the copy is not good; the old backup is untouched.
    """
    medium = require_medium(vault.directory, directory, same_disk=same_disk)
    unfinished, path = directory / UNFINISHED_NAME, directory / BACKUP_NAME
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The transaction keeps every writer out while the bytes are copied.
        with vault.transaction() as connection:
            # Looked at before the copy: else a damaged vault would be blamed on the medium.
            vaults.require_whole(connection)
            head, marks = audit.head(connection), shred_list.marks_of(connection)
            _copy(vault.directory / vaults.FILE_NAME, unfinished)
        entries = _proved(unfinished, keystore, head)
        unfinished.rename(path)
        vaults.sync_directory(directory)
        shred_list.add(directory, marks)
    except OSError as error:
        raise BackupError(
            f"the backup could not be written ({error.strerror}); the old one is untouched"
        ) from None
    made = Entry(act=Act.BACKUP, day=day, reviewer=reviewer, facts={"head": head, "entries": entries})
    with vault.transaction() as connection:
        if shredding.stage(connection) is Stage.BACKUP:  # what was still missing
            shredding.reach(connection, Stage.DONE)
        audit.append(connection, [made])
    return Backup(path=path, audit_head=head, entries=entries, on_same_disk=medium is not Medium.OTHER)


def require_medium(vault: Path, directory: Path, *, same_disk: bool) -> Medium:
    """Tell on what a folder for backups lies, and refuse one that would be lost together with the vault.

    Raises:
        NoBackupError: the directory is on the vault's disk or in memory, and `same_disk` does not accept that.
    """
    medium = secret_files.medium_of(directory, vault=vault)
    if medium is not Medium.OTHER and not same_disk:
        raise NoBackupError(
            f"{directory} is {'in memory' if medium is Medium.MEMORY else 'on the disk of the vault'}: "
            "one loss would take both; give a folder on another disk"
        )
    return medium


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A vault that came back.

    Attributes:
        entries: length of its log.
        marks: marks on the shred lists that were found.
        shredded: what the backup still held although it was shredded later, and what was shredded again.
    """

    entries: int
    marks: int
    shredded: Shredded


def restore(
    source: Path,
    keystore: Keystore,
    directory: Path,
    *,
    shred_lists: Iterable[Path] = (),
    day: date,
    reviewer: str,
) -> Restored:
    """Put a backup into an empty vault directory, after every page and the whole chain of it proved good.

    Args:
        source: the backup's file, or the folder that holds it.
        keystore: the one of the vault that was backed up.
        directory: where the vault goes; nothing is written over.
        shred_lists: files, which may be missing, beside the one that lies with the backup.
        day: today.
        reviewer: pseudonym for the log.

    Raises:
        VaultError: there is a vault already.
        DamagedBackupError: there is no backup, or it is not whole or not of this keystore's vault; nothing was restored.
        FileFormatError: a shred list is none; nothing was restored.
        BackupError: it cannot be read, or the directory cannot be written.
    """
    backup = source / BACKUP_NAME if source.is_dir() else source
    path, unfinished = directory / vaults.FILE_NAME, directory / RESTORING_NAME
    if path.exists():
        raise VaultError(
            f"{directory} holds a vault already; restore into an empty folder, nothing is written over"
        )
    try:
        if not backup.is_file():
            raise DamagedBackupError(
                str(backup), "is not there: put its disk in, or name the folder that `backup` wrote"
            )
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _copy(backup, unfinished)
        entries = _good_backup(unfinished, backup, keystore)
        marks = shred_list.read([backup.with_name(shred_list.LIST_NAME), *shred_lists])
        shredded = _shredded_again(unfinished, keystore, marks, day=day, reviewer=reviewer)
        unfinished.rename(path)
        vaults.sync_directory(directory)
    except OSError as error:
        raise BackupError(f"{backup} cannot be restored to {directory} ({error.strerror})") from None
    finally:
        with suppress(OSError):  # where no folder could be made, there is nothing to take away
            unfinished.unlink()
    with vaults.open_vault(directory, keystore, day=day, reviewer=reviewer, command="restore") as vault:
        vault.record(Act.RESTORE, day=day, reviewer=reviewer, entries=entries)
    return Restored(entries=entries, marks=len(marks), shredded=shredded)


def _shredded_again(
    copy: Path, keystore: Keystore, marks: frozenset[str], *, day: date, reviewer: str
) -> Shredded:
    """Shred in the copy what must not come back, before anybody can open it as the vault."""
    with vaults.open_copy(copy, keystore) as opened, opened.transaction() as connection:
        if shredding.stage(connection) is Stage.BACKUP:  # this is the backup that was missing
            shredding.reach(connection, Stage.DONE)
        return shredding.again(connection, marks, day=day, reviewer=reviewer)


def _good_backup(copy: Path, backup: Path, keystore: Keystore) -> int:
    try:
        with vaults.open_copy(copy, keystore) as opened, opened.transaction() as connection:
            vaults.require_whole(connection)
            return audit.verify(connection).entries
    except WrongKeyError:
        raise DamagedBackupError(
            str(backup),
            "does not open with this keystore: it is of another vault, damaged, or older than the last shredding",
        ) from None
    except VaultVersionError:
        raise
    except (VaultError, AuditError):
        raise DamagedBackupError(str(backup), "is damaged") from None


def missing_from(backup: Backup, keystore: Keystore, digests: Sequence[str]) -> list[str]:
    """Those ciphertexts of a list that the backup does not vouch for, read from the backup itself."""
    with vaults.open_copy(backup.path, keystore) as copy, copy.transaction() as connection:
        held: set[str] = set()
        for some in case_rows.chunks(digests):
            query = select(ENVELOPE.c.sha256).where(ENVELOPE.c.sha256.in_(some))
            held.update(connection.execute(query).scalars())
    return [digest for digest in digests if digest not in held]


def _copy(source: Path, target: Path) -> None:
    """Copy a file durably, readable by its owner alone, and forget it from memory: it is read back from the medium."""
    target.unlink(missing_ok=True)
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with source.open("rb") as reader, os.fdopen(handle, "wb") as writer:
        while piece := reader.read(PIECE):
            writer.write(piece)
        writer.flush()
        os.fsync(writer.fileno())
        os.posix_fadvise(writer.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _proved(path: Path, keystore: Keystore, head: str) -> int:
    """Open a copy, check every page and the whole chain, and count the chain's entries."""
    try:
        with vaults.open_copy(path, keystore) as copy, copy.transaction() as connection:
            vaults.require_whole(connection)
            verified = audit.verify(connection)
    except VaultError:
        raise BackupError(
            "the new backup was damaged on its way, the vault is whole; use another medium"
        ) from None
    except AuditError as error:
        raise BackupError(f"the audit chain breaks in the vault itself: {error}") from None
    if verified.head != head:
        raise BackupError("the new backup is not the vault that was copied; use another medium")
    return verified.entries
