"""Every code an answer can have, in page order, and its English label.

Codes are for ever: a code is never reused and never given another meaning. A code that is no longer asked keeps its
member and its label and moves into `RETIRED`, so that old reports stay readable. A new code is a new minor
`FORM_VERSION`. Labels stand apart from the codes: they are the source text of the translations and may be reworded.
Local answers (areas, agencies, shares) come from the signed configuration; only their built-in codes are here.

Far above 300 lines on purpose: it is one list, and a reader must be able to hold it against the questionnaire.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class IncidentType(StrEnum):
    """What kind of thing it was."""

    WORDS = "words"
    THREAT = "threat"
    FOLLOWED = "followed"
    OUTED = "outed"
    MISGENDERED = "misgendered"
    ONLINE = "online"
    SPAT = "spat"
    HIT = "hit"
    WEAPON = "weapon"
    SEXUAL_HARASS = "sexual_harass"
    SEXUAL_ASSAULT = "sexual_assault"
    DAMAGE = "damage"
    FLAG = "flag"
    ROBBED = "robbed"
    BLACKMAIL = "blackmail"
    SERVICE = "service"
    HOUSING = "housing"
    WORK = "work"
    SCHOOL = "school"
    HEALTH = "health"
    TRANSPORT = "transport"
    FAMILY = "family"
    OFFICER = "officer"
    OTHER = "other"


class Series(StrEnum):
    """Once, or more than once."""

    ONCE = "once"
    SEVERAL = "several"
    ONGOING = "ongoing"
    UNSURE = "unsure"
    SKIP = "skip"


class When(StrEnum):
    """How long before the day of sending."""

    D2 = "d2"
    D7 = "d7"
    D31 = "d31"
    Y1 = "y1"
    OLDER = "older"
    UNSURE = "unsure"
    SKIP = "skip"


class PlaceType(StrEnum):
    """What kind of place."""

    HOME = "home"
    HOME_OTHER = "home_other"
    STREET = "street"
    PARKING = "parking"
    PARK = "park"
    TRANSIT = "transit"
    BAR = "bar"
    RESTAURANT = "restaurant"
    SHOP = "shop"
    WORK = "work"
    SCHOOL = "school"
    COLLEGE = "college"
    HEALTH = "health"
    SHELTER = "shelter"
    WORSHIP = "worship"
    GOVERNMENT = "government"
    POLICE_JAIL = "police_jail"
    LGBTQ_SPACE = "lgbtq_space"
    ONLINE = "online"
    OTHER = "other"
    UNSURE = "unsure"
    SKIP = "skip"


class Bias(StrEnum):
    """What the reporter thinks it was about; HIV only as the motive of who did it."""

    SOGI_GAY = "sogi.gay"
    SOGI_LESBIAN = "sogi.lesbian"
    SOGI_BISEXUAL = "sogi.bisexual"
    SOGI_QUEER = "sogi.queer"
    SOGI_ASEXUAL = "sogi.asexual"
    GI_TRANS = "gi.trans"
    GI_GNC = "gi.gnc"
    GI_INTERSEX = "gi.intersex"
    GENDER_FEMALE = "gender.female"
    GENDER_MALE = "gender.male"
    RACE = "race"
    ETH_CITIZENSHIP = "eth.citizenship"
    ETH_LANGUAGE = "eth.language"
    RELIGION = "religion"
    DIS_PHYSICAL = "dis.physical"
    DIS_MENTAL = "dis.mental"
    HEALTH_HIV = "health.hiv"
    AGE = "age"
    HOUSING = "housing"
    SEXWORK = "sexwork"
    ASSOC = "assoc"
    OTHER = "other"
    UNSURE = "unsure"


class BiasGroup(StrEnum):
    """Which race, background or religion."""

    RACE_BLACK = "race.black"
    RACE_ASIAN = "race.asian"
    RACE_NATIVE = "race.native"
    RACE_NHPI = "race.nhpi"
    RACE_WHITE = "race.white"
    ETH_HISPANIC = "eth.hispanic"
    ETH_ARAB = "eth.arab"
    ETH_OTHER = "eth.other"
    REL_JEWISH = "rel.jewish"
    REL_MUSLIM = "rel.muslim"
    REL_SIKH = "rel.sikh"
    REL_HINDU = "rel.hindu"
    REL_BUDDHIST = "rel.buddhist"
    REL_CHRISTIAN = "rel.christian"
    REL_ATHEIST = "rel.atheist"
    REL_OTHER = "rel.other"


class BiasSign(StrEnum):
    """What makes the reporter think so."""

    SLURS = "slurs"
    SYMBOLS = "symbols"
    PRIDE_ITEM = "pride_item"
    WITH_PARTNER = "with_partner"
    LGBTQ_PLACE = "lgbtq_place"
    DATE = "date"
    SAME_PERSON = "same_person"
    ONLINE_POSTS = "online_posts"
    ASSUMED = "assumed"
    NO_OTHER = "no_other"
    UNSURE = "unsure"


class Role(StrEnum):
    """Who the report is about."""

    ME = "me"
    SAW = "saw"
    FOR_SOMEONE = "for_someone"
    ORG = "org"
    SKIP = "skip"


class OffenderRelation(StrEnum):
    """Who did it, never by name."""

    STRANGER = "stranger"
    PARTNER = "partner"
    FAMILY = "family"
    NEIGHBOR = "neighbor"
    LANDLORD = "landlord"
    WORK = "work"
    SCHOOL_STAFF = "school_staff"
    STUDENT = "student"
    HEALTH = "health"
    BUSINESS = "business"
    CUSTOMER = "customer"
    DATING = "dating"
    SECURITY = "security"
    OFFICER = "officer"
    ONLINE = "online"
    GROUP = "group"
    KNOWN = "known"
    UNSURE = "unsure"


class Harm(StrEnum):
    """What it did to the person."""

    HURT_MINOR = "hurt_minor"
    HURT_CARE = "hurt_care"
    HURT_NOCARE = "hurt_nocare"
    AFRAID = "afraid"
    SLEEP = "sleep"
    AVOID = "avoid"
    HIDE = "hide"
    MISSED = "missed"
    MOVED = "moved"
    SELFHARM = "selfharm"
    OTHER = "other"
    NONE = "none"


class ReportedTo(StrEnum):
    """Who else was told."""

    NONE = "none"
    POLICE = "police"
    CAMPUS = "campus"
    CAVSHATE = "cavshate"
    CRD = "crd"
    EMPLOYER_SCHOOL = "employer_school"
    PLATFORM = "platform"
    FRIENDS = "friends"
    LGBTQ_GROUP = "lgbtq_group"
    COMPLAINT = "complaint"
    OTHER = "other"


class WhyNotPolice(StrEnum):
    """Why the police were not told."""

    NOTHING = "nothing"
    MINOR = "minor"
    COMMON = "common"
    NOTCRIME = "notcrime"
    NOHOW = "nohow"
    NOTBELIEVED = "notbelieved"
    FEAR_POLICE = "fear_police"
    PAST = "past"
    OUTED = "outed"
    IMMIGRATION = "immigration"
    TROUBLE = "trouble"
    RETALIATION = "retaliation"
    NOPUNISH = "nopunish"
    LANGUAGE = "language"
    STRESS = "stress"
    OTHERWAY = "otherway"
    OTHER = "other"


class OfficerContact(StrEnum):
    """How the person met the officers."""

    CALLED = "called"
    CAR_STOP = "car_stop"
    FOOT_STOP = "foot_stop"
    HOME = "home"
    EVENT = "event"
    CUSTODY = "custody"
    STATION = "station"
    REMOTE = "remote"
    OTHER = "other"


class OfficerConduct(StrEnum):
    """How the officers acted; good answers first, a fair measure is a credible one."""

    RESPECT = "respect"
    HELPED = "helped"
    TOOK_REPORT = "took_report"
    HATE_NOTED = "hate_noted"
    INDIFFERENT = "indifferent"
    HOSTILE = "hostile"
    REFUSED_REPORT = "refused_report"
    HATE_NOT_NOTED = "hate_not_noted"
    MOCKED = "mocked"
    MISGENDERED = "misgendered"
    OUTED = "outed"
    SUSPECT = "suspect"
    PROFILED = "profiled"
    SEARCHED = "searched"
    BODY_SEARCH = "body_search"
    FORCE = "force"
    ARREST = "arrest"
    UNSAFE_HOUSING = "unsafe_housing"
    SEXUAL = "sexual"
    IMMIGRATION = "immigration"
    THREATENED = "threatened"
    RETALIATION = "retaliation"
    DEVICE = "device"
    OTHER = "other"


class OfficerBasis(StrEnum):
    """Why the officers acted so: the grounds of California's RIPA, and three of ours."""

    RACE = "race"
    ORIGIN = "origin"
    RELIGION = "religion"
    GENDER_ID = "gender_id"
    ORIENTATION = "orientation"
    AGE = "age"
    DISABILITY = "disability"
    LANGUAGE = "language"
    HOUSING = "housing"
    SEXWORK = "sexwork"
    NONE = "none"
    UNSURE = "unsure"


