"""Shredding: what was destroyed is in no page, no backup and no log, does not come back, and changes no published number."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from crypto import age, xwing
from crypto.keystore import FLOOR_COST, Keystore, read_keystore, write_keystore
from crypto.unseal import open_payload
from review_tool import audit, backup, case_rows, contact, ledger, shred, shred_list, triage, vault
from review_tool.audit import Act, Entry
from review_tool.backup import Restored
from review_tool.cases import Case
from review_tool.cli import main
from review_tool.errors import (
    DamagedBackupError,
    FileFormatError,
    TransitionError,
    UnknownCaseError,
    VaultBusyError,
)
from review_tool.schema import CODING, ENVELOPE, RELEASE, RELEASE_CASE
from review_tool.shred import Shredded, Stage, Why
from review_tool.triage import Decision
from tests.center import DAY, PASSPHRASE, Center, attachment, make_center, sample_report
from tests.promises import search
from tests.review_tool import pages
from tests.review_tool.review_machine import (
    REVIEWER,
    Machine,
    make_machine,
    sealed,
    sealed_with_files,
    write_bundle,
    write_keystores,
)
from tests.server_copy import python, server_copy, sinful

WHO = Entry(act=Act.SHRED, day=DAY, reviewer=REVIEWER)
CANARY = "canary of a narrative 7f3a"
CONTACT = "canary@example.org"
PICTURE = "canary of a picture 51c8"
NAME = "canary.png"
REASON = "canary of a reason"
STAYS = "a story that stays 22b0"
WORDS = (CANARY, CONTACT, PICTURE, NAME, REASON)


@dataclass(frozen=True, kw_only=True)
class After:
    """A machine on which R-0001 was shredded, with what somebody may have kept from before."""

    machine: Machine
    keystore: Keystore

    @property
    def folder(self) -> Path:
        """Its disk; `elsewhere` holds the backup from before, `before` the vault."""
        return self.machine.directory


def run(folder: Path, *words: str, code: int = 0, answer: str = "") -> Result:
    """One command on the machine in a folder."""
    start = [f"--vault={folder}/vault", f"--keystore={folder}/keystore"]
    start.append(f"--passphrase-file={folder}/passphrase")
    done = CliRunner().invoke(main, [*start, *words], input=answer, catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done


def write_stage(folder: Path, center: Center) -> Machine:
    """Two cases, the first with contact and a file, its contact opened and its story coded, and all of it in a backup."""
    machine = make_machine(folder, center)
    write_keystores(folder, center)
    told = sample_report(narrative=CANARY, contact=CONTACT)
    first = sealed_with_files(center, told, attachment(NAME, PICTURE.encode()))
    write_bundle(folder / "bundle", center, [first])
    write_bundle(folder / "bundle-2", center, sealed(center, sample_report(narrative=STAYS)), seq=2)
    machine.receive(folder / "bundle")
    machine.receive(folder / "bundle-2")
    with machine.opened() as found:
        contact.open_contact(found, center.keystore, "R-0001", reason=REASON, day=DAY, reviewer=REVIEWER)
        with found.transaction() as connection:
            connection.execute(
                CODING.insert(), {"case_number": 1, "coder": REVIEWER, "judgement": CANARY.encode()}
            )
        back_up(machine, found)
    return machine


def back_up(machine: Machine, found: vault.Vault, keystore: Keystore | None = None) -> None:
    """Make a backup on the same disk, as tests must."""
    backup.write_backup(
        found,
        keystore or machine.center.keystore,
        machine.directory / "backup",
        day=DAY,
        reviewer=REVIEWER,
        same_disk=True,
    )


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, center: Center) -> Path:
    """The machine before, to be copied."""
    return write_stage(tmp_path_factory.mktemp("stage"), center).directory


@pytest.fixture
def machine(stage: Path, center: Center, tmp_path: Path) -> Machine:
    """The machine before, on a disk of its own."""
    shutil.copytree(stage, tmp_path / "disk")
    return Machine(center=center, directory=tmp_path / "disk")


@pytest.fixture(scope="module")
def shredded(tmp_path_factory: pytest.TempPathFactory, stage: Path, center: Center) -> After:
    """The machine after `shred R-0001`, done once by the command; tests only look."""
    folder = tmp_path_factory.mktemp("after") / "disk"
    shutil.copytree(stage, folder)
    shutil.copytree(folder / "backup", folder / "elsewhere")
    shutil.copytree(folder / "vault", folder / "before")
    (folder / "stick").mkdir()
    shutil.copy(folder / "keystore", folder / "stick" / "copy")
    more = ("--keystore-copy", f"{folder}/stick/copy")
    run(folder, "shred", "R-0001", "--backup", f"{folder}/backup", "--same-disk", "--yes", *more)
    keystore = read_keystore(folder / "keystore", PASSPHRASE)
    return After(machine=Machine(center=center, directory=folder), keystore=keystore)


def take_away(machine: Machine, *cases: str) -> Shredded:
    """The first step alone, which needs no new key: enough for everything that is about rows."""
    with machine.opened() as found, found.transaction() as connection:
        return shred.shred(connection, cases, Why.ASKED, WHO)


def told_in(content: bytes) -> set[str]:
    """Which of the words of the case lie in bytes, in any disguise."""
    return {word for word in WORDS if any(one in content for one in search.disguises(word))}


def cases_of(directory: Path, keystore: Keystore) -> list[Case]:
    """Every case of a vault."""
    with (
        vault.open_vault(directory, keystore, day=DAY, reviewer=REVIEWER) as found,
        found.transaction() as connection,
    ):
        return list(case_rows.read_cases(connection))


def original_of(machine: Machine) -> bytes:
    """The sealed original of R-0001."""
    with machine.opened() as found, found.transaction() as connection:
        query = select(ENVELOPE.c.sealed).where(ENVELOPE.c.sha256 == machine_envelope(machine))
        content: bytes = connection.execute(query).scalar_one()
    return content


def machine_envelope(machine: Machine) -> str:
    """The hash of the envelope in the first bundle."""
    manifest = json.loads((machine.directory / "bundle" / "manifest.json").read_bytes())
    digest: str = manifest["envelopes"][0]["sha256"]
    return digest


# --- what is gone ---------------------------------------------------------------------------------


def test_no_page_of_vault_or_backup_holds_a_word_of_a_shredded_case(
    shredded: After, machine: Machine
) -> None:
    """Rows, gaps, free pages, log: searched in the decrypted pages, where the same search found every word before."""
    original = original_of(machine)[2000:2100]
    places = {"vault": vault.FILE_NAME, "backup": backup.BACKUP_NAME}
    before = b"".join(
        pages.decrypted(machine.directory / place / name, machine.center.vault_key)
        for place, name in places.items()
    )
    assert told_in(before) == {CANARY, REASON}  # the rest of them lies sealed in the original alone
    assert original in before

    after = b"".join(
        pages.decrypted(shredded.folder / place / name, shredded.keystore.vault_key)
        for place, name in places.items()
    )
    assert told_in(after) == set()
    assert original not in after
    assert STAYS.encode() in after


SINS = {
    "    audit.shred(connection, sorted(told))\n": {REASON},
    "    connection.execute(delete(CODING).where(CODING.c.case_number == number))\n"
    "    connection.execute(delete(CASE).where(CASE.c.number == number))\n": {CANARY},
}


@pytest.mark.parametrize("line", SINS, ids=["the log keeps its words", "the rows stay"])
def test_twin_a_forgotten_place_is_found(line: str, machine: Machine, tmp_path: Path) -> None:
    """The same command with one deletion left out, and the same search."""
    tree = sinful(server_copy(tmp_path / "tree", without=()), "review_tool/shred.py", line, "")
    folder = machine.directory
    words = [f"--vault={folder}/vault", f"--keystore={folder}/keystore"]
    words += [f"--passphrase-file={folder}/passphrase", "shred", "R-0001"]
    words += ["--backup", f"{folder}/backup", "--same-disk", "--yes"]

    done = python(tree, f"from review_tool.cli import main\nmain({words!r})\n")

    assert done.returncode == 0, done.stderr
    key = read_keystore(folder / "keystore", PASSPHRASE).vault_key
    assert told_in(pages.decrypted(machine.vault / vault.FILE_NAME, key)) == SINS[line]


def test_nothing_is_left_beside_the_vault(shredded: After) -> None:
    """No journal, no half-made file."""
    assert [path.name for path in shredded.machine.vault.iterdir()] == [vault.FILE_NAME]


def test_twin_deleting_rows_alone_leaves_the_key_and_so_every_backup(machine: Machine) -> None:
    """Why a new key is part of it: the first step alone is undone by any backup."""
    take_away(machine, "R-0001")

    old = pages.decrypted(machine.directory / "backup" / backup.BACKUP_NAME, machine.center.vault_key)
    assert CANARY in told_in(old)


def test_the_case_is_gone_and_the_other_one_stays(shredded: After) -> None:
    """Its id answers why; nothing else changed."""
    [left] = cases_of(shredded.machine.vault, shredded.keystore)

    assert (left.id, left.report.narrative) == ("R-0002", STAYS)
    with shredded.machine.opened(shredded.keystore) as found, found.transaction() as connection:
        with pytest.raises(UnknownCaseError, match="R-0001 was shredded"):
            case_rows.read_case(connection, "R-0001")
        assert case_rows.read_codings(connection) == {}


def test_the_log_keeps_that_it_was_there_and_loses_its_words(shredded: After) -> None:
    """The chain holds; import and the reason of the contact are gone, the shredding stands."""
    with shredded.machine.opened(shredded.keystore) as found, found.transaction() as connection:
        assert audit.verify(connection).shredded == 2
        [(_, told)] = audit.naming(connection, "case", "R-0001")
        assert shred.stage(connection) is Stage.DONE
    assert (told["act"], told["entries"], told["why"]) == (Act.SHRED, 2, "asked")


def test_the_keystore_keeps_everything_but_the_key_of_the_vault(shredded: After, stage: Path) -> None:
    """Its cost too: whoever chose 1 GiB at the ceremony keeps it."""
    before = (stage / "keystore").read_bytes()
    after = (shredded.folder / "keystore").read_bytes()

    assert after[:20] == before[:20]
    assert shredded.keystore.vault_key != shredded.machine.center.vault_key
    assert replace(shredded.keystore, vault_key=bytes(32)) == replace(
        shredded.machine.center.keystore, vault_key=bytes(32)
    )


def test_a_copy_of_the_keystore_that_was_named_has_the_new_key(shredded: After) -> None:
    """Else the first stick to fail would take the vault and its backup with it."""
    assert read_keystore(shredded.folder / "stick" / "copy", PASSPHRASE) == shredded.keystore


# --- what does not come back ----------------------------------------------------------------------


def restored(after: After, source: str, keystore: Keystore, target: Path, *lists: Path) -> Restored:
    """Restore a backup of the machine into a new folder."""
    return backup.restore(
        after.folder / source, keystore, target, shred_lists=lists, day=DAY, reviewer=REVIEWER
    )


def test_an_older_backup_is_dead_without_the_old_key(shredded: After, tmp_path: Path) -> None:
    """That is how shredding reaches a disk that nobody has at hand."""
    with pytest.raises(DamagedBackupError, match="older than the last shredding"):
        restored(shredded, "elsewhere", shredded.keystore, tmp_path / "vault")


def test_the_new_backup_restores_without_a_warning(shredded: After, tmp_path: Path) -> None:
    """It is the whole vault after the shredding, with nothing left to do."""
    done = restored(shredded, "backup", shredded.keystore, tmp_path / "vault")

    assert (done.marks, done.shredded.cases) == (1, ())
    assert [case.id for case in cases_of(tmp_path / "vault", shredded.keystore)] == ["R-0002"]
    with (
        vault.open_vault(tmp_path / "vault", shredded.keystore, day=DAY) as found,
        found.transaction() as connection,
    ):
        assert shred.stage(connection) is Stage.DONE


@pytest.mark.parametrize("source", ["keystore's folder", "backup's folder"])
def test_an_older_backup_brings_nothing_back(source: str, shredded: After, tmp_path: Path) -> None:
    """V4: even under a forgotten copy of the old keystore, the shred list is applied before anybody can open the vault."""
    beside = {"keystore's folder": shredded.folder, "backup's folder": shredded.folder / "backup"}[source]
    old = shredded.machine.center.keystore

    done = restored(shredded, "elsewhere", old, tmp_path / "vault", beside / shred_list.LIST_NAME)

    assert (done.marks, done.shredded.cases) == (1, ("R-0001",))
    assert [case.id for case in cases_of(tmp_path / "vault", old)] == ["R-0002"]
    with vault.open_vault(tmp_path / "vault", old, day=DAY) as found, found.transaction() as connection:
        assert audit.verify(connection).shredded == 2
        assert shred.stage(connection) is Stage.KEY  # the reminder that the pages still have to go


def test_twin_without_the_list_an_older_backup_brings_it_back(shredded: After, tmp_path: Path) -> None:
    """What the list is for; the command says that none was found."""
    old = shredded.machine.center.keystore

    done = restored(shredded, "elsewhere", old, tmp_path / "vault")

    assert done.marks == 0
    assert [case.id for case in cases_of(tmp_path / "vault", old)] == ["R-0001", "R-0002"]


def test_a_backup_that_never_had_the_case_takes_the_mark(shredded: After, tmp_path: Path) -> None:
    """The report may still come from a stick."""
    marks = tmp_path / "list"
    marks.write_text(f"# ours\n{'ab' * 32}\n")

    restored(shredded, "backup", shredded.keystore, tmp_path / "vault", marks)

    with (
        vault.open_vault(tmp_path / "vault", shredded.keystore, day=DAY) as found,
        found.transaction() as connection,
    ):
        assert "ab" * 32 in shred_list.marks_of(connection)


@pytest.mark.parametrize("content", [b"no mark\n", b"\xff\xfe", b"A" * 64])
def test_a_shred_list_that_is_none_is_refused(content: bytes, shredded: After, tmp_path: Path) -> None:
    """A damaged list must not pass for an empty one."""
    (tmp_path / "list").write_bytes(content)

    with pytest.raises(FileFormatError, match="no shred list"):
        restored(shredded, "backup", shredded.keystore, tmp_path / "vault", tmp_path / "list")
    assert list((tmp_path / "vault").iterdir()) == []


def test_an_old_stick_brings_nothing_back(shredded: After, machine: Machine, tmp_path: Path) -> None:
    """The same envelope is known, and the same report under another seal has the same mark."""
    original = original_of(machine)
    plaintext, _ = open_payload(original, machine.center.identities)
    again = age.seal_to([xwing.key_pair(machine.center.epoch_seeds[1]).public], plaintext)
    write_bundle(tmp_path / "bundle", machine.center, [original, again], seq=3)

    received = shredded.machine.receive(tmp_path / "bundle", keystore=shredded.keystore)

    assert (received.known, received.shredded, received.opened) == (1, 1, 0)


def test_the_number_of_a_shredded_case_is_not_given_again(machine: Machine, tmp_path: Path) -> None:
    """On paper and in the log R-0002 stays the one that was shredded."""
    take_away(machine, "R-0002")
    write_bundle(tmp_path / "bundle", machine.center, sealed(machine.center, sample_report()), seq=3)

    machine.receive(tmp_path / "bundle")

    assert [case.id for case in machine.cases()] == ["R-0001", "R-0003"]


# --- numbers, holds, duplicates -------------------------------------------------------------------


def test_what_a_release_has_counted_stays_counted(machine: Machine) -> None:
    """A published number never changes, and a later report of the incident is not told as a new one."""
    row = {"case_number": 1, "release": "2026Q3", "counted_with": b'{"incident":"R-0001"}'}
    days = {"first_day": date(2026, 7, 1), "last_day": date(2026, 9, 30), "until": date(2026, 9, 30)}
    release = {"id": "2026Q3", "number": 1, **days, "levels": b"{}", "is_published": True}
    with machine.opened() as found, found.transaction() as connection:
        connection.execute(RELEASE.insert(), release)
        connection.execute(RELEASE_CASE.insert(), row)

    assert take_away(machine, "R-0001", "R-0002").counted == ("R-0001",)

    with machine.opened() as found, found.transaction() as connection:
        assert ledger.counted_numbers(connection) == {1}
        assert ledger.counted_incidents(connection) == {"R-0001"}


def test_a_case_on_hold_is_not_shredded_until_the_hold_is_lifted(machine: Machine) -> None:
    """Both acts stand in the log with their reason."""
    run(machine.directory, "hold", "R-0001", "--reason", "court order 7")
    with pytest.raises(TransitionError, match="on hold"):
        take_away(machine, "R-0002", "R-0001")
    assert [case.is_held for case in machine.cases()] == [True, False]  # all of them or none
    with machine.opened() as found, found.transaction() as connection:
        [(_, told)] = audit.naming(connection, "act", Act.HOLD.value)
    assert told["reason"] == "court order 7"

    run(machine.directory, "hold", "R-0001", "--lift", "--reason", "court closed")
    run(machine.directory, "hold", "R-0001", "--lift", "--reason", "again", code=56)

    assert take_away(machine, "R-0001").cases == ("R-0001",)


def test_a_case_whose_words_another_case_repeats_is_shredded_with_it_or_not_at_all(machine: Machine) -> None:
    """A duplicate tells the same story: shredding one alone would destroy nothing."""
    with machine.opened() as found:
        link = Decision(case="R-0002", duplicate_of="R-0001")
        triage.triage(found, [link], day=DAY, reviewer=REVIEWER, last_until=None)

    with pytest.raises(TransitionError, match="R-0002 tells the same words as R-0001"):
        take_away(machine, "R-0001")

    assert take_away(machine, "R-0001", "R-0002").cases == ("R-0001", "R-0002")


# --- the command ----------------------------------------------------------------------------------


def test_a_person_types_what_is_to_be_shredded(machine: Machine) -> None:
    """A slip of the finger destroys nothing, and what becomes of the numbers is said first."""
    words = ("shred", "R-0001", "--backup", f"{machine.directory}/backup", "--same-disk")

    said = run(machine.directory, *words, code=1, answer="R-0002\n").output

    assert "it is in no number" in said
    assert len(machine.cases()) == 2


def test_nothing_is_shredded_where_it_could_not_be_finished(machine: Machine) -> None:
    """No place for a backup, no such case, nothing named: found out before anything is destroyed."""
    folder = machine.directory
    place = ("--backup", f"{folder}/backup", "--same-disk")
    write_keystore(folder / "another", make_center(center="other-center").keystore, PASSPHRASE, FLOOR_COST)
    run(folder, "shred", "R-0001", *place[:2], "--yes", code=54)
    run(folder, "shred", "R-0001", "R-0009", *place, "--yes", code=55)
    run(folder, "shred", *place, code=2)
    run(folder, "shred", "R-0001", *place, "--keystore-copy", f"{folder}/none", "--yes", code=2)
    for other in ("passphrase", "root-keystore", "another"):  # each would be written over
        run(folder, "shred", "R-0001", *place, "--keystore-copy", f"{folder}/{other}", "--yes", code=22)

    assert len(machine.cases()) == 2


def test_a_shredding_in_the_way_of_somebody_is_finished_later(machine: Machine) -> None:
    """What another process wrote into the replaced file would be lost: so the key waits, and every command says so."""
    folder = machine.directory
    place = ("--backup", f"{folder}/backup", "--same-disk")
    with machine.opened():
        said = run(folder, "shred", "R-0001", *place, "--yes", code=47).output
    assert "run `review-tool shred --backup FOLDER`" in said
    assert "a shredding is not finished" in run(folder, "list").output
    assert "not finished" in run(folder, "shred", "R-0002", *place, "--yes", code=56).output

    run(folder, "shred", *place)

    keystore = read_keystore(folder / "keystore", PASSPHRASE)
    assert keystore.next_vault_key is None
    assert keystore.vault_key != machine.center.vault_key
    assert told_in(pages.decrypted(machine.vault / vault.FILE_NAME, keystore.vault_key)) == set()
    with machine.opened(keystore) as found, found.transaction() as connection:
        assert shred.stage(connection) is Stage.DONE


@pytest.fixture
def held_alone(machine: Machine) -> Iterator[None]:
    """The folder of the vault, as a shredding holds it while it replaces the file."""
    handle = os.open(machine.vault, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    yield
    os.close(handle)


@pytest.mark.usefixtures("held_alone")
def test_a_vault_that_is_being_rekeyed_is_busy(machine: Machine) -> None:
    """Nobody begins to write into a file that is about to be replaced."""
    with pytest.raises(VaultBusyError), machine.opened():
        pass


def test_a_missing_backup_is_made_up_by_any_backup(machine: Machine) -> None:
    """The reminder goes when what it reminds of is done, whoever did it."""
    with machine.opened() as found:
        with found.transaction() as connection:
            shred.reach(connection, Stage.BACKUP)

        back_up(machine, found)

        with found.transaction() as connection:
            assert shred.stage(connection) is Stage.DONE
