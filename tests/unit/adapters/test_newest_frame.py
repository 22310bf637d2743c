"""Only the newest frame is kept, and a camera that stopped living is noticed in time."""

from __future__ import annotations

import logging
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest

from platesieve.adapters.cameras.newest_frame import NewestFrame, Patience
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.domain.errors import CameraError
from tests.fakes.camera import FakeSource, Repeat, Stall, Vanish, noise

if TYPE_CHECKING:
    from collections.abc import Iterable

    from platesieve.adapters.cameras.newest_frame import Source
    from tests.fakes.camera import Step

QUICK = Patience(open_s=1.0, stall_s=0.25, freeze_s=0.25)


def source_of(script: Iterable[Step], interval_s: float = 0.005) -> FakeSource:
    """Return a blocking source in real time."""
    return FakeSource(script, SystemClock(), interval_s)


def read_until_error(camera: NewestFrame) -> CameraError:
    """Read on until the camera raises."""
    with pytest.raises(CameraError) as raised:
        read_all(camera)
    return raised.value


def read_all(camera: NewestFrame) -> None:
    """Read to the end."""
    while camera.read() is not None:
        pass


def test_a_slow_reader_gets_the_newest_frame_and_the_rest_is_counted() -> None:
    """Frames that were overtaken are dropped, never queued: memory stays the same."""
    source = source_of([noise(i) for i in range(40)])
    camera = NewestFrame(lambda: source)
    first = camera.read()
    time.sleep(0.1)
    later = camera.read()
    assert first is not None
    assert later is not None
    assert later.number - first.number > 5
    assert camera.dropped >= later.number - first.number - 1
    camera.close()


def test_no_frame_for_too_long_is_an_error_in_time() -> None:
    """A driver that hangs is noticed within the patience, although its thread stays stuck."""
    camera = NewestFrame(lambda: source_of([noise(0), Stall(30)]), QUICK)
    assert camera.read() is not None
    start = time.monotonic()
    error = read_until_error(camera)
    assert "stalled" in error.message
    assert time.monotonic() - start < 0.6


def test_the_same_frame_again_and_again_counts_as_no_frame() -> None:
    """A driver that repeats one timestamp is stalled, however often it answers."""
    camera = NewestFrame(lambda: source_of([noise(0), *[Repeat()] * 2000]), QUICK)
    assert "stalled" in read_until_error(camera).message
    camera.close()


def test_the_same_picture_under_new_times_is_a_freeze() -> None:
    """Sensors have noise; a picture that never changes comes from a buffer, not from a sensor."""
    still = noise(0)
    camera = NewestFrame(lambda: source_of([still] * 2000), QUICK)
    assert "froze" in read_until_error(camera).message
    camera.close()


def test_pictures_that_differ_are_no_freeze() -> None:
    """Control: the same run with noise in the pictures goes through to its end."""
    camera = NewestFrame(lambda: source_of([noise(i) for i in range(120)]), QUICK)
    read_all(camera)
    camera.close()


def test_a_camera_that_goes_away_says_so() -> None:
    """The source's own error reaches the reader, after the last good frame."""
    camera = NewestFrame(lambda: source_of([noise(0), Vanish()]), QUICK)
    assert camera.read() is not None
    assert "went away" in read_until_error(camera).message


def test_another_picture_size_in_the_middle_is_an_error() -> None:
    """Tracks and lanes are in pixels of one size; the service starts anew with the other."""
    camera = NewestFrame(lambda: source_of([noise(0), noise(1, (32, 32))]), QUICK)
    assert "size" in read_until_error(camera).message


def test_whatever_a_driver_raises_arrives_as_a_camera_error() -> None:
    """An error in the thread is not lost with the thread, and it keeps its cause."""

    class Broken(FakeSource):
        def read(self) -> None:
            raise ZeroDivisionError

    camera = NewestFrame(partial(Broken, [], SystemClock()), QUICK)
    error = read_until_error(camera)
    assert "ZeroDivisionError" in error.message
    assert isinstance(error.__cause__, ZeroDivisionError)


def test_a_source_that_cannot_open_is_an_error_of_the_opening() -> None:
    """The error is raised by the constructor, not at the first read."""

    def refuse() -> Source:
        raise CameraError("no camera", "plug one in")

    with pytest.raises(CameraError, match="no camera"):
        NewestFrame(refuse, QUICK)


def test_opening_that_hangs_is_given_up() -> None:
    """Opening may hang in the driver as well; when it comes back too late, the source is closed again."""
    late = source_of([noise(0)])

    def open_late() -> Source:
        time.sleep(0.4)
        return late

    with pytest.raises(CameraError, match="did not open"):
        NewestFrame(open_late, Patience(open_s=0.1))
    assert late.closed.wait(2)


def test_closing_gives_the_source_back_in_its_own_thread() -> None:
    """Closing a capture while another thread reads from it crashes some drivers, so the thread itself does it."""
    source = source_of([noise(i) for i in range(2000)])
    closed_in: list[str] = []
    close = source.close

    def remember() -> None:
        closed_in.append(threading.current_thread().name)
        close()

    source.close = remember  # type: ignore[method-assign]  # watch the one call
    camera = NewestFrame(lambda: source)
    camera.read()
    camera.close()
    assert source.closed.is_set()
    assert closed_in == ["camera"]
    assert camera.read() is None


def test_closing_does_not_wait_for_a_driver_that_hangs(caplog: pytest.LogCaptureFixture) -> None:
    """A thread stuck in the kernel is left behind after two seconds, and it does not keep the process alive."""
    camera = NewestFrame(lambda: source_of([noise(0), Stall(8)]), QUICK)
    camera.read()
    time.sleep(0.05)
    start = time.monotonic()
    with caplog.at_level(logging.WARNING):
        camera.close()
    assert time.monotonic() - start < 3
    assert "left behind" in caplog.text
    assert camera._thread.daemon


def test_frames_wait_for_no_copy() -> None:
    """The frame that is handed over is the source's own, pixel for pixel."""
    picture = noise(5)
    camera = NewestFrame(lambda: source_of([picture]))
    frame = camera.read()
    assert frame is not None
    assert np.shares_memory(frame.luma, picture)
    camera.close()
