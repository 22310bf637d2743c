"""Looks at the street in a thread of its own and keeps the newest veiled picture and its numbers.

Pixels and reads stay in here: what `picture` and `told` give is all that the page can show.
"""

from __future__ import annotations

import statistics
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from platesieve.aiming import measure
from platesieve.aiming.veil import veiled
from platesieve.domain.errors import CameraError, PlatesieveError
from platesieve.domain.instant import NS_PER_S
from platesieve.vision.areas import blanked
from platesieve.vision.daylight import Light
from platesieve.vision.sharpness import blur

if TYPE_CHECKING:
    from collections.abc import Callable

    from platesieve.aiming.field_check import FieldCheck
    from platesieve.domain.geometry import Detection
    from platesieve.domain.plate import PlateRead
    from platesieve.flow.sight import Sight
    from platesieve.ports import Camera, PlateReader
    from platesieve.settings import Outline
    from platesieve.vision.frame import Frame

_VEILED_S: Final = 1.0  # so long a place where a plate was stays pixelated
_SHARPNESS_EVERY: Final = 5
_RATE_OF: Final = 30
_PASSES: Final = 9
_CLOSE_S: Final = 6.0  # longer than a camera may stall


class NoticingReader:
    """A PlateReader that remembers where it was asked to read in the present frame."""

    def __init__(self, reader: PlateReader) -> None:
        self._reader = reader
        self.places: list[Detection] = []

    def read(self, frame: Frame, detection: Detection) -> PlateRead | None:
        """Return the read; see ports.PlateReader."""
        self.places.append(detection)
        return self._reader.read(frame, detection)


@dataclass(frozen=True, slots=True)
class Areas:
    """What is looked at, and what never."""

    regions: tuple[Outline, ...] = ()
    masks: tuple[Outline, ...] = ()


class Lookout:
    """The camera, the eyes and what they tell.

    Args:
        camera: the source; closed when the thread ends.
        sight: the eyes; its reader is replaced by one that remembers places.
        check: takes in what was read.
        areas: in force at first.
        light: what the camera said last of its light.
        field_of_view_deg: of the lens, horizontal.
    """

    def __init__(
        self,
        camera: Camera,
        sight: Sight,
        check: FieldCheck,
        areas: Areas,
        light: Callable[[], Light] = Light,
        field_of_view_deg: float = 66.0,
    ) -> None:
        self._camera, self._sight, self._light, self._fov = camera, sight, light, field_of_view_deg
        self._reader = NoticingReader(sight.reader)
        sight.reader = self._reader
        self.check, self.areas = check, areas
        self.lock = threading.Lock()
        self.fault: PlatesieveError | None = None
        self.picture = b""
        self._told: dict[str, Any] = {}
        self._passes: tuple[measure.Pass, ...] = ()
        self._over: deque[measure.Pass] = deque(maxlen=_PASSES)
        self._looks_ns: deque[int] = deque(maxlen=_RATE_OF)
        self._recent: deque[tuple[int, Detection]] = deque(maxlen=256)
        self._count, self._sharpness = 0, 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lookout", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Look no more, and forget what was seen."""
        self._stop.set()
        if self._thread.ident is None:
            self._camera.close()
        else:
            self._thread.join(_CLOSE_S)
        with self.lock:
            self.check.erase()
            self.picture = b""

    def told(self, now_ns: int) -> dict[str, Any]:
        """Return the numbers of the newest frame, and the field check."""
        with self.lock:
            return {**self._told, "check": self.check.shown(now_ns)}

    def draw(self, areas: Areas) -> None:
        """Look from the next frame on only at these areas."""
        with self.lock:
            self.areas = areas
            self._sight.look_only_at(areas.regions, areas.masks)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                frame = self._camera.read()
                if frame is None:
                    break
                self.look(frame)
            self.fault = CameraError("the source has ended", "give a camera, or a clip that is replayed")
        except PlatesieveError as error:
            self.fault = error
        except Exception as error:  # noqa: BLE001 - a thread that died must not look like a still street
            self.fault = CameraError(f"looking failed with {type(error).__name__}", "start the page again")
        finally:
            self._camera.close()  # here alone: closing during a read crashes some drivers

    def look(self, frame: Frame) -> None:
        """Take one frame."""
        with self.lock:
            now_ns = frame.monotonic_ns
            self._reader.places = []
            for sighting in self._sight.look(frame).sightings:
                self.check.add(sighting, now_ns)
            places = self._reader.places
            self._recent.extend((now_ns, place) for place in places)
            while self._recent and now_ns - self._recent[0][0] > _VEILED_S * NS_PER_S:
                self._recent.popleft()
            shown = blanked(frame, self.areas.regions, self.areas.masks)
            self._measure(shown, [measure.seen(place, now_ns) for place in places if not place.faint], now_ns)
            self.picture = veiled(shown, [place for _, place in self._recent])

    def _measure(self, frame: Frame, found: list[measure.Seen], now_ns: int) -> None:
        self._looks_ns.append(now_ns)
        self._passes, over = measure.follow(self._passes, found, now_ns)
        self._over.extend(one for one in over if one.frames >= measure.READS_WANTED)
        if self._count % _SHARPNESS_EVERY == 0:
            self._sharpness = 1 - blur(frame.luma[frame.height // 4 :: 2, ::2])
        self._count += 1
        size_px, light = (frame.width, frame.height), self._light()
        widest = max(found, key=lambda one: one.width_px, default=None)
        self._told = {
            "size_px": size_px,
            "fps": round(self._rate(), 1),
            "sharpness": round(100 * self._sharpness),
            "focus_fom": light.focus_fom,
            "exposure_ms": None if light.shutter_us is None else round(light.shutter_us / 1000, 2),
            "gain": None if light.gain is None else round(light.gain, 1),
            "lux": None if light.lux is None else round(light.lux),
            "daytime": light.daytime,
            "lamp_fails": light.lamp_fails,
            "plates": [_place(one, size_px) for one in found],
            "width_px": None if widest is None else round(widest.width_px),
            "angle_deg": None if widest is None else round(widest.angle_deg, 1),
            **self._of_passes(size_px, light),
        }

    def _of_passes(self, size_px: tuple[int, int], light: Light) -> dict[str, Any]:
        """Return what the newest passes tell together; None for what no pass has told yet."""
        if not self._over:
            return {"dwell_s": None, "blur_px": None, "good_for_km_h": None, "passes": 0}
        f_px = measure.focal_px(size_px[0], self._fov)
        length_m = statistics.median(measure.path_m(one, size_px, f_px) for one in self._over)
        speed = statistics.median(one.speed_px_s for one in self._over)
        smear = None if light.shutter_us is None else measure.blur_px(light.shutter_us / 1e6, speed)
        return {
            "dwell_s": round(statistics.median(one.dwell_s for one in self._over), 1),
            "blur_px": None if smear is None else round(smear, 1),
            "good_for_km_h": round(measure.good_for_km_h(length_m, self._rate())),
            "passes": len(self._over),
        }

    def _rate(self) -> float:
        """Return frames looked at per second."""
        if len(self._looks_ns) < 2:  # noqa: PLR2004 - one moment has no rate
            return 0.0
        return (len(self._looks_ns) - 1) * NS_PER_S / max(self._looks_ns[-1] - self._looks_ns[0], 1)


def _place(one: measure.Seen, size_px: tuple[int, int]) -> dict[str, float]:
    """Return where a plate is, as shares of the picture."""
    wide, high = size_px
    return {"x": round(one.x_px / wide, 4), "y": round(one.y_px / high, 4), "width_px": round(one.width_px)}