class Need(StrEnum):
    """What would help."""

    COUNSELING = "counseling"
    MEDICAL = "medical"
    LEGAL = "legal"
    SAFETY = "safety"
    HOUSING = "housing"
    CALVCB = "calvcb"
    ADVOCATE = "advocate"
    LANGUAGE = "language"
    COMPLAINT = "complaint"
    REPAIR = "repair"
    HEARD = "heard"
    NONE = "none"


class AgeBand(StrEnum):
    """Age of the person it happened to, in years."""

    U18 = "u18"
    A18_24 = "18_24"
    A25_34 = "25_34"
    A35_49 = "35_49"
    A50_64 = "50_64"
    A65P = "65p"
    SKIP = "skip"


class Gender(StrEnum):
    """Gender of the person it happened to."""

    WOMAN = "woman"
    MAN = "man"
    NONBINARY = "nonbinary"
    GENDERFLUID = "genderfluid"
    AGENDER = "agender"
    TWO_SPIRIT = "two_spirit"
    SELF = "self"


class GenderHistory(StrEnum):
    """Trans or intersex; sex assigned at birth is never asked."""

    TRANS = "trans"
    INTERSEX = "intersex"
    QUESTIONING = "questioning"
    NEITHER = "neither"


class Orientation(StrEnum):
    """Orientation of the person it happened to."""

    GAY = "gay"
    LESBIAN = "lesbian"
    BISEXUAL = "bisexual"
    PAN = "pan"
    QUEER = "queer"
    ASEXUAL = "asexual"
    STRAIGHT = "straight"
    QUESTIONING = "questioning"
    SELF = "self"


