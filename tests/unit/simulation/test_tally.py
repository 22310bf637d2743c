"""Lost, unexpected, twice, and the percentiles beside them."""

from __future__ import annotations

import pytest

from platesieve.simulation.tally import Latency, Step, Tally, nearest_rank


def test_what_did_not_come_to_the_last_step_is_missing() -> None:
    """A receipt is the last word where there is one: a subscriber may have been away."""
    tally = Tally((Step.TAKEN, Step.HEARD, Step.SIGNED))
    for id_ in ("a", "b", "c"):
        tally.passed(id_, 10.0)
        tally.reached(Step.TAKEN, id_, 10.2)
    tally.reached(Step.HEARD, "c", 10.3)
    assert tally.missing == 3
    tally.reached(Step.SIGNED, "a", 10.5)
    tally.reached(Step.SIGNED, "a", 10.6)
    assert tally.missing == 2
    assert (tally.unexpected, tally.twice) == (0, 0)
    assert Tally((Step.TAKEN,)).missing == 0


def test_what_was_never_sent_or_comes_again_is_told_apart() -> None:
    """A second arrival at the subscriber is harmless and counted; a second receipt is nothing at all."""
    tally = Tally((Step.HEARD,))
    tally.passed("a", 0.0)
    for _ in range(3):
        tally.reached(Step.HEARD, "a", 1.0)
        tally.reached(Step.SIGNED, "a", 1.0)
    tally.reached(Step.HEARD, "of nobody", 1.0)
    assert (tally.missing, tally.unexpected, tally.twice) == (0, 1, 2)
    assert tally.latencies() == {Step.HEARD: Latency(1, 1000.0, 1000.0, 1000.0, 1000.0)}


@pytest.mark.parametrize(
    ("count", "share", "expected"), [(1, 0.99, 1), (100, 0.5, 50), (100, 0.99, 99), (101, 0.99, 100), (1000, 0.95, 950)]
)
def test_percentiles_are_nearest_ranks(count: int, share: float, expected: int) -> None:
    """At least that share of all is not above: the definition, tried on 1, 2, 3 and so on."""
    ordered = list(range(1, count + 1))
    found = nearest_rank(ordered, share)
    assert found == expected
    assert sum(value <= found for value in ordered) >= share * count
    assert sum(value < found for value in ordered) < share * count


def test_nothing_seen_has_no_latency() -> None:
    """None, and not a nought that looks like a very good figure."""
    assert Latency.of(()) is None
    assert Tally((Step.TAKEN,)).latencies() == {}
