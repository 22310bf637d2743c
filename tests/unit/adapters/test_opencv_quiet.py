"""OpenCV is silenced, whichever of its versions is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

from platesieve.adapters.cameras.opencv_quiet import quieten

if TYPE_CHECKING:
    import pytest


def test_opencv_4_is_silenced_by_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bookworm's numpy holds OpenCV at 4.11, where the function has another place."""
    levels: list[int] = []
    monkeypatch.delenv("OPENCV_LOG_LEVEL", raising=False)
    monkeypatch.setattr(cv2, "setLogLevel", levels.append, raising=False)
    quieten()

    assert levels == [0]
