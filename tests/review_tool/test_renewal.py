"""A renewed configuration: the next serial, the same keys, and no report is a stranger because of it."""

import json
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crypto import config as configs
from crypto import seal, signing
from crypto.config import PublicConfig
from crypto.errors import ConfigError
from review_tool import renewal, vault
from review_tool.cli import main
from review_tool.errors import CeremonyError
from review_tool.isolation import open_doors
from tests.center import DAY, EXAMPLE, PASSPHRASE, Center, example_content, make_center, sample_report
from tests.review_tool.review_machine import Machine, killed_in, make_machine, write_bundle, write_keystores

ROOT_PASSPHRASE = "another one for the root key, longer"  # noqa: S105 - guards nothing


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, center: Center) -> Path:
    """A vault, both keystores and the folder that the server runs with, to be copied for each test."""
    folder = tmp_path_factory.mktemp("stage")
    make_machine(folder, center)
    write_keystores(folder, center, root_passphrase=ROOT_PASSPHRASE)
    (folder / "root-passphrase").write_text(ROOT_PASSPHRASE)
    center.write_public(folder / "public")
    return folder


@pytest.fixture
def machine(tmp_path: Path, stage: Path, center: Center) -> Machine:
    """The stage, for one test."""
    shutil.copytree(stage, tmp_path / "machine")
    return Machine(center=center, directory=tmp_path / "machine")


def sign(
    machine: Machine, name: str = "new", *more: str, typed: str | None = None, drop: str | None = None
) -> Result:
    """Sign the example's [center] section on the command line."""
    folder = machine.directory
    front = ["--vault", str(machine.vault), "--keystore", str(folder / "keystore")]
    front += ["--passphrase-file", str(folder / "passphrase"), "config", "sign"]
    words = ["--config", str(EXAMPLE), "--out", str(folder / name), "--day", DAY.isoformat()]
    words += ["--root-passphrase-file", str(folder / "root-passphrase"), "--not-isolated"]
    words += [] if typed is not None else ["--yes"]
    said = [word for word in [*front, *words, *more] if word != drop]
    return CliRunner().invoke(main, said, input=typed)


def read(folder: Path, center: Center) -> PublicConfig:
    """Read a folder as the server does, both signatures included."""
    raw = (folder / configs.CONFIG_NAME).read_bytes()
    signing.verify_signify(raw, (folder / configs.SIG_NAME).read_text(), center.root_public)
    minisig = (folder / configs.MINISIG_NAME).read_text()
    return configs.read_config(raw, minisig, root_public=center.root_public, center=center.id)


def archived(machine: Machine) -> list[int]:
    """Serials that the vault knows."""
    with machine.opened() as found, found.transaction() as connection:
        return [config.serial for config in vault.archived_configs(connection)]


def test_reports_of_both_serials_are_received(machine: Machine, center: Center) -> None:
    """The server takes the new one when the operator comes by: old envelopes arrive after the first new ones."""
    assert sign(machine).exit_code == 0
    second = read(machine.directory / "new", center)
    told = [
        seal.seal(sample_report(narrative=words), config, lang="en", flags=[], day=DAY).sealed
        for words, config in (("under serial 2", second), ("under serial 1, later", center.config))
    ]
    first = write_bundle(machine.directory / "one", center, told[:1])
    write_bundle(machine.directory / "two", center, told[1:], seq=2, prev=first)

    for name in ("one", "two"):
        assert machine.receive(machine.directory / name).opened == 1

    cases = machine.cases()
    assert [case.report.narrative for case in cases] == ["under serial 2", "under serial 1, later"]
    assert [case.context_known for case in cases] == [True, True]


def test_twin_a_configuration_the_vault_never_saw_is_a_stranger(machine: Machine, center: Center) -> None:
    """What the test above would show if the archive were forgotten."""
    stranger = make_center(serial=2).config
    told = seal.seal(sample_report(), stranger, lang="en", flags=[], day=DAY).sealed
    write_bundle(machine.directory / "one", center, [told])
    machine.receive(machine.directory / "one")

    assert [case.context_known for case in machine.cases()] == [False]


def test_the_next_serial_has_the_same_keys_and_new_dates(machine: Machine, center: Center) -> None:
    """Leaflets, shares and the committee's key stay as they are; the server accepts it after the old one."""
    done = sign(machine, "new", "--valid-days", "200", "--json")

    made, old = read(machine.directory / "new", center), center.config
    facts = json.loads(done.stdout)
    assert (made.serial, made.ack_key, made.root_key_id) == (2, old.ack_key, old.root_key_id)
    assert [(one.epoch, one.recipient, one.from_day) for one in made.recipients] == [
        (one.epoch, one.recipient, one.from_day) for one in old.recipients
    ]
    assert (made.not_before, made.soft_expiry) == (DAY, DAY + timedelta(days=200))
    assert (facts["serial"], facts["hard_expiry"]) == (2, made.hard_expiry.isoformat())
    last_day = made.hard_expiry - timedelta(days=1)
    for day in (DAY, last_day):
        configs.check_config(made, day=day, highest_serial=1, software="0.1.0")
    release_key = (machine.directory / "new" / "release.pub").read_text()
    assert signing.parse_public_key(release_key) == center.ack_public


def test_what_changes_is_shown_before_it_is_signed(machine: Machine, center: Center) -> None:
    """People read it together; no is no."""
    text = EXAMPLE.read_text(encoding="utf-8").replace('label.en = "Folsom"', 'label.en = "Folsom town"')
    (machine.directory / "edited.toml").write_text(text, encoding="utf-8")

    refused = sign(machine, "new", "--config", str(machine.directory / "edited.toml"), typed="n\n")

    assert refused.exit_code == 1
    assert "changed in [center]: areas, attachments\n" in refused.output
    assert "serial 2, after 1" in refused.output
    assert not (machine.directory / "new").exists()
    assert archived(machine) == [1]


