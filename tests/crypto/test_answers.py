"""The code lists: for ever, in page order, and labelled in plain words."""

import inspect
import re
from enum import StrEnum

import pytest

from crypto import answers, report
from crypto.report import Kind

LISTS = [
    found for _, found in inspect.getmembers(answers, inspect.isclass) if found.__module__ == answers.__name__
]
LISTS = [found for found in LISTS if issubclass(found, StrEnum)]
LABELLED = [found for found in LISTS if found not in (answers.ConsentMode, answers.Channel)]

# The number of codes a list has in the questionnaire, with `skip` where it is a single choice.
SIZES = {
    "IncidentType": 24,
    "Series": 5,
    "When": 7,
    "PlaceType": 22,
    "Bias": 23,
    "BiasGroup": 16,
    "BiasSign": 11,
    "Role": 5,
    "OffenderRelation": 18,
    "Harm": 12,
    "ReportedTo": 11,
    "WhyNotPolice": 17,
    "OfficerContact": 9,
    "OfficerConduct": 24,
    "OfficerBasis": 12,
    "Need": 12,
    "AgeBand": 7,
    "Gender": 7,
    "GenderHistory": 4,
    "Orientation": 9,
    "RaceEthnicity": 8,
    "Disability": 7,
    "AreaBuiltIn": 3,
    "AgencyBuiltIn": 3,
    "ConsentMode": 2,
    "Channel": 5,
}


def test_no_list_lost_or_won_a_code_unseen():
    """A code is for ever: a change of a list must be a change of this table and of the form version."""
    assert {found.__name__: len(found) for found in LISTS} == SIZES
    assert report.FORM_VERSION == "1.0"


@pytest.mark.parametrize("codes", LISTS, ids=lambda codes: codes.__name__)
def test_codes_keep_to_their_alphabet(codes):
    """Codes stand in files of every age: ASCII, short, lower case."""
    for code in codes:
        assert re.fullmatch(r"[a-z0-9_.]{1,24}", code.value)


@pytest.mark.parametrize("codes", LABELLED, ids=lambda codes: codes.__name__)
def test_each_code_has_one_label_of_its_own(codes):
    """A code without a label would be shown raw to a frightened person; two alike could not be told apart."""
    labels = answers.LABELS[codes]

    assert list(labels) == [code.value for code in codes]
    assert all(labels.values())
    assert len(set(labels.values())) == len(labels)


@pytest.mark.parametrize("codes", LABELLED, ids=lambda codes: codes.__name__)
def test_labels_follow_the_copy_rules(codes):
    """Short plain words, no blame, no exclamation mark, no closing point."""
    banned = re.compile(r"victim|alleged|incident|submit|required|invalid|!|\*|\.$", re.IGNORECASE)
    for label in answers.LABELS[codes].values():
        assert banned.search(label) is None, label
        assert len(label.split()) <= 12, label


def test_labels_read_at_grade_six_or_below():
    """Taken as sentences, the labels of all answers and the questions ask for six years of school at most."""
    labels = [label for codes in LABELLED for label in answers.LABELS[codes].values()]
    asked = [f"{one.text} {one.hint}" for one in report.QUESTIONS]

    assert grade_of(labels) <= 6
    assert (
        grade_of([sentence for text in asked for sentence in re.split(r"(?<=[.?…:])\s", text) if sentence])
        <= 6
    )


def grade_of(sentences: list[str]) -> float:
    """Flesch-Kincaid grade, with syllables counted as groups of vowels."""
    words = [word for sentence in sentences for word in re.findall(r"[A-Za-z']+", sentence)]
    syllables = sum(max(1, len(re.findall(r"[aeiouy]+", re.sub(r"e$", "", word.lower())))) for word in words)
    return 0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59


@pytest.mark.parametrize(
    "asked", [one for one in report.QUESTIONS if one.is_single], ids=lambda one: one.name
)
def test_a_single_choice_ends_with_a_way_out(asked):
    """A radio button cannot be un-ticked without a script, so the last answer is not to say."""
    assert list(asked.codes)[-1] == "skip"
    assert report.labels_en(asked.name)["skip"] == "I'd rather not say"


@pytest.mark.parametrize(
    "asked", [one for one in report.QUESTIONS if one.kind is Kind.MULTI], ids=lambda one: one.name
)
def test_a_multiple_choice_needs_no_way_out(asked):
    """A box can be un-ticked; a third kind of no answer would only blur the tables."""
    assert "skip" not in [code.value for code in asked.codes]


@pytest.mark.parametrize(
    ("groups", "codes"),
    [(answers.INCIDENT_GROUPS, answers.IncidentType), (answers.CONDUCT_GROUPS, answers.OfficerConduct)],
    ids=["incident types", "officer conduct"],
)
def test_groups_hold_every_code_once_in_page_order(groups, codes):
    """A code outside the groups would vanish from the page; one in two would be counted twice."""
    assert [code for group in groups for code in group.codes] == list(codes)


def test_good_conduct_comes_first():
    """A fair measure is a credible one."""
    assert [group.code for group in answers.CONDUCT_GROUPS] == ["good", "bad"]
    assert answers.CONDUCT_GROUPS[0].codes == ("respect", "helped", "took_report", "hate_noted")


def test_the_five_kinds_of_incident_have_their_headings():
    """The headings are those of the questionnaire."""
    assert [group.label for group in answers.INCIDENT_GROUPS] == [
        "Words and threats",
        "Hurt or attacked",
        "Things and money",
        "Shut out or treated worse",
        "Other",
    ]


def test_a_retired_code_is_still_a_code():
    """Old reports keep their labels: only codes that exist can be retired."""
    for codes, retired in answers.RETIRED.items():
        assert retired <= {code.value for code in codes}
