"""Labels: every bad line is named, and no plate is repeated."""

from __future__ import annotations

import json
from typing import Any

import pytest

from platesieve.domain.errors import InputError
from platesieve.domain.geometry import Box
from platesieve.domain.plate import PlateText
from platesieve.evaluation.labels import parse_labels


def line(**changes: Any) -> str:
    """Return a good line, changed."""
    plate = {"text": "AB12CDE", "box": [10, 20, 100, 20], "corners": None}
    return json.dumps({"image": "images/a.jpg", "width": 640, "height": 480, "plates": [plate], **changes})


def test_a_good_line() -> None:
    """Text, box, corners made from the box, corrected text and ignored regions."""
    plates = [{"text": "O1", "text_corrected": "01", "box": [1, 2, 3, 4]}, {"text": None, "box": [5, 6, 7, 8]}]
    (picture,) = parse_labels([line(plates=plates, ignore=[[9, 9, 9, 9]]), "", "  "], "x")

    assert [plate.truth for plate in picture.plates] == [PlateText("01"), None]
    assert picture.plates[0].corners == ((1, 2), (4, 2), (4, 6), (1, 6))
    assert picture.ignored == (Box(9, 9, 9, 9),)


@pytest.mark.parametrize(
    "bad",
    [
        "{",
        "[]",
        "3",
        '"AB12CDE"',
        "[" * 100_000,
        line(image=""),
        line(image="../secret.jpg"),
        line(image="/etc/hostname"),
        line(image="a\0b"),
        line(width=0),
        line(height="480"),
        line(plates={}),
        line(plates=[3]),
        line(plates=[{"box": [1, 2, 3]}]),
        line(plates=[{"box": [1, 2, 0, 4]}]),
        line(plates=[{"box": [1, 2, True, 4]}]),
        line(plates=[{"box": [1, 2, float("nan"), 4]}]),
        line(plates=[{"box": [1, 2, 1e300, 4]}]),
        line(plates=[{"box": [1, 2, 3, 4], "corners": [[1, 2]]}]),
        line(plates=[{"box": [1, 2, 3, 4], "text": 7}]),
        line(plates=[{"box": [1, 2, 3, 4], "text": "AB12CDE?"}]),
        line(plates=[{"box": [1, 2, 3, 4], "text": "AB12CDEAB12CDE"}]),
        line(ignore=[[1, 2, 3]]),
    ],
)
def test_a_bad_line_is_named_without_its_content(bad: str) -> None:
    """By number; what it says may be a plate."""
    with pytest.raises(InputError, match=r"1 line of x cannot be used: line 2") as caught:
        parse_labels([line(), bad], "x")
    assert "AB12CDE" not in str(caught.value)


def test_all_bad_lines_are_named_at_once() -> None:
    """Up to a bound."""
    with pytest.raises(InputError, match=r"30 lines .*line 1 .*line 20 .*and 10 more"):
        parse_labels(["{"] * 30, "x")


def test_an_empty_file_is_refused() -> None:
    """Zero pictures are no evaluation."""
    with pytest.raises(InputError, match="no labelled picture"):
        parse_labels(["", " "], "x")


def test_a_picture_hides_its_file_name() -> None:
    """People name photographs of cars after the plate."""
    (picture,) = parse_labels([line(image="AB12CDE.jpg")], "x")

    assert "AB12CDE" not in repr(picture)
