"""Secret keys of the Center where none may lie: looked for by what a file begins with or holds, never parsed.

Recognised are keystores, age identities, and shares as people write them down, also in the middle of a file and in
UTF-16. Not recognised is what no first look can tell: a key that is compressed, under another cipher, or spelt in
digits, and words without a share's form.
"""

import os
import re
import stat
from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

KEY: Final = "a secret key"
SHARE: Final = "a share of a secret key"

MAX_FILES: Final = 10_000  # files and folders; more are no folder of a server's own
MAX_DEPTH: Final = 8  # folders below the one that is searched
MAX_BYTES: Final = 16 << 20  # bytes of a file; everything that is looked for is smaller than one MiB
_STEP: Final = 1 << 20  # bytes read at a time
_OVERLAP: Final = 1 << 12  # bytes; more than an identity or a share takes, in two bytes a character, too

_KEYSTORE_MAGIC: Final = (
    b"HIRK"  # FORMAT.md §5; keystores of the reading keys and of the root key begin with it
)
# Where something stands before it, its version, its derivation and the three costs that follow are looked at, too:
# 14 bytes that are the same in every keystore are in no file by chance.
_KEYSTORE: Final = re.compile(
    rb"HIRK\x01[\x01\x02]\0\0" rb"\0[\0-\x40].." rb"\0\0\0[\x01-\x10]" rb"\0\0\0[\x01-\x10]", re.DOTALL
)
# The next two are matched against lower case. An identity is hybrid or not.
_IDENTITY: Final = re.compile(rb"age-secret-key-(pq-)?1[a-z0-9]{20}")
# A share is 20 or 33 words, or their first four letters, with anything but letters between them. SLIP-39 writes "one
# group" as the third word, and "two are enough" with the place in the set as the fourth: no prose has these.
_GAP: Final = rb"[^a-z]{1,32}"
_SHARE: Final = re.compile(
    rb"\b[a-z]{4,8}" + _GAP + rb"[a-z]{4,8}" + _GAP + rb"acad(emic)?" + _GAP
    + rb"(acid|agen(cy)?|alwa(ys)?)(" + _GAP + rb"[a-z]{4,8}){16}"
)  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Search:
    """What a search has found so far.

    Attributes:
        secrets: what each file holds, by path.
        closed: files and folders that this account may not read; it cannot leak them.
        unsearched: folders too deep and files too long, or the first one beyond the number.
    """

    secrets: dict[Path, str] = field(default_factory=dict)
    closed: list[Path] = field(default_factory=list)
    unsearched: list[Path] = field(default_factory=list)


def search(directories: Iterable[Path], *, leave_out: Collection[Path], max_files: int = MAX_FILES) -> Search:
    """Search folders and all below them, also behind links, each place once and the nearest first.

    Args:
        directories: where to begin; one that is not there is passed over.
        leave_out: files that are not opened.
        max_files: files and folders after which the search ends.
    """
    found = Search()
    seen = {_place(path.stat()) for path in leave_out if os.path.exists(path)}  # noqa: PTH110 - raises nothing
    waiting = deque((path, 0) for path in directories)
    while waiting:
        path, depth = waiting.popleft()
        try:
            status = path.stat()
            if _place(status) in seen:
                continue
            if len(seen) >= max_files:
                found.unsearched.append(path)
                break
            if depth > MAX_DEPTH:
                found.unsearched.append(path)
                continue
            seen.add(_place(status))
            if stat.S_ISDIR(status.st_mode):
                waiting.extend((one, depth + 1) for one in sorted(path.iterdir()))
            elif stat.S_ISREG(status.st_mode):  # a pipe would wait for ever
                _look_into(path, found)
        except PermissionError:
            found.closed.append(path)
        except OSError:
            continue  # gone meanwhile, or a link that leads nowhere or in a circle
    return found


def _place(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _look_into(path: Path, found: Search) -> None:
    with path.open("rb") as file:
        block = file.read(_STEP)
        if block.startswith(_KEYSTORE_MAGIC):
            found.secrets[path] = KEY
        while block and path not in found.secrets:
            what = _secret_in(block)
            if what is not None:
                found.secrets[path] = what
            if file.tell() >= MAX_BYTES:
                found.unsearched.append(path)
                return
            more = file.read(_STEP)
            block = block[-_OVERLAP:] + more if more else b""


def _secret_in(block: bytes) -> str | None:
    """Say what secret stands in some bytes, if any."""
    if _KEYSTORE.search(block):
        return KEY
    # UTF-16 has a letter in every second byte, the even or the odd ones.
    for view in (block, block[::2], block[1::2]):
        text = view.lower()
        # A plain look comes first: it is many times as fast, and nearly always enough.
        if b"age-secret-key-" in text and _IDENTITY.search(text):
            return KEY
        if b"acad" in text and _SHARE.search(text):
            return SHARE
    return None
