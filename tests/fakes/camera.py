"""Cameras that follow a script.

Usage::

    clock = FakeClock()
    camera = FakeCamera([picture, picture, Drop(3), picture, Stall()], clock, interval_s=0.1)

`FakeCamera` is the Camera port; `FakeSource` is the blocking Source behind `NewestFrame`.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from platesieve.domain.errors import CameraError
from platesieve.domain.instant import NS_PER_S
from platesieve.vision.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from platesieve.ports import Clock
    from tests.fakes.clock import FakeClock


@dataclass(frozen=True, slots=True)
class Drop:
    """This many frames were overtaken: they count and take time, but nobody sees them."""

    frames: int = 1


@dataclass(frozen=True, slots=True)
class Stall:
    """From here on nothing comes: `FakeCamera` raises, `FakeSource` blocks for `seconds`."""

    seconds: float = 4.0


@dataclass(frozen=True, slots=True)
class Vanish:
    """The camera is unplugged."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """The driver hands out the frame before once more, timestamp and all."""


Step: TypeAlias = "NDArray[np.uint8] | Drop | Stall | Vanish | Repeat"


def noise(seed: int, size_px: tuple[int, int] = (64, 48)) -> NDArray[np.uint8]:
    """Return a picture unlike that of any other seed, as sensor noise makes every real frame."""
    return np.random.default_rng(seed).integers(0, 256, (size_px[1], size_px[0]), np.uint8)


class FakeCamera:
    """The Camera port by script: each frame moves the clock on by `interval_s`."""

    def __init__(self, script: Iterable[Step], clock: FakeClock, interval_s: float = 1 / 15) -> None:
        self.dropped = 0
        self.closed = False
        self._script: Iterator[Step] = iter(script)
        self._clock, self._interval_s = clock, interval_s
        self._number = 0

    def read(self) -> Frame | None:
        """Return the next frame of the script, or None at its end.

        Raises:
            CameraError: the script says Stall or Vanish.
        """
        for step in self._script:
            if self.closed:
                return None
            if isinstance(step, Drop):
                self._pass_frames(step.frames)
                self.dropped += step.frames
            elif isinstance(step, Stall):
                self._clock.advance(step.seconds)
                raise CameraError(f"the camera stalled: no new frame for {step.seconds:g} s", "check the cable")
            elif isinstance(step, Vanish):
                raise CameraError("the camera went away", "plug it in again")
            elif not isinstance(step, Repeat):
                return self._frame(step)
        return None

    def close(self) -> None:
        """End the script."""
        self.closed = True
        self._script = iter(())

    def _frame(self, luma: NDArray[np.uint8]) -> Frame:
        now = self._clock.now()
        frame = Frame(luma, self._number, now.wall_ns, now.monotonic_ns)
        self._pass_frames(1)
        return frame

    def _pass_frames(self, frames: int) -> None:
        self._number += frames
        self._clock.advance(frames * self._interval_s)


class FakeSource:
    """A blocking Source by script, in real time; `closed` is set when the capture thread gives it back."""

    def __init__(self, script: Iterable[Step], clock: Clock, interval_s: float = 0.005) -> None:
        self.closed = threading.Event()
        self.delivered = 0
        self._script = iter(script)
        self._clock, self._interval_s = clock, interval_s
        self._last: Frame | None = None

    def read(self) -> Frame | None:
        """Return the next frame of the script after `interval_s`; block at Stall."""
        time.sleep(self._interval_s)
        for step in self._script:
            if isinstance(step, Stall):
                time.sleep(step.seconds)
            elif isinstance(step, Vanish):
                raise CameraError("the camera went away", "plug it in again")
            elif isinstance(step, Repeat):
                return self._last
            elif not isinstance(step, Drop):
                self._last = self._frame(step)
                return self._last
        return None

    def close(self) -> None:
        """Remember that it was given back."""
        self.closed.set()

    def _frame(self, luma: NDArray[np.uint8]) -> Frame:
        now = self._clock.now()
        time_ns = now.monotonic_ns if self._last is None else max(now.monotonic_ns, self._last.monotonic_ns + 1)
        frame = Frame(luma, self.delivered, now.wall_ns, time_ns)
        self.delivered += 1
        return frame


def seconds_between(earlier: Frame, later: Frame) -> float:
    """Return the time from one frame to another by the monotonic clock."""
    return (later.monotonic_ns - earlier.monotonic_ns) / NS_PER_S
