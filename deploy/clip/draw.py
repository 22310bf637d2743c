#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = ["av>=14", "numpy", "opencv-python-headless", "pillow"]
# ///
"""Draw the street clip that ships with the program: vehicles pass a camera by day and into the evening.

Nothing in it was photographed and no plate in it was copied from one. Run from the checkout:

    PYTHONPATH=. python deploy/clip/draw.py            # writes src/platesieve/demo_data/
    PYTHONPATH=. python deploy/clip/draw.py --still 9.5 /tmp/still.png
"""

# ruff: noqa: PLR2004 - numbers of a drawing are literals
from __future__ import annotations

import argparse
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from panels import HATCHBACK, SALOON, SUV, VAN, Colour, Shape, Vehicle, paint_vehicle
from plate import LOOKS, PLATE_SIZE_M, draw_flat_plate
from scene import HEIGHT_PX, LANES_M, PARKED_M, WIDTH_PX, draw_street
from vehicle import draw_vehicle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

DEMO_DATA: Final = Path(__file__).parents[2] / "src" / "platesieve" / "demo_data"
RATE_HZ: Final = 15
LENGTH_S: Final = 24.0
DUSK_S: Final = (11.0, 17.0)  # the sun sets between these seconds
NEAR_M: Final = 8.2  # where a vehicle "passes": its plate is largest, and whole
HOTLIST_EXPIRES: Final = "2099-12-31T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Pass:
    """One vehicle of the script: when its plate is nearest, in which lane, how fast."""

    serial: str
    look: str
    at_s: float
    x_m: float
    speed_m_s: float
    shape: Shape
    colour: Colour
    style: int
    listed: bool = False

    @property
    def text(self) -> str:
        """Return the plate as a reader should give it."""
        return self.serial.replace(" ", "")

    def distance_m(self, time_s: float) -> float:
        """Return how far the nose is from the camera; a parked vehicle stays."""
        return 18.5 if self.speed_m_s == 0 else NEAR_M + (self.at_s - time_s) * self.speed_m_s


_LEFT, _RIGHT = LANES_M
SCRIPT: Final = (
    Pass("NRT 2486", "banded", 0.0, PARKED_M, 0.0, SUV, (62, 60, 58), 0),
    Pass("KT84 WHM", "white", 2.6, _RIGHT, 8.0, HATCHBACK, (150, 88, 36), 0),
    Pass("XQ RM 5316", "banded", 5.6, _LEFT, 7.5, VAN, (226, 228, 228), 1),
    Pass("84 JTK 6", "yellow", 8.9, _RIGHT, 7.0, SALOON, (52, 34, 158), 2, listed=True),
    Pass("PN 729 GX", "two-bands", 9.3, _LEFT, 7.2, HATCHBACK, (196, 194, 190), 1),
    Pass("WQ 6H204", "banded", 12.6, _RIGHT, 8.2, SUV, (86, 104, 58), 2),
    Pass("LH37 VTC", "white", 15.8, _LEFT, 7.8, SALOON, (120, 116, 112), 0),
    Pass("HZ UE 894", "banded", 19.2, _RIGHT, 7.2, VAN, (92, 160, 206), 1),
    Pass("47 SXP 3", "yellow", 19.7, _LEFT, 7.4, HATCHBACK, (168, 130, 54), 2),
    Pass("BG 518 MV", "two-bands", 22.6, _RIGHT, 7.6, SALOON, (200, 202, 204), 0),
)


