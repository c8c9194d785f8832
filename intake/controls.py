"""The controls of the form that are no questions: their names, and the padding that keeps a post off the disk."""

from typing import Final

# Fields that the page itself sends beside the questions. Any other name is an unknown field.
TOKEN: Final = "token"  # noqa: S105 - the name of a field
DECOY: Final = "website"  # nobody sees this field; programs that fill in everything do
ASKED_AGAIN: Final = "again"  # set on the page that answers a post from another site
DEED: Final = "do"  # the button that was pressed: "send", or one of these two
SHOW: Final = "show"  # gives the words back to be changed, or in another language
CHECK: Final = "check"  # shows them as a list
PASSWORD: Final = "p"  # noqa: S105 - the name of a field; keeps Chromium from saving the page (docs/decisions.md 5)
PAD: Final = "pad"  # empty lines, thrown away unread; see below
FILES: Final = (
    "files"  # chosen on the check page; a post without files names them at most, and that is thrown away
)
CHALLENGE: Final = "asked"  # number of the question that the page asks of everyone while there is a flood
ANSWER: Final = "answer"  # and what was answered
OWN_FIELDS: Final = frozenset({TOKEN, DECOY, ASKED_AGAIN, DEED, PASSWORD, PAD, FILES, CHALLENGE, ANSWER})

MAX_FILES: Final = 3  # a report; with the largest each, all of them still fit the largest size class

# Chromium writes the body of a post to its session file when Back leads to a page that it cannot show again, unless page
# and body are larger than 64 KiB. An empty line is one byte of a page, six of a body, and two of a body with files;
# a letter is one byte everywhere.
PADDING: Final = "\n" * 11_000
PADDING_WITH_FILES: Final = "x" * 66_000
