"""A keystore and its other copies, which change together: the one that counts is written last."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from crypto import keystore as keystores
from crypto.errors import KeystoreError
from crypto.keystore import Cost, Keystore, read_keystore
from review_tool import passphrase_change, session
from review_tool.errors import SecretFileError


def require_all(keystore_file: Path, copies: Sequence[Path], keystore: Keystore, passphrase: str) -> None:
    """Refuse to write over anything but the same keys (the root keystore looks like any other), and where nothing can be written.

    Raises:
        SecretFileError: a folder cannot be written.
        KeystoreError: a copy is not this keystore under the same passphrase.
    """
    for file in (keystore_file, *copies):
        if not os.access(file.parent, os.W_OK):
            raise SecretFileError(
                f"{file.parent} cannot be written, and the keystore must be: nothing was changed"
            )
    for copy in copies:
        with session.noting(
            f"{copy} is not this keystore under the same passphrase: nothing was changed", KeystoreError
        ):
            found = read_keystore(copy, passphrase)
            if (found.center, found.epochs, found.ack_seed) != (
                keystore.center,
                keystore.epochs,
                keystore.ack_seed,
            ):
                raise KeystoreError


def costs_of(keystore_file: Path, copies: Sequence[Path]) -> dict[Path, Cost]:
    """What a guess at each file costs, in the order in which they are to be written.

    Raises:
        KeystoreError: a file is no keystore.
    """
    return {file: keystores.cost_of(file) for file in (*copies, keystore_file)}


def rewrite(files: Mapping[Path, Cost], keystore: Keystore, passphrase: str) -> None:
    """Write all of them anew, each proved before it takes its place.

    Raises:
        SecretFileError, MemoryShortError: one cannot be written; those before it are new, the others as they were.
    """
    for file, cost in files.items():
        passphrase_change.rewrite(file, keystore, passphrase, cost)
