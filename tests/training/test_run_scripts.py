"""The run scripts rebuild a model on a machine without photographs, from drawings alone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs the extra `train`")
pytest.importorskip("onnx", reason="needs the extra `train`")
pytest.importorskip("PIL", reason="needs the extra `train`")

import numpy as np

from models.common.checkpoints import save
from models.common.recipes import load_config
from models.common.release import RELEASED, sha256
from models.reader.restore import restored
from models.reader.sweeps import drawn_crops
from models.reader.train import Run, first_part

pytestmark = pytest.mark.training

ROOT = Path(__file__).parents[2]
SHORT = {"samples": 200, "mine_after": 64, "batch": 1, "warm_up": 4, "crop_width_px": 128, "crop_height_px": 96,
         "late_from": 192, "late_width_px": 160, "late_height_px": 96}  # fmt: skip
SHORT_READER = {"samples": 2_560, "batch": 16, "warm_up": 128, "learning_rate": 1e-5, "check_every": 1_280}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the checkout without anybody's work; its recipe has as few crops as a line of the log needs."""
    for name in ("models", "src"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "work"))
    recipe = tmp_path / "models" / "detector" / "config.toml"
    table = tomllib.loads(recipe.read_text())["train"] | SHORT
    recipe.write_text("[train]\n" + "".join(f"{k} = {v}\n" for k, v in table.items()))
    return tmp_path


def script(path: Path, text: str) -> Path:
    """Write a program that a shell script starts."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def run(checkout: Path, name: str) -> subprocess.CompletedProcess[str]:
    """Run a script with this python, without photographs, and without installing anything."""
    tools = script(checkout / "tools" / "dpkg-query", "exit 0").parent  # fonts are drawn with what is there
    environment = os.environ | {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "PYTHON": sys.executable,
        "PLATESIEVE_DATA": str(checkout / "no-photographs"),
    }
    environment.pop("VERSION", None)
    command = ["sh", str(checkout / "models" / "runs" / name)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500, check=False)


def manifest(checkout: Path) -> dict[str, Any]:
    """Return the tables of released.toml."""
    return tomllib.loads((checkout / "models" / "released.toml").read_text())


def all_tell_of(entry: dict[str, Any], checkout: Path) -> None:
    """Assert that a table of released.toml and both cards tell of the file that is there."""
    assert entry["sha256"] == sha256(checkout / "models" / "released" / entry["file"])
    for role in ("detector", "reader"):
        card = (checkout / "models" / role / "CARD.md").read_text()
        assert entry["sha256"][:12] in card, role


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_detector_is_rebuilt_without_photographs(checkout: Path) -> None:
    """It keeps the released thresholds and says so, that it is a rebuilt one, and both cards are of the new file."""
    before = manifest(checkout)
    done = run(checkout, "detector.sh")
    assert done.returncode == 0, done.stderr
    after = manifest(checkout)
    entry = after["detector"]
    assert entry["sha256"] != before["detector"]["sha256"]
    assert (entry["version"], entry["samples"]) == (before["detector"]["version"] + "+rebuilt", SHORT["samples"])
    assert entry["thresholds"] == before["detector"]["thresholds"]
    all_tell_of(entry, checkout)
    assert {**after, "detector": None} == {**before, "detector": None}
    for told in ("no photographs: drawn plates", "calibrated on composed crops", "released thresholds are kept"):
        assert told in done.stdout


def killed_before_half_way(checkout: Path) -> int:
    """Leave what a killed training leaves, with the released weights; return how many samples the whole run will have.

    A reader that was taught for seconds reads nothing, and then there is nothing to measure.
    """
    config = checkout / "models" / "reader" / "config.toml"
    text = config.read_text()
    for key, value in SHORT_READER.items():
        text = re.sub(rf"^{key} = .*$", f"{key} = {value}", text, flags=re.MULTILINE)
    config.write_text(text)
    weights = restored(RELEASED / "reader.onnx", np.stack([each for each, _ in drawn_crops(256)])).state_dict()
    save(checkout / "released.pt", {"average": {"weights": weights}, "seen": 0})
    given = load_config(config, [])
    recipe = given["train"]
    run = Run(given, checkout / "models/work/reader/released.pt", recipe["samples"], checkout / "released.pt")
    run.seen = first_part(recipe) - 5 * recipe["batch"]
    run.save()
    return int(recipe["samples"])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_reader_is_rebuilt_without_photographs(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its training goes on where it was killed; all that is released is of one net, and both cards are of it."""
    monkeypatch.setenv("PLATESIEVE_DATA", str(checkout / "no-photographs"))
    before = manifest(checkout)
    samples = killed_before_half_way(checkout)
    done = run(checkout, "reader.sh")
    assert done.returncode == 0, done.stderr
    after = manifest(checkout)
    entry = after["reader"]
    assert entry["sha256"] != before["reader"]["sha256"]
    assert (entry["version"], entry["samples"]) == (before["reader"]["version"] + "+rebuilt", samples)
    all_tell_of(entry, checkout)
    assert after["detector"]["sha256"] == before["detector"]["sha256"]
    assert "resumed at 1200 samples" in done.stdout
    assert (checkout / "models/work/reader/doubted.txt").exists()


@pytest.mark.parametrize(("gpu", "index", "hinted"), [(False, "", True), (True, "", False), (False, "cpu", False)])
def test_torch_for_cpus_is_offered_where_there_is_no_gpu(
    tmp_path: Path, *, gpu: bool, index: str, hinted: bool
) -> None:
    """By pip's own variable, so that nothing is looked for where nobody asked to; beside a driver CUDA is wanted."""
    script(tmp_path / "tools" / "dpkg-query", "exit 0")
    if gpu:
        script(tmp_path / "tools" / "nvidia-smi", "exit 0")
    asked = tmp_path / "asked"
    python = script(
        tmp_path / "tools" / "python",
        f'case "$*" in *"import torch"*) exit 1;; "-m pip "*) echo "$*" >>{asked};; '
        f'*) exec {sys.executable} "$@";; esac',
    )
    (tmp_path / "bin").mkdir()
    for name in ("sh", "id"):  # and no nvidia-smi of this machine
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    done = subprocess.run(
        ["sh", "-euc", f"python={python}; . models/runs/prepare.sh"], cwd=ROOT, check=True, timeout=60,
        capture_output=True, text=True,
        env={"PATH": f"{tmp_path}/tools:{tmp_path}/bin", "PYTHONPATH": "src:.", "PIP_EXTRA_INDEX_URL": index},
    )  # fmt: skip
    assert ("PIP_EXTRA_INDEX_URL" in done.stdout) is hinted
    assert asked.read_text().splitlines() == ["-m pip --version", "-m pip install -e .[train]"]
