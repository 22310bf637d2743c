"""Disks that are full or read-only, and libraries that would like to talk: on this machine, with the real program."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "src/platesieve/demo_data"
OURS = f"{shlex.quote(sys.executable)} -m platesieve"
CAN_MOUNT = (
    shutil.which("unshare") is not None
    and subprocess.run(
        ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"],
        capture_output=True,
        check=False,
    ).returncode
    == 0
)
needs_mount = pytest.mark.skipif(not CAN_MOUNT, reason="this machine lets nobody mount in a namespace")
needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


def mounted(folder: Path, options: str, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script with a small file system of its own at `folder`/disk; permissions do not stop root, this does."""
    (folder / "disk").mkdir()
    whole = f"mount -t tmpfs -o {options} none disk && {script}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "HOME": str(folder)}
    return subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", whole],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )


@needs_mount
def test_a_read_only_state_folder_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """Exit code 75, before any process is started."""
    script = f"{OURS} run --camera {DEMO}/street.mp4 --policy count-only --state disk/state"
    done = mounted(tmp_path, "ro", script)

    assert done.returncode == 75
    assert "error: the state folder disk/state cannot be made: Read-only file system" in done.stderr
    assert "Traceback" not in done.stderr


@needs_mount
@pytest.mark.parametrize("filler_bytes", [985_000, 1_020_000])
def test_a_full_disk_is_named_and_leaves_a_log_that_verifies(tmp_path: Path, filler_bytes: int) -> None:
    """Whichever of key, audit log and outbox finds the disk full first: it is said, and what the log holds is whole."""
    script = (
        f"head -c {filler_bytes} /dev/zero > disk/filler; "
        f"{OURS} run --camera {DEMO}/street.mp4 --policy count-only --pace fast --state disk/state; echo ended $?; "
        "test ! -e disk/state/camera/audit/checkpoint || "
        f"{OURS} audit verify disk/state/camera/audit --vkey disk/state/camera/audit.vkey"
    )
    done = mounted(tmp_path, "size=1m", script)

    assert re.search(r"^ended (0|73|75|77)$", done.stdout, re.MULTILINE), done.stderr
    assert "No space left on device" in done.stderr or "disk is full" in done.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "a fault in platesieve itself" not in done.stderr


def calls(folder: Path, *words: str) -> str:
    """Run a program in an empty environment under strace; return its calls to the network and its opens for writing."""
    trace = folder / "trace"
    watch = ["strace", "-f", "-qq", "-e", "trace=socket,connect,openat,creat,mkdir,rename,unlink", "-o", str(trace)]
    home = folder / "home"
    home.mkdir()
    # No variable CI: a library that behaves in front of a test and talks at home would be found out.
    bare = [
        "env",
        "-i",
        f"HOME={home}",
        "PATH=/usr/bin:/bin",
        f"PYTHONPATH={ROOT / 'src'}",
        "PYTHONDONTWRITEBYTECODE=1",
    ]
    done = subprocess.run([*watch, *bare, *words], cwd=folder, capture_output=True, text=True, check=False, timeout=150)
    assert done.returncode == 0, done.stderr
    assert list(home.iterdir()) == [], "something was written to the home folder"
    return trace.read_text()


def network(trace: str) -> list[str]:
    """Return the calls that reach for a network."""
    return [line for line in trace.splitlines() if "AF_INET" in line]


def written(trace: str) -> set[str]:
    """Return what was opened for writing, made, or renamed, by path."""
    opened = re.findall(r'openat\([^,]+, "([^"]+)", [^)]*O_(?:WRONLY|RDWR|CREAT)[^)]*\)\s+= \d', trace)
    made = re.findall(r'(?:creat|mkdir|rename)\("([^"]+)".*\)\s+= \d', trace)
    return {path for path in (*opened, *made) if not path.startswith(("/dev/", "/proc/", "/sys/"))}


@needs_strace
def test_reading_touches_no_network_and_writes_into_its_state_folder_alone(tmp_path: Path) -> None:
    """The camera process with the released models: no socket to any network, no file outside its state folder."""
    (tmp_path / "settings.toml").write_text(
        f'camera = "{DEMO}/street.mp4"\npace = "fast"\npolicy = "count-only"\nstate = "{tmp_path}/state"\n'
        "[device]\nassume_clock = true\n"
    )
    trace = calls(tmp_path, sys.executable, "-m", "platesieve", "camera", "--config", "settings.toml")

    assert network(trace) == []
    outside = {path for path in written(trace) if not path.startswith(f"{tmp_path}/state")}
    assert outside == set()
    assert any("audit" in path for path in written(trace)), "the search would see a file that is written"


@needs_strace
def test_the_search_finds_a_program_that_talks_and_writes(tmp_path: Path) -> None:
    """The control: a socket and a file elsewhere are both seen."""
    program = "import socket; socket.socket(); open('elsewhere', 'w').close()"
    trace = calls(tmp_path, sys.executable, "-c", program)

    assert network(trace)
    assert "elsewhere" in written(trace)