class RaceEthnicity(StrEnum):
    """Race or ethnicity of the person it happened to, one combined question."""

    NATIVE = "native"
    ASIAN = "asian"
    BLACK = "black"
    HISPANIC = "hispanic"
    MENA = "mena"
    NHPI = "nhpi"
    WHITE = "white"
    SELF = "self"


class Disability(StrEnum):
    """Disability or long illness of the person it happened to."""

    MOBILITY = "mobility"
    DEAF = "deaf"
    BLIND = "blind"
    COGNITIVE = "cognitive"
    MENTAL = "mental"
    CHRONIC = "chronic"
    NONE = "none"


class AreaBuiltIn(StrEnum):
    """Answers to `area` that every Center has, after its own."""

    ONLINE = "online"
    UNSURE = "unsure"
    SKIP = "skip"


class AgencyBuiltIn(StrEnum):
    """Answers to `officer_agency` that every Center has, after its own."""

    SECURITY = "security"
    UNSURE = "unsure"
    SKIP = "skip"


class ConsentMode(StrEnum):
    """What the page said when it asked about counting."""

    DEFAULT_YES = "default_yes"
    OPT_IN = "opt_in"


class Channel(StrEnum):
    """How a report arrived; never derived from a request."""

    ONLINE = "online"
    KIOSK = "kiosk"
    PHONE = "phone"
    PAPER = "paper"
    WALK_IN = "walk_in"


RETIRED: Final[Mapping[type[StrEnum], frozenset[str]]] = {}  # codes no longer asked, by list; none since 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeGroup:
    """Codes that stand together under a heading, on the page and as the first roll-up of tables."""

    code: str
    label: str
    codes: tuple[str, ...]


