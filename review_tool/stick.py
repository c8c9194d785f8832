"""Reading from a stick, which is hostile whatever it says: names, types and sizes are checked before a byte is read.

Nothing on it is followed (no links of either kind), waited for (no pipes), executed or shown unescaped, and nothing is
written to it. A file is looked at, opened without following, and looked at again: what was checked is what is read.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from review_tool.errors import ReceiveError

MOST_NAMES: Final = 200_000  # directory entries; a bundle of 2 GiB holds about 62,000 envelopes
_OPEN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


class StickFileError(Exception):
    """One file on the stick cannot be used; the message says why, without its name."""


class AbsentError(StickFileError):
    """There is no such file."""


@dataclass(frozen=True, slots=True)
class Stick:
    """One directory on a stick, held open."""

    handle: int

    def names(self) -> list[str]:
        """Names of all entries, as they are, undecodable bytes included.

        Raises:
            ReceiveError: far more than a bundle has.
        """
        found: list[str] = []
        with os.scandir(self.handle) as entries:
            for entry in entries:
                found.append(entry.name)
                if len(found) > MOST_NAMES:
                    raise ReceiveError(
                        f"the bundle holds more than {MOST_NAMES} files; it is no bundle of ours"
                    )
        return found

    def read(self, name: str, *, limit: int, exactly: int | None = None) -> bytes:
        """Read one regular file that is no link.

        Args:
            name: a plain name, made or matched by us.
            limit: bytes; a larger file is refused unread.
            exactly: bytes it must have, if known.

        Raises:
            AbsentError: there is no such file.
            StickFileError: a link, no regular file, another size, or unreadable.
        """
        try:
            before = os.stat(name, dir_fd=self.handle, follow_symlinks=False)
            _check(before, limit, exactly)
            handle = os.open(name, _OPEN, dir_fd=self.handle)
            with os.fdopen(handle, "rb") as file:
                opened = os.fstat(file.fileno())
                _check(opened, limit, exactly)
                if (opened.st_dev, opened.st_ino) != (before.st_dev, before.st_ino):
                    raise StickFileError("changed while it was read")
                content = file.read(opened.st_size + 1)
        except FileNotFoundError:
            raise AbsentError("is missing") from None
        except OSError as error:
            raise StickFileError(f"cannot be read ({error.strerror})") from None
        if len(content) != opened.st_size:
            raise StickFileError("changed while it was read")
        return content


@contextmanager
def opened(directory: Path) -> Iterator[Stick]:
    """Hold a directory open, itself no link.

    Raises:
        ReceiveError: it is not a directory, or cannot be read.
    """
    try:
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise ReceiveError(
            f"the bundle is no readable folder ({error.strerror}); give the folder itself"
        ) from None
    try:
        yield Stick(handle)
    finally:
        os.close(handle)


def _check(found: os.stat_result, limit: int, exactly: int | None) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise StickFileError("is a link or no regular file")
    if found.st_nlink > 1:
        raise StickFileError("has a second name elsewhere (a hard link)")
    if found.st_size > limit:
        raise StickFileError(f"is larger than {limit} bytes")
    if exactly is not None and found.st_size != exactly:
        raise StickFileError("has another size than the manifest says")
