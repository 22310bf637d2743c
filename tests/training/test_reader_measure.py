"""What the reader's card says of countries, confidences and times."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from models.common.speed import take_turns
from platesieve.domain.geometry import Detection
from platesieve.domain.plate import Glyph, PlateRead, PlateText

if TYPE_CHECKING:
    from pathlib import Path

    from platesieve.vision.frame import Frame

pytest.importorskip("PIL", reason="needs the extra `train`")
bias = importlib.import_module("models.reader.bias")
evaluate = importlib.import_module("models.reader.evaluate")
honesty = importlib.import_module("models.reader.honesty")
measure = importlib.import_module("models.reader.measure")
release = importlib.import_module("models.common.release")
timing = importlib.import_module("models.reader.timing")

pytestmark = pytest.mark.training

BOX = ((0.0, 0.0), (8.0, 0.0), (8.0, 4.0), (0.0, 4.0))


def read(region: str | None, text: str = "AB12") -> PlateRead:
    """Return a read that names a country or none."""
    return PlateRead(PlateText(text), tuple(Glyph(((c, 0.9),)) for c in text), Detection(BOX, 1.0), region=region)


class Eyes:
    """A reader that answers the same and counts how often it was asked."""

    def __init__(self, answer: PlateRead | None) -> None:
        self.answer, self.asked = answer, 0

    def read(self, _frame: Frame, _detection: Detection) -> PlateRead | None:
        """Answer and count."""
        self.asked += 1
        return self.answer


def case(text: str) -> Any:
    """Return a crop with this label."""
    return evaluate.Case(np.zeros((4, 8, 3), np.uint8), (0.0, 0.0, 8.0, 4.0), text, text)


def test_only_what_the_device_names_counts() -> None:
    """What it does not read, or is not sure of, it leaves unknown; of the rest a share is right."""
    found = bias.naming(("GB",), [read("GB"), read("GB"), read("NL"), read(None), None])
    assert (found["named"]["share"], found["named"]["n"]) == (0.6, 5)
    assert (found["right"]["share"], found["right"]["n"]) == (0.6667, 3)
    assert found["expected"] == ["GB"]


def test_a_name_is_wrong_where_none_is_taught() -> None:
    """A group of countries is taught as unknown."""
    found = bias.naming((), [read("GB"), None])
    assert (found["right"]["share"], found["right"]["n"]) == (0.0, 1)


def test_photographs_of_known_countries_are_asked_about() -> None:
    """Sets that mix countries are left out, and so are empty ones."""
    sets = {"crops-romanian": [case("AB12"), case("CD34")], "crops-openlpr": [case("EF56")], "openalpr-us-a": []}
    found = bias.of_photographs(Eyes(read("RO")), sets)
    assert {name: row["right"]["n"] for name, row in found.items()} == {"crops-romanian": 2}
    assert found["crops-romanian"]["right"]["share"] == 1.0


def test_both_halves_together_are_all_and_share_no_plate() -> None:
    """Two crops of one plate go to the same half, whatever else is in the list."""
    cases = [case(f"AB{number % 20:02d}") for number in range(60)]
    first, second = honesty.halves(cases)
    assert len(first) + len(second) == 60
    assert first
    assert second
    assert not {c.text for c in first} & {c.text for c in second}


def test_no_crop_chooses_the_temperature_it_is_judged_by(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each half is read with the temperature of the other, not with the one that was released."""
    chose: dict[float, set[str]] = {}

    def calibrate(_: Path, cases: list[Any]) -> float:
        temperature = 1.1 + len(chose)
        chose[temperature] = {c.text for c in cases}
        return temperature

    def device_reader(_: Path, temperature: float, table: dict[str, Any]) -> Any:
        assert table == {"temperature": temperature, "regions": ["unknown"]}
        return temperature

    def answers(cases: list[Any], temperature: float) -> list[Any]:
        assert not {c.text for c in cases} & chose[temperature]
        return [evaluate.Answer(c.text, 1 / temperature) for c in cases]

    for replaced in (calibrate, device_reader, answers):
        monkeypatch.setattr(honesty, replaced.__name__, replaced)
    cases = [case(f"AB{number:02d}") for number in range(30)]
    table = {"temperature": 9.0, "regions": ["unknown"]}
    ordered, found, temperatures = honesty.cross_fitted(tmp_path, table, cases)
    assert temperatures == [1.1, 2.1]
    assert {c.text for c in ordered} == {c.text for c in cases}
    assert [answer.text for answer in found] == [c.text for c in ordered]
    assert {each.confidence for each in found} == {1 / 1.1, 1 / 2.1}


def test_each_character_is_judged_by_what_stands_where_it_was_read() -> None:
    """Folded; a lost character promises nothing, one too many is wrong, and a picture read as nothing has none."""
    cases = [case("AB012"), case("AB012"), case("AB012"), case("AB012")]
    found = [
        evaluate.Answer("ABO12", 0.6, (0.9, 0.8, 0.7, 0.95, 0.6)),
        evaluate.Answer("B012", 0.5, (0.5, 0.6, 0.7, 0.8)),
        evaluate.Answer("AB0127", 0.3, (0.9, 0.9, 0.9, 0.9, 0.9, 0.3)),
        evaluate.Answer("", 0.0),
    ]
    judged = honesty.judged_characters(cases, found)
    assert len(judged) == 15
    assert [each.confidence for each in judged if not each.right] == [0.3]
    row = honesty.honesty({"set": (cases, found), "none": ([], [])})["set"]
    assert row["characters"] == 15
    assert 0 < row["error_of_characters"] < row["error"]


def test_a_handful_of_crops_is_measured_as_well_as_none(tmp_path: Path) -> None:
    """One crop, or equal ones, have no thirds; where nothing was read, nothing is chosen."""
    for count in (1, 2, 5):
        cases = [case("AB012")] * count
        found = [evaluate.Answer("AB012", 0.9, (0.9,) * 5)] * count
        assert sum(row["n"] for name, row in bias.by_light(cases, found).items() if "contrast" not in name) == count
    assert evaluate.calibrate(release.RELEASED / "reader.onnx", []) == 1.0
    assert measure.confidences(tmp_path, {}, {}, {}) == {}


def test_calls_take_turns() -> None:
    """So that whatever else the machine does slows all of them; the first five rounds are not counted."""
    order: list[str] = []
    times = take_turns({name: lambda name=name: order.append(name) for name in ("a", "b")}, rounds=3)
    assert order == ["a", "b"] * 8
    assert set(times) == {"a", "b"}
    assert 0 <= times["a"]["p10"] <= times["a"]["median"] < 100


def test_a_snapshot_is_timed_with_all_its_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """One look for a frame of a stream, seven for a snapshot, of plates that are read."""
    monkeypatch.setattr(timing, "PLATES", 2)
    monkeypatch.setattr(timing, "ROUNDS", 4)
    eyes = Eyes(read(None))
    times = timing.of_a_plate(eyes, None)
    assert list(times) == [
        "crop to text: rectify, normalise, network, decode with formats",
        "a snapshot's plate: 7 looks, averaged",
    ]
    assert eyes.asked == 2 + 9 * (1 + 7)


def test_nothing_is_timed_where_nothing_is_read() -> None:
    """A reader that refuses early would look fast."""
    with pytest.raises(SystemExit, match="nothing to time"):
        timing.of_a_plate(Eyes(None), None)
