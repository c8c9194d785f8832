"""The crosswalk, row by row: against the vendored list, against the state's labels, and against the traps."""

import csv
import hashlib
from pathlib import Path

import pytest

from crypto import codes
from crypto.answers import Bias, BiasGroup, IncidentType, OffenderRelation, PlaceType

DATA = Path(__file__).parent.parent / "data"
VENDORED = DATA / "bias_crosswalk.csv"
SHA256 = "30c167a09fce71852846ba8f4e44f50c9754ba04e47829cddfe97af74c8f1674"
ODIHR = {
    "anti-LGBTI": "lgbti",
    "gender": "gender",
    "racist/xenophobic": "racist",
    "antisemitic": "antisem",
    "anti-Muslim": "muslim",
    "anti-Christian": "christian",
    "other religion or belief": "belief",
    "anti-disability": "disab",
    "": "",
}


def vendored_rows() -> list[dict[str, str]]:
    """Rows of the vendored crosswalk."""
    with VENDORED.open(newline="", encoding="ascii") as file:
        return list(csv.DictReader(file))


def test_the_vendored_list_is_the_one_that_was_checked():
    """A silent edit of the oracle would make every row test worthless."""
    assert hashlib.sha256(VENDORED.read_bytes()).hexdigest() == SHA256
    assert len(vendored_rows()) == 37


@pytest.mark.parametrize("row", vendored_rows(), ids=lambda row: row["project_code"])
def test_a_bias_row_agrees_with_the_vendored_list(row):
    """NIBRS code, California label and ODIHR ground are those that were checked."""
    ours = codes.BIAS[row["project_code"]]

    assert ours.nibrs == row["nibrs_8A"]
    assert ours.california == row["ca_doj_MostSeriousBias"]
    assert ours.odihr == ODIHR[row["odihr_ground"]]


# Codes that the vendored list does not hold: no standard knows them. code -> (nearest NIBRS, nearest California,
# Penal Code, to confirm, RIPA, nearest RIPA, ODIHR), as in the questionnaire's section 7.1.
OURS_ALONE = {
    "sogi.queer": (
        "43",
        codes.BIAS["sogi.mixed"].california,
        "orientation",
        True,
        ("orientation",),
        (),
        "lgbti",
    ),
    "sogi.asexual": ("99", "", "orientation", True, ("orientation",), (), "lgbti"),
    "gi.intersex": ("72", "", "gender", True, ("gender identity",), (), "lgbti"),
    "eth.language": ("33", "", "nationality", True, (), ("origin",), "racist"),
    "rel.christian": ("", "", "religion", False, ("religion",), (), "christian"),
    "race": ("", "", "race/ethnicity", False, ("race",), (), "racist"),
    "religion": ("", "", "religion", False, ("religion",), (), "belief"),
    "health.hiv": ("51", "", "disability", True, (), (), ""),
    "age": ("99", "", "", False, ("age",), (), ""),
    "housing": ("99", "", "", False, (), (), ""),
    "sexwork": ("99", "", "", False, (), (), ""),
    "assoc": ("", "", "association", False, (), (), ""),
}


@pytest.mark.parametrize("code", OURS_ALONE)
def test_a_code_that_no_standard_knows_is_kept_as_ours(code):
    """It has no exact code; its nearest bucket stands apart and can be used only on purpose."""
    row = codes.BIAS[code]

    assert (row.nibrs, row.california) == ("", "")
    assert (
        row.nibrs_nearest,
        row.california_nearest,
        row.penal_code,
        row.penal_code_to_confirm,
        row.ripa,
        row.ripa_nearest,
        row.odihr,
    ) == OURS_ALONE[code]


