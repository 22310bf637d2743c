"""What the camera process sent and nobody has said to be stored yet: which goes next, and which has to go at all.

It decides; `pipe_outlet` sends. Not thread-safe.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platesieve.domain.disclosure import Kind

_WINDOW = 64  # unanswered frames on the wire: their answers always fit the socket's buffer, so neither end blocks


@dataclass(frozen=True, slots=True, repr=False)
class Held:
    """One frame: a Disclosure of some kind, or a Stretch, which has none.

    Attributes:
        frame: as it goes through the pipe.
        kind: of the Disclosure.
        expires_wall_ns: wall time from which nobody may have it; None where it never expires.
    """

    frame: bytes
    kind: Kind | None
    expires_wall_ns: int | None


class PipeBuffer:
    """Frames by id, oldest first.

    Args:
        max_bytes: bound of what is held.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held: OrderedDict[str, Held] = OrderedDict()
        self._bytes = 0
        self._on_wire: set[str] = set()

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    @property
    def size_bytes(self) -> int:
        """Return how long all frames are together."""
        return self._bytes

    @property
    def events(self) -> int:
        """Return how many events are held; what is said again anyway, such as health, is not counted."""
        return sum(held.kind is not None and not held.kind.lasting for held in self._held.values())

    def hold(self, id_: str, held: Held) -> None:
        """Take one in as the newest; of what lasts, such as health, only the newest counts."""
        self.forget(id_)
        if held.kind is not None and held.kind.lasting:
            for older in [other for other, one in self._held.items() if one.kind is held.kind]:
                self.forget(older)
        self._held[id_] = held
        self._bytes += len(held.frame)

    def forget(self, id_: str) -> None:
        """Let one go, where it is here."""
        held = self._held.pop(id_, None)
        self._on_wire.discard(id_)
        if held is not None:
            self._bytes -= len(held.frame)

    def keep_bound(self) -> int:
        """Drop the oldest above the bound; return how many."""
        dropped = 0
        while self._bytes > self._max_bytes:
            # What is on the wire may be stored already; it goes only when nothing else is left.
            ids = [id_ for id_ in self._first_ids(1) if id_ not in self._on_wire] or list(self._held)
            self.forget(ids[0])
            dropped += 1
        return dropped

    def drop_expired(self, now_wall_ns: int) -> int:
        """Drop what has expired; return how many. One on the wire may be stored already, and is counted over there."""
        expired = [
            id_
            for id_, held in self._held.items()
            if held.expires_wall_ns is not None and held.expires_wall_ns <= now_wall_ns and id_ not in self._on_wire
        ]
        for id_ in expired:
            self.forget(id_)
        return len(expired)

    def next_frames(self) -> list[bytes]:
        """Return the frames that may go on the wire now, which they are on from then."""
        waiting = [id_ for id_ in self._first_ids(_WINDOW) if id_ not in self._on_wire]
        chosen = waiting[: max(_WINDOW - len(self._on_wire), 0)]
        self._on_wire.update(chosen)
        return [self._held[id_].frame for id_ in chosen]

    def all_again(self) -> None:
        """Take everything off the wire: the connection is lost, and nobody answers any more."""
        self._on_wire.clear()

    def _first_ids(self, waiting: int) -> list[str]:
        """Return the oldest ids: those on the wire, and up to `waiting` more."""
        found: list[str] = []
        for id_ in self._held:
            if len(found) >= waiting + len(self._on_wire):
                break
            found.append(id_)
        return found
