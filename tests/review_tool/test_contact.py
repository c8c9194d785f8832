"""The contact block: nobody sees it without a logged reason, and never before the log has it (V5)."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from crypto import unseal
from crypto.errors import NoMatchError
from review_tool import audit, case_text, contact
from review_tool.errors import ContactError, UnknownCaseError
from review_tool.vault import Vault
from tests.center import DAY, Center, make_center, sample_report
from tests.review_tool.review_machine import REVIEWER, Machine, make_machine, sealed, write_bundle

CANARY = "call 555-0100 after six, ask for Robin"


@pytest.fixture
def machine(tmp_path: Path, center: Center) -> Machine:
    """A vault with one case that can be reached and one that cannot."""
    machine = make_machine(tmp_path, center)
    told = [sample_report(narrative="One.", contact=CANARY), sample_report(narrative="Two.")]
    for number, report in enumerate(told, start=1):
        write_bundle(tmp_path / f"bundle-{number}", center, sealed(center, report), seq=number)
        machine.receive(tmp_path / f"bundle-{number}")
    return machine


@pytest.fixture
def vault(machine: Machine) -> Iterator[Vault]:
    """The open vault."""
    with machine.opened() as found:
        yield found


def opened(vault: Vault, center: Center, case: str = "R-0001", reason: str = "asked for a call back") -> str:
    """Open a contact block today."""
    return contact.open_contact(vault, center.keystore, case, reason=reason, day=DAY, reviewer=REVIEWER)


def logged(vault: Vault) -> list[dict[str, Any]]:
    """Every opening of a contact block in the log."""
    with vault.transaction() as connection:
        return [facts for _, facts in audit.read(connection) if facts and facts["act"] == "contact"]


def test_a_contact_block_opens_with_a_reason(vault: Vault, center: Center) -> None:
    """The one way to reach somebody who asked for it."""
    assert opened(vault, center) == CANARY

    assert [(entry["case"], entry["reason"]) for entry in logged(vault)] == [
        ("R-0001", "asked for a call back")
    ]


def test_the_log_has_it_before_anything_is_opened(vault: Vault, center: Center) -> None:
    """P10: watched from inside: when the seal is broken, the entry is on the disk."""
    seen: list[int] = []

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is unseal.unseal_contact.__code__:
            seen.append(len(logged(vault)))

    sys.setprofile(watch)
    try:
        opened(vault, center)
    finally:
        sys.setprofile(None)

    assert seen == [1]


def test_a_failed_opening_stays_in_the_log(vault: Vault) -> None:
    """An attempt is an act."""
    with pytest.raises(NoMatchError):
        opened(vault, make_center(center="other-center"))

    assert len(logged(vault)) == 1


@pytest.mark.parametrize("reason", ["", "   ", "\n"])
def test_without_a_reason_nothing_is_opened(reason: str, vault: Vault, center: Center) -> None:
    """Curiosity has no words."""
    with pytest.raises(ContactError, match="--reason"):
        opened(vault, center, reason=reason)
    assert logged(vault) == []


def test_a_case_without_contact_says_so(vault: Vault, center: Center) -> None:
    """Most people leave none."""
    with pytest.raises(ContactError, match="without a way"):
        opened(vault, center, case="R-0002")


def test_an_unknown_case_is_refused(vault: Vault, center: Center) -> None:
    """A typing mistake opens nothing."""
    with pytest.raises(UnknownCaseError):
        opened(vault, center, case="R-0404")


def test_no_list_and_no_page_holds_the_contact(machine: Machine) -> None:
    """It is not stored opened, so nothing can show it by accident."""
    case = machine.cases()[0]

    shown = "\n".join(case_text.case_lines(case, (), None))

    assert case.has_contact
    assert case.report.contact == ""
    assert "555-0100" not in shown
    assert "--reason" in shown
