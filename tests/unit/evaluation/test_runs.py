"""Pictures and clips: what counts as right, with eyes that see what they are told to."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from platesieve.adapters.cameras.labelled_pictures import load_picture, read_labels
from platesieve.domain.errors import InputError
from platesieve.domain.geometry import Box, Detection
from platesieve.domain.plate import PlateText
from platesieve.evaluation.clip import count_sightings
from platesieve.evaluation.labels import LabelledPicture, LabelledPlate
from platesieve.evaluation.pictures import PictureScores, evaluate_pictures
from platesieve.vision.frame import Frame
from tests.unit.tracking.scene import Drive, plate, read_of

if TYPE_CHECKING:
    from pathlib import Path

    from platesieve.domain.plate import PlateRead
    from platesieve.domain.sighting import Sighting

WHERE = Detection(((10, 10), (110, 10), (110, 30), (10, 30)), 0.9)
ELSEWHERE = Detection(((300, 200), (400, 200), (400, 220), (300, 220)), 0.8)


@dataclass
class Eyes:
    """Finds these detections in every picture and reads each as told."""

    texts: dict[Detection, str] = field(default_factory=dict)

    def find(self, frame: Frame) -> tuple[Detection, ...]:  # noqa: ARG002 - the port's signature
        """Return all of them."""
        return tuple(self.texts)

    def read(self, frame: Frame, detection: Detection) -> PlateRead | None:  # noqa: ARG002 - as above
        """Return the text for the place, whatever the score."""
        text = {found.corners: text for found, text in self.texts.items()}.get(detection.corners)
        return read_of(text, detection) if text else None


def labelled(text: str, corrected: str | None = None) -> LabelledPicture:
    """Return a picture of 640 x 480 with one plate at WHERE."""
    box = Box(10, 10, 100, 20)
    label = LabelledPlate(box, WHERE.corners, PlateText(text), PlateText(corrected) if corrected else None)
    return LabelledPicture("a.jpg", 640, 480, (label,), ())


def load(number: int, picture: LabelledPicture) -> Frame:
    """Return black pixels of the labelled size."""
    return Frame(np.zeros((480, 640), np.uint8), number, 0, 0)


def run(picture: LabelledPicture, **texts: str) -> PictureScores:
    """Evaluate one picture; `here` and `there` are what is read at the two places."""
    places = {"here": WHERE, "there": ELSEWHERE}
    eyes = Eyes({places[name]: text for name, text in texts.items()})
    return evaluate_pictures([picture], load, eyes, eyes, boxes=True)


def test_a_right_read_counts_in_every_way() -> None:
    """Found, read strictly, and no failure."""
    scores = run(labelled("AB12CDE"), here="AB12CDE")

    assert (scores.hits, scores.false, scores.failures) == (1, 0, [])
    assert (scores.end_to_end.strict, scores.end_to_end.folded, scores.end_to_end.corrected, scores.any_folded) == (
        1, 1, 1, 1,
    )  # fmt: skip


def test_o_and_zero_are_folded_but_not_strict() -> None:
    """And nothing else is."""
    scores = run(labelled("AB0ICDE"), here="ABO1CDE")
    assert (scores.end_to_end.strict, scores.end_to_end.folded) == (0, 1)
    assert run(labelled("AB12CDE"), here="A812CDE").end_to_end.folded == 0


def test_a_corrected_label_counts_in_its_own_figure() -> None:
    """The set's own label stays what strict and folded compare with."""
    scores = run(labelled("AB12CDF", "AB12CDE"), here="AB12CDE")

    assert (scores.end_to_end.strict, scores.end_to_end.folded, scores.end_to_end.corrected) == (0, 0, 1)


def test_a_part_of_the_text_is_wrong() -> None:
    """A plate counts when the whole text is right."""
    assert run(labelled("AB12CDE"), here="AB12CD").end_to_end.corrected == 0


def test_the_most_confident_read_counts_and_any_read_apart() -> None:
    """A more confident read of something else spoils the end-to-end figure."""
    surer = replace(ELSEWHERE, score=0.99)
    eyes = Eyes({WHERE: "AB12CDE", surer: "TAXI"})
    scores = evaluate_pictures([labelled("AB12CDE")], load, eyes, eyes)

    assert (scores.end_to_end.corrected, scores.any_folded, scores.false) == (0, 1, 1)
    assert [failure.number for failure in scores.failures] == [1]


