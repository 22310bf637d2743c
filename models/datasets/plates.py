"""Draw licence plates that nobody owns: random serials in the formats, shapes and letters of many countries.

A plate is drawn once, flat and clean, about 96 px high; degrade.py makes photographs of it.
"""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from models.datasets.fonts import CHARACTERS, GLYPH_PX, Font, FontShelf

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEIGHT_PX = 96
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class DrawnPlate:
    """A clean plate: luma (about 96 px high, true aspect), its serial in A-Z0-9 (empty: no plate), region and rows."""

    luma: NDArray[np.uint8]
    text: str
    region: str
    rows: int = 1


@dataclass(slots=True)
class _Sheet:
    """A plate under the brush: float luma 0..255, ink and ground levels."""

    luma: NDArray[np.float32]
    ink: float
    ground: float

    @property
    def size(self) -> tuple[int, int]:
        return self.luma.shape[1], self.luma.shape[0]


@functools.cache
def _regions() -> tuple[list[str], list[dict[str, Any]], NDArray[np.float64]]:
    table = tomllib.loads(Path(__file__).with_name("formats.toml").read_text())
    weights = np.asarray([float(r["weight"]) for r in table.values()])
    return list(table), list(table.values()), weights / weights.sum()


def region_names() -> list[str]:
    """Return the tables of formats.toml."""
    return list(_regions()[0])


@functools.cache
def shelf() -> FontShelf:
    """Return the process's one shelf of fonts."""
    return FontShelf()


def draw_plate(rng: np.random.Generator, region_name: str | None = None) -> DrawnPlate:
    """Draw one random plate of a random region, or of the table `region_name` of formats.toml."""
    names, regions, weights = _regions()
    i = names.index(region_name) if region_name else int(rng.choice(len(names), p=weights))
    region = regions[i]
    serial = write_serial(rng, str(rng.choice(region["formats"])), region.get("skip", ""))
    look = region["look"]
    if look == "any":
        look = str(rng.choice(["us", "eu", "uk", "br", "au", "in", "ar", "mercosul"]))
    if "/" in serial and look not in {"in", "gulf"}:
        look = "square"
    elif look in ("eu", "uk") and " " in serial and rng.random() < 0.05:
        serial, look = serial.replace(" ", "/", 1), "square"
    sheet = _LOOKS[look](rng, serial, region)
    text = "".join(c for c in serial if c in CHARACTERS)
    return DrawnPlate(_finish(rng, sheet), text, names[i], 2 if "/" in serial else 1)


def write_serial(rng: np.random.Generator, pattern: str, skip: str = "") -> str:
    """Fill a pattern of formats.toml with random characters; separators stay."""
    pattern = re.sub(r"\{([^}]*)\}", lambda m: str(rng.choice(m[1].split(","))).lower(), pattern)
    letters = [c for c in LETTERS if c not in skip]
    out = []
    for c in pattern:
        if c == "@":
            out.append(letters[rng.integers(len(letters))])
        elif c == "#":
            out.append(str(rng.integers(10)))
        elif c == "?":
            out.append(CHARACTERS[rng.integers(36)])
        else:
            out.append(c.upper())
    return "".join(out).strip()


# --- ink ---


def _stamp(sheet: _Sheet, mask: NDArray[np.uint8], x: float, y: float, level: float, strength: float = 1.0) -> None:
    """Blend a mask onto the sheet with its top left at x, y; what falls outside is cut."""
    x0, y0 = round(x), round(y)
    width, height = sheet.size
    left, top = max(0, -x0), max(0, -y0)
    part = mask[top : max(top, min(mask.shape[0], height - y0)), left : max(left, min(mask.shape[1], width - x0))]
    if part.size == 0:
        return
    view = sheet.luma[y0 + top : y0 + top + part.shape[0], x0 + left : x0 + left + part.shape[1]]
    view += (level - view) * (part.astype(np.float32) * (strength / 255))


def _line(
    rng: np.random.Generator, font: Font, serial: str, height: float, squeeze: float, gap: float
) -> NDArray[np.uint8]:
    """Set one row of a serial: a mask `height` px high and as wide as it comes out (tails reach below)."""
    scale = height / GLYPH_PX
    pieces: list[tuple[NDArray[np.uint8] | None, float]] = []
    em = height * 0.5 * squeeze
    emblem_shape = int(rng.integers(6))
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
            pieces.append((_dash(rng, em, height, c), gap * em * 1.2))
        elif c == "*":
            pieces.append((_emblem(rng, em, height, emblem_shape), gap * em * 1.2))
        else:
            pieces.append((None, em * float(rng.uniform(0.25, 0.9))))
    total = sum((p.shape[1] if p is not None else 0) + g for p, g in pieces)
    row = np.zeros((round(height * 1.1) + 1, round(total) + 4), np.uint8)
    x = 1.0
    for p, g in pieces:
        if p is not None:
            h, w = min(p.shape[0], row.shape[0]), p.shape[1]
            at = min(round(x), row.shape[1] - w)
            row[:h, at : at + w] = np.maximum(row[:h, at : at + w], p[:h])
            x += w
        x += g
    return row


