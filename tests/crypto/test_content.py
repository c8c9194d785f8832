"""What a Center sets: every rule of the `[center]` section, on both ways in."""

import re
import tomllib
from datetime import date

import pytest

from crypto import canonical, content, report
from crypto.answers import ConsentMode
from crypto.content import content_from_json, content_from_toml, content_json
from crypto.errors import ConfigError
from tests.center import EXAMPLE, center_section, example_content

AREA = {"code": "north", "label": {"en": "North"}, "county": "C", "residents": 20_000, "source": "census"}
AGENCY = {"code": "city", "label": {"en": "City police"}, "kind": "city"}
SHARE = {"code": "legal", "label": {"en": "Lawyers"}, "purpose": "legal_help"}
TEXTS = center_section()["texts"]


def test_the_example_is_a_valid_center():
    """Another Center starts from it: it must pass as it stands."""
    got = example_content()

    assert (got.languages[0], len(got.languages)) == ("en", 14)
    assert got.consent_mode is ConsentMode.DEFAULT_YES
    assert [area.code for area in got.areas] == [
        "sac_central",
        "sac_north",
        "sac_natomas",
        "sac_south",
        "sac_east",
        "elk_grove",
        "rancho_cordova",
        "folsom",
        "citrus_heights",
        "arden_carmichael",
        "county_other",
        "yolo",
        "placer",
        "el_dorado",
        "ca_other",
        "outside_ca",
    ]
    assert [agency.code for agency in got.agencies] == [
        "sacpd",
        "sheriff",
        "chp",
        "transit",
        "campus",
        "city_other",
        "custody",
        "federal",
    ]
    assert [share.code for share in got.shares] == ["cavshate", "odihr", "legal"]


def test_the_example_is_a_draft_and_says_so():
    """Every name, number and text in it is the Center's to confirm."""
    drafts = example_content().drafts

    assert "[center] texts" in drafts
    assert len(drafts) == 1 + len(example_content().areas)


def test_a_confirmed_center_holds_no_draft():
    """The day on which the Center read it is what makes it fit for production."""
    day = date(2026, 11, 1)

    assert example_content(texts_confirmed_on=day, area=[AREA | {"checked_on": day}]).drafts == ()


def test_every_setting_of_the_section_is_documented():
    """An operator finds each key in the example, as a setting or in the comment above it."""
    text = EXAMPLE.read_text(encoding="utf-8")
    section = text[text.index("\n[center]") :]
    entries = {
        "code",
        "label",
        "county",
        "residents",
        "source",
        "checked_on",
        "catch_all",
        "retired",
        "kind",
        "purpose",
    }

    for key in {*center_section(), "texts_confirmed_on", *content.TEXT_NAMES} | entries:
        assert re.search(rf"\n(# )?{key} =|\n#   .*\b{key}\b|\[center\.{key}\b", section), key


def test_the_example_has_four_sections():
    """One file documents both machines."""
    assert list(tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))) == ["intake", "site", "review", "center"]


def test_what_was_signed_reads_back():
    """The section and its signed form are one value."""
    got = example_content(
        languages=["en", "es", "zh-Hans"],
        area=[
            AREA
            | {"label": {"en": "North", "zh-Hans": "北"}, "checked_on": date(2026, 11, 1), "retired": True}
        ],
        texts={**center_section()["texts"], "es": {"court_short": "Un tribunal..."}},
        texts_confirmed_on=date(2026, 11, 2),
    )

    signed = canonical.decode(canonical.encode(content_json(got)))

    assert content_from_json(signed) == got


def test_what_was_signed_with_words_in_a_language_not_offered_stays_valid():
    """A rule for what is written now must close no form that runs."""
    got = example_content(area=[AREA | {"label": {"en": "North", "es": "Norte"}}])
    signed = content_json(got) | {"languages": ["en"]}

    assert content_from_json(signed).areas[0].label["es"] == "Norte"


def test_english_words_need_not_be_among_the_languages():
    """Every text has them, to fall back to."""
    assert example_content(languages=["es"]).languages == ("es",)


def test_a_text_that_is_not_translated_is_english():
    """No page may stay silent on what the law makes the Center do."""
    got = example_content(texts={**center_section()["texts"], "es": {"court_short": "Un tribunal..."}})

    assert got.texts_in("es")["court_short"] == "Un tribunal..."
    assert got.texts_in("es")["under_18"] == got.texts["under_18"]
    assert got.texts_in("ko") == got.texts


def test_retired_entries_stay_readable():
    """An old report's code keeps its label; the code is not free again."""
    got = example_content(area=[AREA | {"retired": True}])

    assert got.areas[0].retired
    assert got.local_sets().areas == ("north",)


@pytest.mark.parametrize(
    ("section", "nearest"),
    [
        ({"nmae": "x"}, "name"),
        ({"language": ["en"]}, "languages"),
        ({"consent": "opt_in"}, "consent_mode"),
        ({"atachments": True}, "attachments"),
        ({"areas": []}, "area"),
        ({"texts": {"en": {"police": "x"}}}, "police_and_court"),
        ({"area": [AREA | {"resident": 1}]}, "residents"),
        ({"area": [AREA | {"lable": {}}]}, "label"),
        ({"agency": [AGENCY | {"kinds": "city"}]}, "kind"),
        ({"share": [SHARE | {"purposes": "referral"}]}, "purpose"),
    ],
    ids=repr,
)
def test_an_unknown_setting_names_the_nearest(section, nearest):
    """A misspelt switch must not be silently off."""
    with pytest.raises(ConfigError, match=f"did you mean '{nearest}'"):
        content_from_toml({**center_section(), **section})


