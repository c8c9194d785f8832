"""The codes that a coder may write, with their words, and what a tick of the reporter suggests among them.

It is the crosswalk (`crypto.codes`) turned round for a person at a keyboard. A suggestion is shown and never filled in;
nothing here asks, prints or decides.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from crypto import codes
from crypto.answers import OFFENDER_RELATION_LABELS, PLACE_TYPE_LABELS, Bias
from review_tool.statistics.hierarchy import GROUND_LABELS

NEAREST: Final = 5  # codes that are named for one that is wrong
_ALIKE: Final = 0.6  # difflib's measure of likeness, 0 to 1; below it a guess only confuses


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Codes that one tick suggests, likeliest first, may be empty; `rule` says how to choose among them."""

    codes: tuple[str, ...]
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The codes of one field of a coding.

    Attributes:
        words: `{code: what it means}`, our own codes before the standard's.
        suggests: `{code of a tick: suggestion}`; a tick without one is not here.
    """

    words: Mapping[str, str]
    suggests: Mapping[str, Suggestion]

    def named(self, code: str) -> str:
        """A code with its words."""
        return f"{code} ({self.words[code]})"

    def nearest(self, typed: str) -> tuple[str, ...]:
        """The codes that somebody may have meant: those that say the typed word, then those that look like it."""
        wanted = typed.casefold()
        said = [code for code, words in self.words.items() if _says(words, wanted)] if wanted else []
        alike = difflib.get_close_matches(wanted, self.words, n=NEAREST, cutoff=_ALIKE)
        return tuple(dict.fromkeys([*said, *alike]))[:NEAREST]


def _says(words: str, wanted: str) -> bool:
    return any(word.startswith(wanted) for word in re.findall(r"\w+", words.casefold()))


def _place(code: str, standard: codes.PlaceStandard) -> Suggestion:
    # Without a standard code of its own a place keeps ours; what to pick from fits only some of them.
    return Suggestion(codes=(standard.nibrs or code, *standard.picks))


GROUNDS: Final = Vocabulary(
    words={
        code: {"none": "No ground of bias", "unknown": "Not known", **GROUND_LABELS}[code]
        for code in codes.BIAS
    },
    suggests={
        **{code: Suggestion(codes=row.picks or (code,)) for code, row in codes.BIAS.items()},
        Bias.UNSURE.value: Suggestion(codes=("unknown",)),
    },
)
OFFENSES: Final = Vocabulary(
    words={code: row.name for code, row in codes.OFFENSES.items()},
    suggests={
        ticked.value: Suggestion(codes=(*one.first, *one.only_if), rule=one.rule)
        for ticked, one in codes.OFFENSE_SUGGESTIONS.items()
    },
)
PLACES: Final = Vocabulary(
    words={
        **{place.value: PLACE_TYPE_LABELS[place] for place in codes.PLACES},
        **{code: row.name for code, row in codes.LOCATIONS.items()},
    },
    suggests={place.value: _place(place.value, standard) for place, standard in codes.PLACES.items()},
)
RELATIONS: Final = Vocabulary(
    words={
        **{relation.value: OFFENDER_RELATION_LABELS[relation] for relation in codes.RELATIONS},
        # In the standard's direction: who the victim was to the offender. The question says so.
        **codes.RELATIONSHIPS,
    },
    suggests={
        relation.value: Suggestion(codes=one.picks or (relation.value, *one.nearest), rule=one.rule)
        for relation, one in codes.RELATIONS.items()
    },
)
