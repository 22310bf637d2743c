"""The wheel is a function of the source: built twice, in two places, it is the same file."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("pyproject.toml", "README.md", "LICENSE", "src", "models/released", "models/released.toml")

pytestmark = [pytest.mark.slow]


def build(source: Path, out: Path) -> str:
    """Return the hash of the wheel of a source."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(out)]
    subprocess.run(command, check=True, capture_output=True, cwd=source, timeout=110)
    (wheel,) = out.glob("*.whl")
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_two_builds_are_one_file(tmp_path: Path) -> None:
    """Whoever has the source can check what was released; a changed source is another file."""
    hashes = []
    for name in ("one", "two", "changed"):
        source = tmp_path / name / "source"
        for part in PARTS:
            target = source / part
            target.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(ROOT / part, target)
        if name == "changed":
            (source / "src/platesieve/py.typed").write_text("\n# changed\n")
        hashes.append(build(source, tmp_path / name / "dist"))

    assert hashes[0] == hashes[1]
    assert hashes[2] != hashes[0]
