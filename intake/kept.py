"""What the server remembers beside the store: its export key, the last manifest, the last acknowledgement, a serial.

Together with the store they are the whole state of the exchange (FORMAT.md §7): nothing counts exports, nothing
holds a time finer than the week. Each file is replaced in one step, so a crash leaves the old one or the new one.
"""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from crypto import signing
from crypto.bundle import Acknowledgement, Manifest, read_acknowledgement, read_manifest
from crypto.errors import BundleError, KeyStringError, SignatureError
from intake import errors
from intake.clock import monday
from intake.config import EXPORT_KEY_NAME, EXPORT_PUBLIC_NAME
from intake.slots import FREE_WEEK

MANIFEST_NAME: Final = "last-manifest"
_NEXT_MANIFEST_NAME: Final = "next-manifest"  # of a bundle in the making; nobody reads it
ACKNOWLEDGEMENT_NAME: Final = "last-acknowledgement"
SERIAL_NAME: Final = "highest-serial"
FLOOD_NAME: Final = "last-flood"
_SEED_SIZE: Final = 32  # bytes of an Ed25519 seed


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ExportKey:
    """The server's own signing key, of low value: it proves gaps and order of bundles, never truth."""

    seed: bytes

    @property
    def public(self) -> bytes:
        """What the review machine records at pairing."""
        return signing.public_of(self.seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastManifest:
    """The manifest of the last bundle.

    Attributes:
        manifest: what it lists.
        sha256: of its bytes, in hex; the next manifest names it.
        week: the Monday of the week in which it was written.
    """

    manifest: Manifest
    sha256: str
    week: date


@dataclass(frozen=True, slots=True, kw_only=True)
class LastAcknowledgement:
    """The newest acknowledgement, and the Monday of the week in which it was applied."""

    acknowledgement: Acknowledgement
    week: date


def make_export_key(data_dir: Path) -> ExportKey:
    """Make the export key, the secret half readable by the owner alone, and its public half.

    Raises:
        AlreadyInitialisedError: there is one; another would have to be paired again.
    """
    path = data_dir / EXPORT_KEY_NAME
    if path.exists():
        raise errors.AlreadyInitialisedError(f"{path} exists already; it was left as it is")
    key = ExportKey(seed=secrets.token_bytes(_SEED_SIZE))
    replace_file(
        data_dir / EXPORT_PUBLIC_NAME, signing.format_public_key(key.public, "vouchsafe export key").encode()
    )
    replace_file(path, key.seed.hex().encode() + b"\n")
    return key


def read_export_key(data_dir: Path) -> ExportKey:
    """Read the export key.

    Raises:
        NotInitialisedError: there is none, or the file is damaged.
    """
    path = data_dir / EXPORT_KEY_NAME
    try:
        key = ExportKey(seed=bytes.fromhex(path.read_text(encoding="ascii").strip()))
        signing.public_of(key.seed)
    except OSError as error:
        raise errors.NotInitialisedError(
            f"cannot read {path}: {error.strerror}; run `intake init`, and pair the review machine"
        ) from None
    except (ValueError, KeyStringError):
        raise errors.NotInitialisedError(
            f"{path} is damaged; move it away, run `intake init`, and pair the review machine again"
        ) from None
    return key


@contextmanager
def keeping_manifest(data_dir: Path, content: bytes, signature: bytes, day: date) -> Iterator[None]:
    """Remember the manifest of a bundle that the block makes complete; if the block fails, it is not remembered.

    All that needs room on the disk is written before the block. After it one rename is left.

    Raises:
        StoreFullError: the disk took no more.
    """
    following = data_dir / _NEXT_MANIFEST_NAME
    _keep(following, content, signature, day)
    yield
    try:
        following.replace(data_dir / MANIFEST_NAME)
        sync_directory(data_dir)
    except OSError as error:
        raise _not_written(data_dir / MANIFEST_NAME, error) from None


def last_manifest(data_dir: Path, *, export_public: bytes, center: str) -> LastManifest | None:
    """Return the last manifest, or None before the first one and after a new export key."""
    found = _kept(data_dir / MANIFEST_NAME)
    if found is None:
        return None
    week, signature, content = found
    try:
        manifest = read_manifest(content, signature, export_public=export_public, center=center)
    except (SignatureError, BundleError):
        return None
    return LastManifest(manifest=manifest, sha256=hashlib.sha256(content).hexdigest(), week=week)


def keep_acknowledgement(data_dir: Path, content: bytes, signature: bytes, day: date) -> None:
    """Remember an acknowledgement whose forerunner is done with."""
    _keep(data_dir / ACKNOWLEDGEMENT_NAME, content, signature, day)


def last_acknowledgement(data_dir: Path, *, ack_public: bytes, center: str) -> LastAcknowledgement | None:
    """Return the newest acknowledgement, or None before the first one and after a new acknowledgement key.

    Forgetting one is harmless: what it named is exported again, and the review machine counts it once.
    """
    found = _kept(data_dir / ACKNOWLEDGEMENT_NAME)
    if found is None:
        return None
    week, signature, content = found
    try:
        acknowledgement = read_acknowledgement(content, signature, ack_public=ack_public, center=center)
    except (SignatureError, BundleError):
        return None
    return LastAcknowledgement(acknowledgement=acknowledgement, week=week)


def highest_serial(data_dir: Path) -> int:
    """Return the highest serial of a signed config that was ever served; 0 before the first."""
    try:
        return int((data_dir / SERIAL_NAME).read_text(encoding="ascii"))
    except FileNotFoundError:
        return 0
    except ValueError:
        raise errors.NotInitialisedError(
            f"{data_dir / SERIAL_NAME} is damaged; write the serial of your newest signed config into it"
        ) from None


def keep_serial(data_dir: Path, serial: int) -> None:
    """Remember a serial, so that an older config is refused from now on."""
    if serial > highest_serial(data_dir):
        replace_file(data_dir / SERIAL_NAME, f"{serial}\n".encode())


def note_flood(data_dir: Path, week: str | None) -> Path:
    """Remember the ISO week in which the limit of a day was reached last; return the file.

    It is there from the first start on and is overwritten in place, so that its times, once covered, tell nothing.

    Args:
        data_dir: of the server.
        week: such as `2026-W40`, or None when no limit is reached.
    """
    path = data_dir / FLOOD_NAME
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        known = os.pread(descriptor, len(FREE_WEEK), 0).decode("ascii", "replace")
        wanted = week or known or FREE_WEEK
        if wanted != known:
            os.pwrite(descriptor, wanted.encode() + b"\n", 0)
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return path


def last_flood(data_dir: Path) -> date | None:
    """Return the Monday of the week in which the limit of a day was reached last, or None if it never was."""
    path = data_dir / FLOOD_NAME
    try:
        week = path.read_text(encoding="ascii").strip()
        return None if week == FREE_WEEK else date.fromisoformat(f"{week}-1")
    except FileNotFoundError:
        return None
    except ValueError:
        raise errors.NotInitialisedError(
            f"{path} is damaged; remove it, and start the server again"
        ) from None


def replace_file(path: Path, content: bytes) -> None:
    """Write a file of our own durably in one step, and make its name durable too.

    Raises:
        StoreFullError: the disk took no more.
    """
    try:
        write_file(path, content, mode=0o600)
        sync_directory(path.parent)
    except OSError as error:
        raise _not_written(path, error) from None


def write_file(path: Path, content: bytes, *, mode: int) -> None:
    """Write a file in one step: temporary name, fsync, rename. The name is durable after `sync_directory`.

    Args:
        path: what stood there is replaced.
        content: all of it.
        mode: who may read it, whatever the umask says.
    """
    temporary = path.with_name(path.name + ".tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        with suppress(PermissionError):  # the FAT of a stick knows no modes, and may say so
            os.fchmod(descriptor, mode)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _not_written(path: Path, error: OSError) -> errors.StoreFullError:
    return errors.StoreFullError(
        f"cannot write {path}: {error.strerror}; free the disk, or look at its rights, and run this again"
    )


def _keep(path: Path, content: bytes, signature: bytes, day: date) -> None:
    replace_file(path, monday(day).isoformat().encode() + b"\n" + signature.strip() + b"\n" + content)


def _kept(path: Path) -> tuple[date, bytes, bytes] | None:
    try:
        week, signature, content = path.read_bytes().split(b"\n", 2)
        return date.fromisoformat(week.decode("ascii")), signature + b"\n", content
    except FileNotFoundError:
        return None
    except ValueError:
        raise errors.NotInitialisedError(
            f"{path} is damaged; move it away: reports are then exported once more, and counted once"
        ) from None
