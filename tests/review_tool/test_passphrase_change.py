"""A changed passphrase: the same keys under other words, and a keystore that opens at every moment in between."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crypto import keystore as keystores
from crypto.errors import KeystoreError
from crypto.keystore import FLOOR_COST, read_keystore, read_root_keystore
from review_tool import audit, passphrase_change, vault
from review_tool.cli import main
from review_tool.errors import PassphraseError, SecretFileError
from tests.center import PASSPHRASE, Center
from tests.review_tool.review_machine import Machine, killed_in, make_machine, write_keystores

NEW = "another six words nobody guessed yet"  # 20 characters and more


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, center: Center) -> Path:
    """A vault and both keystores, to be copied for each test."""
    folder = tmp_path_factory.mktemp("stage")
    make_machine(folder, center)
    write_keystores(folder, center)
    (folder / "new-passphrase").write_text(NEW)
    return folder


@pytest.fixture
def machine(tmp_path: Path, stage: Path, center: Center) -> Machine:
    """The stage, for one test."""
    shutil.copytree(stage, tmp_path / "machine")
    return Machine(center=center, directory=tmp_path / "machine")


def change(machine: Machine, *more: str) -> Result:
    """Run `key passphrase` unattended."""
    folder = machine.directory
    front = ["--vault", str(machine.vault), "--keystore", str(folder / "keystore")]
    front += ["--passphrase-file", str(folder / "passphrase"), "key", "passphrase", "--cost", "floor"]
    if "--new-passphrase-file" not in more:
        front += ["--new-passphrase-file", str(folder / "new-passphrase")]
    return CliRunner().invoke(main, [*front, *more])


def names(machine: Machine) -> set[str]:
    """Files beside the vault."""
    return {path.name for path in machine.directory.iterdir() if path.is_file()}


def test_the_same_keys_open_with_the_new_words_only(machine: Machine, center: Center) -> None:
    """And nothing is left that the old ones would open; the act is in the log."""
    before = names(machine)

    done = change(machine)

    path = machine.directory / "keystore"
    assert done.exit_code == 0, done.output
    assert read_keystore(path, NEW) == center.keystore
    with pytest.raises(KeystoreError):
        read_keystore(path, PASSPHRASE)
    assert names(machine) == before
    assert path.stat().st_mode & 0o777 == 0o600
    assert "Every other copy" in done.output
    with machine.opened() as found, found.transaction() as connection:
        logged = [facts for _, facts in audit.read(connection) if facts and facts["act"] == "key"]
    assert [facts["changed"] for facts in logged] == ["passphrase"]


def test_the_root_keystore_is_changed_by_itself(machine: Machine, center: Center) -> None:
    """It lies in an envelope elsewhere; the keystore stays as it is."""
    done = change(machine, "--root-keystore", str(machine.directory / "root-keystore"))

    assert done.exit_code == 0, done.output
    assert "paper log" in done.stderr
    assert read_root_keystore(machine.directory / "root-keystore", NEW) == center.root_keystore
    assert read_keystore(machine.directory / "keystore", PASSPHRASE) == center.keystore


def test_generated_words_are_written_where_a_script_asks_for_them(machine: Machine, center: Center) -> None:
    """As at the ceremony."""
    target = machine.directory / "generated"

    assert change(machine, "--new-passphrase-file", str(target)).exit_code == 0

    assert len(target.read_text().split()) == 6
    assert read_keystore(machine.directory / "keystore", target.read_text().strip()) == center.keystore


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("short", PassphraseError.exit_code),
        (PASSPHRASE, PassphraseError.exit_code),
        (f"{NEW} ", PassphraseError.exit_code),
    ],
    ids=["too weak", "the old one", "a blank nobody sees"],
)
def test_words_that_are_no_new_passphrase_change_nothing(typed: str, code: int, machine: Machine) -> None:
    """Refused before a byte is written, and not repeated."""
    (machine.directory / "new-passphrase").write_text(typed)
    before = (machine.directory / "keystore").read_bytes()

    done = change(machine)

    assert done.exit_code == code
    assert typed not in done.output
    assert (machine.directory / "keystore").read_bytes() == before


def test_wrong_old_words_change_nothing(machine: Machine) -> None:
    """Whoever finds the stick must not lock the Center out."""
    (machine.directory / "passphrase").write_text("something else entirely")
    before = (machine.directory / "keystore").read_bytes()

    assert change(machine).exit_code == KeystoreError.exit_code

    assert (machine.directory / "keystore").read_bytes() == before


def test_nobody_at_the_terminal_is_said(machine: Machine) -> None:
    """Six words shown to a pipe would be words nobody has."""
    folder = machine.directory
    words = ["--vault", str(machine.vault), "--keystore", str(folder / "keystore")]

    done = CliRunner().invoke(
        main, [*words, "--passphrase-file", str(folder / "passphrase"), "key", "passphrase"]
    )

    assert done.exit_code == PassphraseError.exit_code
    assert read_keystore(folder / "keystore", PASSPHRASE)


@pytest.mark.parametrize(
    ("module", "name", "opens_with"),
    [
        (passphrase_change, "rewrite", PASSPHRASE),
        (keystores, "_derive", PASSPHRASE),
        (keystores, "_replace", PASSPHRASE),
        (passphrase_change, "_prove", PASSPHRASE),
        (vault, "sync_directory", NEW),
    ],
)
def test_a_change_that_was_cut_off_leaves_one_keystore_that_opens(
    module: object, name: str, opens_with: str, machine: Machine, center: Center
) -> None:
    """Killed in every step: never none, never one that neither passphrase opens; and it can be run again."""
    path = machine.directory / "keystore"

    killed_in(lambda: passphrase_change.rewrite(path, center.keystore, NEW, FLOOR_COST), module, name)

    assert read_keystore(path, opens_with) == center.keystore
    passphrase_change.rewrite(path, center.keystore, NEW, FLOOR_COST)
    assert read_keystore(path, NEW) == center.keystore
    assert names(machine) == {"keystore", "root-keystore", "passphrase", "new-passphrase"}


def test_a_stick_that_cannot_be_written_keeps_the_old_one(machine: Machine, center: Center) -> None:
    """The message says with which words it opens."""
    path = machine.directory / "keystore"
    (machine.directory / "keystore.changing").mkdir()

    with pytest.raises(SecretFileError, match="its passphrase still opens it"):
        passphrase_change.rewrite(path, center.keystore, NEW, FLOOR_COST)

    assert read_keystore(path, PASSPHRASE) == center.keystore
