"""The ceremony at a real terminal: one secret at a time on the screen, cleared, typed back from paper.

The tests play the advisors: they read what the terminal shows, keep it as paper, and type.
"""

import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from crypto.keystore import read_keystore, read_root_keystore
from review_tool import ceremony, shares
from review_tool.isolation import open_doors
from tests.center import EXAMPLE

CLEAR = "\x1b[H\x1b[2J\x1b[3J"
# As a login does: the terminal becomes the process's own, and Ctrl-C is heard even if whoever started us ignores it.
PROGRAM = """
import fcntl, signal, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, signal.default_int_handler)
from review_tool.cli import main; main()
"""
PATIENCE = 30  # seconds that a prompt may take on a slow machine; a test fails then, it measures nothing
WORD = re.compile(r"(\d+) ([a-z]+)")


@dataclass
class Terminal:
    """A real pseudo-terminal with the ceremony behind it."""

    process: subprocess.Popen[bytes]
    handle: int
    seen: str = ""
    at: int = 0
    papers: dict[str, list[str]] = field(default_factory=dict)

    def until(self, sentence: str) -> str:
        """Wait for a sentence; give everything shown since the last one."""
        while sentence not in self.seen[self.at :]:
            ready, _, _ = select.select([self.handle], [], [], PATIENCE)
            assert ready, f"never said {sentence!r}: {self.seen[-800:]!r}"
            self.seen += self._read(sentence)
        end = self.seen.index(sentence, self.at) + len(sentence)
        shown, self.at = self.seen[self.at : end], end
        return shown

    def _read(self, sentence: str) -> str:
        try:
            return os.read(self.handle, 65_536).decode().replace("\r\n", "\n")
        except OSError:  # how a pseudo-terminal tells that the other side has ended
            raise AssertionError(f"ended before saying {sentence!r}: {self.seen[-800:]!r}") from None

    def type(self, line: str = "") -> None:
        """Type a line and press Enter."""
        os.write(self.handle, line.encode() + b"\n")

    def end(self) -> int:
        """Read what is left and wait for the end; give the exit code."""
        while select.select([self.handle], [], [], PATIENCE)[0]:
            try:
                self.seen += os.read(self.handle, 65_536).decode().replace("\r\n", "\n")
            except OSError:
                break
        return self.process.wait(timeout=PATIENCE)

    def interrupt(self) -> int:
        """Press Ctrl-C until it ends, as people do: Python can miss one between a prompt and its answer."""
        for _ in range(PATIENCE):
            os.write(self.handle, b"\x03")
            try:
                return self.process.wait(timeout=1)
            except subprocess.TimeoutExpired:
                continue
        raise AssertionError("Ctrl-C did not end it")

    def read_share(self, name: str) -> list[str]:
        """Look at a share as its advisor does, and copy its 33 words on paper."""
        self.until(f"looks at the screen now: {name}")
        self.type()
        shown = self.until("Written and read over?")
        words = words_of(shown)
        self.papers[name] = words
        self.type()
        self.until("to see the words once more")
        return words

    def type_share(self, words: list[str], *, start: int = 0) -> None:
        """Type a share from paper, three words in a line."""
        for first in range(start, 33, 3):
            self.until(f"{first + 1:>4} to {first + 3}: ")
            self.type(" ".join(words[first : first + 3]))


def words_of(screen: str) -> list[str]:
    """Read the numbered words off the screen, in the order of their numbers."""
    _, _, sheet = screen.partition("No photograph.")
    return [word for _, word in sorted((int(number), word) for number, word in WORD.findall(sheet))]


@contextmanager
def terminal(root: Path, *words: str) -> Iterator[Terminal]:
    """Run `review-tool` at a pseudo-terminal, with vault and stick below a folder."""
    outer, inner = pty.openpty()
    front = ["--vault", str(root / "vault"), "--keystore", str(root / "stick" / "keystore")]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *front, *words],
        stdin=inner, stdout=inner, stderr=inner, start_new_session=True,
        cwd=EXAMPLE.parent, env={**os.environ, "TERM": "xterm"},
    )  # fmt: skip
    os.close(inner)
    try:
        yield Terminal(process, outer)
    finally:
        process.kill()
        process.wait(timeout=PATIENCE)
        os.close(outer)


def ceremony_words(root: Path, *more: str) -> list[str]:
    """A ceremony with people; the test machine may have a network, so it says so."""
    what = ["ceremony", "--center", "test-center", "--config", str(EXAMPLE), "--out", str(root / "public")]
    return [*what, "--cost", "floor", "--not-isolated", *more]


def begin(at: Terminal) -> dict[str, str]:
    """Answer for the room, and copy the fingerprints that everybody may see."""
    at.until("hashes were compared. Then press Enter")
    at.type()
    shown = at.until("Copy them on paper, twice.")
    at.type()
    return {
        name.strip(): digits for name, digits in re.findall(r"^(.+?) +((?:\d{5} ?){8})$", shown, re.MULTILINE)
    }


