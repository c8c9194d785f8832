"""Backup and acknowledgement: the server forgets only what is safe twice."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete

from crypto import bundle
from crypto.bundle import LastAck
from crypto.errors import BundleError
from review_tool import acknowledge, audit, backup, vault
from review_tool.backup import Backup
from review_tool.errors import BackupError, DamagedBackupError, DamagedVaultError, NoBackupError, VaultError
from review_tool.receive import Received
from review_tool.schema import CASE, ENVELOPE
from tests.center import DAY, Center, sample_report
from tests.review_tool.review_machine import (
    REVIEWER,
    Machine,
    make_machine,
    reports,
    sealed,
    write_bundle,
)


@pytest.fixture
def machine(tmp_path: Path, center: Center) -> Machine:
    """Its review machine, with a bundle of two reports on the stick."""
    machine = make_machine(tmp_path, center)
    write_bundle(tmp_path / "bundle", center, sealed(center, *reports(2)))
    return machine


def take(machine: Machine, source: str = "bundle") -> Received:
    """Receive a bundle of the machine's directory."""
    return machine.receive(machine.directory / source)


def back_up(machine: Machine) -> Backup:
    """Make a backup on the same disk, as tests must."""
    with machine.opened() as found:
        return backup.write_backup(
            found,
            machine.center.keystore,
            machine.directory / "backup",
            day=DAY,
            reviewer=REVIEWER,
            same_disk=True,
        )


def acknowledged(machine: Machine, received: Received, kept: Backup) -> Path:
    """Write the acknowledgement."""
    with machine.opened() as found:
        return acknowledge.acknowledge(
            found,
            received,
            kept,
            machine.center.keystore,
            machine.directory / "ack",
            day=DAY,
            reviewer=REVIEWER,
        )


def read(path: Path, center: Center) -> bundle.Acknowledgement:
    """Read an acknowledgement as the server does."""
    return bundle.read_acknowledgement(
        path.read_bytes(),
        path.with_suffix(".sig").read_bytes(),
        ack_public=center.ack_public,
        center=center.id,
    )


def test_a_backup_restores_every_case(machine: Machine, center: Center, tmp_path: Path) -> None:
    """The file put back as vault.db is the whole vault."""
    take(machine)
    kept = back_up(machine)
    restored = Machine(center=center, directory=tmp_path / "restored")
    restored.vault.mkdir(parents=True)

    shutil.copy(kept.path, restored.vault / vault.FILE_NAME)

    assert [case.report for case in restored.cases()] == [case.report for case in machine.cases()]


def test_a_backup_is_as_unreadable_as_the_vault(machine: Machine, tmp_path: Path) -> None:
    """P10 holds for every copy."""
    take(machine)

    content = back_up(machine).path.read_bytes()

    assert b"Story number" not in content
    assert b"SQLite format 3" not in content


def test_a_backup_on_the_vaults_own_disk_is_refused(machine: Machine) -> None:
    """One loss would take both."""
    with machine.opened() as found, pytest.raises(NoBackupError, match="on another disk"):
        backup.write_backup(
            found, machine.center.keystore, machine.directory / "backup", day=DAY, reviewer=REVIEWER
        )
    assert not (machine.directory / "backup").exists()


def test_a_new_backup_replaces_the_old_one_only_when_it_is_good(machine: Machine) -> None:
    """The second last copy must not be destroyed by a bad last one."""
    take(machine)
    kept = back_up(machine)
    good = kept.path.read_bytes()
    content = bytearray((machine.vault / vault.FILE_NAME).read_bytes())
    content[-2000] ^= 1  # the vault's disk has failed somewhere

    with machine.opened() as found:
        (machine.vault / vault.FILE_NAME).write_bytes(bytes(content))
        with pytest.raises(DamagedVaultError, match=f"that of {DAY}.*review-tool --vault FOLDER restore"):
            backup.write_backup(
                found, machine.center.keystore, kept.path.parent, day=DAY, reviewer=REVIEWER, same_disk=True
            )

    assert kept.path.read_bytes() == good


