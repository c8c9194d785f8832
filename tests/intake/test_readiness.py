"""The server refuses to open, saying why and what to do (K5, K6)."""

import os
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from crypto import errors as crypto_errors
from crypto import signing
from crypto.config import CONFIG_NAME, MINISIG_NAME
from intake import errors, kept, readiness
from intake.config import UNLIMITED, Config, Limits
from review_tool.shares import split
from tests.center import DAY, SOFT_EXPIRY, confirmed_content, make_center
from tests.intake.conftest import GRASS, Form, make_form

NOBODY = 65_534  # the account that owns nothing


def ready(config: Config, day=DAY) -> readiness.Ready:
    """Run the check of a day."""
    return readiness.check(config, day=day)


@pytest.fixture
def as_nobody() -> Iterator[Form]:
    """A server side of an account that may not read everything, whoever runs the tests."""
    with tempfile.TemporaryDirectory() as name:
        form = make_form(Path(name))
        ready(form.config)
        is_root = os.geteuid() == 0
        if is_root:
            for path in (Path(name), *Path(name).rglob("*")):
                os.chown(path, NOBODY, -1)
            os.seteuid(NOBODY)
        try:
            yield form
        finally:
            if is_root:
                os.seteuid(0)
            form.store.close()


def changed(form: Form, **settings) -> Config:
    """The form's config with settings of [intake] changed."""
    return replace(form.config, intake=replace(form.config.intake, **settings))


def pinned_line(form: Form) -> str:
    """The second line of root.pub."""
    return signing.format_public_key(form.center.root_public, "test").splitlines()[1]


def test_a_server_that_is_set_up_may_open(form):
    """And says aloud that it is no production server."""
    found = ready(form.config)

    assert found.public.serial == 1
    assert [one for one in found.warnings if "production" not in one] == []


def test_the_fingerprints_to_compare_are_eight_groups_of_digits(form):
    """People read them aloud, in any language."""
    digits = readiness.fingerprints(form.config, form.center.config)

    assert set(digits) == {"root key", "Center key, epoch 1", "export key of this server"}
    for value in digits.values():
        assert [len(group) for group in value.split(" ")] == [5] * 8
        assert value.replace(" ", "").isdigit()


@pytest.mark.parametrize("way", ["key", "path"])
def test_the_root_key_is_pinned_by_value_or_by_path(form, tmp_path, way):
    """A copy apart from the public config: who swaps one does not swap both."""
    root = tmp_path / "pinned.pub"
    root.write_text(signing.format_public_key(form.center.root_public, "pinned"))
    form.config.intake.public_config.joinpath("root.pub").unlink()
    config = changed(
        form, **({"root_public": root} if way == "path" else {"root_public_key": pinned_line(form)})
    )

    assert ready(config).public.center == form.center.id


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (SOFT_EXPIRY - timedelta(days=61), []),
        (SOFT_EXPIRY - timedelta(days=60), ["expires on"]),
        (SOFT_EXPIRY - timedelta(days=1), ["expires on"]),
        (SOFT_EXPIRY, ["the form closes on"]),
        (SOFT_EXPIRY + timedelta(days=89), ["the form closes on"]),
    ],
)
def test_an_expiry_is_warned_of_long_before_it_closes_the_form(form, day, words):
    """Past soft expiry the form still opens: a forgotten date must not close a line for hate crimes."""
    warnings = [one for one in ready(form.config, day).warnings if "production" not in one]

    assert len(warnings) == len(words)
    assert all(word in warning for word, warning in zip(words, warnings, strict=True))


def test_a_center_section_that_differs_from_the_signed_one_is_a_warning(form):
    """The signed one counts; an operator who edited the file must learn that it did nothing."""
    config = replace(form.config, center_section={"name": "Another name"})

    assert any("the signed one counts" in one for one in ready(config).warnings)


def test_files_open_to_other_accounts_are_a_warning(form):
    """Said with the command that mends it."""
    form.config.intake.store.chmod(0o644)

    assert any("chmod go=" in one for one in ready(form.config).warnings)


# What of the signed config is refused


@pytest.mark.parametrize("name", [CONFIG_NAME, MINISIG_NAME, "root.pub"])
def test_a_missing_file_of_the_signed_config_is_named(form, name):
    """Without it nothing could be sealed."""
    (form.config.intake.public_config / name).unlink()

    with pytest.raises(errors.PublicConfigError, match=name):
        ready(form.config)


@pytest.mark.parametrize("day", [SOFT_EXPIRY + timedelta(days=90), SOFT_EXPIRY + timedelta(days=4000)])
def test_a_config_past_hard_expiry_does_not_start(form, day):
    """Its keys may be known to others by then."""
    with pytest.raises(crypto_errors.ExpiredError, match="sign and install a new one"):
        ready(form.config, day)


def test_a_config_that_begins_later_does_not_start(form):
    """A clock that is wrong looks like this too."""
    with pytest.raises(crypto_errors.NotYetValidError, match="clock"):
        ready(form.config, DAY - timedelta(days=400))


