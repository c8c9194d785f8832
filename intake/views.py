"""The reporter's routes. A view parses, calls, renders; it decides nothing by what an answer says.

The order of a post: read the body to its end, doubt where it came from, make a `Report`, seal it, store it durably,
and only then answer 303. Whatever fails on the way, the answer holds the person's words. The buttons "Check what I
wrote", "Change my answers" and the languages post the words too, and nothing is kept of them.
"""

import io
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import Final

from cryptography.exceptions import InvalidTag
from flask import Blueprint, Request, Response, current_app, g, request
from werkzeug.exceptions import HTTPException, InternalServerError, NotFound

from crypto.config import PublicConfig, Standing, standing
from crypto.errors import FormatError, NoRecipientError, NothingToldError, TextTooLongError
from crypto.report import Flag, LocalSets, Report, report_from_answers
from crypto.seal import seal
from intake import controls, errors, languages, logs, problems
from intake.anonymity import IMMUTABLE, NO_STORE, FormTokens, is_from_another_site, origin_flags
from intake.bodies import Posted, Reading, read_posted
from intake.catalogues import say
from intake.clock import Now
from intake.compression import Packed
from intake.config import Config
from intake.frame import Asset
from intake.multipart import read_with_files
from intake.pages import Pages
from intake.problems import Problem
from intake.store import Store
from intake.uploads import Upload, scratch

EXTENSION: Final = "intake"  # under which the application keeps what the views work with
_REFUSES_GZIP: Final = re.compile(r"gzip\s*;\s*q=0(\.0*)?\s*(,|$)")  # RFC 9110, 12.5.3
reporter: Final = Blueprint("reporter", __name__)

