"""Reads a posted form with files to its end: the words into memory, each file into a spool.

The taking apart is the library `multipart`'s, which is handed bytes and hands out events. The framework's parser writes files
to the disk in clear (docs/decisions.md 5), and the decoder under it adds a byte to a file when the network cuts the closing
line in the middle. The words stand before the files in our page, so whatever happens to a file, the words are there to be
given back.
"""

from contextlib import suppress
from pathlib import Path
from typing import Final

from flask import Request
from multipart import (  # type: ignore[import-untyped] # the library ships no types
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
)

from crypto.payload import AttachmentMeta
from intake.bodies import MAX_FIELDS, CutError, Posted, Reading, arriving, decode
from intake.config import Limits
from intake.controls import FILES, MAX_FILES, PAD
from intake.uploads import Spool, Upload

FILES_TYPE: Final = "multipart/form-data"
MAX_CLAIM: Final = 255  # characters of a claimed name or type; file systems know no longer names


def read_with_files(request: Request, limits: Limits, directory: Path) -> Posted:
    """Read a body to its end and take it apart; files lie encrypted under `directory` until `Posted.close`."""
    parts = _Parts(limits, directory)
    boundary = request.mimetype_params.get("boundary", "")
    if request.mimetype == FILES_TYPE and boundary.isascii() and boundary:
        parts.read(request, PushMultipartParser(boundary, max_segment_count=MAX_FIELDS))
    else:
        parts.spoil(Reading.OTHER_TYPE)
        with suppress(CutError):
            for _ in arriving(request, limits):
                pass
    return parts.posted()


class _Parts:
    """What has been read of a body so far."""

    def __init__(self, limits: Limits, directory: Path) -> None:
        self._directory = directory
        self._limits = limits
        self._reading = Reading.WHOLE
        self._fields: dict[str, tuple[str, ...]] = {}
        self._uploads: list[Upload] = []
        self._room = limits.text_kib * 1024  # bytes of words that are still kept
        self._part: MultipartSegment | None = None
        self._words: bytearray | None = None  # of the part, if they are kept
        self._spool: Spool | None = None  # of the part, if it is a file that is kept

    def read(self, request: Request, parser: PushMultipartParser) -> None:
        """Take a body apart as it arrives; what cannot be taken apart is read on and thrown away."""
        try:
            for piece in arriving(request, self._limits):
                self._take(parser, piece)
        except CutError:
            self.spoil(Reading.CUT)
        self._take(parser, b"")
        self._end_words()
        self._drop_file()

    def spoil(self, reading: Reading) -> None:
        """Note what is wrong; the first fault counts."""
        if self._reading is Reading.WHOLE:
            self._reading = reading

    def posted(self) -> Posted:
        """Hand over what was read; files only if all is well."""
        if self._reading is not Reading.WHOLE:
            for upload in self._uploads:
                upload.close()
            self._uploads.clear()
        return Posted(fields=self._fields, reading=self._reading, uploads=tuple(self._uploads))

    def _take(self, parser: PushMultipartParser, piece: bytes) -> None:
        """Take one piece, an empty one for the end; after a fault in the form of a body nothing more of it is taken."""
        if parser.error is not None:
            return
        try:
            for event in parser.parse(piece):
                if isinstance(event, MultipartSegment):
                    self._begin(event)
                elif event is None:
                    self._end()
                elif self._words is not None:
                    self._add_words(event)
                elif self._spool is not None:
                    self._add_to_file(self._spool, event)
        except ParserLimitReached:
            self.spoil(Reading.TOO_MUCH)
        except MultipartError:
            self.spoil(Reading.CUT)

    def _begin(self, part: MultipartSegment) -> None:
        self._part = part
        if part.filename is None:
            self._words = None if part.name == PAD else bytearray()
        elif part.filename and self._reading is Reading.WHOLE:  # one was chosen, and it may still be sealed
            self._begin_file(part)

    def _end(self) -> None:
        self._end_words()
        if self._part is not None and self._spool is not None:
            self._end_file(self._part, self._spool)
        self._part, self._spool = None, None

    def _add_words(self, data: bytes) -> None:
        if len(data) > self._room:
            self.spoil(Reading.TOO_MUCH)
        if self._words is not None:
            self._words += data[: self._room]
        self._room -= min(self._room, len(data))

    def _end_words(self) -> None:
        if self._words is None or self._part is None:
            return
        words, is_utf8 = decode(bytes(self._words))
        name = self._part.name or ""
        self._fields[name] = (*self._fields.get(name, ()), words)
        self._words = None
        if not is_utf8:
            self.spoil(Reading.NOT_UTF8)

    def _begin_file(self, part: MultipartSegment) -> None:
        if part.name != FILES or len(self._uploads) == MAX_FILES:
            self.spoil(Reading.FILES_TOO_LARGE)
            return
        try:
            self._spool = Spool(self._directory)
        except OSError:
            self.spoil(Reading.NO_ROOM)

    def _add_to_file(self, spool: Spool, data: bytes) -> None:
        try:
            spool.write(data)
        except OSError:
            self.spoil(Reading.NO_ROOM)
            self._drop_file()
        if spool.size > self._limits.file_mib * 1024 * 1024:
            self.spoil(Reading.FILES_TOO_LARGE)
            self._drop_file()

    def _end_file(self, part: MultipartSegment, spool: Spool) -> None:
        try:
            digest = spool.finish()
        except OSError:
            self.spoil(Reading.NO_ROOM)
            spool.close()
            return
        meta = AttachmentMeta(
            name=_claim(part.filename or ""),
            claimed_type=_claim(part.header("Content-Type", "")),
            sha256=digest,
            size=spool.size,
        )
        self._uploads.append(Upload(meta=meta, spool=spool))

    def _drop_file(self) -> None:
        if self._spool is not None:
            self._spool.close()
        self._spool = None


def _claim(text: str) -> str:
    """What a browser claims of a file, never longer than any real claim, and never with half a letter in it."""
    return text[:MAX_CLAIM].encode("utf-8", "replace").decode()
