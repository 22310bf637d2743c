"""Plates made narrower, blurred and turned: the faults are what they say, and the counts are of what was read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from platesieve.domain.geometry import Box, Detection
from platesieve.domain.plate import PlateRead, PlateText
from platesieve.evaluation.labels import LabelledPlate
from platesieve.evaluation.pictures import is_right
from platesieve.evaluation.sweep import WIDTHS_PX, Sweeps, blurred, cut, narrowed, turned
from platesieve.vision.frame import Frame
from tests.unit.tracking.scene import read_of

CORNERS = ((50.0, 40.0), (150.0, 40.0), (150.0, 70.0), (50.0, 70.0))


def plate(text: str | None = "AB12CDE") -> LabelledPlate:
    """Return a plate 100 px wide at CORNERS."""
    return LabelledPlate(Box(50, 40, 100, 30), CORNERS, PlateText(text) if text else None)


def picture() -> np.ndarray:
    """Return a dark picture of 300 x 200 with a bright plate that has one dark bar in its middle."""
    luma = np.full((200, 300), 20, np.uint8)
    luma[40:70, 50:150] = 220
    luma[45:65, 98:102] = 30
    return luma


@dataclass
class Reader:
    """Reads a plate that is at least so wide, whatever it shows."""

    least_px: float

    def read(self, frame: Frame, detection: Detection) -> PlateRead | None:  # noqa: ARG002 - the port's signature
        """Return the text, or None where the plate is too narrow."""
        wide = np.hypot(*np.subtract(detection.corners[1], detection.corners[0]))
        return read_of("AB12CDE", detection) if wide >= self.least_px else None


def rows(sweeps: Sweeps, fault: str) -> dict[int, tuple[float, int]]:
    """Return share and n by strength."""
    return {row["at"]: (row["value"], row["n"]) for row in sweeps.as_json()[fault]}


def test_a_reader_that_needs_fifty_pixels_is_seen_to() -> None:
    """And a plate is never enlarged: a step above its own width counts nothing."""
    sweeps = Sweeps.empty()
    sweeps.add(Frame(picture(), 0, 0, 0), [plate(), plate(None)], Reader(49.9), is_right)
    found = rows(sweeps, "width_px")
    assert found == {at: (float(at >= 50), 1) for at in WIDTHS_PX if at <= 100}
    assert max(found) == 100 < max(WIDTHS_PX)


def test_a_plate_turned_away_is_narrower_in_the_picture() -> None:
    """Sixty degrees leave half of the width, so that reader fails there and beyond."""
    sweeps = Sweeps.empty()
    sweeps.add(Frame(picture(), 0, 0, 0), [plate()], Reader(60), is_right)
    assert {at: value for at, (value, _) in rows(sweeps, "angle_deg").items()} == {
        0: 1.0, 15: 1.0, 30: 1.0, 40: 1.0, 50: 1.0, 60: 0.0, 70: 0.0,
    }  # fmt: skip


def test_a_wrong_text_counts_as_wrong() -> None:
    """Folded with labels corrected, as everywhere."""
    sweeps = Sweeps.empty()
    sweeps.add(Frame(picture(), 0, 0, 0), [plate("AB12CDF")], Reader(0), is_right)
    assert {value for value, _ in rows(sweeps, "blur_percent").values()} == {0.0}


@pytest.mark.parametrize("angle", [0, 30, 60])
def test_the_corners_stay_on_the_plate(angle: int) -> None:
    """What lies inside them is bright, what lies outside dark."""
    luma, quad = turned(cut(picture(), CORNERS), angle)
    left, top = quad.min(axis=0)
    right, bottom = quad.max(axis=0)
    middle = luma[round(top) + 3 : round(bottom) - 3]
    assert middle[:, round(left) + 3 : round(left) + 8].mean() > 200
    assert middle[:, round(right) - 8 : round(right) - 3].mean() > 200
    assert luma[:, : round(left) - 3].max() < 60
    assert luma[:, round(right) + 3 :].max() < 60
    assert right - left == pytest.approx(100 * np.cos(np.radians(angle)), rel=0.02)


def test_narrowing_scales_plate_and_corners_alike() -> None:
    """Half as wide and half as high."""
    luma, quad = narrowed(cut(picture(), CORNERS), 50)
    assert quad[1, 0] - quad[0, 0] == pytest.approx(50, abs=0.5)
    assert quad[3, 1] - quad[0, 1] == pytest.approx(15, abs=0.5)
    assert luma[round(quad[0, 1]) + 2, round(quad[0, 0]) + 2] > 200


def test_motion_smears_along_the_plate_and_not_across() -> None:
    """The bar, 4 px wide, fades under a streak of 12 px; rows do not mix."""
    sharp, _ = cut(picture(), CORNERS)
    smeared, quad = blurred((sharp, cut(picture(), CORNERS)[1]), 0.12)
    x, y = (round(v) for v in quad.mean(axis=0))
    assert sharp[y, x] == 30
    assert 120 < smeared[y, x] < 180
    across = smeared[:, x + 20].astype(int)
    assert np.array_equal(across, sharp[:, x + 20].astype(int))
    assert np.array_equal(blurred((sharp, quad), 0.0)[0], sharp)


def test_a_plate_at_the_edge_of_the_picture_is_cut_with_its_edge_repeated() -> None:
    """The reader may look beyond the picture."""
    luma, quad = cut(picture(), ((0.0, 0.0), (60.0, 0.0), (60.0, 20.0), (0.0, 20.0)))
    assert luma.shape == (40, 120)
    assert quad[0].tolist() == [30.0, 10.0]
    assert set(luma[:, :30].ravel().tolist()) == {20}
