"""From region logits to the probability of each country."""

from __future__ import annotations

import numpy as np
import pytest

from platesieve.vision.decode_region import decode


def test_countries_have_their_share_and_unknown_has_no_name() -> None:
    """A softmax; what is missing to one is unknown."""
    found = decode(np.log([0.2, 0.7, 0.1]), ("unknown", "US", "SK"))
    assert found == pytest.approx({"US": 0.7, "SK": 0.1})


def test_large_logits_do_not_overflow() -> None:
    """Nor does float16, which some runtimes answer in."""
    assert decode(np.asarray([0, 900], np.float16), ("unknown", "US")) == pytest.approx({"US": 1.0})
