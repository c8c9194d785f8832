"""Decides which languages a form offers: those whose catalogue is complete and that people have reviewed.

A language that nobody has reviewed is offered only where the Center's config says so, or in a demo, and then every
page says that it is a draft. Machine translation is never marked as reviewed.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

from crypto.content import CenterContent
from intake import errors
from intake.catalogues import Catalogue, catalogue_of, folder, read_entries
from intake.config import Config
from intake.languages import BY_CODE, SOURCE, Language
from intake.localizer import Localizer

_REVIEW_KEYS: Final = frozenset({"state", "translator", "reviewer", "reviewed_on", "sha256"})


class State(StrEnum):
    """How far people stand behind a translation."""

    SOURCE = "source"  # English: what everything is translated from
    REVIEWED = "reviewed"  # a translator and a second person of the community have read all of it
    SAMPLE = "sample"  # made without a person, or changed since people read it
    INCOMPLETE = "incomplete"  # some sentence has no translation


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A language that a Center asked for, its state, and whether the form shows it."""

    language: Language
    state: State
    is_shown: bool

    def __str__(self) -> str:
        shown = "shown" if self.is_shown else "not shown"
        return f"{self.language.code}: {self.state}, {shown}{' as a draft' if self.is_draft else ''}"

    @property
    def is_draft(self) -> bool:
        """Whether its pages say that nobody has checked them."""
        return self.is_shown and self.state is State.SAMPLE


def offers_of(config: Config, content: CenterContent) -> tuple[Offer, ...]:
    """Judge the languages of a signed config, the one offered first in front.

    Args:
        config: says which languages are shown without a review, and whether real people use this form.
        content: says which languages the Center asks for.

    Raises:
        CatalogueError: a catalogue or the table of states is damaged, or there is no such language.
        SettingError: no language is left to be shown.
    """
    allowed = config.site.allow_unreviewed
    found = []
    for code in content.languages:
        state = state_of(code)
        is_ready = state in {State.SOURCE, State.REVIEWED}
        is_drafted = state is State.SAMPLE and (code in allowed or not config.intake.production)
        found.append(Offer(language=BY_CODE[code], state=state, is_shown=is_ready or is_drafted))
    if not any(offer.is_shown for offer in found):
        raise errors.SettingError(
            f"no language is left to be shown: {', '.join(content.languages)} are not reviewed. "
            "[site] allow_unreviewed shows one as a draft"
        )
    return tuple(found)


def localizer_of(offer: Offer) -> Localizer:
    """Make what speaks the language of an offer."""
    return Localizer(
        language=offer.language,
        catalogue=_catalogue(offer.language.code),
        is_draft=offer.is_draft,
    )


@cache
def state_of(code: str) -> State:
    """Return how far people stand behind the translation into a language.

    Raises:
        CatalogueError: nothing is known of this language, or what is known is damaged.
    """
    if code == SOURCE.code:
        return State.SOURCE
    if code not in BY_CODE:
        raise errors.CatalogueError(
            f"the form has no language {code!r}; docs/translating.md says how to add one"
        )
    return judge(_catalogue(code), _reviews().get(code, {}))


def judge(catalogue: Catalogue, review: Mapping[str, object]) -> State:
    """Judge a translation by its own words and by the review of it, if there is one."""
    if any(message not in catalogue.translated for message in messages()):
        return State.INCOMPLETE
    is_reviewed = review.get("state") == State.REVIEWED and review.get("sha256") == catalogue_sha256(
        catalogue
    )
    return State.REVIEWED if is_reviewed else State.SAMPLE


@cache
def messages() -> tuple[str, ...]:
    """Every sentence that is translated, in English."""
    text = (folder() / "messages.pot").read_text(encoding="utf-8")
    return tuple(entry.text for entry in read_entries(text, "messages.pot"))


def catalogue_sha256(catalogue: Catalogue) -> str:
    """Name a translation by its bytes: what people reviewed is these words and no others."""
    pairs = sorted(pair for pair in catalogue.translated.items() if pair[0] in messages())
    return hashlib.sha256("\0".join(word for pair in pairs for word in pair).encode()).hexdigest()


@cache
def _catalogue(code: str) -> Catalogue:
    return catalogue_of(code)


@cache
def _reviews() -> Mapping[str, Mapping[str, object]]:
    return read_reviews((folder() / "status.toml").read_text(encoding="utf-8"))


def read_reviews(text: str) -> Mapping[str, Mapping[str, object]]:
    """Read the table of reviews; one that lacks a name or a day is refused, for nobody stands behind it.

    Raises:
        CatalogueError: the table is damaged, or a review says less than it must.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise errors.CatalogueError(f"translations/status.toml: {error}") from None
    for code, review in found.items():
        is_known = isinstance(review, dict) and review.get("state") in {State.REVIEWED, State.SAMPLE}
        if not is_known or (review["state"] == State.REVIEWED and review.keys() != _REVIEW_KEYS):
            raise errors.CatalogueError(
                f"translations/status.toml, [{code}]: a reviewed language has {', '.join(sorted(_REVIEW_KEYS))}"
            )
    return found
