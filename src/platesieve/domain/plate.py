"""The text of a plate, which no print, log or traceback shows."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from platesieve.domain.errors import PlateTextError

if TYPE_CHECKING:
    from platesieve.domain.crop import Crops
    from platesieve.domain.geometry import Detection

ALPHABET = string.digits + string.ascii_uppercase
MAX_CHARACTERS = 12
REGION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", re.ASCII)
"""Where a plate is from: a country (ISO 3166-1 alpha-2, such as DE), or a part of one (ISO 3166-2, such as US-MN)."""


class PlateText:
    """Upper-case text of a plate, A-Z and 0-9. `reveal()` is the one way to its characters.

    `repr`, `str`, `format` and pickling never give the text away, so that a log line or a traceback
    with a plate in it shows `PlateText(***)`.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        if not 1 <= len(text) <= MAX_CHARACTERS or any(c not in ALPHABET for c in text):
            # The offending text is a plate, or nearly one: the message must not repeat it.
            raise PlateTextError(
                f"a plate of {len(text)} characters is not 1 to {MAX_CHARACTERS} of A-Z and 0-9",
                "write it in capitals without spaces or dashes",
            )
        self._text = text

    @classmethod
    def from_written(cls, written: str) -> Self:
        """Build from text as people write it: lower case, spaces, dots and dashes are forgiven."""
        kept = "".join(c for c in written.upper() if c not in " -.\u00b7_")
        return cls(kept)

    def reveal(self) -> str:
        """Return the characters. Every call of this is listed in tests/test_architecture.py."""
        return self._text

    def __len__(self) -> int:
        return len(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PlateText) and self._text == other._text

    def __hash__(self) -> int:
        return hash((PlateText, self._text))

    def __repr__(self) -> str:
        return "PlateText(***)"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a PlateText is not pickled: it never leaves the process that read it")


def is_region(text: object) -> bool:
    """Return whether a value has the form of a country or of a part of one, in capitals."""
    return isinstance(text, str) and REGION.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Glyph:
    """One position of a read: its alternatives with their probabilities, best first.

    The characters are as private as the plate they come from, so `repr` hides them.
    """

    alternatives: tuple[tuple[str, float], ...]

    @property
    def best(self) -> str:
        """Return the most probable character."""
        return self.alternatives[0][0]

    @property
    def probability(self) -> float:
        """Return the probability of the most probable character, 0..1."""
        return self.alternatives[0][1]

    def __repr__(self) -> str:
        return f"Glyph(***, probability={self.probability:.2f})"


@dataclass(frozen=True, slots=True)
class PlateRead:
    """What the reader saw in one frame: text, a Glyph per character, and the Detection it came from.

    `crops` are taken only where the policy may disclose a picture. `region` is what `REGION` describes, or None where
    the reader is not sure; `region_probability` says how sure it is.
    """

    text: PlateText
    glyphs: tuple[Glyph, ...]
    detection: Detection
    region: str | None = None
    crops: Crops | None = None
    region_probability: float = 1.0

    @property
    def confidence(self) -> float:
        """Return the probability of the weakest character: one doubtful glyph makes a doubtful plate."""
        return min(glyph.probability for glyph in self.glyphs)
