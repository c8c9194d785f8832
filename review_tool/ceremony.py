"""The key ceremony: make a Center's keys, prove that they work, write what each machine gets (docs/reviewing.md).

    R root signing key     A acknowledgement signing key     D reading key of an epoch     S vault key

It runs once for a Center, and once more for a recovery, when R and D come back from paper. Chance, day and places are
arguments; the talk with people is `dialogue`, the order of the acts is `sitting`. No secret goes into a
transcript, a message or a file of the public directory. Keys cannot be wiped from memory: the process must end.
"""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import shake_256
from pathlib import Path
from typing import Final

from crypto import config as configs
from crypto import signing, xwing
from crypto.config import PublicConfig, Recipient
from crypto.content import CenterContent
from crypto.fingerprint import fingerprint
from crypto.keystore import (
    Cost,
    Epoch,
    EpochState,
    Keystore,
    RootKeystore,
    read_keystore,
    read_root_keystore,
    write_keystore,
)
from crypto.report import Report, header_fields
from crypto.seal import seal
from crypto.unseal import Identity, require_context, unseal
from review_tool import secret_files, signed_config
from review_tool.errors import CeremonyError, MemoryShortError
from review_tool.passphrase import Draw
from review_tool.shares import COUNT
from review_tool.signed_config import SignedConfig

