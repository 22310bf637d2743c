"""Scores with their uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass

FOLDED = str.maketrans("OI", "01")


def fold(text: str) -> str:
    """Return the text with O as 0 and I as 1, which many authorities draw the same."""
    return text.translate(FOLDED)


def wilson(hits: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """Return the 95 % Wilson score interval of a share (E. B. Wilson, JASA 22, 1927)."""
    if count == 0:
        return 0.0, 1.0
    share = hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True)
class Score:
    """How many of `count` were right."""

    hits: int
    count: int

    @property
    def share(self) -> float:
        """Return the share that was right, 0..1."""
        return self.hits / self.count if self.count else 0.0

    def __str__(self) -> str:
        low, high = wilson(self.hits, self.count)
        return f"{self.share:.3f} [{low:.3f}, {high:.3f}] n={self.count}"

    def table(self) -> dict[str, float | int | list[float]]:
        """Return the score as released.toml holds it."""
        low, high = wilson(self.hits, self.count)
        return {"share": round(self.share, 4), "n": self.count, "interval95": [round(low, 4), round(high, 4)]}
