"""Canonical JSON: one value has one encoding (FORMAT.md §4.1).

The reader re-encodes what it parsed and compares bytes, so two readers can never disagree about
what a file says. It never repairs and never guesses: whatever is not exactly canonical is refused.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final, NoReturn, TypeAlias

from crypto.errors import CanonicalError

Json: TypeAlias = "bool | int | str | Sequence[Json] | Mapping[str, Json] | None"

MAX_DEPTH: Final = 8  # nested arrays and objects; our deepest file, the signed config, has 6
MAX_INTEGER: Final = 2**53 - 1  # what a JavaScript number holds exactly: browsers may seal later
_KEY: Final = re.compile(r"[a-z0-9_]+")
_LONGEST_INTEGER: Final = len(str(-MAX_INTEGER))  # characters; longer ones are refused unparsed


def encode(value: Json) -> bytes:
    """Write a value as canonical JSON.

    Raises:
        CanonicalError: a key, an integer, a string, the depth or a type is outside the format.
    """
    plain = _plain(value, depth=1)
    text = json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode()


def decode(data: bytes) -> Json:
    """Read canonical JSON; arrays become lists, objects dicts.

    Raises:
        CanonicalError: the bytes are not the one canonical encoding of a value.
    """
    try:
        value: Json = json.loads(
            data.decode(),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_refuse,
            parse_constant=_refuse,
        )
    except (ValueError, RecursionError):  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise CanonicalError("not canonical JSON: it does not parse") from None
    if encode(value) != data:
        raise CanonicalError("not canonical JSON: the same value has another encoding")
    return value


def _plain(value: Json, depth: int) -> Json:
    """Copy a value into plain built-in types, checking every rule on the way."""
    match value:
        case None | bool():
            return value
        case int():
            return _checked_integer(value)
        case str():
            return _checked_string(value)
        case _ if depth > MAX_DEPTH:
            raise CanonicalError(f"not canonical JSON: nested deeper than {MAX_DEPTH}")
        case Mapping():
            return {_checked_key(key): _plain(inner, depth + 1) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(inner, depth + 1) for inner in value]
        case _:
            raise CanonicalError("not canonical JSON: a value of a type the format does not know")


def _checked_integer(value: int) -> int:
    if abs(value) > MAX_INTEGER:
        raise CanonicalError("not canonical JSON: an integer beyond 2^53 - 1")
    return int(value)


def _checked_string(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise CanonicalError("not canonical JSON: a lone surrogate in a string") from None
    return str(value)


def _checked_key(key: object) -> str:
    if not isinstance(key, str) or _KEY.fullmatch(key) is None:
        raise CanonicalError("not canonical JSON: a key outside a-z, 0-9 and _")
    return str(key)


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise CanonicalError("not canonical JSON: a key stands twice")
    return found


def _integer(digits: str) -> int:
    if len(digits) > _LONGEST_INTEGER:  # int() takes quadratic time on long digit strings
        raise CanonicalError("not canonical JSON: an integer beyond 2^53 - 1")
    return int(digits)


def _refuse(_text: str) -> NoReturn:
    raise CanonicalError("not canonical JSON: only integers are numbers here")
