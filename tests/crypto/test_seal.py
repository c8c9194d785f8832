"""Sealing: every active key opens it, every text report has one size, and nothing but hybrid stanzas is let through."""

import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from crypto import age
from crypto.errors import HeaderError, NoRecipientError, PayloadFormatError
from crypto.payload import CLASS_CAP, CLASS_FLOOR, class_size
from crypto.report import Flag
from crypto.seal import Envelope, seal
from crypto.unseal import unseal
from tests.center import DAY, Center, attachment, largest_report, make_center, sample_report

TESTDATA = Path(__file__).parent.parent / "vectors/cctv-age/testdata"
# One character of one, two, three and four bytes, of scripts that reporters write.
SCRIPTS = {"Latin": "e", "Cyrillic": "д", "Hindi": "क", "Chinese": "字", "emoji": "\U0001f308"}


@pytest.fixture(scope="module")
def center() -> Center:
    """A Center in the middle of a rotation: two keys are active."""
    return make_center(epochs=2)


def seal_sample(center: Center, **changes: object) -> Envelope:
    """An envelope of the sample report."""
    return seal(sample_report(**changes), center.config, lang="en", flags=(), day=DAY)


def published(name: str) -> bytes:
    """The age file of a published vector."""
    return (TESTDATA / name).read_bytes().partition(b"\n\n")[2]


def test_every_active_key_opens_it(center: Center) -> None:
    """During a rotation the reviewer may still have only the older key."""
    sealed = seal_sample(center).sealed

    for identity in center.identities:
        assert unseal(sealed, [identity]).epoch == identity.epoch


def test_report_comes_back_as_it_was_told(center: Center) -> None:
    """Every answer, and the day, the language and the flags that only the sealed header holds."""
    report = sample_report(narrative="Two men.\nمن می‌ترسم", consent_quote=True)
    envelope = seal(report, center.config, lang="fa", flags={Flag.FAST}, day=DAY)

    opened = unseal(envelope.sealed, center.identities)

    assert opened.report == report
    assert (opened.header.received_day, opened.header.form_lang, opened.header.flags) == (
        DAY,
        "fa",
        ("fast",),
    )
    assert opened.context_id == center.config.context_id


def test_attachments_come_back_in_order(center: Center) -> None:
    """Names and types are what the browser claimed, and are only carried."""
    files = (("../../etc/passwd", b"one"), ("two.jpg", bytes(70_000)))
    attachments = [attachment(name, content) for name, content in files]
    envelope = seal(sample_report(), center.config, lang="en", flags=(), day=DAY, attachments=attachments)

    opened = unseal(envelope.sealed, center.identities)

    assert opened.attachments == tuple(content for _, content in files)
    assert [meta.name for meta in opened.header.attachments] == ["../../etc/passwd", "two.jpg"]
    assert len(envelope.sealed) == age.sealed_size(131_072, 2)


@pytest.mark.parametrize("said", [2, 4])
def test_an_attachment_of_another_size_than_was_said_is_no_envelope(center: Center, said: int) -> None:
    """What follows it would be read as part of another file."""
    told = attachment("a", b"abc")
    false = replace(told, meta=replace(told.meta, size=said))

    with pytest.raises(PayloadFormatError):
        seal(sample_report(), center.config, lang="en", flags=(), day=DAY, attachments=[false])


def test_attachments_above_the_largest_class_are_refused(center: Center) -> None:
    """Nothing is cut off for size: it is refused, and the words are given back."""
    with pytest.raises(PayloadFormatError):
        class_size(CLASS_CAP + 1)


@pytest.mark.parametrize("epochs", [1, 2])
@pytest.mark.parametrize("script", SCRIPTS)
def test_largest_report_of_any_script_has_the_first_size(script: str, epochs: int) -> None:
    """Every box ticked, every text at its limit, a contact: the store must not tell it from a line (P3)."""
    center = make_center(epochs=epochs)
    report = largest_report(SCRIPTS[script], center.local)

    envelope = seal(report, center.config, lang="en", flags=tuple(Flag), day=DAY)

    assert report.contact
    assert len(envelope.sealed) == age.sealed_size(CLASS_FLOOR, epochs)


def test_ten_thousand_text_reports_have_one_size() -> None:
    """Any length and any script: the size of an envelope says nothing (P3)."""
    config = make_center().config
    characters = list(SCRIPTS.values())

    sizes = {
        len(
            seal(
                sample_report(narrative=characters[number % 5] * (1 + number * 7 % 5000)),
                config,
                lang="en",
                flags=(),
                day=DAY,
            ).sealed
        )
        for number in range(10_000)
    }

    assert sizes == {34_427}


def test_equal_reports_have_different_envelopes_and_ids(center: Center) -> None:
    """Somebody sends the same words twice: outside the vault nobody may see that."""
    first, second = seal_sample(center).sealed, seal_sample(center).sealed

    ids = {unseal(sealed, center.identities).header.payload_id for sealed in (first, second)}

    assert first != second
    assert len(ids) == 2


@pytest.mark.parametrize("days", [-60, 600], ids=["before the first key", "after the last key"])
def test_day_without_a_key_is_refused(center: Center, days: int) -> None:
    """The form must be closed then; a report must never be sealed to nobody."""
    with pytest.raises(NoRecipientError):
        seal(sample_report(), center.config, lang="en", flags=(), day=DAY + timedelta(days=days))


def test_contact_is_under_a_seal_of_its_own(center: Center) -> None:
    """Reviewers read reports all day; who to call is opened by a deliberate, logged act."""
    opened = unseal(seal_sample(center, contact="call 555 0100 after six").sealed, center.identities)

    assert opened.report.contact == ""
    assert opened.contact_block is not None
    header = age.read_header(io.BytesIO(opened.contact_block))
    assert [stanza.is_hybrid for stanza in header.stanzas] == [True, True]


def test_report_without_contact_has_no_block(center: Center) -> None:
    """The twin: no empty block stands for nothing."""
    assert unseal(seal_sample(center).sealed, center.identities).contact_block is None


@pytest.mark.parametrize(
    "sealed",
    [
        b"",
        b"Two people shouted slurs at us.",
        published("x25519"),
        published("hybrid_and_x25519"),
        published("hybrid_grease"),
        published("scrypt"),
        published("armor_hybrid"),
    ],
    ids=[
        "empty",
        "plain text",
        "classical",
        "classical beside hybrid",
        "unknown beside hybrid",
        "passphrase",
        "armor",
    ],
)
def test_envelope_cannot_be_made_of_anything_else(sealed: bytes) -> None:
    """The store takes only envelopes, so plaintext or a classical file cannot get into it by any mistake (P1)."""
    with pytest.raises(HeaderError):
        Envelope(content=io.BytesIO(sealed))


def test_envelope_has_at_most_four_stanzas() -> None:
    """A fifth would betray itself by the size, and nobody asked for it."""
    good = age.seal_to([one.public for one in make_center(epochs=4).config.recipients], b"")
    header, _, rest = good.partition(b"\n--- ")
    stanza = header.removeprefix(age.VERSION_LINE).split(b"\n-> ")[0]
    Envelope(content=io.BytesIO(good))

    with pytest.raises(HeaderError):
        Envelope(content=io.BytesIO(header + b"\n" + stanza + b"\n--- " + rest))


def test_envelope_shows_only_its_size(center: Center) -> None:
    """An envelope in a log would be a copy outside the store."""
    assert repr(seal_sample(center)) == "Envelope(35984 bytes)"
