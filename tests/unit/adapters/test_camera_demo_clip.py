"""The clip that ships with the program plays, and what is written beside it agrees with it."""

from __future__ import annotations

import csv
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from platesieve.adapters.cameras.setting import Replay, open_camera
from platesieve.domain.plate import PlateText
from tests.fakes.camera import seconds_between
from tests.fakes.clock import FakeClock

DEMO_DATA = Path(str(files("platesieve"))) / "demo_data"


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    """Return what is known about the clip."""
    return tomllib.loads((DEMO_DATA / "street.toml").read_text(encoding="utf-8"))


def test_every_frame_of_the_clip_decodes(facts: dict[str, Any]) -> None:
    """Size, rate and length are as described, no frame is empty, and no two are equal, as with a real sensor."""
    camera = open_camera(str(DEMO_DATA / "street.mp4"), FakeClock(), Replay(pace="fast"))
    first = last = camera.read()
    assert first is not None
    assert [first.width, first.height] == facts["size_px"]
    count = 1
    while (frame := camera.read()) is not None:
        assert last is not None
        assert seconds_between(last, frame) == pytest.approx(1 / facts["rate_hz"], abs=0.002)
        assert not np.array_equal(frame.luma[::16], last.luma[::16])
        last, count = frame, count + 1
    assert count == facts["length_s"] * facts["rate_hz"]
    assert camera.dropped == 0


def test_the_clip_is_small_enough_to_ship() -> None:
    """It is package data: every install carries it."""
    assert (DEMO_DATA / "street.mp4").stat().st_size <= 3 * 1024 * 1024


def test_every_plate_is_described_once_and_can_be_a_plate(facts: dict[str, Any]) -> None:
    """Texts are valid, different, and pass within the clip."""
    texts = [vehicle["text"] for vehicle in facts["vehicle"]]
    assert len(set(texts)) == len(texts) >= 8
    for vehicle in facts["vehicle"]:
        PlateText(vehicle["text"])
        assert 0 <= vehicle["passes_at_s"] < facts["length_s"]
        assert vehicle["lane"] in {"left", "right", "parked"}


def test_the_hot_list_of_the_demo_has_one_vehicle_of_the_clip(facts: dict[str, Any]) -> None:
    """One passes, the others on the list never do."""
    with (DEMO_DATA / "hotlist.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert set(rows[0]) == {"plate", "category", "list", "expires"}
    listed = {vehicle["text"] for vehicle in facts["vehicle"] if vehicle["listed"]}
    passing = {row["plate"] for row in rows} & {vehicle["text"] for vehicle in facts["vehicle"]}
    assert passing == listed
    assert len(listed) == 1
    assert len(rows) > 1
