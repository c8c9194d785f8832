"""What happened at a ceremony, for paper and for scripts: made, proved, signed, and no secret.

Nothing here knows a key: a record is made of public values only.
"""

import hashlib
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from crypto import signing
from crypto.canonical import Json
from crypto.config import PublicConfig
from crypto.keystore import Cost
from review_tool.terminal import counted

_ROLES: Final = ("held by", "witness", "witness")  # who signs the transcript by hand


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What happened at a ceremony, without a secret: the source of transcript and `--json`."""

    kind: str
    fingerprints: Mapping[str, str]
    config: PublicConfig
    cost: Cost
    dice: int
    doors: Sequence[str]
    shares: str
    envelope_size: int

    def facts(self) -> dict[str, Json]:
        """The record as plain values."""
        return {
            "ceremony": self.kind,
            "center": self.config.center,
            "config_sha256": hashlib.sha256(self.config.raw).hexdigest(),
            "day": self.config.not_before.isoformat(),
            "dice_rolls": self.dice,
            "fingerprints": dict(self.fingerprints),
            "hard_expiry": self.config.hard_expiry.isoformat(),
            "isolation": list(self.doors),
            "keystore": f"Argon2id, {self.cost.memory_kib // 1024} MiB, t {self.cost.iterations}, p {self.cost.lanes}",
            "release_key": signing.format_public_key(self.config.ack_key, "").splitlines()[1],
            "serial": self.config.serial,
            "shares": self.shares,
            "soft_expiry": self.config.soft_expiry.isoformat(),
            "software": software(),
            "test_report": f"sealed ({self.envelope_size} bytes) and opened: same answers",
        }


def software() -> str:
    """Name the versions that made the keys."""
    return f"vouchsafe {version('vouchsafe')}, cryptography {version('cryptography')}, Python {platform.python_version()}"


def transcript(record: Record) -> str:
    """Write the record for paper: what was made and proved, and room for names by hand."""
    facts = record.facts()
    doors = "; ".join(record.doors) or "no network route, no unencrypted swap"
    prints = [f"  {name:<24}{digits}" for name, digits in record.fingerprints.items()]
    lines = [
        f"KEY CEREMONY ({facts['ceremony']}) OF {facts['center']}, {facts['day']} (UTC)",
        "",
        f"software      {facts['software']}",
        f"machine       {doors}",
        f"dice          {counted(record.dice, 'roll')} mixed in" if record.dice else "dice          none",
        f"keystores     {facts['keystore']}; written and opened again",
        f"shares        {facts['shares']}",
        f"test report   {facts['test_report']}",
        f"configuration serial {facts['serial']}, SHA-256 {facts['config_sha256']}",
        f"              valid from {facts['day']}, to renew by {facts['soft_expiry']}, ends {facts['hard_expiry']}",
        "",
        "Fingerprints. They are no secret: print them on leaflets, compare them before the server starts.",
        *prints,
        "",
        "The release key as minisign takes it: give it to the committee, with the file release.pub.",
        f"  {facts['release_key']}",
        "",
        *(
            f"{role:<14}name ______________________________  signature ______________________________"
            for role in _ROLES
        ),
    ]
    return "\n".join(lines) + "\n"
