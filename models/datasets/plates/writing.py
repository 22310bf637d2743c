"""Serials and small print: patterns filled at random, set in a font, stamped onto a sheet."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.datasets.fonts import CHARACTERS, DIGITS, GLYPH_PX, Font, FontShelf
from models.datasets.plates.emblems import EMBLEMS, dash, emblem, seals
from models.datasets.plates.sheet import stamp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.datasets.plates.sheet import Sheet


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
HARD_SHARE = 0.25
"""Of the serials are made of characters that readers mix up, the oftener the worse (after released/confusion.json)."""
CROWDED = 0.3
"""Of the serials may reach nearer to the plate's edge: what stands beside an edge is not always a piece of it."""
HARD = {"J": 4, "M": 3, "W": 3, "N": 2.5, "B": 2, "S": 2, "G": 2, "H": 2, "D": 2, "V": 2, "U": 2, "C": 1.5, "Y": 1.5,
        "A": 1.5, "T": 1.5, "O": 1.5, "Q": 1.5, "8": 2, "6": 1.5, "0": 1.5, "1": 1.5}  # fmt: skip


@functools.cache
def shelf() -> FontShelf:
    """Return the process's one shelf of fonts."""
    return FontShelf()


def write_serial(rng: np.random.Generator, pattern: str, skip: str = "") -> str:
    """Fill a pattern of formats.toml with random characters, in some serials with hard ones; separators stay."""
    hard = rng.random() < HARD_SHARE
    pattern = re.sub(r"\{([^}]*)\}", lambda m: str(rng.choice(m[1].split(","))).lower(), pattern)
    kinds = {"&": list(LETTERS), "@": [c for c in LETTERS if c not in skip], "#": list(DIGITS), "?": list(CHARACTERS)}
    return "".join(_one_of(rng, kinds[c], hard=hard) if c in kinds else c.upper() for c in pattern).strip()


def _one_of(rng: np.random.Generator, characters: list[str], *, hard: bool) -> str:
    if not hard:
        return characters[rng.integers(len(characters))]
    weights = np.cumsum([HARD.get(c, 1.0) for c in characters])
    return characters[int(np.searchsorted(weights, rng.uniform(0, weights[-1]), side="right"))]


def set_line(
    rng: np.random.Generator, font: Font, serial: str, height: float, squeeze: float, gap: float
) -> NDArray[np.uint8]:
    """Set one row of a serial: a mask `height` px high and as wide as it comes out (tails reach below)."""
    scale = height / GLYPH_PX
    pieces: list[tuple[NDArray[np.uint8] | None, float]] = []
    em = height * 0.5 * squeeze
    emblem_shape = int(rng.integers(EMBLEMS))
    for c in serial:
        if c in font.glyphs:
            glyph = font.glyphs[c]
            width = max(2, round(glyph.shape[1] * scale * squeeze))
            pieces.append(
                (
                    cv2.resize(glyph, (width, max(2, round(glyph.shape[0] * scale))), interpolation=cv2.INTER_AREA),
                    gap * em,
                )
            )
        elif c in "-.":
            pieces.append((dash(rng, em, height, c), gap * em * 1.2))
        elif c == "*":
            pieces.append((emblem(rng, em, height, emblem_shape), gap * em * 1.2))
        elif c == ":":
            pieces.append((seals(rng, em, height), gap * em * 1.2))
        else:
            pieces.append((None, em * float(rng.uniform(0.25, 0.9))))
    pieces[-1] = (pieces[-1][0], 0.0)  # the last character stands as near the edge as the first
    total = sum((p.shape[1] if p is not None else 0) + g for p, g in pieces)
    row = np.zeros((round(height * 1.1) + 1, round(total) + 2), np.uint8)
    x = 1.0
    for p, g in pieces:
        if p is not None:
            h, w = min(p.shape[0], row.shape[0]), p.shape[1]
            at = min(round(x), row.shape[1] - w)
            row[:h, at : at + w] = np.maximum(row[:h, at : at + w], p[:h])
            x += w
        x += g
    return row


def set_serial(
    rng: np.random.Generator,
    sheet: Sheet,
    font: Font,
    serial: str,
    area: tuple[float, float, float, float],
    *,
    level: float | None = None,
    fill: tuple[float, float] = (0.7, 1.0),
    squeeze: tuple[float, float] = (0.75, 1.1),
) -> tuple[float, float]:
    """Set a serial centred in `area` (x, y, width, height), squeezed where it is too wide; return its x range."""
    x, y, width, height = area
    if rng.random() < CROWDED:
        x, width = x - width * 0.015, width * 1.03
    gap = float(rng.uniform(0.14, 0.42))
    wide = np.mean([g.shape[1] for g in font.glyphs.values()]) / GLYPH_PX
    natural = min(1.0, 0.62 / wide) if wide > 0.55 else 1.0
    row = set_line(rng, font, serial, height, natural * float(rng.uniform(*squeeze)), gap)
    limit = width * float(rng.uniform(*fill)) if row.shape[1] > width * fill[0] else row.shape[1]
    if row.shape[1] > limit:
        row = cv2.resize(row, (max(8, round(limit)), row.shape[0]), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.25:
        size = int(rng.integers(2, 4))
        row = (
            cv2.erode(row, np.ones((size, size), np.uint8))
            if rng.random() < 0.4
            else cv2.dilate(row, np.ones((size, size), np.uint8))
        )
    left = x + (width - row.shape[1]) * float(np.clip(rng.normal(0.5, 0.08), 0, 1))
    ink = sheet.ink if level is None else level
    if rng.random() < 0.45:
        depth = float(rng.uniform(15, 70)) * (1 if rng.random() < 0.5 else -1)
        for dx, dy, sign in ((1, 1, -1), (-1, -1, 1)):
            stamp(sheet, row, left + dx, y + dy, float(np.clip(sheet.ground + sign * depth, 0, 255)), 0.6)
    stamp(sheet, row, left, y, ink)
    return left, left + row.shape[1]


def set_rows(
    rng: np.random.Generator,
    sheet: Sheet,
    serial: str,
    area: tuple[float, float, float, float],
    file_share: float,
    face: str | None = None,
) -> None:
    """Set a serial whose rows are parted by `/`, one above the other."""
    rows = [r.strip() for r in serial.split("/") if r.strip()]
    x, y, width, height = area
    font = shelf().pick(rng, file_share, face)
    first = float(rng.uniform(0.38, 0.55)) if len(rows) > 1 else 1.0
    shares = [first, 1 - first] if len(rows) == 2 else [1 / len(rows)] * len(rows)
    for row, share in zip(rows, shares, strict=True):
        room = height * share
        high = room * float(rng.uniform(0.8, 0.92)) if len(rows) > 1 else room
        set_serial(rng, sheet, font, row, (x, y + (room - high) / 2, width, high), fill=(0.6, 1.0), squeeze=(0.8, 1.4))
        y += room


def set_word(
    rng: np.random.Generator, sheet: Sheet, word: str, box: tuple[float, float, float, float], level: float
) -> None:
    """Set small print centred in a box, as large as fits."""
    if not word:
        return
    mask = shelf().word(rng, word)
    x, y, width, height = box
    scale = min(width / mask.shape[1], height / mask.shape[0])
    if scale * mask.shape[0] < 2.5:
        return
    small = cv2.resize(
        mask, (max(2, round(mask.shape[1] * scale)), max(2, round(mask.shape[0] * scale))), interpolation=cv2.INTER_AREA
    )
    stamp(sheet, small, x + (width - small.shape[1]) / 2, y + (height - small.shape[0]) / 2, level)
