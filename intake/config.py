"""The server's one config file: TOML in, frozen values out; an unknown name is an error, in every section.

`[intake]` is the server, `[site]` what the operator may change today without changing any answer's meaning.
`[center]` and `[review]` may stand in the same file and their values are not read: what gives answers their meaning
counts only as signed (FORMAT.md §6.1). Nothing here looks at the environment, the clock or a key.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Final, TypeVar

from crypto import settings, shape
from crypto.errors import ConfigError
from intake import errors
from intake.languages import BY_CODE, SOURCE
from intake.theme import DARK, LIGHT, Palette, Theme

Texts = Mapping[str, str]  # language code -> words

STORE_NAME: Final = "store.sqlite"
EXPORT_KEY_NAME: Final = "export.key"
EXPORT_PUBLIC_NAME: Final = "export.pub"

UNLIMITED: Final = 1_000_000_000  # of what is counted: no limit at all, for demos and load tests

_CENTER_ID: Final = re.compile(r"[a-z0-9-]{3,32}")  # FORMAT.md §6.1
_Kind = TypeVar("_Kind", str, int, float, bool, date)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of a body is read, and how many reports are taken (`intake.limits`)."""

    text_kib: int = 2048  # KiB of a posted form kept and given back; nobody types two million letters
    file_mib: int = 25  # MiB of one file, where the Center takes files
    drain_mib: int = 512  # MiB read and thrown away so that a browser sees our page; above it the line is cut
    flag_per_source: int = 6  # reports by one Tor circuit in ten minutes; those above it are flagged
    refuse_per_source: int = 30  # the same; those above it get their words back
    question_per_hour: int = 200  # reports; above it a question is asked until the hour is over
    envelopes_per_day: int = 2000  # reports; above it words go back with a 503
    mib_per_day: int = 4096  # MiB of sealed reports; the same
    reserve_percent: int = 20  # of both, for those who answer the question


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeConfig:
    """The `[intake]` section: where things lie and how the server runs."""

    center: str  # id of the Center, as in the signed config
    data_dir: Path  # holds the store, the export key and the last manifest and acknowledgement
    public_config: Path  # directory of center-config.json and its signatures
    root_public: Path | None = None  # a copy of root.pub, kept apart from public_config
    root_public_key: str = ""  # or the second line of root.pub, pinned here
    host: str = "127.0.0.1"
    port: int = 8000
    unix_socket: Path | None = None  # instead of host and port
    workers: int = 2  # processes; one answers, the others stand by to take over at once
    threads: int = 16  # a process; reports that wait at the same time share one commit
    max_requests: int = 100  # requests, then a fresh process: what was read does not stay in memory
    slots: int = 1000  # slots of 40 KiB that the store grows by, at least; a text report takes one
    deadline_seconds: float = 5.0  # seconds to wait for a locked store before the words go back with a 503
    production: bool = True  # False takes draft texts and an unpinned root key: for demos and tests
    limits: Limits = field(default_factory=Limits)

    @property
    def store(self) -> Path:
        """The store file."""
        return self.data_dir / STORE_NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A place that helps, as the help page lists it."""

    code: str
    label: Texts
    phone: str = ""
    text: str = ""  # a number to text
    web: str = ""
    languages: tuple[str, ...] = ()  # codes; languages spoken there
    hours: Texts = field(default_factory=dict)
    checked_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something to come to, such as a town hall; it is gone from the pages after its day."""

    day: date
    label: Texts
    details: Texts = field(default_factory=dict)  # when and where, in words
    web: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """A plain question that a flood cannot answer and a person can."""

    number: str  # by which a page names it
    text: Texts
    answers: tuple[str, ...]  # any of them is right, in whatever language


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteConfig:
    """The `[site]` section: words and numbers that may change the same hour. The defaults are drafts."""

    title: Texts = field(default_factory=dict)  # shown by history and tabs; without one, "Community form"
    exit_url: str = "https://www.weather.gov/"  # a page on which nobody is asked why they opened it
    onion: str = ""  # address of the form in Tor Browser
    emergency: Texts = field(default_factory=lambda: {"en": "call or text 911"})
    other_way: Texts = field(default_factory=lambda: {"en": "Come to the Center, or call its office."})
    how_to: Texts = field(default_factory=lambda: {"en": "open History, and delete this site."})
    texts_confirmed_on: date | None = None  # the day on which the Center read all texts of this section
    resource_max_age_months: int = 12  # after that a resource says that it may be out of date
    allow_unreviewed: tuple[
        str, ...
    ] = ()  # languages that are shown as drafts though nobody has reviewed them
    one_page: bool = False  # all steps of the form at once
    resources: tuple[Resource, ...] = ()
    events: tuple[Event, ...] = ()
    challenges: tuple[Challenge, ...] = ()
    utc_offset_hours: int = 0  # of the Center's clock in winter; only for when the day of an event is over
    theme: Theme = field(default_factory=Theme)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One config file."""

    path: Path
    intake: IntakeConfig
    site: SiteConfig
    center_section: Mapping[str, object] | None  # as written; only compared with the signed content


def load(path: Path) -> Config:
    """Read the config file. Paths in it are relative to its directory.

    Raises:
        ConfigFileError: the file cannot be read, or is no TOML.
        SettingError: a setting is missing, unknown, of the wrong kind or out of range.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise errors.ConfigFileError(f"cannot read {path}: {error.strerror}; name it by --config") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        where = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "not UTF-8"
        raise errors.ConfigFileError(f"{path} is no TOML: {where}") from None
    try:
        settings.refuse_unknown(found)
    except ConfigError as error:
        raise errors.SettingError(f"{path}: {error}") from None
    document = _Section("", found)
    return Config(
        path=path,
        intake=_intake(document.section("intake"), path.parent.absolute()),
        site=_site(document.section("site"), path.parent.absolute()),
        center_section=document.table("center"),
    )


