"""age files: written as specified, and refused in exactly the classes of the failure table."""

import io
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto import age
from crypto.errors import HeaderError, HeaderMacError, NoMatchError, StreamError
from crypto.xwing import key_pair
from tests.hardening import damage

CHUNK = age.CHUNK_SIZE
SEALED_CHUNK = CHUNK + age.TAG_SIZE
KEYS = [key_pair(bytes([number]) * 32) for number in range(1, 6)]
PUBLICS = [key.public for key in KEYS]
BORDERS = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 1]


def sealed_to(count: int, plaintext: bytes = b"told") -> bytes:
    """An age file to the first keys."""
    return age.seal_to(PUBLICS[:count], plaintext)


FOUR = sealed_to(4)


def opened(sealed: bytes, *keys: int) -> bytes:
    """The whole plaintext, opened with the keys of these numbers."""
    return b"".join(age.open_with(io.BytesIO(sealed), [KEYS[number] for number in keys or (0,)]))


def split(sealed: bytes) -> tuple[bytes, bytes, bytes]:
    """Header, nonce and chunks of a file."""
    end = sealed.index(b"\n--- ") + 5 + 44
    return sealed[:end], sealed[end : end + 16], sealed[end + 16 :]


def stanzas(header: bytes) -> list[bytes]:
    """The stanzas of a header, each with its body."""
    body = header.removeprefix(age.VERSION_LINE).partition(b"--- ")[0]
    return [b"-> " + one for one in body.split(b"-> ")[1:]]


