"""Everything that can go wrong on the internet side, as one tree of exceptions.

A message is for the operator: what is wrong and what to do next. It holds no answer, address or key. Each class
carries the exit code that `intake` ends with; codes 40 to 59 belong to this package, 10 to 39 to `crypto`.
"""

from typing import ClassVar


class IntakeError(Exception):
    """Anything wrong on the internet side; never raised itself."""

    exit_code: ClassVar[int] = 40


class SettingError(IntakeError):
    """A setting of the config file is missing, unknown or out of range."""

    exit_code = 41


class ConfigFileError(IntakeError):
    """The config file cannot be read or is no TOML."""

    exit_code = 42


class PublicConfigError(IntakeError):
    """The signed public config or the pinned root key is missing or unreadable."""

    exit_code = 43


class SecretOnServerError(IntakeError):
    """A file beside the config or in the data directory holds a secret key."""

    exit_code = 44


class NotInitialisedError(IntakeError):
    """The data directory or the export key is not there yet."""

    exit_code = 45


class AlreadyInitialisedError(IntakeError):
    """There is a store already; making a new one would drop its reports."""

    exit_code = 46


class StoreError(IntakeError):
    """The store did not do what was asked; nothing of it was kept. Never raised itself."""

    exit_code = 47


class StoreBusyError(StoreError):
    """Another process held the store for longer than the deadline."""

    exit_code = 48


class StoreFullError(StoreError):
    """The disk took no more bytes: full, over a quota, read-only or failing."""

    exit_code = 49


class StoreMissingError(StoreError):
    """There is no store file, or it cannot be opened."""

    exit_code = 54


class StoreDamageError(StoreError):
    """The store file is not what this software wrote."""

    exit_code = 50


class ExportError(IntakeError):
    """A bundle could not be written; the reports are still in the store."""

    exit_code = 51


class AcknowledgementError(IntakeError):
    """An acknowledgement file cannot be read as one; nothing was changed."""

    exit_code = 52


class DraftTextError(IntakeError):
    """A production start while texts of the config are still drafts."""

    exit_code = 53


class CatalogueError(IntakeError):
    """A catalogue of translations, or the table of their states, is damaged."""

    exit_code = 55


class FaultsFoundError(IntakeError):
    """`doctor` found something to mend on this machine."""

    exit_code = 59
