"""Loose limits without addresses: a flood is slowed, nobody is blocked, and no word is lost (P2, P7)."""

import dataclasses
import html
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from crypto.report import Flag
from intake import kept
from intake.anonymity import circuit_of
from intake.config import Limits
from intake.counters import _ENTRY, _HEAD, _SIZE, ROTATION
from intake.export import status
from intake.housekeeping import Housekeeping
from intake.parts import EXTENSION
from tests.center import example_content, make_center
from tests.intake.conftest import COUNTED, GRASS, Form, initialised, make_form, start_server
from tests.intake.proxy import form_behind, proxy_before, report
from tests.intake.test_uploads import CONTENT_TYPE, body_of
from tests.server_copy import server_copy, sinful

WORDS = {"narrative": "They shouted «Wiedehopf» & left.", "incident_types": "threat"}
NO_LIMITS = Limits(**dict.fromkeys(COUNTED, 1_000_000))


def circuit(number: int) -> str:
    """What tor's own tests expect of it for a circuit (src/test/test_hs_service.c, 0.4.8)."""
    return f"fc00:dead:beef:4dad::{number >> 16:x}:{number & 0xFFFF:x}"


def limited(tmp_path, *, questions=(GRASS,), attachments=False, **numbers) -> Form:
    """A form with some limits low, and all others far away."""
    center = make_center(content=example_content(attachments=attachments))
    made = make_form(tmp_path, center, limits=dataclasses.replace(NO_LIMITS, **numbers))
    made.config = dataclasses.replace(
        made.config, site=dataclasses.replace(made.config.site, challenges=questions)
    )
    return made


def sender(form: Form, client: FlaskClient | None = None) -> Callable[..., TestResponse]:
    """Sends reports to one running form: over the clearnet, or by a circuit."""
    client = client or form.client

    def send(source: int | None = None, path: str = "/en/form", **more):
        address = "127.0.0.1" if source is None else circuit(source)
        return client.post(path, data=WORDS | more, environ_base={"REMOTE_ADDR": address})

    return send


def flags(form: Form) -> list[set[str]]:
    """Of the stored reports, the flags that the limits set."""
    return [set(one.header.flags) & {Flag.RATE, Flag.QUESTION} for one in form.opened()]


def assert_words_are_back(answer, status: int) -> str:
    """The page has the status, every word and every tick; return it."""
    page = html.unescape(answer.data.decode())
    assert answer.status_code == status
    assert WORDS["narrative"] in page
    assert 'value="threat" checked' in page or 'name="incident_types" value="threat"' in page
    return page


# One source


def test_twenty_people_behind_one_address_report_within_ten_minutes(tmp_path):
    """A shelter or a library shares a line; none of them is even flagged."""
    form = limited(tmp_path, flag_per_source=6, refuse_per_source=30)
    send = sender(form)

    assert {send().status_code for _ in range(20)} == {303}
    assert flags(form) == [set()] * 20


def test_twenty_people_behind_one_circuit_report_too_and_the_last_ones_are_flagged(tmp_path):
    """A Tor gateway of a shelter: reviewers see a doubt, and the reports are there."""
    form = limited(tmp_path, flag_per_source=6, refuse_per_source=30)
    send = sender(form)

    assert {send(7).status_code for _ in range(20)} == {303}
    assert sorted(map(len, flags(form))) == [0] * 6 + [1] * 14


def test_a_circuit_above_the_limit_gets_its_words_back_and_others_pass(tmp_path):
    """Nothing is dropped in silence, and nobody pays for somebody else."""
    form = limited(tmp_path, refuse_per_source=3)
    send = sender(form)
    assert {send(1).status_code for _ in range(3)} == {303}

    page = assert_words_are_back(send(1), 429)

    assert "Too many reports are coming in right now." in page
    assert send(2).status_code == 303
    assert send().status_code == 303
    form.moment += timedelta(seconds=ROTATION)
    assert send(1).status_code == 303


def test_two_limits_of_one_number_count_each_report_once(tmp_path):
    """Whoever wants no flags sets both to the same."""
    form = limited(tmp_path, flag_per_source=3, refuse_per_source=3)
    send = sender(form)

    assert [send(1).status_code for _ in range(4)] == [303, 303, 303, 429]
    assert flags(form) == [set()] * 3