INCIDENT_GROUPS: Final = (
    CodeGroup(
        code="words",
        label="Words and threats",
        codes=(
            IncidentType.WORDS,
            IncidentType.THREAT,
            IncidentType.FOLLOWED,
            IncidentType.OUTED,
            IncidentType.MISGENDERED,
            IncidentType.ONLINE,
        ),
    ),
    CodeGroup(
        code="attacked",
        label="Hurt or attacked",
        codes=(
            IncidentType.SPAT,
            IncidentType.HIT,
            IncidentType.WEAPON,
            IncidentType.SEXUAL_HARASS,
            IncidentType.SEXUAL_ASSAULT,
        ),
    ),
    CodeGroup(
        code="things",
        label="Things and money",
        codes=(IncidentType.DAMAGE, IncidentType.FLAG, IncidentType.ROBBED, IncidentType.BLACKMAIL),
    ),
    CodeGroup(
        code="shut_out",
        label="Shut out or treated worse",
        codes=(
            IncidentType.SERVICE,
            IncidentType.HOUSING,
            IncidentType.WORK,
            IncidentType.SCHOOL,
            IncidentType.HEALTH,
            IncidentType.TRANSPORT,
        ),
    ),
    CodeGroup(
        code="other",
        label="Other",
        codes=(IncidentType.FAMILY, IncidentType.OFFICER, IncidentType.OTHER),
    ),
)

CONDUCT_GROUPS: Final = (
    CodeGroup(
        code="good",
        label="Good",
        codes=(
            OfficerConduct.RESPECT,
            OfficerConduct.HELPED,
            OfficerConduct.TOOK_REPORT,
            OfficerConduct.HATE_NOTED,
        ),
    ),
    CodeGroup(
        code="bad",
        label="Bad",
        codes=tuple(
            code for code in OfficerConduct if code not in ("respect", "helped", "took_report", "hate_noted")
        ),
    ),
)

_SKIP: Final = "I'd rather not say"
_UNSURE: Final = "I don't know"

INCIDENT_TYPE_LABELS: Final[Mapping[str, str]] = {
    IncidentType.WORDS: "Slurs or insults",
    IncidentType.THREAT: "Threats",
    IncidentType.FOLLOWED: "Followed, watched or stalked",
    IncidentType.OUTED: "Outed, or threatened with it",
    IncidentType.MISGENDERED: "Wrong name or gender used to hurt",
    IncidentType.ONLINE: "Messages, posts or calls",
    IncidentType.SPAT: "Spat on, pushed, or something thrown",
    IncidentType.HIT: "Hit, kicked or beaten",
    IncidentType.WEAPON: "A weapon shown or used",
    IncidentType.SEXUAL_HARASS: "Sexual words or acts that were not wanted",
    IncidentType.SEXUAL_ASSAULT: "Sexual touching or sex by force",
    IncidentType.DAMAGE: "Damage to a home, car or belongings",
    IncidentType.FLAG: "Graffiti, or a flag or sign taken or burned",
    IncidentType.ROBBED: "Robbed or stolen from",
    IncidentType.BLACKMAIL: "Blackmail",
    IncidentType.SERVICE: "Refused service or not let in",
    IncidentType.HOUSING: "At home: by a landlord, or when looking for a place",
    IncidentType.WORK: "At work, or when looking for work",
    IncidentType.SCHOOL: "At school or college",
    IncidentType.HEALTH: "By a doctor, clinic or hospital",
    IncidentType.TRANSPORT: "On a bus, train, taxi or ride",
    IncidentType.FAMILY: "Pressure from family or a faith group to change",
    IncidentType.OFFICER: "By police or another officer",
    IncidentType.OTHER: "Something else",
}

SERIES_LABELS: Final[Mapping[str, str]] = {
    Series.ONCE: "Once",
    Series.SEVERAL: "More than once",
    Series.ONGOING: "It is still going on",
    Series.UNSURE: _UNSURE,
    Series.SKIP: _SKIP,
}

WHEN_LABELS: Final[Mapping[str, str]] = {
    When.D2: "Today or yesterday",
    When.D7: "In the last 7 days",
    When.D31: "In the last month",
    When.Y1: "In the last year",
    When.OLDER: "Longer ago",
    When.UNSURE: _UNSURE,
    When.SKIP: _SKIP,
}

