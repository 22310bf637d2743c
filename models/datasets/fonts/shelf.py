"""All fonts of one process, each drawn when it is first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.datasets.fonts.faces import FACES
from models.datasets.fonts.files import file_font, font_files, word_mask
from models.datasets.fonts.strokes import face_font, stroke_font

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.datasets.fonts.glyphs import Font

FACE_SHARE = 0.6
"""Of the plates of a table that names a face are set in one of its fonts; old, foreign and home-made ones in any."""
FONTS_A_FACE = 40


class FontShelf:
    """Fonts on demand: stroke fonts by number, file fonts by path; both drawn once a process."""

    def __init__(self, strokes: int = 500, seed: int = 20) -> None:
        self._seed, self._strokes = seed, strokes
        self._drawn: dict[int, Font] = {}
        self._struck: dict[tuple[str, int], Font] = {}
        self.files = font_files()
        self._read: dict[int, Font | None] = {}
        few = np.random.default_rng(seed).permutation(len(self.files))[:60]
        self._print = [self.files[i] for i in few]

    def pick(self, rng: np.random.Generator, file_share: float, face: str | None = None) -> Font:
        """Return a random font: most often of the authority's own face, else from a file in `file_share`."""
        if face and rng.random() < FACE_SHARE:
            k = int(rng.integers(FONTS_A_FACE))
            if (face, k) not in self._struck:
                self._struck[face, k] = face_font(np.random.default_rng((self._seed, k)), FACES[face])
            return self._struck[face, k]
        if self.files and rng.random() < file_share:
            i = int(rng.integers(len(self.files)))
            if i not in self._read:
                self._read[i] = file_font(self.files[i])
            font = self._read[i]
            if font is not None:
                return font
        k = int(rng.integers(self._strokes))
        if k not in self._drawn:
            self._drawn[k] = stroke_font(np.random.default_rng((self._seed, k)))
        return self._drawn[k]

    def word(self, rng: np.random.Generator, text: str) -> NDArray[np.uint8]:
        """Return a word of small print in a random font."""
        if not self.files:
            return np.full((16, 10 * len(text)), 255, np.uint8)
        return word_mask(self._print[int(rng.integers(len(self._print)))], text)
