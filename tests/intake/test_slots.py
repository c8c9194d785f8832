"""Slot contents: one size, whatever is in them."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake import slots
from intake.errors import StoreDamageError


def split(sealed: bytes) -> list[bytes]:
    """The slot contents of an envelope."""
    return list(slots.split(io.BytesIO(sealed), len(sealed)))


@settings(max_examples=30, derandomize=True, deadline=None)
@given(size=st.integers(1, 3 * slots.PART_SIZE), mark=st.integers(0, 255))
def test_an_envelope_comes_back_from_its_parts_in_any_order(size, mark):
    """Parts lie in random slots, so no order can be relied on."""
    sealed = bytes([mark]) * size

    contents = split(sealed)

    assert {len(content) for content in contents} == {slots.SLOT_SIZE}
    assert slots.join(contents[::-1]) == sealed


def test_ids_take_the_same_room_whatever_they_are():
    """A shorter id would change the size of a row, and SQLite would move it."""
    ids = [slots.draw_id() for _ in range(2_000)]

    assert all(1 << 56 <= one < 1 << 63 for one in ids)
    assert len(set(ids)) == len(ids)
    assert all(len(slots.format_id(one)) == 16 for one in ids)


OTHER = split(b"x" * (slots.PART_SIZE + 9))
DAMAGE = {
    "a part is missing": lambda parts: parts[:1],
    "a part stands twice": lambda parts: [parts[0], parts[0]],
    "a part is short": lambda parts: [parts[0][:-1], parts[1]],
    "a part is of another envelope": lambda parts: [parts[0], OTHER[1]],
    "a whole envelope is mixed in": lambda parts: [*parts, split(b"y")[0]],
    "a slot is free": lambda parts: [slots.filling()],
    "there is nothing": lambda parts: [],
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_parts_that_do_not_fit_are_damage_and_never_half_an_envelope(damage):
    """A wrong envelope would be acknowledged and deleted; damage is reported and stays."""
    parts = split(b"x" * (slots.PART_SIZE + 5))

    with pytest.raises(StoreDamageError):
        slots.join(damage(parts))