def test_only_what_would_be_stored_counts(tmp_path):
    """Who looks at pages, checks, or forgets to tell something uses nothing up."""
    form = limited(tmp_path, refuse_per_source=1)
    send = sender(form)

    for _ in range(5):
        assert send(1, do="check").status_code == 200
        assert send(1, do="show").status_code == 200
        assert send(1, narrative="", incident_types="").status_code == 422
    assert send(1).status_code == 303
    assert send(1).status_code == 429


def test_what_could_not_be_stored_is_not_counted(tmp_path):
    """The disk was full: whoever tries again is not the flood."""
    form = limited(tmp_path, refuse_per_source=1, envelopes_per_day=1, question_per_hour=1)
    send = sender(form)
    store = form.config.intake.store
    store.rename(store.with_suffix(".away"))
    assert send(1).status_code == 503

    store.with_suffix(".away").rename(store)

    assert send(1).status_code == 303


@pytest.mark.parametrize(
    ("address", "is_one"),
    [
        ("fc00:dead:beef:4dad::0:29a", True),  # as tor's own test expects it
        ("fc00:dead:beef:4dad::ffff:ffff", True),
        ("fc00:dead:beef:4dae::1", False),
        ("203.0.113.7", False),
        ("2001:db8::7", False),
        ("::ffff:203.0.113.7", False),
        ("", False),
        ("Qzvx", False),
        (None, False),
    ],
)
def test_nothing_but_the_number_of_a_circuit_is_a_source(address, is_one):
    """An address is never one, in whatever way it comes."""
    assert bool(circuit_of(address)) is is_one


# The whole service


def test_in_a_flood_a_plain_question_is_asked_and_whoever_answers_passes(tmp_path):
    """A slow lane and no wall; the answer is sealed with nothing but a flag."""
    form = limited(tmp_path, question_per_hour=2)
    send = sender(form)
    assert [send().status_code for _ in range(2)] == [303, 303]

    page = assert_words_are_back(send(), 429)
    assert "What color is grass?" in page
    assert 'name="asked" value="1"' in page
    page = assert_words_are_back(send(path="/es/form"), 429)
    assert "¿De qué color es el pasto?" in page

    assert send(asked="1", answer="GREEN. ").status_code == 303
    assert send(asked="1", answer="verde").status_code == 303
    assert sorted(flags(form), key=len) == [set(), set(), {Flag.QUESTION}, {Flag.QUESTION}]
    assert "verde" not in "".join(map(repr, (one.report.narrative for one in form.opened())))


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"asked": "1"},
        {"asked": "2", "answer": "green"},
        {"asked": "1", "answer": "red"},
        {"answer": "green"},
    ],
)
def test_a_wrong_answer_is_asked_again_with_the_words(tmp_path, wrong):
    """Also one to a question that is not there, and an empty one."""
    form = limited(tmp_path, question_per_hour=1)
    send = sender(form)
    send()

    assert "What color is grass?" in assert_words_are_back(send(**wrong), 429)
    assert form.store.count() == 1


def test_when_the_hour_is_over_nobody_is_asked(tmp_path):
    """The question is there for as long as it helps."""
    form = limited(tmp_path, question_per_hour=1)
    send = sender(form)
    send()
    assert send().status_code == 429

    form.moment += timedelta(hours=1)

    assert send().status_code == 303


def test_without_a_question_a_flood_is_flagged_and_not_slowed(tmp_path):
    """A Center that wrote none loses no report by it."""
    form = limited(tmp_path, questions=(), question_per_hour=1)
    send = sender(form)

    assert {send().status_code for _ in range(3)} == {303}
    assert sorted(map(len, flags(form))) == [0, 1, 1]


def test_the_day_has_an_end_and_a_reserve_for_those_who_answer(tmp_path):
    """The disk is not filled by a flood; what is refused comes back with another way."""
    form = limited(tmp_path, envelopes_per_day=10, reserve_percent=20)
    send = sender(form)
    assert {send().status_code for _ in range(8)} == {303}
    assert send().status_code == 429
    assert {send(asked="1", answer="green").status_code for _ in range(2)} == {303}

    page = assert_words_are_back(send(asked="1", answer="green"), 503)

    assert "We cannot take more reports today." in page
    assert form.config.site.other_way["en"] in page
    form.moment += timedelta(days=1)
    assert send().status_code == 303


