"""Count windows: exact, aligned, and nothing about one vehicle."""

from __future__ import annotations

from platesieve.domain.decision import Tally
from platesieve.domain.disclosure import Kind
from platesieve.domain.instant import NS_PER_S, Instant
from platesieve.domain.match import Disposition
from platesieve.policy.aggregate import Windows, add, close, flush
from platesieve.policy.language import Aggregate, Policy, Publish, Section
from tests.fakes.passages import SEEN, a_policy, a_set_of_instruments

LEFT = Tally(Disposition.MISS, (("lane", "left"),))
RIGHT = Tally(Disposition.MISS, (("lane", "right"),))
KEYS = a_set_of_instruments()


def counting(suppress_below: int = 0) -> Policy:
    """Return a policy that counts misses by the hour."""
    return a_policy(miss=Section(publish=Publish.AGGREGATE, aggregate=Aggregate(3600, suppress_below, 86_400)))


def at(minutes: float) -> Instant:
    """Return a moment after SEEN, which is 34 minutes past noon."""
    return Instant(SEEN.wall_ns + round(minutes * 60 * NS_PER_S), SEEN.monotonic_ns)


def passed(policy: Policy, *tallies: Tally) -> Windows:
    """Return the windows after some vehicles passed at SEEN."""
    windows = Windows()
    for tally in tallies:
        windows = add(windows, tally, policy, SEEN)
    return windows


def test_a_window_is_told_when_it_is_over() -> None:
    """Not before its end and the raw lifetime have passed; then once, with exact counts by group."""
    policy = counting()
    windows = passed(policy, LEFT, RIGHT, LEFT)

    assert close(windows, policy, at(25), KEYS) == (windows, ())
    left, told = close(windows, policy, at(26), KEYS)

    assert left == Windows()
    assert [disclosure.kind for disclosure in told] == [Kind.COUNT]
    assert told[0].body == {
        "policy": policy.stamp,
        "window": {"start": "2026-11-22T12:00:00Z", "end": "2026-11-22T13:00:00Z"},
        "counts": [
            {"disposition": "miss", "count": 2, "lane": "left"},
            {"disposition": "miss", "count": 1, "lane": "right"},
        ],
    }
    assert told[0].expires_wall_ns == 1_795_352_400 * NS_PER_S + 86_400 * NS_PER_S
    assert close(left, policy, at(60), KEYS) == (Windows(), ())


def test_small_counts_are_left_out() -> None:
    """Below the number nothing is told; from it on the count is exact. Where all are small there is no event."""
    policy = counting(suppress_below=2)

    _, some = close(passed(policy, LEFT, LEFT, RIGHT), policy, at(30), KEYS)
    _, none = close(passed(policy, LEFT, RIGHT), policy, at(30), KEYS)

    assert some[0].body["counts"] == [{"disposition": "miss", "count": 2, "lane": "left"}]
    assert none == ()


def test_windows_do_not_mix() -> None:
    """Vehicles an hour apart are counted in two windows."""
    policy = counting()
    windows = add(add(Windows(), LEFT, policy, SEEN), LEFT, policy, at(60))

    left, told = close(windows, policy, at(30), KEYS)

    assert len(told) == 1
    assert len(left.open) == 1


def test_a_shutdown_tells_what_was_counted() -> None:
    """The window keeps its own bounds, which say nothing about when the device stopped, and is marked partial."""
    policy = counting()

    left, told = flush(passed(policy, LEFT), policy, at(1), KEYS)

    assert left == Windows()
    assert told[0].body["partial"] is True
    assert told[0].body["window"] == {"start": "2026-11-22T12:00:00Z", "end": "2026-11-22T13:00:00Z"}


def test_adding_changes_no_earlier_value() -> None:
    """A step gives a new value."""
    policy = counting()
    first = passed(policy, LEFT)
    add(first, LEFT, policy, SEEN)

    assert flush(first, policy, SEEN, KEYS)[1][0].body["counts"] == [
        {"disposition": "miss", "count": 1, "lane": "left"}
    ]
