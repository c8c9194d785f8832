"""The fourteen languages of the form: path, own name, direction, and which browsers' wishes each one answers.

A new language is one row here and one catalogue (docs/translating.md). The framework's own best match is not used: it
sends zh-TW to simplified characters and fil, prs and zh-HK to English. A choice of language is kept nowhere.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """A language of the form.

    Attributes:
        code: BCP 47 tag; also the first part of a path, the key of a catalogue, and what is sealed as the form's language.
        endonym: its name in its own script.
        also: lower-case tags of browsers that mean it too; a tag covers its regions.
        is_rtl: written from right to left.
    """

    code: str
    endonym: str
    also: tuple[str, ...] = ()
    is_rtl: bool = False

    @property
    def direction(self) -> str:
        """The value of the attribute `dir`."""
        return "rtl" if self.is_rtl else "ltr"


LANGUAGES: Final = (
    Language(code="en", endonym="English"),
    Language(code="es", endonym="Español"),
    Language(code="zh-Hans", endonym="简体中文", also=("zh", "zh-cn", "zh-sg")),
    Language(code="zh-Hant", endonym="繁體中文", also=("zh-tw", "zh-hk", "zh-mo")),
    Language(code="vi", endonym="Tiếng Việt"),
    Language(code="hmn", endonym="Hmoob", also=("mww", "hnj")),
    Language(code="ru", endonym="Русский"),
    Language(code="tl", endonym="Tagalog", also=("fil",)),
    Language(code="pa", endonym="ਪੰਜਾਬੀ"),
    Language(code="fa", endonym="فارسی / دری", also=("prs",), is_rtl=True),
    Language(code="ps", endonym="پښتو", is_rtl=True),
    Language(code="ko", endonym="한국어"),
    Language(code="ar", endonym="العربية", is_rtl=True),
    Language(code="uk", endonym="Українська"),
)
SOURCE: Final = LANGUAGES[0]  # the questionnaire and all pages are written in it
BY_CODE: Final[Mapping[str, Language]] = {language.code: language for language in LANGUAGES}

# Tags whose nearest catalogue is in a script that their readers may not know: they get no language at all, and so the
# page of all names.
_OTHER_SCRIPT: Final = ("pa-arab", "pa-pk")


def negotiate(accepted: str, offered: Collection[str]) -> Language | None:
    """Choose a language by the header `Accept-Language`.

    Args:
        accepted: the header as it came.
        offered: codes of the languages to choose from.

    Returns:
        The language that the browser asks for most, or None where it asks for none of them.
    """
    for tag in _by_weight(accepted):
        if tag.startswith(_OTHER_SCRIPT):
            return None
        found = _closest(tag, offered)
        if found is not None:
            return found
    return None


def _by_weight(accepted: str) -> list[str]:
    """The tags of a header, the most wanted first; what is not understood, or not wanted, is left out."""
    weighed = []
    for entry in accepted.lower().split(","):
        tag, _, parameters = entry.strip().partition(";")
        try:
            weight = float(parameters.strip().removeprefix("q=") or "1")
        except ValueError:
            weight = 0.0
        if weight > 0:
            weighed.append((weight, tag.strip()))
    return [tag for _, tag in sorted(weighed, key=lambda pair: -pair[0])]


def _closest(tag: str, offered: Collection[str]) -> Language | None:
    """The language of the longest name that equals the tag or its beginning."""
    names = {
        name: language
        for language in LANGUAGES
        if language.code in offered
        for name in (language.code.lower(), *language.also)
    }
    parts = tag.split("-")
    beginnings = ("-".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((names[beginning] for beginning in beginnings if beginning in names), None)
