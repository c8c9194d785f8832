"""Cases and codings as rows of the vault, and back: the only place that knows both shapes.

Rows become frozen values at once. What the person said is written once, when the envelope is opened, and no function
here changes it. A contact block is stored as it came, sealed, and is handed out only by `contact_block`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from crypto import canonical
from crypto.canonical import Json
from crypto.payload import Header
from crypto.report import Report, header_fields, report_from_header
from review_tool.cases import Case, Clarity, State, Urgency, case_id, case_number
from review_tool.coding import Coding, Crime
from review_tool.errors import TransitionError, UnknownCaseError
from review_tool.schema import CASE, CODING, CONFIG, TOMBSTONE

IDS_AT_ONCE: Final = 500  # values in one IN list; SQLite's limit is far above


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class NewCase:
    """An opened envelope on its way into the vault."""

    header: Header
    report: Report
    context_id: bytes
    contact_block: bytes | None
    envelope: str

    def __repr__(self) -> str:
        return "NewCase(redacted)"


def add_cases(connection: Connection, opened: Sequence[NewCase]) -> tuple[str, ...]:
    """Give each opened envelope a case; returns their ids in the same order."""
    if not opened:
        return ()
    # The number of a shredded case names it in the log and on paper: it is not given again.
    used = [
        connection.execute(select(func.max(column))).scalar_one()
        for column in (CASE.c.number, TOMBSTONE.c.case_number)
    ]
    last = max(number or 0 for number in used)
    rows = [{"number": last + place, **_row_of(new)} for place, new in enumerate(opened, start=1)]
    connection.execute(insert(CASE), rows)
    return tuple(case_id(row["number"]) for row in rows)


def _row_of(new: NewCase) -> dict[str, Any]:
    header = new.header
    year, week, _ = header.received_day.isocalendar()
    return {
        "payload_id": header.payload_id,
        "envelope": new.envelope,
        "context_id": new.context_id,
        "week": f"{year:04d}-W{week:02d}",
        "lang": header.form_lang,
        "form_version": header.form_version,
        "fields": canonical.encode(header_fields(new.report)),
        "flags": " ".join(header.flags),
        "attachments": len(header.attachments),
        "contact_block": new.contact_block,
        "state": State.NEW.value,
        "urgency": Urgency.ROUTINE.value,
        "clarity": Clarity.CLEAR.value,
        "is_held": False,
    }


def known_payloads(connection: Connection, payload_ids: Collection[str]) -> frozenset[str]:
    """Those of the payload ids that a case has already."""
    found: set[str] = set()
    for some in chunks(sorted(payload_ids)):
        query = select(CASE.c.payload_id).where(CASE.c.payload_id.in_(some))
        found.update(connection.execute(query).scalars())
    return frozenset(found)


def read_cases(connection: Connection, states: Collection[State] | None = None) -> Iterator[Case]:
    """Every case in one of the states (None: any), in the order of their numbers."""
    query = _cases()
    if states is not None:
        query = query.where(CASE.c.state.in_([state.value for state in states]))
    for row in connection.execute(query.order_by(CASE.c.number)):
        yield _case_of(row)


def read_case(connection: Connection, identifier: str) -> Case:
    """One case.

    Raises:
        UnknownCaseError: there is none with this id.
    """
    row = connection.execute(_cases().where(_is(identifier))).one_or_none()
    if row is None:
        raise _unknown(connection, identifier)
    return _case_of(row)


def read_some(connection: Connection, identifiers: Sequence[str]) -> list[Case]:
    """Several cases, in the order asked for.

    Raises:
        UnknownCaseError: one of them is not there.
    """
    return [read_case(connection, identifier) for identifier in identifiers]


def duplicates_of(connection: Connection, identifier: str) -> tuple[str, ...]:
    """Ids of the cases that are marked as duplicates of this one."""
    query = select(CASE.c.number).where(CASE.c.duplicate_of == identifier).order_by(CASE.c.number)
    return tuple(case_id(number) for number in connection.execute(query).scalars())


def hold(connection: Connection, identifier: str, *, is_held: bool) -> None:
    """Put a legal hold on a case, or lift it."""
    connection.execute(update(CASE).where(_is(identifier)).values(is_held=is_held))


def save_review(connection: Connection, case: Case) -> None:
    """Store what a reviewer decides about a case; the report itself cannot be written."""
    connection.execute(
        update(CASE)
        .where(_is(case.id))
        .values(
            state=case.state.value,
            urgency=case.urgency.value,
            clarity=case.clarity.value,
            duplicate_of=case.duplicate_of,
            incident_id=case.incident_id,
            series_id=case.series_id,
            closed_on=case.closed_on,
        )
    )


def contact_block(connection: Connection, identifier: str) -> bytes | None:
    """The sealed contact block of a case, None if the reporter left none.

    Raises:
        UnknownCaseError: there is no such case.
    """
    row = connection.execute(select(CASE.c.contact_block).where(_is(identifier))).one_or_none()
    if row is None:
        raise _unknown(connection, identifier)
    block: bytes | None = row.contact_block
    return block


def context_of(connection: Connection, identifier: str) -> bytes:
    """Context id of the configuration that the author of a case saw."""
    context_id: bytes = connection.execute(select(CASE.c.context_id).where(_is(identifier))).scalar_one()
    return context_id


def save_coding(connection: Connection, coding: Coding) -> None:
    """Store a coding; a coder's later coding of the same case replaces the earlier one."""
    row = {
        "case_number": case_number(coding.case),
        "coder": coding.coder,
        "judgement": canonical.encode(judgement(coding)),
    }
    replace = {"judgement": row["judgement"]}
    statement = upsert(CODING).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["case_number", "coder"], set_=replace))


