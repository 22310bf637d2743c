"""Profiles of day and night, as the page sends them and the camera is asked for them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from platesieve.domain.errors import InputError
from platesieve.settings import Exposure, Profile, Settings, out_of_bounds
from platesieve.vision.daylight import Wanted

_TIMES: Final = ("day", "night")


@dataclass(slots=True)
class Dial:
    """What is asked of the camera now; its thread looks here at each frame."""

    wanted: Wanted

    def shown(self) -> dict[str, Any]:
        """Return what the page begins with."""
        exposure = self.wanted.exposure
        profiles = {time: asdict(getattr(exposure, time)) for time in _TIMES}
        return {**profiles, "only": self.wanted.only, "lamp": exposure.ir_switch is not None}


def profiles_of(document: Any, before: Exposure) -> Wanted:
    """Return what the page asks for; what it cannot change stays as it was.

    Raises:
        InputError: it is no pair of profiles, or no device can work with a value.
    """
    if (
        not isinstance(document, dict)
        or document.keys() != {*_TIMES, "only"}
        or document["only"] not in {None, *_TIMES}
    ):
        raise InputError("the page sent no profiles", "load it again")
    try:
        day, night = (TypeAdapter(Profile).validate_python(document[time]) for time in _TIMES)
    except ValidationError as error:
        raise InputError("a profile holds something else than numbers", "correct it, or leave it empty") from error
    exposure = replace(before, day=day, night=night)
    if problems := out_of_bounds(Settings(exposure=exposure)):
        raise InputError("; ".join(problems), "correct it, or leave it empty")
    return Wanted(exposure, document["only"])
