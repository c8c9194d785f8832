"""The acts of the ceremony: keys from chance, keystores that open, a configuration that holds, nothing half done."""

import base64
from collections.abc import Callable
from datetime import timedelta
from hashlib import shake_256
from itertools import count
from pathlib import Path

import pytest

from crypto import config as configs
from crypto import signing
from crypto.errors import ConfigError, NoMatchError
from crypto.keystore import FLOOR_COST, read_keystore, read_root_keystore
from crypto.unseal import Identity, format_identity
from review_tool import ceremony
from review_tool.ceremony import CenterKeys, Places
from review_tool.errors import CeremonyError
from review_tool.signed_config import SignedConfig
from review_tool.transcript import Record, transcript
from tests.center import DAY, PASSPHRASE, example_content

CENTER = "test-center"


def draw_from(label: str) -> Callable[[int], bytes]:
    """A source that gives the same bytes in every run."""
    numbers = count()
    return lambda size: shake_256(f"{label}/{next(numbers)}".encode()).digest(size)


@pytest.fixture
def keys() -> CenterKeys:
    """The four keys of a Center."""
    return ceremony.make_keys(draw_from("keys"))


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Empty places for everything."""
    return Places(
        keystore=tmp_path / "stick" / "keystore",
        root_keystore=tmp_path / "stick" / "root-keystore",
        public=tmp_path / "public",
        vault=tmp_path / "vault" / "vault.db",
        shares=tmp_path / "shares",
    )


def signed_by(keys: CenterKeys, *, valid_days: int = 365, serial: int = 1) -> SignedConfig:
    """Sign the example's configuration with these keys."""
    return ceremony.sign_config(
        keys, example_content(), center=CENTER, serial=serial, epoch=1, day=DAY, valid_days=valid_days
    )


def secrets_of(keys: CenterKeys) -> set[str]:
    """Every way in which one of the keys could stand in a text."""
    seeds = (keys.root_seed, keys.ack_seed, keys.reading_seed, keys.vault_key)
    spelled = {form for seed in seeds for form in (seed.hex(), base64.b64encode(seed).decode(), repr(seed))}
    return spelled | {format_identity(seed) for seed in seeds}


def test_four_keys_differ(keys: CenterKeys) -> None:
    """One seed used twice would join what must stay apart."""
    seeds = {keys.root_seed, keys.ack_seed, keys.reading_seed, keys.vault_key}

    assert len(seeds) == 4
    assert {len(seed) for seed in seeds} == {32}


def test_keys_follow_from_the_source_alone() -> None:
    """Chance is an argument: nothing else may enter a key."""
    assert ceremony.make_keys(draw_from("same")) == ceremony.make_keys(draw_from("same"))


def test_keys_show_nothing_of_themselves(keys: CenterKeys) -> None:
    """A traceback must not print a key."""
    assert repr(keys) == "CenterKeys(redacted)"


def test_recovery_keeps_paper_keys_and_makes_the_others_anew(keys: CenterKeys) -> None:
    """A and S are on no paper; reusing a wrong one would look like the old vault."""
    back = ceremony.recovered_keys(
        root_seed=keys.root_seed, reading_seed=keys.reading_seed, draw=draw_from("recovery")
    )

    assert (back.root_seed, back.reading_seed) == (keys.root_seed, keys.reading_seed)
    assert back.ack_seed != keys.ack_seed
    assert back.vault_key != keys.vault_key


@pytest.mark.parametrize(
    "broken", [bytes, lambda size: b"\x07" * size, lambda size: bytes(range(size)), lambda size: b""],
    ids=["zeros", "one byte", "repeats", "nothing"],
)  # fmt: skip
def test_broken_source_is_refused(broken: Callable[[int], bytes]) -> None:
    """Keys of zeros look like any others on paper."""
    with pytest.raises(CeremonyError, match="random source"):
        ceremony.check_source(broken)


def test_working_source_is_accepted() -> None:
    """The check must not refuse chance."""
    ceremony.check_source(draw_from("fine"))


def test_dice_change_every_output() -> None:
    """Each draw, not only the first, must have the dice in it."""
    plain, mixed = draw_from("os"), ceremony.with_dice(draw_from("os"), "3141592653")
    plain(32)  # the draw that made the mixing key

    assert all(plain(32) != mixed(32) for _ in range(8))


def test_other_dice_give_other_keys() -> None:
    """With a known source the dice alone must make the key."""
    first = ceremony.with_dice(draw_from("known"), "1" * 99)
    second = ceremony.with_dice(draw_from("known"), "1" * 98 + "2")

    assert first(32) != second(32)