def test_bytes_of_a_day_count_as_reports_do(tmp_path):
    """A text report is sealed to 34 KiB, so 31 of them make a MiB."""
    form = limited(tmp_path, mib_per_day=1, reserve_percent=0)
    send = sender(form)

    answers = [send().status_code for _ in range(32)]

    assert answers[:30] == [303] * 30
    assert answers[31] == 503


# With files


def test_in_a_flood_the_question_stands_before_the_files_already(tmp_path):
    """Nobody sends twenty megabytes twice because of it."""
    form = limited(tmp_path, attachments=True, question_per_hour=1)
    send = sender(form)
    assert "What color is grass?" not in send(do="check").data.decode()
    send()

    page = assert_words_are_back(send(do="check"), 200)

    assert page.index('name="answer"') < page.index('type="file"')


@pytest.mark.parametrize(
    ("numbers", "status", "sentence"),
    [
        ({"refuse_per_source": 1}, 429, "Too many reports are coming in right now."),
        ({"question_per_hour": 1}, 429, "What color is grass?"),
        ({"envelopes_per_day": 1}, 503, "We cannot take more reports today."),
    ],
)
def test_no_word_is_lost_when_a_report_with_files_is_put_off(tmp_path, numbers, status, sentence):
    """The words come back on the check page, which says that files must be chosen again; nothing of them stays."""
    form = limited(tmp_path, attachments=True, **numbers)
    client = form.client
    body = body_of(WORDS, [("a.jpg", "image/jpeg", b"x" * 99_000)])

    def send():
        return client.post(
            "/en/send", data=body, content_type=CONTENT_TYPE, environ_base={"REMOTE_ADDR": circuit(1)}
        )

    assert send().status_code == 303
    before = set(form.config.intake.data_dir.iterdir())

    page = assert_words_are_back(send(), status)

    assert sentence in page
    assert "If you had chosen files, choose them again." in page
    assert 'type="file"' in page
    assert set(form.config.intake.data_dir.iterdir()) == before
    assert form.store.count() == 1


# When the counters fail


LINE = "        _HEAD.pack_into(self._memory, 0, 0, 0, secrets.token_bytes(32))\n"
WITHOUT_MEMORY = ("intake/counters.py", LINE, LINE + "        self._memory.close()\n")


@pytest.mark.loopback
def test_counters_that_fail_refuse_no_report(tmp_path, socket_enabled):
    """A limiter that is down must not become an outage of the form; the log names the fault and no word."""
    tree = server_copy(tmp_path / "tree")
    sinful(tree, *WITHOUT_MEMORY)
    lines = "[intake.limits]\nquestion_per_hour = 1\nenvelopes_per_day = 1\nreserve_percent = 0\n"
    server = start_server(*initialised(tmp_path / "server", lines=lines), tree=tree)
    answers = {server.post({"narrative": [WORDS["narrative"]]})[0] for _ in range(3)}
    server.kill()

    assert answers == {303}
    assert "ValueError" in server.log.read_text()
    assert WORDS["narrative"] not in server.log.read_text()


# What is kept, and where


def chores(form: Form, client: FlaskClient) -> Housekeeping:
    """The chores of a worker of the form that a client asks."""
    return Housekeeping(
        store=form.store,
        path=form.config.intake.store,
        exchange=form.exchange,
        reserve=0,
        gate=client.application.extensions[EXTENSION].gate,
        clock=form.clock,
    )


def tables() -> dict[int, bytes]:
    """The memory that this process shares with others, by its place, found as a debugger would find it."""
    found = {}
    with Path("/proc/self/mem").open("rb", buffering=0) as memory:
        for line in Path("/proc/self/maps").read_text().splitlines():
            begin, end = (int(place, 16) for place in line.split()[0].split("-"))
            if "/dev/zero" in line and end - begin >= _SIZE:
                memory.seek(begin)
                found[begin] = memory.read(_SIZE)
    return found


def names_in(memory: bytes) -> set[bytes]:
    """Under which hashes something is counted."""
    begin = _HEAD.size
    return {_ENTRY.unpack_from(memory, place)[0] for place in range(begin, len(memory), _ENTRY.size)} - {
        bytes(16)
    }


