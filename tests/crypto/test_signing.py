"""Signatures in three forms, judged by stock tools, and refused when anything about them is not exact."""

import base64
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto import labels, signing
from crypto.errors import KeyStringError, SignatureError
from tests.hardening import damage

SEED = b"\x01" * 32
OTHER_SEED = b"\x02" * 32
PUBLIC = signing.public_of(SEED)
CONTENT = b'{"what":"intake/config/v1"}'
COMMENT = "intake/config/v1 center=test-center serial=3"


def flip(signature: bytes) -> bytes:
    """A signature file of the right form with one bit turned over."""
    raw = bytearray(base64.b64decode(signature))
    raw[10] ^= 1
    return base64.b64encode(raw) + b"\n"


def stock_tool(name: str) -> str:
    """Path of a Debian tool; its absence fails where everything must run, else skips by name."""
    path = shutil.which(name)
    if path is None and os.environ.get("CI") == "true":
        pytest.fail(f"{name} is missing: apt-get install {name}")
    if path is None:
        pytest.skip(
            f"{name} is not installed, so NO STOCK TOOL judged our signatures: apt-get install {name}"
        )
    return path


class TestLabelled:
    """One-line files under a label."""

    def test_signature_is_one_line_and_verifies(self) -> None:
        """It is carried as a file of its own beside what it signs."""
        signature = signing.sign(labels.BUNDLE, CONTENT, SEED)

        signing.verify(labels.BUNDLE, CONTENT, signature, PUBLIC)
        assert signature.count(b"\n") == 1
        assert len(signature) == 89

    def test_signed_bytes_are_label_zero_and_content(self) -> None:
        """FORMAT.md says so, and another implementation must be able to check it."""
        signature = signing.sign(labels.ACK, CONTENT, SEED)
        bare = signing.Ed25519PrivateKey.from_private_bytes(SEED).sign(b"intake/ack/v1\0" + CONTENT)

        assert base64.b64decode(signature) == bare

    @pytest.mark.parametrize(
        ("label", "content", "signature", "public"),
        [
            (labels.ACK, CONTENT, signing.sign(labels.BUNDLE, CONTENT, SEED), PUBLIC),
            (labels.BUNDLE, CONTENT + b" ", signing.sign(labels.BUNDLE, CONTENT, SEED), PUBLIC),
            (labels.BUNDLE, CONTENT, signing.sign(labels.BUNDLE, CONTENT, OTHER_SEED), PUBLIC),
            (labels.BUNDLE, CONTENT, flip(signing.sign(labels.BUNDLE, CONTENT, SEED)), PUBLIC),
            (labels.BUNDLE, CONTENT, signing.sign(labels.BUNDLE, CONTENT, SEED), PUBLIC[:31]),
        ],
        ids=["other label", "other content", "other key", "flipped bit", "cut public key"],
    )
    def test_wrong_signature_is_refused(
        self, label: str, content: bytes, signature: bytes, public: bytes
    ) -> None:
        """An acknowledgement deletes reports: nothing signed for another purpose may pass for one."""
        with pytest.raises(SignatureError):
            signing.verify(label, content, signature, public)

    @pytest.mark.parametrize(
        "change",
        [
            lambda line: b"",
            lambda line: line[:-1],
            lambda line: line + b"\n",
            lambda line: line.replace(b"\n", b"\r\n"),
            lambda line: b" " + line,
            lambda line: line + line,
            lambda line: line[:-3] + b"\n",
            lambda line: line[:-4] + b"B==\n",
            lambda line: b"\xff" * 88 + b"\n",
        ],
        ids=[
            "empty",
            "no end",
            "empty line",
            "CRLF",
            "space",
            "twice",
            "no padding",
            "spare bits",
            "no base64",
        ],
    )
    def test_signature_in_another_spelling_is_refused(self, change: Callable[[bytes], bytes]) -> None:
        """A signature file carries a signature and nothing else, in one spelling."""
        with pytest.raises(SignatureError):
            signing.verify(labels.BUNDLE, CONTENT, change(signing.sign(labels.BUNDLE, CONTENT, SEED)), PUBLIC)

    def test_every_flipped_bit_and_every_cut_is_refused(self) -> None:
        """A stick that decays must not turn one acknowledgement into another."""
        signature = signing.sign(labels.ACK, CONTENT, SEED)

        damaged = [damage.flip(signature, bit) for bit in range(8 * len(signature))]
        for one in [*damaged, *(signature[:length] for length in range(len(signature)))]:
            with pytest.raises(SignatureError):
                signing.verify(labels.ACK, CONTENT, one, PUBLIC)

    @settings(derandomize=True, deadline=None)
    @given(line=st.binary(max_size=120))
    def test_no_bytes_crash_the_reader(self, line: bytes) -> None:
        """The file comes from a hostile stick."""
        with pytest.raises(SignatureError):
            signing.verify(labels.ACK, CONTENT, line, PUBLIC)


