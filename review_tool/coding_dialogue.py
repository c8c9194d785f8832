"""Coding one case at the terminal: the codebook's questions in order, asked until the answer is in it.

What the reporter ticked is shown beside a question as a suggestion and never filled in.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

import click

from crypto.codes import BIAS_CODED, OFFENSE_CODED, PLACE_CODED, RELATION_CODED
from review_tool.cases import Case, Clarity
from review_tool.coding import CONFIDENCES, SEVERITIES, STRENGTHS, Crime
from review_tool.session import say

SHOWN: Final = 12  # codes of a list that are named when an answer is not in it


def ask(case: Case, given: dict[str, Any]) -> dict[str, Any]:
    """Ask for what was not given on the command line; the answers have the names of `Coding`."""
    told = case.report
    asked: dict[str, Callable[[], Any]] = {
        "period": lambda: click.prompt("When (2026-09, 2026Q3, 2026, 2020-2024, unknown)", type=str),
        "crime": lambda: _choice("A crime?", list(Crime)),
        "bias_coded": lambda: _codes("Grounds", BIAS_CODED, (*told.bias, *told.bias_group)),
        "bias_strength": lambda: _number("Signs of bias: 0 none, 1 one weak, 2 several, 3 stated", STRENGTHS),
        "offense_coded": lambda: _codes("Offenses, empty if none", OFFENSE_CODED, told.incident_types),
        "place_coded": lambda: _code("Place", PLACE_CODED, told.place_type),
        "relation_coded": lambda: _codes("Who did it", RELATION_CODED, told.offender_relation),
        "severity": lambda: _number("Severity 0 to 4", SEVERITIES),
        "confidence": lambda: _number("How sure are you, 1 to 3", CONFIDENCES),
        "clarity": lambda: _choice("How clear is the text", list(Clarity)),
    }
    return {
        name: given[name] if given.get(name) is not None else question() for name, question in asked.items()
    }


def _choice(question: str, codes: Sequence[str]) -> str:
    answer: str = click.prompt(question, type=click.Choice([str(code) for code in codes]))
    return answer


def _number(question: str, numbers: range) -> int:
    answer: int = click.prompt(question, type=click.IntRange(numbers.start, numbers.stop - 1))
    return answer


def _codes(question: str, allowed: Collection[str], ticked: Sequence[str]) -> list[str]:
    _suggest(ticked)
    while True:
        answer: str = click.prompt(f"{question} (codes with commas)", default="", show_default=False)
        codes = [code.strip() for code in answer.split(",") if code.strip()]
        if all(code in allowed for code in codes):
            return codes
        _explain(allowed)


def _code(question: str, allowed: Collection[str], ticked: str) -> str:
    _suggest([ticked] if ticked else [])
    while True:
        answer: str = click.prompt(f"{question} (one code)")
        if answer in allowed:
            return answer
        _explain(allowed)


def _suggest(ticked: Sequence[str]) -> None:
    if ticked:
        say(f"  ticked: {', '.join(ticked)}")


def _explain(allowed: Collection[str]) -> None:
    say(f"  not in the codebook, which has {', '.join(sorted(allowed)[:SHOWN])} ..; see CODEBOOK.md")
