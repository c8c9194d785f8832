"""The signed public configuration on the offline side: signed with the root key, laid out for the server, read again.

The ceremony signs the first one, a recovery and `config sign` the following ones. What is signed is read back as a
server would before anybody sees it. No key is kept here, and nothing is read from a vault.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from crypto import config as configs
from crypto import settings, signing
from crypto.config import PublicConfig, Recipient
from crypto.content import CenterContent, content_from_toml
from crypto.errors import ConfigError, KeyStringError
from review_tool import session
from review_tool.errors import FileFormatError

RELEASE_KEY_NAME: Final = (
    "release.pub"  # the acknowledgement key in the form that minisign reads, for committees
)
_COPY_AGAIN: Final = (
    "one of the files in this folder is damaged, or they are not of one signing: copy the whole folder again"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedConfig:
    """A signed public configuration: the files that the server gets, and what they say."""

    files: Mapping[str, bytes]
    config: PublicConfig
    root_public: bytes

    @property
    def minisig(self) -> str:
        """The minisign signature."""
        return self.files[configs.MINISIG_NAME].decode()


def sign(
    content: CenterContent,
    recipients: Sequence[Recipient],
    *,
    root_seed: bytes,
    ack_public: bytes,
    center: str,
    serial: int,
    day: date,
    valid_days: int,
) -> SignedConfig:
    """Build the public configuration, sign it in both formats, and read it back as a server would.

    Raises:
        ConfigError: a value breaks a rule of the configuration.
    """
    root_public = signing.public_of(root_seed)
    raw = configs.build_config(
        center=center,
        serial=serial,
        not_before=day,
        soft_expiry=day + timedelta(days=valid_days),
        recipients=recipients,
        ack_public=ack_public,
        root_public=root_public,
        content=content,
    )
    minisig = signing.minisign(raw, root_seed, configs.trusted_comment(center, serial))
    signify = signing.signify(raw, root_seed)
    signing.verify_signify(raw, signify, root_public)
    return SignedConfig(
        root_public=root_public,
        config=configs.read_config(raw, minisig, root_public=root_public, center=center),
        files={
            configs.CONFIG_NAME: raw,
            configs.MINISIG_NAME: minisig.encode(),
            configs.SIG_NAME: signify.encode(),
            configs.ROOT_NAME: signing.format_public_key(root_public, f"{center} root key").encode(),
            RELEASE_KEY_NAME: signing.format_public_key(ack_public, f"{center} release key").encode(),
        },
    )


def center_section(path: Path) -> CenterContent:
    """Read the [center] section of a config file, after every name in every section was found to be known.

    Raises:
        FileFormatError: it cannot be read, or is no TOML.
        ConfigError: a setting is unknown, or the section is missing or breaks a rule.
    """
    try:
        document = tomllib.loads(session.read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise FileFormatError(f"{path} is no TOML file: {error}") from None
    try:
        return _content(document)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _content(document: Mapping[str, object]) -> CenterContent:
    settings.refuse_unknown(document)
    section = document.get("center")
    if not isinstance(section, dict):
        raise ConfigError("it has no [center] section; config.example.toml shows one")
    return content_from_toml(section)


def read_root_key(path: Path) -> bytes:
    """Read a root key file.

    Raises:
        FileFormatError: unreadable, or no such key.
    """
    try:
        return signing.parse_public_key(session.read_text(path))
    except KeyStringError:
        raise FileFormatError(f"{path} is no root key file; copy it again") from None


def read_folder(directory: Path, root_public: bytes) -> tuple[PublicConfig, str]:
    """Read a signed configuration and its minisign signature out of the folder that the server gets.

    Raises:
        FileFormatError: a file of it cannot be read.
        SignatureError: a file is damaged.
        ForeignConfigError: it was signed by another root key.
    """
    path = directory / configs.CONFIG_NAME
    raw = session.read_text(path).encode()
    minisig = session.read_text(directory / configs.MINISIG_NAME)
    with signing.naming(str(path), _COPY_AGAIN):
        config = configs.read_config(raw, minisig, root_public=root_public, center=_center_of(minisig))
    return config, minisig


def _center_of(minisig: str) -> str:
    """Read the Center's id out of a signature's trusted comment, before it is verified.

    Raises:
        ConfigError: the comment is not that of a configuration.
    """
    lines = minisig.split("\n")
    words = lines[2].split(" ") if len(lines) > 2 else []
    names = [word.removeprefix("center=") for word in words if word.startswith("center=")]
    if len(names) != 1:
        raise ConfigError("the signature names no Center; copy the signed configuration again")
    return names[0]
