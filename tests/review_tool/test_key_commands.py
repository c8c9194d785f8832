"""`ceremony` and `key` as a script calls them: what is written, what is shouted, what is refused and leaves nothing."""

import json
import re
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crypto import config as configs
from crypto import signing
from crypto.keystore import Keystore, read_keystore, read_root_keystore
from crypto.seal import seal
from crypto.unseal import Identity, format_identity, parse_identity, unseal
from review_tool import audit, ceremony, secret_files, shares, vault
from review_tool.cli import main
from review_tool.isolation import open_doors
from review_tool.secret_files import Medium
from tests.center import EXAMPLE, sample_report

CENTER = "test-center"
DAY = "2026-11-16"
MEMORY = Path("/dev/shm")  # noqa: S108 - the place the command itself recommends


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A review machine's folders, and the command line on it."""

    root: Path

    @property
    def vault(self) -> Path:
        return self.root / "vault"

    @property
    def keystore(self) -> Path:
        return self.root / "stick" / "keystore"

    @property
    def passphrase_file(self) -> Path:
        return self.root / "passphrase"

    @property
    def public(self) -> Path:
        return self.root / "public"

    @property
    def shares(self) -> Path:
        return self.root / "shares"

    def run(self, *words: str) -> Result:
        """Run `review-tool` with this machine's vault, keystore and passphrase file."""
        front = ("--vault", str(self.vault), "--keystore", str(self.keystore))
        return CliRunner().invoke(main, [*front, "--passphrase-file", str(self.passphrase_file), *words])

    def found(self, *more: str) -> Result:
        """Hold the ceremony unattended."""
        return self.run(*founding(self), *more)

    def read(self) -> Keystore:
        """Open the keystore with the passphrase in its file."""
        return read_keystore(self.keystore, self.passphrase_file.read_text(encoding="utf-8").strip())

    def files(self) -> set[str]:
        """Every file below the root, by its path."""
        return {str(path.relative_to(self.root)) for path in self.root.rglob("*") if not path.is_dir()}


def founding(machine: Machine, *, config: Path = EXAMPLE, center: str = CENTER) -> list[str]:
    """The words of an unattended ceremony."""
    what = ["ceremony", "--center", center, "--config", str(config), "--out", str(machine.public)]
    return [*what, "--cost", "floor", "--day", DAY, "--not-isolated", "--yes"]


