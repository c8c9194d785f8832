"""A report comes in whole, or comes back whole: typed words are never lost by us (P7)."""

import base64
import html
import io
import sqlite3
from datetime import UTC, date, datetime, timedelta

import pytest

from crypto.report import QUESTIONS, TICKED, Flag, Kind
from intake.anonymity import FAST, TOKEN_LIFE
from tests.center import largest_report, make_center, sample_report
from tests.intake.conftest import Form, make_form
from tests.intake.test_headers import make_application

STORY = "Ayer en la parada.\n\nالسلام عليكم & <script>alert(1)</script> \"quoted\" 'again' ਪੰਜਾਬੀ 𝔘"
CONTACT = "Sam, 555-0100 after six"
ANSWERS = {
    "narrative": STORY,
    "contact": CONTACT,
    "when_text": "۱۴۰۵ آبان",
    "incident_types": ["words", "threat"],
    "when": "d7",
    "consent_quote": TICKED,
}


def assert_words_are_back(answer, words=(STORY, CONTACT)) -> None:
    """The page holds every typed word, escaped, and the ticks."""
    page = html.unescape(answer.data.decode().replace("</textarea>", "\0"))
    for word in words:
        assert word in page
    assert "<script>" not in answer.data.decode()
    assert 'value="threat" checked' in answer.data.decode()


def posted_answers(report) -> dict[str, list[str]]:
    """What a browser would send for a report."""
    told = {}
    for asked in QUESTIONS:
        value = getattr(report, asked.name)
        if asked.kind is Kind.TICK:
            told[asked.name] = [TICKED] if value else []
        else:
            told[asked.name] = list(value) if isinstance(value, tuple) else [value]
    return told


def test_a_report_is_sealed_with_what_was_told_and_answered_303(form):
    """The whole way from a post to an opened report."""
    answer = form.client.post("/en/form", data=ANSWERS)

    assert (answer.status_code, answer.headers["Location"], answer.data) == (303, "/en/done", b"")
    (opened,) = form.opened()
    assert opened.report.narrative == STORY
    assert opened.report.incident_types == ("words", "threat")
    assert opened.report.when_text == "۱۴۰۵ آبان"
    assert opened.report.consent_quote
    assert opened.report.consent_count
    assert opened.header.received_day == date(2026, 11, 16)


def test_every_answer_of_the_questionnaire_comes_through(form):
    """A field that is dropped between page and seal would be missed for ever."""
    told = largest_report("ä", form.center.local)

    assert form.client.post("/en/form", data=posted_answers(told)).status_code == 303

    (opened,) = form.opened()
    for asked in QUESTIONS:
        if asked.name not in {"contact", "consent_count", "consent_quote"}:
            assert getattr(opened.report, asked.name) == getattr(told, asked.name)


def test_the_done_page_is_the_same_bytes_for_everyone(form):
    """A number on it would tie a phone to a report."""
    pages = {form.client.get("/en/done").data for _ in range(3)}

    assert len(pages) == 1
    assert b"We have it" in pages.pop()


def test_ticks_alone_are_enough_and_so_are_words_alone(form):
    """One of the two is enough; nothing else is required."""
    assert form.client.post("/en/form", data={"incident_types": "words"}).status_code == 303
    assert form.client.post("/en/form", data={"narrative": "x"}).status_code == 303


@pytest.mark.parametrize("lines", ["\r\n", "\r", "\n"])
def test_line_ends_of_every_browser_become_one(form, lines):
    """A form sends CR LF; a report holds LF."""
    form.client.post("/en/form", data={"narrative": f"a{lines}b"})

    assert form.opened()[0].report.narrative == "a\nb"


# Doubt becomes a flag, never a refusal


def flags_of(form: Form, data: dict, *, client=None, **headers) -> set[str]:
    """The flags that a post was sealed with."""
    before = form.store.index().keys()
    answer = (client or form.client).post("/en/form", data={"narrative": "x"} | data, headers=headers)
    assert answer.status_code == 303
    from crypto.unseal import unseal

    (new,) = form.store.index().keys() - before
    envelope = form.store.read(new, form.store.index()[new])
    return set(unseal(envelope.sealed, form.center.identities).header.flags)


def token_of(page: bytes) -> str:
    """The form's token."""
    return page.decode().split('name="token" value="')[1].split('"')[0]


HONEST = {"Sec-Fetch-Site": "same-origin"}


def test_an_honest_post_has_no_flag(form):
    """The queue of doubtful reports must stay short."""
    client = form.client
    token = token_of(client.get("/en/form").data)
    form.moment += timedelta(seconds=FAST)
    client.post("/en/form", data={"narrative": "x", "token": token, "p": "x", "website": ""}, headers=HONEST)

    assert form.opened()[0].header.flags == ()


