"""Bundles and acknowledgements: what travels between the two machines (FORMAT.md §7).

Values and their exact bytes; no file is touched here. A reader verifies before it parses, and expects its label.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from crypto import canonical, labels, signing
from crypto.canonical import Json
from crypto.errors import BundleError, CanonicalError

MANIFEST_NAME: Final = "manifest.json"
MANIFEST_SIG_NAME: Final = "manifest.sig"
SUMS_NAME: Final = "SHA256SUMS"
README_NAME: Final = "README.txt"
ENVELOPE_SUFFIX: Final = ".age"
ENVELOPE_NAME: Final = re.compile(r"[0-7][0-9a-f]{15}\.age")  # 63-bit row id as 16 lower-case hex digits
MAX_BUNDLE: Final = 2 * 1024**3  # bytes, 2 GiB: every stick's file system can hold it
DURABLE: Final = 2  # media that hold a report before it is acknowledged

_ID: Final = re.compile(r"[0-7][0-9a-f]{15}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_CENTER: Final = re.compile(r"[a-z0-9-]{3,32}")
_STATE: Final = re.compile("read|kept")  # the codes of `AckState`


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleEntry:
    """One envelope of a bundle: its id (16 hex digits), its size `n` in bytes, its SHA-256 in hex."""

    id: str
    n: int
    sha256: str

    @property
    def file_name(self) -> str:
        """Name of the envelope's file inside the bundle."""
        return self.id + ENVELOPE_SUFFIX


@dataclass(frozen=True, slots=True, kw_only=True)
class LastAck:
    """What the server remembers of the last acknowledgement: a witness of the vault's audit chain."""

    ack_seq: int
    audit_head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a bundle holds: every envelope not yet acknowledged, sorted by id.

    `prev` is the SHA-256 of the previous manifest in hex, None in the first bundle.
    """

    center: str
    seq: int
    prev: str | None
    config_serial: int
    envelopes: tuple[BundleEntry, ...]
    last_ack: LastAck | None


class AckState(StrEnum):
    """What became of an envelope: opened and read, or quarantined with its ciphertext kept."""

    READ = "read"
    KEPT = "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class AckEntry:
    """One envelope that may be forgotten: its id and the SHA-256 of the bytes that are kept elsewhere."""

    id: str
    sha256: str
    state: AckState


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """What the review machine holds durably twice; `manifest` is the SHA-256 of the manifest it answers."""

    center: str
    ack_seq: int
    manifest: str
    stored: tuple[AckEntry, ...]
    audit_head: str


def bundle_name(center: str, seq: int) -> str:
    """Name of the bundle's directory."""
    return f"bundle-{center}-{seq}"


def acknowledgement_name(center: str, ack_seq: int) -> str:
    """Name of the acknowledgement's file; its signature has the suffix `.sig` instead of `.json`."""
    return f"acknowledgement-{center}-{ack_seq}.json"


def format_manifest(manifest: Manifest) -> bytes:
    """Write the canonical bytes that the server's export key signs under `intake/bundle/v1`."""
    last = manifest.last_ack
    return canonical.encode(
        {
            "center": manifest.center,
            "config_serial": manifest.config_serial,
            "envelopes": [
                {"id": one.id, "n": one.n, "sha256": one.sha256}
                for one in sorted(manifest.envelopes, key=lambda one: one.id)
            ],
            "last_ack": None if last is None else {"ack_seq": last.ack_seq, "audit_head": last.audit_head},
            "prev": manifest.prev,
            "seq": manifest.seq,
            "what": labels.BUNDLE,
        }
    )


def read_manifest(content: bytes, signature: bytes, *, export_public: bytes, center: str) -> Manifest:
    """Verify and read the manifest of a bundle of this center.

    Raises:
        SignatureError: it was not signed by this server's export key, or was changed.
        BundleError: it is of another kind or center, or malformed.
    """
    with signing.naming(
        MANIFEST_NAME,
        "it is damaged, or not of the server whose export key is known here: carry the bundle over again, and if that "
        "does not help, compare the export key's fingerprint with the server and pair again; nothing was taken from it",
    ):
        signing.verify(labels.BUNDLE, content, signature, export_public)
    found = _object(
        _decode(content), {"center", "config_serial", "envelopes", "last_ack", "prev", "seq", "what"}
    )
    _check_origin(found, what=labels.BUNDLE, center=center)
    envelopes = tuple(_entry(one) for one in _list(found["envelopes"]))
    _check_sorted([one.id for one in envelopes])
    last, prev = found["last_ack"], found["prev"]
    return Manifest(
        center=center,
        seq=_count(found["seq"]),
        prev=None if prev is None else _matching(_DIGEST, prev),
        config_serial=_count(found["config_serial"]),
        envelopes=envelopes,
        last_ack=None if last is None else _last_ack(last),
    )


