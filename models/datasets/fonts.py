"""Letter shapes for drawn plates: parametric stroke fonts, and free TrueType fonts from Debian.

Plates of most authorities are struck from dies whose shapes are simple strokes. A stroke font here is a skeleton
table (SKELETONS) plus a handful of numbers: width, thickness, corner radius, pen shape, slant and one variant for each
character. Hundreds of them cover more of the world than any collection of files, and carry no licence.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
GLYPH_PX = 64

FONT_PACKAGES: dict[str, str] = {
    # Debian package: licence as its copyright file states it
    "fonts-roadgeek": "MIT",
    "fonts-opendin": "OFL-1.1",
    "fonts-osifont": "GPL-3 or GPL-2 or LGPL-3, each with font exception",
    "fonts-national-park": "OFL-1.1",
    "fonts-routed-gothic": "OFL-1.1, MIT",
    "fonts-liberation2": "OFL-1.1",
    "fonts-dejavu-core": "Bitstream Vera licence",
    "fonts-dejavu-extra": "Bitstream Vera licence",
    "fonts-bebas-neue": "OFL-1.1",
    "fonts-clear-sans": "Apache-2.0",
    "fonts-allerta": "OFL-1.1",
    "fonts-b612": "OFL-1.1, EPL-2.0, EDL-1.0",
    "fonts-cabin": "OFL-1.1",
    "fonts-dosis": "OFL-1.1",
    "fonts-firacode": "OFL-1.1",
    "fonts-go": "BSD-3-Clause",
    "fonts-hack": "MIT and Bitstream Vera licence",
    "fonts-inconsolata": "OFL-1.0",
    "fonts-inter": "OFL-1.1, Apache-2.0",
    "fonts-jetbrains-mono": "Apache-2.0",
    "fonts-karla": "OFL-1.1",
    "fonts-lato": "OFL-1.1",
    "fonts-league-mono": "OFL-1.1",
    "fonts-league-spartan": "OFL-1.1",
    "fonts-manrope": "OFL-1.1",
    "fonts-ocr-b": "public domain, and a free permissive licence",
    "fonts-open-sans": "Apache-2.0",
    "fonts-oxygen": "OFL-1.1 or GPL-3 with font exception",
    "fonts-paratype": "ParaType Free Font Licence",
    "fonts-play": "OFL-1.1",
    "fonts-quicksand": "OFL-1.1",
    "fonts-roboto-unhinted": "Apache-2.0",
    "fonts-roboto-slab": "Apache-2.0",
    "fonts-sora": "OFL-1.1",
    "fonts-tuffy": "public domain",
    "fonts-urw-base35": "AGPL-3 with font exception",
    "fonts-yanone-kaffeesatz": "OFL-1.1",
    "fonts-freefont-ttf": "GPL-3+ with font exception",
    "fonts-croscore": "OFL-1.1",
    "fonts-courier-prime": "OFL-1.1",
    "fonts-adf-gillius": "GPL-2 with font exception",
    "fonts-adf-universalis": "GPL-2 with font exception",
    "fonts-adf-verana": "GPL-2 with font exception",
    "fonts-adf-switzera": "GPL-2 with font exception",
    "fonts-tiresias": "GPL-3 with font exception",
    "fonts-anonymous-pro": "OFL-1.1",
    "fonts-hermit": "OFL-1.1",
    "fonts-agave": "MIT",
    "fonts-sil-andika": "OFL-1.1",
}
# Parts of file names of faces that no plate looks like: slanted, outlined, hair-thin, or with serifs.
SKIPPED_STYLES = (
    "italic",
    "oblique",
    "outline",
    "thin",
    "hair",
    "light",
    "extralight",
    "symbol",
    "dingbat",
    "ding",
    "chancery",
    "-it.",
    "obl",
    "d050",
    "z003",
    "p052",
    "c059",
    "bookman",
    "serif",
    "slanted",
    "keys",
    "roman",
    "math",
    "standardsymbols",
    "prime",
    "bi.",
    "webfont",
    "variable",
    "narrowit",
    "ptf",
    "keyfont",
    "lcase",
    "lower",
    "title",
)

# One entry a character: variants as "weight|strokes". A stroke is a list of x,y points in the unit box (y down), `r`
# rounds the corner at that point, a final `z` closes the stroke, `;` separates strokes, `m` is the font's middle.
SKELETONS: dict[str, tuple[str, ...]] = {
    "0": ("9|0,0r 1,0r 1,1r 0,1rz", "1|0,0r 1,0r 1,1r 0,1rz;.2,.8 .8,.2"),
    "1": (
        "2|.5,0 .5,1",
        "4|.1,.22 .6,0 .6,1",
        "3|.15,.2 .55,0 .55,1;.05,1 1,1",
        "2|.1,.06 .6,.06 .6,1",
        "2|0,.04 .5,.04 .5,1;0,1 1,1",
        "1|0,.3 .7,0 .7,1",
    ),
    "2": (
        "4|0,.25 0,0r 1,0r 1,.42r 0,1 1,1",
        "3|0,.22 0,0r 1,0r 1,mr 0,mr 0,1 1,1",
        "3|0,.2 0,0r 1,0r 1,.5r 0,.8r 0,1 1,1",
        "1|0,0 1,0r 1,mr 0,mr 0,1 1,1",
    ),
    "3": (
        "4|0,.2 0,0r 1,0r 1,mr .35,m;.35,m 1,mr 1,1r 0,1r 0,.8",
        "2|0,0 1,0 .4,.4 1,.4r 1,1r 0,1r 0,.8",
        "1|0,0r 1,0r 1,mr .1,m;.1,m 1,mr 1,1r 0,1",
        "1|0,0 .95,0 .5,.38r 1,.5r 1,1r 0,1r 0,.85",
    ),
    "4": (
        "4|.75,1 .75,0 0,.68 1,.68",
        "2|.8,1 .8,0 .7,0 0,.65 0,.72 1,.72",
        "2|.1,0 0,.62 1,.62;.78,.3 .78,1",
        "2|.45,0 0,.66 1,.66;.74,.38 .74,1",
        "1|0,0 0,.58 1,.58;.8,0 .8,1",
        "2|.6,0 0,.7 1,.7;.72,.35 .72,1",
    ),
    "5": (
        "4|.95,0 .06,0 0,.45 .12,.38r 1,.38r 1,1r 0,1r 0,.8",
        "3|1,0 0,0 0,mr 1,mr 1,1r 0,1r 0,.82",
        "2|.95,0 0,0 0,.4 1,.4r 1,1r 0,1",
    ),
    "6": (
        "4|1,.2 1,0r 0,0r 0,1r 1,1r 1,mr 0,mr 0,.7",
        "2|.78,0 0,.55r 0,1r 1,1r 1,.42r .1,.42r",
        "2|.9,0 .5,0r 0,.4r 0,1r 1,1r 1,.4r 0,.4r 0,.7",
        "1|.7,0 .1,.5;0,.42r 1,.42r 1,1r 0,1rz",
    ),
    "7": (
        "4|0,0 1,0 .35,1",
        "2|0,0 1,0 1,.15r .4,.6r .4,1",
        "2|0,.14 0,0 1,0 .4,1",
        "1|0,0 1,0 .4,1;.3,.5 .9,.5",
        "1|0,0 1,0r 1,.3r .45,.5r .45,1",
    ),
    "8": (
        "4|.06,0r .94,0r .94,mr .06,mrz;0,mr 1,mr 1,1r 0,1rz",
        "2|0,0r 1,0r 1,mr 0,mrz;0,mr 1,mr 1,1r 0,1rz",
        "1|.1,0r .9,0r .9,.28r .5,.47r 0,.66r 0,1r 1,1r 1,.66r .5,.47r .1,.28rz",
    ),
    "9": (
        "4|0,.8 0,1r 1,1r 1,0r 0,0r 0,mr 1,mr 1,.3",
        "2|.22,1 1,.45r 1,0r 0,0r 0,.58r .9,.58r",
        "2|.1,1 .5,1r 1,.6r 1,0r 0,0r 0,.6r 1,.6r 1,.3",
        "1|.3,1 .9,.5;0,0r 1,0r 1,.58r 0,.58rz",
    ),
    "A": (
        "5|0,1 .5,0 1,1;.17,.66 .83,.66",
        "3|0,1 .38,0 .62,0 1,1;.14,.68 .86,.68",
        "1|0,1 0,0r 1,0r 1,1;0,.55 1,.55",
        "1|0,1 0,.3 .5,0 1,.3 1,1;0,.6 1,.6",
        "1|0,1 .5,0 1,1;.12,.76 .88,.76",
    ),
    "B": ("4|0,0 .92,0r .92,mr 0,m 1,mr 1,1r 0,1z", "2|0,0 1,0r 1,mr 0,m 1,mr 1,1r 0,1z"),
    "C": (
        "4|1,.24 1,0r 0,0r 0,1r 1,1r 1,.76",
        "1|1,.1 .8,0r 0,0r 0,1r .8,1r 1,.9",
        "2|1,.3 1,0r 0,0r 0,1r 1,1r 1,.7",
    ),
    "D": ("5|0,0 1,0r 1,1r 0,1z", "1|0,0 .6,0 1,.3r 1,.7r .6,1 0,1z"),
    "E": ("3|1,0 0,0 0,1 1,1;0,m .85,m", "2|1,0 0,0 0,1 1,1;0,m 1,m"),
    "F": ("3|1,0 0,0 0,1;0,m .85,m", "2|1,0 0,0 0,1;0,.52 .95,.52"),
    "G": (
        "4|1,.24 1,0r 0,0r 0,1r 1,1r 1,.55 .55,.55",
        "2|1,.22 1,0r 0,0r 0,1r 1,1 1,.52 .6,.52",
        "1|1,.25 1,0r 0,0r 0,1r 1,1r 1,.6;.5,.58 1,.58 1,1",
        "1|1,.2 1,0r 0,0r 0,1r 1,1r 1,.6 .7,.6",
    ),
    "H": ("1|0,0 0,1;1,0 1,1;0,m 1,m",),
    "I": ("5|.5,0 .5,1", "3|0,0 1,0;0,1 1,1;.5,0 .5,1", "1|.15,0 .85,0;.15,1 .85,1;.5,0 .5,1"),
    "J": (
        "4|1,0 1,1r 0,1r 0,.72",
        "2|.3,0 1,0 1,1r 0,1r 0,.75",
        "1|.3,0 1,0;.7,0 .7,1r 0,1r 0,.75",
        "1|.9,0 .9,1r .1,1",
    ),
    "K": ("3|0,0 0,1;1,0 0,.6;.32,.42 1,1", "2|0,0 0,1;1,0 .05,.5 1,1", "1|0,0 0,1;0,.5 .3,.5 1,0;.3,.5 1,1"),
    "L": ("1|0,0 0,1 1,1",),
    "M": (
        "3|0,1 0,0 .5,.65 1,0 1,1",
        "2|0,1 0,0 .5,1 1,0 1,1",
        "2|0,1 0,0 .5,.45 1,0 1,1",
        "1|0,1 .08,0 .5,.8 .92,0 1,1",
        "1|0,1 0,0 .12,0 .5,.55 .88,0 1,0 1,1",
    ),
    "N": ("4|0,1 0,0 1,1 1,0", "1|0,1 0,0 .1,0 .9,1 1,1 1,0"),
    "O": ("1|0,0r 1,0r 1,1r 0,1rz",),
    "P": ("4|0,1 0,0 1,0r 1,.55r 0,.55", "1|0,1 0,0 1,0r 1,mr 0,m", "1|0,1 0,0 1,0r 1,.62r 0,.62"),
    "Q": (
        "3|0,0r 1,0r 1,1r 0,1rz;.55,.68 1,1.02",
        "2|0,0r 1,0r 1,1r 0,1rz;.6,.75 1.08,1.06",
        "1|0,0r 1,0r 1,.95r 0,.95rz;.5,.95 .5,1.1",
        "1|0,0r 1,0r 1,1r 0,1rz;.45,.6 .95,.95",
        "1|0,0r 1,0r 1,1r 0,1rz;.62,.72 .62,1.08 1.02,1.08",
    ),
    "R": (
        "4|0,1 0,0 1,0r 1,.54r 0,.54;.5,.54 1,1",
        "2|0,1 0,0 1,0r 1,mr 0,m;.3,m 1,1",
        "1|0,1 0,0 1,0r 1,mr 0,m;.4,m 1,mr 1,1",
        "1|0,1 0,0 1,0r 1,.55r 0,.55;.65,.55 1,1",
    ),
    "S": (
        "5|1,.22 1,0r 0,0r 0,mr 1,mr 1,1r 0,1r 0,.78",
        "1|1,.1 .85,0r 0,0r 0,mr 1,mr 1,1r .15,1r 0,.9",
        "2|1,.24 1,0r 0,0r 0,.42r 1,.6r 1,1r 0,1r 0,.76",
    ),
    "T": ("1|0,0 1,0;.5,0 .5,1",),
    "U": ("1|0,0 0,1r 1,1r 1,0",),
    "V": ("3|0,0 .5,1 1,0", "1|0,0 .44,1 .56,1 1,0"),
    "W": (
        "3|0,0 .24,1 .5,.3 .76,1 1,0",
        "2|0,0 .22,1 .5,0 .78,1 1,0",
        "2|0,0 .1,1 .5,.4 .9,1 1,0",
        "2|0,0 0,1 .5,.5 1,1 1,0",
        "1|0,0 .2,1 .5,.6 .8,1 1,0",
        "1|0,0 0,1 .5,.25 1,1 1,0",
    ),
    "X": ("1|0,0 1,1;1,0 0,1",),
    "Y": ("3|0,0 .5,.52 1,0;.5,.52 .5,1", "1|0,0 .5,.4 1,0;.5,.4 .5,1", "1|0,0 0,.3r .5,.55r 1,.3r 1,0;.5,.55 .5,1"),
    "Z": ("5|0,0 1,0 0,1 1,1", "1|0,0 1,0 0,1 1,1;.25,.5 .75,.5"),
}
NARROW = {"1": 0.5, "I": 0.4, "J": 0.85, "L": 0.9}
WIDE = {"M": 1.2, "W": 1.3, "O": 1.05, "Q": 1.05, "G": 1.05}


@dataclass(frozen=True, slots=True)
class Font:
    """Glyph masks of one typeface: uint8, GLYPH_PX high (tails reach lower), one width each."""

    glyphs: dict[str, NDArray[np.uint8]]
    kind: str


@dataclass(frozen=True, slots=True)
class _Pen:
    width: float
    thickness_px: float
    contrast: float
    radius: float
    oval: float
    middle: float
    squareness: float
    slant: float
    spread: float


def stroke_font(rng: np.random.Generator) -> Font:
    """Draw one random stroke font: all 36 characters with one set of proportions."""
    thickness = float(rng.uniform(0.09, 0.21)) * 128
    pen = _Pen(
        width=float(rng.uniform(0.42, 0.68)),
        thickness_px=thickness,
        contrast=float(rng.uniform(0.8, 1.1)),
        radius=float(rng.choice([rng.uniform(0.25, 0.7), rng.uniform(0.7, 1.0), 1.0])),
        oval=float(rng.choice([0.0, 0.0, rng.uniform(0, 1), 1.0])),
        middle=float(rng.uniform(0.44, 0.54)),
        squareness=float(rng.choice([2.0, 2.0, 2.5, 4.0, 8.0])),
        slant=float(rng.normal(0, 0.03)) if rng.random() < 0.1 else 0.0,
        spread=float(rng.choice([0.0, rng.uniform(0.3, 1.0), 1.0])),
    )
    return Font({c: _stroke_glyph(pen, _variant(rng, c), c) for c in CHARACTERS}, "stroke")


def _variant(rng: np.random.Generator, character: str) -> str:
    options = [spec.split("|") for spec in SKELETONS[character]]
    weights = np.asarray([float(w) for w, _ in options])
    return options[int(rng.choice(len(options), p=weights / weights.sum()))][1]


def _stroke_glyph(pen: _Pen, spec: str, character: str) -> NDArray[np.uint8]:
    height = 128
    factor = 1 + pen.spread * (WIDE.get(character, 1.0) - 1)
    bare_stem = character in "1I" and spec == ".5,0 .5,1"
    if character in NARROW:
        factor = NARROW[character] if bare_stem or pen.spread else factor
    inner = max(height * pen.width * factor - pen.thickness_px, 0.0 if bare_stem else height * 0.14)
    if bare_stem:
        inner = 0.0
    canvas = np.zeros((height + 16, round(inner + pen.thickness_px) + 14), np.uint8)
    scale = np.asarray([inner, height - pen.thickness_px])
    for text in spec.split(";"):
        points, closed = _trace(text, pen, scale)
        points = points + np.asarray([pen.thickness_px / 2 + 4, pen.thickness_px / 2])
        cv2.polylines(canvas, [np.round(points * 16).astype(np.int32)], closed, 255, 1, cv2.LINE_8, 4)
    mask = cv2.dilate(canvas, _nib(pen.thickness_px, pen.thickness_px * pen.contrast, pen.squareness))
    if pen.slant:
        turn = np.asarray([[1, -pen.slant, pen.slant * height / 2], [0, 1, 0]], np.float32)
        mask = cv2.warpAffine(mask, turn, (mask.shape[1], mask.shape[0]))
    small = cv2.resize(mask, (max(4, mask.shape[1] // 2), mask.shape[0] // 2), interpolation=cv2.INTER_AREA)
    return _trim(small)


def _trim(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    used = np.flatnonzero(mask.max(axis=0) > 30)
    mask = mask[:, used[0] : used[-1] + 1] if len(used) else mask
    return np.ascontiguousarray(mask[: GLYPH_PX + 6])


@functools.lru_cache(maxsize=256)
def _nib(width_px: float, height_px: float, squareness: float) -> NDArray[np.uint8]:
    w, h = max(3, round(width_px)), max(3, round(height_px))
    x = np.abs(np.linspace(-1, 1, w))[None, :]
    y = np.abs(np.linspace(-1, 1, h))[:, None]
    return ((x**squareness + y**squareness) <= 1.0 + 1e-6).astype(np.uint8)


def _trace(text: str, pen: _Pen, scale: NDArray[np.float64]) -> tuple[NDArray[np.float64], bool]:
    closed = text.endswith("z")
    corners, rounded = [], []
    for word in text.removesuffix("z").split():
        x, y = word.removesuffix("r").split(",")
        corners.append((float(x), pen.middle if y == "m" else float(y)))
        rounded.append(word.endswith("r"))
    points = np.asarray(corners) * scale
    path: list[NDArray[np.float64]] = []
    count = len(points)
    for i in range(count):
        inside = closed or 0 < i < count - 1
        if rounded[i] and inside:
            path.extend(_arc(points, rounded, i, pen))
        else:
            path.append(points[i])
    return np.asarray(path), closed


def _arc(points: NDArray[np.float64], rounded: Sequence[bool], i: int, pen: _Pen) -> list[NDArray[np.float64]]:
    """Replace a corner by a quarter of an ellipse, as large as radius and neighbours allow."""
    here, count = points[i], len(points)
    arms, room = [], []
    for j in ((i - 1) % count, (i + 1) % count):
        arm = points[j] - here
        length = float(np.linalg.norm(arm)) + 1e-6
        arms.append(arm / length)
        room.append(length / 2 if rounded[j] else length * 0.9)
    least = min(room)
    cuts = [pen.radius * (pen.oval * r + (1 - pen.oval) * least) for r in room]
    start, end = here + arms[0] * cuts[0], here + arms[1] * cuts[1]
    first, second = start + (here - start) * 0.55, end + (here - end) * 0.55
    t = np.linspace(0, 1, 8)[:, None]
    curve = (1 - t) ** 3 * start + 3 * (1 - t) ** 2 * t * first + 3 * (1 - t) * t**2 * second + t**3 * end
    return list(curve)


def font_files(folder: Path = Path("/usr/share/fonts")) -> list[Path]:
    """Return the installed upright, heavy enough font files, sorted; empty where no package is installed."""
    found = sorted([*folder.rglob("*.ttf"), *folder.rglob("*.otf"), *folder.rglob("*.t1")])
    return [f for f in found if f.suffix != ".t1" and not any(s in f.name.lower() for s in SKIPPED_STYLES)]


def file_font(path: Path) -> Font | None:
    """Render one font file; None where it lacks a capital or a digit."""
    try:
        face = ImageFont.truetype(str(path), 80)
    except OSError:
        return None
    missing = _render(face, "\uffff")
    top, bottom = face.getbbox("H")[1], face.getbbox("H")[3]
    if bottom - top < 20:
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
        glyphs[c] = _trim(small)
    return Font(glyphs, "file")


def _render(face: ImageFont.FreeTypeFont, text: str) -> NDArray[np.uint8] | None:
    _, _, right, bottom = face.getbbox(text)
    image = Image.new("L", (int(right) + 4, int(bottom) + 4), 0)
    ImageDraw.Draw(image).text((0, 0), text, fill=255, font=face)
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
