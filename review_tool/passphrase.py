"""The passphrase that opens a keystore: six generated words, or a long one of a Center's own.

Words come from the EFF long list (`wordlist/PROVENANCE.md`). Chance is an argument. No message ever holds a
passphrase or a part of one, and nothing here tells how a passphrase failed to open a keystore.
"""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Final, TypeAlias

from review_tool.errors import PassphraseError

Draw: TypeAlias = Callable[
    [int], bytes
]  # so many random bytes; the rim hands in the operating system's source

WORDS: Final = 6  # words; 6 x log2(7776) = 77 bits, out of reach at a second a guess
OWN_MINIMUM: Final = 20  # characters of a passphrase that people made up; generated ones may be shorter
LONGEST: Final = 1024  # characters; anything longer is the wrong file
_LIST: Final = "wordlist/eff_large_wordlist.txt"
_LIST_LENGTH: Final = 7776  # words; five dice
_MASK: Final = 0x1FFF  # 13 bits, the least that hold 7776


def word_list() -> tuple[str, ...]:
    """Read the 7,776 words of the EFF long list, in the order of the dice."""
    text = files("review_tool").joinpath(_LIST).read_text(encoding="ascii")
    return tuple(line.split("\t")[1] for line in text.splitlines())


def generate(draw: Draw) -> str:
    """Draw six words, each of the 7,776 equally likely, joined by single spaces."""
    words = word_list()
    return " ".join(words[_uniform(draw)] for _ in range(WORDS))


def _uniform(draw: Draw) -> int:
    # A remainder would favour the first words of the list; drawing again favours none.
    while True:
        index = int.from_bytes(draw(2), "big") & _MASK
        if index < _LIST_LENGTH:
            return index


def tidy(typed: str) -> str:
    """Take away the blanks around and doubled between words, which people type without seeing them."""
    return " ".join(typed.split())


def require_plain(passphrase: str) -> None:
    """Check that no blank stands where a person would not see it: it would lock the Center out.

    Raises:
        PassphraseError: a blank at an end, two together, or a tab.
    """
    if passphrase != tidy(passphrase):
        raise PassphraseError("the passphrase has a blank at an end or two together; single blanks only")


def require_strong(passphrase: str) -> None:
    """Check that a passphrase may protect a keystore.

    Six words of the list are enough; anything else needs 20 characters.

    Raises:
        PassphraseError: it is too short. The message says nothing about it but that.
    """
    words = passphrase.split(" ")
    from_list = set(words) <= set(word_list())
    if from_list and len(words) >= WORDS:
        return
    if from_list or len(passphrase) < OWN_MINIMUM:  # a few words of a known list are soon tried, however long
        raise PassphraseError(
            f"the passphrase is too weak: take {WORDS} generated words, or at least {OWN_MINIMUM} characters of your own"
        )


def read_passphrase_file(path: Path) -> str:
    """Read the passphrase that stands on the only line of a file.

    Raises:
        PassphraseError: the file is missing, is no UTF-8 text, does not hold exactly one line, or has blanks that
            nobody sees.
    """
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(LONGEST + 1)
    except OSError as error:
        raise PassphraseError(
            f"the passphrase file cannot be read: {error.strerror}; check --passphrase-file"
        ) from None
    except UnicodeDecodeError:
        raise PassphraseError("the passphrase file is not UTF-8 text; check --passphrase-file") from None
    passphrase = text.removesuffix("\n").removesuffix("\r")
    if not passphrase or len(text) > LONGEST or len(passphrase.splitlines()) != 1:
        raise PassphraseError("the passphrase file must hold one line with the passphrase and nothing else")
    require_plain(passphrase)
    return passphrase
