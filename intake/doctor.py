"""`intake doctor`: looks at the machine that it runs on and says in plain words what is wrong and what to do.

It begins with what `intake check` and `intake status` know, then looks at what they cannot see: the store's file, the
system, the programs before the form, and what the form answers. It changes nothing, but for the journal of the store,
which every opening sets right; and it tells totals and alarms, never when a report came.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Final

from crypto.errors import FormatError
from intake import errors, export, readiness
from intake.anonymity import FORBIDDEN, HEADERS, NO_STORE
from intake.clock import monday
from intake.config import Config, load
from intake.findings import Finding
from intake.host import look_at_host
from intake.machine import Machine
from intake.neighbours import look_at_neighbours
from intake.store_look import look_at_file, look_at_store

MANY: Final = (
    200  # reports stored; more in the weeks between two acknowledgements are a flood, or nobody carries them
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was found.

    Attributes:
        faults: what to mend, in the order in which it should be mended.
        notes: what is so and may stay so.
    """

    faults: tuple[Finding, ...]
    notes: tuple[str, ...]


def examine(machine: Machine, path: Path) -> Diagnosis:
    """Look at everything.

    Args:
        machine: the machine that the form runs on.
        path: the config file; one that cannot be read is itself a fault, and the rest is looked at all the same.
    """
    notes: list[str] = []
    onion = ""
    try:
        config = load(path)
        onion = config.site.onion
        faults = [*_look_at_form(machine, config, notes)]
    except errors.IntakeError as error:
        faults = [_refused(error)]
    faults += look_at_host(machine)
    faults += look_at_neighbours(machine, onion=onion)
    if machine.at("var/log/journal").is_dir():
        notes.append(
            "the system's journal is kept on the disk; of the form it holds event codes and none of a report"
        )
    return Diagnosis(faults=tuple(faults), notes=tuple(notes))


def _look_at_form(machine: Machine, config: Config, notes: list[str]) -> Iterator[Finding]:
    """Look at what the config names; what stops the form from opening ends this, because the rest rests on it."""
    settings, day = config.intake, machine.now.day
    try:
        yield from look_at_file(settings.store)
        ready = readiness.check(config, day=day)
        unshown = tuple(readiness.unshown(ready.offers, production=settings.production))
        notes += [
            *unshown,
            f"days until the signed config wants a successor: {(ready.public.soft_expiry - day).days}",
        ]
        for sentence in (one for one in ready.warnings if one not in unshown):
            yield Finding(
                name="warning", wrong=sentence, do="`intake check` shows it, too, until it is mended"
            )
        yield from look_at_store(machine, settings, attachments=ready.public.content.attachments)
        yield from _exchange(machine, config)
    except (errors.IntakeError, FormatError) as error:
        yield _refused(error)
    except (sqlite3.Error, OSError) as error:
        yield Finding(
            name="store",
            wrong=f"the store cannot be looked at ({type(error).__name__})",
            do="run `intake check`, and look at the rights of the data directory",
        )
    else:
        yield from _answers(machine, config, next(one.language.code for one in ready.offers if one.is_shown))


def _refused(error: Exception) -> Finding:
    return Finding(
        name="check",
        wrong=str(error),
        do="mend that, then run `intake check` until it says that the form may open",
    )


def _exchange(machine: Machine, config: Config) -> Iterator[Finding]:
    store = readiness.open_store(config)
    try:
        exchange = readiness.open_exchange(config, store)
        status = export.status(exchange, machine.now.day)
        weeks = [store.oldest_week()]
        weeks += [None if one is None else one.week for one in (exchange.last_manifest, exchange.last_ack)]
    finally:
        store.close()
    for alarm in status.alarms:
        yield Finding(name="exchange", wrong=alarm, do="docs/running.md, Every week, says how")
    if status.stored > MANY:
        yield Finding(
            name="many-reports",
            wrong=f"{status.stored} reports wait here that are not acknowledged",
            do="export, and ask the reviewers for an acknowledgement; if this is a flood, tell them so",
        )
    if any(week is not None and week > monday(machine.now.day) for week in weeks):
        yield Finding(
            name="clock-behind",
            wrong="the clock stands in a week before one in which this server already worked",
            do="set the clock right, by the network, before more reports come",
        )


def _answers(machine: Machine, config: Config, language: str) -> Iterator[Finding]:
    """Ask the form for a page, and compare what comes with what every answer must have."""
    path = f"/{language}/form"
    try:
        answer = machine.ask(config.intake, path)
    except (OSError, HTTPException) as error:
        yield Finding(
            name="no-answer",
            wrong=f"the form does not answer ({type(error).__name__})",
            do="`systemctl status vouchsafe-intake` says why; docs/running.md, When something is wrong",
        )
        return
    expected = {name.lower(): value for name, value in HEADERS.items()} | {"cache-control": NO_STORE}
    odd = [name for name, value in expected.items() if answer.headers.get(name) != value]
    odd += [name.lower() for name in FORBIDDEN if name.lower() in answer.headers]
    if odd:
        yield Finding(
            name="headers",
            wrong=f"what answers for the form has headers that are missing, changed or too many: {', '.join(odd)}",
            do="look what listens at the address of [intake], and install the form again",
        )
