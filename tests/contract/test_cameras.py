"""What every camera promises, the fake one first: frames in order, honest counts, and an end that is safe."""

from __future__ import annotations

import itertools
import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from platesieve.adapters.cameras.folder import FolderCamera
from platesieve.adapters.cameras.newest_frame import NewestFrame
from platesieve.adapters.cameras.setting import open_camera
from platesieve.adapters.cameras.stream import StreamSource
from platesieve.adapters.cameras.video import VideoCamera
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.domain.errors import CameraError
from tests.fakes.camera import Drop, FakeCamera, FakeSource, noise
from tests.fakes.clock import FakeClock
from tests.fakes.picamera2 import picamera2_module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from platesieve.ports import Camera
    from platesieve.vision.frame import Frame

WIDE, HIGH, FRAMES = 96, 64, 8


@dataclass(frozen=True)
class Case:
    """How a camera is opened, and whether it ends by itself with None."""

    name: str
    open: Callable[[Path], Camera]
    finite: bool = True

    def __str__(self) -> str:
        return self.name


def write_folder(folder: Path) -> Path:
    """Write numbered pictures."""
    for i in range(FRAMES):
        assert cv2.imwrite(str(folder / f"{i:03d}.png"), noise(i, (WIDE, HIGH)))
    return folder


def write_clip(folder: Path, frames: int = FRAMES, rate_hz: float = 50) -> Path:
    """Write a clip whose frames grow brighter."""
    path = folder / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate_hz, (WIDE, HIGH))
    for i in range(frames):
        writer.write(np.full((HIGH, WIDE, 3), 20 + 20 * (i % 10), np.uint8))
    writer.release()
    return path


class PacedStream(StreamSource):
    """A clip in the place of a network camera, slowed down so that it does not end before it is looked at."""

    def read(self) -> Frame | None:
        """Return the next frame after 5 ms."""
        SystemClock().sleep(0.005)
        return super().read()


def open_picamera2(_folder: Path) -> Camera:
    """Open the Pi camera; the module is the one put in by `picamera2_installed`."""
    return open_camera(f"picamera2:{WIDE}x{HIGH}@100", SystemClock())


CASES = [
    Case("fake", lambda _: FakeCamera([noise(i, (WIDE, HIGH)) for i in range(FRAMES)], FakeClock())),
    Case("fake-dropping", lambda _: FakeCamera([noise(0, (WIDE, HIGH)), Drop(3), noise(1, (WIDE, HIGH))], FakeClock())),
    Case("folder", lambda folder: FolderCamera(write_folder(folder), FakeClock())),
    Case("video-fast", lambda folder: VideoCamera(write_clip(folder), FakeClock(), pace="fast")),
    Case("video-live", lambda folder: VideoCamera(write_clip(folder), SystemClock(), pace="live")),
    Case("video-overtaken", lambda folder: VideoCamera(write_clip(folder, 40, 1000), SystemClock(), pace="live")),
    Case(
        "newest-frame",
        lambda _: NewestFrame(
            partial(FakeSource, [noise(i, (WIDE, HIGH)) for i in range(40)], SystemClock(), interval_s=0.002)
        ),
    ),
    Case(
        "stream",
        lambda folder: NewestFrame(partial(PacedStream, str(write_clip(folder, 300)), SystemClock())),
        finite=False,
    ),
    Case("picamera2", open_picamera2, finite=False),
]


@pytest.fixture(autouse=True)
def picamera2_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand a small picamera2 in the place of the real one."""
    monkeypatch.setitem(sys.modules, "picamera2", picamera2_module())


@pytest.fixture(params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    """Return each camera in turn."""
    found: Case = request.param
    return found


@pytest.fixture
def camera(case: Case, tmp_path: Path) -> Iterator[Camera]:
    """Open a camera and close it."""
    opened = case.open(tmp_path)
    yield opened
    opened.close()


def some_frames(camera: Camera, count: int = FRAMES) -> list[Frame]:
    """Return frames until there are `count`, or the camera ends or goes away."""
    frames: list[Frame] = []
    try:
        while len(frames) < count and (frame := camera.read()) is not None:
            frames.append(frame)
    except CameraError:
        assert frames
    return frames


def test_a_frame_is_brightness(camera: Camera) -> None:
    """Pixels are H x W, uint8: no colour passes the camera."""
    for frame in some_frames(camera):
        assert frame.luma.dtype == np.uint8
        assert frame.luma.shape == (HIGH, WIDE)


def test_numbers_and_both_clocks_run_forward(camera: Camera) -> None:
    """Later frames have higher numbers and later times, and the two clocks agree on what passed between them."""
    frames = some_frames(camera)
    assert len(frames) >= 2
    for earlier, later in itertools.pairwise(frames):
        assert later.number > earlier.number
        assert later.monotonic_ns > earlier.monotonic_ns
        passed_ns = later.monotonic_ns - earlier.monotonic_ns
        assert abs(later.wall_ns - earlier.wall_ns - passed_ns) < 50_000_000


def test_every_frame_is_delivered_or_counted_as_dropped(camera: Camera) -> None:
    """What the numbers skip is what `dropped` counts: a loss is never silent."""
    frames = some_frames(camera, 5)
    numbers = [frame.number for frame in frames]
    skipped = sum(later - earlier - 1 for earlier, later in itertools.pairwise(numbers)) + numbers[0]
    assert camera.dropped >= skipped
    camera.close()
    assert camera.dropped <= skipped + 300  # overtaken since, or never read


def test_pixels_stay_valid_until_the_next_read(camera: Camera) -> None:
    """The reader may look at a frame for as long as it does not ask for another one."""
    frame = camera.read()
    assert frame is not None
    before = frame.luma.copy()
    SystemClock().sleep(0.03)
    assert np.array_equal(frame.luma, before)


def test_none_is_the_end_of_a_finite_camera_and_of_no_other(case: Case, camera: Camera) -> None:
    """None says that it is over, and says so every time; a live camera delivers or raises."""
    if case.finite:
        while camera.read() is not None:
            pass
        assert camera.read() is None
    else:
        assert all(camera.read() is not None for _ in range(10))


def test_closing_twice_is_safe(camera: Camera) -> None:
    """Closing again does nothing, and a closed camera gives no frame."""
    camera.read()
    camera.close()
    camera.close()
    assert camera.read() is None