PLACE_TYPE_LABELS: Final[Mapping[str, str]] = {
    PlaceType.HOME: "At home",
    PlaceType.HOME_OTHER: "In another person's home",
    PlaceType.STREET: "Street or sidewalk",
    PlaceType.PARKING: "Parking lot or garage",
    PlaceType.PARK: "Park or trail",
    PlaceType.TRANSIT: "Bus, train or stop",
    PlaceType.BAR: "Bar or club",
    PlaceType.RESTAURANT: "Restaurant or cafe",
    PlaceType.SHOP: "Shop or gas station",
    PlaceType.WORK: "Place of work",
    PlaceType.SCHOOL: "School (K-12)",
    PlaceType.COLLEGE: "College",
    PlaceType.HEALTH: "Doctor, clinic or hospital",
    PlaceType.SHELTER: "Shelter or housing program",
    PlaceType.WORSHIP: "Place of worship",
    PlaceType.GOVERNMENT: "Public office or court",
    PlaceType.POLICE_JAIL: "Police station or jail",
    PlaceType.LGBTQ_SPACE: "LGBTQ+ place or event",
    PlaceType.ONLINE: "Online or by phone",
    PlaceType.OTHER: "Somewhere else",
    PlaceType.UNSURE: _UNSURE,
    PlaceType.SKIP: _SKIP,
}

BIAS_LABELS: Final[Mapping[str, str]] = {
    Bias.SOGI_GAY: "Being gay",
    Bias.SOGI_LESBIAN: "Being lesbian",
    Bias.SOGI_BISEXUAL: "Being bisexual or pansexual",
    Bias.SOGI_QUEER: "Being queer, or another orientation",
    Bias.SOGI_ASEXUAL: "Being asexual",
    Bias.GI_TRANS: "Being trans",
    Bias.GI_GNC: "Being nonbinary, or how I dress, look or act",
    Bias.GI_INTERSEX: "Being intersex",
    Bias.GENDER_FEMALE: "Being a woman or girl",
    Bias.GENDER_MALE: "Being a man or boy",
    Bias.RACE: "Race, color or background",
    Bias.ETH_CITIZENSHIP: "Being an immigrant, or not a citizen",
    Bias.ETH_LANGUAGE: "Language or accent",
    Bias.RELIGION: "Religion, or having none",
    Bias.DIS_PHYSICAL: "A disability of the body",
    Bias.DIS_MENTAL: "A disability of the mind, or mental health",
    Bias.HEALTH_HIV: "HIV, or they thought so",
    Bias.AGE: "Age",
    Bias.HOUSING: "Having no home",
    Bias.SEXWORK: "Sex work, or they thought so",
    Bias.ASSOC: "Being with someone, or standing up for them",
    Bias.OTHER: "Something else",
    Bias.UNSURE: _UNSURE,
}

BIAS_GROUP_LABELS: Final[Mapping[str, str]] = {
    BiasGroup.RACE_BLACK: "Black or African American",
    BiasGroup.RACE_ASIAN: "Asian",
    BiasGroup.RACE_NATIVE: "Native American or Alaska Native",
    BiasGroup.RACE_NHPI: "Native Hawaiian or Pacific Islander",
    BiasGroup.RACE_WHITE: "White",
    BiasGroup.ETH_HISPANIC: "Latino or Hispanic",
    BiasGroup.ETH_ARAB: "Arab, Middle Eastern or North African",
    BiasGroup.ETH_OTHER: "Another background",
    BiasGroup.REL_JEWISH: "Jewish",
    BiasGroup.REL_MUSLIM: "Muslim",
    BiasGroup.REL_SIKH: "Sikh",
    BiasGroup.REL_HINDU: "Hindu",
    BiasGroup.REL_BUDDHIST: "Buddhist",
    BiasGroup.REL_CHRISTIAN: "Christian",
    BiasGroup.REL_ATHEIST: "No religion",
    BiasGroup.REL_OTHER: "Another religion",
}

BIAS_SIGN_LABELS: Final[Mapping[str, str]] = {
    BiasSign.SLURS: "Slurs or what they said",
    BiasSign.SYMBOLS: "Signs or symbols of hate",
    BiasSign.PRIDE_ITEM: "Pride clothing, sticker or flag",
    BiasSign.WITH_PARTNER: "I was with my partner",
    BiasSign.LGBTQ_PLACE: "Near an LGBTQ+ place or event",
    BiasSign.DATE: "A day that means something",
    BiasSign.SAME_PERSON: "The same person did it before",
    BiasSign.ONLINE_POSTS: "What they posted online",
    BiasSign.ASSUMED: "They thought something untrue about me",
    BiasSign.NO_OTHER: "I see no other reason",
    BiasSign.UNSURE: _UNSURE,
}