# Section 7.1, the columns that the vendored list lacks: code -> (Penal Code, RIPA).
GROUNDS = {
    "sogi.gay": ("orientation", ("orientation",)),
    "sogi.lesbian": ("orientation", ("orientation",)),
    "sogi.bisexual": ("orientation", ("orientation",)),
    "sogi.mixed": ("orientation", ("orientation",)),
    "sogi.heterosexual": ("orientation", ("orientation",)),
    "gi.trans": ("gender", ("gender identity",)),
    "gi.gnc": ("gender", ("gender identity",)),
    "gender.female": ("gender", ()),
    "gender.male": ("gender", ()),
    "race.white": ("race/ethnicity", ("race",)),
    "race.black": ("race/ethnicity", ("race",)),
    "race.native": ("race/ethnicity", ("race",)),
    "race.asian": ("race/ethnicity", ("race",)),
    "race.nhpi": ("race/ethnicity", ("race",)),
    "race.multi": ("race/ethnicity", ("race",)),
    "eth.arab": ("race/ethnicity", ("race", "origin")),
    "eth.hispanic": ("race/ethnicity", ("race", "origin")),
    "eth.other": ("race/ethnicity", ("race", "origin")),
    "eth.citizenship": ("nationality", ("origin",)),
    "rel.jewish": ("religion", ("religion",)),
    "rel.muslim": ("religion", ("religion",)),
    "rel.buddhist": ("religion", ("religion",)),
    "rel.hindu": ("religion", ("religion",)),
    "rel.sikh": ("religion", ("religion",)),
    "rel.catholic": ("religion", ("religion",)),
    "rel.protestant": ("religion", ("religion",)),
    "rel.mormon": ("religion", ("religion",)),
    "rel.jw": ("religion", ("religion",)),
    "rel.orthodox": ("religion", ("religion",)),
    "rel.otherchristian": ("religion", ("religion",)),
    "rel.atheist": ("religion", ("religion",)),
    "rel.other": ("religion", ("religion",)),
    "rel.multi": ("religion", ("religion",)),
    "dis.physical": ("disability", ("disability",)),
    "dis.mental": ("disability", ("disability",)),
    "none": ("", ()),
    "unknown": ("", ()),
}


@pytest.mark.parametrize("code", GROUNDS)
def test_a_ground_in_law_is_that_of_the_questionnaire(code):
    """Penal Code 422.55 and the profiling law have other words than the police lists."""
    row = codes.BIAS[code]

    assert (row.penal_code, row.ripa) == GROUNDS[code]
    assert not row.penal_code_to_confirm


def test_every_row_has_been_tested():
    """A row that no test names could drift."""
    assert set(GROUNDS) | set(OURS_ALONE) == set(codes.BIAS)
    assert set(codes.BIAS) >= {row["project_code"] for row in vendored_rows()}


def test_each_tick_can_be_coded():
    """What a person can tick a coder can keep; only "something else" and "I don't know" are no ground."""
    ticks = {code.value for code in Bias} | {code.value for code in BiasGroup}

    assert ticks - set(codes.BIAS) == {"other", "unsure"}


def test_reviewers_alone_say_that_a_target_was_a_group():
    """A mixed group is a judgement about an event, never a tick; so are the Christian churches."""
    ticks = {code.value for code in Bias} | {code.value for code in BiasGroup}

    assert set(codes.BIAS) - ticks == {
        "sogi.mixed",
        "sogi.heterosexual",
        "race.multi",
        "rel.multi",
        *codes.BIAS["rel.christian"].picks,
        "none",
        "unknown",
    }


def test_a_changed_row_raises_the_version():
    """A comparison prints the version: two readers of one version must have had the same rows."""
    tables = (
        codes.BIAS,
        codes.LOCATIONS,
        codes.PLACES,
        codes.RELATIONS,
        codes.OFFENSES,
        codes.OFFENSE_SUGGESTIONS,
    )
    rows = "\n".join(repr(row) for table in tables for row in table.values())

    assert (codes.CROSSWALK_VERSION, hashlib.sha256(rows.encode()).hexdigest()) == (
        "1.0",
        "8b9e882408fdb732ba6eef7dbc514554676dfc3d663c10a9303dda2b87f4d016",
    )


def test_no_standard_code_means_two_things():
    """A comparison would add the two up without a word."""
    for exact in ("nibrs", "california"):
        used = [getattr(row, exact) for row in codes.BIAS.values() if getattr(row, exact)]
        assert len(set(used)) == len(used)


def test_the_picks_of_christian_are_the_six_churches():
    """There is no NIBRS code for Christian alone."""
    assert [codes.BIAS[code].nibrs for code in codes.BIAS["rel.christian"].picks] == [
        "22",
        "23",
        "28",
        "29",
        "81",
        "82",
    ]


