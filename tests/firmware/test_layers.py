"""The layers for rpi-image-gen: what they declare, what they call, and its own lint where it is installed."""

from __future__ import annotations

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

pytestmark = pytest.mark.integration


def header(layer: Path) -> dict[str, str]:
    """Return the fields between METABEGIN and METAEND."""
    text = layer.read_text().partition("# METABEGIN\n")[2].partition("# METAEND\n")[0]
    return dict(line[2:].split(": ", 1) for line in text.splitlines() if line != "#")


@pytest.mark.parametrize("layer", LAYERS, ids=lambda path: path.stem)
def test_a_layer_is_named_as_its_file_and_calls_what_is_there(layer: Path) -> None:
    """Every field is one that rpi-image-gen knows; every hook is a program of ours."""
    fields = header(layer)
    assert fields["X-Env-Layer-Name"] == layer.stem
    assert [name for name in fields if FIELDS.fullmatch(name) is None] == []
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
    subprocess.run([ROOT / "firmware/image/slots", tmp_path], check=True, timeout=10)

    assert "Path=/var/lib/platesieve" in (tmp_path / "etc/rpi-image-gen/slot-shared.d/platesieve.conf").read_text()
    assert (tmp_path / "etc/platesieve").readlink() == Path("/var/lib/platesieve/settings")


@pytest.mark.skipif(shutil.which("rpi-image-gen") is None, reason="rpi-image-gen is not installed")
@pytest.mark.parametrize("layer", LAYERS, ids=lambda path: path.stem)
def test_rpi_image_gen_has_nothing_to_say(layer: Path) -> None:
    """Its own lint of the header."""
    subprocess.run(["rpi-image-gen", "metadata", "--lint", layer], check=True, timeout=60)
