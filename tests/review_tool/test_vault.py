"""The vault: unreadable without its key, never half open, never silently another one."""

import os
import resource
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from crypto.errors import ForeignConfigError
from crypto.keystore import FLOOR_COST, read_keystore, write_keystore
from review_tool import audit, vault
from review_tool.audit import Act
from review_tool.errors import (
    DamagedVaultError,
    VaultBusyError,
    VaultError,
    VaultFullError,
    VaultVersionError,
    WrongKeyError,
)
from review_tool.schema import FACT, METADATA, SCHEMA_VERSION
from tests.center import DAY, PASSPHRASE, Center, make_center, sample_report, seed_of
from tests.review_tool.review_machine import Machine, make_machine, sealed, write_bundle

CANARY = "canary-of-a-narrative-7f3a"


@pytest.fixture
def machine(tmp_path: Path, center: Center) -> Machine:
    """Its review machine, paired."""
    return make_machine(tmp_path, center)


def copied(machine: Machine, directory: Path, content: bytes) -> Machine:
    """A machine whose vault file has other bytes."""
    (directory / "vault").mkdir(parents=True)
    (directory / "vault" / vault.FILE_NAME).write_bytes(content)
    return Machine(center=machine.center, directory=directory)


def file_of(machine: Machine) -> Path:
    """The vault file."""
    return machine.vault / vault.FILE_NAME


def test_nothing_of_a_report_can_be_read_from_the_disk(
    machine: Machine, center: Center, tmp_path: Path
) -> None:
    """P10: not a word, not a column name, not the format itself."""
    write_bundle(tmp_path / "bundle", center, sealed(center, sample_report(narrative=CANARY)))
    machine.receive(tmp_path / "bundle")

    found = b"".join(path.read_bytes() for path in machine.vault.iterdir())

    assert CANARY.encode() not in found
    assert b"SQLite format 3" not in found
    assert b"case_file" not in found


def test_the_same_search_finds_a_vault_without_encryption(tmp_path: Path) -> None:
    """The twin: a detector counts only once it was seen to detect."""
    plain = tmp_path / "plain.db"
    connection = sqlite3.connect(plain)
    connection.execute("CREATE TABLE case_file (words TEXT)")
    connection.execute("INSERT INTO case_file VALUES (?)", (CANARY,))
    connection.commit()
    connection.close()

    found = plain.read_bytes()

    assert CANARY.encode() in found
    assert b"case_file" in found


def test_the_vault_opens_with_keystore_and_passphrase_alone(
    machine: Machine, center: Center, tmp_path: Path
) -> None:
    """P10, the whole chain: passphrase, keystore file, vault key, vault."""
    write_keystore(tmp_path / "keystore", center.keystore, PASSPHRASE, FLOOR_COST)

    keystore = read_keystore(tmp_path / "keystore", PASSPHRASE)

    with machine.opened(keystore) as found:
        assert found.center == center.id


@pytest.mark.parametrize(
    "name", ["cipher_memory_security", "foreign_keys", "secure_delete", "temp_store", "synchronous"]
)
def test_every_setting_is_read_back(name: str, machine: Machine) -> None:
    """Defaults differ from build to build; a setting that did not take would be a silent leak."""
    wanted = {pragma: value for pragma, _, value in vault.PRAGMAS}

    with machine.opened() as found, found.transaction() as connection:
        assert connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() == wanted[name]


def test_the_journal_is_a_rollback_journal_that_leaves_nothing(machine: Machine) -> None:
    """A write-ahead log would keep copies of what was deleted."""
    with machine.opened() as found, found.transaction() as connection:
        connection.execute(insert(FACT), {"name": "x", "value": "y"})

    assert [path.name for path in machine.vault.iterdir()] == [vault.FILE_NAME]


def test_vault_and_directory_are_the_owners_alone(machine: Machine) -> None:
    """Other accounts of the machine see nothing, not even its size."""
    assert machine.vault.stat().st_mode & 0o077 == 0
    assert file_of(machine).stat().st_mode & 0o077 == 0


def test_opening_is_logged(machine: Machine) -> None:
    """P10: whoever looked, looked in the log."""
    with machine.opened():
        pass

    with machine.opened() as found, found.transaction() as connection:
        entries = [facts for _, facts in audit.read(connection) if facts]
    assert [facts["act"] for facts in entries][-2:] == [Act.OPEN.value, Act.OPEN.value]
    assert entries[-1]["reviewer"] == "r1"


def test_a_transaction_that_fails_leaves_nothing(machine: Machine) -> None:
    """An act and its log entry are there together or not at all."""
    with machine.opened() as found:
        with pytest.raises(VaultError), found.transaction() as connection:
            connection.execute(insert(FACT), [{"name": "x", "value": "y"}, {"name": "center", "value": "z"}])

        with found.transaction() as connection:
            assert vault.fact(connection, "x") == ""


