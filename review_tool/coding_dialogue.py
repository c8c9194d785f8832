"""Coding one case at the terminal: the codebook's questions in order, asked until the answer is in it.

What the reporter ticked is shown beside a question with the codes that it suggests, and never filled in.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import click

from review_tool import code_words
from review_tool.cases import Case, Clarity
from review_tool.code_words import Suggestion, Vocabulary
from review_tool.coding import CONFIDENCES, RULES, SEVERITIES, STRENGTHS, Crime, check, sorted_codes
from review_tool.errors import CodingError
from review_tool.session import say

SHOWN: Final = 12  # codes of a list that are named before it is asked for
LIST: Final = "?"  # asks for all of them with their words


def ask(case: Case, given: dict[str, Any]) -> dict[str, Any]:
    """Ask for what was not given on the command line; the answers have the names of `Coding`."""
    told = case.report
    asked: dict[str, Callable[[], Any]] = {
        "period": lambda: click.prompt("When (2026-09, 2026Q3, 2026, 2020-2024, unknown)", type=str),
        "crime": lambda: _choice("A crime?", list(Crime)),
        "bias_coded": lambda: _codes("Grounds", code_words.GROUNDS, (*told.bias, *told.bias_group)),
        "bias_strength": lambda: _number("Signs of bias: 0 none, 1 one weak, 2 several, 3 stated", STRENGTHS),
        "offense_coded": lambda: _codes("Offenses, empty if none", code_words.OFFENSES, told.incident_types),
        "place_coded": lambda: _code("Place", code_words.PLACES, told.place_type),
        "relation_coded": lambda: _codes(
            "Who did it; two letters say who the victim was to them",
            code_words.RELATIONS,
            told.offender_relation,
        ),
        "severity": lambda: _number("Severity 0 to 4", SEVERITIES),
        "confidence": lambda: _number("How sure are you, 1 to 3", CONFIDENCES),
        "clarity": lambda: _choice("How clear is the text", list(Clarity)),
    }
    return {
        name: given[name] if given.get(name) is not None else _until_right(name, question)
        for name, question in asked.items()
    }


def _until_right(name: str, question: Callable[[], Any]) -> Any:  # noqa: ANN401 - as different as the questions
    """Ask again at the question that went wrong, so that no later answer is lost with it."""
    while True:
        answer = question()
        try:
            if name in RULES:  # what has no rule is one of a few words, and was asked as such
                check(name, answer)
        except CodingError as error:
            say(f"  {error}")
        else:
            return answer


def _choice(question: str, codes: Sequence[str]) -> str:
    answer: str = click.prompt(question, type=click.Choice([str(code) for code in codes]))
    return answer


def _number(question: str, numbers: range) -> int:
    answer: int = click.prompt(question, type=click.IntRange(numbers.start, numbers.stop - 1))
    return answer


def _codes(question: str, known: Vocabulary, ticked: Sequence[str]) -> list[str]:
    _offer(known, ticked)
    while True:
        answer: str = click.prompt(
            f"{question} (codes with commas, {LIST} lists them)", default="", show_default=False
        )
        codes = [code.strip() for code in answer.split(",") if code.strip()]
        if _are_known(codes, known):
            return list(sorted_codes(codes))


def _code(question: str, known: Vocabulary, ticked: str) -> str:
    _offer(known, [ticked] if ticked else [])
    while True:
        answer: str = click.prompt(f"{question} (one code, {LIST} lists them)").strip()
        if _are_known([answer], known):
            return answer


def _offer(known: Vocabulary, ticked: Sequence[str]) -> None:
    """Name a few codes, and what each tick suggests."""
    say(f"  codes: {', '.join([*known.words][:SHOWN])} ..")
    for tick in ticked:
        suggestion = known.suggests.get(tick, Suggestion(codes=()))
        named = ", ".join(known.named(code) for code in suggestion.codes)
        parts = (
            (f"ticked: {tick}", tick),
            (f"suggests {named}", named),
            (f"rule: {suggestion.rule}", suggestion.rule),
        )
        say("  " + "; ".join(part for part, is_there in parts if is_there))


def _are_known(codes: Sequence[str], known: Vocabulary) -> bool:
    """Whether all of them are in the codebook; if not, or if it was asked for, say what is."""
    if LIST in codes:
        width = max(map(len, known.words))
        say("\n".join(f"  {code:{width}}  {words}" for code, words in known.words.items()))
        return False
    wrong = [code for code in codes if code not in known.words]
    if wrong:
        near = ", ".join(known.named(code) for one in wrong for code in known.nearest(one))
        say(f"  not in the codebook; {f'near it: {near}; ' if near else ''}{LIST} lists its codes")
    return not wrong
