"""OpenCV is silenced, whichever of its versions is installed."""

from __future__ import annotations

import cv2
import pytest

from platesieve.adapters.cameras.opencv_quiet import quieten


def test_opencv_4_is_silenced_by_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bookworm's numpy holds OpenCV at 4.11, where the function has another place."""
    levels: list[int] = []
    monkeypatch.delenv("OPENCV_LOG_LEVEL", raising=False)
    monkeypatch.setattr(cv2, "setLogLevel", levels.append, raising=False)
    quieten()

    assert levels == [0]
