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
from review_tool.statistics import hierarchy, intruder, page, release
from review_tool.statistics.page import HIDDEN, READ_FIRST, in_words, share_of
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


class _Page(HTMLParser):
    """Every text and spoken attribute of a page, but its style and its dates: a day is no count."""

    def __init__(self):
        super().__init__()
        self.texts, self._silent = [], []

    def handle_starttag(self, tag, attrs):
        if tag in ("style", "time"):
            self._silent.append(tag)
        self.texts += (value for name, value in attrs if name in ("alt", "title", "aria-label", "summary"))

    def handle_endtag(self, tag):
        if self._silent and tag == self._silent[-1]:
            self._silent.pop()

    def handle_data(self, data):
        if not self._silent and data.strip():
            self.texts.append(data)


def texts_of(page):
    """What a reader of the page reads, without the labels of codes: "School (K-12)" is no figure."""
    parser = _Page()
    parser.feed(page.decode())
    labels = {
        label
        for one in hierarchy.QUARTERLY
        for level in one.levels
        for split in level
        for label in split.labels.values()
    }
    return [text for text in parser.texts if text not in labels]


def test_the_same_records_and_seed_give_the_same_bytes():
    """A release broken off is finished from the same bytes, and a checker can make it again."""
    assert prepared(a_quarter()).files == prepared(list(reversed(a_quarter()))).files


def test_every_number_on_the_page_and_in_the_csv_stands_in_release_json():
    """A sentence is a publication: a figure outside release.json is one the intruder never saw."""
    first = prepared(a_quarter())
    files = prepared(
        a_quarter(first=100, count=70), period="2026Q4", past=first.files["release.json"], levels=first.levels
    ).files
    releases = json.loads(files["release.json"])["releases"]
    tables = [table for one in releases for table in one["tables"]]
    known = {str(number) for number in numbers_in(tables)}
    known |= {number for one in releases for number in re.findall(r"\d+", one["id"])}
    newest = releases[-1]["tables"]
    total = next(cell["v"] for cell in newest[0]["cells"] if cell["record"] == "incident")
    shares = {f"{share_of(number, total)} %" for number in numbers_in(newest)}

    found = texts_of(files["report.html"])
    assert any(text in shares for text in found)
    for text in found:
        assert text in shares or set(re.findall(r"\d+", text)) <= known, text
    for name in files:
        if name.endswith(".csv"):
            for row in csv.DictReader(io.StringIO(files[name].decode())):
                assert (row["status"] == "hidden") == (row["value"] == "")
                assert row["status"] == "hidden" or row["value"] in known


def test_a_number_in_words_is_none_of_the_figures():
    """The threshold and the counts of hidden cells stand in words, up to what a page can hold."""
    assert [in_words(number) for number in (0, 5, 11, 20, 41, 100, 113, 999)] == [
        *("no", "five", "eleven", "twenty", "forty-one", "one hundred", "one hundred and thirteen"),
        "nine hundred and ninety-nine",
    ]


def test_hidden_rows_follow_the_printed_ones_in_fixed_order():
    """Their place among the printed rows would tell their size."""
    rows = [("a", None), ("b", 7), ("d", None), ("e", 40)]

    lines = page._table("caption", "What", rows, 60)  # noqa: SLF001 - the order of rows is decided there

    assert re.findall(r'scope="row">(.)<', lines) == ["e", "b", "a", "d"]
    assert lines.count(HIDDEN) == 2


def test_no_percentage_of_a_small_whole():
    """A share of fewer than twenty says more than it knows; one of a hidden count would be the count."""
    assert "%" not in page._table("caption", "What", [("a", 7), ("b", 12)], 19)  # noqa: SLF001 - as above
    assert page._table("caption", "What", [("a", None), ("b", 12)], 20).count("%") == 1  # noqa: SLF001 - as above


def test_every_table_is_read_out_with_its_caption_and_headers():
    """A page that only shows is no page for everybody."""
    html = prepared(a_quarter()).files["report.html"].decode()

    tables = html.count("<table>")
    assert tables >= 4
    assert html.count("<caption>") == tables
    assert html.count('<th scope="col"') >= 2 * tables
    assert len(re.findall(r"<tr><th scope=\"row\">", html)) == html.count("<tr>") - tables
    assert '<html lang="en">' in html
    assert len(re.findall("<h1>", html)) == 1


def test_the_page_says_what_the_numbers_are_before_any_of_them():
    """Self-selected reports are not how common hate is."""
    html = prepared(a_quarter()).files["report.html"].decode()

    assert READ_FIRST in html
    assert html.index(READ_FIRST) < html.index("<table>")
    assert "<script" not in html
    assert "http" not in html


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


def releases_of(records, count, **given):
    """The same quarter under several seeds."""
    return (prepared(records, seed=bytes([number]) * 32, **given) for number in range(count))


def shows(prepared_release, exhibit):
    """Whether a release has a table of the exhibit."""
    return f"tables/{exhibit}.csv" in prepared_release.files


