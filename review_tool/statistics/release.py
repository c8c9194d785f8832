"""Hop 9: countable cases become a release directory, after an intruder failed to read more out of it (METHODS.md).

`prepare` makes every file in memory and refuses what would give somebody away; `write` puts them on a disk in one step.
Nothing that is written here holds an unprotected count.
"""

import csv
import hashlib
import io
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from review_tool.errors import ReleaseRefusedError
from review_tool.gates import Countable, Record
from review_tool.statistics import disclosure, intruder, tables
from review_tool.statistics.disclosure import K, ProtectedTable
from review_tool.statistics.hierarchy import QUARTERLY, RECORDS, Exhibit
from review_tool.statistics.page import Quarter, render
from review_tool.statistics.published import UnattackedError
from review_tool.statistics.tables import Table, Together

SCHEMA: Final = "sdc-release/1"
LEAST_INCIDENTS: Final = 20  # a quarter with fewer is not closed: its records run on into the next
MARK: Final = "c"  # the one mark, for primary and complementary cells alike: 0 to infinity
PERIOD: Final = re.compile(r"\d{4}Q[1-4]")
SUMS_NAME: Final = "SHA256SUMS"
SHOWN_FINDINGS: Final = 3  # in a refusal; the first ones are the worst
CSV_COLUMNS: Final = ("dimension", "code", "label", "measure", "value", "status")

Sign = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedRelease:
    """A release that passed the intruder, not yet on a disk.

    Attributes:
        period: the quarter, `2026Q3`.
        files: `{path inside the directory: bytes}`, checksums and signature included.
        levels: `{exhibit in lower case: level}` to start from in the next quarter of the year, finest is 0.
    """

    period: str
    files: Mapping[str, bytes]
    levels: Mapping[str, int]

    @property
    def release_json(self) -> bytes:
        """The bytes that the next release starts from."""
        return self.files["release.json"]


def prepare(
    records: Sequence[Countable],
    *,
    period: str,
    closes: date,
    center_name: str,
    past: bytes | None,
    levels: Mapping[str, int],
    seed: bytes,
    sign: Sign,
) -> PreparedRelease:
    """Count, protect, attack and lay out one quarter.

    Args:
        records: every countable case of the period that no release has counted.
        period: `2026Q3`.
        closes: last day on which a case of this release was closed.
        center_name: as the signed configuration has it.
        past: `release.json` of the last release, None for the first.
        levels: levels used earlier in the same year; an exhibit may become coarser, never finer.
        seed: 32 random bytes of this release, drawn before counting and kept in the ledger.
        sign: signs the checksums with the acknowledgement key.

    Raises:
        ReleaseRefusedError: the period overlaps a released one, is too small, or the intruder found something.
    """
    earlier = _earlier(past)
    _check_period(period, earlier)
    _check_size(records)
    choices = {
        one.id: _at_level(one, records, levels.get(one.id.lower(), 0), seed, period) for one in QUARTERLY
    }
    protected = [table for choice in choices.values() for table in choice.protected]
    release_json = _encode(_published(period, protected, earlier))
    _attack(release_json, period, tuple(choices.values()))
    dropped = [one.title for one in QUARTERLY if not choices[one.id].protected]
    files = {"release.json": release_json} | _csv_files(choices)
    files["datapackage.json"] = _encode(_data_package(period, center_name, sorted(files)))
    shown = [(one, choices[one.id].protected) for one in QUARTERLY if choices[one.id].protected]
    files["report.html"] = render(
        shown,
        earlier=_records_of(earlier),
        period=period,
        closes=closes,
        center_name=center_name,
        k=K,
        dropped=dropped,
    )
    files[SUMS_NAME] = _checksums(files)
    files[SUMS_NAME + ".sig"] = sign(files[SUMS_NAME])
    return PreparedRelease(
        period=period, files=files, levels={name.lower(): choice.level for name, choice in choices.items()}
    )


