"""What a `release.json` says, read from its bytes alone: every figure as the range of counts that print leaves open.

The reader of the judge (`intruder.py`): it understands all of `sdc-release/1`, and refuses what it does not, for a figure
that nobody attacked is no figure that passed. It shares nothing with the code that writes the file.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Final, TypeAlias

SCHEMA: Final = "sdc-release/1"
TOTAL: Final = "*"
HIDDEN: Final = ("c", "x", "", None)  # marks that reveal nothing: 0 to infinity

Range: TypeAlias = tuple[float, float]
Region: TypeAlias = frozenset[tuple[str, frozenset[str]]]  # {(dimension, the leaves that count)}

_BELOW: Final = re.compile(r"<(\d+)")
_FROM: Final = re.compile(r"(\d+)\+")
_BAND: Final = re.compile(r"(\d+)-(\d+)")
_TABLE_KEYS: Final = frozenset(
    {"id", "dims", "filter", "omitted", "marks", "rounding", "noise", "zeros_shown", "cells"}
)


class UnattackedError(Exception):
    """The file holds something that cannot be modelled, or figures that contradict each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One published cell: what it counts, and the range that print leaves.

    Attributes:
        release: id of the release that prints it.
        table: id of its table.
        codes: one a dimension of the table, `*` for a total.
        region: the leaves it counts, of the dimensions and filters that restrict it.
        scope: the slices it counts.
        low: least count, whole.
        high: largest count, infinity where nothing bounds it.
    """

    release: str
    table: str
    codes: tuple[str, ...]
    region: Region
    scope: frozenset[str]
    low: float
    high: float

    @property
    def is_hidden(self) -> bool:
        """Whether print leaves more than one count."""
        return self.low != self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedTable:
    """The figures of one table by their codes, with the leaves that each code of a dimension stands for."""

    release: str
    id: str
    dims: tuple[str, ...]
    filter: Mapping[str, frozenset[str]] = field(hash=False)
    scope: frozenset[str]
    leaves: Mapping[str, Mapping[str, frozenset[str]]] = field(hash=False)
    figures: Mapping[tuple[str, ...], Figure] = field(hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Everything a file publishes; slices in the order of their first release."""

    dimensions: Mapping[str, tuple[str, ...]] = field(hash=False)
    slices: tuple[str, ...]
    tables: tuple[PublishedTable, ...]

    @property
    def figures(self) -> Iterator[Figure]:
        """All figures, in the order of the file."""
        for table in self.tables:
            yield from table.figures.values()


def read(release_json: bytes) -> Published:
    """Read a release file.

    Raises:
        UnattackedError: it is of another schema, broken, or says something that cannot be modelled.
    """
    try:
        whole = json.loads(release_json)
        return _read(whole)
    except UnattackedError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UnattackedError("the file does not follow sdc-release/1") from None


def _read(whole: Mapping[str, Any]) -> Published:
    _require(whole["schema"] == SCHEMA, f"the file is not of the schema {SCHEMA}")
    dimensions = {name: tuple(codes) for name, codes in whole["dimensions"].items()}
    for name, codes in dimensions.items():
        _require(bool(codes) and len(set(codes)) == len(codes), f"{name} has no codes, or one twice")
        _require(TOTAL not in codes, f"{name} uses the code of totals")
    groups = whole.get("groups", {})
    leaves = {name: _leaves(codes, groups.get(name, {})) for name, codes in dimensions.items()}
    slices: dict[str, None] = {}
    tables: list[PublishedTable] = []
    names: set[str] = set()
    for release in whole["releases"]:
        _require(release["id"] not in names, "a release stands twice")
        names.add(release["id"])
        scope = release.get("scope", [release["id"]])
        _require(bool(scope) and len(set(scope)) == len(scope), "a release counts no slice, or one twice")
        slices.update(dict.fromkeys(scope))
        tables += (_table(release["id"], frozenset(scope), one, leaves) for one in release["tables"])
    return Published(dimensions=dimensions, slices=tuple(slices), tables=tuple(tables))


def _leaves(codes: Sequence[str], groups: Mapping[str, Sequence[str]]) -> dict[str, frozenset[str]]:
    """What each code of a dimension stands for: itself, its group, or everything."""
    found = {code: frozenset({code}) for code in codes} | {TOTAL: frozenset(codes)}
    for group, members in groups.items():
        _require(group not in found and set(members) <= set(codes), "a group is no set of codes")
        found[group] = frozenset(members)
    return found


