"""What gives an answer its meaning at one Center: its name, texts, consent mode and local answers.

It comes from the `[center]` section when the ceremony signs, and from the signed configuration ever after. Both ways
end in the same constructor and the same rules: `content_from_toml` only rewrites the section into the signed shape.
One rule is for what is written alone: words in a language that the form does not have there. A signed file may hold
such words and stays valid. Nothing here knows of keys, signatures or days; `config` does.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from crypto import shape
from crypto.answers import AgencyBuiltIn, AreaBuiltIn, ConsentMode
from crypto.canonical import Json
from crypto.errors import ConfigError
from crypto.report import LocalSets

MIN_RESIDENTS: Final = 20_000  # people; a smaller area could point at one household
TEXT_NAMES: Final = ("police_and_court", "court_short", "under_18")  # what the law makes the Center do

_CODE: Final = re.compile(r"[a-z0-9_.]{1,24}")
_LANG: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?")


class AgencyKind(StrEnum):
    """What kind of force an agency is."""

    CITY = "city"
    SHERIFF = "sheriff"
    STATE = "state"
    TRANSIT = "transit"
    CAMPUS = "campus"
    CUSTODY = "custody"
    FEDERAL = "federal"
    OTHER = "other"


class SharePurpose(StrEnum):
    """What a report may be shared for; none exists for police or immigration authorities, on purpose."""

    STATISTICS = "statistics"
    REFERRAL = "referral"
    LEGAL_HELP = "legal_help"


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """One answer to `area`. A catch-all ("elsewhere in the state") has no number of residents.

    `label` is `{language: text}`, English always among them; `checked_on` None marks a draft.
    """

    code: str
    label: Mapping[str, str]
    county: str
    residents: int
    source: str
    checked_on: date | None
    catch_all: bool = False
    retired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """One answer to `officer_agency`."""

    code: str
    label: Mapping[str, str]
    kind: AgencyKind
    retired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One body that a reporter may share facts with."""

    code: str
    label: Mapping[str, str]
    purpose: SharePurpose
    retired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CenterContent:
    """What gives an answer its meaning: the `[center]` section, signed.

    `translations` is `{language: {text name: text}}`, complete in English. Local codes are never reused: retired
    entries stay. `texts_confirmed_on` None marks the texts as drafts.
    """

    name: str
    languages: tuple[str, ...]
    consent_mode: ConsentMode
    attachments: bool
    contact: bool
    areas: tuple[Area, ...]
    agencies: tuple[Agency, ...]
    shares: tuple[Share, ...]
    translations: Mapping[str, Mapping[str, str]]
    texts_confirmed_on: date | None

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ConfigError("[center] name is empty; give the name that reporters know")
        if not self.languages or len(set(self.languages)) != len(self.languages):
            raise ConfigError("[center] languages must list each language once, for example ['en', 'es']")
        _check_texts(self.translations)
        _check_entries("area", self.areas, tuple(AreaBuiltIn))
        _check_entries("agency", self.agencies, tuple(AgencyBuiltIn))
        _check_entries("share", self.shares, ())
        for area in self.areas:
            _check_residents(area)

    @property
    def texts(self) -> Mapping[str, str]:
        """English texts by name."""
        return self.translations["en"]

    def texts_in(self, lang: str) -> Mapping[str, str]:
        """Texts by name in a language; what is not translated is English."""
        return {**self.texts, **self.translations.get(lang, {})}

    @property
    def drafts(self) -> tuple[str, ...]:
        """What the Center has not confirmed yet, in words; a production server must not start with any."""
        texts = () if self.texts_confirmed_on else ("[center] texts",)
        return texts + tuple(f"[center] area {area.code}" for area in self.areas if area.checked_on is None)

    def local_sets(self) -> LocalSets:
        """The answers that a report may have under this configuration, retired ones included."""
        return LocalSets(
            areas=tuple(area.code for area in self.areas),
            agencies=tuple(agency.code for agency in self.agencies),
            shares=tuple(share.code for share in self.shares),
            consent_mode=self.consent_mode,
        )


def _check_texts(translations: Mapping[str, Mapping[str, str]]) -> None:
    english = translations.get("en", {})
    for name in TEXT_NAMES:
        if not english.get(name, "").strip():
            raise ConfigError(f"[center.texts.en] lacks {name}; every text needs English to fall back to")


