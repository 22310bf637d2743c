"""Two seals between the groups of a serial are neither a character nor the colon of a clock."""

from __future__ import annotations

import importlib

import cv2
import numpy as np
import pytest

from platesieve.adapters.networks.onnx_models import OnnxPlateReader
from platesieve.domain.geometry import Detection
from platesieve.settings import Vision
from platesieve.vision.frame import Frame

pytest.importorskip("PIL", reason="needs the extra `train`")
pytest.importorskip("av", reason="needs the extra `train`")
emblems, sheets, writing = (
    importlib.import_module(f"models.datasets.plates.{name}") for name in ("emblems", "sheet", "writing")
)
formats = importlib.import_module("models.datasets.formats")
photograph = importlib.import_module("models.datasets.photographs").photograph
patterns = importlib.import_module("models.reader.patterns")

pytestmark = pytest.mark.training

CZECH = next(text for text in formats.tables()["CZ"]["formats"] if ":" in text)
PLATES = 200
READ_AS_NOTHING = 0.03
"""Of plain plates may be. Reader 2.6, which had hardly met small seals, took ten of a hundred for a clock."""


def test_seals_stand_one_above_the_other() -> None:
    """Two spots of one size, apart, with nothing beside them."""
    for seed in range(40):
        mask = emblems.seals(np.random.default_rng(seed), 40.0, 80.0)
        count, _, stats, centres = cv2.connectedComponentsWithStats((mask > 0).astype(np.uint8))
        assert mask.shape[0] == 80
        if count == 2:  # large ones close together touch
            assert emblems.SEAL_SIZE[1] > emblems.SEALS_APART[0]
            continue
        assert count == 3
        upper, lower = sorted(centres[1:], key=lambda centre: float(centre[1]))
        assert abs(upper[0] - lower[0]) < 0.1 * 80
        assert emblems.SEALS_APART[0] * 70 < lower[1] - upper[1] < emblems.SEALS_APART[1] * 90
        assert stats[1, cv2.CC_STAT_AREA] == pytest.approx(stats[2, cv2.CC_STAT_AREA], rel=0.3)


def test_seals_are_no_characters() -> None:
    """They stand in a drawn serial and in no pattern that the device decodes by."""
    serial = writing.write_serial(np.random.default_rng(1), CZECH)
    assert serial[3] == ":"
    assert len(serial) == 8
    font = writing.shelf().pick(np.random.default_rng(2), 0.0, "din")
    with_seals, without = (
        writing.set_line(np.random.default_rng(3), font, text, 60.0, 1.0, 0.3) for text in ("4H2:7756", "4H27756")
    )
    assert with_seals.shape[1] > without.shape[1]
    assert any(":" in text for text in formats.tables()["DE"]["formats"])
    assert ":" not in "".join(patterns._patterns_of(formats.series(formats.tables()["DE"], None)))


def test_a_plain_plate_with_small_seals_is_no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The released reader, told nothing of the plate but its box, finds a text on nearly all."""
    monkeypatch.setattr(emblems, "SEAL_SIZE", (0.20, 0.32))
    monkeypatch.setattr(emblems, "SEALS_APART", (0.42, 0.58))
    rng, reader = np.random.default_rng(8), OnnxPlateReader(Vision())
    nothing = plates = 0
    while plates < PLATES:
        picture = photograph(rng, _plain_plate(rng), None)
        if np.ptp(picture.quad[:, 0]) >= 80:
            corners = tuple((float(x), float(y)) for x, y in picture.quad)
            read = reader.read(Frame(picture.luma, 0, 0, 0), Detection(corners, 0.8))  # type: ignore[arg-type]
            plates, nothing = plates + 1, nothing + (read is None)
    assert nothing <= READ_AS_NOTHING * PLATES


def _plain_plate(rng: np.random.Generator) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """Draw dark figures on a light ground, without a band, and two seals among them."""
    sheet = sheets.new_sheet(rng, 4.6, dark_ground=0.0, busy=0.0)
    width, height = sheet.size
    high = height * float(rng.uniform(0.55, 0.72))
    area = (width * 0.08, (height - high) / 2, width * 0.86, high)
    serial = writing.write_serial(rng, CZECH)
    writing.set_serial(rng, sheet, writing.shelf().pick(rng, 0.0, "din"), serial, area, fill=(0.85, 1.0))
    return sheets.finish(rng, sheet)  # type: ignore[no-any-return]
