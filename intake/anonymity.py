"""What every answer says to a browser, and the little that is asked of a request: never who, where from or when.

Headers and the origin of a post (docs/decisions.md 6), the form token and the number of a Tor circuit. No address of a
person, no cookie and no user agent is read here or anywhere else on this side.
"""

import base64
import binascii
import ipaddress
import secrets
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
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

_CIRCUITS: Final = ipaddress.IPv6Network("fc00:dead:beef:4dad::/64")  # connection_edge.c of tor

TOKEN_LIFE: Final = 12 * 3600  # seconds: a phone left open over night is flagged, never refused
FAST: Final = 3  # seconds from the first page to Send; nobody reads a question in less
_NONCE_SIZE: Final = 12  # bytes, RFC 8439
_TIME_SIZE: Final = 8  # bytes
_TOKEN_SIZE: Final = _NONCE_SIZE + _TIME_SIZE + 16  # bytes; 16 of them are Poly1305's tag


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


def circuit_of(address: object) -> str:
    """The number that tor gave a circuit, if that is what an address is; of any other address nothing is left.

    `HiddenServiceExportCircuitID haproxy` writes it as an address of a network that is tor's own (tor(1)).
    """
    try:
        circuit = ipaddress.IPv6Address(str(address))
    except ValueError:
        return ""
    return str(circuit) if circuit in _CIRCUITS else ""


def source_of(request: Request) -> str:
    """The circuit that a request came by, or "": an address is never a source."""
    return circuit_of(request.remote_addr)


def origin_flags(request: Request) -> frozenset[Flag]:
    """What the origin of a post leaves in doubt: an old browser says nothing, and is believed."""
    return frozenset() if "Sec-Fetch-Site" in request.headers else frozenset({Flag.NO_FETCH})


class FormTokens:
    """Marks of the forms that this run of the server gave out; a doubtful one is a flag, never a refusal.

    A token is the second in which the form was shown, sealed (RFC 8439) under a key that is made when the service
    starts, shared by its workers and written nowhere. To whoever finds a page it is random bytes; the server reads the
    time back, compares it once, and keeps nothing of it (docs/decisions.md 39).
    """

    def __init__(self, key: bytes | None = None) -> None:
        self._cipher = ChaCha20Poly1305(key or secrets.token_bytes(32))

    def issue(self, now: int) -> str:
        """Make a token; `now` is in seconds since the epoch."""
        nonce = secrets.token_bytes(_NONCE_SIZE)
        sealed = self._cipher.encrypt(nonce, now.to_bytes(_TIME_SIZE, "big"), None)
        return base64.urlsafe_b64encode(nonce + sealed).decode()

    def renew(self, token: str, now: int) -> str:
        """Make the token of a page that gives words back: it goes on counting from the first page of this visit."""
        issued = self._issued(token)
        return self.issue(now if issued is None else issued)

    def judge(self, token: str, now: int) -> frozenset[Flag]:
        """Return what is odd about a token, or nothing."""
        if not token:
            return frozenset({Flag.TOKEN_MISSING})
        issued = self._issued(token)
        if issued is None:
            return frozenset({Flag.TOKEN_UNKNOWN})
        if now - issued > TOKEN_LIFE:
            return frozenset({Flag.TOKEN_OLD})
        return frozenset({Flag.FAST}) if 0 <= now - issued < FAST else frozenset()

    def _issued(self, token: str) -> int | None:
        """When a token was made, or None if it is none of ours."""
        try:
            raw = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError):
            return None
        if len(raw) != _TOKEN_SIZE:
            return None
        try:
            opened = self._cipher.decrypt(raw[:_NONCE_SIZE], raw[_NONCE_SIZE:], None)
        except InvalidTag:
            return None
        return int.from_bytes(opened, "big")