def take_passphrase(at: Terminal) -> str:
    """Read the generated passphrase and type it twice."""
    at.until("The passphrase comes next.")
    at.type()
    shown = at.until("Written?")
    words = re.search(r"\n {4}([a-z -]+)\n", shown)
    assert words is not None
    at.type()
    for turn in ("first", "second"):
        at.until(f"Type it, {turn} time: ")
        at.type(words[1])
    at.until("typed back correctly, twice")
    return words[1]


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Terminal, str]:
    """One whole ceremony: six shares, with a wrong word, a forgotten line and a second look on the way."""
    root = tmp_path_factory.mktemp("held")
    with terminal(root, *ceremony_words(root, "--dice")) as at:
        at.until("hashes were compared. Then press Enter")
        at.type()
        at.until("Rolls: ")
        at.type("12345 7")
        at.until("Only the digits 1 to 6, please.")
        at.type("12345 61234")
        at.until("mixed in: 10 rolls")
        at.until("Copy them on paper, twice.")
        at.type()
        passphrase = take_passphrase(at)
        for number in (1, 2, 3):
            for name in ("reading key", "root key"):
                words = at.read_share(f"{name}, share {number} of 3")
                if (name, number) == ("reading key", 2):
                    make_mistakes(at, words)
                    at.type_share(words, start=3)
                else:
                    at.type_share([word[:4] for word in words] if number == 3 else words)
                at.until(f"{name}, share {number} of 3: typed back correctly.")
        at.until("KEY CEREMONY (founding)")
        assert at.end() == 0
        return root, at, passphrase


def make_mistakes(at: Terminal, words: list[str]) -> None:
    """Type a wrong word, too few words, no word of the list; look again; then the first row as it should be."""
    at.until("   1 to 3: ")
    at.type(f"{words[0]} {words[2]} {words[1]}")
    at.until("word 2 is not the one that was shown; correct the paper too")
    at.type(f"{words[0]} {words[1]}")
    at.until("typed: 2 words; needed: 3")
    at.type(f"{words[0]} {words[1]} vouchsafe")
    at.until("word 3 is not in the list of share words")
    at.type("?")
    assert words_of(at.until("Written and read over?")) == words
    at.type()
    at.until("   1 to 3: ")
    at.type(" ".join(words[:3]))


def test_ceremony_at_a_terminal_makes_what_the_papers_give_back(held: tuple[Path, Terminal, str]) -> None:
    """The words on paper, in any pair, are the keys in the keystores; the passphrase on paper opens them."""
    root, at, passphrase = held
    keystore = read_keystore(root / "stick" / "keystore", passphrase)
    root_keystore = read_root_keystore(root / "stick" / "root-keystore", passphrase)

    for name, seed, of in (
        ("reading key", keystore.epochs[0].seed, ceremony.reading_fingerprint),
        ("root key", root_keystore.root_seed, ceremony.signing_fingerprint),
    ):
        papers = [
            shares.parse_share(" ".join(at.papers[f"{name}, share {number} of 3"])) for number in (1, 2, 3)
        ]
        assert shares.prove_pairs(papers, of(seed), of) == 3


def test_no_two_secrets_stand_between_two_clearings(held: tuple[Path, Terminal, str]) -> None:
    """Whoever looks up at the wrong moment sees one share at most, and nobody's after its time."""
    _, at, passphrase = held
    rows = {name: {" ".join(words[5:8])} for name, words in at.papers.items()}

    for screen in at.seen.split(CLEAR):
        plain = re.sub(r"\s+\d+ ", " ", re.sub(r"\s+", " ", screen))
        shown = [name for name, marks in rows.items() if any(mark in plain for mark in marks)]
        assert len(shown) + (passphrase in screen) <= 1


def test_every_share_was_shown_once_and_again_only_when_asked(held: tuple[Path, Terminal, str]) -> None:
    """The twin: the detector above must see the shares that were there."""
    _, at, _ = held

    assert at.seen.count("Write these 33 words on paper") == 7


def test_screen_is_cleared_after_the_last_secret(held: tuple[Path, Terminal, str]) -> None:
    """The transcript is what stays on the screen; it holds no word of a share and not the passphrase."""
    _, at, passphrase = held

    last = at.seen.split(CLEAR)[-1]

    assert "KEY CEREMONY" in last
    assert passphrase not in last
    assert not [words for words in at.papers.values() if " ".join(words[5:7]) in last]


def test_transcript_tells_that_all_pairs_were_proved(held: tuple[Path, Terminal, str]) -> None:
    """Two keys, three pairs each; and how many dice were thrown."""
    root, _, passphrase = held

    text = (root / "public" / "transcript.txt").read_text(encoding="utf-8")

    assert "all typed back from paper; 6 of 6 pairs gave the fingerprint" in text
    assert "10 rolls mixed in" in text
    assert passphrase not in text


