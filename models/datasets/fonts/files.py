"""Fonts from files: the free TrueType fonts that are installed, drawn with Pillow."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from models.datasets.fonts.glyphs import CHARACTERS, DIGITS, GLYPH_PX, Font, trim
from models.datasets.fonts.packages import SKIPPED_STYLES

if TYPE_CHECKING:
    from numpy.typing import NDArray


def font_files(folder: Path = Path("/usr/share/fonts")) -> list[Path]:
    """Return the installed upright, heavy enough font files, sorted; empty where no package is installed."""
    found = sorted([*folder.rglob("*.ttf"), *folder.rglob("*.otf"), *folder.rglob("*.t1")])
    return [f for f in found if f.suffix != ".t1" and not any(s in f.name.lower() for s in SKIPPED_STYLES)]


def file_font(path: Path) -> Font | None:
    """Render one font file; None where it lacks a capital or a digit, or has digits that hang below the line."""
    try:
        face = ImageFont.truetype(str(path), 80)
    except OSError:
        return None
    missing = _render(face, "\uffff")
    top, bottom = face.getbbox("H")[1], face.getbbox("H")[3]
    if bottom - top < 20 or any(face.getbbox(c)[3] - top > 1.12 * (bottom - top) for c in DIGITS):
        return None
    glyphs = {}
    for c in CHARACTERS:
        mask = _render(face, c)
        if mask is None or mask.shape[1] < 4 or (missing is not None and np.array_equal(mask, missing)):
            return None
        scale = GLYPH_PX / (bottom - top)
        cut = mask[max(0, top) :]
        small = cv2.resize(cut, (max(3, round(cut.shape[1] * scale)), max(3, round(cut.shape[0] * scale))),
                           interpolation=cv2.INTER_AREA)  # fmt: skip
        glyphs[c] = trim(small)
    return Font(glyphs, "file")


def _render(face: ImageFont.FreeTypeFont, text: str) -> NDArray[np.uint8] | None:
    left, _, right, bottom = (int(edge) for edge in face.getbbox(text))
    before = max(0, -left) + 1  # the hook of many a J reaches left of where the letter begins
    image = Image.new("L", (before + right + 4, bottom + 4), 0)
    ImageDraw.Draw(image).text((before, 0), text, fill=255, font=face)
    mask = np.asarray(image)
    used = np.flatnonzero(mask.max(axis=0) > 30)
    return mask[:, used[0] : used[-1] + 1] if len(used) else None


@functools.lru_cache(maxsize=64)
def _face(path: Path) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), 32)


@functools.lru_cache(maxsize=6000)
def word_mask(path: Path, word: str) -> NDArray[np.uint8]:
    """Render a word of small print, about 32 px high, tight to its ink."""
    mask = _render(_face(path), word)
    if mask is None:
        return np.zeros((8, 8), np.uint8)
    rows = np.flatnonzero(mask.max(axis=1) > 30)
    return mask[rows[0] : rows[-1] + 1]
