"""`review-tool` as people and scripts use it: what it prints, how it ends, and what never reaches the screen."""

import json
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crypto import signing
from crypto.errors import FormatError, SignatureError
from crypto.fingerprint import fingerprint
from crypto.keystore import FLOOR_COST, write_keystore
from crypto.report import clean_text
from review_tool import errors
from review_tool.cli import main
from review_tool.errors import ReviewError
from tests.center import PASSPHRASE, Center, sample_report
from tests.review_tool.review_machine import Machine, make_machine, sealed, write_bundle
from tests.review_tool.test_terminal import HOSTILE

CANARY = "canary-of-a-narrative-51c9"
STORY = CANARY + " \x9b31m \u200f" + "".join(text for text in HOSTILE.values() if "\udc9b" not in text)

Tool = Callable[..., Result]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, center: Center) -> Path:
    """A vault, its keystore file and a bundle with a hostile report, to be copied for each test."""
    directory = tmp_path_factory.mktemp("stage")
    make_machine(directory, center)
    write_keystore(directory / "keystore", center.keystore, PASSPHRASE, FLOOR_COST)
    (directory / "passphrase").write_text(PASSPHRASE + "\n")
    hostile = sample_report(narrative=clean(STORY), contact=clean(CANARY + "\x9b31m"))
    write_bundle(directory / "bundle", center, sealed(center, hostile))
    return directory


def clean(text: str) -> str:
    """As the form cleans it; C1 and the rest come through."""
    return clean_text(text)


@pytest.fixture
def machine(tmp_path: Path, stage: Path, center: Center) -> Machine:
    """The stage, for one test."""
    shutil.copytree(stage, tmp_path / "machine")
    return Machine(center=center, directory=tmp_path / "machine")


@pytest.fixture
def tool(machine: Machine) -> Tool:
    """Run one command line against the vault."""

    def run(*words: str, typed: str | None = None) -> Result:
        start = ["--vault", str(machine.vault), "--keystore", str(machine.directory / "keystore")]
        start += ["--passphrase-file", str(machine.directory / "passphrase"), "--reviewer", "r1"]
        return CliRunner().invoke(main, [*start, *words], input=typed)

    return run


def received(machine: Machine) -> None:
    """Receive the bundle without the command line, which would open the keystore once more."""
    machine.receive(machine.directory / "bundle")


def is_harmless(text: str) -> bool:
    """No character that steers a terminal."""
    return all(
        character in "\n\t" or character.isprintable() or character in "\u200c\u200d\u200e\u200f"
        for character in text
    )


def test_a_bundle_is_taken_in_backed_up_and_acknowledged(machine: Machine, tool: Tool) -> None:
    """What the operator's script reads is one JSON object."""
    folder = machine.directory
    done = tool(
        "receive", str(folder / "bundle"), "--backup", str(folder / "backup"), "--ack-to", str(folder / "stick"),
        "--same-disk", "--json",
    )  # fmt: skip

    facts = json.loads(done.stdout)
    assert done.exit_code == 0
    assert (facts["opened"], facts["known"], facts["doubts"]) == (1, 0, [])
    assert Path(facts["acknowledgement"]).with_suffix(".sig").exists()
    assert "Demo only" in done.stderr


def test_an_acknowledgement_without_a_backup_is_refused_before_anything_is_read(
    machine: Machine, tool: Tool
) -> None:
    """The server must not forget what lies on one disk."""
    done = tool("receive", str(machine.directory / "bundle"), "--ack-to", str(machine.directory))

    assert done.exit_code == errors.NoBackupError.exit_code
    assert machine.cases() == []


def test_a_backup_on_the_same_disk_keeps_the_server_from_forgetting(machine: Machine, tool: Tool) -> None:
    """The reports are in the vault, the acknowledgement is not written."""
    folder = machine.directory
    done = tool(
        "receive",
        str(folder / "bundle"),
        "--backup",
        str(folder / "backup"),
        "--ack-to",
        str(folder / "stick"),
    )

    assert done.exit_code == errors.NoBackupError.exit_code
    assert len(machine.cases()) == 1
    assert not (folder / "stick").exists()


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda folder: (folder / "manifest.json").write_text("{}"), SignatureError.exit_code),
        (lambda folder: (folder / "manifest.json").unlink(), errors.ReceiveError.exit_code),
        (shutil.rmtree, errors.ReceiveError.exit_code),
    ],
    ids=["changed", "no manifest", "no folder"],
)
def test_a_bundle_that_is_refused_is_named_with_its_folder(
    machine: Machine, tool: Tool, spoil: Callable[[Path], object], code: int
) -> None:
    """A stick holds several, and each has a file of that name."""
    bundle = machine.directory / "bundle"
    spoil(bundle)

    refused = tool("receive", str(bundle))

    assert refused.exit_code == code
    assert refused.stderr.endswith(f"; the bundle is {bundle}\n")


