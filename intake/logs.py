"""What may be logged: our own event words and counters, nothing of a request and no time of day.

Standard logging with one formatter. Libraries name people in their error logs and quote input in their exceptions
(docs/decisions.md 7), so of a foreign record only its level, place and exception class pass, unless its fixed text
is on the list below. No record of ours takes an argument that came from outside.
"""

import logging
import sys
import threading
import warnings
from pathlib import Path
from types import TracebackType
from typing import Final, TextIO

LOGGER: Final = "intake"

# Fixed texts of the server about itself, compared before arguments are filled in. None about a worker is among them:
# a worker is replaced after it took a report, and whoever keeps the log adds the time.
_ALLOWED: Final = frozenset(
    {
        "Starting gunicorn %s",
        "Listening at: %s (%s)",
        "Handling signal: %s",
        "Shutting down: %s",
        "Connection in use: %s",
    }
)


def _is_kept(record: logging.LogRecord) -> bool:
    """Keep what is ours, what is on the list, and faults of libraries."""
    return record.name == LOGGER or _is_allowed(record) or record.levelno >= logging.WARNING


def _is_allowed(record: logging.LogRecord) -> bool:
    return isinstance(record.msg, str) and record.msg in _ALLOWED


class PlainFormatter(logging.Formatter):
    """One line a record, without time, message arguments of strangers, or tracebacks."""

    def format(self, record: logging.LogRecord) -> str:
        """Say the record in words that cannot hold a report, an address or a user agent."""
        if record.name == LOGGER or _is_allowed(record):
            return f"{record.levelname.lower()}: {record.getMessage()}"
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else "no exception"
        return f"{record.levelname.lower()}: {record.name} at {record.module}:{record.lineno} ({kind})"


def log_fault(fault: BaseException) -> None:
    """Log an unforeseen exception: its class, and the deepest line of ours that it passed through."""
    logging.getLogger(LOGGER).error("fault %s at %s", type(fault).__name__, _place(fault.__traceback__))


def configure(stream: TextIO | None = None) -> None:
    """Send every record of every library through the one formatter, and nothing anywhere else."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(PlainFormatter())
    handler.addFilter(_is_kept)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(LOGGER).setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
    warnings.simplefilter("ignore")
    sys.excepthook = lambda _kind, fault, _trace: log_fault(fault)
    threading.excepthook = lambda seen: log_fault(seen.exc_value) if seen.exc_value else None


def _place(trace: TracebackType | None) -> str:
    """Name the deepest frame of our own code as file:line."""
    package = str(Path(__file__).parent.parent)
    place = "nowhere of ours"
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name.startswith(package) and "site-packages" not in name:
            place = f"{Path(name).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
