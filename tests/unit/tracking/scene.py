"""Plates that drive through a picture, for the tests of the tracker.

Usage::

    drive = Drive()
    drive.frame(plate("AB12CDE", x=100), plate(None, x=400))     # one frame with two plates, one unreadable
    drive.wait(2.0)
    assert [s.text for s in drive.end()] == [PlateText("AB12CDE")]
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from platesieve.domain.geometry import Detection
from platesieve.domain.instant import NS_PER_S, Instant
from platesieve.domain.plate import Glyph, PlateRead, PlateText
from platesieve.settings import Tracking
from platesieve.tracking.state import Observation, TrackerState
from platesieve.tracking.tracker import finish, step

if TYPE_CHECKING:
    from platesieve.domain.sighting import Sighting

FRAME_S = 1 / 15
SIZE_PX = (1280, 720)
SETTINGS = Tracking(least_confidence=0.0, lone_reads=1000)  # what is legible has a test of its own


def fingerprint(text: PlateText) -> bytes:
    """Return a keyed digest, as the product makes it."""
    return hashlib.blake2b(text.reveal().encode(), key=b"a key for tests", digest_size=16).digest()


def glyphs_of(text: str, confidence: float) -> tuple[Glyph, ...]:
    """Return one glyph per character, without rivals."""
    return tuple(Glyph(((c, confidence),)) for c in text)


def read_of(text: str, detection: Detection, confidence: float = 0.95) -> PlateRead:
    """Return a read of a text."""
    return PlateRead(PlateText(text), glyphs_of(text, confidence), detection)


def plate(
    text: str | None, x: float = 600, y: float = 400, width: float = 100, confidence: float = 0.95
) -> Observation:
    """Return a plate of one fifth its width in height, its top left at (x, y); None is unreadable."""
    height = width / 5
    corners = ((x, y), (x + width, y), (x + width, y + height), (x, y + height))
    detection = Detection(corners, 0.9)
    return Observation(detection, None if text is None else read_of(text, detection, confidence))


@dataclass
class Drive:
    """Time, the tracker's state and everything it reported."""

    settings: Tracking = SETTINGS
    seconds: float = 1000.0
    state: TrackerState = field(default_factory=TrackerState)
    sightings: list[Sighting] = field(default_factory=list)

    def frame(self, *seen: Observation, after_s: float = FRAME_S) -> tuple[Sighting, ...]:
        """Show one frame, `after_s` after the one before."""
        self.seconds += after_s
        now = Instant(round(self.seconds * NS_PER_S), round(self.seconds * NS_PER_S))
        self.state, ended = step(self.state, seen, now, SIZE_PX, self.settings, fingerprint)
        self.sightings += ended
        return ended

    def wait(self, seconds: float) -> None:
        """Show an empty road."""
        for _ in range(round(seconds / FRAME_S)):
            self.frame()

    def end(self) -> list[str]:
        """End the source and return every reported text."""
        self.state, ended = finish(self.state, self.settings, fingerprint)
        self.sightings += ended
        return self.texts

    @property
    def texts(self) -> list[str]:
        """Return what was reported, in order."""
        return [sighting.text.reveal() for sighting in self.sightings]
