"""The sealed store: equal slots made in advance and overwritten in place, so that a disk tells no order of arrival.

An envelope overwrites random free slots, in one transaction with those that wait beside it, and is durable when
`Store.add` returns. Rows, file size and columns keep their length for ever, and each growth of the pool ends with a
VACUUM that lays the rows out by their random ids: at any moment the file shows how many slots are in use and nothing of
who, when or in which order (P2). The store takes nothing but envelopes, keeps no time finer than the ISO week, and opens
nothing.

Everything goes through SQLAlchemy's Core but `Store.add`: a person waits for it, and Core's share of a commit was four
times the driver's.

Above 300 lines because what is written, grown, read and erased must be read side by side to believe the above.
"""

import hashlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final
from urllib.parse import quote

import sqlalchemy as sa

from crypto.seal import Envelope
from intake import errors, slots
from intake.committer import Committer, busy
from intake.free_slots import FreeSlots

FORMAT: Final = 1  # PRAGMA user_version of the layout below
_UNSETTLED: Final = FORMAT + 0x100  # the same, between new slots and the VACUUM that hides which are new

# Set and read back at each connection, because builds differ in their defaults. WAL would keep content in order of
# arrival until a checkpoint, so the journal is TRUNCATE; FULL makes "we have it" true after a power cut;
# secure_delete leaves no freed content. (name, value to set, value to read)
_PRAGMAS: Final = (
    ("journal_mode", "TRUNCATE", "truncate"),
    ("synchronous", "FULL", 2),
    ("secure_delete", "ON", 1),
    ("auto_vacuum", "NONE", 0),
    ("mmap_size", "0", 0),
    ("trusted_schema", "OFF", 0),
)

_CACHE: Final = 2_000  # KiB of pages in memory, SQLite's own default
_GROWTH_CACHE: Final = (
    65_536  # KiB while the pool grows: each time that changed pages do not fit costs three syncs
)

_ERASED_AT_ONCE: Final = (
    64  # envelopes a transaction; bounds the journal, and a restart goes on where it stopped
)