def test_the_same_dice_give_new_bytes_at_every_draw() -> None:
    """A stream that began anew at each draw would cancel itself out between two keys."""
    mixed = ceremony.with_dice(draw_from("strong"), "6666")

    assert len({mixed(32) for _ in range(64)}) == 64


def test_fingerprints_are_the_documented_ones() -> None:
    """What is printed on leaflets must be what every other part computes (FORMAT.md, worked example)."""
    expected = "33922 95390 24998 22373 54027 63505 83480 18197"

    assert ceremony.reading_fingerprint(b"\x01" * 32) == expected


def test_keystores_give_back_what_was_put_in(keys: CenterKeys, places: Places) -> None:
    """A keystore that does not open is found now, not in a year."""
    stored = ceremony.write_keystores(
        keys, places, center=CENTER, epoch=1, passphrase=PASSPHRASE, cost=FLOOR_COST
    )

    assert read_keystore(places.keystore, PASSPHRASE) == stored
    assert read_root_keystore(places.root_keystore, PASSPHRASE).root_seed == keys.root_seed
    assert stored.epochs[0].fingerprint == ceremony.reading_fingerprint(keys.reading_seed)


def test_root_key_is_in_no_other_keystore(keys: CenterKeys, places: Places) -> None:
    """The desk opens the keystore daily; the root key must not be in its memory."""
    ceremony.write_keystores(keys, places, center=CENTER, epoch=1, passphrase=PASSPHRASE, cost=FLOOR_COST)

    stored = read_keystore(places.keystore, PASSPHRASE)

    assert keys.root_seed not in (stored.ack_seed, stored.vault_key, stored.epochs[0].seed)


def test_keystore_that_cannot_be_written_is_a_ceremony_error(keys: CenterKeys, places: Places) -> None:
    """A stick that is full or gone must say so."""
    places.keystore.mkdir(parents=True)

    with pytest.raises(CeremonyError, match="cannot be written"):
        ceremony.write_keystores(keys, places, center=CENTER, epoch=1, passphrase=PASSPHRASE, cost=FLOOR_COST)


def test_configuration_is_signed_in_both_formats(keys: CenterKeys) -> None:
    """Anybody must be able to verify it with minisign or signify."""
    signed = signed_by(keys)
    raw = signed.files[configs.CONFIG_NAME]
    root_public = signing.parse_public_key(signed.files[configs.ROOT_NAME].decode())

    read = configs.read_config(raw, signed.minisig, root_public=root_public, center=CENTER)
    signing.verify_signify(raw, signed.files[configs.SIG_NAME].decode(), root_public)

    assert read == signed.config


def test_configuration_is_usable_to_its_last_day(keys: CenterKeys) -> None:
    """A key that ends before the configuration closes a line by a forgotten date."""
    config = signed_by(keys, valid_days=30).config
    last = config.hard_expiry - timedelta(days=1)

    configs.check_config(config, day=DAY, highest_serial=1, software="0.1.0")
    configs.check_config(config, day=last, highest_serial=1, software="0.1.0")

    assert config.soft_expiry == DAY + timedelta(days=30)


@pytest.mark.parametrize("center", ["", "no", "Has-Capitals", "with space", "x" * 33])
def test_bad_center_id_is_refused(keys: CenterKeys, center: str) -> None:
    """The id stands in file names and comments for ever."""
    with pytest.raises(ConfigError):
        ceremony.sign_config(
            keys, example_content(), center=center, serial=1, epoch=1, day=DAY, valid_days=365
        )


def test_test_report_is_sealed_and_opened(keys: CenterKeys) -> None:
    """The whole way is tried before the first reporter relies on it; the size is the one of every text report."""
    size = ceremony.prove_sealing(signed_by(keys).config, Identity(epoch=1, seed=keys.reading_seed), DAY)

    assert size == 34_427


def test_test_report_does_not_open_with_another_key(keys: CenterKeys) -> None:
    """The detector: a keystore with the wrong seed must fail the ceremony."""
    with pytest.raises(NoMatchError):
        ceremony.prove_sealing(signed_by(keys).config, Identity(epoch=1, seed=keys.vault_key), DAY)


def test_public_directory_holds_no_secret(keys: CenterKeys, places: Places) -> None:
    """It is carried to the server on a stick that anybody may read."""
    signed = signed_by(keys)

    ceremony.write_public(signed, places.public, transcript(record_of(keys, signed)))

    written = b"".join(path.read_bytes() for path in places.public.iterdir()).decode()
    assert not [secret for secret in secrets_of(keys) if secret in written]
    assert {path.name for path in places.public.iterdir()} == {*signed.files, ceremony.TRANSCRIPT_NAME}


