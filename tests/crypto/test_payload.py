"""Payload v1: the bytes inside an envelope, their size classes, and what is refused."""

import struct
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crypto import age, canonical, payload
from crypto.errors import PayloadError, PayloadFormatError, PayloadVersionError
from crypto.payload import (
    CLASS_CAP,
    CLASS_FLOOR,
    class_size,
    pack_contact,
    pack_report,
    unpack_contact,
    unpack_report,
)
from crypto.report import (
    FORM_VERSION,
    Flag,
    check_text,
    clean_text,
    header_fields,
    question,
    report_from_header,
)
from crypto.seal import seal
from tests.center import DAY, attachment, largest_report, longest_text, make_center, sample_report

FEW = settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PAYLOAD_ID = "0123456789abcdef" * 2
CONTEXT = bytes(range(32))
PREFIX = 52  # bytes before the header
THREAD_RESERVE = 2_150  # bytes kept free for the receipts to come
CENTER = make_center(epochs=2)

# One character for each length in UTF-8, and the ones that JSON writes longer than it stores.
WORST = ["a", "é", "ਪ", "😀", '"', "\\"]


def packed(told=None, *, contact_block=None, attachments=(), **changes):
    """A report as the server packs it."""
    told = told or sample_report()
    values = {
        "fields": header_fields(told),
        "flags": (),
        "form_lang": "en",
        "form_version": FORM_VERSION,
        "payload_id": PAYLOAD_ID,
        "received_day": DAY,
        "context_id": CONTEXT,
        "contact_block": contact_block,
        "attachments": attachments,
    }
    return b"".join(pack_report(**values | changes))


def relaid(encoded: bytes, content: bytes = b"", *, size: int | None = None, **prefix) -> bytes:
    """A payload laid out by hand, for what the writer would never write."""
    values = {
        "magic": b"HIRP",
        "version": 1,
        "kind": 1,
        "reserved": 0,
        "header": len(encoded),
        "body": len(content),
    }
    values |= prefix
    told = struct.pack(">4sBBHIQ32s", *values.values(), CONTEXT) + encoded + content
    return told.ljust(class_size(len(told)) if size is None else size, b"\0")


def header_of(packed_report: bytes) -> dict:
    """The header of a packed report as plain values."""
    length = int.from_bytes(packed_report[8:12])
    return canonical.decode(packed_report[PREFIX : PREFIX + length])


texts = (
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200).map(clean_text).filter(bool)
)


@FEW
@given(
    narrative=texts,
    contact=st.none() | st.binary(min_size=1, max_size=5000),
    files=st.lists(
        st.tuples(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), st.binary(max_size=40_000)),
        max_size=3,
    ),
    flags=st.sets(st.sampled_from(Flag)),
)
def test_every_report_survives_the_payload(narrative, contact, files, flags):
    """Fields, flags, contact block and files come out as they went in, in order."""
    told = sample_report(narrative=narrative)
    attachments = [attachment(name, content) for name, content in files]

    data = packed(told, contact_block=contact, attachments=attachments, flags=flags)
    header, context_id, block, contents = unpack_report(data)

    assert report_from_header(header.fields) == told
    assert (context_id, block) == (CONTEXT, contact)
    assert contents == tuple(content for _, content in files)
    assert [meta.name for meta in header.attachments] == [name for name, _ in files]
    assert header.flags == tuple(sorted(flags))
    assert (header.form_lang, header.form_version, header.received_day) == ("en", FORM_VERSION, DAY)
    assert header.payload_id == PAYLOAD_ID


@FEW
@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=400)
    .map(clean_text)
    .filter(lambda text: len(text) <= 400)
)
def test_every_contact_survives_its_block(contact):
    """The block has one size, whatever it says."""
    block = pack_contact(contact, payload_id=PAYLOAD_ID, context_id=CONTEXT)

    assert len(block) == 2048
    assert unpack_contact(block, payload_id=PAYLOAD_ID, context_id=CONTEXT) == contact


@pytest.mark.parametrize("character", WORST)
def test_the_largest_text_report_fits_the_first_class(character):
    """P3 at the extreme: every text at its limit, every box, contact sealed to two keys, room left for receipts."""
    told = largest_report(character, CENTER.local)
    recipients = [one.public for one in CENTER.config.recipients]
    block = age.seal_to(recipients, pack_contact(told.contact, payload_id=PAYLOAD_ID, context_id=CONTEXT))

    data = packed(told, contact_block=block, flags=tuple(Flag), form_lang="zh-Hant")

    used = PREFIX + int.from_bytes(data[8:12]) + len(block)
    assert len(recipients) == 2
    assert len(block) == 5264
    assert used + THREAD_RESERVE <= CLASS_FLOOR
    assert len(data) == CLASS_FLOOR


