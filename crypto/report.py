"""A report: its questions, its limits, and its two ways in.

Everything that must know the questionnaire reads it here: the form, the sealed payload, the coder, the tables and the
translators. Answers come in from a form (`report_from_answers`) or from inside an opened envelope
(`report_from_header`). Nothing here seals, stores, shows or judges an answer, and no message quotes one.

Above 300 lines because the questions are explicit: one list, in page order, to be read against the questionnaire.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final

from crypto import answers, canonical
from crypto.answers import Channel, CodeGroup, ConsentMode
from crypto.canonical import Json
from crypto.errors import NothingToldError, PayloadFormatError, ReportError, TextTooLongError

FORM_VERSION: Final = "1.0"  # minor + 1 for a new code or field; codes never change their meaning

NARRATIVE_BYTES: Final = (
    20_000  # bytes as encoded; only four-byte characters reach it before 6,000 characters
)
MAX_ATTACHMENTS: Final = 3  # files a report
MAX_ATTACHMENT_SIZE: Final = 25 * 1024 * 1024  # bytes a file; three of them fall into the largest size class
TICKED: Final = "yes"  # the value that a ticked box posts

_CODE: Final = re.compile(r"[a-z0-9_.]{1,24}")
_REMOVED: Final = re.compile("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]")  # C0 but \n \t; bidi controls
# Controls, formats, blanks, and marks that need a letter to stand on.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp", "Mn", "Mc", "Me"})
_FILLERS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters and signs that are drawn as nothing
_LONGEST_ESCAPE: Final = len(r"\u0000")  # bytes that one character takes at most once encoded
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class Kind(StrEnum):
    """How a question is answered; LOCAL kinds take their codes from the signed configuration."""

    TEXT = "text"
    SINGLE = "single"
    MULTI = "multi"
    TICK = "tick"
    LOCAL_SINGLE = "local_single"
    LOCAL_MULTI = "local_multi"


class Fold(StrEnum):
    """Questions that the page keeps folded until asked for."""

    BACKGROUND = "background"
    OFFICER = "officer"
    PERSON = "person"


class Flag(StrEnum):
    """What was odd about how a report came in. It never refuses a report and says nothing about a person."""

    HONEYPOT = "honeypot"
    FAST = "fast"
    TOKEN_MISSING = "token_missing"  # noqa: S105 - the name of a flag, no secret
    TOKEN_OLD = "token_old"  # noqa: S105 - the name of a flag, no secret
    TOKEN_UNKNOWN = "token_unknown"  # noqa: S105 - the name of a flag, no secret
    CROSS_SITE = "cross_site"
    NO_FETCH = "no_fetch"
    RATE = "rate"
    QUESTION = "question"
    UNKNOWN_CODE = "unknown_code"
    UNKNOWN_FIELD = "unknown_field"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question of the form; `text` and `hint` are the English source of the translations.

    `sensitivity` is 0 to 3. `codes` holds the whole list, or only the built-in codes of a LOCAL
    kind. `limit` counts characters and is set for text alone. `group` names the fold the question lies in.
    """

    name: str
    kind: Kind
    step: int
    sensitivity: int
    text: str
    hint: str = ""
    codes: type[StrEnum] | None = None
    limit: int | None = None
    group: Fold | None = None
    code_groups: tuple[CodeGroup, ...] = ()

    @property
    def offered(self) -> tuple[str, ...]:
        """Codes the form still asks for, in page order: all but the retired ones."""
        if self.codes is None:
            return ()
        retired = answers.RETIRED.get(self.codes, frozenset())
        return tuple(code.value for code in self.codes if code not in retired)

    @property
    def is_single(self) -> bool:
        """Whether one answer at most can be chosen."""
        return self.kind in (Kind.SINGLE, Kind.LOCAL_SINGLE)

    @property
    def is_multi(self) -> bool:
        """Whether several answers can be chosen."""
        return self.kind in (Kind.MULTI, Kind.LOCAL_MULTI)


STEP_TITLES: Final = (
    "What happened",
    "When and where",
    "Why you think it happened",
    "Who, and what came after",
    "You and your choices",
)

FOLD_TEXTS: Final[Mapping[Fold, str]] = {
    Fold.BACKGROUND: "If it was about race, background or religion: which?",
    Fold.OFFICER: "Were police or other officers part of it, or did you report to them?",
    Fold.PERSON: "About the person it happened to. Why we ask: to see who is being harmed. All optional.",
}

CONSENT_COUNT_OPT_IN: Final = (
    "Count my report."  # the words of `consent_count` where the Center counts by opt-in
)

