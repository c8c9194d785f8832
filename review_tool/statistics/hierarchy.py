"""What each exhibit counts, and how it gets coarser: fixed roll-ups, finest level first.

A question with several answers is one yes/no dimension a code. Nothing here is about officers: `officer` is no type
that is counted, and `police_jail` stands together with other public bodies from the start. No number is made here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from crypto import codes
from crypto.answers import (
    BIAS_GROUP_LABELS,
    BIAS_LABELS,
    INCIDENT_GROUPS,
    INCIDENT_TYPE_LABELS,
    PLACE_TYPE_LABELS,
    IncidentType,
    PlaceType,
    ReportedTo,
)
from review_tool.gates import Countable, Record

TOTAL: Final = "*"  # the code of a total, fixed by `sdc-release/1`
YES: Final = "yes"
NO: Final = "no"
NOT_ANSWERED: Final = "not_answered"  # left blank, or "I'd rather not say"
_BLANK: Final = ((), (PlaceType.SKIP.value,))

INCIDENTS: Final[Mapping[str, tuple[str, ...]]] = {"record": (Record.INCIDENT.value,)}
REPORTS: Final[Mapping[str, tuple[str, ...]]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One thing counted by: leaf codes, exhaustive and disjoint, and the groups they roll up to."""

    name: str
    leaves: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """One table to be: which code of one dimension each record falls under.

    Attributes:
        id: of the table in `release.json`.
        label: what its "yes" means; "" where the codes speak for themselves.
        dimension: what it counts by.
        labels: `{code: English label}`, in the order of printing.
        filter: records that are counted, all if empty.
        code_of: the code of a record; always one of `labels`.
    """

    id: str
    label: str
    dimension: Dimension
    labels: Mapping[str, str] = field(hash=False)
    filter: Mapping[str, tuple[str, ...]] = field(hash=False)
    code_of: Callable[[Countable], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """One exhibit of the report: its tables at each level, finest first, and the words around them."""

    id: str
    title: str
    note: str
    column: str
    levels: tuple[tuple[Split, ...], ...]

    @property
    def is_yes_no(self) -> bool:
        """Whether people could choose several: one yes/no table a row."""
        return any(split.label for split in self.levels[0])


def _yes_no(exhibit: str, prefix: str, name: str, label: str, ticked: Callable[[Countable], bool]) -> Split:
    return Split(
        id=f"{exhibit}.{name}",
        label=label,
        dimension=Dimension(name=f"{prefix}.{name}", leaves=(YES, NO)),
        labels={YES: "yes", NO: "no"},
        filter=INCIDENTS,
        code_of=lambda record: YES if ticked(record) else NO,
    )


RECORDS: Final = Exhibit(
    id="E01",
    title="Incidents and reports counted",
    note="Several reports can tell of one incident. Everything below counts incidents.",
    column="Period",
    levels=(
        (
            Split(
                id="E01",
                label="",
                dimension=Dimension(name="record", leaves=tuple(record.value for record in Record)),
                labels={
                    Record.INCIDENT: "Incidents",
                    Record.FURTHER_REPORT: "Further reports of an incident",
                },
                filter=REPORTS,
                code_of=lambda record: record.record.value,
            ),
        ),
    ),
)

# Reviewer-only grounds have no words on the form.
GROUND_LABELS: Final[Mapping[str, str]] = {
    **BIAS_LABELS,
    **BIAS_GROUP_LABELS,
    "sogi.mixed": "A mixed group of LGBTQ+ people",
    "sogi.heterosexual": "Being straight",
    "race.multi": "A group of several races",
    "rel.multi": "A group of several religions",
    "rel.catholic": "Catholic",
    "rel.protestant": "Protestant",
    "rel.mormon": "Latter-day Saint",
    "rel.jw": "Jehovah's Witness",
    "rel.orthodox": "Eastern Orthodox",
    "rel.otherchristian": "Another Christian church",
}
# `none` and `unknown` stand alone and are no grounds: printed beside the grounds they would be equations (METHODS.md 3).
GROUNDS: Final = tuple(code for code in codes.BIAS if code not in codes.STANDS_ALONE)
_ORIENTATION: Final = tuple(
    code for code in GROUNDS if code.startswith("sogi.") and code != "sogi.heterosexual"
)
_GENDER_IDENTITY: Final = tuple(code for code in GROUNDS if code.startswith("gi."))
_GENDER: Final = tuple(code for code in GROUNDS if code.startswith("gender."))
_RACE: Final = tuple(code for code in GROUNDS if code == "race" or code.startswith(("race.", "eth.")))
_RELIGION: Final = tuple(code for code in GROUNDS if code == "religion" or code.startswith("rel."))
_DISABILITY: Final = tuple(code for code in GROUNDS if code.startswith(("dis.", "health.")))
_LGBTQ: Final = _ORIENTATION + _GENDER_IDENTITY


def _others(*named: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(code for code in GROUNDS if not any(code in group for group in named))


# {name: (label, grounds)} a level. `gi` is merged last: careless thresholds erase trans people first.
GROUND_LEVELS: Final[tuple[Mapping[str, tuple[str, tuple[str, ...]]], ...]] = (
    {code: (GROUND_LABELS[code], (code,)) for code in GROUNDS},
    {
        "any_sogi": ("Orientation (LGBQ+)", _ORIENTATION),
        "any_gi": ("Being trans, nonbinary or intersex", _GENDER_IDENTITY),
        "any_gender": ("Being a woman or a man", _GENDER),
        "any_race": ("Race, background, language or citizenship", _RACE),
        "any_religion": ("Religion, or having none", _RELIGION),
        "any_disability": ("Disability or HIV", _DISABILITY),
        "any_else": ("Another ground", _others(_LGBTQ, _GENDER, _RACE, _RELIGION, _DISABILITY)),
    },
    {
        "any_sogi": ("Orientation (LGBQ+)", _ORIENTATION),
        "any_gi": ("Being trans, nonbinary or intersex", _GENDER_IDENTITY),
        "any_other": ("Another ground", _others(_LGBTQ)),
    },
    {
        "any_lgbtq": ("LGBTQ+", _LGBTQ),
        "any_other": ("Another ground", _others(_LGBTQ)),
    },
    # One row has no overlap, and what is in no row is its own "no".
    {"any_lgbtq": ("LGBTQ+", _LGBTQ)},
)


def _ground(name: str, label: str, grounds: tuple[str, ...]) -> Split:
    wanted = frozenset(grounds)
    return _yes_no("E03", "bias", name, label, lambda record: not wanted.isdisjoint(record.coding.bias_coded))


BIAS: Final = Exhibit(
    id="E03",
    title="Why it happened: grounds of bias",
    note="One incident can have several grounds, so the rows do not add up. "
    "An incident with none of these grounds, or no known one, counts in no row.",
    column="Ground",
    levels=tuple(
        tuple(_ground(name, label, grounds) for name, (label, grounds) in level.items())
        for level in GROUND_LEVELS
    ),
)


def _incident_type(name: str, label: str, ticked: tuple[str, ...]) -> Split:
    wanted = frozenset(ticked)
    return _yes_no(
        "E04", "type", name, label, lambda record: not wanted.isdisjoint(record.answers["incident_types"])
    )


COUNTED_TYPES: Final = tuple(code for code in IncidentType if code is not IncidentType.OFFICER)

TYPES: Final = Exhibit(
    id="E04",
    title="What happened",
    note="The rows do not add up. An incident for which nothing was ticked, or only that an officer did it, counts in no row.",
    column="Kind",
    levels=(
        tuple(_incident_type(code, INCIDENT_TYPE_LABELS[code], (code,)) for code in COUNTED_TYPES),
        tuple(
            _incident_type(
                f"any_{group.code}",
                group.label,
                tuple(code for code in group.codes if code in COUNTED_TYPES),
            )
            for group in INCIDENT_GROUPS
        ),
    ),
)

PUBLIC_BODY: Final = (
    "public_body"  # `government` and `police_jail`, never apart: anything about officers has k = 11
)
_PLACE_LEAVES: Final = (
    *(code.value for code in PlaceType if code not in (PlaceType.POLICE_JAIL, PlaceType.SKIP)),
    NOT_ANSWERED,
)
_PLACE_CODES: Final = tuple(PUBLIC_BODY if leaf == PlaceType.GOVERNMENT else leaf for leaf in _PLACE_LEAVES)
_INSTITUTIONS: Final = ("work", "school", "college", "health", "shelter", "worship", PUBLIC_BODY)
_VENUES: Final = ("bar", "restaurant", "lgbtq_space")
_PUBLIC: Final = ("street", "parking", "park", "transit", "shop", *_VENUES)
PLACE: Final = Dimension(
    name="place",
    leaves=_PLACE_CODES,
    groups={
        "any_venue": _VENUES,
        "any_home": ("home", "home_other"),
        "any_public": _PUBLIC,
        "any_institution": _INSTITUTIONS,
        "any_other": ("other", "unsure", NOT_ANSWERED),
    },
)
_PLACE_LABELS: Final[Mapping[str, str]] = {
    **PLACE_TYPE_LABELS,
    PUBLIC_BODY: "Public office, court, police station or jail",
    "unsure": "Not known",
    NOT_ANSWERED: "Not answered",
    "any_venue": "Bar, restaurant, LGBTQ+ place or event",
    "any_home": "In a home",
    "any_public": "Street, park, transit, shop, bar or another public place",
    "any_institution": "Work, school, health care, worship or another institution",
    "any_other": "Somewhere else, not known or not answered",
}


def place_code(record: Countable) -> str:
    """The leaf a record's coded place falls under; not answered where nobody knew and the reporter left it blank."""
    place = codes.place_of(record.coding.place_coded)
    if place in (PlaceType.GOVERNMENT, PlaceType.POLICE_JAIL):
        return PUBLIC_BODY
    if place == PlaceType.UNSURE and record.answers["place_type"] in _BLANK:
        return NOT_ANSWERED
    return place if place in _PLACE_CODES else PlaceType.OTHER.value


def _place(printed: tuple[str, ...]) -> Split:
    rolled = {leaf: code for code in printed for leaf in PLACE.groups.get(code, (code,))}
    return Split(
        id="E06",
        label="",
        dimension=PLACE,
        labels={code: _PLACE_LABELS[code] for code in printed},
        filter=INCIDENTS,
        code_of=lambda record: rolled[place_code(record)],
    )


_PLACE_BUT_VENUES: Final = tuple(
    "any_venue" if code == "bar" else code for code in _PLACE_CODES if code not in _VENUES[1:]
)

PLACES: Final = Exhibit(
    id="E06",
    title="Kind of place",
    note="Each incident counts in one row.",
    column="Place",
    levels=(
        (_place(_PLACE_CODES),),
        (_place(_PLACE_BUT_VENUES),),  # an LGBTQ+ place is very identifying: rolled up first
        (_place(("any_home", "any_public", "any_institution", "online", "any_other")),),
    ),
)


def told_police(record: Countable) -> str:
    """Whether the police were told, as far as the question was answered."""
    told = record.answers["reported_to"]
    if not told:
        return NOT_ANSWERED
    return YES if ReportedTo.POLICE in told else NO


POLICE_TOLD: Final = Exhibit(
    id="E09",
    title="Told the police",
    note="Each incident counts in one row.",
    column="Told the police",
    levels=(
        (
            Split(
                id="E09",
                label="",
                dimension=Dimension(name="police_told", leaves=(YES, NO, NOT_ANSWERED)),
                labels={YES: "Yes", NO: "No", NOT_ANSWERED: "Not answered"},
                filter=INCIDENTS,
                code_of=told_police,
            ),
        ),
    ),
)

QUARTERLY: Final = (RECORDS, BIAS, TYPES, PLACES, POLICE_TOLD)  # in the order of the report
