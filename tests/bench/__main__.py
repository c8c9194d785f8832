"""Run the benchmarks: `python -m tests.bench [COUNT ...]`.

    form      CPU of the server's processes for the form page, for an accepted post, and for a whole report (form, post,
              page of thanks), against bare Flask requests through the same server, a seal and a durable insert in the
              same journal mode; these two done by the bare view, and once more in loops of their own, where they cost half; the whole
              report also with the CPU of the shipped proxy before the form, which the reference does not have
    syncs     system calls that wait for the disk, for each accepted report: one sender, and sixteen at once
    files     CPU and memory of sealing a file of 25 MiB, against the cipher alone over as many padded bytes
    accept    how the CPU of a post grows with the number of reports, growth of the store included
    receive   CPU of taking one report from a bundle into the vault, against one bare unseal and one insert into
              an encrypted database

The last two run for 1,000 and for 10,000 reports. Numbers on the command line set other counts.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from crypto.report import report_from_answers
from tests.bench.files import bench_files
from tests.bench.form import ANSWERS, bench_accept, bench_form, bench_syncs
from tests.bench.review import bench_receive
from tests.center import make_center

COUNTS: Final = (1_000, 10_000)  # reports


def main(arguments: Sequence[str]) -> int:
    """Run all benchmarks and print their tables."""
    counts = tuple(int(word) for word in arguments) or COUNTS
    center = make_center()
    report, _ = report_from_answers(ANSWERS, center.local)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        floor = bench_form(Path(name), center, report)
        bench_syncs(Path(name), center)
        bench_files(Path(name), center, report)
        bench_accept(Path(name), center, counts, floor)
        bench_receive(Path(name), center, report, counts)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