@pytest.mark.parametrize("character", ["x", *WORST])
def test_all_text_reports_have_one_sealed_size(character):
    """P3 as the disk sees it: the largest report of each script and the smallest are the same number of bytes."""
    largest = seal(
        largest_report(character, CENTER.local), CENTER.config, lang="zh-Hant", flags=tuple(Flag), day=DAY
    )
    smallest = seal(sample_report(narrative="x"), CENTER.config, lang="en", flags=(), day=DAY)

    assert len(largest.sealed) == len(smallest.sealed) == age.sealed_size(CLASS_FLOOR, 2)


@pytest.mark.parametrize("character", WORST)
def test_the_parts_of_the_header_keep_their_budgets(character):
    """Story, other texts, and the rest: a part that grows over its budget is seen before the whole breaks."""
    fields = header_fields(largest_report(character, CENTER.local))
    encoded = {name: len(canonical.encode(value)) for name, value in fields.items()}
    header = len(
        payload.format_header(
            unpack_report(packed(largest_report(character, CENTER.local), flags=tuple(Flag)))[0]
        )
    )

    story = encoded["narrative"] - 2
    others = encoded["when_text"] + encoded["own_words"] - 4
    assert story <= 20_000
    assert others <= 800
    assert header - story - others + THREAD_RESERVE <= 6_600


def test_mixed_worst_texts_fit_too():
    """A story may mix scripts; the budget is in bytes, so the mix cannot exceed the worst single one."""
    told = largest_report("😀", CENTER.local)
    story = clean_text('"😀' * 2500 + "ਪ" * 1000)[:6000]
    asked = question("narrative")
    while len(canonical.encode(story)) - 2 > 20_000:
        story = story[:-1]
    check_text(asked, story)

    data = packed(
        sample_report(
            **{name: getattr(told, name) for name in ("bias", "officer_conduct", "own_words")},
            narrative=story,
        )
    )

    assert len(data) == CLASS_FLOOR
    assert longest_text(asked, "😀") == "😀" * 5000


def test_length_tells_nothing_within_the_class():
    """A word and a life's story have one size."""
    assert (
        len(packed(sample_report(narrative="x")))
        == len(packed(largest_report("ਪ", CENTER.local)))
        == CLASS_FLOOR
    )


@FEW
@given(st.integers(1, CLASS_CAP))
def test_a_class_is_the_next_power_of_two(size):
    """No class below the floor, none above the cap, and never twice what is needed above the floor."""
    padded = class_size(size)

    assert padded >= size
    assert padded & (padded - 1) == 0
    assert padded == CLASS_FLOOR or padded < 2 * size


def test_there_are_thirteen_classes():
    """From 32 KiB to 128 MiB; nothing is cut off for size, it is refused."""
    assert len({class_size(1 << bits) for bits in range(28)}) == 13
    assert class_size(CLASS_FLOOR) == CLASS_FLOOR
    assert class_size(CLASS_FLOOR + 1) == 2 * CLASS_FLOOR
    assert class_size(CLASS_CAP) == CLASS_CAP
    with pytest.raises(PayloadFormatError):
        class_size(CLASS_CAP + 1)


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_a_payload_at_the_border_of_a_class_opens(over):
    """The byte before, on and after the border."""
    empty = packed(contact_block=b"")
    room = CLASS_FLOOR - PREFIX - int.from_bytes(empty[8:12])
    block = bytes(room - 4 + over)  # its own size takes four more digits in the header

    data = packed(contact_block=block)

    assert len(data) == (CLASS_FLOOR if over <= 0 else 2 * CLASS_FLOOR)
    assert unpack_report(data)[2] == block


@pytest.mark.parametrize(
    "data", [b"", b"H", b"HIR", b"%PDF-1.7", bytes(CLASS_FLOOR), b"hirp" + bytes(100)], ids=repr
)
def test_what_is_not_ours_is_told_apart(data):
    """Somebody sealed another file with stock age: set aside as unstructured, not as damage."""
    with pytest.raises(PayloadFormatError) as refused:
        unpack_report(data)

    assert not refused.value.is_ours


@pytest.mark.parametrize(
    "prefix",
    [
        {"version": 0},
        {"version": 2},
        {"kind": 0},
        {"kind": 2},
        {"kind": 3},
        {"kind": 4},
        {"kind": 10},
        {"kind": 20},
        {"kind": 99},
    ],
    ids=repr,
)
def test_a_newer_format_is_told_apart(prefix):
    """The remedy is an update of the software, so the class says so."""
    with pytest.raises(PayloadVersionError):
        unpack_report(relaid(canonical.encode(header_of(packed())), **prefix))


