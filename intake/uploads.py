"""Files on their way into an envelope: encrypted while they arrive, never parsed, gone when the request ends.

A file part goes straight into a spool: an unlinked file beside the store, under a key that lives only in this process
and only as long as the spool. So a disk, a crash or a pulled plug leaves nothing that anybody could open (P5).
"""

import hashlib
import secrets
import tempfile  # noqa: TID251 - what it holds is encrypted already
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor

from crypto import labels
from crypto.payload import Attachment, AttachmentMeta

_KEY_SIZE: Final = 32  # bytes; Cobblestone-256
_STEP: Final = 1_048_576  # bytes read back at once; sealing copies the less the larger it is


class Spool:
    """Bytes that were written once and are read once, encrypted in between.

    Attributes:
        size: bytes written.
    """

    def __init__(self, directory: Path) -> None:
        """Make the file.

        Raises:
            OSError: the directory takes none.
        """
        self.size = 0
        self._key = bytearray(secrets.token_bytes(_KEY_SIZE))
        self._cipher = Cobblestone256Encryptor(self._key, labels.SPOOL)
        self._digest = hashlib.sha256()
        self._file = scratch(directory)

    def write(self, piece: bytes) -> None:
        """Take more bytes.

        Raises:
            OSError: the disk took no more.
        """
        self.size += len(piece)
        self._digest.update(piece)
        self._file.write(self._cipher.update(piece))

    def finish(self) -> str:
        """Say that nothing more comes, and return the SHA-256 of it all in hex.

        Raises:
            OSError: the disk took no more.
        """
        self._file.write(self._cipher.finalize())
        self._file.flush()
        return self._digest.hexdigest()

    def pieces(self) -> Iterator[bytes]:
        """Read everything back.

        Raises:
            OSError: the disk gives it back no more.
            InvalidTag: it gives back something else.
        """
        cipher = Cobblestone256Decryptor(self._key, labels.SPOOL)
        self._file.seek(0)
        while encrypted := self._file.read(_STEP):
            yield cipher.update(encrypted)
        yield cipher.finalize()

    def close(self) -> None:
        """Forget the key; without a name and without a reader the file is gone."""
        self._key[:] = bytes(_KEY_SIZE)
        self._file.close()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Upload:
    """One file that arrived whole, with what the browser claimed of it."""

    meta: AttachmentMeta
    spool: Spool

    @property
    def attachment(self) -> Attachment:
        """The file as `crypto.seal` takes it, once."""
        return Attachment(meta=self.meta, pieces=self.spool.pieces())

    def close(self) -> None:
        """Forget it."""
        self.spool.close()

    def __repr__(self) -> str:
        return "Upload(redacted)"


def scratch(directory: Path) -> BinaryIO:
    """Make a file without a name, for what is encrypted already.

    Raises:
        OSError: the directory takes none.
    """
    return tempfile.TemporaryFile(dir=directory)
