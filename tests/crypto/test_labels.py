"""Labels keep uses apart: none twice, none a prefix of another, none written anywhere but in the registry."""

import ast
import re
from itertools import permutations
from pathlib import Path

import pytest

from crypto import labels

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("crypto", "intake", "review_tool")
# Constructions in which two labels could be confused; a signature's label ends with a zero byte.
CONSTRUCTIONS = {
    "HPKE info": [labels.AGE_HPKE],
    "HKDF info": [labels.AGE_HEADER, labels.AGE_STREAM],
    "HKDF info of a receipt, reserved": [b"reply identity", b"board", b"thread mac", b"delete"],
    "SHA-256 prefix": [labels.CONTEXT, labels.FINGERPRINT, labels.SIGN_KEY_ID, labels.TOMBSTONE, b"thread"],
    "signature": [
        *(f"{one}\0".encode() for one in (labels.CONFIG, labels.BUNDLE, labels.ACK, labels.RELEASE)),
        b"intake/board/v1\0",
    ],
    "audit hash": [labels.AUDIT_ENTRY, labels.AUDIT_LINK],
    "HMAC, reserved": [b"slot", b"intake/follow-up/v1\0"],
    "HKDF salt, reserved": [b"intake/receipt/v1"],
}
REGISTERED = {name: value for name, value in vars(labels).items() if name.isupper() and name != "RESERVED"}


def literals() -> dict[str, list[str]]:
    """Every string and bytes literal of our code, docstrings left out, with the files it stands in."""
    found: dict[str, list[str]] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            tree = ast.parse(path.read_text())
            docstrings = {
                id(node.value)
                for node in ast.walk(tree)
                if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            }
            for node in ast.walk(tree):
                if (
                    isinstance(node, ast.Constant)
                    and id(node) not in docstrings
                    and isinstance(node.value, str | bytes)
                ):
                    text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
                    found.setdefault(text, []).append(str(path.relative_to(ROOT)))
    return found


def test_no_label_is_registered_twice() -> None:
    """Two uses with one label are one use to a forger."""
    everything = [one if isinstance(one, bytes) else one.encode() for one in REGISTERED.values()]

    assert len({*everything, *labels.RESERVED}) == len(everything) + len(labels.RESERVED)


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_no_label_begins_another_of_its_construction(construction: str) -> None:
    """What follows a label could else complete it to the longer one; the reserved ones count already."""
    group = CONSTRUCTIONS[construction]

    assert not any(longer.startswith(shorter) for shorter, longer in permutations(group, 2))


def test_every_label_has_its_construction() -> None:
    """A label that was added to the registry alone would be compared with nothing."""
    grouped = {one.removesuffix(b"\0") for group in CONSTRUCTIONS.values() for one in group}
    registered = {one if isinstance(one, bytes) else one.encode() for one in REGISTERED.values()}
    outside = {labels.AGE_STANZA.encode(), labels.SPOOL}  # a type of stanza, and alone in its construction

    assert {one.removesuffix(b"\0") for one in registered | set(labels.RESERVED)} - outside == grouped


def test_labels_are_written_in_the_registry_alone() -> None:
    """A label spelt a second time would drift, or be used for a second thing unseen."""
    written = {
        text: files
        for text, files in literals().items()
        if text.startswith("age-encryption.org/mlkem") or re.match(r"intake[ /].* ?v1\0?$", text)
    }

    assert len(written) == 12
    assert {file for files in written.values() for file in files} == {"crypto/labels.py"}


def test_every_label_is_used() -> None:
    """A label without a use is a use without its label somewhere."""
    source = "".join(path.read_text() for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

    assert [name for name in REGISTERED if f"labels.{name}" not in source] == []
