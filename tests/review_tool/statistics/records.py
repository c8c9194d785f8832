"""Countable records made by hand, through the real gate, and tables drawn as counts."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from review_tool.cases import Case, Clarity, State
from review_tool.coding import Coding, Crime
from review_tool.gates import Countable, countable
from review_tool.statistics.hierarchy import INCIDENTS, Dimension, Split
from review_tool.statistics.tables import TOTAL, Cell, Table
from tests.center import sample_report

CLOSED = date(2026, 9, 30)


def case(number: int, *, answers: Mapping[str, Any] | None = None, **changes: Any) -> Case:
    """A closed case with consent, unless changed."""
    report = sample_report(**{"reported_to": ("police",), "place_type": "street", **(answers or {})})
    given = {"state": State.CLOSED, "closed_on": CLOSED, **changes}
    return Case(
        id=f"R-{number:04d}",
        payload_id=f"{number:032x}",
        week="2026-W40",
        lang="en",
        form_version="1.0",
        report=report,
        **given,
    )


def coding(number: int, *, grounds: tuple[str, ...] = ("sogi.gay",), place: str = "street") -> Coding:
    """A coding of the case with that number."""
    return Coding(
        case=f"R-{number:04d}",
        coder="a",
        period="2026",
        crime=Crime.YES,
        bias_coded=tuple(sorted(grounds)),
        bias_strength=1,
        offense_coded=(),
        place_coded=place,
        relation_coded=("RU",),
        severity=1,
        confidence=2,
        clarity=Clarity.CLEAR,
    )


def record(number: int, *, answers: Mapping[str, Any] | None = None, **changes: Any) -> Countable:
    """One countable record; `grounds` and `place` go to its coding, the rest to its case."""
    judged = {name: changes.pop(name) for name in ("grounds", "place") if name in changes}
    return countable(case(number, answers=answers, **changes), coding(number, **judged))


def table_of(counts: Mapping[str, int], *, sources: Mapping[str, int] | None = None) -> Table:
    """A table with these counts; each record is a source of its own, or a cell has fewer sources."""
    few = sources or {}
    cells = tuple(
        Cell(code=code, by_source=_by_source(code, count, few.get(code, count)))
        for code, count in counts.items()
    )
    every: dict[str, int] = {}
    for cell in cells:
        every |= cell.by_source
    split = Split(
        id="T",
        label="",
        dimension=Dimension(name="t", leaves=tuple(counts)),
        labels={code: code for code in counts},
        filter=INCIDENTS,
        code_of=lambda _: "",
    )
    return Table(split=split, cells=cells, total=Cell(code=TOTAL, by_source=every))


def _by_source(code: str, count: int, sources: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for number in range(count):
        name = f"{code}-{number % max(sources, 1)}"
        found[name] = found.get(name, 0) + 1
    return found
