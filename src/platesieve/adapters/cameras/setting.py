"""From the one word in the settings to a camera."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from platesieve.adapters.cameras.folder import EXTENSIONS, FolderCamera
from platesieve.adapters.cameras.newest_frame import NewestFrame, Patience
from platesieve.adapters.cameras.picture_header import kind_of
from platesieve.adapters.cameras.raspberry_pi import DEFAULT_RATE_HZ, DEFAULT_SIZE_PX, INSTALL_HINT, Picamera2Source
from platesieve.adapters.cameras.stream import NETWORK_SCHEMES, UNPLUGGED_HINT, StreamSource
from platesieve.adapters.cameras.video import VideoCamera, is_clip
from platesieve.domain.errors import CameraError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from platesieve.ports import Camera, Clock
    from platesieve.vision.daylight import Light, Wanted

_PI: Final = re.compile(r"picamera2(?::(?P<width>\d{2,5})x(?P<height>\d{2,5})(?:@(?P<rate>\d{1,3}(?:\.\d+)?))?)?")
_USB: Final = re.compile(r"(?:usb:|/dev/video)(?P<index>\d{1,3})")
_FORMS: Final = "give picamera2, picamera2:1280x720@15, usb:0, /dev/video0, rtsp://..., a clip, a picture or a folder"


@dataclass(frozen=True, slots=True)
class Replay:
    """How files are played: live sources keep their own time."""

    pace: Literal["live", "fast"] = "live"  # fast: every frame at once, with the times it would have had
    interval_s: float = 1.0  # between two pictures of a folder
    loop: bool = False  # clips start again at the end


def open_camera(
    spec: str,
    clock: Clock,
    replay: Replay | None = None,
    patience: Patience | None = None,
    *,
    wanted: Callable[[], Wanted] | None = None,
    told: Callable[[Light], None] | None = None,
) -> Camera:
    """Open the camera that a setting names.

    Args:
        spec: `picamera2[:WxH[@FPS]]`, `usb:0`, `/dev/video0`, the address of a stream, a clip, a picture or a folder.
        clock: times of frames, and the waiting between them.
        replay: how a clip or folder is played.
        patience: when a live camera counts as stalled.
        wanted: profiles of day and night, for a Pi camera; asked at each frame, since a person may change them.
        told: hears what a Pi camera says of the light in each frame; other cameras say nothing.

    Raises:
        InputError: the setting is none of these, or the file cannot be used.
        CameraError: the live camera cannot be opened.
    """
    replay = replay or Replay()
    if found := _PI.fullmatch(spec):
        return NewestFrame(partial(_open_pi, found, clock, wanted, told), patience)
    if found := _USB.fullmatch(spec):
        return NewestFrame(partial(StreamSource, int(found["index"]), clock), patience)
    _refuse_unnamed(spec)
    if "://" in spec:
        # A still street compresses to identical frames for seconds, so a network stream may look frozen for longer.
        return NewestFrame(partial(StreamSource, spec, clock), patience or Patience(freeze_s=60.0))
    return _open_files(Path(spec).expanduser(), clock, replay)


def refuse_absent(spec: str) -> None:
    """Refuse a camera that cannot be there, without opening it; the rest shows itself when it is opened.

    Raises:
        CameraError: picamera2 is not installed, or no such device is plugged in.
        InputError: the setting is no camera, stream, file or folder.
    """
    if _PI.fullmatch(spec):
        if find_spec("picamera2") is None:
            raise CameraError("picamera2 is not installed here", INSTALL_HINT)
    elif found := _USB.fullmatch(spec):
        if not Path(f"/dev/video{found['index']}").exists():
            raise CameraError(f"USB camera {found['index']} is not plugged in", UNPLUGGED_HINT)
    else:
        _refuse_unnamed(spec)


def _refuse_unnamed(spec: str) -> None:
    """Refuse what is neither the address of a stream nor the name of something on this disk."""
    if "://" in spec:
        if spec.partition("://")[0].lower() not in NETWORK_SCHEMES:
            raise InputError("the camera setting is an address of a kind we do not read", _FORMS)
    elif not spec.strip() or not Path(spec).expanduser().exists():
        # The path is not repeated: people name pictures after the plate that they show.
        raise InputError("no camera, clip, picture or folder is there under the name given", _FORMS)


def _open_pi(
    found: re.Match[str],
    clock: Clock,
    wanted: Callable[[], Wanted] | None,
    told: Callable[[Light], None] | None,
) -> Picamera2Source:
    wide, high, rate_hz = (found[name] for name in ("width", "height", "rate"))
    size_px = (int(wide), int(high)) if wide else DEFAULT_SIZE_PX
    frames_hz = float(rate_hz) if rate_hz else DEFAULT_RATE_HZ
    return Picamera2Source(clock, size_px=size_px, rate_hz=frames_hz, wanted=wanted, told=told)


def _open_files(path: Path, clock: Clock, replay: Replay) -> Camera:
    if path.is_dir():
        return FolderCamera(path, clock, interval_s=replay.interval_s, pace=replay.pace)
    if not path.is_file():
        raise InputError("the camera setting names neither a file nor a folder", _FORMS)
    if _is_picture(path):
        return FolderCamera(path, clock, interval_s=replay.interval_s, pace=replay.pace)
    return VideoCamera(path, clock, pace=replay.pace, loop=replay.loop)


def _is_picture(path: Path) -> bool:
    """Return whether a file is a picture by content, else by name: a clip named .jpg still plays."""
    try:
        with path.open("rb") as file:
            start = file.read(512)
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}", "give a file that you may read") from None
    return kind_of(start) is not None or (path.suffix.lower() in EXTENSIONS and not is_clip(start))