ROLE_LABELS: Final[Mapping[str, str]] = {
    Role.ME: "It happened to me",
    Role.SAW: "I saw it",
    Role.FOR_SOMEONE: "For someone I know",
    Role.ORG: "For a group or a building",
    Role.SKIP: _SKIP,
}

OFFENDER_RELATION_LABELS: Final[Mapping[str, str]] = {
    OffenderRelation.STRANGER: "A stranger",
    OffenderRelation.PARTNER: "A partner or ex",
    OffenderRelation.FAMILY: "Family",
    OffenderRelation.NEIGHBOR: "A neighbor",
    OffenderRelation.LANDLORD: "A landlord or housing staff",
    OffenderRelation.WORK: "Someone from work",
    OffenderRelation.SCHOOL_STAFF: "School staff",
    OffenderRelation.STUDENT: "A student",
    OffenderRelation.HEALTH: "Health care staff",
    OffenderRelation.BUSINESS: "Staff of a shop or business",
    OffenderRelation.CUSTOMER: "A customer",
    OffenderRelation.DATING: "Someone from a dating app",
    OffenderRelation.SECURITY: "A security guard",
    OffenderRelation.OFFICER: "Police or another officer",
    OffenderRelation.ONLINE: "Someone online",
    OffenderRelation.GROUP: "A hate group",
    OffenderRelation.KNOWN: "Someone I know in another way",
    OffenderRelation.UNSURE: _UNSURE,
}

HARM_LABELS: Final[Mapping[str, str]] = {
    Harm.HURT_MINOR: "Hurt, but no care needed",
    Harm.HURT_CARE: "Hurt, and got care",
    Harm.HURT_NOCARE: "Hurt, but could not get care",
    Harm.AFRAID: "Afraid",
    Harm.SLEEP: "Bad sleep or bad dreams",
    Harm.AVOID: "Staying away from some places",
    Harm.HIDE: "Hiding who I am",
    Harm.MISSED: "Missed work or school",
    Harm.MOVED: "Had to move",
    Harm.SELFHARM: "Thoughts of self-harm",
    Harm.OTHER: "Something else",
    Harm.NONE: "None of these",
}

REPORTED_TO_LABELS: Final[Mapping[str, str]] = {
    ReportedTo.NONE: "No one",
    ReportedTo.POLICE: "Police or sheriff",
    ReportedTo.CAMPUS: "Campus police or staff",
    ReportedTo.CAVSHATE: "CA vs Hate",
    ReportedTo.CRD: "Civil Rights Department",
    ReportedTo.EMPLOYER_SCHOOL: "My work or school",
    ReportedTo.PLATFORM: "The app or website",
    ReportedTo.FRIENDS: "Friends or family",
    ReportedTo.LGBTQ_GROUP: "An LGBTQ+ group",
    ReportedTo.COMPLAINT: "A complaint about the officer",
    ReportedTo.OTHER: "Someone else",
}

WHY_NOT_POLICE_LABELS: Final[Mapping[str, str]] = {
    WhyNotPolice.NOTHING: "Nothing would happen",
    WhyNotPolice.MINOR: "It seemed too small",
    WhyNotPolice.COMMON: "It happens all the time",
    WhyNotPolice.NOTCRIME: "Not sure it is a crime",
    WhyNotPolice.NOHOW: "I did not know how",
    WhyNotPolice.NOTBELIEVED: "They would not believe me",
    WhyNotPolice.FEAR_POLICE: "I am afraid of police",
    WhyNotPolice.PAST: "It went badly before",
    WhyNotPolice.OUTED: "I might be outed",
    WhyNotPolice.IMMIGRATION: "Worry about immigration",
    WhyNotPolice.TROUBLE: "I might get in trouble myself",
    WhyNotPolice.RETALIATION: "They might get back at me",
    WhyNotPolice.NOPUNISH: "I do not want them punished",
    WhyNotPolice.LANGUAGE: "My language, or hard to get to",
    WhyNotPolice.STRESS: "Too much stress or no time",
    WhyNotPolice.OTHERWAY: "I dealt with it another way",
    WhyNotPolice.OTHER: "Another reason",
}

