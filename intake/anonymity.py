"""What every answer says to a browser, and the little that is asked of a request: never who, where from or when.

Headers (docs/decisions.md 6), the origin of a post (docs/decisions.md 6) and the form token. No address, no cookie, no user agent is read
here or anywhere else on this side.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Final

from flask import Request, Response
from werkzeug.datastructures import Headers

from crypto.report import Flag

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)

# On every answer, errors included; a test reads this table against every route and status.
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "same-origin",  # no-referrer would make browsers send `Origin: null` with an honest post
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
NO_STORE: Final = "no-store"
IMMUTABLE: Final = (
    "public, max-age=31536000, immutable"  # one year, in seconds; the name holds a hash of the bytes
)

FORBIDDEN: Final = (
    "ETag",
    "Last-Modified",
    "Set-Cookie",
    "Server",
    "Expires",
)  # each tells, or ties visits together

_REPLACED: Final = frozenset(name.lower() for name in (*HEADERS, *FORBIDDEN))

TOKEN_STEP: Final = 600  # seconds; the only time a token holds is the number of such steps
TOKEN_LIFE: Final = 72  # steps, 12 hours: a phone left open over night is flagged, never refused
_NONCE_SIZE: Final = 8  # bytes
_MAC_SIZE: Final = 16  # bytes of HMAC-SHA256


def set_headers(response: Response) -> Response:
    """Put the exact headers on an answer; `Cache-Control` is `no-store` unless the view set its own."""
    # As one list: the mapping of headers looks for each name by a search that ends in an exception.
    kept = [(name, value) for name, value in response.headers if name.lower() not in _REPLACED]
    if all(name.lower() != "cache-control" for name, _ in kept):
        kept.append(("Cache-Control", NO_STORE))
    response.headers = Headers([*kept, *HEADERS.items()])
    return response


def is_from_another_site(request: Request) -> bool:
    """Whether the browser itself says that another site sent this request."""
    return request.headers.get("Sec-Fetch-Site", "") in {"cross-site", "same-site"}


def origin_flags(request: Request) -> frozenset[Flag]:
    """What the origin of a post leaves in doubt: an old browser says nothing, and is believed."""
    return frozenset() if "Sec-Fetch-Site" in request.headers else frozenset({Flag.NO_FETCH})


class FormTokens:
    """Marks of the forms that this run of the server gave out; a doubtful one is a flag, never a refusal.

    A token is (coarse time, nonce) under a key that is made when the service starts, shared by its workers and
    written nowhere. It ties nothing together: each page gets its own.
    """

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(32)

    def issue(self, now: int) -> str:
        """Make a token; `now` is in seconds since the epoch."""
        body = (now // TOKEN_STEP).to_bytes(4, "big") + secrets.token_bytes(_NONCE_SIZE)
        return base64.urlsafe_b64encode(body + self._mac(body)).decode()

    def judge(self, token: str, now: int) -> frozenset[Flag]:
        """Return what is odd about a token, or nothing."""
        if not token:
            return frozenset({Flag.TOKEN_MISSING})
        try:
            raw = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError):
            raw = b""
        body, mac = raw[: 4 + _NONCE_SIZE], raw[4 + _NONCE_SIZE :]
        if not hmac.compare_digest(mac, self._mac(body)):
            return frozenset({Flag.TOKEN_UNKNOWN})
        age = now // TOKEN_STEP - int.from_bytes(body[:4], "big")
        return frozenset() if 0 <= age <= TOKEN_LIFE else frozenset({Flag.TOKEN_OLD})

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, hashlib.sha256)[:_MAC_SIZE]