SEED_SIZE: Final = 32  # bytes of each of the four keys
FIRST_EPOCH: Final = 1
FIRST_SERIAL: Final = 1
TRANSCRIPT_NAME: Final = "transcript.txt"
TEST_WORDS: Final = "This is the test report of the key ceremony. Nobody told it."
READING_KEY: Final = "reading key"  # what people call D
ROOT_KEY: Final = "root key"  # what people call R
_PROBE: Final = 32  # bytes drawn twice: a source that repeats itself is broken


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CenterKeys:
    """The four secrets of a Center, 32 bytes each."""

    root_seed: bytes
    ack_seed: bytes
    reading_seed: bytes
    vault_key: bytes

    def __repr__(self) -> str:
        return "CenterKeys(redacted)"

    @property
    def root_public(self) -> bytes:
        """Public half of R, 32 bytes."""
        return signing.public_of(self.root_seed)

    @property
    def ack_public(self) -> bytes:
        """Public half of A, 32 bytes."""
        return signing.public_of(self.ack_seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where a ceremony writes; nothing may be there before.

    Attributes:
        keystore: A, D and S; belongs on a stick of its own.
        root_keystore: R; taken out only to sign a configuration.
        public: directory that is carried to the server; holds no secret.
        vault: file of the vault.
        shares: directory for share files, only where nobody sits at the terminal.
    """

    keystore: Path
    root_keystore: Path
    public: Path
    vault: Path
    shares: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that a ceremony makes."""
        made = (
            configs.CONFIG_NAME,
            configs.MINISIG_NAME,
            configs.SIG_NAME,
            configs.ROOT_NAME,
            signed_config.RELEASE_KEY_NAME,
            TRANSCRIPT_NAME,
        )
        shares = () if self.shares is None else tuple(self.shares / name for name in _SHARE_FILES)
        public = tuple(self.public / name for name in made)
        return (self.keystore, self.root_keystore, self.vault, *public, *shares)


def share_file(name: str, number: int) -> str:
    """Name the file of one share, numbered from 1, of a key: `reading-key-share-1.txt`."""
    return f"{name.replace(' ', '-')}-share-{number}.txt"


_SHARE_FILES: Final = tuple(
    share_file(name, number) for name in (READING_KEY, ROOT_KEY) for number in range(1, COUNT + 1)
)


def check_source(draw: Draw) -> None:
    """Refuse a source of chance that is plainly broken; a subtly broken one cannot be told by looking.

    Raises:
        CeremonyError: it repeats itself or gives one byte only.
    """
    first, second = draw(_PROBE), draw(_PROBE)
    if first == second or len(set(first)) == 1 or len(first) != _PROBE:
        raise CeremonyError("the random source of this machine repeats itself; use another machine")


def with_dice(draw: Draw, rolls: str) -> Draw:
    """Mix dice into a source: each output is the source's own, XOR a stream made of rolls and source.

    Never weaker than the source alone; with 99 rolls (255 bits) strong even if the source is known.
    """
    key = shake_256(draw(SEED_SIZE) + rolls.encode("ascii")).digest(SEED_SIZE)
    position = 0

    def mixed(size: int) -> bytes:
        nonlocal position
        stream = shake_256(key + position.to_bytes(8, "big")).digest(size)
        position += 1
        return bytes(one ^ other for one, other in zip(draw(size), stream, strict=True))

    return mixed


def make_keys(draw: Draw) -> CenterKeys:
    """Make R, A, D and S."""
    return CenterKeys(
        root_seed=draw(SEED_SIZE),
        ack_seed=draw(SEED_SIZE),
        reading_seed=draw(SEED_SIZE),
        vault_key=draw(SEED_SIZE),
    )


def recovered_keys(*, root_seed: bytes, reading_seed: bytes, draw: Draw) -> CenterKeys:
    """Take R and D as they came from paper; A and S are on no paper and are made anew."""
    return CenterKeys(
        root_seed=root_seed, reading_seed=reading_seed, ack_seed=draw(SEED_SIZE), vault_key=draw(SEED_SIZE)
    )


def reading_fingerprint(seed: bytes) -> str:
    """Fingerprint of the reading key that follows from a seed."""
    return fingerprint(xwing.key_pair(seed).public)


def signing_fingerprint(seed: bytes) -> str:
    """Fingerprint of the signing key that follows from a seed."""
    return fingerprint(signing.public_of(seed))


@contextmanager
def all_or_nothing(places: Places) -> Iterator[None]:
    """Begin with every place free; if the ceremony breaks off, take away what it wrote.

    Raises:
        CeremonyError: a file is there already (a ceremony never writes over a key), or could not be taken away.
    """
    for path in places.files:
        if path.exists() or path.is_symlink():
            raise CeremonyError(
                f"{path} exists; a ceremony writes over nothing: choose empty places, or move it away"
            )
    finished = False
    try:
        yield
        finished = True
    finally:
        if not finished:
            _take_back(places.files)


def _take_back(files: Sequence[Path]) -> None:
    """Delete what a broken ceremony wrote; what cannot be deleted is named, for it may hold a key."""
    left = []
    # People press Ctrl-C twice; no key may stay behind for that.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for path in files:
            try:
                path.unlink()
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError:
                left.append(str(path))
    finally:
        signal.signal(signal.SIGINT, before)
    if left:
        raise CeremonyError(
            f"the ceremony broke off, and these files of it must be destroyed by hand: {', '.join(left)}"
        )


def write_keystores(
    keys: CenterKeys, places: Places, *, center: str, epoch: int, passphrase: str, cost: Cost
) -> Keystore:
    """Write both keystores and open them again with the passphrase.

    Raises:
        CeremonyError: a keystore cannot be written, or does not give back what was put in.
    """
    stored = Keystore(
        center=center,
        epochs=(
            Epoch(
                epoch=epoch,
                seed=keys.reading_seed,
                state=EpochState.ACTIVE,
                fingerprint=reading_fingerprint(keys.reading_seed),
            ),
        ),
        ack_seed=keys.ack_seed,
        vault_key=keys.vault_key,
    )
    root = RootKeystore(center=center, root_seed=keys.root_seed)
    for path in (places.keystore, places.root_keystore):
        secret_files.make_secret_directory(path.parent)
    try:
        write_keystore(places.keystore, stored, passphrase, cost)
        write_keystore(places.root_keystore, root, passphrase, cost)
        reopened = (
            read_keystore(places.keystore, passphrase),
            read_root_keystore(places.root_keystore, passphrase),
        )
    except OSError as error:
        raise CeremonyError(f"the keystores cannot be written: {error.strerror}") from None
    except MemoryError:
        raise MemoryShortError from None
    if reopened != (stored, root):
        raise CeremonyError("a keystore did not give back what was put in; use another medium")
    return stored


def sign_config(
    keys: CenterKeys,
    content: CenterContent,
    *,
    center: str,
    serial: int,
    epoch: int,
    day: date,
    valid_days: int,
) -> SignedConfig:
    """Sign a configuration whose only recipient is the reading key, from this day to the hard expiry.

    Raises:
        ConfigError: a value breaks a rule of the configuration.
    """
    public = xwing.key_pair(keys.reading_seed).public
    recipient = Recipient(
        epoch=epoch,
        fingerprint=fingerprint(public),
        from_day=day,
        recipient=xwing.recipient_string(public),
        until=day + timedelta(days=valid_days) + configs.GRACE,
    )
    return signed_config.sign(
        content,
        [recipient],
        root_seed=keys.root_seed,
        ack_public=keys.ack_public,
        center=center,
        serial=serial,
        day=day,
        valid_days=valid_days,
    )


def prove_sealing(config: PublicConfig, identity: Identity, day: date) -> int:
    """Seal a test report to the Center as the server will, open it, and give the envelope's size in bytes.

    Raises:
        CeremonyError: what came out is not what went in.
    """
    told = Report(consent_count=False, narrative=TEST_WORDS)
    envelope = seal(told, config, lang="en", flags=(), day=day)
    opened = unseal(envelope.sealed, [identity])
    require_context(opened, {config.context_id})
    if header_fields(opened.report) != header_fields(told) or opened.epoch != identity.epoch:
        raise CeremonyError("the test report came out changed; nothing of this ceremony may be used")
    return envelope.size


def write_public(signed: SignedConfig, directory: Path, record: str) -> None:
    """Write the files that the server gets, and the transcript beside them.

    Raises:
        CeremonyError: the directory cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in {**signed.files, TRANSCRIPT_NAME: record.encode()}.items():
            (directory / name).write_bytes(content)
    except OSError as error:
        raise CeremonyError(f"{directory} cannot be written: {error.strerror}") from None
