"""Day and night of a Pi camera: shutter, gain and lamp follow the light, and what it says is handed on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from platesieve.adapters.cameras.raspberry_pi import Picamera2Source, light_of
from platesieve.domain.errors import CameraError
from platesieve.settings import Exposure, Profile
from platesieve.vision.daylight import Light
from tests.fakes.clock import FakeClock
from tests.fakes.picamera2 import FakePicamera2, FakeRequest, picamera2_module

if TYPE_CHECKING:
    from pathlib import Path

NIGHT = Exposure(Profile(1000), Profile(4000, 8.0, ir=True), night_below_lux=15, day_above_lux=40, hold_s=2)


class Lit(FakePicamera2):
    """A camera whose light a test sets, and which remembers what was set."""

    camera_controls = {  # noqa: RUF012 - as the real one has it
        "AeExposureMode": (0, 3, 0),
        "ExposureTime": (0, 66666, 0),
        "AnalogueGain": (0, 64, 0),
    }
    lux = 400.0

    def __init__(self) -> None:
        super().__init__()
        self.set: list[dict[str, Any]] = []

    def set_controls(self, controls: dict[str, Any]) -> None:
        """Remember what was asked for."""
        self.set.append(controls)

    def capture_request(self) -> FakeRequest:
        """Deliver a frame in the present light."""
        request = super().capture_request()
        self.metadata = {"Lux": self.lux, "ExposureTime": 1000, "AnalogueGain": 2.0, "FocusFoM": 812}
        return request


def test_the_profile_follows_the_light(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Day at first; night once it stayed dark, with the lamp; day again."""
    monkeypatch.setitem(sys.modules, "picamera2", picamera2_module(Lit))
    clock, told = FakeClock(), list[Light]()
    lamp = tmp_path / "brightness"
    exposure = Exposure(NIGHT.day, NIGHT.night, 15, 40, 2, str(lamp))
    source = Picamera2Source(clock, exposure=exposure, told=told.append)
    camera: Lit = source._camera
    seen = [lamp.read_text()]
    for lux in (400.0, 2.0, 2.0, 2.0, 400.0, 400.0, 400.0):
        camera.lux = lux
        clock.advance(1)
        source.read()
        seen.append(lamp.read_text())

    assert seen == ["0", "0", "0", "0", "1", "1", "1", "0"]
    assert camera.set == [
        {"ExposureTime": 1000, "AnalogueGain": 0.0},
        {"ExposureTime": 4000, "AnalogueGain": 8.0},
        {"ExposureTime": 1000, "AnalogueGain": 0.0},
    ]
    assert told[0] == Light(1000, 2.0, 400.0, 812)


def test_without_profiles_the_camera_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is set, by day or by night."""
    monkeypatch.setitem(sys.modules, "picamera2", picamera2_module(Lit))
    source = Picamera2Source(FakeClock())
    source._camera.lux = 1.0
    for _ in range(3):
        source.read()

    assert source._camera.set == []


def test_a_lamp_that_cannot_be_switched_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An error with a hint, and the camera is given back."""
    monkeypatch.setitem(sys.modules, "picamera2", picamera2_module(Lit))
    exposure = Exposure(NIGHT.day, NIGHT.night, 15, 40, 2, str(tmp_path / "absent" / "brightness"))
    with pytest.raises(CameraError):
        Picamera2Source(FakeClock(), exposure=exposure)


def test_a_camera_that_says_nothing_is_taken_at_its_word() -> None:
    """None, and nothing made up."""
    assert light_of({}) == Light()
    assert light_of({"Lux": "bright", "FocusFoM": 1.5}) == Light()
