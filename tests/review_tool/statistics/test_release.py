"""A release directory: what it holds, what it refuses, and that nothing but the printed figures is in it."""

import csv
import hashlib
import io
import json
import re
from datetime import date
from html.parser import HTMLParser

import pytest

from review_tool.errors import ReleaseRefusedError
from review_tool.gates import linked
from review_tool.statistics import intruder, release
from review_tool.statistics.page import READ_FIRST, share_of
from tests.review_tool.statistics.records import record

SEED = b"s" * 32


def prepared(records, *, period="2026Q3", past=None, levels=None, seed=SEED):
    """A release of these records, signed by nobody."""
    return release.prepare(
        linked(records),
        period=period,
        closes=date(2026, 9, 30),
        center_name="Test Center",
        past=past,
        levels=levels or {},
        seed=seed,
        sign=lambda _: b"signature\n",
    )


def a_quarter(first=1, count=60):
    """Sixty incidents: many gay, some trans, few others; two in three told the police."""
    return [
        record(
            number,
            grounds=("gi.trans",)
            if number % 5 == 0
            else ("race.asian",)
            if number % 29 == 0
            else ("sogi.gay",),
            place="20" if number % 3 else "58",
            answers={
                "incident_types": ("words",) if number % 2 else ("hit", "words"),
                "reported_to": ("police",) if number % 3 else ("none",),
            },
        )
        for number in range(first, first + count)
    ]


def numbers_in(tables):
    """Every printed figure of the tables of a release.json."""
    return {cell["v"] for table in tables for cell in table["cells"] if cell["v"] != "c"}


class _Cells(HTMLParser):
    """Texts of number cells and captions."""

    def __init__(self):
        super().__init__()
        self.texts, self._open = [], False

    def handle_starttag(self, tag, attrs):
        self._open = (tag == "td" and ("class", "number") in attrs) or tag == "caption"

    def handle_data(self, data):
        if self._open and data.strip():
            self.texts.append(data)

    def handle_endtag(self, tag):
        self._open = False


def test_the_same_records_and_seed_give_the_same_bytes():
    """A release broken off is finished from the same bytes, and a checker can make it again."""
    assert prepared(a_quarter()).files == prepared(list(reversed(a_quarter()))).files


def test_every_number_on_the_page_and_in_the_csv_stands_in_release_json():
    """A sentence is a publication: a figure outside release.json is one the intruder never saw."""
    files = prepared(a_quarter()).files
    tables = json.loads(files["release.json"])["releases"][-1]["tables"]
    known = numbers_in(tables)
    total = next(cell["v"] for cell in tables[0]["cells"] if cell["record"] == "incident")

    cells = _Cells()
    cells.feed(files["report.html"].decode())
    shares = {f"{share_of(number, total)} %" for number in known}
    for text in cells.texts:
        if not text.endswith(" %"):
            assert {int(found) for found in re.findall(r"\d+", text)} <= known, text
        else:
            assert text in shares
    for name in files:
        if name.endswith(".csv"):
            for row in csv.DictReader(io.StringIO(files[name].decode())):
                assert (row["status"] == "hidden") == (row["value"] == "")
                assert row["status"] == "hidden" or int(row["value"]) in known


def test_the_page_says_what_the_numbers_are_before_any_of_them():
    """Self-selected reports are not how common hate is."""
    page = prepared(a_quarter()).files["report.html"].decode()

    assert READ_FIRST in page
    assert page.index(READ_FIRST) < page.index("<table>")
    assert "<script" not in page
    assert "http" not in page


def test_nothing_about_officers_is_counted():
    """Officers can recognise a case and can retaliate; their exhibits have another threshold and come later."""
    told = [
        record(number, place="15", answers={"incident_types": ("officer",), "place_type": "police_jail"})
        for number in range(1, 40)
    ]

    whole = prepared(told).files["release.json"].decode()

    assert "officer" not in whole
    assert "police_jail" not in whole


def test_checksums_cover_every_file_but_themselves():
    """Whoever gets a release can see that it is whole."""
    files = prepared(a_quarter()).files
    listed = dict(reversed(line.split("  ")) for line in files["SHA256SUMS"].decode().splitlines())

    assert set(listed) == set(files) - {"SHA256SUMS", "SHA256SUMS.sig"}
    assert all(hashlib.sha256(files[name]).hexdigest() == digest for name, digest in listed.items())


@pytest.mark.parametrize("count", [0, 1, 19])
def test_a_quarter_of_fewer_than_twenty_is_not_closed(count):
    """Its records run on into the next; the message tells no number of theirs."""
    with pytest.raises(ReleaseRefusedError, match="stays open"):
        prepared(a_quarter(count=count))


def test_twenty_incidents_of_one_series_are_one_source():
    """One busy writer is no quarter."""
    one_writer = [record(number, series_id="S-1") for number in range(1, 40)]

    with pytest.raises(ReleaseRefusedError):
        prepared(one_writer)


def test_a_period_is_released_once():
    """An overlap would be an equation for the intruder."""
    first = prepared(a_quarter())

    with pytest.raises(ReleaseRefusedError, match="released already"):
        prepared(a_quarter(first=100), past=first.files["release.json"])


@pytest.mark.parametrize("period", ["2026", "2026Q5", "2026-09", "", "../2026Q3"])
def test_only_quarters_are_periods(period):
    """A year overlaps its quarters; it comes when releases can be protected jointly."""
    with pytest.raises(ReleaseRefusedError):
        prepared(a_quarter(), period=period)


def test_two_periods_stand_in_one_file_and_give_nothing():
    """release.json holds all that was ever published, and the intruder reads all of it."""
    first = prepared(a_quarter())
    second = prepared(
        a_quarter(first=100, count=45), period="2026Q4", past=first.files["release.json"], levels=first.levels
    )

    whole = json.loads(second.files["release.json"])
    assert [one["id"] for one in whole["releases"]] == ["2026Q3", "2026Q4"]
    assert max((one.severity for one in intruder.attack(second.files["release.json"], k=5)), default=0) < 2


def test_within_a_year_an_exhibit_never_becomes_finer():
    """A level chosen anew each quarter would tell about the quarter."""
    coarse = {"e03": 2, "e04": 1, "e06": 2, "e09": 0, "e01": 0}

    again = prepared(a_quarter(), levels=coarse)

    assert all(again.levels[name] >= level for name, level in coarse.items())


def test_a_leaking_release_is_refused_before_a_file_is_written(tmp_path):
    """The judge is asked on the bytes about to be written."""
    tables = json.loads(prepared(a_quarter()).files["release.json"])
    opened = next(
        cell for table in tables["releases"][0]["tables"] for cell in table["cells"] if cell["v"] == "c"
    )
    opened["v"] = 2

    findings = None
    try:
        findings = intruder.attack(json.dumps(tables).encode(), k=5)
    except intruder.UnattackedError:
        return
    assert max(one.severity for one in findings) >= 2


def test_writing_is_one_step(tmp_path):
    """A directory stands whole or not at all, and an existing one is never touched."""
    out = tmp_path / "2026Q3"
    release.write(prepared(a_quarter()), out)

    assert (out / "tables" / "E01.csv").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["2026Q3"]
    with pytest.raises(FileExistsError):
        release.write(prepared(a_quarter()), out)