def read_codings(connection: Connection) -> dict[str, tuple[Coding, ...]]:
    """All codings by case id, each case's sorted by coder."""
    found: dict[str, list[Coding]] = {}
    for row in connection.execute(select(CODING).order_by(CODING.c.case_number, CODING.c.coder)):
        coding = _coding_of(row)
        found.setdefault(coding.case, []).append(coding)
    return {case: tuple(codings) for case, codings in found.items()}


def codings_of(connection: Connection, identifier: str) -> tuple[Coding, ...]:
    """The codings of one case, sorted by coder."""
    query = select(CODING).where(CODING.c.case_number == case_number(identifier)).order_by(CODING.c.coder)
    return tuple(_coding_of(row) for row in connection.execute(query))


def judgement(coding: Coding) -> dict[str, Json]:
    """A coding without its case and coder, as it is stored."""
    told: dict[str, Json] = {}
    for each in fields(coding):
        value = getattr(coding, each.name)
        if each.name not in {"case", "coder"}:
            told[each.name] = list(value) if isinstance(value, tuple) else value
    return told


def chunks(values: Sequence[str]) -> Iterable[Sequence[str]]:
    """Cut values into lists that fit one statement."""
    return (values[start : start + IDS_AT_ONCE] for start in range(0, len(values), IDS_AT_ONCE))


def _unknown(connection: Connection, identifier: str) -> UnknownCaseError:
    """Say why there is no such case: a shredded one is missing on purpose."""
    is_shredded = select(TOMBSTONE.c.sha256).where(TOMBSTONE.c.case_number == case_number(identifier))
    if connection.execute(is_shredded).first() is not None:
        return UnknownCaseError(f"{identifier} was shredded; `review-tool audit --entries` tells when")
    return UnknownCaseError(f"there is no case {identifier}; `review-tool list` shows all")


def _is(identifier: str) -> ColumnElement[bool]:
    try:
        return CASE.c.number == case_number(identifier)
    except TransitionError:
        raise UnknownCaseError("a case id looks like R-0001; `review-tool list` shows all") from None


def _cases() -> Select[Any]:
    """All columns of a case but the contact block, of which only the presence is read."""
    context_known = CASE.c.context_id.in_(select(CONFIG.c.context_id))
    columns = [column for column in CASE.c if column.name != "contact_block"]
    has_contact = CASE.c.contact_block.is_not(None)
    return select(*columns, has_contact.label("has_contact"), context_known.label("context_known"))


def _case_of(row: Row[Any]) -> Case:
    closed_on: date | None = row.closed_on
    return Case(
        id=case_id(row.number),
        payload_id=row.payload_id,
        week=row.week,
        lang=row.lang,
        form_version=row.form_version,
        report=report_from_header(_object(row.fields)),
        flags=tuple(row.flags.split()),
        state=State(row.state),
        urgency=Urgency(row.urgency),
        clarity=Clarity(row.clarity),
        duplicate_of=row.duplicate_of,
        incident_id=row.incident_id,
        series_id=row.series_id,
        context_known=bool(row.context_known),
        closed_on=closed_on,
        attachments=row.attachments,
        has_contact=bool(row.has_contact),
        is_held=bool(row.is_held),
    )


def _coding_of(row: Row[Any]) -> Coding:
    told: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in _object(row.judgement).items()
    }
    told["crime"], told["clarity"] = Crime(told["crime"]), Clarity(told["clarity"])
    return Coding(case=case_id(row.case_number), coder=row.coder, **told)


def _object(encoded: bytes) -> Mapping[str, Json]:
    match canonical.decode(encoded):
        case dict() as value:
            return value
        case _:
            raise AssertionError("the vault stores objects here")
