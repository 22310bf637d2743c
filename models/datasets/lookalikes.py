"""Things that look like plates and are not: timestamps, vehicle lettering, signs, grilles, badges.

The detectors that were tried first went wrong on just these, mostly by a hair. Each is a small picture with an alpha
mask, pasted into a scene like a plate, but with no label.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

FONT_FOLDER = Path("/usr/share/fonts/truetype")
WORDS = (
    "TAXI",
    "POLICE",
    "SPRINTER",
    "TRANSIT",
    "QUATTRO",
    "TURBO",
    "DIESEL",
    "HYBRID",
    "AUTOMATIC",
    "4x4",
    "4WD",
    "AMBULANCE",
    "SCHOOL",
    "RENTAL",
    "EXPRESS",
    "CARGO",
    "DELIVERY",
    "MASTER",
    "DUCATO",
    "BOXER",
    "SILVERADO",
    "CHEVROLET",
    "TOYOTA",
    "FORD",
    "DODGE",
    "RAM",
    "HONDA",
    "NISSAN",
    "MERCEDES",
    "VOLVO",
    "SCANIA",
    "IVECO",
    "VAN",
    "SALE",
    "STOP",
    "EXIT",
    "PARKING",
    "OPEN",
    "SERVICE",
    "Plumbing",
    "Heating",
    "Bakery",
    "Electric",
    "Garage",
    "Motors",
    "Rental",
    "Logistics",
    "Cleaning",
    "Events",
    "Security",
    "Baby",
    "on",
    "Board",
    "www.example.com",
    "example.org",
    "GmbH",
    "Ltd",
    "Inc",
    "Sport",
    "GTI",
    "TDI",
    "XDrive",
    "AWD",
    "EcoBoost",
    "LTZ",
    "V8",
)


@dataclass(frozen=True, slots=True, eq=False)
class Sticker:
    """A picture to paste: luma and alpha, both H x W uint8; `shade` says that the paster picks the brightness.

    `burnt_in` marks what a camera writes over its picture: it stays upright and is not warped.
    """

    luma: NDArray[np.uint8]
    alpha: NDArray[np.uint8]
    burnt_in: bool = False


def find_fonts() -> list[Path]:
    """Return the TrueType files of this machine that open; with none, Pillow's own font is used."""
    return [path for path in sorted(FONT_FOLDER.rglob("*.ttf")) if opens(path)]


def opens(path: Path) -> bool:
    """Return True if the font can be used: links may lead nowhere, and some fonts have no outlines."""
    try:
        return ImageFont.truetype(str(path), 16).getbbox("A0")[2] > 4
    except OSError:
        return False


def text_mask(rng: np.random.Generator, text: str, fonts: list[Path], size: int = 32) -> NDArray[np.uint8]:
    """Return the text as a tight mask, 0..255, about `size` pixels high."""
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont = (
        ImageFont.truetype(str(fonts[rng.integers(len(fonts))]), size) if fonts else ImageFont.load_default(size)
    )
    left, top, right, bottom = font.getbbox(text)
    wide, high = max(int(right - left), 4) + 4, max(int(bottom - top), 4) + 4
    picture = Image.new("L", (wide, high), 0)
    ImageDraw.Draw(picture).text((2 - left, 2 - top), text, font=font, fill=255)
    return np.asarray(picture, np.uint8)


def digits(rng: np.random.Generator, count: int) -> str:
    """Return that many random digits."""
    return "".join(str(d) for d in rng.integers(0, 10, count))


def phrase(rng: np.random.Generator) -> str:
    """Return a word or two, a telephone number or a speed, as written on vehicles and shop fronts."""
    kind = rng.random()
    if kind < 0.2:
        return f"{digits(rng, 3)}-{digits(rng, 3)}-{digits(rng, 4)}" if rng.random() < 0.5 else f"0{digits(rng, 10)}"
    if kind < 0.27:
        return digits(rng, int(rng.integers(2, 5)))
    words = [WORDS[rng.integers(len(WORDS))] for _ in range(1 if rng.random() < 0.6 else 2)]
    text = " ".join(words)
    return text.upper() if rng.random() < 0.4 else text


def draw_timestamp(rng: np.random.Generator, fonts: list[Path]) -> Sticker:
    """Return a line as cameras burn it in: date, time, channel or speed; white on an outline or on a dark bar."""
    year, month, day = rng.integers(2003, 2027), rng.integers(1, 13), rng.integers(1, 29)
    hour, minute, second = rng.integers(0, 24), rng.integers(0, 60), rng.integers(0, 60)
    sep = "/-."[rng.integers(3)]
    date = f"{year}{sep}{month:02d}{sep}{day:02d}" if rng.random() < 0.5 else f"{month:02d}{sep}{day:02d}{sep}{year}"
    clock = f"{hour:02d}:{minute:02d}:{second:02d}"
    choices = (
        f"{date} {clock}", date, clock, f"CAM {rng.integers(1, 17):02d}", f"{clock} {date}",
        f"{rng.integers(0, 130)} km/h", f"CH{rng.integers(1, 9)} {clock}", f"IMG_{digits(rng, 4)}",
    )  # fmt: skip
    mask = text_mask(rng, choices[rng.integers(len(choices))], fonts)
    if rng.random() < 0.35:
        bar = np.full_like(mask, rng.integers(0, 60))
        return Sticker(np.maximum(bar, mask), np.full_like(mask, 255), burnt_in=True)
    outline = np.asarray(cv2.dilate(mask, np.ones((3, 3), np.uint8)), np.uint8) if rng.random() < 0.6 else mask
    shade = 255 if rng.random() < 0.85 else int(rng.integers(0, 200))
    return Sticker((mask.astype(np.float32) * (shade / 255)).astype(np.uint8), outline, burnt_in=True)


