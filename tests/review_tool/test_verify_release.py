"""A release folder in the hands of a stranger: what the Center signed is recognised, and nothing else is."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crypto import fingerprint, labels, signing
from review_tool.cli import main
from review_tool.errors import FileFormatError, ReleaseFilesError
from review_tool.verify_release import signatures
from tests.center import Center, make_center
from tests.review_tool.review_machine import make_machine, reports, sealed, write_bundle
from tests.review_tool.test_publish import COUNT, THIRD, close, release

REFUSED = ReleaseFilesError.exit_code


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, center: Center) -> Path:
    """A release, and the folder of the signed configuration beside it."""
    root = tmp_path_factory.mktemp("published")
    machine = make_machine(root, center)
    write_bundle(root / "bundle", center, sealed(center, *reports(COUNT)))
    machine.receive(root / "bundle")
    with machine.opened() as vault:
        close(vault, *range(1, COUNT + 1), day=date(2026, 9, 15))
    release(machine, THIRD)
    center.write_public(root / "public")
    (root / "release.pub").write_text(signing.format_public_key(center.ack_public, "release key"))
    return root


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    """A copy of the release, to be damaged."""
    return shutil.copytree(published / "2026Q3", tmp_path / "2026Q3")


def verify(published: Path, folder: Path, *more: str) -> Result:
    """Check a folder on the command line, without a vault."""
    return CliRunner().invoke(
        main, ["verify-release", str(folder), "--public", str(published / "public"), *more]
    )


def signed_again(folder: Path, center: Center, period: str = "2026Q3") -> None:
    """Make the checksums true again and sign them, as only the Center could."""
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    lines = [
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n"
        for name in names
        if not name.startswith("SHA256SUMS")
    ]
    sums = "".join(lines).encode()
    (folder / "SHA256SUMS").write_bytes(sums)
    for name, content in signatures(sums, center.ack_seed, center=center.id, period=period).items():
        (folder / name).write_bytes(content)


def test_a_release_is_recognised_without_a_vault(published: Path, folder: Path, center: Center) -> None:
    """A committee has a folder and the Center's paper, nothing more."""
    done = verify(published, folder)
    facts = json.loads(verify(published, folder, "--json").output)

    assert done.exit_code == 0, done.output
    assert "Release 2026Q3 of test-center: signed by the Center" in done.output
    assert fingerprint.fingerprint(center.root_public) in done.output
    assert (facts["release"], facts["center"]) == ("2026Q3", center.id)
    assert facts["files"] == len([path for path in folder.rglob("*") if path.is_file()]) - 3


@pytest.mark.parametrize(
    "words",
    [
        ["minisign", "-Vm", "SHA256SUMS", "-p", "../release.pub"],
        ["signify-openbsd", "-V", "-m", "SHA256SUMS", "-p", "../release.pub"],
    ],
    ids=["minisign", "signify"],
)
def test_stock_tools_recognise_a_release_and_refuse_a_changed_one(
    words: list[str], published: Path, folder: Path
) -> None:
    """The words of docs/committee.md, so that nobody has to trust this software."""
    if shutil.which(words[0]) is None:
        pytest.fail(f"{words[0]} is not installed; `make setup-test` installs it")
    shutil.copy(published / "release.pub", folder.parent)

    good = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    sums = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, check=False)
    (folder / "SHA256SUMS").write_bytes((folder / "SHA256SUMS").read_bytes() + b"\n")
    bad = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)

    assert (good.returncode, sums.returncode) == (0, 0), good.stderr
    assert bad.returncode != 0
    if words[0] == "minisign":
        assert "release=2026Q3" in good.stdout


def changed(folder: Path) -> None:
    """One figure in a table."""
    path = sorted((folder / "tables").iterdir())[0]
    path.write_bytes(path.read_bytes().replace(b"printed", b"Printed", 1))


def missing(folder: Path) -> None:
    """One file left out."""
    (folder / "report.html").unlink()


def added(folder: Path) -> None:
    """One file that nobody signed."""
    (folder / "tables" / "officers\x1b[2J.csv").write_text("agency,count\n")


