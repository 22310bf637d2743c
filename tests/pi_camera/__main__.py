"""Our Pi camera over the real Picamera2 and libcamera, and the unit tests on their Python, in a system made for it.

    sudo .venv/bin/python -m tests.pi_camera            # the first time a minute longer; then cached in build/trixie
    sudo .venv/bin/python -m tests.pi_camera --only camera

Exit code of the first pytest that failed. Nothing of this machine is changed; the tests have a network of their own.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PYTHON = "/venv/bin/python"
PARTS = {
    "camera": ["-p", "no:unraisableexception", "tests/pi_camera"],  # picamera2 leaves files open
    "units": [
        "-m",
        "not integration and not training and not slow",
        "tests/unit",
        "tests/properties",
        "tests/contract",
    ],
}
# A process tree, a /proc and a /tmp of its own, and, for what is tested, no network but loopback.
ROOM = """
mount -t proc proc "$1/proc"
mount -t tmpfs tmpfs "$1/tmp"
[ "$2" = connected ] || ip link set lo up
root=$1; shift 2
exec chroot "$root" env -i "$@"
"""


def why_not() -> str | None:
    """Return why this machine cannot run the tests; None where it can."""
    if os.geteuid() != 0:
        return "another system is made and entered by root"
    missing = [program for program in ("mmdebstrap", "unshare", "ip") if shutil.which(program) is None]
    return f"{missing[0]} is missing" if missing else None


class Trixie:
    """The system, made when it is not there."""

    def __init__(self, folder: Path) -> None:
        subprocess.run([Path(__file__).with_name("system"), folder], check=True)
        self._root = folder / "root"

    def bring(self) -> None:
        """Copy the checkout into it, and install it with what the tests need."""
        checkout = self._root / "checkout"
        shutil.rmtree(checkout, ignore_errors=True)
        checkout.mkdir()
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True).stdout
        there = b"\0".join(name for name in names.split(b"\0") if name and (ROOT / os.fsdecode(name)).exists())
        packed = subprocess.run(
            ["tar", "--null", "--files-from=-", "-c"], cwd=ROOT, input=there, check=True, capture_output=True
        ).stdout
        subprocess.run(["tar", "-x", "-C", checkout], input=packed, check=True)
        self.run([PYTHON, "-m", "pip", "install", "--quiet", "--editable", ".[test,collector,web]"], connected=True)

    def run(self, command: list[str], environment: dict[str, str] | None = None, *, connected: bool = False) -> int:
        """Run a command in the checkout; return its exit code."""
        unshared = ["unshare", "--mount", "--pid", "--fork", *([] if connected else ["--net"])]
        variables = {
            "PATH": "/venv/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "PIP_CERT": "/etc/ssl/certs/ca-certificates.crt",
            "PIP_ROOT_USER_ACTION": "ignore",
            "ORT_DISABLE_TELEMETRY": "1",
            **(environment or {}),
        }
        words = [f"{name}={value}" for name, value in variables.items()]
        inside = [*words, "sh", "-c", 'cd /checkout && exec "$@"', "sh", *command]
        where = ["sh", "-ec", ROOM, "sh", str(self._root), "connected" if connected else "alone"]
        done = subprocess.run([*unshared, *where, *inside], check=connected)
        return done.returncode


def main() -> int:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.pi_camera", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=PARTS, help="one part of the two")
    parser.add_argument("--cache", type=Path, default=ROOT / "build/trixie", help="where the system is kept")
    options = parser.parse_args()
    if reason := why_not():
        sys.stderr.write(f"error: {reason}\nhint: apt-get install -y mmdebstrap util-linux iproute2, then as root\n")
        return 69
    trixie = Trixie(options.cache)
    trixie.bring()
    shim = {"LD_PRELOAD": "/usr/local/lib/heap.so", "LIBCAMERA_LOG_LEVELS": "*:ERROR"}
    for part in [options.only] if options.only else PARTS:
        environment = shim if part == "camera" else {}
        if exit_code := trixie.run([PYTHON, "-m", "pytest", "-q", *PARTS[part]], environment):
            return exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
