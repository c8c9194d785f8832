"""Receiving a bundle: nothing lost, nothing doubled, everything odd is named."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from crypto import payload, seal, xwing
from crypto.age import seal_to
from crypto.bundle import AckState, BundleEntry, LastAck
from crypto.errors import BundleError, SignatureError
from crypto.keystore import Keystore
from crypto.report import header_fields
from review_tool import arrivals, audit
from review_tool.audit import Act
from review_tool.cases import State
from review_tool.errors import PairingError, ReceiveError
from review_tool.schema import CASE, ENVELOPE, TOMBSTONE
from tests.center import DAY, Center, make_center, sample_report, seed_of
from tests.review_tool.review_machine import (
    Machine,
    broken_envelopes,
    entry_of,
    flipped,
    id_of,
    make_machine,
    reports,
    sealed,
    write_bundle,
)


@pytest.fixture
def machine(tmp_path: Path, center: Center) -> Machine:
    """Its review machine, paired."""
    return make_machine(tmp_path, center)


def quarantined(machine: Machine) -> dict[str, bytes]:
    """Reason and kept ciphertext of everything in quarantine."""
    with machine.opened() as vault, vault.transaction() as connection:
        rows = connection.execute(select(ENVELOPE).where(ENVELOPE.c.quarantine.is_not(None)))
        return {row.quarantine: row.sealed for row in rows}


def acts(machine: Machine, act: Act) -> list[dict[str, object]]:
    """What the log says about one kind of act."""
    with machine.opened() as vault, vault.transaction() as connection:
        return [facts for _, facts in audit.read(connection) if facts and facts["act"] == act.value]


# --- what must arrive -----------------------------------------------------------------------------


def test_a_bundle_becomes_cases_with_their_sealed_originals(
    machine: Machine, center: Center, tmp_path: Path
) -> None:
    """Hop 5 of the flow: nothing of what a person told is missing afterwards."""
    envelopes = sealed(center, *reports(3))
    write_bundle(tmp_path / "bundle", center, envelopes)

    received = machine.receive(tmp_path / "bundle")

    assert (received.opened, received.known, received.is_doubtful) == (3, 0, False)
    cases = machine.cases()
    assert {case.report.narrative for case in cases} == {f"Story number {n}." for n in range(3)}
    assert {case.state for case in cases} == {State.NEW}
    with machine.opened() as vault, vault.transaction() as connection:
        assert set(connection.execute(select(ENVELOPE.c.sealed)).scalars()) == set(envelopes)


def test_only_the_week_of_arrival_is_kept(machine: Machine, center: Center, tmp_path: Path) -> None:
    """No machine records when a person wrote; the day stays inside the seal."""
    write_bundle(tmp_path / "bundle", center, sealed(center, sample_report()))

    machine.receive(tmp_path / "bundle")

    assert machine.cases()[0].week == "2026-W47"


def test_a_second_receive_counts_and_adds_nothing(machine: Machine, center: Center, tmp_path: Path) -> None:
    """A reviewer who is unsure whether it worked simply does it again."""
    write_bundle(tmp_path / "bundle", center, sealed(center, *reports(3)))
    first = machine.receive(tmp_path / "bundle")

    second = machine.receive(tmp_path / "bundle")

    assert (second.opened, second.known, second.is_doubtful) == (0, 3, False)
    assert second.entries == first.entries
    assert len(machine.cases()) == 3


def test_a_later_bundle_adds_only_what_is_new(machine: Machine, center: Center, tmp_path: Path) -> None:
    """Every export holds all that is not yet acknowledged, so bundles overlap."""
    envelopes = sealed(center, *reports(5))
    first = write_bundle(tmp_path / "one", center, envelopes[:3])
    write_bundle(tmp_path / "two", center, envelopes, seq=2, prev=first)
    machine.receive(tmp_path / "one")

    received = machine.receive(tmp_path / "two")

    assert (received.opened, received.known, received.is_doubtful) == (2, 3, False)
    assert len(received.entries) == 5


def test_more_reports_than_one_transaction_takes_all_arrive(
    machine: Machine, center: Center, tmp_path: Path
) -> None:
    """Groups are an economy, never a limit."""
    write_bundle(tmp_path / "bundle", center, sealed(center, *reports(150)))

    received = machine.receive(tmp_path / "bundle")

    assert received.opened == 150
    assert len({case.id for case in machine.cases()}) == 150


def test_every_import_is_in_the_log(machine: Machine, center: Center, tmp_path: Path) -> None:
    """P10: what was done to a report can be told from the chain."""
    write_bundle(tmp_path / "bundle", center, sealed(center, *reports(2)))

    machine.receive(tmp_path / "bundle")

    assert {entry["case"] for entry in acts(machine, Act.IMPORT)} == {"R-0001", "R-0002"}
    assert acts(machine, Act.RECEIVE)[0]["opened"] == 2


# --- what does not open ---------------------------------------------------------------------------


def test_each_broken_envelope_goes_into_its_quarantine_with_its_ciphertext(
    machine: Machine, center: Center, tmp_path: Path
) -> None:
    """The failure table: each fault has its class, and nothing that came is thrown away."""
    broken = broken_envelopes(center)
    write_bundle(tmp_path / "bundle", center, [*broken.values(), sealed(center, sample_report())[0]])

    received = machine.receive(tmp_path / "bundle")

    assert quarantined(machine) == {reason.value: content for reason, content in broken.items()}
    assert received.quarantined == dict.fromkeys(sorted(reason.value for reason in broken), 1)
    assert received.opened == 1
    assert sum(entry.state is AckState.KEPT for entry in received.entries) == len(broken)


def test_tampering_raises_an_alarm(machine: Machine, center: Center, tmp_path: Path) -> None:
    """Somebody had the stick or the server in hand: a person must know."""
    good = sealed(center, sample_report())[0]
    write_bundle(tmp_path / "bundle", center, [flipped(good, len(good) - 1)])

    received = machine.receive(tmp_path / "bundle")

    assert any("changed after it was sealed" in doubt for doubt in received.doubts)


def test_what_no_key_opened_is_tried_again_when_a_key_is_added(tmp_path: Path) -> None:
    """A keystore of an old epoch must not cost a report."""
    center = make_center(epochs=2)
    machine = make_machine(tmp_path, center)
    old = without_epoch(center.keystore, 2)
    one_epoch = make_center(epochs=2)
    config = one_epoch.config
    only_new = replace(config, recipients=tuple(r for r in config.recipients if r.epoch == 2))
    envelope = seal.seal(sample_report(), only_new, lang="en", flags=[], day=DAY).sealed
    write_bundle(tmp_path / "bundle", center, [envelope])
    first = machine.receive(tmp_path / "bundle", keystore=old)
    assert first.quarantined == {"no-key": 1}

    second = machine.receive(tmp_path / "bundle", keystore=center.keystore)

    assert (second.retried, second.known) == (1, 1)
    assert [entry.state for entry in second.entries] == [AckState.READ]
    assert len(machine.cases()) == 1


def test_what_no_key_opens_is_not_tried_again_with_the_same_keys(
    machine: Machine, center: Center, tmp_path: Path
) -> None:
    """Otherwise a pile of foreign envelopes would make every receive slower for ever."""
    write_bundle(tmp_path / "bundle", center, sealed(make_center(center="other-center"), sample_report()))
    machine.receive(tmp_path / "bundle")

    again = machine.receive(tmp_path / "bundle")

    assert (again.retried, again.quarantined, again.known) == (0, {}, 1)
    assert len(acts(machine, Act.QUARANTINE)) == 1


def test_a_newer_format_is_tried_again_by_newer_software(
    machine: Machine, center: Center, tmp_path: Path
) -> None:
    """Set aside with a reason, not given up."""
    write_bundle(tmp_path / "bundle", center, sealed(center, sample_report()))
    machine.receive(tmp_path / "bundle")
    with machine.opened() as vault, vault.transaction() as connection:
        # As an older version would have left it: it could not read what this one can.
        connection.execute(CASE.delete())
        reason = {"outcome": "quarantine", "quarantine": "newer-format", "tried": "older software"}
        connection.execute(update(ENVELOPE).values(reason))

    received = machine.receive(tmp_path / "bundle", software="0.2.0")

    assert received.retried == 1
    assert len(machine.cases()) == 1


def test_an_unknown_configuration_keeps_no_report_out(tmp_path: Path, center: Center) -> None:
    """The labels may be missing; the story is not."""
    other = make_center(serial=7)  # same keys, another configuration
    machine = make_machine(tmp_path, center)
    write_bundle(tmp_path / "bundle", center, sealed(other, sample_report()))

    received = machine.receive(tmp_path / "bundle")

    assert received.opened == 1
    assert not machine.cases()[0].context_known


# --- what came before -----------------------------------------------------------------------------


def test_the_same_payload_under_another_seal_is_counted_and_dropped(
    tmp_path: Path, center: Center, machine: Machine
) -> None:
    """A replay by somebody with the public key must not count twice."""
    first, second = resealed(center, "a" * 32), resealed(center, "a" * 32)
    write_bundle(tmp_path / "bundle", center, [first, second])

    received = machine.receive(tmp_path / "bundle")

    assert (received.opened, received.copies) == (1, 1)
    assert len(machine.cases()) == 1
    assert {entry.state for entry in received.entries} == {AckState.READ}
    assert acts(machine, Act.DROP)[0]["outcome"] == "copy"


def test_a_shredded_report_does_not_come_back_from_an_old_stick(
    tmp_path: Path, center: Center, machine: Machine
) -> None:
    """Who was promised destruction must not reappear."""
    with machine.opened() as vault, vault.transaction() as connection:
        connection.execute(insert(TOMBSTONE), {"sha256": arrivals.tombstone("b" * 32)})
    write_bundle(tmp_path / "bundle", center, [resealed(center, "b" * 32)])

    received = machine.receive(tmp_path / "bundle")

    assert (received.opened, received.shredded) == (0, 1)
    with machine.opened() as vault, vault.transaction() as connection:
        assert connection.execute(select(ENVELOPE.c.sealed)).scalars().all() == [None]


# --- manifests that lie ---------------------------------------------------------------------------


def test_a_damaged_envelope_is_named_and_not_acknowledged(
    tmp_path: Path, center: Center, machine: Machine
) -> None:
    """The server keeps what did not arrive whole."""
    good, bad = sealed(center, *reports(2))
    write_bundle(tmp_path / "bundle", center, [good, bad])
    (tmp_path / "bundle" / entry_of(bad).file_name).write_bytes(flipped(bad, 100))

    received = machine.receive(tmp_path / "bundle")

    assert received.damaged == {id_of(bad): "is not what the manifest says (another hash)"}
    assert [entry.id for entry in received.entries] == [id_of(good)]


@pytest.mark.parametrize("change", ["missing", "short", "long"])
def test_a_missing_or_resized_envelope_is_named(
    change: str, tmp_path: Path, center: Center, machine: Machine
) -> None:
    """Sticks are pulled out too early, and copied by people."""
    envelope = sealed(center, sample_report())[0]
    write_bundle(tmp_path / "bundle", center, [envelope])
    path = tmp_path / "bundle" / entry_of(envelope).file_name
    if change == "missing":
        path.unlink()
    else:
        path.write_bytes(envelope[:-1] if change == "short" else envelope + b"\0")

    received = machine.receive(tmp_path / "bundle")

    assert list(received.damaged) == [id_of(envelope)]
    assert received.entries == ()
    assert machine.cases() == []


def test_a_manifest_that_names_too_many_bytes_reads_none(
    tmp_path: Path, center: Center, machine: Machine
) -> None:
    """A sparse file of a hundred gigabytes is refused by its size, unread."""
    huge = 100 * 1024**3
    entry = BundleEntry(id="1" * 16, n=huge, sha256="0" * 64)
    write_bundle(tmp_path / "bundle", center, [], entries=[entry])
    with (tmp_path / "bundle" / entry.file_name).open("wb") as file:
        file.truncate(huge)

    received = machine.receive(tmp_path / "bundle")

    assert "larger than" in received.damaged[entry.id]


def test_a_file_the_manifest_does_not_name_is_ignored_and_reported(
    tmp_path: Path, center: Center, machine: Machine
) -> None:
    """Only what the server signed for is opened; the name is made harmless."""
    write_bundle(tmp_path / "bundle", center, sealed(center, sample_report()))
    (tmp_path / "bundle" / "\x1b]0;hello\x07.age").write_bytes(sealed(center, sample_report())[0])

    received = machine.receive(tmp_path / "bundle")

    assert received.foreign == ("[U+001B]]0;hello[U+0007].age",)
    assert received.opened == 1


def test_a_gap_in_the_numbers_is_reported_and_the_import_goes_on(
    tmp_path: Path, center: Center, machine: Machine
) -> None:
    """A lost stick is worth a question, not a lost report."""
    first = write_bundle(tmp_path / "one", center, sealed(center, sample_report()))
    write_bundle(tmp_path / "four", center, sealed(center, sample_report()), seq=4, prev=first)
    machine.receive(tmp_path / "one")

    received = machine.receive(tmp_path / "four")

    assert received.opened == 1
    assert any("bundles 2 to 3 were never received here" in doubt for doubt in received.doubts)


def test_one_missing_bundle_is_one_bundle(tmp_path: Path, center: Center, machine: Machine) -> None:
    """A span of "4 to 4" makes a reader look for more."""
    first = write_bundle(tmp_path / "three", center, sealed(center, sample_report()), seq=3)
    write_bundle(tmp_path / "five", center, sealed(center, sample_report()), seq=5, prev=first)
    machine.receive(tmp_path / "three")

    (doubt,) = machine.receive(tmp_path / "five").doubts

    assert doubt.startswith("bundle 4 was never received here")


def test_a_broken_chain_of_bundles_is_reported(tmp_path: Path, center: Center, machine: Machine) -> None:
    """Two servers with one key, or a server set back."""
    write_bundle(tmp_path / "one", center, sealed(center, sample_report()))
    write_bundle(tmp_path / "two", center, sealed(center, sample_report()), seq=2, prev="0" * 64)
    machine.receive(tmp_path / "one")

    received = machine.receive(tmp_path / "two")

    assert any("does not follow" in doubt for doubt in received.doubts)
    assert received.opened == 1


def test_two_bundles_with_one_number_are_reported(tmp_path: Path, center: Center, machine: Machine) -> None:
    """A server that starts to count anew has lost its memory."""
    write_bundle(tmp_path / "one", center, sealed(center, sample_report()))
    write_bundle(tmp_path / "again", center, sealed(center, sample_report()))
    machine.receive(tmp_path / "one")

    received = machine.receive(tmp_path / "again")

    assert any("was received before" in doubt for doubt in received.doubts)


def test_a_server_that_heard_another_vault_raises_an_alarm(
    tmp_path: Path, center: Center, machine: Machine
) -> None:
    """The vault was set back, or there is a second one: reports may be missing here."""
    last = LastAck(ack_seq=3, audit_head="f" * 64)
    write_bundle(tmp_path / "bundle", center, sealed(center, sample_report()), last_ack=last)

    received = machine.receive(tmp_path / "bundle")

    assert any("set back" in doubt for doubt in received.doubts)
    assert received.opened == 1


def test_a_head_of_our_own_chain_raises_no_alarm(tmp_path: Path, center: Center, machine: Machine) -> None:
    """The alarm must be silent on every ordinary day."""
    with machine.opened() as vault, vault.transaction() as connection:
        head = audit.head(connection)
    last = LastAck(ack_seq=1, audit_head=head)
    write_bundle(tmp_path / "bundle", center, sealed(center, sample_report()), last_ack=last)

    assert machine.receive(tmp_path / "bundle").doubts == ()


# --- bundles that are refused ---------------------------------------------------------------------


def test_without_pairing_nothing_is_received(tmp_path: Path, center: Center) -> None:
    """Somebody must have compared a fingerprint first."""
    machine = make_machine(tmp_path, center, paired=False)
    write_bundle(tmp_path / "bundle", center, sealed(center, sample_report()))

    with pytest.raises(PairingError, match="review-tool pair"):
        machine.receive(tmp_path / "bundle")


def test_a_manifest_signed_by_another_key_is_refused_whole(
    tmp_path: Path, center: Center, machine: Machine
) -> None:
    """A stick that was prepared by somebody else brings nothing in."""
    write_bundle(
        tmp_path / "bundle", center, sealed(center, sample_report()), signed_by=seed_of("a stranger")
    )

    with pytest.raises(SignatureError):
        machine.receive(tmp_path / "bundle")
    assert machine.cases() == []


def test_a_bundle_of_another_center_is_refused_whole(
    tmp_path: Path, center: Center, machine: Machine
) -> None:
    """Centers exchange sticks by mistake."""
    other = make_center(center="other-center")
    write_bundle(tmp_path / "bundle", other, sealed(other, sample_report()), signed_by=center.export_seed)

    with pytest.raises(BundleError):
        machine.receive(tmp_path / "bundle")


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sig"])
def test_a_bundle_without_its_manifest_or_signature_is_refused(
    name: str, tmp_path: Path, center: Center, machine: Machine
) -> None:
    """Nothing is taken that was not signed for."""
    write_bundle(tmp_path / "bundle", center, sealed(center, sample_report()))
    (tmp_path / "bundle" / name).unlink()

    with pytest.raises(ReceiveError, match="is missing"):
        machine.receive(tmp_path / "bundle")


@pytest.mark.parametrize("kind", ["fifo", "symlink", "hard link", "directory"])
def test_a_trap_in_place_of_the_manifest_is_refused_at_once(
    kind: str, tmp_path: Path, center: Center, machine: Machine
) -> None:
    """A pipe would hang, a link would read something else of ours."""
    write_bundle(tmp_path / "bundle", center, sealed(center, sample_report()))
    manifest = tmp_path / "bundle" / "manifest.json"
    manifest.rename(tmp_path / "elsewhere")
    match kind:
        case "fifo":
            os.mkfifo(manifest)
        case "symlink":
            manifest.symlink_to(tmp_path / "elsewhere")
        case "hard link":
            manifest.hardlink_to(tmp_path / "elsewhere")
        case _:
            manifest.mkdir()

    with pytest.raises(ReceiveError):
        machine.receive(tmp_path / "bundle")


def test_a_linked_bundle_folder_is_refused(tmp_path: Path, center: Center, machine: Machine) -> None:
    """The stick must not choose which folder of this machine is read."""
    write_bundle(tmp_path / "bundle", center, sealed(center, sample_report()))
    (tmp_path / "link").symlink_to(tmp_path / "bundle")

    with pytest.raises(ReceiveError):
        machine.receive(tmp_path / "link")


@pytest.mark.parametrize("kind", ["fifo", "symlink", "device"])
def test_a_trap_in_place_of_an_envelope_is_named_and_the_rest_arrives(
    kind: str, tmp_path: Path, center: Center, machine: Machine
) -> None:
    """One hostile file must not keep the others out."""
    trap, good = sealed(center, *reports(2))
    write_bundle(tmp_path / "bundle", center, [trap, good])
    path = tmp_path / "bundle" / entry_of(trap).file_name
    path.unlink()
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "symlink":
            path.symlink_to("/etc/hostname")
        case _:
            path.symlink_to("/dev/zero")

    received = machine.receive(tmp_path / "bundle")

    assert received.damaged == {id_of(trap): "is a link or no regular file"}
    assert received.opened == 1


def without_epoch(keystore: Keystore, epoch: int) -> Keystore:
    """The keystore as it was before an epoch was added."""
    return replace(keystore, epochs=tuple(one for one in keystore.epochs if one.epoch != epoch))


def resealed(center: Center, payload_id: str) -> bytes:
    """A report with a payload id of our choice, as anybody with the public key could seal it."""
    plaintext = payload.pack_report(
        fields=header_fields(sample_report()),
        flags=[],
        form_lang="en",
        form_version="1.0",
        payload_id=payload_id,
        received_day=DAY,
        context_id=center.config.context_id,
        contact_block=None,
    )
    return seal_to([xwing.key_pair(center.epoch_seeds[1]).public], plaintext)
