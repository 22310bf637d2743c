"""The attacks in small, on every run: what must hold holds, and every control breaks."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.attacks.__main__ import attack, verdict
from tests.attacks.linkage import MEAN_READS, area, traffic


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """Return the figures of the small attacks."""
    return attack(small=True)


def test_no_attack_succeeds_and_every_control_breaks(found: dict[str, Any]) -> None:
    """Plates, pseudonyms, a seized disk, a seized fleet, a patrol car, alerts."""
    assert verdict(found) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("keyspace", "plain hash", "broken"), False),
        (("keyspace", "published stream", "no key", "broken"), True),
        (("keyspace", "seized disk", "ours", "broken"), True),
        (("keyspace", "seized disk", "control", "broken"), False),
        (("linkage", "across epochs, Oakland, time to 60 s", "auc_by_name"), 0.9),
        (("linkage", "control: within one epoch, Minneapolis, time to 60 s", "auc_by_name"), 0.6),
        (("linkage", "fleet, across epochs, Oakland", "auc_by_name"), 0.9),
        (("linkage", "across topics: read, then hit", "auc_by_name"), 0.9),
        (("keyspace", "seized fleet", "ours", "yesterday"), True),
        (("keyspace", "seized fleet", "control", "yesterday"), False),
        (("alerts", "100 entries, folding the packs' groups", "missed"), 0.99),
        (("movement", "cells of 2 km", "within_100_m"), 0.9),
    ],
)
def test_a_figure_that_is_wrong_is_a_fault(found: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    """The control of the verdict."""
    wrong = copy.deepcopy(found)
    inner = wrong
    for key in path[:-1]:
        inner = inner[key]
    assert path[-1] in inner
    inner[path[-1]] = value

    assert len(verdict(wrong)) == 1


def test_the_area_is_a_half_for_chance_and_one_for_certainty() -> None:
    """The measure itself."""
    assert area([1, 2, 3], [1, 2, 3]) == 0.5
    assert area([4, 5], [1, 2, 3]) == 1.0
    assert area([0], [1, 2, 3]) == 0.0


def test_the_traffic_has_the_published_shape() -> None:
    """About 4.2 reads for each plate, most plates seen once or twice."""
    passes = traffic(20_000, 7, 4, seed=3)
    reads = [0] * 20_000
    for one in passes:
        reads[one.vehicle] += 1

    assert abs(sum(reads) / len(reads) - MEAN_READS) < 1.5
    assert sorted(reads)[len(reads) // 2] <= 2
    assert max(reads) > 100
