"""The layers for rpi-image-gen: what they declare, what they call, and its own lint where it is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = sorted((ROOT / "firmware" / "layer").glob("*.yaml"))
CONFIGS = sorted((ROOT / "firmware" / "config").glob("*.yaml"))
FIELDS = re.compile(
    r"X-Env-(Layer-(Name|Version|Category|Desc|Requires)|VarPrefix|Var-[a-z]+(-(Desc|Required|Valid|Set))?)"
)
RULES = {"string", "string-or-empty", "string-or-unset", "bool", "int", "size", "file", "dir"}  # the plain ones

pytestmark = pytest.mark.integration


def header(layer: Path) -> dict[str, str]:
    """Return the fields between METABEGIN and METAEND; a line that begins with a space goes on with the last one."""
    text = layer.read_text().partition("# METABEGIN\n")[2].partition("# METAEND\n")[0]
    lines = text.replace("\n#  ", " ").splitlines()
    return dict(line[2:].split(": ", 1) for line in lines if line != "#")


@pytest.mark.parametrize("layer", LAYERS, ids=lambda path: path.stem)
def test_a_layer_is_named_as_its_file_and_calls_what_is_there(layer: Path) -> None:
    """Every field is one that rpi-image-gen knows; every hook is a program of ours."""
    fields = header(layer)
    assert fields["X-Env-Layer-Name"] == layer.stem
    assert [name for name in fields if FIELDS.fullmatch(name) is None] == []
    described = {name.rpartition("-")[0] for name in fields if re.fullmatch(r"X-Env-Var-[a-z]+-[A-Z][a-z]+", name)}
    assert described <= fields.keys()  # an attribute of a variable that is not declared
    assert {rule for name, rule in fields.items() if name.endswith("-Valid")} <= RULES
    hooks = re.findall(r"\$IGconf_platesieve_source/(\S+)", layer.read_text())
    assert hooks
    for hook in hooks:
        assert (ROOT / hook).stat().st_mode & 0o111, hook


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_a_config_takes_our_layers_and_the_ab_layout(config: Path) -> None:
    """Two slots, and nobody can log in."""
    text = config.read_text()
    assert "file: trixie-minbase-ab.yaml" in text
    assert {layer.stem for layer in LAYERS} <= set(re.findall(r"^  \w+: (\S+)$", text, re.MULTILINE))


def test_what_lasts_is_shared_between_slots(tmp_path: Path) -> None:
    """State outlives an update, and the installer's file is looked for where this layout has it."""
    (tmp_path / "etc").mkdir()
    site = tmp_path / "opt/platesieve/lib/python3.13/site-packages"
    (site / "platesieve-0.3.1.dist-info").mkdir(parents=True)
    units = tmp_path / "usr/lib/systemd/system"
    shutil.copytree(ROOT / "firmware/overlay/usr/lib/systemd/system", units)
    (tmp_path / "ca.crt").write_text("an authority")
    environment = {"PATH": os.environ["PATH"], "UPDATE_CA": str(tmp_path / "ca.crt")}
    subprocess.run([ROOT / "firmware/image/slots", tmp_path], check=True, timeout=10, env=environment)

    shared = (tmp_path / "etc/rpi-image-gen/slot-shared.d/platesieve.conf").read_text().splitlines()
    assert shared == ["Version=1", "Path=/var/lib/platesieve", "Path=/var/lib/platesieve-system"]
    assert (tmp_path / "usr/lib/platesieve/system-version").read_text() == "0.3.1\n"  # becomes the floor, once proved
    assert (tmp_path / "usr/lib/platesieve/update-ca.crt").read_text() == "an authority"
    assert (tmp_path / "etc/systemd/system/timers.target.wants/platesieve-update.timer").is_symlink()
    assert (tmp_path / "etc/platesieve").readlink() == Path("/var/lib/platesieve/settings")


@pytest.mark.skipif(shutil.which("rpi-image-gen") is None, reason="rpi-image-gen is not installed")
@pytest.mark.parametrize("layer", LAYERS, ids=lambda path: path.stem)
def test_rpi_image_gen_has_nothing_to_say(layer: Path) -> None:
    """Its own lint of the header."""
    subprocess.run(["rpi-image-gen", "metadata", "--lint", layer], check=True, timeout=60)
