"""The reporter's pages as bytes: functions of settings, questions and words, without a request and without a clock.

Pages that hold no answer are made and compressed once, in each language; the form has its token spliced in. A page
that gives words back is made for that one request, never compressed, and kept nowhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import groupby
from typing import Final

from jinja2 import Environment

from crypto.answers import ConsentMode
from crypto.report import FOLD_TEXTS, STEP_TITLES, Question
from intake import controls, forms
from intake.bodies import Posted
from intake.catalogues import Sentence, say
from intake.compression import Packed, Splice, pack
from intake.config import Challenge, Resource
from intake.frame import TITLE, Frame, environment
from intake.hints import hints
from intake.localizer import Localizer
from intake.problems import Problem

_TOKEN_MARK: Final = "token-goes-here"  # noqa: S105 - a placeholder in the prepared page
_DAYS_A_MONTH: Final = 31  # generous: a number is called old a few days late, never early
_YES: Final = say("Yes")  # what a list says of a ticked box
_HINTED: Final = ("narrative", "when_text", "own_words")  # texts in which nobody's address belongs


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One of the five sections of the form."""

    number: int
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
class Place:
    """A resource or an event with its words in one language."""

    label: str
    phone: str = ""
    text: str = ""
    web: str = ""
    hours: str = ""
    details: str = ""
    is_old: bool = False


