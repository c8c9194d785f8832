"""What is written is true: links lead somewhere, command lines parse, settings and exit codes are all explained."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Final

import click
import pytest

import crypto.errors
import intake.cli
import intake.errors
import review_tool.cli
import review_tool.errors
from crypto.content import TEXT_NAMES, Agency, Area, CenterContent, Share
from intake import config
from intake.theme import Palette, Theme
from tests.demo import Demo, next_steps

ROOT: Final = Path(__file__).parent.parent
EXAMPLE: Final = ROOT / "config.example.toml"
PAGES: Final = tuple(
    sorted(
        path
        for pattern in ("*.md", "docs/*.md", "crypto/*.md", "review_tool/**/*.md", "tests/**/*.md")
        for path in ROOT.glob(pattern)
        if "node_modules" not in path.parts and "vectors" not in path.parts
    )
)
GUIDES: Final = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
COMMANDS: Final[dict[str, click.Command]] = {
    "intake": intake.cli.commands,
    "on-server": intake.cli.commands,
    "review-tool": review_tool.cli.main,
    "on-review": review_tool.cli.main,
}

# --- links ----------------------------------------------------------------------------------------


def links_of(page: Path) -> Iterator[str]:
    """Targets of links and pictures on a page, without those that lead elsewhere."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors_of(page: Path) -> set[str]:
    """Anchors that a code host gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> list[str]:
    """Links of a page that lead nowhere."""
    broken = []
    for target in links_of(page):
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (anchor and anchor not in anchors_of(path)):
            broken.append(target)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """A reader who follows a link arrives."""
    assert broken_links(page) == []


def test_twin_a_broken_link_is_seen(tmp_path: Path) -> None:
    """The detector on a page with one link to a file and one to a heading that are not there."""
    page = tmp_path / "page.md"
    page.write_text("# Here\n[a](gone.md) [b](#there) [c](#here) [d](page.md#here)\n")

    assert broken_links(page) == ["gone.md", "#there"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_named_in_words_is_there(page: Path) -> None:
    """A path in backticks is a path of the tree."""
    named = re.findall(
        r"`((?:crypto|intake|review_tool|tests|docs)/[\w./-]+\.\w+)`", page.read_text(encoding="utf-8")
    )

    assert [name for name in named if not (ROOT / name).exists()] == []


# --- command lines --------------------------------------------------------------------------------


def fenced_commands(page: Path) -> Iterator[str]:
    """Whole command lines in the blocks of a page."""
    for block in re.findall(
        r"^ *```\n(.*?)^ *```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    ):
        for line in map(str.strip, block.splitlines()):
            if line and Path(line.split()[0]).name in COMMANDS:
                yield line


def named_commands(page: Path) -> Iterator[str]:
    """Command lines in the middle of a sentence; what they need may be missing."""
    text = page.read_text(encoding="utf-8")
    yield from re.findall(r"`((?:intake|review-tool) [^`\n]+)`", text)


def complaint(line: str, *, whole: bool) -> str:
    """Say what is wrong with a command line, or nothing."""
    program, *words = shlex.split(line, comments=True)
    command: click.Command = COMMANDS[Path(program).name]
    context = click.Context(command, info_name=program)
    if {"--help", "-h"} & set(words):
        words = [word for word in words if word not in {"--help", "-h"}]
        whole = False
    try:
        while isinstance(command, click.Group):
            given, rest, _ = command.make_parser(context).parse_args(list(words))
            _convert(command, context, given)
            if not rest:
                return "" if not whole else "no command"
            found = command.get_command(context, rest[0])
            if found is None:
                return f"no command {rest[0]}"
            command, words, context = found, rest[1:], click.Context(found, parent=context)
        given, rest, _ = command.make_parser(context).parse_args(list(words))
        _convert(command, context, given)
    except click.UsageError as error:
        return error.format_message()
    missing = [one.name for one in command.params if whole and one.required and _is_missing(one, given)]
    return f"left over: {rest}" if rest else f"missing: {missing}" if missing else ""


def _is_missing(one: click.Parameter, given: dict[str, object]) -> bool:
    value = given.get(str(one.name))
    return value is None or one.value_is_missing(value)


def _convert(command: click.Command, context: click.Context, given: dict[str, object]) -> None:
    for one in command.params:
        value = given.get(str(one.name))
        if isinstance(value, str | list | tuple):
            one.type_cast_value(context, value)


def wrong_commands(lines: Sequence[str], *, whole: bool) -> dict[str, str]:
    """Command lines that the programs would refuse, and why."""
    return {line: said for line in lines if (said := complaint(line, whole=whole))}


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_every_command_line_of_a_guide_parses(page: Path) -> None:
    """Commands, options and choices exist, and nothing that is needed is missing."""
    assert wrong_commands(list(fenced_commands(page)), whole=True) == {}
    assert wrong_commands(list(named_commands(page)), whole=False) == {}


def test_the_readme_shows_the_whole_way() -> None:
    """Each command that a visitor of the demo needs is there."""
    shown = " ".join(fenced_commands(ROOT / "README.md"))

    for word in ("export", "receive", "acknowledge", "list", "show", "triage", "code", "release", "status"):
        assert f" {word} " in f"{shown} "


def test_the_demo_tells_command_lines_that_parse(tmp_path: Path) -> None:
    """What `make demo` prints for its visitor."""
    told = next_steps(Demo(root=tmp_path, port=8000))
    lines = re.findall(r"\S+/on-(?:server|review) .*", told)

    assert len(lines) >= 7
    assert wrong_commands(lines, whole=True) == {}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("intake forget", "no command forget"),
        ("intake export --quickly /media/stick", "No such option"),
        ("intake export", "missing"),
        ("intake export a b", "left over"),
        ("demo/on-review triage R-0001 --state lost", "'lost' is not one of"),
        ("review-tool --drawer here list", "No such option"),
    ],
)
def test_twin_a_wrong_command_line_is_seen(line: str, why: str) -> None:
    """The detector on lines that the programs would refuse."""
    assert why in complaint(line, whole=True)


def test_every_make_target_of_a_guide_is_in_the_makefile() -> None:
    """`make X` in the text is a target."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for page in GUIDES
        for target in re.findall(r"^make ([a-z-]+)|`make ([a-z-]+)", page.read_text(), re.MULTILINE)
    }

    assert {one for pair in named for one in pair if one} <= targets


