"""How fast: milliseconds per stage, frames per second against the share of frames with plates, peak memory.

`PYTHONPATH=src python -m tests.bench [--seconds 5] [--width 480 --height 288] [--json]`, from the checkout. Frames are
drawn, 1280 x 720, so that nobody's plate is needed; the models and the code path are the product's own. Decoding and
the camera are not in it. On a Raspberry Pi, run it with a fan and watch `vcgencmd get_throttled`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from platesieve.adapters.networks.onnx_models import OnnxPlateFinder, OnnxPlateReader
from platesieve.domain.geometry import Detection
from platesieve.domain.instant import NS_PER_S, Instant
from platesieve.domain.plate import Glyph, PlateRead, PlateText
from platesieve.flow.sight import Sight
from platesieve.settings import Tracking, Vision
from platesieve.tracking.state import Observation, TrackerState
from platesieve.tracking.tracker import step
from platesieve.vision.crop import crops_of
from platesieve.vision.frame import Frame
from platesieve.vision.motion import step as motion_step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

WIDTH_PX, HEIGHT_PX = 1280, 720
FPS = 15
SHARES = (0, 20, 50, 100)
FRAMES_PER_CAR = 15
TEXTS = ("KX31PQR", "7ABC123", "ZH48210", "M5NOP", "QRS4821")


def fingerprint(text: PlateText) -> bytes:
    """Return a keyed digest, as the product makes it."""
    return hashlib.blake2b(text.reveal().encode(), key=b"bench", digest_size=16).digest()


def road() -> NDArray[np.uint8]:
    """Return an empty street: blurred noise, so that edges are as common as outdoors."""
    noise = np.random.default_rng(5).integers(0, 256, (HEIGHT_PX // 8, WIDTH_PX // 8)).astype(np.uint8)
    return np.asarray(cv2.GaussianBlur(cv2.resize(noise, (WIDTH_PX, HEIGHT_PX)), (0, 0), 3) // 2 + 60, np.uint8)


def plate_picture(text: str) -> NDArray[np.uint8]:
    """Return a bright plate of 160 x 36 with dark letters."""
    plate = np.full((36, 160), 225, np.uint8)
    cv2.rectangle(plate, (1, 1), (158, 34), 40, 1)
    cv2.putText(plate, text, (8, 27), cv2.FONT_HERSHEY_DUPLEX, 0.9, 30, 2, cv2.LINE_AA)
    return plate


def frames(share_percent: int, count: int) -> Iterator[Frame]:
    """Yield frames at 15 per second, of which so many show a car that drives towards the camera."""
    empty, rng = road(), np.random.default_rng(7)
    cycle = round(FRAMES_PER_CAR * 100 / share_percent) if share_percent else 0
    for i in range(count):
        luma = empty.copy()
        at, car = (i % cycle, i // cycle) if cycle else (FRAMES_PER_CAR, 0)
        if at < FRAMES_PER_CAR:
            x, y = 300 + 20 * at, 150 + 24 * at
            luma[y - 90 : y + 70, x - 100 : x + 260] = 50
            luma[y : y + 36, x : x + 160] = plate_picture(TEXTS[car % len(TEXTS)])
        luma += rng.integers(0, 5, luma.shape, np.uint8)  # the brightest pixel has 225: no overflow
        now = round(i * NS_PER_S / FPS)
        yield Frame(luma, i, now, now)


def median_ms(work: Callable[[], object], seconds: float) -> dict[str, float]:
    """Return median and 95th percentile of a stage's time in milliseconds."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 20:
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return {"p50": round(statistics.median(times), 3), "p95": round(sorted(times)[int(len(times) * 0.95)], 3)}


def stages(finder: OnnxPlateFinder, reader: OnnxPlateReader, seconds: float) -> dict[str, dict[str, float]]:
    """Time each stage on the middle frame of a passing car."""
    frame = list(frames(100, 8))[-1]
    here = Detection(((440.0, 318.0), (600.0, 318.0), (600.0, 354.0), (440.0, 354.0)), 0.9)
    state, _ = motion_step(None, frame.luma)
    read = PlateRead(PlateText(TEXTS[0]), tuple(Glyph(((c, 0.9),)) for c in TEXTS[0]), here)
    size, seen = (WIDTH_PX, HEIGHT_PX), [Observation(here, read)]
    tracked, _ = step(TrackerState(), seen, Instant(0, 0), size, Tracking(), fingerprint)
    later = Instant(1, NS_PER_S // FPS)
    return {
        "gate": median_ms(lambda: motion_step(state, frame.luma), seconds),
        "find": median_ms(lambda: finder.find(frame), seconds),
        "read": median_ms(lambda: reader.read(frame, here), seconds),
        "track": median_ms(lambda: step(tracked, seen, later, size, Tracking(), fingerprint), seconds),
        "crops": median_ms(lambda: crops_of(frame, here), seconds),
    }


def flow(finder: OnnxPlateFinder, reader: OnnxPlateReader, vision: Vision, share_percent: int, count: int) -> Any:
    """Return frames per second of gate, finder, reader and tracker together; drawing is not counted."""
    sight = Sight(finder, reader, vision, Tracking(), fingerprint)
    busy, searched, sightings = 0.0, 0, 0
    for frame in frames(share_percent, count):
        began = time.perf_counter()
        looked = sight.look(frame)
        busy += time.perf_counter() - began
        searched += looked.searched
        sightings += len(looked.sightings)
    sightings += len(sight.finish())
    return {
        "plate_frames_percent": share_percent,
        "fps": round(count / busy, 1),
        "searched_percent": round(100 * searched / count),
        "sightings": sightings,
    }


def peak_mib() -> float:
    """Return the largest resident size of this process so far."""
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(kib / 1024, 1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="about how long all of it may take")
    parser.add_argument("--width", type=int, default=Vision().detector_width_px)
    parser.add_argument("--height", type=int, default=Vision().detector_height_px)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    vision = Vision(detector_width_px=given.width, detector_height_px=given.height)
    finder, reader = OnnxPlateFinder(vision), OnnxPlateReader(vision)
    count = max(round(given.seconds * 12), 30)
    answer: dict[str, Any] = {
        "input": f"{given.width}x{given.height}",
        "ms": stages(finder, reader, given.seconds / 10),
        "flow": [flow(finder, reader, vision, share, count) for share in SHARES],
        "peak_mib": peak_mib(),
    }
    if given.json:
        sys.stdout.write(json.dumps(answer, indent=2) + "\n")
        return
    out = [f"frames {WIDTH_PX} x {HEIGHT_PX}, detector input {answer['input']}, one thread"]
    out += [f"{name:8} {t['p50']:8.2f} ms   95 % under {t['p95']:.2f} ms" for name, t in answer["ms"].items()]
    for row in answer["flow"]:
        out.append(
            f"{row['plate_frames_percent']:3} % of frames with a plate: {row['fps']:7.1f} frames per second, "
            f"{row['searched_percent']} % searched, {row['sightings']} sightings"
        )
    sys.stdout.write("\n".join([*out, f"peak memory {answer['peak_mib']} MiB"]) + "\n")


if __name__ == "__main__":
    main()
