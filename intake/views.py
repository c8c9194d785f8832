"""The reporter's routes. A view parses, calls, renders; it decides nothing by what an answer says.

The order of a post: read the body to its end, doubt where it came from, make a `Report`, seal it, store it durably,
and only then answer 303. Whatever fails on the way, the answer holds the person's words. The buttons "Check what I
wrote", "Change my answers" and the languages post the words too, and nothing is kept of them.
"""

import re
from contextlib import closing
from typing import Final

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException, InternalServerError, NotFound

from intake import acceptance, controls, languages, logs, problems
from intake.anonymity import IMMUTABLE, NO_STORE
from intake.bodies import Posted, read_posted
from intake.catalogues import say
from intake.compression import Packed
from intake.multipart import read_with_files
from intake.pages import Pages
from intake.parts import Parts, current

_REFUSES_GZIP: Final = re.compile(r"gzip\s*;\s*q=0(\.0*)?\s*(,|$)")  # RFC 9110, 12.5.3
reporter: Final = Blueprint("reporter", __name__)


@reporter.get("/")
def choose_language() -> Response:
    """Go to a language; only this answer depends on what the browser asks for."""
    parts = current()
    wanted = request.headers.get("Accept-Language", "")
    found = languages.negotiate(wanted, parts.pages)
    if found is None and wanted:
        answer = _page(parts.chooser)
    else:
        code = next(iter(parts.pages)) if found is None else found.code
        answer = _redirect(f"/{code}/", 302)
    answer.headers["Vary"] = "Accept-Language"
    return answer


@reporter.get("/<code>/")
def start(code: str) -> Response:
    """Say what this is."""
    parts = current()
    return _page(parts.pages_in(code).start(parts.day_here))


@reporter.get("/<code>/form")
def form(code: str) -> Response:
    """Show the empty form, or that it is closed, before a word is typed."""
    parts = current()
    pages = parts.pages_in(code)
    if parts.is_closed:
        way = say("You can reach us another way: %(other_way)s", other_way=pages.other_way)
        return _page(pages.notice(say("The form is closed for now."), way), 503)
    return _page(pages.empty_form.filled(_token(parts).encode()))


@reporter.post("/<code>/form")
def send(code: str) -> Response:
    """Take a report: 303 means that it is sealed and survives a power cut, and nothing else means that."""
    parts = current()
    posted = g.posted = read_posted(request, parts.config.intake.limits)
    pages = parts.pages_in(code)
    deed = posted.first(controls.DEED)
    if deed == controls.SHOW and not problems.has_words(posted):
        return form(code)  # the button Start, or a language that was changed before anything was told
    problem = acceptance.doubt(request, posted, pages)
    if problem is None and deed != controls.SHOW:
        problem = acceptance.accept(parts, request, posted, pages, is_kept=deed != controls.CHECK)
    if problem is not None or deed == controls.SHOW:
        status = 200 if problem is None else problem.status
        return _page(pages.form_again(posted, _token(parts, posted), problem), status)
    if deed == controls.CHECK:
        return _page(pages.check(posted, _token(parts, posted), challenge=parts.gate.question()))
    return _redirect(f"/{code}/done", 303)


@reporter.post("/<code>/send")
def send_with_files(code: str) -> Response:
    """Take a report with files from the check page, with the same promise; what is wrong is said on that page."""
    parts = current()
    settings = parts.config.intake
    if not parts.public.content.attachments:
        g.posted = read_posted(request, settings.limits)
        raise NotFound
    with closing(read_with_files(request, settings.limits, settings.data_dir)) as posted:
        g.posted = posted
        pages = parts.pages_in(code)
        problem = acceptance.doubt(request, posted, pages) or acceptance.accept(
            parts, request, posted, pages, is_kept=True
        )
        if problem is None:
            return _redirect(f"/{code}/done", 303)
        problem = problems.with_files(problem)
        again = pages.form_again if problem.complaints else pages.check
        return _page(again(posted, _token(parts, posted), problem), problem.status)