def main() -> None:
    """Write the clip and what is known about it, or one still."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--still", nargs=2, metavar=("SECONDS", "PNG"), help="write one frame instead")
    still = parser.parse_args().still
    painter = Painter()
    if still:
        cv2.imwrite(still[1], painter.frame(float(still[0])))
        return
    DEMO_DATA.mkdir(parents=True, exist_ok=True)
    write_clip(DEMO_DATA / "street.mp4", painter)
    (DEMO_DATA / "street.toml").write_text(describe(), encoding="utf-8")
    (DEMO_DATA / "hotlist.csv").write_text(hotlist(), encoding="utf-8")


class Painter:
    """Draws any moment of the script."""

    def __init__(self) -> None:
        self._streets = [draw_street(np.random.default_rng(1), dusk).astype(np.float32) for dusk in (0.0, 1.0)]
        self._vehicles: list[tuple[Pass, Vehicle]] = [(p, paint(p)) for p in SCRIPT]

    def frame(self, time_s: float) -> NDArray[np.uint8]:
        """Return the picture at a time, 720 x 1280 x 3, BGR."""
        start, end = DUSK_S
        dusk = float(np.clip((time_s - start) / (end - start), 0, 1))
        dusk = dusk * dusk * (3 - 2 * dusk)
        canvas = (self._streets[0] * (1 - dusk) + self._streets[1] * dusk).astype(np.uint8)
        for passing, vehicle in sorted(self._vehicles, key=lambda pair: -pair[0].distance_m(time_s)):
            away = passing.distance_m(time_s)
            if -vehicle.shape.length < away < 140:  # farther ones are a few pixels
                sway = 0.05 * float(np.sin(time_s * 1.7 + passing.at_s)) if passing.speed_m_s else 0.0
                lamps = passing.speed_m_s > 0 and dusk > 0.15  # drivers switch on early
                draw_vehicle(canvas, vehicle, passing.x_m + sway, away, dusk, lamps=lamps)
        small = cv2.resize(canvas, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA)
        return add_noise(np.asarray(small, np.uint8), round(time_s * RATE_HZ), 1.1 + 1.3 * dusk)


def paint(passing: Pass) -> Vehicle:
    """Return the vehicle of one pass with its plate."""
    plate = draw_flat_plate(passing.serial, LOOKS[passing.look])
    return paint_vehicle(
        passing.shape, passing.colour, plate, PLATE_SIZE_M, style=passing.style, driver=passing.speed_m_s > 0
    )


def add_noise(picture: NDArray[np.uint8], seed: int, deviation: float) -> NDArray[np.uint8]:
    """Return the picture with sensor noise: no two frames are equal, as with a camera."""
    noise = np.random.default_rng(seed).normal(0, deviation, (HEIGHT_PX, WIDTH_PX, 1)).astype(np.float32)
    return np.asarray(np.clip(picture + noise, 0, 255), np.uint8)


def write_clip(path: Path, painter: Painter) -> None:
    """Encode as H.264 with a key frame every second, which every player and every OpenCV reads."""
    import av  # noqa: PLC0415 - a still needs no encoder

    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=RATE_HZ)
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        stream.time_base = Fraction(1, RATE_HZ)
        stream.options = {"crf": "25", "preset": "slow", "g": str(2 * RATE_HZ), "profile": "high"}
        for picture in pictures(painter):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode())


def pictures(painter: Painter) -> Iterator[NDArray[np.uint8]]:
    """Yield all frames of the clip."""
    for number in range(round(LENGTH_S * RATE_HZ)):
        yield painter.frame(number / RATE_HZ)


def describe() -> str:
    """Return what is known about the clip, as TOML."""
    lines = [
        "# What passes in street.mp4. Every plate is drawn; written by deploy/clip/draw.py.",
        f"rate_hz = {RATE_HZ}",
        f"length_s = {LENGTH_S}",
        f"size_px = [{WIDTH_PX}, {HEIGHT_PX}]",
        f"dusk_s = [{DUSK_S[0]}, {DUSK_S[1]}]",
    ]
    for passing in SCRIPT:
        lane = "parked" if passing.speed_m_s == 0 else "left" if passing.x_m < 0 else "right"
        when = "seen from first to last" if lane == "parked" else "when the plate is largest; it is gone just after"
        lines += [
            "",
            "[[vehicle]]",
            f'text = "{passing.text}"',
            f'lane = "{lane}"',
            f"passes_at_s = {passing.at_s}  # {when}",
            f"listed = {str(passing.listed).lower()}",
        ]
    return "\n".join(lines) + "\n"


def hotlist() -> str:
    """Return the list of the demo: one vehicle that passes, and two that do not."""
    rows = [f"{passing.text},stolen,demo-list,{HOTLIST_EXPIRES}" for passing in SCRIPT if passing.listed]
    others = [f"ZK52DWR,stolen,demo-list,{HOTLIST_EXPIRES}", f"77GHR4,missing-person,demo-list,{HOTLIST_EXPIRES}"]
    return "\n".join(["plate,category,list,expires", *rows, *others]) + "\n"


if __name__ == "__main__":
    main()
