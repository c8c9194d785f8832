"""Which language a browser is sent to, and what a catalogue must be before anybody sees it."""

import string

import pytest

from intake import errors, offers
from intake.catalogues import Catalogue, catalogue_of, read_entries, say
from intake.languages import BY_CODE, LANGUAGES, SOURCE, negotiate
from intake.localizer import Localizer

ALL = tuple(BY_CODE)
TRANSLATED = tuple(language.code for language in LANGUAGES if language != SOURCE)


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("en-US,en;q=0.5", "en"),
        ("es-419,es;q=0.9,en;q=0.8", "es"),
        ("zh-TW,zh;q=0.9", "zh-Hant"),
        ("zh-HK", "zh-Hant"),
        ("zh-MO", "zh-Hant"),
        ("zh-CN,zh;q=0.9", "zh-Hans"),
        ("zh-Hant-TW", "zh-Hant"),
        ("zh", "zh-Hans"),
        ("fil-PH,fil;q=0.9,en;q=0.8", "tl"),
        ("prs-AF", "fa"),
        ("fa-AF", "fa"),
        ("pa-Guru-IN", "pa"),
        ("mww", "hmn"),
        ("ar-EG,ar;q=0.9", "ar"),
        ("EN-gb", "en"),
        ("de, uk;q=0.3, ru;q=0.7", "ru"),
        ("ko;q=0, vi", "vi"),
        ("xx;q=nonsense, ps", "ps"),
    ],
)
def test_a_browser_is_sent_to_the_language_that_it_asks_for_most(header, code):
    """The framework's own match sends zh-TW to simplified characters, and fil and prs to English."""
    assert negotiate(header, ALL) == BY_CODE[code]


@pytest.mark.parametrize("header", ["", "de-DE,de", "pa-Arab-PK,pa;q=0.9", "pa-PK", ";;;,,", "*"])
def test_nobody_is_sent_to_a_script_they_may_not_read(header):
    """Punjabi of Pakistan is written in another script: its readers see the names of all languages."""
    assert negotiate(header, ALL) is None


def test_a_language_that_is_not_offered_is_never_chosen():
    """The next one that the browser asks for is."""
    assert negotiate("uk, ru;q=0.5", ("en", "ru")) == BY_CODE["ru"]
    assert negotiate("uk", ("en",)) is None


def test_the_root_answers_with_a_language_and_keeps_none(form):
    """302 for a language we have, all names for one that we lack, the Center's first where nothing is asked for."""
    client = form.client

    spanish = client.get("/", headers={"Accept-Language": "es-MX"})
    german = client.get("/", headers={"Accept-Language": "de"})
    silent = client.get("/")

    assert (spanish.status_code, spanish.headers["Location"]) == (302, "/es/")
    assert (german.status_code, [name in german.text for name in ("Español", "العربية", "English")]) == (
        200,
        [True] * 3,
    )
    assert (silent.status_code, silent.headers["Location"]) == (302, "/en/")


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_catalogue_is_whole(code):
    """A page half in English tells somebody that they were not meant."""
    catalogue = catalogue_of(code)

    assert [message for message in offers.messages() if not catalogue.translated.get(message)] == []
    assert [message for message in catalogue.translated if message not in offers.messages()] == []


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_translation_has_the_gaps_of_its_sentence_and_no_markup(code):
    """A gap that is lost would drop the number to call; a stray tag would write the page."""
    for message, translation in catalogue_of(code).translated.items():
        assert _gaps(translation) == _gaps(message), message
        assert not set("<>&") & set(translation), message


def _gaps(text: str) -> list[str]:
    return sorted(part.split(")")[0] for part in text.split("%(")[1:]) + ["%"] * text.replace("%(", "").count(
        "%"
    )


@pytest.mark.parametrize("code", TRANSLATED)
def test_no_translation_holds_control_characters(code):
    """Direction marks are letters of these languages; overrides of direction are tricks."""
    tricks = {chr(point) for point in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}

    for translation in catalogue_of(code).translated.values():
        assert not tricks & set(translation)


@pytest.mark.parametrize("code", TRANSLATED)
def test_a_quoted_button_is_the_button(code):
    """The page says to look for words; they must be the words that stand there."""
    speak = catalogue_of(code).gettext

    assert _bare(speak("Leave this page")) in _bare(
        speak(
            'Close the window when you finish. "Leave this page" takes you away fast; close the tab too. Your phone may '
            "still remember that you came here. Some phones remember what you type. A phone from work or school may be "
            "watched. Use another one."
        )
    )


def _bare(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter not in string.punctuation)


def test_the_template_is_what_the_pages_say():
    """`make catalogues` was run after the last change of a sentence."""
    from tests.catalogues import TEMPLATE, template, written

    assert TEMPLATE.read_text(encoding="utf-8") == written(template(), "")


@pytest.mark.parametrize("code", TRANSLATED)
def test_bringing_a_catalogue_up_to_date_changes_nothing_when_it_is(code):
    """Translators' work is never touched by the tool."""
    from tests.catalogues import FOLDER, updated

    text = (FOLDER / code / "LC_MESSAGES" / "messages.po").read_text(encoding="utf-8")

    before, after = read_entries(text, code), read_entries(updated(text, code), code)
    assert {(one.text, one.translation, one.is_fuzzy) for one in before} == {
        (one.text, one.translation, one.is_fuzzy) for one in after
    }