def linked(folder: Path) -> None:
    """A file that lies elsewhere and may change there."""
    (folder / "report.html").rename(folder.parent / "report.html")
    (folder / "report.html").symlink_to(folder.parent / "report.html")


@pytest.mark.parametrize("harm", [changed, missing, added, linked])
def test_a_folder_that_is_not_what_was_signed_is_refused(
    harm: Callable[[Path], None], published: Path, folder: Path
) -> None:
    """Each is named, with what to do."""
    harm(folder)

    done = verify(published, folder)

    assert done.exit_code == REFUSED, done.output
    assert "take the folder again" in done.stderr
    assert "\x1b" not in done.output


@pytest.mark.parametrize("name", ["SHA256SUMS", "SHA256SUMS.minisig"])
def test_a_changed_list_or_signature_is_named(name: str, published: Path, folder: Path) -> None:
    """Checksums alone prove nothing: who changes a table changes its sum too."""
    path = folder / name
    path.write_bytes(path.read_bytes().replace(b"a", b"b"))

    done = verify(published, folder)

    assert done.exit_code == 23
    assert str(folder / "SHA256SUMS") in done.stderr
    assert "do not use these numbers" in done.stderr


def test_a_release_of_another_center_is_refused(published: Path, folder: Path) -> None:
    """Its own signature is good; it is not of this Center."""
    signed_again(folder, make_center(center="other-center"))

    assert verify(published, folder).exit_code == 23


def test_a_configuration_of_another_root_is_refused(published: Path, folder: Path) -> None:
    """The pinned root.pub decides, not the one that came with the folder."""
    other = folder.parent / "root.pub"
    other.write_text(
        signing.format_public_key(make_center(center="other-center").root_public, "another root")
    )

    assert verify(published, folder, "--root-public", str(other)).exit_code == 28


@pytest.mark.parametrize("period", ["2026Q4", "2026", "2026Q3 "])
def test_an_old_release_under_a_new_name_is_refused(
    period: str, published: Path, folder: Path, center: Center
) -> None:
    """Last quarter's numbers shown again as this quarter's."""
    signed_again(folder, center, period)

    assert verify(published, folder).exit_code == REFUSED


def test_an_acknowledgement_is_no_release(published: Path, folder: Path, center: Center) -> None:
    """The same key signs both; what it signed for the server is worth nothing here."""
    sums = (folder / "SHA256SUMS").read_bytes()
    comment = f"{labels.ACK} center={center.id} release=2026Q3"
    (folder / "SHA256SUMS.minisig").write_text(signing.minisign(sums, center.ack_seed, comment))

    assert verify(published, folder).exit_code == REFUSED


@pytest.mark.parametrize(
    "sums",
    ["no list\n", f"{'0' * 64}  ../outside\n", f"{'0' * 64}  /etc/passwd\n", f"{'0' * 64}  report.html\n"],
)
def test_a_signed_list_that_leads_out_of_the_folder_is_refused(
    sums: str, published: Path, folder: Path, center: Center
) -> None:
    """A name is a name inside the folder, whoever signed it."""
    (folder / "SHA256SUMS").write_text(sums)
    made = signatures(sums.encode(), center.ack_seed, center=center.id, period="2026Q3")
    for name, content in made.items():
        (folder / name).write_bytes(content)

    assert verify(published, folder).exit_code == REFUSED


def test_figures_that_cannot_be_read_are_refused(published: Path, folder: Path, center: Center) -> None:
    """A newer release needs a newer reader; half-understood is not verified."""
    (folder / "release.json").write_text('{"schema": "sdc-release/9"}')
    signed_again(folder, center)

    assert verify(published, folder).exit_code == REFUSED


@pytest.mark.parametrize("name", ["SHA256SUMS", "SHA256SUMS.minisig"])
def test_a_folder_that_is_no_release_is_said_so(name: str, published: Path, folder: Path) -> None:
    """The wrong folder, or an old release without such a signature."""
    (folder / name).unlink()

    done = verify(published, folder)

    assert done.exit_code == FileFormatError.exit_code
    assert "a release has SHA256SUMS" in done.stderr
