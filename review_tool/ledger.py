"""The ledger: what was ever published, byte for byte, and what each case was counted in.

It lives in the vault and nowhere else. A release is entered before its directory appears and marked when it stands: a
crash between the two leaves an entry that the next run finishes, never a publication that nobody remembers.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import Connection, Select, insert, select, update

from crypto import canonical
from review_tool.cases import case_id, case_number
from review_tool.errors import ReleaseRefusedError
from review_tool.schema import RELEASE, RELEASE_CASE, RELEASE_FILE, RELEASE_SEED

PERIOD_PATTERN: Final = re.compile(r"(?P<year>[0-9]{4})Q(?P<quarter>[1-4])")
SEED_SIZE: Final = 32  # bytes; METHODS.md: drawn once a release
SUMS: Final = "SHA256SUMS"  # names every other file of a release
RELEASE_JSON: Final = "release.json"  # the file that later releases are protected against


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A quarter, by its first and last day; releases of a year come later."""

    id: str
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One entry of the ledger.

    Attributes:
        period: what it covers; its id is the release's.
        number: 1 for the first release of this vault.
        until: cases closed up to and including this day are in it, or in an earlier one.
        levels: `{dimension: level}` that the tables stand at, for the rest of the year.
        is_published: False between the entry and the finished directory.
        files: `{name: bytes}` of the whole directory, signature included.
        counted: `{case id: codes it was counted with}`.
    """

    period: Period
    number: int
    until: date
    levels: Mapping[str, int]
    is_published: bool
    files: Mapping[str, bytes]
    counted: Mapping[str, bytes]


def parse_period(text: str) -> Period:
    """Read `2026Q3`.

    Raises:
        ReleaseRefusedError: it is no quarter.
    """
    found = PERIOD_PATTERN.fullmatch(text)
    if found is None or found["year"] in ("0000", "9999"):
        raise ReleaseRefusedError("a period is a quarter like 2026Q3")
    year = int(found["year"])
    month = 3 * int(found["quarter"]) - 2
    following = date(year + (month + 2) // 12, (month + 2) % 12 + 1, 1)
    return Period(id=text, first_day=date(year, month, 1), last_day=following - timedelta(days=1))


def closing_day(period: Period, until: date | None, *, day: date) -> date:
    """The day that closes a period: the one asked for, else the end of the period, or today if that is earlier.

    Raises:
        ReleaseRefusedError: the period or the day is still to come, or they do not fit each other.
    """
    if period.first_day > day:
        raise ReleaseRefusedError(f"{period.id} has not begun; a release counts what is closed already")
    closes = until or min(period.last_day, day)
    if closes > day:
        raise ReleaseRefusedError("the closing day is still to come; leave --until away for today")
    if not period.first_day <= closes <= period.last_day:
        raise ReleaseRefusedError(f"the closing day must lie in {period.id}")
    return closes


def check_new(connection: Connection, period: Period) -> None:
    """Refuse a period that an earlier release covers, wholly or in part, or that lies before one.

    Raises:
        ReleaseRefusedError: with the release in the way.
    """
    unfinished = unpublished(connection)
    if unfinished is not None and unfinished.period.id != period.id:
        raise ReleaseRefusedError(
            f"{unfinished.period.id} is in the ledger, but its directory was never finished: release it again first"
        )
    for row in connection.execute(select(RELEASE.c.id, RELEASE.c.first_day, RELEASE.c.last_day)):
        if row.first_day <= period.last_day and period.first_day <= row.last_day:
            raise ReleaseRefusedError(
                f"{period.id} overlaps {row.id}, which is released: two tables of one time could be subtracted"
            )
        if period.last_day < row.first_day:
            raise ReleaseRefusedError(
                f"{period.id} lies before {row.id}, which is released and took what was left"
            )


def seed_of(connection: Connection, period: Period, draw: Callable[[int], bytes]) -> tuple[bytes, bool]:
    """The seed of a release, drawn at the first try and never again; True if it was drawn now."""
    known = select(RELEASE_SEED.c.seed).where(RELEASE_SEED.c.release == period.id)
    found: bytes | None = connection.execute(known).scalar_one_or_none()
    if found is not None:
        return found, False
    seed = draw(SEED_SIZE)
    connection.execute(insert(RELEASE_SEED), {"release": period.id, "seed": seed})
    return seed, True


def enter(connection: Connection, publication: Publication) -> None:
    """Write a release into the ledger, before its directory exists."""
    period = publication.period
    connection.execute(
        insert(RELEASE),
        {
            "id": period.id,
            "number": publication.number,
            "first_day": period.first_day,
            "last_day": period.last_day,
            "until": publication.until,
            "levels": canonical.encode(publication.levels),
            "is_published": publication.is_published,
        },
    )
    files = [
        {
            "release": period.id,
            "name": name,
            "sha256": hashlib.sha256(content).hexdigest(),
            "content": content,
        }
        for name, content in publication.files.items()
    ]
    connection.execute(insert(RELEASE_FILE), files)
    counted = [
        {"case_number": case_number(case), "release": period.id, "counted_with": codes}
        for case, codes in publication.counted.items()
    ]
    connection.execute(insert(RELEASE_CASE), counted)


def mark_published(connection: Connection, period: Period) -> None:
    """Note that the directory of a release stands."""
    connection.execute(update(RELEASE).where(RELEASE.c.id == period.id).values(is_published=True))


def last(connection: Connection) -> Publication | None:
    """The newest release, None before the first."""
    return _read(connection, select(RELEASE.c.id).order_by(RELEASE.c.number.desc()).limit(1))


def unpublished(connection: Connection) -> Publication | None:
    """The release whose directory was never finished, None if all stand."""
    return _read(connection, select(RELEASE.c.id).where(RELEASE.c.is_published.is_(False)))


def last_until(connection: Connection) -> date | None:
    """Last day that is published, None before the first release."""
    return connection.execute(
        select(RELEASE.c.until).order_by(RELEASE.c.number.desc()).limit(1)
    ).scalar_one_or_none()


def counted_numbers(connection: Connection) -> frozenset[int]:
    """Numbers of the cases that were counted in any release."""
    return frozenset(connection.execute(select(RELEASE_CASE.c.case_number)).scalars())


def counted_incidents(connection: Connection) -> frozenset[str]:
    """Incidents that stand in any release already."""
    found = (
        canonical.decode(codes) for codes in connection.execute(select(RELEASE_CASE.c.counted_with)).scalars()
    )
    return frozenset(str(told["incident"]) for told in found if isinstance(told, dict))


def digest(content: bytes) -> str:
    """SHA-256 of a file as 64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def _read(connection: Connection, which: Select[tuple[str]]) -> Publication | None:
    release = connection.execute(which).scalar_one_or_none()
    if release is None:
        return None
    row = connection.execute(select(RELEASE).where(RELEASE.c.id == release)).one()
    files = connection.execute(select(RELEASE_FILE).where(RELEASE_FILE.c.release == release))
    counted = connection.execute(select(RELEASE_CASE).where(RELEASE_CASE.c.release == release))
    return Publication(
        period=Period(id=row.id, first_day=row.first_day, last_day=row.last_day),
        number=row.number,
        until=row.until,
        levels=_levels(row.levels),
        is_published=row.is_published,
        files={file.name: file.content for file in files},
        counted={case_id(each.case_number): each.counted_with for each in counted},
    )


def _levels(encoded: bytes) -> dict[str, int]:
    match canonical.decode(encoded):
        case dict() as levels:
            return {name: level for name, level in levels.items() if isinstance(level, int)}
        case _:
            raise AssertionError("levels are written as an object")