QUESTIONS: Final = (
    Question(
        name="narrative",
        kind=Kind.TEXT,
        step=1,
        sensitivity=3,
        text="Tell us what happened.",
        hint="Use your own words, in any language. As much or as little as you want. "
        "Please leave out names, phone numbers and home addresses.",
        limit=6_000,
    ),
    Question(
        name="incident_types",
        kind=Kind.MULTI,
        step=1,
        sensitivity=1,
        text="What kind of thing was it?",
        hint="Tick any.",
        codes=answers.IncidentType,
        code_groups=answers.INCIDENT_GROUPS,
    ),
    Question(
        name="series",
        kind=Kind.SINGLE,
        step=1,
        sensitivity=1,
        text="Did it happen once or more than once?",
        codes=answers.Series,
    ),
    Question(
        name="when",
        kind=Kind.SINGLE,
        step=2,
        sensitivity=1,
        text="When did it happen?",
        hint="If it happened more than once, the last time.",
        codes=answers.When,
    ),
    Question(
        name="when_text",
        kind=Kind.TEXT,
        step=2,
        sensitivity=2,
        text="If you know the date or the month, write it here.",
        hint="Any calendar. A guess is fine.",
        limit=80,
    ),
    Question(
        name="area",
        kind=Kind.LOCAL_SINGLE,
        step=2,
        sensitivity=1,
        text="Which part of the region?",
        hint="Not the exact address.",
        codes=answers.AreaBuiltIn,
    ),
    Question(
        name="place_type",
        kind=Kind.SINGLE,
        step=2,
        sensitivity=1,
        text="What kind of place?",
        codes=answers.PlaceType,
    ),
    Question(
        name="bias",
        kind=Kind.MULTI,
        step=3,
        sensitivity=1,
        text="Do you think it was about any of these?",
        hint="What they thought counts, even if they were wrong.",
        codes=answers.Bias,
    ),
    Question(
        name="bias_group",
        kind=Kind.MULTI,
        step=3,
        sensitivity=1,
        text="If it was about race, background or religion: which?",
        codes=answers.BiasGroup,
        group=Fold.BACKGROUND,
    ),
    Question(
        name="bias_signs",
        kind=Kind.MULTI,
        step=3,
        sensitivity=1,
        text="What makes you think so?",
        codes=answers.BiasSign,
    ),
    Question(
        name="role",
        kind=Kind.SINGLE,
        step=4,
        sensitivity=1,
        text="Who are you telling us about?",
        hint="For someone else? Tell only what they would want told.",
        codes=answers.Role,
    ),
    Question(
        name="offender_relation",
        kind=Kind.MULTI,
        step=4,
        sensitivity=2,
        text="Who did it?",
        hint="Please no names.",
        codes=answers.OffenderRelation,
    ),
    Question(
        name="harm",
        kind=Kind.MULTI,
        step=4,
        sensitivity=2,
        text="What did it do to you, or to them?",
        codes=answers.Harm,
    ),
    Question(
        name="reported_to",
        kind=Kind.MULTI,
        step=4,
        sensitivity=2,
        text="Have you told anyone else?",
        hint="We ask so that nobody counts it twice.",
        codes=answers.ReportedTo,
    ),
    Question(
        name="why_not_police",
        kind=Kind.MULTI,
        step=4,
        sensitivity=1,
        text="If you did not tell the police: why not?",
        codes=answers.WhyNotPolice,
    ),
    Question(
        name="officer_agency",
        kind=Kind.LOCAL_SINGLE,
        step=4,
        sensitivity=2,
        text="Which agency?",
        codes=answers.AgencyBuiltIn,
        group=Fold.OFFICER,
    ),
    Question(
        name="officer_contact",
        kind=Kind.MULTI,
        step=4,
        sensitivity=1,
        text="How did you meet them?",
        codes=answers.OfficerContact,
        group=Fold.OFFICER,
    ),
    Question(
        name="officer_conduct",
        kind=Kind.MULTI,
        step=4,
        sensitivity=2,
        text="How did they act?",
        hint="Good or bad.",
        codes=answers.OfficerConduct,
        group=Fold.OFFICER,
        code_groups=answers.CONDUCT_GROUPS,
    ),
    Question(
        name="officer_basis",
        kind=Kind.MULTI,
        step=4,
        sensitivity=1,
        text="Do you think they treated you that way because of…",
        codes=answers.OfficerBasis,
        group=Fold.OFFICER,
    ),
    Question(
        name="needs",
        kind=Kind.MULTI,
        step=5,
        sensitivity=1,
        text="What would help?",
        hint="We show all help to everyone. Ticking does not send anyone to you.",
        codes=answers.Need,
    ),
    Question(
        name="age_band",
        kind=Kind.SINGLE,
        step=5,
        sensitivity=1,
        text="Age",
        codes=answers.AgeBand,
        group=Fold.PERSON,
    ),
    Question(
        name="gender",
        kind=Kind.MULTI,
        step=5,
        sensitivity=2,
        text="Gender",
        codes=answers.Gender,
        group=Fold.PERSON,
    ),
    Question(
        name="gender_history",
        kind=Kind.MULTI,
        step=5,
        sensitivity=2,
        text="Does any of these fit?",
        codes=answers.GenderHistory,
        group=Fold.PERSON,
    ),
    Question(
        name="orientation",
        kind=Kind.MULTI,
        step=5,
        sensitivity=2,
        text="Orientation",
        codes=answers.Orientation,
        group=Fold.PERSON,
    ),
    Question(
        name="race_ethnicity",
        kind=Kind.MULTI,
        step=5,
        sensitivity=2,
        text="Race or ethnicity",
        codes=answers.RaceEthnicity,
        group=Fold.PERSON,
    ),
    Question(
        name="disability",
        kind=Kind.MULTI,
        step=5,
        sensitivity=2,
        text="Disability or long illness",
        codes=answers.Disability,
        group=Fold.PERSON,
    ),
    Question(
        name="own_words",
        kind=Kind.TEXT,
        step=5,
        sensitivity=3,
        text="If none of these words fit, use your own.",
        limit=120,
        group=Fold.PERSON,
    ),
    Question(
        name="consent_count",
        kind=Kind.TICK,
        step=5,
        sensitivity=0,
        text="Do not count my report in the Center's numbers.",
    ),
    Question(
        name="consent_quote",
        kind=Kind.TICK,
        step=5,
        sensitivity=0,
        text="You may use a few of my words, with details changed.",
    ),
    Question(
        name="consent_share",
        kind=Kind.LOCAL_MULTI,
        step=5,
        sensitivity=0,
        text="You may share the facts, without the story and without contact details, with:",
    ),
    Question(
        name="contact",
        kind=Kind.TEXT,
        step=5,
        sensitivity=3,
        text="How can we reach you safely?",
        hint="Only if you want us to. A phone, an e-mail or another way, any name to ask for, when it is safe, "
        "and if we may leave a message.",
        limit=400,
    ),
)