# --- keys -----------------------------------------------------------------------------------------


def test_another_key_gives_the_one_unlock_message(machine: Machine, center: Center) -> None:
    """Nobody learns whether the key or the file is wrong."""
    other = replace(center.keystore, vault_key=seed_of("another vault"))

    with pytest.raises(WrongKeyError, match="does not open with this keystore"), machine.opened(other):
        pass


def test_a_damaged_first_page_gives_the_same_message(machine: Machine, tmp_path: Path) -> None:
    """A damaged key page cannot be told from another key."""
    content = bytearray(file_of(machine).read_bytes())
    content[100] ^= 1
    damaged = copied(machine, tmp_path / "damaged", bytes(content))

    with pytest.raises(WrongKeyError, match="does not open with this keystore"), damaged.opened():
        pass


def test_the_key_of_another_center_is_refused(machine: Machine, center: Center) -> None:
    """Two Centers on one machine must not mix, even with one vault key."""
    other = replace(center.keystore, center="other-center")

    with pytest.raises(WrongKeyError), machine.opened(other):
        pass


def test_either_key_opens_while_the_vault_key_is_being_changed(machine: Machine, center: Center) -> None:
    """Whenever a change of key is cut off, one of the two fits."""
    changing = replace(center.keystore, vault_key=seed_of("old"), next_vault_key=center.vault_key)

    with machine.opened(changing) as found:
        assert found.center == center.id


def test_neither_of_two_wrong_keys_opens(machine: Machine, center: Center) -> None:
    """Trying two keys must not become trying anything."""
    wrong = replace(center.keystore, vault_key=seed_of("old"), next_vault_key=seed_of("new"))

    with pytest.raises(WrongKeyError), machine.opened(wrong):
        pass


def test_a_wrong_key_writes_nothing(machine: Machine, center: Center) -> None:
    """A mistaken keystore must not harm the vault it does not belong to."""
    before = file_of(machine).read_bytes()

    with pytest.raises(WrongKeyError), machine.opened(replace(center.keystore, vault_key=bytes(32))):
        pass

    assert file_of(machine).read_bytes() == before


def test_the_key_stands_in_no_description_of_the_vault(machine: Machine, center: Center) -> None:
    """A URL or a repr would carry it into a log."""
    with machine.opened() as found:
        described = f"{found!r} {found.engine!r} {found.engine.url!r}"

    assert center.vault_key.hex() not in described


# --- damage ---------------------------------------------------------------------------------------


def test_no_vault_names_the_ceremony(tmp_path: Path, center: Center) -> None:
    """The first mistake of a new Center: wrong directory."""
    nowhere = Machine(center=center, directory=tmp_path)

    with pytest.raises(VaultError, match="review-tool ceremony"), nowhere.opened():
        pass


@pytest.mark.parametrize("size", [0, 1, 100, 4095])
def test_a_stub_of_a_vault_is_called_half_written(size: int, machine: Machine, tmp_path: Path) -> None:
    """SQLite would take an empty file for an empty database and go on."""
    stub = copied(machine, tmp_path / "stub", file_of(machine).read_bytes()[:size])

    with pytest.raises(VaultError, match="half-written"), stub.opened():
        pass
    assert file_of(stub).stat().st_size == size


@pytest.mark.parametrize("pages", [1, 2, 5])
def test_a_vault_cut_short_is_called_damaged(pages: int, machine: Machine, tmp_path: Path) -> None:
    """A copy that broke off must not look like a vault with fewer cases."""
    cut = copied(machine, tmp_path / "cut", file_of(machine).read_bytes()[: pages * vault.PAGE_SIZE])

    with pytest.raises(VaultError, match="damaged"), cut.opened():
        pass


