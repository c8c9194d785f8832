"""Key pairs and recipients: the worked example, and every way a recipient can be wrong."""

import hashlib

import pytest

from crypto import bech32, xwing
from crypto.errors import KeyStringError
from crypto.fingerprint import fingerprint

SEED = b"\x01" * 32
LOW_ORDER_POINTS = (bytes(32), b"\x01" + bytes(31))  # RFC 7748 §6.1: their shared secret is zero


def test_seed_gives_the_keys_of_the_worked_example() -> None:
    """The numbers of FORMAT.md were computed by three implementations; ours must not drift from them."""
    pair = xwing.key_pair(SEED)
    recipient = xwing.recipient_string(pair.public)

    assert hashlib.sha256(pair.public).hexdigest() == (
        "f37b99b2db732a7df55f61fa442606133b1aeea462df9f8225fb5c82674523db"
    )
    assert len(recipient) == 1959
    assert hashlib.sha256(recipient.encode()).hexdigest() == (
        "789db149ab94ab097af6ed9c8a64b0f678a2d5e90f4ce09b4b2cad4b26b3ba4a"
    )
    assert fingerprint(pair.public) == "33922 95390 24998 22373 54027 63505 83480 18197"


def test_recipient_is_read_back() -> None:
    """The ceremony writes it, the server reads it."""
    public = xwing.key_pair(SEED).public

    assert xwing.parse_recipient(xwing.recipient_string(public)) == public


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_seed_of_another_length_is_refused(size: int) -> None:
    """A cut seed must not silently become another key."""
    with pytest.raises(KeyStringError, match="32 bytes"):
        xwing.key_pair(bytes(size))


@pytest.mark.parametrize("size", [0, 32, 1184, 1215, 1217])
def test_recipient_of_another_length_is_refused(size: int) -> None:
    """A recipient of another kind must not be taken for ours."""
    with pytest.raises(KeyStringError, match="1216 bytes"):
        xwing.parse_recipient(bech32.encode("age1pq", bytes(size)))


@pytest.mark.parametrize("point", LOW_ORDER_POINTS)
def test_recipient_of_low_order_is_refused_when_read(point: bytes) -> None:
    """The library would notice only when a report is sealed, and the reporter would see the error."""
    public = xwing.key_pair(SEED).public[: xwing.MLKEM_PUBLIC_SIZE] + point

    with pytest.raises(KeyStringError, match="no usable key"):
        xwing.parse_recipient(xwing.recipient_string(public))


def test_recipient_outside_the_modulus_is_refused_when_read() -> None:
    """FIPS 203 §7.2: coefficients of the public key are below 3329."""
    public = b"\xff" * xwing.MLKEM_PUBLIC_SIZE + xwing.key_pair(SEED).public[xwing.MLKEM_PUBLIC_SIZE :]

    with pytest.raises(KeyStringError, match="no usable key"):
        xwing.parse_recipient(xwing.recipient_string(public))


def test_upper_case_recipient_is_refused() -> None:
    """One key has one string: configurations are compared by it."""
    with pytest.raises(KeyStringError):
        xwing.parse_recipient(xwing.recipient_string(xwing.key_pair(SEED).public).upper())


def test_identity_is_no_recipient() -> None:
    """Somebody pastes the secret into the server's file: it must not be read there at all."""
    with pytest.raises(KeyStringError):
        xwing.parse_recipient(bech32.encode("age-secret-key-pq-", SEED))


def test_key_pair_shows_no_secret() -> None:
    """A key in a traceback or a log would be a key lost."""
    shown = repr(xwing.key_pair(SEED))

    assert SEED.hex() not in shown
    assert repr(SEED) not in shown


def test_fingerprint_keeps_leading_zeros() -> None:
    """Forty digits always, or people would compare strings of different length."""
    shown = [fingerprint(bytes([number]) * 32) for number in range(64)]

    assert {len(one) for one in shown} == {47}
    assert any(one.startswith("0") for one in shown)
