"""The exchange: nothing is deleted without a valid acknowledgement that names its present bytes (P6, D8)."""

import hashlib
import os
import sqlite3
import stat
from datetime import date, timedelta
from pathlib import Path

import pytest

from crypto import bundle, labels, signing
from crypto.bundle import AckEntry, Acknowledgement, AckState, format_acknowledgement, read_manifest
from crypto.errors import BundleError, SignatureError
from intake import errors, export, kept
from intake.clock import monday, seconds_of
from intake.export import acknowledge, erase_due, status
from tests.center import DAY, make_center
from tests.intake.conftest import Form
from tests.intake.test_store import envelope

WEEK = "2026-W47"


@pytest.fixture
def stick(tmp_path) -> Path:
    """An empty stick."""
    path = tmp_path / "stick"
    path.mkdir()
    return path


def filled(form: Form, count: int = 3) -> list[str]:
    """Ids of envelopes put into the store."""
    return [form.store.add(envelope(), WEEK) for _ in range(count)]


def ack_of(form: Form, ids, *, seq: int = 1, seed: bytes | None = None, **changes) -> tuple[bytes, bytes]:
    """An acknowledgement of what the store holds under these ids, as the review machine signs it."""
    present = {one.id: one.sha256 for one in form.store.pending()}
    values = {
        "center": form.center.id,
        "ack_seq": seq,
        "manifest": "0" * 64,
        "stored": tuple(AckEntry(id=one, sha256=present[one], state=AckState.READ) for one in sorted(ids)),
        "audit_head": f"{seq:064x}",
    }
    content = format_acknowledgement(Acknowledgement(**(values | changes)))
    return content, signing.sign(labels.ACK, content, seed or form.center.ack_seed)


def exported(form: Form, stick: Path, day: date = DAY) -> export.Exported:
    """One export."""
    return export.export(form.exchange, stick, day=day)


def manifest_of(form: Form, directory: Path):
    """The manifest, verified as the review machine does it."""
    return read_manifest(
        (directory / bundle.MANIFEST_NAME).read_bytes(),
        (directory / bundle.MANIFEST_SIG_NAME).read_bytes(),
        export_public=form.exchange.export_key.public,
        center=form.center.id,
    )


def test_a_bundle_holds_every_envelope_under_its_name_and_hash(form, stick):
    """What the manifest says is what lies there."""
    ids = filled(form)

    done = exported(form, stick)

    (directory,) = done.bundles
    manifest = manifest_of(form, directory)
    assert directory.name == f"bundle-{form.center.id}-1"
    assert [one.id for one in manifest.envelopes] == sorted(ids)
    for entry in manifest.envelopes:
        sealed = (directory / entry.file_name).read_bytes()
        assert (len(sealed), hashlib.sha256(sealed).hexdigest()) == (entry.n, entry.sha256)
    assert (manifest.seq, manifest.prev, manifest.last_ack) == (1, None, None)
    assert manifest.config_serial == form.center.config.serial


def test_a_bundle_checks_with_stock_tools(form, stick):
    """Anybody may see that a stick is whole, without us."""
    filled(form)
    (directory,) = exported(form, stick).bundles

    for line in (directory / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((directory / name).read_bytes()).hexdigest() == digest


def test_another_account_can_read_a_bundle_whatever_the_umask_says(form, stick):
    """On the review machine a stick that knows owners is read by another account; all in it is sealed or public."""
    filled(form)
    before = os.umask(0o077)
    try:
        (directory,) = exported(form, stick).bundles
    finally:
        os.umask(before)

    assert stat.S_IMODE(directory.stat().st_mode) == 0o755
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o644}


def test_a_file_of_our_own_that_cannot_be_written_is_named(tmp_path):
    """A full disk under the data directory is no fault of the stick, and no traceback."""
    with (
        pytest.raises(errors.StoreFullError, match="next-manifest"),
        kept.keeping_manifest(tmp_path / "gone", b"x", b"y", DAY),
    ):
        pass


