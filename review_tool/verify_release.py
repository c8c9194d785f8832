"""Check a release folder as a stranger would: signature, checksums, names, and the period that it claims to be.

It needs the folder of the signed configuration and no vault, so it runs on any machine. The same signature is checked by
stock minisign with `release.pub`, and the sums by `sha256sum -c`; only the names and the period are seen here alone.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crypto import labels, signing
from crypto.config import PublicConfig
from review_tool.errors import FileFormatError, ReleaseFilesError
from review_tool.ledger import PERIOD_PATTERN, RELEASE_JSON, SUMS
from review_tool.statistics import published
from review_tool.statistics.published import UnattackedError
from review_tool.terminal import one_line

MINISIG: Final = f"{SUMS}.minisig"
SIG: Final = f"{SUMS}.sig"
FILE_LIMIT: Final = 64 * 1024 * 1024  # bytes of one file of a release; ours have some hundred KiB
NAMES_SHOWN: Final = 5  # names in a refusal
_LINE: Final = re.compile(r"(?P<sha256>[0-9a-f]{64})  (?P<name>[A-Za-z0-9_][A-Za-z0-9_./-]*)")
_REMEDY: Final = (
    "it was changed on its way, or is not of the Center whose configuration was given: take the folder again from the "
    "Center, and tell it if that does not help; do not use these numbers"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedRelease:
    """A release folder that is what the Center signed.

    Attributes:
        period: the quarter, as signed.
        files: how many files the signature covers.
    """

    period: str
    files: int


def trusted_comment(center: str, period: str) -> str:
    """The comment that the signature of a release must cover."""
    return f"{labels.RELEASE} center={center} release={period}"


def signatures(sums: bytes, ack_seed: bytes, *, center: str, period: str) -> dict[str, bytes]:
    """Sign the checksums for minisign and for signify; `{file name: bytes}`."""
    return {
        MINISIG: signing.minisign(sums, ack_seed, trusted_comment(center, period)).encode(),
        SIG: signing.signify(sums, ack_seed).encode(),
    }


def verify(folder: Path, config: PublicConfig) -> VerifiedRelease:
    """Check a release folder against a verified configuration.

    Raises:
        FileFormatError: a file cannot be read, or is none of a release.
        SignatureError: the checksums are not signed by this Center.
        ReleaseFilesError: a file was changed, left out or added, or the folder is not what it says.
    """
    raw = _read(folder / SUMS)
    with signing.naming(str(folder / SUMS), _REMEDY):
        minisig = _read(folder / MINISIG).decode("utf-8", "replace")
        comment = signing.verify_minisign(raw, minisig, config.ack_key)
    period = _period(comment, config.center)
    listed = _listed(raw)
    wrong = [name for name, sha256 in listed.items() if _digest(folder / name) != sha256]
    present = {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}
    foreign = sorted(present - {*listed, SUMS, MINISIG, SIG})
    _refuse("changed or missing", wrong)
    _refuse("not part of the release", foreign)
    _check_contents(_read(folder / RELEASE_JSON), period)
    return VerifiedRelease(period=period, files=len(listed))


def _period(comment: str, center: str) -> str:
    period = comment.rpartition("=")[2]
    if comment != trusted_comment(center, period) or not PERIOD_PATTERN.fullmatch(period):
        raise ReleaseFilesError(
            f"the signature of {SUMS} is the Center's, but of something else than a release of it"
        )
    return period


def _listed(raw: bytes) -> dict[str, str]:
    """The checksums by name; every name stays inside the folder."""
    found = [_LINE.fullmatch(line) for line in raw.decode("utf-8", "replace").splitlines()]
    listed = {one["name"]: one["sha256"] for one in found if one is not None}
    if (
        len(listed) != len(found)
        or any(".." in name.split("/") for name in listed)
        or RELEASE_JSON not in listed
    ):
        raise ReleaseFilesError(
            f"{SUMS} is signed, but is no list of a release's files; update the review tool"
        )
    return listed


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(_read(path)).hexdigest()
    except FileFormatError:
        return ""


def _refuse(what: str, names: list[str]) -> None:
    if names:
        shown = ", ".join(one_line(name) for name in names[:NAMES_SHOWN])
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        raise ReleaseFilesError(f"{what}: {shown}{more}; {_REMEDY}")


def _check_contents(release_json: bytes, period: str) -> None:
    try:
        slices = published.read(release_json).slices
    except UnattackedError as error:
        raise ReleaseFilesError(f"{RELEASE_JSON} cannot be read ({error}); update the review tool") from None
    if not slices or slices[-1] != period:
        raise ReleaseFilesError(
            f"signed as {period}, but the newest quarter in {RELEASE_JSON} is another; {_REMEDY}"
        )


def _read(path: Path) -> bytes:
    """Read a regular file that is no link."""
    if path.is_symlink() or not path.is_file():
        raise FileFormatError(f"there is no file {path}; a release has {SUMS}, {MINISIG} and {RELEASE_JSON}")
    try:
        with path.open("rb") as file:
            content = file.read(FILE_LIMIT + 1)
    except OSError as error:
        raise FileFormatError(f"{path} cannot be read ({error.strerror})") from None
    if len(content) > FILE_LIMIT:
        raise FileFormatError(f"{path} has more than {FILE_LIMIT} bytes; it is no file of a release")
    return content