OFFICER_CONTACT_LABELS: Final[Mapping[str, str]] = {
    OfficerContact.CALLED: "I or someone called them",
    OfficerContact.CAR_STOP: "They stopped a car or bike",
    OfficerContact.FOOT_STOP: "They stopped me on foot",
    OfficerContact.HOME: "They came to a home",
    OfficerContact.EVENT: "At an event or protest",
    OfficerContact.CUSTODY: "In jail or held by them",
    OfficerContact.STATION: "At a station or desk",
    OfficerContact.REMOTE: "By phone or online",
    OfficerContact.OTHER: "Another way",
}

OFFICER_CONDUCT_LABELS: Final[Mapping[str, str]] = {
    OfficerConduct.RESPECT: "Treated me with respect",
    OfficerConduct.HELPED: "Helped",
    OfficerConduct.TOOK_REPORT: "Took a report",
    OfficerConduct.HATE_NOTED: "Wrote it down as hate",
    OfficerConduct.INDIFFERENT: "Did not care",
    OfficerConduct.HOSTILE: "Rude or angry",
    OfficerConduct.REFUSED_REPORT: "Would not take a report",
    OfficerConduct.HATE_NOT_NOTED: "Would not write it down as hate",
    OfficerConduct.MOCKED: "Made fun of me, or used slurs",
    OfficerConduct.MISGENDERED: "Used the wrong name or gender",
    OfficerConduct.OUTED: "Outed me",
    OfficerConduct.SUSPECT: "Treated the person who was harmed as a suspect",
    OfficerConduct.PROFILED: "Judged by looks, such as thinking it was sex work",
    OfficerConduct.SEARCHED: "Searched me or my things",
    OfficerConduct.BODY_SEARCH: "Searched my body, or to check my gender",
    OfficerConduct.FORCE: "Used force",
    OfficerConduct.ARREST: "Arrested me",
    OfficerConduct.UNSAFE_HOUSING: "Put me in an unsafe cell or unit",
    OfficerConduct.SEXUAL: "Sexual words or acts",
    OfficerConduct.IMMIGRATION: "Asked if I am here legally",
    OfficerConduct.THREATENED: "Threatened me",
    OfficerConduct.RETALIATION: "Got back at me for speaking up",
    OfficerConduct.DEVICE: "Took a phone, or deleted a video",
    OfficerConduct.OTHER: "Something else",
}

OFFICER_BASIS_LABELS: Final[Mapping[str, str]] = {
    OfficerBasis.RACE: "Race or color",
    OfficerBasis.ORIGIN: "Where I or my family come from",
    OfficerBasis.RELIGION: "Religion",
    OfficerBasis.GENDER_ID: "Gender, or how I show it",
    OfficerBasis.ORIENTATION: "Orientation",
    OfficerBasis.AGE: "Age",
    OfficerBasis.DISABILITY: "A disability",
    OfficerBasis.LANGUAGE: "Language or accent",
    OfficerBasis.HOUSING: "Having no home",
    OfficerBasis.SEXWORK: "Sex work, or they thought so",
    OfficerBasis.NONE: "None of these",
    OfficerBasis.UNSURE: _UNSURE,
}

NEED_LABELS: Final[Mapping[str, str]] = {
    Need.COUNSELING: "Someone to talk to",
    Need.MEDICAL: "A doctor or nurse",
    Need.LEGAL: "Help with the law",
    Need.SAFETY: "A plan to be safe",
    Need.HOUSING: "A safe place to live",
    Need.CALVCB: "Money help for people harmed by crime",
    Need.ADVOCATE: "Someone to go with me",
    Need.LANGUAGE: "Help in my language",
    Need.COMPLAINT: "Help with a complaint about an officer",
    Need.REPAIR: "Help to fix or clean up",
    Need.HEARD: "Just to be heard",
    Need.NONE: "Nothing right now",
}

AGE_BAND_LABELS: Final[Mapping[str, str]] = {
    AgeBand.U18: "Under 18",
    AgeBand.A18_24: "18 to 24",
    AgeBand.A25_34: "25 to 34",
    AgeBand.A35_49: "35 to 49",
    AgeBand.A50_64: "50 to 64",
    AgeBand.A65P: "65 or older",
    AgeBand.SKIP: _SKIP,
}

