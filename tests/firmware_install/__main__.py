"""Install on a fresh bookworm and a fresh trixie, read a plate there, uninstall, and look for what is left.

    sudo .venv/bin/python -m tests.firmware_install [--suite bookworm trixie] [--json]

Each system is a root file system of its own, from Debian packages, of this machine's architecture; the wheels are
fetched beforehand, so that the installation itself needs no network. Systems and wheels stay in build/install for the
next time. What a Raspberry Pi OS has beyond Debian (picamera2, its kernel) is not in it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

ROOT: Final = Path(__file__).parents[2]
KEPT: Final = ROOT / "build/install"
PYTHON: Final = {"bookworm": "3.11", "trixie": "3.13"}
OLD_NUMPY: Final = ("numpy<2", "opencv-python-headless<4.12")  # as deploy/install asks on bookworm
PROGRAM: Final = "/opt/platesieve/bin/platesieve"
UNITS: Final = ("platesieve-camera.service", "platesieve-uplink.service")
# What Python and Debian's own tools write while they work; none of it is ours.
NOT_OURS: Final = (
    "__pycache__",
    "/var/cache/apt/",
    "etc/.pwd.lock",
    "etc/passwd-",
    "etc/group-",
    "etc/shadow-",
    "etc/gshadow-",
    "/tmp/",  # noqa: S108 - a name to leave out
)


@dataclass
class Trial:
    """What one system showed."""

    suite: str
    version: str = ""
    installed_s: float = 0.0
    reads: bool = False
    enabled: bool = False
    account_without_shell: bool = False
    left: list[str] = field(default_factory=list)

    @property
    def well(self) -> bool:
        """Return whether every promise was kept."""
        return self.reads and self.enabled and self.account_without_shell and not self.left


def system(suite: str) -> Path:
    """Return the tar of a fresh system, made where it is not there yet."""
    tar = KEPT / f"{suite}.tar"
    if not tar.exists():
        include = "python3-venv,systemd,ca-certificates"
        mirror = [os.environ["DEBIAN_MIRROR"]] if os.environ.get("DEBIAN_MIRROR") else []
        made = f"{tar}.new.tar"
        command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={include}", suite, made, *mirror]
        subprocess.run(command, check=True)
        Path(made).rename(tar)
    return tar


def wheels(suite: str) -> Path:
    """Return a folder with the wheel of this checkout and all that it needs there."""
    folder = KEPT / f"wheels-{suite}"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("platesieve-*.whl"):
        old.unlink()
    pip = [sys.executable, "-m", "pip", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", folder, ROOT], check=True)
    (ours,) = folder.glob("platesieve-*.whl")
    asked = [f"{ours}[web]", *(OLD_NUMPY if suite == "bookworm" else ())]
    only = ["--only-binary=:all:", "--python-version", PYTHON[suite]]
    only += [f"--platform=manylinux_2_{minor}_x86_64" for minor in (36, 34, 31, 28, 27, 17)]
    subprocess.run([*pip, "download", "--dest", folder, *only, "--platform=manylinux2014_x86_64", *asked], check=True)
    return folder


def everything(root: Path) -> set[str]:
    """Return every path of a system."""
    found = {f"/{path.relative_to(root)}" for path in root.rglob("*")}
    return {path for path in found if not any(part in path for part in NOT_OURS)}


def trial(suite: str) -> Trial:
    """Install, look, uninstall, look again."""
    seen = Trial(suite)
    with tempfile.TemporaryDirectory(prefix="platesieve-install-") as scratch:
        root = Path(scratch, "root")
        root.mkdir()
        subprocess.run(["tar", "-C", root, "-xpf", system(suite), "--exclude=./dev/*"], check=True)
        (root / "dev/null").touch()
        folder = wheels(suite)
        source = root / "src"
        for part in ("deploy", "firmware"):
            shutil.copytree(ROOT / part, source / part, symlinks=True)
        shutil.copytree(folder, source / "wheels")
        (ours,) = folder.glob("platesieve-*.whl")
        before = everything(root)

        start = time.monotonic()
        inside(root, "/src/deploy/install", f"/src/wheels/{ours.name}")
        seen.installed_s = round(time.monotonic() - start, 1)
        seen.version = inside(root, PROGRAM, "--version").strip()
        asked = ("self-test", "--config", "/etc/platesieve/platesieve.toml", "--json")
        record = json.loads(inside(root, "runuser", "-u", "platesieve", "--", PROGRAM, *asked))
        seen.reads = bool(record["passed"]) and record["log_size"] > 0
        states = inside(root, "systemctl", "--root=/", "is-enabled", *UNITS)
        seen.enabled = states.split() == ["enabled"] * len(UNITS)
        (account,) = [line for line in (root / "etc/passwd").read_text().splitlines() if line.startswith("platesieve:")]
        seen.account_without_shell = account.endswith("/nologin")
        inside(root, "/src/deploy/uninstall", "--yes")
        seen.left = sorted(everything(root) - before)
        accounts = (root / "etc/passwd").read_text() + (root / "etc/group").read_text()
        seen.left += [line for line in accounts.splitlines() if "platesieve" in line]
    return seen


def inside(root: Path, *words: str) -> str:
    """Run a command in a system and return what it printed; it finds wheels in /src/wheels and no index."""
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LC_ALL": "C.UTF-8",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": "/src/wheels",
    }
    done = subprocess.run(["chroot", root, *words], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{words[0]} ended with {done.returncode} on {root}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def main() -> int:
    """Try every suite."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n\n")[0], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--suite", nargs="+", choices=PYTHON, default=list(PYTHON), help="releases of Debian")
    parser.add_argument("--json", action="store_true", help="print one JSON document for machines")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.stderr.write("error: a root file system is made by root\nhint: sudo\n")
        return 77
    KEPT.mkdir(parents=True, exist_ok=True)
    trials = [trial(suite) for suite in options.suite]
    if options.json:
        sys.stdout.write(json.dumps([asdict(one) for one in trials], indent=1) + "\n")
    else:
        table = Table("release", "version", "installed s", "reads", "enabled", "no shell", "left behind")
        for one in trials:
            kept = ["yes" if held else "[red]no[/red]" for held in (one.reads, one.enabled, one.account_without_shell)]
            table.add_row(one.suite, one.version, str(one.installed_s), *kept, "\n".join(one.left[:8]) or "nothing")
        Console().print(table)
    return 0 if all(one.well for one in trials) else 1


if __name__ == "__main__":
    raise SystemExit(main())