def test_a_doubtful_bundle_ends_with_a_code_of_its_own(machine: Machine, tool: Tool) -> None:
    """A script must not go on as if nothing was."""
    (machine.directory / "bundle" / "\x1b[2J.age").write_text("x")

    done = tool("receive", str(machine.directory / "bundle"))

    assert done.exit_code == errors.DoubtError.exit_code
    assert "[U+001B][2J.age" in done.output
    assert is_harmless(done.output)
    assert len(machine.cases()) == 1


def test_a_hostile_story_is_shown_and_steers_nothing(machine: Machine, tool: Tool) -> None:
    """R4: the reviewer reads what is there; the terminal obeys none of it."""
    received(machine)

    shown = tool("show", "R-0001")

    assert shown.exit_code == 0
    assert CANARY in shown.output
    assert "[U+009B]31m" in shown.output
    assert is_harmless(shown.output)


def test_show_as_json_gives_scripts_the_exact_words(machine: Machine, tool: Tool) -> None:
    """Escaped for the screen, whole for the program."""
    received(machine)

    shown = tool("show", "--all", "--state", "new", "--json")

    assert shown.output.isascii()
    (facts,) = [json.loads(line) for line in shown.output.splitlines()]
    assert facts["answers"]["narrative"] == clean(STORY)
    assert "contact" not in facts
    assert facts["has_contact"]


def test_a_list_holds_no_words_of_a_report(machine: Machine, tool: Tool) -> None:
    """Lists are looked at over shoulders."""
    received(machine)

    listed = tool("list", "--json")

    assert CANARY not in listed.output
    assert json.loads(listed.output)["id"] == "R-0001"


def test_a_contact_is_shown_once_for_a_reason(machine: Machine, tool: Tool) -> None:
    """Named, logged, harmless."""
    received(machine)

    refused = tool("show", "R-0001", "--contact")
    shown = tool("show", "R-0001", "--contact", "--reason", "asked for a call back")

    assert refused.exit_code == errors.ContactError.exit_code
    assert CANARY not in refused.output
    assert "How to reach them" in shown.output
    assert is_harmless(shown.output)


def test_a_case_is_coded_by_answering_questions(machine: Machine, tool: Tool) -> None:
    """What a volunteer does on the first day; a wrong code is asked again, ticks are shown and not filled in."""
    received(machine)
    answers = [
        "last week",
        "2026-09",
        "no",
        "sogi.martian",
        "",
        "none, gi.trans",
        "sogi.lesbian, gi.trans",
        "2",
        "",
        "bus",
        "?",
        "transit",
        "ST",
        "1",
        "3",
        "clear",
    ]

    coded = tool("code", "R-0001", typed="\n".join(answers) + "\n")

    assert coded.exit_code == 0, coded.output
    assert "period is a month, quarter, year" in coded.output
    assert "bias_coded needs a ground" in coded.output
    assert "bias_coded holds none or unknown only alone" in coded.output
    assert "ticked: gi.trans; suggests gi.trans (Being trans)\n" in coded.output
    assert "not in the codebook; near it: transit (Bus, train or stop), 01 (Air, bus or train" in coded.output
    assert "codes: home, home_other, street," in coded.output
    assert "\n  13           Highway, road, alley or street\n" in coded.output
    (case,) = machine.cases()
    assert case.state == "closed"


def test_a_case_is_triaged_and_coded_by_options(machine: Machine, tool: Tool) -> None:
    """What a script does, one case at a time."""
    received(machine)

    assert tool("triage", "R-0001", "--state", "in_review", "--urgency", "safety").exit_code == 0
    coded = tool(
        "code", "R-0001", "--period", "2026", "--crime", "no", "--bias", "sogi.gay", "--strength", "2", "--offense", "",
        "--place", "bar", "--relation", "", "--severity", "1", "--confidence", "2", "--clarity", "clear", "--keep-open",
    )  # fmt: skip

    assert coded.exit_code == 0, coded.output
    (case,) = machine.cases()
    assert (case.state, case.urgency) == ("coded", "safety")


def test_a_wrong_option_is_refused_without_a_line_that_is_not_there(machine: Machine, tool: Tool) -> None:
    """Only files have lines; and one decision is no decisions."""
    received(machine)

    refused = tool(
        "code", "R-0001", "--period", "2026", "--crime", "no", "--bias", "bogus", "--strength", "2", "--offense", "",
        "--place", "bar", "--relation", "", "--severity", "1", "--confidence", "2", "--clarity", "clear",
    )  # fmt: skip
    done = tool("triage", "R-0001", "--state", "in_review")

    assert refused.exit_code == errors.CodingError.exit_code
    assert refused.stderr == "review-tool: bias_coded holds only codes of the codebook\n"
    assert done.output == "1 decision saved\n"


def test_a_refusal_is_one_sentence_and_its_own_code(machine: Machine, tool: Tool) -> None:
    """No traceback: it would carry words."""
    done = tool("triage", "R-0404", "--state", "test")

    assert done.exit_code == errors.UnknownCaseError.exit_code
    assert done.stderr.startswith("review-tool: there is no case R-0404")
    assert "Traceback" not in done.output


