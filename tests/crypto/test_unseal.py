"""Opening: each kind of damage in its own class, nothing released before the end, contact only by a further act."""

import io
import itertools
import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto import age
from crypto.errors import (
    ContextError,
    FormatError,
    HeaderError,
    HeaderMacError,
    KeyStringError,
    NoMatchError,
    PayloadError,
    PayloadFormatError,
    PayloadVersionError,
    StreamError,
)
from crypto.payload import CLASS_CAP, CONTACT_SIZE, pack_contact, pack_report
from crypto.report import header_fields
from crypto.seal import seal
from crypto.unseal import (
    Identity,
    Opened,
    Quarantine,
    format_identity,
    parse_identity,
    quarantine_class,
    require_context,
    unseal,
    unseal_contact,
)
from crypto.xwing import key_pair, recipient_string
from tests.center import DAY, make_center, sample_report
from tests.hardening import damage

CENTER = make_center(epochs=2)
PUBLICS = [one.public for one in CENTER.config.recipients]
IDENTITY = "AGE-SECRET-KEY-PQ-1QYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSCTK5KM"
GOLDEN = Path(__file__).parent.parent / "golden"
FORMAT = Path(__file__).parents[2] / "crypto/FORMAT.md"


def sealed_sample(**changes: object) -> bytes:
    """The sealed bytes of the sample report."""
    return seal(sample_report(**changes), CENTER.config, lang="en", flags=(), day=DAY).sealed


def sealed_payload(change: Callable[[bytes], bytes]) -> bytes:
    """A properly sealed file whose payload was changed before sealing: anyone may seal anything."""
    return age.seal_to(PUBLICS, change(packed(header_fields(sample_report()))))


def packed(fields: dict, **changes: object) -> bytes:
    """The payload of a report with these fields."""
    told = {
        "flags": (),
        "form_lang": "en",
        "form_version": "1.0",
        "payload_id": "ab" * 16,
        "received_day": DAY,
        "context_id": CENTER.config.context_id,
        "contact_block": None,
    }
    return b"".join(pack_report(fields=fields, **{**told, **changes}))


def patched(offset: int, layout: str, value: int) -> Callable[[bytes], bytes]:
    """A change of one number of the payload's prefix."""

    def change(payload: bytes) -> bytes:
        changed = bytearray(payload)
        struct.pack_into(layout, changed, offset, value)
        return bytes(changed)

    return change


def unsealed(sealed: bytes | io.BytesIO) -> Opened:
    """The sample Center's way of opening."""
    return unseal(sealed, CENTER.identities)


def after_header(sealed: bytes) -> int:
    """Where the nonce begins."""
    return sealed.index(b"\n--- ") + 5 + 44


