"""A report: what a form may post, what a header may hold, and what each way in does with the unexpected."""

import dataclasses
import json
import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crypto import canonical, report
from crypto.answers import ConsentMode
from crypto.errors import NothingToldError, PayloadFormatError, TextTooLongError
from crypto.report import (
    QUESTIONS,
    Flag,
    Fold,
    Kind,
    LocalSets,
    Report,
    clean_text,
    header_fields,
    report_from_answers,
    report_from_header,
)
from tests.center import example_content, largest_report, sample_report

FEW = settings(
    max_examples=100, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
LOCAL = example_content().local_sets()
OPT_IN = example_content(consent_mode="opt_in").local_sets()
TOLD = {"incident_types": ["words"]}

unicode_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@st.composite
def posted_answers(draw):
    """What any honest form may post: any subset of questions, codes in any order, any text."""
    posted = {}
    for asked in QUESTIONS:
        if draw(st.booleans()):
            continue
        if asked.kind is Kind.TEXT:
            posted[asked.name] = [draw(unicode_text)]
        elif asked.kind is Kind.TICK:
            posted[asked.name] = [report.TICKED]
        elif asked.is_single:
            posted[asked.name] = [draw(st.sampled_from(LOCAL.allowed(asked)))]
        else:
            posted[asked.name] = draw(st.lists(st.sampled_from(LOCAL.allowed(asked)), unique=True))
    return posted | TOLD


@FEW
@given(posted_answers(), st.sampled_from([LOCAL, OPT_IN]))
def test_a_valid_answer_is_never_an_error_nor_odd(posted, local):
    """Whatever the form offers is taken, contradictions included, and nothing is flagged."""
    _, flags = report_from_answers(posted, local)

    assert flags == frozenset()


@FEW
@given(posted_answers(), st.sampled_from([LOCAL, OPT_IN]))
def test_every_report_survives_the_header(posted, local):
    """What a person told is what a reviewer reads, field by field."""
    told, _ = report_from_answers(posted, local)

    header = canonical.decode(canonical.encode(header_fields(told)))

    assert report_from_header(header, contact=told.contact) == told


@FEW
@given(posted_answers())
def test_the_contact_never_stands_in_the_header(posted):
    """Lists, search and tables see the header; the contact lies in a seal of its own."""
    told, _ = report_from_answers(posted | {"contact": ["call 555 at night"]}, LOCAL)

    assert "contact" not in header_fields(told)
    assert "call 555 at night" not in json.dumps(header_fields(told))


@FEW
@given(posted_answers(), st.randoms(use_true_random=False))
def test_order_of_ticking_leaves_no_trace(posted, chance):
    """Two people who tick the same boxes send the same header."""
    shuffled = {name: chance.sample(values, len(values)) for name, values in posted.items()}

    assert report_from_answers(shuffled, LOCAL) == report_from_answers(posted, LOCAL)


@FEW
@given(st.dictionaries(st.text(max_size=12), st.lists(st.text(max_size=12), max_size=3), max_size=5))
def test_junk_is_dropped_and_flagged_and_never_raises(junk):
    """A robot's post beside a real answer costs the person nothing."""
    told, flags = report_from_answers(junk | TOLD, LOCAL)

    assert told.incident_types == ("words",)
    assert (Flag.UNKNOWN_FIELD in flags) == any(name not in {one.name for one in QUESTIONS} for name in junk)


@FEW
@given(st.text(max_size=80))
def test_cleaning_is_done_once_and_for_all(text):
    """Clean text stays as it is, or a report would change each time it is read."""
    cleaned = clean_text(text)

    assert clean_text(cleaned) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    assert canonical.decode(canonical.encode(cleaned)) == cleaned


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("tab\tstays", "tab\tstays"),
        ("bell\x07null\x00escape\x1b[31m", "bellnullescape[31m"),
        ("over\u202eride\u2066isolate\u2069\u202a", "overrideisolate"),
        ("می\u200cروم", "می\u200cروم"),
        ("a\u200eb\u200fc\u200dd", "a\u200eb\u200fc\u200dd"),
        ("e\u0301", "é"),
        ("  kept at both ends ", "  kept at both ends "),
        (" \t\r\n \u3000", ""),
        *(
            (unseen, "")
            for unseen in ("\u200b", "\u2060\u00ad\ufeff", "\ufe0f", "\u180e", "\u034f", "\u17b4")
        ),
        *(
            (unseen, "")
            for unseen in ("\u3164", "\u115f\u1160\uffa0", "\u2800 \u2800", "\U000e0020", "\u0301", "\x7f")
        ),
        ("\u200b.\u200b", "\u200b.\u200b"),
        ("\u0378", "\u0378"),  # not a character yet: it may be a letter of a later Unicode
        ("\ue000", "\ue000"),  # of private use: some minority scripts live there
        ("half \ud83d pair", "half \ufffd pair"),
    ],
)
def test_text_is_cleaned_by_rule_seven(typed, kept):
    """Newlines, controls and bidi overrides by rule; joiners and direction marks stay."""
    assert clean_text(typed) == kept


