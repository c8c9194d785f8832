"""A ceremony or a recovery from the first look at the machine to the transcript: the order of the acts.

What each act does stands in `ceremony`, `shares`, `secret_files` and `dialogue`. Whatever weakens a Center needs an
option of its own and is said loudly. Broken off anywhere, nothing of the sitting stays. The process ends with the
command, and the keys in its memory with it.
"""

import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

import click

from crypto.config import PublicConfig
from crypto.content import CenterContent
from crypto.keystore import DEFAULT_COST, FLOOR_COST, Keystore
from crypto.unseal import Identity
from review_tool import ceremony as acts
from review_tool import dialogue, isolation, secret_files, session, shares
from review_tool import passphrase as passphrases
from review_tool import vault as vaults
from review_tool.ceremony import READING_KEY, ROOT_KEY, CenterKeys, Places
from review_tool.errors import CeremonyError, PassphraseError, ShareError, VaultError
from review_tool.passphrase import Draw
from review_tool.secret_files import Medium
from review_tool.session import Settings
from review_tool.shares import Share
from review_tool.signed_config import SignedConfig
from review_tool.terminal import counted
from review_tool.transcript import Record, transcript

COSTS: Final = {"default": DEFAULT_COST, "floor": FLOOR_COST}
_ROOM: Final = (
    "Two witnesses are here. No telephone, no camera. This software came with a checked signature, and its hashes "
    "were compared."
)
VALID_DAYS: Final = 365  # days until a configuration should be renewed; keys are rotated every 6 to 12 months
_DICE_ENOUGH: Final = 99  # rolls; 255 bits by themselves


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The options that a ceremony and a recovery share, as typed."""

    out: Path
    root_keystore: Path | None
    cost: str
    valid_days: int
    day: datetime | None
    ask_dice: bool
    own_passphrase: bool
    not_isolated: bool
    unattended: bool
    as_json: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """One ceremony or recovery, before its keys: who, where, when, and what the machine is like."""

    kind: str
    settings: Settings
    choices: Choices
    places: Places
    day: date
    doors: tuple[str, ...]
    dice: str
    draw: Draw


@dataclass(frozen=True, slots=True, kw_only=True)
class Founding:
    """What the keys of a sitting are for; a recovery has the configuration that was signed last."""

    center: str
    content: CenterContent
    epoch: int
    serial: int
    last_config: PublicConfig | None = None
    last_minisig: str = ""


def sit(settings: Settings, choices: Choices, *, kind: str, shares_to: Path | None) -> Sitting:
    """Look at the terminal, the machine and the places before any key is made.

    Raises:
        CeremonyError: nobody is at a terminal, or the machine is not isolated.
    """
    if not choices.unattended and not at_terminal():
        raise CeremonyError("a ceremony is held at a terminal; scripts say --yes")
    doors = require_isolated(allowed=choices.not_isolated)
    if not choices.unattended:
        dialogue.wait_for_enter(_ROOM)
    vault, keystore = settings.vault_directory, settings.keystore_file
    if secret_files.medium_of(keystore.parent, vault=vault) is Medium.SAME:
        shout(
            "the keystore lies on the vault's own disk: whoever takes the machine has both; use a stick of its own"
        )
    draw: Draw = secrets.token_bytes
    acts.check_source(draw)
    dice = _dice(choices)
    return Sitting(
        kind=kind,
        settings=settings,
        choices=choices,
        places=Places(
            keystore=keystore,
            root_keystore=choices.root_keystore or keystore.with_name("root-keystore"),
            public=choices.out,
            vault=vault / vaults.FILE_NAME,
            shares=shares_to,
        ),
        day=choices.day.date() if choices.day else vaults.today(),
        doors=doors,
        dice=dice,
        draw=acts.with_dice(draw, dice) if dice else draw,
    )


def at_terminal() -> bool:
    """Whether a person can be asked and shown something alone."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def require_isolated(*, allowed: bool) -> tuple[str, ...]:
    """Refuse a machine that could tell or keep a key, or say loudly what it is like; returns its open doors.

    A script is refused as people are: whoever wrote it says once, in it, that this machine may be one.

    Raises:
        CeremonyError: the machine is not isolated, and nobody said that they accept it.
    """
    doors = isolation.open_doors()
    if doors and not allowed:
        raise CeremonyError("; ".join(doors) + "; or say --not-isolated")
    for door in doors:
        shout(door)
    return doors


