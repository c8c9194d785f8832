"""No word, address or user agent in any log, and no time of a visit (E7)."""

import io
import logging
import re
import socket
import urllib.parse

import pytest

from intake import logs
from intake.anonymity import HEADERS
from tests.intake.conftest import Form, initialised, start_server
from tests.intake.test_views import STORY, faulty

CANARY = "canary-7f3a9c"


@pytest.fixture
def heard():
    """Every line that any library would write, through the one formatter; what was set up before comes back."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.PlainFormatter())
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG)
    yield stream
    root.handlers[:], level = before
    root.setLevel(level)


def test_a_foreign_record_is_reduced_to_its_place_and_class(heard):
    """Exceptions of libraries quote what they were given."""
    try:
        int(CANARY)
    except ValueError:
        logging.getLogger("some.library").exception("could not read %s", CANARY)

    assert re.fullmatch(r"error: some\.library at test_logs:\d+ \(ValueError\)\n", heard.getvalue())


@pytest.mark.parametrize("stack", [False, True])
def test_arguments_extra_fields_and_stacks_of_strangers_are_dropped(heard, stack):
    """There are many ways to put words into a record."""
    logging.getLogger("gunicorn.error").warning(
        "Invalid request from ip=%s: %s", "192.0.2.7", CANARY, stack_info=stack, extra={"agent": CANARY}
    )

    assert CANARY not in heard.getvalue()
    assert "192.0.2.7" not in heard.getvalue()


def test_a_fault_is_logged_by_class_and_our_own_line(heard):
    """Enough to find it, nothing of what was in it."""
    try:
        int(CANARY)
    except ValueError as fault:
        logs.log_fault(fault)

    assert heard.getvalue().startswith("error: fault ValueError at test_logs.py:")
    assert CANARY not in heard.getvalue()


def test_the_twin_that_uses_the_ordinary_formatter_is_found_out(heard):
    """A detector counts only once it was seen to detect."""
    logging.getLogger().handlers[0].setFormatter(logging.Formatter("%(message)s"))

    logging.getLogger("some.library").error("%s", CANARY)

    assert CANARY in heard.getvalue()


def test_a_canary_through_every_route_and_error_reaches_no_handler(heard, form: Form):
    """All that a request can carry, through all that an answer can be."""
    told = {"narrative": f"{STORY} {CANARY}", "contact": CANARY, CANARY: CANARY}
    headers = dict.fromkeys(("User-Agent", "Referer", "X-Forwarded-For", "Accept-Language", "Cookie"), CANARY)
    client = form.client
    for path in ("/", "/en/", "/en/form", f"/{CANARY}", f"/en/form?{CANARY}", "/leave"):
        client.get(path, headers=headers)
        client.post(path, data=told, headers=headers)
    client.post("/en/form", data={"contact": CANARY}, headers=headers)
    client.post(
        "/en/form", data=f"narrative={CANARY}%FF".encode(), content_type="application/x-www-form-urlencoded"
    )
    client.post("/en/form", data=told, headers=headers | {"Sec-Fetch-Site": "cross-site"})
    faulty(form).post("/en/form", data=told, headers=headers)
    form.store.close()
    form.config.intake.store.unlink()
    client.post("/en/form", data=told, headers=headers)

    assert CANARY not in heard.getvalue()
    assert "fault RuntimeError" in heard.getvalue()
    assert "not saved: StoreMissingError" in heard.getvalue()


MALFORMED = {
    "no request line": f"{CANARY}\r\n\r\n",
    "unknown version": f"GET /{CANARY} HTTP/9.9\r\n\r\n",
    "bad header": f"GET / HTTP/1.1\r\n{CANARY}\r\n\r\n",
    "bad header name": f"GET / HTTP/1.1\r\n{CANARY}(): x\r\n\r\n",
    "line too long": f"GET /{CANARY * 1000} HTTP/1.1\r\n\r\n",
    "too many headers": "GET / HTTP/1.1\r\n" + f"X: {CANARY}\r\n" * 200 + "\r\n",
    "bad chunk": f"POST /en/form HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{CANARY}\r\n",
    "two lengths": f"POST /en/form HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{CANARY}",
    "early end": f"POST /en/form HTTP/1.1\r\nContent-Length: 5000\r\n\r\nnarrative={CANARY}",
    "TLS": "\x16\x03\x01\x02",
    "proxy line": f"PROXY TCP4 192.0.2.7 192.0.2.8 1 2\r\nGET /{CANARY} HTTP/1.1\r\n\r\n",
}


@pytest.mark.loopback
def test_malformed_requests_are_refused_in_our_words_and_logged_by_nobody(
    tmp_path, socket_enabled, monkeypatch
):
    """A real server with every debug switch of the environment thrown."""
    for name in ("PYTHONFAULTHANDLER", "FLASK_DEBUG", "PYTHONASYNCIODEBUG"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--access-logfile - --log-level debug")
    server = start_server(*initialised(tmp_path))
    try:
        answers = {name: _exchange(server.port, text) for name, text in MALFORMED.items()}
        honest = _exchange(server.port, _honest_post())
    finally:
        server.kill()

    log = server.log.read_text()
    assert CANARY not in log
    assert "127.0.0.1" not in log.replace(f"http://127.0.0.1:{server.port}", "")
    assert "Booting" not in log  # a worker is replaced after a report, and the journal adds the time
    assert honest.startswith("HTTP/1.1 303")
    for name, answer in answers.items():
        assert answer == "" or answer.startswith(("HTTP/1.1 4", "HTTP/1.1 5")), name
        assert "CANARY" not in answer.partition("\r\n\r\n")[0]
        assert "Server:" not in answer
        assert answer == "" or all(f"{header}: {value}" in answer for header, value in HEADERS.items()), name


def _honest_post() -> str:
    body = urllib.parse.urlencode({"narrative": CANARY})
    return (
        "POST /en/form HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
    )


def _exchange(port: int, text: str) -> str:
    """Send bytes, end our side, and read what comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=15) as line:
        line.sendall(text.encode("latin-1"))
        line.shutdown(socket.SHUT_WR)
        received = b""
        try:
            while piece := line.recv(65_536):
                received += piece
        except ConnectionResetError:
            pass
    return received.decode("latin-1")
