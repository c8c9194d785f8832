"""The signed configuration: what is signed reads back, and everything the server must refuse."""

import base64
import hashlib
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crypto import canonical, labels, signing
from crypto.config import (
    PublicConfig,
    Standing,
    build_config,
    check_config,
    read_config,
    standing,
    trusted_comment,
)
from crypto.errors import (
    ConfigError,
    ExpiredError,
    ForeignConfigError,
    FormatError,
    NoRecipientError,
    NotYetValidError,
    SignatureError,
    SoftwareTooOldError,
    StaleConfigError,
)
from crypto.report import FORM_VERSION, form_sha256
from tests.center import (
    CENTER_ID,
    DAY,
    NOT_BEFORE,
    SOFT_EXPIRY,
    example_content,
    make_center,
    recipient_of,
    seed_of,
)

CENTER = make_center(epochs=2)
CONFIG = CENTER.config
HARD_EXPIRY = SOFT_EXPIRY + timedelta(days=90)
SOFTWARE = "0.1.0"


def built(**changes) -> bytes:
    """Configuration bytes as the ceremony writes them, with values changed."""
    values = {
        "center": CENTER_ID,
        "serial": 1,
        "not_before": NOT_BEFORE,
        "soft_expiry": SOFT_EXPIRY,
        "recipients": CONFIG.recipients,
        "ack_public": CENTER.ack_public,
        "root_public": CENTER.root_public,
        "content": CONFIG.content,
    }
    return build_config(**values | changes)


def signed(raw: bytes, *, comment: str | None = None, seed: bytes = CENTER.root_seed) -> str:
    """The minisign signature of bytes, by the root key unless said otherwise."""
    return signing.minisign(raw, seed, trusted_comment(CENTER_ID, 1) if comment is None else comment)


def changed(**changes) -> bytes:
    """A configuration with top-level values changed behind the signer's back; `...` takes one out."""
    value = canonical.decode(CENTER.raw) | changes
    return canonical.encode({key: inner for key, inner in value.items() if inner is not ...})


def read(raw: bytes, minisig: str | None = None) -> PublicConfig:
    """Read as the server does, with the right root key and Center."""
    return read_config(
        raw, signed(raw) if minisig is None else minisig, root_public=CENTER.root_public, center=CENTER_ID
    )


def check(
    config: PublicConfig = CONFIG, *, day: date = DAY, highest_serial: int = 1, software: str = SOFTWARE
) -> None:
    """Check as the server does at start."""
    check_config(config, day=day, highest_serial=highest_serial, software=software)


def test_what_was_signed_reads_back():
    """Keys, days, forms and content are those of the ceremony."""
    assert (CONFIG.center, CONFIG.serial, CONFIG.not_before) == (CENTER_ID, 1, NOT_BEFORE)
    assert (CONFIG.soft_expiry, CONFIG.hard_expiry) == (SOFT_EXPIRY, HARD_EXPIRY)
    assert CONFIG.ack_key == CENTER.ack_public
    assert CONFIG.root_key_id == signing.key_id(CENTER.root_public)
    assert CONFIG.forms == {FORM_VERSION: form_sha256()}
    assert CONFIG.content == example_content()
    assert [one.epoch for one in CONFIG.recipients] == [1, 2]
    check()


def test_the_same_ceremony_writes_the_same_bytes():
    """A configuration can be rebuilt and compared."""
    assert built() == CENTER.raw


def test_the_context_id_binds_the_exact_bytes():
    """One changed byte is another context, so a report always names the labels its author saw."""
    assert CONFIG.context_id == hashlib.sha256(labels.CONTEXT + CENTER.raw).digest()
    assert make_center(serial=2).config.context_id != CONFIG.context_id


def test_the_public_half_of_each_epoch_is_its_recipient():
    """A server that seals to this configuration seals to the Center's seeds and to no other."""
    assert [one.public for one in CONFIG.recipients] == [
        recipient_of(epoch, seed, NOT_BEFORE, HARD_EXPIRY).public
        for epoch, seed in CENTER.epoch_seeds.items()
    ]


