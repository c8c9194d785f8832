"""The operator's commands: what they print, and a different exit code for each kind of error."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from crypto import errors as crypto_errors
from crypto import signing
from intake import cli, errors
from tests.intake.conftest import lasting_center, write_config
from tests.intake.test_export import ack_of, filled


@pytest.fixture
def config(tmp_path) -> Path:
    """A config file beside a signed config, with nothing made yet."""
    return write_config(tmp_path, lasting_center())


def run(monkeypatch, capsys, *words: str) -> tuple[int, str, str]:
    """Run `intake` in this process: (exit code, output, complaints)."""
    monkeypatch.setattr("sys.argv", ["intake", *words])
    try:
        cli.main()
        code = 0
    except SystemExit as stopped:
        code = int(stopped.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def intake(monkeypatch, capsys, config):
    """The command line on this config file; however it ends, the command's help must list the code."""

    def ended(*words: str) -> tuple[int, str, str]:
        found = run(monkeypatch, capsys, "--config", str(config), *words)
        assert f"\n    {found[0]:>2}  " in CliRunner().invoke(cli.commands, [words[0], "--help"]).output
        return found

    return ended


def exchange_of(config: Path):
    """The server side that the commands work on."""
    from intake import readiness
    from intake.config import load
    from tests.intake.conftest import NOON, Form

    loaded = load(config)
    store = readiness.open_store(loaded)
    return Form(lasting_center(), loaded, store, readiness.open_exchange(loaded, store), NOON)


def test_init_makes_store_and_key_and_shows_the_digits_to_compare(intake, config):
    """Pairing compares these digits by eye."""
    code, out, _ = intake("init")

    data = config.parent / "data"
    assert code == 0
    assert {path.name for path in data.iterdir()} >= {"store.sqlite", "export.key", "export.pub"}
    assert re.search(r"export key: (\d{5} ){7}\d{5}", out)
    assert signing.parse_public_key((data / "export.pub").read_text())


def test_init_never_replaces_a_store(intake, config):
    """A second init by habit must not drop reports."""
    intake("init")
    before = (config.parent / "data" / "export.key").read_bytes()

    code, _, err = intake("init")

    assert code == errors.AlreadyInitialisedError.exit_code
    assert "left as it is" in err
    assert (config.parent / "data" / "export.key").read_bytes() == before


def test_init_makes_a_lost_export_key_anew_and_leaves_the_store(intake, config):
    """A lost key loses no report: the new one is paired, and all that is not acknowledged is exported again."""
    intake("init")
    data = config.parent / "data"
    form = exchange_of(config)
    filled(form, 2)
    form.store.close()
    old = (data / "export.pub").read_text()
    (data / "export.key").unlink()
    assert intake("check")[0] == errors.NotInitialisedError.exit_code

    code, out, _ = intake("init")

    assert code == 0
    assert "the store was left as it is" in out
    assert "pair the review machine" in out
    assert (data / "export.pub").read_text() != old
    assert json.loads(intake("status", "--json")[1])["stored"] == 2
    assert json.loads(intake("export", str(config.parent), "--json")[1])["reports"] == 2


def test_a_disk_that_takes_no_export_key_is_a_sentence(intake, config):
    """The first command on a new machine is the one that meets wrong rights."""
    (config.parent / "data" / "export.pub").mkdir(parents=True)

    code, _, err = intake("init")

    assert code == errors.StoreFullError.exit_code
    assert f"cannot write {config.parent / 'data' / 'export.pub'}" in err


def test_check_prints_fingerprints_and_the_end_of_the_config(intake):
    """The operator reads it aloud to the Center."""
    intake("init")

    code, out, err = intake("check")
    as_json = json.loads(intake("check", "--json")[1])

    assert code == 0
    assert "the form may open" in out
    assert "language en: source, shown\n" in out
    assert "language es: sample, shown as a draft\n" in out
    assert as_json["languages"]["es"] == "sample"
    assert "production = false" in err
    assert as_json["ready"] is True
    assert as_json["serial"] == 1


def test_status_prints_the_three_numbers_as_integers(intake):
    """Operators script against them."""
    intake("init")

    found = json.loads(intake("status", "--json")[1])

    assert found == {
        "stored": 0,
        "exported": 0,
        "awaiting_acknowledgement": 0,
        "pending_delete": 0,
        "alarms": [],
    }
    assert {type(found[name]) for name in ("stored", "exported", "awaiting_acknowledgement")} == {int}


