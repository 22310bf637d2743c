"""The motion gate: still scenes pass nothing, vehicles pass, light and noise do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from platesieve.vision.motion import MotionState, step

if TYPE_CHECKING:
    from numpy.typing import NDArray

RNG = np.random.default_rng(3)
ROAD: NDArray[np.uint8] = np.kron(RNG.integers(40, 180, (36, 64)), np.ones((5, 5))).astype(np.uint8)


def noisy(luma: NDArray[np.uint8], gain: float = 1.0, sigma: float = 3.0) -> NDArray[np.uint8]:
    """Return the scene at another exposure, with sensor noise."""
    picture = luma.astype(np.float64) * gain + RNG.normal(0, sigma, luma.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)


def with_vehicle(luma: NDArray[np.uint8], left: int = 125) -> NDArray[np.uint8]:
    """Return the scene with a dark car of 50 x 35 px."""
    changed = luma.copy()
    changed[100:135, left : left + 50] = 20
    return changed


def settle(luma: NDArray[np.uint8], frames: int = 30) -> MotionState:
    """Return the state after some frames of a still scene."""
    state: MotionState | None = None
    for _ in range(frames):
        state, _ = step(state, noisy(luma))
    assert state is not None
    return state


def test_the_first_frame_counts_as_motion() -> None:
    """With nothing to compare with, the detector must look."""
    _, moved = step(None, ROAD)
    assert moved == 1.0


def test_a_still_scene_does_not_move() -> None:
    """Sensor noise alone moves nothing."""
    _, moved = step(settle(ROAD), noisy(ROAD))
    assert moved == 0.0


def test_a_vehicle_moves_the_cells_it_covers() -> None:
    """A car of about 3 % of the picture gives about 3 %."""
    _, moved = step(settle(ROAD), noisy(with_vehicle(ROAD)))
    assert 0.02 < moved < 0.04


def test_a_change_of_exposure_is_not_motion() -> None:
    """A step of a third of a stop up or down moves next to nothing, and a car in it is still seen."""
    state = settle(ROAD)
    for gain in (0.8, 1.25):
        _, moved = step(state, noisy(ROAD, gain))
        assert moved < 0.002
        _, moved = step(state, noisy(with_vehicle(ROAD), gain))
        assert moved > 0.015


def test_a_parked_car_falls_quiet() -> None:
    """What stands still for some seconds stops waking the detector, and so does the gap when it leaves."""
    state = settle(ROAD)
    moved = 1.0
    for _ in range(40):
        state, moved = step(state, noisy(with_vehicle(ROAD)))
    assert moved < 0.002
    for _ in range(40):
        state, moved = step(state, noisy(ROAD))
    assert moved < 0.002


def test_a_creeping_car_keeps_moving() -> None:
    """A car at one pixel a frame still wakes the detector in every frame."""
    state = settle(ROAD)
    for left in range(60, 120):
        state, moved = step(state, noisy(with_vehicle(ROAD, left)))
        assert moved > 0.002


def test_flicker_raises_its_own_bar_only() -> None:
    """A blinking sign is forgotten, and a car elsewhere is not."""
    state: MotionState | None = None
    moved = 1.0
    for frame in range(300):
        picture = ROAD.copy()
        picture[10:20, 10:40] = 120 + (8 if frame % 2 else 0)
        state, moved = step(state, noisy(picture))
    assert moved < 0.002
    _, moved = step(state, noisy(with_vehicle(ROAD)))
    assert moved > 0.015


def test_the_step_changes_no_state() -> None:
    """Given the same state and frame, the step gives the same answer."""
    state = settle(ROAD)
    before = state.background.copy()
    first, second = step(state, ROAD), step(state, ROAD)
    assert first[1] == second[1]
    assert np.array_equal(state.background, before)
