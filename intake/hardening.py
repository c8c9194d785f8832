"""Takes from the server process what could carry a report out of it: core dumps, other processes' eyes, open files.

Called once before the workers are forked and again in each of them. What a Center's machine must do besides (no swap,
a namespace of its own) is the unit's part.
"""

import ctypes
import faulthandler
import os
import resource
from typing import Final

_PR_GET_DUMPABLE: Final = 3  # linux/prctl.h
_PR_SET_DUMPABLE: Final = 4


def harden() -> None:
    """Forbid core dumps and reading by other processes of the same account."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if libc.prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise AssertionError("the kernel did not take PR_SET_DUMPABLE")
    faulthandler.disable()  # whatever the environment asked for
    os.umask(0o077)
