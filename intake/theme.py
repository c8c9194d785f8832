"""The look of the pages: colors for light and dark, checked for contrast, and the variables that the stylesheet uses.

The shipped look is neutral on purpose: somebody else may look at the screen. A Center may set its own colors, font and
logo; colors that some people could not read are refused with the number.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from intake import errors

TEXT_CONTRAST: Final = 4.5  # WCAG 2.2, 1.4.3
LINE_CONTRAST: Final = 3.0  # WCAG 2.2, 1.4.11: borders of fields, and the ring of what has the focus
LOGO_TYPES: Final[Mapping[str, str]] = {
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".jpg": "image/jpeg",
}
LOGO_SIZE: Final = 32 * 1024  # bytes; it is loaded over slow lines

_COLOR: Final = re.compile(r"#[0-9a-fA-F]{6}")
_FONT: Final = re.compile(r"[\w ,\"-]{1,200}")  # nothing that could end the line of a stylesheet
_RADIUS: Final = re.compile(r"\d(\.\d{1,2})?(rem|px)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Colors as `#rrggbb`. The defaults of a light page."""

    paper: str = "#fbfaf8"  # behind everything
    card: str = "#ffffff"  # behind a step
    ink: str = "#1c1f24"  # text
    soft: str = "#4d545e"  # hints
    line: str = "#767d87"  # borders of fields
    rule: str = "#d9d6cf"  # lines that only decorate
    accent: str = "#1f5a6b"  # links and buttons
    accent_ink: str = "#ffffff"  # on a button
    leave: str = "#2d3138"  # the button that leaves: dark and quiet, never red
    leave_ink: str = "#ffffff"
    wrong: str = "#9a2c1d"  # what must be looked at
    focus: str = "#0b3d91"  # the ring around what has the focus
    halo: str = "#ffffff"  # its second tone


LIGHT: Final = Palette()
DARK: Final = Palette(
    paper="#15171a",
    card="#1d2024",
    ink="#eceae6",
    soft="#b9bec6",
    line="#8a919b",
    rule="#363b42",
    accent="#8fc9d8",
    accent_ink="#10181b",
    leave="#e4e2dd",
    leave_ink="#1c1f24",
    wrong="#ffab9c",
    focus="#ffd34d",
    halo="#15171a",
)

# (what is seen, what it is seen on, contrast)
_PAIRS: Final = (
    *(
        (name, ground, TEXT_CONTRAST)
        for name in ("ink", "soft", "accent", "wrong")
        for ground in ("paper", "card")
    ),
    ("accent_ink", "accent", TEXT_CONTRAST),
    ("leave_ink", "leave", TEXT_CONTRAST),
    *((name, ground, LINE_CONTRAST) for name in ("line", "focus") for ground in ("paper", "card")),
    ("halo", "focus", LINE_CONTRAST),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """How the pages look.

    Raises:
        SettingError: a value is none, or two colors are too near to each other.
    """

    light: Palette = LIGHT
    dark: Palette = DARK
    radius: str = "0.4rem"  # of corners
    font: str = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif'
    logo: Path | None = None
    logo_alt: str = ""  # what the logo shows, for people who do not see it

    def __post_init__(self) -> None:
        for name, palette in (("light", self.light), ("dark", self.dark)):
            _check(f"[site.theme.{name}]", palette)
        if _RADIUS.fullmatch(self.radius) is None:
            raise errors.SettingError("[site.theme] radius must be a number and rem or px, as 0.4rem")
        if _FONT.fullmatch(self.font) is None:
            raise errors.SettingError('[site.theme] font must be names of fonts, as "Noto Sans", sans-serif')
        if self.logo is not None and self.logo.suffix not in LOGO_TYPES:
            raise errors.SettingError(f"[site.theme] logo must end with one of {', '.join(LOGO_TYPES)}")

    def css(self) -> str:
        """The variables of the stylesheet."""
        shape = f"--radius:{self.radius};--font:{self.font}"
        dark = f"@media (prefers-color-scheme:dark){{:root{{{_variables(self.dark)}}}}}"
        return f":root{{color-scheme:light dark;{_variables(self.light)};{shape}}}{dark}"


def contrast(one: str, other: str) -> float:
    """The contrast of two colors, from 1 to 21 (WCAG 2.2, contrast ratio)."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: str) -> float:
    parts = (int(color[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _colors(palette: Palette) -> Iterator[tuple[str, str]]:
    for color in fields(palette):
        yield color.name, getattr(palette, color.name)


def _variables(palette: Palette) -> str:
    return ";".join(f"--{name.replace('_', '-')}:{color}" for name, color in _colors(palette))


def _check(where: str, palette: Palette) -> None:
    colors = dict(_colors(palette))
    for name, color in colors.items():
        if _COLOR.fullmatch(color) is None:
            raise errors.SettingError(f"{where} {name} must be a color as #1f5a6b")
    for name, ground, least in _PAIRS:
        found = contrast(colors[name], colors[ground])
        if found < least:
            raise errors.SettingError(
                f"{where} {name} on {ground} has a contrast of {found:.1f}; some people cannot read that, "
                f"at least {least} is needed"
            )
