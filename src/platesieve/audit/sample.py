"""Which entries an auditor looks at: drawn by chance that neither the device nor the auditor can steer (FORMAT 8.5)."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_DRAW_BYTES = 8
_DRAWS = 2 ** (8 * _DRAW_BYTES)


def draw(size: int, count: int, root: bytes, seed: int) -> tuple[int, ...]:
    """Return `count` different entries of a log, or all of them where it has fewer, in ascending order.

    The root fixes the log before the seed is named, and the seed is not the device's: together they leave nobody a
    choice. Anybody can draw again with SHA-256 alone.

    Args:
        size: entries in the log.
        count: how many to draw.
        root: signed root of the log.
        seed: a number that the auditor names after the log is fixed.
    """
    drawn: set[int] = set()
    numbers = _numbers(size, root, seed)
    while len(drawn) < min(size, count):
        drawn.add(next(numbers))
    return tuple(sorted(drawn))


def _numbers(size: int, root: bytes, seed: int) -> Iterator[int]:
    """Yield numbers below `size`, all equally likely: draws beyond the last whole multiple are thrown away."""
    bound, counter = _DRAWS - _DRAWS % size, 0
    while True:
        drawn = sha256(root + f"{seed}:{counter}".encode()).digest()[:_DRAW_BYTES]
        counter += 1
        if (number := int.from_bytes(drawn, "big")) < bound:
            yield number % size
