"""Standard code lists and the crosswalk from our codes to them.

Only the review machine reads this: the form speaks plain words. An empty standard code means that no equivalent
exists; our own code is then kept and printed. A `nearest` code is the bucket that a comparison may use if it says so.
NIBRS codes were checked against a public NIBRS library, California labels against the state's open records 2012-2022;
ODIHR grounds and types are general knowledge, still to be confirmed. Public repositories carry wrong renumberings of
the bias codes: trust this list alone, a test holds every row.

Above 300 lines because it is four tables, each to be read against its standard.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from crypto.answers import IncidentType, OffenderRelation, PlaceType

CROSSWALK_VERSION: Final = "1.0"  # printed by every comparison; any changed row raises it
STANDS_ALONE: Final = frozenset({"none", "unknown"})  # NIBRS 88 and 99 are never joined with a ground
MAX_NIBRS_BIASES: Final = 5  # grounds an offense can have in NIBRS


@dataclass(frozen=True, slots=True)
class BiasStandard:
    """One ground in five languages of officials.

    `penal_code` is the ground of California Penal Code 422.55, actual or perceived; `ripa` the grounds of
    California's profiling law; `picks` the codes among which a reviewer chooses before there is a NIBRS code.
    """

    code: str
    nibrs: str
    california: str
    penal_code: str
    ripa: tuple[str, ...]
    odihr: str
    nibrs_nearest: str = ""
    california_nearest: str = ""
    penal_code_to_confirm: bool = False
    ripa_nearest: tuple[str, ...] = ()
    picks: tuple[str, ...] = ()


_ORIENTATION: Final = ("orientation",)
_GENDER_IDENTITY: Final = ("gender identity",)
_RACE: Final = ("race",)
_RELIGION: Final = ("religion",)
_MIXED: Final = "Anti-Lesbian/Gay/Bisexual or Transgender (Mixed Group)"

_BIAS_ROWS: Final = (
    BiasStandard("sogi.gay", "41", "Anti-Gay (Male)", "orientation", _ORIENTATION, "lgbti"),
    BiasStandard("sogi.lesbian", "42", "Anti-Lesbian", "orientation", _ORIENTATION, "lgbti"),
    BiasStandard("sogi.bisexual", "45", "Anti-Bisexual", "orientation", _ORIENTATION, "lgbti"),
    # 43 is for a mixed group, never for one person who is several things: a lesbian trans woman is 42 and 71.
    BiasStandard("sogi.mixed", "43", _MIXED, "orientation", _ORIENTATION, "lgbti"),
    BiasStandard(
        "sogi.queer", "", "", "orientation", _ORIENTATION, "lgbti",
        nibrs_nearest="43", california_nearest=_MIXED, penal_code_to_confirm=True,
    ),
    BiasStandard(
        "sogi.asexual", "", "", "orientation", _ORIENTATION, "lgbti", nibrs_nearest="99", penal_code_to_confirm=True
    ),
    BiasStandard("sogi.heterosexual", "44", "Anti-Heterosexual", "orientation", _ORIENTATION, ""),
    # California files both under the type "Gender Nonconforming": compare by label, never by type.
    BiasStandard("gi.trans", "71", "Anti-Transgender", "gender", _GENDER_IDENTITY, "lgbti"),
    BiasStandard("gi.gnc", "72", "Anti-Gender Nonconforming", "gender", _GENDER_IDENTITY, "lgbti"),
    BiasStandard(
        "gi.intersex", "", "", "gender", _GENDER_IDENTITY, "lgbti", nibrs_nearest="72", penal_code_to_confirm=True
    ),
    BiasStandard("gender.female", "62", "Anti-Female", "gender", (), "gender"),
    BiasStandard("gender.male", "61", "Anti-Male", "gender", (), "gender"),
    BiasStandard("race.white", "11", "Anti-White", "race/ethnicity", _RACE, "racist"),
    BiasStandard("race.black", "12", "Anti-Black or African American", "race/ethnicity", _RACE, "racist"),
    BiasStandard("race.native", "13", "Anti-American Indian/Alaska Native", "race/ethnicity", _RACE, "racist"),
    BiasStandard("race.asian", "14", "Anti-Asian", "race/ethnicity", _RACE, "racist"),
    BiasStandard("race.multi", "15", "Anti-Multiple Races (Group)", "race/ethnicity", _RACE, "racist"),
    BiasStandard(
        "race.nhpi", "16", "Anti-Native Hawaiian or Other Pacific Islander", "race/ethnicity", _RACE, "racist"
    ),
    BiasStandard("eth.arab", "31", "Anti-Arab", "race/ethnicity", ("race", "origin"), "racist"),
    BiasStandard("eth.hispanic", "32", "Anti-Hispanic or Latino", "race/ethnicity", ("race", "origin"), "racist"),
    # 33 is "other race, ethnicity or ancestry"; older schemas used it for "not Hispanic".
    BiasStandard(
        "eth.other", "33", "Anti-Other Race/Ethnicity/Ancestry", "race/ethnicity", ("race", "origin"), "racist"
    ),
    BiasStandard(
        "eth.citizenship", "", "Anti-Citizenship Status", "nationality", ("origin",), "racist", nibrs_nearest="33"
    ),
    BiasStandard(
        "eth.language", "", "", "nationality", (), "racist",
        nibrs_nearest="33", penal_code_to_confirm=True, ripa_nearest=("origin",),
    ),
    BiasStandard("rel.jewish", "21", "Anti-Jewish", "religion", _RELIGION, "antisem"),
    BiasStandard("rel.muslim", "24", "Anti-Islamic (Muslim)", "religion", _RELIGION, "muslim"),
    BiasStandard("rel.buddhist", "83", "Anti-Buddhist", "religion", _RELIGION, "belief"),
    BiasStandard("rel.hindu", "84", "Anti-Hindu", "religion", _RELIGION, "belief"),
    BiasStandard("rel.sikh", "85", "Anti-Sikh", "religion", _RELIGION, "belief"),
    BiasStandard(
        "rel.christian", "", "", "religion", _RELIGION, "christian",
        picks=(
            "rel.catholic", "rel.protestant", "rel.mormon", "rel.jw", "rel.orthodox", "rel.otherchristian",
        ),
    ),
    BiasStandard("rel.catholic", "22", "Anti-Catholic", "religion", _RELIGION, "christian"),
    BiasStandard("rel.protestant", "23", "Anti-Protestant", "religion", _RELIGION, "christian"),
    BiasStandard("rel.mormon", "28", "Anti-Mormon", "religion", _RELIGION, "christian"),
    BiasStandard("rel.jw", "29", "Anti-Jehovahs Witness", "religion", _RELIGION, "christian"),
    BiasStandard(
        "rel.orthodox", "81", "Anti-Eastern Orthodox (Russian/Greek/Other)", "religion", _RELIGION, "christian"
    ),
    BiasStandard("rel.otherchristian", "82", "Anti-Other Christian", "religion", _RELIGION, "christian"),
    BiasStandard("rel.atheist", "27", "Anti-Atheism/Agnosticism", "religion", _RELIGION, "belief"),
    BiasStandard("rel.other", "25", "Anti-Other Religion", "religion", _RELIGION, "belief"),
    BiasStandard("rel.multi", "26", "Anti-Multiple Religions (Group)", "religion", _RELIGION, "belief"),
    # Ticked without saying which: no standard code until a reviewer coded it.
    BiasStandard("race", "", "", "race/ethnicity", _RACE, "racist"),
    BiasStandard("religion", "", "", "religion", _RELIGION, "belief"),
    BiasStandard("dis.physical", "51", "Anti-Physical Disability", "disability", ("disability",), "disab"),
    BiasStandard("dis.mental", "52", "Anti-Mental Disability", "disability", ("disability",), "disab"),
    BiasStandard(
        "health.hiv", "", "", "disability", (), "", nibrs_nearest="51", penal_code_to_confirm=True
    ),
    BiasStandard("age", "", "", "", ("age",), "", nibrs_nearest="99"),
    BiasStandard("housing", "", "", "", (), "", nibrs_nearest="99"),
    BiasStandard("sexwork", "", "", "", (), "", nibrs_nearest="99"),
    # Code the ground of the person or group they were with beside it; that ground carries the standard codes.
    BiasStandard("assoc", "", "", "association", (), ""),
    BiasStandard("none", "88", "", "", (), ""),
    BiasStandard("unknown", "99", "", "", (), ""),
)  # fmt: skip

BIAS: Final[Mapping[str, BiasStandard]] = {row.code: row for row in _BIAS_ROWS}


@dataclass(frozen=True, slots=True)
class Location:
    """A NIBRS location (data element 9), its California label, and the place of ours it rolls up to."""

    nibrs: str
    name: str
    california: str
    place: PlaceType


# 22, school or college, is legacy: use 52 and 53.
_LOCATION_ROWS: Final = (
    Location("01", "Air, bus or train terminal", "Air/Bus/Train Terminal", PlaceType.TRANSIT),
    Location("02", "Bank", "Bank/Savings and Loan", PlaceType.OTHER),
    Location("03", "Bar or night club", "Bar/Night Club", PlaceType.BAR),
    Location("04", "Place of worship", "Church/Synagogue/Temple", PlaceType.WORSHIP),
    Location("05", "Commercial or office building", "Commercial/Office Building", PlaceType.WORK),
    Location("06", "Construction site", "Construction Site", PlaceType.OTHER),
    Location("07", "Convenience store", "Convenience Store", PlaceType.SHOP),
    Location("08", "Department or discount store", "Department/Discount Store", PlaceType.SHOP),
    Location("09", "Drug store, doctor or hospital", "Drug Store/Dr Office/Hospital", PlaceType.HEALTH),
    Location("10", "Field or woods", "Field/Woods/Park", PlaceType.PARK),
    Location("11", "Government or public building", "Government/Public Building", PlaceType.GOVERNMENT),
    Location("12", "Grocery or supermarket", "Grocery/Supermarket", PlaceType.SHOP),
    Location("13", "Highway, road, alley or street", "Highway/Road/Alley/Street", PlaceType.STREET),
    Location("14", "Hotel or motel", "Hotel/Motel/etc.", PlaceType.OTHER),
    Location("15", "Jail or prison", "Jail/Prison", PlaceType.POLICE_JAIL),
    Location("16", "Lake, waterway or beach", "Lake/Waterway/Beach", PlaceType.PARK),
    Location("17", "Liquor store", "Liquor Store", PlaceType.SHOP),
    Location("18", "Parking lot or garage", "Parking Lot/Garage", PlaceType.PARKING),
    Location("19", "Rental storage", "Rental Storage Facility", PlaceType.OTHER),
    Location("20", "Residence or home", "Residence/Home/Driveway", PlaceType.HOME),
    Location("21", "Restaurant", "Restaurant", PlaceType.RESTAURANT),
    Location("23", "Service or gas station", "Service/Gas Station", PlaceType.SHOP),
    Location("24", "Specialty store", "Specialty Store (TV/Fur/etc.)", PlaceType.SHOP),
    Location("25", "Other or unknown", "Other/Unknown", PlaceType.OTHER),
    Location("37", "Abandoned or condemned structure", "Abandoned/Condemned Structure", PlaceType.OTHER),
    Location("38", "Amusement park", "Amusement Park", PlaceType.OTHER),
    Location("39", "Arena, stadium or fairground", "Arena/Stadium/Fairgrounds/Coliseum", PlaceType.OTHER),
    Location("40", "ATM apart from a bank", "ATM Separate from Bank", PlaceType.OTHER),
    Location("41", "Auto dealership", "Auto Dealership New/Used", PlaceType.SHOP),
    Location("42", "Camp or campground", "Camp/Campground", PlaceType.PARK),
    Location("44", "Daycare", "Daycare Facility", PlaceType.OTHER),
    Location("45", "Dock, wharf or freight terminal", "Dock/Wharf/Freight/Modal Terminal", PlaceType.OTHER),
    Location("46", "Farm", "Farm Facility", PlaceType.OTHER),
    Location("47", "Gambling facility", "Gambling Facility/Casino/Race Track", PlaceType.OTHER),
    Location("48", "Industrial site", "Industrial Site", PlaceType.WORK),
    Location("50", "Park or playground", "Park/Playground", PlaceType.PARK),
    Location("51", "Rest area", "Rest Area", PlaceType.OTHER),
    Location("52", "College or university", "School-College/University", PlaceType.COLLEGE),
    Location("53", "Elementary or secondary school", "School-Elementary/Secondary", PlaceType.SCHOOL),
    Location("54", "Shelter", "Shelter-Mission/Homeless", PlaceType.SHELTER),
    Location("55", "Shopping mall", "Shopping Mall", PlaceType.SHOP),
    Location("56", "Tribal lands", "Tribal Lands", PlaceType.OTHER),
    Location("57", "Community center", "Community Center", PlaceType.OTHER),
    Location("58", "Cyberspace", "", PlaceType.ONLINE),
)

LOCATIONS: Final[Mapping[str, Location]] = {row.nibrs: row for row in _LOCATION_ROWS}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceStandard:
    """What a place of ours is in NIBRS: one code, or none and codes among which a reviewer picks."""

    nibrs: str = ""
    picks: tuple[str, ...] = ()


PLACES: Final[Mapping[PlaceType, PlaceStandard]] = {
    PlaceType.HOME: PlaceStandard(nibrs="20"),
    PlaceType.HOME_OTHER: PlaceStandard(nibrs="20"),
    PlaceType.STREET: PlaceStandard(nibrs="13"),
    PlaceType.PARKING: PlaceStandard(nibrs="18"),
    PlaceType.PARK: PlaceStandard(nibrs="50", picks=("10", "16")),
    PlaceType.TRANSIT: PlaceStandard(picks=("01",)),  # terminals only; on a vehicle there is no standard code
    PlaceType.BAR: PlaceStandard(nibrs="03"),
    PlaceType.RESTAURANT: PlaceStandard(nibrs="21"),
    PlaceType.SHOP: PlaceStandard(picks=("07", "08", "12", "17", "23", "24", "55")),
    PlaceType.WORK: PlaceStandard(picks=("05",)),  # or the workplace's own type
    PlaceType.SCHOOL: PlaceStandard(nibrs="53"),
    PlaceType.COLLEGE: PlaceStandard(nibrs="52"),
    PlaceType.HEALTH: PlaceStandard(nibrs="09"),
    PlaceType.SHELTER: PlaceStandard(nibrs="54"),
    PlaceType.WORSHIP: PlaceStandard(nibrs="04"),
    PlaceType.GOVERNMENT: PlaceStandard(nibrs="11"),
    PlaceType.POLICE_JAIL: PlaceStandard(nibrs="15", picks=("11",)),  # a station is a public building
    PlaceType.LGBTQ_SPACE: PlaceStandard(picks=("57", "03", "13")),
    PlaceType.ONLINE: PlaceStandard(nibrs="58"),
    PlaceType.OTHER: PlaceStandard(nibrs="25", picks=("14", "39", "44")),
    PlaceType.UNSURE: PlaceStandard(nibrs="25"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationStandard:
    """What a relation of ours is in NIBRS, where "the victim was the offender's ...": the direction is reversed.

    `nearest` is set where no standard code exists; `rule` says how to pick.
    """

    picks: tuple[str, ...] = ()
    nearest: tuple[str, ...] = ()
    rule: str = ""


RELATIONSHIPS: Final[Mapping[str, str]] = {
    "SE": "Spouse",
    "BG": "Boyfriend or girlfriend",
    "XS": "Ex-spouse",
    "XR": "Ex-partner",
    "CH": "Child",
    "PA": "Parent",
    "SB": "Brother or sister",
    "OF": "Other family member",
    "NE": "Neighbor",
    "EE": "Employee",
    "ER": "Employer",
    "AQ": "Acquaintance",
    "FR": "Friend",
    "OK": "Otherwise known",
    "ST": "Stranger",
    "RU": "Relationship unknown",
}

RELATIONS: Final[Mapping[OffenderRelation, RelationStandard]] = {
    OffenderRelation.STRANGER: RelationStandard(picks=("ST",)),
    OffenderRelation.ONLINE: RelationStandard(picks=("ST",)),
    OffenderRelation.PARTNER: RelationStandard(picks=("SE", "BG", "XS", "XR")),
    OffenderRelation.FAMILY: RelationStandard(
        picks=("CH", "PA", "SB", "SE", "OF"), rule="CH when the offender is the parent"
    ),
    OffenderRelation.NEIGHBOR: RelationStandard(picks=("NE",)),
    OffenderRelation.WORK: RelationStandard(
        picks=("EE", "ER", "OK"),
        rule="EE when the offender is the boss, ER when the offender is the employee, else OK",
    ),
    OffenderRelation.KNOWN: RelationStandard(picks=("AQ", "FR", "OK")),
    OffenderRelation.STUDENT: RelationStandard(picks=("AQ", "FR", "OK")),
    OffenderRelation.DATING: RelationStandard(picks=("AQ", "FR", "OK")),
    OffenderRelation.LANDLORD: RelationStandard(picks=("OK",)),
    OffenderRelation.SCHOOL_STAFF: RelationStandard(picks=("OK",)),
    OffenderRelation.HEALTH: RelationStandard(picks=("OK",)),
    OffenderRelation.BUSINESS: RelationStandard(picks=("ST", "AQ")),
    OffenderRelation.CUSTOMER: RelationStandard(picks=("ST", "AQ")),
    OffenderRelation.OFFICER: RelationStandard(nearest=("ST", "OK")),
    OffenderRelation.SECURITY: RelationStandard(nearest=("ST", "OK")),
    OffenderRelation.GROUP: RelationStandard(),
    OffenderRelation.UNSURE: RelationStandard(picks=("RU",)),
}


@dataclass(frozen=True, slots=True)
class Offense:
    """A NIBRS offense, California's name of it in `MostSeriousUcr`, and ODIHR's type."""

    nibrs: str
    name: str
    california: str
    odihr: str


_OFFENSE_ROWS: Final = (
    Offense("09A", "Murder", "Murder", "violent attack"),
    Offense("100", "Kidnapping", "Kidnapping/Abduction", "violent attack"),
    Offense("11A", "Rape", "Rape", "violent attack"),
    Offense("11B", "Sodomy", "", "violent attack"),
    Offense("11C", "Sexual assault with an object", "", "violent attack"),
    Offense("11D", "Fondling", "Fondling", "violent attack"),
    Offense("120", "Robbery", "Robbery", "violent attack"),
    Offense("13A", "Aggravated assault", "Aggravated Assault", "violent attack"),
    Offense("13B", "Simple assault", "Simple Assault", "violent attack"),
    Offense("13C", "Intimidation", "Intimidation", "threat"),
    Offense("200", "Arson", "Arson", "attack on property"),
    Offense("210", "Extortion or blackmail", "", "threat"),
    Offense("220", "Burglary", "Burglary", "attack on property"),
    Offense("23A", "Pocket-picking", "Larceny-Theft", "attack on property"),
    Offense("23B", "Purse-snatching", "Larceny-Theft", "attack on property"),
    Offense("23C", "Shoplifting", "Larceny-Theft", "attack on property"),
    Offense("23D", "Theft from a building", "Larceny-Theft", "attack on property"),
    Offense("23E", "Theft from a coin machine", "Larceny-Theft", "attack on property"),
    Offense("23F", "Theft from a vehicle", "Larceny-Theft", "attack on property"),
    Offense("23G", "Theft of vehicle parts", "Larceny-Theft", "attack on property"),
    Offense("23H", "Other theft", "Larceny-Theft", "attack on property"),
    Offense("240", "Vehicle theft", "Motor Vehicle Theft", "attack on property"),
    Offense("290", "Damage or vandalism", "Destruction/Damage/Vandalism", "attack on property"),
    Offense("64A", "Human trafficking, commercial sex acts", "", "violent attack"),
)

OFFENSES: Final[Mapping[str, Offense]] = {row.nibrs: row for row in _OFFENSE_ROWS}


@dataclass(frozen=True, slots=True, kw_only=True)
class OffenseSuggestion:
    """What a tick suggests to a coder, never more: `first` before `only_if`.

    Both empty is a result: a bias incident, not a crime. `rule` says when each of `only_if` applies.
    """

    first: tuple[str, ...] = ()
    only_if: tuple[str, ...] = ()
    rule: str = ""


_THREATENING: Final = OffenseSuggestion(only_if=("13C",), rule="13C if it would frighten; else none")
_STRUCK: Final = OffenseSuggestion(first=("13B",), only_if=("13A",), rule="13A if the injury is serious")
_DAMAGED: Final = OffenseSuggestion(
    first=("290",), only_if=("200", "220", "23H"), rule="200 by fire; 220 for a break-in; 23H if taken"
)
_NOT_AN_OFFENSE: Final = OffenseSuggestion(rule="none: discrimination, not an offense")
_BY_WHAT_WAS_DONE: Final = OffenseSuggestion(rule="by what was done")

OFFENSE_SUGGESTIONS: Final[Mapping[IncidentType, OffenseSuggestion]] = {
    IncidentType.WORDS: OffenseSuggestion(rule="none: bias incident"),
    IncidentType.THREAT: _THREATENING,
    IncidentType.FOLLOWED: _THREATENING,
    IncidentType.OUTED: OffenseSuggestion(only_if=("210",), rule="none: bias incident; 210 with a demand"),
    IncidentType.MISGENDERED: OffenseSuggestion(rule="none: bias incident"),
    IncidentType.ONLINE: _THREATENING,
    IncidentType.SPAT: _STRUCK,
    IncidentType.HIT: _STRUCK,
    IncidentType.WEAPON: OffenseSuggestion(
        only_if=("13A",), rule="13A if used or shown to threaten; 13C excludes a weapon in sight"
    ),
    IncidentType.SEXUAL_HARASS: OffenseSuggestion(only_if=("11D",), rule="none; 11D if touched"),
    IncidentType.SEXUAL_ASSAULT: OffenseSuggestion(
        first=("11A", "11B", "11C", "11D"), rule="by what was done"
    ),
    IncidentType.DAMAGE: _DAMAGED,
    IncidentType.FLAG: _DAMAGED,
    IncidentType.ROBBED: OffenseSuggestion(
        only_if=("120", "23A", "23B", "23C", "23D", "23E", "23F", "23G", "23H", "240"),
        rule="120 by force; else 23A to 23H; 240 for a vehicle",
    ),
    IncidentType.BLACKMAIL: OffenseSuggestion(first=("210",)),
    IncidentType.SERVICE: _NOT_AN_OFFENSE,
    IncidentType.HOUSING: _NOT_AN_OFFENSE,
    IncidentType.WORK: _NOT_AN_OFFENSE,
    IncidentType.SCHOOL: _NOT_AN_OFFENSE,
    IncidentType.HEALTH: _NOT_AN_OFFENSE,
    IncidentType.TRANSPORT: _NOT_AN_OFFENSE,
    IncidentType.FAMILY: OffenseSuggestion(
        only_if=("13A", "13B", "13C"), rule="none; 13A to 13C by what was done"
    ),
    IncidentType.OFFICER: _BY_WHAT_WAS_DONE,
    IncidentType.OTHER: _BY_WHAT_WAS_DONE,
}

# California's `Offensive_Act`, after `folded`: the state spells some of them two ways.
CALIFORNIA_ACTS: Final = frozenset({
    "annoying telephone calls/fax", "bombing", "cross burning", "damage to home/building", "damage to vehicle",
    "daubing of swastika", "disturbing public assembly/meeting", "explosion", "graffiti", "hanging in effigy",
    "harassing communication", "other", "rock throwing", "threatening letters/flyers/email", "unknown",
    "verbal slurs",
})  # fmt: skip


def folded(label: str) -> str:
    """A California label as it must be joined: the state writes one thing in two cases."""
    return label.casefold()


def place_of(code: str) -> str:
    """The place of ours that a coded place, ours or a NIBRS location, rolls up to; unknown codes stay as they are."""
    location = LOCATIONS.get(code)
    return code if location is None else location.place.value


# What a coder may write. Our own code stands where no standard code exists.
BIAS_CODED: Final = frozenset(BIAS)
PLACE_CODED: Final = frozenset(LOCATIONS) | frozenset(place.value for place in PLACES)
RELATION_CODED: Final = frozenset(RELATIONSHIPS) | frozenset(relation.value for relation in RELATIONS)
OFFENSE_CODED: Final = frozenset(OFFENSES)