GENDER_LABELS: Final[Mapping[str, str]] = {
    Gender.WOMAN: "Woman",
    Gender.MAN: "Man",
    Gender.NONBINARY: "Nonbinary",
    Gender.GENDERFLUID: "Genderfluid",
    Gender.AGENDER: "Agender",
    Gender.TWO_SPIRIT: "Two-Spirit",
    Gender.SELF: "My own word",
}

GENDER_HISTORY_LABELS: Final[Mapping[str, str]] = {
    GenderHistory.TRANS: "Trans, or a trans history",
    GenderHistory.INTERSEX: "Intersex",
    GenderHistory.QUESTIONING: "Not sure yet",
    GenderHistory.NEITHER: "None of these",
}

ORIENTATION_LABELS: Final[Mapping[str, str]] = {
    Orientation.GAY: "Gay",
    Orientation.LESBIAN: "Lesbian",
    Orientation.BISEXUAL: "Bisexual",
    Orientation.PAN: "Pansexual",
    Orientation.QUEER: "Queer",
    Orientation.ASEXUAL: "Asexual",
    Orientation.STRAIGHT: "Straight",
    Orientation.QUESTIONING: "Not sure yet",
    Orientation.SELF: "My own word",
}

RACE_ETHNICITY_LABELS: Final[Mapping[str, str]] = {
    RaceEthnicity.NATIVE: "Native American or Alaska Native",
    RaceEthnicity.ASIAN: "Asian",
    RaceEthnicity.BLACK: "Black or African American",
    RaceEthnicity.HISPANIC: "Latino or Hispanic",
    RaceEthnicity.MENA: "Middle Eastern or North African",
    RaceEthnicity.NHPI: "Native Hawaiian or Pacific Islander",
    RaceEthnicity.WHITE: "White",
    RaceEthnicity.SELF: "My own word",
}

DISABILITY_LABELS: Final[Mapping[str, str]] = {
    Disability.MOBILITY: "Walking or moving",
    Disability.DEAF: "Deaf or hard of hearing",
    Disability.BLIND: "Blind or low vision",
    Disability.COGNITIVE: "Learning, memory or focus",
    Disability.MENTAL: "Mental health",
    Disability.CHRONIC: "A long illness or pain",
    Disability.NONE: "None",
}

AREA_LABELS: Final[Mapping[str, str]] = {
    AreaBuiltIn.ONLINE: "Online or by phone",
    AreaBuiltIn.UNSURE: _UNSURE,
    AreaBuiltIn.SKIP: _SKIP,
}

AGENCY_LABELS: Final[Mapping[str, str]] = {
    AgencyBuiltIn.SECURITY: "Security guards, not police",
    AgencyBuiltIn.UNSURE: _UNSURE,
    AgencyBuiltIn.SKIP: _SKIP,
}

LABELS: Final[Mapping[type[StrEnum], Mapping[str, str]]] = {
    IncidentType: INCIDENT_TYPE_LABELS,
    Series: SERIES_LABELS,
    When: WHEN_LABELS,
    PlaceType: PLACE_TYPE_LABELS,
    Bias: BIAS_LABELS,
    BiasGroup: BIAS_GROUP_LABELS,
    BiasSign: BIAS_SIGN_LABELS,
    Role: ROLE_LABELS,
    OffenderRelation: OFFENDER_RELATION_LABELS,
    Harm: HARM_LABELS,
    ReportedTo: REPORTED_TO_LABELS,
    WhyNotPolice: WHY_NOT_POLICE_LABELS,
    OfficerContact: OFFICER_CONTACT_LABELS,
    OfficerConduct: OFFICER_CONDUCT_LABELS,
    OfficerBasis: OFFICER_BASIS_LABELS,
    Need: NEED_LABELS,
    AgeBand: AGE_BAND_LABELS,
    Gender: GENDER_LABELS,
    GenderHistory: GENDER_HISTORY_LABELS,
    Orientation: ORIENTATION_LABELS,
    RaceEthnicity: RACE_ETHNICITY_LABELS,
    Disability: DISABILITY_LABELS,
    AreaBuiltIn: AREA_LABELS,
    AgencyBuiltIn: AGENCY_LABELS,
}
