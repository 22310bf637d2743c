"""Checks of the camera: that it gives frames, that they are not black, that they are in focus."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

from platesieve.adapters.cameras.setting import Replay, open_camera
from platesieve.adapters.local.instance_lock import instance_lock
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.bootstrap.folders import Folders
from platesieve.checkup.finding import Finding
from platesieve.domain.errors import CameraError, StorageError
from platesieve.vision.sharpness import blur

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from platesieve.settings import Settings

DARK: Final = 8  # of 255: a lens cap, or night without a lamp
BLURRED: Final = (
    0.55  # a drawn street and photographs have .22 to .37; blurred by 2 px, which no plate survives, .55 on
)
_FRAMES: Final = 5  # the sharpest of so many: exposure and autofocus need a moment


class Look:
    """The camera, opened once for both checks.

    Args:
        settings: which camera.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._blur: float | None = None
        self._exclusive = settings.camera.startswith(("picamera2", "usb:", "/dev/"))
        self._taken = False

    def checks(self) -> tuple[tuple[str, Callable[[], Finding]], ...]:
        """Return the checks, in their order."""
        return ("camera", self.frames), ("focus", self.focus)

    def frames(self) -> Finding:
        """Return whether it gives a picture."""
        if self._exclusive and not _is_free(Folders.of(self._settings).camera / "lock"):
            self._taken = True
            found = f"{self._settings.camera_shown} is in use by platesieve itself, so it is not opened twice"
            return Finding("camera", "pass", found)
        size, brightness = "", 0.0
        with closing(open_camera(self._settings.camera, SystemClock(assume=True), Replay(pace="fast"))) as camera:
            for _ in range(_FRAMES):
                frame = camera.read()
                if frame is None:
                    break
                size, brightness = f"{frame.width}x{frame.height}", float(frame.luma.mean())
                self._blur = min(self._blur or 1.0, blur(frame.luma))
        if not size:
            raise CameraError("it gives no frame", "check the source")
        found = f"{self._settings.camera_shown} gives {size}"
        if brightness < DARK:
            self._blur = None  # what is black cannot be judged
            return Finding("camera", "warn", f"{found}, black", "take the lens cap off, or open the shutter")
        return Finding("camera", "pass", found)

    def focus(self) -> Finding:
        """Return whether the picture is sharp."""
        if self._taken:
            return Finding("focus", "pass", "not judged while the camera is in use; the aiming page shows it live")
        if self._blur is None:
            return Finding("focus", "warn", "cannot be judged without a picture", "mend the camera first")
        found = f"blur {self._blur:.2f}, where 0 is sharp and {BLURRED} too blurred to read plates"
        if self._blur >= BLURRED:
            return Finding("focus", "warn", found, "turn the lens until edges are sharp; wipe it; by night, add light")
        return Finding("focus", "pass", found)


def _is_free(lock: Path) -> bool:
    """Return whether no camera process and no aiming page runs; the lock is not made here, or it could be root's."""
    if not lock.exists():
        return True
    try:
        with instance_lock(lock):
            return True
    except StorageError:
        return False
