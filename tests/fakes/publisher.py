"""A broker in the next room: it answers, refuses or stays silent as the test says.

Usage::

    publisher = FakePublisher()
    publisher.connect()
    publisher.answers = "take" | "refuse" | "nothing"
    publisher.disconnect()            # what was in flight is forgotten, as with the real one
    publisher.received                # every publication, duplicates too
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platesieve.ports import Delivered, Joined, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from platesieve.domain.disclosure import Disclosure
    from platesieve.ports import LinkEvent


class FakePublisher:
    """The Publisher port with a scripted broker behind it."""

    def __init__(self, window: int = 20) -> None:
        self.window = window
        self.state = "connecting"
        self.answers = "take"
        self.received: list[Disclosure] = []
        self.offline_said = 0
        self.closed = False
        self._waiting: set[str] = set()
        self._events: list[LinkEvent] = []

    @property
    def free(self) -> int:
        """Return how many more may be published now."""
        return self.window - len(self._waiting) if self.state == "connected" else 0

    @property
    def in_flight(self) -> AbstractSet[str]:
        """Return the ids without an answer."""
        return set(self._waiting)

    def connect(self) -> None:
        """Let the connection come up."""
        self.state = "connected"
        self._events.append(Joined())

    def disconnect(self) -> None:
        """Let the connection go."""
        self.state = "the connection was lost"
        self._waiting.clear()

    def happen(self, event: LinkEvent) -> None:
        """Let something happen, such as a command."""
        self._events.append(event)

    def publish(self, disclosure: Disclosure, now_wall_ns: int) -> bool:
        """Take one, unless there is no room, no connection or no life left in it."""
        expires_ns = disclosure.expires_wall_ns
        if self.free == 0 or (expires_ns is not None and expires_ns - now_wall_ns < 1_000_000_000):
            return False
        self.received.append(disclosure)
        self._waiting.add(disclosure.id)
        if self.answers == "take":
            self._events.append(Delivered(disclosure.id))
        elif self.answers == "refuse":
            self._events.append(Refused(disclosure.id, "Not authorized"))
        return True

    def events(self) -> Sequence[LinkEvent]:
        """Return what happened since."""
        happened, self._events = self._events, []
        self._waiting -= {event.id for event in happened if isinstance(event, Delivered | Refused)}
        return happened

    def say_offline(self) -> None:
        """Count the last words."""
        self.offline_said += 1

    def close(self) -> None:
        """Close."""
        self.closed = True
