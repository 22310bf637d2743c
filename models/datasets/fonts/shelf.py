"""All fonts of one process, each drawn when it is first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.datasets.fonts.files import file_font, font_files, word_mask
from models.datasets.fonts.strokes import stroke_font

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.datasets.fonts.glyphs import Font


class FontShelf:
    """Fonts on demand: stroke fonts by number, file fonts by path; both drawn once a process."""

    def __init__(self, strokes: int = 500, seed: int = 20) -> None:
        self._seed, self._strokes = seed, strokes
        self._drawn: dict[int, Font] = {}
        self.files = font_files()
        self._read: dict[int, Font | None] = {}
        few = np.random.default_rng(seed).permutation(len(self.files))[:60]
        self._print = [self.files[i] for i in few]

    def pick(self, rng: np.random.Generator, file_share: float) -> Font:
        """Return a random font, from a file with probability `file_share`."""
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
