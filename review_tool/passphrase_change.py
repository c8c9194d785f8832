"""A keystore rewritten, under a new passphrase or with another vault key: at no moment there is no keystore.

The new file is written beside the old one, opened again with the new words, and takes its place by one rename. Cut off
before it, the old file is there; after it, the new one. Nothing here shows a passphrase. What a rename replaces can often
be read again on flash memory, so a passphrase that somebody else knows is worth a new stick (docs/reviewing.md).
"""

from contextlib import suppress
from pathlib import Path
from typing import Final

from crypto.keystore import Cost, Keystore, RootKeystore, read_keystore, read_root_keystore, write_keystore
from review_tool import vault as vaults
from review_tool.errors import MemoryShortError, SecretFileError

BESIDE: Final = ".changing"  # suffix of the new file until it is proved


def rewrite(path: Path, stored: Keystore | RootKeystore, passphrase: str, cost: Cost) -> None:
    """Put keys under a passphrase, in the place of the file that they came from.

    Raises:
        SecretFileError: it cannot be written, or does not give back what was put in; the old file is untouched.
        MemoryShortError: too little memory for the work; the old file is untouched.
    """
    beside = path.with_name(path.name + BESIDE)
    try:
        write_keystore(beside, stored, passphrase, cost)
        _prove(beside, stored, passphrase)
        beside.replace(path)
        vaults.sync_directory(path.parent)
    except OSError as error:
        raise SecretFileError(
            f"{path} cannot be written ({error.strerror}); the old file is there, and its passphrase still opens it"
        ) from None
    except MemoryError:
        raise MemoryShortError from None
    finally:
        with suppress(OSError):  # what was to be said is said above; the next try takes the leftover away
            beside.unlink(missing_ok=True)


def _prove(path: Path, stored: Keystore | RootKeystore, passphrase: str) -> None:
    read = read_root_keystore if isinstance(stored, RootKeystore) else read_keystore
    if read(path, passphrase) != stored:
        raise SecretFileError(
            "the new file did not give back the keys; the old one is there, and its passphrase still opens it"
        )
