"""A USB camera or a network stream through OpenCV. Blocks while it reads, so it runs behind `NewestFrame`.

The address of a stream often holds a password. No message here repeats more of it than scheme and host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2

from platesieve.adapters.cameras.opencv_quiet import quieten
from platesieve.adapters.cameras.video import luma_of
from platesieve.domain.errors import CameraError
from platesieve.vision.frame import Frame

if TYPE_CHECKING:
    from platesieve.ports import Clock

NETWORK_SCHEMES: Final = ("rtsp", "rtsps", "rtmp", "http", "https")
_OPEN_MS: Final = 10_000
_READ_MS: Final = 4_000
_UNPLUGGED: Final = "check its cable and power; the service restarts by itself"
UNPLUGGED_HINT: Final = "plug it in, see that /dev/video* is there, and that your user is in the group video"


def without_secrets(address: str) -> str:
    """Return scheme and host of an address: user, password, path and query may all hold a secret."""
    scheme, mark, rest = address.partition("://")
    if not mark:
        return "the stream"
    # A password may itself hold "@", "/" or "?": whatever stands before the last "@" is taken for one.
    host = rest.rpartition("@")[2]
    for end in "/?#":
        host = host.partition(end)[0]
    return f"{scheme}://{host}"


class StreamSource:
    """Frames of a USB camera or a network address, in the order they come.

    Args:
        address: index of a USB camera, or the address of a stream.
        clock: gives each frame its time on arrival; such sources have no clock that we could trust.
        size_px: width and height to ask a USB camera for; it may answer with another.

    Raises:
        CameraError: it cannot be opened.
    """

    def __init__(self, address: int | str, clock: Clock, *, size_px: tuple[int, int] = (1280, 720)) -> None:
        quieten()
        self._clock = clock
        self._name = f"USB camera {address}" if isinstance(address, int) else without_secrets(address)
        self._number = 0
        self._capture = _open_usb(address, size_px) if isinstance(address, int) else _open_address(address)
        if not self._capture.isOpened():
            raise CameraError(f"{self._name} cannot be opened", _hint(address))

    def read(self) -> Frame | None:
        """Return the next frame, blocking until it is there.

        Raises:
            CameraError: the camera was unplugged, or the stream broke off.
        """
        try:
            good, image = self._capture.read()
        except cv2.error:
            good, image = False, None
        if not good or image is None:
            # From None: an error of the library could repeat the address.
            raise CameraError(f"{self._name} went away", _UNPLUGGED) from None
        now = self._clock.now()
        frame = Frame(luma_of(image), self._number, now.wall_ns, now.monotonic_ns)
        self._number += 1
        return frame

    def close(self) -> None:
        """Give the camera back."""
        self._capture.release()


def _open_usb(index: int, size_px: tuple[int, int]) -> cv2.VideoCapture:
    capture = cv2.VideoCapture(index, cv2.CAP_V4L2)
    if capture.isOpened():
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, size_px[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size_px[1])
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # a queue in the driver would only make frames old
    return capture


def _open_address(address: str) -> cv2.VideoCapture:
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _OPEN_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, _READ_MS]
    return cv2.VideoCapture(address, cv2.CAP_FFMPEG, limits)


def _hint(address: int | str) -> str:
    if isinstance(address, int):
        return UNPLUGGED_HINT
    return "check address, user, password and network with another player, for example ffplay"