def test_nothing_told_is_refused():
    """One thing is required; blanks and a lone tick elsewhere are not it."""
    for posted in ({}, {"narrative": [" \n "]}, {"bias": ["gi.trans"]}, {"contact": ["call me"]}):
        with pytest.raises(NothingToldError):
            report_from_answers(posted, LOCAL)


@pytest.mark.parametrize("posted", [{"narrative": ["x"]}, {"incident_types": ["other"]}])
def test_one_of_the_two_is_enough(posted):
    """A word or a tick, no more."""
    told, flags = report_from_answers(posted, LOCAL)

    assert told.narrative or told.incident_types
    assert not flags


def test_an_unknown_kind_of_incident_alone_tells_nothing():
    """What is dropped cannot be what was told."""
    with pytest.raises(NothingToldError):
        report_from_answers({"incident_types": ["made_up"]}, LOCAL)


@pytest.mark.parametrize(
    "asked", [one for one in QUESTIONS if one.kind is Kind.TEXT], ids=lambda one: one.name
)
@pytest.mark.parametrize("character", ["a", "é", "ਪ"])
def test_a_limit_counts_characters_in_every_script(asked, character):
    """The same number of characters in every language; one more is refused, with the numbers and without the text."""
    fits = {asked.name: [character * asked.limit]} | TOLD
    told, _ = report_from_answers(fits, LOCAL)
    assert getattr(told, asked.name) == character * asked.limit

    with pytest.raises(TextTooLongError) as refused:
        report_from_answers({asked.name: [character * (asked.limit + 1)]} | TOLD, LOCAL)

    assert (refused.value.field, refused.value.limit, refused.value.length) == (
        asked.name,
        asked.limit,
        asked.limit + 1,
    )
    assert character * 3 not in str(refused.value)


def test_line_ends_count_once():
    """Browsers post two characters for one line end; the person typed one."""
    told, _ = report_from_answers({"narrative": ["a\r\n" * 3000]}, LOCAL)

    assert len(told.narrative) == 6000


@pytest.mark.parametrize("character", ["😀", "𐐷", "\U00020000"])
def test_a_story_of_four_byte_characters_has_a_limit_in_bytes(character):
    """20,000 bytes as encoded, told as the number of characters that fit."""
    told, _ = report_from_answers({"narrative": [character * 5000]}, LOCAL)
    assert len(canonical.encode(told.narrative)) - 2 == report.NARRATIVE_BYTES

    with pytest.raises(TextTooLongError) as refused:
        report_from_answers({"narrative": [character * 5001]}, LOCAL)

    assert (refused.value.limit, refused.value.length) == (5000, 5001)