def test_restoring_a_backup_gives_the_whole_vault_and_stands_in_its_log(
    machine: Machine, center: Center
) -> None:
    """The folder of the backup is enough; what is restored was looked through first."""
    take(machine)
    kept = back_up(machine)
    restored = Machine(center=center, directory=machine.directory / "restored")

    done = backup.restore(kept.path.parent, center.keystore, restored.vault, day=DAY, reviewer=REVIEWER)

    assert [case.report for case in restored.cases()] == [case.report for case in machine.cases()]
    assert done.entries == kept.entries
    assert {path.name for path in restored.vault.iterdir()} == {vault.FILE_NAME}
    with restored.opened() as found, found.transaction() as connection:
        assert "restore" in [facts["act"] for _, facts in audit.read(connection) if facts]


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (-2000, "is damaged; nothing was restored"),
        (100, "does not open with this keystore"),
        (None, "is damaged"),
    ],
    ids=["a page", "the first page", "cut short"],
)
def test_a_damaged_backup_is_called_a_damaged_backup(place: int | None, said: str, machine: Machine) -> None:
    """It must not be taken for the vault, nor leave half of one behind."""
    take(machine)
    kept = back_up(machine)
    content = bytearray(kept.path.read_bytes())
    if place is None:
        del content[-vault.PAGE_SIZE :]
    else:
        content[place] ^= 1
    kept.path.write_bytes(content)

    with pytest.raises(DamagedBackupError, match=f"{kept.path} .*{said}"):
        backup.restore(
            kept.path, machine.center.keystore, machine.directory / "restored", day=DAY, reviewer=REVIEWER
        )
    assert list((machine.directory / "restored").iterdir()) == []


def test_a_backup_is_restored_over_nothing(machine: Machine) -> None:
    """The vault that is there may be the better one."""
    take(machine)
    kept = back_up(machine)
    before = (machine.vault / vault.FILE_NAME).read_bytes()

    with pytest.raises(VaultError, match="written over"):
        backup.restore(kept.path, machine.center.keystore, machine.vault, day=DAY, reviewer=REVIEWER)

    assert (machine.vault / vault.FILE_NAME).read_bytes() == before


@pytest.mark.parametrize("name", ["no-disk", "another-folder"])
def test_a_place_without_a_backup_is_named(machine: Machine, name: str) -> None:
    """The disk is not plugged in, or it is the wrong one; no empty vault is begun for it."""
    (machine.directory / "another-folder").mkdir()

    with pytest.raises(
        DamagedBackupError, match=f"{name}.* is not there: put its disk in.*nothing was restored"
    ):
        backup.restore(
            machine.directory / name,
            machine.center.keystore,
            machine.directory / "new",
            day=DAY,
            reviewer=REVIEWER,
        )

    assert not (machine.directory / "new").exists()


def test_a_place_that_takes_no_vault_is_named(machine: Machine) -> None:
    """The backup is whole; it is the folder that is none."""
    kept = back_up(machine)
    (machine.directory / "file").write_text("no folder")

    with pytest.raises(BackupError, match=r"cannot be restored to .*file/new"):
        backup.restore(
            kept.path,
            machine.center.keystore,
            machine.directory / "file" / "new",
            day=DAY,
            reviewer=REVIEWER,
        )


def test_an_unwritable_folder_is_said(machine: Machine) -> None:
    """A stick that is not in."""
    (machine.directory / "backup").write_text("a file, not a folder")

    with pytest.raises(BackupError, match="could not be written"):
        back_up(machine)


def test_the_acknowledgement_names_every_envelope_by_its_hash(machine: Machine, center: Center) -> None:
    """The server deletes only bytes that are the same here."""
    received = take(machine)

    ack = read(acknowledged(machine, received, back_up(machine)), center)

    assert ack.stored == received.entries
    assert (ack.ack_seq, ack.manifest) == (1, received.manifest)