# --- settings -------------------------------------------------------------------------------------


def names_of(kind: type, **renamed: str) -> set[str]:
    """Settings of a dataclass, as the file has them."""
    return {renamed.get(one.name, one.name) for one in fields(kind)}


SETTINGS: Final[dict[str, set[str]]] = {
    "intake": names_of(config.IntakeConfig),
    "intake.limits": names_of(config.Limits),
    "site": names_of(config.SiteConfig, resources="resource", events="event", challenges="question"),
    "site.resource": names_of(config.Resource),
    "site.event": names_of(config.Event),
    "site.question": names_of(config.Challenge) - {"number"},
    "site.theme": names_of(Theme),
    "site.theme.light": names_of(Palette),
    "center": names_of(CenterContent, areas="area", agencies="agency", shares="share", translations="texts"),
    "center.texts.en": set(TEXT_NAMES),
    "center.area": names_of(Area),
    "center.agency": names_of(Agency),
    "center.share": names_of(Share),
}


def explained_in(section: str) -> str:
    """The part of the example file that a section's settings must be explained in."""
    text = EXAMPLE.read_text(encoding="utf-8")
    top = section.partition(".")[0]
    return re.split(r"^\[\w+\]$", text.partition(f"\n[{top}]\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize("section", SETTINGS)
def test_every_known_setting_is_explained_in_the_example(section: str) -> None:
    """Set, shown as a commented default, or in the list above a table: never only in the code."""
    text = explained_in(section)

    missing = [
        name
        for name in SETTINGS[section]
        if not re.search(rf"^(#\s*)?(\[+[\w.]+\.)?{name}(\.\w+)*(\s*=|\]|:)", text, re.MULTILINE)
        and not re.search(rf"^#   (.*; )?{name}[ :]|^#   .*; {name}:", text, re.MULTILINE)
    ]

    assert missing == []


def test_every_setting_of_the_example_is_known_and_the_shown_defaults_are_the_real_ones(
    tmp_path: Path,
) -> None:
    """The example loads with each comment that shows a default taken as said, and means the same."""
    text = EXAMPLE.read_text(encoding="utf-8")
    (tmp_path / "plain.toml").write_text(text, encoding="utf-8")
    said = re.sub(r"^# (?=(?!unix_socket)\w+ = \S)", "", text, flags=re.MULTILINE)
    assert said != text
    (tmp_path / "said.toml").write_text(said, encoding="utf-8")

    plain, spoken = config.load(tmp_path / "plain.toml"), config.load(tmp_path / "said.toml")

    assert plain.intake == spoken.intake
    assert plain.site == spoken.site


# Errors of the common formats that a command of the server can end with; the others come from opening reports.
ON_THE_SERVER: Final = (
    crypto.errors.CanonicalError,
    crypto.errors.KeyStringError,
    crypto.errors.SignatureError,
    crypto.errors.ConfigError,
    crypto.errors.BundleError,
)

# --- promises and exit codes ----------------------------------------------------------------------


def test_each_promise_names_tests_that_are_there() -> None:
    """No promise without a test."""
    rows = re.findall(r"^\| (P\d+) \|(.+)\|$", (ROOT / "docs" / "threat-model.md").read_text(), re.MULTILINE)
    tests = [
        name
        for path in (ROOT / "tests").glob("**/test_promises*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    ]

    assert [name for name, _ in rows] == [f"P{number}" for number in range(1, 13)]
    for name, row in rows:
        pattern = f"test_{name.lower()}_"
        assert f"{pattern}*" in row, f"{name} names no test"
        held = [one for one in tests if f"_{name.lower()}_" in one]
        assert held, f"{name} has no test in tests/test_promises.py"


def kinds_of(*modules: object) -> list[type[Exception]]:
    """Error classes that a command can end with."""
    return [
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, Exception)
        and "ever raised itself" not in (kind.__doc__ or "")
    ]


@pytest.mark.parametrize("package", [intake, review_tool], ids=["intake", "review-tool"])
def test_exit_codes_tell_the_kinds_apart(package: object) -> None:
    """A script knows from the code alone what went wrong; 0, 1 and 2 are taken."""
    kinds = kinds_of(crypto.errors, package.errors)  # type: ignore[attr-defined]
    codes = [kind.exit_code for kind in kinds]  # type: ignore[attr-defined]

    assert len(set(codes)) == len(codes)
    assert min(codes) > 2
    assert max(codes) < 126  # what a shell uses begins there


def test_each_exit_code_is_explained_by_help_or_by_the_guide() -> None:
    """An operator who sees a number finds its sentence."""
    review_help = review_tool.cli.main.epilog or ""
    intake_help = intake.cli.commands.epilog or ""
    guide = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")

    for kind in kinds_of(crypto.errors, review_tool.errors):
        assert f" {kind.exit_code}  " in review_help, kind  # type: ignore[attr-defined]
    for kind in kinds_of(intake.errors):
        assert f" {kind.exit_code}  " in intake_help, kind  # type: ignore[attr-defined]
    for kind in kinds_of(crypto.errors):
        if issubclass(kind, ON_THE_SERVER):
            assert f"| {kind.exit_code} |" in guide, kind  # type: ignore[attr-defined]
