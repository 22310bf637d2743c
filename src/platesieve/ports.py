"""Every seam on one page: what the flow needs from outside, and what is promised when a call returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from platesieve.domain.notice import Command

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from platesieve.audit.entry import Entry
    from platesieve.domain.disclosure import Disclosure, Kind, Stretch
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
        """Return plates, best score first; empty when there are none. Faint ones count only where a plate is read.

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
            AuditError: they could not be made durable: either none of them is in the log, or all of them are.
                No plate may be read until an append succeeds.
        """


class Outlet(Protocol):
    """The camera process's end of the pipe to the uplink process."""

    def send(self, disclosure: Disclosure) -> None:
        """Hand over a Disclosure whose audit entry is durable.

        It is kept in RAM and sent again until the uplink process says that it is stored. When the
        bound of that buffer is reached, the oldest are dropped and counted in `notices`.
        """

    def stretch(self, stretches: Sequence[Stretch]) -> None:
        """Ask the uplink process to keep what it has for longer; like a Disclosure, sent again until it is done."""

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


class Intake(Protocol):
    """The uplink process's end of the pipe. Used by one thread, apart from `wake`."""

    @property
    def camera_present(self) -> bool:
        """Return whether a camera process is connected."""

    @property
    def goodbye(self) -> bool:
        """Return whether the camera process ended on purpose and has not come back."""

    def take(self, timeout_s: float) -> Sequence[Disclosure]:
        """Return Disclosures that came; wait for one, for `wake()`, or for `timeout_s` seconds.

        Until `stored` names them the camera process may send them again.
        """

    def stretches(self) -> Sequence[Stretch]:
        """Return, once each, what is to be kept for longer. Until `stored` names them they may come again."""

    def stored(self, ids: Sequence[str]) -> None:
        """Tell the camera process that these are durable, so that it forgets them."""

    def notify(self, notice: Notice) -> None:
        """Hand a Notice to the camera process, now or when it comes back."""

    def wake(self) -> None:
        """End a `take` that waits. Any thread may call this."""

    def reset(self) -> None:
        """Hang up, so that the camera process sends again what was not stored."""

    def close(self) -> None:
        """Hang up for good. Safe to call twice."""


class Ferry(Protocol):
    """Fetches signed documents into the spool, where the camera process verifies them itself. Returns at once."""

    def look(self) -> None:
        """Look soon, before it is time."""

    def notices(self) -> Sequence[Notice]:
        """Return, once each, what the camera process should hear of it."""

    def close(self) -> None:
        """Look no more. Safe to call twice."""


class Outbox(Protocol):
    """The durable queue of Disclosures: what is in it survives power loss, until delivered or expired.

    Every method raises StorageError where the disk refuses; what was in the outbox before is then still
    in it, and the next call starts afresh.
    """

    def store(self, disclosures: Sequence[Disclosure]) -> int:
        """Add these under one commit; durable on return. Return how many the quota pushed out.

        An id that is in the outbox already changes nothing. One of a lasting kind replaces its predecessor, and is not
        durable: the camera process says it anew at its next start.
        """

    def due(self, now_wall_ns: int, limit: int, excluding: AbstractSet[str] = frozenset()) -> Sequence[Disclosure]:
        """Return what is to be sent now, hits first, without `excluding` and without anything expired."""

    def delivered(self, ids: Sequence[str], now_wall_ns: int) -> None:
        """Record that the broker has these: they leave, unless they are of a lasting kind or a receipt is awaited."""

    def receipted(self, ids: Sequence[str], collector: str) -> int:
        """Let go of what awaits the receipt of this collector; return how many there were."""

    def postpone(self, ids: Sequence[str], until_wall_ns: int) -> None:
        """Do not offer these before `until_wall_ns`."""

    def stretch(self, asked: Stretch) -> int:
        """Keep rows for longer, because they are held; return how many. A row never goes earlier by it."""

    def purge_expired(self, now_wall_ns: int) -> int:
        """Erase what has expired, from every file of the store, and return how many there were."""

    def forget(self, kind: Kind) -> None:
        """Erase the Disclosure of a lasting kind, which is no longer true."""

    def renew_lasting(self) -> None:
        """Offer the lasting kinds again: the broker may have lost or replaced them."""

    def unsent(self) -> int:
        """Return how many were never taken by the broker."""

    def close(self) -> None:
        """Close the store. Safe to call twice."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A connection to the broker is up."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The broker took the Disclosure with this id."""

    id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The broker refused the Disclosure with this id; `reason` is the broker's, and closed text."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Receipted:
    """Bytes came on our receipt topic; nothing about them is believed yet."""

    document: bytes


LinkEvent: TypeAlias = Joined | Delivered | Refused | Command | Receipted


class Publisher(Protocol):
    """Transport to the broker, without a memory: whatever was not Delivered is the caller's to send again."""

    @property
    def state(self) -> str:
        """Return `connected`, or in one sentence why not."""

    @property
    def free(self) -> int:
        """Return how many more may be published now; 0 without a connection."""

    @property
    def in_flight(self) -> AbstractSet[str]:
        """Return the ids that were published on this connection and not answered yet."""

    def publish(self, disclosure: Disclosure, now_wall_ns: int) -> bool:
        """Send one, with what is left of its life; return whether it was taken. Expired ones are not."""

    def events(self) -> Sequence[LinkEvent]:
        """Return, once each and in order, what happened since the last call."""

    def say_offline(self) -> None:
        """Publish what the last will says: nothing may be expected of this device now."""

    def close(self) -> None:
        """Disconnect. Safe to call twice."""
