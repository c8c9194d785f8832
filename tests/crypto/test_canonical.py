"""Canonical JSON: one value, one encoding, and nothing else is read."""

import contextlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crypto import canonical
from crypto.errors import CanonicalError

FEW = settings(
    max_examples=150, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
keys = st.text("abcxyz019_", min_size=1, max_size=8)
scalars = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


def depth_of(value: object) -> int:
    """Levels of nested lists and objects."""
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


@FEW
@given(values.filter(lambda value: depth_of(value) <= 8))
def test_what_is_written_reads_back(value):
    """Whatever the format can say survives the crossing unchanged."""
    assert canonical.decode(canonical.encode(value)) == value


@FEW
@given(values.filter(lambda value: depth_of(value) <= 8))
def test_any_json_reader_understands_it(value):
    """Canonical JSON is still JSON: a stock tool reads it in ten years."""
    assert json.loads(canonical.encode(value)) == value


@FEW
@given(st.dictionaries(keys, scalars, min_size=2, max_size=6))
def test_order_of_insertion_leaves_no_trace(value):
    """Two writers that fill a header in another order write the same bytes."""
    turned = dict(reversed(value.items()))

    assert canonical.encode(turned) == canonical.encode(value)


@FEW
@given(values.filter(lambda value: depth_of(value) <= 8), st.integers(0, 400), st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_another_value(value, at, bit):
    """No two byte strings mean the same value, so no flip can go unseen."""
    data = bytearray(canonical.encode(value))
    data[at % len(data)] ^= 1 << bit

    try:
        read = canonical.decode(bytes(data))
    except CanonicalError:
        return

    assert canonical.encode(read) == bytes(data)


@FEW
@given(st.binary(max_size=60))
def test_noise_raises_only_the_documented_error(data):
    """Bytes from a hostile stick end in one class of error, never in a crash."""
    with contextlib.suppress(CanonicalError):
        canonical.decode(data)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"\\/\x7f', rb'"\"\\/' + b'\x7f"'),
        ("\b\f\n\r\t", rb'"\b\f\n\r\t"'),
        ("\x00\x1f", rb'"\u0000\u001f"'),
        ("é€😀\u2028\ufeff", '"é€😀\u2028\ufeff"'.encode()),
        ({"b": 1, "a": [True, None, -1]}, b'{"a":[true,null,-1],"b":1}'),
        ({"a_1": {}, "_": []}, b'{"_":[],"a_1":{}}'),
        (2**53 - 1, b"9007199254740991"),
    ],
)
def test_escapes_order_and_spacing_are_fixed(value, expected):
    """The bytes are those of the format description, not of a library's taste."""
    assert canonical.encode(value) == expected
    assert canonical.decode(expected) == value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" 1",
        b"1 ",
        b"1\n",
        b"1.0",
        b"1e3",
        b"-0",
        b"01",
        b"9007199254740992",
        b"-9007199254740992",
        b"1" * 5000,
        b"NaN",
        b"Infinity",
        b'"\\u0041"',
        b'"\\/"',
        b'"\\u00E9"',
        b'"\\u000A"',
        b'"\\u001F"',
        b'"\\ud800"',
        b'"\\ud83d\\ude00"',
        b'"\xed\xa0\x80"',
        b'"\xff"',
        b"\xef\xbb\xbf1",
        b'"a\nb"',
        b'{"b":1,"a":1}',
        b'{"a":1,"a":1}',
        b'{"a":1,"a":2}',
        b'{"a": 1}',
        b'{"A":1}',
        b'{"a-b":1}',
        b'{"":1}',
        '{"é":1}'.encode(),
        b"[1,]",
        b"[1] ",
        b"[" * 9 + b"]" * 9,
        b"[" * 100_000,
        b'{"a":' * 9 + b"1" + b"}" * 9,
        b"'a'",
        b"true false",
    ],
)
def test_anything_but_the_one_encoding_is_refused(data):
    """Spaces, other escapes, doubled keys, floats, depth: each would be a second spelling."""
    with pytest.raises(CanonicalError):
        canonical.decode(data)


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        2**53,
        -(2**53),
        "\ud800",
        {"A": 1},
        {"": 1},
        {1: 1},
        {"a": {"b c": 1}},
        b"bytes",
        {1},
        pytest.param(object(), id="an object"),
    ],
    ids=repr,
)
def test_what_has_no_encoding_is_not_written(value):
    """A writer refuses at once what no reader would take."""
    with pytest.raises(CanonicalError):
        canonical.encode(value)


def test_eight_levels_are_the_most():
    """A reader's stack is bounded by the format, not by luck."""
    deep: object = []
    for _ in range(7):
        deep = [deep]

    assert canonical.decode(canonical.encode(deep)) == deep
    with pytest.raises(CanonicalError):
        canonical.encode([deep])


def test_no_message_quotes_the_bytes():
    """A damaged report must not reach a log by way of an exception."""
    with pytest.raises(CanonicalError) as refused:
        canonical.decode(b'{"narrative": "Maria hid"}')

    assert "Maria" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
