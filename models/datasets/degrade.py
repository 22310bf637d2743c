"""Spoil pictures like the street and a camera do: light, dirt, rain, lens, motion, sensor, codec."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.datasets.codec import as_jpeg, as_video

if TYPE_CHECKING:
    from numpy.typing import NDArray

PLATE_M = 0.52  # a European plate; 0.305 in North America
FASTEST_M_S = 45.0

CHANCES = {
    "shadow edge": 0.25,
    "lamp or sun on the plate": 0.1,
    "dirt and wear": 0.12,
    "night, little light or too much": 0.1,
    "retro-reflection (own lamps, infra-red flash)": 0.05,
    "rain": 0.05,
    "tow bar": 0.04,
    "frame or snow over an edge": 0.04,
    "out of focus": 0.4,
    "motion": 0.15,
    "enlarged by somebody before": 0.25,
    "sensor noise": 0.6,
    "sharpened": 0.3,
    "H.264": 0.12,
    "JPEG": 0.45,
}
"""How often each fault strikes a crop that is spoiled with full strength; COVERAGE.md tells them."""


def spoil(rng: np.random.Generator, luma: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
    """Apply light, optics, sensor and codec to a picture, in that order. `strength` scales how often each strikes."""
    x = luma.astype(np.float32)
    x = _light(rng, x, strength)
    x = _obstacles(rng, x, strength)
    x = _optics(rng, x, strength)
    x = _sensor(rng, x, strength)
    return _codec(rng, np.clip(x, 0, 255).astype(np.uint8), strength)


def _strikes(rng: np.random.Generator, fault: str, strength: float) -> bool:
    return bool(rng.random() < CHANCES[fault] * strength)


def _light(rng: np.random.Generator, x: NDArray[np.float32], strength: float) -> NDArray[np.float32]:
    height, width = x.shape
    if _strikes(rng, "shadow edge", strength):
        angle = rng.uniform(0, 2 * np.pi)
        ys, xs = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        side = (xs * np.cos(angle) + ys * np.sin(angle) - rng.uniform(-0.6, 0.6)) * rng.uniform(2, 30)
        x *= (1 - float(rng.uniform(0.2, 0.65)) * np.clip(side * 0.5 + 0.5, 0, 1)).astype(np.float32)
    if _strikes(rng, "lamp or sun on the plate", strength):
        cy, cx = rng.uniform(0, 1, 2)
        ys, xs = np.ogrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
        spot = np.exp(
            -((xs - cx) ** 2 / (2 * rng.uniform(0.05, 0.3) ** 2) + (ys - cy) ** 2 / (2 * rng.uniform(0.1, 0.5) ** 2))
        )
        x += (spot * float(rng.uniform(40, 170))).astype(np.float32)
    if _strikes(rng, "dirt and wear", strength):
        grain = rng.random((max(3, height // 5), max(4, width // 6))).astype(np.float32)
        dirt = cv2.resize(grain, (width, height), interpolation=cv2.INTER_CUBIC)
        level = float(rng.uniform(20, 160))
        x += (level - x) * np.clip((dirt - float(rng.uniform(0.6, 0.9))) * 4, 0, float(rng.uniform(0.3, 0.9)))
    if _strikes(rng, "night, little light or too much", strength):
        x = (
            x * float(rng.uniform(0.08, 0.4)) + float(rng.uniform(0, 12))
            if rng.random() < 0.6
            else x * float(rng.uniform(1.2, 2.0))
        )
    if _strikes(rng, "retro-reflection (own lamps, infra-red flash)", strength):
        # The ground throws the light straight back: it saturates, and its glow eats into the strokes.
        over = np.clip(x - float(np.percentile(x, 60)), 0, None)
        glow = cv2.GaussianBlur(over, (0, 0), max(0.6, width * float(rng.uniform(0.004, 0.012))))
        x = x * float(rng.uniform(0.5, 1.0)) + glow * float(rng.uniform(0.6, 1.5))
    gamma = float(np.exp(rng.normal(0, 0.25 * strength)))
    x = 255 * (np.clip(x, 0, 255) / 255) ** np.float32(gamma)
    low, span = float(rng.uniform(0, 50)), float(rng.uniform(0.4, 1.1)) if rng.random() < 0.5 * strength else 1.0
    return x * np.float32(span) + np.float32(low * (1 - min(span, 1.0)) * 2)


def _obstacles(rng: np.random.Generator, x: NDArray[np.float32], strength: float) -> NDArray[np.float32]:
    """Put rain, a tow bar or a frame before the plate; bars and frames stay at its edges, so that it can be read."""
    height, width = x.shape
    if _strikes(rng, "rain", strength):
        slant = float(rng.normal(0, 0.25))
        for _ in range(int(rng.integers(4, 30))):
            at, long = rng.uniform(0, 1, 2) * [width, height], float(rng.uniform(0.1, 0.5)) * height
            to = (int(at[0] + slant * long), int(at[1] + long))
            light = float(np.clip(x.mean() + rng.uniform(10, 70), 0, 255))
            cv2.line(x, (int(at[0]), int(at[1])), to, light, 1, cv2.LINE_AA)
    if _strikes(rng, "tow bar", strength):
        middle, radius = (int(rng.uniform(0.3, 0.7) * width), height), max(2, int(rng.uniform(0.06, 0.16) * height))
        cv2.circle(x, (middle[0], height - radius), radius, float(rng.uniform(5, 120)), -1, cv2.LINE_AA)
    if _strikes(rng, "frame or snow over an edge", strength):
        cover = max(1, int(height * float(rng.uniform(0.15, 0.3))))  # a third of it is what lies round the plate
        level = float(rng.choice([rng.uniform(0, 60), rng.uniform(180, 250)]))
        x[:cover] = level if rng.random() < 0.5 else x[:cover]
        x[-cover:] = level if rng.random() < 0.5 else x[-cover:]
    return x


def _optics(rng: np.random.Generator, x: NDArray[np.float32], strength: float) -> NDArray[np.float32]:
    kind = rng.random()
    if kind < CHANCES["out of focus"] * strength:
        sigma = float(rng.gamma(2.0, 0.42)) + 0.2
        x = cv2.GaussianBlur(x, (0, 0), min(sigma, 0.35 + 0.008 * x.shape[1]))
    elif kind < (CHANCES["out of focus"] + CHANCES["motion"]) * strength:
        x = cv2.filter2D(x, -1, streak(*_motion(rng, x.shape[1])))
    if _strikes(rng, "enlarged by somebody before", strength):
        factor = float(rng.uniform(0.45, 0.9))
        small = cv2.resize(
            x, (max(16, round(x.shape[1] * factor)), max(8, round(x.shape[0] * factor))), interpolation=cv2.INTER_AREA
        )
        x = cv2.resize(
            small, (x.shape[1], x.shape[0]), interpolation=int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC]))
        )
    return np.asarray(x, np.float32)


def motion_blur_px(speed_m_s: float, shutter_s: float, plate_px: float, angle_deg: float) -> float:
    """Return how far a plate moves in the picture while the shutter is open.

    The distance needs no argument of its own: at twice the distance plate and streak are half as long.

    Args:
        speed_m_s: of the vehicle.
        shutter_s: exposure time.
        plate_px: width of the plate in the picture.
        angle_deg: between the way it drives and the camera's line of sight: 0 comes straight on, 90 crosses.
    """
    across_m = speed_m_s * shutter_s * float(np.sin(np.radians(angle_deg)))
    return across_m / PLATE_M * plate_px


def _motion(rng: np.random.Generator, width_px: int) -> tuple[float, float]:
    """Draw a vehicle's speed, the shutter and the line of sight; return the streak's length and angle.

    What no person could read is shortened to what can be: 2.5 % of the picture's width.
    """
    shutter_s = float(np.exp(rng.uniform(np.log(1 / 4000), np.log(1 / 125))))
    plate_px = width_px / 1.5
    length = motion_blur_px(float(rng.uniform(2, FASTEST_M_S)), shutter_s, plate_px, float(rng.uniform(8, 60)))
    length = float(np.clip(length, 1.5, max(2.0, min(8.0, width_px * 0.025))))
    shaken = rng.random() < 0.3  # the camera's own tremor goes any way
    return length, float(rng.uniform(0, np.pi)) if shaken else float(rng.normal(0, 0.5))


def streak(length_px: float, angle: float) -> NDArray[np.float32]:
    """Return the kernel of a straight motion of `length_px`, at `angle` (radians, 0: along the rows)."""
    size = int(np.ceil(length_px)) | 1
    kernel = np.zeros((size, size), np.float32)
    half, middle = length_px / 2, size // 2
    for t in np.linspace(-half, half, 4 * size):
        kernel[
            round(float(np.clip(middle + np.sin(angle) * t, 0, size - 1))),
            round(float(np.clip(middle + np.cos(angle) * t, 0, size - 1))),
        ] += 1
    return kernel / kernel.sum()


def _sensor(rng: np.random.Generator, x: NDArray[np.float32], strength: float) -> NDArray[np.float32]:
    if _strikes(rng, "sensor noise", strength):
        level = min(float(rng.gamma(1.5, 4.0)), 1.0 + 0.3 * float(x.std()))
        noise = np.empty(x.shape, np.float32)
        cv2.randn(noise, 0, min(level, 28.0))
        if rng.random() < 0.4:
            noise = cv2.GaussianBlur(noise, (0, 0), 0.8) * 1.8
        x = x + noise
    if _strikes(rng, "sharpened", strength):
        amount = float(rng.uniform(0.3, 1.8))
        x = x + amount * (x - cv2.GaussianBlur(x, (0, 0), float(rng.uniform(0.7, 1.6))))
    return x


def _codec(rng: np.random.Generator, luma: NDArray[np.uint8], strength: float) -> NDArray[np.uint8]:
    if _strikes(rng, "H.264", strength):
        luma = as_video(rng, luma)
    return as_jpeg(rng, luma) if _strikes(rng, "JPEG", strength) else luma
