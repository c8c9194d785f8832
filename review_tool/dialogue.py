"""The ceremony's talk with people at a terminal: one secret at a time on the screen, cleared, typed back.

Nothing here makes a key or decides what is written. A secret stands on the screen only between two clearings, is
never printed beside another one, and never goes into an error. Typing "?" shows a share again.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import click

from review_tool import passphrase as passphrases
from review_tool.errors import PassphraseError, ShareError
from review_tool.shares import WORD_COUNT, Share, parse_share, whole_word
from review_tool.terminal import counted

ROW: Final = (
    3  # words in a row of the sheet and in a typed line: what an eye keeps between paper and keyboard
)
AGAIN: Final = "?"
# Home, clear the screen, clear the scrollback (xterm's E3, which a plain clear leaves readable).
_CLEAR: Final = "\033[H\033[2J\033[3J"
_COLUMN: Final = 14  # characters; the longest share word has 8


def clear_screen() -> None:
    """Wipe screen and scrollback; a multiplexer's own history is out of reach, so use none at a ceremony."""
    click.echo(_CLEAR, nl=False)


@contextmanager
def private_screen() -> Iterator[None]:
    """Clear before and after what must be seen by one person only, also when it is broken off."""
    clear_screen()
    try:
        yield
    finally:
        clear_screen()


def wait_for_enter(sentence: str) -> None:
    """Go on when somebody presses Enter."""
    click.prompt(f"{sentence} Then press Enter", default="", show_default=False, prompt_suffix=" ")


def ask_dice() -> str:
    """Ask for dice rolls, digits 1 to 6 in any grouping; blanks are taken out."""
    click.echo("Throw a die many times (99 throws make a key by themselves) and type what falls, 1 to 6.")
    while True:
        rolls = "".join(click.prompt("Rolls", prompt_suffix=": ").split())
        if set(rolls) <= set("123456"):
            return rolls
        click.echo("Only the digits 1 to 6, please.")


def hand_out(sets: Sequence[tuple[str, Sequence[Share]]]) -> dict[str, tuple[Share, ...]]:
    """Show every share to its advisor and take it back from the paper.

    Each advisor gets one share of every key before the next advisor comes.

    Args:
        sets: name of a key, and its shares in order.

    Returns:
        The shares as typed, by the name of the key.
    """
    typed: dict[str, list[Share]] = {name: [] for name, _ in sets}
    for number in range(len(sets[0][1])):
        for name, made in sets:
            title = f"{name}, share {number + 1} of {len(made)}"
            wait_for_enter(f"Only advisor {number + 1} looks at the screen now: {title}.")
            with private_screen():
                _show(made[number], title)
                typed[name].append(_typed_back(made[number], title))
            click.echo(f"{title}: typed back correctly.")
    return {name: tuple(shares) for name, shares in typed.items()}


def _show(share: Share, title: str) -> None:
    click.echo(
        f"{title}\nWrite these {WORD_COUNT} words on paper, by hand, with their numbers. No photograph.\n"
    )
    for start in range(0, WORD_COUNT, ROW):
        row = enumerate(share.words[start : start + ROW], start=start + 1)
        click.echo("".join(f"{place:>4} {word:<{_COLUMN}}" for place, word in row).rstrip())
    click.echo("")
    wait_for_enter("Written and read over?")
    clear_screen()


def _typed_back(share: Share, title: str) -> Share:
    click.echo(
        f"{title}\nType the words from your paper, {ROW} in a line; four letters of a word are enough."
    )
    click.echo(f'Type "{AGAIN}" to see the words once more.\n')
    words: list[str] = []
    while len(words) < WORD_COUNT:
        line = _ask_row(len(words))
        if line.strip() == AGAIN:
            clear_screen()
            _show(share, title)
            continue
        try:
            words += _row_as_shown(line.split(), share, first=len(words))
        except ShareError as error:
            click.echo(f"{error}.")
    return Share(words=tuple(words))


def _ask_row(done: int) -> str:
    label = f"{done + 1:>4} to {min(done + ROW, WORD_COUNT)}"
    answer: str = click.prompt(label, default="", show_default=False, prompt_suffix=": ")
    return answer


def _row_as_shown(typed: Sequence[str], share: Share, *, first: int) -> list[str]:
    """Complete a typed row and hold it against what was shown.

    Raises:
        ShareError: the first place that differs, by its number; never what should stand there.
    """
    wanted = share.words[first : first + ROW]
    if len(typed) != len(wanted):
        raise ShareError(f"typed: {counted(len(typed), 'word')}; needed: {len(wanted)}")
    words = [whole_word(word, place) for place, word in enumerate(typed, start=first + 1)]
    for place, (word, expected) in enumerate(zip(words, wanted, strict=True), start=first + 1):
        if word != expected:
            raise ShareError(f"word {place} is not the one that was shown; correct the paper too")
    return words


def ask_share(title: str) -> Share:
    """Take a share from paper, for a recovery; asks again until it is one.

    The words stay on the screen while they are typed, and are cleared at the end.
    """
    wait_for_enter(f"Only its advisor looks at the screen now: {title}.")
    while True:
        with private_screen():
            click.echo(
                f"{title}\nType the {WORD_COUNT} words, {ROW} in a line; four letters of a word are enough.\n"
            )
            lines = [_ask_row(done) for done in range(0, WORD_COUNT, ROW)]
        try:
            return parse_share(" ".join(lines))
        except ShareError as error:
            click.echo(f"{error}. Once more, please.")


def confirm_generated(generated: str) -> str:
    """Show a generated passphrase, then have it typed twice from the paper."""
    wait_for_enter("The passphrase comes next. Only those who will open the vault look at the screen.")
    while True:
        with private_screen():
            click.echo(
                f"The passphrase. Write it down, learn it, then destroy the paper:\n\n    {generated}\n"
            )
            wait_for_enter("Written?")
            clear_screen()
            typed = [passphrases.tidy(click.prompt(f"Type it, {turn} time")) for turn in ("first", "second")]
        if typed == [generated, generated]:
            click.echo("Passphrase: typed back correctly, twice.")
            return generated
        click.echo("That was not the same. You see it once more.")


def ask_own() -> str:
    """Ask for a passphrase of the Center's own, hidden and twice."""
    while True:
        typed: str = click.prompt("Your own passphrase", hide_input=True)
        try:
            passphrases.require_plain(typed)
            passphrases.require_strong(typed)
        except PassphraseError as error:
            click.echo(f"{error}.")
            continue
        if click.prompt("The same again", hide_input=True) == typed:
            return typed
        click.echo("The two were not the same.")
