"""Everything that can be wrong with what crosses the air gap, as one tree of exceptions.

Classes without arguments have one message each, whichever check refused: a message must not tell a forger
which step failed, and must never quote report content, a key or an attachment's name. Every class carries the
exit code that the command lines of both machines end with; codes 10 to 39 belong to this package.
"""

from typing import ClassVar


class FormatError(Exception):
    """Anything wrong with bytes or values of the common formats; never raised itself."""

    exit_code: ClassVar[int] = 10


class CanonicalError(FormatError):
    """A value has no canonical JSON, or bytes are not the canonical JSON of any value."""

    exit_code = 11


class KeyStringError(FormatError):
    """A recipient, identity or public key is written wrongly or is no key at all."""

    exit_code = 12


class EnvelopeError(FormatError):
    """An envelope does not open; never raised itself."""

    exit_code = 13


class HeaderError(EnvelopeError):
    """The bytes are no age v1 file, or the header of one is cut or malformed."""

    exit_code = 14

    def __init__(self) -> None:
        super().__init__("not an age v1 file, or its header is damaged")


class NoMatchError(EnvelopeError):
    """No key at hand opens any stanza.

    Attributes:
        epochs: the key epochs that were tried. Stanzas carry no key id, so the needed one cannot be named.
    """

    exit_code = 15

    def __init__(self, epochs: tuple[int, ...] = ()) -> None:
        tried = ", ".join(str(epoch) for epoch in epochs) or "none by number"
        super().__init__(f"no key opens this envelope (epochs tried: {tried}); add the key and try again")
        self.epochs = epochs


class HeaderMacError(EnvelopeError):
    """A stanza was opened, but the header was changed after it was written."""

    exit_code = 16

    def __init__(self) -> None:
        super().__init__("the header of this envelope was changed after sealing")


class StreamError(EnvelopeError):
    """The sealed content was changed, cut or continued.

    Attributes:
        chunk: index of the first chunk that did not open; chunks before it were authentic.
    """

    exit_code = 17

    def __init__(self, chunk: int) -> None:
        super().__init__(f"the content of this envelope was changed or cut (chunk {chunk})")
        self.chunk = chunk


class PayloadError(FormatError):
    """An envelope opened, but what is inside cannot be used as it stands; never raised itself."""

    exit_code = 18


class PayloadVersionError(PayloadError):
    """The payload has our magic, but a version or type that this software does not know."""

    exit_code = 19

    def __init__(self) -> None:
        super().__init__("the payload is of a newer format; update the software and try again")


class PayloadFormatError(PayloadError):
    """The payload breaks the format.

    Attributes:
        is_ours: False if not even our magic is there (somebody sealed another file with stock age).
    """

    exit_code = 20

    def __init__(self, *, is_ours: bool = True) -> None:
        super().__init__(
            "the payload is malformed" if is_ours else "the sealed content is not a payload of ours"
        )
        self.is_ours = is_ours


class ContextError(PayloadError):
    """The payload names a signed configuration that is not in the archive."""

    exit_code = 21

    def __init__(self) -> None:
        super().__init__(
            "sealed under a configuration that is not in the archive; the report itself is complete"
        )


class KeystoreError(FormatError):
    """A keystore does not open: wrong passphrase and damage look the same on purpose."""

    exit_code = 22

    def __init__(self) -> None:
        super().__init__("the keystore does not open: wrong passphrase, or the file is damaged")


class SignatureError(FormatError):
    """A signature is missing its form, belongs to another key, or does not fit the bytes.

    Attributes:
        file: what was signed; "" where only bytes were at hand.
    """

    exit_code = 23

    def __init__(self, file: str = "", remedy: str = "") -> None:
        refused = "the signature does not fit these bytes and this key"
        super().__init__(f"{file}: {refused}; {remedy}" if file else refused)
        self.file = file


class ConfigError(FormatError):
    """A public configuration is unusable; the message says why and what to do."""

    exit_code = 24


class NoRecipientError(ConfigError):
    """No recipient is active on the day in question: nothing can be sealed."""

    exit_code = 25


class ExpiredError(ConfigError):
    """The configuration is past its hard expiry."""

    exit_code = 26


class NotYetValidError(ConfigError):
    """The configuration begins on a later day."""

    exit_code = 27


class ForeignConfigError(ConfigError):
    """The configuration is of another Center or another root."""

    exit_code = 28


class StaleConfigError(ConfigError):
    """A configuration with a higher serial was seen before."""

    exit_code = 29


class SoftwareTooOldError(ConfigError):
    """The configuration asks for newer software, or for a form this software does not have."""

    exit_code = 30


class BundleError(FormatError):
    """A manifest or acknowledgement verified, but is of another Center or breaks the format."""

    exit_code = 31


class ReportError(FormatError):
    """A report cannot be accepted as told; never raised itself."""

    exit_code = 32


class NothingToldError(ReportError):
    """Neither a narrative nor a kind of incident was given."""

    exit_code = 33

    def __init__(self) -> None:
        super().__init__("tell what happened, or tick at least one kind of incident")


class TextTooLongError(ReportError):
    """A text is longer than its field allows.

    Attributes:
        field: name of the field.
        limit: characters allowed.
        length: characters given.
    """

    exit_code = 34

    def __init__(self, field: str, limit: int, length: int) -> None:
        super().__init__(f"{field} has {length} characters, {limit} are allowed")
        self.field = field
        self.limit = limit
        self.length = length
