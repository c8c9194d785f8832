"""Every state of every page, by name, for what looks at pages: the audit, the measures, the pictures.

The real application answers, in this process, whatever the browser asks for: so a form that is closed, or whose store
is gone, is one address away, and no server has to be broken. What people do with the pages is tried on a running
server, in `test_reporter`.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Final

from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, Page, Route
from werkzeug.test import TestResponse

from intake import kept, readiness
from intake.app import create_app
from intake.clock import Now
from intake.config import load
from intake.parts import EXTENSION, Parts
from tests.browser.conftest import PHONE, site_section
from tests.center import Center, example_content, largest_report, make_center
from tests.intake.conftest import NOON, write_config
from tests.intake.test_views import posted_answers

HOST: Final = "https://form.test"  # never looked up: every request is answered here
AFTER_THE_LAST_KEY: Final = datetime(2028, 1, 1, tzinfo=UTC)
STORY: Final = "They shouted at us at the bus stop.\n\nOne of them wrote 555-0100 on the wall, and @a_handle."
BUSY: Final = "[intake.limits]\nrefuse_per_source = 1\nquestion_per_hour = 1\n"
FULL: Final = "[intake.limits]\nenvelopes_per_day = 1\n"
CIRCUIT: Final = "fc00:dead:beef:4dad::5"  # as tor names one
SCHEMES: Final = ("light", "dark", "forced")  # forced: the colors that a person has set for everything
LARGE_SITE: Final = """one_page = true
onion = "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrstuvwx.onion"
[[site.event]]
day = 2026-12-01
label.en = "Town hall on safety"
details.en = "6 in the evening, at the Center"
web = "https://www.example.org/town-hall"
"""


class Site:
    """Forms of one Center in this process, each in another condition."""

    def __init__(self, root: Path) -> None:
        center = make_center()
        self.good: Final = _client(root / "good", center)
        self.closed: Final = _client(root / "closed", center, moment=AFTER_THE_LAST_KEY)
        self.storeless: Final = _client(root / "storeless", center, has_store=False)
        self.faulty: Final = _client(root / "faulty", center, moment=None)
        # The other choices that a Center has: no contact, files, counting by opt-in, the form in one piece, an event, an onion.
        other = make_center(content=example_content(contact=False, consent_mode="opt_in", attachments=True))
        self.other: Final = _client(root / "other", other, site=LARGE_SITE)
        # One report more than their limits is everybody's who is shown.
        self.busy: Final = _client(root / "busy", other, lines=BUSY)
        self.full: Final = _client(root / "full", center, lines=FULL)
        for client in (self.busy, self.full):
            told = {"narrative": "The last one."}
            client.post("/en/form", data=told, environ_base={"REMOTE_ADDR": CIRCUIT})
        told = posted_answers(largest_report("x", center.local))
        self.answers: Final = told | {
            "narrative": [STORY],
            "when_text": ["In May, I think"],
            "own_words": ["my accent"],
            "contact": ["Write to sam@example.org, in the evening"],
            "consent_count": ["yes"],
            "consent_quote": ["yes"],
        }

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """Codes of the languages that the form offers."""
        parts: Parts = self.good.application.extensions[EXTENSION]
        return tuple(parts.pages)

    def close(self) -> None:
        """Close the stores."""
        for client in (
            self.good,
            self.closed,
            self.storeless,
            self.faulty,
            self.other,
            self.busy,
            self.full,
        ):
            parts: Parts = client.application.extensions[EXTENSION]
            parts.store.close()

    def attach(self, context: BrowserContext) -> None:
        """Answer whatever the pages of a browser ask for."""
        context.route("**/*", self._answer)

    def _answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(HOST)
        _, code, name = f"{path}//".split("/")[:3]
        if name in STATES:
            answer = STATES[name].ask(self, code)
            assert answer.status_code == STATES[name].status, (name, answer.status)
        else:
            answer = self.good.get(path)
            if answer.status_code == 404:  # the stylesheet of the other form: its theme may differ
                answer = self.other.get(path)
        route.fulfill(status=answer.status_code, headers=dict(answer.headers), body=answer.data)


def _client(
    root: Path,
    center: Center,
    *,
    moment: datetime | None = NOON,
    has_store: bool = True,
    site: str = "",
    lines: str = "",
) -> FlaskClient:
    """A form with a store of its own; without a moment its clock fails, as nobody foresaw."""
    root.mkdir()
    # The example's words first: tables of the site's own would swallow them.
    words, _, tables = site.partition("[[")
    config = load(write_config(root, center, lines=lines, site=f"{words}{site_section()}{_}{tables}"))
    config.intake.data_dir.mkdir(mode=0o700)
    kept.make_export_key(config.intake.data_dir)
    store = readiness.open_store(config)
    store.create()
    if not has_store:
        store.close()
        config.intake.store.unlink()
        store = readiness.open_store(config)

    def clock() -> Now:
        if moment is None:
            raise ArithmeticError
        return Now(moment=moment)

    return create_app(config, center.config, store=store, clock=clock).test_client()


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A page in one of its states.

    Attributes:
        ask: gets it from the forms, in a language.
        status: of the answer.
        fragment: the step that is shown.
        is_unfolded: every fold is open.
        is_common: the same in all languages.
        is_notice: a few sentences, without a form.
    """

    ask: Callable[[Site, str], TestResponse]
    status: int = 200
    fragment: str = ""
    is_unfolded: bool = False
    is_common: bool = False
    is_notice: bool = False

    @property
    def is_given_back(self) -> bool:
        """Whether it is the form that says what is wrong with a post."""
        return self.status >= 400 and not self.is_notice