_LOG: Final = logging.getLogger(logs.LOGGER)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the views work with; one an application."""

    config: Config
    public: PublicConfig
    local: LocalSets
    store: Store
    pages: Mapping[str, Pages]  # by language, in the order of the signed config
    chooser: Packed
    assets: Mapping[str, Asset]
    tokens: FormTokens
    clock: Callable[[], Now]

    @property
    def is_closed(self) -> bool:
        """Whether no report can be sealed today."""
        day = self.clock().day
        return standing(self.public, day) is Standing.CLOSED or not self.public.active(day)

    @property
    def day_here(self) -> date:
        """The day where the Center is."""
        return self.clock().day_at(self.config.site.utc_offset_hours)

    def pages_in(self, code: str) -> Pages:
        """The pages of a language.

        Raises:
            NotFound: the form is not offered in it.
        """
        if code not in self.pages:
            raise NotFound
        return self.pages[code]


@reporter.get("/")
def choose_language() -> Response:
    """Go to a language; only this answer depends on what the browser asks for."""
    parts = _parts()
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
    parts = _parts()
    return _page(parts.pages_in(code).start(parts.day_here))


@reporter.get("/<code>/form")
def form(code: str) -> Response:
    """Show the empty form, or that it is closed, before a word is typed."""
    parts = _parts()
    pages = parts.pages_in(code)
    if parts.is_closed:
        way = say("You can reach us another way: %(other_way)s", other_way=pages.other_way)
        return _page(pages.notice(say("The form is closed for now."), way), 503)
    return _page(pages.empty_form.filled(_token(parts).encode()))


@reporter.post("/<code>/form")
def send(code: str) -> Response:
    """Take a report: 303 means that it is sealed and survives a power cut, and nothing else means that."""
    parts = _parts()
    posted = g.posted = read_posted(request, parts.config.intake.limits)
    pages = parts.pages_in(code)
    deed = posted.first(controls.DEED)
    if deed == controls.SHOW and not problems.has_words(posted):
        return form(code)  # the button Start, or a language that was changed before anything was told
    problem = _doubt(request, posted, pages)
    if problem is None and deed != controls.SHOW:
        problem = _accept(parts, request, posted, pages, is_kept=deed != controls.CHECK)
    if problem is not None or deed == controls.SHOW:
        status = 200 if problem is None else problem.status
        return _page(pages.form_again(posted, _token(parts), problem), status)
    if deed == controls.CHECK:
        return _page(pages.check(posted, _token(parts)))
    return _redirect(f"/{code}/done", 303)


@reporter.post("/<code>/send")
def send_with_files(code: str) -> Response:
    """Take a report with files from the check page, with the same promise; what is wrong is said on that page."""
    parts = _parts()
    settings = parts.config.intake
    if not parts.public.content.attachments:
        g.posted = read_posted(request, settings.limits)
        raise NotFound
    with closing(read_with_files(request, settings.limits, settings.data_dir)) as posted:
        g.posted = posted
        pages = parts.pages_in(code)
        problem = _doubt(request, posted, pages) or _accept(parts, request, posted, pages, is_kept=True)
        if problem is None:
            return _redirect(f"/{code}/done", 303)
        problem = problems.with_files(problem)
        again = pages.form_again if problem.complaints else pages.check
        return _page(again(posted, _token(parts), problem), problem.status)


@reporter.get("/<code>/done")
def done(code: str) -> Response:
    """Thank the reporter, in the same bytes for everyone."""
    parts = _parts()
    return _page(parts.pages_in(code).done(parts.day_here))


@reporter.get("/<code>/help")
def find_help(code: str) -> Response:
    """Show places that help."""
    parts = _parts()
    return _page(parts.pages_in(code).help(parts.day_here))


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
def asset(name: str) -> Response:
    """Hand out the stylesheet or the logo, to be kept for ever under the name that its bytes have."""
    found = _parts().assets.get(name)
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


def _doubt(post: Request, posted: Posted, pages: Pages) -> Problem | None:
    """Say what is wrong with how a post came, before a word of it is looked at."""
    if is_from_another_site(post):
        return problems.other_site()
    if posted.reading is Reading.NO_ROOM:
        _LOG.error("not saved: no room for a file")
        return problems.not_saved(pages.other_way)
    return None if posted.reading is Reading.WHOLE else problems.badly_read(posted.reading)


def _accept(parts: Parts, post: Request, posted: Posted, pages: Pages, *, is_kept: bool) -> Problem | None:
    """Seal and store what was posted, or say what is wrong with it; without `is_kept` only the latter."""
    if parts.is_closed:
        return problems.closed(pages.other_way)
    try:
        report, flags = report_from_answers(
            {name: values for name, values in posted.fields.items() if name not in controls.OWN_FIELDS},
            parts.local,
        )
    except NothingToldError:
        return problems.nothing_told()
    except TextTooLongError as error:
        return problems.too_long(error)
    flags |= _doubts(parts, post, posted)
    return _keep(parts, report, posted.uploads, flags, pages) if is_kept else None


def _keep(
    parts: Parts, report: Report, uploads: Sequence[Upload], flags: frozenset[Flag], pages: Pages
) -> Problem | None:
    """Seal a report with its files and store it durably; an error of either is a 503, and nothing was kept."""
    now = parts.clock()
    try:
        # An envelope of many megabytes is not held in memory.
        with scratch(parts.config.intake.data_dir) if uploads else io.BytesIO() as sink:
            envelope = seal(
                report,
                parts.public,
                lang=pages.language.code,
                flags=flags,
                day=now.day,
                attachments=[upload.attachment for upload in uploads],
                sink=sink,
            )
            parts.store.add(envelope, now.week)
    except NoRecipientError:
        return problems.closed(pages.other_way)
    except (FormatError, errors.StoreError, OSError, InvalidTag) as error:
        _LOG.error("not saved: %s", type(error).__name__)
        return problems.not_saved(pages.other_way)
    return None


def _doubts(parts: Parts, post: Request, posted: Posted) -> frozenset[Flag]:
    """What is odd about how this came in. It is sealed with the report, and refuses nothing."""
    flags = origin_flags(post) | parts.tokens.judge(posted.first(controls.TOKEN), parts.clock().seconds)
    if posted.first(controls.DECOY):
        flags |= {Flag.HONEYPOT}
    if posted.first(controls.ASKED_AGAIN):
        flags |= {Flag.CROSS_SITE}
    return flags


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
    parts = _parts()
    code = request.path.split("/")[1]
    return parts.pages[code] if code in parts.pages else next(iter(parts.pages.values()))


def _token(parts: Parts) -> str:
    return parts.tokens.issue(parts.clock().seconds)


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


def _parts() -> Parts:
    found: Parts = current_app.extensions[EXTENSION]
    return found
