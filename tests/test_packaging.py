"""The wheel, not the checkout: what it holds, that it works alone, and that `--help` loads nothing heavy."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import cv2
import pytest

ROOT = Path(__file__).parents[1]
# Not pydantic: typer checks arguments with it where it is installed.
HEAVY = ("numpy", "cv2", "onnxruntime", "cryptography", "paho", "sqlite3")


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheel unpacked as an installation has it."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def installed(site: Path, folder: Path, *words: str) -> str:
    """Run the installed package far from the checkout and return what it answers."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(site), "HOME": str(folder), "COLUMNS": "120"}
    command = [sys.executable, "-m", "platesieve", *words]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_wheel_holds_models_policies_schemas_and_the_demo(wheel: Path) -> None:
    """Everything that the program reads at run time travels with it, and nothing of the checkout beside it."""
    names = set(zipfile.ZipFile(wheel).namelist())

    released = tomllib.loads((ROOT / "models/released.toml").read_text())
    for needed in (
        "released/released.toml",
        *(f"released/{released[table]['file']}" for table in ("detector", "reader", "confusion")),
        "vision/patterns.json",
        "policy/packs/us-mn.toml",
        "schemas/v1/hit.schema.json",
        "demo_data/street.mp4",
        "demo_data/hotlist.csv",
        "demo_data/dashboard_hotlist.csv",
        "dashboard/static/style.css",
        "dashboard/static/dashboard.js",
        "dashboard/templates/base.html",
        "cli/main.py",
    ):
        assert f"platesieve/{needed}" in names
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {"platesieve"}
    assert not [name for name in names if name.endswith((".pyc", ".pt", ".key"))]


@pytest.mark.slow
def test_the_installed_package_reads_without_the_checkout(site: Path, tmp_path: Path) -> None:
    """Version, policies and one picture, with the checkout nowhere on the path."""
    clip = cv2.VideoCapture(str(site / "platesieve/demo_data/street.mp4"))
    clip.set(cv2.CAP_PROP_POS_FRAMES, 100)
    _, picture = clip.read()
    clip.release()
    cv2.imwrite(str(tmp_path / "photo.png"), picture)

    where = "import platesieve, sys; print(platesieve.__file__)"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(site)}
    found = subprocess.run(
        [sys.executable, "-c", where], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.startswith(str(site))
    assert installed(site, tmp_path, "--version").startswith("platesieve ")
    assert "us-nh" in installed(site, tmp_path, "policy", "list")
    answer = json.loads(installed(site, tmp_path, "read", "photo.png", "--policy", "count-only", "--json"))
    assert answer["frames"] == 1
    assert len(answer["vehicles"]) > 0


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["detector", "reader", "released.toml"])
@pytest.mark.parametrize("how", ["changed", "missing"])
def test_a_model_that_is_not_the_released_one_is_never_run(site: Path, tmp_path: Path, damage: str, how: str) -> None:
    """Exit code 69 and a sentence, whichever file was changed or is gone."""
    copy = tmp_path / "site"
    shutil.copytree(site, copy)
    released = copy / "platesieve" / "released"
    manifest = tomllib.loads((released / "released.toml").read_text())
    file = released / (manifest[damage]["file"] if damage in manifest else damage)
    if how == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-1] + b"\x00")
    clip = copy / "platesieve/demo_data/street.mp4"
    command = [sys.executable, "-m", "platesieve", "read", str(clip), "--policy", "count-only"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(copy), "HOME": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 69, done.stderr
    assert done.stderr.startswith("error: ")
    assert "hint: install platesieve again" in done.stderr


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["policy", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    """`--help` answers before a person wonders: no arrays, no runtime, no cryptography, no network client."""
    assert loaded_by(f"sys.argv = ['platesieve', *{words!r}]; from platesieve.cli.main import main; main()") == []


def test_the_search_finds_what_is_loaded() -> None:
    """The control: a program that does load one of them is found out."""
    assert loaded_by("import numpy") == ["numpy"]


def loaded_by(program: str) -> list[str]:
    """Return which heavy packages a program has loaded at its end."""
    code = (
        "import atexit, sys\n"
        f"atexit.register(lambda: print('LOADED', *[n for n in {HEAVY!r} if n in sys.modules], file=sys.stderr))\n"
        f"{program}\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("LOADED")]
    return line.split()[1:]
