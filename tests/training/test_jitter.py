"""Held-out crops under boxes as wrong as a detector's: the boxes, what is counted, and whom it is counted for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.datasets.crops import BY_EYE, Crop
from models.reader import jitter
from platesieve.domain.plate import Glyph, PlateRead, PlateText
from platesieve.evaluation.confidence import Answer

if TYPE_CHECKING:
    from platesieve.domain.geometry import Detection
    from platesieve.vision.frame import Frame

pytestmark = pytest.mark.training

BOX = (20.0, 10.0, 100.0, 25.0)


def read_of(text: str, detection: Detection, sure: float = 0.9) -> PlateRead:
    """Return a read of a text, each glyph as sure."""
    return PlateRead(PlateText(text), tuple(Glyph(((c, sure),)) for c in text), detection)


class Fake:
    """Reads AB1O where the box is the true one, and nothing where it is not."""

    def read(self, _: Frame, detection: Detection) -> PlateRead | None:
        """Return the read."""
        x, y, w, h = BOX
        true = detection.corners == ((x, y), (x + w, y), (x + w, y + h), (x, y + h))
        return read_of("AB1O", detection) if true else None


def test_wrong_boxes_are_wrong_by_the_detectors_error() -> None:
    """Corners are off by about nine in a hundred of the height, and not in one direction."""
    rng = np.random.default_rng(1)
    x, y, w, h = BOX
    true = np.asarray([(x, y), (x + w, y), (x + w, y + h), (x, y + h)])
    errors = np.asarray([jitter.wrong_box(rng, BOX) for _ in range(2000)]) - true
    assert np.sqrt((errors**2).sum(-1).mean()) / h == pytest.approx(0.09, abs=0.015)
    assert np.abs(errors.mean(0)).max() < 0.3


def test_each_group_kind_and_reader_has_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """One true box and three wrong ones a crop; O for 0 is right folded and wrong strictly."""
    crop = Crop(np.zeros((45, 140), np.uint8), BOX, "AB10", True, "india", "a")
    monkeypatch.setattr(jitter, "load_crops", lambda **_: {BY_EYE: [crop], "crops-openlpr": [crop, crop]})
    rows = jitter.measure({"1": Fake()}, 5)
    assert {key: len(row.reads) for key, row in rows.items()} == {
        ("read by eye", "true", "1"): 1, ("read by eye", "wrong", "1"): 3,
        ("photographs", "true", "1"): 2, ("photographs", "wrong", "1"): 6,
    }  # fmt: skip
    assert rows["read by eye", "true", "1"].reads == [Answer(0.9, right=True)]
    assert (rows["read by eye", "true", "1"].strict, rows["photographs", "true", "1"].strict) == (0, 0)
    assert rows["read by eye", "wrong", "1"].reads == [Answer(0.0, right=False)] * 3


def test_precision_is_that_of_the_surest() -> None:
    """Nine of ten: the least sure one is wrong and does not count, the next would."""
    row = jitter.Row([Answer(0.9, right=True)] * 9 + [Answer(0.1, right=False)], 9)
    assert str(row).split() == ["10", "9", "9", "1.000"]
    row.reads[0] = Answer(0.95, right=False)
    assert str(row).split()[-1] == "0.889"
