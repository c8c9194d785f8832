"""The config file: every complaint names the setting and what to do."""

from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest

from crypto.settings import SECTIONS
from intake.config import Challenge, Event, IntakeConfig, Limits, Resource, SiteConfig, load
from intake.errors import ConfigFileError, SettingError
from intake.theme import Palette, Theme

SMALLEST = '[intake]\ncenter = "test-center"\ndata_dir = "data"\npublic_config = "/etc/public"\n'


def written(tmp_path: Path, text: str) -> Path:
    """A config file with this text."""
    path = tmp_path / "intake.toml"
    path.write_text(text)
    return path


def test_the_smallest_file_gets_the_documented_defaults(tmp_path):
    """Three settings have no default; all else must be safe without being set."""
    config = load(written(tmp_path, SMALLEST))

    assert config.intake.data_dir == tmp_path / "data"
    assert config.intake.public_config == Path("/etc/public")
    assert config.intake.production
    assert (config.intake.workers, config.intake.max_requests) == (2, 100)
    assert config.site.texts_confirmed_on is None


def test_the_shipped_example_is_read(tmp_path):
    """An operator begins with this file."""
    example = Path(__file__).parent.parent.parent / "config.example.toml"

    config = load(example)

    assert config.center_section is not None
    assert config.site.resources


def test_words_are_read_by_language_and_a_bare_string_is_english(tmp_path):
    """A Center that speaks one language need not say which."""
    text = SMALLEST + '[site]\nother_way.en = "Call us."\nother_way.es = "Llame."\nhow_to = "Open History."\n'

    site = load(written(tmp_path, text)).site

    assert site.other_way == {"en": "Call us.", "es": "Llame."}
    assert site.how_to == {"en": "Open History."}


def test_a_resource_is_read_with_its_date(tmp_path):
    """The page says when a number is old, so the day must arrive as a day."""
    text = (
        SMALLEST
        + '[[site.resource]]\ncode = "line"\nlabel.en = "A line"\nphone = "988"\nchecked_on = 2026-11-01\n'
    )

    (resource,) = load(written(tmp_path, text)).site.resources

    assert resource.checked_on == date(2026, 11, 1)


@pytest.mark.parametrize(
    ("extra", "named"),
    [
        ("dat_dir = 'x'\n", "data_dir"),
        ("worker = 2\n", "workers"),
        ("[sites]\n", "[site]"),
        ("[intake.limits]\ntext_kb = 1\n", "text_kib"),
        ("[site]\nexit = 'x'\n", "exit_url"),
        ("[[site.resource]]\ncode = 'a'\nfone = '1'\n", "phone"),
        ("[[site.event]]\ndate = 2026-12-01\n", "day"),
        ("[site.theme]\nradios = '0'\n", "radius"),
        ("[site.theme.dark]\npapers = '#000000'\n", "paper"),
        ("[center]\nconsent = 'opt_in'\n", "consent_mode"),
        ("[[center.area]]\nresident = 20000\n", "residents"),
        ("[[center.agency]]\nkinds = 'city'\n", "kind"),
        ("[[center.share]]\npurposes = 'referral'\n", "purpose"),
        ("[center.texts.en]\ncourt = 'x'\n", "court_short"),
    ],
)
def test_an_unknown_setting_names_the_nearest_known_one(tmp_path, extra, named):
    """A misspelt setting that is passed over in silence is a setting that does not hold."""
    with pytest.raises(SettingError, match="did you mean") as refused:
        load(written(tmp_path, SMALLEST + extra))

    assert named.strip("[]") in str(refused.value)


@pytest.mark.parametrize(
    "line",
    [
        "[site]\ntitle.esp = 'x'\n",
        "[site]\nemergency.esp = 'x'\n",
        "[[site.resource]]\ncode = 'a'\nlabel.esp = 'x'\n",
        "[[site.resource]]\ncode = 'a'\nhours.esp = 'x'\n",
        "[[site.event]]\nday = 2026-12-01\ndetails.esp = 'x'\n",
        "[site]\nallow_unreviewed = ['ko', 'esp']\n",
    ],
)
def test_words_in_a_language_that_the_form_does_not_have_are_refused(tmp_path, line):
    """Nobody would ever see them, and whoever wrote them would believe that they are there."""
    with pytest.raises(SettingError, match=r"no language 'esp'; did you mean 'es'\?"):
        load(written(tmp_path, SMALLEST + line))


def test_a_setting_for_the_review_machine_is_refused(tmp_path):
    """None exists: one that is written there would hold nowhere."""
    with pytest.raises(SettingError, match=r"intake\.toml: \[review\] has no setting 'vault'"):
        load(written(tmp_path, SMALLEST + "[review]\nvault = '/srv/vault'\n"))


def test_each_setting_that_is_read_is_known_and_each_known_one_is_read():
    """The names stand with those of the other sections, the values here; no name may be in one place alone."""

    def names(kind: type) -> set[str]:
        return {one.name for one in fields(kind)}

    intake, site = SECTIONS["intake"], SECTIONS["site"]

    assert set(intake) == names(IntakeConfig)
    assert set(intake["limits"]) == names(Limits)
    assert set(site) == names(SiteConfig) - {"resources", "events", "challenges"} | {
        "resource",
        "event",
        "question",
    }
    assert set(site["resource"]) == names(Resource)
    assert set(site["event"]) == names(Event)
    assert set(site["question"]) == names(Challenge) - {"number"}
    assert set(site["theme"]) == names(Theme)
    assert set(site["theme"]["light"]) == set(site["theme"]["dark"]) == names(Palette)


@pytest.mark.parametrize(
    "extra",
    [
        "port = 0\n",
        "port = '8000'\n",
        "threads = 100\n",
        "max_requests = 5000\n",
        "deadline_seconds = 0\n",
        "deadline_seconds = 31\n",
        "production = 1\n",
        "limits = 3\n",
        "[site]\nexit_url = 'http://plain.example/'\n",
        "[site]\nother_way = 3\n",
        "[site]\nresource = 3\n",
        "[site]\ntexts_confirmed_on = 'yes'\n",
        "[[site.resource]]\ncode = 'a'\nlanguages = [1]\n",
    ],
)
def test_a_setting_out_of_range_or_of_another_kind_is_refused(tmp_path, extra):
    """A wrong value is found at the start, not in the night."""
    with pytest.raises(SettingError, match=r"\[(intake|site)"):
        load(written(tmp_path, SMALLEST + extra))


@pytest.mark.parametrize("center", ["", "ab", "Test", "a_b_c", "x" * 33])
def test_a_center_id_is_written_as_in_the_signed_config(tmp_path, center):
    """An id of another form could never match."""
    with pytest.raises(SettingError, match="center"):
        load(written(tmp_path, SMALLEST.replace("test-center", center)))


@pytest.mark.parametrize("line", ["center", "data_dir", "public_config"])
def test_a_missing_setting_is_named(tmp_path, line):
    """These three have no safe default."""
    kept = "\n".join(one for one in SMALLEST.splitlines() if not one.startswith(line))

    with pytest.raises(SettingError, match=line):
        load(written(tmp_path, kept))


def test_a_file_that_is_missing_or_no_toml_is_named(tmp_path):
    """The operator sees the path and, for bad TOML, the line."""
    with pytest.raises(ConfigFileError, match=r"nowhere\.toml"):
        load(tmp_path / "nowhere.toml")
    with pytest.raises(ConfigFileError, match="line 1"):
        load(written(tmp_path, "= nothing\n"))
    bad = tmp_path / "bad.toml"
    bad.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigFileError, match="UTF-8"):
        load(bad)
