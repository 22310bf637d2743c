"""The installer's page in a real Chromium, over the drawn street that is replayed."""

from __future__ import annotations

import hashlib
import sys
import time
import tomllib
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from platesieve.audit.entry import AimingClosed, AimingEnd, AimingOpened, Calibrated, Part, Result
from platesieve.settings import Exposure
from tests.browser.aiming import CLIP, device, enter, shot
from tests.browser.conftest import quiet_page
from tests.fakes.picamera2 import FakePicamera2, FakeRequest, picamera2_module

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page


pytestmark = pytest.mark.integration


def test_an_installer_aims_with_a_phone(browser: Browser, tmp_path: Path) -> None:
    """Code, numbers of a vehicle, a mask by finger, the TOML, the settings file, the log."""
    with device(tmp_path) as one:
        phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "device_scale_factor": 2}
        page = enter(browser, one, **phone)
        with quiet_page(page) as complaints:
            page.locator("#verdict h2", has_text="Good for").wait_for(timeout=60_000)
            told = page.evaluate("fetch('/told').then((a) => a.json())")
            assert told["good_for_km_h"] > 0
            assert told["fps"] > 0
            assert 0 <= told["sharpness"] <= 100
            assert told["exposure_ms"] is None  # a clip does not say, and nothing is made up
            shot(page, "phone")
            page.locator("#view").scroll_into_view_if_needed()
            box = page.locator("#view").bounding_box()
            assert box is not None
            for x, y in ((0.1, 0.1), (0.9, 0.1), (0.9, 0.95), (0.1, 0.95)):
                page.touchscreen.tap(box["x"] + x * box["width"], box["y"] + y * box["height"])
            page.get_by_role("button", name="Close outline").click()
            page.get_by_role("button", name="Try").click()
            page.get_by_text("In force now").wait_for()
            assert "masks" in page.locator("#toml").inner_text()
            assert "masks" not in one.config.read_text()  # nothing is written before the person says so
            shot(page, "phone-mask")
            page.get_by_role("button", name="Write to the settings").click()
            page.get_by_text("Written to the settings").wait_for()
        written = one.config.read_text()
        assert complaints == []

    assert written.startswith("# of the installer\n")
    (mask,) = tomllib.loads(written)["vision"]["masks"]
    assert mask == pytest.approx(np.array([[0.1, 0.1], [0.9, 0.1], [0.9, 0.95], [0.1, 0.95]]), abs=0.01)
    logged = [e for e in one.entries() if isinstance(e, AimingOpened | Calibrated | AimingClosed)]
    sha256 = hashlib.sha256(written.encode()).hexdigest()
    times = [entry.time_ns for entry in logged]
    assert logged == [
        AimingOpened(times[0], 30),
        Calibrated(times[1], Part.AIM, Result.PASSED, sha256),
        AimingClosed(times[2], AimingEnd.ENDED, 1),
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_keyboard_and_mouse_draw_too(browser: Browser, tmp_path: Path, scheme: Any) -> None:
    """On a desk: a region dragged with the mouse, a mask by keys, both black in the picture where they must be."""
    with device(tmp_path) as one:
        page = enter(browser, one, viewport={"width": 1280, "height": 900}, color_scheme=scheme)
        with quiet_page(page) as complaints:
            page.locator("#picture[src]").wait_for()
            before = picture(page)
            view = page.locator("#view")
            box = view.bounding_box()
            assert box is not None
            page.get_by_role("button", name="Region").click()
            page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 2)
            page.mouse.down()
            page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] - 2, steps=4)
            page.mouse.up()
            page.get_by_role("button", name="Mask").click()
            view.focus()
            for key in (
                *["Shift+ArrowRight"] * 6,
                "Space",
                *["Shift+ArrowRight"] * 3,
                "Space",
                *["Shift+ArrowDown"] * 7,
            ):
                page.keyboard.press(key)
            for key in ("Space", "Enter"):
                page.keyboard.press(key)
            page.get_by_role("button", name="Try").click()
            page.get_by_text("In force now").wait_for()
            time.sleep(1.5)
            after = picture(page)
            shot(page, f"desk-{scheme}")
        assert complaints == []

    left = np.s_[:, : before.shape[1] * 2 // 5]
    assert before[left].mean() > 40  # the control: there was something to see
    assert after[left].max() < 20
    assert after[:, after.shape[1] * 6 // 10 :].mean() > 20


class Replayed(FakePicamera2):
    """A Pi camera that sees the drawn street, and says of it what a sensor says."""

    camera_controls = {  # noqa: RUF012 - as the real one has it
        "AeExposureMode": (0, 3, 0),
        "ExposureTime": (0, 66666, 0),
        "AnalogueGain": (0, 64, 0),
    }
    made: Replayed

    def __init__(self) -> None:
        super().__init__()
        type(self).made = self
        self.clip = cv2.VideoCapture(str(CLIP))
        self.shutter_us = 0

    def set_controls(self, controls: dict[str, Any]) -> None:
        """Take what is asked for."""
        self.shutter_us = controls["ExposureTime"]

    def capture_request(self) -> FakeRequest:
        """Deliver the next frame of the street, fifteen a second."""
        time.sleep(1 / 15)
        good, image = self.clip.read()
        if not good:
            self.clip.set(cv2.CAP_PROP_POS_FRAMES, 0)
            _, image = self.clip.read()
        luma = cv2.cvtColor(cv2.resize(image, (1280, 720)), cv2.COLOR_BGR2GRAY)
        request = super().capture_request()
        said = {"ExposureTime": self.shutter_us or 9000, "AnalogueGain": 2.0, "FocusFoM": 812}
        self.metadata = {**self.metadata, **said}
        request.make_array = lambda _name: np.vstack((luma, luma[:360]))  # type: ignore[assignment,method-assign] # brightness, then colour
        return request


def test_day_and_night_are_tried_and_written(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a Pi camera: what its sensor says, the night tried by day with its lamp, wrong values refused, the TOML."""
    monkeypatch.setitem(sys.modules, "picamera2", picamera2_module(Replayed))
    lamp = tmp_path / "brightness"
    with device(tmp_path, camera="picamera2", exposure=Exposure(ir_switch=str(lamp))) as one:
        page = enter(browser, one, viewport={"width": 1280, "height": 900})
        page.locator("#verdict h2", has_text="Good for").wait_for(timeout=60_000)
        told = page.evaluate("fetch('/told').then((a) => a.json())")
        lamps = [lamp.read_text()]
        page.get_by_label("Shutter by day").fill("99999")
        page.locator("#ptry").click()
        page.locator("#problem", has_text="exposure.day.shutter_us").wait_for()
        page.get_by_label("Shutter by day").fill("1000")
        page.get_by_label("Shutter by night").fill("4000")
        page.get_by_label("Gain by night").fill("8")
        page.get_by_label("Infrared lamp by night").check()
        page.get_by_role("button", name="Night", exact=True).click()
        page.get_by_text("profile of the night").wait_for()
        lamps.append(lamp.read_text())
        night_us = Replayed.made.shutter_us
        shot(page, "profiles")
        page.get_by_role("button", name="By the light").click()
        page.get_by_text("profile of the day").wait_for()
        page.locator("#pwrite").click()
        page.get_by_text("Written to the settings").wait_for()
        written = tomllib.loads(one.config.read_text())

    assert (told["focus_fom"], told["exposure_ms"], told["lux"], told["daytime"]) == (812, 9.0, 400, "day")
    assert told["blur_px"] > 0
    assert (*lamps, lamp.read_text()) == ("0", "1", "0")
    assert (night_us, Replayed.made.shutter_us) == (4000, 1000)
    assert written["exposure"] == {
        "day": {"shutter_us": 1000, "ir": False},
        "night": {"shutter_us": 4000, "gain": 8.0, "ir": True},
    }
    assert written["policy"] == "us-mn"
    assert sum(isinstance(entry, Calibrated) for entry in one.entries()) == 1


def test_what_was_wrong_with_the_card_is_shown(browser: Browser, tmp_path: Path) -> None:
    """The errors of the installer's file, line by line, and nobody sees them without the code."""
    (tmp_path / "state").mkdir()
    (tmp_path / "state/provision.errors").write_text("platesieve: platesieve.toml is wrong\n  broker.port: <b>no</b>\n")
    with device(tmp_path) as one:
        outside = urllib.request.urlopen(one.address, timeout=5).read().decode()  # noqa: S310 - our own address
        page = enter(browser, one, viewport={"width": 390, "height": 844})
        shown = page.locator("#trouble").inner_text()
        shot(page, "trouble")

    assert "broker.port: <b>no</b>" in shown
    assert "broker" not in outside


def picture(page: Page) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return the newest picture, H x W."""
    data = page.evaluate(
        "fetch('/picture').then((a) => a.arrayBuffer()).then((b) => [...new Uint8Array(b)])",
    )
    return np.asarray(cv2.imdecode(np.array(data, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)
