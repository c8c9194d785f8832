"""Typed values out of parsed JSON or TOML, each refusal naming the setting and what it must be.

Only for files that an operator or the ceremony wrote: the messages name settings and may quote an unknown one. Nothing
here may read a payload, whose refusals say nothing.
"""

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import TypeVar

from crypto.errors import ConfigError

_Choice = TypeVar("_Choice", bound=StrEnum)


def check_keys(section: Mapping[str, object], known: Sequence[str], where: str) -> None:
    """Refuse an unknown setting and name the nearest known one.

    Raises:
        ConfigError: `section` holds a key outside `known`.
    """
    for key in section:
        if key not in known:
            raise ConfigError(f"{where} has no setting {key!r}; did you mean {nearest(key, known)!r}?")


def nearest(name: str, known: Sequence[str]) -> str:
    """Name the known one that was most likely meant."""
    return difflib.get_close_matches(name, known, n=1, cutoff=0)[0]


def table(value: object, where: str) -> Mapping[str, object]:
    """Read a table or JSON object."""
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where} must be a table")
    return value


def fields(
    value: object, where: str, keys: Sequence[str], optional: Collection[str] = ()
) -> Mapping[str, object]:
    """Read a table with exactly these keys; those named optional may hold None."""
    got = table(value, where)
    check_keys(got, keys, where)
    for key in keys:
        if got.get(key) is None and (key not in optional or key not in got):
            raise ConfigError(f"{where} lacks {key}")
    return got


def items(value: object, where: str) -> Sequence[object]:
    """Read a list."""
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where} must be a list")
    return value


def text(value: object, where: str) -> str:
    """Read a text."""
    if not isinstance(value, str):
        raise ConfigError(f"{where} must be a text")
    return value


def matching(pattern: re.Pattern[str], value: object, where: str) -> str:
    """Read a text that the whole pattern matches."""
    found = text(value, where)
    if pattern.fullmatch(found) is None:
        raise ConfigError(f"{where} must match {pattern.pattern}")
    return found


def choice(codes: type[_Choice], value: object, where: str) -> _Choice:
    """Read one of the codes of a list."""
    found = text(value, where)
    try:
        return codes(found)
    except ValueError:
        known = ", ".join(code.value for code in codes)
        raise ConfigError(f"{where} must be one of: {known}") from None


def flag(value: object, where: str) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise ConfigError(f"{where} must be true or false")
    return value


def count(value: object, where: str) -> int:
    """Read a whole number that is not negative."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ConfigError(f"{where} must be a whole number, not negative")
    return value


def day(value: object, where: str) -> date:
    """Read a day in the one form that we write, YYYY-MM-DD."""
    found = text(value, where)
    try:
        read = date.fromisoformat(found)
    except ValueError:
        raise ConfigError(f"{where} must be a day, written YYYY-MM-DD") from None
    if read.isoformat() != found:  # Python reads more forms than the one we write
        raise ConfigError(f"{where} must be a day, written YYYY-MM-DD")
    return read


def optional_day(value: object, where: str) -> date | None:
    """Read a day that may be open."""
    return None if value is None else day(value, where)