def question(name: str) -> Question:
    """Find a question by the name of its field.

    Raises:
        KeyError: there is no such field.
    """
    for candidate in QUESTIONS:
        if candidate.name == name:
            return candidate
    raise KeyError(name)


def labels_en(name: str) -> dict[str, str]:
    """English labels of a question's own codes, in page order; local codes have theirs in the configuration."""
    codes = question(name).codes
    return {} if codes is None else {code.value: answers.LABELS[codes][code] for code in codes}


_BUILT_IN: Final[Mapping[str, tuple[str, ...]]] = {
    asked.name: () if asked.codes is None else tuple(code.value for code in asked.codes)
    for asked in QUESTIONS
}
_BLANK: Final[Mapping[str, str | tuple[str, ...] | bool]] = {
    asked.name: False if asked.kind is Kind.TICK else () if asked.is_multi else "" for asked in QUESTIONS
}  # what stands for an answer that was not given


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSets:
    """What the signed configuration allows as local answers, in page order and without the built-in codes.

    Retired codes are among them: a page opened before the change may still post one.
    """

    areas: tuple[str, ...]
    agencies: tuple[str, ...]
    shares: tuple[str, ...]
    consent_mode: ConsentMode

    def allowed(self, asked: Question) -> tuple[str, ...]:
        """All codes that an answer to this question may have, in page order."""
        own: tuple[str, ...] = ()
        if asked.name == "area":
            own = self.areas
        elif asked.name == "officer_agency":
            own = self.agencies
        elif asked.name == "consent_share":
            own = self.shares
        return own + _BUILT_IN[asked.name]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Report:
    """What a person told: one attribute a field; "" or () is left blank.

    Having one means: texts are clean and within their limits, codes are well formed and stand once, and something was
    told. Codes need not be known: a newer form may have sealed them, and they are shown raw. `consent_count` is the
    resolved answer (True: may be counted), whatever the page asked. `unknown_fields` are fields of a newer form as
    (name, canonical JSON), kept so that nothing is lost.
    """

    consent_count: bool
    narrative: str = ""
    incident_types: tuple[str, ...] = ()
    series: str = ""
    when: str = ""
    when_text: str = ""
    area: str = ""
    place_type: str = ""
    bias: tuple[str, ...] = ()
    bias_group: tuple[str, ...] = ()
    bias_signs: tuple[str, ...] = ()
    role: str = ""
    offender_relation: tuple[str, ...] = ()
    harm: tuple[str, ...] = ()
    reported_to: tuple[str, ...] = ()
    why_not_police: tuple[str, ...] = ()
    officer_agency: str = ""
    officer_contact: tuple[str, ...] = ()
    officer_conduct: tuple[str, ...] = ()
    officer_basis: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    age_band: str = ""
    gender: tuple[str, ...] = ()
    gender_history: tuple[str, ...] = ()
    orientation: tuple[str, ...] = ()
    race_ethnicity: tuple[str, ...] = ()
    disability: tuple[str, ...] = ()
    own_words: str = ""
    consent_quote: bool = False
    consent_share: tuple[str, ...] = ()
    contact: str = ""
    consent_mode: str = ConsentMode.DEFAULT_YES.value
    channel: str = Channel.ONLINE.value
    unknown_fields: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for asked in QUESTIONS:
            answer = getattr(self, asked.name)
            if answer or type(answer) is not type(_BLANK[asked.name]):  # most are blank
                _check_answer(asked, answer)
        if not (self.narrative or self.incident_types):
            raise NothingToldError
        _check_codes("consent_mode", (self.consent_mode,))
        _check_codes("channel", (self.channel,))

    def __repr__(self) -> str:
        return "Report(redacted)"  # a report in a log or a traceback would break P5