def draw_lettering(rng: np.random.Generator, fonts: list[Path]) -> Sticker:
    """Return letters straight on the paint: no border, no ground of their own."""
    mask = text_mask(rng, phrase(rng), fonts)
    return Sticker(np.full_like(mask, rng.integers(0, 256)), mask)


def draw_sign(rng: np.random.Generator, fonts: list[Path]) -> Sticker:
    """Return a sign, label or bumper sticker: one to four lines on a ground, often lower case, often a border."""
    lines = [text_mask(rng, phrase(rng), fonts, int(rng.integers(12, 36))) for _ in range(int(rng.integers(1, 5)))]
    pad = int(rng.integers(3, 16))
    wide, high = max(m.shape[1] for m in lines) + 2 * pad, sum(m.shape[0] + 3 for m in lines) + 2 * pad
    ground, ink = (int(v) for v in rng.choice([10, 40, 90, 150, 200, 235, 250], 2, replace=False))
    board = np.full((high, wide), ground, np.uint8)
    top = pad
    for mask in lines:
        left = (wide - mask.shape[1]) // 2 if rng.random() < 0.7 else pad
        part = board[top : top + mask.shape[0], left : left + mask.shape[1]].astype(np.float32)
        cover = mask.astype(np.float32) / 255
        board[top : top + mask.shape[0], left : left + mask.shape[1]] = (part * (1 - cover) + ink * cover).astype(
            np.uint8
        )
        top += mask.shape[0] + 3
    alpha = np.full_like(board, 255)
    if rng.random() < 0.2:  # a TAXI lamp has round shoulders
        alpha[:] = 0
        cv2.ellipse(alpha, (wide // 2, high), (wide // 2, high), 0, 180, 360, 255, -1)
    return Sticker(board, alpha)


def draw_grille(rng: np.random.Generator, _fonts: list[Path]) -> Sticker:
    """Return slats, bars or a mesh between dark and bright."""
    high, wide = int(rng.integers(24, 80)), int(rng.integers(60, 200))
    dark, bright = int(rng.integers(0, 80)), int(rng.integers(90, 255))
    board = np.full((high, wide), dark, np.uint8)
    pitch, thick = int(rng.integers(4, 16)), int(rng.integers(1, 5))
    kind = rng.integers(3)
    if kind != 1:
        for y in range(0, high, pitch):
            cv2.line(board, (0, y), (wide, y), bright, thick)
    if kind != 0:
        slant = int(rng.integers(-high // 2, high // 2 + 1)) if kind == 2 else 0
        for x in range(-high, wide + high, pitch):
            cv2.line(board, (x, 0), (x + slant, high), bright, thick)
    return Sticker(board, np.full_like(board, 255))


def draw_badge(rng: np.random.Generator, _fonts: list[Path]) -> Sticker:
    """Return a lamp, emblem, vent, handle or blank panel: an ellipse or box with a rim and a highlight."""
    high, wide = int(rng.integers(20, 64)), int(rng.integers(24, 180))
    board, alpha = np.full((high, wide), rng.integers(0, 256), np.uint8), np.zeros((high, wide), np.uint8)
    if rng.random() < 0.6:
        cv2.ellipse(alpha, (wide // 2, high // 2), (wide // 2 - 1, high // 2 - 1), 0, 0, 360, 255, -1)
        cv2.ellipse(board, (wide // 2, high // 2), (wide // 2 - 3, high // 2 - 3), 0, 0, 360, int(rng.integers(256)), 2)
    else:
        alpha[:] = 255
        cv2.rectangle(board, (2, 2), (wide - 3, high - 3), int(rng.integers(256)), int(rng.integers(1, 4)))
    ramp = np.linspace(0.7, 1.3, high, dtype=np.float32)[:, None]
    return Sticker(np.clip(board * (ramp if rng.random() < 0.5 else ramp[::-1]), 0, 255).astype(np.uint8), alpha)


KINDS: tuple[tuple[float, Callable[[np.random.Generator, list[Path]], Sticker]], ...] = (
    (0.28, draw_timestamp),
    (0.30, draw_lettering),
    (0.18, draw_sign),
    (0.12, draw_grille),
    (0.12, draw_badge),
)


def draw_lookalike(rng: np.random.Generator, fonts: list[Path]) -> Sticker:
    """Return one thing that is no plate."""
    shares = [share for share, _ in KINDS]
    _, draw = KINDS[int(rng.choice(len(KINDS), p=shares))]
    return draw(rng, fonts)


def place_lookalike(rng: np.random.Generator, sticker: Sticker, width: int, height: int) -> NDArray[np.float32]:
    """Return the four corners (4, 2) at which to paste it into a picture of that size."""
    aspect = sticker.luma.shape[1] / sticker.luma.shape[0]
    high = math.exp(rng.uniform(math.log(5.0), math.log(min(44.0, height / 2))))
    wide = min(high * aspect * rng.uniform(0.8, 1.25), width * 0.95)
    if sticker.burnt_in:  # at the edges of the picture, upright
        x = rng.uniform(1, max(width - wide - 1, 2))
        y = rng.uniform(1, 8) if rng.random() < 0.4 else height - high - rng.uniform(1, 8)
        return np.array([[x, y], [x + wide, y], [x + wide, y + high], [x, y + high]], np.float32)
    centre = np.array([rng.uniform(0, width), rng.uniform(0, height)])
    angle = rng.normal(0, 0.12)
    axis = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    flat = np.array([[-wide, -high], [wide, -high], [wide, high], [-wide, high]]) / 2
    return np.asarray(flat @ axis + centre + rng.normal(0, 0.04, (4, 2)) * high, np.float32)
