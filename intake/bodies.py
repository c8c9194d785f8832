"""Reads a posted form to its end, keeps the words whatever is wrong with it, and writes nothing anywhere.

The framework's own parser is never used on a report: it raises before the words are read, and spools files in
clear (docs/decisions.md 5). Here a body is read up to a limit and then read on and thrown away, because a browser whose
body is left unread shows a connection error instead of our page (docs/decisions.md 5).
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import unquote_to_bytes

from flask import Request
from werkzeug.exceptions import ClientDisconnected

from intake.config import Limits
from intake.controls import PAD
from intake.uploads import Upload

FORM_TYPE: Final = "application/x-www-form-urlencoded"
MAX_FIELDS: Final = 2_000  # pairs; our page has some 320, and each costs a little memory
_PAD: Final = f"{PAD}=".encode()  # 66,000 bytes of nothing are not taken apart
_END: Final = 65_536  # bytes; all short fields of the form together are shorter
_STEP: Final = 65_536  # bytes a read
# A body that drips holds a thread, and one of the proxy's few places for uploads. The slowest lines that people use, and
# Tor, bring ten times as much.
SLOWEST: Final = 2_048  # bytes a second, over the whole of a body
GRACE: Final = 120.0  # seconds in which nobody is hurried


class Reading(StrEnum):
    """How a body arrived."""

    WHOLE = "whole"
    TOO_MUCH = "too_much"  # longer than the limit; the first part is kept
    CUT = "cut"  # the line broke off, or the body is shorter than announced
    OTHER_TYPE = "other_type"  # not what our form sends; nothing in it can be shown
    NOT_UTF8 = "not_utf8"  # whole, but some letters had to be guessed
    FILES_TOO_LARGE = "files_too_large"  # one of them, or there are too many; the words are whole
    NO_ROOM = "no_room"  # the disk took no more of a file; the words are whole


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Posted:
    """The fields and files of a posted form, for the length of one request; words in clear, files encrypted."""

    fields: Mapping[str, tuple[str, ...]]
    reading: Reading
    uploads: tuple[Upload, ...] = ()

    def first(self, name: str) -> str:
        """Return the first value of a field, or ""."""
        return self.fields.get(name, ("",))[0]

    def close(self) -> None:
        """Forget the files."""
        for upload in self.uploads:
            upload.close()

    def __repr__(self) -> str:
        return f"Posted({self.reading}, redacted)"


def read_posted(request: Request, limits: Limits) -> Posted:
    """Read a body to its end and take it apart."""
    body, reading = _read(request, limits)
    if body and request.mimetype != FORM_TYPE:
        return Posted(fields={}, reading=Reading.OTHER_TYPE)
    pairs = body.split(b"&")
    if len(pairs) > MAX_FIELDS:
        reading = Reading.TOO_MUCH
    fields: dict[str, tuple[str, ...]] = {}
    is_clean = True
    for pair in pairs[:MAX_FIELDS]:
        if pair and not pair.startswith(_PAD):
            name, value, is_utf8 = _decode_pair(pair)
            fields[name] = (*fields.get(name, ()), value)
            is_clean = is_clean and is_utf8
    if reading is Reading.WHOLE and not is_clean:
        reading = Reading.NOT_UTF8
    return Posted(fields=fields, reading=reading)


class CutError(Exception):
    """The line broke off before a body had ended."""


def arriving(request: Request, limits: Limits) -> Iterator[bytes]:
    """Yield a body piece by piece, to its end or to the limit of what is drained.

    Raises:
        CutError: the line broke off, the body is shorter than announced, or it drips.
    """
    read, began = 0, time.monotonic()
    try:
        while piece := request.stream.read(_STEP):
            yield piece
            read += len(piece)
            if read < SLOWEST * (time.monotonic() - began - GRACE):
                raise CutError
            if read > limits.drain_mib * 1024 * 1024:
                return  # the line is cut here: nobody sends this much
    except (OSError, ClientDisconnected):
        raise CutError from None
    if request.content_length is not None and read < request.content_length:
        raise CutError  # the server reports a lost connection as an early end


def _read(request: Request, limits: Limits) -> tuple[bytes, Reading]:
    """Read up to the text limit, then drain; what stands at the very end is kept, too.

    One field of a megabyte must not take the short ones behind it along: they are given back as well.
    """
    kept, end = bytearray(), b""
    wanted = limits.text_kib * 1024
    is_longer = False
    try:
        for piece in arriving(request, limits):
            room = max(0, wanted - len(kept))
            kept += piece[:room]
            end = (end + piece[room:])[-_END:]
            is_longer = is_longer or len(piece) > room
    except CutError:
        return bytes(kept), Reading.CUT
    if is_longer:
        return bytes(kept) + b"&" + end.partition(b"&")[2], Reading.TOO_MUCH
    return bytes(kept), Reading.WHOLE


def _decode_pair(pair: bytes) -> tuple[str, str, bool]:
    name, _, value = pair.partition(b"=")
    words, is_utf8 = decode(unquote_to_bytes(value.replace(b"+", b" ")))
    return decode(unquote_to_bytes(name.replace(b"+", b" ")))[0], words, is_utf8


def decode(raw: bytes) -> tuple[str, bool]:
    """Decode UTF-8; bytes that are none are shown as Windows letters, so that words stay readable."""
    try:
        return raw.decode(), True
    except UnicodeDecodeError:
        guessed = raw.decode(errors="surrogateescape")
        letters = (
            bytes([ord(letter) - 0xDC00]).decode("cp1252", "replace")
            if "\udc80" <= letter <= "\udcff"
            else letter
            for letter in guessed
        )
        return "".join(letters), False
