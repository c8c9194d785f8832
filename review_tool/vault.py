"""The vault: one SQLCipher file that holds every opened report, and how it is opened (docs/decisions.md 8).

Only this module knows the vault key, and only while it opens the file. Everything else gets a `Vault` and works in its
transactions. A transaction is on the disk when its block ends, or has left nothing; its errors never quote a value.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, event, exc, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.pool import StaticPool
from sqlcipher3 import dbapi2 as sqlcipher

from crypto import signing
from crypto.canonical import Json
from crypto.config import PublicConfig, read_config
from crypto.keystore import Keystore
from review_tool import audit
from review_tool.audit import Act, Entry
from review_tool.errors import (
    DamagedVaultError,
    VaultBusyError,
    VaultError,
    VaultFullError,
    VaultVersionError,
    WrongKeyError,
)
from review_tool.schema import CONFIG, FACT, METADATA, SCHEMA_VERSION

FILE_NAME: Final = "vault.db"
UNFINISHED_NAME: Final = "vault.db.new"  # becomes the vault by one rename, so a half-made one is never opened
KEY_SIZE: Final = 32  # bytes
PAGE_SIZE: Final = 4096  # bytes; SQLCipher 4
BUSY_LIMIT: Final = 5.0  # seconds to wait for another process before saying so
RESTORE: Final = "restore the newest backup into an empty folder with `review-tool restore`"
UNNAMED: Final = "reviewer"  # pseudonym where nobody gave one

# Set after the key and read back, because defaults differ from build to build (docs/decisions.md 8).
PRAGMAS: Final[tuple[tuple[str, str, str | int], ...]] = (
    ("cipher_log_level", "NONE", "NONE"),  # the default prints failed pages to stderr
    ("cipher_memory_security", "ON", "1"),  # wipes what SQLCipher frees
    ("foreign_keys", "ON", 1),
    ("secure_delete", "ON", 1),  # overwrites what is deleted
    ("temp_store", "MEMORY", 2),  # sorting writes no file
    ("journal_mode", "DELETE", "delete"),  # a rollback journal: no copies wait in a log
    ("synchronous", "FULL", 2),  # survives a power cut
)


@dataclass(frozen=True, slots=True)
class Vault:
    """An open vault.

    Attributes:
        directory: where it lies.
        center: id of the Center it belongs to.
    """

    directory: Path
    center: str
    engine: Engine

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Run a block as one transaction: durable at its end, or as if it never ran.

        Raises:
            VaultBusyError: another process is writing.
            VaultFullError: the disk is full or cannot be written.
            VaultError: the file is damaged.
        """
        with translated(), self.engine.begin() as connection:
            yield connection

    def record(self, act: Act, *, day: date, reviewer: str, **facts: Json) -> None:
        """Write one act into the chain, in a transaction of its own."""
        with self.transaction() as connection:
            audit.append(connection, [Entry(act=act, day=day, reviewer=reviewer, facts=facts)])


def create(
    directory: Path,
    *,
    center: str,
    vault_key: bytes,
    config_raw: bytes,
    config_minisig: str,
    root_public: bytes,
    day: date | None = None,
    reviewer: str = UNNAMED,
) -> None:
    """Make an empty vault that knows its Center and the first signed configuration.

    Raises:
        VaultError: there is a vault already, or the directory cannot be written.
        SignatureError, ConfigError: the configuration is not this Center's.
    """
    config = read_config(config_raw, config_minisig, root_public=root_public, center=center)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path, unfinished = directory / FILE_NAME, directory / UNFINISHED_NAME
    if path.exists():
        raise VaultError(f"{directory} holds a vault already; a second one needs its own directory")
    discard(unfinished)
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    engine = engine_of(unfinished, vault_key)
    vault = Vault(directory, center, engine)
    try:
        with vault.transaction() as connection:
            METADATA.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
            state_fact(connection, "center", center)
            state_fact(connection, "root_public", root_public.hex())
            archive_config(connection, config, config_minisig)
            made = Entry(
                act=Act.CREATE, day=day or today(), reviewer=reviewer, facts={"config_serial": config.serial}
            )
            audit.append(connection, [made])
    finally:
        engine.dispose()
    unfinished.rename(path)
    sync_directory(directory)


