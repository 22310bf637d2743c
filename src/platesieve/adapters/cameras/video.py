"""A clip as a camera: frame times come from the container, so that a pass lasts as long as it did on the road."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import cv2
import numpy as np

from platesieve.adapters.cameras.opencv_quiet import quieten
from platesieve.adapters.cameras.picture_header import MAX_PIXELS, MAX_SIDE_PX
from platesieve.domain.errors import InputError
from platesieve.domain.instant import NS_PER_S
from platesieve.vision.frame import Frame

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from platesieve.domain.instant import Instant
    from platesieve.ports import Clock

_NS_PER_MS: Final = 1_000_000
_FALLBACK_STEP_NS: Final = NS_PER_S // 25  # for containers without times
_LONGEST_STEP_NS: Final = 60 * NS_PER_S  # a damaged time must not make us wait for hours
_LONGEST_BEHIND_S: Final = 60.0
_SIGNATURES: Final = (  # offset and bytes of the containers a camera or recorder writes
    (4, b"ftyp"),  # MP4, MOV, 3GP
    (4, b"moov"),
    (4, b"mdat"),
    (0, b"\x1aE\xdf\xa3"),  # Matroska, WebM
    (8, b"AVI "),
    (0, b"\0\0\x01\xba"),  # MPEG program stream
    (0, b"\0\0\0\x01"),  # raw H.264 or H.265
    (0, b"\0\0\x01\xb3"),  # MPEG video
    (0, b"OggS"),
    (0, b"FLV"),
)


def is_clip(start: bytes) -> bool:
    """Return whether a file that begins with these 512 bytes is a container we open.

    FFmpeg would also follow playlists, which name further files and addresses; they never reach it.
    """
    if any(start[at : at + len(magic)] == magic for at, magic in _SIGNATURES):
        return True
    packets = start[0:1], start[188:189], start[376:377]  # MPEG transport stream: a sync byte every 188 bytes
    return all(sync == b"G" for sync in packets)


def luma_of(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the H x W brightness of what OpenCV's VideoCapture gave: BGR, YUYV or a single plane, uint8."""
    if image.ndim == 2:  # noqa: PLR2004 - H x W already
        return np.asarray(image, np.uint8)
    channels = image.shape[2]
    if channels <= 2:  # noqa: PLR2004 - one plane, or YUYV whose first channel is Y
        return np.asarray(image[..., 0], np.uint8)
    return np.asarray(cv2.cvtColor(image[..., :3], cv2.COLOR_BGR2GRAY), np.uint8)


class VideoCamera:
    """Delivers the frames of a clip.

    Args:
        path: the clip.
        clock: gives the first frame its time, and the waiting of pace "live".
        pace: "live" waits until each frame is due and skips those already overdue, counting them in `dropped`;
            "fast" delivers every frame at once, with the times it would have had.
        loop: start again at the end; time runs on.

    Raises:
        InputError: it is missing, is no clip, is too large, or has no frame that decodes.
    """

    def __init__(self, path: Path, clock: Clock, *, pace: Literal["live", "fast"] = "live", loop: bool = False) -> None:
        self.dropped = 0
        self._path, self._clock, self._live, self._loop = path, clock, pace == "live", loop
        self._capture = _open(path)
        self._number = -1  # of the frame that was grabbed last
        self._offset_ns = 0  # of this round of a loop
        self._time_ns = -_FALLBACK_STEP_NS
        self._step_s = _FALLBACK_STEP_NS / NS_PER_S
        self._ended = False
        if not self._grab() or (image := self._retrieve()) is None:
            self._capture.release()
            raise InputError("the clip has no frame that can be decoded", "record it again, as H.264 in MP4")
        self._first: NDArray[np.uint8] | None = luma_of(image)
        self._start: Instant | None = None  # the clip begins when it is first read, not while models still load

    def read(self) -> Frame | None:
        """Return the next frame that is due, or None after the last."""
        if self._first is not None:
            luma, self._first = self._first, None
            return self._frame(luma)
        while not self._ended:
            if not self._advance():
                return None
            if (image := self._retrieve()) is not None:
                return self._frame(luma_of(image))
            self.dropped += 1  # a damaged frame in the middle: the next one may be whole
        return None

    def close(self) -> None:
        """Close the clip."""
        self._ended, self._first = True, None
        self._capture.release()

    def _frame(self, luma: NDArray[np.uint8]) -> Frame:
        start, at_ns = self._started(), self._time_ns
        return Frame(luma, self._number, start.wall_ns + at_ns, start.monotonic_ns + at_ns)

    def _started(self) -> Instant:
        if self._start is None:
            self._start = self._clock.now()
        return self._start

    def _advance(self) -> bool:
        """Grab the next frame; at pace "live" the newest one that is due, after waiting for it if need be."""
        if not self._grab_or_loop():
            return False
        if not self._live:
            return True
        early_s = self._early_s()
        if early_s > 0:
            self._clock.sleep(early_s)
            return True
        if early_s < -_LONGEST_BEHIND_S:  # the machine slept, or its clock was put forward: go on from here
            self._offset_ns += round(-early_s * NS_PER_S)
            self._time_ns += round(-early_s * NS_PER_S)
            return True
        # Overdue: skip ahead while even the frame after this one should have been shown already.
        while self._early_s() < -self._step_s and self._grab():
            self.dropped += 1
        return True

    def _early_s(self) -> float:
        passed_ns = self._clock.now().monotonic_ns - self._started().monotonic_ns
        return (self._time_ns - passed_ns) / NS_PER_S

    def _grab_or_loop(self) -> bool:
        if self._grab():
            return True
        if not self._loop:
            self._ended = True
            return False
        self._offset_ns = self._time_ns + round(self._step_s * NS_PER_S)
        self._capture.release()
        self._capture = _open(self._path)
        if not self._grab():
            self._ended = True
        return not self._ended

    def _grab(self) -> bool:
        """Step to the next frame without decoding it to pixels; its time is what the container says."""
        if not self._capture.grab():
            return False
        before_ns = self._time_ns
        told_ns = round(self._capture.get(cv2.CAP_PROP_POS_MSEC) * _NS_PER_MS) + self._offset_ns
        plausible = before_ns < told_ns < before_ns + _LONGEST_STEP_NS
        self._time_ns = told_ns if plausible else before_ns + _FALLBACK_STEP_NS
        self._step_s = (self._time_ns - before_ns) / NS_PER_S
        self._number += 1
        return True

    def _retrieve(self) -> NDArray[Any] | None:
        try:
            good, image = self._capture.retrieve()
        except cv2.error:
            return None  # counted by the caller as a damaged frame
        return image if good else None


def _open(path: Path) -> cv2.VideoCapture:
    try:
        with path.open("rb") as file:
            start = file.read(512)
    except OSError as error:
        raise InputError(
            f"the clip cannot be read: {error.strerror}", "give an existing file that you may read"
        ) from None  # the cause would repeat the file name
    if not start:
        raise InputError("the clip is empty (0 bytes)", "record or copy it again")
    if not is_clip(start):
        raise InputError("the file is no clip in a format we know", "give an MP4, MKV, AVI or MPEG clip, or a picture")
    quieten()
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        raise InputError("the clip cannot be opened: cut short or damaged", "record it again, as H.264 in MP4")
    wide, high = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    if wide * high > MAX_PIXELS or max(wide, high) > MAX_SIDE_PX:
        capture.release()
        raise InputError(f"the clip is {wide:.0f} x {high:.0f} pixels", "scale it down to at most 4096 pixels wide")
    return capture
