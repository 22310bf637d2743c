"""`deploy/install` puts everything in place, `deploy/uninstall` takes everything away; shell scripts are clean."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.integration


def scripts() -> list[Path]:
    """Return every shell script that stands under deploy and firmware."""
    found = [path for folder in ("deploy", "firmware") for path in (ROOT / folder).rglob("*") if path.is_file()]
    return [path for path in found if path.read_bytes()[:64].startswith((b"#!/bin/sh", b"#!/usr/bin/env bash"))]


def everything(root: Path) -> set[str]:
    """Return every path under a root, without the standing folders of any system."""
    return {str(path.relative_to(root)) for path in root.rglob("*")}


def run(script: str, root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a script of deploy on a scratch root."""
    environment = {
        "PATH": os.environ["PATH"],
        "DESTDIR": str(root),
        "PYTHON": sys.executable,
        "PIP_OPTIONS": "--no-deps --no-index",
        "HOME": str(root.parent),
    }
    command = [str(ROOT / "deploy" / script), *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=110)


@pytest.mark.parametrize("script", scripts(), ids=lambda path: str(path.relative_to(ROOT)))
def test_shell_scripts_are_clean(script: Path) -> None:
    """Shellcheck has nothing to say."""
    done = subprocess.run(["shellcheck", "-x", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == ""


def test_what_is_installed_is_taken_away_again(tmp_path: Path, wheel: Path) -> None:
    """Program, services and settings are there; afterwards the root is as it was."""
    root = tmp_path / "root"
    (root / "etc/systemd/system/multi-user.target.wants").mkdir(parents=True)
    before = everything(root)

    done = run("install", root, str(wheel))
    assert done.returncode == 0, done.stderr
    for needed in (
        "opt/platesieve/bin/platesieve",
        "usr/lib/systemd/system/platesieve-camera.service",
        "usr/lib/systemd/system/platesieve-uplink.service",
        "usr/lib/sysusers.d/platesieve.conf",
        "etc/platesieve/platesieve.toml",
    ):
        assert (root / needed).exists(), needed
    wanted = root / "etc/systemd/system/multi-user.target.wants"
    assert {"platesieve-camera.service", "platesieve-uplink.service"} <= {link.name for link in wanted.iterdir()}
    assert str(root) not in (root / "opt/platesieve/bin/platesieve").read_text().splitlines()[0]
    (root / "var/lib/platesieve/camera").mkdir(parents=True)
    (root / "var/lib/platesieve/camera/audit.key").write_text("key")

    refused = run("uninstall", root)
    assert refused.returncode == 2
    assert "hint: say --yes" in refused.stderr
    assert (root / "var/lib/platesieve/camera/audit.key").exists()
    done = run("uninstall", root, "--yes")
    assert done.returncode == 0, done.stderr
    assert everything(root) - before <= {"var", "var/lib", "opt", "usr", "usr/lib", "usr/share"}


def test_settings_survive_an_upgrade(tmp_path: Path, wheel: Path) -> None:
    """A second installation keeps what the installer wrote."""
    root = tmp_path / "root"
    assert run("install", root, str(wheel)).returncode == 0
    (root / "etc/platesieve/platesieve.toml").write_text("# mine\n")

    assert run("install", root, str(wheel)).returncode == 0
    assert (root / "etc/platesieve/platesieve.toml").read_text() == "# mine\n"


def test_another_reader_in_a_wheel_of_the_same_version_is_installed(tmp_path: Path, wheel: Path) -> None:
    """Pip alone would keep what is there, because the version is: the device would read on with the old network."""
    root, newer = tmp_path / "root", tmp_path / "newer" / wheel.name
    newer.parent.mkdir()
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(newer, "w") as new:
        manifest = tomllib.loads(old.read("platesieve/released/released.toml").decode())
        reader = f"platesieve/released/{manifest['reader']['file']}"
        for name in old.namelist():
            new.writestr(name, b"another network" if name == reader else old.read(name))

    assert run("install", root, str(wheel)).returncode == 0
    (installed,) = (root / "opt/platesieve/lib").glob(f"python3.*/site-packages/{reader}")
    assert installed.read_bytes() != b"another network"
    assert run("install", root, str(newer)).returncode == 0
    assert installed.read_bytes() == b"another network"


def test_without_a_wheel_it_says_how_to_make_one(tmp_path: Path) -> None:
    """Error, hint and the code for an input that is not there."""
    done = run("install", tmp_path, str(tmp_path / "absent.whl"))

    assert done.returncode == 66
    assert "hint: build one with" in done.stderr
