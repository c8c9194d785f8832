"""A page that is compressed once, with a token spliced in, is the page."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.compression import Splice, pack

TOKEN = st.binary(max_size=60)


@given(st.binary(max_size=3_000))
def test_a_packed_page_opens_to_its_bytes(plain):
    """As any browser reads it."""
    assert gzip.decompress(pack(plain).gzip) == plain


@given(st.binary(max_size=3_000), TOKEN, st.binary(max_size=3_000))
def test_a_spliced_page_opens_to_its_bytes_with_the_token(before, token, after):
    """One gzip member, so that browsers that read only the first read all of it."""
    page = Splice(before, after).filled(token)

    assert page.plain == before + token + after
    assert gzip.decompress(page.gzip) == page.plain


def test_a_page_larger_than_the_window_of_the_compression_is_whole():
    """The form has 66 KB, the window 32."""
    before, after = b"<a>" * 20_000, bytes(range(256)) * 300

    assert gzip.decompress(Splice(before, after).filled(b"token").gzip) == before + b"token" + after


@pytest.mark.parametrize("header", ["gzip, deflate, br", "br;q=1.0, gzip;q=0.8, *;q=0.1"])
def test_browsers_get_what_they_can_read(form, header):
    """The same page either way."""
    client = form.client

    packed = client.get("/en/", headers={"Accept-Encoding": header})
    plain = client.get("/en/", headers={"Accept-Encoding": "identity, gzip;q=0"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(packed.data) == plain.data


def test_a_page_that_holds_typed_words_is_never_compressed(form):
    """The length of a compressed answer would tell something about them."""
    client = form.client
    for told in ({"contact": "x"}, {"narrative": "x", "do": "check"}, {"narrative": "x", "do": "show"}):
        answer = client.post("/en/form", data=told, headers={"Accept-Encoding": "gzip"})

        assert "Content-Encoding" not in answer.headers
        assert b'value="x"' in answer.data or b">\nx</textarea>" in answer.data