def _get(path: str, form: str = "good") -> Callable[[Site, str], TestResponse]:
    """A page that is asked for."""
    return lambda site, code: getattr(site, form).get(path.format(code))


def _post(
    form: str = "good",
    *,
    by: str = "send",
    changed: Mapping[str, list[str]] | None = None,
    source: str = "",
    **headers: str,
) -> Callable[[Site, str], TestResponse]:
    """What answers a post of every field, with some of them changed."""

    def ask(site: Site, code: str) -> TestResponse:
        told = {**site.answers, **(changed or {}), "do": [by]}
        client: FlaskClient = getattr(site, form)
        return client.post(f"/{code}/form", data=told, headers=headers, environ_base={"REMOTE_ADDR": source})

    return ask


def _post_raw(
    body: bytes, content_type: str, announced: int | None = None
) -> Callable[[Site, str], TestResponse]:
    """What answers a body that no browser of ours sends."""

    def ask(site: Site, code: str) -> TestResponse:
        return site.good.post(
            f"/{code}/form",
            input_stream=io.BytesIO(body),
            content_type=content_type,
            environ_overrides={
                "CONTENT_LENGTH": str(announced or len(body)),
                "wsgi.input_terminated": True,
            },
        )

    return ask


def _post_files(count: int) -> Callable[[Site, str], TestResponse]:
    """What answers the check page with a number of files."""

    def ask(site: Site, code: str) -> TestResponse:
        files = [(io.BytesIO(b"a file"), f"{number}.txt") for number in range(count)]
        return site.other.post(f"/{code}/send", data={**site.answers, "files": files})

    return ask


