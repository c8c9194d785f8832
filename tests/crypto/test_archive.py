"""Volumes of the sealed archive: what a writer wrote is read back, and nothing else is accepted."""

import hashlib
import json
import struct
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from crypto import archive, canonical
from crypto.archive import Place
from crypto.errors import PayloadFormatError, PayloadVersionError
from crypto.payload import unpack_report
from tests.center import attachment

PLACE = Place(archive="ab" * 16, center="test-center", day=date(2026, 11, 16), volume=1, is_last=True)
CONTEXT = bytes(range(32))
LINES = archive.line({"kind": "log", "head": "00"}) + archive.line({"kind": "case", "id": "R-0001"})
FILE = ("R-0001", attachment("a.png", b"a picture"))


def packed(place: Place = PLACE, lines: bytes = LINES) -> bytes:
    """A volume with two lines and a file."""
    return b"".join(archive.pack_volume(place, lines, [FILE], context_id=CONTEXT))


def rewritten(change: Callable[[dict[str, object]], object]) -> bytes:
    """That volume with another header, laid out as the format says."""
    whole = packed()
    header_len, body_len = struct.unpack(">IQ", whole[8:20])
    header = json.loads(whole[52 : 52 + header_len])
    change(header)
    encoded = canonical.encode(header)
    body = whole[52 + header_len : 52 + header_len + body_len]
    start = whole[:8] + struct.pack(">IQ", len(encoded), body_len) + whole[20:52] + encoded + body
    return start + bytes(32_768 - len(start))


def test_a_volume_is_read_as_it_was_written() -> None:
    """Lines, files and the place in the archive."""
    volume = archive.unpack_volume(packed())

    assert (volume.place, volume.context_id) == (PLACE, CONTEXT)
    assert [one["kind"] for one in volume.lines] == ["log", "case"]
    assert volume.files == (("R-0001", FILE[1].meta, b"a picture"),)
    assert "picture" not in repr(volume)


def test_a_volume_is_as_large_as_its_class() -> None:
    """Its size tells no more than a report's."""
    assert len(packed()) == 32_768
    assert len(packed(lines=LINES * 1000)) == 65_536


def test_a_volume_is_no_report_and_a_report_is_no_volume() -> None:
    """A volume sealed to the Center and put into a bundle is set aside as of a newer format."""
    with pytest.raises(PayloadVersionError):
        unpack_report(packed())
    whole = bytearray(packed())
    whole[5] = 1
    with pytest.raises(PayloadFormatError):
        archive.unpack_volume(bytes(whole))


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.update(archive="AB" * 16),
        lambda header: header.update(archive=7),
        lambda header: header.update(center="X"),
        lambda header: header.update(day="yesterday"),
        lambda header: header.update(volume=-1),
        lambda header: header.update(volume=True),
        lambda header: header.update(more=1),
        lambda header: header.update(attachments=[]),
        lambda header: header.update(attachments=None),
        lambda header: header["attachments"][0].update(case="../../etc"),
        lambda header: header["attachments"][0].update(size=8),
        lambda header: header["attachments"][0].update(sha256=hashlib.sha256(b"other").hexdigest()),
        lambda header: header["attachments"][0].pop("name"),
        lambda header: header["lines"].update(size=3),
        lambda header: header.update(lines=[]),
    ],
)
def test_a_header_that_is_not_a_writers_is_refused(change: Callable[[dict[str, object]], object]) -> None:
    """Anybody can seal a volume to a public key: what it says is checked, and no name in it can lead anywhere."""
    with pytest.raises(PayloadFormatError):
        archive.unpack_volume(rewritten(change))


def test_the_rewriting_itself_changes_nothing() -> None:
    """The twin: without a change the rewritten volume is accepted."""
    assert archive.unpack_volume(rewritten(lambda header: None)).place == PLACE


@pytest.mark.parametrize("lines", [b"{}", b"[]\n", b'{"b":1,"a":2}\n', b"\n", b"no json\n"])
def test_lines_that_are_not_canonical_objects_are_refused(lines: bytes) -> None:
    """One archive has one encoding."""
    with pytest.raises(PayloadFormatError):
        archive.unpack_volume(packed(lines=lines))


def test_a_cut_or_longer_volume_is_refused() -> None:
    """Whatever its envelope let through."""
    for wrong in (packed()[:100], packed()[:30], b"", packed()[:-1] + b"x"):
        with pytest.raises(PayloadFormatError):
            archive.unpack_volume(wrong)
    assert archive.unpack_volume(packed(replace(PLACE, is_last=False))).place.is_last is False
