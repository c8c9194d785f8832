"""The names of settings: an unknown one is refused in every section, by whoever reads the file."""

import tomllib
from pathlib import Path

import pytest

from crypto.errors import ConfigError
from crypto.settings import refuse_unknown

EXAMPLE = Path(__file__).parent.parent.parent / "config.example.toml"


def test_the_shipped_example_holds_no_unknown_setting():
    """Both machines begin with it."""
    refuse_unknown(tomllib.loads(EXAMPLE.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("text", "unknown", "nearest"),
    [
        ("[centre]", "centre", "center"),
        ("[intake]\nworker = 2", "worker", "workers"),
        ("[intake.limits]\ntext_kb = 1", "text_kb", "text_kib"),
        ("[site]\nexit = 'x'", "exit", "exit_url"),
        ("[[site.resource]]\nfone = '1'", "fone", "phone"),
        ("[center]\nlanguage = ['en']", "language", "languages"),
        ("[center.texts.en]\ncourt_shrt = 'x'", "court_shrt", "court_short"),
        ("[center.texts.es]\nunder18 = 'x'", "under18", "under_18"),
        ("[[center.area]]\ncode = 'a'\n[[center.area]]\nresident = 1", "resident", "residents"),
        ("[[center.agency]]\nkinds = 'city'", "kinds", "kind"),
        ("[[center.share]]\npurpos = 'referral'", "purpos", "purpose"),
    ],
)
def test_an_unknown_setting_is_refused_with_its_nearest_one(text, unknown, nearest):
    """A misspelt setting that is passed over in silence is a setting that does not hold."""
    with pytest.raises(ConfigError) as refused:
        refuse_unknown(tomllib.loads(text))

    assert f"'{unknown}'; did you mean '{nearest}'?" in str(refused.value)


def test_a_section_without_settings_refuses_each():
    """There is no nearest one to name, and a setting there would do nothing."""
    with pytest.raises(ConfigError, match=r"\[review\] has no setting 'vault'; nothing is set"):
        refuse_unknown({"review": {"vault": "/srv"}})


@pytest.mark.parametrize("name", ["intake", "site", "center", "review"])
def test_a_section_that_is_no_table_is_refused(name):
    """`review = 3` would hide the section."""
    with pytest.raises(ConfigError, match=rf"\[{name}\] must be a table"):
        refuse_unknown({name: 3})


def test_words_in_any_language_and_other_kinds_are_left_to_their_reader():
    """Only names are looked at here: what a value must be, and which language is one, its reader says."""
    refuse_unknown({"site": {"emergency": {"es": "x"}, "resource": 3}, "center": {"area": [3], "texts": 3}})