@reporter.get("/<code>/done")
def done(code: str) -> Response:
    """Thank the reporter, in the same bytes for everyone."""
    parts = current()
    return _page(parts.pages_in(code).done(parts.day_here))


@reporter.get("/<code>/help")
def find_help(code: str) -> Response:
    """Show places that help."""
    parts = current()
    return _page(parts.pages_in(code).help(parts.day_here))


@reporter.get("/leave")
def leave() -> Response:
    """Go to a neutral page elsewhere, and have the browser drop what it kept of this site."""
    answer = _redirect(current().config.site.exit_url, 303)
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


@reporter.get("/healthz")
def health() -> Response:
    """Say that the server answers, and nothing else."""
    return Response("ok\n", mimetype="text/plain")


@reporter.get("/static/<name>")
def asset(name: str) -> Response:
    """Hand out the stylesheet or the logo, to be kept for ever under the name that its bytes have."""
    found = current().assets.get(name)
    if found is None:
        raise NotFound
    answer = _page(found.content)
    answer.mimetype = found.kind
    answer.headers["Cache-Control"] = IMMUTABLE
    return answer


@reporter.app_errorhandler(HTTPException)
def missing(error: HTTPException) -> Response:
    """Answer what the routes do not know, in our own words; words that came along are given back."""
    status = error.code or 500
    pages = _pages_of_path()
    if request.method == "POST" and _words() is not None:
        answer = _give_words_back(status)
    else:
        answer = _page(
            pages.notice(say("There is no page here."), say("You can go to the start of the form.")), status
        )
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        answer.headers["Allow"] = ", ".join(sorted(allowed))
    return answer


@reporter.app_errorhandler(Exception)
def fault(error: Exception) -> Response:
    """Give the words back after anything that nobody foresaw; log its class and place, nothing of its text."""
    logs.log_fault(error)
    return lost(error) if _words() is None else _give_words_back(500)


@reporter.app_errorhandler(InternalServerError)
def lost(_: Exception) -> Response:
    """Say plainly that nothing was kept: the words were not read, or the page that holds them failed too."""
    pages = _pages_of_path()
    return _page(
        pages.notice(
            say("Your report was not saved."),
            say("We could not keep your words. We are sorry."),
            say("You can start again, or reach us another way: %(other_way)s", other_way=pages.other_way),
        ),
        500,
    )


def _words() -> Posted | None:
    """What was posted in this request, if it was read and holds any words."""
    posted: Posted | None = g.get("posted")
    return posted if posted is not None and problems.has_words(posted) else None


def _give_words_back(status: int) -> Response:
    """The form with the words and the sentence that they were not saved."""
    pages = _pages_of_path()
    problem = problems.not_saved(pages.other_way, status=status)
    # No token: making one reads the clock, and here nothing is taken for granted.
    return _page(pages.form_again(g.posted, "", problem), status)


def _pages_of_path() -> Pages:
    """The pages of the language that the address names, or of the first one."""
    parts = current()
    code = request.path.split("/")[1]
    return parts.pages[code] if code in parts.pages else next(iter(parts.pages.values()))


def _token(parts: Parts, posted: Posted | None = None) -> str:
    return parts.tokens.renew("" if posted is None else posted.first(controls.TOKEN), parts.clock().seconds)


def _page(page: Packed | bytes, status: int = 200) -> Response:
    """An answer that no browser keeps; a page that was packed goes out so, where the browser takes it."""
    is_packed = isinstance(page, Packed) and _takes_gzip()
    content = page if isinstance(page, bytes) else page.gzip if is_packed else page.plain
    answer = Response(content, status=status, mimetype="text/html")
    answer.headers["Cache-Control"] = NO_STORE
    if is_packed:
        answer.headers["Content-Encoding"] = "gzip"
    return answer


def _takes_gzip() -> bool:
    wanted = request.headers.get("Accept-Encoding", "")
    return "gzip" in wanted and _REFUSES_GZIP.search(wanted) is None


def _redirect(where: str, status: int) -> Response:
    answer = Response(status=status)
    answer.headers["Location"] = where
    return answer