_NOTHING: Final = {"narrative": [""], "incident_types": []}
_FORM_TYPE: Final = "application/x-www-form-urlencoded"
_STEPS: Final = {
    f"step_{number}": State(ask=_get("/{}/form"), fragment=f"s{number}", is_unfolded=True)
    for number in range(1, 6)
}
STATES: Final[Mapping[str, State]] = {
    "choose": State(
        ask=lambda site, _: site.good.get("/", headers={"Accept-Language": "pa-Arab"}), is_common=True
    ),
    "start": State(ask=_get("/{}/")),
    "start_unfolded": State(ask=_get("/{}/", "other"), is_unfolded=True),
    "help": State(ask=_get("/{}/help")),
    "done": State(ask=_get("/{}/done")),
    "done_with_event": State(ask=_get("/{}/done", "other")),
    "form": State(ask=_get("/{}/form")),
    **_STEPS,
    "in_one_piece": State(ask=_get("/{}/form", "other"), is_unfolded=True),
    "given_back": State(ask=_post(by="show"), is_unfolded=True),
    "check": State(ask=_post(by="check", changed={"narrative": ["They shouted."]})),
    "check_with_hints": State(ask=_post(by="check")),
    "files": State(ask=_post("other", by="check")),
    "files_after_a_question": State(ask=_post("busy", by="check")),
    "asked": State(ask=_post("busy"), status=429),
    "too_many": State(ask=_post("busy", source=CIRCUIT), status=429),
    "full_today": State(ask=_post("full"), status=503),
    "files_too_large": State(ask=_post_files(4), status=413),
    "nothing_told": State(ask=_post(changed=_NOTHING), status=422),
    "too_long": State(ask=_post(changed={"own_words": ["palabras " * 20]}), status=422),
    "odd_letters": State(ask=_post_raw(b"narrative=caf%E9", _FORM_TYPE), status=422),
    "too_much": State(ask=_post(changed={"own_words": ["x" * 2_200_000]}), status=413),
    "cut_off": State(ask=_post_raw(b"narrative=half+a+story", _FORM_TYPE, announced=4_000), status=400),
    "other_type": State(ask=_post_raw(b"words", "text/plain"), status=415),
    "other_site": State(ask=_post(**{"Sec-Fetch-Site": "cross-site"}), status=403),
    "closed_too_late": State(ask=_post("closed"), status=503),
    "not_saved": State(ask=_post("storeless"), status=503),
    "fault": State(ask=_post("faulty"), status=500),
    "closed": State(ask=_get("/{}/form", "closed"), status=503, is_notice=True),
    "lost": State(ask=_get("/{}/form", "faulty"), status=500, is_notice=True),
    "gallery": State(ask=_get("/{}/_gallery")),
    "missing": State(ask=_get("/{}/nowhere"), status=404, is_notice=True),
}


@contextmanager
def looking(browser: Browser, site: Site, *, scheme: str = "light", **size: int) -> Iterator[Page]:
    """Somebody with a phone, and with scripts, because measuring needs them; the pages themselves have none."""
    context = browser.new_context(
        viewport={**PHONE, **size}, bypass_csp=True, reduced_motion="reduce", **colors(scheme)
    )
    site.attach(context)
    yield context.new_page()
    context.close()


def colors(scheme: str) -> dict[str, str]:
    """What a browser is told of the colors that a person wants."""
    return {
        "color_scheme": "light" if scheme == "light" else "dark",
        "forced_colors": "active" if scheme == "forced" else "none",
    }


def show(page: Page, name: str, code: str = "en") -> None:
    """Open a page in one of its states."""
    state = STATES[name]
    page.goto(f"{HOST}/{code}/{name}#{state.fragment}")
    if state.is_unfolded:
        page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")


# What a person does with a page, with or without scripts


def button(deed: str) -> str:
    """Where a button stands, by what it does: send, check, show."""
    return f"main button[name=do][value={deed}]"


def press(page: Page, deed: str) -> None:
    """Press a button; in the step that is shown, if the page has steps."""
    page.click(f"{button(deed)}:visible >> nth=0")


def go_to_step(page: Page, step: int) -> None:
    """Go on from step to step until one is shown, and open its folds."""
    while not page.locator(f"#s{step}").is_visible():
        page.click("section.step:visible a.button.onstep")
    for fold in page.locator(f"#s{step} details:not([open]) > summary").all():
        fold.click()
