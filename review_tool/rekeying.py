"""Shredding, the other steps: the vault under a new key, in the order in which nothing that was saved can be lost.

    1  rows deleted, marks set (`shred`)        2  the shred list beside the keystore
    3  the next vault key in the keystore, synced        4  the vault written anew under it, proved, renamed
    5  the keystore without the old key        6  a new backup, which replaces the old one

Cut off anywhere, the vault opens with one of the two keys in the keystore and remembers what is missing; the same command
goes on from there. After 5 no backup made before opens with this keystore: that is how shredding reaches backups.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from crypto.keystore import Keystore
from review_tool import keystore_copies, shred_list, vault_rekey
from review_tool import shred as shredding
from review_tool import vault as vaults
from review_tool.audit import Act, Entry
from review_tool.errors import BackupError
from review_tool.shred import Stage


def change_vault_key(
    directory: Path,
    keystore_file: Path,
    keystore: Keystore,
    passphrase: str,
    who: Entry,
    copies: Sequence[Path] = (),
    draw: Callable[[int], bytes] = secrets.token_bytes,
) -> Keystore:
    """Carry out steps 2 to 5, or what is left of them; returns the keystore as it is afterwards.

    Args:
        directory: of the vault, which nobody has open.
        keystore_file: where the keystore lies; its cost stays.
        keystore: as it was opened.
        passphrase: that opened it.
        who: day and reviewer for the log.
        copies: other files that are this keystore; each is rewritten before the one that counts.
        draw: source of the key.

    Raises:
        BackupError: the shred list cannot be written beside the keystore.
        KeystoreError: a copy is no keystore.
        SecretFileError, MemoryShortError: the keystore or a copy cannot be written; the vault is as it was.
        VaultError: the vault cannot be written; it is as it was.
    """
    files = keystore_copies.costs_of(keystore_file, copies)
    with vaults.open_vault(directory, keystore, day=who.day, reviewer=who.reviewer, command="shred") as vault:
        with vault.transaction() as connection:
            marks, stage = shred_list.marks_of(connection), shredding.stage(connection)
        _write_list(keystore_file.parent, marks)
    if keystore.next_vault_key is None:
        if stage is not Stage.KEY:
            return keystore
        keystore = replace(keystore, next_vault_key=draw(vaults.KEY_SIZE))
        keystore_copies.rewrite(files, keystore, passphrase)
    vault_rekey.rekey(directory, keystore)
    with vaults.open_vault(directory, keystore, day=who.day, reviewer=who.reviewer, command="shred") as vault:
        # Before the old key goes: were it the other way round, a cut would leave a new key and nobody to ask for a backup.
        with vault.transaction() as connection:
            shredding.reach(connection, Stage.BACKUP)
        vault.record(Act.KEY, day=who.day, reviewer=who.reviewer, changed="vault key")
    if keystore.next_vault_key is not None:
        keystore = replace(keystore, vault_key=keystore.next_vault_key, next_vault_key=None)
        keystore_copies.rewrite(files, keystore, passphrase)
    return keystore


def _write_list(folder: Path, marks: frozenset[str]) -> None:
    try:
        shred_list.add(folder, marks)
    except OSError as error:
        raise BackupError(f"the shred list cannot be written to {folder} ({error.strerror})") from None