_SLOT: Final = sa.Table(
    "slot",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),  # random; as the rowid it orders the file after VACUUM
    sa.Column("used", sa.Integer, nullable=False),  # 0 or 1: neither takes a byte
    sa.Column("week", sa.Text, nullable=False),
    sa.Column("envelope", sa.Integer, nullable=False),  # random id of the envelope; random in a free slot too
    sa.Column("content", sa.LargeBinary, nullable=False),
)
_FILL: Final = "UPDATE slot SET used = 1, week = ?, envelope = ?, content = ? WHERE id = ?"
_OVERWRITE: Final = sa.update(_SLOT).where(_SLOT.c.id == sa.bindparam("place"))
_COUNT: Final = sa.select(sa.func.count()).select_from(_SLOT)
_COUNT_FREE: Final = _COUNT.where(_SLOT.c.used == 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEnvelope:
    """One sealed report as it lies in the store.

    Attributes:
        id: 16 lower-case hex digits, random.
        sealed: the age file.
    """

    id: str
    sealed: bytes

    @property
    def sha256(self) -> str:
        """The hash by which manifests and acknowledgements name these bytes."""
        return hashlib.sha256(self.sealed).hexdigest()

    def __repr__(self) -> str:
        return f"StoredEnvelope(id={self.id!r}, sealed=<{len(self.sealed)} bytes>)"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Arrival:
    """An envelope on its way into the store, under a random id."""

    envelope: Envelope
    id: int
    week: str

    @property
    def slots(self) -> int:
        return slots.parts_of(self.envelope.size)


class Store:
    """The slots of one SQLite file; safe to use from several threads and several processes.

    After a fork call `forget_connections`: SQLite connections do not survive one.

    Args:
        path: the database file.
        batch: slots that the pool grows by at a time, at least.
        deadline: seconds to wait for another thread, and then for another process, that holds the file. Once an
            envelope is in a transaction its outcome is waited for, so that nobody is told "not saved" of what is.
    """

    def __init__(self, path: Path, *, batch: int = 1000, deadline: float = 5.0) -> None:
        self._path = path
        self._batch = batch
        self._deadline = deadline
        self._engine = sa.create_engine(
            "sqlite://",
            creator=self._connect,
            poolclass=sa.pool.QueuePool,
            max_overflow=-1,  # threads are few and bounded by the server
            hide_parameters=True,  # an error must not carry the bytes it was about
        )
        sa.event.listen(self._engine, "begin", _begin)
        self._writer = self._engine.execution_options(begin="BEGIN IMMEDIATE")
        self._turn = threading.Lock()  # SQLite's own lock is polled; this one wakes the next thread at once
        self._adding: sqlite3.Connection | None = None  # for `add` alone, and by one thread at a time
        self._free = FreeSlots(settled=FORMAT)
        self._known_size = 0  # bytes of the file when its slots were read; it changes with nothing else
        self._committer: Committer[_Arrival] = Committer(self._commit, deadline=deadline)

    def create(self) -> None:
        """Make the file and its first batch of free slots.

        Raises:
            AlreadyInitialisedError: there is a file already.
            StoreError: the file cannot be made here.
        """
        try:
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError:
            raise errors.AlreadyInitialisedError(
                f"{self._path} exists already; a new store would drop its reports, so none was made"
            ) from None
        except OSError as error:
            raise errors.StoreMissingError(f"{self._path} cannot be made: {error.strerror}") from None
        with self._transaction() as connection:
            _SLOT.create(connection)
            _mark(connection, FORMAT)
        self.grow_if_short(reserve=self._batch)

    def check(self) -> None:
        """Open the file and compare its layout with ours.

        Raises:
            StoreMissingError: there is no file.
            StoreDamageError: it is no store, or one of another layout.
            StoreBusyError: another process holds it.
        """
        with self._transaction(write=False) as connection:
            version = _layout(connection)
        if version not in {FORMAT, _UNSETTLED}:
            raise errors.StoreDamageError(
                f"{self._path} has layout {version}, this software knows {FORMAT}; "
                "export and acknowledge with the software that made it, then start with a new store"
            )

    def add(self, envelope: Envelope, week: str) -> str:
        """Keep an envelope durably: once this has returned, a power cut does not lose it.

        Args:
            envelope: what `crypto.seal` made; the store takes nothing else.
            week: the ISO week of arrival, such as `2026-W40`.

        Returns:
            The envelope's random id.

        Raises:
            StoreError: nothing was kept. Busy past the deadline, out of disk, missing or damaged.
        """
        if len(week) != len(slots.FREE_WEEK):
            raise AssertionError("a week has eight characters; another length would move the row")
        arrival = _Arrival(envelope=envelope, id=slots.draw_id(), week=week)
        self._committer.add(arrival)
        return slots.format_id(arrival.id)

    def expecting(self) -> AbstractContextManager[None]:
        """Say for the length of a block that this thread may add an envelope: those who commit wait a moment for it."""
        return self._committer.announced()

    @property
    def is_idle(self) -> bool:
        """Whether no envelope waits in this process, and none is expected."""
        return self._committer.is_idle

    def index(self) -> dict[str, tuple[int, ...]]:
        """Return the slots of each envelope, sorted by the envelopes' random ids."""
        query = sa.select(_SLOT.c.envelope, _SLOT.c.id).where(_SLOT.c.used == 1)
        places: dict[str, tuple[int, ...]] = {}
        with self._transaction(write=False) as connection:
            for envelope_id, place in connection.execute(query):
                key = slots.format_id(envelope_id)
                places[key] = (*places.get(key, ()), place)
        return dict(sorted(places.items()))

    def count(self) -> int:
        """Return the number of envelopes, those whose deletion is pending included."""
        return len(self.index())

    def read(self, envelope_id: str, places: Sequence[int]) -> StoredEnvelope:
        """Return one envelope from the slots that `index` gave for it.

        Raises:
            StoreDamageError: its parts do not fit together.
        """
        query = sa.select(_SLOT.c.content).where(
            _SLOT.c.id.in_(places), _SLOT.c.envelope == int(envelope_id, 16), _SLOT.c.used == 1
        )
        with self._transaction(write=False) as connection:
            contents = list(connection.execute(query).scalars())
        return StoredEnvelope(id=envelope_id, sealed=slots.join(contents))

    def pending(self) -> Iterator[StoredEnvelope]:
        """Yield every envelope in the store, sorted by random id, one in memory at a time."""
        for envelope_id, places in self.index().items():
            yield self.read(envelope_id, places)

    def oldest_week(self) -> date | None:
        """Return the Monday of the oldest week that an envelope came in, or None when there is none."""
        query = sa.select(sa.func.min(_SLOT.c.week)).where(_SLOT.c.used == 1)
        with self._transaction(write=False) as connection:
            week = connection.execute(query).scalar_one()
        return None if week is None else date.fromisoformat(f"{week}-1")

    def erase(self, doomed: Mapping[str, Sequence[int]]) -> None:
        """Overwrite the slots of envelopes with random bytes; their slots are free again.

        A slot that another process freed and filled meanwhile holds another envelope, and is left alone.

        Args:
            doomed: a part of what `index` returned.
        """
        places = [(int(name, 16), place) for name, some in doomed.items() for place in some]
        for start in range(0, len(places), _ERASED_AT_ONCE):
            with self._my_turn(), self._transaction() as connection:
                for envelope_id, place in places[start : start + _ERASED_AT_ONCE]:
                    row = {"used": 0, "week": slots.FREE_WEEK, "envelope": slots.draw_id()}
                    connection.execute(
                        _OVERWRITE.where(_SLOT.c.envelope == sa.bindparam("doomed"), _SLOT.c.used == 1),
                        {"place": place, "doomed": envelope_id, "content": slots.filling()} | row,
                    )

    def grow_if_short(self, *, reserve: int) -> None:
        """Add a batch of free slots if fewer than `reserve` are left."""
        with self._my_turn():
            self._free.forget()
            with self._transaction(write=False) as connection:
                free = _count_free(connection)
                settled = _layout(connection) == FORMAT
            if free < reserve or not settled:
                self._grow(reserve)

    def prepare_fork(self) -> None:
        """Read what forked processes would each have to read, if it changed, and leave no connection of that open.

        Raises:
            StoreError: the file cannot be read.
        """
        try:
            size = self._path.stat().st_size
        except OSError:
            raise _missing() from None
        if size != self._known_size:
            with self._adding_to("BEGIN") as connection:
                if self._free.remember(connection):
                    self._known_size = size
            self.close()

    def forget_connections(self) -> None:
        """Drop what a forked child must not share with its parent."""
        if self._engine.pool.checkedin():  # type: ignore[attr-defined] # it is a QueuePool
            self._engine.dispose(close=False)
        self._adding = None
        self._turn = threading.Lock()
        self._free.begin()
        self._committer.forget_threads()

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()
        if self._adding is not None:
            self._adding.close()
            self._adding = None

    def _commit(self, take: Callable[[], Sequence[_Arrival]]) -> None:
        """Write all that wait once the file is ours, growing the pool first if they need it."""
        arrivals: Sequence[_Arrival] = ()
        with self._my_turn():
            while True:
                with self._adding_to("BEGIN IMMEDIATE") as connection:
                    arrivals = arrivals or take()
                    if self._put(connection, arrivals):
                        return
                self._grow(sum(one.slots for one in arrivals))

    def _put(self, connection: sqlite3.Connection, arrivals: Sequence[_Arrival]) -> bool:
        """Write all parts into random free slots, or return False if the pool must grow first."""
        places = iter(self._free.take(connection, sum(one.slots for one in arrivals)))
        for one in arrivals:
            for content in slots.split(one.envelope.content, one.envelope.size):
                place = next(places, None)
                if place is None:
                    return False
                connection.execute(_FILL, (one.week, one.id, content, place))
        return True

    def _grow(self, wanted: int) -> None:
        """Add whole batches until `wanted` slots are free, then lay all rows out by their random ids.

        A large pool grows by half of it, or laying out all rows at each batch would cost ever more a report.
        """
        with self._transaction() as connection:
            connection.exec_driver_sql(f"PRAGMA cache_size = -{_GROWTH_CACHE}")
            missing = wanted - _count_free(connection)
            if missing <= 0 and _layout(connection) == FORMAT:
                return  # another process was faster
            total = connection.execute(_COUNT).scalar_one()
            batches = max(-(-missing // self._batch), total // 2 // self._batch) if missing > 0 else 0
            for place in sorted(slots.draw_id() for _ in range(batches * self._batch)):
                row = {"id": place, "used": 0, "week": slots.FREE_WEEK, "envelope": slots.draw_id()}
                connection.execute(sa.insert(_SLOT), row | {"content": slots.filling()})
            _mark(connection, _UNSETTLED)
        with self._transaction(write=False) as connection:
            # VACUUM stands outside of transactions. Without it all old envelopes would lie before all new ones.
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql(f"PRAGMA cache_size = -{_GROWTH_CACHE}")
            connection.exec_driver_sql("VACUUM")
            connection.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE}")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            _mark(connection, FORMAT)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(self._path))}?mode=rw",  # never make an empty file where a store should be
            uri=True,
            timeout=self._deadline,
            isolation_level=None,  # the transactions are ours
            check_same_thread=False,  # the pool hands a connection to one thread at a time
        )
        try:
            _set_pragmas(connection)
            _keep_scratch_beside(connection, self._path.parent)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        if not self._turn.acquire(timeout=self._deadline):
            raise busy()
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def _adding_to(self, begin: str) -> Iterator[sqlite3.Connection]:
        """A transaction on the connection that is kept for `add`; what goes wrong ends the connection, too."""
        try:
            if self._adding is None:
                self._adding = self._connect()
            self._adding.execute(begin)
            yield self._adding
            self._adding.execute("COMMIT")
        except BaseException as error:
            if self._adding is not None:
                self._adding.close()  # rolls back
                self._adding = None
            if isinstance(error, sqlite3.Error):
                raise _explain(error) from None
            raise

    @contextmanager
    def _transaction(self, *, write: bool = True) -> Iterator[sa.Connection]:
        try:
            with (self._writer if write else self._engine).begin() as connection:
                yield connection
        except sa.exc.DBAPIError as error:
            raise _explain(error.orig) from None


def cover_times(path: Path, instant: int) -> None:
    """Set the times of the store file and its journal to a moment of a fixed clock, durably.

    Otherwise they would tell when the last report came (docs/decisions.md 3). `ctime` follows, because it is set by the
    kernel to the moment of this call.

    Args:
        path: the store file.
        instant: seconds since the epoch; a whole multiple of the housekeeping interval.
    """
    for name in (path, path.with_name(path.name + "-journal")):
        if name.exists():
            os.utime(name, (instant, instant))
            descriptor = os.open(name, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _set_pragmas(connection: sqlite3.Connection) -> None:
    for name, value, expected in _PRAGMAS:
        connection.execute(f"PRAGMA {name} = {value}")
        (found,) = connection.execute(f"PRAGMA {name}").fetchone()
        if found != expected:
            raise errors.StoreDamageError(f"this SQLite does not do {name} = {value}; use another build")


def _keep_scratch_beside(connection: sqlite3.Connection, directory: Path) -> None:
    """Have the copy that a VACUUM needs lie beside the store, not in a folder that all programs share.

    SQLite reads its environment variable for this when it is loaded, which is too early for us. The setting is the whole
    process's and must not be set while another thread works, so it is set by the first connection alone.
    """
    question = "PRAGMA temp_store_directory"
    wanted = [(str(directory),)]
    if connection.execute(question).fetchall() != wanted:
        quoted = str(directory).replace("'", "''")
        connection.execute(f"{question} = '{quoted}'")
        if connection.execute(question).fetchall() != wanted:
            raise errors.StoreDamageError("this SQLite does not do temp_store_directory; use another build")


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


def _layout(connection: sa.Connection) -> int:
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())


def _mark(connection: sa.Connection, layout: int) -> None:
    connection.exec_driver_sql(f"PRAGMA user_version = {layout}")


def _count_free(connection: sa.Connection) -> int:
    return int(connection.execute(_COUNT_FREE).scalar_one())


def _missing() -> errors.StoreMissingError:
    return errors.StoreMissingError("the store cannot be opened; run `intake init`, or look at data_dir")


def _explain(error: BaseException | None) -> errors.StoreError:
    """Name a database error by its kind; its own text is dropped."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # the upper bits refine the kind
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return busy()
    if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY}:
        return errors.StoreFullError("the disk took no more bytes; free some space and look at its health")
    if code == sqlite3.SQLITE_CANTOPEN:
        return _missing()
    return errors.StoreDamageError(
        "the store file is damaged or is no store; keep it, and restore the last copy"
    )
