"""Counting what a reader takes for what."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("PIL", reason="plates are drawn with pillow (extra `train`)")

from models.reader.confusion import BORROWED, GROUPS, Tally, align, group_of
from models.reader.regions import REGIONS
from platesieve.adapters.networks.confusion_file import parse_confusion

pytestmark = pytest.mark.training


@pytest.mark.parametrize(
    ("truth", "read", "edits"),
    [
        ("AB1", "AB1", [("A", "A"), ("B", "B"), ("1", "1")]),
        ("AB1", "A81", [("A", "A"), ("B", "8"), ("1", "1")]),
        ("AB1", "AB", [("A", "A"), ("B", "B"), ("1", "")]),
        ("AB1", "XAB1", [("", "X"), ("A", "A"), ("B", "B"), ("1", "1")]),
        ("A", "", [("A", "")]),
    ],
)
def test_read_and_truth_are_aligned_by_the_fewest_edits(truth: str, read: str, edits: list[tuple[str, str]]) -> None:
    """Whatever was left out or added, the rest stays beside its own."""
    assert align(truth, read) == edits


def test_counts_become_shares_that_the_device_can_load() -> None:
    """Few plates of one region borrow from all; hopeless reads say nothing about glyphs."""
    world, few = Tally(), Tally()
    for _ in range(90):
        world.add("ABO1", "ABO1")
    for _ in range(10):
        world.add("ABO1", "AB01")
    few.add("ABO1", "AB01")
    world.add("ABO1", "XYZW")
    assert (world.plates, world.hopeless) == (100, 1)

    file = {"format": 1, "reader_sha256": "0" * 64, "groups": GROUPS,
            "regions": {"any": world.table(world), "europe": few.table(world)}}  # fmt: skip
    matrix = parse_confusion(json.dumps(file).encode())
    assert matrix.of(None).share("O", "0") == pytest.approx(0.1)
    assert matrix.of("DE").share("O", "0") == pytest.approx((1 + 0.1 * BORROWED) / (1 + BORROWED), abs=1e-4)


def test_every_country_belongs_to_one_group() -> None:
    """And unknown to none."""
    assert sorted(country for members in GROUPS.values() for country in members) == sorted(REGIONS[1:])
    assert group_of(0) is None
    assert group_of(REGIONS.index("SK")) == "europe"
