"""The Pi camera: brightness cut out of padded YUV rows, sensor times kept, buffers given back."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from platesieve.adapters.cameras.raspberry_pi import Picamera2Source, luma_plane
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.domain.errors import CameraError
from tests.fakes.picamera2 import FakePicamera2, FakeRequest, picamera2_module

if TYPE_CHECKING:
    from numpy.typing import NDArray


def opened(
    monkeypatch: pytest.MonkeyPatch, camera: type[FakePicamera2] = FakePicamera2, **options: Any
) -> tuple[Picamera2Source, FakePicamera2]:
    """Return a source and the camera behind it."""
    monkeypatch.setitem(sys.modules, "picamera2", picamera2_module(camera))
    source = Picamera2Source(SystemClock(), **options)
    behind: FakePicamera2 = source._camera
    return source, behind


def test_brightness_is_cut_out_of_padded_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are padded to the stride and followed by colour; neither reaches the frame."""
    source, _ = opened(monkeypatch, size_px=(100, 60))
    frame = source.read()
    assert frame is not None
    assert frame.luma.shape == (60, 100)
    assert frame.luma.max() < 255  # padding and colour are 255 in the fake


def test_the_sensor_gives_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Monotonic time is the sensor's; the wall time is as much younger than now as the frame is old."""
    source, camera = opened(monkeypatch)
    frame = source.read()
    assert frame is not None
    assert frame.monotonic_ns == camera.metadata["SensorTimestamp"]
    assert 0.002e9 <= time.time_ns() - frame.wall_ns < 1e9


@pytest.mark.parametrize("stamp", [None, 0, "soon", 2**62])
def test_a_senseless_timestamp_is_replaced_by_the_time_of_arrival(
    monkeypatch: pytest.MonkeyPatch, stamp: object
) -> None:
    """A sensor time of another clock must not put a read into another day."""

    class Odd(FakePicamera2):
        def capture_request(self) -> FakeRequest:
            request = super().capture_request()
            self.metadata = {"SensorTimestamp": stamp}
            return request

    frame = opened(monkeypatch, Odd)[0].read()
    assert frame is not None
    assert abs(time.time_ns() - frame.wall_ns) < 1e9


def test_every_buffer_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The camera has four buffers; one kept for good stops it after four frames."""
    source, camera = opened(monkeypatch, size_px=(64, 48))
    for _ in range(5):
        source.read()
    assert camera.held == 0
    source.close()
    assert camera.closed
    assert not camera.started


def test_a_buffer_is_given_back_when_reading_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also on the way out of an error."""

    class Broken(FakePicamera2):
        def capture_request(self) -> FakeRequest:
            request = super().capture_request()
            request.make_array = fail  # type: ignore[method-assign]  # break the one call
            return request

    def fail(name: str) -> NDArray[np.uint8]:
        raise RuntimeError("dma buffer is gone")

    source, camera = opened(monkeypatch, Broken)
    with pytest.raises(CameraError, match="failed while it ran"):
        source.read()
    assert camera.held == 0


def test_only_brightness_at_full_range_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """YUV420 and the wanted size; rate and short exposure where the camera knows them: others are refused."""
    _, camera = opened(monkeypatch, size_px=(640, 480), rate_hz=20.0)
    assert camera.configuration["main"] == {"size": (640, 480), "format": "YUV420"}
    assert camera.configuration["controls"] == {"FrameRate": 20.0, "AeExposureMode": 1}
    monkeypatch.setattr(FakePicamera2, "camera_controls", {})
    _, camera = opened(monkeypatch)
    assert camera.configuration["controls"] == {}


def test_without_picamera2_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no package that pip could bring to a Pi, so the hint names the Debian package and the environment."""
    monkeypatch.setitem(sys.modules, "picamera2", None)  # import raises ImportError
    with pytest.raises(CameraError, match="not installed") as refused:
        Picamera2Source(SystemClock())
    assert "sudo apt install -y python3-picamera2 --no-install-recommends" in refused.value.hint
    assert "--system-site-packages" in refused.value.hint


def test_without_a_camera_the_error_says_where_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """The IndexError by which picamera2 says "no camera" does not leak."""

    class Missing(FakePicamera2):
        found = False

    with pytest.raises(CameraError, match="no Pi camera") as refused:
        opened(monkeypatch, Missing)
    assert "ribbon" in refused.value.hint


def test_a_size_the_camera_refuses_is_said_and_the_camera_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without closing, the next start would find the camera taken."""
    made: list[FakePicamera2] = []

    class Watched(FakePicamera2):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

    with pytest.raises(CameraError, match="101 x 61"):
        opened(monkeypatch, Watched, size_px=(101, 61))
    assert made[0].closed


def test_a_size_the_camera_has_not_is_refused_instead_of_a_corner_being_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library takes another size without an error, and its picture would be cut to the one asked for."""

    class Small(FakePicamera2):
        widest = 1280

    assert opened(monkeypatch, Small, size_px=(1280, 720))[0].read() is not None
    with pytest.raises(CameraError, match="1920 x 1080 at 15 frames per second: the Pi camera gives 1280 x 1080"):
        opened(monkeypatch, Small, size_px=(1920, 1080))


@pytest.mark.parametrize("shape", [(10, 64), (90, 40), (90, 64, 3)])
def test_an_array_of_another_shape_is_an_error(shape: tuple[int, ...]) -> None:
    """A wrong stride or format must not be read as a picture."""
    with pytest.raises(CameraError, match="another picture"):
        luma_plane(np.zeros(shape, np.uint8), (64, 60))
    with pytest.raises(CameraError, match="another picture"):
        luma_plane(np.zeros((90, 64), np.float32), (64, 60))
