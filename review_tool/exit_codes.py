"""The exit codes of `review-tool` in words: of all commands together, and of each in its own `--help`.

Numbers and sentences stand once, on the error classes. A command names the classes that it can end with; the tests
hold every refusal they see to what its command's help says.
"""

from collections.abc import Collection
from typing import Any, Final, TypeAlias

import click

from crypto import errors as formats
from crypto.errors import FormatError
from review_tool import errors
from review_tool.errors import ReviewError

Refusal: TypeAlias = type[ReviewError | FormatError]

ALWAYS: Final = {
    0: "Done.",
    1: "Something unexpected, or a no to a question; the message names the place.",
    2: "The command line is wrong.",
}
# What opening a keystore can end with, and what opening the vault can.
KEYSTORE: Final[tuple[Refusal, ...]] = (
    formats.KeystoreError,
    errors.FileFormatError,
    errors.MemoryShortError,
)
VAULT: Final[tuple[Refusal, ...]] = (
    *KEYSTORE,
    errors.VaultError,
    errors.WrongKeyError,
    errors.VaultVersionError,
    errors.VaultBusyError,
    errors.VaultFullError,
    errors.DamagedVaultError,
)
# What reading or signing a configuration can.
CONFIG: Final[tuple[Refusal, ...]] = (
    formats.SignatureError,
    formats.ConfigError,
    formats.NoRecipientError,
    formats.ForeignConfigError,
)
# What opening an envelope can, where the command goes on with nothing else.
ENVELOPE: Final[tuple[Refusal, ...]] = (
    formats.HeaderError,
    formats.NoMatchError,
    formats.HeaderMacError,
    formats.StreamError,
    formats.PayloadVersionError,
    formats.PayloadFormatError,
)


def every_refusal() -> list[Refusal]:
    """Every class that a command can end with."""
    found: list[Refusal] = []
    waiting: list[Refusal] = [ReviewError, FormatError]
    while waiting:
        kind = waiting.pop()
        waiting.extend(kind.__subclasses__())
        if kind not in (ReviewError, FormatError) and "never raised itself" not in (kind.__doc__ or ""):
            found.append(kind)
    return found


def explained(refusals: Collection[Refusal]) -> str:
    """List exit codes with their sentences, as the end of a help text."""
    codes = {kind.exit_code: (kind.__doc__ or "").partition("\n")[0] for kind in refusals}
    lines = "\n".join(f"  {code:>2}  {sentence}" for code, sentence in sorted((ALWAYS | codes).items()))
    return f"\b\nExit codes:\n{lines}"


class ReviewCommand(click.Command):
    """A command whose help ends with the codes that it can end with."""

    def __init__(self, *words: Any, refuses: Collection[Refusal], **options: Any) -> None:  # noqa: ANN401 - click's own
        super().__init__(*words, **{**options, "epilog": explained(refuses)})
