"""A copy of the server's tree that a test may sin in: files deleted, one line edited, then run for real."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
# Beginning of a program that shall know no code but that of its working directory. Our packages are installed for
# editing, and that finder would hand over a module that was deleted from a copy.
ALONE = "import sys; sys.meta_path[:] = [one for one in sys.meta_path if 'editable' not in one.__module__]\n"
# What a server is deployed without.
OPENING = ("crypto/unseal.py", "crypto/keystore.py", "review_tool")


def server_copy(directory: Path, *, without: tuple[str, ...] = OPENING) -> Path:
    """Copy `crypto`, `intake` and `review_tool`, then delete what a server does not get."""
    for package in ("crypto", "intake", "review_tool"):
        shutil.copytree(ROOT / package, directory / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in without:
        path = directory / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return directory


def sinful(directory: Path, name: str, line: str, instead: str) -> Path:
    """Plant one sin: a line of one file becomes another."""
    path = directory / name
    text = path.read_text()
    assert text.count(line) == 1, f"{name} has changed: plant the sin anew"
    path.write_text(text.replace(line, instead))
    return directory


def python(directory: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Run a program against the copy and nothing else of ours."""
    return subprocess.run(
        [sys.executable, "-c", ALONE + program],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