def test_a_changed_sentence_is_added_without_a_translation_and_the_old_one_dropped():
    """What `make catalogues` does after a change: a language waits for its translator, nothing else moves."""
    from tests.catalogues import FOLDER, updated

    text = (FOLDER / "es" / "LC_MESSAGES" / "messages.po").read_text(encoding="utf-8")
    before = text.replace('msgid "Yes"', 'msgid "An older sentence"')

    entries = {one.text: one for one in read_entries(updated(before, "es"), "es")}

    assert not entries["Yes"].is_done
    assert "An older sentence" not in entries
    assert all(one.is_done for name, one in entries.items() if name != "Yes")


def test_no_machine_made_translation_is_called_reviewed():
    """The table of states is the only place that says so, and it needs two people and a day."""
    assert {offers.state_of(code) for code in TRANSLATED} == {offers.State.SAMPLE}


HEADER = 'msgid ""\nmsgstr ""\n"Language: xx\\n"\n\n'


def test_a_catalogue_is_read_with_its_comments_escapes_and_long_lines():
    """What editors of catalogues write."""
    text = (
        HEADER
        + '#. A note\n#, python-format\nmsgid "A \\"b\\""\nmsgstr ""\n"one\\n"\n"two"\n\n#~ msgid "old"\n#~ msgstr "alt"\n'
    )

    (entry,) = read_entries(text, "xx")

    assert (entry.text, entry.translation, entry.comments) == ('A "b"', "one\ntwo", ("A note",))
    assert entry.is_done


@pytest.mark.parametrize("lines", ['#, fuzzy\nmsgid "a"\nmsgstr "b"', 'msgid "a"\nmsgstr ""'])
def test_a_guess_and_a_gap_count_as_untranslated(lines):
    """A fuzzy entry is a program's guess."""
    (entry,) = read_entries(HEADER + lines, "xx")

    assert not entry.is_done


@pytest.mark.parametrize(
    "lines",
    [
        'msgid "a"',
        'msgstr "b"',
        'msgid "a"\nmsgid_plural "as"\nmsgstr[0] "b"',
        'msgctxt "menu"\nmsgid "a"\nmsgstr "b"',
        'msgid a\nmsgstr "b"',
        'msgid "a\nmsgstr "b"',
        'msgid "\\x41"\nmsgstr "b"',
        "nonsense",
    ],
)
def test_a_catalogue_that_is_not_understood_stops_the_start(lines):
    """A damaged one must not show up as a page in pieces."""
    with pytest.raises(errors.CatalogueError, match="xx"):
        read_entries(HEADER + lines, "xx")


def test_english_words_of_a_center_are_marked_in_another_language():
    """They are read out in English, and do not move the full stop in Arabic."""
    arabic = Localizer(language=BY_CODE["ar"], catalogue=Catalogue({}))

    assert arabic.words({"en": "call <911>"}) == '<span lang="en" dir="ltr">call &lt;911&gt;</span>'
    assert arabic.words({"en": "call", "ar": "اتصل"}) == "اتصل"
    assert arabic.plain_words({"en": "call"}) == "call"
    assert Localizer(language=SOURCE, catalogue=Catalogue({})).words({"en": "call"}) == "call"


def test_words_in_a_gap_are_escaped_and_marks_in_it_stay():
    """A Center's words are data, also in the middle of a sentence of ours."""
    arabic = Localizer(language=BY_CODE["ar"], catalogue=Catalogue({"Or %(way)s": "أو %(way)s"}))

    assert arabic.say(say("Or %(way)s", way="<b>")) == "أو &lt;b&gt;"
    assert (
        arabic.say(say("Or %(way)s", way=arabic.words({"en": "x"})))
        == 'أو <span lang="en" dir="ltr">x</span>'
    )


def test_a_review_without_people_or_a_day_is_refused():
    """Nobody stands behind it."""
    with pytest.raises(errors.CatalogueError, match="reviewer"):
        offers.read_reviews('es.state = "reviewed"')


@pytest.mark.parametrize("lines", ['es.state = "perfect"', "es = 1", "es.state ="])
def test_a_damaged_table_of_reviews_stops_the_start(lines):
    """A guess would show what nobody has read."""
    with pytest.raises(errors.CatalogueError, match=r"status\.toml"):
        offers.read_reviews(lines)


def test_a_review_holds_for_the_words_that_were_read_and_for_no_others():
    """A changed translation is a sample again, and one that lost a sentence is not shown at all."""
    catalogue = catalogue_of("es")
    read = offers.catalogue_sha256(catalogue)
    reviews = offers.read_reviews(
        'es = { state = "reviewed", translator = "A", reviewer = "B", reviewed_on = 2026-11-24, '
        f'sha256 = "{read}" }}'
    )
    changed = Catalogue(catalogue.translated | {"Yes": "Ja"})
    shorter = Catalogue({text: words for text, words in catalogue.translated.items() if text != "Yes"})

    assert offers.judge(catalogue, reviews["es"]) is offers.State.REVIEWED
    assert offers.judge(changed, reviews["es"]) is offers.State.SAMPLE
    assert offers.judge(shorter, reviews["es"]) is offers.State.INCOMPLETE
    assert offers.judge(catalogue, {}) is offers.State.SAMPLE