@pytest.mark.parametrize(
    ("data", "flag"),
    [
        ({}, Flag.TOKEN_MISSING),
        ({"token": "made-up"}, Flag.TOKEN_UNKNOWN),
        ({"token": "A" * 40}, Flag.TOKEN_UNKNOWN),
        ({"token": "ü"}, Flag.TOKEN_UNKNOWN),
        ({"website": "http://spam.example"}, Flag.HONEYPOT),
        ({"again": "yes"}, Flag.CROSS_SITE),
        ({"bias": "made_up"}, Flag.UNKNOWN_CODE),
        ({"area": "atlantis"}, Flag.UNKNOWN_CODE),
        ({"made_up": "x"}, Flag.UNKNOWN_FIELD),
    ],
)
def test_what_is_odd_is_flagged_and_accepted(form, data, flag):
    """Nothing is refused for being odd."""
    assert flag in flags_of(form, data, **HONEST)


def test_a_browser_that_says_nothing_of_its_origin_is_believed(form):
    """Old browsers and some phones send no such header."""
    assert Flag.NO_FETCH in flags_of(form, {})
    assert Flag.NO_FETCH not in flags_of(form, {}, **HONEST)


def test_an_old_token_is_flagged_and_accepted(form):
    """A phone that lay on the table over night still sends."""
    client = form.client
    token = token_of(client.get("/en/form").data)
    form.moment += timedelta(seconds=TOKEN_LIFE + 1)

    client.post("/en/form", data={"narrative": "x", "token": token}, headers=HONEST)

    assert form.opened()[0].header.flags == (Flag.TOKEN_OLD,)


def test_who_sends_faster_than_anybody_reads_is_flagged(form):
    """A page that gives words back goes on counting from the first one, however often that is."""
    client = form.client
    token = token_of(client.get("/en/form").data)
    form.moment += timedelta(seconds=FAST - 1)

    again = client.post("/en/form", data={"narrative": "x", "token": token, "do": "show"}, headers=HONEST)
    assert Flag.FAST in flags_of(form, {"token": token_of(again.data)}, client=client, **HONEST)

    form.moment += timedelta(seconds=1)
    assert Flag.FAST not in flags_of(form, {"token": token_of(again.data)}, client=client, **HONEST)


def test_a_token_tells_whoever_finds_the_page_no_time(form):
    """Two pages of the same second look as different as two of different years."""
    client = form.client
    tokens = [base64.urlsafe_b64decode(token_of(client.get("/en/form").data)) for _ in range(64)]

    for place in range(len(tokens[0])):
        assert len({token[place] for token in tokens}) > 32  # random bytes: 57 of 64 differ on the average


# Every refusal gives the words back


def test_nothing_told_gives_back_what_was_typed(form):
    """A contact alone is no report, and is not lost."""
    answer = form.client.post("/en/form", data={"contact": CONTACT, "bias": "threat", "harm": "afraid"})

    assert answer.status_code == 422
    assert b"<title>Error: Community form</title>" in answer.data
    assert b"Please write a few words, or tick what happened. One of the two is enough." in answer.data
    assert CONTACT in answer.data.decode()
    assert b'value="afraid" checked' in answer.data


