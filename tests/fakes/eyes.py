"""A finder and a reader that see what a script says, so that a story needs no model.

Usage::

    finder, reader = scripted_eyes([[("ABC123", 100.0)], [("ABC123", 110.0)], []])

One list per frame; in it a text and the left edge of its plate in pixels for every plate in view.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platesieve.domain.geometry import Detection
from platesieve.domain.plate import Glyph, PlateRead, PlateText

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platesieve.vision.frame import Frame

PLATE_PX = (120.0, 30.0)


def detection_at(left: float) -> Detection:
    """Return a plate of 120 x 30 px whose left edge is given."""
    width, height = PLATE_PX
    top = 200.0
    corners = ((left, top), (left + width, top), (left + width, top + height), (left, top + height))
    return Detection(corners, 0.95)


class ScriptedEyes:
    """PlateFinder and PlateReader in one; frames are told apart by the order in which they are searched."""

    def __init__(self, script: Sequence[Sequence[tuple[str, float]]], probability: float = 0.99) -> None:
        self._script = list(script)
        self._probability = probability
        self._texts: dict[Detection, str] = {}
        self.searched = 0

    def find(self, frame: Frame) -> tuple[Detection, ...]:  # noqa: ARG002 - the port's signature
        """Return the plates of the next frame in the script; none when it is over."""
        plates = self._script[self.searched] if self.searched < len(self._script) else ()
        self.searched += 1
        self._texts = {detection_at(left): text for text, left in plates}
        return tuple(self._texts)

    def read(self, frame: Frame, detection: Detection) -> PlateRead | None:  # noqa: ARG002 - the port's signature
        """Return the text that the script has at this place."""
        text = self._texts[detection]
        glyphs = tuple(Glyph(((character, self._probability),)) for character in text)
        return PlateRead(PlateText(text), glyphs, detection)
