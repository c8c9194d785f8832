"""The seizure drill: who takes everything but the keystore's stick and one share reads nothing; two shares open all (P1, P10)."""

import io
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from crypto import archive as volumes
from crypto.keystore import read_keystore
from crypto.unseal import Identity, open_payload, unseal
from review_tool import ceremony, shares
from tests.form_client import send_report
from tests.intake.conftest import LOOSE, free_port, intake_command, start_server
from tests.promises import search
from tests.review_tool.test_key_commands import CENTER, Machine

REPORTS = 12
MARKS = tuple(f"Wiedehopf{number}ü" for number in range(REPORTS))
CONTACT = "Zaunkönig 555-0100"


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What was taken: server, sticks, and the review machine with its backups; and what was not."""

    everything: Path
    papers: Path
    keystore: Path
    passphrase: Path


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Taken:
    """A Center in its third week: reports on the server, on the stick, in the vault, in backup and archive."""
    from pytest_socket import enable_socket

    enable_socket()
    root = tmp_path_factory.mktemp("taken")
    machine = Machine(root=root / "review")
    _run(machine, "ceremony", "--center", CENTER, "--config", "config.example.toml", "--out", str(machine.public),
         "--shares-to", str(machine.shares), "--cost", "floor", "--not-isolated", "--yes")  # fmt: skip
    server, stick, config = root / "server", root / "stick", root / "server" / "intake.toml"
    shutil.copytree(machine.public, server / "public")
    port = free_port()
    config.write_text(
        f'[intake]\ncenter = "{CENTER}"\ndata_dir = "data"\npublic_config = "public"\nport = {port}\n'
        f"production = false\nslots = 24\n{LOOSE}"
    )
    subprocess.run(intake_command(config, "init"), check=True, capture_output=True)
    running = start_server(config, port, None)
    for mark in MARKS[: REPORTS // 2]:
        send_report(running.url, {"narrative": [f"They said {mark}."], "contact": [CONTACT]})
    stick.mkdir()
    subprocess.run(intake_command(config, "export", str(stick)), check=True, capture_output=True)
    _run(machine, "pair", str(server / "data" / "export.pub"), "--yes")
    (bundle,) = stick.glob("bundle-*")
    _run(
        machine,
        "receive",
        str(bundle),
        "--backup",
        str(root / "backup"),
        "--ack-to",
        str(stick),
        "--same-disk",
    )
    _run(machine, "archive", str(root / "archive"))
    for mark in MARKS[REPORTS // 2 :]:
        send_report(running.url, {"narrative": [f"They said {mark}."]})
    running.kill()
    away = tmp_path_factory.mktemp("away")
    for path in (machine.keystore.parent, machine.shares, machine.passphrase_file):
        shutil.move(path, away / path.name)
    return Taken(
        everything=root,
        papers=away / machine.shares.name,
        keystore=away / machine.keystore.parent.name / machine.keystore.name,
        passphrase=away / machine.passphrase_file.name,
    )


def _run(machine: Machine, *words: str) -> None:
    done = machine.run(*words)
    assert done.exit_code == 0, done.stderr


def test_server_sticks_machine_backup_archive_and_one_share_tell_nothing(taken, tmp_path):
    """Neither a word nor a way to reach somebody, in whatever disguise; and one share is no key."""
    assert any((taken.everything / "backup").iterdir())
    assert any((taken.everything / "archive").iterdir())
    shutil.copy(sorted(taken.papers.iterdir())[0], taken.everything)

    assert search.files_telling(taken.everything, [*MARKS, CONTACT]) == set()


def test_twin_the_search_sees_a_word_that_lies_there(taken):
    """The detector, in the same folders."""
    note = taken.everything / "review" / "vault" / "note"
    note.write_text(MARKS[3])

    try:
        assert search.files_telling(taken.everything, MARKS) == {"review/vault/note"}
    finally:
        note.unlink()


def test_two_shares_of_the_reading_key_open_every_report_that_was_taken(taken):
    """Bundle and store of the server, the vault's archive: all of it, without keystore and without passphrase."""
    seed = _from_two_papers(taken)
    key = [Identity(epoch=1, seed=seed)]
    told = {
        unseal(path.read_bytes(), key).report.narrative
        for path in (taken.everything / "stick").rglob("*.age")
    }
    archived = [
        str(line.get("answers", {}).get("narrative"))
        for path in (taken.everything / "archive").glob("archive-*.age")
        for line in volumes.unpack_volume(open_payload(io.BytesIO(path.read_bytes()), key)[0]).lines
    ]

    assert told == {f"They said {mark}." for mark in MARKS[: REPORTS // 2]}
    assert told <= set(archived)
    stored = {unseal(one.sealed, key).report.narrative for one in _stored(taken)}
    assert stored == {f"They said {mark}." for mark in MARKS}


def test_the_seed_from_paper_is_the_one_in_the_keystore(taken):
    """And nothing else opens the vault: its key is on no paper."""
    keystore = read_keystore(taken.keystore, taken.passphrase.read_text().strip())

    assert _from_two_papers(taken) == keystore.epochs[0].seed


def _from_two_papers(taken: Taken) -> bytes:
    papers = [shares.parse_share(path.read_text()) for path in sorted(taken.papers.glob("reading*"))]
    keystore = read_keystore(taken.keystore, taken.passphrase.read_text().strip())
    return shares.combine(papers[0], papers[2], keystore.epochs[0].fingerprint, ceremony.reading_fingerprint)


def _stored(taken: Taken):
    from intake.config import load
    from intake.store import Store

    store = Store(load(taken.everything / "server" / "intake.toml").intake.store)
    try:
        return list(store.pending())
    finally:
        store.close()
