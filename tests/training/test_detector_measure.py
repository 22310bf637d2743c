"""What the detector's card says of its scenes."""

from __future__ import annotations

import importlib
from types import SimpleNamespace

import pytest

pytest.importorskip("PIL", reason="needs the extra `train`")
pytest.importorskip("onnx", reason="needs the extra `train`")
measure = importlib.import_module("models.detector.measure")
provenance = importlib.import_module("models.common.provenance")

pytestmark = pytest.mark.training


def test_scenes_are_counted_as_they_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures and plates, apart for training and held out; a set that keeps none back says none."""
    scenes = [("openlpr", False, 1), ("openlpr", False, 2), ("openlpr", True, 1), ("kaggle-cars", False, 0)]
    loaded = [SimpleNamespace(source=s, held_out=h, plates=("plate",) * n) for s, h, n in scenes]
    monkeypatch.setattr(measure, "load_scenes", lambda: loaded)
    counts = measure.count_scenes()
    assert counts == {
        "openlpr": {"training": [2, 3], "held_out": [1, 1]},
        "kaggle-cars": {"training": [1, 0], "held_out": [0, 0]},
    }
    told = provenance.detector_data({}, {"scenes": counts})
    assert "| openlpr | 2 / 3 | 1 / 1 |" in told
    assert "| kaggle-cars | 1 / 0 | none |" in told
    assert "| **together** | **3 / 3** | **1 / 1** |" in told
    assert "not counted" not in told


def test_uncounted_scenes_are_said_to_be() -> None:
    """Their origins and terms stand all the same."""
    told = provenance.detector_data({}, {})
    assert told.count("| not counted | not counted |") == len(provenance.SCENES)
    assert "CC BY 4.0 as stated" in told
