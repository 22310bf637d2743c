"""Cut a frame into overlapping tiles, in which small plates are larger at the detector's input, and merge the finds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from platesieve.domain.geometry import Box, Detection

OVERLAP: Final = 0.2
"""Share of a tile that its neighbour sees too: a plate up to a fifth of a tile wide is whole in one of them."""

EDGE_PX: Final = 2.0
SAME_COVER: Final = 0.5
"""Two plates cannot lie in the same place: of two that share this much of the smaller one, the better stays."""

Tile = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels of the frame."""


def cut(width: int, height: int, columns: int, rows: int) -> tuple[Tile, ...]:
    """Return the tiles of a frame, row by row; one column and one row give the frame itself."""
    spans = [_spans(width, columns), _spans(height, rows)]
    return tuple((left, top, right, bottom) for top, bottom in spans[1] for left, right in spans[0])


def _spans(length: int, count: int) -> list[tuple[int, int]]:
    if count == 1:
        return [(0, length)]
    long = length / (count - (count - 1) * OVERLAP)
    step = (length - long) / (count - 1)
    return [(round(i * step), min(round(i * step + long), length)) for i in range(count)]


def is_for_tiles(box: Box, tile: Tile) -> bool:
    """Return True for a plate so small that tiles are there for it; a larger one is seen better in the whole frame."""
    return box.width <= OVERLAP * (tile[2] - tile[0])


def is_whole(box: Box, tile: Tile, width: int, height: int) -> bool:
    """Return False for a plate that an inner edge of its tile may have cut: a neighbour sees it whole.

    Args:
        box: of the detection, in pixels of the frame.
        tile: in which it was found.
        width: of the frame.
        height: of the frame.
    """
    left, top, right, bottom = tile
    return not (
        (left > 0 and box.x <= left + EDGE_PX)
        or (top > 0 and box.y <= top + EDGE_PX)
        or (right < width and box.x + box.width >= right - EDGE_PX)
        or (bottom < height and box.y + box.height >= bottom - EDGE_PX)
    )


def shifted(detection: Detection, across: float, down: float) -> Detection:
    """Return the detection moved by so many pixels."""
    first, second, third, fourth = ((x + across, y + down) for x, y in detection.corners)
    return replace(detection, corners=(first, second, third, fourth))


def merge(detections: Iterable[Detection], most: int) -> tuple[Detection, ...]:
    """Return at most `most` detections, best first, one for each place; it is faint where all that lie there are."""
    kept: list[Detection] = []
    for detection in sorted(detections, key=lambda d: -d.score):
        same = next((i for i, other in enumerate(kept) if _shared(detection.box, other.box) > SAME_COVER), None)
        if same is not None:
            kept[same] = replace(kept[same], faint=kept[same].faint and detection.faint)
        elif len(kept) < most:
            kept.append(detection)
    return tuple(kept)


def _shared(box: Box, other: Box) -> float:
    """Return the share of the smaller box that lies in the larger one."""
    wide = min(box.x + box.width, other.x + other.width) - max(box.x, other.x)
    high = min(box.y + box.height, other.y + other.height) - max(box.y, other.y)
    return max(wide, 0.0) * max(high, 0.0) / max(min(box.area, other.area), 1e-9)
