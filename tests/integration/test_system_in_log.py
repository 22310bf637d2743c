"""Three starts of the real camera process around an update of its system, and what an auditor reads of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from platesieve.adapters.local import system_slots
from platesieve.bootstrap import camera
from platesieve.bootstrap.folders import Folders
from platesieve.settings import Device, Settings

pytestmark = pytest.mark.integration

STREET = Path(__file__).parents[2] / "src/platesieve/demo_data/street.mp4"
HASH = "a1" * 32


def test_an_update_is_in_the_log_and_one_that_was_taken_back_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slots are files here; everything else is the device's: log, key, networks, `audit show`, `audit verify`."""
    version, tried = tmp_path / "system-version", tmp_path / "tried"
    monkeypatch.setattr(camera, "running_system", lambda: system_slots.running_system(version))
    monkeypatch.setattr(camera, "tries", lambda: system_slots.tries(tried, tmp_path / "trial"))
    settings = Settings(
        state=str(tmp_path / "state"), policy="count-only", camera=str(STREET), device=Device(assume_clock=True)
    )
    for runs, note in (("0.1.0", ""), ("0.2.0", f"{HASH} written 0.1.0 0.2.0\n"), ("0.1.0", ""), ("0.1.0", "")):
        version.write_text(runs)
        with tried.open("a") as notes:
            notes.write(note)
        camera.camera_process(settings, lambda: True)
    shown = audit("show", settings, "--type", "updated").splitlines()
    lines = [line.split(maxsplit=3)[3].rstrip() for line in shown if " updated " in line]

    assert lines == [
        "component system, stage installed, version 0.1.0",
        "component system, stage activated, version 0.2.0, sha256 a1a1a1a1..., from_version 0.1.0",
        "component system, stage rolled-back, version 0.2.0, sha256 a1a1a1a1..., from_version 0.1.0",
    ]
    assert "intact" in audit("verify", settings)


def audit(verb: str, settings: Settings, *words: str) -> str:
    """Return what an auditor's command says."""
    command = [sys.executable, "-m", "platesieve", "audit", verb, str(Folders.of(settings).audit), *words]
    environment = {"COLUMNS": "160", "ORT_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=environment)
    return done.stdout + done.stderr
