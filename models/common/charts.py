"""Draw small charts as PNG with OpenCV: lines with intervals, several panels beside each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Place = Callable[[float, float], tuple[float, float]]

WIDTH_PX, HEIGHT_PX = 520, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 16, 40, 52
_INK, _PALE = (60, 60, 60), (225, 225, 225)
COLOURS = ((180, 90, 20), (40, 90, 220), (60, 150, 60), (150, 60, 150), (90, 90, 90), (30, 160, 200))
_FINE = 16  # sub-pixels of a drawn line


@dataclass(frozen=True, slots=True)
class Line:
    """One line: name, x values, y values, and where known the ends of each y's interval."""

    name: str
    xs: Sequence[float]
    ys: Sequence[float]
    lows: Sequence[float] = ()
    highs: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart: title, what x is, its lines, the range of y (None: from the data), and whether they rise."""

    title: str
    x_name: str
    lines: Sequence[Line]
    y_range: tuple[float, float] | None = (0.0, 1.0)
    rising: bool = True


def _text(image: NDArray[np.uint8], text: str, x: float, y: float, size: float = 0.42, *, right: bool = False) -> None:
    wide = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)[0][0] if right else 0
    cv2.putText(image, text, (int(x) - wide, int(y)), cv2.FONT_HERSHEY_SIMPLEX, size, _INK, 1, cv2.LINE_AA)


def _ticks(low: float, high: float) -> list[float]:
    """Return four to eight round numbers from low to high."""
    rough = max(high - low, 1e-9) / 6
    unit = 10 ** float(np.floor(np.log10(rough)))
    step = next(m * unit for m in (1, 2, 2.5, 5, 10) if m * unit >= rough)
    return [float(v) + 0.0 for v in np.arange(np.ceil(low / step - 1e-9) * step, high + step * 1e-6, step)]


def draw(panel: Panel) -> NDArray[np.uint8]:
    """Return a chart, 360 x 520 px, in colour."""
    image = np.full((HEIGHT_PX, WIDTH_PX, 3), 255, np.uint8)
    xs = [x for line in panel.lines for x in line.xs]
    ys = [y for line in panel.lines for y in line.ys]
    x_low, x_high = min(xs), max(xs)
    y_low, y_high = panel.y_range or (min(ys) - 0.05 * np.ptp(ys), max(ys) + 0.05 * np.ptp(ys) + 1e-9)

    def at(x: float, y: float) -> tuple[float, float]:
        across = (x - x_low) / max(x_high - x_low, 1e-9)
        up = (min(max(y, y_low), y_high) - y_low) / (y_high - y_low)
        return _LEFT + across * (WIDTH_PX - _LEFT - _RIGHT), HEIGHT_PX - _BOTTOM - up * (HEIGHT_PX - _TOP - _BOTTOM)

    for value in _ticks(y_low, y_high):
        y = round(at(x_low, value)[1])
        cv2.line(image, (_LEFT, y), (WIDTH_PX - _RIGHT, y), _PALE, 1)
        _text(image, f"{round(value, 9) + 0.0:g}", _LEFT - 8, y + 5, right=True)
    for value in _ticks(x_low, x_high):
        x = round(at(value, y_low)[0])
        cv2.line(image, (x, HEIGHT_PX - _BOTTOM), (x, HEIGHT_PX - _BOTTOM + 4), _INK, 1)
        _text(image, f"{round(value, 9) + 0.0:g}", x - 8, HEIGHT_PX - _BOTTOM + 19)
    cv2.rectangle(image, (_LEFT, _TOP), (WIDTH_PX - _RIGHT, HEIGHT_PX - _BOTTOM), _INK, 1)
    # Losses fall, so their names stand above; shares rise, so theirs stand below.
    first = HEIGHT_PX - _BOTTOM - 12 - 17 * (len(panel.lines) - 1) if panel.rising else _TOP + 18
    for number, line in enumerate(panel.lines):
        _draw_line(image, line, COLOURS[number % len(COLOURS)], at)
        if len(panel.lines) > 1:
            y = first + 17 * number
            cv2.line(image, (WIDTH_PX - 190, y - 4), (WIDTH_PX - 168, y - 4), COLOURS[number % len(COLOURS)], 2)
            _text(image, line.name, WIDTH_PX - 162, y)
    _text(image, panel.title, _LEFT, 24, 0.5)
    _text(image, panel.x_name, _LEFT, HEIGHT_PX - 12)
    return image


def _draw_line(image: NDArray[np.uint8], line: Line, colour: tuple[int, int, int], place: Place) -> None:
    spots = [place(x, y) for x, y in zip(line.xs, line.ys, strict=True)]
    path = np.round(np.asarray(spots) * _FINE).astype(np.int32)
    cv2.polylines(image, [path], False, colour, 2, cv2.LINE_AA, 4)
    for x, low, high in zip(line.xs, line.lows, line.highs, strict=False):
        (x0, y0), (_, y1) = place(x, low), place(x, high)
        cv2.line(image, (round(x0), round(y0)), (round(x0), round(y1)), colour, 1, cv2.LINE_AA)
    if len(spots) < 40:
        for x, y in spots:
            cv2.circle(image, (round(x), round(y)), 3, colour, -1, cv2.LINE_AA)


def save(path: Path, panels: Sequence[Panel], columns: int = 2) -> None:
    """Write panels side by side as one PNG of few colours, well under 150 kB."""
    drawn = [draw(panel) for panel in panels]
    drawn += [np.full_like(drawn[0], 255)] * (-len(drawn) % columns)
    rows = [np.hstack(drawn[at : at + columns]) for at in range(0, len(drawn), columns)]
    cv2.imwrite(str(path), np.vstack(rows), [cv2.IMWRITE_PNG_COMPRESSION, 9])