def test_ceremony_with_people_writes_no_share_to_disk(held: tuple[Path, Terminal, str]) -> None:
    """Shares live on paper: two of them on one disk would open every report."""
    root, _, _ = held

    names = {path.name for path in root.rglob("*") if path.is_file()}

    assert names == {
        "keystore", "root-keystore", "vault.db", "center-config.json", "center-config.json.minisig",
        "center-config.json.sig", "root.pub", "release.pub", "transcript.txt",
    }  # fmt: skip


def test_broken_off_ceremony_leaves_no_key(tmp_path: Path) -> None:
    """An advisor who leaves ends it: Ctrl-C in the middle of the shares takes the keystores away again."""
    with terminal(tmp_path, *ceremony_words(tmp_path)) as at:
        begin(at)
        take_passphrase(at)
        words = at.read_share("reading key, share 1 of 3")
        at.until("   1 to 3: ")

        assert at.interrupt() != 0
        at.end()

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert " ".join(words[5:8]) not in at.seen.split(CLEAR)[-1]


def test_passphrase_typed_wrongly_is_shown_again(tmp_path: Path) -> None:
    """A slip must not lock the Center out; the words come once more, and only the right ones pass."""
    with terminal(tmp_path, *ceremony_words(tmp_path)) as at:
        begin(at)
        at.until("The passphrase comes next.")
        at.type()
        at.until("Written?")
        at.type()
        for turn in ("first", "second"):
            at.until(f"Type it, {turn} time: ")
            at.type("abide able acid aged ajar alike")
        at.until("That was not the same.")
        at.until("Write it down")

    assert not (tmp_path / "stick").exists() or not list((tmp_path / "stick").iterdir())


def test_own_passphrase_is_not_shown_and_must_be_long(tmp_path: Path) -> None:
    """It is typed blind, twice, and a short one is refused without being repeated."""
    with terminal(tmp_path, *ceremony_words(tmp_path, "--own-passphrase")) as at:
        begin(at)
        at.until("Your own passphrase: ")
        at.type("too short a one")
        at.until("too weak")
        at.until("Your own passphrase: ")
        at.type("double  blanks in a long one")
        at.until("single blanks only")
        at.until("Your own passphrase: ")
        at.type("a long one of our own making")
        at.until("The same again: ")
        at.type("another one of our own making")
        at.until("The two were not the same.")
        at.until("Your own passphrase: ")
        at.type("a long one of our own making")
        at.until("The same again: ")
        at.type("a long one of our own making")
        at.until("Only advisor 1 looks at the screen now")

    assert "of our own making" not in at.seen


@pytest.mark.skipif(not open_doors(), reason="this machine is isolated: there is nothing to refuse")
def test_machine_with_a_network_is_refused(tmp_path: Path) -> None:
    """Keys must not be made where somebody may be listening."""
    words = [word for word in ceremony_words(tmp_path) if word != "--not-isolated"]

    with terminal(tmp_path, *words) as at:
        assert at.end() == 41

    assert "or say --not-isolated" in at.seen
    assert list(tmp_path.iterdir()) == []


def test_recovery_at_a_terminal_from_two_papers_of_each_key(
    held: tuple[Path, Terminal, str], tmp_path: Path
) -> None:
    """What a Center does after losing its passphrase; a pair that does not fit is asked for again."""
    root, papers, passphrase = held
    what = ["key", "recover", "--public", str(root / "public"), "--out", str(tmp_path / "public")]

    with terminal(tmp_path, *what, "--cost", "floor", "--not-isolated") as at:
        at.until("hashes were compared. Then press Enter")
        at.type()
        type_paper(at, "reading key, first share", papers.papers["reading key, share 1 of 3"])
        type_paper(at, "reading key, second share", papers.papers["reading key, share 1 of 3"])
        at.until("the same share twice")
        type_paper(at, "reading key, first share", papers.papers["reading key, share 3 of 3"])
        type_paper(at, "reading key, second share", papers.papers["reading key, share 1 of 3"])
        type_paper(at, "root key, first share", papers.papers["root key, share 2 of 3"])
        type_paper(at, "root key, second share", papers.papers["root key, share 3 of 3"])
        at.until("Copy them on paper, twice.")
        at.type()
        new = take_passphrase(at)
        at.until("KEY CEREMONY (recovery)")
        assert at.end() == 0

    before = read_keystore(root / "stick" / "keystore", passphrase)
    assert read_keystore(tmp_path / "stick" / "keystore", new).epochs == before.epochs


def type_paper(at: Terminal, title: str, words: list[str]) -> None:
    """Type a share for a recovery, by four letters a word."""
    at.until(f"looks at the screen now: {title}")
    at.type()
    at.type_share([word[:4] for word in words])
