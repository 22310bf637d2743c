"""What the cards are written with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NOT_MEASURED = "not measured"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]]) + "\n"


def rate(score: Mapping[str, Any] | None) -> str:
    """Return a share with its 95 % interval."""
    if score is None:
        return NOT_MEASURED
    low, high = score["interval95"]
    return f"{score['share']:.3f} [{low:.3f}, {high:.3f}]"


def hits(score: Mapping[str, Any]) -> int:
    """Return how many of a share's n it is; shares are kept to four places, which tells them apart up to n = 5,000."""
    return round(score["share"] * score["n"])


def verdict(spare: int, of: str = "plate") -> str:
    """Return whether a bar was met, and by how many; `spare` is negative where that many are missing."""
    count = abs(spare)
    told = f"{count} {of}{'' if count == 1 else 's'}"
    return f"met, {told} to spare" if spare >= 0 else f"missed by {told}"


def how_large(size: Mapping[str, int] | None, run: str) -> str:
    """Return parameters and multiplications as a line, from models.common.size; `run` says what one run looks at."""
    if size is None:
        return f"Parameters and multiplications of the released file: {NOT_MEASURED}.\n"
    learnt, products = size["parameters"], size["multiplications"] / 1e6
    return f"{learnt:,} parameters in the float file, {products:.0f} million multiplications {run}.\n"