def test_status_and_check_print_totals_and_nothing_to_count_people_by(intake, config):
    """M7: a golden list of what is printed at all."""
    intake("init")
    form = exchange_of(config)
    filled(form, 2)
    form.store.close()

    lines = [re.sub(r"\d+", "N", line) for line in intake("status")[1].splitlines()]

    assert lines == [
        "stored, not yet acknowledged: N",
        "in the last bundle: N",
        "of these still to be acknowledged: N",
        "acknowledged, to be overwritten: N",
    ]


def test_export_and_acknowledge_make_the_server_forget(intake, config, tmp_path):
    """The whole round of the operator, by commands alone."""
    intake("init")
    stick = tmp_path / "stick"
    stick.mkdir()
    form = exchange_of(config)
    ids = filled(form)
    content, signature = ack_of(form, ids)
    form.store.close()

    code, out, _ = intake("export", str(stick), "--json")
    done = json.loads(out)
    (stick / "ack.json").write_bytes(content)
    (stick / "ack.sig").write_bytes(signature)
    acknowledged, said, _ = intake("acknowledge", str(stick / "ack.json"))

    assert (code, done["reports"], done["damaged"]) == (0, 3, [])
    assert Path(done["bundle"]).is_dir()
    assert (acknowledged, said) == (0, "acknowledged: 3; overwritten from the one before: 0\n")
    assert json.loads(intake("status", "--json")[1])["stored"] == 0
    again, said, _ = intake("acknowledge", str(stick / "ack.json"))
    assert (again, said) == (0, "applied before, or older than the last one: nothing changed\n")


def test_every_command_has_help_without_a_config_file(monkeypatch, capsys):
    """Help is what one reads before there is a config file."""
    for command in ("init", "serve", "check", "status", "export", "acknowledge"):
        code, out, _ = run(monkeypatch, capsys, command, "--help")
        assert code == 0
        assert "Usage:" in out


def test_every_kind_of_error_has_an_exit_code_of_its_own_and_help_lists_it():
    """Scripts tell errors apart by number; the group's help is that of all commands together."""
    kinds = list(errors.IntakeError.__subclasses__())
    kinds += errors.StoreError.__subclasses__()
    codes = [kind.exit_code for kind in kinds if kind is not errors.StoreError]
    shown = CliRunner().invoke(cli.commands, ["--help"]).output

    assert len(codes) == len(set(codes))
    assert all(40 <= code < 60 for code in codes)
    assert all(f"  {code}  " in shown for code in codes)


def test_each_command_lists_the_exit_codes_that_it_can_end_with_and_no_others():
    """One who writes a script for a command asks that command; that each code is listed, the fixture holds."""
    shown = {
        command: CliRunner().invoke(cli.commands, [command, "--help"]).output
        for command in ("init", "serve", "check", "status", "export", "acknowledge")
    }

    def of(kind) -> set[str]:
        line = f"\n    {kind.exit_code:>2}  {(kind.__doc__ or '').splitlines()[0]}\n"
        return {command for command, text in shown.items() if line in text}

    assert of(errors.SettingError) == set(shown)
    assert of(errors.AlreadyInitialisedError) == {"init"}
    assert of(errors.ExportError) == {"export"}
    assert of(errors.AcknowledgementError) == of(crypto_errors.BundleError) == {"acknowledge"}
    assert of(crypto_errors.ExpiredError) == of(errors.DraftTextError) == {"serve", "check"}
    assert of(crypto_errors.SignatureError) == set(shown) - {"init"}


# Refusals


def test_no_config_file_is_said_with_both_ways_to_name_one(monkeypatch, capsys):
    """The commonest first mistake."""
    monkeypatch.delenv("INTAKE_CONFIG", raising=False)

    code, _, err = run(monkeypatch, capsys, "status")

    assert code == errors.ConfigFileError.exit_code
    assert "INTAKE_CONFIG" in err


def test_the_environment_may_name_the_config_file(monkeypatch, capsys, config):
    """And nothing else is read from it."""
    monkeypatch.setenv("INTAKE_CONFIG", str(config))

    assert run(monkeypatch, capsys, "init")[0] == 0


@pytest.mark.parametrize("command", ["serve", "check", "status", "export", "acknowledge"])
def test_a_server_that_was_never_set_up_is_told_to_run_init(intake, tmp_path, command):
    """Every command but init needs what init makes."""
    (tmp_path / "ack.json").write_bytes(b"x")
    (tmp_path / "ack.sig").write_bytes(b"x")
    words = {"export": [str(tmp_path)], "acknowledge": [str(tmp_path / "ack.json")]}.get(command, [])

    code, _, err = intake(command, *words)

    assert code in {errors.NotInitialisedError.exit_code, errors.StoreMissingError.exit_code}
    assert "intake init" in err