def _check_entries(where: str, entries: Sequence[Area | Agency | Share], built_in: Collection[str]) -> None:
    seen = set(built_in)
    for entry in entries:
        if _CODE.fullmatch(entry.code) is None:
            raise ConfigError(f"[[center.{where}]] code {entry.code!r}: use a-z, 0-9, _ and ., at most 24")
        if entry.code in seen:
            raise ConfigError(f"[[center.{where}]] code {entry.code!r} is taken; codes are never reused")
        if not entry.label.get("en", "").strip():
            raise ConfigError(
                f"[[center.{where}]] {entry.code} lacks label.en; English is what others fall back to"
            )
        seen.add(entry.code)


def _check_residents(area: Area) -> None:
    if not area.catch_all and area.residents < MIN_RESIDENTS:
        raise ConfigError(
            f"[[center.area]] {area.code} has fewer than {MIN_RESIDENTS} residents; merge it with a neighbor"
        )
    if not area.catch_all and not area.source:
        raise ConfigError(f"[[center.area]] {area.code} lacks source; say where its residents were counted")


CENTER_KEYS: Final = (
    "name", "languages", "consent_mode", "attachments", "contact", "texts", "texts_confirmed_on",
    "area", "agency", "share",
)  # fmt: skip
AREA_KEYS: Final = (
    "code", "label", "county", "residents", "source", "checked_on", "catch_all", "retired",
)  # fmt: skip
AGENCY_KEYS: Final = ("code", "label", "kind", "retired")
SHARE_KEYS: Final = ("code", "label", "purpose", "retired")


def content_from_toml(section: Mapping[str, object]) -> CenterContent:
    """Read the `[center]` section of a parsed configuration file.

    Raises:
        ConfigError: a setting is unknown (the nearest known one is named), missing or against a rule.
    """
    shape.check_keys(section, CENTER_KEYS, "[center]")
    texts = shape.table(section.get("texts", {}), "[center.texts]")
    for lang, words in texts.items():
        shape.check_keys(shape.table(words, f"[center.texts.{lang}]"), TEXT_NAMES, f"[center.texts.{lang}]")
    value = {
        "agencies": _entries(section, "agency", AGENCY_KEYS, {"retired": False}),
        "areas": _entries(section, "area", AREA_KEYS, _AREA_DEFAULTS),
        "attachments": section.get("attachments", False),
        "consent_mode": section.get("consent_mode", ConsentMode.DEFAULT_YES.value),
        "contact": section.get("contact", True),
        "languages": section.get("languages"),
        "name": section.get("name"),
        "shares": _entries(section, "share", SHARE_KEYS, {"retired": False}),
        "texts": [
            {"lang": lang, "words": _pairs(words, "name", f"[center.texts.{lang}]")}
            for lang, words in sorted(texts.items())
        ],
        "texts_confirmed_on": _iso(section.get("texts_confirmed_on")),
    }
    content = content_from_json(value)
    entries: tuple[Area | Agency | Share, ...] = (*content.areas, *content.agencies, *content.shares)
    for entry in entries:
        _check_languages(entry.label, content.languages, f"[center] label of {entry.code}")
    _check_languages(content.translations, content.languages, "[center.texts]")
    return content


def _check_languages(words: Collection[str], languages: Sequence[str], where: str) -> None:
    """Refuse words that nobody would see: a mistyped language looks like a translation that is there."""
    shown = (*languages, "en")
    for lang in words:
        if lang not in shown:
            raise ConfigError(
                f"{where} has words in {lang!r}, which [center] languages does not list; did you mean "
                f"{shape.nearest(lang, shown)!r}? Else list it, or take the words out"
            )


_AREA_DEFAULTS: Final[Mapping[str, object]] = {
    "catch_all": False,
    "checked_on": None,
    "county": "",
    "residents": 0,
    "retired": False,
    "source": "",
}


def _entries(
    section: Mapping[str, object], name: str, keys: Sequence[str], defaults: Mapping[str, object]
) -> list[dict[str, object]]:
    """Bring one array of tables into the shape of the signed file."""
    where = f"[[center.{name}]]"
    rows = section.get(name, [])
    if not isinstance(rows, list):
        raise ConfigError(f"{where} must be written with two brackets, once per entry")
    found = []
    for row in rows:
        table = shape.table(row, where)
        shape.check_keys(table, keys, where)
        entry = {**defaults, **table, "label": _pairs(table.get("label"), "lang", f"{where} label")}
        found.append({key: _iso(value) if key == "checked_on" else value for key, value in entry.items()})
    return found


