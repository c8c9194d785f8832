"""What lies in the pages of a vault file, free ones and gaps included: the file decrypted as SQLCipher 4 says, not by it.

A query shows rows. Whoever has the key and the file sees pages, so that is what must hold nothing of a shredded case.
"""

from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PAGE: Final = 4096  # bytes
RESERVE: Final = 80  # bytes at the end of a page: IV of 16, HMAC-SHA512 of 64
SALT: Final = 16  # bytes at the start of the file, in clear


def decrypted(path: Path, key: bytes) -> bytes:
    """Every page of a file under a raw key, one after the other."""
    content = path.read_bytes()
    assert len(content) % PAGE == 0
    found = []
    for at in range(0, len(content), PAGE):
        page = content[at : at + PAGE]
        start = SALT if at == 0 else 0
        iv = page[-RESERVE : -RESERVE + 16]
        cipher = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
        found.append(cipher.update(page[start:-RESERVE]) + cipher.finalize())
    return b"".join(found)
