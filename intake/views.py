"""The reporter's routes. A view parses, calls, renders; it decides nothing by what an answer says.

The order of a post: read the body to its end, doubt where it came from, make a `Report`, seal it, store it durably,
and only then answer 303. Whatever fails on the way, the answer holds the person's words.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, Request, Response, current_app, g, request
from werkzeug.exceptions import HTTPException, InternalServerError

from crypto.config import PublicConfig, Standing, standing
from crypto.errors import FormatError, NoRecipientError, NothingToldError, TextTooLongError
from crypto.report import Flag, LocalSets, Report, report_from_answers
from crypto.seal import seal
from intake import errors, forms, logs, problems
from intake.anonymity import IMMUTABLE, NO_STORE, FormTokens, is_from_another_site, origin_flags
from intake.bodies import Posted, Reading, read_posted
from intake.clock import Now
from intake.config import Config
from intake.pages import Pages
from intake.problems import Problem
from intake.store import Store

EXTENSION: Final = "intake"  # under which the application keeps what the views work with
reporter: Final = Blueprint("reporter", __name__)

_LOG: Final = logging.getLogger(logs.LOGGER)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the views work with; one an application."""

    config: Config
    public: PublicConfig
    local: LocalSets
    store: Store
    pages: Pages
    tokens: FormTokens
    clock: Callable[[], Now]

    @property
    def is_closed(self) -> bool:
        """Whether no report can be sealed today."""
        day = self.clock().day
        return standing(self.public, day) is Standing.CLOSED or not self.public.active(day)


@reporter.get("/")
def choose_language() -> Response:
    """Go to a language; only this answer depends on what the browser asks for."""
    answer = _redirect("/en/", 302)
    answer.headers["Vary"] = "Accept-Language"
    return answer


@reporter.get("/en/")
def start() -> Response:
    """Say what this is."""
    return _page(_parts().pages.start)


@reporter.get("/en/form")
def form() -> Response:
    """Show the empty form, or that it is closed, before a word is typed."""
    parts = _parts()
    if parts.is_closed:
        return _page(parts.pages.notice("The form is closed for now.", parts.pages.other_way), 503)
    return _page(parts.pages.form(parts.tokens.issue(parts.clock().seconds)))


@reporter.post("/en/form")
def send() -> Response:
    """Take a report: 303 means that it is sealed and survives a power cut, and nothing else means that."""
    parts = _parts()
    posted = g.posted = read_posted(request, parts.config.intake.limits)
    problem = _accept(parts, request, posted)
    if problem is None:
        return _redirect("/en/done", 303)
    return _give_back(parts, problem, posted)


@reporter.get("/en/done")
def done() -> Response:
    """Thank the reporter, in the same bytes for everyone."""
    return _page(_parts().pages.done)


@reporter.get("/en/help")
def find_help() -> Response:
    """Show places that help."""
    return _page(_parts().pages.help)


@reporter.get("/leave")
def leave() -> Response:
    """Go to a neutral page elsewhere, and have the browser drop what it kept of this site."""
    answer = _redirect(_parts().config.site.exit_url, 303)
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


@reporter.get("/healthz")
def health() -> Response:
    """Say that the server answers, and nothing else."""
    return Response("ok\n", mimetype="text/plain")


@reporter.get("/static/<name>")
def style(name: str) -> Response:
    """Hand out the one stylesheet, to be kept for ever under the name that its bytes have."""
    pages = _parts().pages
    if name != pages.style_name:
        return missing(None)
    answer = Response(pages.style, mimetype="text/css")
    answer.headers["Cache-Control"] = IMMUTABLE
    return answer


@reporter.app_errorhandler(HTTPException)
def missing(error: HTTPException | None) -> Response:
    """Answer what the routes do not know, in our own words."""
    status = 404 if error is None or error.code is None else error.code
    answer = _page(
        _parts().pages.notice("There is no page here.", "You can go to the start of the form."), status
    )
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        answer.headers["Allow"] = ", ".join(sorted(allowed))
    return answer


@reporter.app_errorhandler(Exception)
def fault(error: Exception) -> Response:
    """Give the words back after anything that nobody foresaw; log its class and place, nothing of its text."""
    logs.log_fault(error)
    parts = _parts()
    posted: Posted | None = g.get("posted")
    if posted is None or not problems.has_words(posted):
        return lost(error)
    # No token: making one reads the clock, and here nothing is taken for granted.
    problem = problems.not_saved(parts.pages.other_way, status=500)
    return _page(parts.pages.form_again(problem, posted, token=""), problem.status)


@reporter.app_errorhandler(InternalServerError)
def lost(_: Exception) -> Response:
    """Say plainly that nothing was kept: the words were not read, or the page that holds them failed too."""
    page = _parts().pages
    return _page(
        page.notice(
            "Your report was not saved.",
            "We could not keep your words. We are sorry.",
            f"You can start again, or reach us another way: {page.other_way}",
        ),
        500,
    )


def _accept(parts: Parts, post: Request, posted: Posted) -> Problem | None:
    """Seal and store what was posted, or say what is wrong with it."""
    if is_from_another_site(post):
        return problems.other_site()
    if parts.is_closed:
        return problems.closed(parts.pages.other_way)
    if posted.reading is not Reading.WHOLE:
        return problems.badly_read(posted.reading)
    try:
        report, flags = report_from_answers(
            {name: values for name, values in posted.fields.items() if name not in forms.OWN_FIELDS},
            parts.local,
        )
    except NothingToldError:
        return problems.nothing_told()
    except TextTooLongError as error:
        return problems.too_long(error)
    return _keep(parts, report, flags | _doubts(parts, post, posted))


def _keep(parts: Parts, report: Report, flags: frozenset[Flag]) -> Problem | None:
    """Seal a report and store it durably; an error of either is a 503, and nothing was kept."""
    now = parts.clock()
    try:
        envelope = seal(report, parts.public, lang="en", flags=flags, day=now.day)
        parts.store.add(envelope, now.week)
    except NoRecipientError:
        return problems.closed(parts.pages.other_way)
    except (FormatError, errors.StoreError) as error:
        _LOG.error("not saved: %s", type(error).__name__)
        return problems.not_saved(parts.pages.other_way)
    return None


def _doubts(parts: Parts, post: Request, posted: Posted) -> frozenset[Flag]:
    """What is odd about how this came in. It is sealed with the report, and refuses nothing."""
    flags = origin_flags(post) | parts.tokens.judge(posted.first(forms.TOKEN), parts.clock().seconds)
    if posted.first(forms.DECOY):
        flags |= {Flag.HONEYPOT}
    if posted.first(forms.ASKED_AGAIN):
        flags |= {Flag.CROSS_SITE}
    return flags


def _give_back(parts: Parts, problem: Problem, posted: Posted) -> Response:
    return _page(
        parts.pages.form_again(problem, posted, parts.tokens.issue(parts.clock().seconds)), problem.status
    )


def _page(page: bytes, status: int = 200) -> Response:
    answer = Response(page, status=status, mimetype="text/html")
    answer.headers["Cache-Control"] = NO_STORE
    return answer


def _redirect(where: str, status: int) -> Response:
    answer = Response(status=status)
    answer.headers["Location"] = where
    return answer


def _parts() -> Parts:
    found: Parts = current_app.extensions[EXTENSION]
    return found
