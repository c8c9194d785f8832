"""Sample reports made from public records, for the demo and for tests of the whole flow.

Each of the 416 hate crime events of Sacramento County in the state's open records becomes the ticks that a person
who lived through it could have made. Only fields are mapped: no story is invented, nobody is described. What a record
does not hold (area, age, harm, needs) stays blank, as it would for a person who skips it. Every sample says
"told the police", because every one of these records came from a police department.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, Final, TypeAlias

from crypto.answers import IncidentType, PlaceType
from crypto.codes import BIAS, LOCATIONS, OFFENSE_SUGGESTIONS, PLACES, folded

Answers: TypeAlias = dict[str, list[str]]

RECORDS: Final = Path(__file__).parent / "data" / "ca_doj_sacramento_2012_2022.csv"

# Offense of the record -> what a person would tick. "Murder" does not occur in this county's records.
TYPES_BY_OFFENSE: Final = {
    "Destruction/Damage/Vandalism": ["damage"],
    "Aggravated Assault": ["hit"],
    "Intimidation": ["threat"],
    "Simple Assault": ["hit"],
    "Robbery": ["robbed"],
    "Arson": ["damage"],
    "Larceny-Theft": ["robbed"],
    "Burglary": ["damage", "robbed"],
    "Weapons Law Violations": ["weapon"],
    "Rape": ["sexual_assault"],
}
TYPES_BY_ACT: Final = {
    "verbal slurs": ["words"],
    "graffiti": ["flag"],
    "daubing of swastika": ["flag"],
    "damage to vehicle": ["damage"],
    "threatening letters/flyers/email": ["threat"],
    "annoying telephone calls/fax": ["online"],
    "harassing communication": ["online"],
    "rock throwing": ["spat"],
}
SIGNS_BY_ACT: Final = {
    "verbal slurs": ["slurs"],
    "graffiti": ["symbols"],
    "daubing of swastika": ["symbols"],
}
# A hand, a foot or "unknown" is no weapon in the sense of the tick.
NO_WEAPON: Final = frozenset({"", "Unknown", "Personal weapons (hands, feet, teeth, etc.)", "None"})

PLACE_BY_LOCATION: Final = {
    folded(one.california): one.place.value for one in LOCATIONS.values() if one.california
}
SAMPLE_CODER: Final = "sample"
OTHER_PLACE: Final = "other"

CODE_BY_CALIFORNIA_LABEL: Final = {row.california: row.code for row in BIAS.values() if row.california}
# Grounds that the form asks in two questions: the broad one, then which.
BROAD_GROUND: Final = {"race": "race", "eth": "race", "rel": "religion"}
# Codes that only a reviewer may give, and what the person concerned would have ticked instead.
TICK_FOR_REVIEWER_CODE: Final = {
    "sogi.mixed": ("sogi.queer", None),
    "race.multi": ("race", None),
    "rel.multi": ("religion", None),
    "rel.catholic": ("religion", "rel.christian"),
    "rel.otherchristian": ("religion", "rel.christian"),
}


def sample_answers() -> list[Answers]:
    """Turn every vendored record into the answers of one report, in file order.

    Returns:
        416 mappings from the name of a question to the codes ticked; blank questions are missing.
    """
    with RECORDS.open(newline="", encoding="utf-8") as file:
        return [answers_of(row) for row in csv.DictReader(file)]


def answers_of(row: dict[str, str]) -> Answers:
    """Turn one public record into the ticks of a report."""
    act = folded(row["Offensive_Act"])
    types = [*TYPES_BY_OFFENSE.get(row["MostSeriousUcr"], ["other"]), *TYPES_BY_ACT.get(act, [])]
    if row["WeaponType"] not in NO_WEAPON:
        types.append("weapon")
    person = row["MostSeriousVictimType"] == "Person"
    answers: Answers = {
        "incident_types": list(dict.fromkeys(types)),
        "when": ["older"],
        "place_type": [PLACE_BY_LOCATION.get(folded(row["MostSeriousLocation"]), OTHER_PLACE)],
        "role": ["me" if person else "org"],
        "reported_to": ["police"],
    }
    answers |= _grounds(row["MostSeriousBias"])
    if signs := SIGNS_BY_ACT.get(act):
        answers["bias_signs"] = signs
    return answers


def _grounds(label: str) -> Answers:
    code = CODE_BY_CALIFORNIA_LABEL[label]
    if code in TICK_FOR_REVIEWER_CODE:
        broad, which = TICK_FOR_REVIEWER_CODE[code]
        return {"bias": [broad]} | ({"bias_group": [which]} if which else {})
    broad = BROAD_GROUND.get(code.partition(".")[0])
    return {"bias": [code]} if broad is None else {"bias": [broad], "bias_group": [code]}


def coding_of(case: dict[str, Any], *, closed: str, period: str) -> dict[str, Any]:
    """Code one opened case from nothing but what its report says.

    Args:
        case: one object of `review-tool show --json`; its `answers` hold what was ticked.
        closed: the day on which the case is closed, `YYYY-MM-DD`.
        period: when it happened, as far as the report tells (`unknown`, a year, a quarter, a month).

    Returns:
        One line for `review-tool code --file`.
    """
    told = case["answers"]
    broad = set(BROAD_GROUND.values()) if told.get("bias_group") else set()
    grounds = {*told.get("bias", []), *told.get("bias_group", [])} - broad
    offenses = _offenses(told.get("incident_types", []))
    place = told.get("place_type", "unsure")
    signs = len(told.get("bias_signs", []))
    return {
        "case": case["id"],
        "coder": SAMPLE_CODER,
        "period": period,
        "crime": "yes" if offenses else "no",
        "bias_coded": sorted(grounds) or ["unknown"],
        "bias_strength": min(signs, 1),
        "offense_coded": offenses,
        "place_coded": PLACES[PlaceType(place)].nibrs or place,
        "relation_coded": sorted(told.get("offender_relation", [])) or ["RU"],
        "severity": min(len(offenses), 3),
        "confidence": 1,
        "clarity": "clear",
        "closed": closed,
    }


def _offenses(types: list[str]) -> list[str]:
    """The first offense that the crosswalk suggests for each tick; none is a result."""
    first = (OFFENSE_SUGGESTIONS[IncidentType(one)] for one in types)
    return sorted({code for suggestion in first for code in (*suggestion.first, *suggestion.only_if)[:1]})