class _Section:
    """One table of the file, read key by key so that every complaint names the key."""

    def __init__(self, name: str, values: Mapping[str, object]) -> None:
        self._name = name
        self._values = values

    def named(self, key: str) -> str:
        return f"[{self._name}] {key}" if self._name else f"[{key}]"

    def table(self, key: str) -> Mapping[str, object] | None:
        value = self._values.get(key)
        if value is None or isinstance(value, dict):
            return value
        raise errors.SettingError(f"{self.named(key)} must be a table")

    def section(self, key: str) -> "_Section":
        return _Section(f"{self._name}.{key}" if self._name else key, self.table(key) or {})

    def sections(self, key: str) -> list["_Section"]:
        value = self._values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            raise errors.SettingError(f"{self.named(key)} must be written as [[{self._name}.{key}]]")
        return [_Section(f"{self._name}.{key}", entry) for entry in value]

    def value(self, key: str, kind: type[_Kind], default: _Kind | None = None) -> _Kind:
        value = self._values.get(key, default)
        if value is None:
            raise errors.SettingError(f"{self.named(key)} is missing; config.example.toml explains it")
        if type(value) is not kind:
            raise errors.SettingError(f"{self.named(key)} must be of the kind {kind.__name__}")
        return value

    def number(self, key: str, default: int, lowest: int, highest: int) -> int:
        value = self.value(key, int, default)
        if not lowest <= value <= highest:
            raise errors.SettingError(f"{self.named(key)} is {value}; {lowest} to {highest} is possible")
        return value

    def seconds(self, key: str, default: float) -> float:
        value = self._values.get(key, default)
        return float(value) if type(value) is int else self.value(key, float, default)

    def path(self, key: str, base: Path) -> Path | None:
        value = self.value(key, str, "")
        return base / value if value else None

    def day(self, key: str) -> date | None:
        return self.value(key, date) if key in self._values else None

    def texts(self, key: str, default: Texts) -> Texts:
        """Read words by language; a bare string is English."""
        value = self._values.get(key, default)
        words = {"en": value} if isinstance(value, str) else value
        if not isinstance(words, dict) or not all(isinstance(text, str) for text in words.values()):
            raise errors.SettingError(f"{self.named(key)} must be words, or words by language as {key}.en")
        self._refuse_unknown_languages(key, words)
        return words

    def languages(self, key: str) -> tuple[str, ...]:
        """Read a list of languages of the form."""
        codes = self.strings(key)
        self._refuse_unknown_languages(key, codes)
        return codes

    def _refuse_unknown_languages(self, key: str, codes: Iterable[str]) -> None:
        for code in codes:
            if code not in BY_CODE:
                raise errors.SettingError(
                    f"{self.named(key)}: the form has no language {code!r}; "
                    f"did you mean {shape.nearest(code, tuple(BY_CODE))!r}?"
                )

    def strings(self, key: str) -> tuple[str, ...]:
        value = self._values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise errors.SettingError(f"{self.named(key)} must be a list of strings")
        return tuple(value)


