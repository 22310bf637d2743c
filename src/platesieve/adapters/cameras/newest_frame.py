"""Keep only the newest frame of a live source, and notice when the source has stopped living.

A Pi camera can hang inside the driver, where not even SIGKILL reaches (picamera2 #1275). So everything that may hang
runs in one daemon thread, which opens, reads and closes the source; the reader only ever waits with a limit. When
`read` raises, the process ends, systemd's watchdog is no longer fed, and the machine recovers.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from platesieve.domain.errors import CameraError, PlatesieveError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from platesieve.vision.frame import Frame

_log = logging.getLogger(__name__)

_CLOSE_S: Final = 2.0
_CLOSE_STALLED_S: Final = 0.1  # a driver that gave nothing for seconds is not waited for: the worker shall be back soon
_COMPARED_ROWS: Final = 16  # every 16th row tells a frozen picture from one with sensor noise
_HINT: Final = "check cable and power; the service restarts by itself"


class Source(Protocol):
    """What runs in the capture thread: it may block, even for ever, and need not drop frames itself."""

    def read(self) -> Frame | None:
        """Return the next frame; None when a finite source has ended.

        Raises:
            CameraError: the source went away.
        """

    def close(self) -> None:
        """Give the source back."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a live source may be silent, in seconds."""

    open_s: float = 15.0  # an RTSP camera may need this long; a Pi camera needs one
    stall_s: float = 4.0  # detection within 5 s, so that the worker is back within 10
    freeze_s: float = 4.0  # the same picture again and again; sensors have noise, so two are never equal


class NewestFrame:
    """The Camera port over a Source that blocks.

    Args:
        open_source: opens the source; called in the capture thread, because opening can hang as well.
        patience: when silence becomes an error.

    Raises:
        CameraError: the source did not open, or not in time.
    """

    def __init__(self, open_source: Callable[[], Source], patience: Patience | None = None) -> None:
        self.dropped = 0
        self._patience = patience or Patience()
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._fault: PlatesieveError | None = None
        self._opened = self._ended = self._closing = self._stalled = False
        self._fresh_s = self._alive_s = 0.0  # when the last frame came; when the last different picture came
        self._thread = threading.Thread(target=self._run, args=(open_source,), name="camera", daemon=True)
        self._thread.start()
        self._wait_until_open()

    def read(self) -> Frame | None:
        """Return the newest frame that was not returned before; None after the last of a finite source.

        Raises:
            CameraError: no frame, or only the same picture again, for longer than the patience; or the source failed.
        """
        with self._changed:
            while True:
                if self._frame is not None:
                    frame, self._frame = self._frame, None
                    return frame
                if self._fault is not None:
                    raise self._fault
                if self._ended or self._closing:
                    return None
                self._changed.wait(self._wait_s())

    def close(self) -> None:
        """Stop the capture thread; a thread that hangs in the driver is left behind: after 2 s, or at once if known."""
        with self._changed:
            self._closing, self._frame = True, None
            self._changed.notify_all()
        self._thread.join(_CLOSE_STALLED_S if self._stalled else _CLOSE_S)
        if self._thread.is_alive():
            _log.warning("the camera driver does not answer; its thread is left behind")

    def _wait_until_open(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._opened or self._fault is not None, self._patience.open_s)
            if not self._opened:
                self._closing = True  # a source that opens after all is closed at once by its thread
                raise self._fault or CameraError(f"the camera did not open within {self._patience.open_s:g} s", _HINT)

    def _wait_s(self) -> float:
        """Return how long to wait for the next frame.

        Raises:
            CameraError: that time is over.
        """
        now, patience = time.monotonic(), self._patience
        if now - self._fresh_s >= patience.stall_s:
            self._stalled = True
            raise CameraError(f"the camera stalled: no new frame for {patience.stall_s:g} s", _HINT)
        if now - self._alive_s >= patience.freeze_s:
            raise CameraError(f"the camera froze: the same picture for {patience.freeze_s:g} s", _HINT)
        return min(self._fresh_s + patience.stall_s, self._alive_s + patience.freeze_s) - now

    def _run(self, open_source: Callable[[], Source]) -> None:
        source: Source | None = None
        try:
            source = open_source()
            self._begin()
            while not self._closing and self._take(source.read()):
                pass
        except PlatesieveError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - whatever a driver raises must reach the reader, not die in a thread
            fault = CameraError(f"the camera failed with {type(error).__name__}", _HINT)
            fault.__cause__ = error
            self._fail(fault)
        finally:
            if source is not None:  # only this thread may close it: closing during a read crashes some drivers
                _close_quietly(source)

    def _begin(self) -> None:
        with self._changed:
            self._opened = True
            self._fresh_s = self._alive_s = time.monotonic()
            self._last_ns, self._size = -1, (0, 0)
            self._sample: NDArray[np.uint8] = np.empty((0, 0), np.uint8)
            self._changed.notify_all()

    def _take(self, frame: Frame | None) -> bool:
        """Offer a frame to the reader; return whether to go on."""
        with self._changed:
            if self._closing:
                return False
            if frame is None:
                self._ended = True
                self._changed.notify_all()
                return False
            if frame.monotonic_ns == self._last_ns:  # the driver gave the same frame again: not a sign of life
                return True
            self._check_size(frame)
            self._last_ns, self._fresh_s = frame.monotonic_ns, time.monotonic()
            sample = frame.luma[::_COMPARED_ROWS].copy()
            if not np.array_equal(sample, self._sample):
                self._sample, self._alive_s = sample, self._fresh_s
            elif self._fresh_s - self._alive_s >= self._patience.freeze_s:
                self._frame = None  # let the reader see the freeze instead of one more copy of the picture
                self._changed.notify_all()
                return True
            self.dropped += self._frame is not None
            self._frame = frame
            self._changed.notify_all()
        return True

    def _check_size(self, frame: Frame) -> None:
        size = frame.width, frame.height
        if self._size not in {(0, 0), size}:
            raise CameraError("the camera changed its picture size while it ran", "set a fixed size in the camera")
        self._size = size

    def _fail(self, fault: PlatesieveError) -> None:
        with self._changed:
            self._fault = fault
            self._changed.notify_all()


def _close_quietly(source: Source) -> None:
    try:
        source.close()
    except Exception as error:  # noqa: BLE001 - a broken camera may break again on closing, which must not mask the fault
        _log.warning("the camera did not close cleanly: %s", type(error).__name__)
