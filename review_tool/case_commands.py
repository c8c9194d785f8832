"""The commands of the reviewer's day: list, show, triage, code.

A report is printed only by `show`, a contact block only by `show --contact --reason`, and both are in the log before
they are on the screen.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click
from sqlalchemy import Connection

from crypto.canonical import Json
from crypto.content import CenterContent
from crypto.report import header_fields
from review_tool import audit, case_rows, case_text, coding_dialogue, contact, ledger, review_lines, session
from review_tool import triage as deciding
from review_tool import vault as vaults
from review_tool.audit import Act, Entry
from review_tool.cases import Case, Clarity, State, Urgency
from review_tool.coding import Coding
from review_tool.errors import CodingError, ContactError, TransitionError, UnknownCaseError
from review_tool.exit_codes import CONFIG, ENVELOPE, VAULT, ReviewCommand
from review_tool.review_lines import Line
from review_tool.session import Settings, say, say_json
from review_tool.terminal import counted
from review_tool.vault import today

_STATES: Final = click.Choice([state.value for state in State])
_DAY: Final = click.DateTime(["%Y-%m-%d"])
_FILE: Final = click.Path(path_type=Path, dir_okay=False)


@click.command(name="list", cls=ReviewCommand, refuses=VAULT)
@click.option(
    "--state", "states", type=_STATES, multiple=True, help="Only cases in this state; may be repeated."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a case.")
@session.pass_settings
def list_command(settings: Settings, states: tuple[str, ...], as_json: bool) -> None:
    """List the cases: no words of a report, no contact."""
    wanted = [State(state) for state in states] or None
    with settings.opened("list") as (vault, _), vault.transaction() as connection:
        cases = list(case_rows.read_cases(connection, wanted))
        facts: dict[str, Json] = {"cases": len(cases)}
        audit.append(connection, [_act(Act.LIST, settings, facts)])
    for case in cases:
        if as_json:
            say_json(_summary(case))
        else:
            marks = "  ".join(
                [
                    *case.flags,
                    *([] if case.context_known else ["unknown form or config"]),
                    *(["on hold"] if case.is_held else []),
                ]
            )
            urgent = "" if case.urgency is Urgency.ROUTINE else case.urgency.value
            say(f"{case.id:8} {case.state.value:12} {case.week}  {case.lang:8} {urgent:10} {marks}".rstrip())
    if not as_json:
        say(counted(len(cases), "case"))


def _summary(case: Case) -> dict[str, Json]:
    return {
        "id": case.id,
        "state": case.state.value,
        "week": case.week,
        "lang": case.lang,
        "form_version": case.form_version,
        "urgency": case.urgency.value,
        "clarity": case.clarity.value,
        "flags": list(case.flags),
        "duplicate_of": case.duplicate_of,
        "incident_id": case.incident_id,
        "series_id": case.series_id,
        "context_known": case.context_known,
        "closed_on": None if case.closed_on is None else case.closed_on.isoformat(),
        "attachments": case.attachments,
        "is_held": case.is_held,
    }


@click.command(cls=ReviewCommand, refuses=(*VAULT, *CONFIG, *ENVELOPE, UnknownCaseError, ContactError))
@click.argument("cases", nargs=-1, metavar="[CASE]...")
@click.option("--all", "every", is_flag=True, help="Every case.")
@click.option("--state", "states", type=_STATES, multiple=True, help="With --all: only cases in this state.")
@click.option("--contact", "with_contact", is_flag=True, help="Open the contact block too; needs --reason.")
@click.option("--reason", default="", help="Why the contact block is opened; stands in the log.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a case, answers as codes.")
@session.pass_settings
def show(
    settings: Settings,
    cases: tuple[str, ...],
    every: bool,
    states: tuple[str, ...],
    with_contact: bool,
    reason: str,
    as_json: bool,
) -> None:
    """Show what a report tells, and what was decided about it.

    Control characters in a report are shown as their code points and never sent to the terminal.
    """
    if bool(cases) == every:
        raise click.UsageError("name cases, or give --all")
    if with_contact and len(cases) != 1:
        raise click.UsageError("--contact opens one case at a time: name it")
    wanted = [State(state) for state in states] or None
    with settings.opened("show") as (vault, keystore):
        with vault.transaction() as connection:
            if every:
                found, codings = (
                    list(case_rows.read_cases(connection, wanted)),
                    case_rows.read_codings(connection),
                )
            else:
                found = case_rows.read_some(connection, cases)
                codings = {case.id: case_rows.codings_of(connection, case.id) for case in found}
            labels = _labels(connection, found)
            audit.append(connection, [_act(Act.SHOW, settings, {"case": case.id}) for case in found])
        reached = (
            contact.open_contact(
                vault, keystore, cases[0], reason=reason, day=today(), reviewer=settings.reviewer
            )
            if with_contact
            else None
        )
    for case in found:
        coded = codings.get(case.id, ())
        if as_json:
            say_json(_everything(case, coded, reached))
        else:
            say("\n".join(case_text.case_lines(case, coded, labels[case.id])))
            say(f"\nHow to reach them\n    {reached}" if reached is not None else "")


def _everything(case: Case, codings: tuple[Coding, ...], reached: str | None) -> dict[str, Json]:
    judged: list[Json] = [{"coder": coding.coder, **case_rows.judgement(coding)} for coding in codings]
    facts: dict[str, Json] = {
        **_summary(case),
        "has_contact": case.has_contact,
        "answers": header_fields(case.report),
        "codings": judged,
    }
    return facts if reached is None else {**facts, "contact": reached}


def _labels(connection: Connection, cases: Sequence[Case]) -> dict[str, CenterContent | None]:
    """For each case the Center's own labels as its author saw them; None if that configuration is unknown."""
    contents = {config.context_id: config.content for config in vaults.archived_configs(connection)}
    return {case.id: contents.get(case_rows.context_of(connection, case.id)) for case in cases}