@pytest.mark.parametrize("failing", ["server", "stick"])
def test_a_bundle_that_is_not_remembered_is_none(form, stick, failing):
    """Its number is used again: two bundles of one number would look to the reviewers as if one were forged."""
    filled(form)
    unfinished = stick / f"bundle-{form.center.id}-1"
    in_the_way = form.exchange.data_dir / "next-manifest.tmp"
    if failing == "server":
        in_the_way.mkdir()
    else:
        unfinished.mkdir()
        in_the_way = unfinished / "gone.tmp"
        in_the_way.symlink_to(
            stick / "nowhere"
        )  # its time cannot be set: an error after the manifest is written

    with pytest.raises(errors.StoreFullError if failing == "server" else errors.ExportError):
        exported(form, stick)

    assert len(list(unfinished.glob("*.age"))) == 3
    assert not (unfinished / bundle.MANIFEST_NAME).exists()
    assert form.exchange.last_manifest is None
    in_the_way.rmdir() if failing == "server" else in_the_way.unlink()
    (directory,) = exported(form, stick).bundles
    assert directory == unfinished
    assert form.exchange.last_manifest.manifest == manifest_of(form, directory)
    assert not (form.exchange.data_dir / "next-manifest").exists()


def test_no_time_in_a_bundle_is_finer_than_the_week(form, stick):
    """File times of a stick would tell when the operator had reports to carry."""
    filled(form)
    (directory,) = exported(form, stick).bundles

    times = {path.stat().st_mtime for path in (directory, *directory.iterdir())}
    assert times == {seconds_of(monday(DAY))}
    assert {path.suffix for path in directory.iterdir()} == {".json", ".sig", ".age", ".txt", ""}


def test_bundles_are_chained_and_each_holds_all_that_is_not_acknowledged(form, stick):
    """A lost stick costs nothing: the next one holds the same and more."""
    first = filled(form, 2)
    (one,) = exported(form, stick).bundles
    second = filled(form, 1)
    (two,) = exported(form, stick).bundles

    manifest = manifest_of(form, two)
    assert manifest.seq == 2
    assert manifest.prev == hashlib.sha256((one / bundle.MANIFEST_NAME).read_bytes()).hexdigest()
    assert [entry.id for entry in manifest.envelopes] == sorted(first + second)


def test_more_than_one_bundle_holds_is_split_by_whole_envelopes(form, stick):
    """A stick's file system and the review machine both have a limit; no envelope is cut."""
    ids = filled(form, 5)

    done = export.export(form.exchange, stick, day=DAY, max_size=2 * 34_427)

    manifests = [manifest_of(form, directory) for directory in done.bundles]
    assert [len(one.envelopes) for one in manifests] == [2, 2, 1]
    assert [one.seq for one in manifests] == [1, 2, 3]
    assert sorted(entry.id for one in manifests for entry in one.envelopes) == sorted(ids)


def test_export_alone_deletes_nothing(form, stick):
    """A stick can be lost on the way."""
    ids = filled(form)
    for _ in range(3):
        exported(form, stick)

    assert sorted(ids) == list(form.store.index())


def test_an_acknowledged_envelope_leaves_in_two_steps(form, stick):
    """First it is no longer exported; the next acknowledgement overwrites it."""
    ids = filled(form)
    exported(form, stick)

    done = acknowledge(form.exchange, *ack_of(form, ids[:2]), day=DAY)

    assert (done.is_new, done.forgotten, done.erased) == (True, 2, 0)
    assert form.store.count() == 3
    (directory,) = exported(form, stick).bundles
    manifest = manifest_of(form, directory)
    assert [entry.id for entry in manifest.envelopes] == ids[2:]
    assert (manifest.last_ack.ack_seq, manifest.last_ack.audit_head) == (1, f"{1:064x}")

    done = acknowledge(form.exchange, *ack_of(form, ids[2:], seq=2), day=DAY)

    assert (done.forgotten, done.erased) == (1, 2)
    assert list(form.store.index()) == ids[2:]


def test_five_weeks_overwrite_what_no_second_acknowledgement_did(form):
    """A server that is never visited again must not keep ciphertext for ever."""
    ids = filled(form)
    acknowledge(form.exchange, *ack_of(form, ids), day=DAY)

    assert erase_due(form.exchange, DAY + timedelta(weeks=5, days=-1)) == 0
    assert form.store.count() == 3
    assert erase_due(form.exchange, DAY + timedelta(weeks=5)) == 3
    assert form.store.count() == 0