def _dice(choices: Choices) -> str:
    if not choices.ask_dice:
        return ""
    if choices.unattended:
        raise CeremonyError("--dice needs people at the terminal")
    rolls = dialogue.ask_dice()
    if len(rolls) < _DICE_ENOUGH:
        shout(f"mixed in: {counted(len(rolls), 'roll')}; {_DICE_ENOUGH} would make a key by themselves")
    return rolls


def hold(sitting: Sitting, founding: Founding, keys: CenterKeys, share_act: Callable[[], str]) -> None:
    """Write, prove, sign, and tell what happened; broken off at any point, nothing of it stays."""
    choices, places = sitting.choices, sitting.places
    prints = {
        f"{READING_KEY}, epoch {founding.epoch}": acts.reading_fingerprint(keys.reading_seed),
        ROOT_KEY: acts.signing_fingerprint(keys.root_seed),
        "acknowledgement key": acts.signing_fingerprint(keys.ack_seed),
    }
    with acts.all_or_nothing(places):
        signed = acts.sign_config(
            keys,
            founding.content,
            center=founding.center,
            serial=founding.serial,
            epoch=founding.epoch,
            day=sitting.day,
            valid_days=choices.valid_days,
        )
        _show_fingerprints_to_all(prints, choices)
        passphrase = new_passphrase(
            sitting.settings.passphrase_file,
            unattended=choices.unattended,
            own=choices.own_passphrase,
            draw=sitting.draw,
        )
        stored = acts.write_keystores(
            keys,
            places,
            center=founding.center,
            epoch=founding.epoch,
            passphrase=passphrase,
            cost=COSTS[choices.cost],
        )
        told_of_shares = share_act()
        identity = Identity(epoch=founding.epoch, seed=keys.reading_seed)
        record = Record(
            kind=sitting.kind,
            fingerprints=prints,
            config=signed.config,
            cost=COSTS[choices.cost],
            dice=len(sitting.dice),
            doors=sitting.doors,
            shares=told_of_shares,
            envelope_size=acts.prove_sealing(signed.config, identity, sitting.day),
        )
        acts.write_public(signed, places.public, transcript(record))
        _make_vault(sitting, founding, signed, stored)
    if choices.as_json:
        session.say_json(record.facts())
    else:
        session.say(transcript(record))


def _make_vault(sitting: Sitting, founding: Founding, signed: SignedConfig, stored: Keystore) -> None:
    """Make the vault; after a recovery it also knows the configuration of reports that are still on their way."""
    directory, reviewer = sitting.settings.vault_directory, sitting.settings.reviewer
    try:
        vaults.create(
            directory,
            center=stored.center,
            vault_key=stored.vault_key,
            config_raw=signed.config.raw,
            config_minisig=signed.minisig,
            root_public=signed.root_public,
            day=sitting.day,
            reviewer=reviewer,
        )
    except OSError as error:
        raise VaultError(f"the vault cannot be made in {directory}: {error.strerror}") from None
    if founding.last_config is None:
        return
    with (
        vaults.open_vault(
            directory, stored, day=sitting.day, reviewer=reviewer, command="key recover"
        ) as vault,
        vault.transaction() as connection,
    ):
        vaults.archive_config(connection, founding.last_config, founding.last_minisig)


def _show_fingerprints_to_all(prints: dict[str, str], choices: Choices) -> None:
    if choices.unattended:
        return
    dialogue.clear_screen()
    for name, digits in prints.items():
        session.say(f"{name:<24}{digits}")
    dialogue.wait_for_enter("Everybody may see these fingerprints. Copy them on paper, twice.")


