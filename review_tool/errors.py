"""Everything the review machine refuses, as one tree of exceptions, and every exit code of `review-tool`.

A message says what is wrong and what to do next; none quotes a report, a code of an answer, a key or a file's
content. Codes 10 to 39 belong to `crypto.errors`, 40 to 79 are here; 0 is success, 1 an unexpected failure,
2 a wrong command line.
"""

from typing import ClassVar


class ReviewError(Exception):
    """Anything the review machine refuses; never raised itself."""

    exit_code: ClassVar[int] = 40


class CeremonyError(ReviewError):
    """The key ceremony cannot go on; nothing it made may be used."""

    exit_code = 41


class ShareError(ReviewError):
    """Shares of a key are too few, mixed, mistyped, or give another key."""

    exit_code = 42


class PassphraseError(ReviewError):
    """A new passphrase is too weak, or was not typed the same way twice."""

    exit_code = 43


class VaultError(ReviewError):
    """The vault is missing, half-written or damaged."""

    exit_code = 44


class WrongKeyError(VaultError):
    """The vault does not open: another key and a damaged first page look the same."""

    exit_code = 45

    def __init__(self) -> None:
        super().__init__(
            "the vault does not open with this keystore: it belongs to another vault, or is damaged, or the keystore is a copy "
            "from before the last shredding; try the vault's own keystore, newest copy, and if that is the one, restore a backup with `review-tool restore`"
        )


class VaultVersionError(VaultError):
    """The vault was written by software with another schema.

    Attributes:
        found: the schema version of the file.
        known: the schema version of this software.
    """

    exit_code = 46

    def __init__(self, found: int, known: int) -> None:
        super().__init__(
            f"the vault has schema {found}, this software knows {known}; use the version that fits"
        )
        self.found = found
        self.known = known


class VaultBusyError(VaultError):
    """Another process is writing to the vault."""

    exit_code = 47

    def __init__(self) -> None:
        super().__init__("another review-tool is writing to this vault; wait for it, then try again")


class VaultFullError(VaultError):
    """The disk of the vault is full or cannot be written; nothing of the last act was kept."""

    exit_code = 48

    def __init__(self) -> None:
        super().__init__("the vault cannot be written (disk full or read-only); nothing of this act was kept")


class DamagedVaultError(VaultError):
    """Pages of the vault are not as they were written: its disk is failing, or somebody changed the file."""

    exit_code = 49

    def __init__(self, last_backup: str = "") -> None:
        which = (
            f"the newest backup (by its log that of {last_backup})" if last_backup else "the newest backup"
        )
        super().__init__(
            "the vault is damaged, and its disk may be failing: write nothing more into it. Restore "
            f"{which} into an empty folder on a good disk with `review-tool --vault FOLDER restore BACKUP`, then "
            "receive again what came after it; if this vault was restored by hand, that backup is damaged: take another"
        )


class ReceiveError(ReviewError):
    """A bundle cannot be read at all; nothing was taken from it."""

    exit_code = 50


class PairingError(ReviewError):
    """No server is paired with this vault, or its export key is unusable."""

    exit_code = 51


class DoubtError(ReviewError):
    """A bundle was received, but something about it needs a person's eyes; what could be kept is kept."""

    exit_code = 52


class BackupError(ReviewError):
    """A backup could not be written, or did not hold what it must when it was opened again."""

    exit_code = 53


class NoBackupError(BackupError):
    """No acknowledgement without a backup on another medium: the server would forget the only other copy."""

    exit_code = 54


class DamagedBackupError(BackupError):
    """A backup is missing or damaged, or belongs to another vault; nothing was restored from it."""

    exit_code = 65

    def __init__(self, path: str, why: str) -> None:
        super().__init__(
            f"the backup {path} {why}; nothing was restored. Try it from another medium, or take an older backup"
        )


class UnknownCaseError(ReviewError):
    """No case has this id."""

    exit_code = 55


class TransitionError(ReviewError):
    """A case cannot go from the state it is in to the one asked for."""

    exit_code = 56


class CodingError(ReviewError):
    """A coding is incomplete, contradicts itself or uses a code that is not in the codebook."""

    exit_code = 57


class NotCountableError(ReviewError):
    """A case may not enter any number: no consent, not closed, a duplicate, spam or a test."""

    exit_code = 58


class ContactError(ReviewError):
    """A contact block is not there, or was asked for without a reason."""

    exit_code = 59


class ReleaseRefusedError(ReviewError):
    """A release was refused; no file was written."""

    exit_code = 60


class ReleaseWriteError(ReviewError):
    """A release is in the ledger, but its directory could not be written; run the command again."""

    exit_code = 61


class ReleaseFilesError(ReviewError):
    """A release folder is not what the Center signed: a file was changed, left out or added."""

    exit_code = 66


class AuditError(ReviewError):
    """The audit chain does not verify: an entry was changed, dropped or reordered.

    Attributes:
        entry: number of the first entry that does not fit.
    """

    exit_code = 62

    def __init__(self, entry: int) -> None:
        super().__init__(f"the audit chain breaks at entry {entry}; compare the last head in the paper log")
        self.entry = entry


class PaperLogError(ReviewError):
    """A head from the paper log was never a head of this log: it was cut or rewritten, or another vault is open."""

    exit_code = 70

    def __init__(self) -> None:
        super().__init__(
            "no head of this log has these digits. Compare them again; if they are right, entries were cut off or "
            "rewritten after they were copied, or this vault was restored from an older backup"
        )


class ArchiveError(ReviewError):
    """An archive cannot be written, or a volume of one is missing, damaged or not of this Center."""

    exit_code = 71


class KeyInUseError(ReviewError):
    """A key cannot be destroyed: the server seals to it, reports of it may be on their way, or something opens with nothing else."""

    exit_code = 72


class FileFormatError(ReviewError):
    """A file given on the command line cannot be read as what it should be."""

    exit_code = 63


class MemoryShortError(ReviewError):
    """The machine has too little free memory to try a passphrase; nothing was changed."""

    exit_code = 67

    def __init__(self) -> None:
        super().__init__(
            "too little free memory: trying a passphrase takes as much as the ceremony chose, 1 GiB by default. Close "
            "other programs or restart the machine, and run the command again (a ceremony may choose `--cost floor`, "
            "256 MiB); nothing was changed"
        )


class SecretFileError(ReviewError):
    """A file with a secret cannot be written there: something is in the way, or the place would keep it."""

    exit_code = 64
