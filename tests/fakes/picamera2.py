"""The few calls of picamera2 that we use, with its real shapes: YUV420 planes whose rows are padded to a stride.

Usage::

    monkeypatch.setitem(sys.modules, "picamera2", picamera2_module(FakePicamera2))
"""

from __future__ import annotations

import time
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRIDE_PX = 64


class FakeRequest:
    """One captured buffer; the array is a copy, as picamera2's is."""

    def __init__(self, camera: FakePicamera2, size_px: tuple[int, int]) -> None:
        self._camera, self._size = camera, size_px

    def make_array(self, name: str) -> NDArray[np.uint8]:
        """Return (H * 3 / 2) x stride: brightness first, then colour; the padding is 255."""
        assert name == "main"
        wide, high = self._size
        stride = -(-wide // STRIDE_PX) * STRIDE_PX
        plane = np.full((high * 3 // 2, stride), 255, np.uint8)
        plane[:high, :wide] = np.random.default_rng(self._camera.delivered).integers(0, 200, (high, wide), np.uint8)
        return plane

    def get_metadata(self) -> dict[str, Any]:
        """Return what a sensor says."""
        return dict(self._camera.metadata)

    def release(self) -> None:
        """Give the buffer back."""
        self._camera.held -= 1


class FakePicamera2:
    """A camera of 100 frames per second that counts buffers which were not given back."""

    camera_controls: dict[str, tuple[int, int, int]] = {  # noqa: RUF012 - as the real one has it
        "AeExposureMode": (0, 3, 0),
        "FrameDurationLimits": (33333, 120000, 33333),  # what picamera2's FrameRate turns into
    }
    found: bool = True
    widest: int = 4608

    def __init__(self) -> None:
        if not self.found:
            raise IndexError("list index out of range")
        self.held = self.delivered = 0
        self.metadata: dict[str, Any] = {}
        self.configuration: dict[str, Any] = {}
        self.started = self.closed = False

    def create_preview_configuration(self, **configuration: Any) -> dict[str, Any]:
        """Return the configuration as it was asked for."""
        return configuration

    def configure(self, configuration: dict[str, Any]) -> None:
        """Refuse what the real one refuses: odd sizes."""
        if any(side % 2 for side in configuration["main"]["size"]):
            raise RuntimeError("lores and YUV streams need even sizes")
        self.configuration = configuration
        wide, high = configuration["main"]["size"]
        self.adjusted = {"main": {"size": (min(wide, self.widest), high)}}

    def camera_configuration(self) -> dict[str, Any]:
        """Return what was made of it: libcamera takes the nearest that it has, and picamera2 says so here."""
        return self.adjusted

    def start(self) -> None:
        """Begin to deliver."""
        self.started = True

    def capture_request(self) -> FakeRequest:
        """Wait for the next frame."""
        time.sleep(0.01)
        if not self.started:
            raise RuntimeError("camera is not running")
        self.held += 1
        self.delivered += 1
        self.metadata = {"SensorTimestamp": time.clock_gettime_ns(time.CLOCK_BOOTTIME) - 2_000_000, "Lux": 400.0}
        return FakeRequest(self, self.configuration["main"]["size"])

    def stop(self) -> None:
        """Stop delivering."""
        self.started = False

    def close(self) -> None:
        """Give the camera back."""
        self.closed = True


def picamera2_module(camera: type[FakePicamera2] = FakePicamera2) -> ModuleType:
    """Return a module to put at sys.modules["picamera2"]."""
    module = ModuleType("picamera2")
    module.Picamera2 = camera  # type: ignore[attr-defined]  # a module made by hand has no declared names
    return module
