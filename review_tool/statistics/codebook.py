"""The codebook in words: every code a table or a coding can hold, written from the definitions themselves.

`python -m review_tool.statistics.codebook` prints it; a test compares it with CODEBOOK.md.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from crypto import answers, codes, report
from crypto.report import QUESTIONS
from review_tool.statistics.hierarchy import GROUND_LABELS, QUARTERLY

STRENGTHS: Final[Mapping[int, str]] = {
    0: "no sign of bias",
    1: "one weak sign, such as a place or a date",
    2: "several signs that point the same way",
    3: "stated by the person who did it, or obvious",
}
SEVERITIES: Final[Mapping[int, str]] = {
    0: "no effect told",
    1: "unpleasant; nothing changed for the person afterwards",
    2: "fear, lost sleep, avoided places, small damage",
    3: "injury without care, serious threat, loss of home, work or school, large damage",
    4: "injury that needed care, sexual assault, use of a weapon, danger to life",
}
CONFIDENCES: Final[Mapping[int, str]] = {
    1: "a guess",
    2: "likely from what is told",
    3: "clear from what is told",
}


def codebook() -> str:
    """Write the whole codebook as Markdown."""
    return "\n".join([*_head(), *_judgements(), *_standards(), *_questions(), *_exhibits()]) + "\n"


def _head() -> Iterator[str]:
    yield "# Codebook"
    yield ""
    yield f"Form version {report.FORM_VERSION}, crosswalk version {codes.CROSSWALK_VERSION}. Written by"
    yield "`python -m review_tool.statistics.codebook` from the definitions in the code; a test holds them together."
    yield "A code is for ever: a change of meaning is a new code."
    yield ""


def _judgements() -> Iterator[str]:
    yield "## What a coder judges"
    yield ""
    yield "The coder's judgement stands beside what the person ticked and never replaces it."
    yield ""
    yield "- **period**: when it happened: `2026-09`, `2026Q3`, `2026`, `2020-2024` or `unknown`"
    yield "- **crime**: `yes`, `no` (a bias incident below that), `unsure`; a community count, not a legal finding"
    yield "- **clarity**: `clear`, `partly`, `unclear`; about the text, never about its truth"
    for name, anchors in (
        ("bias_strength", STRENGTHS),
        ("severity", SEVERITIES),
        ("confidence", CONFIDENCES),
    ):
        yield ""
        yield f"### {name}"
        yield ""
        yield from _rows(("value", "means"), ((str(value), text) for value, text in anchors.items()))
    yield ""


def _standards() -> Iterator[str]:
    yield "## Standard codes"
    yield ""
    yield "An empty cell means that no equivalent exists; our own code is then kept. NIBRS and California codes in brackets are"
    yield "the nearest bucket, to be used only in a comparison that says so."
    yield ""
    yield "### Grounds of bias (`bias_coded`)"
    yield ""
    yield from _rows(
        ("code", "means", "NIBRS", "California", "Penal Code 422.55", "RIPA", "ODIHR"),
        (
            (
                f"`{row.code}`",
                GROUND_LABELS.get(row.code, row.code),
                row.nibrs or _nearest(row.nibrs_nearest),
                row.california or _nearest(row.california_nearest),
                row.penal_code,
                ", ".join(row.ripa) or _nearest(", ".join(row.ripa_nearest)),
                row.odihr,
            )
            for row in codes.BIAS.values()
        ),
    )
    yield ""
    yield "### Offenses (`offense_coded`)"
    yield ""
    yield "None is a result: a bias incident, not a crime."
    yield ""
    yield from _rows(
        ("ticked", "suggests", "rule"),
        (
            (f"`{ticked}`", ", ".join((*one.first, *one.only_if)), one.rule)
            for ticked, one in codes.OFFENSE_SUGGESTIONS.items()
        ),
    )
    yield ""
    yield "### Places (`place_coded`)"
    yield ""
    yield from _rows(
        ("NIBRS", "name", "California", "rolls up to"),
        ((one.nibrs, one.name, one.california, f"`{one.place}`") for one in codes.LOCATIONS.values()),
    )
    yield ""
    yield "### Relations (`relation_coded`): the victim was the offender's …"
    yield ""
    yield from _rows(("code", "means"), ((f"`{code}`", name) for code, name in codes.RELATIONSHIPS.items()))
    yield ""


def _questions() -> Iterator[str]:
    yield "## What a report holds"
    for asked in QUESTIONS:
        yield ""
        yield f"### `{asked.name}`: {asked.text}"
        yield ""
        limit = f", up to {asked.limit} characters" if asked.limit else ""
        yield f"Step {asked.step}, {asked.kind.value.replace('_', ' ')}{limit}, sensitivity {asked.sensitivity}."
        if asked.codes is not None:
            yield ""
            labels = answers.LABELS[asked.codes]
            yield from _rows(("code", "label"), ((f"`{code.value}`", labels[code]) for code in asked.codes))
    yield ""


def _exhibits() -> Iterator[str]:
    yield "## What is published"
    for exhibit in QUARTERLY:
        yield ""
        yield f"### {exhibit.id}: {exhibit.title}"
        yield ""
        yield exhibit.note + (" How many count in no row is not printed." if exhibit.is_yes_no else "")
        for level, splits in enumerate(exhibit.levels):
            yield ""
            names = (split.label or ", ".join(split.labels.values()) for split in splits)
            yield f"- level {level}: {'; '.join(names)}"


def _nearest(code: str) -> str:
    return f"({code})" if code else ""


def _rows(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


if __name__ == "__main__":
    sys.stdout.write(codebook())
