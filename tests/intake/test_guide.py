"""The operator's guide, done by the letter where a test can."""

import compileall
import re
import shutil
import subprocess
from pathlib import Path

from tests.server_copy import OPENING, ROOT, python


def installing() -> list[str]:
    """The command lines by which the guide sets up a server."""
    guide = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
    section = guide.partition("\n## Set up once\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^ *```\n(.*?)^ *```$", section, re.DOTALL | re.MULTILINE)
    assert blocks, "the guide has changed: find its commands anew"
    return [line.strip() for block in blocks for line in block.splitlines()]


def opening_code(tree: Path) -> list[str]:
    """Files that could open a report, in any form."""
    return [
        str(path.relative_to(tree))
        for path in tree.rglob("*")
        if path.is_file() and re.search(r"review_tool|unseal|keystore", str(path.relative_to(tree)))
    ]


def test_the_guide_leaves_no_opening_code_on_a_server_that_ran_before(tmp_path):
    """Who takes the machine shall find none, not as bytecode of an earlier run and not in a folder of a build."""
    for package in ("crypto", "intake", "review_tool"):
        shutil.copytree(ROOT / package, tmp_path / package)
        shutil.copytree(ROOT / package, tmp_path / "build" / "lib" / package)
    compileall.compile_dir(tmp_path, quiet=1)
    assert any(name.endswith(".pyc") for name in opening_code(tmp_path))

    before_python = [line for line in installing() if line.startswith(("rm ", "find "))]
    subprocess.run(["sh", "-ec", "\n".join(before_python)], cwd=tmp_path, check=True)

    assert opening_code(tmp_path) == []
    assert not any((tmp_path / name).exists() for name in OPENING)
    assert python(tmp_path, "import intake.cli, intake.serving\n").returncode == 0