@pytest.mark.parametrize("missing", ["name", "languages", "texts"])
def test_a_missing_setting_is_named(missing):
    """There is no sensible default for who the Center is."""
    section = center_section()
    del section[missing]

    with pytest.raises(ConfigError):
        content_from_toml(section)


REFUSED = {
    "name empty": ({"name": " "}, "name"),
    "name a number": ({"name": 1}, "name"),
    "no language": ({"languages": []}, "languages"),
    "language twice": ({"languages": ["en", "en"]}, "languages"),
    "language no tag": ({"languages": ["English please"]}, "languages"),
    "languages a text": ({"languages": "en"}, "languages"),
    "consent mode unknown": ({"consent_mode": "always"}, "default_yes, opt_in"),
    "attachments a text": ({"attachments": "yes"}, "true or false"),
    "contact a number": ({"contact": 1}, "true or false"),
    "text missing": ({"texts": {"en": {"court_short": "x", "under_18": "x"}}}, "police_and_court"),
    "text empty": (
        {"texts": {"en": {"court_short": " ", "under_18": "x", "police_and_court": "x"}}},
        "court_short",
    ),
    "texts a list": ({"texts": []}, "table"),
    "texts in no language": ({"texts": {"en!": {}}}, "language"),
    "texts in a language not offered": ({"texts": TEXTS | {"ess": {}}}, "'ess'.* did you mean 'es'"),
    "area label in a language not offered": (
        {"area": [AREA | {"label": {"en": "x", "zh-hans": "x"}}]},
        "label of north .*'zh-hans'.* did you mean 'zh-Hans'",
    ),
    "agency label in a language not offered": (
        {"agency": [AGENCY | {"label": {"en": "x", "tlh": "x"}}]},
        "label of city .*list it",
    ),
    "share label in a language taken off": (
        {"languages": ["en", "ko"], "share": [SHARE | {"label": {"en": "x", "es": "x"}}]},
        "take the words out",
    ),
    "text a number": ({"texts": {"en": {"court_short": 1}}}, "text"),
    "confirmed on no day": ({"texts_confirmed_on": "yesterday"}, "YYYY-MM-DD"),
    "area too small": ({"area": [AREA | {"residents": 19_999}]}, "20000"),
    "area without residents": ({"area": [{k: v for k, v in AREA.items() if k != "residents"}]}, "20000"),
    "area residents a text": ({"area": [AREA | {"residents": "many"}]}, "whole number"),
    "area residents true": ({"area": [AREA | {"residents": True}]}, "whole number"),
    "area without source": ({"area": [AREA | {"source": ""}]}, "source"),
    "area without code": ({"area": [{k: v for k, v in AREA.items() if k != "code"}]}, "code"),
    "area without label": ({"area": [{k: v for k, v in AREA.items() if k != "label"}]}, "label"),
    "area label a text": ({"area": [AREA | {"label": "North"}]}, "label.en"),
    "area label not English": ({"area": [AREA | {"label": {"es": "Norte"}}]}, "label.en"),
    "area label in no language": ({"area": [AREA | {"label": {"en": "x", "e!": "x"}}]}, "language"),
    "area code in upper case": ({"area": [AREA | {"code": "North"}]}, "code"),
    "area code too long": ({"area": [AREA | {"code": "n" * 25}]}, "24"),
    "area code twice": ({"area": [AREA, AREA]}, "never reused"),
    "area code of a retired one": ({"area": [AREA | {"retired": True}, AREA]}, "never reused"),
    "area code built in": ({"area": [AREA | {"code": "online"}]}, "never reused"),
    "area checked on no day": ({"area": [AREA | {"checked_on": "2026-1-1"}]}, "YYYY-MM-DD"),
    "area a table": ({"area": AREA}, "two brackets"),
    "area a text": ({"area": ["north"]}, "table"),
    "agency kind unknown": ({"agency": [AGENCY | {"kind": "militia"}]}, "one of"),
    "agency code built in": ({"agency": [AGENCY | {"code": "security"}]}, "never reused"),
    "share for police": ({"share": [SHARE | {"purpose": "police"}]}, "statistics, referral, legal_help"),
    "share for immigration": ({"share": [SHARE | {"purpose": "immigration"}]}, "one of"),
    "share code twice": ({"share": [SHARE, SHARE]}, "never reused"),
}


@pytest.mark.parametrize(("changes", "said"), REFUSED.values(), ids=REFUSED)
def test_a_setting_against_the_rules_is_refused(changes, said):
    """The message names the setting and what it must be."""
    with pytest.raises(ConfigError, match=said):
        example_content(**changes)


def test_a_catch_all_needs_no_number():
    """The place "elsewhere" has no residents to count."""
    got = example_content(area=[{"code": "elsewhere", "label": {"en": "Elsewhere"}, "catch_all": True}])

    assert got.areas[0].catch_all


def test_no_share_with_police_can_be_configured():
    """There is no purpose for it, so there is no "yes" for it."""
    assert {purpose.value for purpose in content.SharePurpose} == {"statistics", "referral", "legal_help"}


def test_the_form_offers_what_the_center_set():
    """Local codes reach the questions, built-in ones after them."""
    local = example_content(area=[AREA]).local_sets()

    assert local.allowed(report.question("area")) == ("north", "online", "unsure", "skip")