@pytest.mark.parametrize(
    ("field", "limit"), [("narrative", 6_000), ("when_text", 80), ("own_words", 120), ("contact", 400)]
)
def test_a_text_that_is_too_long_comes_back_whole_with_its_field_named(form, field, limit):
    """Cutting in silence would change what a person said."""
    text = "word " * (limit // 5) + "and more"
    answer = form.client.post("/en/form", data=ANSWERS | {field: text})

    page = answer.data.decode()
    assert answer.status_code == 422
    assert text in page
    assert f'href="#q-{field}"' in page
    assert "about 5 words too many." in page
    assert "Nothing was saved. Your words are below." in page


def test_a_post_from_another_site_comes_back_and_is_accepted_from_ours(form):
    """Another site may make a browser post; the person presses Send again."""
    for site in ("cross-site", "same-site"):
        answer = form.client.post("/en/form", data=ANSWERS, headers={"Sec-Fetch-Site": site})
        assert answer.status_code == 403
        assert_words_are_back(answer)
        assert b'name="again" value="yes"' in answer.data
    assert form.store.count() == 0

    assert Flag.CROSS_SITE in flags_of(form, {"again": "yes"}, **HONEST)


def test_text_that_is_not_utf8_comes_back_to_be_mended(form):
    """A wrong letter is shown, and nothing is guessed into the seal."""
    body = b"incident_types=threat&narrative=caf%E9+and+" + b"more"
    answer = form.client.post("/en/form", data=body, content_type="application/x-www-form-urlencoded")

    assert answer.status_code == 422
    assert "café and more" in answer.data.decode()
    assert b"Some letters did not reach us well." in answer.data
    assert form.store.count() == 0


def test_a_body_beyond_the_limit_gives_back_its_first_part(form):
    """Half a megabyte of pasted text is still somebody's text."""
    answer = form.client.post("/en/form", data=ANSWERS | {"own_words": "x" * 2_200_000})

    assert answer.status_code == 413
    assert b"We could only read the first part." in answer.data
    assert STORY in html.unescape(answer.data.decode())


def test_a_line_that_breaks_is_never_a_success(form):
    """A cut upload must not look like a stored report."""
    body = b"narrative=half+a+story"
    answer = form.client.post(
        "/en/form",
        input_stream=io.BytesIO(body),
        content_type="application/x-www-form-urlencoded",
        environ_overrides={"CONTENT_LENGTH": "4000", "wsgi.input_terminated": True},
    )

    assert answer.status_code == 400
    assert b"half a story" in answer.data
    assert form.store.count() == 0


def test_a_closed_form_says_so_before_typing_and_gives_words_back_after(form):
    """Past the hard expiry nothing can be sealed."""
    client = form.client
    form.moment = datetime(2028, 1, 1, tzinfo=UTC)

    shown = client.get("/en/form")
    answer = client.post("/en/form", data=ANSWERS)

    assert (shown.status_code, answer.status_code) == (503, 503)
    assert b"The form is closed for now." in shown.data
    assert b"<textarea" not in shown.data
    assert_words_are_back(answer)


def test_a_form_past_soft_expiry_stays_open(form):
    """Closing a line for hate crimes by a forgotten date is the worse harm."""
    form.moment = datetime(2027, 11, 1, tzinfo=UTC)

    assert form.client.post("/en/form", data=ANSWERS).status_code == 303


def test_a_locked_store_gives_the_words_back_and_takes_them_later(tmp_path):
    """Another process holds the store for longer than a person should wait."""
    form = make_form(tmp_path, deadline_seconds=0.2)
    client = form.client
    holder = sqlite3.connect(form.config.intake.store, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")

    answer = client.post("/en/form", data=ANSWERS)

    assert answer.status_code == 503
    assert b"We could not save it. Your words are still below." in answer.data
    assert_words_are_back(answer)
    holder.execute("ROLLBACK")
    holder.close()
    assert client.post("/en/form", data=ANSWERS).status_code == 303
    form.store.close()


@pytest.mark.parametrize("damage", ["gone", "no store", "a directory"])
def test_a_store_that_fails_gives_the_words_back(form, damage):
    """Whatever became of the file, nothing is confirmed and nothing is lost."""
    form.store.close()
    path = form.config.intake.store
    path.unlink()
    if damage == "no store":
        path.write_bytes(b"nonsense" * 1_000)
    elif damage == "a directory":
        path.mkdir()

    answer = form.client.post("/en/form", data=ANSWERS)

    assert answer.status_code == 503
    assert_words_are_back(answer)


def test_an_unforeseen_fault_gives_the_words_back(form):
    """Nobody foresaw it, so nothing may depend on what it is: here the clock itself fails."""
    form.clock = lambda: 1 / 0

    answer = make_application(form).test_client().post("/en/form", data=ANSWERS)

    assert answer.status_code == 500
    assert_words_are_back(answer)


def test_a_fault_before_the_words_were_read_says_that_they_are_gone(form):
    """An empty form to go back to would be a false hope."""
    form.clock = lambda: 1 / 0

    answer = make_application(form).test_client().get("/en/form")

    assert answer.status_code == 500
    assert b"We could not keep your words." in answer.data


def test_a_mistake_of_ours_while_storing_gives_the_words_back(form):
    """The words were read, so they are shown."""
    answer = faulty(form).post("/en/form", data=ANSWERS)

    assert answer.status_code == 500
    assert_words_are_back(answer)
    assert b"Press Send again, or reach us another way" in answer.data
    assert b"CANARY" not in answer.data


def faulty(form: Form):
    """A client whose store raises what no store should."""
    from intake.app import create_app

    class Broken:
        """Stands for a mistake of ours that nobody has made yet."""

        def add(self, *_):
            raise RuntimeError("CANARY of a mistake")

    return create_app(form.config, form.center.config, store=Broken(), clock=form.clock).test_client()


def test_two_centers_do_not_open_each_others_reports(form):
    """The seal is for one Center."""
    from crypto.errors import NoMatchError
    from crypto.unseal import unseal

    form.client.post("/en/form", data=ANSWERS)

    (envelope,) = form.store.pending()
    with pytest.raises(NoMatchError):
        unseal(envelope.sealed, make_center(center="another-center").identities)


def test_text_reports_of_any_language_and_length_have_one_size(form):
    """P3, a sample; the long run lies with the sealing tests."""
    client = form.client
    for character in ("a", "ä", "界", "𝔘", '"'):
        client.post("/en/form", data=posted_answers(largest_report(character, form.center.local)))
        client.post("/en/form", data=posted_answers(sample_report(narrative=character)))

    assert {len(envelope.sealed) for envelope in form.store.pending()} == {34_427}
    assert form.store.count() == 10
