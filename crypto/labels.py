"""Every label that separates one cryptographic use from another (FORMAT.md §8).

One registry, so that one look shows that no two uses share a label and none is a prefix of another in the same
construction; a test holds both, and that no label is written anywhere else. Nothing here computes.
"""

from typing import Final

# HPKE `info` and HKDF `info`: fixed by the age format.
AGE_STANZA: Final = "mlkem768x25519"
AGE_HPKE: Final = b"age-encryption.org/mlkem768x25519"
AGE_HEADER: Final = b"header"
AGE_STREAM: Final = b"payload"

# SHA-256 prefixes. The zero byte ends the label, so what follows cannot lengthen it.
CONTEXT: Final = b"intake/context/v1\0"
FINGERPRINT: Final = b"intake key fingerprint v1\0"
SIGN_KEY_ID: Final = b"intake/sign-key-id/v1\0"
TOMBSTONE: Final = b"intake/tombstone/v1\0"

# Signatures: also the `what` of the signed file. CONFIG stands in a minisign trusted comment and in `what` only,
# because stock tools sign bare bytes.
CONFIG: Final = "intake/config/v1"
BUNDLE: Final = "intake/bundle/v1"
ACK: Final = "intake/ack/v1"
RELEASE: Final = "intake/release/v1"

# First element of the audit chain's hashes.
AUDIT_ENTRY: Final = b"entry"
AUDIT_LINK: Final = b"link"

# Cobblestone context of the upload spool; attachments in the vault use their two ids.
SPOOL: Final = b"spool"

# Not used yet, taken all the same: receipts, the reply board and follow-ups.
RESERVED: Final = (
    b"intake/board/v1",
    b"intake/receipt/v1",
    b"reply identity",
    b"board",
    b"thread mac",
    b"delete",
    b"slot",
    b"thread",
    b"intake/follow-up/v1\0",
)
