"""A disk in a file that can be copied in one moment, as it is when the power fails; needs root and loop devices.

The disk is an ext4 filesystem in a file that lies on an XFS filesystem, which copies a file at once by sharing its blocks. What
a program wrote and did not sync is in the memory of the kernel then, and not in the copy.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_HOST_SIZE: Final = 8 << 30  # bytes, most of them never written
_DISK_SIZE: Final = 1 << 30  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A mounted disk.

    Attributes:
        root: what lies on it.
        image: the file that it lies in.
    """

    root: Path
    image: Path

    def cut(self, number: int) -> Path:
        """Copy the disk as it is at this moment; the copy."""
        copy = self.image.with_name(f"cut-{number}.img")
        subprocess.run(["cp", "--reflink=always", str(self.image), str(copy)], check=True)
        return copy


def obstacle() -> str:
    """Why no disk can be made here, or nothing."""
    if os.geteuid() != 0:
        return "it needs root"
    if not Path("/dev/loop-control").exists():
        return "there are no loop devices"
    missing = [name for name in ("mkfs.xfs", "mkfs.ext4", "mount") if shutil.which(name) is None]
    return f"{', '.join(missing)} missing: apt-get install xfsprogs e2fsprogs" if missing else ""


@contextmanager
def new_disk(folder: Path) -> Iterator[Disk]:
    """Make an empty disk below a folder, mounted until the block ends."""
    with _made("xfs", folder / "host.img", _HOST_SIZE, folder / "host", "-m", "reflink=1"):
        image = folder / "host" / "disk.img"
        with _made("ext4", image, _DISK_SIZE, folder / "disk"):
            yield Disk(root=folder / "disk", image=image)


@contextmanager
def mounted(image: Path, place: Path) -> Iterator[Path]:
    """Mount a filesystem that lies in a file until the block ends; the kernel replays its journal."""
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(place)], check=True)
    try:
        yield place
    finally:
        if subprocess.run(["umount", str(place)], check=False, capture_output=True).returncode:
            subprocess.run(["umount", "-l", str(place)], check=True)  # somebody is still in it


@contextmanager
def _made(kind: str, image: Path, size: int, place: Path, *options: str) -> Iterator[Path]:
    with image.open("wb") as file:
        file.truncate(size)
    subprocess.run([f"mkfs.{kind}", "-q", *options, str(image)], check=True, capture_output=True)
    with mounted(image, place):
        yield place
