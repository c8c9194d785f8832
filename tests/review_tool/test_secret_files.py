"""Files that hold a secret: who may read them, and which medium they may lie on."""

import os
import stat
from pathlib import Path

import pytest

from review_tool import secret_files
from review_tool.errors import SecretFileError
from review_tool.secret_files import Medium


def devices_of(tree: Path, *, disk: str, chain: tuple[str, ...], number: str) -> None:
    """Lay out what the kernel shows of a device: a disk, its partition, and mappers upon it.

    `chain` names the devices from the disk's partition to the one with this number.
    """
    for depth, name in enumerate(chain):
        entry = tree / "devices" / (f"{disk}/{name}" if depth == 0 else name)
        (entry / "slaves").mkdir(parents=True)
        if depth == 0:
            (entry / "partition").write_text("1\n")
        else:
            below = tree / "devices" / (f"{disk}/{chain[0]}" if depth == 1 else chain[depth - 1])
            (entry / "slaves" / chain[depth - 1]).symlink_to(below)
    last = chain[-1]
    (tree / "block").mkdir(exist_ok=True)
    target = tree / "devices" / (f"{disk}/{last}" if len(chain) == 1 else last)
    (tree / "block" / number).symlink_to(target)


def test_secret_is_written_for_its_owner_only_whatever_the_umask(tmp_path: Path) -> None:
    """A friendly umask must not open a key to other accounts."""
    before = os.umask(0)
    try:
        secret_files.write_secret(tmp_path / "key", "words\n")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert (tmp_path / "key").read_text(encoding="utf-8") == "words\n"


def test_secret_is_never_written_over_a_file(tmp_path: Path) -> None:
    """The file in the way may be the only copy of another key."""
    (tmp_path / "key").write_text("the only copy", encoding="utf-8")

    with pytest.raises(SecretFileError, match="never written over"):
        secret_files.write_secret(tmp_path / "key", "words")

    assert (tmp_path / "key").read_text(encoding="utf-8") == "the only copy"


def test_secret_does_not_follow_a_link(tmp_path: Path) -> None:
    """A link laid in advance would carry the key to another disk."""
    (tmp_path / "key").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(SecretFileError):
        secret_files.write_secret(tmp_path / "key", "words")

    assert not (tmp_path / "elsewhere").exists()


def test_secret_without_a_directory_is_refused(tmp_path: Path) -> None:
    """A stick that was not put in leaves no key beside its mount point."""
    with pytest.raises(SecretFileError, match="cannot be written"):
        secret_files.write_secret(tmp_path / "stick" / "key", "words")


def test_directory_is_for_its_owner_only(tmp_path: Path) -> None:
    """File names tell what lies there."""
    secret_files.make_secret_directory(tmp_path / "shares")

    assert stat.S_IMODE((tmp_path / "shares").stat().st_mode) == 0o700


def test_directory_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    """The message names the path; nothing is moved away."""
    (tmp_path / "file").touch()

    with pytest.raises(SecretFileError, match="cannot be made"):
        secret_files.make_secret_directory(tmp_path / "file" / "shares")


def test_same_directory_is_the_same_medium(tmp_path: Path) -> None:
    """The plainest case must not slip through."""
    assert secret_files.medium_of(tmp_path / "export", vault=tmp_path / "vault") in (
        Medium.SAME,
        Medium.MEMORY,
    )


def test_memory_is_told_by_the_file_system(tmp_path: Path) -> None:
    """A key in memory goes with the power."""
    device = tmp_path.stat().st_dev
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"23 1 {os.major(device)}:{os.minor(device)} / /dev/shm rw shared:4 - tmpfs tmpfs rw\n")

    assert secret_files.medium_of(tmp_path, vault=tmp_path, mounts=mounts) is Medium.MEMORY


def test_disk_is_not_taken_for_memory(tmp_path: Path) -> None:
    """The optional fields before the hyphen vary in number."""
    device = tmp_path.stat().st_dev
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"23 1 {os.major(device)}:{os.minor(device)} / / rw - ext4 /dev/sda1 rw\n")

    assert secret_files.medium_of(tmp_path, vault=tmp_path, mounts=mounts) is Medium.SAME


def test_two_partitions_of_one_disk_are_one_medium(tmp_path: Path) -> None:
    """Their device numbers differ, their flash chips do not."""
    devices_of(tmp_path, disk="sda", chain=("sda1",), number="8:1")
    devices_of(tmp_path, disk="sda", chain=("sda2",), number="8:2")

    first = secret_files.disks(os.makedev(8, 1), tmp_path / "block")
    second = secret_files.disks(os.makedev(8, 2), tmp_path / "block")

    assert first == second == {"sda"}


def test_two_encrypted_volumes_of_one_disk_are_one_medium(tmp_path: Path) -> None:
    """Encryption with volumes upon it is how the review machine is set up."""
    devices_of(tmp_path, disk="nvme0n1", chain=("nvme0n1p3", "dm-0", "dm-1"), number="254:1")
    devices_of(tmp_path, disk="nvme0n1", chain=("nvme0n1p1",), number="259:1")

    assert secret_files.disks(os.makedev(254, 1), tmp_path / "block") == {"nvme0n1"}
    assert secret_files.disks(os.makedev(259, 1), tmp_path / "block") == {"nvme0n1"}


def test_a_stick_is_another_medium(tmp_path: Path) -> None:
    """That is what sticks are for."""
    devices_of(tmp_path, disk="sda", chain=("sda1",), number="8:1")
    devices_of(tmp_path, disk="sdb", chain=("sdb1",), number="8:17")

    first = secret_files.disks(os.makedev(8, 1), tmp_path / "block")

    assert not first & secret_files.disks(os.makedev(8, 17), tmp_path / "block")


def test_device_without_a_disk_stands_for_itself(tmp_path: Path) -> None:
    """Overlays and network file systems have numbers of their own."""
    assert secret_files.disks(os.makedev(0, 45), tmp_path) == {"0:45"}