@settings(max_examples=150, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(CENTER.raw) * 8 - 1))
def test_a_flipped_bit_is_refused(at):
    """Whoever edits the file on the server's disk is found out before a byte is parsed."""
    data = bytearray(CENTER.raw)
    data[at // 8] ^= 1 << at % 8

    with pytest.raises(SignatureError):
        read(bytes(data), CENTER.minisig)


@settings(max_examples=150, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(CENTER.minisig) - 1), st.characters(codec="utf-8"))
def test_a_changed_signature_is_refused(at, character):
    """No second spelling of the signature file is taken; the untrusted comment alone may change."""
    minisig = CENTER.minisig[:at] + character + CENTER.minisig[at + 1 :]
    comment = CENTER.minisig.index("\n")
    if minisig == CENTER.minisig or len("untrusted comment: ") <= at < comment:
        return

    with pytest.raises(FormatError):
        read(CENTER.raw, minisig)


@pytest.mark.parametrize(
    "minisig", ["", "\n", "a\nb\nc\nd\n", "untrusted comment: x\n!!\ntrusted comment: x\n!!\n"]
)
def test_what_is_no_signature_is_refused(minisig):
    """An empty or half-copied file is a bad signature, not a crash."""
    with pytest.raises(SignatureError):
        read(CENTER.raw, minisig)


def test_another_root_is_named_as_such():
    """The operator must learn that the pin and the stick disagree, not only that something failed."""
    with pytest.raises(ForeignConfigError, match="another root"):
        read(CENTER.raw, signed(CENTER.raw, seed=seed_of("other root")))


def test_a_root_that_only_claims_our_name_is_a_bad_signature():
    """The key id proves nothing: with ours and a foreign signature it stays a bad signature."""
    lines = signed(CENTER.raw, seed=seed_of("other root")).split("\n")
    forged = bytearray(base64.b64decode(lines[1]))
    forged[2:10] = signing.key_id(CENTER.root_public)
    lines[1] = base64.b64encode(forged).decode()

    with pytest.raises(SignatureError):
        read(CENTER.raw, "\n".join(lines))


def test_another_center_is_refused():
    """A configuration of the Center next door, signed by a shared root, must not run here."""
    with pytest.raises(ForeignConfigError, match="another Center"):
        read_config(CENTER.raw, CENTER.minisig, root_public=CENTER.root_public, center="next-door")


def test_a_root_key_id_of_another_root_is_refused():
    """The file names the key that is to verify its successors."""
    with pytest.raises(ForeignConfigError):
        read(changed(root_key_id="00" * 8))


@pytest.mark.parametrize(
    "comment", ["", "x", trusted_comment(CENTER_ID, 2), trusted_comment("next-door", 1)], ids=repr
)
def test_a_comment_of_another_configuration_is_refused(comment):
    """Stock minisign prints the comment: it must not say what the file does not."""
    with pytest.raises(ConfigError):
        read(CENTER.raw, signed(CENTER.raw, comment=comment))


