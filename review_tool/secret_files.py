"""Where a file that holds a secret may lie, and how it is written.

On flash memory a file that was deleted can often be read again: only what lies in memory, or on a medium that is
carried away or destroyed whole, goes when it should. Nothing here ever replaces a file that is there.
"""

import os
from enum import StrEnum
from pathlib import Path
from typing import Final

from review_tool.errors import SecretFileError

_OWNER_ONLY: Final = 0o600
_OWNER_ONLY_DIRECTORY: Final = 0o700
_MEMORY: Final = frozenset({"tmpfs", "ramfs"})  # file systems whose files are gone when the power is
_MOUNTS: Final = Path("/proc/self/mountinfo")
_DEVICES: Final = Path("/sys/dev/block")
_DEEPEST: Final = 8  # levels of mappers (encryption on volumes on RAID ..); more is a loop


class Medium(StrEnum):
    """What a directory lies on, as seen from the vault."""

    MEMORY = "memory"
    OTHER = "other"
    SAME = "same"


def write_secret(path: Path, text: str) -> None:
    """Write a new file that only its owner can read, durable before the return.

    Raises:
        SecretFileError: something is there already, or the file cannot be written.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _OWNER_ONLY)
    except FileExistsError:
        raise SecretFileError(f"{path} exists; a file with a secret is never written over") from None
    except OSError as error:
        raise SecretFileError(f"{path} cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), _OWNER_ONLY)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _sync_directory(path.parent)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise SecretFileError(f"{path} cannot be written: {error.strerror}") from None


def make_secret_directory(path: Path) -> None:
    """Make a directory, parents included, that only its owner can enter; one that is there stays as it is.

    Raises:
        SecretFileError: it cannot be made.
    """
    try:
        path.mkdir(mode=_OWNER_ONLY_DIRECTORY, parents=True, exist_ok=True)
    except OSError as error:
        raise SecretFileError(f"{path} cannot be made: {error.strerror}") from None


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def medium_of(directory: Path, *, vault: Path, mounts: Path = _MOUNTS, devices: Path = _DEVICES) -> Medium:
    """Tell whether a directory lies in memory, on the vault's own medium or on another one.

    Two partitions, or two encrypted volumes, of one disk are one medium. A path that is not there yet counts as
    its nearest parent that is.
    """
    place, home = _nearest(directory), _nearest(vault)
    if _file_system(place, mounts) in _MEMORY:
        return Medium.MEMORY
    shared = disks(place.stat().st_dev, devices) & disks(home.stat().st_dev, devices)
    return Medium.SAME if shared else Medium.OTHER


def _nearest(path: Path) -> Path:
    for candidate in (path.resolve(), *path.resolve().parents):
        if candidate.exists():
            return candidate
    raise AssertionError("the root directory always exists")


def _file_system(place: Path, mounts: Path) -> str:
    """Type of the file system that holds a place (proc(5): the type follows a lone hyphen)."""
    device = place.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
        before, _, after = line.partition(" - ")
        if before.split(" ")[2] == wanted:
            return after.split(" ")[0]
    return ""


def disks(device: int, devices: Path = _DEVICES) -> frozenset[str]:
    """Names of the whole disks below a device number: through partitions, encryption and volumes.

    A device without a disk (memory, overlay, network) stands for itself.
    """
    number = f"{os.major(device)}:{os.minor(device)}"
    entry = devices / number
    if not entry.exists():
        return frozenset({number})
    return _disks_below(entry.resolve(), _DEEPEST)


def _disks_below(entry: Path, depth: int) -> frozenset[str]:
    slaves = sorted((entry / "slaves").iterdir()) if (entry / "slaves").is_dir() else []
    if slaves and depth:
        return frozenset[str]().union(*(_disks_below(slave.resolve(), depth - 1) for slave in slaves))
    return frozenset({entry.parent.name if (entry / "partition").exists() else entry.name})
