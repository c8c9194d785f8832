"""The one place of the internet side that reads the clock; everything else is handed a day, a week or a moment."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """A moment, as coarse as its reader needs it."""

    moment: datetime  # UTC

    @property
    def day(self) -> date:
        """The UTC day: goes inside the seal, and decides which keys are active."""
        return self.moment.date()

    def day_at(self, utc_offset_hours: int) -> date:
        """The day on a clock that is so many hours ahead of UTC; no answer, key or record depends on it."""
        return (self.moment + timedelta(hours=utc_offset_hours)).date()

    @property
    def week(self) -> str:
        """The ISO week, such as `2026-W40`: the finest time that is kept in clear."""
        return iso_week(self.day)

    @property
    def seconds(self) -> int:
        """Whole seconds since the epoch."""
        return int(self.moment.timestamp())


def utc_now() -> Now:
    """Read the clock."""
    return Now(moment=datetime.now(tz=UTC))  # noqa: TID251 - the rim: this is where time enters


def iso_week(day: date) -> str:
    """Name the ISO week of a day, always in eight characters."""
    year, week, _ = day.isocalendar()
    return f"{year:04d}-W{week:02d}"


def monday(day: date) -> date:
    """The first day of the ISO week."""
    return day - timedelta(days=day.weekday())


def seconds_of(day: date) -> int:
    """Midnight UTC of a day, in seconds since the epoch."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
