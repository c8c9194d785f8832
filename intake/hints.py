"""Points out what may show who someone is, before a report is sent. It refuses nothing, changes nothing, keeps nothing."""

import re
from collections.abc import Iterable
from typing import Final

SHOWN: Final = 5  # hints on a page; a list of thirty would be read by nobody

_STREETS: Final = (
    "street|st|avenue|ave|road|rd|boulevard|blvd|drive|dr|lane|ln|way|court|ct|place|pl|circle|calle"
)
_PATTERNS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"[\w.+-]+@[\w-]+\.[\w.-]+\w",  # an e-mail address
        r"(?<![\w@.])@\w[\w.]+\w",  # a handle
        r"(?<!\w)\+?\(?\d(?:[ ().\-/]{0,2}\d){6,14}(?!\w)",  # a phone number, in any digits
        rf"\b\d{{1,5}} (?:[\w.]+ ){{0,3}}(?:{_STREETS})\b",  # a house in a street
        r"\b(?=[a-z]*\d)(?=\d*[a-z])[a-z0-9]{2,4}[ -]?[a-z0-9]{3,4}\b(?<=\d)",  # a plate, such as 7ABC123
    )
)


def hints(texts: Iterable[str]) -> tuple[str, ...]:
    """Return passages that look like a phone, an e-mail, a handle, a house or a plate, each once."""
    found: dict[str, None] = {}
    for text in texts:
        for pattern in _PATTERNS:
            found.update((match.group().strip(), None) for match in pattern.finditer(text))
    kept = [passage for passage in found if not any(passage != other and passage in other for other in found)]
    return tuple(kept[:SHOWN])
