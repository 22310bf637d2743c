"""Look for plates as the settings say: in the whole frame, or in overlapping tiles of it as well."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from platesieve.vision.decode_corners import MOST_PLATES
from platesieve.vision.frame import Frame
from platesieve.vision.tiles import cut, is_for_tiles, is_whole, merge, shifted

if TYPE_CHECKING:
    from platesieve.domain.geometry import Detection
    from platesieve.domain.plate import PlateRead
    from platesieve.ports import PlateFinder
    from platesieve.settings import Vision


def is_plate(detection: Detection, read: PlateRead | None) -> bool:
    """Return whether a detection counts, given what was read in it: a faint one has to be legible."""
    return read is not None or not detection.faint


class Search:
    """The PlateFinder port over a detector: in tiles where the settings ask for it, without plates too small to read.

    Tiles find small plates and see only pieces of large ones, so the whole frame is searched in any case.

    Of what moves only clear detections are returned: a plate that is faint in one frame is clear in the next, and a
    clock or a sign stays faint. A snapshot has no next frame; there faint ones are returned as well, and what only a
    tile shows is faint, because tiles show four times as many things that are no plates, and few of them can be read.

    Args:
        finder: looks at one picture.
        vision: how many tiles, whether pictures are snapshots, and the least width of a plate.
    """

    def __init__(self, finder: PlateFinder, vision: Vision) -> None:
        self._finder, self._grid = finder, vision.tiles
        self._snapshots, self._least_px = vision.snapshots, vision.min_plate_width_px

    def find(self, frame: Frame) -> tuple[Detection, ...]:
        """Return plates, best score first; see ports.PlateFinder."""
        found = self._finder.find(frame)
        if self._grid != (1, 1):
            found = merge((*found, *self._in_tiles(frame)), MOST_PLATES)
        wide = (d for d in found if d.box.width >= self._least_px)
        return tuple(d for d in wide if self._snapshots or not d.faint)

    def _in_tiles(self, frame: Frame) -> list[Detection]:
        found: list[Detection] = []
        for tile in cut(frame.width, frame.height, *self._grid):
            left, top, right, bottom = tile
            part = Frame(frame.luma[top:bottom, left:right], frame.number, frame.wall_ns, frame.monotonic_ns)
            placed = (shifted(each, left, top) for each in self._finder.find(part))
            found += [
                replace(each, faint=each.faint or self._snapshots)
                for each in placed
                if is_for_tiles(each.box, tile) and is_whole(each.box, tile, frame.width, frame.height)
            ]
        return found
