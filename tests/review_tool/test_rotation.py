"""A new reading key beside the old one, and the drill that proves what brings one back: no report is lost on the way."""

import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import Result

from crypto import config as configs
from crypto import seal, signing
from crypto.config import PublicConfig
from crypto.errors import NoMatchError
from crypto.keystore import EpochState
from crypto.unseal import Identity, unseal
from review_tool import audit, rotation_commands, vault
from review_tool.isolation import open_doors
from review_tool.rotation import OVERLAP_DAYS
from tests.center import sample_report
from tests.review_tool.review_machine import killed_in
from tests.review_tool.test_key_commands import CENTER, Machine

DAY = date(2026, 11, 16)
LATER = DAY + timedelta(days=100)  # of the rotation


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Center after its ceremony, to be copied for each test."""
    machine = Machine(root=tmp_path_factory.mktemp("stage") / "machine")
    result = machine.found("--shares-to", str(machine.shares))
    assert result.exit_code == 0, result.stderr
    return machine.root


@pytest.fixture
def machine(tmp_path: Path, stage: Path) -> Machine:
    """The same, for one test."""
    shutil.copytree(stage, tmp_path / "machine")
    return Machine(root=tmp_path / "machine")


def rotate(machine: Machine, name: str = "rotated", *more: str) -> Result:
    """Rotate on the command line, as a script."""
    where = ["--out", str(machine.root / name), "--shares-to", str(machine.root / f"shares-{name}")]
    return machine.run(
        "key", "rotate", *where, "--day", LATER.isoformat(), "--not-isolated", "--yes", "--json", *more
    )


def drill(machine: Machine, papers: Path, *more: str) -> Result:
    """Rehearse a recovery with shares from files."""
    return machine.run("drill", "--shares-from", str(papers), "--not-isolated", "--yes", "--json", *more)


def served(machine: Machine, name: str) -> PublicConfig:
    """A folder as the server reads it."""
    folder = machine.root / name
    root_public = signing.parse_public_key((machine.public / configs.ROOT_NAME).read_text())
    minisig = (folder / configs.MINISIG_NAME).read_text()
    return configs.read_config(
        (folder / configs.CONFIG_NAME).read_bytes(), minisig, root_public=root_public, center=CENTER
    )


def sealed(config: PublicConfig, day: date) -> bytes:
    """A report as the server seals it on a day."""
    return seal.seal(sample_report(), config, lang="en", flags=[], day=day).sealed


def entries(machine: Machine) -> list[dict]:
    """What the log says of keys."""
    with vault.open_vault(machine.vault, machine.read()) as found, found.transaction() as connection:
        return [facts for _, facts in audit.naming(connection, "act", "key")]


def test_reports_of_before_during_and_after_the_overlap_open_with_the_keystore(machine: Machine) -> None:
    """Bundles come late, and from a server that got its configuration late."""
    old = machine.read().epochs[0]
    assert rotate(machine).exit_code == 0
    before, after = served(machine, "public"), served(machine, "rotated")
    kept = {one.epoch: Identity(epoch=one.epoch, seed=one.seed) for one in machine.read().epochs}
    on_the_way = {
        "before": sealed(before, DAY),
        "the server has the old configuration": sealed(before, LATER + timedelta(days=5)),
        "during the overlap": sealed(after, LATER),
        "on its last day": sealed(after, LATER + timedelta(days=OVERLAP_DAYS - 1)),
        "after it": sealed(after, LATER + timedelta(days=OVERLAP_DAYS)),
    }

    for name, envelope in on_the_way.items():
        assert unseal(envelope, list(kept.values())).report.narrative == sample_report().narrative, name

    unseal(on_the_way["on its last day"], [kept[old.epoch]])
    with pytest.raises(NoMatchError):
        unseal(on_the_way["after it"], [kept[old.epoch]])
    unseal(on_the_way["during the overlap"], [kept[old.epoch + 1]])


def test_the_new_epoch_is_active_the_old_one_stays_and_all_of_it_is_told(machine: Machine) -> None:
    """What people compare and what they carry."""
    old = machine.read().epochs[0]

    told = json.loads(rotate(machine).stdout)

    first, second = machine.read().epochs
    assert (first.seed, first.state) == (old.seed, EpochState.OVERLAP)
    assert (second.epoch, second.state, second.fingerprint) == (2, EpochState.ACTIVE, told["fingerprint"])
    assert told["serial"] == served(machine, "public").serial + 1
    assert told["reading_keys"]["1"] == (LATER + timedelta(days=OVERLAP_DAYS)).isoformat()
    assert served(machine, "rotated").content == served(machine, "public").content
    assert {"changed": "reading key", "epoch": 2}.items() <= entries(machine)[-1].items()


def test_an_exposed_key_is_not_sealed_to_for_another_day(machine: Machine) -> None:
    """Whoever has it would read what comes in the overlap."""
    assert rotate(machine, "rotated", "--overlap-days", "0").exit_code == 0

    assert [one.epoch for one in served(machine, "rotated").recipients] == [2]
    assert len(machine.read().epochs) == 2  # what is on its way is still opened


def test_the_shares_of_the_new_key_bring_it_back(machine: Machine) -> None:
    """A rotation whose shares are wrong would be found out when it is too late."""
    rotate(machine)

    done = drill(machine, machine.root / "shares-rotated", "--reading-only")

    assert json.loads(done.stdout) == {"epoch": 2, "proved": ["reading key"]}


def test_a_copy_of_the_keystore_is_renewed_and_another_file_is_not_written_over(machine: Machine) -> None:
    """The second stick must open what the first one opens; the root keystore looks like any other."""
    copy = machine.root / "copy"
    shutil.copyfile(machine.keystore, copy)
    before = machine.keystore.read_bytes()

    refused = rotate(machine, "refused", "--keystore-copy", str(machine.keystore.with_name("root-keystore")))
    assert refused.exit_code != 0
    assert machine.keystore.read_bytes() == before
    assert not (machine.root / "refused").exists()

    assert rotate(machine, "rotated", "--keystore-copy", str(copy)).exit_code == 0
    kept = machine.read()
    shutil.copyfile(copy, machine.keystore)
    assert machine.read() == kept


@pytest.mark.parametrize(
    ("name", "expected"),
    [("publish", {1, 3}), ("_appear", {1, 2, 3})],  # what the vault knows, a server may know, too
)
def test_a_rotation_that_was_cut_off_is_done_again_and_leaves_no_key_that_nobody_seals_to(
    machine: Machine, name: str, expected: set[int]
) -> None:
    """The power fails after the keystore was written: the configuration may be known to the vault, and to nobody else."""
    from review_tool import renewal

    killed_in(lambda: rotate(machine, "lost"), renewal, name)
    assert not (machine.root / "lost").exists()
    assert [one.epoch for one in machine.read().epochs] == [1, 2]

    assert rotate(machine).exit_code == 0

    assert {one.epoch for one in served(machine, "rotated").recipients} == expected
    assert {one.epoch for one in machine.read().epochs} == expected


def test_a_drill_proves_both_keys_and_changes_nothing_but_the_log(machine: Machine) -> None:
    """It may be held each month, with two other advisors each time."""
    before = {
        path: path.read_bytes() for path in (machine.keystore, machine.keystore.with_name("root-keystore"))
    }
    for number in (1, 2, 3):
        for key in ("reading-key", "root-key"):
            found = [path for path in machine.shares.iterdir() if key in path.name]
            assert len(found) == 3, number

    done = drill(machine, machine.shares)

    assert json.loads(done.stdout) == {"epoch": 1, "proved": ["reading key", "root key"]}
    assert all(path.read_bytes() == content for path, content in before.items())
    assert entries(machine)[-1]["drill"] == ["reading key", "root key"]


def test_shares_of_another_key_are_no_drill(machine: Machine, tmp_path: Path) -> None:
    """Papers were mixed up, or are of the key before."""
    rotate(machine)

    done = drill(machine, machine.shares, "--reading-only")  # the newest epoch is another one now

    assert done.exit_code != 0
    assert "another fingerprint" in done.stderr
    assert not any("drill" in facts for facts in entries(machine))


def test_one_share_is_no_drill(machine: Machine) -> None:
    """Two are needed, as for a recovery."""
    for path in sorted(machine.shares.iterdir()):
        if "reading" in path.name and "1" not in path.name:
            path.unlink()

    done = drill(machine, machine.shares)

    assert done.exit_code != 0
    assert "2 are needed" in done.stderr


@pytest.mark.parametrize("words", [["key", "rotate", "--out", "x"], ["drill"]])
def test_people_sit_at_a_terminal_and_scripts_say_so(machine: Machine, words: list[str]) -> None:
    """Nobody is asked by a pipe."""
    done = machine.run(*words, "--not-isolated")

    assert done.exit_code != 0
    assert "at a terminal" in done.stderr


@pytest.mark.skipif(not open_doors(), reason="this machine is isolated")
@pytest.mark.parametrize(
    "words", [["key", "rotate", "--out", "x", "--yes"], ["drill", "--yes", "--shares-from", "x"]]
)
def test_a_machine_with_open_doors_is_refused(machine: Machine, words: list[str]) -> None:
    """As for a ceremony."""
    assert "--not-isolated" in machine.run(*words).stderr


def test_the_commands_stand_where_people_look() -> None:
    """`key rotate` beside the other acts with keys, `drill` by itself."""
    from review_tool.cli import main

    assert main.commands["drill"] is rotation_commands.drill
    assert main.commands["key"].commands["rotate"] is rotation_commands.rotate