def test_secret_planted_in_the_transcript_is_found(keys: CenterKeys) -> None:
    """The twin of the test above: its detector must see a key where there is one."""
    planted = transcript(record_of(keys, signed_by(keys), shares=f"all pairs proved {keys.ack_seed.hex()}"))

    assert [secret for secret in secrets_of(keys) if secret in planted]


def test_public_directory_that_cannot_be_written_is_named(keys: CenterKeys, tmp_path: Path) -> None:
    """The operator learns which place failed."""
    (tmp_path / "file").touch()

    with pytest.raises(CeremonyError, match="cannot be written"):
        ceremony.write_public(signed_by(keys), tmp_path / "file" / "public", "")


def record_of(keys: CenterKeys, signed: SignedConfig, *, shares: str = "all pairs proved") -> Record:
    """Record a ceremony that went well."""
    return Record(
        kind="founding",
        fingerprints={"reading key, epoch 1": ceremony.reading_fingerprint(keys.reading_seed)},
        config=signed.config,
        cost=FLOOR_COST,
        dice=99,
        doors=(),
        shares=shares,
        envelope_size=34_427,
    )


def test_transcript_says_what_was_made_and_proved(keys: CenterKeys) -> None:
    """It is what the Center files; an advisor must be able to check it against the leaflets."""
    text = transcript(record_of(keys, signed_by(keys)))

    for expected in (
        CENTER, DAY.isoformat(), "99 rolls", "256 MiB", "sealed (34427 bytes) and opened", "no network route",
        ceremony.reading_fingerprint(keys.reading_seed), "signature ____",
    ):  # fmt: skip
        assert expected in text


def test_broken_off_ceremony_leaves_nothing(keys: CenterKeys, places: Places) -> None:
    """Half a ceremony looks like a whole one to whoever finds its files."""
    for directory in {path.parent for path in places.files}:
        directory.mkdir(parents=True)

    with pytest.raises(IsADirectoryError), ceremony.all_or_nothing(places):
        _write_all_then_fail(places)

    assert not [path for path in places.files if path.exists()]


def test_ctrl_c_leaves_nothing_either(places: Places) -> None:
    """People stop a ceremony with the keyboard."""
    places.keystore.parent.mkdir()

    with pytest.raises(KeyboardInterrupt), ceremony.all_or_nothing(places):
        _write_keystore_then_stop(places)

    assert not places.keystore.exists()


def test_file_that_cannot_be_taken_back_is_named(places: Places) -> None:
    """A key that stays behind must be destroyed by somebody who knows of it."""
    with (
        pytest.raises(CeremonyError, match=r"destroyed by hand: .*root-keystore"),
        ceremony.all_or_nothing(places),
    ):
        _put_a_directory_then_stop(places)


def _put_a_directory_then_stop(places: Places) -> None:
    places.root_keystore.mkdir(parents=True)
    raise KeyboardInterrupt


def _write_all_then_fail(places: Places) -> None:
    for path in places.files:
        path.write_text("secret", encoding="utf-8")
    places.public.write_text("a directory is no file", encoding="utf-8")


def _write_keystore_then_stop(places: Places) -> None:
    places.keystore.write_text("secret", encoding="utf-8")
    raise KeyboardInterrupt


@pytest.mark.parametrize("number", range(14))
def test_ceremony_writes_over_nothing(places: Places, number: int) -> None:
    """Any of its files, found in place, may be the only copy of a key."""
    taken = places.files[number]
    taken.parent.mkdir(parents=True, exist_ok=True)
    taken.write_text("the only copy", encoding="utf-8")

    with pytest.raises(CeremonyError, match="writes over nothing"), ceremony.all_or_nothing(places):
        raise AssertionError("must not begin")

    assert taken.read_text(encoding="utf-8") == "the only copy"


def test_all_places_are_counted(places: Places) -> None:
    """The test above must reach every file: 3 with keys, 6 public ones, 6 shares."""
    assert len(set(places.files)) == 15


def test_dangling_link_counts_as_taken(places: Places) -> None:
    """A link laid in advance would carry a file elsewhere."""
    places.public.mkdir()
    (places.public / configs.CONFIG_NAME).symlink_to(places.public / "nowhere")

    with pytest.raises(CeremonyError), ceremony.all_or_nothing(places):
        raise AssertionError("must not begin")
