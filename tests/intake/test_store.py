"""The store: durable, of equal slots, and silent about order (P2, P6)."""

import io
import secrets
import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from crypto import age, xwing
from crypto.seal import Envelope
from intake import errors, slots
from intake.store import Store, cover_times

WEEK = "2026-W47"
RECIPIENT = xwing.key_pair(bytes(32)).public


def envelope(mark: bytes = b"", size: int = 32_768) -> Envelope:
    """A sealed file; the mark lies in clear deep in it, which no reader of headers minds."""
    sealed = bytearray(age.seal_to([RECIPIENT], bytes(size)))
    sealed[20_000 : 20_000 + len(mark)] = mark
    return Envelope(content=io.BytesIO(sealed))


def made(path: Path, *, batch: int = 40) -> Store:
    """A new store of a small pool that does not wait long."""
    store = Store(path, batch=batch, deadline=0.3)
    store.create()
    return store


@pytest.fixture
def store(tmp_path):
    """A new store."""
    made_store = made(tmp_path / "store.sqlite")
    yield made_store
    made_store.close()


def test_an_envelope_comes_back_byte_for_byte(store):
    """What is exported must be what was sealed."""
    sealed = envelope()

    envelope_id = store.add(sealed, WEEK)

    assert [(one.id, one.sealed) for one in store.pending()] == [(envelope_id, sealed.sealed)]


def test_an_envelope_of_many_slots_comes_back(store):
    """Attachments will need it; the store must not care."""
    sealed = envelope(size=131_072)

    envelope_id = store.add(sealed, WEEK)

    places = store.index()[envelope_id]
    assert len(places) == 4
    assert store.read(envelope_id, places).sealed == sealed.sealed


def test_every_setting_of_the_database_is_what_durability_and_silence_need(store):
    """Builds of SQLite differ in their defaults, and each of these is part of a promise."""
    with store._engine.connect() as connection:  # noqa: SLF001 - settings hold for a connection, so ours is asked
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "secure_delete", "auto_vacuum")
        }

    assert found == {"journal_mode": "truncate", "synchronous": 2, "secure_delete": 1, "auto_vacuum": 0}


def test_the_file_never_changes_its_size_between_growths(store, tmp_path):
    """A growing file would count reports for anyone who can list a directory."""
    path = tmp_path / "store.sqlite"
    before = path.stat().st_size

    for _ in range(30):
        store.add(envelope(), WEEK)

    assert path.stat().st_size == before


def test_the_pool_grows_by_whole_batches_before_a_report_is_refused(store, tmp_path):
    """A full pool is no reason to lose a report."""
    for _ in range(45):
        store.add(envelope(), WEEK)

    with sqlite3.connect(tmp_path / "store.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM slot").fetchone() == (80,)
    connection.close()
    assert store.count() == 45


def test_a_large_pool_grows_by_half_of_it(tmp_path):
    """Laying out all rows for each small batch would make every report dearer than the last."""
    path = tmp_path / "store.sqlite"
    store = made(path, batch=8)
    connection = sqlite3.connect(path)
    sizes = [8]

    for _ in range(5):
        store.grow_if_short(reserve=sizes[-1] + 1)  # one more than are free
        sizes.append(connection.execute("SELECT count(*) FROM slot").fetchone()[0])

    assert sizes == [8, 16, 24, 32, 48, 72]
    connection.close()
    store.close()


