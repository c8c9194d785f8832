"""Manifests and acknowledgements: verified before they are parsed, and refused when anything is not exact."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto import bundle, canonical, labels, signing
from crypto.bundle import (
    AckEntry,
    Acknowledgement,
    AckState,
    BundleEntry,
    LastAck,
    Manifest,
    format_acknowledgement,
    format_manifest,
    read_acknowledgement,
    read_manifest,
)
from crypto.errors import BundleError, SignatureError

CENTER = "test-center"
EXPORT_SEED, ACK_SEED = b"\x01" * 32, b"\x02" * 32
EXPORT_PUBLIC, ACK_PUBLIC = signing.public_of(EXPORT_SEED), signing.public_of(ACK_SEED)
GOLDEN = Path(__file__).parent.parent / "golden"
MANIFEST = Manifest(
    center=CENTER,
    seq=7,
    prev="aa" * 32,
    config_serial=3,
    envelopes=(
        BundleEntry(id="0123456789abcdef", n=34_427, sha256="bb" * 32),
        BundleEntry(id="7fffffffffffffff", n=35_984, sha256="cc" * 32),
    ),
    last_ack=LastAck(ack_seq=6, audit_head="dd" * 32),
)
ACK = Acknowledgement(
    center=CENTER,
    ack_seq=7,
    manifest="ee" * 32,
    stored=(
        AckEntry(id="0123456789abcdef", sha256="bb" * 32, state=AckState.READ),
        AckEntry(id="7fffffffffffffff", sha256="cc" * 32, state=AckState.KEPT),
    ),
    audit_head="ff" * 32,
)


def manifest_of(content: bytes, *, seed: bytes = EXPORT_SEED, label: str = labels.BUNDLE) -> Manifest:
    """Sign these bytes and read them as the review machine does."""
    signature = signing.sign(label, content, seed)
    return read_manifest(content, signature, export_public=EXPORT_PUBLIC, center=CENTER)


def ack_of(content: bytes, *, seed: bytes = ACK_SEED, label: str = labels.ACK) -> Acknowledgement:
    """Sign these bytes and read them as the server does."""
    signature = signing.sign(label, content, seed)
    return read_acknowledgement(content, signature, ack_public=ACK_PUBLIC, center=CENTER)


def changed(content: bytes, change: Callable[[dict], object]) -> bytes:
    """The canonical bytes after a change of the parsed value."""
    value = json.loads(content)
    change(value)
    return canonical.encode(value)


def test_manifest_and_acknowledgement_come_back() -> None:
    """The server's list is the review machine's list."""
    assert manifest_of(format_manifest(MANIFEST)) == MANIFEST
    assert ack_of(format_acknowledgement(ACK)) == ACK


def test_first_manifest_has_no_past() -> None:
    """Nothing was exported and nothing acknowledged before it."""
    first = replace(MANIFEST, seq=1, prev=None, last_ack=None, envelopes=())

    assert manifest_of(format_manifest(first)) == first


def test_envelopes_are_sorted_by_id() -> None:
    """Any other order could tell the order of arrival (P2)."""
    backwards = replace(MANIFEST, envelopes=MANIFEST.envelopes[::-1])
    ack_backwards = replace(ACK, stored=ACK.stored[::-1])

    assert format_manifest(backwards) == format_manifest(MANIFEST)
    assert format_acknowledgement(ack_backwards) == format_acknowledgement(ACK)


def test_unsigned_content_is_never_parsed() -> None:
    """Verify before parsing: bytes of a stranger do not even reach the JSON reader."""
    with pytest.raises(SignatureError):
        manifest_of(b"{not JSON", seed=ACK_SEED)
    with pytest.raises(SignatureError):
        ack_of(b"{not JSON", seed=EXPORT_SEED)


@pytest.mark.parametrize("label", [labels.ACK, labels.RELEASE, labels.CONFIG, ""])
def test_signature_for_another_purpose_is_no_manifest(label: str) -> None:
    """The label is the one that the reader expects."""
    with pytest.raises(SignatureError):
        manifest_of(format_manifest(MANIFEST), label=label)


@pytest.mark.parametrize("label", [labels.BUNDLE, labels.RELEASE, labels.CONFIG, ""])
def test_signature_for_another_purpose_is_no_acknowledgement(label: str) -> None:
    """A release is signed by the same key: it must never delete a report."""
    with pytest.raises(SignatureError):
        ack_of(format_acknowledgement(ACK), label=label)


def test_a_refused_signature_names_its_file_and_the_next_step() -> None:
    """Who carries the stick learns which file to carry again; before, three kinds of files said the same."""
    with pytest.raises(
        SignatureError, match=r"^manifest\.json: .*carry the bundle over again.*nothing was taken"
    ):
        manifest_of(format_manifest(MANIFEST), seed=ACK_SEED)
    with pytest.raises(SignatureError, match=rf"^acknowledgement-{CENTER}-\*\.json: .*copy both files again"):
        ack_of(format_acknowledgement(ACK), seed=EXPORT_SEED)


@pytest.mark.parametrize("place", [0, 40, -1])
def test_changed_byte_is_refused(place: int) -> None:
    """An acknowledgement that was altered on the stick deletes nothing."""
    content = format_acknowledgement(ACK)
    signature = signing.sign(labels.ACK, content, ACK_SEED)
    altered = bytearray(content)
    altered[place] ^= 1

    with pytest.raises(SignatureError):
        read_acknowledgement(bytes(altered), signature, ack_public=ACK_PUBLIC, center=CENTER)


BOTH = {
    "another Center": lambda value: value.update(center="other-center"),
    "no Center": lambda value: value.update(center=None),
    "another kind": lambda value: value.update(what=labels.RELEASE),
    "a key more": lambda value: value.update(more=1),
}
WRONG_MANIFESTS: dict[str, Callable[[dict], object]] = {
    **BOTH,
    "a key less": lambda value: value.pop("prev"),
    "negative seq": lambda value: value.update(seq=-1),
    "seq as text": lambda value: value.update(seq="7"),
    "seq as truth": lambda value: value.update(seq=True),
    "prev no hash": lambda value: value.update(prev="aa"),
    "envelopes no list": lambda value: value.update(envelopes={}),
    "entry no object": lambda value: value["envelopes"].append("0123"),
    "id with a path": lambda value: value["envelopes"][0].update(id="../../etc/passwd"),
    "id of 64 bits": lambda value: value["envelopes"][1].update(id="8000000000000000"),
    "id in upper case": lambda value: value["envelopes"][0].update(id="0123456789ABCDEF"),
    "id with a line end": lambda value: value["envelopes"][0].update(id="0123456789abcdef\n"),
    "size negative": lambda value: value["envelopes"][0].update(n=-1),
    "hash in upper case": lambda value: value["envelopes"][0].update(sha256="BB" * 32),
    "entry twice": lambda value: value["envelopes"].append(value["envelopes"][1]),
    "wrong order": lambda value: value["envelopes"].reverse(),
    "last ack without head": lambda value: value["last_ack"].pop("audit_head"),
}  # fmt: skip
WRONG_ACKS: dict[str, Callable[[dict], object]] = {
    **BOTH,
    "a key less": lambda value: value.pop("audit_head"),
    "one copy only": lambda value: value.update(durable=1),
    "more copies than are known": lambda value: value.update(durable=3),
    "durable as truth": lambda value: value.update(durable=True),
    "unknown state": lambda value: value["stored"][0].update(state="deleted"),
    "state no text": lambda value: value["stored"][0].update(state=["read"]),
    "no hash": lambda value: value["stored"][0].update(sha256=None),
    "entry without hash": lambda value: value["stored"][0].pop("sha256"),
    "entry twice": lambda value: value["stored"].append(value["stored"][1]),
    "manifest no hash": lambda value: value.update(manifest="ee"),
    "head no hash": lambda value: value.update(audit_head=""),
    "negative ack_seq": lambda value: value.update(ack_seq=-1),
}


@pytest.mark.parametrize("reason", WRONG_MANIFESTS)
def test_signed_but_wrong_manifest_is_refused(reason: str) -> None:
    """The server may be in other hands: its signature proves gaps and damage, never that the file is harmless."""
    content = changed(format_manifest(MANIFEST), WRONG_MANIFESTS[reason])

    with pytest.raises(BundleError):
        manifest_of(content)


@pytest.mark.parametrize("reason", WRONG_ACKS)
def test_signed_but_wrong_acknowledgement_is_refused(reason: str) -> None:
    """It deletes reports: it must say exactly what the format says, and vouch for two copies."""
    content = changed(format_acknowledgement(ACK), WRONG_ACKS[reason])

    with pytest.raises(BundleError):
        ack_of(content)


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"{}", b"\xff", b"1" * 100, b'{"a":1,"a":1}'])
def test_signed_bytes_of_another_kind_are_refused(content: bytes) -> None:
    """Whatever was signed by mistake is refused in one class."""
    with pytest.raises(BundleError):
        manifest_of(content)
    with pytest.raises(BundleError):
        ack_of(content)


def test_other_spelling_of_the_same_manifest_is_refused() -> None:
    """One manifest has one hash, by which the next one names it."""
    with pytest.raises(BundleError):
        manifest_of(json.dumps(json.loads(format_manifest(MANIFEST))).encode())


@given(ids=st.sets(st.integers(min_value=0, max_value=2**63 - 1), max_size=20))
def test_any_row_ids_travel(ids: set[int]) -> None:
    """An id is the 63-bit row id of the store as 16 digits, whatever it is."""
    entries = tuple(BundleEntry(id=f"{one:016x}", n=1, sha256="00" * 32) for one in sorted(ids))

    assert manifest_of(format_manifest(replace(MANIFEST, envelopes=entries))).envelopes == entries
    assert all(bundle.ENVELOPE_NAME.fullmatch(entry.file_name) for entry in entries)


@pytest.mark.parametrize(
    "name", ["../0123456789abcdef.age", "0123456789abcdef.age\n", "8123456789abcdef.age", "0123456789abcdef.AGE", "a.age"]
)  # fmt: skip
def test_name_of_another_shape_is_no_envelope(name: str) -> None:
    """Names on a stick are chosen by whoever held it last."""
    assert bundle.ENVELOPE_NAME.fullmatch(name) is None


def test_names_on_the_stick_say_what_they_are() -> None:
    """A person sorts sticks by these names."""
    assert bundle.bundle_name(CENTER, 7) == "bundle-test-center-7"
    assert bundle.acknowledgement_name(CENTER, 7) == "acknowledgement-test-center-7.json"


def test_files_written_once_are_read_for_ever() -> None:
    """These bytes and signatures were made by the first version; sticks travel slowly."""
    read = {
        name: (GOLDEN / name).read_bytes()
        for name in ("manifest.json", "manifest.sig", "ack.json", "ack.sig")
    }
    manifest = read_manifest(
        read["manifest.json"], read["manifest.sig"], export_public=EXPORT_PUBLIC, center=CENTER
    )
    ack = read_acknowledgement(read["ack.json"], read["ack.sig"], ack_public=ACK_PUBLIC, center=CENTER)

    assert (manifest, ack) == (MANIFEST, ACK)
    assert read["manifest.json"] == format_manifest(MANIFEST)
    assert read["ack.json"] == format_acknowledgement(ACK)