# The failure table of FORMAT.md: what was done, what is raised, where it goes.
FAILURES: dict[str, tuple[bytes, type[FormatError], Quarantine]] = {
    "not age": (b"hello", HeaderError, Quarantine.UNREADABLE),
    "later age version": (
        sealed_sample().replace(b"org/v1", b"org/v2", 1), HeaderError, Quarantine.UNREADABLE,
    ),
    "cut in the header": (sealed_sample()[:900], HeaderError, Quarantine.UNREADABLE),
    "malformed stanza": (
        sealed_sample().replace(b"-> mlkem768x25519 ", b"-> mlkem768x25519 x ", 1), HeaderError, Quarantine.UNREADABLE,
    ),
    "sealed to another Center": (
        age.seal_to([key_pair(b"\x07" * 32).public], b"x"), NoMatchError, Quarantine.NO_KEY,
    ),
    "header changed": (
        sealed_sample().replace(b"\n--- ", b"\n-> x\n\n--- "), HeaderMacError, Quarantine.TAMPERED_HEADER,
    ),
    "header of one, body of another": (
        (first := sealed_sample())[: after_header(first)] + (second := sealed_sample())[after_header(second) :],
        StreamError, Quarantine.TAMPERED,
    ),
    "cut in the content": (sealed_sample()[:-1], StreamError, Quarantine.TAMPERED),
    "one byte more": (sealed_sample() + b"\0", StreamError, Quarantine.TAMPERED),
    "later payload version": (
        sealed_payload(patched(4, ">B", 2)), PayloadVersionError, Quarantine.NEWER_FORMAT,
    ),
    "reserved payload type": (
        sealed_payload(patched(5, ">B", 2)), PayloadVersionError, Quarantine.NEWER_FORMAT,
    ),
    "sealed by hand with stock age": (
        age.seal_to(PUBLICS, b"I was pushed at the bus stop."), PayloadFormatError, Quarantine.UNSTRUCTURED,
    ),
    "nothing sealed": (age.seal_to(PUBLICS, b""), PayloadFormatError, Quarantine.UNSTRUCTURED),
    "header length wrong": (
        sealed_payload(patched(8, ">I", 5)), PayloadFormatError, Quarantine.MALFORMED,
    ),
    "body length beyond the end": (
        sealed_payload(patched(12, ">Q", 2**63)), PayloadFormatError, Quarantine.MALFORMED,
    ),
    "padding not zero": (
        sealed_payload(lambda payload: payload[:-1] + b"\1"), PayloadFormatError, Quarantine.MALFORMED,
    ),
    "not padded to its class": (
        sealed_payload(lambda payload: payload + bytes(len(payload))), PayloadFormatError, Quarantine.MALFORMED,
    ),
    "header not canonical": (
        sealed_payload(lambda payload: payload.replace(b'","', b'", "', 1)), PayloadFormatError, Quarantine.MALFORMED,
    ),
    "contact block where a report belongs": (
        age.seal_to(PUBLICS, pack_contact("call", payload_id="ab" * 16, context_id=bytes(32))),
        PayloadFormatError, Quarantine.MALFORMED,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FAILURES)
def test_failure_table_holds(case: str) -> None:
    """The reviewer's next step depends on the class: wait for a key, raise an alarm, or update."""
    sealed, error, quarantine = FAILURES[case]

    with pytest.raises(error) as raised:
        unsealed(sealed)

    assert type(raised.value) is error
    assert quarantine_class(raised.value) is quarantine


def test_every_quarantine_is_reached() -> None:
    """A class that nothing leads to would be a row of the table that nobody tests."""
    assert {quarantine for _, _, quarantine in FAILURES.values()} == set(Quarantine)


def test_failure_table_of_the_document_is_this_one() -> None:
    """Whoever writes another reader has only FORMAT.md: a row must not promise what this one does not do."""
    section = FORMAT.read_text().partition("## 9. Failures")[2].partition("## 10.")[0]
    rows = re.findall(r"^\| [^|`]+ \| `(\w+)`[^|]* \| `([a-z-]+)`", section, re.MULTILINE)

    assert set(rows) == {(error.__name__, quarantine.value) for _, error, quarantine in FAILURES.values()}
    assert "| `ContextError` | not set aside" in section


def test_wrong_key_names_the_epochs_that_were_tried() -> None:
    """Stanzas carry no key id, so this is all that can be said of the one that is needed."""
    with pytest.raises(NoMatchError, match="1, 2") as raised:
        unsealed(FAILURES["sealed to another Center"][0])

    assert raised.value.epochs == (1, 2)


def test_epoch_that_fitted_is_named() -> None:
    """Before a key is destroyed somebody asks which reports were opened by it."""
    only_second = age.seal_to(PUBLICS[1:], packed(header_fields(sample_report())))

    assert unsealed(only_second).epoch == CENTER.config.recipients[1].epoch == 2


def test_report_is_read_from_a_stream_too() -> None:
    """The vault hands over an open file, and what is left of it is not read."""
    assert unseal(io.BytesIO(sealed_sample()), CENTER.identities).report == sample_report()


def test_file_above_the_largest_class_is_not_read_on() -> None:
    """Anyone may seal anything: a file of any length must not fill the review machine's memory."""
    chunk = bytes(age.CHUNK_SIZE)
    sealed = io.BytesIO(age.seal_to(PUBLICS, itertools.repeat(chunk, CLASS_CAP // age.CHUNK_SIZE + 16)))

    with pytest.raises(PayloadFormatError):
        unsealed(sealed)

    assert sealed.tell() < len(sealed.getbuffer()) - 8 * age.CHUNK_SIZE


def test_sampled_damage_of_a_whole_envelope_is_refused() -> None:
    """Every 101st bit and every 31st length here, all of them in tests/hardening; no other exception passes."""
    sealed = sealed_sample(contact="call after six")
    keys = [key_pair(one.seed) for one in CENTER.identities]

    flips = damage.count_flips(sealed, keys, range(0, 8 * len(sealed), 101))
    cuts = damage.count_cuts(sealed, keys, range(0, len(sealed), 31))

    assert set(flips) <= {HeaderError, NoMatchError, HeaderMacError, StreamError}
    assert set(cuts) == {HeaderError, StreamError}


def test_the_damage_test_would_notice_an_opened_file() -> None:
    """Its twin: a file that is whole must count as opened, or the tests above prove nothing."""
    keys = [key_pair(one.seed) for one in CENTER.identities]
    sealed = sealed_sample()

    assert damage.count_cuts(sealed, keys, [len(sealed)]) == {None: 1}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.from_regex(r"[a-z_]{1,9}", fullmatch=True), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
NAMES = st.sampled_from(["narrative", "incident_types", "series", "consent_count", "contact", "later_field"])


@settings(max_examples=100, derandomize=True, deadline=None)
@given(fields=st.dictionaries(NAMES, VALUES, max_size=5))
def test_any_fields_open_or_are_malformed(fields: dict) -> None:
    """Anyone may seal anything: no header may crash the import of the reports beside it."""
    try:
        sealed = age.seal_to(PUBLICS[:1], packed(fields))
        unsealed(sealed)
    except PayloadError as error:
        assert quarantine_class(error) is Quarantine.MALFORMED  # noqa: PT017 - most examples are refused, some open


def test_unknown_config_is_flagged_and_nothing_is_lost() -> None:
    """The report is whole; only the labels that its author saw are unknown."""
    opened = unsealed(sealed_sample())
    require_context(opened, {CENTER.config.context_id})

    with pytest.raises(ContextError):
        require_context(opened, {bytes(32)})

    assert opened.report == sample_report()


class TestContact:
    """The inner seal."""

    def test_contact_opens_by_its_own_act(self) -> None:
        """With the same keys, and bound to this report."""
        opened = unsealed(sealed_sample(contact="call 555 0100, say it is the bakery"))

        assert unseal_contact(opened, CENTER.identities) == "call 555 0100, say it is the bakery"

    def test_contact_of_another_report_is_refused(self) -> None:
        """Somebody who swaps blocks must not make the Center call a third person."""
        block = unsealed(sealed_sample(contact="call 555 0199")).contact_block
        payload = packed(header_fields(sample_report()), contact_block=block)
        opened = unsealed(age.seal_to(PUBLICS, payload))

        with pytest.raises(PayloadFormatError):
            unseal_contact(opened, CENTER.identities)

    def test_report_without_contact_is_refused(self) -> None:
        """A reviewer who asks for what is not there gets a clear error, not an empty text."""
        with pytest.raises(PayloadFormatError):
            unseal_contact(unsealed(sealed_sample()), CENTER.identities)

    def test_wrong_key_and_damage_are_told_apart(self) -> None:
        """The same classes as for a report."""
        opened = unsealed(sealed_sample(contact="call"))

        with pytest.raises(NoMatchError):
            unseal_contact(opened, [Identity(epoch=9, seed=b"\x07" * 32)])

    @pytest.mark.parametrize("size", [0, CONTACT_SIZE + 1, 200_000])
    def test_block_of_another_size_is_refused(self, size: int) -> None:
        """A block of any length must not be read into memory whole."""
        block = age.seal_to(PUBLICS, bytes(size))
        opened = unsealed(age.seal_to(PUBLICS, packed(header_fields(sample_report()), contact_block=block)))

        with pytest.raises(PayloadFormatError):
            unseal_contact(opened, CENTER.identities)


class TestIdentity:
    """The string that stock age reads: the last way to a report when this software is gone."""

    def test_worked_example_is_written_and_read(self) -> None:
        """The recovery sheet explains shares, seed and identity by it."""
        assert format_identity(b"\x01" * 32) == IDENTITY
        assert parse_identity(IDENTITY) == b"\x01" * 32

    @pytest.mark.parametrize(
        "text",
        [
            "",
            IDENTITY.lower(),
            IDENTITY[:-1],
            IDENTITY + "\n",
            IDENTITY.replace("QYQ", "QYP", 1),
            IDENTITY.replace("K", "\u212a", 1),
            IDENTITY.replace("-PQ-", "-"),
            recipient_string(key_pair(b"\x01" * 32).public),
            recipient_string(key_pair(b"\x01" * 32).public).upper(),
            format_identity(bytes(31)),
            format_identity(bytes(33)),
        ],
        ids=[
            "empty", "lower case", "cut", "line end", "typing error", "Kelvin sign", "classical", "recipient",
            "recipient in upper case", "31 bytes", "33 bytes",
        ],
    )  # fmt: skip
    def test_everything_else_is_refused(self, text: str) -> None:
        """A slip in an identity must not give another key that opens nothing."""
        with pytest.raises(KeyStringError):
            parse_identity(text)

    def test_nothing_opened_is_shown(self) -> None:
        """Keys and reports do not appear in tracebacks and logs."""
        opened = unsealed(sealed_sample())

        assert repr(opened) == "Opened(redacted)"
        assert repr(CENTER.identities[0]) == "Identity(epoch=1)"


def test_envelope_sealed_once_opens_for_ever() -> None:
    """These bytes were sealed by the first version, and lie on a stick in some drawer."""
    opened = unseal((GOLDEN / "envelope.age").read_bytes(), CENTER.identities)

    assert opened.report == sample_report()
    assert unseal_contact(opened, CENTER.identities) == "call after six"
