"""What feeds systemd's watchdog in the camera process: a fresh frame together with an inference that succeeded."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import numpy as np

from platesieve.vision.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from platesieve.adapters.local.service_manager import Pulse
    from platesieve.domain.geometry import Detection
    from platesieve.ports import Camera, PlateFinder

INFERENCE_S: Final = 5.0  # an inference older than this is repeated on a blank picture: the road is not looked at
_BLANK_PX: Final = (96, 160)  # height and width


class WatchedFinder:
    """A PlateFinder that remembers when it last succeeded."""

    def __init__(self, finder: PlateFinder, now_s: Callable[[], float] = time.monotonic) -> None:
        self._finder, self._now_s = finder, now_s
        self.succeeded_s = float("-inf")

    def find(self, frame: Frame) -> tuple[Detection, ...]:
        """Return what the finder finds; see ports.PlateFinder."""
        found = self._finder.find(frame)
        self.succeeded_s = self._now_s()
        return found

    def prove(self) -> None:
        """Run once on a blank picture.

        Raises:
            ModelError: inference failed.
        """
        self.find(Frame(np.zeros(_BLANK_PX, np.uint8), 0, 0, 0))


class WatchedCamera:
    """A Camera whose fresh frames beat the pulse, as long as inference succeeds too.

    While nothing may be read (suspended, no policy in force) the finder is not asked about the road, so it has to
    prove itself on a blank picture: a device that obeys is not rebooted, and one whose runtime is broken is.
    """

    def __init__(self, camera: Camera, finder: WatchedFinder, pulse: Pulse) -> None:
        self._camera, self._finder, self._pulse = camera, finder, pulse
        self._last_number = -1

    @property
    def dropped(self) -> int:
        """Return how many frames were overtaken; see ports.Camera."""
        return self._camera.dropped

    def read(self) -> Frame | None:
        """Return the newest frame; see ports.Camera."""
        frame = self._camera.read()
        if frame is not None and frame.number != self._last_number:
            self._last_number = frame.number
            if self._pulse.now_s() - self._finder.succeeded_s > INFERENCE_S:
                self._finder.prove()
            self._pulse.beat()
        return frame

    def close(self) -> None:
        """Give the source back."""
        self._camera.close()
