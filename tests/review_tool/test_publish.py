"""The ledger: a publication is never forgotten, never doubled, never drawn twice."""

import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from crypto import labels, signing
from review_tool import audit, case_rows, ledger, publish, triage
from review_tool.audit import Act
from review_tool.cases import State
from review_tool.errors import ReleaseRefusedError, ReleaseWriteError
from review_tool.gates import Record
from review_tool.ledger import Period, Publication
from review_tool.schema import RELEASE_CASE, RELEASE_SEED
from review_tool.statistics import release as releases
from review_tool.triage import Decision, Judged
from review_tool.vault import Vault
from tests.center import DAY, Center, sample_report
from tests.review_tool.review_machine import REVIEWER, Machine, killed_in, make_machine, sealed, write_bundle
from tests.review_tool.test_coding import coding

THIRD = ledger.parse_period("2026Q3")
FOURTH = ledger.parse_period("2026Q4")
COUNT = 30  # cases closed in the third quarter


@pytest.fixture
def machine(tmp_path: Path, center: Center) -> Machine:
    """A vault with COUNT cases closed in the third quarter and one that must not be counted."""
    machine = make_machine(tmp_path, center)
    told = [sample_report(narrative=f"Story {number}.") for number in range(COUNT)]
    refused = sample_report(narrative="Do not count me.", consent_count=False)
    write_bundle(tmp_path / "bundle", center, sealed(center, *told, refused))
    machine.receive(tmp_path / "bundle")
    with machine.opened() as vault:
        close(vault, *range(1, COUNT + 2), day=date(2026, 9, 15))
    return machine


def close(vault: Vault, *numbers: int, day: date) -> None:
    """Code and close cases."""
    judged = [Judged(coding=coding(case=f"R-{number:04d}"), closed=day) for number in numbers]
    triage.code(vault, judged, day=DAY, reviewer=REVIEWER, last_until=None)


def release(machine: Machine, period: Period, name: str = "", **changes: object) -> Publication:
    """Publish a period into a directory of its own."""
    with machine.opened() as vault:
        return publish.publish(
            vault,
            machine.center.keystore,
            period,
            **{
                "until": None,
                "out": machine.directory / (name or period.id),
                "day": DAY,
                "reviewer": REVIEWER,
                **changes,
            },
        )


def contents(directory: Path) -> dict[str, bytes]:
    """Every file of a directory."""
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


def test_a_release_stands_in_the_ledger_byte_for_byte(machine: Machine) -> None:
    """Every later release is protected against exactly what was printed."""
    made = release(machine, THIRD)

    assert contents(machine.directory / "2026Q3") == made.files
    with machine.opened() as vault, vault.transaction() as connection:
        known = ledger.last(connection)
    assert known is not None
    assert known.is_published
    assert (known.files, known.until, known.number) == (made.files, date(2026, 9, 30), 1)


def test_the_checksums_are_signed_by_the_center(machine: Machine, center: Center) -> None:
    """A reader can tell this release from a forged one."""
    files = release(machine, THIRD).files

    sums, minisig = files["SHA256SUMS"], files["SHA256SUMS.minisig"].decode()
    comment = signing.verify_minisign(sums, minisig, center.ack_public)
    signing.verify_signify(sums, files["SHA256SUMS.sig"].decode(), center.ack_public)
    assert comment == f"{labels.RELEASE} center={center.id} release=2026Q3"


def test_a_case_without_consent_is_in_no_number(machine: Machine) -> None:
    """P11: it leaves no trace in the ledger either."""
    made = release(machine, THIRD)

    with machine.opened() as vault, vault.transaction() as connection:
        refused = [case.id for case in case_rows.read_cases(connection) if not case.report.consent_count]
        counted = connection.execute(select(RELEASE_CASE.c.case_number)).scalars().all()
    assert len(counted) == COUNT
    assert not set(refused) & set(made.counted)


def test_refusing_to_be_counted_equals_never_having_written(
    machine: Machine, tmp_path: Path, center: Center
) -> None:
    """P11 as a comparison of bytes: a vault without the refused report releases the same."""
    other = make_machine(tmp_path / "other", center)
    told = [sample_report(narrative=f"Story {number}.") for number in range(COUNT)]
    write_bundle(other.directory / "bundle", center, sealed(center, *told))
    other.receive(other.directory / "bundle")
    with other.opened() as vault:
        close(vault, *range(1, COUNT + 1), day=date(2026, 9, 15))

    def draw(size: int) -> bytes:
        return b"\x07" * size

    assert release(machine, THIRD, draw=draw).files == release(other, THIRD, draw=draw).files