def test_an_exhibit_is_left_out_now_and_then_without_need():
    """Twenty told the police, forty did not: nobody is few, and yet leaving out must be possible."""
    left_out = [one for one in releases_of(a_quarter(), 16) if not shows(one, "E09")]

    assert 1 <= len(left_out) <= 8
    assert all(page.LEFT_OUT in one.files["report.html"].decode() for one in left_out)


def test_an_exhibit_gets_coarser_now_and_then_without_need():
    """Every level is drawn for by itself: a coarser list alone is no proof of what the finer one would have shown."""
    many = grounds_of((20, "sogi.gay"), (20, "gi.trans"), (20, "race.asian"))

    found = [one.levels["e03"] for one in releases_of(many, 24, levels={"e03": 2})]

    assert {2, 3} <= set(found)
    assert found.count(2) > len(found) / 2


def test_what_was_left_out_comes_back_in_the_next_quarter():
    """A lot is drawn anew, so one quarter without an exhibit does not cost the year."""
    first = next(one for one in releases_of(a_quarter(), 16) if not shows(one, "E09"))
    following = releases_of(
        a_quarter(first=100), 8, period="2026Q4", past=first.release_json, levels=first.levels
    )

    assert any(shows(one, "E09") for one in following)


@pytest.mark.parametrize("past", ["2026", "2026Q4", "2027Q1"])
def test_a_quarter_that_lies_before_or_inside_a_release_is_refused(past):
    """What was closed late was taken along by the release that followed: nothing is left to tell apart."""
    whole = json.loads(prepared(a_quarter()).files["release.json"])
    whole["releases"][0] |= {"id": past, "scope": [past]}

    with pytest.raises(ReleaseRefusedError, match="overlaps"):
        prepared(a_quarter(first=100), past=json.dumps(whole).encode())


def test_a_leak_is_refused_without_its_number():
    """The judge reads the bytes about to be written, old releases included; the message names cells and no count."""
    whole = json.loads(prepared(a_quarter()).files["release.json"])
    table = next(one for one in whole["releases"][0]["tables"] if one["id"] == "E09")
    table["cells"] = [
        {"police_told": code, "v": v}
        for code, v in (("yes", 57), ("no", "c"), ("not_answered", 0), ("*", 60))
    ]

    with pytest.raises(ReleaseRefusedError, match="exact_small in E09 of 2026Q3") as refused:
        prepared(a_quarter(first=100), period="2026Q4", past=json.dumps(whole).encode())

    assert not set(re.findall(r"\b\d+\b", str(refused.value)))


def grounds_of(*told):
    """A quarter by grounds: `(how many, grounds)`."""
    each = [grounds for count, *grounds in told for _ in range(count)]
    return [record(number, grounds=tuple(grounds)) for number, grounds in enumerate(each, start=1)]


def rows_of(prepared_release, exhibit):
    """`{row: its yes}` of a list as the newest release prints it."""
    newest = json.loads(prepared_release.files["release.json"])["releases"][-1]["tables"]
    return {
        table["id"]: table["cells"][0]["v"] for table in newest if table["id"].partition(".")[0] == exhibit
    }


def test_few_incidents_without_a_ground_cost_a_row_and_not_the_list():
    """Thirteen and nine of twenty-five say that three have none, unless one row more is hidden."""
    rows = rows_of(prepared(grounds_of((13, "sogi.gay"), (9, "race.asian"), (3, "unknown"))), "E03")

    assert (rows["E03.sogi.gay"], rows["E03.race.asian"]) == (13, 9)
    assert 1 <= list(rows.values()).count("c") <= 4  # one, and those drawn by lot


def test_few_incidents_without_a_ground_leave_a_coarse_list_one_row():
    """Of two rows none can be hidden without losing the list: the first stands alone."""
    few = grounds_of((13, "sogi.gay"), (9, "race.asian"), (3, "unknown"))

    assert rows_of(prepared(few, levels={"e03": 2}, seed=bytes(32)), "E03") == {"E03.any_lgbtq": 13}


def test_many_incidents_without_a_ground_hide_nothing():
    """They are no protected group, and the judge is told so: at least nine is a true thing to learn."""
    many = grounds_of((20, "sogi.gay"), (10, "race.asian"), (9, "unknown"))

    assert rows_of(prepared(many, levels={"e03": 3}), "E03") == {"E03.any_lgbtq": 20, "E03.any_other": 10}


def test_figures_that_contradict_each_other_are_refused():
    """A release that nobody can attack is no release that passed."""
    whole = json.loads(prepared(a_quarter()).files["release.json"])
    whole["releases"][0]["tables"][0]["cells"][0]["v"] = 1000

    with pytest.raises(ReleaseRefusedError, match="could not be checked"):
        prepared(a_quarter(first=100), period="2026Q4", past=json.dumps(whole).encode())


def test_writing_is_one_step(tmp_path):
    """A directory stands whole or not at all, and an existing one is never touched."""
    out = tmp_path / "2026Q3"
    release.write(prepared(a_quarter()), out)

    assert (out / "tables" / "E01.csv").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["2026Q3"]
    with pytest.raises(FileExistsError):
        release.write(prepared(a_quarter()), out)
