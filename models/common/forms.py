"""Decide which form of a model is released: float, or int8 where it costs next to nothing and gains speed.

The rule, for both models: the two forms answer the same held-out photographs, by the device's own path. Counted are
those that float alone gets right, less those that int8 alone does. More than MOST_LOST_POINTS of them lost, or too
little speed gained, and int8 is not released. The evaluation sets are told beside it and decide nothing: a form chosen
on them would be scored by what chose it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_LOST_POINTS = 0.5


@dataclass(frozen=True, slots=True)
class Paired:
    """What the two forms get right of the same `count`: `lost` float alone does, `gained` int8 alone."""

    lost: int
    gained: int
    count: int

    @classmethod
    def of(cls, exact: Sequence[bool], int8: Sequence[bool]) -> Paired:
        """Count what one form gets right and the other wrong.

        Raises:
            ValueError: they are not of the same things.
        """
        pairs = list(zip(exact, int8, strict=True))
        return cls(sum(a and not b for a, b in pairs), sum(b and not a for a, b in pairs), len(pairs))

    @property
    def points(self) -> float:
        """Return the percentage points lost; all of them where there was nothing to compare on."""
        return 100 * (self.lost - self.gained) / self.count if self.count else 100.0

    def __str__(self) -> str:
        if not self.count:
            return "not compared: nothing is held out"
        return f"{self.points:+.2f} points lost: {self.lost} lost and {self.gained} gained of {self.count} held out"


@dataclass(frozen=True, slots=True)
class Choice:
    """The form that is released, and why."""

    form: str
    reason: str


def loses_too_much(pairs: Mapping[str, Paired]) -> bool:
    """Return True where int8 loses more than is allowed in any respect, or where nothing was held out to compare on."""
    return any(pair.points > MOST_LOST_POINTS for pair in pairs.values())


def choose(pairs: Mapping[str, Paired], float_ms: float, int8_ms: float, least_gain: float) -> Choice:
    """Return int8 where it loses at most MOST_LOST_POINTS and is `least_gain` times as fast, else float.

    Args:
        pairs: by what was counted, on held-out photographs; at least one.
        float_ms: time of the float form.
        int8_ms: time of the int8 form, taken in the same run.
        least_gain: speed ratio below which a second form is not worth having.
    """
    name, worst = max(pairs.items(), key=lambda each: each[1].points)
    if not worst.count:
        return Choice("float", "int8 is not released: no photographs were held out to compare the forms on")
    gain = float_ms / int8_ms
    told = f"{gain:.2f} times as fast, at worst {name} {worst}"
    if loses_too_much(pairs):
        return Choice("float", f"int8 is not released: {told}, more than {MOST_LOST_POINTS} are allowed")
    if gain < least_gain:
        return Choice("float", f"int8 is not released: {told}, less than {least_gain} times is not worth a second form")
    return Choice("int8", f"int8 is released: {told}")
