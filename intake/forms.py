"""The report's form object: one field a question of `crypto.report`, with the labels of a page in its language.

It shows questions and gives typed words back; it judges nothing. What may be sent is decided in one place, by
`crypto.report.report_from_answers`, so no field has a validator and `validate()` is never called.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import Field, RadioField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from crypto import answers
from crypto.answers import ConsentMode
from crypto.content import Agency, Area, CenterContent, Share
from crypto.report import CONSENT_COUNT_OPT_IN, QUESTIONS, TICKED, Kind, Question
from intake.bodies import Posted
from intake.localizer import Localizer

LONG_TEXTS: Final = frozenset({"narrative", "contact"})  # text fields of several lines; Enter stays in them


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Told:
    """A question and what somebody answered to it, in words; for the length of one request."""

    question: str
    answers: tuple[str, ...]


class ReportForm(FlaskForm):  # type: ignore[misc] # the library ships no types
    """Every question of the questionnaire but the files."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc] # the same
        """Neither a session nor a cookie: there is nothing to steal on an anonymous form (docs/decisions.md 5)."""

        csrf = False

        def get_translations(self, form: "ReportForm") -> None:
            """Use none of the library's own sentences; there are no validators to speak them."""


def form_kind(content: CenterContent, localizer: Localizer) -> type[ReportForm]:
    """Make the form class of a Center from the questions it asks, in a language."""
    return type(
        "CenterForm",
        (ReportForm,),
        {asked.name: _field(asked, content, localizer) for asked in shown_questions(content)},
    )


def filled(kind: type[ReportForm], posted: Posted | None = None) -> ReportForm:
    """Make a form, empty or with the words of a post; fields that no question knows are left out."""
    pairs: list[tuple[str, str]] = []
    for name, values in () if posted is None else posted.fields.items():
        is_text = any(asked.name == name and asked.kind is Kind.TEXT for asked in QUESTIONS)
        pairs += [(name, value) for value in (("\n".join(values),) if is_text else values)]
    return kind(formdata=MultiDict(pairs))


def pairs_of(form: ReportForm, posted: Posted) -> list[tuple[str, str]]:
    """The answers of a post as names and values, as a page carries them along unseen."""
    names = {field.name for field in form}
    return [(name, value) for name, values in posted.fields.items() if name in names for value in values]


def told(form: ReportForm, content: CenterContent, yes: str) -> Iterator[Told]:
    """Yield what was answered, in page order; `yes` is said of a ticked box."""
    for asked in shown_questions(content):
        field = form[asked.name]
        if asked.kind is Kind.TEXT:
            answers_given = (field.data,) if field.data else ()
        else:
            answers_given = tuple(one.label for one in field.iter_choices() if one.selected)
            if asked.kind is Kind.TICK:
                answers_given = (yes,) if answers_given else ()
        if answers_given:
            yield Told(question=field.label.text, answers=answers_given)


def shown_questions(content: CenterContent) -> tuple[Question, ...]:
    """The questions that this Center asks: without contact where it cannot write back, without empty lists."""
    hidden = set() if content.contact else {"contact"}
    if not any(not share.retired for share in content.shares):
        hidden.add("consent_share")
    return tuple(question for question in QUESTIONS if question.name not in hidden)


def label_of(question: Question, content: CenterContent) -> str:
    """The words of a question; the tick on counting asks the other way round where counting is opt-in."""
    if question.name == "consent_count" and content.consent_mode is ConsentMode.OPT_IN:
        return CONSENT_COUNT_OPT_IN
    return question.text


def _field(question: Question, content: CenterContent, localizer: Localizer) -> Field:
    label = localizer.text(label_of(question, content))
    if question.kind is Kind.TEXT:
        return (TextAreaField if question.name in LONG_TEXTS else StringField)(label)
    if question.kind is Kind.TICK:
        return SelectMultipleField(label, choices=[SelectChoice(TICKED, label)], validate_choice=False)
    choices = _choices(question, content, localizer)
    if question.is_single:
        return RadioField(label, choices=choices, validate_choice=False)
    return SelectMultipleField(label, choices=choices, validate_choice=False)


def _choices(question: Question, content: CenterContent, localizer: Localizer) -> list[SelectChoice]:
    """Offered answers in page order, grouped where the questionnaire groups them."""
    local: dict[str, Sequence[Area | Agency | Share]] = {
        "area": content.areas,
        "officer_agency": content.agencies,
        "consent_share": content.shares,
    }
    own = [entry for entry in local.get(question.name, ()) if not entry.retired]
    groups = {code: localizer.text(group.label) for group in question.code_groups for code in group.codes}
    labels = {} if question.codes is None else answers.LABELS[question.codes]
    return [SelectChoice(entry.code, localizer.words(entry.label)) for entry in own] + [
        SelectChoice(code, localizer.text(labels[code]), optgroup=groups.get(code))
        for code in question.offered
    ]
