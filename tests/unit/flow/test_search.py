"""Searching in tiles: small plates are found, large ones too, each once, in pixels of the frame."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from platesieve.domain.geometry import Detection
from platesieve.flow.search import Search
from platesieve.settings import Vision
from platesieve.vision.frame import Frame

SMALL, LARGE = 255, 128


@dataclass
class Eyes:
    """Sees bright panels that fill enough of the picture: 2 % of its width."""

    looks: list[tuple[int, int]] = field(default_factory=list)
    score_is_low: bool = False

    def find(self, frame: Frame) -> tuple[Detection, ...]:
        """Return one detection for each grey level that is there."""
        self.looks.append((frame.width, frame.height))
        found = []
        for level in (SMALL, LARGE):
            rows, columns = np.nonzero(frame.luma == level)
            if len(columns) and np.ptp(columns) >= 0.03 * frame.width:
                x0, x1, y0, y1 = float(columns.min()), columns.max() + 1.0, float(rows.min()), rows.max() + 1.0
                found.append(Detection(((x0, y0), (x1, y0), (x1, y1), (x0, y1)), 0.9, self.score_is_low))
        return tuple(found)


def frame() -> Frame:
    """Return 1000 x 600 px with a plate of 26 px and one of 400 px."""
    luma = np.zeros((600, 1000), np.uint8)
    luma[400:408, 800:826] = SMALL
    luma[100:200, 300:700] = LARGE
    return Frame(luma, 1, 0, 0)


def widths(found: tuple[Detection, ...]) -> list[tuple[float, float]]:
    """Return left edge and width of each, the widest first."""
    return sorted(((d.box.x, d.box.width) for d in found), key=lambda each: -each[1])


def test_the_whole_frame_is_searched_once_unless_told_otherwise() -> None:
    """Without tiles the small plate stays unseen."""
    eyes = Eyes()
    assert widths(Search(eyes, Vision()).find(frame())) == [(300, 400)]
    assert eyes.looks == [(1000, 600)]


def test_tiles_find_the_small_plate_and_keep_the_large_one() -> None:
    """Each is reported once, where it lies in the frame."""
    eyes = Eyes()
    assert widths(Search(eyes, Vision(detector_tiles="2x2")).find(frame())) == [(300, 400), (800, 26)]
    assert len(eyes.looks) == 5


def test_what_only_a_tile_shows_is_faint_in_a_snapshot() -> None:
    """It has to be legible to count; the plate that the whole frame shows need not be."""
    for snapshots in (False, True):
        found = Search(Eyes(), Vision(detector_tiles="2x2", snapshots=snapshots)).find(frame())
        assert {round(each.box.width): each.faint for each in found} == {26: snapshots, 400: False}


def test_faint_detections_count_in_snapshots_only() -> None:
    """What moves shows the same plate clearly in another frame."""
    assert widths(Search(Eyes(score_is_low=True), Vision(snapshots=True)).find(frame())) == [(300, 400), (800, 26)]
    assert widths(Search(Eyes(score_is_low=True), Vision()).find(frame())) == []


def test_snapshots_are_searched_in_two_tiles_and_moving_pictures_in_none() -> None:
    """Unless the settings say how many."""
    assert len(looks_of(Vision(snapshots=True))) == 3
    assert len(looks_of(Vision())) == 1
    assert len(looks_of(Vision(snapshots=True, detector_tiles="1x1"))) == 1
    assert len(looks_of(Vision(snapshots=True, detector_tiles="2x2"))) == 5


def looks_of(vision: Vision) -> list[tuple[int, int]]:
    """Return the sizes of the pictures that the detector was shown."""
    eyes = Eyes()
    Search(eyes, vision).find(frame())
    return eyes.looks


def test_plates_too_narrow_to_read_are_left_out() -> None:
    """The least width is of the frame, in tiles as well."""
    search = Search(Eyes(), Vision(detector_tiles="2x2", min_plate_width_px=30))
    assert widths(search.find(frame())) == [(300, 400)]