def recovery(machine: Machine, *, public: Path, papers: Path) -> list[str]:
    """The words of an unattended recovery."""
    what = ["key", "recover", "--public", str(public), "--shares-from", str(papers)]
    return [*what, "--out", str(machine.public), "--cost", "floor", "--day", DAY, "--not-isolated", "--yes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Founded:
    """A Center after its ceremony, and what the ceremony printed."""

    machine: Machine
    result: Result


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Founded:
    """One ceremony for all tests that only look at it."""
    machine = Machine(root=tmp_path_factory.mktemp("founded"))
    result = machine.found("--shares-to", str(machine.shares), "--json")
    assert result.exit_code == 0, result.stderr
    return Founded(machine=machine, result=result)


@pytest.fixture(scope="module")
def recovered(founded: Founded, tmp_path_factory: pytest.TempPathFactory) -> Founded:
    """The same Center after its passphrase and stick were lost."""
    machine = Machine(root=tmp_path_factory.mktemp("recovered"))
    result = machine.run(
        *recovery(machine, public=founded.machine.public, papers=founded.machine.shares), "--json"
    )
    assert result.exit_code == 0, result.stderr
    return Founded(machine=machine, result=result)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A review machine before anything happened."""
    return Machine(root=tmp_path)


def secrets_of(machine: Machine) -> list[str]:
    """Every spelling of every secret of a Center."""
    keystore, words = machine.read(), machine.passphrase_file.read_text(encoding="utf-8").strip()
    root = read_root_keystore(machine.keystore.with_name("root-keystore"), words)
    seeds = (keystore.epochs[0].seed, keystore.ack_seed, keystore.vault_key, root.root_seed)
    papers = [path.read_text(encoding="utf-8").split() for path in machine.shares.iterdir()]
    rows = [" ".join(paper[start : start + 3]) for paper in papers for start in range(4, len(paper) - 2)]
    return [words, *rows, *(seed.hex() for seed in seeds), *(format_identity(seed) for seed in seeds)]


def hits(texts: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """Which of the secrets stand in one of the texts."""
    together = "\n".join(re.sub(r"\s+", " ", text) for text in texts)
    return [secret for secret in wanted if secret in together]


# --- the ceremony ---------------------------------------------------------------------------------------------------


def test_ceremony_writes_these_files_and_no_other(founded: Founded) -> None:
    """What is not on this list nobody would destroy."""
    papers = {
        f"shares/{name}-share-{number}.txt" for name in ("reading-key", "root-key") for number in (1, 2, 3)
    }
    config = ("center-config.json", "center-config.json.minisig", "center-config.json.sig")
    public = {*config, "root.pub", "release.pub"}

    assert founded.machine.files() == {
        *papers, *(f"public/{name}" for name in public), "public/transcript.txt", "passphrase",
        "stick/keystore", "stick/root-keystore", "vault/vault.db",
    }  # fmt: skip


def test_every_secret_file_is_for_its_owner_only(founded: Founded) -> None:
    """Another account on the machine must not read a key."""
    root = founded.machine.root
    secret = [name for name in founded.machine.files() if not name.startswith("public/")]

    assert {stat.S_IMODE((root / name).stat().st_mode) for name in secret} == {0o600}


def test_public_directory_and_output_hold_no_secret(founded: Founded) -> None:
    """The directory is carried to the server, and the output may be kept in a log."""
    public = [path.read_text(encoding="utf-8") for path in founded.machine.public.iterdir()]

    assert hits([*public, founded.result.stdout, founded.result.stderr], secrets_of(founded.machine)) == []


def test_secret_in_the_output_would_be_found(founded: Founded) -> None:
    """The twin: three words of one share are enough for the detector."""
    paper = (founded.machine.shares / "root-key-share-2.txt").read_text(encoding="utf-8").split()

    assert hits([f"{founded.result.stdout} {' '.join(paper[10:13])}"], secrets_of(founded.machine))


def test_record_has_the_facts_that_people_compare(founded: Founded) -> None:
    """Scripts and transcript tell the same: fingerprints above all."""
    record = json.loads(founded.result.stdout)
    keystore = founded.machine.read()

    assert record["center"] == CENTER
    assert record["serial"] == 1
    assert record["day"] == DAY
    assert record["fingerprints"]["reading key, epoch 1"] == keystore.epochs[0].fingerprint
    transcript = (founded.machine.public / "transcript.txt").read_text(encoding="utf-8")
    assert all(digits in transcript for digits in record["fingerprints"].values())


@pytest.mark.parametrize(
    "warning",
    ["passphrase was written to", "shares were written to", "keystore lies on the vault's own disk"],
)
def test_every_weakness_is_shouted(founded: Founded, warning: str) -> None:
    """A demo's habits must not become a Center's."""
    lines = [line for line in founded.result.stderr.splitlines() if warning in line]

    assert len(lines) == 1
    assert lines[0].startswith("!!! WARNING")


def test_configuration_stands_the_checks_of_a_server(founded: Founded) -> None:
    """The server must start with exactly these files."""
    public = founded.machine.public
    raw = (public / configs.CONFIG_NAME).read_bytes()
    root_public = signing.parse_public_key((public / configs.ROOT_NAME).read_text(encoding="utf-8"))
    minisig = (public / configs.MINISIG_NAME).read_text(encoding="utf-8")

    config = configs.read_config(raw, minisig, root_public=root_public, center=CENTER)
    signing.verify_signify(raw, (public / configs.SIG_NAME).read_text(encoding="utf-8"), root_public)
    configs.check_config(config, day=config.not_before, highest_serial=0, software="0.1.0")

    assert config.ack_key == signing.public_of(founded.machine.read().ack_seed)
    assert config.soft_expiry - config.not_before == timedelta(days=365)


def test_vault_opens_with_the_new_keystore(founded: Founded) -> None:
    """It is made under S and knows the signed configuration."""
    with (
        vault.open_vault(founded.machine.vault, founded.machine.read()) as opened,
        opened.transaction() as connection,
    ):
        (config,) = vault.archived_configs(connection)

    assert config.raw == (founded.machine.public / configs.CONFIG_NAME).read_bytes()


@pytest.mark.parametrize("pair", list(combinations((1, 2, 3), 2)))
@pytest.mark.parametrize("name", ["reading-key", "root-key"])
def test_any_two_share_files_give_the_key(founded: Founded, name: str, pair: tuple[int, int]) -> None:
    """The files are what an advisor's paper would be."""
    first, second = (
        shares.parse_share(
            (founded.machine.shares / f"{name}-share-{number}.txt").read_text(encoding="utf-8")
        )
        for number in pair
    )
    digits = json.loads(founded.result.stdout)["fingerprints"]

    if name == "reading-key":
        seed = shares.combine(first, second, digits["reading key, epoch 1"], ceremony.reading_fingerprint)
        assert seed == founded.machine.read().epochs[0].seed
    else:
        shares.combine(first, second, digits["root key"], ceremony.signing_fingerprint)


def test_generated_passphrase_is_six_words_and_opens_the_keystore(founded: Founded) -> None:
    """The file that the demo keeps."""
    assert len(founded.machine.passphrase_file.read_text(encoding="utf-8").split()) == 6
    assert founded.machine.read().center == CENTER


def test_second_ceremony_is_refused_and_changes_nothing(founded: Founded) -> None:
    """It would write over the only key that opens the reports."""
    before = founded.machine.keystore.read_bytes()

    result = founded.machine.found("--shares-to", str(founded.machine.shares))

    assert result.exit_code == 41
    assert "writes over nothing" in result.stderr
    assert founded.machine.keystore.read_bytes() == before
    assert founded.machine.vault.joinpath("vault.db").exists()


def test_ceremony_without_shares_to_shouts_that_none_was_kept(machine: Machine) -> None:
    """A Center without shares loses everything with one passphrase; the given passphrase is used as it is."""
    machine.passphrase_file.write_text("abide able acid aged ajar alike\n", encoding="utf-8")

    result = machine.found()

    assert result.exit_code == 0, result.stderr
    assert "no share was kept" in result.stderr
    assert "NOT KEPT" in result.stdout
    assert "passphrase was written" not in result.stderr
    assert read_keystore(machine.keystore, "abide able acid aged ajar alike").center == CENTER


def edited(old: str, new: str) -> Callable[[Path], None]:
    """Write a configuration file with one change."""

    def write(path: Path) -> None:
        text = EXAMPLE.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return write


@pytest.mark.parametrize(
    ("write", "code", "said"),
    [
        (lambda path: path.write_text("[site]\n", encoding="utf-8"), 24, "no [center] section"),
        (edited("\nlanguages", "\nlanguage"), 24, "languages"),
        (edited("\nexit_url", "\nexit_ulr"), 24, "did you mean 'exit_url'"),
        (edited("[intake]", "[intak]"), 24, "did you mean 'intake'"),
        (lambda path: path.write_text("[center\n", encoding="utf-8"), 63, "no TOML file"),
        (lambda path: path.write_bytes(b"\xff\xfe"), 63, "not UTF-8"),
        (lambda path: None, 63, "cannot be read"),
    ],
    ids=[
        "no section",
        "unknown key",
        "unknown key of the server",
        "unknown section",
        "no toml",
        "not utf-8",
        "no file",
    ],
)
def test_unusable_configuration_file_is_refused_before_any_key(
    machine: Machine, write: Callable[[Path], None], code: int, said: str
) -> None:
    """The message says what to mend; nothing was made that must be destroyed."""
    path = machine.root / "center.toml"
    write(path)
    before = machine.files()

    result = machine.run(*founding(machine, config=path))

    assert (result.exit_code, said in result.stderr) == (code, True), result.stderr
    assert str(path) in result.stderr
    assert machine.files() == before


@pytest.mark.skipif(not open_doors(), reason="this machine is isolated: there is nothing to refuse")
@pytest.mark.parametrize("kind", ["founding", "recovery"])
def test_script_on_a_machine_with_a_network_is_refused(founded: Founded, machine: Machine, kind: str) -> None:
    """--yes answers questions; that keys may be made where somebody listens is no question."""
    words = {
        "founding": founding(machine),
        "recovery": recovery(machine, public=founded.machine.public, papers=founded.machine.shares),
    }[kind]

    result = machine.run(*(word for word in words if word != "--not-isolated"))

    assert result.exit_code == 41
    assert "or say --not-isolated" in result.stderr
    assert machine.files() == set()


def test_bad_center_id_is_refused_before_any_key(machine: Machine) -> None:
    """It would be signed into every configuration."""
    result = machine.run(*founding(machine, center="Not An Id"))

    assert result.exit_code == 24
    assert machine.files() == set()


@pytest.mark.parametrize("content", ["short\n", "abide able acid aged ajar\n"], ids=["short", "five words"])
def test_weak_passphrase_file_is_refused_and_leaves_no_key(machine: Machine, content: str) -> None:
    """A weak passphrase costs the thief of the stick an afternoon."""
    machine.passphrase_file.write_text(content, encoding="utf-8")

    result = machine.found()

    assert result.exit_code == 43
    assert content.strip() not in result.stderr
    assert machine.files() == {"passphrase"}


def test_script_without_a_passphrase_file_is_refused(machine: Machine) -> None:
    """With --yes nobody is there to be shown six words."""
    front = ("--vault", str(machine.vault), "--keystore", str(machine.keystore))

    result = CliRunner().invoke(main, [*front, *founding(machine)])

    assert result.exit_code == 43
    assert "--passphrase-file" in result.stderr
    assert machine.files() == set()


@pytest.mark.parametrize(
    ("drop", "add", "said"),
    [
        ("--yes", (), "terminal"),
        ("--yes", ("--shares-to", "shares"), "people use paper"),
        ("", ("--dice",), "needs people"),
    ],
    ids=["no terminal", "shares to files with people", "dice without people"],
)
def test_contradicting_options_are_refused(
    machine: Machine, drop: str, add: tuple[str, ...], said: str
) -> None:
    """A pipe is no terminal, and paper is for people."""
    words = [word for word in founding(machine) if word != drop]

    result = machine.run(*words, *add)

    assert result.exit_code == 41
    assert said in result.stderr
    assert machine.files() == set()


def test_vault_that_cannot_be_made_takes_everything_back(machine: Machine) -> None:
    """Keys without a vault would be found later and taken for the Center's."""
    machine.vault.write_text("a file where the directory should be", encoding="utf-8")
    words = founding(machine)
    front = ["--vault", str(machine.vault / "inside"), "--keystore", str(machine.keystore)]

    result = CliRunner().invoke(
        main,
        [
            *front,
            "--passphrase-file",
            str(machine.passphrase_file),
            *words,
            "--shares-to",
            str(machine.shares),
        ],
    )

    assert result.exit_code == 44, result.output
    assert machine.files() == {"vault", "passphrase"}


def test_share_file_in_the_way_is_kept_and_stops_the_ceremony(machine: Machine) -> None:
    """It may be an advisor's only copy from an earlier ceremony."""
    machine.shares.mkdir()
    paper = machine.shares / "root-key-share-3.txt"
    paper.write_text("the only copy", encoding="utf-8")

    result = machine.found("--shares-to", str(machine.shares))

    assert result.exit_code == 41
    assert paper.read_text(encoding="utf-8") == "the only copy"
    assert machine.files() == {"shares/root-key-share-3.txt"}


# --- key fingerprint ------------------------------------------------------------------------------------------------


def test_fingerprints_are_those_of_the_ceremony(founded: Founded) -> None:
    """They are compared with the leaflets for years."""
    digits = json.loads(founded.result.stdout)["fingerprints"]

    shown = json.loads(founded.machine.run("key", "fingerprint", "--json").stdout)
    text = founded.machine.run("key", "fingerprint").stdout

    assert shown["acknowledgement"] == digits["acknowledgement key"]
    assert shown["epochs"] == [{"epoch": 1, "fingerprint": digits["reading key, epoch 1"], "state": "active"}]
    assert digits["reading key, epoch 1"] in text


def test_wrong_passphrase_says_the_one_message(founded: Founded, tmp_path: Path) -> None:
    """Wrong words and a damaged file must look the same, and the words must not be echoed."""
    wrong = tmp_path / "wrong"
    wrong.write_text("abide able acid aged ajar alike", encoding="utf-8")
    front = ["--vault", str(founded.machine.vault), "--keystore", str(founded.machine.keystore)]

    result = CliRunner().invoke(main, [*front, "--passphrase-file", str(wrong), "key", "fingerprint"])

    assert result.exit_code == 22
    assert "wrong passphrase, or the file is damaged" in result.stderr
    assert "abide" not in result.output


# --- key export-age -------------------------------------------------------------------------------------------------


def test_exported_identity_opens_a_report_and_nothing_else_is_in_the_file(
    founded: Founded, tmp_path: Path
) -> None:
    """One line that every age implementation takes; its file is for its owner only."""
    target = tmp_path / "identity"
    envelope = sealed_for(founded.machine.public)

    result = founded.machine.run("key", "export-age", "--to", str(target), "--on-vault-disk")

    assert result.exit_code == 0, result.stderr
    identity = target.read_text(encoding="ascii")
    assert re.fullmatch(r"AGE-SECRET-KEY-PQ-1[0-9A-Z]{58}\n", identity)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    opened = unseal(envelope, [Identity(epoch=1, seed=parse_identity(identity.strip()))])
    assert opened.report.narrative == sample_report().narrative
    assert identity.strip() not in result.output


def sealed_for(public: Path) -> bytes:
    """Seal a sample report to the Center whose configuration lies there."""
    raw, minisig = (public / configs.CONFIG_NAME).read_bytes(), (public / configs.MINISIG_NAME).read_text()
    root_public = signing.parse_public_key((public / configs.ROOT_NAME).read_text(encoding="utf-8"))
    config = configs.read_config(raw, minisig, root_public=root_public, center=CENTER)
    return seal(sample_report(), config, lang="en", flags=(), day=config.not_before).sealed


def test_export_to_the_vaults_disk_is_refused(founded: Founded, tmp_path: Path) -> None:
    """A deleted key can be found again on the disk that a thief takes."""
    target = tmp_path / "identity"

    result = founded.machine.run("key", "export-age", "--to", str(target))

    assert result.exit_code == 64
    assert "--on-vault-disk" in result.stderr
    assert not target.exists()


def test_export_to_the_vaults_disk_shouts_where_it_is_allowed(founded: Founded, tmp_path: Path) -> None:
    """The option is for people who know; the next one reads the warning."""
    result = founded.machine.run("key", "export-age", "--to", str(tmp_path / "identity"), "--on-vault-disk")

    assert result.stderr.startswith("!!! WARNING")


@pytest.mark.skipif(
    secret_files.medium_of(MEMORY, vault=EXAMPLE.parent) is not Medium.MEMORY,
    reason="no /dev/shm in memory here",
)
def test_export_to_memory_needs_no_option(founded: Founded) -> None:
    """The way that the message recommends must work."""
    target = MEMORY / f"vouchsafe-test-{founded.machine.root.name}.identity"
    try:
        result = founded.machine.run("key", "export-age", "--to", str(target), "--json")

        assert result.exit_code == 0, result.stderr
        assert json.loads(result.stdout)["epoch"] == 1
        assert result.stderr == ""
    finally:
        target.unlink(missing_ok=True)


def test_export_stands_in_the_log_before_the_file_is_there(founded: Founded, tmp_path: Path) -> None:
    """A key that leaves the vault must leave a trace, even if writing it fails."""
    (tmp_path / "identity").write_text("in the way", encoding="utf-8")
    before = key_entries(founded.machine)

    result = founded.machine.run("key", "export-age", "--to", str(tmp_path / "identity"), "--on-vault-disk")

    assert result.exit_code == 64
    assert (tmp_path / "identity").read_text(encoding="utf-8") == "in the way"
    assert key_entries(founded.machine) == before + 1


def key_entries(machine: Machine) -> int:
    """How many entries of the vault's log tell of an exported key."""
    with (
        vault.open_vault(machine.vault, machine.read()) as opened,
        opened.transaction() as connection,
    ):
        audit.verify(connection)
        return sum(entry is not None and entry["act"] == "key" for _, entry in audit.read(connection))


def test_export_without_a_vault_is_possible_and_shouted(founded: Founded, tmp_path: Path) -> None:
    """In an emergency the vault may be gone; then the paper log must have it."""
    front = ["--vault", str(tmp_path / "gone"), "--keystore", str(founded.machine.keystore)]
    front += ["--passphrase-file", str(founded.machine.passphrase_file)]

    result = CliRunner().invoke(
        main, [*front, "key", "export-age", "--to", str(tmp_path / "identity"), "--on-vault-disk"]
    )

    assert result.exit_code == 0, result.stderr
    assert "stands in no log" in result.stderr
    assert (tmp_path / "identity").exists()


def test_unknown_epoch_is_refused_and_the_known_are_named(founded: Founded, tmp_path: Path) -> None:
    """Stanzas carry no key id: people must know which epochs there are."""
    words = ("key", "export-age", "--to", str(tmp_path / "identity"), "--on-vault-disk", "--epoch", "7")

    result = founded.machine.run(*words)

    assert result.exit_code == 64
    assert "it holds 1" in result.stderr
    assert not (tmp_path / "identity").exists()


# --- key recover ----------------------------------------------------------------------------------------------------


def test_recovery_brings_back_reading_and_root_key(founded: Founded, recovered: Founded) -> None:
    """The printed fingerprints stay true; the acknowledgement key is a new one."""
    before = json.loads(founded.result.stdout)["fingerprints"]
    after = json.loads(recovered.result.stdout)["fingerprints"]

    assert recovered.machine.read().epochs == founded.machine.read().epochs
    assert after["root key"] == before["root key"]
    assert after["acknowledgement key"] != before["acknowledgement key"]
    assert recovered.machine.read().vault_key != founded.machine.read().vault_key


def test_recovery_signs_the_next_configuration_by_the_same_root(founded: Founded, recovered: Founded) -> None:
    """The server accepts it without a new pin, and with it the new acknowledgement key."""
    old, new = founded.machine.public, recovered.machine.public
    root_public = signing.parse_public_key((old / configs.ROOT_NAME).read_text(encoding="utf-8"))

    config = configs.read_config(
        (new / configs.CONFIG_NAME).read_bytes(),
        (new / configs.MINISIG_NAME).read_text(encoding="utf-8"),
        root_public=root_public,
        center=CENTER,
    )

    assert config.serial == 2
    assert config.ack_key == signing.public_of(recovered.machine.read().ack_seed)
    configs.check_config(config, day=config.not_before, highest_serial=1, software="0.1.0")


def test_recovered_machine_opens_reports_sealed_before_the_loss(founded: Founded, recovered: Founded) -> None:
    """This is what shares are for; the old configuration is known, so nothing is flagged."""
    keystore = recovered.machine.read()

    opened = unseal(
        sealed_for(founded.machine.public),
        [Identity(epoch=one.epoch, seed=one.seed) for one in keystore.epochs],
    )
    with (
        vault.open_vault(recovered.machine.vault, keystore) as opened_vault,
        opened_vault.transaction() as connection,
    ):
        known = vault.archived_contexts(connection)

    assert opened.context_id in known
    assert len(known) == 2


def test_recovery_writes_no_share_and_no_secret_in_public(founded: Founded, recovered: Founded) -> None:
    """The papers stay valid; nothing of them is copied."""
    public = [path.read_text(encoding="utf-8") for path in recovered.machine.public.iterdir()]

    assert hits([*public, recovered.result.output], secrets_of(founded.machine)) == []
    assert not recovered.machine.shares.exists()


def copied(source: Path, target: Path, *, without: tuple[str, ...] = ()) -> Path:
    """Copy share files, leaving some out."""
    target.mkdir()
    for path in source.iterdir():
        if path.name not in without:
            (target / path.name).write_bytes(path.read_bytes())
    return target


def refused(founded: Founded, machine: Machine, papers: Path) -> Result:
    """Try a recovery that must fail, and check that it left nothing."""
    before = machine.files()
    result = machine.run(*recovery(machine, public=founded.machine.public, papers=papers))
    assert machine.files() == before
    return result


def test_recovery_with_one_share_is_refused(founded: Founded, machine: Machine) -> None:
    """One advisor alone must not get in."""
    missing = ("reading-key-share-1.txt", "reading-key-share-3.txt")
    papers = copied(founded.machine.shares, machine.root / "papers", without=missing)

    result = refused(founded, machine, papers)

    assert result.exit_code == 42
    assert "holds 1 share of the reading key" in result.stderr


def test_recovery_with_the_other_keys_shares_is_refused(founded: Founded, machine: Machine) -> None:
    """Two sheets of the root key in the wrong envelopes fit each other; only the fingerprint tells."""
    papers = copied(founded.machine.shares, machine.root / "papers")
    for number in (1, 2):
        root = (papers / f"root-key-share-{number}.txt").read_bytes()
        (papers / f"reading-key-share-{number}.txt").write_bytes(root)

    result = refused(founded, machine, papers)

    assert result.exit_code == 42
    assert "another fingerprint" in result.stderr


def test_recovery_with_a_mixed_pair_is_refused(founded: Founded, machine: Machine) -> None:
    """One right share, one of the other key."""
    papers = copied(founded.machine.shares, machine.root / "papers")
    (papers / "reading-key-share-2.txt").write_bytes((papers / "root-key-share-2.txt").read_bytes())

    result = refused(founded, machine, papers)

    assert result.exit_code == 42
    assert "do not belong together" in result.stderr


def test_recovery_with_a_misread_word_is_refused(founded: Founded, machine: Machine) -> None:
    """The checksum finds it; the message quotes nothing."""
    papers = copied(founded.machine.shares, machine.root / "papers")
    words = (papers / "root-key-share-1.txt").read_text(encoding="utf-8").split()
    words[20], words[21] = words[21], words[20] if words[20] != words[21] else "academic"
    (papers / "root-key-share-1.txt").write_text(" ".join(words), encoding="utf-8")

    result = refused(founded, machine, papers)

    assert result.exit_code == 42
    assert hits([result.stderr], [" ".join(words[start : start + 2]) for start in range(31)]) == []


def test_a_damaged_configuration_is_named_with_what_to_do(founded: Founded, machine: Machine) -> None:
    """The folder has five files; who is told only that a signature does not fit copies the wrong one again."""
    public = copied(founded.machine.public, machine.root / "old")
    config = public / configs.CONFIG_NAME
    config.write_bytes(config.read_bytes().replace(b"e", b"f", 1))

    result = machine.run(*recovery(machine, public=public, papers=founded.machine.shares))

    assert result.exit_code == 23
    assert str(config) in result.stderr
    assert "copy the whole folder again" in result.stderr


@pytest.mark.parametrize("name", [configs.CONFIG_NAME, configs.MINISIG_NAME, configs.ROOT_NAME])
def test_recovery_with_a_damaged_configuration_is_refused(
    founded: Founded, machine: Machine, name: str
) -> None:
    """The fingerprint to meet stands in it: it must be the signed one."""
    public = copied(founded.machine.public, machine.root / "old")
    (public / name).write_bytes((public / name).read_bytes().replace(b"e", b"f", 1))
    before = machine.files()

    result = machine.run(*recovery(machine, public=public, papers=founded.machine.shares))

    assert result.exit_code in {23, 24, 28, 63}
    assert machine.files() == before


def test_recovery_for_a_forged_configuration_is_refused(founded: Founded, machine: Machine) -> None:
    """Somebody may sign a configuration by a root of their own, around the Center's true reading key."""
    forger = machine.root / "forged"
    keys = ceremony.CenterKeys(
        root_seed=b"\x66" * 32, ack_seed=b"\x67" * 32, vault_key=b"\x68" * 32,
        reading_seed=founded.machine.read().epochs[0].seed,
    )  # fmt: skip
    raw = (founded.machine.public / configs.CONFIG_NAME).read_bytes()
    minisig = (founded.machine.public / configs.MINISIG_NAME).read_text(encoding="utf-8")
    root_public = signing.parse_public_key((founded.machine.public / configs.ROOT_NAME).read_text())
    true = configs.read_config(raw, minisig, root_public=root_public, center=CENTER)
    signed = ceremony.sign_config(
        keys, true.content, center=CENTER, serial=9, epoch=1, day=true.not_before, valid_days=365
    )
    ceremony.write_public(signed, forger, "")
    before = machine.files()

    result = machine.run(*recovery(machine, public=forger, papers=founded.machine.shares))

    assert result.exit_code == 42
    assert "another fingerprint" in result.stderr
    assert machine.files() == before


def test_recovery_of_an_epoch_that_was_never_signed_is_refused(founded: Founded, machine: Machine) -> None:
    """The number stands on the papers."""
    words = recovery(machine, public=founded.machine.public, papers=founded.machine.shares)

    result = machine.run(*words, "--epoch", "3")

    assert result.exit_code == 24
    assert "epoch 3" in result.stderr


def test_recovery_over_the_old_keystore_is_refused(founded: Founded) -> None:
    """The old one may still be opened one day, if somebody remembers."""
    before = founded.machine.keystore.read_bytes()

    result = founded.machine.run(
        *recovery(founded.machine, public=founded.machine.public, papers=founded.machine.shares)
    )

    assert result.exit_code == 41
    assert founded.machine.keystore.read_bytes() == before


@pytest.mark.parametrize("drop", ["--yes", "--shares-from"])
def test_recovery_needs_people_or_files(founded: Founded, machine: Machine, drop: str) -> None:
    """Half of the unattended form is a mistake."""
    words = recovery(machine, public=founded.machine.public, papers=founded.machine.shares)
    if drop == "--shares-from":
        del words[words.index(drop) : words.index(drop) + 2]
    else:
        words.remove(drop)

    result = machine.run(*words)

    assert result.exit_code == 42
    assert machine.files() == set()


@pytest.mark.parametrize(
    "words", [("ceremony",), ("key", "recover"), ("key", "export-age"), ("key", "fingerprint")]
)
def test_every_command_explains_itself(words: tuple[str, ...]) -> None:
    """People read --help at a ceremony, without a network."""
    result = CliRunner().invoke(main, [*words, "--help"])

    assert result.exit_code == 0
    assert "--json" in result.stdout