def test_a_growth_that_a_crash_cut_short_is_finished_before_new_slots_are_used(tmp_path):
    """Between new slots and their VACUUM the file would tell which reports came before the growth."""
    path = tmp_path / "store.sqlite"
    made(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 257")  # the mark that stands during a growth
    connection.close()
    again = Store(path, batch=40)

    again.check()
    again.add(envelope(), WEEK)

    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    connection.close()
    again.close()


def test_free_and_used_rows_have_equal_columns(store, tmp_path):
    """SQLite overwrites a row in place only when no value changes its storage size."""
    store.add(envelope(), WEEK)

    connection = sqlite3.connect(tmp_path / "store.sqlite")
    rows = connection.execute(
        "SELECT length(week), length(content), typeof(id), typeof(envelope), min(id), min(envelope) FROM slot "
        "GROUP BY used ORDER BY used"
    ).fetchall()
    connection.close()

    assert [row[:4] for row in rows] == [(8, slots.SLOT_SIZE, "integer", "integer")] * 2
    assert all(value >= 1 << 56 for row in rows for value in row[4:])


def test_erasing_overwrites_the_bytes_and_frees_the_slots(store, tmp_path):
    """What was acknowledged must be gone from the file, freed pages included."""
    mark = secrets.token_bytes(24)
    doomed = store.add(envelope(mark), WEEK)
    spared = store.add(envelope(), WEEK)
    path = tmp_path / "store.sqlite"
    assert path.read_bytes().count(mark) == 1

    store.erase({doomed: store.index()[doomed]})

    assert mark not in path.read_bytes()
    assert list(store.index()) == [spared]
    assert path.with_name("store.sqlite-journal").stat().st_size == 0


def test_erasing_spares_a_slot_that_was_filled_again_meanwhile(store):
    """Two processes may erase the same envelope; the later one must not take a new report with it."""
    old = store.add(envelope(), WEEK)
    stale = {old: store.index()[old]}
    store.erase(stale)
    ids = {store.add(envelope(), WEEK) for _ in range(40)}  # every slot, that one included

    store.erase(stale)

    assert set(store.index()) == ids


def test_two_stores_on_one_file_take_turns(tmp_path):
    """Two workers write into one file; neither may overwrite what the other took."""
    made(tmp_path / "store.sqlite").close()
    first, second = (Store(tmp_path / "store.sqlite", batch=40, deadline=10) for _ in range(2))
    stores = [first, second, first]
    ids: list[str] = []

    def fill(one: Store) -> None:
        ids.extend(one.add(envelope(), WEEK) for _ in range(20))

    threads = [threading.Thread(target=fill, args=(one,)) for one in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(first.index()) == set(ids)
    assert len(ids) == 60
    first.close()
    second.close()


def test_a_forked_worker_begins_with_the_slots_its_server_read(store):
    """Used ones among them; it passes over those, whether they were filled before the fork or since."""
    ids = {store.add(envelope(), WEEK) for _ in range(10)}
    store.prepare_fork()
    ids |= {store.add(envelope(), WEEK) for _ in range(10)}

    store.forget_connections()
    ids |= {store.add(envelope(), WEEK) for _ in range(20)}

    assert set(store.index()) == ids
    assert len(ids) == 40  # the whole pool
    store.add(envelope(), WEEK)  # and beyond


def test_slots_that_are_not_laid_out_yet_are_not_handed_to_a_fork(tmp_path):
    """A worker that used them would show which reports came after a growth."""
    path = tmp_path / "store.sqlite"
    made(path).close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA user_version = 257")  # the mark that stands during a growth
    again = Store(path, batch=40)

    again.prepare_fork()
    again.forget_connections()
    again.add(envelope(), WEEK)

    assert connection.execute("PRAGMA user_version").fetchone() == (1,)  # it was laid out first
    connection.close()
    again.close()


def test_a_fork_from_a_missing_store_is_refused(tmp_path):
    """The server goes on without: each worker tells whoever posts."""
    with pytest.raises(errors.StoreMissingError, match="intake init"):
        Store(tmp_path / "nowhere.sqlite").prepare_fork()


def test_the_oldest_week_is_named(store):
    """Alarms look at it; nothing finer is kept."""
    assert store.oldest_week() is None
    store.add(envelope(), "2026-W47")
    store.add(envelope(), "2026-W40")

    assert store.oldest_week().isoformat() == "2026-09-28"


def test_a_store_is_readable_by_its_owner_alone(store, tmp_path):
    """Ciphertext is no reason to be generous."""
    assert stat.S_IMODE((tmp_path / "store.sqlite").stat().st_mode) == 0o600


def test_housekeeping_covers_the_times_of_store_and_journal(store, tmp_path):
    """The file's own times would tell when the last report came."""
    store.add(envelope(), WEEK)
    path = tmp_path / "store.sqlite"

    cover_times(path, 1_795_000_020)

    for name in (path, path.with_name("store.sqlite-journal")):
        assert name.stat().st_mtime == name.stat().st_atime == 1_795_000_020


def test_nothing_lies_beside_the_store_but_its_empty_journal(store, tmp_path):
    """One file a report would have a birth time and an inode in order of arrival."""
    store.add(envelope(), WEEK)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["store.sqlite", "store.sqlite-journal"]


# Refusals


def test_a_second_store_is_never_made_over_the_first(store, tmp_path):
    """It would drop every report in silence."""
    with pytest.raises(errors.AlreadyInitialisedError):
        Store(tmp_path / "store.sqlite").create()


def test_a_missing_store_is_named_and_not_made(tmp_path):
    """A typing error in data_dir must not look like an empty store."""
    with pytest.raises(errors.StoreMissingError, match="intake init"):
        Store(tmp_path / "nowhere.sqlite").check()

    assert list(tmp_path.iterdir()) == []


def test_a_locked_store_is_busy_within_the_deadline_and_works_again_after(store, tmp_path):
    """The reporter gets the words back and presses Send again."""
    holder = sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(errors.StoreBusyError):
        store.add(envelope(), WEEK)
    holder.execute("ROLLBACK")
    holder.close()

    store.add(envelope(), WEEK)

    assert store.count() == 1


def test_a_file_that_is_no_store_is_damage(tmp_path):
    """Starting on it would lose what is in it, whatever it is."""
    path = tmp_path / "store.sqlite"
    path.write_bytes(b"no database at all, but long enough to be looked at" * 100)

    with pytest.raises(errors.StoreDamageError):
        Store(path).check()


def test_a_store_of_another_layout_is_refused_with_its_number(store, tmp_path):
    """Rows of another version would be read wrongly."""
    connection = sqlite3.connect(tmp_path / "store.sqlite")
    connection.execute("PRAGMA user_version = 7")
    connection.close()

    with pytest.raises(errors.StoreDamageError, match="layout 7"):
        store.check()


def test_a_damaged_part_is_named_and_the_others_are_read(store, tmp_path):
    """One bad sector must not hold back every report."""
    hurt, whole = store.add(envelope(), WEEK), store.add(envelope(), WEEK)
    connection = sqlite3.connect(tmp_path / "store.sqlite")
    connection.execute("UPDATE slot SET content = zeroblob(40960) WHERE envelope = ?", (int(hurt, 16),))
    connection.commit()
    connection.close()

    places = store.index()
    with pytest.raises(errors.StoreDamageError):
        store.read(hurt, places[hurt])
    assert store.read(whole, places[whole]).id == whole


def test_an_error_of_the_database_carries_no_content(store, tmp_path):
    """Exceptions of libraries quote what they were given."""
    mark = b"CANARY" * 4
    connection = sqlite3.connect(tmp_path / "store.sqlite")
    connection.execute("DROP TABLE slot")
    connection.commit()
    connection.close()

    with pytest.raises(errors.StoreDamageError) as refused:
        store.add(envelope(mark), WEEK)

    assert "CANARY" not in repr(refused.value) + str(refused.value.__cause__)
    assert refused.value.__suppress_context__
