"""Secret keys that lie about: what is recognised, where it is looked for, and where the search ends."""

import os
import secrets
from pathlib import Path

import pytest

from intake import stray_keys
from intake.stray_keys import KEY, SHARE, search
from review_tool.shares import PREFIX, split
from tests.server_copy import ROOT

KEYSTORE = (ROOT / "tests/golden/keystore").read_bytes()


@pytest.fixture(scope="module")
def share() -> tuple[str, ...]:
    """The words of a share, as the ceremony gives them out."""
    return split(secrets.token_bytes(32), secrets.token_bytes, lambda seed: seed.hex())[1].words


def found(root: Path) -> dict[str, str]:
    """What a search finds, by name."""
    return {path.name: what for path, what in search([root], leave_out=()).secrets.items()}


@pytest.mark.parametrize(
    "secret",
    [
        KEYSTORE,
        b"HIRK\x01\x01\x00\x00 a keystore of the root key",
        b"# created\nAGE-SECRET-KEY-PQ-1" + b"Q" * 58,
        b"age-secret-key-1" + b"q" * 58,
        b"x" * ((1 << 20) - 25) + b"AGE-SECRET-KEY-1" + b"Q" * 58,
        b"\r\n\0" + KEYSTORE,
        b"x" * ((1 << 20) - 10) + KEYSTORE,
        ("AGE-SECRET-KEY-1" + "Q" * 58).encode("utf-16"),
        ("AGE-SECRET-KEY-PQ-1" + "Q" * 58).encode("utf-16-be"),
    ],
    ids=[
        *(
            "keystore",
            "root keystore",
            "hybrid identity",
            "identity in lower case",
            "identity across a block",
        ),
        *(
            "keystore after other bytes",
            "keystore across a block",
            "identity in UTF-16",
            "the same, big end first",
        ),
    ],
)
def test_keystores_and_identities_are_recognised(tmp_path, secret):
    """By their beginning or their form; nothing here could open one."""
    (tmp_path / "stray").write_bytes(secret)

    assert found(tmp_path) == {"stray": KEY}


def test_every_share_of_a_key_is_recognised_however_it_is_written_down(tmp_path, share):
    """On one line, a word a line, with numbers, signs or quotes between, in UTF-16, by four letters, in a letter."""
    ways = {
        "line": " ".join(share),
        "lines": "\r\n".join(share),
        "numbered": "\n".join(f"{place}. {word}" for place, word in enumerate(share, start=1)),
        "capitals": " ".join(share).upper(),
        "letters": " ".join(word[:PREFIX] for word in share),
        "letter": f"Dear colleague, here it is: {' '.join(share)}. Keep it well.",
        "short": " ".join(share[:20]),
        "dashes": " - ".join(share),
        "long dashes": " \N{EM DASH} ".join(share),
        "table": "".join(f'"{place}","{word}"\r\n' for place, word in enumerate(share, start=1)),
        "quoted": "\n".join(f"> * {word}" for word in share),
    }
    for name, text in ways.items():
        (tmp_path / name).write_text(text)
    wide = {"UTF-16": "utf-16", "UTF-16 big end first": "utf-16-be"}
    for name, encoding in wide.items():
        (tmp_path / name).write_bytes(ways["numbered"].encode(encoding))
    for place, one in enumerate(split(bytes(32), secrets.token_bytes, lambda seed: seed.hex())):
        (tmp_path / f"share {place}").write_text(one.text + "\n")

    assert found(tmp_path) == dict.fromkeys([*ways, *wide, "share 0", "share 1", "share 2"], SHARE)


def test_our_own_texts_and_public_files_hold_no_secret(tmp_path, share):
    """A false alarm closes a form."""
    (tmp_path / "fifteen").write_text(" ".join(share[:15]))
    (tmp_path / "prose").write_text("they were on the academic board, always there for many people " * 20)
    (tmp_path / "magic").write_bytes(b"the magic is HIRK\x01\x01\0\0 and costs follow")

    assert found(tmp_path) == {}
    for name in ("intake", "docs", "review_tool"):  # FORMAT.md holds the identity of an example
        assert found(ROOT / name) == {}


def test_what_lies_behind_a_link_is_found_and_a_circle_ends(tmp_path):
    """`public` is often a link to the newest of several folders."""
    beside, elsewhere = tmp_path / "config", tmp_path / "elsewhere"
    (elsewhere / "deeper").mkdir(parents=True)
    beside.mkdir()
    (elsewhere / "deeper" / "stray").write_bytes(b"HIRK")
    (beside / "linked").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(beside)
    (beside / "nowhere").symlink_to(tmp_path / "nothing")

    assert found(beside) == {"stray": KEY}


def test_a_pipe_is_not_waited_for(tmp_path):
    """It would hold the start for ever."""
    os.mkfifo(tmp_path / "pipe")

    assert found(tmp_path) == {}


def test_what_is_left_out_is_not_opened_under_another_name_either(tmp_path):
    """A link to the store is the store."""
    (tmp_path / "store").write_bytes(b"HIRK")
    (tmp_path / "link").symlink_to(tmp_path / "store")

    assert search([tmp_path], leave_out=[tmp_path / "store", tmp_path / "journal"]).secrets == {}


def test_a_search_without_end_ends_and_says_where(tmp_path):
    """A config file in a home directory must not hold up the start; the operator learns what was left out."""
    deep = tmp_path.joinpath(*"123456789")
    deep.mkdir(parents=True)
    (tmp_path / "long").write_bytes(b"x" * stray_keys.MAX_BYTES + b"more")

    assert search([tmp_path], leave_out=()).unsearched == [tmp_path / "long", deep]

    assert search([tmp_path], leave_out=(), max_files=3).unsearched == [
        tmp_path / "long",
        tmp_path / "1" / "2",
    ]
