"""A clip: times from the container, honest skipping, and refusal of what is no clip."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from platesieve.adapters.cameras.video import VideoCamera, is_clip, luma_of
from platesieve.domain.errors import InputError
from tests.fakes.camera import seconds_between
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from pathlib import Path

    from platesieve.vision.frame import Frame

RATE_HZ = 10.0
OPEN = """
import sys
from pathlib import Path
from platesieve.adapters.cameras.video import VideoCamera
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.domain.errors import InputError

try:
    VideoCamera(Path(sys.argv[1]), SystemClock(assume=True))
except InputError as error:
    print(error)
"""


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Write a clip of 20 frames, each brighter than the one before."""
    path = tmp_path / "AB12CDE.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), RATE_HZ, (64, 48))
    for i in range(20):
        writer.write(np.full((48, 64, 3), 10 * i, np.uint8))
    writer.release()
    return path


def all_frames(camera: VideoCamera) -> list[Frame]:
    """Read to the end."""
    frames = []
    while (frame := camera.read()) is not None:
        frames.append(frame)
    return frames


def test_fast_gives_every_frame_with_the_times_of_the_container(clip: Path) -> None:
    """A clip of ten frames a second takes two seconds of its own time and none of ours."""
    clock = FakeClock()
    start = clock.now()
    frames = all_frames(VideoCamera(clip, clock, pace="fast"))
    assert [frame.number for frame in frames] == list(range(20))
    assert frames[0].wall_ns == start.wall_ns
    assert seconds_between(frames[0], frames[19]) == pytest.approx(1.9, abs=0.01)
    assert clock.slept_s == []
    levels = [float(frame.luma.mean()) for frame in frames]
    assert levels == sorted(levels)


def test_live_waits_for_each_frame(clip: Path) -> None:
    """A quick reader gets every frame, and the clip lasts as long as it was recorded."""
    clock = FakeClock()
    start = clock.now()
    camera = VideoCamera(clip, clock, pace="live")
    assert len(all_frames(camera)) == 20
    assert camera.dropped == 0
    assert clock.now().seconds_since(start) == pytest.approx(1.9, abs=0.01)


def test_live_skips_what_is_overdue_and_counts_it(clip: Path) -> None:
    """A reader that needs half a second for a frame sees about four of twenty, and the rest is counted."""
    clock = FakeClock()
    camera = VideoCamera(clip, clock, pace="live")
    frames = []
    while (frame := camera.read()) is not None:
        frames.append(frame)
        clock.advance(0.5)
    assert 3 <= len(frames) <= 6
    assert len(frames) + camera.dropped == 20


def test_the_clip_begins_when_it_is_first_read(clip: Path) -> None:
    """Loading a model between opening and reading costs no frame."""
    clock = FakeClock()
    camera = VideoCamera(clip, clock, pace="live")
    clock.advance(30)
    assert len(all_frames(camera)) == 20


def test_a_loop_starts_again_and_time_runs_on(clip: Path) -> None:
    """Numbers and times never step back at the seam."""
    camera = VideoCamera(clip, FakeClock(), pace="fast", loop=True)
    frames = [camera.read() for _ in range(50)]
    times = [frame.monotonic_ns for frame in frames if frame is not None]
    assert len(times) == 50
    assert (np.diff(times) == pytest.approx(1e8, rel=0.01)) is True
    camera.close()
    assert camera.read() is None


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "empty"), (b"just text, no clip" * 40, "no clip"), (b"#EXTM3U\nhttp://192.0.2.1/a.ts\n", "no clip")],
    ids=["empty", "text", "playlist"],
)
def test_what_is_no_clip_is_refused_by_its_bytes(tmp_path: Path, content: bytes, said: str) -> None:
    """The extension is not believed, and a playlist, which names addresses, never reaches FFmpeg."""
    path = tmp_path / "AB12CDE.mp4"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said) as refused:
        VideoCamera(path, FakeClock())
    assert "AB12CDE" not in str(refused.value)


def test_a_clip_that_was_cut_short_is_refused(clip: Path) -> None:
    """An MP4 without its index has no frames; FFmpeg's own complaint does not reach the terminal.

    In a process of its own: FFmpeg asks how much it may say only once, when a process opens its first clip.
    """
    data = clip.read_bytes()
    for keep in (100, len(data) // 2):
        clip.write_bytes(data[:keep])
        done = subprocess.run([sys.executable, "-c", OPEN, str(clip)], capture_output=True, text=True, check=True)
        assert re.search(r"cut short|no frame", done.stdout)
        assert done.stderr == ""


def test_a_clip_without_a_frame_is_refused(tmp_path: Path) -> None:
    """A container with nothing in it is not an empty road."""
    path = tmp_path / "none.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), RATE_HZ, (64, 48))
    writer.release()
    with pytest.raises(InputError):
        VideoCamera(path, FakeClock())


def test_a_missing_clip_is_refused_without_its_name(tmp_path: Path) -> None:
    """Neither the message nor the cause repeats the path."""
    with pytest.raises(InputError) as refused:
        VideoCamera(tmp_path / "AB12CDE.mp4", FakeClock())
    assert "AB12CDE" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_containers_are_known_by_their_first_bytes() -> None:
    """The usual ones are let through, an MPEG transport stream by its sync bytes."""
    assert is_clip(b"\0\0\0\x18ftypmp42")
    assert is_clip(b"RIFF....AVI LIST")
    assert is_clip((b"G" + b"\0" * 187) * 3)
    assert not is_clip(b"G" + b"\0" * 500)
    assert not is_clip(b"")


def test_brightness_of_every_layout_that_opencv_gives() -> None:
    """BGR is weighted, YUYV and single planes already hold brightness."""
    bgr = np.zeros((4, 6, 3), np.uint8)
    bgr[..., 1] = 200
    assert int(luma_of(bgr)[0, 0]) == pytest.approx(0.587 * 200, abs=1)
    yuyv = np.zeros((4, 6, 2), np.uint8)
    yuyv[..., 0] = 77
    assert luma_of(yuyv).tolist() == [[77] * 6] * 4
    assert luma_of(yuyv[..., :1]).shape == (4, 6)
    assert luma_of(yuyv[..., 0]).shape == (4, 6)


def test_after_a_long_sleep_of_the_machine_a_clip_goes_on_where_it_was(clip: Path) -> None:
    """Nobody wants an hour of frames decoded to catch up; the times of the frames say that the hour passed."""
    clock = FakeClock()
    camera = VideoCamera(clip, clock, pace="live", loop=True)
    first = camera.read()
    clock.advance(3600)
    later = [camera.read() for _ in range(3)]

    assert first is not None
    assert [frame.number for frame in later if frame is not None] == [1, 2, 3]
    assert camera.dropped == 0
    assert later[0] is not None
    assert later[2] is not None
    assert seconds_between(first, later[0]) == pytest.approx(3600, abs=0.2)
    assert seconds_between(later[0], later[2]) == pytest.approx(0.2, abs=0.01)
