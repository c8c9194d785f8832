"""Walls inside `crypto/` that an import contract cannot see."""

from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def files_with(text: str, *folders: str) -> set[str]:
    """The Python files that hold a text, this one left out."""
    return {
        str(path.relative_to(ROOT))
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if path != Path(__file__) and "node_modules" not in path.parts and text in path.read_text()
    }


def test_identities_are_read_by_unseal_alone() -> None:
    """No module that the internet side can reach turns an identity string into a key (P4)."""
    assert files_with("age-secret-key-pq-", "crypto") == {"crypto/unseal.py"}
    assert "identity" not in (ROOT / "crypto/xwing.py").read_text().partition('"""')[2].partition('"""')[2]


def test_private_function_of_the_library_is_called_in_one_test() -> None:
    """HPKE with associated data is not part of its public face: nothing that must last may rest on it."""
    assert files_with("_with_aad", "crypto", "intake", "review_tool", "tests") == {
        "tests/crypto/test_vectors_hpke.py"
    }


def test_no_classical_recipient_can_be_written() -> None:
    """The writer's module knows one stanza type by name, and refuses to be taught another (P1)."""
    source = (ROOT / "crypto/age.py").read_text()

    assert source.count("labels.AGE_STANZA") == 2
    assert '"X25519"' not in source
