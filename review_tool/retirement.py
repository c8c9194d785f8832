"""The end of an old reading key: what still needs it, and how long it must be kept.

Destroying it is what makes seized sticks and copies of the server worthless later. What opens with nothing else is lost with
it: the files and the ways to be reached of cases that were sealed to it alone. The words and answers of a case stay in the
vault, and in archives that were made since.
"""

import io
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from sqlalchemy import Connection, select

from crypto import age, xwing
from crypto.config import PublicConfig
from crypto.errors import EnvelopeError
from crypto.keystore import Epoch, Keystore
from review_tool import audit, case_rows
from review_tool.audit import Act
from review_tool.errors import KeyInUseError
from review_tool.schema import CASE, ENVELOPE

WAIT: Final = timedelta(days=90)  # after the overlap: bundles and copies of the server come late


def require_over(
    connection: Connection,
    known: Sequence[PublicConfig],
    keystore: Keystore,
    epoch: Epoch,
    *,
    day: date,
    is_early: bool,
) -> None:
    """Refuse to destroy a key that is sealed to, or whose reports may still be on their way.

    Args:
        connection: to the vault, which knows when a bundle was received last.
        known: the vault's archive of configurations.
        keystore: holds the key, and must hold another one.
        epoch: to be destroyed.
        day: today.
        is_early: what is on its way counts for nothing, because the key was exposed.

    Raises:
        KeyInUseError: it is the only key, is sealed to, its time is not over, or no bundle was received since.
    """
    until = sealed_until(known, epoch)
    if len(keystore.epochs) == 1 or until > day:
        raise KeyInUseError(
            f"the server seals to epoch {epoch.epoch} until {until}; `review-tool key rotate` makes a new key"
        )
    if is_early:
        return
    if until + WAIT > day:
        raise KeyInUseError(
            f"reports of epoch {epoch.epoch} may be on their way until {until + WAIT}; wait, or say --early if it was exposed"
        )
    last = audit.last_day(connection, Act.RECEIVE)
    if not last or date.fromisoformat(last) < until:
        raise KeyInUseError(
            f"no bundle was received since {until}: take in what the server still has of epoch {epoch.epoch} first"
        )


def sealed_until(known: Sequence[PublicConfig], epoch: Epoch) -> date:
    """The day from which a server with the newest configuration seals to a key no more; long ago if none names it."""
    newest = max(known, key=lambda one: one.serial)
    for config in sorted(known, key=lambda one: one.serial, reverse=True):
        for one in config.recipients:
            if one.fingerprint == epoch.fingerprint:
                return one.until if config is newest else min(one.until, newest.not_before)
    return newest.not_before


def only_with(connection: Connection, keystore: Keystore, epoch: Epoch) -> list[str]:
    """Cases with a file or a way to be reached that no other key of the keystore opens."""
    others = [xwing.key_pair(one.seed) for one in keystore.epochs if one != epoch]
    query = select(ENVELOPE.c.sealed).join(CASE, CASE.c.envelope == ENVELOPE.c.sha256)
    found = []
    for case in case_rows.read_cases(connection):
        if not case.attachments and not case.has_contact:
            continue
        sealed: bytes = connection.execute(query.where(CASE.c.payload_id == case.payload_id)).scalar_one()
        if not _opens(sealed, others):
            found.append(case.id)
    return found


def _opens(sealed: bytes, keys: Sequence[xwing.KeyPair]) -> bool:
    try:
        age.unwrap(age.read_header(io.BytesIO(sealed)), keys)
    except EnvelopeError:
        return False
    return True
