"""Quarantine: what was set aside can be listed, is explained, and is tried again when a key or software came."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crypto import seal
from crypto.keystore import FLOOR_COST, Keystore, write_keystore
from crypto.unseal import Quarantine
from review_tool import quarantine
from review_tool.cli import main
from review_tool.errors import DoubtError
from review_tool.quarantine import REMEDIES, SetAside
from tests.center import DAY, PASSPHRASE, Center, make_center, sample_report
from tests.review_tool.review_machine import Machine, broken_envelopes, entry_of, make_machine, write_bundle

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def center() -> Center:
    """One Center with two key epochs."""
    return make_center(epochs=2)


@pytest.fixture
def machine(tmp_path: Path, center: Center) -> Machine:
    """Its review machine, paired."""
    return make_machine(tmp_path, center)


def waiting(machine: Machine) -> list[SetAside]:
    """What lies in quarantine."""
    with machine.opened() as vault, vault.transaction() as connection:
        return quarantine.waiting(connection)


def tool(machine: Machine, keystore: Keystore, *words: str) -> Result:
    """Run one command line with a keystore on a stick."""
    folder = machine.directory
    write_keystore(folder / "keystore", keystore, PASSPHRASE, FLOOR_COST)
    (folder / "passphrase").write_text(PASSPHRASE)
    start = ["--vault", str(machine.vault), "--keystore", str(folder / "keystore")]
    return CliRunner().invoke(main, [*start, "--passphrase-file", str(folder / "passphrase"), *words])


def test_every_class_is_listed_with_its_bundle_and_its_day(
    machine: Machine, center: Center, tmp_path: Path
) -> None:
    """Said once at the receive, it would be forgotten by the next week."""
    broken = broken_envelopes(center)
    first = write_bundle(tmp_path / "one", center, list(broken.values())[:3])
    write_bundle(tmp_path / "two", center, list(broken.values()), seq=2, prev=first)
    machine.receive(tmp_path / "one")
    machine.receive(tmp_path / "two")

    found = waiting(machine)

    assert {one.reason for one in found} == set(Quarantine)
    assert [one.bundle for one in found] == [1, 1, 1, 2, 2, 2, 2]
    assert {one.day for one in found} == {DAY.isoformat()}
    assert {one.file for one in found} == {entry_of(content).file_name for content in broken.values()}


def test_an_empty_quarantine_is_empty(machine: Machine, center: Center) -> None:
    """The ordinary day."""
    assert waiting(machine) == []


def test_every_class_is_explained_here_and_in_the_guide() -> None:
    """A class that is a word alone leaves a person with an envelope and no next step."""
    guide = (ROOT / "docs" / "reviewing.md").read_text(encoding="utf-8")

    assert set(REMEDIES) == set(Quarantine)
    assert [reason for reason in Quarantine if f"| `{reason}` |" not in guide] == []


def test_the_command_says_what_each_means_and_what_to_do(
    machine: Machine, center: Center, tmp_path: Path
) -> None:
    """For people in words, for scripts as one object an envelope; receive points to it."""
    write_bundle(tmp_path / "bundle", center, list(broken_envelopes(center).values()))

    received = tool(machine, center.keystore, "receive", str(tmp_path / "bundle"))
    listed = tool(machine, center.keystore, "quarantine")
    as_json = tool(machine, center.keystore, "quarantine", "--json")

    assert received.exit_code == DoubtError.exit_code
    assert "`review-tool quarantine`" in received.output
    assert listed.output.count("Next: ") == len(Quarantine)
    assert "7 envelopes in quarantine." in listed.output
    files = {path.name for path in (tmp_path / "bundle").glob("*.age")}
    assert all(f"File in the bundle: {name}\n" in listed.output for name in files)
    facts = [json.loads(line) for line in as_json.output.splitlines()]
    assert [one["reason"] for one in facts] == [one.reason for one in waiting(machine)]
    assert {one["file"] for one in facts} == files
    assert all(one["means"] and one["next"] and one["bundle"] == 1 for one in facts)


def test_a_key_that_was_added_opens_what_waited_for_it(
    machine: Machine, center: Center, tmp_path: Path
) -> None:
    """The sealed bytes are in the vault: no stick is needed, and what still does not open stays."""
    newest = center.config.recipients[1]
    config = replace(center.config, recipients=(newest,))
    waits = seal.seal(sample_report(), config, lang="en", flags=[], day=DAY).sealed
    write_bundle(tmp_path / "bundle", center, [waits, b"not an age file"])
    old = replace(center.keystore, epochs=center.keystore.epochs[:1])
    machine.receive(tmp_path / "bundle", keystore=old)

    in_vain = tool(machine, old, "quarantine", "--retry")
    opened = tool(machine, center.keystore, "quarantine", "--retry")

    assert "0 envelopes could be opened now" in in_vain.output
    assert "2 envelopes in quarantine." in in_vain.output
    assert "1 envelope could be opened now" in opened.output
    assert "1 envelope in quarantine." in opened.output
    assert [case.report for case in machine.cases()] == [sample_report()]


def test_listing_opens_nothing_and_trying_again_is_asked_for(
    machine: Machine, center: Center, tmp_path: Path
) -> None:
    """The twin: without --retry the same keystore leaves it where it is."""
    config = replace(center.config, recipients=(center.config.recipients[1],))
    waits = seal.seal(sample_report(), config, lang="en", flags=[], day=DAY).sealed
    write_bundle(tmp_path / "bundle", center, [waits])
    machine.receive(tmp_path / "bundle", keystore=replace(center.keystore, epochs=center.keystore.epochs[:1]))

    tool(machine, center.keystore, "quarantine")

    assert [one.reason for one in waiting(machine)] == [Quarantine.NO_KEY]
    assert machine.cases() == []
