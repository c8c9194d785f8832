"""The sealed archive: all cases with their files, opened by another age program, found out when a part is missing."""

import base64
import json
import shutil
import struct
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crypto import age, xwing
from crypto import archive as volumes
from crypto.archive import Place
from crypto.unseal import Identity, format_identity, open_payload
from review_tool import archive, shred
from review_tool.archive import Archive
from review_tool.audit import Act, Entry
from review_tool.cli import main
from review_tool.errors import ArchiveError
from review_tool.shred import Why
from tests.center import DAY, Center, attachment, make_center, sample_report
from tests.interop import test_interop as interop
from tests.review_tool.review_machine import (
    REVIEWER,
    Machine,
    make_machine,
    sealed,
    sealed_with_files,
    write_bundle,
    write_keystores,
)

PICTURE = bytes(range(256)) * 1000
STORY = "Story number 1."
MEMORY = Path("/dev/shm")  # noqa: S108 - the place that the guide names


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, center: Center) -> Machine:
    """R-0001 with a contact and two files, and five cases without."""
    folder = tmp_path_factory.mktemp("machine")
    machine = make_machine(folder, center)
    write_keystores(folder, center)
    report = sample_report(narrative=STORY, contact="canary@example.org")
    first = sealed_with_files(center, report, attachment("a.png", PICTURE), attachment("../b", b"second"))
    write_bundle(folder / "bundle", center, [first])
    more = sealed(center, *(sample_report(narrative=f"Story number {n}.") for n in range(2, 7)))
    write_bundle(folder / "bundle-2", center, more, seq=2)
    machine.receive(folder / "bundle")
    machine.receive(folder / "bundle-2")
    return machine


def written(machine: Machine, directory: Path, **more: object) -> Archive:
    """Write an archive."""
    with machine.opened() as found:
        return archive.write_archive(
            found,
            machine.center.keystore,
            directory,
            day=DAY,
            reviewer=REVIEWER,
            **more,  # type: ignore[arg-type]
        )


def taken_apart(plaintext: bytes) -> tuple[dict[str, object], list[dict[str, object]], list[bytes]]:
    """Read a volume by the words of FORMAT.md alone, with nothing of ours: header, lines, files."""
    magic, version, kind, zero, header_len, body_len = struct.unpack(">4sBBHIQ", plaintext[:20])
    assert (magic, version, kind, zero) == (b"HIRP", 1, 20, 0)
    header = json.loads(plaintext[52 : 52 + header_len])
    body = plaintext[52 + header_len : 52 + header_len + body_len]
    sizes = [header["lines"]["size"], *(one["size"] for one in header["attachments"])]
    parts = []
    for size in sizes:
        parts.append(body[:size])
        body = body[size:]
    assert body == b""
    return header, [json.loads(line) for line in parts[0].splitlines()], parts[1:]


def test_another_age_program_opens_a_volume_and_reads_it_by_the_written_format(
    machine: Machine, tmp_path: Path
) -> None:
    """In ten years, without this software: an exported identity, any age program, and FORMAT.md."""
    [volume] = written(machine, tmp_path / "archive").files
    identity = format_identity(machine.center.epoch_seeds[1])

    [answer] = interop.ask({"identity": identity, "sealed": interop.to_text(volume.read_bytes())})

    header, lines, files = taken_apart(base64.b64decode(answer["plaintext"]))
    assert (header["center"], header["volume"], header["is_last"]) == (machine.center.id, 1, True)
    assert [line["kind"] for line in lines] == ["log", "config", *["case"] * 6]
    first = lines[2]
    assert first["answers"]["narrative"] == STORY  # type: ignore[index]
    assert files == [PICTURE, b"second"]
    assert [(one["case"], one["name"]) for one in header["attachments"]] == [  # type: ignore[attr-defined]
        ("R-0001", "a.png"),
        ("R-0001", "../b"),
    ]
    block = base64.b64decode(str(first["contact_block"]))
    [inner] = interop.ask({"identity": identity, "sealed": interop.to_text(block)})
    assert b"canary@example.org" in base64.b64decode(inner["plaintext"])


