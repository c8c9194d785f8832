"""Decisions and codings out of a file, one JSON object a line: read strictly, refused by line number.

A refused line is never quoted: a reviewer may have pasted a report into it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from typing import Final, TypeVar

from review_tool.cases import Clarity, State, Urgency
from review_tool.coding import Coding, Crime, sorted_codes
from review_tool.errors import CodingError, FileFormatError
from review_tool.triage import Decision, Judged

LINE_LIMIT: Final = 10_000  # characters of one line; ours have some hundreds
DECISION_NAMES: Final = frozenset(each.name for each in fields(Decision))
CODING_NAMES: Final = frozenset(each.name for each in fields(Coding)) | {"closed"}

_Code = TypeVar("_Code", bound=StrEnum)


@dataclass(frozen=True, slots=True, repr=False)
class Line:
    """One line that is a JSON object of known names, or what options and answers gave: then it has no place.

    Its methods read one value each and raise FileFormatError, with the number of the line, for a value of another kind.
    """

    facts: Mapping[str, object]
    place: int | None = None

    def text(self, name: str) -> str | None:
        """A text, None if absent or null."""
        value = self.facts.get(name)
        if value is None or isinstance(value, str):
            return value
        raise self.refused(f"{name} is not text")

    def number(self, name: str) -> int:
        """A whole number that must be there."""
        value = self.facts.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise self.refused(f"{name} is missing, or no whole number")

    def codes(self, name: str) -> tuple[str, ...]:
        """A list of codes that must be there and may be empty, sorted."""
        value = self.facts.get(name)
        if isinstance(value, list) and all(isinstance(code, str) for code in value):
            return sorted_codes(value)
        raise self.refused(f"{name} is missing, or no list of codes")

    def code(self, kind: type[_Code], name: str) -> _Code | None:
        """One code of a list, None if absent or null."""
        value = self.text(name)
        if value is None:
            return None
        if value not in set(kind):
            raise self.refused(f"{name} is one of: {', '.join(kind)}")
        return kind(value)

    def required_code(self, kind: type[_Code], name: str) -> _Code:
        """One code of a list that must be there."""
        found = self.code(kind, name)
        if found is None:
            raise self.refused(f"{name} is missing")
        return found

    def day(self, name: str) -> date | None:
        """A day, None if absent or null."""
        value = self.text(name)
        try:
            return None if value is None else date.fromisoformat(value)
        except ValueError:
            raise self.refused(f"{name} is a day like 2026-09-30") from None

    def refused(self, why: str) -> FileFormatError:
        """The error that says which line, and why."""
        return FileFormatError(self.told(why))

    def told(self, why: str) -> str:
        """What is wrong, with the number of the line if there is a file."""
        return why if self.place is None else f"line {self.place}: {why}"


def parse_decisions(text: str) -> list[Decision]:
    """Read a file of decisions, with the names of `Decision`.

    Raises:
        FileFormatError: a line is not what it should be.
    """
    return [decision_of(line) for line in _lines(text, DECISION_NAMES)]


def decision_of(line: Line) -> Decision:
    """Check one decision that came from outside."""
    return Decision(
        case=line.text("case") or "",
        state=line.code(State, "state"),
        urgency=line.code(Urgency, "urgency"),
        clarity=line.code(Clarity, "clarity"),
        duplicate_of=line.text("duplicate_of"),
        same_incident_as=line.text("same_incident_as"),
        same_series_as=line.text("same_series_as"),
        closed=line.day("closed"),
    )


def parse_codings(text: str, *, coder: str, closed: date | None) -> list[Judged]:
    """Read a file of codings, with the names of `Coding`, and `closed` (a day, or null).

    Args:
        text: the file.
        coder: who codes where a line does not say so.
        closed: closing day where a line does not say so; None leaves those cases open.

    Raises:
        FileFormatError: a line is not what it should be.
        CodingError: a judgement that the codebook does not allow.
    """
    return [judged_of(line, coder=coder, closed=closed) for line in _lines(text, CODING_NAMES)]


def judged_of(line: Line, *, coder: str, closed: date | None) -> Judged:
    """Check one coding that came from outside."""
    try:
        coding = Coding(
            case=line.text("case") or "",
            coder=line.text("coder") or coder,
            period=line.text("period") or "",
            crime=line.required_code(Crime, "crime"),
            bias_coded=line.codes("bias_coded"),
            bias_strength=line.number("bias_strength"),
            offense_coded=line.codes("offense_coded"),
            place_coded=line.text("place_coded") or "",
            relation_coded=line.codes("relation_coded"),
            severity=line.number("severity"),
            confidence=line.number("confidence"),
            clarity=line.required_code(Clarity, "clarity"),
        )
    except CodingError as error:
        raise CodingError(line.told(str(error))) from None
    return Judged(coding=coding, closed=line.day("closed") if "closed" in line.facts else closed)


def _lines(text: str, names: frozenset[str]) -> Iterator[Line]:
    for place, raw in enumerate(text.splitlines(), start=1):
        if not raw.strip():
            continue
        try:
            facts = json.loads(raw) if len(raw) <= LINE_LIMIT else None
        except (ValueError, RecursionError):
            facts = None
        if not isinstance(facts, dict):
            raise FileFormatError(f"line {place} is not one JSON object")
        if not names.issuperset(facts):
            raise FileFormatError(f"line {place} has a name that is none of: {', '.join(sorted(names))}")
        yield Line(facts, place)
