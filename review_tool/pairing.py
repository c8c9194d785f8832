"""Pairing: the vault learns which server's bundles to believe, after people compared a fingerprint.

The server's export key proves order, gaps and damage of bundles, never that a report is true: anyone can send a report
through the form. A new pairing replaces the old one.
"""

from datetime import date
from typing import Final

from sqlalchemy import Connection

from crypto import signing
from crypto.errors import KeyStringError
from crypto.fingerprint import fingerprint
from review_tool import audit
from review_tool import vault as vaults
from review_tool.audit import Act, Entry
from review_tool.errors import PairingError
from review_tool.vault import Vault

EXPORT_KEY: Final = "export_public"


def parse_export_key(text: str) -> bytes:
    """Read the server's `export.pub`.

    Raises:
        PairingError: it is no public key file.
    """
    try:
        return signing.parse_public_key(text)
    except KeyStringError:
        raise PairingError(
            "this is no export key; take export.pub from the server's data directory"
        ) from None


def pair(vault: Vault, public: bytes, *, day: date, reviewer: str) -> None:
    """Record the export key whose fingerprint was compared."""
    with vault.transaction() as connection:
        vaults.state_fact(connection, EXPORT_KEY, public.hex())
        facts = {"fingerprint": fingerprint(public)}
        audit.append(connection, [Entry(act=Act.PAIR, day=day, reviewer=reviewer, facts=facts)])


def paired_key(connection: Connection) -> bytes:
    """The export key of the paired server.

    Raises:
        PairingError: no server is paired yet.
    """
    value = vaults.fact(connection, EXPORT_KEY)
    if not value:
        raise PairingError("no server is paired with this vault; run `review-tool pair EXPORT.PUB` first")
    return bytes.fromhex(value)
