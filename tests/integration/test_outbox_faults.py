"""Every system call of the outbox's files fails or is the last one, in turn (after Tessera's fault tests).

strace does it without privileges. kill -9 alone never loses what the kernel has cached, so a second test
looks at the order of writes and syncs: whatever is acknowledged must have been synced before.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from platesieve.adapters.disk.outbox_sqlite import SqliteOutbox
from tests.integration.outbox_process import NOW_NS

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
CALLS = ("openat", "pwrite64", "fdatasync", "fsync", "ftruncate", "unlink")
FAULTS = {"KILL": CALLS, "EIO": CALLS, "ENOSPC": ("pwrite64", "openat", "ftruncate")}
STRIDE = 1 if os.environ.get("PLATESIEVE_ALL_FAULTS") else 3  # every call takes minutes; every third finds most
ALL = {"h0", "h1", "h2", "h3", "h4", "short"}


def run(database: Path, *options: str, synchronous: str = "FULL") -> tuple[list[str], str]:
    """Run the outbox under strace; return the lines it said and the trace."""
    trace = database.with_name("trace")
    script = Path(__file__).with_name("outbox_process.py")
    command: list[str | Path] = [
        "strace",
        "-f",
        "--seccomp-bpf",
        "-qq",
        "-y",
        "-o",
        trace,
        *options,
        sys.executable,
        script,
    ]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    done = subprocess.run(
        [*command, database, synchronous], env=environment, capture_output=True, text=True, check=False, timeout=30
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout.splitlines(), trace.read_text()


def on_files(database: Path) -> list[str]:
    """Return strace's options for the calls on the outbox's files and folder alone."""
    files = (database, database.with_name("outbox.db-wal"), database.parent)
    return ["-e", f"trace={','.join(CALLS)}", *[word for file in files for word in ("-P", str(file))]]


@pytest.fixture(scope="module", autouse=True)
def _strace() -> None:
    """Skip where strace may not trace."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    if subprocess.run(["strace", "-qq", "-o", os.devnull, "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("strace may not trace here (ptrace is forbidden)")


def count_calls(database: Path) -> Counter[str]:
    """Return how often a life without faults makes each call."""
    said, trace = run(database, *on_files(database))
    assert said[-1] == "closed"
    return Counter(re.findall(rf"\b({'|'.join(CALLS)})\(", trace))


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("file", "faults"), [("existing", ("KILL", "EIO", "ENOSPC")), ("new", ("KILL",))], ids=["existing file", "new file"]
)
def test_no_fault_at_any_call_loses_or_spoils_anything(
    tmp_path: Path, file: str, faults: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """What was said to be stored is there, what was said to be gone is gone, nothing is damaged, work goes on."""
    template = tmp_path / "template"
    template.mkdir()
    if file == "existing":
        SqliteOutbox(template / "outbox.db", 1 << 20).close()
    shutil.copytree(template, tmp_path / "whole")
    points = count_calls(tmp_path / "whole" / "outbox.db")
    tried = 0
    for number, (fault, call) in enumerate((each, call) for each in faults for call in FAULTS[each]):
        for when in range(1 + number % STRIDE, points[call] + 1, STRIDE):
            folder = tmp_path / f"{fault}-{call}-{when}"
            shutil.copytree(template, folder)
            effect = "signal=KILL" if fault == "KILL" else f"error={fault}"
            inject = f"inject={call}:{effect}:when={when}"
            said, _ = run(folder / "outbox.db", *on_files(folder / "outbox.db"), "-e", inject)
            check(folder / "outbox.db", said)
            shutil.rmtree(folder)
            tried += 1
    assert tried >= 30
    with capsys.disabled():
        sys.stdout.write(
            f"\n  {tried} faults at {points.total()} calls, lost 0, spoilt 0; 95 % bound {3 / tried:.1%}\n"
        )


def check(database: Path, said: list[str]) -> None:
    """Open after the fault and compare with what was promised."""
    promised = {line.removeprefix("stored ") for line in said if line.startswith("stored ")}
    gone = {line.removeprefix("gone ") for line in said if line.startswith("gone ")}
    attempted_removal = {"h0", "short"} if "stored short" in said or len(said) > 6 else set()
    outbox = SqliteOutbox(database, 1 << 20)
    found = {disclosure.id for disclosure in outbox.due(0, 99)}
    assert outbox.set_aside == []
    assert promised - gone - attempted_removal <= found, (database.parent.name, said)
    assert not gone & found, (database.parent.name, said)
    assert found <= ALL
    outbox.delivered(sorted(found), NOW_NS)
    assert outbox.unsent() == 0
    outbox.close()


def unsynced_acknowledgements(trace: str) -> int:
    """Count promises that were made while a write to the log had not been synced."""
    dirty, found = False, 0
    for line in trace.splitlines():
        if "pwrite64(" in line and "outbox.db-wal>" in line:
            dirty = True
        elif re.search(r"f(data)?sync\(", line) and "outbox.db-wal>" in line:
            dirty = False
        elif "write(1" in line and '"stored ' in line:
            found += dirty
    return found


@pytest.mark.parametrize(("synchronous", "safe"), [("FULL", True), ("NORMAL", False)])
def test_every_promise_is_made_after_the_sync(tmp_path: Path, synchronous: str, *, safe: bool) -> None:
    """A power cut right after a promise finds the row on the disk; the control with NORMAL shows that this can fail."""
    calls = ["-e", "trace=pwrite64,fdatasync,fsync,write"]
    said, trace = run(tmp_path / "outbox.db", *calls, synchronous=synchronous)
    assert said[-1] == "closed"
    found = unsynced_acknowledgements(trace)
    assert (found == 0) is safe, found
