"""What a camera says of its light, and when day becomes night. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from platesieve.settings import Exposure

Daytime: TypeAlias = Literal["day", "night"]


@dataclass(frozen=True, slots=True)
class Light:
    """Of one frame, as far as the camera tells (libcamera: ExposureTime, AnalogueGain, Lux, FocusFoM)."""

    shutter_us: float | None = None
    gain: float | None = None
    lux: float | None = None
    focus_fom: int | None = None
    daytime: Daytime | None = None  # whose profile is in force
    lamp_fails: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a camera: profiles, and which of them; None leaves that to the light."""

    exposure: Exposure
    only: Daytime | None = None


@dataclass(frozen=True, slots=True)
class Dusk:
    """Which profile is in force, and since when the light asks for the other one."""

    now: Daytime = "day"
    since_s: float | None = None


def dusk(state: Dusk, lux: float | None, at_s: float, exposure: Exposure) -> Dusk:
    """Return the state after one measurement of the light.

    Two limits and a time: between the limits nothing changes, and beyond one it has to stay for `hold_s`.

    Args:
        state: before.
        lux: illuminance of the scene; None where the camera does not say, and then nothing changes.
        at_s: moment of the measurement on the monotonic clock.
        exposure: the limits.
    """
    beyond = lux is not None and (
        lux < exposure.night_below_lux if state.now == "day" else lux > exposure.day_above_lux
    )
    if not beyond:
        return Dusk(state.now)
    since_s = at_s if state.since_s is None else state.since_s
    if at_s - since_s < exposure.hold_s:
        return Dusk(state.now, since_s)
    return Dusk("night" if state.now == "day" else "day")
