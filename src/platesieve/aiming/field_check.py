"""A minute of reading, shown to whoever stands at the camera, and then gone. RAM only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from platesieve.domain.instant import NS_PER_S

if TYPE_CHECKING:
    from platesieve.domain.sighting import Sighting

LASTS_S: Final = 60.0
_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Sure:
    """What makes a read a strict one: as the policy of the device says, or two frames and 0.9."""

    confidence: float = 0.9
    frames: int = 2

    def of(self, sighting: Sighting) -> bool:
        """Return whether the device would act on it."""
        return sighting.confidence >= self.confidence and sighting.agreeing_frames >= self.frames


class FieldCheck:
    """Keeps what is read for a minute after `start`; what is over is forgotten before anybody is answered."""

    def __init__(self, sure: Sure) -> None:
        self._sure = sure
        self._ends_ns: int | None = None
        self._kept: list[tuple[bool, Sighting]] = []
        self._strict = self._uncertain = 0

    def start(self, now_ns: int) -> None:
        """Begin a new minute."""
        self._kept.clear()
        self._strict = self._uncertain = 0
        self._ends_ns = now_ns + int(LASTS_S * NS_PER_S)

    def add(self, sighting: Sighting, now_ns: int) -> None:
        """Take in a Sighting, if a check is going on."""
        self.expire(now_ns)
        if self._ends_ns is None:
            return
        strict = self._sure.of(sighting)
        self._strict += strict
        self._uncertain += not strict
        self._kept = [*self._kept[-_MOST:], (strict, sighting)]

    def expire(self, now_ns: int) -> None:
        """Forget every read once the minute is over; the two counts stay."""
        if self._ends_ns is not None and now_ns >= self._ends_ns:
            self.erase()

    def erase(self) -> None:
        """Forget every read now."""
        self._kept.clear()
        self._ends_ns = None

    def shown(self, now_ns: int) -> dict[str, object]:
        """Return what the page shows: the reads while the minute lasts, and two counts."""
        self.expire(now_ns)
        left_s = 0.0 if self._ends_ns is None else (self._ends_ns - now_ns) / NS_PER_S
        reads = [
            {
                "text": sighting.text.reveal(),
                "strict": strict,
                "confidence": round(sighting.confidence, 2),
                "frames": sighting.frames,
            }
            for strict, sighting in reversed(self._kept)
        ]
        return {"left_s": round(left_s, 1), "reads": reads, "strict": self._strict, "uncertain": self._uncertain}
