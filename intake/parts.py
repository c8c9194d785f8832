"""What the views work with, one an application."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from flask import current_app
from werkzeug.exceptions import NotFound

from crypto.config import PublicConfig, Standing, standing
from crypto.report import LocalSets
from intake.anonymity import FormTokens
from intake.clock import Now
from intake.compression import Packed
from intake.config import Config
from intake.frame import Asset
from intake.limits import Gate
from intake.pages import Pages
from intake.store import Store

EXTENSION: Final = "intake"  # under which the application keeps them


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Settings, store, pages, tokens and limits of one application."""

    config: Config
    public: PublicConfig
    local: LocalSets
    store: Store
    pages: Mapping[str, Pages]  # by language, in the order of the signed config
    chooser: Packed
    assets: Mapping[str, Asset]
    tokens: FormTokens
    gate: Gate
    clock: Callable[[], Now]

    @property
    def is_closed(self) -> bool:
        """Whether no report can be sealed today."""
        day = self.clock().day
        return standing(self.public, day) is Standing.CLOSED or not self.public.active(day)

    @property
    def day_here(self) -> date:
        """The day where the Center is."""
        return self.clock().day_at(self.config.site.utc_offset_hours)

    def pages_in(self, code: str) -> Pages:
        """The pages of a language.

        Raises:
            NotFound: the form is not offered in it.
        """
        if code not in self.pages:
            raise NotFound
        return self.pages[code]


def current() -> Parts:
    """The parts of the application that answers."""
    found: Parts = current_app.extensions[EXTENSION]
    return found
