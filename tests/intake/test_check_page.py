"""Looking at one's words before they are sent, in any language, without losing or keeping one of them."""

import html

import pytest

from crypto.report import QUESTIONS, Kind
from intake import controls
from intake.hints import hints
from intake.languages import LANGUAGES
from tests.center import largest_report
from tests.form_client import FormPage
from tests.intake.test_views import ANSWERS, CONTACT, STORY, posted_answers


def sent_by(page: str) -> dict[str, list[str]]:
    """What the hidden fields of a page would send, without the page's own."""
    parser = FormPage()
    parser.feed(page)
    found: dict[str, list[str]] = {}
    for name, value in parser.hidden:
        if name not in controls.OWN_FIELDS:
            found.setdefault(name, []).append(value.replace("\r\n", "\n"))
    return found


def test_the_check_page_lists_what_was_told_and_keeps_nothing(form):
    """Words as they were typed, ticks in words, nothing of what was left out."""
    answer = form.client.post("/en/form", data=ANSWERS | {"do": "check"})

    page = html.unescape(answer.text)
    assert answer.status_code == 200
    assert STORY in page
    assert "<bdi>Threats</bdi>" in page
    assert "Nothing has been saved yet." in page
    assert "Which agency?" not in page
    assert "<script>" not in answer.text
    assert form.store.count() == 0


def test_everything_told_goes_through_the_check_page_unchanged(form):
    """All questions at their limit, sent on as a browser would send the page."""
    told = largest_report("ä", form.center.local)
    client = form.client
    shown = client.post("/en/form", data=posted_answers(told) | {"do": "check"})

    assert client.post("/en/form", data=sent_by(shown.text)).status_code == 303

    (opened,) = form.opened()
    for asked in QUESTIONS:
        if asked.name not in {"contact", "consent_count", "consent_quote"}:
            assert getattr(opened.report, asked.name) == getattr(told, asked.name)


@pytest.mark.parametrize("deed", ["show", "check"])
@pytest.mark.parametrize("code", [language.code for language in LANGUAGES])
def test_a_change_of_language_keeps_every_word_and_tick(form, code, deed):
    """The language buttons send the form to the other address; all of it comes back there."""
    told = posted_answers(largest_report("ä", form.center.local))
    answer = form.client.post(f"/{code}/form", data=told | {"do": deed})

    assert answer.status_code == 200
    assert f'<html lang="{code}"' in answer.text
    for asked in QUESTIONS:
        for value in told[asked.name]:
            if not value:
                continue
            escaped = html.escape(value).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
            is_text = asked.kind is Kind.TEXT and deed == "show"
            mark = escaped if is_text else f'name="{asked.name}" value="{escaped}"'
            assert mark in answer.text, asked.name
            assert deed == "check" or is_text or f"{mark} checked" in answer.text, asked.name


@pytest.mark.parametrize(
    ("told", "status", "words"),
    [
        ({"contact": CONTACT}, 422, "Please write a few words"),
        ({"narrative": STORY, "own_words": "y" * 130}, 422, "too long for us"),
    ],
)
def test_what_cannot_be_sent_is_said_before_the_list(form, told, status, words):
    """A list that ends in a refusal would be a detour."""
    answer = form.client.post("/en/form", data=told | {"do": "check"})

    assert answer.status_code == status
    assert words in answer.text
    assert "<textarea" in answer.text


def test_a_form_given_back_for_changing_complains_of_nothing(form):
    """Also when nothing was told yet: somebody only changed the language."""
    answer = form.client.post("/es/form", data={"do": "show"})

    assert answer.status_code == 200
    assert 'class="problem"' not in answer.text


def test_a_doubtful_post_stays_doubtful_through_the_check_page(form):
    """The mark of a post from another site is carried along."""
    answer = form.client.post("/en/form", data=ANSWERS | {"do": "check", "again": "yes"})

    assert 'name="again" value="yes"' in answer.text


def test_a_post_to_a_language_that_is_not_there_gives_the_words_back(form):
    """An old bookmark of a language that the Center took away."""
    answer = form.client.post("/xx/form", data=ANSWERS)

    assert answer.status_code == 404
    assert STORY in html.unescape(answer.text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Call 916-555-0100 or (916) 555 0100", ("916-555-0100", "(916) 555 0100")),
        ("روی ۹۱۶۵۵۵۰۱۰۰ زنگ بزنید", ("۹۱۶۵۵۵۰۱۰۰",)),
        ("write to sam.o@example.org!", ("sam.o@example.org",)),
        ("he is @some_one online", ("@some_one",)),
        ("It was @a_handle.", ("@a_handle",)),
        ("at 1234 Oak Street, Apt 5", ("1234 Oak Street",)),
        ("plate 7ABC123 on a van", ("7ABC123",)),
        ("It was in 2026, at 5 in the afternoon, near 3 bars.", ()),
        ("They shouted. I ran. Twice.", ()),
        ("", ()),
    ],
)
def test_what_may_show_who_someone_is_is_pointed_out(text, found):
    """A hint, never a refusal; a year, an hour or a count is none."""
    assert set(hints([text])) == set(found)


def test_hints_are_few_and_said_once():
    """A list of thirty would be read by nobody."""
    numbers = [f"916-555-{number:04}" for number in range(30)]

    assert len(hints([" ".join([*numbers, *numbers])])) == 5


def test_a_hint_is_shown_on_the_check_page_and_nothing_is_refused(form):
    """The way to be reached is meant to be one, so it is not pointed out."""
    told = {"narrative": "She is @some_one", "contact": "916-555-0100", "do": "check"}
    page = form.client.post("/en/form", data=told).text

    assert "<li><bdi>@some_one</bdi></li>" in page
    assert "<li><bdi>916" not in page
