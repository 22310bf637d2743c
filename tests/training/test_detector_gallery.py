"""The sheet of drawn scenes where a detector fails."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import cv2
import pytest

from platesieve.domain.geometry import Detection

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

pytest.importorskip("PIL", reason="needs the extra `train`")
pytest.importorskip("onnx", reason="needs the extra `train`")
sweeps = importlib.import_module("models.reader.sweeps")
card, gallery = (importlib.import_module(f"models.detector.{name}") for name in ("card", "gallery"))

pytestmark = pytest.mark.training


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve scenes at most, on a sheet of four."""
    monkeypatch.setattr(gallery, "SCENES", 12)
    monkeypatch.setattr(gallery, "ROWS", 1)


@pytest.mark.usefixtures("few")
def test_a_detector_that_finds_nothing_misses_every_plate(tmp_path: Path) -> None:
    """The sheet is full, and the card tells how many scenes it took."""
    told = gallery.failures(tmp_path / "sheet.png", lambda _luma: ())
    assert told["missed"] == told["plates"] >= 4
    assert told["false"] == 0
    sheet = cv2.imread(str(tmp_path / "sheet.png"), cv2.IMREAD_GRAYSCALE)
    assert sheet is not None
    assert sheet.shape[1] == 4 * (gallery.WIDTH // 2 + 8)
    line = card.failures({}, {"drawn_failures": told})
    assert f"In {told['scenes']} drawn scenes" in line
    assert "(failures.png)" in line


@pytest.mark.usefixtures("few")
def test_what_is_found_where_nothing_is_counts_as_false(tmp_path: Path) -> None:
    """A detector that always points at one corner of the picture."""
    corners = ((2.0, 2.0), (40.0, 2.0), (40.0, 12.0), (2.0, 12.0))
    told = gallery.failures(tmp_path / "sheet.png", lambda _luma: (Detection(corners, 0.9),))
    assert told["false"] >= 3
    assert told["scenes"] < 12


@pytest.mark.usefixtures("few")
def test_a_detector_that_knows_the_scenes_leaves_an_empty_sheet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing to show is shown as nothing, after all scenes were tried."""
    whole: list[Any] = []

    def split(plates: list[Any], width: int, height: int) -> Any:
        whole[:], cut = gallery_split(plates, width, height)
        return list(whole), cut

    gallery_split = gallery.split_by_edge
    monkeypatch.setattr(gallery, "split_by_edge", split)

    def find(_luma: np.ndarray) -> tuple[Detection, ...]:
        return tuple(Detection(sweeps.corners(plate.corners), 0.9) for plate in whole)

    told = gallery.failures(tmp_path / "sheet.png", find)
    assert told["scenes"] == 12
    assert told["plates"] > 0
    assert (told["missed"], told["false"]) == (0, 0)
    assert (tmp_path / "sheet.png").is_file()


def test_without_a_measurement_the_card_says_so() -> None:
    """Never an empty sentence."""
    assert "not measured" in card.failures({}, {})
