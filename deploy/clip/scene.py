"""The street without vehicles: where the camera stands, what the ground and the houses look like.

Metres: x to the right, y away from the camera, z up from the road. Pictures are BGR, uint8.
"""

# ruff: noqa: INP001, PLR2004 - run beside draw.py; numbers of a drawing are literals
from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH_PX: Final = 1280
HEIGHT_PX: Final = 720
OVERSAMPLING: Final = 2  # drawn twice as large and shrunk: edges come out smooth

LANES_M: Final = (-1.58, 1.58)  # centres of the two lanes, both towards the camera
PARKED_M: Final = 4.15
_CAMERA_HEIGHT_M: Final = 2.55
_PITCH: Final = math.radians(7.0)
_FOCAL_PX: Final = 2300.0
_WALLS_M: Final = (-8.2, 9.4)
_WALL_TOP_M: Final = 11.0
_FAR_M: Final = 210.0

_COS, _SIN = math.cos(_PITCH), math.sin(_PITCH)


def project(points_m: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return pixels (n, 2) of the oversampled picture for points (n, 3), and the smallest depth in metres."""
    x, y, z = points_m[:, 0], points_m[:, 1], points_m[:, 2] - _CAMERA_HEIGHT_M
    depth = np.maximum(y * _COS - z * _SIN, 0.05)
    u = WIDTH_PX / 2 + _FOCAL_PX * x / depth
    v = HEIGHT_PX / 2 - _FOCAL_PX * (y * _SIN + z * _COS) / depth
    return np.stack([u, v], axis=1) * OVERSAMPLING, float(depth.min())


def draw_street(rng: np.random.Generator, dusk: float) -> NDArray[np.uint8]:
    """Return the oversampled background; `dusk` 0 is an overcast day, 1 is after sunset with lit windows."""
    size = HEIGHT_PX * OVERSAMPLING, WIDTH_PX * OVERSAMPLING
    v, u = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32) / OVERSAMPLING + 0.25
    right = (u - WIDTH_PX / 2) / _FOCAL_PX
    up = (HEIGHT_PX / 2 - v) / _FOCAL_PX
    forward, rise = _COS + up * _SIN, -_SIN + up * _COS
    with np.errstate(divide="ignore"):
        to_ground = np.where(rise < 0, _CAMERA_HEIGHT_M / np.maximum(-rise, 1e-6), np.inf)
    picture = _sky(v, dusk)
    haze = np.zeros(size, np.float32)
    ground_x, ground_y = right * to_ground, forward * to_ground
    on_ground = (rise < 0) & (ground_y < _FAR_M)
    grain = _grain(rng)
    colours = _ground(ground_x[on_ground], ground_y[on_ground], grain)
    picture[on_ground] = colours
    haze[on_ground] = ground_y[on_ground]
    for wall in _WALLS_M:
        with np.errstate(divide="ignore"):
            reach = np.where(right * wall > 0, wall / right, np.inf)
        high = _CAMERA_HEIGHT_M + rise * reach
        seen = (reach < to_ground) & (high < _WALL_TOP_M) & (forward * reach < _FAR_M)
        picture[seen] = _houses(forward[seen] * reach[seen], high[seen], wall, dusk, grain)
        haze[seen] = forward[seen] * reach[seen]
    far = np.clip((haze - 35) / 220, 0, 0.5)[..., None]
    picture = picture * (1 - far) + np.asarray([205, 200, 192], np.float32) * far
    _park(picture, rng)
    _trees(picture, rng)
    street = picture * day_gain(dusk)
    if dusk > 0:
        street = np.where(_is_window_light(picture), picture, street)
    shaded = _furniture(np.clip(street, 0, 255).astype(np.uint8), day_gain(dusk))
    return np.asarray(shaded, np.uint8)


def day_gain(dusk: float) -> NDArray[np.float32]:
    """Return what remains of blue, green and red light: the evening is darker and bluer."""
    return np.asarray(1 - dusk * (1 - np.asarray([0.60, 0.51, 0.47])), np.float32)


def _grain(rng: np.random.Generator) -> NDArray[np.float32]:
    """Return 1024 x 1024 noise of mean 0 with fine and coarse parts, to be repeated over surfaces."""
    fine = rng.normal(0, 1, (1024, 1024)).astype(np.float32)
    coarse = cv2.GaussianBlur(fine, (0, 0), 14) * 22
    middle = cv2.GaussianBlur(fine, (0, 0), 3) * 6
    return np.asarray(cv2.GaussianBlur(fine, (0, 0), 0.8) * 0.9 + middle * 0.6 + coarse * 0.7, np.float32)


def _look_up(grain: NDArray[np.float32], a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(grain[a.astype(np.int64) % 1024, b.astype(np.int64) % 1024], np.float32)


def _sky(v: NDArray[np.float32], dusk: float) -> NDArray[np.float32]:
    high = np.asarray([236, 226, 214], np.float32)
    low = np.asarray([203, 218, 260] if dusk > 0 else [226, 218, 208], np.float32)
    share = np.clip(v / 90, 0, 1)[..., None]
    return np.asarray(high * (1 - share) + low * share, np.float32)


def _ground(x: NDArray[np.float32], y: NDArray[np.float32], grain: NDArray[np.float32]) -> NDArray[np.float32]:
    """Colour of the ground: asphalt with wheel tracks and markings, parking bays, kerbs, pavement slabs."""
    noise = _look_up(grain, x * 150, y * 60) * np.clip(22 / y, 0.15, 1) + _look_up(grain, x * 9, y * 3.5) * 0.8
    tone = 104 + noise * 5.0
    for lane in LANES_M:
        for side in (-0.75, 0.75):  # tyres polish the asphalt
            tone -= 7 * np.exp(-(((x - lane - side) / 0.28) ** 2))
        tone += 4 * np.exp(-(((x - lane) / 0.3) ** 2))
    tone -= 16 * (np.abs(np.abs(y - 23.0) - 1.4 * (x > 0.4)) < 0.05) * (x > 0.4) * (x < 2.7)  # a mended trench
    colour = np.stack([tone * 1.02, tone, tone * 0.98], axis=1)
    bays = (x > 3.3) & (x < 5.25)  # parking bays are paved with setts
    joints = (np.mod(y, 0.24) < 0.03) | (np.mod(x, 0.24) < 0.03)
    sett = 118 + noise * 6 + 9 * np.sin(np.floor(y / 0.24) * 12.9 + np.floor(x / 0.24) * 78.2)
    sett = np.where(joints & (y < 40), sett - 26, sett)
    colour[bays] = np.stack([sett * 0.98, sett, sett * 1.03], axis=1)[bays]
    pavement = (x < -3.75) | (x > 5.5)
    slab = 148 + noise * 4 + 5 * np.sin(np.floor(y / 0.6) * 37.1 + np.floor(x / 0.6) * 17.3)
    slab = np.where(((np.mod(y, 0.6) < 0.03) | (np.mod(x, 0.6) < 0.025)) & (y < 45), slab - 30, slab)
    colour[pavement] = np.stack([slab * 0.97, slab, slab * 1.02], axis=1)[pavement]
    kerb = ((x > -3.75) & (x < -3.52)) | ((x > 5.25) & (x < 5.5))
    stone = np.where(np.mod(y, 1.0) < 0.03, 120, 176) + noise * 5
    colour[kerb] = np.stack([stone, stone, stone], axis=1)[kerb]
    gutter = ((x > -3.52) & (x < -3.4)) | ((x > 5.15) & (x < 5.25))
    colour[gutter] *= 0.72
    worn = np.clip(0.86 + noise * 0.05, 0.6, 1)
    paint = (np.abs(x) < 0.07) & (np.mod(y, 4.5) < 2.2) | (np.abs(x + 3.2) < 0.06) | (np.abs(x - 3.26) < 0.05)
    bay_line = (x > 3.26) & (x < 5.2) & (np.mod(y - 1.2, 5.6) < 0.1)
    white = (214 * worn)[:, None] * np.ones(3)
    marked = paint | bay_line
    colour[marked] = (colour * 0.15 + white * 0.85)[marked]
    return np.asarray(colour, np.float32)


_PLASTER: Final = ((118, 148, 176), (176, 196, 205), (92, 108, 150), (150, 172, 170), (190, 200, 212), (104, 128, 168))
_WINDOW_LIGHT: Final = (150.0, 214.0, 252.0)


def _houses(
    y: NDArray[np.float32], z: NDArray[np.float32], wall: float, dusk: float, grain: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Colour of a row of houses: a plinth, a door and windows for each, every house in another plaster."""
    house = np.floor((y + (4 if wall > 0 else 0)) / 9.5).astype(np.int64)
    along = np.mod(y + (4 if wall > 0 else 0), 9.5)
    colour = np.asarray(_PLASTER, np.float32)[(house * 5 + (wall > 0)) % len(_PLASTER)]
    colour = colour + (_look_up(grain, y * 40, z * 40) * 3)[:, None]
    bricks = house % 3 == 0
    joint = (np.mod(z, 0.16) < 0.03) | (np.mod(along + 0.2 * np.mod(np.floor(z / 0.16), 2), 0.4) < 0.03)
    colour[bricks & joint] *= 1.14
    colour[z < 0.55] = colour[z < 0.55] * 0.62
    colour[(along < 0.12)] *= 0.7
    for left, right, low, high in (
        (0.9, 2.5, 1.0, 2.7),
        (5.9, 7.5, 1.0, 2.7),
        (3.6, 4.7, 0.05, 2.5),
        (0.9, 2.5, 4.0, 5.7),
        (3.4, 5.0, 4.0, 5.7),
        (5.9, 7.5, 4.0, 5.7),
    ):
        frame = (along > left - 0.12) & (along < right + 0.12) & (z > low - 0.12) & (z < high + 0.12)
        colour[frame] = (226, 230, 232)
        pane = (along > left) & (along < right) & (z > low) & (z < high) & (np.abs(along - (left + right) / 2) > 0.04)
        glass = 78 + 40 * np.clip((z - low) / (high - low), 0, 1)
        colour[pane] = np.stack([glass * 1.15, glass * 1.05, glass * 0.95], axis=1)[pane]
        if low < 0.5:  # a door begins at the ground
            colour[pane] = np.asarray([(52, 66, 44), (70, 40, 38), (40, 44, 96)], np.float32)[house % 3][pane]
        elif dusk > 0:
            lit = pane & (((house * 7 + round(left * 3) + round(low)) % 5) < 2)  # two windows of five
            colour[lit] = _WINDOW_LIGHT
    return np.asarray(colour, np.float32)


def _is_window_light(picture: NDArray[np.float32]) -> NDArray[np.bool_]:
    near = np.abs(picture - np.asarray(_WINDOW_LIGHT, np.float32)).max(axis=2) < 26  # haze moves it a little
    return np.asarray(near[..., None], np.bool_)


def _trees(picture: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Street trees along both pavements, far ones first."""
    for y, x in sorted([(34, -5.6), (48, -5.8), (66, -5.7), (90, -5.6), (40, 6.9), (58, 7.0), (80, 6.9)], reverse=True):
        foot, top = _pixel(x, y, 0), _pixel(x, y, 3.2)
        wide = max(2, round(0.26 * _FOCAL_PX / y * OVERSAMPLING))
        cv2.line(picture, foot, top, (52, 66, 78), wide, cv2.LINE_AA)
        reach = 2.2 * _FOCAL_PX / y * OVERSAMPLING
        _crown(picture, rng, (top[0], round(top[1] - reach * 0.45)), reach, 1.0)


def _park(picture: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Trees where the street ends, in the haze."""
    for x in np.arange(-14.0, 16.0, 2.1):
        reach = rng.uniform(2.6, 4.0) * _FOCAL_PX / _FAR_M * OVERSAMPLING
        _crown(picture, rng, _pixel(float(x + rng.normal()), _FAR_M, 2.6), reach, 0.45)


def _crown(
    picture: NDArray[np.float32], rng: np.random.Generator, middle: tuple[int, int], reach: float, clear: float
) -> None:
    """Dab leaves into an oval, darker below; `clear` 0 is lost in the haze."""
    for _ in range(650):
        angle, far = rng.uniform(0, 2 * math.pi), math.sqrt(rng.uniform()) * reach
        down = math.sin(angle) * far * 0.62
        spot = round(middle[0] + math.cos(angle) * far), round(middle[1] + down)
        green = rng.uniform(0.7, 1.15) * (1 - 0.38 * down / reach)
        leaf = [c * green * clear + h * (1 - clear) for c, h in zip((58, 112, 86), (205, 200, 192), strict=True)]
        cv2.circle(picture, spot, max(2, round(reach * rng.uniform(0.025, 0.085))), leaf, -1, cv2.LINE_AA)


def _furniture(picture: NDArray[np.uint8], gain: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Bollards and lamp posts."""
    for y in np.arange(70.0, 15.0, -4.5):
        wide = max(2, round(0.13 * _FOCAL_PX / y * OVERSAMPLING))
        foot, top = _pixel(-4.1, y, 0), _pixel(-4.1, y, 0.95)
        shade = [float(g * 54) for g in gain]
        cv2.line(picture, foot, top, shade, wide, cv2.LINE_AA)
        band = _pixel(-4.1, y, 0.78), _pixel(-4.1, y, 0.88)
        cv2.line(picture, *band, [float(g * 220) for g in gain], wide, cv2.LINE_AA)
    for y, x in ((76, 6.0), (52, -4.6), (30, 6.1)):
        wide = max(3, round(0.12 * _FOCAL_PX / y * OVERSAMPLING))
        cv2.line(picture, _pixel(x, y, 0), _pixel(x, y, 7), [float(g * 84) for g in gain], wide, cv2.LINE_AA)
    return picture


def _pixel(x: float, y: float, z: float) -> tuple[int, int]:
    (spot,), _ = project(np.asarray([[x, y, z]], np.float64))
    return round(float(spot[0])), round(float(spot[1]))
