"""The error tree: one root, exit codes that tell kinds apart, messages that quote nothing."""

import pytest

from crypto import errors
from crypto.errors import FormatError, NoMatchError, PayloadFormatError, StreamError, TextTooLongError

ALL = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, FormatError)]


def test_every_kind_has_its_own_exit_code() -> None:
    """A script tells kinds of error apart by the code alone."""
    codes = [one.exit_code for one in ALL]

    assert len(set(codes)) == len(codes)
    assert all(10 <= code < 40 for code in codes)


@pytest.mark.parametrize("error", ALL, ids=lambda one: one.__name__)
def test_every_kind_is_explained_by_one_sentence(error: type[FormatError]) -> None:
    """The operator's list of codes is made of these."""
    assert error.__doc__
    first = error.__doc__.splitlines()[0]
    assert first.endswith(".")


@pytest.mark.parametrize(
    ("error", "facts"),
    [
        (NoMatchError((1, 3)), "1, 3"),
        (NoMatchError(), "none"),
        (StreamError(7), "chunk 7"),
        (TextTooLongError("narrative", 6000, 6001), "6001"),
        (PayloadFormatError(is_ours=False), "not a payload of ours"),
    ],
)
def test_facts_stand_in_the_message(error: FormatError, facts: str) -> None:
    """Numbers and names of fields only: never words of a report."""
    assert facts in str(error)
    assert str(error)[0].islower() or str(error).startswith(facts)
