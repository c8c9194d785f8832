"""Secret keys of the Center where none may lie: looked for by what a file begins with or holds, never parsed.

Recognised are keystores, age identities, and shares as people write them down. Not recognised is what no first look
can tell: a key in an archive, under another cipher, or in words without a share's form.
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
_OVERLAP: Final = 1 << 10  # bytes; more than an identity or a share takes

_KEYSTORE_MAGIC: Final = (
    b"HIRK"  # FORMAT.md §5; keystores of the reading keys and of the root key begin with it
)
_IDENTITY: Final = re.compile(rb"AGE-SECRET-KEY-(PQ-)?1[A-Z0-9]{20}", re.IGNORECASE)  # hybrid or not
# A share is 20 or 33 words, or their first four letters, with or without numbers before them. SLIP-39 writes "one
# group" as the third word, and "two are enough" with the place in the set as the fourth: no prose has these.
_GAP: Final = rb"[\s\d.,:;()]+"
_SHARE: Final = re.compile(
    rb"\b[a-z]{4,8}" + _GAP + rb"[a-z]{4,8}" + _GAP + rb"acad(emic)?" + _GAP
    + rb"(acid|agen(cy)?|alwa(ys)?)(" + _GAP + rb"[a-z]{4,8}){16}", re.IGNORECASE,
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
            if _IDENTITY.search(block):
                found.secrets[path] = KEY
            elif _SHARE.search(block):
                found.secrets[path] = SHARE
            if file.tell() >= MAX_BYTES:
                found.unsearched.append(path)
                return
            more = file.read(_STEP)
            block = block[-_OVERLAP:] + more if more else b""