def test_a_refusal_can_be_told_which_file_it_is_about() -> None:
    """Bytes have no name; who read them from a file says it, and what to do."""
    with pytest.raises(SignatureError) as found, signing.naming("a file", "copy it again"):
        signing.verify(labels.ACK, CONTENT, b"", PUBLIC)

    assert str(found.value).startswith("a file: the signature does not fit")
    assert str(found.value).endswith("; copy it again")
    assert found.value.file == "a file"


class TestMinisign:
    """The form for everybody: content hashed, comment covered."""

    def test_comment_comes_back(self) -> None:
        """It names the Center and the serial, and is as authentic as the content."""
        assert signing.verify_minisign(CONTENT, signing.minisign(CONTENT, SEED, COMMENT), PUBLIC) == COMMENT

    @pytest.mark.parametrize(
        "change",
        [
            lambda text: text.replace("serial=3", "serial=4"),
            lambda text: text.replace("trusted comment: ", "Trusted comment: "),
            lambda text: text.replace("untrusted comment: ", "comment: "),
            lambda text: text.replace("\n", "\r\n"),
            lambda text: text + "\n",
            lambda text: text.rstrip("\n"),
            lambda text: "\n".join(text.split("\n")[:2]) + "\n",
            lambda text: "",
            lambda text: text.replace("RU", "RW", 1),
            lambda text: text.replace("center=", "center=\u2066"),
            lambda text: text.replace("serial=3", "serial=3" + "0" * 1000),
            lambda text: "untrusted comment: \udcff\n" + text.partition("\n")[2],
            lambda text: text.replace(text.split("\n")[1], "\udcff"),
        ],
        ids=[
            "changed comment", "other case", "no untrusted comment", "CRLF", "line more", "no end", "half", "empty",
            "other algorithm", "invisible sign", "long comment", "broken text", "broken signature",
        ],
    )  # fmt: skip
    def test_changed_file_is_refused(self, change: Callable[[str], str]) -> None:
        """The comment decides nothing alone, but people read it: it must not be changed unseen."""
        text = signing.minisign(CONTENT, SEED, COMMENT)
        assert change(text) != text

        with pytest.raises(SignatureError):
            signing.verify_minisign(CONTENT, change(text), PUBLIC)

    def test_every_flipped_bit_after_the_first_line_is_refused(self) -> None:
        """The first line is called untrusted because nothing covers it; all else is covered."""
        text = signing.minisign(CONTENT, SEED, COMMENT).encode()
        first = text.index(b"\n") + 1

        for bit in range(8 * first, 8 * len(text)):
            with pytest.raises(SignatureError):
                signing.verify_minisign(CONTENT, damage.flip(text, bit).decode(errors="replace"), PUBLIC)

    def test_changed_content_and_other_keys_are_refused(self) -> None:
        """The whole point."""
        text = signing.minisign(CONTENT, SEED, COMMENT)

        with pytest.raises(SignatureError):
            signing.verify_minisign(CONTENT + b"\n", text, PUBLIC)
        with pytest.raises(SignatureError):
            signing.verify_minisign(CONTENT, text, signing.public_of(OTHER_SEED))

    def test_comment_of_another_signature_is_refused(self) -> None:
        """Two good files must not be cut together into a third."""
        first = signing.minisign(CONTENT, SEED, COMMENT).split("\n")
        second = signing.minisign(CONTENT + b" ", SEED, COMMENT + "0").split("\n")

        with pytest.raises(SignatureError):
            signing.verify_minisign(CONTENT, "\n".join([*first[:2], *second[2:]]), PUBLIC)

    @pytest.mark.parametrize("comment", ["two\nlines", "x" * 1001])
    def test_comment_that_no_tool_would_read_is_not_written(self, comment: str) -> None:
        """A line break would let the comment forge a line of the file."""
        with pytest.raises(ValueError, match="one line"):
            signing.minisign(CONTENT, SEED, comment)