@pytest.mark.parametrize(
    ("code", "nibrs"),
    [("sogi.gay", "41"), ("dis.physical", "51"), ("eth.other", "33"), ("sogi.mixed", "43"), ("none", "88")],
)
def test_wrong_renumberings_do_not_creep_in(code, nibrs):
    """Public repositories carry 51 for gay, and 33 for "not Hispanic"."""
    assert codes.BIAS[code].nibrs == nibrs


def test_none_and_unknown_stand_alone():
    """88 and 99 beside a ground would contradict it."""
    assert {"none", "unknown"} == codes.STANDS_ALONE
    assert codes.MAX_NIBRS_BIASES == 5


def test_transgender_and_nonconforming_are_compared_by_label():
    """California files both under one type; the labels keep them apart."""
    assert codes.BIAS["gi.trans"].california != codes.BIAS["gi.gnc"].california


# Section 7.2: place -> (NIBRS, what a reviewer picks from).
PLACES = {
    "home": ("20", ()),
    "home_other": ("20", ()),
    "street": ("13", ()),
    "parking": ("18", ()),
    "park": ("50", ("10", "16")),
    "transit": ("", ("01",)),
    "bar": ("03", ()),
    "restaurant": ("21", ()),
    "shop": ("", ("07", "08", "12", "17", "23", "24", "55")),
    "work": ("", ("05",)),
    "school": ("53", ()),
    "college": ("52", ()),
    "health": ("09", ()),
    "shelter": ("54", ()),
    "worship": ("04", ()),
    "government": ("11", ()),
    "police_jail": ("15", ("11",)),
    "lgbtq_space": ("", ("57", "03", "13")),
    "online": ("58", ()),
    "other": ("25", ("14", "39", "44")),
    "unsure": ("25", ()),
}


@pytest.mark.parametrize("place", [place for place in PlaceType if place is not PlaceType.SKIP])
def test_a_place_row_is_that_of_the_questionnaire(place):
    """Each place has its NIBRS location, or the list a reviewer picks from."""
    row = codes.PLACES[place]

    assert (row.nibrs, row.picks) == PLACES[place.value]
    assert {row.nibrs, *row.picks} - {""} <= set(codes.LOCATIONS)


def test_the_legacy_school_code_is_not_used():
    """Location 22 was split into 52 and 53."""
    assert "22" not in codes.LOCATIONS


@pytest.mark.parametrize("location", codes.LOCATIONS.values(), ids=lambda location: location.nibrs)
def test_a_location_rolls_up_to_a_place_of_ours(location):
    """Official records can be compared with ours at the level of our places."""
    assert codes.place_of(location.nibrs) == location.place.value
    assert location.place is not PlaceType.SKIP
    own = codes.PLACES[location.place]
    if own.nibrs not in ("", "25"):
        assert codes.place_of(own.nibrs) == location.place.value


def test_a_place_of_ours_rolls_up_to_itself():
    """A coder may write either; unknown codes of a newer codebook stay readable."""
    assert codes.place_of("lgbtq_space") == "lgbtq_space"
    assert codes.place_of("from_the_future") == "from_the_future"


def california(column: str) -> set[str]:
    """Values of a column in the vendored records, folded as they must be joined."""
    with (DATA / "ca_doj_sacramento_2012_2022.csv").open(newline="", encoding="utf-8") as file:
        return {codes.folded(row[column]) for row in csv.DictReader(file) if row[column]}


def test_every_california_label_of_real_records_is_known():
    """A label that no row knows would fall out of a comparison in silence."""
    assert california("MostSeriousBias") <= {codes.folded(row.california) for row in codes.BIAS.values()}
    assert california("MostSeriousLocation") <= {
        codes.folded(row.california) for row in codes.LOCATIONS.values()
    }
    assert california("Offensive_Act") <= codes.CALIFORNIA_ACTS
    known = {codes.folded(row.california) for row in codes.OFFENSES.values()}
    assert california("MostSeriousUcr") - known == {"weapons law violations"}  # no offense of the codebook


def test_two_spellings_of_the_state_are_one_label():
    """The open records write "Verbal slurs" and "Verbal Slurs", "Motel/etc." and "Motel/Etc."."""
    assert codes.folded("Verbal Slurs") == codes.folded("Verbal slurs")
    assert len(codes.CALIFORNIA_ACTS) == 16
    assert codes.folded("Hotel/Motel/Etc.") == codes.folded(codes.LOCATIONS["14"].california)


