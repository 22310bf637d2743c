"""One vehicle passing once. RAM only: gone after the policy's raw lifetime, whatever happened to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from platesieve.domain.crop import Crops
    from platesieve.domain.geometry import Detection
    from platesieve.domain.instant import Instant
    from platesieve.domain.plate import Glyph, PlateText


class Direction(StrEnum):
    """How the plate moved through the picture: growing plates approach, shrinking ones recede."""

    APPROACHING = "approaching"
    RECEDING = "receding"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Sighting:
    """The reads of one passage, voted into one answer.

    Attributes:
        text: the voted text.
        glyphs: per position the voted alternatives with their share of the vote, best first.
        confidence: share of the vote of the weakest position, 0..1.
        agreeing_frames: frames whose own text equals the voted text.
        frames: frames in which the vehicle was read at all.
        region: country (ISO 3166-1 alpha-2) or part of one (ISO 3166-2) the plate is from, or None.
        detection: where the plate was in the best frame.
        frame_size_px: width and height of that frame.
        first_seen: instant of the first frame.
        last_seen: instant of the last frame.
        direction: whether the plate approached or receded.
        lane: name of the lane, where lanes are configured.
        crops: pictures of the best frame, where the policy may disclose one.
    """

    text: PlateText
    glyphs: tuple[Glyph, ...]
    confidence: float
    agreeing_frames: int
    frames: int
    region: str | None
    detection: Detection
    frame_size_px: tuple[int, int]
    first_seen: Instant
    last_seen: Instant
    direction: Direction = Direction.UNKNOWN
    lane: str | None = None
    crops: Crops | None = None
