"""A Raspberry Pi camera module through picamera2. Blocks while it reads, so it runs behind `NewestFrame`.

The image processor of the Pi delivers YUV 4:2:0; its first H rows are brightness, which is all that this program uses.
So nothing is ever converted to colour.
"""

from __future__ import annotations

import importlib
import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from platesieve.domain.errors import CameraError
from platesieve.domain.instant import NS_PER_S
from platesieve.settings import Exposure, Profile
from platesieve.vision.daylight import Dusk, Light, Wanted, dusk
from platesieve.vision.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from platesieve.ports import Clock
    from platesieve.vision.daylight import Daytime

_log = logging.getLogger(__name__)

INSTALL_HINT: Final = (
    "sudo apt install -y python3-picamera2 --no-install-recommends, then make the environment again with "
    "python3 -m venv --system-site-packages .venv"
)
DEFAULT_SIZE_PX: Final = (1280, 720)
DEFAULT_RATE_HZ: Final = 15.0

_CABLE_HINT: Final = "check the ribbon cable, and that `rpicam-hello --list-cameras` shows the camera"
_BUFFERS: Final = 4
_SHORT_EXPOSURE: Final = 1  # libcamera AeExposureModeEnum.Short: a moving plate blurs before it gets too dark
_OLDEST_NS: Final = 10 * NS_PER_S  # a timestamp older than this is not of this boot clock


class Picamera2Source:
    """Frames of a Pi camera, in the order they come, with the sensor's own timestamps.

    `SensorTimestamp` counts nanoseconds since boot (libcamera control ids, CLOCK_BOOTTIME) and becomes the
    monotonic time of the frame; the wall time is now, less the age of the frame.

    Args:
        clock: must count its monotonic time since boot as well, as SystemClock does.
        size_px: width and height of the frames.
        rate_hz: frames per second to ask for.
        wanted: profiles for day and night; each frame's light says which one is in force, unless one is named.
        told: hears what the camera says of the light in each frame.

    Raises:
        CameraError: picamera2 is not installed, there is no camera, or another program holds it.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        size_px: tuple[int, int] = DEFAULT_SIZE_PX,
        rate_hz: float = DEFAULT_RATE_HZ,
        wanted: Callable[[], Wanted] | None = None,
        told: Callable[[Light], None] | None = None,
    ) -> None:
        self._clock, self._size = clock, size_px
        self._wanted, self._told = wanted or (lambda: Wanted(Exposure())), told
        self._dusk, self._profile = Dusk(), Profile()
        self._lamp_fails = False
        self._number = 0
        self._camera = _open_camera()
        try:
            self._start(rate_hz)
        except Exception as error:
            self._camera.close()
            refusal = f"the Pi camera cannot be set to {size_px[0]} x {size_px[1]} at {rate_hz:g} frames per second"
            if isinstance(error, CameraError):
                raise CameraError(f"{refusal}: {error.message}", error.hint) from None
            raise CameraError(refusal, _CABLE_HINT) from error

    def read(self) -> Frame | None:
        """Return the next frame, blocking until it is there.

        Raises:
            CameraError: the camera failed, or delivers something else than was configured.
        """
        try:
            request = self._camera.capture_request()
            try:
                plane, metadata = request.make_array("main"), request.get_metadata()
            finally:
                request.release()  # the camera has four buffers; holding one longer than the copy starves it
        except Exception as error:
            raise CameraError("the Pi camera failed while it ran", _CABLE_HINT) from error
        luma = luma_plane(plane, self._size)
        monotonic_ns, wall_ns = self._times(metadata)
        self._heed(light_of(metadata), monotonic_ns / NS_PER_S)
        frame = Frame(luma, self._number, wall_ns, monotonic_ns)
        self._number += 1
        return frame

    def close(self) -> None:
        """Stop the camera and give it back."""
        self._camera.stop()
        self._camera.close()

    def _start(self, rate_hz: float) -> None:
        known = self._known = self._camera.camera_controls
        wanted = {"FrameRate": ("FrameDurationLimits", rate_hz), "AeExposureMode": ("AeExposureMode", _SHORT_EXPOSURE)}
        # The preview configuration has full-range brightness (sYCC); the one for video squeezes it to 16..235.
        self._camera.configure(
            self._camera.create_preview_configuration(
                main={"size": self._size, "format": "YUV420"},
                buffer_count=_BUFFERS,
                controls={name: value for name, (control, value) in wanted.items() if control in known},
            )
        )
        got = tuple(self._camera.camera_configuration()["main"]["size"])
        if got != self._size:  # libcamera takes the nearest size that it has, and a corner of a picture is no picture
            raise CameraError(f"the Pi camera gives {got[0]} x {got[1]} instead", "set a size that the camera has")
        self._camera.start()
        wanted_now = self._wanted()
        if wanted_now.exposure.ir_switch is not None:
            self._switch_lamp(wanted_now.exposure.ir_switch, on=False)  # whatever a crash left behind
        self._follow(wanted_now)

    def _heed(self, light: Light, at_s: float) -> None:
        """Change between day and night, and tell the light."""
        wanted = self._wanted()
        self._dusk = dusk(self._dusk, light.lux, at_s, wanted.exposure)
        daytime = self._follow(wanted)
        if self._told is not None:
            self._told(replace(light, daytime=daytime, lamp_fails=self._lamp_fails))

    def _follow(self, wanted: Wanted) -> Daytime:
        """Take on the profile that is in force now; return whose it is."""
        exposure, daytime = wanted.exposure, wanted.only or self._dusk.now
        profile = exposure.day if daytime == "day" else exposure.night
        before, self._profile = self._profile, profile
        if (profile.shutter_us, profile.gain) != (before.shutter_us, before.gain):
            self._expose(profile)
        if exposure.ir_switch is not None and profile.ir != before.ir:
            self._switch_lamp(exposure.ir_switch, on=profile.ir)
        return daytime

    def _expose(self, profile: Profile) -> None:
        """Set what a profile names; what it leaves open goes back to the camera's own judgement (0)."""
        values = {"ExposureTime": profile.shutter_us or 0, "AnalogueGain": profile.gain or 0.0}
        try:
            self._camera.set_controls({name: value for name, value in values.items() if name in self._known})
        except RuntimeError as error:
            raise CameraError("a profile of day or night cannot be set", "see [exposure] in the settings") from error

    def _switch_lamp(self, switch: str, *, on: bool) -> None:
        """Switch the infrared lamp. A lamp that does not obey is said, and no reason to read nothing by day."""
        try:
            Path(switch).write_text("1" if on else "0", encoding="ascii")
            self._lamp_fails = False
        except OSError as error:
            self._lamp_fails = True
            _log.warning("the infrared lamp cannot be switched: %s; see exposure.ir_switch", error.strerror)

    def _times(self, metadata: dict[str, Any]) -> tuple[int, int]:
        """Return monotonic and wall nanoseconds of a frame."""
        now = self._clock.now()
        sensor_ns = metadata.get("SensorTimestamp")
        if not isinstance(sensor_ns, int) or not 0 <= now.monotonic_ns - sensor_ns <= _OLDEST_NS:
            return now.monotonic_ns, now.wall_ns
        return sensor_ns, now.wall_ns - (now.monotonic_ns - sensor_ns)


