"""Day and night of a Pi camera: shutter, gain and lamp follow the light, and what it says is handed on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platesieve.adapters.cameras.raspberry_pi import Picamera2Source, light_of
from platesieve.settings import Exposure, Profile
from platesieve.vision.daylight import Light, Wanted
from tests.fakes.clock import FakeClock
from tests.fakes.picamera2 import FakePicamera2, FakeRequest, picamera2_module

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

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
    wanted = Wanted(Exposure(NIGHT.day, NIGHT.night, 15, 40, 2, str(lamp)))
    source = Picamera2Source(clock, wanted=lambda: wanted, told=told.append)
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
    assert told[0] == Light(1000, 2.0, 400.0, 812, "day")
    assert [light.daytime for light in told] == ["day"] * 3 + ["night"] * 3 + ["day"]


def test_a_person_may_try_the_night_by_day_and_other_values(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Named profiles count whatever the light; a value that changes is set at the next frame, and only then."""
    monkeypatch.setitem(sys.modules, "picamera2", picamera2_module(Lit))
    lamp = tmp_path / "brightness"
    exposure = Exposure(NIGHT.day, NIGHT.night, 15, 40, 2, str(lamp))
    wanted = [Wanted(exposure)]
    source = Picamera2Source(FakeClock(), wanted=lambda: wanted[-1])
    for one in (Wanted(exposure, "night"), Wanted(exposure, "night"), Wanted(Exposure(ir_switch=str(lamp)), "day")):
        wanted.append(one)
        source.read()

    assert lamp.read_text() == "0"
    assert source._camera.set == [
        {"ExposureTime": 1000, "AnalogueGain": 0.0},
        {"ExposureTime": 4000, "AnalogueGain": 8.0},
        {"ExposureTime": 0, "AnalogueGain": 0.0},
    ]


def test_without_profiles_the_camera_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is set, by day or by night."""
    monkeypatch.setitem(sys.modules, "picamera2", picamera2_module(Lit))
    source = Picamera2Source(FakeClock())
    source._camera.lux = 1.0
    for _ in range(3):
        source.read()

    assert source._camera.set == []


def test_a_lamp_that_cannot_be_switched_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """In the journal and on the page; and the camera goes on, since by day it needs no lamp."""
    monkeypatch.setitem(sys.modules, "picamera2", picamera2_module(Lit))
    lamp = tmp_path / "absent" / "brightness"
    wanted, told = Wanted(Exposure(NIGHT.day, NIGHT.night, 15, 40, 2, str(lamp))), list[Light]()
    source = Picamera2Source(FakeClock(), wanted=lambda: wanted, told=told.append)
    assert source.read() is not None

    assert told[0].lamp_fails
    assert "lamp cannot be switched" in caplog.text


def test_a_camera_that_says_nothing_is_taken_at_its_word() -> None:
    """None, and nothing made up."""
    assert light_of({}) == Light()
    assert light_of({"Lux": "bright", "FocusFoM": 1.5}) == Light()
