"""Picamera2 as it is, over libcamera's virtual camera: only what that camera lacks is added here.

The virtual camera shows JPEGs as fast as they are asked for, each four times, as NV12 in buffers of two planes. A Pi's
paces itself, knows YUV420 (the same brightness, its colour in another order), raw modes, and buffers of one plane.
`install` puts the class where `import picamera2` finds it; processes of the tests do that by `inside/sitecustomize.py`.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import libcamera
import picamera2
from picamera2.allocators import LibcameraAllocator

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

PICTURES = Path("/pictures")  # of the virtual camera's own configuration
SIZE_PX = (1280, 720)
SHOWN_TIMES = 4
STALLED = Path("/tmp/camera-stalled")  # noqa: S108 - in a private mount of the tests: while it is there, frames stop


class ReplayPicamera2(picamera2.Picamera2):  # type: ignore[misc]  # picamera2 declares no types here
    """A Picamera2 that replays."""

    def __init__(self) -> None:
        super().__init__()
        self.allocator = LibcameraAllocator(self.camera)
        self._kept: list[Any] = []
        self._interval_s = self._next_s = 0.0

    def create_preview_configuration(self, main: dict[str, Any] | None = None, **others: Any) -> dict[str, Any]:
        """Return the configuration with the one picture format that the virtual camera has."""
        if main is not None:  # otherwise it is picamera2 itself that asks, at its start
            assert main["format"] == "YUV420"
            main = {**main, "format": "NV12"}
            self._interval_s = 1 / others["controls"]["FrameRate"]
        made: dict[str, Any] = super().create_preview_configuration(main or {}, **others)
        return made

    def capture_request(self, *words: Any, **named: Any) -> Any:
        """Return the next frame when it is due. While stalled, keep every buffer: the camera then hangs by itself."""
        self._next_s = max(self._next_s + self._interval_s, time.monotonic())
        time.sleep(max(0.0, self._next_s - time.monotonic()))
        while STALLED.exists():
            self._kept.append(super().capture_request(*words, **named))
        return super().capture_request(*words, **named)

    def _get_raw_modes(self) -> list[dict[str, Any]]:
        main = self.camera.generate_configuration([libcamera.StreamRole.VideoRecording]).at(0)
        return [{"format": str(main.pixel_format), "size": (main.size.width, main.size.height)}]


def install() -> None:
    """Let `picamera2.Picamera2` be the one that replays."""
    picamera2.Picamera2 = ReplayPicamera2


def show(pictures: Iterable[NDArray[np.uint8]]) -> None:
    """Write what the virtual camera shows, in this order and for ever, from when it is opened."""
    import cv2  # noqa: PLC0415 - processes that only replay need none

    for old in PICTURES.iterdir():
        old.unlink()
    for number, picture in enumerate(pictures):
        assert cv2.imwrite(str(PICTURES / f"{number}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 95])
