"""The gate before every number: only what passes here is ever counted.

A case passes when the person allowed it, a reviewer closed it, and it is no duplicate, spam or test. What does not
pass leaves no trace: links between reports, merged answers and sources are worked out among countable cases alone.
Nothing here reads a file, a database or a clock, and no text a person wrote goes through.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field, replace
from enum import StrEnum
from typing import Final

from crypto.codes import STANDS_ALONE
from crypto.report import QUESTIONS, Kind, Report
from review_tool.cases import Case, State
from review_tool.coding import Coding
from review_tool.errors import NotCountableError

MOST_SENSITIVE: Final = 2  # sensitivity of an answer that may still be counted; 3 is text or identifies
_CHOICES: Final = (Kind.SINGLE, Kind.MULTI, Kind.LOCAL_SINGLE, Kind.LOCAL_MULTI)
COUNTED_FIELDS: Final = tuple(
    asked.name
    for asked in QUESTIONS
    if asked.kind in _CHOICES
    and asked.sensitivity <= MOST_SENSITIVE
    and not asked.name.startswith("consent_")  # another consent must change no number
)
# Who tells: the person harmed wins over a witness.
_NEAREST_FIRST: Final[Mapping[str, int]] = {"me": 0, "org": 1, "for_someone": 2, "saw": 4}
_UNTOLD_ROLE: Final = 3  # nearer than a witness, further than whoever speaks for the person
_GATE: Final = object()  # known to this module alone


class Record(StrEnum):
    """What a countable stands for: an incident, or one more report of an incident that is counted already."""

    INCIDENT = "incident"
    FURTHER_REPORT = "further_report"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Countable:
    """One record that may enter numbers; only `countable` and `linked` make it.

    Attributes:
        case: id of the case it comes from.
        incident: reports of one incident have one value.
        series: incidents of one series have one value; None for a single one.
        source: reports tied by incident or series have one value; thresholds count distinct ones.
        record: incident, or further report of one.
        answers: choices of sensitivity 0 to 2 and never text; () where left blank, one code for a single choice.
        coding: the reviewer's coding.
    """

    case: str
    incident: str
    series: str | None
    source: str
    record: Record
    answers: Mapping[str, tuple[str, ...]] = field(hash=False)
    coding: Coding
    gate: InitVar[object]

    def __post_init__(self, gate: object) -> None:
        if gate is not _GATE:
            raise AssertionError("a countable is made by countable() alone, or a consent was never asked")

    def __repr__(self) -> str:
        return "Countable(redacted)"  # answers in a traceback would leave the vault


def countable(case: Case, coding: Coding) -> Countable:
    """Let one case through the gate, as an incident of its own until `linked` has seen the others.

    Raises:
        NotCountableError: no consent, not closed, a duplicate, spam, a test, or a coding of another case.
    """
    if coding.case != case.id:
        raise NotCountableError(f"{case.id}: the coding belongs to another case")
    if not case.report.consent_count:
        raise NotCountableError(f"{case.id} may not be counted: the person did not allow it")
    if case.duplicate_of is not None:
        raise NotCountableError(f"{case.id} is a duplicate and never counts")
    if case.state is not State.CLOSED:
        raise NotCountableError(f"{case.id} is {case.state}; only a closed case counts")
    incident = case.incident_id or case.id
    return Countable(
        case=case.id,
        incident=incident,
        series=case.series_id,
        source=case.series_id or incident,
        record=Record.INCIDENT,
        answers=_answers(case.report),
        coding=coding,
        gate=_GATE,
    )


def linked(records: Iterable[Countable], *, counted: Collection[str] = frozenset()) -> tuple[Countable, ...]:
    """Count each incident once and tie what has one source, looking at countable reports alone.

    Of the reports of one incident the one told from nearest stands for it, the gaps in its answers filled from the
    others; the others become further reports. Ordered by case id.

    Args:
        records: each case once, as it came out of `countable`.
        counted: incidents that an earlier release has counted: all their reports are further ones now.
    """
    told = sorted(records, key=lambda one: (_distance(one), _number(one)))
    sources = _sources(told)
    incidents: dict[str, list[Countable]] = {}
    for one in told:
        incidents.setdefault(one.incident, []).append(replace(one, source=sources[one.case], gate=_GATE))
    found: list[Countable] = []
    for incident, reports in incidents.items():
        first = [] if incident in counted else [_merged(reports)]
        found += first
        found += (replace(one, record=Record.FURTHER_REPORT, gate=_GATE) for one in reports[len(first) :])
    return tuple(sorted(found, key=_number))


def _answers(report: Report) -> dict[str, tuple[str, ...]]:
    """Choices in the vault's normal form: `none` beside other answers says nothing and is dropped."""
    found: dict[str, tuple[str, ...]] = {}
    for name in COUNTED_FIELDS:
        answer: str | tuple[str, ...] = getattr(report, name)
        codes = answer if isinstance(answer, tuple) else (answer,) * bool(answer)
        found[name] = tuple(code for code in codes if code != "none") if len(codes) > 1 else codes
    return found


def _distance(one: Countable) -> int:
    role = "".join(one.answers["role"])
    return _NEAREST_FIRST.get(role, _UNTOLD_ROLE)


def _number(one: Countable) -> tuple[int, str]:
    return len(one.case), one.case


def _sources(records: Sequence[Countable]) -> dict[str, str]:
    """Tie reports that share an incident or a series, directly or through others among them."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    for one in records:
        parent[root(f"case {one.case}")] = root(f"incident {one.incident}")
        if one.series is not None:
            parent[root(f"case {one.case}")] = root(f"series {one.series}")
    return {one.case: root(f"case {one.case}") for one in records}


def _merged(told: Sequence[Countable]) -> Countable:
    """One record for an incident: the nearest teller's answers, gaps filled from the next."""
    first = told[0]
    answers = {
        name: next((one.answers[name] for one in told if one.answers[name]), ()) for name in COUNTED_FIELDS
    }
    grounds = (one.coding.bias_coded for one in told if STANDS_ALONE.isdisjoint(one.coding.bias_coded))
    coding = replace(first.coding, bias_coded=next(grounds, first.coding.bias_coded))
    return replace(first, answers=answers, coding=coding, gate=_GATE)
