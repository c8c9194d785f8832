"""A raw disk: a short search of it, and what a server leaves there that writes words down and deletes them."""

import pytest

from tests.hardening.disks import obstacle
from tests.hardening.image import Outcome, look_at_disk
from tests.server_copy import server_copy, sinful

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.usefixtures("socket_enabled"),
    pytest.mark.skipif(obstacle() != "", reason=f"DISK: {obstacle()}"),
]
# A draft that is deleted at once, and a spool without a name: no search of files sees either.
DRAFT = (
    "intake/acceptance.py",
    "    if is_from_another_site(post):\n",
    "    import os, tempfile\n    descriptor, name = tempfile.mkstemp()\n"
    "    os.write(descriptor, str(posted.fields).encode())\n    os.fsync(descriptor)\n    os.unlink(name)\n"
    "    if is_from_another_site(post):\n",
)
SPOOL = (
    "intake/uploads.py",
    "        self._file.write(self._cipher.update(piece))\n",
    "        self._draft = getattr(self, '_draft', None) or scratch(Path(tempfile.gettempdir()))\n"
    "        self._draft.write(piece)\n        self._draft.flush()\n"
    "        self._file.write(self._cipher.update(piece))\n",
)


def test_nothing_that_was_told_lies_on_the_disk(tmp_path):
    """A few reports and one file; all of them are in `make hardening`."""
    assert look_at_disk(tmp_path, reports=6, sizes=(400_000,)).complaints() == []


@pytest.mark.parametrize(
    "sin",
    [
        pytest.param(DRAFT, id="a draft"),
        pytest.param(SPOOL, id="a spool in clear", marks=pytest.mark.hardening),
    ],
)
def test_twin_what_was_deleted_is_found(sin, tmp_path):
    """The detector: the blocks are still there when the file is gone."""
    tree = sinful(server_copy(tmp_path / "tree"), *sin)
    (tmp_path / "disk").mkdir()

    outcome = look_at_disk(tmp_path / "disk", reports=2, sizes=(2_500_000,), tree=tree)

    assert outcome.places


def test_twin_reports_without_what_was_told_are_a_complaint():
    """A search of a server that took nothing would find nothing."""
    empty = Outcome(told=0, opened=0, searched=1, places=())

    assert empty.complaints()