@click.command(cls=ReviewCommand, refuses=(*VAULT, UnknownCaseError, TransitionError))
@click.argument("case", required=False)
@click.option(
    "--file", "file", type=_FILE, help="Decisions, one JSON object a line, with the names of the options."
)
@click.option("--state", type=_STATES, help="Where the case goes.")
@click.option("--urgency", type=click.Choice([each.value for each in Urgency]))
@click.option(
    "--clarity", type=click.Choice([each.value for each in Clarity]), help="Of the text, not of its truth."
)
@click.option("--duplicate-of", help="The case that tells the same words, or none.")
@click.option("--same-incident-as", help="A case that tells of the same incident, or none.")
@click.option("--same-series-as", help="A case whose incident belongs to the same series, or none.")
@click.option("--closed", type=_DAY, help="Closing day, with --state closed.  [default: today]")
@session.pass_settings
def triage(settings: Settings, /, case: str | None, file: Path | None, **options: Any) -> None:  # noqa: ANN401 - checked by decision_of
    """Decide about one CASE, or about many with --file: all of a file is carried out, or nothing of it."""
    if (case is None) == (file is None):
        raise click.UsageError("name one case, or give --file")
    decisions = (
        review_lines.parse_decisions(session.read_text(file))
        if file is not None
        else [review_lines.decision_of(Line({"case": case, **_plain(options)}))]
    )
    with settings.opened("triage") as (vault, _):
        with vault.transaction() as connection:
            until = ledger.last_until(connection)
        deciding.triage(vault, decisions, day=today(), reviewer=settings.reviewer, last_until=until)
    say(f"{counted(len(decisions), 'decision')} saved")


@click.command(cls=ReviewCommand, refuses=(*VAULT, UnknownCaseError, TransitionError, CodingError))
@click.argument("case", required=False)
@click.option(
    "--file", "file", type=_FILE, help="Codings, one JSON object a line, with the names of the codebook."
)
@click.option("--period", help="2026-09, 2026Q3, 2026, 2020-2024 or unknown.")
@click.option("--crime", help="yes, no or unsure.")
@click.option("--bias", "bias_coded", help="Grounds, with commas.")
@click.option("--strength", "bias_strength", type=int, help="0 to 3.")
@click.option("--offense", "offense_coded", help="Offenses, with commas; empty is a result.")
@click.option("--place", "place_coded")
@click.option("--relation", "relation_coded", help="Who did it, with commas.")
@click.option("--severity", type=int, help="0 to 4.")
@click.option("--confidence", type=int, help="1 to 3.")
@click.option("--clarity", help="clear, partly or unclear.")
@click.option("--closed", type=_DAY, help="Closing day.  [default: today]")
@click.option("--keep-open", is_flag=True, help="Code without closing.")
@session.pass_settings
def code(
    settings: Settings,
    /,
    case: str | None,
    file: Path | None,
    closed: datetime | None,
    keep_open: bool,
    **options: Any,  # noqa: ANN401 - checked by judged_of
) -> None:
    """Code one CASE by the codebook and close it, or many with --file: all of a file, or nothing of it.

    What is not given as an option is asked for. A closed case counts in the release of its closing day.
    """
    if (case is None) == (file is None):
        raise click.UsageError("name one case, or give --file")
    if keep_open and closed is not None:
        raise click.UsageError("--keep-open and --closed exclude each other")
    day = today()
    closing = None if keep_open else (day if closed is None else closed.date())
    with settings.opened("code") as (vault, _):
        with vault.transaction() as connection:
            until = ledger.last_until(connection)
            known = case_rows.read_case(connection, case) if case is not None else None
        if file is not None:
            text = session.read_text(file)
            judged = review_lines.parse_codings(text, coder=settings.reviewer, closed=closing)
        else:
            told = coding_dialogue.ask(known, _lists(options)) if known is not None else {}
            line = Line({"case": case, **told})
            judged = [review_lines.judged_of(line, coder=settings.reviewer, closed=closing)]
        deciding.code(vault, judged, day=day, reviewer=settings.reviewer, last_until=until)
    say(f"{counted(len(judged), 'coding')} saved")


def _act(act: Act, settings: Settings, facts: dict[str, Json]) -> Entry:
    return Entry(act=act, day=today(), reviewer=settings.reviewer, facts=facts)


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as a line of a file would have them."""
    return {
        name: value.date().isoformat() if isinstance(value, datetime) else value
        for name, value in options.items()
    }


def _lists(options: Mapping[str, Any]) -> dict[str, Any]:
    """Split what takes several codes with commas."""
    several = {"bias_coded", "offense_coded", "relation_coded"}
    return {
        name: [code.strip() for code in value.split(",") if code.strip()]
        if name in several and value is not None
        else value
        for name, value in options.items()
    }


COMMANDS: Final = (list_command, show, triage, code)
