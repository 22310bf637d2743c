"""Regions and masks: what is drawn over is black before anything is found or read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from platesieve.flow.sight import Sight
from platesieve.settings import Outline, Settings, Tracking, Vision, out_of_bounds
from platesieve.vision.areas import blanked
from platesieve.vision.frame import Frame
from tests.fakes.eyes import ScriptedEyes

LEFT: Outline = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))


class Looking(ScriptedEyes):
    """A finder that remembers the pixels it was shown."""

    shown: Frame

    def find(self, frame: Frame) -> tuple[()]:
        """Find nothing."""
        self.shown = frame
        return ()


def frame() -> Frame:
    """Return a bright picture."""
    return Frame(np.full((40, 80), 200, np.uint8), 0, 1, 1)


def test_a_mask_blanks_and_a_region_keeps() -> None:
    """Inside a mask nothing is left; outside every region likewise; a mask wins; the camera's frame is untouched."""
    whole = frame()

    assert blanked(whole, (), ()) is whole
    masked, kept = blanked(whole, (), (LEFT,)).luma, blanked(whole, (LEFT,), ()).luma
    assert masked[:, :40].max() == 0
    assert masked[:, 42:].min() == 200
    assert kept[:, :40].min() == 200
    assert kept[:, 42:].max() == 0
    assert blanked(whole, (LEFT,), (LEFT,)).luma.max() == 0
    assert whole.luma.min() == 200


@pytest.mark.parametrize(("masks", "brightest"), [((LEFT,), 0), ((), 200)])
def test_the_finder_never_sees_what_is_masked(masks: tuple[Outline, ...], brightest: int) -> None:
    """In the flow itself, before inference; the control without a mask sees the pixels."""
    eyes = Looking([])
    Sight(eyes, eyes, replace(Vision(), masks=masks), Tracking(), lambda _: b"").look(frame())

    assert eyes.shown.luma[:, :40].max() == brightest


def test_a_mask_drawn_later_takes_effect_with_the_next_frame() -> None:
    """As the aiming page does it."""
    eyes = Looking([])
    sight = Sight(eyes, eyes, Vision(motion_fraction=0), Tracking(), lambda _: b"")
    sight.look(frame())
    before = eyes.shown.luma.min()
    sight.look_only_at((), (LEFT,))
    sight.look(frame())

    assert (before, eyes.shown.luma[:, :40].max()) == (200, 0)


@pytest.mark.parametrize("outline", [LEFT[:2], ((0.0, 0.0), (1.2, 0.0), (0.5, 1.0)), ((float("nan"), 0.0),) * 3])
def test_an_outline_that_is_none_is_refused(outline: Outline) -> None:
    """Too few corners, outside the picture, no number."""
    (problem,) = out_of_bounds(Settings(vision=Vision(masks=(outline,))))

    assert problem.startswith("vision.masks.0: must have 3 to 64 corners")
    assert out_of_bounds(Settings(vision=Vision(masks=(LEFT,), regions=(LEFT,)))) == ()