def test_a_case_counts_in_one_release_only(machine: Machine) -> None:
    """What was counted is not counted again, what came later is."""
    first = release(machine, THIRD)
    with machine.opened() as vault, vault.transaction() as connection:
        left = publish.countables(connection, DAY)

    assert len(first.counted) == COUNT
    assert left == ()


def test_a_reopened_case_is_not_counted_again(machine: Machine) -> None:
    """A correction changes no published figure and makes no second one."""
    counted = sorted(release(machine, THIRD).counted)[0]
    with machine.opened() as vault:
        again = Decision(case=counted, state=State.IN_REVIEW)
        triage.triage(vault, [again], day=DAY, reviewer=REVIEWER, last_until=THIRD.last_day)
        close(vault, int(counted[2:]), day=DAY)

        with vault.transaction() as connection:
            assert publish.countables(connection, DAY) == ()


def test_a_later_report_of_a_published_incident_makes_no_second_incident(
    machine: Machine, center: Center
) -> None:
    """One event is counted once, whenever its witnesses write."""
    counted = sorted(release(machine, THIRD).counted)[0]
    write_bundle(machine.directory / "later", center, sealed(center, sample_report()), seq=2)
    machine.receive(machine.directory / "later")
    late = machine.cases()[-1].id
    with machine.opened() as vault:
        link = Decision(case=late, same_incident_as=counted)
        triage.triage(vault, [link], day=DAY, reviewer=REVIEWER, last_until=None)
        close(vault, int(late[2:]), day=DAY)

        with vault.transaction() as connection:
            found = publish.countables(connection, DAY)
    assert [(one.case, one.record) for one in found] == [(late, Record.FURTHER_REPORT)]


def test_what_is_closed_after_the_closing_day_waits(machine: Machine) -> None:
    """A release is cut at its day."""
    with pytest.raises(ReleaseRefusedError):  # too few are closed by then
        release(machine, THIRD, until=date(2026, 9, 14))


def test_the_seed_is_never_drawn_twice_for_one_release(machine: Machine) -> None:
    """Who could draw again could choose the table that suits."""
    drawn: list[int] = []

    def draw(size: int) -> bytes:
        drawn.append(size)
        return os.urandom(size)

    for _ in range(2):
        with pytest.raises(ReleaseRefusedError):
            release(machine, THIRD, until=date(2026, 9, 14), draw=draw)
    release(machine, THIRD, draw=draw)

    assert drawn == [ledger.SEED_SIZE]
    with machine.opened() as vault, vault.transaction() as connection:
        assert len(connection.execute(select(RELEASE_SEED)).all()) == 1


def test_a_refused_release_leaves_no_entry_and_no_file(machine: Machine) -> None:
    """Refused means that nothing is public; a folder that stays behind looks as if something were."""
    before = set(machine.directory.iterdir())

    with pytest.raises(ReleaseRefusedError):
        release(machine, THIRD, "no/such/folder", until=date(2026, 9, 14))

    assert set(machine.directory.iterdir()) == before
    with machine.opened() as vault, vault.transaction() as connection:
        assert ledger.last(connection) is None


# --- periods --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["2026", "2026Q5", "2026q3", "26Q3", "0000Q1", "9999Q4", "2026Q3 ", "٢٠٢٦Q3", ""]
)
def test_what_is_no_quarter_is_refused(text: str) -> None:
    """A mistyped period must not close anything."""
    with pytest.raises(ReleaseRefusedError):
        ledger.parse_period(text)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026Q1", date(2026, 1, 1), date(2026, 3, 31)),
        ("2024Q1", date(2024, 1, 1), date(2024, 3, 31)),
        ("2026Q2", date(2026, 4, 1), date(2026, 6, 30)),
        ("2026Q4", date(2026, 10, 1), date(2026, 12, 31)),
    ],
)
def test_a_quarter_has_its_days(text: str, first: date, last: date) -> None:
    """Slices are disjoint and leave no day out."""
    assert ledger.parse_period(text) == Period(id=text, first_day=first, last_day=last)


def test_a_running_quarter_is_closed_today() -> None:
    """The demo's visitor sees the own report counted."""
    assert ledger.closing_day(FOURTH, None, day=DAY) == DAY
    assert ledger.closing_day(THIRD, None, day=DAY) == date(2026, 9, 30)


