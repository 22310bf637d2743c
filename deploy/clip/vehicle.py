"""Put a painted vehicle into the street: each panel is warped to where the camera sees it.

A vehicle's own metres: x as the camera's, y back from its nose, z up.
"""

# ruff: noqa: INP001, PLR2004 - run beside draw.py; numbers of a drawing are literals
from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from scene import day_gain, project

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from panels import Vehicle

    Corners = NDArray[np.float64]


def draw_vehicle(canvas: NDArray[np.uint8], vehicle: Vehicle, x: float, y: float, dusk: float, *, lamps: bool) -> None:
    """Draw a vehicle whose nose is at x, y on the road, from its shadow up to its plate."""
    s, gain, here = vehicle.shape, day_gain(dusk), np.asarray([x, y, 0.0])
    half, top = s.width / 2, s.width / 2 - s.taper
    front, back = s.bonnet + s.screen, s.bonnet + s.screen + s.cabin  # of the roof
    _shade_ground(canvas, _level(half + 0.35, -0.45, s.length + 0.5, 0, 0) + here, 0.72)
    for wheel in (-1, 1):
        middle = np.asarray([wheel * (half - 0.17), 0.25, 0])
        _fill(canvas, _upright(0.11, 0.0, 0.62) + middle + here, (22, 22, 22), gain)
    if abs(x) > half:
        inner = -1 if x > 0 else 1  # the side that the camera can see
        _draw_side(canvas, vehicle, inner, here, gain)
    _warp(canvas, vehicle.roof, _level(top, front, back, s.roof, s.roof) + here, gain)
    screen = _level(half, s.bonnet, front, s.cowl, s.roof)
    screen[:2, 0] = -top, top
    _warp(canvas, vehicle.screen, screen + here, gain)
    _draw_mirrors(canvas, vehicle, here, gain)
    _warp(canvas, vehicle.bonnet, _level(half, 0, s.bonnet, s.nose, s.cowl) + here, gain)
    _warp(canvas, vehicle.front, _upright(half, 0.17, s.nose) + here, gain)
    wide, high = vehicle.plate_size_m
    spot = np.asarray([0, -0.02, s.plate_height])
    # Plates are retroreflective and the camera carries a lamp: they stay brighter than the street.
    shine = np.asarray(0.74 * dusk + gain * (1 - dusk), np.float32)
    _warp(canvas, vehicle.plate, _upright(wide / 2, -high / 2, high / 2) + spot + here, shine)
    if lamps:
        lamp = np.asarray([[-half + 0.27, -0.03, s.nose - 0.14], [half - 0.27, -0.03, s.nose - 0.14]])
        _shine(canvas, lamp + here, dusk)


def _draw_side(
    canvas: NDArray[np.uint8], vehicle: Vehicle, inner: int, here: Corners, gain: NDArray[np.float32]
) -> None:
    s = vehicle.shape
    edge, top = inner * s.width / 2, inner * (s.width / 2 - s.taper)
    front, back = s.bonnet + s.screen, s.bonnet + s.screen + s.cabin
    body = [(edge, 0, s.cowl), (edge, s.length, s.cowl), (edge, s.length, 0), (edge, 0, 0)]
    windows = [(top, front, s.roof), (top, back, s.roof), (edge, s.length, s.cowl), (edge, s.bonnet, s.cowl)]
    _warp(canvas, vehicle.side, np.asarray(body, np.float64) + here, gain)
    _warp(canvas, vehicle.glasshouse, np.asarray(windows, np.float64) + here, gain)