def test_a_setting_nobody_reads_is_refused_with_the_file_it_stands_in(machine: Machine) -> None:
    """A Center has several config files by then, and a misspelt setting is one that does not hold."""
    edited = machine.directory / "edited.toml"
    text = EXAMPLE.read_text(encoding="utf-8").replace("\nexit_url", "\nexit_ulr")
    edited.write_text(text, encoding="utf-8")

    refused = sign(machine, "new", "--config", str(edited))

    assert refused.exit_code == ConfigError.exit_code
    assert refused.stderr.endswith(
        f"review-tool: {edited}: [site] has no setting 'exit_ulr'; did you mean 'exit_url'?\n"
    )
    assert archived(machine) == [1]


@pytest.mark.skipif(not open_doors(), reason="this machine is isolated: there is nothing to refuse")
def test_a_script_on_a_machine_with_a_network_is_refused(machine: Machine) -> None:
    """The root key would be opened where somebody may be listening; --yes does not say that this is meant."""
    refused = sign(machine, drop="--not-isolated")

    assert refused.exit_code == CeremonyError.exit_code
    assert "or say --not-isolated" in refused.stderr
    assert not (machine.directory / "new").exists()
    assert archived(machine) == [1]


def test_every_renewal_takes_the_next_serial(machine: Machine, center: Center) -> None:
    """A server refuses a serial that it has passed."""
    for name, serial in (("new", 2), ("newer", 3)):
        assert sign(machine, name).exit_code == 0
        assert read(machine.directory / name, center).serial == serial

    assert archived(machine) == [1, 2, 3]


def test_a_vault_set_back_learns_the_newest_from_the_servers_folder(machine: Machine, center: Center) -> None:
    """Restored from an old backup it would give one serial to two configurations."""
    newer = make_center(serial=5)
    newer.write_public(machine.directory / "running")

    assert sign(machine, "new", "--public", str(machine.directory / "running")).exit_code == 0

    assert archived(machine) == [1, 5, 6]
    assert read(machine.directory / "new", center).serial == 6


def test_a_folder_that_is_there_stays_as_it_is(machine: Machine, center: Center) -> None:
    """It may be the only copy of what the server runs with."""
    before = (machine.directory / "public" / configs.CONFIG_NAME).read_bytes()

    refused = sign(machine, "public")

    assert refused.exit_code == CeremonyError.exit_code
    assert (machine.directory / "public" / configs.CONFIG_NAME).read_bytes() == before
    assert archived(machine) == [1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("root", "did not sign the last configuration"),
        ("acknowledgement", "another acknowledgement key"),
        ("reading", "lacks the reading key"),
    ],
)
def test_keys_that_do_not_belong_to_the_configuration_are_refused(
    change: str, said: str, center: Center
) -> None:
    """Two keystores lie in one drawer; nothing is signed by the wrong one."""
    other = make_center(center="other-center")
    keystore, root = center.keystore, center.root_keystore
    if change == "root":
        root = other.root_keystore
    elif change == "acknowledgement":
        keystore = replace(keystore, ack_seed=bytes(32))
    else:
        keystore = replace(keystore, epochs=other.keystore.epochs)

    with pytest.raises(CeremonyError, match=said):
        renewal.renew(
            [center.config], None, example_content(), keystore=keystore, root=root, day=DAY, valid_days=365
        )


def test_the_wrong_words_for_the_root_keystore_say_the_one_message(machine: Machine) -> None:
    """It may have a passphrase of its own; the keystore's does not open it."""
    (machine.directory / "root-passphrase").write_text(PASSPHRASE)

    refused = sign(machine)

    assert refused.exit_code == 22
    assert archived(machine) == [1]


def test_a_key_that_ended_is_no_longer_named(center: Center) -> None:
    """Two epochs overlap for a while; a renewal does not carry the old one on for ever."""
    two = make_center(epochs=2)
    config = two.config
    ended = replace(config.recipients[0], until=DAY - timedelta(days=1))
    raw = configs.build_config(
        center=two.id, serial=1, not_before=config.not_before, soft_expiry=config.soft_expiry,
        recipients=[ended, config.recipients[1]], ack_public=two.ack_public, root_public=two.root_public,
        content=config.content,
    )  # fmt: skip
    minisig = signing.minisign(raw, two.root_seed, configs.trusted_comment(two.id, 1))
    last = configs.read_config(raw, minisig, root_public=two.root_public, center=two.id)

    made = renewal.renew(
        [last], None, config.content, keystore=two.keystore, root=two.root_keystore, day=DAY, valid_days=365
    )

    assert [one.epoch for one in made.signed.config.recipients] == [2]


@pytest.mark.parametrize(
    ("module", "name", "known"), [(vault, "archive_config", [1]), (renewal, "_appear", [1, 2])]
)
def test_a_renewal_that_was_cut_off_can_be_run_again(
    module: object, name: str, known: list[int], machine: Machine, center: Center
) -> None:
    """The vault never knows less than the server; a serial that nobody saw is passed over."""
    made = renewal.renew(
        [center.config], None, example_content(), keystore=center.keystore, root=center.root_keystore,
        day=DAY, valid_days=365,
    )  # fmt: skip
    out = machine.directory / "new"

    def publish() -> None:
        with machine.opened() as found:
            renewal.publish(found, made, out, day=DAY, reviewer="r1")

    killed_in(publish, module, name)

    assert not out.exists()
    assert archived(machine) == known

    assert sign(machine, "again").exit_code == 0
    assert read(machine.directory / "again", center).serial == known[-1] + 1
