"""A coding: one coder's judgement of one case by the codebook.

It stands beside what the person ticked and never replaces it. A coding that exists has passed every check here.
Nothing in this module reads a file, a database or a clock.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from crypto.codes import BIAS_CODED, OFFENSE_CODED, PLACE_CODED, RELATION_CODED, STANDS_ALONE
from review_tool.cases import ID_PATTERN, Clarity
from review_tool.errors import CodingError

# A month, a quarter, a year, a range of years, or nothing that can be said.
PERIOD_PATTERN: Final = re.compile(
    r"[0-9]{4}-(0[1-9]|1[0-2])|[0-9]{4}Q[1-4]|[0-9]{4}|[0-9]{4}-[0-9]{4}|unknown"
)
CODER_PATTERN: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,23}")  # a pseudonym, never a name
STRENGTHS: Final = range(4)  # 0 none, 1 one weak sign, 2 several signs, 3 stated or obvious
SEVERITIES: Final = range(5)  # anchors in the codebook
CONFIDENCES: Final = range(1, 4)  # the coder's own


class Crime(StrEnum):
    """Whether the coder takes it for a crime: a community count, not a legal finding."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """What one coder says about one case.

    Attributes:
        case: id of the case.
        coder: pseudonym of the coder.
        period: when it happened: `2026-09`, `2026Q3`, `2026`, `2020-2024` or `unknown`.
        crime: crime, bias incident below that, or unsure.
        bias_coded: grounds by codebook, sorted; `none` and `unknown` stand alone.
        bias_strength: 0 to 3.
        offense_coded: offenses by codebook, sorted; empty is a result ("a bias incident, not a crime").
        place_coded: one place.
        relation_coded: who did it, sorted, several allowed.
        severity: 0 to 4.
        confidence: 1 to 3.
        clarity: of the text, never of the truth.
    """

    case: str
    coder: str
    period: str
    crime: Crime
    bias_coded: tuple[str, ...]
    bias_strength: int
    offense_coded: tuple[str, ...]
    place_coded: str
    relation_coded: tuple[str, ...]
    severity: int
    confidence: int
    clarity: Clarity

    def __post_init__(self) -> None:
        """Refuse what the codebook does not allow."""
        for name in RULES:
            check(name, getattr(self, name))


def sorted_codes(codes: Iterable[str]) -> tuple[str, ...]:
    """Put codes into the one order a coding holds them in, each once."""
    return tuple(sorted(set(codes)))


def check(name: str, answer: Any) -> None:  # noqa: ANN401 - what a person or a file said
    """Hold one answer of a coding against the codebook.

    Raises:
        CodingError: it breaks a rule, which the message says.
    """
    for holds, rule in RULES[name]:
        if not holds(answer):
            raise CodingError(f"{name} {rule}")


def _is_period(text: str) -> bool:
    if not PERIOD_PATTERN.fullmatch(text):
        return False
    first, dash, last = text.partition("-")
    return not (dash and len(last) == 4) or first < last


_Rule = tuple[Callable[[Any], bool], str]


def _codes_of(codebook: Collection[str]) -> tuple[_Rule, ...]:
    return (
        (lambda codes: tuple(codes) == sorted_codes(codes), "is sorted and names each code once"),
        (set(codebook).issuperset, "holds only codes of the codebook"),
    )


# What each answer must be, in the order in which a coding refuses.
RULES: Final[Mapping[str, tuple[_Rule, ...]]] = {
    "case": ((lambda text: ID_PATTERN.fullmatch(text) is not None, "looks like R-0001"),),
    "coder": (
        (lambda text: CODER_PATTERN.fullmatch(text) is not None, "is a short pseudonym in lower case"),
    ),
    "period": ((_is_period, "is a month, quarter, year, range of years, or unknown"),),
    "bias_strength": ((STRENGTHS.__contains__, "is 0 to 3"),),
    "severity": ((SEVERITIES.__contains__, "is 0 to 4"),),
    "confidence": ((CONFIDENCES.__contains__, "is 1 to 3"),),
    "bias_coded": (
        (bool, "needs a ground, or none, or unknown"),
        (
            lambda codes: len(codes) == 1 or STANDS_ALONE.isdisjoint(codes),
            "holds none or unknown only alone",
        ),
        *_codes_of(BIAS_CODED),
    ),
    "offense_coded": _codes_of(OFFENSE_CODED),
    "relation_coded": _codes_of(RELATION_CODED),
    "place_coded": ((PLACE_CODED.__contains__, "is a code of the codebook"),),
}
