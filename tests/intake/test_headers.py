"""The exact headers of every answer, as one table of routes, methods and statuses (docs/decisions.md 6)."""

from dataclasses import replace

import pytest

from intake.config import SiteConfig
from intake.frame import Frame
from tests.center import example_content
from tests.intake.conftest import make_form

EXACT = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
NEVER = (
    "ETag",
    "Last-Modified",
    "Set-Cookie",
    "Server",
    "Expires",
    "X-Powered-By",
    "Access-Control-Allow-Origin",
)
STYLE = f"/static/{Frame(site=SiteConfig(), content=example_content(), offered=(), file_mib=0).style.name}"
TOLD = {"narrative": "What happened."}

# method, path, form, request headers, status
TABLE = [
    ("GET", "/", None, {}, 302),
    ("GET", "/", None, {"Accept-Language": "pa-Arab"}, 200),
    ("GET", "/en/", None, {}, 200),
    ("GET", "/xx/", None, {}, 404),
    ("GET", "/en", None, {}, 200),
    ("HEAD", "/en/", None, {}, 200),
    ("GET", "/en/form", None, {}, 200),
    ("GET", "/en/done", None, {}, 200),
    ("GET", "/en/help", None, {}, 200),
    ("GET", "/en/_gallery", None, {}, 200),
    ("GET", "/leave", None, {}, 303),
    ("GET", "/healthz", None, {}, 200),
    ("GET", STYLE, None, {}, 200),
    ("GET", "/static/style-0000000000000000.css", None, {}, 404),
    ("GET", "/static/../../etc/passwd", None, {}, 404),
    ("GET", "/nowhere", None, {}, 404),
    ("OPTIONS", "/en/form", None, {}, 200),
    ("PUT", "/en/form", None, {}, 405),
    ("DELETE", "/en/form", None, {}, 405),
    ("TRACE", "/en/form", None, {}, 405),
    ("POST", "/en/done", TOLD, {}, 405),
    ("POST", "/en/send", TOLD, {}, 404),
    ("POST", "/en/form", TOLD, {}, 303),
    ("POST", "/en/form", TOLD | {"do": "check"}, {}, 200),
    ("POST", "/en/form", TOLD | {"do": "show"}, {}, 200),
    ("POST", "/xx/form", TOLD, {}, 404),
    ("POST", "/en/form", {}, {}, 422),
    ("POST", "/en/form", {"narrative": "x" * 6_001}, {}, 422),
    ("POST", "/en/form", {"narrative": "x" * 2_200_000}, {}, 413),
    ("POST", "/en/form", TOLD, {"Sec-Fetch-Site": "cross-site"}, 403),
    ("POST", "/en/form", b'{"narrative": "x"}', {"Content-Type": "application/json"}, 415),
]


@pytest.mark.parametrize(("method", "path", "told", "sent", "status"), TABLE)
def test_every_answer_has_the_exact_headers(form, method, path, told, sent, status):
    """One answer without them is the one that is used."""
    answer = form.client.open(path, method=method, data=told, headers=sent)

    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in EXACT} == EXACT
    assert [name for name in NEVER if name in answer.headers] == []
    kept = "public, max-age=31536000, immutable" if path == STYLE else "no-store"
    assert answer.headers.getlist("Cache-Control") == [kept]
    assert answer.headers.get("Vary") == ("Accept-Language" if path == "/" else None)


def test_the_table_holds_every_route_of_the_application(form):
    """A new route must come with its row."""
    rules = {str(rule) for rule in form.client.application.url_map.iter_rules()}

    covered = {path.replace("/en/", "/<code>/") for _, path, *_ in TABLE} | {"/static/<name>"}
    assert rules <= covered


def test_the_gallery_of_pieces_is_not_there_for_real_people(tmp_path):
    """It is for those who draw and translate the pages."""
    made = make_form(tmp_path)
    made.config = replace(made.config, intake=replace(made.config.intake, production=True))

    assert made.client.get("/en/_gallery").status_code == 404
    made.store.close()


@pytest.mark.parametrize("fault", ["full store", "unforeseen"])
def test_answers_to_faults_have_them_too(tmp_path, fault):
    """An error page is still a page of ours."""
    made = make_form(tmp_path)
    if fault == "full store":
        made.config.intake.store.unlink()
        made.store.close()
        status = 503
    else:
        made.clock = lambda: 1 / 0  # read after the body, so the words are there
        status = 500
    application = make_application(made)

    answer = application.test_client().post("/en/form", data=TOLD)

    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in EXACT} == EXACT
    assert answer.headers["Cache-Control"] == "no-store"
    made.store.close()


def make_application(made):
    """The application with a clock that may fail."""
    from intake.app import create_app

    return create_app(made.config, made.center.config, store=made.store, clock=lambda: made.clock())


def test_a_forged_host_is_reflected_nowhere(form):
    """DNS rebinding and password-reset tricks live on reflected hosts."""
    for path in ("/", "/en", "/en/", "/en/form", "/leave", "/nowhere"):
        answer = form.client.get(path, headers={"Host": "evil.example"})
        assert b"evil.example" not in answer.data
        assert "evil.example" not in str(answer.headers)


def test_leaving_asks_the_browser_to_drop_what_it_kept(form):
    """The one thing a page without a script can do."""
    answer = form.client.get("/leave")

    assert answer.headers["Location"] == "https://www.weather.gov/"
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'


def test_health_says_ok_and_nothing_else(form):
    """A health page that counts is a log of reports."""
    assert form.client.get("/healthz").data == b"ok\n"