def _table(
    release: str,
    scope: frozenset[str],
    table: Mapping[str, Any],
    leaves: Mapping[str, Mapping[str, frozenset[str]]],
) -> PublishedTable:
    _require(set(table) <= _TABLE_KEYS, "a table has a key that the schema does not know")
    dims = tuple(table["dims"])
    kept = {name: frozenset(codes) for name, codes in table.get("filter", {}).items()}
    _require(len(set(dims)) == len(dims) and not set(dims) & set(kept), "a table uses a dimension twice")
    for name in (*dims, *kept):
        _require(name in leaves, "a table uses a dimension that is not declared")
    for name, kinds in kept.items():
        _require(bool(kinds) and kinds <= leaves[name][TOTAL], "a filter uses unknown codes")
    own = {name: leaves[name] for name in dims}
    figures: dict[tuple[str, ...], Figure] = {}

    def add(codes: tuple[str, ...], span: Range) -> None:
        _require(codes not in figures, "a cell stands twice")
        _require(all(code in own[name] for name, code in zip(dims, codes, strict=True)), "an unknown code")
        counted = {name: own[name][code] for name, code in zip(dims, codes, strict=True)} | kept
        region = frozenset((name, part) for name, part in counted.items() if part != leaves[name][TOTAL])
        figures[codes] = Figure(
            release=release,
            table=table["id"],
            codes=codes,
            region=region,
            scope=scope,
            low=span[0],
            high=span[1],
        )

    for cell in table["cells"]:
        _require(set(cell) == {*dims, "v"}, "a cell has other codes than its table")
        add(tuple(cell[name] for name in dims), _span(cell["v"], table))
    omitted = table.get("omitted", "zero")
    _require(omitted in ("zero", "hidden", "absent"), "a table omits in a way the schema does not know")
    if omitted != "absent":
        span = (0.0, 0.0) if omitted == "zero" else (0.0, math.inf)
        for codes in product(*(sorted(own[name][TOTAL]) for name in dims)):
            if codes not in figures:
                add(codes, span)
    return PublishedTable(
        release=release, id=table["id"], dims=dims, filter=kept, scope=scope, leaves=own, figures=figures
    )


def _span(printed: object, table: Mapping[str, Any]) -> Range:
    """The counts that a printed value leaves possible."""
    marks: Mapping[str, Sequence[int | None]] = table.get("marks", {})
    if isinstance(printed, Mapping):
        _require(set(printed) == {"lo", "hi"}, "a range is {lo, hi}")
        return _checked(printed["lo"], printed["hi"])
    if isinstance(printed, str) and printed in marks:
        low, high = marks[printed]
        return _checked(low, high)
    if printed is None or printed in HIDDEN:
        return 0.0, math.inf
    if isinstance(printed, str):
        return _words(printed, shows_zeros=table.get("zeros_shown", True))
    if not isinstance(printed, int) or isinstance(printed, bool):
        raise UnattackedError("a cell holds no whole number")
    return _blurred(printed, table)


def _words(printed: str, *, shows_zeros: bool) -> Range:
    if found := _BELOW.fullmatch(printed):
        return _checked(1 if shows_zeros else 0, int(found[1]) - 1)
    if found := _FROM.fullmatch(printed):
        return _checked(int(found[1]), None)
    if found := _BAND.fullmatch(printed):
        return _checked(int(found[1]), int(found[2]))
    raise UnattackedError("a cell holds a mark that the file does not explain")


def _checked(low: int | None, high: int | None) -> Range:
    least, most = float(low or 0), math.inf if high is None else float(high)
    _require(0 <= least <= most, "a range is upside down")
    return least, most


def _blurred(value: int, table: Mapping[str, Any]) -> Range:
    """A number, and what rounding or bounded noise leaves of it."""
    _require(value >= 0, "a count is negative")
    below = above = 0
    if rounding := table.get("rounding"):
        base, how = rounding["base"], rounding["how"]
        _require(isinstance(base, int) and base >= 1, "a rounding base is a whole number")
        if how == "smallcount":  # only counts below the base were moved, to 0 or to the base
            below, above = (base - 1, 0) if value == base else (0, base - 1 if value == 0 else 0)
        else:
            steps = {"nearest": (base // 2, base // 2), "random": (base - 1, base - 1), "down": (0, base - 1)}
            below, above = (steps | {"controlled": steps["random"]})[how]
    if noise := table.get("noise"):
        most = noise["max"]
        _require(isinstance(most, int) and most >= 0, "noise without a bound fits no range")
        below, above = below + most, above + most
    return float(max(0, value - below)), float(value + above)


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise UnattackedError(otherwise)