def test_serve_and_init_refuse_a_secret_key(intake, config):
    """Before anything is made and before anything is served."""
    (config.parent / "keystore").write_bytes(b"HIRK\x01")

    for command in ("init", "serve", "check"):
        code, _, err = intake(command)
        assert code == errors.SecretOnServerError.exit_code
        assert "Traceback" not in err


def test_export_refuses_a_secret_key_that_came_after_the_start(intake, config, tmp_path):
    """The form starts seldom, and an export is made every week; the reports wait in the store."""
    intake("init")
    stick = tmp_path / "stick"
    stick.mkdir()
    (config.parent / "keystore").write_bytes(b"HIRK\x01")

    code, out, err = intake("export", str(stick))

    assert (code, out) == (errors.SecretOnServerError.exit_code, "")
    assert "keystore holds a secret key" in err
    assert list(stick.iterdir()) == []


def test_an_empty_store_can_be_moved_away_and_made_anew(intake, config):
    """No command may go on with it, and `init` must not call it a store that exists."""
    intake("init")
    store = config.parent / "data" / "store.sqlite"
    store.write_bytes(b"")

    for command in ("init", "check", "status"):
        code, _, err = intake(command)
        assert code == errors.StoreDamageError.exit_code
        assert f"{store} is empty" in err
    store.rename(store.with_name("empty"))
    assert intake("init")[0] == 0
    assert intake("check")[0] == 0


def test_an_unknown_setting_stops_every_command_with_a_suggestion(intake, config):
    """A misspelt setting is one that does not hold."""
    config.write_text(config.read_text().replace("slots =", "slotz ="))

    code, _, err = intake("check")

    assert code == errors.SettingError.exit_code
    assert "did you mean 'slots'?" in err


def test_a_forged_acknowledgement_ends_in_its_own_code(intake, config, tmp_path):
    """And leaves every report where it is."""
    intake("init")
    form = exchange_of(config)
    ids = filled(form)
    content, _ = ack_of(form, ids)
    form.store.close()
    (tmp_path / "ack.json").write_bytes(content)
    (tmp_path / "ack.sig").write_bytes(b"A" * 86 + b"==\n")

    code, _, err = intake("acknowledge", str(tmp_path / "ack.json"))

    assert code == crypto_errors.SignatureError.exit_code
    assert err.startswith(f"intake: {tmp_path / 'ack.json'}: ")
    assert "copy both again" in err
    assert "nothing was deleted" in err
    assert json.loads(intake("status", "--json")[1])["stored"] == 3


def test_an_acknowledgement_of_another_center_is_named(intake, config, tmp_path):
    """It is signed rightly, so only its content tells; two Centers may share a stick."""
    intake("init")
    form = exchange_of(config)
    content, signature = ack_of(form, [], center="another-center")
    form.store.close()
    (tmp_path / "ack.json").write_bytes(content)
    (tmp_path / "ack.sig").write_bytes(signature)

    code, _, err = intake("acknowledge", str(tmp_path / "ack.json"))

    assert code == crypto_errors.BundleError.exit_code
    assert err.startswith(f"intake: {tmp_path / 'ack.json'}: this file belongs to another center")


@pytest.mark.parametrize("command", ["serve", "check", "status", "acknowledge"])
def test_a_damaged_signed_config_is_named_with_what_to_do(intake, config, tmp_path, command):
    """A stick drops a byte; the operator copies the folder again before suspecting anybody."""
    intake("init")
    signed = config.parent / "public" / "center-config.json"
    signed.write_bytes(signed.read_bytes().replace(b"2", b"3", 1))
    for name in ("ack.json", "ack.sig"):
        (tmp_path / name).write_bytes(b"x")

    code, _, err = intake(command, *([str(tmp_path / "ack.json")] if command == "acknowledge" else []))

    assert code == crypto_errors.SignatureError.exit_code
    assert err.startswith(f"intake: {signed}: ")
    assert "again from the review machine" in err
    assert re.search(r"digits are (\d{5} ){7}\d{5}", err)


def test_a_signed_config_of_another_center_is_named(intake, config):
    """The id in the config file is the other suspect."""
    intake("init")
    config.write_text(config.read_text().replace('center = "', 'center = "x'))

    code, _, err = intake("check")

    assert code == crypto_errors.ForeignConfigError.exit_code
    assert err.startswith(f"intake: {config.parent / 'public' / 'center-config.json'}: ")


def test_an_acknowledgement_without_its_signature_is_told_what_to_copy(intake, tmp_path):
    """Two files lie on the stick; people copy one."""
    intake("init")
    (tmp_path / "ack.json").write_bytes(b"{}")

    code, _, err = intake("acknowledge", str(tmp_path / "ack.json"))

    assert code == errors.AcknowledgementError.exit_code
    assert "its .sig" in err