def test_of_a_source_a_keyed_hash_is_kept_in_memory_for_ten_minutes(tmp_path):
    """Nobody who takes the memory finds a circuit in it, and after a while not even its hash."""
    others = tables().keys()
    form = limited(tmp_path)
    client, number = form.client, 0x9A7B_C3D1
    send = sender(form, client)
    (place,) = tables().keys() - others
    send()
    of_all = names_in(tables()[place])
    send(number)
    taken = tables()[place]
    of_source = names_in(taken) - of_all
    disguises = (circuit(number).encode(), number.to_bytes(4, "big"), number.to_bytes(4, "little"))

    assert len(of_source) == 2  # one below which it is flagged, one below which it is taken
    assert not any(disguise in taken for disguise in disguises)
    form.moment += timedelta(seconds=ROTATION)
    chores(form, client).run(form.clock())
    assert not of_source & names_in(tables()[place])
    send(number)
    assert not of_source & names_in(tables()[place])


def test_a_flood_is_an_alarm_of_the_week_and_of_nothing_finer(tmp_path):
    """The operator hears of it; whoever takes the disk learns a week."""
    form = limited(tmp_path, envelopes_per_day=5)
    client = form.client
    note = form.config.intake.data_dir / kept.FLOOD_NAME

    chores(form, client).run(form.clock())
    quiet = note.read_bytes()
    assert not any("limit of a day" in one for one in status(form.exchange, form.clock().day).alarms)
    for _ in range(5):
        client.post("/en/form", data=WORDS)
    chores(form, client).run(form.clock())

    assert note.read_text() == f"{form.clock().week}\n"
    assert len(note.read_bytes()) == len(quiet)
    assert note.stat().st_mtime % 60 == 0
    assert any("limit of a day" in one for one in status(form.exchange, form.clock().day).alarms)
    later = form.clock().day + timedelta(weeks=2)
    assert not any("limit of a day" in one for one in status(form.exchange, later).alarms)


# The running service


@pytest.mark.loopback
def test_all_workers_share_the_counters_and_a_fresh_one_knows_them(tmp_path, socket_enabled):
    """Twenty posts while workers are replaced: a limit of eight lets eight through."""
    config, port, center = initialised(
        tmp_path,
        lines="max_requests = 2\nworkers = 3\n[intake.limits]\nenvelopes_per_day = 8\nreserve_percent = 0\n",
    )
    server = start_server(config, port, center)
    answers = [server.post({"narrative": [f"story {number}"]})[0] for number in range(20)]
    server.kill()

    assert sorted(answers) == [303] * 8 + [503] * 12


@pytest.mark.loopback
def test_behind_the_proxy_a_circuit_is_counted_and_the_clearnet_is_not(tmp_path, socket_enabled):
    """As it is deployed: the circuit comes through HAProxy, and over the clearnet comes no address."""
    door, site = tmp_path / "door", tmp_path / "site"
    site.mkdir()
    lines = f'unix_socket = "{door}"\n[intake.limits]\nrefuse_per_source = 2\n'
    config, _, _ = initialised(site, lines=lines)
    with form_behind(config, door), proxy_before(tmp_path, door) as proxy:

        def send(entrance: str, number: int = 1) -> int:
            return proxy.ask(entrance, report("They shouted."), circuit=circuit(number))[0]

        assert [send("onion", 1) for _ in range(3)] == [303, 303, 429]
        assert send("onion", 2) == 303
        assert {send("clearnet") for _ in range(5)} == {303}


FORGETFUL = (
    "intake/limits.py",
    "        with self._counters.alone():\n            name",
    "        with self._counters.alone():\n            self._counters.reset()\n            name",
)


@pytest.mark.loopback
def test_twin_counters_that_forget_let_a_flood_through(tmp_path, socket_enabled):
    """The detector of the test above."""
    tree = server_copy(tmp_path / "tree")
    sinful(tree, *FORGETFUL)
    config, port, center = initialised(
        tmp_path / "server", lines="[intake.limits]\nenvelopes_per_day = 8\nreserve_percent = 0\n"
    )
    server = start_server(config, port, center, tree=tree)
    answers = {server.post({"narrative": [f"story {number}"]})[0] for number in range(12)}
    server.kill()

    assert answers == {303}