@FEW
@given(
    st.text(st.sampled_from('a"\\\n\té€😀\x7f'), min_size=1, max_size=30).filter(
        lambda text: not text.isspace()
    )
)
def test_bytes_are_counted_as_they_are_written(piece):
    """Escapes count too, so the budget holds for the worst text."""
    text = clean_text(piece * (6000 // len(piece)))
    with_limit = report.question("narrative")
    encoded = len(canonical.encode(text)) - 2

    if encoded <= report.NARRATIVE_BYTES:
        report.check_text(with_limit, text)
        return
    with pytest.raises(TextTooLongError) as refused:
        report.check_text(with_limit, text)
    assert len(canonical.encode(text[: refused.value.limit])) - 2 <= report.NARRATIVE_BYTES
    assert len(canonical.encode(text[: refused.value.limit + 1])) - 2 > report.NARRATIVE_BYTES


def test_unknown_codes_and_fields_are_dropped_and_flagged():
    """A page from another time or a robot: the rest of the report stays whole."""
    posted = {
        "narrative": ["x"],
        "bias": ["gi.trans", "made_up"],
        "when": ["never"],
        "area": ["atlantis"],
        "consent_share": ["police", "legal"],
        "website": ["http://spam"],
    }

    told, flags = report_from_answers(posted, LOCAL)

    assert (told.bias, told.when, told.area, told.consent_share) == (("gi.trans",), "", "", ("legal",))
    assert flags == {Flag.UNKNOWN_CODE, Flag.UNKNOWN_FIELD}


def test_a_contradiction_is_stored_as_given():
    """Both "no one" and "police": what the person said is never edited."""
    told, flags = report_from_answers({"reported_to": ["police", "none"]} | TOLD, LOCAL)

    assert told.reported_to == ("none", "police")
    assert not flags


def test_blank_skip_and_unsure_are_three_answers():
    """Absent, "I'd rather not say" and "I don't know" are never mixed."""
    blank, _ = report_from_answers(TOLD, LOCAL)
    skip, _ = report_from_answers({"when": ["skip"]} | TOLD, LOCAL)
    unsure, _ = report_from_answers({"when": ["unsure"]} | TOLD, LOCAL)

    assert "when" not in header_fields(blank)
    assert header_fields(skip)["when"] == "skip"
    assert header_fields(unsure)["when"] == "unsure"


def test_a_second_answer_to_a_single_choice_is_flagged():
    """A browser cannot send two; whoever does is told nothing, and the first in page order counts."""
    told, flags = report_from_answers({"when": ["y1", "d2"]} | TOLD, LOCAL)

    assert told.when == "d2"
    assert flags == {Flag.UNKNOWN_CODE}


def test_two_texts_under_one_name_are_both_kept():
    """No typed word is lost, however odd the post."""
    told, _ = report_from_answers({"narrative": ["first", "second"]}, LOCAL)

    assert told.narrative == "first\nsecond"


def test_a_retired_local_code_is_still_taken():
    """A page that was open before the change must not lose its answer."""
    content = example_content(
        agency=[{"code": "old_force", "label": {"en": "Old force"}, "kind": "city", "retired": True}]
    )

    told, flags = report_from_answers({"officer_agency": ["old_force"]} | TOLD, content.local_sets())

    assert told.officer_agency == "old_force"
    assert not flags


@pytest.mark.parametrize(
    ("local", "ticks", "counts", "flagged"),
    [
        (LOCAL, [], True, False),
        (LOCAL, ["yes"], False, False),
        (LOCAL, ["garbled"], False, True),
        (OPT_IN, [], False, False),
        (OPT_IN, ["yes"], True, False),
        (OPT_IN, ["garbled"], False, True),
    ],
)
def test_the_consent_to_count_is_resolved_by_its_page(local, ticks, counts, flagged):
    """One stored answer, whatever the page asked; a garbled tick never gives a consent."""
    told, flags = report_from_answers({"consent_count": ticks} | TOLD, local)

    assert told.consent_count is counts
    assert told.consent_mode == local.consent_mode.value
    assert (Flag.UNKNOWN_CODE in flags) is flagged


def test_other_consents_are_not_given_unless_ticked():
    """Quoting and sharing need an act."""
    told, _ = report_from_answers(TOLD, LOCAL)

    assert told.consent_quote is False
    assert told.consent_share == ()


def test_a_garbled_tick_does_not_allow_a_quote():
    """Only the value that the form itself posts is a yes."""
    told, _ = report_from_answers({"consent_quote": ["on"]} | TOLD, LOCAL)

    assert told.consent_quote is False


def test_a_consent_missing_from_a_header_was_not_given():
    """Whoever seals by hand and forgets the consent is not counted."""
    read = report_from_header({"narrative": "sealed by hand"})

    assert (read.consent_count, read.consent_quote, read.consent_share) == (False, False, ())


def test_newer_codes_are_kept_and_shown_raw():
    """A newer form may have sealed it: nothing is lost, and what is sealed again is the same."""
    header = header_fields(sample_report()) | {
        "when": "d365",
        "bias": ["gi.new", "sogi.gay"],
        "consent_mode": "asked_aloud",
        "channel": "radio",
        "retention_choice": "short",
        "rows": [{"a": 1}, None],
    }

    read = report_from_header(header)

    assert (read.when, read.bias, read.channel) == ("d365", ("gi.new", "sogi.gay"), "radio")
    assert dict(read.unknown_fields) == {"retention_choice": '"short"', "rows": '[{"a":1},null]'}
    assert header_fields(read) == header


@pytest.mark.parametrize(
    "change",
    [
        {"narrative": ["a list"]},
        {"narrative": None},
        {"narrative": 7},
        {"narrative": "x" * 6001},
        {"contact": "in the clear"},
        {"bias": "gi.trans"},
        {"bias": ["gi.trans", "gi.trans"]},
        {"bias": ["Not A Code"]},
        {"bias": [1]},
        {"bias": [["gi.trans"]]},
        {"bias": ["a" * 25]},
        {"when": ["d2"]},
        {"when": "D2"},
        {"when": True},
        {"consent_count": "yes"},
        {"consent_count": None},
        {"consent_quote": 1},
        {"consent_mode": True},
        {"channel": ""},
        {"channel": ["online"]},
    ],
    ids=repr,
)
def test_a_header_of_another_shape_is_refused(change):
    """Anyone may seal: an answer of the wrong kind ends in one error with one message."""
    header = header_fields(sample_report()) | change

    with pytest.raises(PayloadFormatError) as refused:
        report_from_header(header)

    assert str(refused.value) == str(PayloadFormatError())
    assert refused.value.__cause__ is None


def test_a_header_that_tells_nothing_is_refused():
    """No form could have sealed it."""
    with pytest.raises(PayloadFormatError):
        report_from_header({"consent_count": True})


def test_texts_of_a_header_are_cleaned_again():
    """Whoever seals by hand cannot turn a reviewer's line around."""
    read = report_from_header({"narrative": "a\u202eb\x1b\r\n"}, contact="c\u2066\r\n")

    assert (read.narrative, read.contact) == ("ab\n", "c\n")


@pytest.mark.parametrize(
    "change",
    [
        {"narrative": "not\rclean"},
        {"narrative": None},
        {"bias": ["gi.trans"]},
        {"bias": ("gi.trans", "gi.trans")},
        {"when": "no code"},
        {"when": ("d2",)},
        {"consent_count": 1},
        {"consent_mode": ""},
    ],
    ids=repr,
)
def test_a_report_cannot_exist_invalid(change):
    """A program that builds a wrong report stops at once, without quoting it."""
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - a mistake of a program has no class of its own
        sample_report(**change)

    assert "gi.trans" not in str(refused.value)


def test_a_report_never_prints_itself():
    """An answer in a log line or a traceback would break P5."""
    told = sample_report(narrative="Maria hid in the shop")

    assert "Maria" not in repr(told)
    assert "Maria" not in str(told)
    assert "Maria" not in f"{told!r}"


def test_a_report_cannot_be_changed():
    """What the person said is never edited."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        sample_report().narrative = "other"


def test_the_questions_are_those_of_the_questionnaire():
    """32 fields, attachments apart: names, kinds, steps, sensitivities and limits as the data dictionary has them."""
    assert [(one.name, one.kind.value, one.step, one.sensitivity, one.limit) for one in QUESTIONS] == [
        ("narrative", "text", 1, 3, 6000),
        ("incident_types", "multi", 1, 1, None),
        ("series", "single", 1, 1, None),
        ("when", "single", 2, 1, None),
        ("when_text", "text", 2, 2, 80),
        ("area", "local_single", 2, 1, None),
        ("place_type", "single", 2, 1, None),
        ("bias", "multi", 3, 1, None),
        ("bias_group", "multi", 3, 1, None),
        ("bias_signs", "multi", 3, 1, None),
        ("role", "single", 4, 1, None),
        ("offender_relation", "multi", 4, 2, None),
        ("harm", "multi", 4, 2, None),
        ("reported_to", "multi", 4, 2, None),
        ("why_not_police", "multi", 4, 1, None),
        ("officer_agency", "local_single", 4, 2, None),
        ("officer_contact", "multi", 4, 1, None),
        ("officer_conduct", "multi", 4, 2, None),
        ("officer_basis", "multi", 4, 1, None),
        ("needs", "multi", 5, 1, None),
        ("age_band", "single", 5, 1, None),
        ("gender", "multi", 5, 2, None),
        ("gender_history", "multi", 5, 2, None),
        ("orientation", "multi", 5, 2, None),
        ("race_ethnicity", "multi", 5, 2, None),
        ("disability", "multi", 5, 2, None),
        ("own_words", "text", 5, 3, 120),
        ("consent_count", "tick", 5, 0, None),
        ("consent_quote", "tick", 5, 0, None),
        ("consent_share", "local_multi", 5, 0, None),
        ("contact", "text", 5, 3, 400),
    ]


def test_a_report_has_an_attribute_for_each_question():
    """A question without an attribute would be asked and lost."""
    own = {"consent_mode", "channel", "unknown_fields"}

    assert {field.name for field in dataclasses.fields(Report)} == {one.name for one in QUESTIONS} | own


def test_what_must_never_be_asked_is_not_asked():
    """No name, address, date of birth, status or badge has a field (the questionnaire's section 9)."""
    never = (
        "name",
        "address",
        "zip",
        "birth",
        "status",
        "employer",
        "badge",
        "plate",
        "email",
        "phone",
        "password",
    )

    assert not [one.name for one in QUESTIONS if any(word in one.name.split("_") for word in never)]


def test_questions_about_the_person_come_last_and_folded():
    """Identity is asked at the end, after one sentence on why."""
    folds = [one.group for one in QUESTIONS]

    assert folds.count(Fold.OFFICER) == 4
    assert next(one.name for one in QUESTIONS if one.group is Fold.PERSON) == "age_band"
    assert "Why we ask" in report.FOLD_TEXTS[Fold.PERSON]
    assert set(report.FOLD_TEXTS) == set(Fold)


def test_a_local_set_stands_before_its_built_in_codes():
    """The Center's own areas come first, then online, unsure and skip."""
    local = LocalSets(areas=("north",), agencies=(), shares=("legal",), consent_mode=ConsentMode.DEFAULT_YES)

    assert local.allowed(report.question("area")) == ("north", "online", "unsure", "skip")
    assert local.allowed(report.question("officer_agency")) == ("security", "unsure", "skip")
    assert local.allowed(report.question("consent_share")) == ("legal",)


def test_there_is_no_question_of_another_name():
    """A misspelt name is a mistake of the program and stops it."""
    with pytest.raises(KeyError):
        report.question("narative")


def test_the_form_definition_holds_no_words():
    """Its hash binds meaning, not wording: a better label needs no new configuration."""
    definition = report.form_definition()

    assert canonical.encode(canonical.decode(definition)) == definition
    assert len(canonical.decode(definition)["fields"]) == 32
    for asked in QUESTIONS:
        assert asked.text not in definition.decode()
    assert b"Slurs or insults" not in definition


def test_the_form_of_version_one_does_not_change():
    """Whoever changes a code, a kind or a limit must raise the version, and then this hash."""
    assert report.FORM_VERSION == "1.0"
    assert report.form_sha256() == "59b64715826e3d75feaf551ff1e69b52bc48934a68a97fd37c0eaf373ebfd712"


def test_the_largest_report_holds_every_answer():
    """The extreme case of the size tests leaves nothing out."""
    told = largest_report("a", LOCAL)

    assert set(header_fields(told)) == {one.name for one in QUESTIONS} - {"contact"} | {
        "consent_mode",
        "channel",
    }


def test_the_form_offers_every_code_but_the_retired():
    """None is retired in form 1.0; a text and a share have no codes of their own."""
    assert report.question("when").offered == ("d2", "d7", "d31", "y1", "older", "unsure", "skip")
    assert report.question("area").offered == ("online", "unsure", "skip")
    assert report.question("narrative").offered == ()
    assert report.question("consent_share").offered == ()


@pytest.mark.parametrize(
    "change", [{"when": ("d2",)}, {"bias": "gi.trans"}, {"narrative": ()}, {"contact": None}], ids=repr
)
def test_an_answer_of_another_kind_is_a_mistake_of_the_program(change):
    """A choice is a text, several are a tuple, nothing is ever None."""
    with pytest.raises(ValueError, match="another kind"):
        sample_report(**change)


def test_labels_stand_in_page_order():
    """A page built from the labels shows the codes as the questionnaire lists them; shares bring their own."""
    assert list(report.labels_en("series")) == ["once", "several", "ongoing", "unsure", "skip"]
    assert report.labels_en("area") == {
        "online": "Online or by phone",
        "unsure": "I don't know",
        "skip": "I'd rather not say",
    }
    assert report.labels_en("consent_share") == {}
