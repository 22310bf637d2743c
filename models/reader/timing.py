"""How long a plate takes from the frame to its text: the device's own code, the peer's way, and seven looks."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import cv2

from models.common.speed import take_turns
from models.reader import bias, sweeps
from models.reader.evaluate import peer_reader
from platesieve.domain.geometry import Detection
from platesieve.flow.several_looks import LOOKS, SeveralLooks
from platesieve.vision.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from platesieve.ports import PlateReader

PLATES = 24
ROUNDS = 10 * PLATES


def of_a_plate(reader: PlateReader, peer: Path | None) -> dict[str, dict[str, float]]:
    """Time what happens to a detection, in turn on the same drawn plates; all of them are read, so all is done.

    Args:
        reader: the device's own, over the file to time, with one thread.
        peer: fast-plate-ocr's file; None leaves it out.

    Returns:
        Median and 10th percentile in ms by what was done.

    Raises:
        SystemExit: the reader reads none of the plates.
    """
    plates = sweeps.draw_plates(PLATES, 66_000, rows=None)
    seen = [(Frame(luma, 0, 0, 0), Detection(where, 1.0)) for luma, where in bias.pictures(plates)]
    read = [each for each in seen if reader.read(*each) is not None]
    if not read:
        raise SystemExit("the reader reads not one drawn plate: there is nothing to time")
    several = SeveralLooks(reader)
    calls: dict[str, Callable[[], object]] = {
        "crop to text: rectify, normalise, network, decode with formats": _each(read, reader.read),
        f"a snapshot's plate: {1 + len(LOOKS)} looks, averaged": _each(read, several.read),
    }
    if peer is not None:
        coloured = [(cv2.cvtColor(frame.luma, cv2.COLOR_GRAY2BGR), found.corners) for frame, found in read]
        calls["peer, crop to text: cut, resize, network, decode"] = _each(coloured, peer_reader(peer))
    return take_turns(calls, ROUNDS)


def _each(cases: list[Any], read: Callable[..., object]) -> Callable[[], object]:
    """Return a call that reads one plate after the other, round and round."""
    turn: Iterator[Any] = itertools.cycle(cases)
    return lambda: read(*next(turn))