def test_no_acknowledgement_for_what_the_backup_lacks(
    machine: Machine, center: Center, tmp_path: Path
) -> None:
    """P6: the backup is asked itself, not what we remember of it."""
    take(machine)
    old = back_up(machine)
    write_bundle(tmp_path / "second", center, sealed(center, sample_report()), seq=2)
    received = take(machine, "second")

    with pytest.raises(BackupError, match="does not hold everything"):
        acknowledged(machine, received, old)
    assert not (machine.directory / "ack").exists()


def test_a_backup_that_lost_one_envelope_is_noticed(machine: Machine) -> None:
    """The twin: the check above is able to see a single missing report."""
    received = take(machine)
    kept = back_up(machine)
    keystore = machine.center.keystore
    with vault.open_copy(kept.path, keystore) as copy, copy.transaction() as connection:
        connection.execute(delete(CASE).where(CASE.c.envelope == received.entries[0].sha256))
        connection.execute(delete(ENVELOPE).where(ENVELOPE.c.sha256 == received.entries[0].sha256))

    with pytest.raises(BackupError):
        acknowledged(machine, received, kept)


def test_each_acknowledgement_has_a_higher_number(machine: Machine, center: Center, tmp_path: Path) -> None:
    """The server frees slots only at a higher number, also after this vault was restored and counts anew."""
    received = take(machine)
    kept = back_up(machine)

    numbers = [read(acknowledged(machine, received, kept), center).ack_seq for _ in range(2)]
    later = replace(received, last_ack_seq=40)

    assert numbers == [1, 2]
    assert read(acknowledged(machine, later, kept), center).ack_seq == 41


def test_a_vault_restored_from_its_backup_recognises_what_it_told_the_server(
    machine: Machine, center: Center, tmp_path: Path
) -> None:
    """No false alarm after an honest restore; an older backup does raise it."""
    take(machine)
    old = (machine.directory / "old.db", back_up(machine).path)
    shutil.copy(old[1], old[0])
    received = take(machine)
    kept = back_up(machine)
    ack = read(acknowledged(machine, received, kept), center)
    last = LastAck(ack_seq=ack.ack_seq, audit_head=ack.audit_head)

    doubts = []
    for number, copy in enumerate((kept.path, old[0])):
        restored = Machine(center=center, directory=tmp_path / f"restored-{number}")
        restored.vault.mkdir(parents=True)
        shutil.copy(copy, restored.vault / vault.FILE_NAME)
        write_bundle(
            restored.directory / "bundle", center, sealed(center, sample_report()),
            seq=2, prev=received.manifest, last_ack=last,
        )  # fmt: skip
        doubts.append(restored.receive(restored.directory / "bundle").doubts)

    assert doubts[0] == ()
    assert any("set back" in doubt for doubt in doubts[1])


def test_backup_and_acknowledgement_are_in_the_log(machine: Machine) -> None:
    """P10: who let the server forget, and when."""
    acknowledged(machine, take(machine), back_up(machine))

    with machine.opened() as found, found.transaction() as connection:
        acts = [facts["act"] for _, facts in audit.read(connection) if facts]
    assert {"backup", "acknowledge"} <= set(acts)


def test_quarantined_envelopes_are_acknowledged_as_kept(
    machine: Machine, center: Center, tmp_path: Path
) -> None:
    """The server may forget what is safe here, opened or not, and is told which."""
    write_bundle(tmp_path / "odd", center, [b"not an age file"], seq=2)
    received = take(machine, "odd")

    ack = read(acknowledged(machine, received, back_up(machine)), center)

    assert [entry.state for entry in ack.stored] == [bundle.AckState.KEPT]


def test_an_acknowledgement_is_signed_for_this_center_alone(machine: Machine, center: Center) -> None:
    """A captured file is of no use elsewhere."""
    path = acknowledged(machine, take(machine), back_up(machine))

    with pytest.raises(BundleError):
        bundle.read_acknowledgement(
            path.read_bytes(),
            path.with_suffix(".sig").read_bytes(),
            ack_public=center.ack_public,
            center="other-center",
        )
