"""However the aiming page ends, the log says so, and the camera is free for the camera service."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from platesieve.adapters.disk.audit_folder import FolderFiles
from platesieve.audit.entry import AimingClosed, AimingEnd, AimingOpened, decode
from platesieve.audit.tiles import unpack_bundle
from platesieve.bootstrap.look import demo_files
from tests.integration.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration


@contextmanager
def page(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the page as the service does, and wait until it answers."""
    port = free_port()
    (folder / "platesieve.toml").write_text(
        f'camera = "{demo_files()[0]}"\nstate = "{folder}/state"\n[device]\nassume_clock = true\n'
    )
    command = [sys.executable, "-m", "platesieve", "aim", "--config", f"{folder}/platesieve.toml", "--port", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None
                time.sleep(0.1)
        yield process
    finally:
        process.kill()
        process.communicate(timeout=10)


def log_of(folder: Path) -> list[Any]:
    """Return the entries of the device's log."""
    files = FolderFiles(folder / "state/camera/audit")
    names = sorted(name for name in files.names() if name.startswith("tile/entries/"))
    return [decode(entry) for name in names for entry in unpack_bundle(files.read(name) or b"")]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(tmp_path: Path, how: signal.Signals) -> None:
    """`systemctl stop`, the service's own time limit, and Ctrl-C: exit code 0, and the last entry says closed."""
    with page(tmp_path) as process:
        process.send_signal(how)
        assert process.wait(20) == 0

    opened, closed = log_of(tmp_path)
    assert isinstance(opened, AimingOpened)
    assert closed == AimingClosed(closed.time_ns, AimingEnd.ENDED, 0)


def test_meanwhile_the_camera_process_is_refused_and_after_a_power_cut_all_goes_on(tmp_path: Path) -> None:
    """One of them at a time; a page that was cut off leaves nothing that has to be cleared away."""
    with page(tmp_path) as process:
        command = [sys.executable, "-m", "platesieve", "camera", "--config", f"{tmp_path}/platesieve.toml"]
        refused = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        process.kill()
        process.wait(10)
    with page(tmp_path) as process:
        process.terminate()
        assert process.wait(20) == 0

    assert refused.returncode == 75
    assert "another platesieve" in refused.stderr
    assert [type(entry) for entry in log_of(tmp_path)] == [AimingOpened, AimingOpened, AimingClosed]