def test_an_older_config_than_one_seen_before_does_not_start(form):
    """It would seal to a key that was withdrawn."""
    kept.keep_serial(form.config.intake.data_dir, 5)
    kept.keep_serial(form.config.intake.data_dir, 3)

    with pytest.raises(crypto_errors.StaleConfigError, match="older than 5"):
        ready(form.config)


def test_a_config_of_another_center_does_not_start(form):
    """Reports would go to people who did not promise anything."""
    with pytest.raises(crypto_errors.ForeignConfigError):
        ready(changed(form, center="another-center"))


def test_a_config_signed_by_another_root_does_not_start(form):
    """Whoever swaps the config cannot swap the pinned key."""
    other = make_center(center="another-center")
    line = signing.format_public_key(other.root_public, "x").splitlines()[1]

    with pytest.raises((crypto_errors.ForeignConfigError, crypto_errors.SignatureError)):
        ready(changed(form, root_public_key=line))


@pytest.mark.parametrize("offset", [5, 200, -2])
def test_a_changed_byte_of_the_config_does_not_start(form, offset):
    """One byte of a recipient is another recipient."""
    path = form.config.intake.public_config / CONFIG_NAME
    raw = bytearray(path.read_bytes())
    raw[offset] ^= 1
    path.write_bytes(bytes(raw))

    with pytest.raises(crypto_errors.SignatureError):
        ready(form.config)


# What production refuses


def test_production_wants_a_pinned_root_key(form):
    """The key beside the config proves nothing about the config."""
    with pytest.raises(errors.PublicConfigError, match="root_public_key"):
        ready(changed(form, production=True))


@pytest.mark.parametrize("line", ["nonsense", "RWQ" + "A" * 53])
def test_a_root_key_that_is_none_is_refused(form, line):
    """A typing error must not look like a bad signature."""
    with pytest.raises(errors.PublicConfigError, match="no public key"):
        ready(changed(form, root_public_key=line))


def test_production_refuses_drafts_until_the_center_has_confirmed_them(form):
    """Words about the law and numbers of help lines are the Center's to confirm."""
    config = changed(form, production=True, root_public_key=pinned_line(form))
    with pytest.raises(errors.DraftTextError, match="texts_confirmed_on"):
        ready(config)

    config = replace(config, site=replace(config.site, texts_confirmed_on=DAY))
    with pytest.raises(errors.DraftTextError, match="signed config"):
        ready(config)


def confirmed(tmp_path, *, languages: list[str]) -> Form:
    """A server for real people: the Center has read its texts, checked its areas and pinned the root key."""
    form = make_form(tmp_path, make_center(content=confirmed_content(languages)))
    config = changed(form, production=True, root_public_key=pinned_line(form), limits=Limits())
    form.config = replace(config, site=replace(config.site, texts_confirmed_on=DAY, challenges=(GRASS,)))
    return form


def test_production_starts_when_all_is_confirmed(tmp_path):
    """The refusals above can be met."""
    form = confirmed(tmp_path, languages=["en"])

    assert ready(form.config).warnings == ()
    form.store.close()


def test_a_flood_that_nothing_would_slow_is_shouted(tmp_path):
    """A load test is over, and its limits are still there; or nobody wrote a question."""
    form = confirmed(tmp_path, languages=["en"])
    config = changed(form, limits=Limits(mib_per_day=UNLIMITED))
    config = replace(config, site=replace(config.site, challenges=()))

    of_day, of_question = ready(config).warnings

    assert "mib_per_day = 1000000000 is no limit" in of_day
    assert "there is no [[site.question]]" in of_question
    form.store.close()


def test_a_language_that_nobody_reviewed_is_left_out_in_production_and_the_operator_is_told(tmp_path):
    """A wrong word about the law or about safety does harm; nobody has read these."""
    form = confirmed(tmp_path, languages=["en", "es"])

    found = ready(form.config)

    assert [str(offer) for offer in found.offers] == ["en: source, shown", "es: sample, not shown"]
    assert any(one.startswith("es is not shown: no person has reviewed") for one in found.warnings)
    assert form.client.get("/es/").status_code == 404
    form.store.close()


def test_a_center_may_show_a_language_as_a_draft_and_every_page_says_so(tmp_path):
    """Some words in one's own language may be better than none: that is for the Center to decide."""
    form = confirmed(tmp_path, languages=["en", "es"])
    form.config = replace(form.config, site=replace(form.config.site, allow_unreviewed=("es",)))

    found = ready(form.config)

    assert str(found.offers[1]) == "es: sample, shown as a draft"
    assert any(one.startswith("es is shown as a draft") for one in found.warnings)
    for path in ("/es/", "/es/form", "/es/help", "/es/done", "/es/nowhere"):
        assert "This is a draft translation." in form.client.get(path).text
        assert "draft" not in form.client.get(path.replace("es", "en")).text
    form.store.close()


