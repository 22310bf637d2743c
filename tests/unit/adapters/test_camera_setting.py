"""From the word in the settings to a camera, or to a sentence on what to write instead."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from platesieve.adapters.cameras.folder import FolderCamera
from platesieve.adapters.cameras.newest_frame import NewestFrame
from platesieve.adapters.cameras.setting import Replay, open_camera
from platesieve.adapters.cameras.video import VideoCamera
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.domain.errors import CameraError, InputError
from tests.fakes.camera import noise
from tests.fakes.clock import FakeClock
from tests.fakes.picamera2 import picamera2_module

if TYPE_CHECKING:
    from pathlib import Path


def write_clip(path: Path) -> None:
    """Write a clip of two frames; the container is chosen by .mp4 and the file renamed."""
    made = path.with_suffix(".mp4")
    writer = cv2.VideoWriter(str(made), cv2.VideoWriter.fourcc(*"mp4v"), 10, (64, 48))
    for level in (50, 100):
        writer.write(np.full((48, 64, 3), level, np.uint8))
    writer.release()
    made.rename(path)


def test_a_folder_and_a_picture_are_played_as_pictures(tmp_path: Path) -> None:
    """Also a picture under a name without extension."""
    cv2.imwrite(str(tmp_path / "0.png"), noise(0))
    (tmp_path / "0.png").rename(tmp_path / "snapshot")
    for path in (tmp_path, tmp_path / "snapshot"):
        assert isinstance(open_camera(str(path), FakeClock()), FolderCamera)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.jpg", "clip"])
def test_a_clip_is_known_by_its_bytes(tmp_path: Path, name: str) -> None:
    """A wrong or missing extension does not matter."""
    write_clip(tmp_path / name)
    camera = open_camera(str(tmp_path / name), FakeClock(), Replay(pace="fast"))
    assert isinstance(camera, VideoCamera)
    assert camera.read() is not None


@pytest.mark.parametrize("spec", ["picamera2", "picamera2:640x480", "picamera2:640x480@12.5"])
def test_the_pi_camera_with_size_and_rate(monkeypatch: pytest.MonkeyPatch, spec: str) -> None:
    """Size and rate are optional."""
    monkeypatch.setitem(sys.modules, "picamera2", picamera2_module())
    camera = open_camera(spec, SystemClock())
    assert isinstance(camera, NewestFrame)
    frame = camera.read()
    assert frame is not None
    assert (frame.width, frame.height) == ((640, 480) if ":" in spec else (1280, 720))
    camera.close()


@pytest.mark.parametrize("spec", ["usb:93", "/dev/video93"])
def test_a_usb_camera_by_either_name(spec: str) -> None:
    """Both reach the same device, which is not there."""
    with pytest.raises(CameraError, match="USB camera 93"):
        open_camera(spec, SystemClock())


@pytest.mark.parametrize("spec", ["", "nothing-here.mp4", "picamera2:wide", "usb:first", "ftp://host/clip"])
def test_a_setting_that_names_nothing_is_refused_with_the_forms_that_work(spec: str) -> None:
    """The hint lists what can be written."""
    with pytest.raises(InputError) as refused:
        open_camera(spec or "no such file", SystemClock())
    assert "usb:0" in refused.value.hint


def test_neither_file_nor_folder_is_refused() -> None:
    """A device file would never end."""
    with pytest.raises(InputError, match="neither"):
        open_camera("/dev/null", SystemClock())


def test_an_empty_picture_is_called_a_picture(tmp_path: Path) -> None:
    """The name decides where the bytes say nothing, so that the error fits."""
    (tmp_path / "a.jpg").write_bytes(b"")
    with pytest.raises(InputError, match="picture is empty"):
        open_camera(str(tmp_path / "a.jpg"), FakeClock())
    (tmp_path / "a.mp4").write_bytes(b"")
    with pytest.raises(InputError, match="clip is empty"):
        open_camera(str(tmp_path / "a.mp4"), FakeClock())
