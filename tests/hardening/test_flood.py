"""The flood: what it must not do is seen when it does it, and a short one runs."""

import shutil
from collections import Counter
from dataclasses import replace

import pytest

from tests.hardening.flood import LATE, Outcome, complaints, flood

GOOD = Outcome(
    capacity=300,
    offered=3_000,
    statuses={0: 3, 303: 2, 429: 1, 503: 9},
    late=1.0,
    told=frozenset({"a", "b"}),
    kept=Counter({"a": 1, "b": 1, "not told": 1}),
    recovered=0.5,
)


def test_a_flood_that_was_stood_is_no_complaint():
    """A report that was kept though its sender was gone is no loss."""
    assert complaints(GOOD) == []


@pytest.mark.parametrize(
    ("sin", "words"),
    [
        ({"statuses": {303: 2, 502: 4, 503: 1}}, "4 answers were 502"),
        ({"statuses": {303: 2, 200: 1, 503: 1}}, "1 answers were 200"),
        ({"kept": Counter({"a": 1})}, "1 reports that were answered with 303 are not in the store"),
        ({"kept": Counter({"a": 2, "b": 1})}, "1 reports lie in the store twice"),
        ({"late": LATE + 1}, "one answer in 100"),
        ({"told": frozenset(), "kept": Counter()}, "no report was taken"),
        ({"statuses": {303: 2}}, "no flood"),
        ({"recovered": None}, "no honest report was taken"),
    ],
)
def test_twin_a_flood_that_does_harm_is_a_complaint(sin, words):
    """Each in its own words."""
    (said,) = complaints(replace(GOOD, **sin))

    assert words in said


@pytest.mark.loopback
@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.skipif(shutil.which("haproxy") is None, reason="MISSING: apt-get install haproxy")
def test_two_seconds_of_a_flood_lose_nothing(tmp_path):
    """The long one is `make hardening`; this keeps it from rusting."""
    assert complaints(flood(tmp_path, seconds=2)) == []
