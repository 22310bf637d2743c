"""Every seam on one page: what the flow needs from outside, and what is promised when a call returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platesieve.audit.entry import Entry
    from platesieve.domain.disclosure import Disclosure
    from platesieve.domain.geometry import Detection
    from platesieve.domain.instant import Instant, TimeQuality
    from platesieve.domain.notice import Notice
    from platesieve.domain.plate import PlateRead
    from platesieve.vision.frame import Frame


class Camera(Protocol):
    """A source of frames, newest first: a slow reader loses frames, never memory."""

    @property
    def dropped(self) -> int:
        """Return how many frames were delivered by the source but overtaken by newer ones."""

    def read(self) -> Frame | None:
        """Return the newest frame, waiting for one if need be; None when a finite source has ended.

        The frame's pixels stay valid until the next call.

        Raises:
            CameraError: no frame came within the stall limit, or the source went away.
        """

    def close(self) -> None:
        """Give the source back. Safe to call twice."""


class PlateFinder(Protocol):
    """Finds plates in a frame."""

    def find(self, frame: Frame) -> tuple[Detection, ...]:
        """Return plates, best score first; empty when there are none.

        Raises:
            ModelError: inference failed. An empty road and a broken runtime must not look alike.
        """


class PlateReader(Protocol):
    """Reads the characters of one found plate."""

    def read(self, frame: Frame, detection: Detection) -> PlateRead | None:
        """Return the read, or None where there is no plate after all.

        Raises:
            ModelError: inference failed.
        """


class AuditLog(Protocol):
    """The append-only log of what the device did."""

    def append(self, entries: Sequence[Entry]) -> str:
        """Add entries under a new signed checkpoint and return its text; both survive power loss on return.

        Raises:
            AuditError: they could not be made durable. The log is as it was before, and no plate may
                be read until an append succeeds.
        """


class Outlet(Protocol):
    """The camera process's end of the pipe to the uplink process."""

    def send(self, disclosure: Disclosure) -> None:
        """Hand over a Disclosure whose audit entry is durable.

        It is kept in RAM and sent again until the uplink process says that it is stored. When the
        bound of that buffer is reached, the oldest are dropped and counted in `notices`.
        """

    def notices(self) -> Sequence[Notice]:
        """Return, once each, what came back since the last call: commands, purges, losses."""

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything sent is stored; return whether it was within `timeout_s` seconds."""

    def close(self) -> None:
        """Close the pipe. Safe to call twice."""


class Clock(Protocol):
    """Now, and whether the wall clock may be believed."""

    def now(self) -> Instant:
        """Return the present on both clocks."""

    def quality(self) -> TimeQuality:
        """Return whether a time source has confirmed the wall clock since boot."""

    def sleep(self, seconds: float) -> None:
        """Wait."""
