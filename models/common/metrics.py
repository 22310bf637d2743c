"""Scores with their uncertainty, by the same rules as the program's own evaluation."""

from __future__ import annotations

from dataclasses import dataclass

from platesieve.evaluation.metrics import fold, share

__all__ = ["Score", "fold"]


@dataclass(frozen=True, slots=True)
class Score:
    """How many of `count` were right."""

    hits: int
    count: int

    @property
    def share(self) -> float:
        """Return the share that was right, 0..1."""
        return self.hits / self.count if self.count else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % Wilson interval of the share; of nothing, everything is possible."""
        rate = share(self.hits, self.count)
        return (0.0, 1.0) if rate.low is None or rate.high is None else (rate.low, rate.high)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.share:.3f} [{low:.3f}, {high:.3f}] n={self.count}"

    def table(self) -> dict[str, float | int | list[float]]:
        """Return the score as released.toml holds it."""
        low, high = self.interval
        return {"share": round(self.share, 4), "n": self.count, "interval95": [round(low, 4), round(high, 4)]}