def _pairs(value: object, key: str, where: str) -> object:
    """Write `{key: text}` as a sorted list: language tags are no keys of canonical JSON."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where} must be written by language, for example label.en")
    return [{key: name, "text": text} for name, text in sorted(value.items())]


def _iso(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


_CONTENT_KEYS: Final = (
    "agencies", "areas", "attachments", "consent_mode", "contact", "languages", "name", "shares", "texts",
    "texts_confirmed_on",
)  # fmt: skip


def content_from_json(value: object) -> CenterContent:
    """Read the `content` of the signed file; every way in ends here.

    Raises:
        ConfigError: a value is missing, of another kind or against a rule.
    """
    got = shape.fields(value, "[center]", _CONTENT_KEYS, optional=("texts_confirmed_on",))
    return CenterContent(
        name=shape.text(got["name"], "name"),
        languages=tuple(
            shape.matching(_LANG, one, "languages") for one in shape.items(got["languages"], "languages")
        ),
        consent_mode=shape.choice(ConsentMode, got["consent_mode"], "consent_mode"),
        attachments=shape.flag(got["attachments"], "attachments"),
        contact=shape.flag(got["contact"], "contact"),
        areas=tuple(_area(one) for one in shape.items(got["areas"], "area")),
        agencies=tuple(_agency(one) for one in shape.items(got["agencies"], "agency")),
        shares=tuple(_share(one) for one in shape.items(got["shares"], "share")),
        translations=_translations(got["texts"]),
        texts_confirmed_on=shape.optional_day(got["texts_confirmed_on"], "texts_confirmed_on"),
    )


def _area(value: object) -> Area:
    got = shape.fields(value, "[[center.area]]", AREA_KEYS, optional=("checked_on",))
    return Area(
        code=shape.text(got["code"], "area code"),
        label=_words(got["label"], "lang"),
        county=shape.text(got["county"], "area county"),
        residents=shape.count(got["residents"], "area residents"),
        source=shape.text(got["source"], "area source"),
        checked_on=shape.optional_day(got["checked_on"], "area checked_on"),
        catch_all=shape.flag(got["catch_all"], "area catch_all"),
        retired=shape.flag(got["retired"], "area retired"),
    )


def _agency(value: object) -> Agency:
    got = shape.fields(value, "[[center.agency]]", AGENCY_KEYS)
    return Agency(
        code=shape.text(got["code"], "agency code"),
        label=_words(got["label"], "lang"),
        kind=shape.choice(AgencyKind, got["kind"], "agency kind"),
        retired=shape.flag(got["retired"], "agency retired"),
    )


def _share(value: object) -> Share:
    got = shape.fields(value, "[[center.share]]", SHARE_KEYS)
    return Share(
        code=shape.text(got["code"], "share code"),
        label=_words(got["label"], "lang"),
        purpose=shape.choice(SharePurpose, got["purpose"], "share purpose"),
        retired=shape.flag(got["retired"], "share retired"),
    )


def _translations(value: object) -> dict[str, dict[str, str]]:
    found = {}
    for one in shape.items(value, "texts"):
        got = shape.fields(one, "texts", ("lang", "words"))
        found[shape.matching(_LANG, got["lang"], "texts language")] = _words(got["words"], "name")
    return found


def _words(value: object, key: str) -> dict[str, str]:
    found = {}
    for one in shape.items(value, f"label or text by {key}"):
        got = shape.fields(one, f"label or text by {key}", (key, "text"))
        found[shape.text(got[key], key)] = shape.text(got["text"], "text")
    if key == "lang":
        for lang in found:
            shape.matching(_LANG, lang, "label language")
    return found


def content_json(content: CenterContent) -> dict[str, Json]:
    """Write the content as `content_from_json` reads it."""
    return {
        "agencies": [
            {"code": one.code, "kind": one.kind, "label": _listed(one.label, "lang"), "retired": one.retired}
            for one in content.agencies
        ],
        "areas": [
            {
                "catch_all": one.catch_all,
                "checked_on": one.checked_on.isoformat() if one.checked_on else None,
                "code": one.code,
                "county": one.county,
                "label": _listed(one.label, "lang"),
                "residents": one.residents,
                "retired": one.retired,
                "source": one.source,
            }
            for one in content.areas
        ],
        "attachments": content.attachments,
        "consent_mode": content.consent_mode,
        "contact": content.contact,
        "languages": content.languages,
        "name": content.name,
        "shares": [
            {
                "code": one.code,
                "label": _listed(one.label, "lang"),
                "purpose": one.purpose,
                "retired": one.retired,
            }
            for one in content.shares
        ],
        "texts": [
            {"lang": lang, "words": _listed(words, "name")}
            for lang, words in sorted(content.translations.items())
        ],
        "texts_confirmed_on": (
            content.texts_confirmed_on.isoformat() if content.texts_confirmed_on else None
        ),
    }


def _listed(words: Mapping[str, str], key: str) -> list[Json]:
    return [{key: name, "text": text} for name, text in sorted(words.items())]
