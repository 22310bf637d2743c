"""Turn the reader's region logits into the probability of each country."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

UNKNOWN: Final = "unknown"
"""The class of plates from anywhere else, and of those whose look tells nothing."""


def decode(logits: NDArray[np.floating[Any]], regions: Sequence[str]) -> dict[str, float]:
    """Return the probability of each country; what is missing to 1 is UNKNOWN's.

    Args:
        logits: R, float.
        regions: the R classes, UNKNOWN or ISO 3166-1 alpha-2.
    """
    shifted = np.asarray(logits, np.float64) - np.max(logits)
    shares = np.exp(shifted) / np.exp(shifted).sum()
    return {name: float(share) for name, share in zip(regions, shares, strict=True) if name != UNKNOWN}
