"""Labels are doubted where the net is sure of another text; those that a person read are not."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs the extra `train`")
pytest.importorskip("onnx", reason="needs the extra `train`")
pytest.importorskip("PIL", reason="needs the extra `train`")

from models.datasets.crops import Crop

bias, doubt, restore, sweeps = (
    importlib.import_module(f"models.reader.{name}") for name in ("bias", "doubt", "restore", "sweeps")
)

pytestmark = pytest.mark.training

RELEASED = Path(__file__).parents[2] / "models" / "released" / "reader.onnx"
PLATES = 16


@pytest.fixture(scope="module")
def reader() -> Any:
    """The released reader, which is sure of clean drawings."""
    pictures = [picture for picture, _ in sweeps.drawn_crops(32)]
    return restore.restored(RELEASED, doubt.np.stack(pictures)).eval()


@pytest.fixture(scope="module")
def plates() -> list[Crop]:
    """Drawn plates with their true texts, as if a machine had read them."""
    drawn = sweeps.draw_plates(PLATES, 41)
    crops = []
    for number, (plate, (luma, corners)) in enumerate(zip(drawn, bias.pictures(drawn), strict=True)):
        (left, top), (right, bottom) = corners[0], corners[2]
        box = (left, top, right - left, bottom - top)
        crops.append(Crop(luma, box, plate.text, human=False, source="drawn", name=f"drawn/{number}"))
    return crops


def mislabelled(crop: Crop, *, human: bool = False) -> Crop:
    """Return a crop whose label has another first character that no fold makes equal."""
    other = "X" if crop.text[0] != "X" else "M"
    return Crop(crop.luma, crop.box, other + crop.text[1:], human, crop.source, crop.name)


def test_a_wrong_label_is_doubted_and_a_right_one_is_not(reader: Any, plates: list[Crop]) -> None:
    """Of drawn plates the net reads most surely; what it does not read surely it does not doubt."""
    assert doubt.doubted(reader, plates) == []
    found = doubt.doubted(reader, [mislabelled(crop) for crop in plates])
    assert len(found) > PLATES / 4


def test_what_a_person_read_is_never_doubted(reader: Any, plates: list[Crop]) -> None:
    """Not even among machine-read crops, and a set that people read whole is no reason to stop."""
    by_people = [mislabelled(crop, human=True) for crop in plates]
    assert doubt.doubted(reader, by_people) == []
    both = doubt.doubted(reader, by_people + [mislabelled(crop) for crop in plates])
    assert both
    assert not any(crop.human for crop in both)
