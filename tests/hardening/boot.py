"""Start the shipped units under a real systemd and send a report through: `python -m tests.hardening.boot`.

A score of a unit says nothing about whether the program still works in it. Here systemd starts as the first process of
namespaces of its own, on a copy of this machine's files that lies in memory and is gone afterwards. The files of `deploy/`
are put where the `install` lines of docs/running.md put them. Needs root, overlayfs and cgroups; says loudly when it is
skipped. Limits of memory are not tried: they need the cgroup controllers, which a namespace does not always have.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from crypto import signing
from tests.center import confirmed_content
from tests.hardening.parts import parser_of, verdict
from tests.intake.conftest import lasting_center, today
from tests.intake.proxy import write_certificate
from tests.intake.test_doctor import ONION, follow_the_guide
from tests.server_copy import OPENING, ROOT

PYTHON: Final = Path("/usr/bin/python3")  # the one of the system: the unit does not see what lies in homes
PATIENCE: Final = 120  # seconds for all of it
TARGET: Final = "probe.target"

# What is asked of the running machine, by the name of its answer.
PROBES: Final = {
    "units": "systemctl is-active vouchsafe-intake.socket vouchsafe-intake.service haproxy.service",
    "door": "stat -c '%U %G %a' /run/vouchsafe/form.sock",
    "page": "curl -sk -o /dev/null -w '%{http_code}' https://127.0.0.1/en/form",
    "clearnet": "curl -sk -o /dev/null -w '%{http_code}' -d narrative=One. https://127.0.0.1/en/form",
    "onion": "curl -s -o /dev/null -w '%{http_code}' --haproxy-protocol -d narrative=Two. http://127.0.0.1:8081/en/form",
    "status": "intake status --json",
    "doctor": "intake doctor --json",
    "journal": "journalctl --no-pager -b -o cat -u vouchsafe-intake -u haproxy",
}

_INSIDE: Final = """\
set -eu
mount -t tmpfs memory {folder}/memory
mkdir {folder}/memory/upper {folder}/memory/work {folder}/memory/root
root={folder}/memory/root
mount -t overlay overlay -o lowerdir=/,upperdir={folder}/memory/upper,workdir={folder}/memory/work $root
cp -a {folder}/files/. $root/
{python} -m venv --without-pip $root/opt/vouchsafe
cp -r {packages}/. $root/opt/vouchsafe/lib/python{version}/site-packages/
rm -f $root/opt/vouchsafe/lib/python{version}/site-packages/*editable*
cp -r {code}/intake {code}/crypto $root/opt/vouchsafe/lib/python{version}/site-packages/
(cd $root/opt/vouchsafe/lib/python{version}/site-packages && rm -rf {opening})
printf '#!/opt/vouchsafe/bin/python3\\nfrom intake.cli import main\\nmain()\\n' > $root/opt/vouchsafe/bin/intake
chmod 755 $root/opt/vouchsafe/bin/intake $root/usr/local/bin/intake
mount -t proc proc $root/proc
mount -t sysfs sysfs $root/sys
mount -t tmpfs run $root/run
mountpoint -q $root/sys/fs/cgroup || mount -t tmpfs groups $root/sys/fs/cgroup || true
mount -t cgroup2 groups $root/sys/fs/cgroup
mount --rbind /dev $root/dev
mkdir -p $root/answers $root/old
mount --bind {folder}/answers $root/answers
chroot $root systemd-sysusers vouchsafe.conf
chroot $root install -d -m 700 -o vouchsafe -g vouchsafe /var/lib/vouchsafe
chroot $root /usr/local/bin/intake init
cd $root
pivot_root . old
umount -l /old
exec env -i container=namespace PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit={target} --show-status=0
"""
_SERVICE: Final = """\
[Unit]
Requires=vouchsafe-intake.service haproxy.service
After=vouchsafe-intake.service haproxy.service
[Service]
Type=oneshot
ExecStart=/bin/sh /probe.sh
"""
_TARGET: Final = "[Unit]\nRequires=basic.target\nWants=probe.service\nAfter=basic.target\n"


def boot(folder: Path) -> dict[str, str]:
    """Set a machine up below a folder, start it, and return what it answered to each probe.

    Raises:
        AssertionError: it did not start at all.
    """
    for name in ("memory", "answers", "code"):
        (folder / name).mkdir()
    files = folder / "files"
    follow_the_guide(files)
    _configure(files)
    script = folder / "inside.sh"
    script.write_text(
        _INSIDE.format(
            folder=folder,
            code=ROOT,
            opening=" ".join(OPENING),
            python=PYTHON,
            packages=next(path for path in map(Path, sys.path) if path.name == "site-packages"),
            version=f"{sys.version_info.major}.{sys.version_info.minor}",
            target=TARGET,
        )
    )
    log = folder / "log"
    with log.open("wb") as stream:
        subprocess.run(
            [
                "unshare",
                "-C",
                "-m",
                "-p",
                "-f",
                "-n",
                "-i",
                "-u",
                "--propagation",
                "private",
                "sh",
                str(script),
            ],
            stdout=stream,
            stderr=stream,
            timeout=PATIENCE,
            check=False,  # a machine that is switched off does not end with 0
        )
    answers = {path.name: path.read_text() for path in (folder / "answers").iterdir()}
    assert answers, log.read_text()
    return answers


def _configure(files: Path) -> None:
    """Do what the guide tells the operator to write by hand."""
    etc = files / "etc/vouchsafe"
    center = lasting_center(content=confirmed_content(["en"]), not_before=today() - timedelta(days=2))
    center.write_public(etc / "public")
    (etc / "root.pub").write_text(signing.format_public_key(center.root_public, "pinned"))
    example = (ROOT / "config.example.toml").read_text().partition("\n[center]\n")[0]
    for old, new in {
        'center = "sacramento"': f'center = "{center.id}"',
        "# unix_socket": "unix_socket",
        "# texts_confirmed_on =": f"texts_confirmed_on = {today()}",
        '# onion = ""': f'onion = "{ONION}"',
    }.items():
        assert old in example, f"config.example.toml has changed: {old!r} is not in it"
        example = example.replace(old, new)
    (etc / "intake.toml").write_text(example)
    haproxy = files / "etc/haproxy/haproxy.cfg"
    text = haproxy.read_text().replace("form.example.org", "form.center.test")
    haproxy.write_text(text.replace("http://example.onion", ONION))
    write_certificate(haproxy.with_name("form.pem"))
    haproxy.with_name("form.pem").chmod(0o600)
    (files / "etc/systemd/system/probe.service").write_text(_SERVICE)
    (files / f"etc/systemd/system/{TARGET}").write_text(_TARGET)
    asked = "".join(f"{command} > /answers/{name} 2>&1\n" for name, command in PROBES.items())
    (files / "probe.sh").write_text(f"ip link set lo up\n{asked}systemctl --force --force poweroff\n")


def complaints(answers: dict[str, str]) -> list[str]:
    """Say what a machine that was started did not do."""
    wanted = {
        "units": r"active\nactive\nactive\n",
        "door": r"vouchsafe haproxy 660\n",
        "page": "200",
        "clearnet": "303",
        "onion": "303",
        "status": r'.*"stored": 2\D.*\n',
    }
    wrong = [
        f"{name}: {answers.get(name, 'no answer')!r}"
        for name, pattern in wanted.items()
        if not re.fullmatch(pattern, answers.get(name, ""), re.DOTALL)
    ]
    # What the doctor may find: these belong to the machine below, whose kernel this one shares.
    shared = {"swap", "core-dumps", "clock-not-set", "disk"}
    found = set(re.findall(r'"name": "([\w-]+)"', answers.get("doctor", ""))) - shared
    odd = re.findall(r".*(?:127\.0\.0\.1|fault|narrative|ALERT).*", answers.get("journal", ""))
    return [*wrong, *(f"doctor: {name}" for name in sorted(found)), *(f"journal: {line}" for line in odd)]


def obstacle() -> str:
    """Say why this cannot run here, or nothing."""
    if os.geteuid() != 0:
        return "needs root"
    missing = [
        name for name in ("unshare", "haproxy", "curl", "ip", "systemctl") if shutil.which(name) is None
    ]
    if missing:
        return f"needs {' '.join(missing)}"
    asked = "import sys; print(*sys.version_info[:2])"
    own = subprocess.run([PYTHON, "-c", asked], capture_output=True, text=True, check=False).stdout
    if own.split() != [str(one) for one in sys.version_info[:2]]:
        return f"needs the tests to run on the Python of the system, {own.strip() or 'which is not there'}"
    return ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run in the second part of however many, or in the only one; end with 1 if anything went wrong."""
    part, parts = parser_of("tests.hardening.boot", __doc__).parse_args(arguments).part
    if part != min(2, parts):
        print("boot: it is in part 2")
        return 0
    if why := obstacle():
        print(f"boot: SKIPPED, {why}: the units were scored, and not started")
        return 0
    with tempfile.TemporaryDirectory() as name:
        answers = boot(Path(name))
    return verdict("boot", complaints(answers))


if __name__ == "__main__":
    sys.exit(main())