def clean_text(text: str) -> str:
    """Bring free text into the one form that is sealed.

    Line ends become one newline; C0 controls but newline and tab, and bidi overrides and isolates go; then NFC.
    Joiners and direction marks stay, Persian, Punjabi and Pashto need them. What nobody could see is no text at all.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = _SURROGATE.sub("\ufffd", _REMOVED.sub("", lines))
    cleaned = unicodedata.normalize("NFC", kept)
    return cleaned if any(map(_is_seen, cleaned)) else ""


def _is_seen(character: str) -> bool:
    """Whether a character shows by itself; one that this Unicode does not know yet may be a letter of somebody."""
    return unicodedata.category(character) not in _UNSEEN and character not in _FILLERS


def check_text(asked: Question, text: str) -> None:
    """Hold a clean text against the limit of its question.

    Raises:
        TextTooLongError: with the number of characters that would be accepted.
    """
    limit = len(text) if asked.limit is None else asked.limit
    if asked.name == "narrative":
        limit = min(limit, _fitting(text))
    if len(text) > limit:
        raise TextTooLongError(asked.name, limit, len(text))


def _fitting(text: str) -> int:
    """Count the leading characters that stay within NARRATIVE_BYTES once encoded."""
    if len(text) * _LONGEST_ESCAPE <= NARRATIVE_BYTES:
        return len(text)
    if len(canonical.encode(text)) - 2 <= NARRATIVE_BYTES:  # without the quotes around it
        return len(text)
    used = 0
    fitting = 0
    for character in text:
        used += len(character.encode()) if character > "\\" else len(canonical.encode(character)) - 2
        fitting += used <= NARRATIVE_BYTES
    return fitting


def _check_answer(asked: Question, answer: object) -> None:
    """Check one attribute of a report; a ValueError here is a mistake of a program, never of a person."""
    match answer:
        case bool() if asked.kind is Kind.TICK:
            return
        case str() if asked.kind is Kind.TEXT:
            if clean_text(answer) != answer:
                raise ValueError(f"{asked.name} is not clean text")
            check_text(asked, answer)
        case str() if asked.is_single:
            _check_codes(asked.name, (answer,) if answer else ())
        case tuple() if asked.is_multi:
            _check_codes(asked.name, answer)
        case _:
            raise ValueError(f"{asked.name} has an answer of another kind")


def _check_codes(name: str, codes: tuple[object, ...]) -> None:
    for code in codes:
        if not isinstance(code, str) or _CODE.fullmatch(code) is None:
            raise ValueError(f"{name} holds what is no code")
    if len(set(codes)) != len(codes):
        raise ValueError(f"{name} holds a code twice")


def report_from_answers(
    posted: Mapping[str, Sequence[str]], local: LocalSets
) -> tuple[Report, frozenset[Flag]]:
    """Make a report of what a form posted, and say what had to be dropped.

    `posted` holds the questions only: the caller takes out its own controls (token, buttons). No valid answer is an
    error; unknown fields and codes are dropped and flagged, a second answer to a single choice too. Answers to a
    multiple choice come out in page order, so that the order of ticking tells nothing.

    Raises:
        NothingToldError: neither a narrative nor a kind of incident.
        TextTooLongError: a text is above its limit.
    """
    flags: set[Flag] = set()
    told: dict[str, str | tuple[str, ...] | bool] = {}
    for asked in QUESTIONS:
        values = [value for value in posted.get(asked.name, ()) if value]
        if not values:
            told[asked.name] = _BLANK[asked.name]
        elif asked.kind is Kind.TEXT:
            told[asked.name] = clean_text("\n".join(values))
        elif asked.kind is Kind.TICK:
            told[asked.name] = TICKED in values
            if any(value != TICKED for value in values):
                flags.add(Flag.UNKNOWN_CODE)
        else:
            chosen = tuple(code for code in local.allowed(asked) if code in values)
            kept = chosen[:1] if asked.is_single else chosen
            if set(values) - set(kept):
                flags.add(Flag.UNKNOWN_CODE)
            told[asked.name] = "".join(kept) if asked.is_single else kept
    if any(name not in told for name in posted):
        flags.add(Flag.UNKNOWN_FIELD)
    told["consent_count"] = _may_count(posted.get("consent_count", ()), local.consent_mode)
    told["consent_mode"] = local.consent_mode.value
    return Report(**told), frozenset(flags)  # type: ignore[arg-type] # the constructor checks each kind


def _may_count(values: Sequence[str], mode: ConsentMode) -> bool:
    """Resolve what a tick meant on its page; a garbled tick never gives a consent."""
    if mode is ConsentMode.OPT_IN:
        return TICKED in values
    return not any(values)


def header_fields(report: Report) -> dict[str, Json]:
    """The `fields` of a payload header: blank answers are absent, contact never stands here."""
    found: dict[str, Json] = {name: canonical.decode(raw.encode()) for name, raw in report.unknown_fields}
    for asked in QUESTIONS:
        answer = getattr(report, asked.name)
        if asked.name != "contact" and (answer or asked.kind is Kind.TICK):
            found[asked.name] = list(answer) if isinstance(answer, tuple) else answer
    found["consent_mode"] = report.consent_mode
    found["channel"] = report.channel
    return found


def report_from_header(header: Mapping[str, Json], contact: str = "") -> Report:
    """Make a report of the `fields` of an opened payload.

    Codes and fields that this software does not know are kept. A consent that is absent was not given. Texts are
    cleaned again: anyone may seal, and a later Unicode may compose what an earlier one left apart.

    Raises:
        PayloadFormatError: an answer of the wrong kind, or a report that no form could have sealed.
    """
    if "contact" in header:  # it would be shown in lists; it belongs into its own inner seal
        raise PayloadFormatError
    known = {field.name for field in fields(Report)} - {"contact", "unknown_fields"}
    told = {name: _from_header(name, value) for name, value in header.items() if name in known}
    newer = tuple(
        (name, canonical.encode(value).decode()) for name, value in header.items() if name not in known
    )
    told.setdefault("consent_count", False)
    try:
        return Report(**told, contact=clean_text(contact), unknown_fields=newer)  # type: ignore[arg-type] # checked there
    except (ReportError, ValueError):
        raise PayloadFormatError from None


def _from_header(name: str, value: Json) -> Json:
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, str) and any(asked.name == name and asked.kind is Kind.TEXT for asked in QUESTIONS):
        return clean_text(value)
    return value


def form_definition() -> bytes:
    """The questionnaire as canonical JSON: fields, kinds, codes and limits, without any label.

    Its hash stands in the signed configuration, so server and review machine know that they mean the same form.
    """
    files: dict[str, Json] = {
        "kind": "files",
        "limit": MAX_ATTACHMENTS,
        "name": "attachments",
        "size": MAX_ATTACHMENT_SIZE,
    }
    return canonical.encode(
        {
            "channels": _values(Channel),
            "consent_modes": _values(ConsentMode),
            "fields": [*(_definition(asked) for asked in QUESTIONS), files],
            "flags": _values(Flag),
            "version": FORM_VERSION,
        }
    )


def _definition(asked: Question) -> dict[str, Json]:
    return {
        "codes": [] if asked.codes is None else _values(asked.codes),
        "kind": asked.kind.value,
        "limit": asked.limit,
        "name": asked.name,
    }


def _values(codes: Iterable[StrEnum]) -> list[str]:
    return [code.value for code in codes]


def form_sha256() -> str:
    """SHA-256 of the form definition as 64 hex digits."""
    return hashlib.sha256(form_definition()).hexdigest()
