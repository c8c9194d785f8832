"""Every code a coder may write has its words, and a tick suggests only codes that are there."""

import pytest

from crypto import codes
from crypto.answers import Bias, BiasGroup, IncidentType, OffenderRelation, PlaceType
from review_tool.code_words import GROUNDS, NEAREST, OFFENSES, PLACES, RELATIONS, Vocabulary

ALL = pytest.mark.parametrize(
    ("known", "coded"),
    [
        (GROUNDS, codes.BIAS_CODED),
        (OFFENSES, codes.OFFENSE_CODED),
        (PLACES, codes.PLACE_CODED),
        (RELATIONS, codes.RELATION_CODED),
    ],
    ids=["grounds", "offenses", "places", "relations"],
)


@ALL
def test_the_words_are_those_of_the_codes_a_coding_takes(known: Vocabulary, coded: frozenset[str]) -> None:
    """A code that is listed and then refused, or taken and never listed, is learned by nobody."""
    assert set(known.words) == coded
    assert all(known.words.values())


@ALL
def test_only_codes_that_a_coding_takes_are_suggested(known: Vocabulary, coded: frozenset[str]) -> None:
    """What is suggested is typed."""
    assert {code for one in known.suggests.values() for code in one.codes} <= coded


@pytest.mark.parametrize(
    ("known", "ticks", "without"),
    [
        (GROUNDS, [*Bias, *BiasGroup], {Bias.OTHER}),
        (OFFENSES, [*IncidentType], set[str]()),
        (PLACES, [*PlaceType], {PlaceType.SKIP}),
        (RELATIONS, [*OffenderRelation], set[str]()),
    ],
    ids=["grounds", "offenses", "places", "relations"],
)
def test_every_tick_of_the_form_suggests_something(
    known: Vocabulary, ticks: list[str], without: set[str]
) -> None:
    """But "something else" and a question left alone, which say nothing."""
    assert {tick for tick in ticks if tick not in known.suggests} == without


@pytest.mark.parametrize(
    ("known", "ticked", "suggested"),
    [
        (PLACES, "street", ("13",)),
        (PLACES, "transit", ("transit", "01")),
        (PLACES, "police_jail", ("15", "11")),
        (GROUNDS, "gi.trans", ("gi.trans",)),
        (GROUNDS, "unsure", ("unknown",)),
        (OFFENSES, "hit", ("13B", "13A")),
        (OFFENSES, "words", ()),
        (RELATIONS, "stranger", ("ST",)),
        (RELATIONS, "officer", ("officer", "ST", "OK")),
        (RELATIONS, "group", ("group",)),
    ],
)
def test_a_tick_suggests_what_the_crosswalk_says(
    known: Vocabulary, ticked: str, suggested: tuple[str, ...]
) -> None:
    """The standard's code where there is one, ours where there is none."""
    assert known.suggests[ticked].codes == suggested


@pytest.mark.parametrize(
    ("known", "typed", "meant"),
    [
        (PLACES, "bus", "transit"),
        (PLACES, "Street", "street"),
        (PLACES, "resturant", "restaurant"),
        (GROUNDS, "trans", "gi.trans"),
        (GROUNDS, "sogi.lesbain", "sogi.lesbian"),
        (OFFENSES, "assault", "13A"),
        (RELATIONS, "neighbour", "neighbor"),
    ],
)
def test_a_wrong_code_names_what_was_meant(known: Vocabulary, typed: str, meant: str) -> None:
    """People type the word that they know."""
    assert meant in known.nearest(typed)


@pytest.mark.parametrize("typed", ["", "zzzzzz", "*", "e" * 500, "\x1b[2J"])
def test_nothing_near_is_nothing(typed: str) -> None:
    """A guess far off would only confuse."""
    assert PLACES.nearest(typed) == ()


def test_only_a_few_are_named() -> None:
    """A line that scrolls is not read."""
    assert len(PLACES.nearest("s")) == NEAREST