def test_stock_age_opens_a_volume(machine: Machine, tmp_path: Path) -> None:
    """The guide says so, of version 1.3 or newer."""
    [volume] = written(machine, tmp_path / "archive").files
    (tmp_path / "identity").write_text(format_identity(machine.center.epoch_seeds[1]) + "\n")

    done = interop.TestStockAge().run(tmp_path, "-d", "-i", "identity", str(volume), version=True)

    assert done.returncode == 0, done.stderr
    assert len(taken_apart(done.stdout)[1]) == 8


def test_a_large_vault_fills_several_volumes_and_no_case_is_parted_from_its_files(
    machine: Machine, tmp_path: Path
) -> None:
    """None is above the limit, each case stands in one of them, all are there."""
    made = written(machine, tmp_path / "archive", limit=270_000)

    opened = list(archive.read_archive(made.files, machine.center.keystore))
    assert (len(made.files), made.cases, made.attachments) == (2, 6, 2)
    for volume in opened:
        here = {one["id"] for one in volume.lines if one["kind"] == "case"}
        assert {case for case, _, _ in volume.files} <= here
    assert [volume.place.is_last for volume in opened] == [False, True]


def test_the_volumes_can_be_made_as_small_as_one_line(machine: Machine, tmp_path: Path) -> None:
    """What is larger than the limit alone still gets a volume."""
    made = written(machine, tmp_path / "archive", limit=1)

    assert len(made.files) == 8
    assert archive.counted(archive.read_archive(made.files, machine.center.keystore)) == (6, 2)


@pytest.fixture
def folder(machine: Machine, tmp_path: Path) -> Path:
    """An archive of several volumes."""
    written(machine, tmp_path / "archive", limit=10_000)
    return tmp_path / "archive"


def complaint(folder: Path, machine: Machine) -> str:
    """What is said about the archive in a folder."""
    with pytest.raises(ArchiveError) as found:
        archive.counted(archive.read_archive(archive.volumes_in(folder), machine.center.keystore))
    return str(found.value)


def test_a_missing_volume_is_found(folder: Path, machine: Machine) -> None:
    """In the middle, at the end, and when there is none at all."""
    paths = archive.volumes_in(folder)
    last = paths[-1].read_bytes()
    paths[-1].unlink()
    assert "without its last one" in complaint(folder, machine)
    paths[-1].write_bytes(last)
    paths[1].unlink()
    assert "is not volume 2" in complaint(folder, machine)
    shutil.rmtree(folder)
    assert "after 0 volumes" in complaint(folder, machine)


def test_a_volume_of_another_archive_is_found(folder: Path, machine: Machine, tmp_path: Path) -> None:
    """The same Center, the same day, the same number."""
    other = written(machine, tmp_path / "other", limit=10_000)
    shutil.copy(other.files[1], archive.volumes_in(folder)[1])

    assert "is not volume 2" in complaint(folder, machine)


def test_a_damaged_volume_is_found(folder: Path, machine: Machine) -> None:
    """The seal of age, not ours, says so."""
    path = archive.volumes_in(folder)[1]
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(bytes(content))

    assert "does not open as a volume" in complaint(folder, machine)


def test_an_archive_of_another_center_is_found(folder: Path, machine: Machine) -> None:
    """Sealed to this Center by somebody who has its public key."""
    place = Place(archive="ab" * 16, center="other-center", day=DAY, volume=1, is_last=True)
    payload = b"".join(volumes.pack_volume(place, b"", [], context_id=bytes(32)))
    shutil.rmtree(folder)
    folder.mkdir()
    public = xwing.key_pair(machine.center.epoch_seeds[1]).public
    (folder / "archive-x-001.age").write_bytes(age.seal_to([public], payload))

    assert "is not volume 1 of this archive" in complaint(folder, machine)


def test_an_archive_is_never_written_over_another(folder: Path, machine: Machine) -> None:
    """Two of one day would mix."""
    with pytest.raises(ArchiveError, match="is there already"):
        written(machine, folder)


def test_a_place_that_cannot_be_written_is_named(machine: Machine, tmp_path: Path) -> None:
    """A full or missing stick."""
    (tmp_path / "file").write_text("")

    with pytest.raises(ArchiveError, match="cannot be written"):
        written(machine, tmp_path / "file" / "archive")


