"""A coding that exists keeps to the codebook."""

import pytest

from review_tool.cases import Clarity
from review_tool.coding import Coding, Crime, sorted_codes
from review_tool.errors import CodingError

GOOD: dict[str, object] = {
    "case": "R-0001",
    "coder": "r1",
    "period": "2026-09",
    "crime": Crime.NO,
    "bias_coded": ("gi.trans", "sogi.lesbian"),
    "bias_strength": 2,
    "offense_coded": (),
    "place_coded": "13",
    "relation_coded": ("ST",),
    "severity": 1,
    "confidence": 3,
    "clarity": Clarity.CLEAR,
}


def coding(**changes: object) -> Coding:
    """A good coding, changed."""
    return Coding(**{**GOOD, **changes})


@pytest.mark.parametrize("period", ["2026-01", "2026-12", "2026Q1", "2026Q4", "2026", "2020-2024", "unknown"])
def test_every_kind_of_period_is_accepted(period: str) -> None:
    """People know a month, a season, a year, or none."""
    assert coding(period=period).period == period


@pytest.mark.parametrize(
    "period",
    ["", "2026-13", "2026-00", "2026Q5", "26", "2024-2020", "2024-2024", "last summer", "2026-09-01", "٢٠٢٦"],
)
def test_every_other_period_is_refused(period: str) -> None:
    """A day is finer than anything that may be tabulated."""
    with pytest.raises(CodingError, match="period"):
        coding(period=period)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("coder", "Dana Smith"),
        ("coder", ""),
        ("bias_coded", ()),
        ("bias_coded", ("none", "sogi.gay")),
        ("bias_coded", ("gi.trans", "unknown")),
        ("bias_coded", ("sogi.lesbian", "gi.trans")),
        ("bias_coded", ("gi.trans", "gi.trans")),
        ("bias_coded", ("sogi.martian",)),
        ("bias_strength", 4),
        ("bias_strength", -1),
        ("offense_coded", ("13D",)),
        ("place_coded", ""),
        ("place_coded", "my kitchen"),
        ("relation_coded", ("brother-in-law",)),
        ("severity", 5),
        ("confidence", 0),
        ("case", "1"),
    ],
)
def test_what_is_not_in_the_codebook_is_refused(name: str, value: object) -> None:
    """The message names the field and never the value: somebody may have pasted a name."""
    with pytest.raises(CodingError, match=name) as refusal:
        coding(**{name: value})
    assert "kitchen" not in str(refusal.value)


@pytest.mark.parametrize("ground", ["none", "unknown"])
def test_none_and_unknown_stand_alone(ground: str) -> None:
    """NIBRS 88 and 99."""
    assert coding(bias_coded=(ground,)).bias_coded == (ground,)


def test_no_offense_is_a_result() -> None:
    """A bias incident below the criminal threshold is not a gap."""
    assert coding(offense_coded=()).offense_coded == ()


def test_codes_have_one_order() -> None:
    """Two codings that say the same are equal."""
    assert sorted_codes(["b", "a", "b"]) == ("a", "b")
