"""An old reading key is destroyed when nothing needs it any more, and then what was seized stays shut."""

import hashlib
import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import Result

from crypto import seal, signing
from crypto.config import PublicConfig
from crypto.errors import NoMatchError
from crypto.unseal import Identity, unseal
from tests.center import make_center, sample_report
from tests.review_tool.review_machine import write_bundle
from tests.review_tool.test_key_commands import Machine
from tests.review_tool.test_rotation import entries, served

FIRST = date(2026, 5, 1)  # long before any day on which this runs
ROTATED = FIRST + timedelta(days=31)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Center whose overlap has been over for more than 90 days, with one case of the old key that left a contact."""
    machine = Machine(root=tmp_path_factory.mktemp("stage") / "machine")
    run(machine, *machine_words(machine))
    run(machine, "pair", str(export_key(machine)), "--yes")
    receive(machine, "first", served(machine, "public"), contact="call 555 0100")
    run(machine, "key", "rotate", "--out", str(machine.root / "rotated"), "--shares-to", str(machine.root / "new-shares"),
        "--day", ROTATED.isoformat(), "--not-isolated", "--yes")  # fmt: skip
    return machine.root


@pytest.fixture
def machine(tmp_path: Path, stage: Path) -> Machine:
    """The same, for one test."""
    shutil.copytree(stage, tmp_path / "machine")
    return Machine(root=tmp_path / "machine")


def machine_words(machine: Machine) -> list[str]:
    """A ceremony on the first day."""
    words = [
        "ceremony",
        "--center",
        "test-center",
        "--config",
        "config.example.toml",
        "--out",
        str(machine.public),
    ]
    return [*words, "--cost", "floor", "--day", FIRST.isoformat(), "--not-isolated", "--yes"]


def run(machine: Machine, *words: str) -> Result:
    """Run a command that must go well."""
    done = machine.run(*words)
    assert done.exit_code == 0, done.stderr
    return done


def export_key(machine: Machine) -> Path:
    """The public half of the server's own key."""
    path = machine.root / "export.pub"
    path.write_text(signing.format_public_key(make_center().export_public, "export key"))
    return path


def receive(machine: Machine, name: str, config: PublicConfig, *, contact: str = "", after: str = "") -> None:
    """Take in a bundle with one report, the first one or the one after another."""
    told = sample_report(narrative=f"Story of {name}.", contact=contact)
    sealed = seal.seal(told, config, lang="en", flags=[], day=config.not_before).sealed
    prev = (
        hashlib.sha256((machine.root / after / "manifest.json").read_bytes()).hexdigest() if after else None
    )
    write_bundle(machine.root / name, make_center(), [sealed], seq=2 if after else 1, prev=prev)
    places = ["--backup", str(machine.root / "backup"), "--ack-to", str(machine.root), "--same-disk"]
    run(machine, "receive", str(machine.root / name), *places)


def destroy(machine: Machine, *more: str, epoch: int = 1) -> Result:
    """Destroy a key as a script."""
    return machine.run("key", "destroy", "--epoch", str(epoch), "--yes", "--json", *more)


def test_a_key_whose_time_is_over_is_destroyed_and_old_sticks_stay_shut(machine: Machine) -> None:
    """That is what rotation is for."""
    copy = machine.root / "copy"
    shutil.copyfile(machine.keystore, copy)
    old_stick = (machine.root / "first").glob("*.age")

    told = json.loads(destroy(machine, "--lose", "--keystore-copy", str(copy)).stdout)

    assert told["destroyed"] == 1
    assert [one.epoch for one in machine.read().epochs] == [2]
    assert copy.read_bytes() != machine.keystore.read_bytes()  # another salt
    kept = machine.read()
    shutil.copyfile(copy, machine.keystore)
    assert machine.read() == kept
    with pytest.raises(NoMatchError):
        unseal(
            next(old_stick).read_bytes(), [Identity(epoch=one.epoch, seed=one.seed) for one in kept.epochs]
        )
    assert {"changed": "reading key destroyed", "epoch": 1, "lost": ["R-0001"]}.items() <= entries(machine)[
        -1
    ].items()
    assert "Story of first." in run(machine, "show", "R-0001").stdout


def test_what_opens_with_nothing_else_is_named_before_it_is_lost(machine: Machine) -> None:
    """A way to reach somebody, or a file, must not go by an oversight."""
    done = destroy(machine)

    assert done.exit_code == 72
    assert "R-0001" in done.stderr
    assert [one.epoch for one in machine.read().epochs] == [1, 2]


def test_a_case_that_the_new_key_opens_too_is_not_lost(machine: Machine) -> None:
    """In the overlap the server seals to both."""
    receive(machine, "second", served(machine, "rotated"), contact="call 555 0101", after="first")

    assert json.loads(destroy(machine, "--lose").stdout)["lost"] == ["R-0001"]
    assert "555 0101" in run(machine, "show", "R-0002", "--contact", "--reason", "asked").stdout


@pytest.mark.parametrize("early", [[], ["--early"]])
def test_a_key_that_the_server_seals_to_is_not_destroyed(machine: Machine, early: list[str]) -> None:
    """New reports would be sealed to nobody."""
    done = destroy(machine, "--lose", *early, epoch=2)

    assert done.exit_code == 72
    assert "the server seals to epoch 2" in done.stderr
    assert len(machine.read().epochs) == 2


def test_ninety_days_are_waited_unless_the_key_was_exposed(tmp_path: Path) -> None:
    """A stick may lie in a drawer; a stranger with the key does not wait."""
    machine = Machine(root=tmp_path / "machine")
    run(machine, *machine_words(machine))
    week_ago = (date.today() - timedelta(days=7)).isoformat()  # noqa: DTZ011 - any day lately
    run(machine, "key", "rotate", "--out", str(machine.root / "rotated"), "--shares-to", str(machine.root / "new-shares"),
        "--overlap-days", "0", "--day", week_ago, "--not-isolated", "--yes")  # fmt: skip

    done = destroy(machine)
    assert (done.exit_code, "may be on their way" in done.stderr) == (72, True)

    assert destroy(machine, "--early").exit_code == 0
    assert [one.epoch for one in machine.read().epochs] == [2]


def test_a_bundle_must_have_come_since(tmp_path: Path) -> None:
    """The server may still hold reports that only the old key opens."""
    machine = Machine(root=tmp_path / "machine")
    run(machine, *machine_words(machine))
    run(machine, "key", "rotate", "--out", str(machine.root / "rotated"), "--shares-to", str(machine.root / "new-shares"),
        "--day", ROTATED.isoformat(), "--not-isolated", "--yes")  # fmt: skip
    done = destroy(machine)
    assert (done.exit_code, "no bundle was received" in done.stderr) == (72, True)

    run(machine, "pair", str(export_key(machine)), "--yes")
    receive(machine, "late", served(machine, "rotated"))

    assert destroy(machine).exit_code == 0


def test_an_epoch_that_is_not_there_is_named(machine: Machine) -> None:
    """With those that are."""
    assert "it holds 1, 2" in destroy(machine, epoch=7).stderr