class TestSignify:
    """The form of OpenBSD: over the bytes themselves."""

    def test_good_signature_verifies(self) -> None:
        """A second, independent tool for who distrusts the first."""
        signing.verify_signify(CONTENT, signing.signify(CONTENT, SEED), PUBLIC)

    @pytest.mark.parametrize(
        ("content", "text"),
        [
            (CONTENT + b" ", signing.signify(CONTENT, SEED)),
            (CONTENT, signing.signify(CONTENT, OTHER_SEED)),
            (CONTENT, signing.minisign(CONTENT, SEED, COMMENT)),
            (CONTENT, ""),
            (CONTENT, signing.signify(CONTENT, SEED) + "more\n"),
        ],
        ids=["other content", "other key", "minisign file", "empty", "line more"],
    )
    def test_wrong_signature_is_refused(self, content: bytes, text: str) -> None:
        """One form must not pass for the other: they sign different bytes."""
        with pytest.raises(SignatureError):
            signing.verify_signify(content, text, PUBLIC)


class TestPublicKey:
    """The key file, and the line that an operator pins."""

    def test_file_and_its_second_line_give_the_key(self) -> None:
        """The server's configuration file holds the line alone."""
        text = signing.format_public_key(PUBLIC, "root key of test-center")

        assert signing.parse_public_key(text) == PUBLIC
        assert signing.parse_public_key(text.splitlines()[1]) == PUBLIC

    @pytest.mark.parametrize(
        "change",
        [
            lambda text: "",
            lambda text: text.partition("\n")[0],
            lambda text: text + text,
            lambda text: text.replace("untrusted comment: ", ""),
            lambda text: text[:-8] + "\n",
            lambda text: text.replace("RW", "RU"),
            lambda text: text.replace("\nRWQ", "\nRWR"),
            lambda text: "untrusted comment: \n" + "é" * 56,
        ],
        ids=["empty", "comment only", "twice", "no comment", "cut", "other kind", "other id", "no base64"],
    )
    def test_damaged_key_is_refused(self, change: Callable[[str], str]) -> None:
        """A pinned key with a slip would refuse every good configuration, for a reason nobody sees."""
        text = signing.format_public_key(PUBLIC, "root key")
        damaged = change(text)
        assert damaged != text

        with pytest.raises(KeyStringError):
            signing.parse_public_key(damaged)

    @pytest.mark.parametrize("size", [0, 31, 33])
    def test_seed_of_another_length_is_refused(self, size: int) -> None:
        """A cut seed must not become another key."""
        with pytest.raises(KeyStringError, match="32 bytes"):
            signing.public_of(bytes(size))


class TestStockTools:
    """Debian's minisign and signify-openbsd are the judges: nobody has to trust this software."""

    @pytest.fixture
    def directory(self, tmp_path: Path) -> Path:
        """A signed file with its key and both signatures."""
        (tmp_path / "root.pub").write_text(signing.format_public_key(PUBLIC, "root key of test-center"))
        (tmp_path / "file").write_bytes(CONTENT)
        (tmp_path / "file.minisig").write_text(signing.minisign(CONTENT, SEED, COMMENT))
        (tmp_path / "file.sig").write_text(signing.signify(CONTENT, SEED))
        return tmp_path

    COMMANDS = (
        ("minisign", ("-V", "-m", "file", "-p", "root.pub")),
        ("signify-openbsd", ("-V", "-m", "file", "-x", "file.sig", "-p", "root.pub")),
    )

    @pytest.mark.parametrize(("tool", "arguments"), COMMANDS, ids=["minisign", "signify"])
    def test_tool_verifies_our_file(self, directory: Path, tool: str, arguments: tuple[str, ...]) -> None:
        """The commands that the leaflet gives to anybody."""
        done = subprocess.run(
            [stock_tool(tool), *arguments], cwd=directory, capture_output=True, text=True, check=False
        )

        assert done.returncode == 0, done.stderr
        assert "verified" in done.stdout.lower()

    @pytest.mark.parametrize(("tool", "arguments"), COMMANDS, ids=["minisign", "signify"])
    def test_tool_rejects_a_changed_file(
        self, directory: Path, tool: str, arguments: tuple[str, ...]
    ) -> None:
        """The twin: a judge who accepts everything is none."""
        (directory / "file").write_bytes(CONTENT.replace(b"v1", b"v2"))

        done = subprocess.run([stock_tool(tool), *arguments], cwd=directory, capture_output=True, check=False)

        assert done.returncode != 0

    def test_minisign_prints_our_comment(self, directory: Path) -> None:
        """It tells which Center and which serial was signed."""
        command = [stock_tool("minisign"), "-V", "-m", "file", "-p", "root.pub"]

        assert (
            COMMENT
            in subprocess.run(command, cwd=directory, capture_output=True, text=True, check=True).stdout
        )