def test_a_flipped_bit_in_any_page_is_found(machine: Machine, center: Center, tmp_path: Path) -> None:
    """Commands read the pages they need; a report on a failing page must not wait until somebody opens that case."""
    write_bundle(tmp_path / "bundle", center, sealed(center, sample_report()))
    machine.receive(tmp_path / "bundle")
    whole = file_of(machine).read_bytes()
    missed = []
    for page in range(1, len(whole) // vault.PAGE_SIZE):  # page 0 is the key page: it does not open at all
        content = bytearray(whole)
        content[page * vault.PAGE_SIZE + 2000] ^= 1
        (tmp_path / "flipped.db").write_bytes(content)
        try:
            with (
                vault.open_copy(tmp_path / "flipped.db", center.keystore) as copy,
                copy.transaction() as connection,
            ):
                vault.require_whole(connection)
            missed.append(page)
        except DamagedVaultError:
            continue

    assert missed == []
    assert len(whole) // vault.PAGE_SIZE > 20
    with machine.opened() as found, found.transaction() as connection:
        vault.require_whole(connection)  # the twin: a whole vault is no damaged one


def test_a_vault_that_was_never_finished_is_said_so(machine: Machine, center: Center, tmp_path: Path) -> None:
    """The power went during the ceremony."""
    (tmp_path / "new" / "vault").mkdir(parents=True)
    shutil.copy(file_of(machine), tmp_path / "new" / "vault" / vault.UNFINISHED_NAME)

    unfinished = Machine(center=center, directory=tmp_path / "new")

    with pytest.raises(VaultError, match="never finished"), unfinished.opened():
        pass


def test_an_unfinished_vault_is_made_anew(machine: Machine, center: Center, tmp_path: Path) -> None:
    """The ceremony can be held again in the same place."""
    (tmp_path / "new" / "vault").mkdir(parents=True)
    (tmp_path / "new" / "vault" / vault.UNFINISHED_NAME).write_bytes(b"half of one")

    again = make_machine(tmp_path / "new", center)

    with again.opened() as found:
        assert found.center == center.id
    assert not (again.vault / vault.UNFINISHED_NAME).exists()


def test_a_vault_is_never_made_over_another(machine: Machine, center: Center) -> None:
    """A second ceremony in one place would lose every case."""
    with pytest.raises(VaultError, match="holds a vault already"):
        make_machine(machine.directory, center)


def test_a_vault_is_not_made_for_a_config_signed_by_another_root(tmp_path: Path, center: Center) -> None:
    """The archive starts with a configuration that this Center signed."""
    with pytest.raises(ForeignConfigError):
        vault.create(
            tmp_path / "vault",
            center=center.id,
            vault_key=center.vault_key,
            config_raw=center.raw,
            config_minisig=center.minisig,
            root_public=make_center(center="other-center").root_public,
            day=DAY,
        )
    assert not (tmp_path / "vault" / vault.FILE_NAME).exists()


def test_a_vault_of_another_version_is_refused(machine: Machine) -> None:
    """No migration before the first real change, and no guessing."""
    with machine.opened() as found, found.transaction() as connection:
        connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")

    with pytest.raises(VaultVersionError) as refusal, machine.opened():
        pass
    assert (refusal.value.found, refusal.value.known) == (SCHEMA_VERSION + 1, SCHEMA_VERSION)


# --- trouble while writing ------------------------------------------------------------------------


def test_a_second_writer_is_told_to_wait(machine: Machine) -> None:
    """Two reviewers on one machine: the later one hears it instead of losing work."""
    with machine.opened() as first, first.transaction():  # noqa: SIM117 - the refusal happens inside
        with pytest.raises(VaultBusyError, match="wait"), machine.opened():
            pass


def test_a_full_disk_is_said_and_leaves_the_vault_whole(machine: Machine) -> None:
    """Nothing of the act was kept, everything before it was."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with machine.opened() as found:
                size = file_of(machine).stat().st_size + 2 * vault.PAGE_SIZE
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
                with found.transaction() as connection:
                    connection.execute(insert(FACT), {"name": "big", "value": "x" * 1_000_000})
        except VaultFullError:
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    with machine.opened() as found, found.transaction() as connection:
        assert vault.fact(connection, "big") == ""


def test_an_act_that_contradicts_the_vault_quotes_nothing(machine: Machine) -> None:
    """A database's own message would carry the statement and its values."""
    with machine.opened() as found, pytest.raises(VaultError) as refusal, found.transaction() as connection:
        connection.execute(insert(FACT), {"name": "center", "value": CANARY})

    assert CANARY not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_every_configuration_stays_in_the_archive(machine: Machine, center: Center) -> None:
    """A report of years ago is shown with the labels its author saw."""
    newer = make_center(serial=2)
    with machine.opened() as found:
        with found.transaction() as connection:
            vault.archive_config(connection, newer.config, newer.minisig)
            vault.archive_config(connection, newer.config, newer.minisig)

        with found.transaction() as connection:
            archived = vault.archived_configs(connection)
    assert [config.context_id for config in archived] == [center.config.context_id, newer.config.context_id]


def test_every_table_of_the_schema_is_in_the_file(machine: Machine) -> None:
    """The schema version is a promise about exactly these tables."""
    with machine.opened() as found, found.transaction() as connection:
        names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars()
        assert set(names) == set(METADATA.tables)
        assert connection.execute(select(FACT.c.value).where(FACT.c.name == "center")).scalar_one()
