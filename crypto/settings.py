"""The names of all settings of a config file, and the refusal of any other, for every command that reads the file.

Server and ceremony read different sections of one file, and a misspelt setting is one that does not hold: so each of
them refuses an unknown name in all sections, also in those that only the other one reads. Nothing here reads a value.
"""

from collections.abc import Mapping
from typing import Final

from crypto import shape
from crypto.content import AGENCY_KEYS, AREA_KEYS, CENTER_KEYS, SHARE_KEYS, TEXT_NAMES
from crypto.errors import ConfigError

# One table: its settings by name, each with the names in its own sub tables, or None where words and values stand.
Names = Mapping[str, "Names | None"]
_ANY: Final = "*"  # a table whose keys are languages; which there are, its reader knows

_INTAKE: Final[Names] = dict.fromkeys(
    (
        "center", "data_dir", "public_config", "root_public", "root_public_key", "host", "port", "unix_socket",
        "workers", "threads", "max_requests", "slots", "deadline_seconds", "production",
    )
) | {
    "limits": dict.fromkeys(
        (
            "text_kib", "file_mib", "drain_mib", "flag_per_source", "refuse_per_source", "question_per_hour",
            "envelopes_per_day", "mib_per_day", "reserve_percent",
        )
    )
}  # fmt: skip
_COLORS: Final[Names] = dict.fromkeys(
    (
        "paper", "card", "ink", "soft", "line", "rule", "accent", "accent_ink", "leave", "leave_ink", "wrong",
        "focus", "halo",
    )
)  # fmt: skip
_SITE: Final[Names] = dict.fromkeys(
    (
        "title", "exit_url", "onion", "emergency", "other_way", "how_to", "texts_confirmed_on",
        "resource_max_age_months", "allow_unreviewed", "one_page", "utc_offset_hours",
    )
) | {
    "resource": dict.fromkeys(("code", "label", "phone", "text", "web", "languages", "hours", "checked_on")),
    "event": dict.fromkeys(("day", "label", "details", "web")),
    "question": dict.fromkeys(("text", "answers")),
    "theme": dict.fromkeys(("radius", "font", "logo", "logo_alt")) | {"light": _COLORS, "dark": _COLORS},
}  # fmt: skip
_CENTER: Final[Names] = dict.fromkeys(CENTER_KEYS) | {
    "area": dict.fromkeys(AREA_KEYS),
    "agency": dict.fromkeys(AGENCY_KEYS),
    "share": dict.fromkeys(SHARE_KEYS),
    "texts": {_ANY: dict.fromkeys(TEXT_NAMES)},
}
SECTIONS: Final[Names] = {"intake": _INTAKE, "site": _SITE, "center": _CENTER, "review": {}}


def refuse_unknown(document: Mapping[str, object]) -> None:
    """Refuse a parsed config file that holds a setting nobody reads, and name the nearest known one.

    Raises:
        ConfigError: a name is unknown, or a section is no table.
    """
    shape.check_keys(document, tuple(SECTIONS), "the config file")
    for name, known in SECTIONS.items():
        if name in document and known is not None:
            _refuse(shape.table(document[name], f"[{name}]"), known, name)


def _refuse(table: Mapping[str, object], known: Names, where: str) -> None:
    if not known and table:
        raise ConfigError(f"[{where}] has no setting {next(iter(table))!r}; nothing is set in this section")
    if _ANY not in known:
        shape.check_keys(table, tuple(known), f"[{where}]")
    for name, value in table.items():
        below = known.get(name, known.get(_ANY))
        if below is not None:
            for one in value if isinstance(value, list) else [value]:
                if isinstance(
                    one, Mapping
                ):  # another kind is refused by the reader, which knows what it must be
                    _refuse(one, below, f"{where}.{name}")