class Pages:
    """All pages of a Center in one language."""

    def __init__(self, frame: Frame, localizer: Localizer) -> None:
        self.language: Final = localizer.language
        self._frame = frame
        self._localizer = localizer
        self._dated: tuple[date, dict[str, Packed]] | None = None

    def prepare(self, day: date) -> None:
        """Make every page that can be made before somebody asks for it."""
        for make in (self.start, self.help, self.done):
            make(day)
        self.empty_form  # noqa: B018 - kept from now on

    def start(self, day: date) -> Packed:
        """The first page: what this is, before anything is typed."""
        return self._of_day("start.html", "", day)

    def help(self, day: date) -> Packed:
        """Places that help."""
        return self._of_day("help.html", "help", day)

    def done(self, day: date) -> Packed:
        """The page that means that a report is stored; the same bytes for everyone."""
        return self._of_day("done.html", "done", day)

    @cached_property
    def empty_form(self) -> Splice:
        """The form before a word is typed, with a gap for its token."""
        page = self._form(forms.filled(self.form_kind), _TOKEN_MARK)
        before, _, after = page.partition(_TOKEN_MARK.encode())
        return Splice(before, after)

    def form_again(self, posted: Posted, token: str, problem: Problem | None = None) -> bytes:
        """The form with the words of a post, and what is wrong with it if anything is."""
        again = bool(problem and problem.again) or bool(posted.first(controls.ASKED_AGAIN))
        return self._form(forms.filled(self.form_kind, posted), token, problem, again=again)

    def check(
        self,
        posted: Posted,
        token: str,
        problem: Problem | None = None,
        *,
        challenge: Challenge | None = None,
    ) -> bytes:
        """The words of a post as a list, to be looked at before they are sent; here files are added.

        In a flood the question is asked here already, so that nobody sends files twice because of it.
        """
        form = forms.filled(self.form_kind, posted)
        return self.render(
            "check.html",
            told=tuple(forms.told(form, self._frame.content, self._localizer.text(_YES.text))),
            hints=hints(form[name].data or "" for name in _HINTED),
            pairs=forms.pairs_of(form, posted),
            token=token,
            again=bool(problem and problem.again) or bool(posted.first(controls.ASKED_AGAIN)),
            problem=problem,
            challenge=self._asked(problem.challenge if problem else challenge),
        )

    def notice(self, heading: Sentence, *sentences: Sentence) -> bytes:
        """A page of a few sentences that holds no answer."""
        return self.render("notice.html", heading=heading, sentences=sentences)

    @cached_property
    def form_kind(self) -> type[forms.ReportForm]:
        """The form, with the Center's questions in this language."""
        return forms.form_kind(self._frame.content, self._localizer)

    @cached_property
    def _environment(self) -> Environment:
        return environment(self._localizer)

    @property
    def other_way(self) -> str:
        """How to reach the Center without this form."""
        return self._localizer.words(self._frame.site.other_way)

    @property
    def title(self) -> str:
        """What the bar, tabs and history show."""
        site = self._frame.site
        return self._localizer.plain_words(site.title) or self._localizer.text(TITLE.text)

    def _of_day(self, template: str, here: str, day: date) -> Packed:
        """A page with what is dated: places whose number was checked, and what is still to come."""
        known = self._dated
        if known is None or known[0] != day:
            known = self._dated = (day, {})
        if template not in known[1]:
            words, site = self._localizer.words, self._frame.site
            page = self.render(
                template,
                here=here,
                emergency=words(site.emergency),
                how_to=words(site.how_to),
                other_way=self.other_way,
                onion=site.onion,
                places=self._places(day),
                coming=self._coming(day),
            )
            known[1][template] = pack(page)
        return known[1][template]

    def _form(
        self, form: forms.ReportForm, token: str, problem: Problem | None = None, *, again: bool = False
    ) -> bytes:
        return self.render(
            "form.html",
            form=form,
            token=token,
            problem=problem,
            challenge=self._asked(problem.challenge if problem else None),
            again=again,
            steps=self._steps,
            is_stepped=problem is None and not self._frame.site.one_page,
        )

    def _asked(self, challenge: Challenge | None) -> tuple[str, str] | None:
        """The number and the words of a question that is to be answered first."""
        return None if challenge is None else (challenge.number, self._localizer.words(challenge.text))

    @cached_property
    def _steps(self) -> tuple[Step, ...]:
        shown = forms.shown_questions(self._frame.content)
        return tuple(
            Step(
                number=number,
                title=self._localizer.text(title),
                parts=self._parts([asked for asked in shown if asked.step == number]),
            )
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
            fold = "" if some[0].group is None else self._localizer.text(FOLD_TEXTS[some[0].group])
            cut.append(Part(questions=some, fold=fold, note=notes.get(some[0].name, ())))
        return tuple(cut)

    def _notes(self) -> Mapping[str, tuple[str, ...]]:
        """Sentences by the question that they stand before."""
        texts = self._texts
        if self._frame.content.consent_mode is ConsentMode.OPT_IN:
            counting = say(
                "You decide. Your report is counted in the Center's totals only if you tick the first box."
            )
        else:
            counting = say(
                "You decide. Your report is counted in the Center's totals unless you tick the first box."
            )
        choices = (
            counting,
            say("We use your words outside the Center only if you allow it. There is no box for police."),
        )
        return {
            "officer_agency": (
                self._localizer.say(
                    say("These are about how officers acted, good or bad. Skip them if none were there.")
                ),
            ),
            "age_band": (
                self._localizer.say(
                    say("If this is about a person under 18: %(under_18)s.", under_18=texts["under_18"])
                ),
            ),
            "consent_count": (*map(self._localizer.say, choices), texts["court_short"]),
        }

    @property
    def _texts(self) -> Mapping[str, str]:
        """What the law makes the Center do."""
        translations = self._frame.content.translations
        return {
            name: self._localizer.words({code: texts.get(name, "") for code, texts in translations.items()})
            for name in self._frame.content.texts
        }

    def _places(self, day: date) -> list[Place]:
        """Resources spoken in this language first, then the others."""
        code, words = self.language.code, self._localizer.words
        site = self._frame.site
        found = sorted(site.resources, key=lambda one: bool(one.languages) and code not in one.languages)
        return [
            Place(
                label=words(one.label) or one.code,
                phone=one.phone,
                text=one.text,
                web=one.web,
                hours=words(one.hours),
                is_old=_is_old(one, day, site.resource_max_age_months),
            )
            for one in found
        ]

    def _coming(self, day: date) -> list[Place]:
        """Events of this day and later, the next one first."""
        words = self._localizer.words
        events = sorted(self._frame.site.events, key=lambda event: event.day)
        return [
            Place(label=words(event.label), details=words(event.details), web=event.web)
            for event in events
            if event.day >= day
        ]

    def render(self, template: str, **values: object) -> bytes:
        """Make a page of a template, with what every page needs and these values."""
        page = self._environment.get_template(template)
        return page.render(
            language=self.language,
            is_draft=self._localizer.is_draft,
            offered=self._frame.offered,
            title=self.title,
            content=self._frame.content,
            file_mib=self._frame.file_mib,
            texts=self._texts,
            style_name=self._frame.style.name,
            logo=self._frame.logo,
            **values,
        ).encode()


def _is_old(resource: Resource, day: date, months: int) -> bool:
    if resource.checked_on is None:
        return True
    return (day - resource.checked_on).days > months * _DAYS_A_MONTH


def all_pages(frame: Frame, localizers: Iterable[Localizer]) -> Mapping[str, Pages]:
    """The pages of every offered language, by its code."""
    return {localizer.language.code: Pages(frame, localizer) for localizer in localizers}