def test_a_wrong_passphrase_and_a_damaged_keystore_say_the_same(machine: Machine, tool: Tool) -> None:
    """Nobody learns which it was; everybody learns which file it is, and what to try."""
    (machine.directory / "passphrase").write_text("something else entirely")
    wrong = tool("list")
    content = bytearray((machine.directory / "keystore").read_bytes())
    content[-1] ^= 1
    (machine.directory / "keystore").write_bytes(content)
    damaged = tool("list")

    assert wrong.exit_code == damaged.exit_code == 22
    assert wrong.output == damaged.output
    assert f"it is {machine.directory / 'keystore'}: check the passphrase" in wrong.stderr
    assert "`key recover`" in wrong.stderr


def test_too_little_memory_for_a_passphrase_is_said(machine: Machine, tool: Tool) -> None:
    """A small laptop with a browser open: not a defect to be told to the developers."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - in a child, whose memory can be limited for good
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + 64 * 1024 * 1024  # bytes; the floor needs 256 MiB
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        done = tool("list")
        os.write(writer, done.output.encode())
        os._exit(done.exit_code)
    os.close(writer)
    _, status = os.waitpid(child, 0)

    with os.fdopen(reader) as pipe:
        said = pipe.read()

    assert os.waitstatus_to_exitcode(status) == errors.MemoryShortError.exit_code, said
    assert "Close other programs" in said


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--keystore", "nowhere", "list"], errors.FileFormatError.exit_code),
        (["list", "--state", "nonsense"], 2),
        (["show"], 2),
        (["triage"], 2),
        (["code", "R-0001", "--keep-open", "--closed", "2026-09-30"], 2),
        (["pair", "passphrase-that-is-no-key"], errors.FileFormatError.exit_code),
        (["release", "2026", "--out", "x"], errors.ReleaseRefusedError.exit_code),
    ],
)
def test_a_command_line_that_cannot_be_meant_is_refused(words: list[str], code: int, tool: Tool) -> None:
    """Before a key is opened or a log entry written."""
    assert tool(*words).exit_code == code


def test_pairing_asks_for_the_fingerprint(machine: Machine, tool: Tool, center: Center) -> None:
    """The digits are compared by eye; "no" changes nothing."""
    key = machine.directory / "export.pub"
    key.write_text(signing.format_public_key(center.export_public, "export key"))

    refused = tool("pair", str(key), typed="n\n")

    assert refused.exit_code == 1
    assert fingerprint(center.export_public) in refused.output


def test_the_log_is_verified_and_printed_as_digits(machine: Machine, tool: Tool) -> None:
    """The last act of a reviewer's day."""
    received(machine)

    done = tool("audit", "--verify", "--entries")

    assert "The chain holds" in done.output
    assert len(done.output.splitlines()[-1].split()) == 8
    assert CANARY not in done.output


@pytest.mark.parametrize(
    "words",
    [
        ("audit", "--verify"),
        ("backup", "{}/backup", "--same-disk"),
        ("release", "2026Q4", "--out", "{}/r", "--yes"),
    ],
)
def test_a_damaged_vault_is_said_before_others_rely_on_it(
    words: tuple[str, ...], machine: Machine, tool: Tool
) -> None:
    """A page went bad that `list` never reads: the medium of the backup must not be blamed for it."""
    received(machine)
    path = machine.vault / "vault.db"
    content = bytearray(path.read_bytes())
    content[-2000] ^= 1
    path.write_bytes(content)

    done = tool(*(word.format(machine.directory) for word in words))

    assert done.exit_code == errors.DamagedVaultError.exit_code, done.output
    assert "restore BACKUP" in done.stderr
    assert not (machine.directory / "backup").exists() or not list(
        (machine.directory / "backup").glob("*.db")
    )


def test_a_backup_is_put_back_by_a_command(machine: Machine, tool: Tool) -> None:
    """What the message about a damaged vault names is there, and works."""
    received(machine)
    assert tool("backup", f"{machine.directory}/backup", "--same-disk").exit_code == 0
    (machine.vault / "vault.db").rename(machine.directory / "damaged.db")

    done = tool("restore", f"{machine.directory}/backup", "--json")

    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["entries"] > 0
    assert len(machine.cases()) == 1


def test_every_exit_code_is_distinct_and_in_the_help() -> None:
    """Scripts branch on them; a person looks them up."""
    kinds: list[type[ReviewError | FormatError]] = []
    waiting: list[type[ReviewError | FormatError]] = [ReviewError, FormatError]
    while waiting:
        kind = waiting.pop()
        kinds.append(kind)
        waiting += kind.__subclasses__()
    codes = [kind.exit_code for kind in kinds]

    help_text = CliRunner().invoke(main, ["--help"]).output

    assert len(codes) == len(set(codes))
    for kind in kinds:
        if "never raised itself" not in (kind.__doc__ or ""):
            assert f"{kind.exit_code:>2}  " in help_text


def test_every_command_explains_itself() -> None:
    """`--help` works without a vault."""
    for name, command in main.commands.items():
        done = CliRunner().invoke(main, [name, "--help"])
        assert done.exit_code == 0, name
        assert command.help