def test_status_counts_each_state_apart(form, stick):
    """The operator's three numbers."""
    ids = filled(form, 4)
    exported(form, stick)
    filled(form, 1)

    before = status(form.exchange, DAY)
    acknowledge(form.exchange, *ack_of(form, ids[:3]), day=DAY)
    after = status(form.exchange, DAY)

    assert (before.stored, before.exported, before.awaiting_acknowledgement, before.pending_delete) == (
        5,
        4,
        4,
        0,
    )
    assert (after.stored, after.exported, after.awaiting_acknowledgement, after.pending_delete) == (
        2,
        4,
        1,
        3,
    )


def test_alarms_come_after_two_weeks_without_export_and_four_without_acknowledgement(form, stick):
    """A queue that nobody empties is how reports are lost for weeks."""
    filled(form)

    assert status(form.exchange, DAY + timedelta(days=13)).alarms == ()
    assert "export" in status(form.exchange, DAY + timedelta(days=14)).alarms[0]

    exported(form, stick, DAY + timedelta(days=14))
    assert status(form.exchange, DAY + timedelta(days=27)).alarms == ()
    assert "reviewers" in status(form.exchange, DAY + timedelta(days=28)).alarms[-1]


# Refusals


@pytest.mark.parametrize("forgery", ["other key", "changed", "other label", "empty", "other center"])
def test_a_forged_or_foreign_acknowledgement_changes_nothing(form, forgery):
    """Deleting is the one thing that this file can do."""
    ids = filled(form)
    content, signature = ack_of(form, ids)
    if forgery == "other key":
        content, signature = ack_of(form, ids, seed=make_center(center="another-center").ack_seed)
    elif forgery == "changed":
        content = content.replace(b'"ack_seq":1', b'"ack_seq":2')
    elif forgery == "other label":
        signature = signing.sign(labels.BUNDLE, content, form.center.ack_seed)
    elif forgery == "empty":
        signature = b""
    else:
        content, signature = ack_of(form, ids, center="another-center")

    with pytest.raises((SignatureError, BundleError)):
        acknowledge(form.exchange, content, signature, day=DAY)

    assert status(form.exchange, DAY).stored == 3
    assert form.exchange.last_ack is None


def test_the_same_acknowledgement_twice_deletes_once(form):
    """The operator may well run the command again."""
    ids = filled(form)
    ack = ack_of(form, ids[:2])
    acknowledge(form.exchange, *ack, day=DAY)

    again = acknowledge(form.exchange, *ack, day=DAY)

    assert (again.is_new, again.erased) == (False, 0)
    assert form.store.count() == 3


def test_an_older_acknowledgement_that_comes_late_deletes_nothing(form):
    """Sticks are mixed up; the witness of the audit chain must not go back."""
    ids = filled(form)
    old = ack_of(form, ids[:1], seq=1)
    acknowledge(form.exchange, *ack_of(form, ids[1:2], seq=2), day=DAY)

    assert not acknowledge(form.exchange, *old, day=DAY).is_new
    assert status(form.exchange, DAY).stored == 2
    assert form.exchange.last_ack.acknowledgement.ack_seq == 2


def test_an_acknowledgement_of_other_bytes_deletes_nothing_and_says_so(form):
    """A bit that flipped on the stick: the vault holds other bytes than we do."""
    ids = filled(form)
    wrong = tuple(AckEntry(id=one, sha256="0" * 64, state=AckState.KEPT) for one in sorted(ids[:2]))

    done = acknowledge(form.exchange, *ack_of(form, ids, stored=wrong), day=DAY)

    assert (done.forgotten, sorted(done.unmatched)) == (0, sorted(ids[:2]))
    assert status(form.exchange, DAY).stored == 3
    acknowledge(form.exchange, *ack_of(form, ids[2:], seq=2), day=DAY)
    assert form.store.count() == 3