@contextmanager
def open_vault(
    directory: Path,
    keystore: Keystore,
    *,
    day: date | None = None,
    reviewer: str = UNNAMED,
    command: str = "open",
) -> Iterator[Vault]:
    """Open the vault with the key of the keystore, and log that it was opened.

    While the vault key is being changed the keystore holds two; whichever fits is used (docs/decisions.md 8).

    Raises:
        WrongKeyError: no key of the keystore opens it.
        VaultError: missing, half-written or damaged.
        VaultVersionError: written by another version.
        VaultBusyError: another process is writing, or puts the vault under another key.
    """
    path = existing_file(directory)
    with held(directory, fcntl.LOCK_SH), _opened(path, directory, keystore) as vault:
        vault.record(Act.OPEN, day=day or today(), reviewer=reviewer, command=command)
        yield vault


@contextmanager
def open_copy(path: Path, keystore: Keystore) -> Iterator[Vault]:
    """Open a copy of a vault that stays as it is: nothing is logged in it.

    Raises:
        VaultError: as `open_vault`.
    """
    with _opened(path, path.parent, keystore) as vault:
        yield vault


@contextmanager
def _opened(path: Path, directory: Path, keystore: Keystore) -> Iterator[Vault]:
    for key in (keystore.vault_key, keystore.next_vault_key):
        if key is None:
            continue
        engine = engine_of(path, key)
        try:
            vault = _checked(directory, engine, keystore)
        except WrongKeyError:
            engine.dispose()
            continue
        except BaseException:
            engine.dispose()
            raise
        try:
            yield vault
        finally:
            engine.dispose()
        return
    raise WrongKeyError


def discard(unfinished: Path) -> None:
    """Take away a file that was never finished, with its journal."""
    for leftover in (unfinished, unfinished.with_name(unfinished.name + "-journal")):
        leftover.unlink(missing_ok=True)


@contextmanager
def held(directory: Path, how: int) -> Iterator[None]:
    """Keep the folder of a vault for the length of a block: shared by all who open it, alone for who replaces its file.

    Raises:
        VaultBusyError: somebody has it in the other way.
    """
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, how | fcntl.LOCK_NB)
        except BlockingIOError:
            raise VaultBusyError from None
        yield
    finally:
        os.close(handle)


def require_whole(connection: Connection) -> None:
    """Check the seal of every page and the order of every tree; a page that nobody reads is found damaged too.

    Some 3 seconds for 10,000 cases (379 MB): before what others rely on, not at every opening.

    Raises:
        DamagedVaultError: with the day of the last backup, where the log can still be read.
    """
    damaged = connection.exec_driver_sql("PRAGMA cipher_integrity_check").fetchall()
    if damaged or _broken_trees(connection):
        raise DamagedVaultError(_last_backup(connection))


def _broken_trees(connection: Connection) -> bool:
    try:
        return connection.exec_driver_sql("PRAGMA quick_check(1)").scalars().all() != ["ok"]
    except exc.DBAPIError:
        return True


def _last_backup(connection: Connection) -> str:
    try:
        return audit.last_day(connection, Act.BACKUP)
    except exc.DBAPIError:  # the log is damaged too
        return ""


def archive_config(connection: Connection, config: PublicConfig, minisig: str) -> None:
    """Keep a signed configuration for ever: the labels of old reports are read from it."""
    known = select(CONFIG.c.serial).where(CONFIG.c.context_id == config.context_id)
    if connection.execute(known).first() is None:
        row = {
            "context_id": config.context_id,
            "serial": config.serial,
            "raw": config.raw,
            "minisig": minisig,
        }
        connection.execute(insert(CONFIG), row)


def archived_contexts(connection: Connection) -> frozenset[bytes]:
    """Context ids of every configuration in the archive."""
    return frozenset(connection.execute(select(CONFIG.c.context_id)).scalars())