RECIPIENT = canonical.decode(CENTER.raw)["recipients"][0]
OTHER_RECIPIENT = canonical.decode(CENTER.raw)["recipients"][1]
SIGNED_BUT_WRONG = {
    "what": {"what": labels.ACK},
    "what missing": {"what": ...},
    "algorithm": {"alg": "ml-dsa"},
    "unknown key": {"extra": 1},
    "missing key": {"serial": ...},
    "serial negative": {"serial": -1},
    "serial a text": {"serial": "1"},
    "day in another form": {"not_before": "20261001"},
    "grace shortened": {"hard_expiry": "2027-10-02"},
    "begins after its end": {"not_before": "2027-10-01"},
    "acknowledgement key short": {"ack_key": "00"},
    "no recipient": {"recipients": []},
    "recipients an object": {"recipients": {}},
    "recipient twice": {"recipients": [RECIPIENT, RECIPIENT]},
    "epoch twice": {"recipients": [RECIPIENT, OTHER_RECIPIENT | {"epoch": 1}]},
    "key twice": {"recipients": [RECIPIENT, RECIPIENT | {"epoch": 9}]},
    "recipient no key": {"recipients": [RECIPIENT | {"recipient": "age1pq1"}]},
    "recipient classical": {"recipients": [RECIPIENT | {"recipient": "age1" + "q" * 58}]},
    "fingerprint of another key": {
        "recipients": [RECIPIENT | {"fingerprint": OTHER_RECIPIENT["fingerprint"]}]
    },
    "key ends before it begins": {"recipients": [RECIPIENT | {"until": RECIPIENT["from"]}]},
    "recipient with more": {"recipients": [RECIPIENT | {"note": "x"}]},
    "form hash no hash": {"forms": [{"sha256": "x", "version": "1.0"}]},
    "software no version": {"min_software": "newest"},
    "content missing": {"content": ...},
    "content a list": {"content": []},
    "content with more": {"content": canonical.decode(CENTER.raw)["content"] | {"police": True}},
}


@pytest.mark.parametrize("changes", SIGNED_BUT_WRONG.values(), ids=SIGNED_BUT_WRONG)
def test_a_signed_mistake_is_refused_too(changes):
    """A signature says who wrote it, not that it is right."""
    with pytest.raises(ConfigError):
        read(changed(**changes))


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"null", CENTER.raw + b"\n", b" " + CENTER.raw])
def test_signed_bytes_of_another_shape_are_refused(raw):
    """Only the canonical bytes have a context id that both machines agree on."""
    with pytest.raises(ConfigError):
        read(raw)


@pytest.mark.parametrize("day", [NOT_BEFORE, DAY, SOFT_EXPIRY, HARD_EXPIRY - timedelta(days=1)])
def test_the_form_stays_open_until_the_hard_expiry(day):
    """Closing a line for hate crimes by a forgotten date is the worse harm."""
    check(day=day)


def test_a_day_before_the_first_is_refused():
    """Most likely the clock is wrong."""
    with pytest.raises(NotYetValidError):
        check(day=NOT_BEFORE - timedelta(days=1))


@pytest.mark.parametrize("days", [0, 1, 1000])
def test_past_the_hard_expiry_is_refused(days):
    """Then nobody may be left who holds the key."""
    with pytest.raises(ExpiredError):
        check(day=HARD_EXPIRY + timedelta(days=days))


def test_a_serial_below_the_highest_seen_is_refused():
    """An old stick must not bring a removed key back."""
    check(highest_serial=1)
    with pytest.raises(StaleConfigError):
        check(highest_serial=2)


@pytest.mark.parametrize(
    ("minimum", "software", "fits"),
    [
        ("0.1.0", "0.1.0", True),
        ("0.1.0", "0.2.0", True),
        ("0.9.0", "0.10.0", True),
        ("0.10.0", "0.9.0", False),
        ("1.0", "0.9.9", False),
    ],
)
def test_software_is_compared_by_number(minimum, software, fits):
    """0.10 is newer than 0.9, whatever the alphabet says."""
    config = read(built(min_software=minimum))

    if fits:
        check(config, software=software)
        return
    with pytest.raises(SoftwareTooOldError):
        check(config, software=software)


@pytest.mark.parametrize(
    "forms",
    [[], [{"sha256": "00" * 32, "version": FORM_VERSION}], [{"sha256": form_sha256(), "version": "9.0"}]],
)
def test_a_form_that_the_server_does_not_have_is_refused(forms):
    """Answers sealed under another form would be read with another meaning."""
    with pytest.raises(SoftwareTooOldError):
        check(read(changed(forms=forms)))


def test_no_active_key_is_refused():
    """Nothing could be sealed: the form is closed and says so."""
    later = recipient_of(1, seed_of("late"), DAY + timedelta(days=1), HARD_EXPIRY)
    config = read(changed(recipients=[_as_json(later)]))

    assert config.active(DAY) == ()
    with pytest.raises(NoRecipientError):
        check(config)


