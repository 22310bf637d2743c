"""The bar from which a read counts is chosen by what it may lose, and released with the reader."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

pytest.importorskip("PIL", reason="needs the extra `train`")
sys.path.insert(0, str(Path(__file__).parents[2]))  # models/ is run from the checkout, never installed
plateness = importlib.import_module("models.reader.plateness")

pytestmark = pytest.mark.training


@pytest.mark.parametrize(
    ("right", "chosen"),
    [
        ({"drawn": [6.0] * 400}, 5.0),
        ({"drawn": [6.0] * 398 + [2.2] * 2}, 5.0),  # one in two hundred may go
        ({"drawn": [6.0] * 397 + [2.2] * 3}, 2.0),  # and no more
        ({"drawn": [6.0] * 400, "held-out": [6.0] * 99 + [2.7]}, 2.5),
        ({"drawn": [6.0] * 400, "held-out": []}, 5.0),
        ({"drawn": [-1.0] * 400}, 0.0),
    ],
)
def test_the_highest_cut_that_loses_little_is_chosen(right: dict[str, list[float]], chosen: float) -> None:
    """Of each kind at most one right read in two hundred."""
    assert plateness.choose(right) == chosen


def test_the_table_counts_what_is_lost_and_what_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    """For a person to judge the choice by, also where there are no photographs."""
    plateness.show({"drawn": [1.2, 6.0, 6.0], "held-out": []}, [float("-inf"), 4.5], 1.0)
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if line.strip().startswith("1.5"))
    assert row.split() == ["1.5", "1", "of", "3", "0", "of", "0", "1", "of", "2"]
    assert [line.split()[0] for line in lines if "chosen" in line] == ["1.0"]
    assert "nan" not in "".join(lines)