def _draw_mirrors(canvas: NDArray[np.uint8], vehicle: Vehicle, here: Corners, gain: NDArray[np.float32]) -> None:
    s = vehicle.shape
    paint = vehicle.bonnet[vehicle.bonnet.shape[0] // 2, vehicle.bonnet.shape[1] // 2, :3] * 0.7
    for mirror in (-1, 1):
        base, back = mirror * (s.width / 2 + 0.02), s.bonnet + 0.35
        outline = [
            (base, back, s.cowl + 0.14),
            (base + mirror * 0.17, back + 0.05, s.cowl + 0.14),
            (base + mirror * 0.15, back + 0.05, s.cowl + 0.02),
            (base, back, s.cowl - 0.02),
        ]
        _fill(canvas, np.asarray(outline, np.float64) + here, tuple(float(c) for c in paint), gain)


def _level(half: float, near: float, far: float, low: float, high: float) -> Corners:
    """Return the corners of a panel that lies, or rises from `low` in front to `high` at the back."""
    return np.asarray([(-half, far, high), (half, far, high), (half, near, low), (-half, near, low)], np.float64)


def _upright(half: float, low: float, high: float) -> Corners:
    """Return the corners of a panel that stands across the road."""
    return np.asarray([(-half, 0, high), (half, 0, high), (half, 0, low), (-half, 0, low)], np.float64)


def _warp(canvas: NDArray[np.uint8], picture: NDArray[np.uint8], corners_m: Corners, gain: NDArray[np.float32]) -> None:
    """Lay a BGRA picture onto four points in space, clockwise from its top left."""
    corners, depth = project(corners_m)
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 2, (canvas.shape[1], canvas.shape[0]))
    if depth < 0.4 or (high - low).min() < 2:  # behind or beside the camera
        return
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    size = (
        int(min(max(sides[0], sides[2], 2) * 1.2, picture.shape[1])),
        int(min(max(sides[1], sides[3], 2) * 1.2, picture.shape[0])),
    )
    small = cv2.resize(picture, (max(size[0], 2), max(size[1], 2)), interpolation=cv2.INTER_AREA).astype(np.float32)
    small[..., :3] *= small[..., 3:] / 255 * gain
    flat = (
        np.asarray([[0, 0], [small.shape[1], 0], [small.shape[1], small.shape[0]], [0, small.shape[0]]], np.float32)
        - 0.5
    )
    turn = cv2.getPerspectiveTransform(flat, (corners - low - 0.5).astype(np.float32))
    warped = cv2.warpPerspective(small, turn, (int(high[0] - low[0]), int(high[1] - low[1])), flags=cv2.INTER_LINEAR)
    part = canvas[low[1] : high[1], low[0] : high[0]]
    part[:] = np.clip(part * (1 - warped[..., 3:] / 255) + warped[..., :3], 0, 255).astype(np.uint8)


def _fill(canvas: NDArray[np.uint8], corners_m: Corners, colour: tuple[float, ...], gain: NDArray[np.float32]) -> None:
    corners, depth = project(corners_m)
    if depth > 0.4:  # in front of the camera
        shade = [float(c * g) for c, g in zip(colour, gain, strict=True)]
        cv2.fillPoly(canvas, [np.round(corners * 16).astype(np.int32)], shade, cv2.LINE_AA, 4)


def _shade_ground(canvas: NDArray[np.uint8], corners_m: Corners, strength: float) -> None:
    """Darken the road under a vehicle, softly."""
    corners_m[:, 1] = np.maximum(corners_m[:, 1], 3.0)
    if np.ptp(corners_m[:, 1]) < 0.5:  # it has driven under the camera
        return
    shadow = np.zeros((160, 90, 4), np.uint8)
    inner = np.zeros((160, 90), np.float32)
    inner[12:-12, 14:-14] = 255 * strength
    shadow[..., 3] = cv2.GaussianBlur(inner, (0, 0), 7).astype(np.uint8)
    _warp(canvas, shadow, corners_m, np.ones(3, np.float32))


def _shine(canvas: NDArray[np.uint8], lamps_m: Corners, dusk: float) -> None:
    """Add the glow of two head lamps."""
    spots, depth = project(lamps_m)
    reach = round((0.16 + 0.55 * dusk) * 2300 * 2 / depth)
    if depth < 3 or reach < 3:  # no longer in the picture
        return
    grid = np.linspace(-1, 1, 2 * reach + 1, dtype=np.float32)
    far = np.hypot(grid[None, :], grid[:, None])
    glow = np.clip(
        np.exp(-((far / 0.16) ** 2)) * 1.5 + np.exp(-far * 5.0) * 0.55 * (0.3 + dusk) - 0.012, 0, None
    ) * np.clip(1 - far, 0, 1)
    light = glow[..., None] * np.asarray([225, 245, 255], np.float32) * (0.35 + 0.65 * dusk)
    for u, v in np.round(spots).astype(int):
        x0, y0 = max(u - reach, 0), max(v - reach, 0)
        x1, y1 = min(u + reach + 1, canvas.shape[1]), min(v + reach + 1, canvas.shape[0])
        if x1 > x0 and y1 > y0:
            part = canvas[y0:y1, x0:x1]
            part[:] = np.clip(
                part + light[y0 - v + reach : y1 - v + reach, x0 - u + reach : x1 - u + reach], 0, 255
            ).astype(np.uint8)