def test_five_active_keys_are_refused():
    """A header holds four; a fifth key would be left out in silence."""
    five = [recipient_of(epoch, seed_of(f"five {epoch}"), NOT_BEFORE, HARD_EXPIRY) for epoch in range(1, 6)]

    with pytest.raises(NoRecipientError):
        check(read(changed(recipients=[_as_json(one) for one in five])))


def _as_json(one):
    return {
        "epoch": one.epoch,
        "fingerprint": one.fingerprint,
        "from": one.from_day.isoformat(),
        "recipient": one.recipient,
        "until": one.until.isoformat(),
    }


def test_a_rotation_seals_to_both_and_then_to_the_new_key():
    """Old and new overlap; the day an old key ends is the first day without it."""
    change = DAY + timedelta(days=14)
    old = recipient_of(1, seed_of("old"), NOT_BEFORE, change)
    new = recipient_of(2, seed_of("new"), DAY, HARD_EXPIRY)
    config = read(built(recipients=[old, new]))

    epochs = [
        [one.epoch for one in config.active(day)]
        for day in (NOT_BEFORE, DAY, change - timedelta(days=1), change)
    ]

    assert epochs == [[1], [1, 2], [1, 2], [2]]


def test_the_signer_refuses_a_newest_key_that_ends_too_early():
    """A forgotten rotation would close the line before the hard expiry does."""
    early = recipient_of(1, seed_of("early"), NOT_BEFORE, HARD_EXPIRY - timedelta(days=1))

    with pytest.raises(ConfigError, match="newest key"):
        built(recipients=[early])
    built(recipients=[recipient_of(1, seed_of("early"), NOT_BEFORE, HARD_EXPIRY)])


def test_the_signer_refuses_a_first_day_without_a_key():
    """The form would open closed."""
    late = recipient_of(1, seed_of("late"), NOT_BEFORE + timedelta(days=1), HARD_EXPIRY)

    with pytest.raises(NoRecipientError):
        built(recipients=[late])


@pytest.mark.parametrize("center", ["", "ab", "Sacramento", "a" * 33, "a b c", "a/../b"])
def test_the_signer_refuses_a_name_that_no_file_can_bear(center):
    """The id stands in names of directories on a stick."""
    with pytest.raises(ConfigError):
        built(center=center)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (SOFT_EXPIRY - timedelta(days=61), Standing.CURRENT),
        (SOFT_EXPIRY - timedelta(days=60), Standing.EXPIRING),
        (SOFT_EXPIRY - timedelta(days=1), Standing.EXPIRING),
        (SOFT_EXPIRY, Standing.PAST_SOFT),
        (HARD_EXPIRY - timedelta(days=1), Standing.PAST_SOFT),
        (HARD_EXPIRY, Standing.CLOSED),
    ],
)
def test_a_day_has_one_standing(day, expected):
    """The operator is told sixty days ahead."""
    assert standing(CONFIG, day) is expected


def test_a_configuration_prints_no_texts():
    """It is public, but a log line of ten kilobytes helps nobody."""
    assert len(repr(CONFIG)) < 600


def test_the_files_of_the_ceremony_are_read_by_their_names(tmp_path):
    """What the ceremony writes is what the server looks for."""
    CENTER.write_public(tmp_path)

    raw = (tmp_path / "center-config.json").read_bytes()
    root_public = signing.parse_public_key((tmp_path / "root.pub").read_text())
    signing.verify_signify(raw, (tmp_path / "center-config.json.sig").read_text(), root_public)
    config = read_config(
        raw, (tmp_path / "center-config.json.minisig").read_text(), root_public=root_public, center=CENTER_ID
    )

    assert config == CONFIG


@pytest.mark.parametrize("software", ["", "dev", "1", "1.0rc1"])
def test_software_without_a_number_is_refused(software):
    """A build that cannot say which version it is cannot be compared."""
    with pytest.raises(ConfigError):
        check(software=software)
