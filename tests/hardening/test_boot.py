"""What a started machine must answer: an answer that is wrong is seen."""

import pytest

from tests.hardening.boot import PROBES, complaints

GOOD = {
    "units": "active\nactive\nactive\n",
    "door": "vouchsafe haproxy 660\n",
    "page": "200",
    "clearnet": "303",
    "onion": "303",
    "status": '{"stored": 2, "exported": 0}\n',
    "doctor": '{"faults": [{"name": "clock-not-set", "wrong": "x", "do": "y"}], "notes": []}\n',
    "journal": "info: Starting gunicorn 27.0.1\n",
}


def test_a_machine_that_works_is_no_complaint():
    """What belongs to the machine below it counts neither way."""
    assert set(GOOD) == set(PROBES)
    assert complaints(GOOD) == []


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("units", "active\nfailed\nactive\n"),
        ("door", "root root 777\n"),
        ("page", "503"),
        ("clearnet", "200"),
        ("onion", "400"),
        ("status", '{"stored": 1, "exported": 0}\n'),
        ("status", '{"stored": 20, "exported": 0}\n'),
        ("doctor", '{"faults": [{"name": "headers", "wrong": "x", "do": "y"}], "notes": []}\n'),
        ("journal", "Invalid request from ip=127.0.0.1\n"),
        ("journal", "error: fault KeyError at views.py:1\n"),
    ],
)
def test_twin_a_machine_that_does_not_work_is_a_complaint(name, answer):
    """Each by the name of its probe."""
    (said,) = complaints(GOOD | {name: answer})

    assert said.startswith(name)
