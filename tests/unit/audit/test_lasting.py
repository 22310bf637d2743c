"""What stays of a witness file: an example to read, and the arithmetic of a plan against years of it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from platesieve.audit.thinning import THINNED_EVERY_DAYS, Line, Spacing, due, lasting
from platesieve.audit.witness import Seen
from tests.fakes.log_files import S

MINUTE, HOUR, DAY = 60, 3600, 86_400
BEGIN_S = 20_000 * DAY


def lines(*seen: tuple[Seen, float, int]) -> list[Line]:
    """Return lines of (what, seconds after the begin, size)."""
    return [Line(number, what, round((BEGIN_S + at_s) * S), size) for number, (what, at_s, size) in enumerate(seen)]


def test_the_ends_of_each_hour_stay_and_later_those_of_each_day() -> None:
    """The same two days, ten days later, and two years later."""
    grown = [(Seen.GREW, hour * HOUR + minute * MINUTE, 0) for hour in (0, 1, 30) for minute in (0, 20, 40)]
    history = [(Seen.FIRST, -DAY, 1), *((what, at_s, size) for size, (what, at_s, _) in enumerate(grown, 2))]

    soon, later, late = (lines(*history, (Seen.GREW, days * DAY, 99)) for days in (8, 9, 800))
    assert lasting(soon, Spacing()) == set(range(11)) - {2, 5}  # the first day has its seven behind it
    assert lasting(later, Spacing()) == set(range(11)) - {2, 5, 8}
    assert lasting(late, Spacing()) == {0, 1, 6, 7, 9, 10}
    assert lasting(late, Spacing(every_days=1000)) == set(range(11))
    assert lasting([], Spacing()) == set()


def test_what_contradicts_and_what_it_contradicts_stay() -> None:
    """A fork at 25 entries, told a thousand days ago: those of 20 and of 30 are its other side."""
    history = lines(
        (Seen.FIRST, 0, 10),
        (Seen.GREW, 1, 20),
        (Seen.GREW, 2, 30),
        (Seen.GREW, 3, 40),
        (Seen.GREW, 4, 50),
        (Seen.FORKED, 5, 25),
        (Seen.GREW, 6, 60),
        (Seen.GREW, 7, 70),
        (Seen.GREW, 8, 80),
        (Seen.GREW, 1000 * DAY, 90),
    )
    assert lasting(history, Spacing()) == {0, 1, 2, 4, 5, 6, 8, 9}


def test_what_was_not_proved_to_continue_the_line_before_stays_with_that_line() -> None:
    """Two files in one, and two writers without a lock: no chain leads over the seam."""
    merged = lines(
        *((Seen.FIRST if n == 0 else Seen.GREW, n, 10 + n) for n in range(4)),
        *((Seen.FIRST if n == 0 else Seen.GREW, 10 + n, 10 + n) for n in range(4)),
        (Seen.GREW, 20, 13),  # not larger than the one before
        (Seen.GREW, 1000 * DAY, 90),
    )
    assert lasting(merged, Spacing()) == {0, 3, 4, 7, 8, 9}


@pytest.mark.parametrize("per_day", [1, 24, 48, 288])
def test_a_plan_counts_the_lines_that_stay(per_day: int) -> None:
    """A hundred days, thinned once a week: never more than planned, and at the worst moment nearly so many."""
    spacing, worst = Spacing(every_days=3, hourly_days=40), 0.0
    kept: list[Line] = []
    for number in range(100 * per_day):
        kept.append(Line(len(kept), Seen.GREW, round((BEGIN_S + number * DAY / per_day) * S), number))
        days = (number + 1) / per_day
        assert len(kept) <= spacing.lines(per_day, days) + 1
        worst = max(worst, len(kept) / spacing.lines(per_day, days))
        if number % (THINNED_EVERY_DAYS * per_day) == 0 or number == 100 * per_day - 1:
            stays = lasting(kept, spacing)
            kept = [line._replace(number=n) for n, line in enumerate(line for line in kept if line.number in stays)]
    assert worst > 0.9
    assert per_day == 1 or len(kept) < 100 * per_day / 2


def test_each_file_has_a_turn_in_every_week_and_not_all_have_it_at_once() -> None:
    """Ten cameras, minute by minute through two weeks."""
    names = [f"metro-pd_bridge-7_cam-{number}" for number in range(10)]
    minutes = [round((BEGIN_S + minute * MINUTE) * S) for minute in range(2 * 7 * 24 * 60 + 1)]
    turns = {name: [b for a, b in pairwise(minutes) if due(name, a, b)] for name in names}
    assert {len(found) for found in turns.values()} == {2}
    assert len({found[0] for found in turns.values()}) > 8