def archived_configs(connection: Connection) -> list[PublicConfig]:
    """Every configuration in the archive, lowest serial first."""
    root_public = bytes.fromhex(fact(connection, "root_public"))
    center = fact(connection, "center")
    rows = connection.execute(select(CONFIG.c.raw, CONFIG.c.minisig).order_by(CONFIG.c.serial))
    found = []
    for row in rows:
        with signing.naming(
            "a configuration in the archive of the vault",
            f"the vault was changed by other software than this: {RESTORE}",
        ):
            found.append(read_config(row.raw, row.minisig, root_public=root_public, center=center))
    return found


def fact(connection: Connection, name: str) -> str:
    """A fact about the vault itself, "" if it was never stated."""
    found = connection.execute(select(FACT.c.value).where(FACT.c.name == name)).scalar_one_or_none()
    return found or ""


def state_fact(connection: Connection, name: str, value: str) -> None:
    """State a fact about the vault, in place of what was stated before."""
    statement = upsert(FACT).values(name=name, value=value)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": value}))


def today() -> date:
    """The day by the clock, in UTC: the only time the review machine knows."""
    return datetime.now(UTC).date()  # noqa: TID251 - the rim; everything below takes the day as an argument


def sync_directory(directory: Path) -> None:
    """Make renames in a directory durable."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def existing_file(directory: Path) -> Path:
    """The file of the vault in a folder.

    Raises:
        VaultError: there is none, or it was never finished.
    """
    path = directory / FILE_NAME
    if not path.is_file():
        if (directory / UNFINISHED_NAME).exists():
            raise VaultError(f"the vault in {directory} was never finished; hold the ceremony again")
        raise VaultError(
            f"there is no vault in {directory}; `review-tool ceremony` makes one, `restore` brings one back"
        )
    if path.stat().st_size < PAGE_SIZE:
        raise VaultError(f"the vault in {directory} is half-written; {RESTORE}")
    return path


def _checked(directory: Path, engine: Engine, keystore: Keystore) -> Vault:
    """Read what an open file says about itself, before anything trusts it."""
    with translated(), engine.begin() as connection:
        version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if version == 0:
            raise VaultError(f"the vault in {directory} is half-written; {RESTORE}")
        if version != SCHEMA_VERSION:
            raise VaultVersionError(version, SCHEMA_VERSION)
        center = fact(connection, "center")
    if center != keystore.center:
        raise WrongKeyError
    return Vault(directory, center, engine)


def engine_of(path: Path, key: bytes) -> Engine:
    """Make an engine of one connection to a file; the key is in no URL and in no attribute of it."""

    def opening() -> sqlcipher.Connection:
        return connect(path, key)

    engine = create_engine(
        "sqlite://", module=sqlcipher, creator=opening, poolclass=StaticPool, hide_parameters=True
    )
    # The driver would begin a transaction late and weakly; this one excludes other writers from the first line.
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def connect(path: Path, key: bytes) -> sqlcipher.Connection:
    """Open a file with a key, and set everything that must not be left to a default.

    Raises:
        WrongKeyError: the key has another length.
        sqlcipher3.Error: the key does not fit, or the file cannot be read (`translated` turns it into ours).
    """
    if len(key) != KEY_SIZE:
        raise WrongKeyError
    connection = sqlcipher.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=BUSY_LIMIT
    )
    try:
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        for name, value, read_back in PRAGMAS:
            connection.execute(f"PRAGMA {name} = {value}").fetchall()
            if connection.execute(f"PRAGMA {name}").fetchone() != (read_back,):
                raise VaultError(f"this build of SQLCipher does not keep {name} = {value}")  # noqa: TRY301 - closed below
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the database says into our own errors; its text would quote statements and values."""
    try:
        yield
    except exc.DBAPIError as error:
        raise _meaning(str(error.orig)) from None
    except sqlcipher.Error as error:
        raise _meaning(str(error)) from None


def _meaning(message: str) -> VaultError:
    if "not a database" in message:
        return WrongKeyError()
    if "locked" in message:
        return VaultBusyError()
    if any(word in message for word in ("full", "readonly", "disk I/O", "unable to open")):
        return VaultFullError()
    if "malformed" in message:
        return DamagedVaultError()
    return VaultError("the vault refused an act that contradicts what it holds; nothing of it was kept")
