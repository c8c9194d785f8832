"""Loose limits without addresses: who sends much is flagged, asked a question or put off, and always gets the words back.

Only reports that are to be stored count; pages, checks and refused posts do not. What is counted:

- one source, in ten minutes. A source is a circuit of the Tor network, known by a number that tor makes up and that is
  kept as a keyed hash for at most ten minutes. All who come without Tor have no source: no address is one.
- the whole service, in an hour. Above the limit a plain question is asked, until the hour is over.
- the whole service, in a day, in reports and in KiB, so that a flood cannot fill the disk. The last part is kept for those
  who answer the question.

The engine is Flask-Limiter's, with its fixed window, over `counters`. Its decorators are not used: what is counted is
known only after the words were read. It is given no cookie, header or address. If it fails, reports are accepted.
"""

import secrets
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from flask import Flask
from flask_limiter import Limiter
from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerHour, RateLimitItemPerSecond

from crypto.report import Flag
from intake import controls, counters, logs, problems
from intake.bodies import Posted
from intake.config import Challenge, Limits
from intake.problems import Problem

_WHOLE: Final = "whole"  # the service, as a source
_KIB: Final = 1024  # bytes

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of a report that is about to be stored.

    Attributes:
        problem: why it is not taken, or None.
        flags: to be sealed with it.
        counted: where it was counted, to be taken back if it cannot be stored: limit and source.
    """

    problem: Problem | None = None
    flags: frozenset[Flag] = frozenset()
    counted: tuple[tuple[RateLimitItem, str], ...] = ()


class Gate:
    """The limits of one service, shared by the workers that are forked after it was made.

    Args:
        limits: the numbers.
        challenges: questions of the slow lane; without one it only flags.
        clock: seconds, on any clock that all workers share.
    """

    def __init__(self, limits: Limits, challenges: Sequence[Challenge], *, clock: Callable[[], int]) -> None:
        self._challenges = tuple(challenges)
        # Limits of the same numbers would share a count, but for their namespace.
        self._flag = RateLimitItemPerSecond(limits.flag_per_source, counters.ROTATION, namespace="FLAG")
        self._refuse = RateLimitItemPerSecond(limits.refuse_per_source, counters.ROTATION, namespace="REFUSE")
        self._hour = RateLimitItemPerHour(limits.question_per_hour)
        self._day = RateLimitItemPerDay(limits.envelopes_per_day)
        self._kib = RateLimitItemPerDay(limits.mib_per_day * _KIB, namespace="KIB")
        self._reserve = limits.reserve_percent
        self._limiter = Limiter(
            key_func=lambda: _WHOLE,  # asked of the limiter's own limits, and it is given none
            storage_uri=f"{counters.SCHEME}://",
            storage_options={"clock": clock},  # type: ignore[dict-item] # handed on to our own storage as it is
            strategy="fixed-window",
            headers_enabled=False,
            swallow_errors=True,
        )
        # An application of its own: in ours it would look for limits of its own before each request, and after it.
        self._limiter.init_app(Flask(__name__))

    def judge(self, posted: Posted, *, source: str, other_way: str) -> Verdict:
        """Say whether a report may be stored, and count it if so.

        Args:
            posted: holds the answer to a question, if one was asked.
            source: the circuit that it came by, or "".
            other_way: how to reach the Center without this form.
        """
        return _swallow(lambda: self._judge(posted, source, other_way), Verdict())

    def take_back(self, verdict: Verdict) -> None:
        """Count a report no longer, because it could not be stored."""

        def uncount() -> None:
            for item, who in verdict.counted:
                self._limiter.limiter.hit(item, who, cost=-1)

        _swallow(uncount, None)

    def weigh(self, size: int) -> None:
        """Count the bytes of an envelope that was stored."""
        _swallow(lambda: self._limiter.limiter.hit(self._kib, _WHOLE, cost=-(-size // _KIB)), True)

    def question(self) -> Challenge | None:
        """The question that the next report would be asked, or None."""
        return _swallow(lambda: self._draw() if self._is_slow() else None, None)

    def is_scarce(self) -> bool:
        """Whether nothing is left of the day but the reserve."""
        return _swallow(lambda: not self._has_room(self._reserve), False)

    def forget(self) -> None:
        """Replace the salt of sources if its time is over."""
        _swallow(self._counters.forget, None)

    @property
    def _counters(self) -> counters.SharedCounters:
        found = self._limiter.storage
        if not isinstance(found, counters.SharedCounters):
            raise TypeError("the limiter has found another storage under our name")
        return found

    def _judge(self, posted: Posted, source: str, other_way: str) -> Verdict:
        """Decide in one go, so that reports that come together are counted one after another."""
        test = self._limiter.limiter.test
        with self._counters.alone():
            name = self._counters.pseudonym(source) if source else ""
            if name and not test(self._refuse, name):
                return Verdict(problem=problems.too_many())
            if not self._has_room(0):
                return Verdict(problem=problems.full_today(other_way))
            is_slow = self._is_slow()
            challenge = self._draw() if is_slow and not self._is_answered(posted) else None
            if challenge is not None:
                return Verdict(problem=problems.asked(challenge))
            flags = {Flag.QUESTION} if is_slow else set()
            if name and not test(self._flag, name):
                flags.add(Flag.RATE)
            return Verdict(flags=frozenset(flags), counted=self._count(name))

    def _count(self, name: str) -> tuple[tuple[RateLimitItem, str], ...]:
        of_source = ((self._flag, name), (self._refuse, name)) if name else ()
        counted = (*of_source, (self._hour, _WHOLE), (self._day, _WHOLE))
        for item, who in counted:
            self._limiter.limiter.hit(item, who)
        return counted

    def _is_slow(self) -> bool:
        return not self._limiter.limiter.test(self._hour, _WHOLE) or not self._has_room(self._reserve)

    def _has_room(self, percent: int) -> bool:
        """Whether a report more leaves so much of the day untouched."""
        return all(
            self._limiter.limiter.test(item, _WHOLE, cost=1 + item.amount * percent // 100)
            for item in (self._day, self._kib)
        )

    def _is_answered(self, posted: Posted) -> bool:
        number, answer = posted.first(controls.CHALLENGE), _plain(posted.first(controls.ANSWER))
        asked = next((one for one in self._challenges if one.number == number), None)
        return asked is not None and answer != "" and answer in map(_plain, asked.answers)

    def _draw(self) -> Challenge | None:
        return secrets.choice(self._challenges) if self._challenges else None


def _swallow(ask: Callable[[], _Answer], otherwise: _Answer) -> _Answer:
    """Ask the counters; if they are broken, log that and go on without them."""
    try:
        return ask()
    except counters.BROKEN as fault:
        logs.log_fault(fault)
        return otherwise


def _plain(answer: str) -> str:
    """The letters and digits of an answer: letter case, spaces, marks and ways to encode a letter do not matter."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", answer).casefold()))