def test_the_reader_is_measured_alone_on_labelled_boxes() -> None:
    """With --boxes its own share of the faults is seen."""
    scores = run(labelled("AB12CDE"), here="AB12CDE", there="TAXI")

    assert scores.reader is not None
    assert (scores.reader.n, scores.reader.strict) == (1, 1)


def test_a_detector_that_finds_nothing_is_an_error() -> None:
    """Zero recall over a whole set is a wrong input more often than a bad detector."""
    with pytest.raises(InputError, match="found no plate in any of 1 pictures"):
        run(labelled("AB12CDE"))


def test_false_plates_are_counted_apart_where_there_is_no_plate() -> None:
    """Of a picture without plates; one with a region that may hold one says nothing either way."""
    empty = LabelledPicture("b.jpg", 640, 480, (), ())
    unsure = LabelledPicture("c.jpg", 640, 480, (), (Box(0, 0, 5, 5),))
    eyes = Eyes({WHERE: "AB12CDE", ELSEWHERE: "TAXI"})
    answer = evaluate_pictures([labelled("AB12CDE"), empty, unsure], load, eyes, eyes).as_json("set")

    assert answer["detection"]["false_plates_per_1000_plate_free"] == 2000.0
    assert answer["of"]["detection"]["false_plates_per_1000_plate_free"] == 1
    without = evaluate_pictures([labelled("AB12CDE")], load, eyes, eyes).as_json("set")
    assert "false_plates_per_1000_plate_free" not in without["detection"]


def test_the_answer_has_counts_and_no_plate() -> None:
    """What is printed names rates, n and intervals only."""
    answer = run(labelled("AB12CDE"), here="AB12CDX").as_json("street")

    assert "AB12" not in json.dumps(answer)
    rates = {"detection", "end_to_end", "reader"}
    assert set(answer) == {"set", "n", "calibration", "ms", "interval95", "of", *rates}
    assert set(answer["interval95"]) == rates


def test_labels_follow_a_picture_of_another_size() -> None:
    """A picture stored at half its labelled size is compared at its own."""
    half = Detection(((5, 5), (55, 5), (55, 15), (5, 15)), 0.9)
    eyes = Eyes({half: "AB12CDE"})
    small = Frame(np.zeros((240, 320), np.uint8), 0, 0, 0)

    assert evaluate_pictures([labelled("AB12CDE")], lambda *_: small, eyes, eyes).hits == 1


def sightings(*texts: str) -> list[Sighting]:
    """Return a Sighting for each text."""
    out = []
    for text in texts:
        drive = Drive()
        drive.frame(plate(text))
        drive.end()
        out += drive.sightings
    return out


def test_sightings_are_sorted_into_right_wrong_missed_and_duplicate() -> None:
    """Each expected plate once; every other Sighting counts against us."""
    seen = sightings("AB12CDE", "ABI2CDE", "TAXI99", "XY34ZZZ")
    wanted = [PlateText(text) for text in ("AB12CDE", "XY34ZZZ", "QQ11QQQ")]
    scores = count_sightings(seen, wanted, frames=40, seconds=2)

    assert (scores.expected, scores.right, scores.wrong, scores.missed, scores.duplicates) == (3, 2, 1, 1, 1)
    assert scores.unsure == 1
    assert scores.as_json()["fps"] == 20
    assert "TAXI" not in repr(scores)


def test_a_missing_or_hostile_picture_is_named_by_number(tmp_path: Path) -> None:
    """Never by its file name."""
    picture = replace(labelled("AB12CDE"), image="AB12CDE.jpg")
    for content in (None, b"", b"\xff\xd8\xff", b"GIF89a"):
        if content is not None:
            (tmp_path / picture.image).write_bytes(content)
        with pytest.raises(InputError, match="picture 7 of the labels") as caught:
            load_picture(tmp_path, 7, picture)
        assert "AB12CDE" not in str(caught.value)


def test_a_labels_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """And one that is not there."""
    (tmp_path / "x.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8"):
        read_labels(tmp_path / "x.jsonl")
    with pytest.raises(InputError, match="cannot be read"):
        read_labels(tmp_path / "y.jsonl")