def write(prepared: PreparedRelease, directory: Path) -> None:
    """Write the directory beside its place, sync it, and rename it once.

    Raises:
        FileExistsError: something is there already.
        OSError: the medium cannot be written; nothing stands at `directory`.
    """
    if directory.exists():
        raise FileExistsError(directory)
    beside = directory.with_name(f".{directory.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    for name, content in prepared.files.items():
        path = beside / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    for folder in {(beside / name).parent for name in prepared.files}:
        _sync(folder)
    beside.rename(directory)
    _sync(directory.parent)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    level: int
    counted: tuple[Table, ...]
    together: tuple[Together, ...]
    protected: tuple[ProtectedTable, ...]


def _at_level(
    exhibit: Exhibit, records: Sequence[Countable], first: int, seed: bytes, period: str
) -> _Choice:
    """The finest level, from `first` on, at which little enough is hidden; where none will do, nothing is shown.

    What is left out comes back at its coarsest level: the lot that leaves out without need is drawn anew each quarter.
    """
    for level, splits in enumerate(exhibit.levels):
        if level < first:
            continue
        counted, together = tables.count(records, splits), tables.together(records, splits)
        try:
            protected = disclosure.protect(counted, together=together, seed=seed, release_id=period)
        except disclosure.CannotProtectError:
            continue
        if exhibit is RECORDS or not disclosure.hides_too_much(protected):
            return _Choice(level=level, counted=counted, together=together, protected=protected)
    return _Choice(level=len(exhibit.levels) - 1, counted=(), together=(), protected=())


def _check_period(period: str, earlier: Mapping[str, Any]) -> None:
    if not PERIOD.fullmatch(period):
        raise ReleaseRefusedError("a period is a quarter such as 2026Q3")
    for released in (slice_ for release in earlier["releases"] for slice_ in release["scope"]):
        if released == period:
            raise ReleaseRefusedError(
                f"{period} was released already; what was closed since counts in the next quarter"
            )
        if (
            not PERIOD.fullmatch(released) or released > period
        ):  # a year, or a quarter that took what was left
            raise ReleaseRefusedError(f"{period} overlaps {released}, which is released, or lies before it")


def _check_size(records: Sequence[Countable]) -> None:
    counted = [one for one in records if one.record is Record.INCIDENT]
    if len(counted) < LEAST_INCIDENTS or len({one.source for one in counted}) < K:
        raise ReleaseRefusedError(
            f"fewer than {LEAST_INCIDENTS} incidents can be counted; the quarter stays open and its records "
            "count in the next one"
        )


def _attack(release_json: bytes, period: str, choices: Sequence[_Choice]) -> None:
    """Let the intruder try, as an outsider and with what the Center knows; refuse the release if it finds something."""
    truth: dict[tuple[str, str, tuple[str, ...]], Mapping[str, int]] = {}
    for choice in choices:
        for table in choice.counted:
            for cell in (*table.cells, table.total):
                truth[period, table.split.id, (cell.code,)] = cell.by_source
        for group in choice.together:
            truth[period, group.list_id, (group.cell.code,)] = group.cell.by_source
    try:
        found = [*intruder.attack(release_json, k=K), *intruder.attack(release_json, k=K, truth=truth)]
    except UnattackedError as error:
        raise ReleaseRefusedError(f"the release could not be checked: {error}; nothing was written") from None
    serious = [one for one in found if one.severity >= intruder.Severity.SERIOUS]
    if serious:
        told = "; ".join(
            f"{one.kind} in {one.table} of {', '.join(one.releases)} ({', '.join(map('/'.join, one.cells))})"
            for one in serious[:SHOWN_FINDINGS]
        )
        raise ReleaseRefusedError(f"an intruder could learn a protected count: {told}; nothing was written")


def _earlier(past: bytes | None) -> dict[str, Any]:
    if past is None:
        return {"schema": SCHEMA, "dimensions": {}, "groups": {}, "releases": []}
    found: dict[str, Any] = json.loads(past)
    return found


def _records_of(earlier: Mapping[str, Any]) -> list[Quarter]:
    """Incidents and reports as earlier releases printed them."""
    return [
        (release["id"], {cell["record"]: None if cell["v"] == MARK else cell["v"] for cell in table["cells"]})
        for release in earlier["releases"]
        for table in release["tables"]
        if table["id"] == RECORDS.id
    ]


def _published(
    period: str, protected: Sequence[ProtectedTable], earlier: Mapping[str, Any]
) -> dict[str, Any]:
    dimensions, groups = dict(earlier["dimensions"]), dict(earlier["groups"])
    for table in protected:
        one = table.split.dimension
        dimensions[one.name] = list(one.leaves)
        if one.groups:
            groups[one.name] = {code: list(leaves) for code, leaves in one.groups.items()}
    release = {"id": period, "scope": [period], "tables": [_table_json(table) for table in protected]}
    return {
        "schema": SCHEMA,
        "dimensions": dimensions,
        "groups": groups,
        "releases": [*earlier["releases"], release],
    }


def _table_json(table: ProtectedTable) -> dict[str, Any]:
    name = table.split.dimension.name
    return {
        "id": table.split.id,
        "dims": [name],
        "filter": {filtered: list(codes) for filtered, codes in table.split.filter.items()},
        "omitted": "absent",  # a group's cell stands for its leaves
        "marks": {MARK: [0, None]},
        "cells": [
            {name: code, "v": MARK if count is None else count} for code, count in table.counts.items()
        ],
    }


def _csv_files(choices: Mapping[str, _Choice]) -> dict[str, bytes]:
    """One file an exhibit, in long form."""
    return {f"tables/{name}.csv": _csv(choice) for name, choice in choices.items() if choice.protected}


def _csv(choice: _Choice) -> bytes:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow(CSV_COLUMNS)
    for table in choice.protected:
        split = table.split
        measure = "incidents" if split.filter else "reports"
        for code, count in table.counts.items():
            label = ": ".join(word for word in (split.label, split.labels.get(code, "total")) if word)
            value, status = ("", "hidden") if count is None else (count, "printed")
            rows.writerow([split.dimension.name, code, label, measure, value, status])
    return text.getvalue().encode()


def _data_package(period: str, center_name: str, names: Sequence[str]) -> dict[str, Any]:
    """Frictionless description of the CSV files."""
    fields = [{"name": name, "type": "integer" if name == "value" else "string"} for name in CSV_COLUMNS]
    return {
        "name": f"reports-{period.lower()}",
        "title": f"Reports to {center_name}, {period}",
        "resources": [
            {
                "name": Path(name).stem.lower(),
                "path": name,
                "format": "csv",
                "encoding": "utf-8",
                "schema": {"fields": fields, "missingValues": [""]},
            }
            for name in names
            if name.endswith(".csv")
        ],
    }


def _encode(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def _checksums(files: Mapping[str, bytes]) -> bytes:
    lines = (f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items()))
    return "".join(lines).encode()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
