"""A new reading key: a key epoch beside the old one, and the configuration that makes the server seal to both for a while.

    1  the key is made, and its shares are written down and proved    2  the keystore holds it, proved and synced
    3  the vault knows the new configuration    4  its folder appears

Cut off between 2 and 4, the keystore holds a key that nobody seals to; the next rotation leaves it out again, because no
configuration names it. The old key stays in the keystore: reports sealed to it are still on their way.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from crypto import xwing
from crypto.config import PublicConfig, Recipient
from crypto.fingerprint import fingerprint
from crypto.keystore import Epoch, EpochState, Keystore, RootKeystore
from crypto.unseal import Identity
from review_tool import ceremony, renewal
from review_tool.renewal import Renewal

OVERLAP_DAYS: Final = 14  # days in which the server seals to both: time to carry the configuration over


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Rotation:
    """A new key epoch that is proved, and that nobody seals to yet.

    Attributes:
        keystore: as it will be, with the new epoch.
        epoch: the new one.
        renewal: the configuration that names it.
    """

    keystore: Keystore
    epoch: Epoch
    renewal: Renewal

    def __repr__(self) -> str:
        return f"Rotation({self.epoch.epoch}, redacted)"


def rotate(
    known: Sequence[PublicConfig],
    running: tuple[PublicConfig, str] | None,
    *,
    keystore: Keystore,
    root: RootKeystore,
    seed: bytes,
    day: date,
    valid_days: int,
    overlap_days: int = OVERLAP_DAYS,
) -> Rotation:
    """Make a key epoch of a seed, sign the configuration that names it, and prove that a report sealed under it opens.

    Args:
        known: the vault's archive, lowest serial first.
        running: the configuration that the server has, with its signature, if somebody brought it along.
        keystore: holds the keys so far.
        root: signs.
        seed: of the new key, 32 bytes.
        day: first day of the new configuration.
        valid_days: days until it should be renewed.
        overlap_days: days in which the old key is sealed to as well; 0 after it was exposed.

    Raises:
        CeremonyError: a keystore does not belong to the configuration, or the test report does not come out.
        ConfigError: a value breaks a rule of the configuration.
    """
    last, newer = renewal.follow(known, running, keystore=keystore, root=root)
    numbers = [one.epoch for one in keystore.epochs] + [one.epoch for one in last.recipients]
    number = max(numbers) + 1
    public = xwing.key_pair(seed).public
    made = Epoch(epoch=number, seed=seed, state=EpochState.ACTIVE, fingerprint=fingerprint(public))
    until = day + timedelta(days=overlap_days)
    shortened = [replace(one, until=min(one.until, until)) for one in last.recipients]
    recipients = [one for one in shortened if one.until > day]
    recipients.append(
        Recipient(
            epoch=number,
            fingerprint=made.fingerprint,
            from_day=day,
            recipient=xwing.recipient_string(public),
            until=renewal.end_of(day, valid_days),
        )
    )
    signed = renewal.sign_next(last, last.content, recipients, root=root, day=day, valid_days=valid_days)
    ceremony.prove_sealing(signed.config, Identity(epoch=number, seed=seed), day)
    named = {recipient.fingerprint for config in (*known, last) for recipient in config.recipients}
    older = [replace(one, state=_older(one.state)) for one in keystore.epochs if one.fingerprint in named]
    return Rotation(
        keystore=replace(keystore, epochs=(*older, made)),
        epoch=made,
        renewal=Renewal(signed=signed, last=last, newer=newer, changed=()),
    )


def _older(state: EpochState) -> EpochState:
    return EpochState.OVERLAP if state is EpochState.ACTIVE else state