def new_passphrase(file: Path | None, *, unattended: bool, own: bool, draw: Draw) -> str:
    """Get the passphrase of a new keystore: from its file, into its file, or from people.

    Raises:
        PassphraseError: it is too weak, or a script gave no file.
    """
    if file is not None and file.exists():
        passphrase = passphrases.read_passphrase_file(file)
        passphrases.require_strong(passphrase)
        return passphrase
    if file is not None:
        passphrase = passphrases.generate(draw)
        secret_files.make_secret_directory(file.parent)
        secret_files.write_secret(file, passphrase + "\n")
        shout(f"the passphrase was written to {file}, in the clear: whoever reads it opens the keystore")
        return passphrase
    if unattended:
        raise PassphraseError(
            "nobody is at a terminal: name a file, --passphrase-file in front of the command, or for changed words "
            "--new-passphrase-file"
        )
    if own:
        return dialogue.ask_own()
    return dialogue.confirm_generated(passphrases.generate(draw))


def give_shares(sitting: Sitting, keys: CenterKeys) -> str:
    """Cut both keys, give the shares to people or files, and say what was proved."""
    cut = {
        READING_KEY: (keys.reading_seed, acts.reading_fingerprint),
        ROOT_KEY: (keys.root_seed, acts.signing_fingerprint),
    }
    return hand_out(
        cut, draw=sitting.draw, unattended=sitting.choices.unattended, directory=sitting.places.shares
    )


def hand_out(
    cut: Mapping[str, tuple[bytes, shares.Fingerprint]],
    *,
    draw: Draw,
    unattended: bool,
    directory: Path | None,
) -> str:
    """Cut keys, each with the way to its fingerprint, give the shares to people or files, and say what was proved."""
    sets = [(name, shares.split(seed, draw, of)) for name, (seed, of) in cut.items()]
    proved = f"{shares.THRESHOLD} of {shares.COUNT} for each key"
    if not unattended:
        typed = dialogue.hand_out(sets)
        pairs = [shares.prove_pairs(typed[name], of(seed), of) for name, (seed, of) in cut.items()]
        return f"{proved}; all typed back from paper; {sum(pairs)} of {sum(pairs)} pairs gave the fingerprint"
    if directory is None:
        shout("no share was kept: if the passphrase is lost, every report is lost")
        return f"{proved}; all pairs gave the fingerprint; NOT KEPT"
    secret_files.make_secret_directory(directory)
    for name, made in sets:
        for share in made:
            secret_files.write_secret(directory / acts.share_file(name, share.number), share.text + "\n")
    shout(f"all shares were written to {directory}, in the clear: two of them open every report")
    return f"{proved}; all pairs gave the fingerprint; WRITTEN TO FILES, NOT TO PAPER"


def from_paper(name: str, digits: str, fingerprint_of: shares.Fingerprint, files: Path | None) -> bytes:
    """Take two shares of a key from people or files; only the key with these digits is accepted.

    Raises:
        ShareError: they do not give that key.
    """
    if files is not None:
        first, second = _shares_in(files, name)
        return shares.combine(first, second, digits, fingerprint_of)
    while True:
        first, second = (dialogue.ask_share(f"{name}, {turn} share") for turn in ("first", "second"))
        try:
            return shares.combine(first, second, digits, fingerprint_of)
        except ShareError as error:
            session.say(f"{error}. Both once more, please.")


def _shares_in(directory: Path, name: str) -> tuple[Share, Share]:
    paths = [directory / acts.share_file(name, number) for number in range(1, shares.COUNT + 1)]
    found = [shares.parse_share(session.read_text(path)) for path in paths if path.is_file()]
    if len(found) < shares.THRESHOLD:
        raise ShareError(
            f"{directory} holds {counted(len(found), 'share')} of the {name}; {shares.THRESHOLD} are needed"
        )
    return found[0], found[1]


def shout(sentence: str) -> None:
    """Say something on stderr that nobody may miss."""
    click.secho(f"!!! WARNING: {sentence}", fg="red", bold=True, err=True)
