"""Tiles cover the frame, and what several of them saw is reported once."""

from __future__ import annotations

import numpy as np
import pytest

from platesieve.domain.geometry import Box, Detection
from platesieve.vision.tiles import OVERLAP, cut, is_for_tiles, is_whole, merge, shifted


def at(x: float, y: float, width: float = 40, height: float = 10, score: float = 0.9) -> Detection:
    """Return an upright detection."""
    return Detection(((x, y), (x + width, y), (x + width, y + height), (x, y + height)), score)


@pytest.mark.parametrize(("columns", "rows"), [(1, 1), (2, 1), (3, 1), (2, 2), (3, 2)])
def test_tiles_cover_every_pixel_and_overlap(columns: int, rows: int) -> None:
    """No plate can hide between two tiles."""
    seen = np.zeros((720, 1280), int)
    tiles = cut(1280, 720, columns, rows)
    for left, top, right, bottom in tiles:
        seen[top:bottom, left:right] += 1
    assert len(tiles) == columns * rows
    assert seen.min() == 1
    assert (seen.max() > 1) == (columns * rows > 1)


def test_a_plate_as_wide_as_the_overlap_is_whole_in_one_tile() -> None:
    """Wherever it lies."""
    tiles = cut(1280, 720, 2, 2)
    wide = OVERLAP * (tiles[0][2] - tiles[0][0]) - 6
    for x in range(0, 1280 - int(wide), 7):
        box = Box(x, 300, wide, 20)
        inside = [t for t in tiles if t[0] <= x and x + wide <= t[2] and t[1] <= 300 and t[3] >= 320]
        assert any(is_whole(box, t, 1280, 720) for t in inside), x


def test_a_plate_cut_by_an_inner_edge_is_left_to_the_neighbour() -> None:
    """The frame's own edge is not an inner one."""
    first = cut(1280, 720, 2, 1)[0]
    assert not is_whole(Box(first[2] - 30, 300, 30, 10), first, 1280, 720)
    assert is_whole(Box(0, 300, 30, 10), first, 1280, 720)


def test_the_same_plate_from_two_tiles_is_one() -> None:
    """The better stays; a plate elsewhere stays too; pieces inside a larger one go."""
    better, worse, other, piece = (
        at(100, 100),
        at(103, 101, score=0.8),
        at(400, 100, score=0.85),
        at(120, 100, 15, score=0.5),
    )
    assert merge([worse, piece, other, better], 10) == (better, other)
    assert merge([worse, other, better], 1) == (better,)


def test_shifting_moves_every_corner() -> None:
    """From the tile's pixels to the frame's."""
    assert shifted(at(1, 2), 100, 50).box == at(101, 52).box


def test_large_plates_are_left_to_the_whole_frame() -> None:
    """Tiles bring pieces of them, and false plates of that size, and nothing else."""
    tile = cut(1280, 720, 2, 2)[0]
    assert is_for_tiles(Box(100, 100, 80, 20), tile)
    assert not is_for_tiles(Box(100, 100, 200, 50), tile)