class TestWriting:
    """What the writer must and must not do."""

    @pytest.mark.parametrize("size", BORDERS)
    @pytest.mark.parametrize("count", [1, 4])
    def test_size_follows_from_content_and_recipients_alone(self, size: int, count: int) -> None:
        """The store reserves slots by this formula, and P3 rests on it."""
        sealed = sealed_to(count, bytes(size))

        assert len(sealed) == age.sealed_size(size, count)
        assert len(sealed) == 86 + 1557 * count + size + 16 * max(1, -(-size // CHUNK))

    @pytest.mark.parametrize("size", BORDERS)
    def test_content_of_every_border_size_comes_back(self, size: int) -> None:
        """Padded payloads of 64 KiB and more end on a chunk border, where an empty last chunk is invalid."""
        content = bytes(range(251)) * (size // 251) + bytes(size % 251)

        assert opened(sealed_to(1, content)) == content

    @settings(max_examples=20, derandomize=True, deadline=None)
    @given(parts=st.lists(st.integers(min_value=0, max_value=CHUNK + 2), max_size=4))
    def test_content_may_come_in_any_parts(self, parts: list[int]) -> None:
        """An upload arrives in pieces of any length; the file must not depend on them."""
        sink = io.BytesIO()
        with age.Writer(sink, PUBLICS[:1]) as writer:
            for part in parts:
                writer.write(bytes(part))

        assert opened(sink.getvalue()) == bytes(sum(parts))
        assert len(sink.getvalue()) == age.sealed_size(sum(parts), 1)

    def test_every_recipient_opens_it(self) -> None:
        """During a rotation the old and the new key both must."""
        sealed = sealed_to(4)

        assert [opened(sealed, number) for number in range(4)] == [b"told"] * 4

    def test_stanzas_stand_in_random_order(self) -> None:
        """A fixed order would tell which stanza belongs to the newer key."""
        firsts = set()
        for _ in range(64):  # all alike by chance once in 2^63
            header = age.read_header(io.BytesIO(sealed_to(2)))
            [first] = [
                number
                for number in (0, 1)
                if damage.outcome(_with_stanzas(header.stanzas[:1]), [KEYS[number]]) is HeaderMacError
            ]
            firsts.add(first)

        assert firsts == {0, 1}

    def test_equal_reports_share_nothing(self) -> None:
        """Whoever holds the disk must not see that two people sent the same words."""
        first, second = (split(sealed_to(1)) for _ in range(2))

        assert stanzas(first[0]) != stanzas(second[0])
        assert first[1] != second[1]
        assert first[2] != second[2]

    def test_only_hybrid_stanzas_are_written(self) -> None:
        """One classical stanza would undo the promise against quantum computers."""
        header = age.read_header(io.BytesIO(sealed_to(4)))

        assert [stanza.type for stanza in header.stanzas] == ["mlkem768x25519"] * 4

    @pytest.mark.parametrize("recipients", [[], PUBLICS[:5], [PUBLICS[0], PUBLICS[0]]])
    def test_number_of_recipients_is_checked(self, recipients: list[bytes]) -> None:
        """No recipient would lose a report; too many would change its size."""
        with pytest.raises(ValueError, match="1 to 4 distinct recipients"):
            age.seal_to(recipients, b"")

    def test_file_that_was_given_up_does_not_open(self) -> None:
        """A disk runs full in mid-report: what is left must not pass for a whole report."""
        sink = io.BytesIO()

        def give_up() -> None:
            with age.Writer(sink, PUBLICS[:1]) as writer:
                writer.write(bytes(CHUNK + 1))
                raise OSError("disk full")

        with pytest.raises(OSError, match="disk full"):
            give_up()

        with pytest.raises(StreamError):
            opened(sink.getvalue())

    def test_closed_file_takes_nothing_more(self) -> None:
        """Its keys are forgotten; what came after would be lost without a sign."""
        writer = age.Writer(io.BytesIO(), PUBLICS[:1])
        writer.close()

        with pytest.raises(ValueError, match="closed"):
            writer.close()
        with pytest.raises(ValueError, match="closed"):
            writer.write(b"a late word")

    def test_disk_full_at_the_last_chunk_closes_the_file_too(self) -> None:
        """Keys and words must not stay in memory because the end could not be written."""

        class Full(io.BytesIO):
            """Has room for the header alone."""

            def write(self, content: bytes, /) -> int:
                if self.tell():
                    raise OSError("disk full")
                return super().write(content)

        writer = age.Writer(Full(), PUBLICS[:1])
        writer.write(b"told")
        with pytest.raises(OSError, match="disk full"):
            writer.close()

        with pytest.raises(ValueError, match="closed"):
            writer.write(b"more")


class TestHeader:
    """What is refused before any key is tried."""

    @pytest.mark.parametrize(
        "sealed",
        [
            b"",
            b"age-encryption.org/v2\n" + sealed_to(1)[22:],
            b"-----BEGIN AGE ENCRYPTED FILE-----\n",
            age.VERSION_LINE,
            age.VERSION_LINE + b"--- " + b"A" * 43 + b"\n",
            age.VERSION_LINE + b"\n",
            b"HIRP" + bytes(100),
        ],
        ids=["empty", "later version", "armor", "version only", "no stanza", "empty line", "payload"],
    )
    def test_what_is_no_age_file_is_refused(self, sealed: bytes) -> None:
        """A stick holds all kinds of files; none may be taken for an envelope."""
        assert damage.outcome(sealed, KEYS) is HeaderError

    @pytest.mark.parametrize(
        "change",
        [
            lambda header: header.replace(b"-> ", b"->  "),
            lambda header: header.replace(b"--- ", b"---"),
            lambda header: header.replace(b"--- ", b"---  "),
            lambda header: header.replace(b"\n", b"\r\n"),
            lambda header: header[:-1] + b"=\n",
            lambda header: header.replace(b"mlkem768x25519 ", b"mlkem768x25519 extra "),
            lambda header: header.replace(b"mlkem768x25519 ", b"mlkem768x25519 AAAA"),
            lambda header: header.replace(b"\n--- ", b"\n\n--- "),
            lambda header: header.replace(b"mlkem768x25519", "mlkem768x25519é".encode()),
        ],
        ids=[
            "two spaces", "no space before the MAC", "two spaces before the MAC", "CRLF", "padded MAC",
            "extra argument", "long share", "body goes on", "not ASCII",
        ],
    )  # fmt: skip
    def test_malformed_header_is_refused(self, change: Callable[[bytes], bytes]) -> None:
        """One file has one spelling: a tolerant reader would let somebody mark files in passing."""
        header, nonce, chunks = split(sealed_to(1))

        assert damage.outcome(change(header) + nonce + chunks, KEYS) is HeaderError

    @pytest.mark.parametrize(
        "header",
        [
            age.VERSION_LINE + b"-> " + b"x" * (age.MAX_LINE - 3) + b"\n\n",
            age.VERSION_LINE + b"-> a\n\n" * (age.MAX_STANZAS + 1),
            age.VERSION_LINE + b"-> a\n" + (b"A" * 64 + b"\n") * 1100 + b"\n",
        ],
        ids=["long line", "many stanzas", "long header"],
    )
    def test_header_of_any_length_costs_little(self, header: bytes) -> None:
        """A hostile stick must not make the reader hold or compute more than the caps allow."""
        assert damage.outcome(header + b"--- " + b"A" * 43 + b"\n", KEYS) is HeaderError

    def test_passphrase_beside_a_key_is_refused(self) -> None:
        """The specification wants a passphrase stanza alone."""
        assert (
            damage.outcome(_with_line(b"-> scrypt AAAAAAAAAAAAAAAAAAAAAA 10\n" + b"A" * 43), KEYS)
            is HeaderError
        )

    def test_unknown_stanza_is_ignored_but_authenticated(self) -> None:
        """Later writers may add a type; adding one afterwards breaks the MAC."""
        assert damage.outcome(_with_line(b"-> later-type argument\n"), KEYS) is HeaderMacError

    @pytest.mark.parametrize("keys", [[], KEYS[1:]], ids=["no key", "other keys"])
    def test_wrong_key_is_no_match(self, keys: list) -> None:
        """Set aside and tried again when a key is added: never called damage."""
        assert damage.outcome(sealed_to(1), keys) is NoMatchError

    def test_removed_and_swapped_stanzas_break_the_mac(self) -> None:
        """Nobody may hide from the Center that a second key was sealed to."""
        header, nonce, chunks = split(sealed_to(2))
        first, second = stanzas(header)
        mac = header[header.index(b"--- ") :]

        for changed in (first, second, second + first, first + second + second):
            damaged = age.VERSION_LINE + changed + mac + nonce + chunks
            assert damage.outcome(damaged, KEYS[:2]) is HeaderMacError

    @settings(max_examples=60, derandomize=True, deadline=None)
    @given(chosen=st.lists(st.integers(min_value=0, max_value=3), min_size=1, max_size=6))
    def test_only_the_stanzas_as_written_open(self, chosen: list[int]) -> None:
        """Any stanza moved, left out or repeated: who can open one sees that the header was touched."""
        header, nonce, chunks = split(FOUR)
        written = stanzas(header)
        mac = header[header.index(b"--- ") :]

        changed = age.VERSION_LINE + b"".join(written[number] for number in chosen) + mac + nonce + chunks

        assert damage.outcome(changed, KEYS) is (None if chosen == [0, 1, 2, 3] else HeaderMacError)

    def test_changed_mac_is_named_as_such(self) -> None:
        """The reviewer must learn that somebody touched the header."""
        header, nonce, chunks = split(sealed_to(1))
        changed = header[:-44] + b"A" * 43 + b"\n"

        assert damage.outcome(changed + nonce + chunks, KEYS) is HeaderMacError

    def test_file_that_ends_inside_the_nonce_is_a_cut_header(self) -> None:
        """The corpus counts the nonce to the header."""
        header, nonce, _ = split(sealed_to(1))

        assert damage.outcome(header + nonce[:15], KEYS) is HeaderError


class TestContent:
    """What is refused while the content is read, and how much was released before."""

    def refused_at(self, sealed: bytes) -> tuple[int, int]:
        """The chunk that a file is refused at, and the bytes released before."""
        released = 0
        try:
            for chunk in age.open_with(io.BytesIO(sealed), KEYS):
                released += len(chunk)
        except StreamError as error:
            return error.chunk, released
        raise AssertionError("the file opened")

    def test_body_of_another_file_is_refused_at_once(self) -> None:
        """The header of one report with the content of another must release nothing."""
        header, _, _ = split(sealed_to(1))
        _, nonce, chunks = split(sealed_to(1))

        assert self.refused_at(header + nonce + chunks) == (0, 0)

    @pytest.mark.parametrize(
        ("change", "chunk"),
        [
            (lambda chunks: chunks[SEALED_CHUNK : 2 * SEALED_CHUNK] + chunks[:SEALED_CHUNK] + chunks[2 * SEALED_CHUNK :], 0),
            (lambda chunks: chunks[:SEALED_CHUNK], 0),
            (lambda chunks: b"", 0),
            (lambda chunks: chunks[: SEALED_CHUNK + 5], 1),
            (lambda chunks: chunks[: 2 * SEALED_CHUNK], 1),
            (lambda chunks: chunks[:-1], 2),
            (lambda chunks: chunks[:-1] + bytes([chunks[-1] ^ 1]), 2),
            (lambda chunks: chunks + b"\0", 2),
            (lambda chunks: chunks + chunks[-26:], 2),
            (lambda chunks: chunks[SEALED_CHUNK:], 0),
        ],
        ids=[
            "swapped", "cut after chunk 0", "no chunk", "cut in chunk 1", "cut after chunk 1", "last byte cut",
            "last bit flipped", "one byte more", "last chunk twice", "first chunk gone",
        ],
    )  # fmt: skip
    def test_changed_chunks_are_refused_where_they_break(
        self, change: Callable[[bytes], bytes], chunk: int
    ) -> None:
        """Earlier chunks are authentic, and the caller discards them all the same."""
        header, nonce, chunks = split(sealed_to(1, bytes(2 * CHUNK + 10)))

        assert self.refused_at(header + nonce + change(chunks)) == (chunk, chunk * CHUNK)

    def test_empty_last_chunk_is_refused(self) -> None:
        """Else one content would have two encodings, told apart by whoever made them."""
        header, nonce, _ = split(sealed_to(1))
        cipher = age._stream_cipher(_file_key(header), nonce)  # noqa: SLF001 - a file that no writer makes
        full = cipher.encrypt(bytes(12), bytes(CHUNK), None)
        empty = cipher.encrypt(b"\0" * 10 + b"\x01\x01", b"", None)

        assert self.refused_at(header + nonce + full + empty) == (1, CHUNK)

    def test_stream_that_gives_few_bytes_at_a_time_is_read_whole(self) -> None:
        """A raw file or a slow stick may return less than was asked for."""

        class Trickle(io.BytesIO):
            """Returns at most ten bytes a read: less than the first line has."""

            def read(self, size: int | None = -1, /) -> bytes:
                return super().read(min(10, size if size and size > 0 else 10))

        assert b"".join(age.open_with(Trickle(sealed_to(1, bytes(CHUNK + 3))), KEYS)) == bytes(CHUNK + 3)


class TestDamage:
    """One bit, one cut: whole on a small file, sampled on a long one; the rest is in tests/hardening."""

    def test_every_flipped_bit_of_a_small_file_is_refused(self) -> None:
        """Nothing that a disk or a person does to a file may open as something else, or crash the reader."""
        sealed = sealed_to(1)

        outcomes = damage.count_flips(sealed, KEYS[:1], range(8 * len(sealed)))

        assert set(outcomes) == {HeaderError, NoMatchError, HeaderMacError, StreamError}
        assert outcomes[StreamError] == 8 * (16 + 4 + 16)  # nonce, content, tag

    def test_every_cut_of_a_small_file_is_refused(self) -> None:
        """A stick pulled out too early must not leave half a report that passes for one."""
        sealed = sealed_to(1)
        content = 4 + 16

        outcomes = damage.count_cuts(sealed, KEYS[:1], range(len(sealed)))

        assert outcomes == {HeaderError: len(sealed) - content, StreamError: content}

    def test_sampled_damage_of_a_long_file_is_refused(self) -> None:
        """Three chunks: the borders are where streams go wrong."""
        sealed = sealed_to(1, bytes(2 * CHUNK + 1))
        start = len(sealed) - 2 * SEALED_CHUNK - 17
        borders = [start + at * SEALED_CHUNK + off for at in (0, 1, 2) for off in (-1, 0, 1, 15, 16)]

        cuts = damage.count_cuts(sealed, KEYS[:1], [*borders, *range(0, len(sealed), 997)])
        flips = damage.count_flips(
            sealed, KEYS[:1], [8 * at for at in borders] + [*range(0, 8 * len(sealed), 7919)]
        )

        assert None not in cuts
        assert None not in flips


def _with_line(stanza: bytes) -> bytes:
    """A good file with a stanza put in front of its own."""
    header, nonce, chunks = split(sealed_to(1))
    return age.VERSION_LINE + stanza + b"\n" + header.removeprefix(age.VERSION_LINE) + nonce + chunks


def _with_stanzas(chosen: tuple[age.Stanza, ...]) -> bytes:
    """A file with these stanzas and a wrong MAC: it fails at the MAC exactly for who can open a stanza."""
    lines = [
        b"-> mlkem768x25519 " + one.arguments[0].encode() + b"\n" + age._encode(one.body)  # noqa: SLF001 - no writer
        for one in chosen
    ]
    return age.VERSION_LINE + b"\n".join(lines) + b"\n--- " + b"A" * 43 + b"\n"


def _file_key(header: bytes) -> bytes:
    return age.unwrap(age.read_header(io.BytesIO(header)), KEYS[:1])