def format_acknowledgement(ack: Acknowledgement) -> bytes:
    """Write the canonical bytes that the acknowledgement key signs under `intake/ack/v1`."""
    return canonical.encode(
        {
            "ack_seq": ack.ack_seq,
            "audit_head": ack.audit_head,
            "center": ack.center,
            "durable": DURABLE,
            "manifest": ack.manifest,
            "stored": [
                {"id": one.id, "sha256": one.sha256, "state": one.state.value}
                for one in sorted(ack.stored, key=lambda one: one.id)
            ],
            "what": labels.ACK,
        }
    )


def read_acknowledgement(
    content: bytes, signature: bytes, *, ack_public: bytes, center: str
) -> Acknowledgement:
    """Verify and read an acknowledgement for this center.

    Raises:
        SignatureError: it was not signed by this Center's acknowledgement key, or was changed.
        BundleError: it is of another kind or center, or malformed.
    """
    with signing.naming(
        f"acknowledgement-{center}-*.json",
        "one of its two files is damaged, or it was signed with another key than the one in the signed configuration "
        "here: copy both files again, install the newest signed configuration, or write it anew by receiving the bundle "
        "again; nothing is forgotten for it",
    ):
        signing.verify(labels.ACK, content, signature, ack_public)
    found = _object(
        _decode(content), {"ack_seq", "audit_head", "center", "durable", "manifest", "stored", "what"}
    )
    _check_origin(found, what=labels.ACK, center=center)
    if found["durable"] != DURABLE:
        raise BundleError("the acknowledgement does not vouch for two copies; nothing may be deleted for it")
    stored = tuple(_ack_entry(one) for one in _list(found["stored"]))
    _check_sorted([one.id for one in stored])
    return Acknowledgement(
        center=center,
        ack_seq=_count(found["ack_seq"]),
        manifest=_matching(_DIGEST, found["manifest"]),
        stored=stored,
        audit_head=_matching(_DIGEST, found["audit_head"]),
    )


def _entry(value: Json) -> BundleEntry:
    found = _object(value, {"id", "n", "sha256"})
    return BundleEntry(
        id=_matching(_ID, found["id"]), n=_count(found["n"]), sha256=_matching(_DIGEST, found["sha256"])
    )


def _ack_entry(value: Json) -> AckEntry:
    found = _object(value, {"id", "sha256", "state"})
    return AckEntry(
        id=_matching(_ID, found["id"]),
        sha256=_matching(_DIGEST, found["sha256"]),
        state=AckState(_matching(_STATE, found["state"])),
    )


def _last_ack(value: Json) -> LastAck:
    found = _object(value, {"ack_seq", "audit_head"})
    return LastAck(ack_seq=_count(found["ack_seq"]), audit_head=_matching(_DIGEST, found["audit_head"]))


def _check_origin(found: Mapping[str, Json], *, what: str, center: str) -> None:
    if found["what"] != what:
        raise BundleError(f"this is not a file of the kind {what}")
    if _matching(_CENTER, found["center"]) != center:
        raise BundleError("this file belongs to another center; nothing was taken from it")


def _check_sorted(ids: Sequence[str]) -> None:
    if list(ids) != sorted(set(ids)):
        raise _malformed()


def _decode(content: bytes) -> Json:
    try:
        return canonical.decode(content)
    except CanonicalError:
        raise _malformed() from None


def _object(value: Json, keys: set[str]) -> Mapping[str, Json]:
    if not isinstance(value, dict) or set(value) != keys:
        raise _malformed()
    return value


def _list(value: Json) -> Sequence[Json]:
    if not isinstance(value, list):
        raise _malformed()
    return value


def _matching(pattern: re.Pattern[str], value: Json) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise _malformed()
    return value


def _count(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _malformed()
    return value


def _malformed() -> BundleError:
    return BundleError("the file is signed but malformed; update the software that wrote or reads it")
