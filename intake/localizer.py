"""Says sentences in one language, and says so where only English is there to be shown."""

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup, escape  # noqa: TID251 - for marking what is English, with escaping; see `words`

from intake.catalogues import Catalogue, Sentence
from intake.languages import SOURCE, Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Localizer:
    """A language with its catalogue.

    Attributes:
        language: what pages are written in.
        catalogue: its translations of our own sentences.
        is_draft: no person has reviewed them; every page says so.
    """

    language: Language
    catalogue: Catalogue
    is_draft: bool = False

    def text(self, message: str) -> str:
        """Say one of our own sentences."""
        return self.catalogue.gettext(message)

    def say(self, sentence: Sentence) -> str:
        """Say one of our own sentences with what stands in its gaps."""
        return escape(self.text(sentence.text)) % sentence.values

    def words(self, texts: Mapping[str, str]) -> str:
        """Say words of the Center; English ones are marked, or they would move the full stop of a line in Arabic."""
        own = texts.get(self.language.code)
        english = texts.get(SOURCE.code, "")
        if own or self.language == SOURCE or not english:
            return own or english
        return Markup('<span lang="en" dir="ltr">{}</span>').format(english)

    def plain_words(self, texts: Mapping[str, str]) -> str:
        """Say words of the Center where no markup can stand, as in a title."""
        return texts.get(self.language.code) or texts.get(SOURCE.code, "")
