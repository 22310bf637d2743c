"""Flat plates for the clip: a given serial, in the look of several countries, in letters that are drawn, not copied."""

# ruff: noqa: INP001 - run beside draw.py, never installed
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from models.datasets.fonts import stroke_font

if TYPE_CHECKING:
    from numpy.typing import NDArray

PLATE_SIZE_M: Final = (0.52, 0.112)
_PX_PER_M: Final = 1500
_WHITE, _YELLOW, _BLUE, _BLACK = (244, 246, 246), (28, 196, 248), (150, 62, 20), (24, 22, 22)


@dataclass(frozen=True, slots=True)
class Look:
    """Colours and parts of a plate; `font` is the number of a stroke font."""

    ground: tuple[int, int, int]
    font: int
    bands: int = 0  # blue bands at the left, or at both ends
    border: bool = False


LOOKS: Final = {
    "white": Look(_WHITE, 12, bands=0),
    "banded": Look(_WHITE, 3, bands=1, border=True),
    "yellow": Look(_YELLOW, 21, bands=1, border=True),
    "two-bands": Look(_WHITE, 22, bands=2),
}


def draw_flat_plate(serial: str, look: Look) -> NDArray[np.uint8]:
    """Return a plate seen from the front, BGR; spaces in the serial are gaps."""
    wide, high = (round(side * _PX_PER_M) for side in PLATE_SIZE_M)
    picture = np.full((high, wide, 3), look.ground, np.uint8)
    left, right = 0, wide
    if look.bands:
        left = round(wide * 0.085)
        _draw_band(picture[:, :left], stars=True)
    if look.bands > 1:
        right = wide - left
        _draw_band(picture[:, right:], stars=False)
    ink = _set_serial(serial, look.font, (right - left) - 56, round(high * 0.70))
    top, start = (high - ink.shape[0]) // 2 + 2, left + (right - left - ink.shape[1]) // 2
    area = picture[top : top + ink.shape[0], start : start + ink.shape[1]]
    cover = ink[..., None].astype(np.float32) / 255
    area[:] = (area * (1 - cover) + np.asarray(_BLACK, np.float32) * cover).astype(np.uint8)
    if look.border:
        cv2.rectangle(picture, (4, 4), (wide - 5, high - 5), _BLACK, 4, cv2.LINE_AA)
    return picture


def _draw_band(band: NDArray[np.uint8], *, stars: bool) -> None:
    band[:] = _BLUE
    high, wide = band.shape[:2]
    if stars:
        for angle in np.linspace(0, 2 * np.pi, 12, endpoint=False):
            spot = round(wide / 2 + np.cos(angle) * wide * 0.28), round(high * 0.36 + np.sin(angle) * wide * 0.28)
            cv2.circle(band, spot, 3, (40, 210, 250), -1, cv2.LINE_AA)


def _set_serial(serial: str, font: int, limit_px: int, height_px: int) -> NDArray[np.uint8]:
    """Return the serial as a mask of ink, at most `limit_px` wide."""
    glyphs = stroke_font(np.random.default_rng((20, font))).glyphs
    gap = np.zeros((72, 11), np.uint8)
    parts = []
    for character in serial:
        if character == " ":
            parts.append(np.zeros((72, 22), np.uint8))
            continue
        glyph = np.zeros((72, glyphs[character].shape[1]), np.uint8)
        glyph[: glyphs[character].shape[0]] = glyphs[character][:72]
        parts += [glyph, gap]
    row = np.hstack(parts[:-1])
    scale = height_px / 64
    wide = min(round(row.shape[1] * scale * 1.12), limit_px)
    return np.asarray(cv2.resize(row, (wide, round(72 * scale)), interpolation=cv2.INTER_CUBIC), np.uint8)