def test_files_whose_key_is_gone_are_named_and_the_rest_is_archived(center: Center, tmp_path: Path) -> None:
    """After an epoch was destroyed its sealed originals stay shut: said, never passed over."""
    machine = make_machine(tmp_path, center)
    first = sealed_with_files(center, sample_report(), attachment("a.png", PICTURE))
    write_bundle(tmp_path / "bundle", center, [first])
    machine.receive(tmp_path / "bundle")
    later = make_center(epochs=2).keystore
    keystore = replace(later, epochs=later.epochs[1:])

    with machine.opened() as found:
        made = archive.write_archive(found, keystore, tmp_path / "archive", day=DAY, reviewer=REVIEWER)

    assert (made.cases, made.attachments, made.lost) == (1, 0, ("R-0001",))


def test_a_shredded_case_is_in_no_later_archive(center: Center, tmp_path: Path) -> None:
    """And the one before is known to the log, so that somebody is told to destroy it."""
    machine = make_machine(tmp_path, center)
    write_bundle(tmp_path / "bundle", center, sealed(center, sample_report(narrative=STORY)))
    machine.receive(tmp_path / "bundle")
    before = written(machine, tmp_path / "before")
    with machine.opened() as found, found.transaction() as connection:
        shred.shred(connection, ["R-0001"], Why.ASKED, Entry(act=Act.SHRED, day=DAY, reviewer=REVIEWER))

    after = written(machine, tmp_path / "after")

    assert (before.cases, after.cases) == (1, 0)
    identity = Identity(epoch=1, seed=center.epoch_seeds[1])
    assert STORY.encode() in open_payload(before.files[0].read_bytes(), [identity])[0]
    assert STORY.encode() not in open_payload(after.files[0].read_bytes(), [identity])[0]
    with machine.opened() as found, found.transaction() as connection:
        assert archive.is_logged(connection, before.files)
        assert not archive.is_logged(connection, [*before.files, *after.files])


class TestCommands:
    """`archive` and `read-archive`."""

    def run(self, machine: Machine, *words: str, code: int = 0) -> Result:
        """One of them."""
        folder = machine.directory
        start = [f"--vault={folder}/vault", f"--keystore={folder}/keystore"]
        done = CliRunner().invoke(
            main, [*start, f"--passphrase-file={folder}/passphrase", *words], catch_exceptions=False
        )
        assert done.exit_code == code, done.output
        return done

    def test_what_was_archived_is_read_back(self, machine: Machine, tmp_path: Path) -> None:
        """Proved without showing a word; shown, and its files written, only if asked for."""
        said = json.loads(self.run(machine, "archive", f"{tmp_path}/archive", "--json").output)
        assert (said["cases"], said["files"], said["lost"]) == (6, 2, [])

        quiet = self.run(machine, "read-archive", f"{tmp_path}/archive")
        assert "The archive is whole: 6 cases with 2 files in 1 volume." in quiet.output
        assert STORY not in quiet.output
        assert "WARNING" not in quiet.output

        told = self.run(machine, "read-archive", f"{tmp_path}/archive", "--lines")
        assert STORY in told.stdout
        with tempfile.TemporaryDirectory(dir=MEMORY) as memory:
            self.run(machine, "read-archive", f"{tmp_path}/archive", "--files-to", memory)
            assert {path.name for path in Path(memory).iterdir()} == {"R-0001-1", "R-0001-2"}
            assert (Path(memory) / "R-0001-1").read_bytes() == PICTURE

    def test_files_in_clear_do_not_go_to_the_disk_of_the_vault(
        self, machine: Machine, tmp_path: Path
    ) -> None:
        """A file deleted there can be found again."""
        written(machine, tmp_path / "archive")

        said = self.run(
            machine, "read-archive", f"{tmp_path}/archive", "--files-to", f"{tmp_path}/clear", code=64
        )

        assert str(MEMORY) in said.output

    def test_an_archive_that_the_log_does_not_know_is_said(self, machine: Machine, tmp_path: Path) -> None:
        """Anybody can seal one to the public key."""
        place = Place(archive="ab" * 16, center=machine.center.id, day=DAY, volume=1, is_last=True)
        payload = b"".join(volumes.pack_volume(place, b"", [], context_id=bytes(32)))
        public = xwing.key_pair(machine.center.epoch_seeds[1]).public
        (tmp_path / "archive-x-001.age").write_bytes(age.seal_to([public], payload))

        said = self.run(machine, "read-archive", str(tmp_path))

        assert "by its log this vault never wrote it" in said.output
