"""The audit chain: changed, dropped, reordered and rolled back entries are found (V5)."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, update

from review_tool import audit
from review_tool.audit import BEFORE_FIRST, Act, Entry
from review_tool.cli import main
from review_tool.errors import AuditError
from review_tool.schema import AUDIT
from tests.center import DAY, make_center
from tests.review_tool.review_machine import Machine, make_machine, write_keystores


def entry(number: int) -> Entry:
    """An act that can be told from others."""
    return Entry(act=Act.SHOW, day=DAY, reviewer="r1", facts={"case": f"R-{number:04d}"})


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    """A chain of a few acts."""
    with make_machine(tmp_path).opened() as vault, vault.transaction() as found:
        audit.append(found, [entry(number) for number in range(1, 6)])
        yield found


def test_a_chain_that_nobody_touched_holds(connection: Connection) -> None:
    """The alarm is silent on every ordinary day."""
    verified = audit.verify(connection)

    assert verified.head == audit.head(connection)
    assert (verified.entries, verified.shredded) == (len(audit.read(connection)), 0)


def test_the_links_are_those_of_the_written_rule(connection: Connection) -> None:
    """Another program must be able to check the chain: computed here from the words of the rule alone."""

    def rule(*parts: bytes) -> bytes:
        return hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()

    link = BEFORE_FIRST
    for row in connection.execute(AUDIT.select().order_by(AUDIT.c.number)):
        commit = rule(b"entry", row.salt, row.entry)
        link = rule(b"link", link, row.number.to_bytes(8, "big"), commit)

    assert link.hex() == audit.head(connection)


@pytest.mark.parametrize("column", ["salt", "entry", "commitment", "link"])
def test_a_changed_entry_is_found(column: str, connection: Connection) -> None:
    """Who edits the past must edit everything after it, and the head is on paper and on the server."""
    row = connection.execute(AUDIT.select().where(AUDIT.c.number == 3)).mappings().one()
    changed = bytes([row[column][0] ^ 1]) + row[column][1:]
    connection.execute(update(AUDIT).where(AUDIT.c.number == 3).values({column: changed}))

    with pytest.raises(AuditError) as found:
        audit.verify(connection)
    assert found.value.entry == 3


def test_a_dropped_entry_is_found(connection: Connection) -> None:
    """A hole is no chain."""
    connection.execute(delete(AUDIT).where(AUDIT.c.number == 3))

    with pytest.raises(AuditError) as found:
        audit.verify(connection)
    assert found.value.entry == 3


def test_two_exchanged_entries_are_found(connection: Connection) -> None:
    """Order is part of what is said."""
    for old, new in ((3, 100), (4, 3), (100, 4)):
        connection.execute(update(AUDIT).where(AUDIT.c.number == old).values(number=new))

    with pytest.raises(AuditError):
        audit.verify(connection)


def test_a_rolled_back_chain_no_longer_has_the_later_head(connection: Connection) -> None:
    """A shorter chain holds together by itself: only a witness of its later head shows the loss."""
    later = audit.head(connection)
    connection.execute(delete(AUDIT).where(AUDIT.c.number >= 4))

    audit.verify(connection)

    assert not audit.contains(connection, later)


def test_a_head_on_paper_is_found_in_the_log_or_missed(connection: Connection) -> None:
    """What was copied by hand last month, with whatever spaces, says how far the log is what it was then."""
    paper = audit.digits(audit.head(connection))
    audit.append(connection, [entry(9)])

    place = audit.position(connection, f"  {paper.replace(' ', '  ')}\n")

    assert place == len(audit.read(connection)) - 2
    assert audit.position(connection, paper[:-1] + ("1" if paper[-1] == "0" else "0")) is None


SINS = {
    "edited": lambda found: found.execute(update(AUDIT).where(AUDIT.c.number == 2).values(entry=b"{}")),
    "dropped": lambda found: found.execute(delete(AUDIT).where(AUDIT.c.number == 2)),
    "reordered": lambda found: [
        found.execute(update(AUDIT).where(AUDIT.c.number == old).values(number=new))
        for old, new in ((2, 100), (3, 2), (100, 3))
    ],
    "rolled back": lambda found: found.execute(delete(AUDIT).where(AUDIT.c.number >= 4)),
    "untouched": lambda found: None,
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A machine with a keystore file and a few acts, and the head that was copied onto paper."""
    folder = tmp_path_factory.mktemp("stage")
    machine = make_machine(folder)
    write_keystores(folder, machine.center)
    with machine.opened() as vault, vault.transaction() as connection:
        audit.append(connection, [entry(number) for number in range(1, 6)])
        return folder, audit.digits(audit.head(connection))


@pytest.mark.parametrize(
    ("sin", "code"),
    [("edited", 62), ("dropped", 62), ("reordered", 62), ("rolled back", 70), ("untouched", 0)],
)
def test_the_command_finds_a_log_that_was_touched(
    sin: str, code: int, stage: tuple[Path, str], tmp_path: Path
) -> None:
    """V5: three by the chain alone, a rollback by the paper; by whoever had the machine, the key and this software."""
    folder, paper = stage
    shutil.copytree(folder, tmp_path / "disk")
    machine = Machine(center=make_center(), directory=tmp_path / "disk")
    with machine.opened() as vault, vault.transaction() as connection:
        SINS[sin](connection)

    options = [f"--vault={machine.vault}", f"--keystore={machine.directory}/keystore"]
    options.append(f"--passphrase-file={machine.directory}/passphrase")
    done = CliRunner().invoke(main, [*options, "audit", "--verify", "--paper", paper], catch_exceptions=False)

    assert done.exit_code == code, done.output
    assert ("The digits from the paper log are those of entry" in done.output) is (code == 0)


def test_a_head_that_is_no_head_is_not_in_the_chain(connection: Connection) -> None:
    """What a stick says is compared, never trusted to be well formed."""
    assert not audit.contains(connection, "no hex at all")
    assert audit.contains(connection, audit.head(connection))


def test_a_shredded_entry_keeps_the_chain_whole(connection: Connection) -> None:
    """Words about a withdrawn case can go; that something was there stays."""
    connection.execute(update(AUDIT).where(AUDIT.c.number == 3).values(salt=None, entry=None))

    assert audit.verify(connection).shredded == 1


def test_equal_acts_have_unequal_commitments(connection: Connection) -> None:
    """Without the salt a shredded entry could be guessed from its hash."""
    audit.append(connection, [entry(7), entry(7)])
    rows = connection.execute(AUDIT.select().order_by(AUDIT.c.number.desc()).limit(2)).all()

    assert rows[0].entry == rows[1].entry
    assert rows[0].commitment != rows[1].commitment


def test_the_digits_are_eight_groups_of_five() -> None:
    """What is copied onto paper by hand."""
    assert audit.digits("00" * 32) == " ".join(["00000"] * 8)
    assert audit.digits("00" * 16 + "0c" + "ff" * 15) == " ".join(["00000"] * 7 + ["00012"])


@given(st.binary(min_size=32, max_size=32))
@settings(derandomize=True, max_examples=30)
def test_the_digits_follow_the_head(head: bytes) -> None:
    """Seventeen bytes of the head, modulo ten to the fortieth, as for keys."""
    digits = audit.digits(head.hex()).replace(" ", "")

    assert int(digits) == int.from_bytes(head[:17], "big") % 10**40
