"""The reporter's pages as bytes: functions of settings, questions and words, without a request and without a clock.

Pages that hold no answer are made once at start; the form has its token spliced in. A page that gives words back is
made for that one request and kept nowhere.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from importlib import resources
from itertools import groupby
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from crypto.answers import ConsentMode
from crypto.content import CenterContent
from crypto.report import FOLD_TEXTS, STEP_TITLES, Question
from intake import forms
from intake.bodies import Posted
from intake.config import Resource, SiteConfig, in_language
from intake.problems import Problem

_TOKEN_MARK: Final = "token-goes-here"  # noqa: S105 - a placeholder in the prepared page
_DAYS_A_MONTH: Final = 31  # generous: a number is called old a few days late, never early


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One of the five sections of the form."""

    title: str
    parts: tuple["Part", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Questions of a step that stand together: under a fold, or in the open.

    `note` holds sentences that must be read before the questions.
    """

    questions: tuple[Question, ...]
    fold: str = ""
    note: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Help:
    """A resource with its words in one language."""

    label: str
    phone: str
    text: str
    web: str
    hours: str
    is_old: bool


@dataclass(frozen=True, kw_only=True)
class Pages:
    """All pages of a Center on a day, in English.

    Attributes:
        site: what the operator may change.
        content: what was signed.
        day: the day on which the age of resources is judged.
    """

    site: SiteConfig
    content: CenterContent
    day: date
    environment: Environment = field(default_factory=lambda: _environment())
    form_kind: type[forms.ReportForm] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "form_kind", forms.form_kind(self.content))

    @cached_property
    def start(self) -> bytes:
        """The first page: what this is, before anything is typed."""
        return self._render("start.html", emergency=self._words(self.site.emergency))

    @cached_property
    def done(self) -> bytes:
        """The page that means that a report is stored; the same bytes for everyone."""
        return self._render("done.html", how_to=self._words(self.site.how_to), help=self._help())

    @cached_property
    def help(self) -> bytes:
        """Places that help."""
        return self._render("help.html", emergency=self._words(self.site.emergency), help=self._help())

    def form(self, token: str) -> bytes:
        """The empty form."""
        before, after = self._empty_form
        return before + token.encode() + after

    def form_again(self, problem: Problem, posted: Posted, token: str) -> bytes:
        """The form with the words of a post and what is wrong."""
        return self._form(forms.filled(self.form_kind, posted), token, problem)

    def notice(self, heading: str, *sentences: str, is_error: bool = True) -> bytes:
        """A page of a few sentences that holds no answer."""
        return self._render("notice.html", heading=heading, sentences=sentences, is_error=is_error)

    @cached_property
    def style(self) -> bytes:
        """The one stylesheet."""
        return (resources.files("intake") / "static" / "style.css").read_bytes()

    @cached_property
    def style_name(self) -> str:
        """The stylesheet's name, which holds a hash of its bytes, so that it may be cached for ever."""
        return f"style-{hashlib.sha256(self.style).hexdigest()[:16]}.css"

    @property
    def other_way(self) -> str:
        """How to reach the Center without this form."""
        return self._words(self.site.other_way)

    @cached_property
    def _empty_form(self) -> tuple[bytes, bytes]:
        page = self._form(forms.filled(self.form_kind), _TOKEN_MARK, None)
        before, _, after = page.partition(_TOKEN_MARK.encode())
        return before, after

    def _form(self, form: forms.ReportForm, token: str, problem: Problem | None) -> bytes:
        return self._render("form.html", form=form, token=token, problem=problem, steps=self._steps)

    @cached_property
    def _steps(self) -> tuple[Step, ...]:
        shown = forms.shown_questions(self.content)
        return tuple(
            Step(title=title, parts=self._parts([asked for asked in shown if asked.step == number]))
            for number, title in enumerate(STEP_TITLES, start=1)
        )

    def _parts(self, questions: Sequence[Question]) -> tuple[Part, ...]:
        """Cut a step where a fold begins or ends, and where something must be read first."""
        notes = self._notes()
        cut: list[Part] = []
        for _, run in groupby(
            questions, key=lambda asked: asked.group or (asked.name if asked.name in notes else "")
        ):
            some = tuple(run)
            fold = "" if some[0].group is None else FOLD_TEXTS[some[0].group]
            cut.append(Part(questions=some, fold=fold, note=notes.get(some[0].name, ())))
        return tuple(cut)

    def _notes(self) -> Mapping[str, tuple[str, ...]]:
        """Sentences by the question that they stand before."""
        texts = self.content.texts
        if self.content.consent_mode is ConsentMode.OPT_IN:
            counting = "Your report is counted in the Center's totals only if you tick the first box."
        else:
            counting = "Your report is counted in the Center's totals unless you tick the first box."
        return {
            "officer_agency": (
                "These are about how officers acted, good or bad. Skip them if none were there.",
            ),
            "age_band": (f"If this is about a person under 18: {texts['under_18']}.",),
            "consent_count": (
                f"You decide. {counting} We use your words outside the Center only if you allow it. "
                f"There is no box for police. {texts['court_short']}",
            ),
        }

    def _help(self) -> list[Help]:
        """Resources spoken in English first, then the others."""
        found = sorted(self.site.resources, key=lambda one: bool(one.languages) and "en" not in one.languages)
        return [
            Help(
                label=self._words(one.label) or one.code,
                phone=one.phone,
                text=one.text,
                web=one.web,
                hours=self._words(one.hours),
                is_old=self._is_old(one),
            )
            for one in found
        ]

    def _is_old(self, resource: Resource) -> bool:
        if resource.checked_on is None:
            return True
        return (self.day - resource.checked_on).days > self.site.resource_max_age_months * _DAYS_A_MONTH

    def _words(self, texts: Mapping[str, str]) -> str:
        return in_language(texts, "en")

    def _render(self, template: str, **values: object) -> bytes:
        page = self.environment.get_template(template)
        return page.render(
            site=self.site,
            content=self.content,
            texts=self.content.texts,
            other_way=self.other_way,
            style_name=self.style_name,
            **values,
        ).encode()


def _environment() -> Environment:
    """Templates that escape everything, fail on a missing name, and read sentences through gettext."""
    environment = Environment(
        loader=PackageLoader("intake"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_null_translations(newstyle=True)  # type: ignore[attr-defined] # added by the extension
    return environment
