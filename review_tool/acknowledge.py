"""Hop 10, our half: the signed word by which the server may forget.

It is written only for what lies in the vault and, read back from there, in a backup on another medium. It names each
envelope by id and by the hash of its bytes, so that a stale or stray one deletes nothing else.
"""

from datetime import date
from pathlib import Path

from sqlalchemy import func, insert, select

from crypto import bundle, labels, signing
from crypto.bundle import Acknowledgement
from crypto.canonical import Json
from crypto.keystore import Keystore
from review_tool import audit, backup, durable
from review_tool.audit import Act, Entry
from review_tool.backup import Backup
from review_tool.errors import BackupError
from review_tool.receive import Received
from review_tool.schema import ACKNOWLEDGEMENT
from review_tool.vault import Vault


def acknowledge(
    vault: Vault,
    received: Received,
    kept: Backup,
    keystore: Keystore,
    directory: Path,
    *,
    day: date,
    reviewer: str,
) -> Path:
    """Sign and write the acknowledgement of a received bundle; returns the file, its signature lies beside it.

    `audit_head` is that of the backup: a vault restored from it still knows what it told the server.

    Raises:
        BackupError: the backup does not hold all of it, or the file cannot be written.
    """
    if backup.missing_from(kept, keystore, [entry.sha256 for entry in received.entries]):
        raise BackupError("the backup does not hold everything of this bundle; make it again")
    with vault.transaction() as connection:
        last = connection.execute(select(func.max(ACKNOWLEDGEMENT.c.ack_seq))).scalar_one() or 0
        ack = Acknowledgement(
            center=received.center,
            ack_seq=max(last, received.last_ack_seq) + 1,
            manifest=received.manifest,
            stored=received.entries,
            audit_head=kept.audit_head,
        )
        content = bundle.format_acknowledgement(ack)
        signature = signing.sign(labels.ACK, content, keystore.ack_seed)
        row = {"ack_seq": ack.ack_seq, "manifest": ack.manifest, "content": content, "signature": signature}
        connection.execute(insert(ACKNOWLEDGEMENT), row)
        facts: dict[str, Json] = {
            "ack_seq": ack.ack_seq,
            "manifest": ack.manifest,
            "envelopes": len(ack.stored),
        }
        audit.append(connection, [Entry(act=Act.ACKNOWLEDGE, day=day, reviewer=reviewer, facts=facts)])
    path = directory / bundle.acknowledgement_name(ack.center, ack.ack_seq)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        # The signature first: whoever finds the acknowledgement finds it whole.
        durable.write_file(path.with_suffix(".sig"), signature)
        durable.write_file(path, content)
    except OSError as error:
        raise BackupError(
            f"the acknowledgement could not be written ({error.strerror}); receive the bundle again"
        ) from None
    return path