def test_an_acknowledgement_of_strangers_is_harmless(form):
    """An id that is not here is somebody else's, or long gone."""
    filled(form)
    stranger = (AckEntry(id="7" * 16, sha256="0" * 64, state=AckState.READ),)

    done = acknowledge(form.exchange, *ack_of(form, [], stored=stranger), day=DAY)

    assert (done.forgotten, done.unmatched) == (0, ())


def test_erasing_goes_on_after_a_crash_between_its_steps(form):
    """The old acknowledgement is still in force, and what it named is already gone."""
    ids = filled(form)
    acknowledge(form.exchange, *ack_of(form, ids[:2]), day=DAY)
    second = ack_of(form, ids[2:], seq=2)
    form.store.erase({one: form.store.index()[one] for one in ids[:2]})  # then the power goes

    done = acknowledge(form.exchange, *second, day=DAY)

    assert (done.is_new, done.forgotten, done.erased) == (True, 1, 0)


def test_a_crash_in_mid_export_leaves_no_bundle_and_the_next_export_completes_it(form, stick):
    """Without its manifest a directory is no bundle."""
    ids = filled(form)
    half = stick / f"bundle-{form.center.id}-1"
    half.mkdir()
    (half / f"{ids[0]}.age.tmp").write_bytes(b"half of it")

    (directory,) = exported(form, stick).bundles

    assert directory == half
    assert len(manifest_of(form, directory).envelopes) == 3


def test_a_bundle_is_never_written_over(form, stick):
    """The same number twice would hide which of the two the vault has seen."""
    filled(form)
    (directory,) = exported(form, stick).bundles
    (form.exchange.data_dir / kept.MANIFEST_NAME).unlink()  # as if restored from an old backup

    with pytest.raises(errors.ExportError, match="exists already"):
        exported(form, stick)

    assert manifest_of(form, directory).seq == 1


@pytest.mark.parametrize("place", ["missing", "a file"])
def test_a_destination_that_is_no_directory_is_refused(form, tmp_path, place):
    """A forgotten mount must not fill the server's own disk."""
    target = tmp_path / "nowhere"
    if place == "a file":
        target.write_text("x")

    with pytest.raises(errors.ExportError, match="mount the stick"):
        export.export(form.exchange, target, day=DAY)


def test_a_damaged_envelope_is_named_and_the_others_are_exported(form, stick):
    """One bad sector must not hold back every report."""
    ids = filled(form)
    connection = sqlite3.connect(form.config.intake.store)
    connection.execute("UPDATE slot SET content = zeroblob(40960) WHERE envelope = ?", (int(ids[0], 16),))
    connection.commit()
    connection.close()

    done = exported(form, stick)

    assert done.damaged == (ids[0],)
    assert done.reports == 2
    assert status(form.exchange, DAY).stored == 3


@pytest.mark.parametrize("name", [kept.MANIFEST_NAME, kept.ACKNOWLEDGEMENT_NAME])
def test_a_damaged_memory_of_the_exchange_is_named_with_what_to_do(form, stick, name):
    """Guessing here could delete."""
    (form.exchange.data_dir / name).write_bytes(b"nonsense")

    with pytest.raises(errors.NotInitialisedError, match="move it away"):
        exported(form, stick)


def test_what_is_remembered_is_believed_only_under_the_present_keys(form):
    """After a new ceremony the old acknowledgement says nothing about new numbers."""
    ids = filled(form)
    acknowledge(form.exchange, *ack_of(form, ids), day=DAY)

    assert (
        kept.last_acknowledgement(form.exchange.data_dir, ack_public=bytes(32), center=form.center.id) is None
    )
    assert (
        kept.last_acknowledgement(
            form.exchange.data_dir, ack_public=form.center.ack_public, center="another-center"
        )
        is None
    )


def test_the_export_key_is_its_owners_alone(form):
    """It proves the order of bundles."""
    path = form.exchange.data_dir / "export.key"

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(errors.AlreadyInitialisedError):
        kept.make_export_key(form.exchange.data_dir)
    path.write_text("zz")
    with pytest.raises(errors.NotInitialisedError, match="pair the review machine again"):
        kept.read_export_key(form.exchange.data_dir)
