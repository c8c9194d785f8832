"""The vault under another key: written anew into a file beside it, proved, and put in its place by one rename.

One pass does what VACUUM and SQLCipher's `rekey` would do in two: those change the only copy in place, and VACUUM holds all of
the vault in memory (docs/decisions.md 50).
"""

import fcntl
import os
from pathlib import Path
from typing import Final

from crypto.keystore import Keystore
from review_tool import audit
from review_tool import vault as vaults
from review_tool.errors import DamagedVaultError, VaultFullError, WrongKeyError
from review_tool.schema import SCHEMA_VERSION

REKEYED_NAME: Final = "vault.db.rekeyed"  # until it is proved and takes its place


def rekey(directory: Path, keystore: Keystore) -> None:
    """Write the vault anew under the keystore's next key, and let that replace it by one rename once it proved good.

    Only rows are copied, so nothing of what was deleted comes along; a vault that has the next key already is left alone.
    Twice the vault's room is needed, some 10 seconds for 10,000 cases (389 MB), and the same memory for any size.

    Raises:
        VaultBusyError: somebody else has the vault open: what they wrote into the old file would be lost.
        VaultFullError: there is no room; the vault is as it was.
        DamagedVaultError: the vault is damaged, or the new file is; the vault is as it was.
    """
    path, fresh = vaults.existing_file(directory), directory / REKEYED_NAME
    key = keystore.next_vault_key
    if key is None:
        raise AssertionError("the next key is in the keystore before anything is written under it")
    with vaults.held(directory, fcntl.LOCK_EX):
        try:
            if not _opens(path, key):
                vaults.discard(fresh)
                with vaults.translated():
                    head = _export(path, keystore.vault_key, fresh, key)
                _prove(fresh, key, head)
                fresh.replace(path)
                vaults.sync_directory(directory)
        except OSError:
            raise VaultFullError from None
        finally:
            vaults.discard(fresh)


def _export(path: Path, key: bytes, fresh: Path, next_key: bytes) -> bytes:
    """Copy all rows of a vault into a new file under another key; returns the last link of its log."""
    os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    connection = vaults.connect(path, key)
    try:
        connection.execute("ATTACH ? AS fresh KEY ?", (fresh.absolute().as_uri(), f"x'{next_key.hex()}'"))
        connection.execute("SELECT sqlcipher_export('fresh')").fetchall()
        connection.execute(f"PRAGMA fresh.user_version = {SCHEMA_VERSION}")
        link: bytes = connection.execute("SELECT link FROM audit ORDER BY number DESC LIMIT 1").fetchone()[0]
    finally:
        connection.close()
    return link


def _prove(path: Path, key: bytes, link: bytes) -> None:
    engine = vaults.engine_of(path, key)
    try:
        with vaults.translated(), engine.begin() as connection:
            vaults.require_whole(connection)
            if audit.head(connection) != link.hex():
                raise DamagedVaultError
    finally:
        engine.dispose()


def _opens(path: Path, key: bytes) -> bool:
    try:
        with vaults.translated():
            vaults.connect(path, key).close()
    except WrongKeyError:
        return False
    return True
