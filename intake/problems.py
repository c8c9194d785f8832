"""What can be wrong with a post, in the words of the page that gives the reporter's own words back.

One table from a case to its status and sentences. Nothing here reads a post or renders a page.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from crypto.errors import TextTooLongError
from crypto.report import Question, question
from intake.bodies import Posted, Reading
from intake.catalogues import Sentence, say
from intake.config import Challenge
from intake.controls import OWN_FIELDS

_CHARACTERS_A_WORD: Final = 6  # an English word and its space; only a hint of how much to cut
_STILL_BELOW: Final = say("Your words are still below.")
_WORDS_AT_ONCE: Final = 5  # a hint in steps of five: no language needs another form of "words" for them


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a post was not accepted.

    Attributes:
        status: of the answer.
        sentences: said above the person's own words.
        links: the questions to look at.
        complaints: said beside a question, by its name.
        again: the next post from this page is to be flagged as asked for again.
        challenge: the question to be answered first.
    """

    status: int
    sentences: tuple[Sentence, ...]
    links: tuple[Question, ...] = ()
    complaints: Mapping[str, Sentence] = field(default_factory=dict)
    again: bool = False
    challenge: Challenge | None = None


def nothing_told() -> Problem:
    """Neither words nor a tick on what happened."""
    sentence = say("Please write a few words, or tick what happened. One of the two is enough.")
    return Problem(
        status=422,
        sentences=(sentence,),
        links=(question("narrative"), question("incident_types")),
        complaints={"narrative": sentence},
    )


def too_long(error: TextTooLongError) -> Problem:
    """One text is above its limit."""
    steps = -(-(error.length - error.limit) // (_CHARACTERS_A_WORD * _WORDS_AT_ONCE))
    sentence = say(
        "This is a little too long for us: about %(count)s words too many.", count=str(steps * _WORDS_AT_ONCE)
    )
    return Problem(
        status=422,
        sentences=(sentence, say("Nothing was saved. Your words are below.")),
        links=(question(error.field),),
        complaints={error.field: sentence},
    )


def badly_read(reading: Reading) -> Problem:
    """The body did not arrive as our form sends it."""
    match reading:
        case Reading.TOO_MUCH:
            return Problem(
                status=413,
                sentences=(
                    say("We could only read the first part. Nothing was saved. What we could read is below."),
                ),
            )
        case Reading.FILES_TOO_LARGE:
            return Problem(
                status=413,
                sentences=(
                    say(
                        "A file is too large, or there are too many. Nothing was saved. Your words are below."
                    ),
                ),
            )
        case Reading.NOT_UTF8:
            return Problem(
                status=422,
                sentences=(
                    say("Some letters did not reach us well. Nothing was saved."),
                    say("Look at your words below. Mend the letters that are wrong. Then press Send again."),
                ),
            )
        case Reading.OTHER_TYPE:
            return Problem(
                status=415,
                sentences=(
                    say("We could not read what came. Nothing was saved. You can start again below."),
                ),
            )
        case _:
            return Problem(
                status=400,
                sentences=(
                    say("The line broke before all of it reached us. Nothing was saved."),
                    say("What we could read is below."),
                ),
            )


def not_saved(other_way: str, *, status: int = 503) -> Problem:
    """Sealing or storing failed, or something that nobody foresaw."""
    return Problem(
        status=status,
        sentences=(
            say("We could not save it. Your words are still below."),
            say("Press Send again, or reach us another way: %(other_way)s", other_way=other_way),
        ),
    )


def closed(other_way: str) -> Problem:
    """No key is valid today; the words are there to be copied."""
    return Problem(
        status=503,
        sentences=(
            say(
                "The form is closed for now. Nothing was saved. Your words are below, so that you can copy them."
            ),
            say("You can reach us another way: %(other_way)s", other_way=other_way),
        ),
    )


def with_files(problem: Problem) -> Problem:
    """The same, where files may have come along: no browser remembers which ones were chosen."""
    return replace(
        problem, sentences=(*problem.sentences, say("If you had chosen files, choose them again."))
    )


def other_site() -> Problem:
    """Another site made the browser send this; sent from our page it is accepted."""
    return Problem(
        status=403,
        sentences=(
            say("Please press Send again. Nothing was saved yet."),
            say("Your words are below. This page is ours."),
        ),
        again=True,
    )


def too_many() -> Problem:
    """One circuit sent more than people do."""
    return Problem(
        status=429,
        sentences=(
            say("Too many reports are coming in right now."),
            _STILL_BELOW,
            say("Wait ten minutes. Then press Send again."),
        ),
    )


def asked(challenge: Challenge) -> Problem:
    """There is a flood: only who answers a plain question is let through."""
    return Problem(
        status=429,
        sentences=(
            say("We are getting a lot of automatic messages."),
            _STILL_BELOW,
            say("Please answer the question below. Then press Send again."),
        ),
        challenge=challenge,
    )


def full_today(other_way: str) -> Problem:
    """The service took as much in a day as it may."""
    return Problem(
        status=503,
        sentences=(
            say("We cannot take more reports today. Your words are still below, so that you can copy them."),
            say("You can reach us another way: %(other_way)s", other_way=other_way),
        ),
    )


def has_words(posted: Posted) -> bool:
    """Whether there is anything to give back."""
    return any(
        value.strip() for name, values in posted.fields.items() if name not in OWN_FIELDS for value in values
    )
