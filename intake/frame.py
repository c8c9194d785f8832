"""What all pages of a Center share: settings, signed content, languages, stylesheet, logo and the way of rendering."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from crypto.content import CenterContent
from intake import controls
from intake.catalogues import say
from intake.compression import Packed, pack
from intake.config import SiteConfig
from intake.languages import Language
from intake.localizer import Localizer
from intake.theme import LOGO_TYPES

TITLE: Final = say("Community form")  # neutral: history and tabs show it
_SPARE: Final = re.compile(
    r"/\*.*?\*/|(?<=\n)\s+", re.DOTALL
)  # what a stylesheet says to its own readers only


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file that pages refer to, under a name that holds a hash of its bytes, so that it is cached for ever."""

    name: str
    content: Packed
    kind: str
    alt: str = ""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What all pages of a Center have in common.

    Attributes:
        site: what the operator may change.
        content: what was signed.
        offered: the languages of the form, in the order of the signed config.
        file_mib: MiB that a file may have; 0 where no files are taken.
    """

    site: SiteConfig
    content: CenterContent
    offered: tuple[Language, ...]
    file_mib: int

    @cached_property
    def style(self) -> Asset:
        """The one stylesheet: the variables of the theme, then the rules."""
        rules = (resources.files("intake") / "static" / "style.css").read_text(encoding="utf-8")
        return _asset(
            "style", ".css", (self.site.theme.css() + _SPARE.sub("", rules)).encode(), kind="text/css"
        )

    @cached_property
    def logo(self) -> Asset | None:
        """The Center's logo, if it has one; its size was checked at start."""
        path = self.site.theme.logo
        if path is None:
            return None
        kind = LOGO_TYPES[path.suffix]
        return _asset("logo", path.suffix, path.read_bytes(), kind=kind, alt=self.site.theme.logo_alt)

    @property
    def assets(self) -> Mapping[str, Asset]:
        """What is handed out beside pages, by name."""
        return {asset.name: asset for asset in (self.style, self.logo) if asset is not None}


def chooser(frame: Frame) -> Packed:
    """The page of a browser whose language we do not have in its script: the names of all languages."""
    title = frame.site.title.get("en") or TITLE.text
    page = environment(None).get_template("choose.html")
    return pack(page.render(title=title, style_name=frame.style.name, offered=frame.offered).encode())


def _asset(stem: str, suffix: str, content: bytes, *, kind: str, alt: str = "") -> Asset:
    name = f"{stem}-{hashlib.sha256(content).hexdigest()[:16]}{suffix}"
    return Asset(name=name, content=pack(content), kind=kind, alt=alt)


def environment(localizer: Localizer | None) -> Environment:
    """Templates that escape everything, fail on a missing name, and speak one language."""
    environment = Environment(
        loader=PackageLoader("intake"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.globals["controls"] = controls
    if localizer is not None:
        environment.install_gettext_translations(  # type: ignore[attr-defined] # added by the extension
            localizer.catalogue, newstyle=True
        )
    return environment