def light_of(metadata: dict[str, Any]) -> Light:
    """Return what libcamera says of the light in a frame; None for what it does not say."""
    shutter_us, gain, lux, focus = (metadata.get(name) for name in ("ExposureTime", "AnalogueGain", "Lux", "FocusFoM"))
    return Light(
        shutter_us=_number(shutter_us),
        gain=_number(gain),
        lux=_number(lux),
        focus_fom=focus if isinstance(focus, int) else None,
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def luma_plane(plane: NDArray[np.uint8], size_px: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the brightness of a YUV 4:2:0 picture: its first H rows, cut to W because rows are padded to a stride.

    Args:
        plane: (H * 3 / 2) x stride, uint8, as picamera2 gives YUV420 and NV12.
        size_px: W and H.

    Raises:
        CameraError: the array is too small for that size.
    """
    wide, high = size_px
    if plane.ndim != 2 or plane.dtype != np.uint8 or plane.shape[0] < high or plane.shape[1] < wide:  # noqa: PLR2004 - rows and columns
        raise CameraError(f"the Pi camera delivers another picture than {wide} x {high} YUV420", _CABLE_HINT)
    return plane[:high, :wide]


def _open_camera() -> Any:
    """Import picamera2 now: it exists only on a Pi, and importing it already talks to the camera system."""
    try:
        module = importlib.import_module("picamera2")
    except ImportError as error:
        raise CameraError("picamera2 is not installed here", INSTALL_HINT) from error
    try:
        return module.Picamera2()
    except (RuntimeError, IndexError) as error:  # IndexError: picamera2's way of saying that there is no camera
        raise CameraError("no Pi camera answers, or another program holds it", _CABLE_HINT) from error
