"""A case as a person reads it on a terminal: every answer with the label its author saw, as lines of text.

Pure: lines out of values. Whoever prints them passes them through `terminal.visible`.
"""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Final

from crypto.answers import ConsentMode
from crypto.content import CenterContent
from crypto.report import QUESTIONS, Kind, Question, labels_en
from review_tool.cases import Case
from review_tool.coding import Coding
from review_tool.terminal import counted

WIDTH: Final = 100  # columns of running text
INDENT: Final = "    "
FALLBACK: Final = "en"  # every label has English

Labels = Mapping[str, Mapping[str, str]]  # {question: {code: label}}


def local_labels(content: CenterContent | None) -> dict[str, dict[str, str]]:
    """Labels of a Center's own answers, by question and code; empty if the configuration is unknown."""
    if content is None:
        return {}
    return {
        "area": {one.code: one.label[FALLBACK] for one in content.areas},
        "officer_agency": {one.code: one.label[FALLBACK] for one in content.agencies},
        "consent_share": {one.code: one.label[FALLBACK] for one in content.shares},
    }


def case_lines(case: Case, codings: Sequence[Coding], content: CenterContent | None) -> list[str]:
    """Everything about a case but its contact."""
    return [
        f"{case.id}   {case.state}   came in the week of {case.week}   form language: {case.lang}",
        *_notes(case),
        *_answers(case, local_labels(content)),
        *[line for coding in codings for line in _coding(coding)],
    ]


def _notes(case: Case) -> list[str]:
    notes = [f"urgency: {case.urgency}   clarity: {case.clarity}"]
    if case.flags:
        notes.append(f"noticed when it came: {', '.join(case.flags)}")
    if not case.context_known:
        notes.append("unknown form or config: labels below may be missing")
    for what, link in (
        ("duplicate of", case.duplicate_of),
        ("same incident as", case.incident_id),
        ("same series as", case.series_id),
    ):
        if link is not None and link != case.id:
            notes.append(f"{what} {link}")
    if case.attachments:
        notes.append(f"{counted(case.attachments, 'file')}, still sealed")
    if case.has_contact:
        notes.append("left a way to be reached: show --contact --reason TEXT")
    if case.closed_on is not None:
        notes.append(f"closed on {case.closed_on}")
    return [INDENT + note for note in notes]


def _answers(case: Case, local: Labels) -> list[str]:
    lines = []
    for asked in QUESTIONS:
        answer = getattr(case.report, asked.name)
        if answer in ("", ()) or asked.kind is Kind.TICK or asked.name == "contact":
            continue
        lines += ["", asked.text]
        if isinstance(answer, tuple):
            lines += [f"{INDENT}- {_label(asked, code, local)}" for code in answer]
        elif asked.kind is Kind.TEXT:
            lines += _wrapped(answer)
        else:
            lines.append(INDENT + _label(asked, answer, local))
    unknown = [f"{INDENT}{name}: {raw}" for name, raw in case.report.unknown_fields]
    if unknown:
        lines += ["", "Answers of a newer form, as they came:", *unknown]
    return [*lines, "", *_consents(case)]


def _consents(case: Case) -> list[str]:
    asked = (
        "ticked to be counted"
        if case.report.consent_mode == ConsentMode.OPT_IN
        else "did not refuse counting"
    )
    in_numbers = asked if case.report.consent_count else "must not be counted"
    quoted = "may be quoted with details changed" if case.report.consent_quote else "must not be quoted"
    return ["Consent", f"{INDENT}{in_numbers}; {quoted}"]


def _label(asked: Question, code: str, local: Labels) -> str:
    label = labels_en(asked.name).get(code) or local.get(asked.name, {}).get(code)
    return f"{label} ({code})" if label else code


def _wrapped(text: str) -> list[str]:
    lines: list[str] = []
    for paragraph in text.split("\n"):
        lines += textwrap.wrap(paragraph, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT) or [""]
    return lines


def _coding(coding: Coding) -> list[str]:
    told = [
        f"crime: {coding.crime}",
        f"period: {coding.period}",
        f"bias: {', '.join(coding.bias_coded)} (strength {coding.bias_strength})",
        f"offense: {', '.join(coding.offense_coded) or 'none, a bias incident'}",
        f"place: {coding.place_coded}",
        f"relation: {', '.join(coding.relation_coded)}",
        f"severity {coding.severity}, confidence {coding.confidence}",
    ]
    return ["", f"Coding by {coding.coder}", *[INDENT + line for line in told]]