@pytest.mark.parametrize(
    ("period", "until"),
    [
        (ledger.parse_period("2027Q1"), None),
        (FOURTH, date(2026, 12, 1)),
        (THIRD, date(2026, 6, 30)),
        (THIRD, date(2026, 10, 1)),
    ],
)
def test_a_closing_day_that_does_not_fit_is_refused(period: Period, until: date | None) -> None:
    """Neither the future nor another quarter."""
    with pytest.raises(ReleaseRefusedError):
        ledger.closing_day(period, until, day=DAY)


@pytest.mark.parametrize("text", ["2026Q3", "2026Q2", "2025Q4"])
def test_a_released_or_an_earlier_period_is_refused(text: str, machine: Machine) -> None:
    """Two tables of one time could be subtracted from each other."""
    release(machine, THIRD)

    with pytest.raises(ReleaseRefusedError):
        release(machine, ledger.parse_period(text), "again")
    assert not (machine.directory / "again").exists()


def test_a_directory_that_is_there_is_never_filled(machine: Machine) -> None:
    """A release is one directory, whole, or none."""
    (machine.directory / "2026Q3").mkdir()

    with pytest.raises(ReleaseRefusedError, match="there already"):
        release(machine, THIRD)


# --- crashes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "name", "is_entered"),
    [
        (publish, "_prepared", False),
        (releases, "write", True),
        (releases, "_sync", True),
        (ledger, "mark_published", True),
    ],
)
def test_a_release_that_was_cut_off_is_finished_with_the_same_bytes(
    module: object, name: str, is_entered: bool, machine: Machine
) -> None:
    """Between the ledger and the directory nothing may be forgotten, and nothing counted anew."""
    killed_in(lambda: release(machine, THIRD), module, name)
    with machine.opened() as vault, vault.transaction() as connection:
        started = ledger.unpublished(connection)
        assert (started is not None) == is_entered

    made = release(machine, THIRD)

    assert started is None or made.files == started.files
    assert contents(machine.directory / "2026Q3") == made.files
    with machine.opened() as vault, vault.transaction() as connection:
        known = ledger.last(connection)
        acts = [facts["act"] for _, facts in audit.read(connection) if facts]
    assert known is not None
    assert known.is_published
    assert acts.count(Act.RELEASE_PREPARED) == 1


def test_another_period_waits_until_the_cut_off_one_is_finished(machine: Machine) -> None:
    """Otherwise the second would be protected against a release nobody has seen."""
    killed_in(lambda: release(machine, THIRD), ledger, "mark_published")

    with pytest.raises(ReleaseRefusedError, match="never finished"):
        release(machine, FOURTH)


def test_a_changed_directory_is_not_taken_for_the_release(machine: Machine) -> None:
    """What stands in the ledger is what is public."""
    killed_in(lambda: release(machine, THIRD), ledger, "mark_published")
    (machine.directory / "2026Q3" / "release.json").write_text("{}")

    with pytest.raises(ReleaseWriteError, match="something else"):
        release(machine, THIRD)


@pytest.mark.parametrize("place", ["/proc/2026Q3", "/proc/no-stick/2026Q3", "{}/file/2026Q3"])
def test_a_place_that_cannot_be_written_closes_nothing(place: str, machine: Machine) -> None:
    """A quarter is closed once: it must not be closed for a stick that is not in. /proc takes no folder from anybody."""
    (machine.directory / "file").write_text("no folder")

    with pytest.raises(ReleaseRefusedError, match="put the stick in"):
        release(machine, THIRD, out=Path(place.format(machine.directory)))

    with machine.opened() as vault, vault.transaction() as connection:
        assert ledger.last(connection) is None
        assert connection.execute(select(RELEASE_SEED)).all() == []


def test_a_place_is_made_with_the_folders_above_it(machine: Machine) -> None:
    """It was tried before the ledger closed the quarter, and what was tried was taken away again."""
    made = release(machine, THIRD, "releases/of 2026/2026Q3")

    assert contents(machine.directory / "releases" / "of 2026" / "2026Q3") == made.files
    assert [path.name for path in (machine.directory / "releases" / "of 2026").iterdir()] == ["2026Q3"]


def test_a_place_that_fails_later_can_be_tried_again(machine: Machine) -> None:
    """The ledger knows the release; only its directory is missing."""
    (machine.directory / ".2026Q3.new").write_text("in the way of what is written beside")

    with pytest.raises(ReleaseWriteError, match="run the command again"):
        release(machine, THIRD)

    assert replace(release(machine, THIRD, "elsewhere"), is_published=True).is_published
    assert (machine.directory / "elsewhere" / "SHA256SUMS.sig").exists()