@pytest.mark.parametrize("place", ["thread", "follow_up"])
def test_a_reserved_place_in_use_is_a_newer_format(place):
    """Receipts come later; their reports must not be read as something else today."""
    with pytest.raises(PayloadVersionError):
        unpack_report(relaid(canonical.encode(header_of(packed()) | {place: {"seq": 1}})))


def header_change(**changes):
    """A header with some values changed; None as a key means: taken out."""
    header = header_of(packed()) | changes
    return canonical.encode({key: value for key, value in header.items() if value is not ...})


DIGEST = "ab" * 32
MALFORMED = {
    "cut in the prefix": packed()[:51],
    "prefix alone": packed()[:52],
    "cut in the header": packed()[:300],
    "cut in the padding": packed()[:-1],
    "longer than its class": packed() + bytes(1),
    "padded to a larger class": packed() + bytes(CLASS_FLOOR),
    "not zero behind": packed()[:-1] + b"\x01",
    "reserved not zero": relaid(header_change(), reserved=1),
    "contact block as report": relaid(header_change(), kind=5),
    "header longer than the file": relaid(header_change(), header=2**32 - 1),
    "body longer than the file": relaid(header_change(), body=2**64 - 1),
    "header one too short": relaid(header_change(), header=len(header_change()) - 1),
    "header one too long": relaid(header_change(), header=len(header_change()) + 1),
    "body that no part claims": relaid(header_change(), b"extra"),
    "header no json": relaid(b"{]"),
    "header not canonical": relaid(b" " + header_change()),
    "header a list": relaid(b"[]"),
    "header above 1 MiB": relaid(canonical.encode({"a": "x" * 2**20})),
    "unknown key": relaid(header_change(extra=1)),
    "key missing": relaid(header_change(flags=...)),
    "fields a list": relaid(header_change(fields=[])),
    "flags a text": relaid(header_change(flags="fast")),
    "flag no code": relaid(header_change(flags=["NO CODE"])),
    "flag a number": relaid(header_change(flags=[1])),
    "form a text": relaid(header_change(form="en")),
    "form with more": relaid(header_change(form={"lang": "en", "version": "1.0", "x": 1})),
    "language a sentence": relaid(header_change(form={"lang": "in English", "version": "1.0"})),
    "version a number": relaid(header_change(form={"lang": "en", "version": 1})),
    "id too short": relaid(header_change(payload_id="ab")),
    "id in upper case": relaid(header_change(payload_id="AB" * 16)),
    "day with a time": relaid(header_change(received_day="2026-11-16T10:00")),
    "day in another form": relaid(header_change(received_day="20261116")),
    "day that is none": relaid(header_change(received_day="2026-02-30")),
    "day a number": relaid(header_change(received_day=20261116)),
    "contact true": relaid(header_change(contact=True)),
    "contact longer than the body": relaid(header_change(contact={"sha256": DIGEST, "size": 10}), b"short"),
    "contact of another hash": relaid(header_change(contact={"sha256": DIGEST, "size": 5}), b"block"),
    "contact size negative": relaid(header_change(contact={"sha256": DIGEST, "size": -1})),
    "contact size true": relaid(header_change(contact={"sha256": DIGEST, "size": True}), b"x"),
    "contact hash no hex": relaid(header_change(contact={"sha256": "zz" * 32, "size": 0})),
    "attachments an object": relaid(header_change(attachments={})),
    "attachment a text": relaid(header_change(attachments=["a.png"])),
    "attachment without type": relaid(
        header_change(attachments=[{"name": "a", "sha256": DIGEST, "size": 0}])
    ),
    "attachment name a number": relaid(
        header_change(attachments=[{"claimed_type": "", "name": 1, "sha256": DIGEST, "size": 0}])
    ),
    "attachment not in the body": relaid(
        header_change(attachments=[{"claimed_type": "", "name": "a", "sha256": DIGEST, "size": 3}])
    ),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_what_no_writer_writes_is_refused(data):
    """One class and one message, whichever check refused."""
    with pytest.raises(PayloadFormatError) as refused:
        unpack_report(data)

    assert refused.value.is_ours
    assert str(refused.value) == str(PayloadFormatError())
    assert refused.value.__cause__ is None


def test_swapped_attachments_are_refused():
    """Order in the header is order in the body."""
    first, second = (attachment(name, name.encode() * 9) for name in "ab")
    data = packed(attachments=[first, second])
    start = PREFIX + int.from_bytes(data[8:12])

    with pytest.raises(PayloadFormatError):
        unpack_report(
            data[:start] + data[start + 9 : start + 18] + data[start : start + 9] + data[start + 18 :]
        )


@settings(max_examples=300, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, CLASS_FLOOR * 8 - 1) | st.integers(0, 800 * 8))
def test_a_flipped_bit_raises_only_the_documented_errors(at):
    """Inside the seal nothing flips unseen, but a hostile sealer may write anything."""
    data = bytearray(packed(contact_block=b"sealed"))
    data[at // 8] ^= 1 << at % 8

    try:
        unpack_report(bytes(data))
    except PayloadError:
        return

    header_end = PREFIX + int.from_bytes(data[8:12])
    assert (
        20 <= at // 8 < header_end
    )  # the context id, and letters inside the header: other values, same format


@FEW
@given(st.binary(max_size=200))
def test_noise_after_the_magic_raises_only_the_documented_errors(noise):
    """No crash, whatever follows."""
    with pytest.raises(PayloadError):
        unpack_report((b"HIRP" + noise).ljust(CLASS_FLOOR, b"\0"))


@pytest.mark.parametrize(
    "change",
    [
        {"context_id": b"short"},
        {"payload_id": "not hex"},
        {"form_lang": "in English"},
        {"form_version": "one"},
        {"flags": ("NO CODE",)},
        {"fields": {"Narrative": "x"}},
        {"fields": {"narrative": "\ud800"}},
        {"fields": {"narrative": 1.5}},
        {"attachments": [attachment("\ud800", b"")]},
        {"attachments": [attachment("x" * 2**20, b"")]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_writer_seals_nothing_that_no_reader_takes(change):
    """A report sealed wrong could never be mended: the person would have been told "we have it"."""
    with pytest.raises(PayloadFormatError):
        packed(**change)


def test_more_than_the_largest_class_is_refused():
    """The cap holds for the whole, whatever the single files are."""
    half = bytes(CLASS_CAP // 2)

    with pytest.raises(PayloadFormatError):
        packed(attachments=[attachment(name, half) for name in "ab"])


@pytest.mark.parametrize(
    ("payload_id", "context_id"),
    [("f" * 32, CONTEXT), (PAYLOAD_ID, bytes(32))],
    ids=["other report", "other config"],
)
def test_a_contact_block_moved_to_another_report_is_refused(payload_id, context_id):
    """Nobody can pin one person's phone number to another person's story."""
    block = pack_contact("call me", payload_id=payload_id, context_id=context_id)

    with pytest.raises(PayloadFormatError):
        unpack_contact(block, payload_id=PAYLOAD_ID, context_id=CONTEXT)


def test_a_report_is_no_contact_block():
    """The type is checked, not guessed."""
    with pytest.raises(PayloadFormatError):
        unpack_contact(packed(), payload_id=PAYLOAD_ID, context_id=CONTEXT)


@pytest.mark.parametrize(
    "data",
    [
        relaid(canonical.encode({"contact": "x", "payload_id": PAYLOAD_ID}), kind=5),
        relaid(canonical.encode({"contact": "x", "payload_id": PAYLOAD_ID}), b"body", kind=5, size=2048),
        relaid(canonical.encode({"contact": 1, "payload_id": PAYLOAD_ID}), kind=5, size=2048),
        relaid(canonical.encode({"contact": "x"}), kind=5, size=2048),
        relaid(canonical.encode(["x"]), kind=5, size=2048),
    ],
    ids=["another size", "a body", "no text", "no id", "no object"],
)
def test_a_contact_block_of_another_shape_is_refused(data):
    """As strict as the report it belongs to."""
    with pytest.raises(PayloadFormatError):
        unpack_contact(data, payload_id=PAYLOAD_ID, context_id=CONTEXT)


def test_a_contact_that_does_not_fit_is_refused():
    """A Report never holds such a one; nothing is cut off."""
    with pytest.raises(PayloadFormatError):
        pack_contact("x" * 2048, payload_id=PAYLOAD_ID, context_id=CONTEXT)


def test_values_of_a_payload_never_print_themselves():
    """Names of files and answers stay out of logs and tracebacks."""
    file = attachment("Maria.png", b"x")
    header, *_ = unpack_report(packed(sample_report(narrative="Maria hid"), attachments=[file]))

    assert "Maria" not in f"{file!r} {header!r} {header.attachments!r}"


def test_the_layout_is_that_of_the_format():
    """The worked example: magic, version, type, lengths, context id, then the header from byte 52."""
    data = packed(contact_block=b"BLOCK")
    header_len = int.from_bytes(data[8:12])

    assert data[:8] == b"HIRP\x01\x01\x00\x00"
    assert int.from_bytes(data[12:20]) == 5
    assert data[20:52] == CONTEXT
    assert data[52:53] == b"{"
    assert data[52 + header_len : 57 + header_len] == b"BLOCK"
    assert not any(data[57 + header_len :])
    assert list(header_of(data)) == [
        "attachments",
        "contact",
        "fields",
        "flags",
        "follow_up",
        "form",
        "payload_id",
        "received_day",
        "thread",
    ]
    assert header_of(data)["received_day"] == date(2026, 11, 16).isoformat()