def _intake(section: _Section, base: Path) -> IntakeConfig:
    center = section.value("center", str)
    if not _CENTER_ID.fullmatch(center):
        raise errors.SettingError(
            "[intake] center must be 3 to 32 of a-z, 0-9 and -, as in the signed config"
        )
    deadline = section.seconds("deadline_seconds", 5.0)
    if not 0 < deadline <= 30:
        raise errors.SettingError("[intake] deadline_seconds must be above 0 and at most 30")
    limits = section.section("limits")
    return IntakeConfig(
        center=center,
        data_dir=base / section.value("data_dir", str),
        public_config=base / section.value("public_config", str),
        root_public=section.path("root_public", base),
        root_public_key=section.value("root_public_key", str, ""),
        host=section.value("host", str, "127.0.0.1"),
        port=section.number("port", 8000, 1, 65535),
        unix_socket=section.path("unix_socket", base),
        workers=section.number("workers", 2, 1, 64),
        threads=section.number("threads", 16, 1, 64),
        max_requests=section.number("max_requests", 100, 1, 1000),
        slots=section.number("slots", 1000, 8, 100_000),
        deadline_seconds=deadline,
        production=section.value("production", bool, True),
        limits=Limits(
            text_kib=limits.number("text_kib", 2048, 256, 8192),
            file_mib=limits.number("file_mib", 25, 1, 40),
            drain_mib=limits.number("drain_mib", 512, 1, 4096),
            flag_per_source=limits.number("flag_per_source", 6, 1, UNLIMITED),
            refuse_per_source=limits.number("refuse_per_source", 30, 1, UNLIMITED),
            question_per_hour=limits.number("question_per_hour", 200, 1, UNLIMITED),
            envelopes_per_day=limits.number("envelopes_per_day", 2000, 1, UNLIMITED),
            mib_per_day=limits.number("mib_per_day", 4096, 1, UNLIMITED),
            reserve_percent=limits.number("reserve_percent", 20, 0, 90),
        ),
    )


def _site(section: _Section, base: Path) -> SiteConfig:
    draft = SiteConfig()
    exit_url = section.value("exit_url", str, draft.exit_url)
    if not exit_url.startswith("https://"):
        raise errors.SettingError("[site] exit_url must begin with https://")
    return SiteConfig(
        title=section.texts("title", draft.title),
        exit_url=exit_url,
        onion=section.value("onion", str, ""),
        emergency=section.texts("emergency", draft.emergency),
        other_way=section.texts("other_way", draft.other_way),
        how_to=section.texts("how_to", draft.how_to),
        texts_confirmed_on=section.day("texts_confirmed_on"),
        resource_max_age_months=section.number("resource_max_age_months", 12, 1, 120),
        allow_unreviewed=section.languages("allow_unreviewed"),
        one_page=section.value("one_page", bool, False),
        resources=tuple(_resource(entry) for entry in section.sections("resource")),
        events=tuple(_event(entry) for entry in section.sections("event")),
        challenges=tuple(
            _challenge(str(number), entry)
            for number, entry in enumerate(section.sections("question"), start=1)
        ),
        utc_offset_hours=section.number("utc_offset_hours", 0, -12, 14),
        theme=_theme(section.section("theme"), base),
    )


def _event(section: _Section) -> Event:
    return Event(
        day=section.value("day", date),
        label=section.texts("label", {}),
        details=section.texts("details", {}),
        web=section.value("web", str, ""),
    )


def _challenge(number: str, section: _Section) -> Challenge:
    found = Challenge(number=number, text=section.texts("text", {}), answers=section.strings("answers"))
    if not found.text.get(SOURCE.code):
        raise errors.SettingError("[[site.question]] text.en is missing: other languages fall back to it")
    if not any(one.strip() for one in found.answers):
        raise errors.SettingError(
            "[[site.question]] answers is empty, so that nobody could answer; name some"
        )
    return found


def _theme(section: _Section, base: Path) -> Theme:
    draft = Theme()
    return Theme(
        light=_palette(section.section("light"), LIGHT),
        dark=_palette(section.section("dark"), DARK),
        radius=section.value("radius", str, draft.radius),
        font=section.value("font", str, draft.font),
        logo=section.path("logo", base),
        logo_alt=section.value("logo_alt", str, draft.logo_alt),
    )


def _palette(section: _Section, draft: Palette) -> Palette:
    return Palette(**{name: section.value(name, str, color) for name, color in asdict(draft).items()})


def _resource(section: _Section) -> Resource:
    return Resource(
        code=section.value("code", str),
        label=section.texts("label", {}),
        phone=section.value("phone", str, ""),
        text=section.value("text", str, ""),
        web=section.value("web", str, ""),
        languages=section.strings("languages"),
        hours=section.texts("hours", {}),
        checked_on=section.day("checked_on"),
    )
