"""The form shows the questionnaire and nothing else, and every control keeps quiet on the reporter's device."""

import re
import urllib.parse
from html.parser import HTMLParser
from pathlib import Path

import pytest

from crypto.report import QUESTIONS, Kind
from intake import controls, forms
from intake.bodies import Posted, Reading
from intake.catalogues import Catalogue
from intake.languages import SOURCE
from intake.localizer import Localizer
from tests.center import example_content, make_center
from tests.intake.conftest import make_form

ENGLISH = Localizer(language=SOURCE, catalogue=Catalogue({}))
PACKAGE = Path(forms.__file__).parent
CONTROLS = {"input", "textarea", "select"}


class Page(HTMLParser):
    """Tags with their attributes, in order."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, *names: str) -> list[dict[str, str | None]]:
        """Attributes of every tag with one of these names."""
        return [attributes for tag, attributes in self.tags if tag in names]


@pytest.fixture(params=["empty", "given back"])
def page(form, request) -> Page:
    """The form as first shown, and as the answer to a post."""
    if request.param == "empty":
        return Page(form.client.get("/en/form").data)
    return Page(form.client.post("/en/form", data={"contact": "a way"}).data)


def test_the_page_asks_every_question_with_every_answer_in_order(form):
    """One definition: a code or field that the page lacks could never be told."""
    shown = Page(form.client.get("/en/form").data)
    values: dict[str, list[str]] = {}
    for attributes in shown.all(*CONTROLS):
        values.setdefault(attributes["name"], []).append(attributes.get("value") or "")

    asked = [name for name in values if name not in controls.OWN_FIELDS]
    assert asked == [question.name for question in QUESTIONS]
    for question in QUESTIONS:
        if question.kind in (Kind.SINGLE, Kind.MULTI):
            assert values[question.name] == list(question.offered)
    assert values["area"][0] == "sac_central"
    assert values["area"][-2:] == ["unsure", "skip"]


def test_nothing_typed_is_kept_by_the_browser_because_every_control_says_so(page):
    """Measured: autocomplete=off on the form alone leaves the text on Firefox's disk."""
    controls = page.all("form", *CONTROLS)

    assert len(controls) > 250
    assert [one for one in controls if one.get("autocomplete") != "off"] == []


def test_a_hidden_password_keeps_chromium_from_saving_the_page(page):
    """Measured: empty, disabled or unnamed it does not help."""
    (password,) = (one for one in page.all("input") if one.get("type") == "password")

    assert password["name"] == "p"
    assert password["value"] == "x"
    assert "hidden" in password
    assert "disabled" not in password


def test_a_post_of_the_form_is_larger_than_what_chromium_writes_down(page):
    """Measured: above 64 KiB a body never reaches the session file, whatever Back leads to."""
    (pad,) = (one for one in page.all("input") if one.get("name") == "pad")

    assert len(urllib.parse.quote_plus(pad["value"].replace("\n", "\r\n"))) > 65_536
    assert (pad["type"], pad["autocomplete"]) == ("hidden", "off")


def test_the_form_is_reached_by_a_post_so_that_back_finds_no_words(form):
    """Measured: Chromium shows a page that came by GET again as it was left, with the words in it."""
    client = form.client
    start = Page(client.get("/en/").data)

    (button,) = start.all("button")
    answer = client.post("/en/form", data={"do": "show"})

    assert (start.all("form")[0]["method"], start.all("form")[0]["action"]) == ("post", "/en/form")
    assert (button["name"], button["value"]) == ("do", "show")
    assert [one for one in start.all("a") if (one.get("href") or "").endswith("/form")] == []
    assert len(answer.data) == len(client.get("/en/form").data)


def test_enter_never_sends_because_the_first_button_is_disabled(page):
    """In a one-line field Enter presses the first button of the form, also before the languages."""
    buttons = page.all("button")
    (form,) = page.all("form")

    assert "disabled" in buttons[0]
    assert "hidden" in buttons[0]
    assert buttons[0]["form"] == buttons[1]["form"] == form["id"]
    assert (buttons[1]["value"], "hidden" in buttons[1]) == ("show", True)
    assert {one["name"] for one in buttons[1:]} == {"do"}


def test_nothing_is_required_or_cut_by_the_browser(page):
    """`maxlength` cuts pasted text in silence; the server answers with all of it."""
    for attributes in page.all(*CONTROLS):
        assert not {"required", "maxlength", "minlength", "pattern"} & attributes.keys()
    assert "novalidate" in page.all("form")[0]


