"""What a worker does beside answering, on a fixed clock (P2, P6)."""

import threading
import time
from datetime import timedelta

import pytest

from intake.app import create_app
from intake.clock import Now
from intake.export import acknowledge
from intake.housekeeping import IDLE, INTERVAL, Housekeeping
from intake.parts import EXTENSION
from tests.center import DAY
from tests.intake.conftest import SLOTS, Form
from tests.intake.test_export import ack_of, filled


@pytest.fixture
def chores(form: Form) -> Housekeeping:
    """The chores of one worker."""
    application = create_app(form.config, form.center.config, store=form.store, clock=form.clock)
    return Housekeeping(
        store=form.store,
        path=form.config.intake.store,
        exchange=form.exchange,
        reserve=6,
        gate=application.extensions[EXTENSION].gate,
        clock=form.clock,
    )


def test_the_times_of_the_store_are_whole_minutes_whenever_a_report_came(form, chores):
    """A seized file tells the last minute of the server's life and nothing of its reports."""
    filled(form, 1)
    now = Now(moment=form.moment + timedelta(seconds=37))

    chores.run(now)

    times = form.config.intake.store.stat()
    assert times.st_mtime % INTERVAL == 0
    assert times.st_mtime == now.seconds - 37
    assert times.st_atime == times.st_mtime


def test_the_pool_grows_before_a_report_has_to_wait_for_it(form, chores):
    """Growing takes long, and a person is waiting."""
    filled(form, SLOTS - 3)
    before = form.config.intake.store.stat().st_size

    chores.run(form.clock())

    assert form.config.intake.store.stat().st_size > before * 1.5
    assert form.store.count() == SLOTS - 3


def test_what_is_due_is_overwritten_without_anybody_asking(form, chores):
    """Five weeks after its acknowledgement, also on a server that nobody visits."""
    acknowledge(form.exchange, *ack_of(form, filled(form)), day=DAY)

    chores.run(Now(moment=form.moment + timedelta(weeks=6)))

    assert form.store.count() == 0


def test_a_store_that_fails_does_not_end_the_chores(form, chores, capsys):
    """The disk may be full now and not tomorrow."""
    form.store.close()
    form.config.intake.store.unlink()

    chores.run(form.clock())


@pytest.mark.parametrize(("age", "retires"), [(IDLE + 1, True), (0.0, False), (None, False)])
def test_a_worker_retires_when_it_is_idle_after_a_report(chores, age, retires):
    """What it read stays in its memory until then; a worker that read nothing may stay."""
    retired = threading.Event()
    last = None if age is None else time.monotonic() - age

    chores.start(last_post=lambda: last, retire=retired.set)

    assert retired.wait(timeout=20 if retires else 1.5) is retires
