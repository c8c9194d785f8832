"""The samples of the demo: ticks from public records, nothing invented, nothing that the form or codebook refuses."""

import csv
import hashlib
import json
from collections import Counter
from datetime import date
from typing import Any

import pytest

from crypto.report import Flag, Kind, header_fields, question, report_from_answers
from review_tool.review_lines import parse_codings
from tests.center import make_center
from tests.sample_reports import (
    CODE_BY_CALIFORNIA_LABEL,
    RECORDS,
    TICK_FOR_REVIEWER_CODE,
    answers_of,
    coding_of,
    sample_answers,
)

LOCAL = make_center().local
CLOSED = date(2026, 9, 30)


def records() -> list[dict[str, str]]:
    """The vendored rows."""
    with RECORDS.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def coded(answers: dict[str, list[str]], case: str = "R-0001") -> dict[str, Any]:
    """Code a sample as the demo does it: from nothing but what came out of the envelope."""
    report, _ = report_from_answers(answers, LOCAL)
    told = {"id": case, "answers": header_fields(report)}
    return coding_of(told, closed=CLOSED.isoformat(), period="unknown")


def test_the_records_are_the_ones_whose_origin_is_written_down() -> None:
    """Hash of the file and of its page of provenance."""
    provenance = (RECORDS.parent / "SACRAMENTO.md").read_text(encoding="utf-8")

    assert hashlib.sha256(RECORDS.read_bytes()).hexdigest() in provenance
    assert len(sample_answers()) == len(records()) == 416


def test_the_form_drops_nothing_of_any_sample() -> None:
    """Each tick is one that the page offers, so no sample comes in with a flag."""
    flags = Counter[Flag]()
    for answers in sample_answers():
        report, found = report_from_answers(answers, LOCAL)
        flags.update(found)
        kept = header_fields(report)
        for name, codes in answers.items():
            assert kept[name] == codes[0] if question(name).is_single else set(kept[name]) == set(codes)

    assert flags == {}


def test_no_story_is_invented_and_nobody_is_described() -> None:
    """Only ticks, and none of the questions about a person."""
    asked = {name for answers in sample_answers() for name in answers}

    assert {question(name).kind for name in asked}.isdisjoint({Kind.TEXT})
    assert asked.isdisjoint(
        {"age_band", "gender", "gender_history", "orientation", "race_ethnicity", "disability"}
    )


def test_the_codebook_takes_the_coding_of_every_sample() -> None:
    """All in one file, as `code --file` reads it."""
    lines = [
        json.dumps(coded(answers, f"R-{number:04d}"))
        for number, answers in enumerate(sample_answers(), start=1)
    ]

    judged = parse_codings("\n".join(lines), coder="demo", closed=None)

    assert len(judged) == len(lines)
    assert {one.closed for one in judged} == {CLOSED}


def test_the_ground_of_a_record_is_the_ground_of_its_coding() -> None:
    """What the police wrote comes out at the other end, but for grounds that only a reviewer may give."""
    for row in records():
        code = CODE_BY_CALIFORNIA_LABEL[row["MostSeriousBias"]]
        broad, which = TICK_FOR_REVIEWER_CODE.get(code, (code, None))

        assert coded(answers_of(row))["bias_coded"] == [which or broad]


def test_an_unknown_label_is_an_error_and_no_guess() -> None:
    """A new record with a ground that we do not know must not become a sample silently."""
    row = records()[0] | {"MostSeriousBias": "Anti-Something New"}

    with pytest.raises(KeyError):
        answers_of(row)