def test_a_form_without_any_language_to_show_does_not_start(tmp_path):
    """A form that answers nothing at / would look broken, and nobody would know why."""
    form = confirmed(tmp_path, languages=["es", "uk"])

    with pytest.raises(errors.SettingError, match="allow_unreviewed"):
        ready(form.config)
    form.store.close()


def test_a_language_that_does_not_exist_is_named(tmp_path):
    """A misspelt code must not look like a translation that is missing."""
    form = confirmed(tmp_path, languages=["en", "tlh"])

    with pytest.raises(errors.IntakeError, match="no language 'tlh'"):
        ready(form.config)
    form.store.close()


@pytest.mark.parametrize(("size", "words"), [(None, "there is no file"), (40_000, "larger than 32 KiB")])
def test_a_logo_that_is_missing_or_heavy_is_refused(form, size, words):
    """A page of a frightened person on a slow line must not wait for a picture."""
    path = form.config.path.with_name("logo.png")
    if size is not None:
        path.write_bytes(bytes(size))
    theme = replace(form.config.site.theme, logo=path)

    with pytest.raises(errors.SettingError, match=words):
        ready(replace(form.config, site=replace(form.config.site, theme=theme)))


# Secrets and missing parts


@pytest.mark.parametrize("place", ["beside", "below", "public", "data", "data/deeper", "root.pub"])
def test_a_secret_key_on_the_server_is_refused_by_its_file_alone(form, tmp_path_factory, place):
    """The server must never be able to open a report, not even by accident; the key itself is not printed."""
    apart = tmp_path_factory.mktemp("apart")
    config = changed(form, root_public=apart / "root.pub")
    settings = config.intake
    beside = form.config.path.parent
    directory = {
        "beside": beside,
        "below": beside / "old" / "stick",
        "public": settings.public_config,
        "data": settings.data_dir,
        "data/deeper": settings.data_dir / "deeper",
        "root.pub": apart,
    }[place]
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "stray").write_bytes(b"AGE-SECRET-KEY-PQ-1" + b"Q" * 58)

    with pytest.raises(errors.SecretOnServerError, match="stray holds a secret key") as refused:
        ready(config)

    assert "QQQQ" not in str(refused.value).upper()


def test_a_written_down_share_on_the_server_is_refused(form):
    """Two of three open every report; one alone is already half the way."""
    share = split(bytes(32), secrets.token_bytes, lambda seed: seed.hex())[0].text
    (form.config.path.parent / "reading-key-share-1.txt").write_text(share + "\n")

    with pytest.raises(errors.SecretOnServerError, match=r"share-1\.txt holds a share") as refused:
        ready(form.config)

    assert "academic" not in str(refused.value)


def test_a_file_that_this_account_may_not_read_is_a_warning(as_nobody):
    """The form could not leak what it cannot read; who takes the machine could, so the operator is told."""
    config = as_nobody.config
    stray = config.path.parent / "old.txt"
    stray.write_text("x")
    stray.chmod(0)

    assert any(f"{stray} cannot be read by this account" in one for one in ready(config).warnings)


def test_a_data_directory_of_another_account_is_said_in_one_line(as_nobody):
    """Commands that are run by root's habit, or by the wrong account, end in words."""
    as_nobody.config.intake.data_dir.chmod(0)

    with pytest.raises(errors.NotInitialisedError, match="the account that serves"):
        ready(as_nobody.config)

    as_nobody.config.intake.data_dir.chmod(0o700)


def test_the_store_is_not_searched_for_secrets(form):
    """It is gigabytes of ciphertext, and a store that refuses itself would lose reports."""
    with form.config.intake.store.open("r+b") as file:
        file.seek(50_000)
        file.write(b"AGE-SECRET-KEY-1" + b"Q" * 58)

    ready(form.config)


def test_a_server_that_was_never_set_up_is_told_what_to_run(form):
    """Each missing part names the command."""
    (form.config.intake.data_dir / "export.key").unlink()
    with pytest.raises(errors.NotInitialisedError, match="intake init"):
        ready(form.config)

    with pytest.raises(errors.NotInitialisedError, match="intake init"):
        ready(changed(form, data_dir=Path("/nowhere")))


def test_a_missing_store_is_told_what_to_run(form):
    """An empty new one in its place would hide the loss."""
    form.config.intake.store.unlink()

    with pytest.raises(errors.StoreMissingError, match="intake init"):
        ready(form.config)


def test_a_damaged_memory_of_serials_is_named(form):
    """Guessing zero would accept an old config."""
    (form.config.intake.data_dir / kept.SERIAL_NAME).write_text("many")

    with pytest.raises(errors.NotInitialisedError, match="serial"):
        ready(form.config)


def test_an_empty_store_is_told_what_it_lost_and_what_to_do(form):
    """To SQLite it is a good database of no layout; no older software made it, and none can export from it."""
    form.config.intake.store.write_bytes(b"")

    with pytest.raises(errors.StoreDamageError, match=r"store\.sqlite is empty.*last copy.*`intake init`"):
        ready(form.config)
