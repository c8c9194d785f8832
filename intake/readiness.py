"""Everything that must be so before the form may open, each refusal with what to do; `intake check` runs the same.

It only reads.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from importlib import metadata
from pathlib import Path

from crypto import signing
from crypto.config import (
    CONFIG_NAME,
    MINISIG_NAME,
    ROOT_NAME,
    PublicConfig,
    Standing,
    check_config,
    read_config,
    standing,
)
from crypto.content import content_from_toml
from crypto.errors import BundleError, ConfigError, KeyStringError
from crypto.fingerprint import fingerprint
from intake import errors, kept, stray_keys
from intake.config import STORE_NAME, UNLIMITED, Config
from intake.export import Exchange
from intake.offers import Offer, State, offers_of
from intake.store import Store
from intake.theme import LOGO_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A server that may start.

    Attributes:
        public: the signed config, verified, and fit for today.
        offers: the languages that the Center asks for, and how far each one is.
        warnings: sentences for the operator; none of them stops the server.
    """

    public: PublicConfig
    offers: tuple[Offer, ...]
    warnings: tuple[str, ...]


def check(config: Config, *, day: date) -> Ready:
    """Refuse what must not serve, in the order in which an operator mends it.

    Raises:
        IntakeError: a secret lies here, something is missing, or a text is a draft in production.
        FormatError: the signed config does not verify, is of another Center, or is not fit for today.
    """
    unsearched = refuse_secrets(config)
    settings = config.intake
    if not settings.data_dir.is_dir():
        raise errors.NotInitialisedError(f"there is no directory {settings.data_dir}; run `intake init`")
    if not os.access(settings.data_dir, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
        raise errors.NotInitialisedError(
            f"this account may not use {settings.data_dir}; run as the account that serves"
        )
    public = read_public(config)
    with naming(settings.public_config / CONFIG_NAME):
        check_config(
            public,
            day=day,
            highest_serial=kept.highest_serial(settings.data_dir),
            software=metadata.version("vouchsafe"),
        )
    if settings.production:
        _refuse_drafts(config, public)
    _refuse_logo(config.site.theme.logo)
    offers = offers_of(config, public.content)
    kept.read_export_key(settings.data_dir)
    store = open_store(config)
    try:
        store.check()
    finally:
        store.close()
    warnings = (
        *unsearched,
        *_warnings(config, public, day),
        *_unreviewed(offers, production=settings.production),
    )
    return Ready(public=public, offers=offers, warnings=warnings)


def read_public(config: Config) -> PublicConfig:
    """Read the signed config and verify it against the pinned root key.

    Raises:
        PublicConfigError: a file is missing, or no root key is pinned.
        FormatError: it does not verify.
    """
    directory = config.intake.public_config
    root_public = pinned_root(config)
    remedy = (
        f"copy all files of {directory} again from the review machine; if that does not help, compare the pinned root "
        f"key, whose digits are {fingerprint(root_public)}, with the paper from the ceremony"
    )
    raw, minisig = _read(directory / CONFIG_NAME), _read(directory / MINISIG_NAME)
    with naming(directory / CONFIG_NAME), signing.naming(str(directory / CONFIG_NAME), remedy):
        return read_config(
            raw, minisig.decode("utf-8", "replace"), root_public=root_public, center=config.intake.center
        )


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let what is wrong with a signed file say which file it is.

    Raises:
        FormatError: the one of the block, with the file in its message.
    """
    try:
        yield
    except (ConfigError, BundleError) as error:
        raise type(error)(f"{path}: {error}") from None


def pinned_root(config: Config) -> bytes:
    """Return the root key that the operator pinned; outside production the one beside the config is believed.

    Raises:
        PublicConfigError: no key is pinned, or it is written wrongly.
    """
    settings = config.intake
    text = settings.root_public_key
    if not text and settings.root_public is not None:
        text = _read(settings.root_public).decode("utf-8", "replace")
    if not text:
        if settings.production:
            raise errors.PublicConfigError(
                "no root key is pinned; set [intake] root_public_key to the second line of root.pub, "
                "after comparing its fingerprint with the one from the ceremony"
            )
        text = _read(settings.public_config / ROOT_NAME).decode("utf-8", "replace")
    try:
        return signing.parse_public_key(text)
    except KeyStringError:
        raise errors.PublicConfigError(
            "the pinned root key is no public key; copy root.pub from the ceremony again"
        ) from None


def refuse_secrets(config: Config) -> tuple[str, ...]:
    """Look for secret keys beside the config file, in the other folders that it names, and below all of them.

    Returns:
        Sentences for the operator about what could not be searched.

    Raises:
        SecretOnServerError: with the file, never with what is in it.
    """
    settings = config.intake
    journal = settings.store.with_name(STORE_NAME + "-journal")
    roots = () if settings.root_public is None else (settings.root_public.parent,)
    found = stray_keys.search(
        (config.path.absolute().parent, settings.public_config, settings.data_dir, *roots),
        leave_out=(settings.store, journal),  # gigabytes that this software wrote, all of them sealed
    )
    for path, what in found.secrets.items():
        raise errors.SecretOnServerError(
            f"{path} holds {what} of the Center; a server must never have one. Move it to the review "
            "machine, treat the key as exposed, and hold a new ceremony"
        )
    return tuple(_unsearched(found))


def open_store(config: Config) -> Store:
    """Make the store object of a config; nothing is opened yet.

    Raises:
        StoreDamageError: the file is empty. SQLite would take it for a database, of no layout that anybody made.
    """
    settings = config.intake
    if _is_empty(settings.store):
        raise errors.StoreDamageError(
            f"{settings.store} is empty, so reports that were in it and not exported are lost unless there is a copy: "
            f"restore the last copy of {settings.data_dir}, or move the empty file away and run `intake init`"
        )
    return Store(settings.store, batch=settings.slots, deadline=settings.deadline_seconds)


def open_exchange(config: Config, store: Store) -> Exchange:
    """Make the server's side of the exchange.

    Raises:
        IntakeError: the export key or the signed config is missing.
        FormatError: the signed config does not verify.
    """
    public = read_public(config)
    return Exchange(
        store=store,
        data_dir=config.intake.data_dir,
        center=config.intake.center,
        ack_public=public.ack_key,
        config_serial=public.serial,
        export_key=kept.read_export_key(config.intake.data_dir),
    )


def fingerprints(config: Config, public: PublicConfig) -> dict[str, str]:
    """The digits that people compare by eye, by what they belong to."""
    found = {"root key": fingerprint(pinned_root(config))}
    found |= {f"Center key, epoch {one.epoch}": one.fingerprint for one in public.recipients}
    return found | {"export key of this server": export_fingerprint(config)}


def export_fingerprint(config: Config) -> str:
    """The digits of the export key, to be compared when the review machine is paired."""
    return fingerprint(kept.read_export_key(config.intake.data_dir).public)


def unshown(offers: Sequence[Offer], *, production: bool) -> Iterator[str]:
    """Say which languages of the signed config people do not see, and why."""
    for offer in offers:
        code = offer.language.code
        if offer.state is State.SAMPLE and not offer.is_shown and production:
            yield f"{code} is not shown: no person has reviewed its translation (docs/translating.md)"
        elif offer.state is State.INCOMPLETE:
            yield f"{code} is not shown: some sentences have no translation (docs/translating.md)"


def _is_empty(path: Path) -> bool:
    try:
        return path.stat().st_size == 0
    except OSError:
        return False  # missing or closed: whoever opens it says so


def _refuse_logo(path: Path | None) -> None:
    if path is None:
        return
    if not path.is_file():
        raise errors.SettingError(f"[site.theme] logo: there is no file {path}")
    if path.stat().st_size > LOGO_SIZE:
        raise errors.SettingError(
            f"[site.theme] logo is larger than {LOGO_SIZE // 1024} KiB; it is loaded over slow lines, so make it smaller"
        )


def _unreviewed(offers: Sequence[Offer], *, production: bool) -> Iterator[str]:
    """Say which languages people see as drafts, or do not see, and why."""
    for offer in offers:
        if offer.is_draft and production:
            yield f"{offer.language.code} is shown as a draft: no person has reviewed its translation"
    yield from unshown(offers, production=production)


def _refuse_drafts(config: Config, public: PublicConfig) -> None:
    if config.site.texts_confirmed_on is None:
        raise errors.DraftTextError(
            "the words of [site] are drafts; let the Center read them, then set [site] texts_confirmed_on to that day"
        )
    if public.content.drafts:
        raise errors.DraftTextError(
            f"drafts in the signed config: {', '.join(public.content.drafts)}; let the Center confirm them, "
            "and sign it again"
        )


def _warnings(config: Config, public: PublicConfig, day: date) -> Iterator[str]:
    match standing(public, day):
        case Standing.EXPIRING:
            yield f"the signed config expires on {public.soft_expiry}; let the ceremony sign a new one"
        case Standing.PAST_SOFT:
            yield (
                f"the signed config expired on {public.soft_expiry}; the form closes on {public.hard_expiry} "
                "unless a new one is installed"
            )
        case _:
            pass
    if config.center_section is not None and not _is_same_content(config, public):
        yield "[center] in the config file differs from what was signed; the signed one counts"
    for path in (config.intake.data_dir, config.intake.data_dir / STORE_NAME):
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            yield f"{path} is open to other accounts; run `chmod go= {path}`"
    if config.intake.production:
        yield from _open_gates(config)
    else:
        yield "production = false: drafts and an unpinned root key are accepted; not for real reports"


def _open_gates(config: Config) -> Iterator[str]:
    """Say which ways a flood would find open."""
    for name, value in asdict(config.intake.limits).items():
        if value == UNLIMITED:
            yield f"[intake.limits] {name} = {UNLIMITED} is no limit: a flood fills the disk or hides what people tell"
    if not config.site.challenges:
        yield "there is no [[site.question]], so a flood is flagged and not slowed; config.example.toml has some"


def _is_same_content(config: Config, public: PublicConfig) -> bool:
    try:
        return content_from_toml(config.center_section or {}) == public.content
    except ConfigError:
        return False


def _unsearched(found: stray_keys.Search) -> Iterator[str]:
    if found.closed:
        yield (
            f"{_first(found.closed)} cannot be read by this account and was not searched for secret keys; the form "
            "could not leak one, but whoever takes the machine could: look at it as root, or move it away"
        )
    if found.unsearched:
        yield (
            f"{_first(found.unsearched)} was not searched for secret keys, there is too much; give the config file, "
            "and root.pub, a folder of its own"
        )


def _first(paths: list[Path]) -> str:
    return str(paths[0]) if len(paths) == 1 else f"{paths[0]} (and {len(paths) - 1} more)"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise errors.PublicConfigError(
            f"cannot read {path}: {error.strerror}; bring the signed config over from the ceremony"
        ) from None
