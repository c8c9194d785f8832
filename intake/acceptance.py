"""From a post to a stored report: doubt where it came from, make a `Report`, ask the limits, seal it, store it durably.

Each step may end in a `Problem`, and then nothing was kept.
"""

import io
import logging
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from flask import Request

from crypto.errors import FormatError, NoRecipientError, NothingToldError, TextTooLongError
from crypto.report import Flag, Report, report_from_answers
from crypto.seal import seal
from intake import controls, errors, logs, problems
from intake.anonymity import is_from_another_site, origin_flags, source_of
from intake.bodies import Posted, Reading
from intake.pages import Pages
from intake.parts import Parts
from intake.problems import Problem
from intake.uploads import Upload, scratch

_LOG: Final = logging.getLogger(logs.LOGGER)


def doubt(post: Request, posted: Posted, pages: Pages) -> Problem | None:
    """Say what is wrong with how a post came, before a word of it is looked at."""
    if is_from_another_site(post):
        return problems.other_site()
    if posted.reading is Reading.NO_ROOM:
        _LOG.error("not saved: no room for a file")
        return problems.not_saved(pages.other_way)
    return None if posted.reading is Reading.WHOLE else problems.badly_read(posted.reading)


def accept(parts: Parts, post: Request, posted: Posted, pages: Pages, *, is_kept: bool) -> Problem | None:
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
    if not is_kept:
        return None
    verdict = parts.gate.judge(posted, source=source_of(post), other_way=pages.other_way)
    if verdict.problem is not None:
        return verdict.problem
    flags |= verdict.flags | _oddities(parts, post, posted)
    problem = _keep(parts, report, posted.uploads, flags, pages)
    if problem is not None:
        parts.gate.take_back(verdict)
    return problem


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
            parts.gate.weigh(envelope.size)
    except NoRecipientError:
        return problems.closed(pages.other_way)
    except (FormatError, errors.StoreError, OSError, InvalidTag) as error:
        _LOG.error("not saved: %s", type(error).__name__)
        return problems.not_saved(pages.other_way)
    return None


def _oddities(parts: Parts, post: Request, posted: Posted) -> frozenset[Flag]:
    """What is odd about how this came in. It is sealed with the report, and refuses nothing."""
    flags = origin_flags(post) | parts.tokens.judge(posted.first(controls.TOKEN), parts.clock().seconds)
    if posted.first(controls.DECOY):
        flags |= {Flag.HONEYPOT}
    if posted.first(controls.ASKED_AGAIN):
        flags |= {Flag.CROSS_SITE}
    return flags
