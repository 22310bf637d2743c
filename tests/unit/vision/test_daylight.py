"""Day and night: two limits and a time, so that dusk and headlights do not flicker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from platesieve.settings import Exposure
from platesieve.vision.daylight import Dusk, dusk

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMITS = Exposure(night_below_lux=15, day_above_lux=40, hold_s=10)


def after(state: Dusk, lux: Sequence[float | None], step_s: float = 1.0) -> list[str]:
    """Return the profile after each measurement, one a second."""
    found: list[str] = []
    for number, one in enumerate(lux):
        state = dusk(state, one, number * step_s, LIMITS)
        found.append(state.now)
    return found


def test_night_comes_when_it_stays_dark() -> None:
    """Ten seconds below the limit; and day again only above the higher one."""
    assert after(Dusk(), [5.0] * 12) == ["day"] * 10 + ["night"] * 2
    assert after(Dusk("night"), [30.0] * 20) == ["night"] * 20
    assert after(Dusk("night"), [50.0] * 12)[-1] == "day"


def test_headlights_are_no_day() -> None:
    """A flash, or a camera that says nothing, begins the waiting anew."""
    assert set(after(Dusk("night"), [90.0] * 9 + [3.0] + [90.0] * 9)) == {"night"}
    assert set(after(Dusk(), [5.0] * 9 + [None] + [5.0] * 9)) == {"day"}


@given(st.lists(st.floats(15, 40), max_size=60), st.sampled_from([Dusk(), Dusk("night")]))
def test_between_the_limits_nothing_changes(lux: list[float | None], state: Dusk) -> None:
    """Whatever the order."""
    assert set(after(state, lux, 5.0)) <= {state.now}
