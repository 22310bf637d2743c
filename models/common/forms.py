"""Decide which form of a model is released: float, or int8 where it costs next to nothing and gains speed."""

from __future__ import annotations

from dataclasses import dataclass

MOST_LOST_POINTS = 0.5


@dataclass(frozen=True, slots=True)
class Choice:
    """The form that is released, and why."""

    form: str
    reason: str


def choose(lost_points: dict[str, float], float_ms: float, int8_ms: float, least_gain: float) -> Choice:
    """Return int8 where no score lost more than MOST_LOST_POINTS and it is `least_gain` times as fast, else float.

    Args:
        lost_points: per score, percentage points of the float form less those of the int8 form.
        float_ms: time of the float form.
        int8_ms: time of the int8 form, taken in the same run.
        least_gain: speed ratio below which a second form is not worth having.
    """
    worst = max(lost_points, key=lambda name: lost_points[name])
    gain = float_ms / int8_ms
    told = f"{gain:.2f} times as fast, at worst {lost_points[worst]:+.2f} points lost ({worst})"
    if lost_points[worst] > MOST_LOST_POINTS:
        return Choice("float", f"int8 is not released: {told}, more than {MOST_LOST_POINTS} are allowed")
    if gain < least_gain:
        return Choice("float", f"int8 is not released: {told}, less than {least_gain} times is not worth a second form")
    return Choice("int8", f"int8 is released: {told}")
