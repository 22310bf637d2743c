"""What is asked of an image without starting it: its wheels on real processors, its services' exposure, its build."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any, Final

from tests.firmware_boot.guest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

LIMITS: Final = {"camera": 1.0, "uplink": 1.5}
UNITS: Final = ROOT / "firmware/overlay/usr/lib/systemd/system"


def wheels(folder: Path) -> list[dict[str, str]]:
    """Return what became of each compiled wheel on each processor; see firmware/wheels, which needs root."""
    done = subprocess.run([ROOT / "firmware/wheels", folder], capture_output=True, text=True, check=False)
    rows = [line.split(maxsplit=2) for line in done.stdout.splitlines()[1:]]
    found = []
    for wheel, processor, rest in (row for row in rows if len(row) == 3):
        result, _, seconds = rest.strip().rpartition(" ")
        found.append({"wheel": wheel, "processor": processor, "result": result.strip(), "seconds": seconds})
    unasked = re.findall(r"nothing is asked of (\S+),", done.stderr)
    found += [{"wheel": name, "processor": "any", "result": "not asked", "seconds": "-"} for name in unasked]
    return found


def exposure() -> dict[str, float]:
    """Return what `systemd-analyze security` says of both services; less is better."""
    scores = {}
    for name in LIMITS:
        unit = str(UNITS / f"platesieve-{name}.service")
        command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", unit]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        (score,) = re.findall(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
        scores[name] = float(score)
    return scores


def build(folder: Path) -> dict[str, Any]:
    """Return what firmware/build wrote down of itself: seconds of each step, sizes."""
    file = folder / "build.json"
    return dict(json.loads(file.read_text())) if file.exists() else {}