def test_text_takes_the_direction_of_what_is_typed(page):
    """Persian typed into an English page must run its own way."""
    texts = [
        one
        for one in page.all("textarea", "input")
        if one.get("type", "text") == "text" and one["name"] != "website"
    ]

    assert len(texts) == 4
    assert {one.get("dir") for one in texts} == {"auto"}


def test_the_page_has_five_steps_one_heading_and_no_script(page):
    """The shape that screen readers and the strictest browser rely on."""
    assert [one["id"] for one in page.all("section") if one.get("class") == "step"] == [
        "s1",
        "s2",
        "s3",
        "s4",
        "s5",
    ]
    assert len(page.all("h1")) == 1
    assert page.all("script", "iframe", "img", "object", "embed", "audio", "video") == []
    assert not any(
        name.startswith("on") or name == "style" for _, attributes in page.tags for name in attributes
    )


def test_every_label_and_description_points_at_something(page):
    """A broken reference is silence in a screen reader."""
    ids = [one["id"] for _, one in page.tags if "id" in one]
    pointed = [one["for"] for one in page.all("label") if "for" in one]
    for _, attributes in page.tags:
        pointed += (attributes.get("aria-describedby") or "").split()
        pointed += (attributes.get("aria-labelledby") or "").split()

    assert len(ids) == len(set(ids))
    assert set(pointed) <= set(ids)


def test_folds_are_open_on_a_page_that_complains(form):
    """What is to be mended must not be hidden."""
    closed = Page(form.client.get("/en/form").data).all("details")
    opened = Page(form.client.post("/en/form", data={}).data).all("details")

    assert len(closed) == len(opened) == 3
    assert not any("open" in one for one in closed)
    assert all("open" in one for one in opened)


def test_a_center_without_contact_and_shares_does_not_ask_for_them():
    """A question whose answer nobody may use is not asked."""
    content = example_content(contact=False, share=[])

    names = {question.name for question in forms.shown_questions(content)}

    assert {question.name for question in QUESTIONS} - names == {"contact", "consent_share"}


def test_counting_is_asked_the_other_way_round_where_it_is_opt_in(tmp_path):
    """A tick must mean what its words say."""
    made = make_form(tmp_path, make_center(content=example_content(consent_mode="opt_in")))
    page = made.client.get("/en/form").data.decode()

    assert "Count my report." in page
    assert "Do not count my report" not in page
    assert "unless you tick the first box" not in page
    made.store.close()


def test_a_retired_local_answer_is_no_longer_offered():
    """It stays readable in old reports, and is not asked again."""
    areas = example_content().areas
    section = {"code": areas[0].code, "label": dict(areas[0].label), "catch_all": True, "retired": True}
    kind = forms.form_kind(example_content(area=[section]), ENGLISH)

    assert [one.value for one in forms.filled(kind)["area"].iter_choices()] == ["online", "unsure", "skip"]


def test_words_come_back_into_their_fields_and_ticks_into_their_boxes():
    """The whole point of an error page."""
    kind = forms.form_kind(example_content(), ENGLISH)
    posted = Posted(
        fields={"narrative": ("<b>&",), "bias": ("race", "age"), "when": ("d7",), "consent_quote": ("yes",)},
        reading=Reading.WHOLE,
    )

    filled = forms.filled(kind, posted)

    assert filled["narrative"].data == "<b>&"
    assert {one.value for one in filled["bias"].iter_choices() if one.selected} == {"race", "age"}
    assert [one.value for one in filled["when"].iter_choices() if one.selected] == ["d7"]
    assert [one.selected for one in filled["consent_quote"].iter_choices()] == [True]


def test_the_stylesheet_knows_start_and_end_and_never_left_and_right():
    """Right-to-left pages use the same file."""
    rules = re.sub(r"/\*.*?\*/", "", (PACKAGE / "static" / "style.css").read_text(), flags=re.DOTALL)

    assert re.search(r"\b(left|right)\b", rules) is None


def test_no_template_takes_text_as_markup():
    """Escaping is on for everything; one `|safe` would let a report write the page."""
    for template in PACKAGE.glob("templates/**/*.html"):
        assert re.search(r"\|\s*safe|Markup|autoescape", template.read_text()) is None, template.name
