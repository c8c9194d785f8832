"""The fuzzer: a short run of it, and a reader that fails in another way than ours is found."""

import pytest

from tests.hardening.fuzz import Reader, feed, readers


@pytest.mark.parametrize("reader", readers(), ids=lambda reader: reader.name)
def test_a_reader_takes_what_is_real_and_ends_in_our_own_errors(reader: Reader) -> None:
    """A million inputs are part of `make hardening`; these keep it from rusting."""
    reader.read(reader.real)

    ends, wrong = feed(reader, 300, seed=7)

    assert wrong == []
    assert ends["taken"] < 300  # some were odd enough to be refused


def test_twin_a_reader_that_looks_up_what_is_not_there_is_found() -> None:
    """The detector: as a reader does that trusts the keys of a stranger."""
    reader = Reader(name="trusting", real=b'{"a":1}', read=lambda content: {b'{"a":1}': 1}[content])

    ends, wrong = feed(reader, 50, seed=7)

    assert ends["FAULT"] == len(wrong) > 0
    assert wrong[0].startswith("trusting, seed 7, input ")
    assert wrong[0].endswith("KeyError")
