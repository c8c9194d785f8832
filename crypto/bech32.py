"""Bech32 (BIP 173) without its limit of 90 characters, for age recipients and identities.

Refuses what age refuses: mixed case, characters outside the alphabet, a wrong checksum, padding bits that are not
zero. It is not Bech32m and knows nothing of keys or of bitcoin addresses.
"""

from typing import Final

from crypto.errors import KeyStringError

ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
CHECKSUM_SIZE: Final = 6  # characters of five bits; BIP 173
CHECKSUM_CONSTANT: Final = 1  # Bech32; Bech32m has another one
GENERATORS: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)  # BIP 173 reference code


def encode(hrp: str, content: bytes) -> str:
    """Write bytes as lower-case Bech32 under a lower-case human-readable part."""
    digits = _to_digits(content)
    return f"{hrp}1" + "".join(ALPHABET[digit] for digit in [*digits, *_checksum(hrp, digits)])


def decode(hrp: str, text: str) -> bytes:
    """Read the bytes of a Bech32 string whose human-readable part must be `hrp`, given in lower case.

    Raises:
        KeyStringError: the string is not the one form that `encode` writes, in all lower or all upper case.
    """
    if not text.isascii():  # in lower case the Kelvin sign is a plain k: one key would have a second spelling
        raise KeyStringError("the key holds a character that no key has; copy it again")
    if text not in (text.lower(), text.upper()):
        raise KeyStringError("the key is written in mixed case; copy it again")
    head, separator, tail = text.lower().rpartition("1")  # the last 1: the part before it may hold one itself
    if not separator or head != hrp:
        raise KeyStringError(f"the key does not begin with {hrp}1; it is of another kind or not a key")
    digits = [ALPHABET.find(character) for character in tail]
    if len(digits) < CHECKSUM_SIZE or min(digits) < 0:
        raise KeyStringError("the key is cut or holds a character that no key has; copy it again")
    if _polymod([*_spread(hrp), *digits]) != CHECKSUM_CONSTANT:
        raise KeyStringError("the key has a typing error: its checksum is wrong; copy it again")
    return _from_digits(digits[:-CHECKSUM_SIZE])


def _checksum(hrp: str, digits: list[int]) -> list[int]:
    """Compute the six five-bit digits that make the string's remainder the constant."""
    remainder = _polymod([*_spread(hrp), *digits, *[0] * CHECKSUM_SIZE]) ^ CHECKSUM_CONSTANT
    return [remainder >> 5 * (CHECKSUM_SIZE - 1 - place) & 31 for place in range(CHECKSUM_SIZE)]


def _spread(hrp: str) -> list[int]:
    """Spread the human-readable part over two digits a character, so that the checksum covers it."""
    return [ord(character) >> 5 for character in hrp] + [0] + [ord(character) & 31 for character in hrp]


def _polymod(digits: list[int]) -> int:
    """Take the remainder of the digits, read as a polynomial, by the generator of BIP 173."""
    remainder = 1
    for digit in digits:
        top = remainder >> 25
        remainder = (remainder & 0x1FFFFFF) << 5 ^ digit
        for place, generator in enumerate(GENERATORS):
            if top >> place & 1:
                remainder ^= generator
    return remainder


def _to_digits(content: bytes) -> list[int]:
    """Cut bytes into five-bit digits, the last one filled with zero bits."""
    bits = 8 * len(content)
    count = -(-bits // 5)
    number = int.from_bytes(content, "big") << 5 * count - bits
    return [number >> 5 * (count - 1 - place) & 31 for place in range(count)]


def _from_digits(digits: list[int]) -> bytes:
    """Join five-bit digits to bytes; refuse a whole spare digit and spare bits that are not zero."""
    number = 0
    for digit in digits:
        number = number << 5 | digit
    spare = 5 * len(digits) % 8
    if spare >= 5 or number & (1 << spare) - 1:
        raise KeyStringError("the key is not written in its one form: its last bits are not zero")
    return (number >> spare).to_bytes(5 * len(digits) // 8, "big")