# Section 7.3: relation -> (picks, nearest).
RELATIONS = {
    "stranger": (("ST",), ()),
    "online": (("ST",), ()),
    "partner": (("SE", "BG", "XS", "XR"), ()),
    "family": (("CH", "PA", "SB", "SE", "OF"), ()),
    "neighbor": (("NE",), ()),
    "work": (("EE", "ER", "OK"), ()),
    "known": (("AQ", "FR", "OK"), ()),
    "student": (("AQ", "FR", "OK"), ()),
    "dating": (("AQ", "FR", "OK"), ()),
    "landlord": (("OK",), ()),
    "school_staff": (("OK",), ()),
    "health": (("OK",), ()),
    "business": (("ST", "AQ"), ()),
    "customer": (("ST", "AQ"), ()),
    "officer": ((), ("ST", "OK")),
    "security": ((), ("ST", "OK")),
    "group": ((), ()),
    "unsure": (("RU",), ()),
}


@pytest.mark.parametrize("relation", OffenderRelation)
def test_a_relation_row_is_that_of_the_questionnaire(relation):
    """NIBRS says what the victim was to the offender: the direction is reversed."""
    row = codes.RELATIONS[relation]

    assert (row.picks, row.nearest) == RELATIONS[relation.value]
    assert {*row.picks, *row.nearest} <= set(codes.RELATIONSHIPS)


def test_the_reversed_direction_is_said_where_it_matters():
    """A parent who hurts a child makes the victim a child; a boss makes the victim an employee."""
    assert codes.RELATIONS[OffenderRelation.FAMILY].rule == "CH when the offender is the parent"
    assert codes.RELATIONS[OffenderRelation.WORK].rule.startswith("EE when the offender is the boss")


# Section 7.4: tick -> (suggested first, suggested if).
OFFENSES = {
    "words": ((), ()),
    "threat": ((), ("13C",)),
    "followed": ((), ("13C",)),
    "outed": ((), ("210",)),
    "misgendered": ((), ()),
    "online": ((), ("13C",)),
    "spat": (("13B",), ("13A",)),
    "hit": (("13B",), ("13A",)),
    "weapon": ((), ("13A",)),
    "sexual_harass": ((), ("11D",)),
    "sexual_assault": (("11A", "11B", "11C", "11D"), ()),
    "damage": (("290",), ("200", "220", "23H")),
    "flag": (("290",), ("200", "220", "23H")),
    "robbed": ((), ("120", "23A", "23B", "23C", "23D", "23E", "23F", "23G", "23H", "240")),
    "blackmail": (("210",), ()),
    "service": ((), ()),
    "housing": ((), ()),
    "work": ((), ()),
    "school": ((), ()),
    "health": ((), ()),
    "transport": ((), ()),
    "family": ((), ("13A", "13B", "13C")),
    "officer": ((), ()),
    "other": ((), ()),
}


@pytest.mark.parametrize("tick", IncidentType)
def test_an_offense_suggestion_is_that_of_the_questionnaire(tick):
    """The tick suggests, the coder decides; no suggestion at all is a result."""
    row = codes.OFFENSE_SUGGESTIONS[tick]

    assert (row.first, row.only_if) == OFFENSES[tick.value]
    assert {*row.first, *row.only_if} <= set(codes.OFFENSES)
    assert row.rule or row.first == ("210",)


def test_offenses_told_without_a_tick_can_be_coded():
    """Murder, kidnapping and trafficking have no box; a story may tell of them."""
    assert {"09A", "100", "64A"} <= codes.OFFENSE_CODED


def test_each_offense_has_an_odihr_type():
    """Hate speech and discrimination alone have none: they are no offense here either."""
    assert {row.odihr for row in codes.OFFENSES.values()} == {
        "violent attack",
        "threat",
        "attack on property",
    }


def test_a_coder_may_write_ours_or_the_standards_code():
    """Our own code is kept where no standard has one."""
    assert {"lgbtq_space", "transit", "13"} <= codes.PLACE_CODED
    assert {"officer", "group", "ST"} <= codes.RELATION_CODED
    assert codes.PLACE_CODED.isdisjoint({"skip", "22"})
    assert set(codes.BIAS) == codes.BIAS_CODED