def _dash(rng: np.random.Generator, em: float, height: float, kind: str) -> NDArray[np.uint8]:
    mask = np.zeros((round(height), max(3, round(em * (0.55 if kind == "-" else 0.3)))), np.uint8)
    thick = max(1.0, height * float(rng.uniform(0.06, 0.14)))
    middle = height * float(rng.uniform(0.42, 0.58))
    if kind == "-":
        mask[round(middle - thick / 2) : max(round(middle + thick / 2), round(middle - thick / 2) + 1)] = 255
    else:
        cv2.circle(mask, (mask.shape[1] // 2, round(middle)), max(1, round(thick * 0.9)), 255, -1, cv2.LINE_AA)
    return mask


def _emblem(rng: np.random.Generator, em: float, height: float, shape: int) -> NDArray[np.uint8]:
    """Draw what stands between groups: seals, state outlines, hearts, flags: never a letter."""
    w, h = max(5, round(em * float(rng.uniform(0.5, 1.1)))), round(height)
    mask = np.zeros((h, w), np.uint8)
    level = int(rng.integers(70, 256))
    middle = (w // 2, round(h * float(rng.uniform(0.35, 0.65))))
    radius = max(2, round(min(w / 2, h * 0.3) * float(rng.uniform(0.5, 1.0))))
    if shape == 0:
        cv2.circle(mask, middle, radius, level, -1, cv2.LINE_AA)
        cv2.circle(mask, middle, max(1, radius // 2), int(rng.integers(0, 120)), -1, cv2.LINE_AA)
    elif shape == 1:
        for dy in (-h // 5, h // 5):
            cv2.circle(mask, (w // 2, h // 2 + dy), max(2, round(w * 0.38)), level, -1, cv2.LINE_AA)
            cv2.circle(mask, (w // 2, h // 2 + dy), max(1, round(w * 0.2)), int(rng.integers(0, 120)), -1, cv2.LINE_AA)
    elif shape == 2:
        cv2.circle(mask, middle, radius, level, max(1, radius // 3), cv2.LINE_AA)
    else:
        count = int(rng.integers(4, 10))
        angle = np.sort(rng.uniform(0, 2 * np.pi, count))
        reach = rng.uniform(0.45, 1.0, count)
        points = np.stack(
            [w / 2 + np.cos(angle) * reach * w / 2, middle[1] + np.sin(angle) * reach * min(w * 0.7, h / 2)], 1
        )
        cv2.fillPoly(mask, [np.round(points * 16).astype(np.int32)], level, cv2.LINE_AA, 4)
    return mask


def _serial(
    rng: np.random.Generator,
    sheet: _Sheet,
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
    gap = float(rng.uniform(0.14, 0.42))
    wide = np.mean([g.shape[1] for g in font.glyphs.values()]) / GLYPH_PX
    natural = min(1.0, 0.62 / wide) if wide > 0.55 else 1.0
    row = _line(rng, font, serial, height, natural * float(rng.uniform(*squeeze)), gap)
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
            _stamp(sheet, row, left + dx, y + dy, float(np.clip(sheet.ground + sign * depth, 0, 255)), 0.6)
    _stamp(sheet, row, left, y, ink)
    return left, left + row.shape[1]


def _word(
    rng: np.random.Generator, sheet: _Sheet, word: str, box: tuple[float, float, float, float], level: float
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
    _stamp(sheet, small, x + (width - small.shape[1]) / 2, y + (height - small.shape[0]) / 2, level)


# --- ground, pictures, stickers, frames ---


def _sheet(rng: np.random.Generator, aspect: float, dark_ground: float = 0.15, busy: float = 0.2) -> _Sheet:
    width = round(HEIGHT_PX * aspect * float(rng.uniform(0.95, 1.05)))
    contrast = float(rng.uniform(70, 225)) if rng.random() < 0.9 else float(rng.uniform(40, 80))
    if rng.random() < dark_ground:
        ground = float(rng.uniform(5, 110))
        ink = min(255.0, ground + contrast)
    else:
        ground = float(rng.uniform(120, 250))
        ink = max(0.0, ground - contrast)
    luma = np.full((HEIGHT_PX, width), ground, np.float32)
    if rng.random() < 0.35:
        luma += np.linspace(-1, 1, HEIGHT_PX, dtype=np.float32)[:, None] * float(rng.normal(0, 22))
    sheet = _Sheet(luma, ink, ground)
    if rng.random() < busy:
        _picture(rng, sheet, (0, 0, width, HEIGHT_PX), float(rng.uniform(0.1, 0.4)))
    return sheet


def _picture(rng: np.random.Generator, sheet: _Sheet, box: tuple[float, float, float, float], strength: float) -> None:
    """Draw a landscape, a seal or an animal: blobs that no serial is made of."""
    x, y, width, height = (round(v) for v in box)
    layer = np.zeros((max(4, height), max(4, width)), np.uint8)
    for _ in range(int(rng.integers(1, 6))):
        level = int(rng.integers(60, 256))
        kind = int(rng.integers(4))
        centre = (int(rng.integers(layer.shape[1])), int(rng.integers(layer.shape[0])))
        if kind == 0:
            axes = (
                int(rng.integers(2, max(3, layer.shape[1] // 2))),
                int(rng.integers(2, max(3, layer.shape[0] // 2))),
            )
            cv2.ellipse(layer, centre, axes, float(rng.uniform(0, 180)), 0, 360, level, -1, cv2.LINE_AA)
        elif kind == 1:
            xs = np.linspace(0, layer.shape[1], int(rng.integers(3, 9)))
            ys = rng.uniform(0.3, 1.0, len(xs)) * layer.shape[0]
            shape = np.stack([np.append(xs, [layer.shape[1], 0]), np.append(ys, [layer.shape[0]] * 2)], 1)
            cv2.fillPoly(layer, [shape.astype(np.int32)], level, cv2.LINE_AA)
        elif kind == 2:
            points = rng.uniform(0, 1, (int(rng.integers(3, 8)), 2)) * [layer.shape[1], layer.shape[0]]
            cv2.fillPoly(layer, [points.astype(np.int32)], level, cv2.LINE_AA)
        else:
            end = (int(rng.integers(layer.shape[1])), int(rng.integers(layer.shape[0])))
            cv2.line(layer, centre, end, level, int(rng.integers(1, 8)), cv2.LINE_AA)
    level = float(rng.uniform(0, 255)) if strength > 0.5 else sheet.ink
    _stamp(sheet, layer, x, y, level, strength)


def _sticker(rng: np.random.Generator, sheet: _Sheet, x: float, y: float, width: float, height: float) -> None:
    w, h = max(4, round(width)), max(4, round(height))
    ground = float(rng.uniform(20, 250))
    _stamp(sheet, np.full((h, w), 255, np.uint8), x, y, ground)
    if rng.random() < 0.8:
        word = str(
            rng.choice(["JAN", "MAY", "OCT", "12", "08", "17", "2014", "19", "3", "SEP", "DEC 09", "TX", "PERM"])
        )
        _word(
            rng,
            sheet,
            word,
            (x + 1, y + 1, w - 2, h - 2),
            255 - ground if rng.random() < 0.7 else float(rng.uniform(0, 255)),
        )


def _bolts(rng: np.random.Generator, sheet: _Sheet, spots: list[tuple[float, float]]) -> None:
    width, height = sheet.size
    radius, level = float(rng.uniform(1.5, 4.5)), float(rng.uniform(0, 255))
    wide = rng.random() < 0.3
    for fx, fy in spots:
        centre = (round(fx * width), round(fy * height))
        axes = (round(radius * (2 if wide else 1)), round(radius))
        cv2.ellipse(sheet.luma, centre, axes, 0, 0, 360, level, -1, cv2.LINE_AA)
        if rng.random() < 0.4:
            cv2.circle(sheet.luma, centre, max(1, round(radius / 2)), float(rng.uniform(0, 255)), -1, cv2.LINE_AA)


def _border(rng: np.random.Generator, sheet: _Sheet, share: float) -> None:
    if rng.random() < share:
        inset = int(rng.integers(0, 4))
        width, height = sheet.size
        level = sheet.ink if rng.random() < 0.7 else float(rng.uniform(0, 255))
        cv2.rectangle(
            sheet.luma,
            (inset, inset),
            (width - 1 - inset, height - 1 - inset),
            level,
            int(rng.integers(1, 4)),
            cv2.LINE_AA,
        )


def _frame(rng: np.random.Generator, sheet: _Sheet) -> _Sheet:
    """Put the dealer's frame round the plate; it may cover small print, never the serial."""
    width, height = sheet.size
    top, bottom, side = (round(float(v)) for v in rng.uniform([2, 2, 1], [14, 18, 8]))
    cover_top, cover_bottom = (round(float(v)) for v in rng.uniform(0, 8, 2))
    level = float(rng.choice([rng.uniform(0, 50), rng.uniform(120, 230)]))
    inner = sheet.luma[cover_top : height - cover_bottom, 2 : width - 2]
    luma = cv2.copyMakeBorder(inner, top, bottom, side, side, cv2.BORDER_CONSTANT, value=level)
    framed = _Sheet(np.ascontiguousarray(luma), sheet.ink, sheet.ground)
    if rng.random() < 0.6:
        word = str(
            rng.choice(
                [
                    "TOYOTA",
                    "HONDA OF LAKESIDE",
                    "Autohaus",
                    "CHEVROLET",
                    "www.cars.com",
                    "Ford",
                    "Mercedes-Benz",
                    "ALUMNI",
                    "AUTOMARKET",
                    "Happiness is being a grandparent",
                    "0800 555 0199",
                    "SUBARU",
                ]
            )
        )
        y = framed.size[1] - bottom + 1 if rng.random() < 0.6 else 1
        room = bottom - 2 if y > 1 else top - 2
        _word(rng, framed, word, (framed.size[0] * 0.15, y, framed.size[0] * 0.7, max(3, room)), 255 - level)
    return framed


def _finish(rng: np.random.Generator, sheet: _Sheet) -> NDArray[np.uint8]:
    if rng.random() < 0.12:
        grain = rng.normal(0, 1, (12, 24)).astype(np.float32)
        sheet.luma += cv2.resize(grain, sheet.size, interpolation=cv2.INTER_CUBIC) * float(rng.uniform(4, 28))
    return np.clip(sheet.luma, 0, 255).astype(np.uint8)


# --- looks: one drawing a family of countries ---


def _draw_us(rng: np.random.Generator, serial: str, region: dict[str, Any]) -> _Sheet:
    sheet = _sheet(rng, float(rng.uniform(1.9, 2.1)), dark_ground=0.18, busy=0.4)
    width, height = sheet.size
    high = height * float(rng.uniform(0.4, 0.58))
    top = height * float(rng.uniform(0.5, 0.56)) - high / 2
    left, room = width * 0.03, width * 0.94
    side = rng.random()
    if side < 0.14:
        _picture(rng, sheet, (width * 0.02, top - 4, width * 0.24, high + 8), float(rng.uniform(0.5, 1.0)))
        left, room = width * 0.27, width * 0.7
    elif side < 0.18:
        _picture(rng, sheet, (width * 0.76, top - 4, width * 0.2, high + 8), float(rng.uniform(0.5, 1.0)))
        room = width * 0.72
    elif side < 0.28:
        room = width * 0.82
        at_left = rng.random() < 0.5
        stack = write_serial(rng, str(rng.choice(["@@", "@@@", "@#", "##"])))
        font = shelf().pick(rng, 0.3)
        step = high / len(stack)
        for k, c in enumerate(stack):
            mask = _line(rng, font, c, step * 0.8, float(rng.uniform(0.9, 1.3)), 0.1)
            _stamp(sheet, mask, width * 0.04 if at_left else width * 0.88, top + k * step, sheet.ink)
        left = width * 0.15 if at_left else width * 0.03
    if rng.random() < 0.3:
        band = np.full((round(height * float(rng.uniform(0.1, 0.25))), width), 255, np.uint8)
        _stamp(
            sheet,
            band,
            0,
            0 if rng.random() < 0.6 else height - band.shape[0],
            float(rng.uniform(0, 255)),
            float(rng.uniform(0.3, 1)),
        )
    font = shelf().pick(rng, 0.3)
    _serial(rng, sheet, font, serial, (left, top, room, high), fill=(0.8, 1.0), squeeze=(0.85, 1.15))
    small = sheet.ink if rng.random() < 0.7 else float(rng.uniform(0, 255))
    if rng.random() < 0.88:
        _word(
            rng,
            sheet,
            str(rng.choice(region.get("names", ["STATE"]))),
            (width * 0.22, height * 0.03, width * 0.56, height * float(rng.uniform(0.1, 0.2))),
            small,
        )
    if rng.random() < 0.7:
        _word(
            rng,
            sheet,
            str(rng.choice(region.get("slogans", [""]))),
            (width * 0.2, height * 0.86, width * 0.6, height * float(rng.uniform(0.07, 0.12))),
            small,
        )
    for fx, fy in ((0.03, 0.03), (0.8, 0.03), (0.03, 0.8), (0.8, 0.8)):
        if rng.random() < 0.25:
            _sticker(
                rng,
                sheet,
                width * fx,
                height * fy,
                width * float(rng.uniform(0.1, 0.17)),
                height * float(rng.uniform(0.12, 0.18)),
            )
    _bolts(rng, sheet, [(0.2, 0.08), (0.8, 0.08)] + ([(0.2, 0.92), (0.8, 0.92)] if rng.random() < 0.6 else []))
    _border(rng, sheet, 0.3)
    return _frame(rng, sheet) if rng.random() < 0.35 else sheet


def _draw_eu(rng: np.random.Generator, serial: str, region: dict[str, Any]) -> _Sheet:
    sheet = _sheet(rng, float(rng.uniform(4.4, 4.9)), dark_ground=0.06, busy=0.04)
    width, height = sheet.size
    band = 0.0
    if rng.random() < 0.75:
        band = width * float(rng.uniform(0.075, 0.11))
        _stamp(sheet, np.full((height, round(band)), 255, np.uint8), 0, 0, float(rng.uniform(15, 150)))
        light = float(rng.uniform(150, 255))
        if rng.random() < 0.8:
            for angle in np.linspace(0, 2 * np.pi, 12, endpoint=False):
                spot = (round(band / 2 + np.cos(angle) * band * 0.3), round(height * 0.3 + np.sin(angle) * band * 0.3))
                cv2.circle(sheet.luma, spot, 1, light, -1)
        _word(
            rng,
            sheet,
            str(region.get("mark", rng.choice(["D", "PL", "RO", "NL", "F"]))),
            (band * 0.15, height * 0.6, band * 0.7, height * 0.3),
            light,
        )
    right = 0.0
    if region.get("mark") in ("F", "I") and rng.random() < 0.7:
        right = width * 0.08
        _stamp(sheet, np.full((height, round(right)), 255, np.uint8), width - right, 0, float(rng.uniform(15, 150)))
        _word(
            rng,
            sheet,
            f"{rng.integers(1, 96):02d}",
            (width - right * 0.8, height * 0.6, right * 0.6, height * 0.3),
            240.0,
        )
    high = height * float(rng.uniform(0.62, 0.78))
    _serial(
        rng,
        sheet,
        shelf().pick(rng, 0.35),
        serial,
        (
            band + width * 0.02,
            (height - high) / 2 + float(rng.normal(0, 1.5)),
            width - band - right - width * 0.04,
            high,
        ),
        fill=(0.85, 1.0),
        squeeze=(0.85, 1.35),
    )
    _border(rng, sheet, 0.6)
    if rng.random() < 0.25:
        _bolts(rng, sheet, [(0.25, 0.5), (0.8, 0.5)] if rng.random() < 0.3 else [(0.12, 0.1), (0.88, 0.1)])
    return _frame(rng, sheet) if rng.random() < 0.45 else sheet


def _draw_uk(rng: np.random.Generator, serial: str, region: dict[str, Any]) -> _Sheet:
    sheet = _sheet(rng, float(rng.uniform(4.3, 4.8)), dark_ground=0.12, busy=0.03)
    width, height = sheet.size
    band = 0.0
    if region.get("mark") and rng.random() < 0.35:
        band = width * 0.09
        _stamp(sheet, np.full((height, round(band)), 255, np.uint8), 0, 0, float(rng.uniform(20, 130)))
        _word(rng, sheet, "GB", (band * 0.15, height * 0.6, band * 0.7, height * 0.25), 230.0)
    high = height * float(rng.uniform(0.66, 0.82))
    _serial(
        rng,
        sheet,
        shelf().pick(rng, 0.4),
        serial,
        (band + width * 0.02, (height - high) / 2 - 2, width * 0.96 - band, high),
        fill=(0.8, 1.0),
        squeeze=(0.85, 1.25),
    )
    if rng.random() < 0.4:
        _word(
            rng,
            sheet,
            str(rng.choice(["MOTORS LTD 01234", "www.garage.co.uk", "BS AU 145d", "Halls", "ZU ZW"])),
            (width * 0.3, height * 0.9, width * 0.4, height * 0.09),
            sheet.ink,
        )
    _border(rng, sheet, 0.35)
    return _frame(rng, sheet) if rng.random() < 0.2 else sheet


def _draw_br(rng: np.random.Generator, serial: str, _region: dict[str, Any]) -> _Sheet:
    sheet = _sheet(rng, float(rng.uniform(2.95, 3.2)), dark_ground=0.25, busy=0.05)
    width, height = sheet.size
    city = str(
        rng.choice(
            [
                "SP-SAO PAULO",
                "RJ-RIO DE JANEIRO",
                "MG-BELO HORIZONTE",
                "PR-CURITIBA",
                "RS-PORTO ALEGRE",
                "SC-FLORIANOPOLIS",
                "BA-SALVADOR",
                "PE-RECIFE",
                "CE-FORTALEZA",
                "DF-BRASILIA",
                "GO-GOIANIA",
                "SP-CAMPINAS",
            ]
        )
    )
    _word(rng, sheet, city, (width * 0.25, height * 0.06, width * 0.5, height * 0.14), sheet.ink)
    high = height * float(rng.uniform(0.5, 0.62))
    _serial(
        rng,
        sheet,
        shelf().pick(rng, 0.25),
        serial,
        (width * 0.04, height * float(rng.uniform(0.28, 0.34)), width * 0.92, high),
        fill=(0.88, 1.0),
        squeeze=(1.0, 1.3),
    )
    _bolts(rng, sheet, [(0.1, 0.12), (0.9, 0.12)])
    _border(rng, sheet, 0.4)
    return _frame(rng, sheet) if rng.random() < 0.2 else sheet


def _draw_mercosul(rng: np.random.Generator, serial: str, region: dict[str, Any]) -> _Sheet:
    sheet = _sheet(rng, float(rng.uniform(2.9, 3.25)), dark_ground=0.02, busy=0.1)
    width, height = sheet.size
    band = height * float(rng.uniform(0.2, 0.26))
    dark = float(rng.uniform(20, 130))
    _stamp(sheet, np.full((round(band), width), 255, np.uint8), 0, 0, dark)
    _word(
        rng,
        sheet,
        str(rng.choice(region.get("names", ["BRASIL"]))),
        (width * 0.25, band * 0.2, width * 0.5, band * 0.6),
        245.0,
    )
    _picture(rng, sheet, (width * 0.88, band * 0.2, width * 0.08, band * 0.6), 0.7)
    high = height * float(rng.uniform(0.55, 0.65))
    _serial(
        rng,
        sheet,
        shelf().pick(rng, 0.35),
        serial,
        (width * 0.03, band + height * 0.04, width * 0.94, high),
        fill=(0.85, 1.0),
        squeeze=(0.95, 1.25),
    )
    _border(rng, sheet, 0.5)
    return _frame(rng, sheet) if rng.random() < 0.2 else sheet


def _draw_ar(rng: np.random.Generator, serial: str, _region: dict[str, Any]) -> _Sheet:
    sheet = _sheet(rng, float(rng.uniform(2.15, 2.45)), dark_ground=0.95, busy=0.0)
    width, height = sheet.size
    inset = round(float(rng.uniform(2, 8)))
    cv2.rectangle(
        sheet.luma, (inset, inset), (width - inset, height - inset), sheet.ink, int(rng.integers(1, 5)), cv2.LINE_AA
    )
    if rng.random() < 0.8:
        band = round(height * float(rng.uniform(0.14, 0.22)))
        if rng.random() < 0.5:
            _stamp(sheet, np.full((band, width - 2 * inset), 255, np.uint8), inset, inset, sheet.ink)
        _word(
            rng,
            sheet,
            "ARGENTINA",
            (width * 0.3, inset + 1, width * 0.4, band - 2),
            float(rng.choice([sheet.ground, sheet.ink])),
        )
    high = height * float(rng.uniform(0.48, 0.6))
    _serial(
        rng,
        sheet,
        shelf().pick(rng, 0.25),
        serial,
        (width * 0.05, height * float(rng.uniform(0.28, 0.34)), width * 0.9, high),
        fill=(0.86, 1.0),
        squeeze=(0.9, 1.15),
    )
    return _frame(rng, sheet) if rng.random() < 0.15 else sheet


def _draw_au(rng: np.random.Generator, serial: str, region: dict[str, Any]) -> _Sheet:
    sheet = _sheet(rng, float(rng.uniform(2.65, 2.9)) if rng.random() < 0.7 else 3.7, dark_ground=0.2, busy=0.1)
    width, height = sheet.size
    at_top = rng.random() < 0.3
    high = height * float(rng.uniform(0.5, 0.66))
    _serial(
        rng,
        sheet,
        shelf().pick(rng, 0.3),
        serial,
        (width * 0.04, height * (0.28 if at_top else 0.1), width * 0.92, high),
        fill=(0.85, 1.0),
        squeeze=(0.9, 1.2),
    )
    _word(
        rng,
        sheet,
        str(rng.choice(region.get("names", ["NSW"]))),
        (width * 0.15, height * (0.04 if at_top else 0.8), width * 0.7, height * 0.15),
        sheet.ink,
    )
    _border(rng, sheet, 0.6)
    return _frame(rng, sheet) if rng.random() < 0.2 else sheet


def _rows(
    rng: np.random.Generator, sheet: _Sheet, serial: str, area: tuple[float, float, float, float], file_share: float
) -> None:
    rows = [r.strip() for r in serial.split("/") if r.strip()]
    x, y, width, height = area
    font = shelf().pick(rng, file_share)
    first = float(rng.uniform(0.38, 0.55)) if len(rows) > 1 else 1.0
    shares = [first, 1 - first] if len(rows) == 2 else [1 / len(rows)] * len(rows)
    for row, share in zip(rows, shares, strict=True):
        room = height * share
        high = room * float(rng.uniform(0.8, 0.92)) if len(rows) > 1 else room
        _serial(rng, sheet, font, row, (x, y + (room - high) / 2, width, high), fill=(0.6, 1.0), squeeze=(0.8, 1.4))
        y += room


def _draw_in(rng: np.random.Generator, serial: str, _region: dict[str, Any]) -> _Sheet:
    two = "/" in serial
    sheet = _sheet(
        rng, float(rng.uniform(1.3, 2.4)) if two else float(rng.uniform(2.8, 4.6)), dark_ground=0.12, busy=0.05
    )
    width, height = sheet.size
    band = 0.0
    if rng.random() < 0.35:
        band = width * 0.08
        if rng.random() < 0.5:
            _stamp(sheet, np.full((height, round(band)), 255, np.uint8), 0, 0, float(rng.uniform(20, 160)))
        _word(
            rng,
            sheet,
            str(rng.choice(["IND", "PK", "IND", "VN"])),
            (band * 0.1, height * 0.6, band * 0.8, height * 0.25),
            sheet.ink,
        )
    low = 0.0
    if rng.random() < 0.25:
        low = height * 0.15
        _word(
            rng,
            sheet,
            str(rng.choice(["ISLAMABAD", "SINDH", "PUNJAB", "KARNATAKA", "GOVT OF", "12.19"])),
            (width * 0.25, height * 0.84, width * 0.5, low * 0.8),
            sheet.ink,
        )
    share = 0.9 if two else float(rng.uniform(0.55, 0.8))
    high = (height - low) * share
    _rows(rng, sheet, serial, (band + width * 0.03, (height - low - high) / 2, width - band - width * 0.06, high), 0.65)
    _border(rng, sheet, 0.5)
    return _frame(rng, sheet) if rng.random() < 0.15 else sheet


def _draw_square(rng: np.random.Generator, serial: str, _region: dict[str, Any]) -> _Sheet:
    sheet = _sheet(rng, float(rng.uniform(1.0, 1.9)), dark_ground=0.15, busy=0.1)
    width, height = sheet.size
    band = 0.0
    if rng.random() < 0.35:
        band = width * 0.12
        _stamp(
            sheet,
            np.full((round(height * float(rng.choice([0.5, 1.0]))), round(band)), 255, np.uint8),
            0,
            0,
            float(rng.uniform(20, 150)),
        )
    elif rng.random() < 0.3:
        _word(
            rng,
            sheet,
            str(rng.choice(["CALIFORNIA", "TEXAS", "SP-SAO PAULO", "BRASIL", "VICTORIA"])),
            (width * 0.2, 2, width * 0.6, height * 0.1),
            sheet.ink,
        )
    _rows(rng, sheet, serial, (band + width * 0.03, height * 0.1, width - band - width * 0.06, height * 0.84), 0.35)
    _border(rng, sheet, 0.5)
    return _frame(rng, sheet) if rng.random() < 0.2 else sheet


def _draw_gulf(rng: np.random.Generator, serial: str, _region: dict[str, Any]) -> _Sheet:
    if "/" in serial:
        return _draw_square(rng, serial, _region)
    wide = rng.random() < 0.6
    sheet = _sheet(
        rng, float(rng.uniform(4.0, 4.8)) if wide else float(rng.uniform(1.9, 2.3)), dark_ground=0.08, busy=0.05
    )
    width, height = sheet.size
    if wide:
        left = width * float(rng.choice([0.02, 0.25]))
        _squiggle(
            rng, sheet, (width * (0.03 if left > width * 0.1 else 0.78), height * 0.2, width * 0.18, height * 0.6)
        )
        _rows(rng, sheet, serial, (left, height * 0.16, width * 0.73, height * 0.7), 0.4)
    else:
        _squiggle(rng, sheet, (width * 0.2, height * 0.06, width * 0.6, height * 0.3))
        _rows(rng, sheet, serial, (width * 0.05, height * 0.42, width * 0.9, height * 0.5), 0.4)
    _border(rng, sheet, 0.6)
    return sheet


def _squiggle(rng: np.random.Generator, sheet: _Sheet, box: tuple[float, float, float, float]) -> None:
    """Draw strokes that stand for a script the reader does not read."""
    x, y, width, height = box
    for _ in range(int(rng.integers(2, 6))):
        points = rng.uniform(0, 1, (int(rng.integers(3, 6)), 2)) * [width * 0.4, height] + [
            x + float(rng.uniform(0, 0.6)) * width,
            y,
        ]
        cv2.polylines(sheet.luma, [points.astype(np.int32)], False, sheet.ink, int(rng.integers(1, 5)), cv2.LINE_AA)


_LOOKS = {
    "us": _draw_us,
    "eu": _draw_eu,
    "uk": _draw_uk,
    "br": _draw_br,
    "mercosul": _draw_mercosul,
    "ar": _draw_ar,
    "au": _draw_au,
    "in": _draw_in,
    "square": _draw_square,
    "gulf": _draw_gulf,
}

BADGES = (
    "TOYOTA",
    "HONDA",
    "Volkswagen",
    "4x4",
    "TURBO",
    "TDI",
    "HYBRID",
    "V6",
    "POLICE",
    "TAXI",
    "AMBULANCE",
    "SUBARU",
    "FORD",
    "CHEVROLET",
    "NISSAN",
    "STOP",
    "EXIT",
    "ONE WAY",
    "SPEED LIMIT",
    "NO PARKING",
    "SCHOOL BUS",
    "FEDEX",
    "MAXIMA",
    "COROLLA",
    "QUATTRO",
    "DIESEL",
    "XDRIVE",
    "www.example.com",
    "24h",
    "OPEN",
    "CAUTION",
    "HOW AM I DRIVING",
    "BABY ON BOARD",
    "MERCEDES", "BMW", "AUDI", "SKODA", "OCTAVIA", "FABIA", "PEUGEOT", "RENAULT", "CITROEN", "FIAT", "OPEL", "SEAT",
    "KIA", "HYUNDAI", "MAZDA", "LEXUS", "JEEP", "DODGE", "RAM 1500", "CHRYSLER", "BUICK", "GMC", "SIERRA", "SILVERADO",
    "EXPLORER", "ESCAPE", "FOCUS", "CAMRY", "ACCORD", "CIVIC", "ALTIMA", "SENTRA", "IMPREZA", "OUTBACK", "FORESTER",
    "TESLA", "VOLVO", "SAAB", "TRANSIT", "SPRINTER", "MASTER", "DUCATO", "F-150", "HEMI", "VTEC", "16V", "GTI", "AWD",
    "4WD", "4MATIC", "LIMITED", "SPORT", "TOURING", "ECO", "ELECTRIC", "BlueTEC", "1.9 TDI", "2.0", "300 SEL", "C 220",
    "FOR SALE", "RENT ME", "U-HAUL", "DHL", "UPS", "POLIZEI", "GENDARMERIE", "SHERIFF", "AMBULANCIA", "BUS", "LKW",
    "YIELD", "DEAD END", "NO TURNS", "KEEP RIGHT", "HOTEL", "PIZZA", "BANK", "ATM", "PHARMACY", "SALE 50%", "LOT A",
    "30", "50", "80", "120", "ROUTE 66", "I-95 NORTH", "A 8", "E 45", "EXIT 12B", "DIESEL 1.459", "95 OCTANE", "No. 7",
)  # fmt: skip


def draw_lettering(rng: np.random.Generator) -> DrawnPlate:
    """Draw writing that is not a plate: badges, signs, burnt-in times, telephone numbers. Its text is empty."""
    kind = rng.random()
    if kind < 0.35:
        word = str(rng.choice(BADGES))
    elif kind < 0.7:
        clock = f"{rng.integers(0, 24):02d}:{rng.integers(60):02d}:{rng.integers(60):02d}"
        dash, month = rng.choice(["-", "/", "."]), rng.integers(1, 13)
        day = f"{rng.integers(2005, 2030)}{dash}{month:02d}{dash}{rng.integers(1, 29):02d}"
        word = str(
            rng.choice(
                [
                    clock,
                    day,
                    f"{day} {clock}",
                    f"CAM{rng.integers(1, 9)} {clock}",
                    f"{rng.integers(5, 140)} km/h",
                    f"CH{rng.integers(10):02d} {day}",
                ]
            )
        )
    else:
        word = f"{rng.integers(100, 999)}-{rng.integers(100, 999)}-{rng.integers(1000, 9999)}"
        word = str(
            rng.choice(
                [word, f"1-{word}", f"TEL {word}", f"({word[:3]}) {word[4:]}", f"+{rng.integers(10, 99)} {word}"]
            )
        )
    aspect = float(np.clip(len(word) * 0.55, 1.5, 7))
    sheet = _sheet(rng, aspect, dark_ground=0.5, busy=0.4)
    width, height = sheet.size
    _word(rng, sheet, word, (width * 0.03, height * 0.1, width * 0.94, height * 0.8), sheet.ink)
    return DrawnPlate(_finish(rng, sheet), "", "none")
