"""What a file costs: sealing 25 MiB against the cipher alone over the same padded bytes, and the memory that takes."""

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from crypto import age
from crypto.payload import Attachment, AttachmentMeta, class_size
from crypto.report import Report
from crypto.seal import seal
from intake.uploads import Spool, scratch
from tests.center import DAY, Center

SIZE: Final = 25 * 1024 * 1024  # bytes of the file
PADDED: Final = class_size(SIZE + 4_096)  # with a header
PIECE: Final = bytes(range(256)) * 4_096  # 1 MiB, as a spool hands it out
ROUNDS: Final = 12  # both sides take turns; the fastest of each counts, noise only adds


class Nowhere(io.BytesIO):
    """Keeps the head of what is written, by which an envelope is known, and throws the rest away."""

    def write(self, content: bytes, /) -> int:  # type: ignore[override] # bytes are all that is written here
        """Take bytes."""
        return super().write(content) if self.tell() < age.CHUNK_SIZE else len(content)


def bench_files(root: Path, center: Center, report: Report) -> None:
    """Print CPU of sealing a file, beside that of spool and store file, and the growth of memory."""
    acts = _acts(root, center, report)
    best = dict.fromkeys(acts, float("inf"))
    grown = dict.fromkeys(acts, 0)
    for _ in range(ROUNDS):
        for name, act in acts.items():
            before = _start_of_memory()
            start = time.process_time()
            act()
            best[name] = min(best[name], time.process_time() - start)
            grown[name] = max(grown[name], _kib("VmHWM") - before)
    print(
        f"files: CPU of a file of {SIZE >> 20} MiB, padded to {PADDED >> 20} MiB; memory above what was there"
    )
    for name in acts:
        ratio = best[name] / best["cipher alone"]
        print(
            f"  {name:26}{best[name] * 1e3:7.1f} ms   ratio {ratio:.2f}   {grown[name] / 1024:.1f} MiB",
            flush=True,
        )


def _acts(root: Path, center: Center, report: Report) -> dict[str, Callable[[], None]]:
    config, cipher, nonce = center.config, ChaCha20Poly1305(bytes(32)), bytes(12)
    chunk = memoryview(PIECE)[: age.CHUNK_SIZE]
    meta = AttachmentMeta(name="a.mov", claimed_type="video/quicktime", sha256="0" * 64, size=SIZE)

    def sealed(pieces: Iterator[bytes], sink: BinaryIO) -> None:
        files = [Attachment(meta=meta, pieces=pieces)]
        seal(report, config, lang="en", flags=(), day=DAY, attachments=files, sink=sink)

    def cipher_alone() -> None:
        for _ in range(PADDED // age.CHUNK_SIZE):
            cipher.encrypt(nonce, chunk, None)

    def through_the_spool() -> None:
        spool = Spool(root)
        for piece in _pieces():
            spool.write(piece)
        spool.finish()
        with scratch(root) as sink:
            sealed(spool.pieces(), sink)
        spool.close()

    return {
        "cipher alone": cipher_alone,
        "sealing": lambda: sealed(_pieces(), Nowhere()),
        "with spool, hash and file": through_the_spool,
    }


def _pieces() -> Iterator[bytes]:
    for _ in range(SIZE // len(PIECE)):
        yield PIECE


def _start_of_memory() -> int:
    """Forget the most memory that this process ever had; KiB that it has now."""
    Path("/proc/self/clear_refs").write_text("5")
    return _kib("VmRSS")


def _kib(what: str) -> int:
    (line,) = (one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith(what))
    return int(line.split()[1])
