"""The look of a Center: its own colors if people can read them, its logo, its events."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from intake import errors
from intake.config import Event, load
from intake.theme import DARK, LIGHT, Palette, Theme, contrast
from tests.center import DAY
from tests.intake.conftest import make_form


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#000000", "#ffffff", 21.0), ("#ffffff", "#ffffff", 1.0), ("#777777", "#ffffff", 4.48)],
)
def test_contrast_is_that_of_the_standard(one, other, ratio):
    """Known pairs; WCAG counts it the same both ways."""
    assert contrast(one, other) == pytest.approx(ratio, abs=0.005)
    assert contrast(other, one) == contrast(one, other)


@pytest.mark.parametrize(
    ("palette", "words"),
    [
        (replace(LIGHT, ink="#aaaaaa"), r"ink on paper has a contrast of 2\.\d"),
        (replace(LIGHT, accent_ink="#1f5a6c"), "accent_ink on accent"),
        (replace(LIGHT, line="#eeeeee"), "line on paper"),
        (replace(LIGHT, paper="white"), "paper must be a color"),
        (replace(LIGHT, ink="#000;}*{x:y"), "ink must be a color"),
    ],
)
def test_colors_that_some_people_cannot_read_are_refused_with_the_number(palette, words):
    """Somebody with weak eyes, on a phone, in the sun."""
    with pytest.raises(errors.SettingError, match=words):
        Theme(light=palette)


@pytest.mark.parametrize(
    "wrong",
    [{"radius": "1rem;}"}, {"radius": "-1px"}, {"font": "a; } body { x: url(//x)"}, {"font": ""}],
)
def test_nothing_of_a_setting_can_write_rules_into_the_stylesheet(wrong):
    """A name of a font is a name of a font."""
    with pytest.raises(errors.SettingError):
        Theme(**wrong)


def test_the_stylesheet_begins_with_the_variables_of_the_theme(tmp_path):
    """One color of the Center's own, the rest as shipped, in light and in dark."""
    form = make_form(tmp_path)
    path = form.config.path
    path.write_text(path.read_text() + '[site.theme.light]\naccent = "#5b2a86"\n')
    form.config = load(path)
    client = form.client

    style = client.get(client.get("/en/").text.split('stylesheet" href="')[1].split('"')[0]).text

    assert "--accent:#5b2a86" in style
    for palette in (LIGHT, DARK):
        for color in fields(Palette):
            if color.name != "accent":
                assert f"--{color.name.replace('_', '-')}:{getattr(palette, color.name)}" in style
    assert "/*" not in style
    form.store.close()


def test_a_logo_is_shown_with_its_words_and_cached_under_its_hash(tmp_path):
    """It comes from the same host; nothing else may be loaded."""
    form = make_form(tmp_path)
    logo = tmp_path / "logo.png"
    logo.write_bytes(b"\x89PNG picture")
    theme = Theme(logo=logo, logo_alt="The <Center>")
    form.config = replace(form.config, site=replace(form.config.site, theme=theme))
    client = form.client

    page = client.get("/en/form").text
    name = page.split('<img src="')[1].split('"')[0]
    answer = client.get(name)

    assert 'alt="The &lt;Center&gt;"' in page
    assert (answer.data, answer.mimetype) == (b"\x89PNG picture", "image/png")
    assert "immutable" in answer.headers["Cache-Control"]
    form.store.close()


def test_an_event_is_announced_until_its_day_is_over(tmp_path):
    """The page changes with the day, while the server runs."""
    form = make_form(tmp_path)
    events = (
        Event(
            day=DAY + timedelta(days=1),
            label={"en": "Town hall"},
            details={"en": "At six"},
            web="https://t.example/",
        ),
        Event(day=DAY, label={"en": "Healing circle"}),
        Event(day=DAY - timedelta(days=1), label={"en": "Over"}),
    )
    form.config = replace(form.config, site=replace(form.config.site, events=events))
    client = form.client

    def told(path: str) -> list[str]:
        page = client.get(path).text
        found = [name for name in ("Healing circle", "Town hall", "Over") if name in page]
        return sorted(found, key=page.index)

    for path in ("/en/", "/en/help", "/en/done"):
        assert told(path) == ["Healing circle", "Town hall"]
    form.moment += timedelta(days=1)
    assert told("/en/") == ["Town hall"]
    form.moment += timedelta(days=1)
    assert told("/en/") == []
    assert "Coming up" not in client.get("/en/").text
    form.store.close()


def test_the_day_of_an_event_ends_where_the_center_is(tmp_path):
    """Six in the evening in Sacramento is two in the morning of the next day by UTC."""
    form = make_form(tmp_path)
    site = replace(form.config.site, events=(Event(day=DAY, label={"en": "Town hall"}),), utc_offset_hours=-8)
    form.config = replace(form.config, site=site)
    client = form.client

    form.moment = datetime(
        DAY.year, DAY.month, DAY.day, 23, 59, tzinfo=timezone(timedelta(hours=-8))
    ).astimezone(UTC)
    assert "Town hall" in client.get("/en/").text
    form.moment += timedelta(minutes=2)
    assert "Town hall" not in client.get("/en/").text
    form.store.close()


def test_an_event_is_read_from_the_config_file(tmp_path):
    """With words by language, as everything of [site]."""
    form = make_form(tmp_path)
    path = form.config.path
    path.write_text(
        path.read_text() + '[[site.event]]\nday = 2026-12-04\nlabel.en = "Town hall"\nlabel.es = "Asamblea"\n'
    )
    form.config = load(path)

    assert "Asamblea" in form.client.get("/es/").text
    form.store.close()


def test_all_steps_are_shown_at_once_where_the_center_says_so(tmp_path):
    """For people whose screen reader stumbles over steps."""
    form = make_form(tmp_path)
    stepped = form.client.get("/en/form").text
    form.config = replace(form.config, site=replace(form.config.site, one_page=True))

    assert '<div class="steps">' in stepped
    assert '<div class="steps">' not in form.client.get("/en/form").text
    form.store.close()
