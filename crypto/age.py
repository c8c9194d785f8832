"""age v1 files with `mlkem768x25519` stanzas: the envelope of a report (FORMAT.md §1).

Writing and reading follow the order of the bytes: header, nonce, chunks. The writer knows no other stanza type,
because one classical stanza undoes the promise against quantum computers. The reader knows no key by name: it is
given key pairs. Neither ever sees more of the content than one or two chunks.

`open_with` yields a chunk as soon as that chunk authenticated. A caller must release nothing before the generator
ended: only then is it certain that nothing was cut off.

Above 300 lines because reader and writer stand side by side, clause by clause as the specification has them.
"""

import base64
import binascii
import hmac
import io
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crypto import labels, xwing
from crypto.errors import HeaderError, HeaderMacError, NoMatchError, StreamError
from crypto.xwing import KeyPair

VERSION_LINE: Final = b"age-encryption.org/v1\n"
FILE_KEY_SIZE: Final = 16  # bytes; age specification
ENC_SIZE: Final = 1120  # bytes of an X-Wing encapsulation: ML-KEM-768 1088, X25519 32
BODY_SIZE: Final = FILE_KEY_SIZE + 16  # bytes: sealed file key with its tag
MAC_SIZE: Final = 32  # bytes; HMAC-SHA256
NONCE_SIZE: Final = 16  # bytes; age specification
CHUNK_SIZE: Final = 65_536  # bytes of plaintext; age specification
TAG_SIZE: Final = 16  # bytes; ChaCha20-Poly1305
MAX_RECIPIENTS: Final = 4  # old and new epoch, with room for an archive key; bounds the header
COLUMNS: Final = 64  # characters of a full line of a stanza body; age specification
MAX_LINE: Final = 16_384  # bytes; ours have 1,512, the published corpus stays below 3,200
MAX_HEADER: Final = 65_536  # bytes; bounds what a hostile stick can make us hold
MAX_STANZAS: Final = 32  # bounds the key operations a hostile file can ask for

_SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_STANZA_LINE: Final = re.compile(rb"->((?: [\x21-\x7e]+)+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stanza:
    """One wrapped file key: a type, arguments and a body, as they stand in the header."""

    type: str
    arguments: tuple[str, ...]
    body: bytes

    @property
    def is_hybrid(self) -> bool:
        """Whether the stanza is of the only type that we write and open."""
        return self.type == labels.AGE_STANZA


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The parsed header of an age file; every hybrid stanza in it has the right form."""

    stanzas: tuple[Stanza, ...]
    mac: bytes
    authenticated: bytes


class Writer:
    """Writes one age file to a sink, chunk by chunk; leave the `with` block without an error to complete it.

    A file that was not completed has no last chunk and opens nowhere. One full chunk is held back until more bytes
    follow or the file is closed: payloads of 64 KiB and more end on a chunk boundary, and an empty last chunk is
    invalid.
    """

    def __init__(self, sink: BinaryIO, recipients: Sequence[bytes]) -> None:
        """Write the header for 1 to 4 distinct recipients (1216 bytes each).

        Raises:
            ValueError: no recipient, too many, or one twice.
            KeyStringError: a recipient is no usable key.
        """
        if not 1 <= len(set(recipients)) == len(recipients) <= MAX_RECIPIENTS:
            raise ValueError(f"an envelope has 1 to {MAX_RECIPIENTS} distinct recipients")
        file_key = secrets.token_bytes(FILE_KEY_SIZE)
        nonce = secrets.token_bytes(NONCE_SIZE)
        sink.write(_format_header(file_key, recipients) + nonce)
        self._sink = sink
        self._cipher: ChaCha20Poly1305 | None = _stream_cipher(file_key, nonce)
        self._held = bytearray()
        self._chunk = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        self._forget()

    def write(self, content: bytes) -> None:
        """Take more plaintext of any length.

        Raises:
            ValueError: the file is closed: what is added now would be lost unseen.
        """
        self._require_open()
        rest = memoryview(content)
        while rest:
            if len(self._held) == CHUNK_SIZE:
                self._seal_chunk(self._held, is_last=False)
                self._wipe_held()
            if not self._held and len(rest) > CHUNK_SIZE:  # of a large file nothing is copied
                self._seal_chunk(rest[:CHUNK_SIZE], is_last=False)
                rest = rest[CHUNK_SIZE:]
                continue
            room = CHUNK_SIZE - len(self._held)
            self._held += rest[:room]
            rest = rest[room:]

    def close(self) -> None:
        """Write the last chunk and forget the keys.

        Raises:
            ValueError: the file is closed.
        """
        try:
            self._seal_chunk(self._held, is_last=True)
        finally:
            self._forget()

    def _require_open(self) -> ChaCha20Poly1305:
        if self._cipher is None:
            raise ValueError("this envelope is closed")
        return self._cipher

    def _seal_chunk(self, chunk: bytearray | memoryview, *, is_last: bool) -> None:
        cipher = self._require_open()
        self._sink.write(cipher.encrypt(_chunk_nonce(self._chunk, is_last=is_last), chunk, None))
        self._chunk += 1

    def _forget(self) -> None:
        self._cipher = None
        self._wipe_held()

    def _wipe_held(self) -> None:
        self._held[:] = bytes(len(self._held))
        self._held.clear()


def seal_to(recipients: Sequence[bytes], plaintext: bytes | Iterable[bytes]) -> bytes:
    """Make a whole age file in memory; errors as `Writer`."""
    sink = io.BytesIO()
    seal_into(sink, recipients, [plaintext] if isinstance(plaintext, bytes) else plaintext)
    return sink.getvalue()


def seal_into(sink: BinaryIO, recipients: Sequence[bytes], parts: Iterable[bytes]) -> None:
    """Write a whole age file to a sink; errors as `Writer`, and whatever the parts raise."""
    with Writer(sink, recipients) as writer:
        for part in parts:
            writer.write(part)


def sealed_size(plaintext_size: int, recipients: int) -> int:
    """Compute the bytes of an age file before it is made: they tell nothing but these two numbers."""
    fixed = len(VERSION_LINE) + len(_mac_line(bytes(MAC_SIZE))) + NONCE_SIZE
    stanza = len(_stanza_lines(bytes(ENC_SIZE + BODY_SIZE)))
    chunks = max(1, -(-plaintext_size // CHUNK_SIZE))
    return fixed + stanza * recipients + plaintext_size + TAG_SIZE * chunks


def open_with(sealed: BinaryIO, keys: Sequence[KeyPair]) -> Iterator[bytes]:
    """Open an age file with whichever key fits; the header is checked before this returns.

    Raises:
        HeaderError: not age v1, or the header is cut or malformed.
        NoMatchError: no key opens any stanza.
        HeaderMacError: the header was changed.
        StreamError: while iterating: the content was changed, cut or continued.
    """
    header = read_header(sealed)
    return open_content(sealed, header, unwrap(header, keys))


def read_header(sealed: BinaryIO) -> Header:
    """Read and check the header; the stream then stands at the nonce.

    Raises:
        HeaderError: not age v1, or the header is cut or malformed.
    """
    if _read_full(sealed, len(VERSION_LINE)) != VERSION_LINE:
        raise HeaderError
    lines = [VERSION_LINE]
    stanzas: list[Stanza] = []
    while not (line := _read_line(sealed, lines)).startswith(b"---"):
        stanzas.append(_read_stanza(line, sealed, lines))
        if len(stanzas) > MAX_STANZAS:
            raise HeaderError
    mac = _decode(line[4:])
    if line[:4] != b"--- " or len(mac) != MAC_SIZE or not stanzas:
        raise HeaderError
    if len(stanzas) > 1 and any(stanza.type == "scrypt" for stanza in stanzas):
        raise HeaderError  # a passphrase stanza promises that whoever wrote the file knows it: it stands alone
    # The MAC covers the three dashes but neither the space nor the MAC itself.
    return Header(stanzas=tuple(stanzas), mac=mac, authenticated=b"".join(lines[:-1]) + b"---")


def unwrap(header: Header, keys: Sequence[KeyPair]) -> bytes:
    """Find the file key by trying every key on every hybrid stanza.

    Raises:
        NoMatchError: no key opens any stanza.
    """
    for stanza in header.stanzas:
        if not stanza.is_hybrid:
            continue
        wrapped = _decode(stanza.arguments[0].encode()) + stanza.body
        for key in keys:
            try:
                return _SUITE.decrypt(wrapped, key.private_key, labels.AGE_HPKE)
            except InvalidTag:  # another recipient's stanza, or a damaged one: indistinguishable
                continue
    raise NoMatchError


def open_content(sealed: BinaryIO, header: Header, file_key: bytes) -> Iterator[bytes]:
    """Check the header's MAC, then yield the chunks that follow.

    Raises:
        HeaderError: the file key has another length, or the file ends before the nonce does.
        HeaderMacError: the header was changed.
        StreamError: while iterating: the content was changed, cut or continued.
    """
    if len(file_key) != FILE_KEY_SIZE:  # a longer one could be the key of two files at once
        raise HeaderError
    if not hmac.compare_digest(_header_mac(file_key, header.authenticated), header.mac):
        raise HeaderMacError
    nonce = _read_full(sealed, NONCE_SIZE)
    if len(nonce) != NONCE_SIZE:
        raise HeaderError
    return _open_chunks(sealed, _stream_cipher(file_key, nonce))


def _open_chunks(sealed: BinaryIO, cipher: ChaCha20Poly1305) -> Iterator[bytes]:
    """Yield plaintext chunks in order; a chunk is the last one exactly if no byte follows it."""
    index = 0
    chunk = _read_full(sealed, CHUNK_SIZE + TAG_SIZE)
    while True:
        following = _read_full(sealed, CHUNK_SIZE + TAG_SIZE)
        try:
            plaintext = cipher.decrypt(_chunk_nonce(index, is_last=not following), chunk, None)
        except InvalidTag:
            raise StreamError(index) from None
        if not plaintext and index:  # an empty last chunk would give one content two encodings
            raise StreamError(index)
        yield plaintext
        if not following:
            return
        index, chunk = index + 1, following


def _format_header(file_key: bytes, recipients: Sequence[bytes]) -> bytes:
    """Write version line, one stanza per recipient in random order, and the MAC line."""
    order = list(recipients)
    secrets.SystemRandom().shuffle(order)  # a fixed order would tell which stanza is the newer epoch's
    stanzas = [_stanza_lines(_SUITE.encrypt(file_key, xwing.public_key(to), labels.AGE_HPKE)) for to in order]
    authenticated = VERSION_LINE + b"".join(stanzas) + b"---"
    return authenticated.removesuffix(b"---") + _mac_line(_header_mac(file_key, authenticated))


def _stanza_lines(wrapped: bytes) -> bytes:
    argument, body = _encode(wrapped[:ENC_SIZE]), _encode(wrapped[ENC_SIZE:])
    return b"-> %s %s\n%s\n" % (labels.AGE_STANZA.encode(), argument, body)


def _mac_line(mac: bytes) -> bytes:
    return b"--- " + _encode(mac) + b"\n"


def _read_line(sealed: BinaryIO, lines: list[bytes]) -> bytes:
    """Read one line of the header without its line feed, adding it to the lines that were read before."""
    line = sealed.readline(MAX_LINE + 1)
    lines.append(line)
    if not line.endswith(b"\n") or len(line) > MAX_LINE or sum(map(len, lines)) > MAX_HEADER:
        raise HeaderError
    return line[:-1]


def _read_stanza(line: bytes, sealed: BinaryIO, lines: list[bytes]) -> Stanza:
    """Parse a stanza's first line and read its body, which ends with the first line that is not full."""
    match = _STANZA_LINE.fullmatch(line)
    if match is None:
        raise HeaderError
    kind, *arguments = match[1].decode("ascii").split(" ")[1:]
    body = b""
    while len(part := _read_line(sealed, lines)) == COLUMNS:
        body += _decode(part)
    if len(part) > COLUMNS:
        raise HeaderError
    stanza = Stanza(type=kind, arguments=tuple(arguments), body=body + _decode(part))
    if stanza.is_hybrid and (
        [len(_decode(argument.encode())) for argument in arguments] != [ENC_SIZE]
        or len(stanza.body) != BODY_SIZE
    ):
        raise HeaderError
    return stanza


def _encode(content: bytes) -> bytes:
    return base64.b64encode(content).rstrip(b"=")


def _decode(text: bytes) -> bytes:
    """Decode unpadded base64; refuse every other spelling of the same bytes."""
    try:
        content = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise HeaderError from None
    if _encode(content) != text:
        raise HeaderError
    return content


def _header_mac(file_key: bytes, authenticated: bytes) -> bytes:
    return hmac.digest(_derive(file_key, None, labels.AGE_HEADER), authenticated, "sha256")


def _stream_cipher(file_key: bytes, nonce: bytes) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(_derive(file_key, nonce, labels.AGE_STREAM))


def _derive(file_key: bytes, salt: bytes | None, label: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=label).derive(file_key)


def _chunk_nonce(index: int, *, is_last: bool) -> bytes:
    return index.to_bytes(11, "big") + (b"\x01" if is_last else b"\x00")


def _read_full(sealed: BinaryIO, size: int) -> bytes:
    """Read `size` bytes, or fewer only at the end: a raw stream may return less than it was asked for."""
    parts = []
    while size and (part := sealed.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
