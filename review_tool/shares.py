"""Paper shares: one 32-byte key as three lists of 33 words, any two of which give it back (SLIP-39).

One group, 2 of 3, and always the *empty* SLIP-39 passphrase: with that passphrase a wrong one silently yields
another key. For the same reason no function here combines shares without comparing the fingerprint of what comes
out. The reference implementation says that it is not hardened against side channels: accepted for a rare act on
an isolated machine. No message holds a word of a share.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hmac import compare_digest
from itertools import combinations
from typing import Final, cast

from shamir_mnemonic import MnemonicError, combine_mnemonics, generate_mnemonics, shamir
from shamir_mnemonic.share import Share as Slip39Share
from shamir_mnemonic.wordlist import WORDLIST

from review_tool.errors import ShareError
from review_tool.passphrase import Draw

THRESHOLD: Final = 2  # shares that give the key back
COUNT: Final = 3  # shares made, one for each advisor
SECRET_SIZE: Final = 32  # bytes
WORD_COUNT: Final = 33  # words of a share of 32 bytes
PREFIX: Final = 4  # letters; SLIP-39 chose its words so that four letters tell them apart
_NO_PASSPHRASE: Final = b""

Fingerprint = Callable[[bytes], str]  # seed -> the digits that are printed and compared


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Share:
    """One list of 33 words, checked: known words, a fitting checksum, and of a 2-of-3 set of ours."""

    words: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_share(self.text)

    def __repr__(self) -> str:
        return "Share(<33 words>)"

    @property
    def text(self) -> str:
        """The words with single spaces between them."""
        return " ".join(self.words)

    @property
    def number(self) -> int:
        """Number of this share in its set, 1 to 3."""
        return cast("int", Slip39Share.from_mnemonic(self.text).index) + 1


def _check_share(text: str) -> None:
    try:
        share = Slip39Share.from_mnemonic(text)
    except MnemonicError:
        # The library's message quotes the first words of the share.
        raise ShareError("these words are no share: one is missing, misread or in the wrong place") from None
    shape = (share.group_count, share.group_threshold, share.member_threshold, len(share.value))
    if shape != (1, 1, THRESHOLD, SECRET_SIZE) or share.index >= COUNT:
        raise ShareError(
            f"this share is of another kind: ours are {THRESHOLD} of {COUNT}, {WORD_COUNT} words each"
        )


def parse_share(typed: str) -> Share:
    """Read a share as a person types it: any case, any blanks, each word whole or by four letters or more.

    Raises:
        ShareError: the number of words is wrong, a word is unknown (named by its place), or it is no share of ours.
    """
    words = typed.split()
    if len(words) != WORD_COUNT:
        raise ShareError(f"a share has {WORD_COUNT} words, here are {len(words)}")
    return Share(words=tuple(whole_word(word, place) for place, word in enumerate(words, start=1)))


def whole_word(typed: str, place: int) -> str:
    """Complete one typed word from its first four letters or more.

    Raises:
        ShareError: no word of the list begins so; the message names the place, never the word.
    """
    low = typed.lower()
    if low in WORDLIST:
        return low
    matches = [word for word in WORDLIST if len(low) >= PREFIX and word.startswith(low)]
    if len(matches) != 1:
        raise ShareError(f"word {place} is not in the list of share words; look at the paper again")
    return cast("str", matches[0])


def split(secret: bytes, draw: Draw, fingerprint_of: Fingerprint) -> tuple[Share, Share, Share]:
    """Cut a 32-byte key into three shares and prove each pair before anyone writes a word down.

    Raises:
        ShareError: the key has another size, or a pair does not give it back.
    """
    if len(secret) != SECRET_SIZE:
        raise ShareError(f"only keys of {SECRET_SIZE} bytes are cut into shares")
    with _library_draws(draw):
        (texts,) = generate_mnemonics(1, [(THRESHOLD, COUNT)], secret, _NO_PASSPHRASE)
    first, second, third = (Share(words=tuple(text.split())) for text in texts)
    prove_pairs((first, second, third), fingerprint_of(secret), fingerprint_of)
    return first, second, third


@contextmanager
def _library_draws(draw: Draw) -> Iterator[None]:
    # `RANDOM_BYTES` is the library's published place for another source. Dice thrown at a ceremony must reach the
    # shares too: from a weak source one share alone would tell the key.
    before = shamir.RANDOM_BYTES
    shamir.RANDOM_BYTES = draw
    try:
        yield
    finally:
        shamir.RANDOM_BYTES = before


def combine(first: Share, second: Share, fingerprint: str, fingerprint_of: Fingerprint) -> bytes:
    """Give back the key of two shares, if it is the one whose fingerprint was printed.

    Raises:
        ShareError: the same share twice, shares of two sets, or of a key with another fingerprint.
    """
    if first.number == second.number:
        raise ShareError("the same share twice: two different ones are needed")
    try:
        secret = cast("bytes", combine_mnemonics([first.text, second.text], _NO_PASSPHRASE))
    except MnemonicError:
        raise ShareError(
            "these two shares do not belong together: an old one, or one of another key"
        ) from None
    if not compare_digest(fingerprint_of(secret), fingerprint):
        raise ShareError(
            "these shares give a key with another fingerprint: they are of an old or another key"
        )
    return secret


def prove_pairs(shares: Sequence[Share], fingerprint: str, fingerprint_of: Fingerprint) -> int:
    """Combine every pair of the three shares; count the pairs that were proved.

    Raises:
        ShareError: there are not three shares, or a pair does not give the key back.
    """
    if len(shares) != COUNT:
        raise ShareError(f"{COUNT} shares are needed to prove every pair")
    pairs = list(combinations(shares, THRESHOLD))
    for first, second in pairs:
        combine(first, second, fingerprint, fingerprint_of)
    return len(pairs)
