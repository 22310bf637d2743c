"""The wall clock is believed only when something outside confirmed it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from platesieve.adapters.local.system_clock import FLOOR_WALL_NS, SystemClock, kernel_says_synchronised
from platesieve.domain.instant import TimeQuality

YEAR_NS = 365 * 86_400 * 1_000_000_000
NOWHERE = Path("/nonexistent/synchronized")


def a_clock(
    *, kernel: bool, mark: Path = NOWHERE, wall_ns: int = FLOOR_WALL_NS + YEAR_NS, assume: bool = False
) -> SystemClock:
    """Return a clock whose surroundings are given."""
    return SystemClock(assume=assume, timesync_mark=mark, kernel_synchronised=lambda: kernel, wall_ns=lambda: wall_ns)


def test_now_is_the_wall_clock_and_the_time_since_boot() -> None:
    """Both halves of an Instant come from this machine and never run backwards."""
    before, first, second = time.time_ns(), SystemClock().now(), SystemClock().now()
    assert before <= first.wall_ns <= time.time_ns()
    assert first.monotonic_ns <= second.monotonic_ns
    assert second.seconds_since(first) < 1


def test_an_unconfirmed_clock_is_unknown() -> None:
    """Without a time source the wall clock is not trusted, however plausible it looks."""
    assert a_clock(kernel=False).quality() is TimeQuality.UNKNOWN


def test_the_kernel_can_confirm_the_clock() -> None:
    """A time daemon that disciplines the kernel clock is enough."""
    assert a_clock(kernel=True).quality() is TimeQuality.SYNCHRONISED


def test_systemd_timesyncd_can_confirm_the_clock(tmp_path: Path) -> None:
    """Where the kernel may not be asked, the mark of systemd-timesyncd counts."""
    mark = tmp_path / "synchronized"
    assert a_clock(kernel=False, mark=mark).quality() is TimeQuality.UNKNOWN
    mark.touch()
    assert a_clock(kernel=False, mark=mark).quality() is TimeQuality.SYNCHRONISED


@pytest.mark.parametrize("wall_ns", [0, FLOOR_WALL_NS - 1])
def test_a_time_before_the_release_is_never_trusted(wall_ns: int) -> None:
    """A clock that claims 1970 is wrong even if the kernel vouches for it."""
    assert a_clock(kernel=True, wall_ns=wall_ns).quality() is TimeQuality.UNKNOWN
    assert a_clock(kernel=True, wall_ns=FLOOR_WALL_NS).quality() is TimeQuality.SYNCHRONISED


def test_an_installer_may_vouch_for_the_clock() -> None:
    """`assume` overrides every doubt, because it is a setting of the device and is logged with it."""
    assert a_clock(kernel=False, wall_ns=0, assume=True).quality() is TimeQuality.SYNCHRONISED


def test_asking_the_kernel_gives_an_answer_here() -> None:
    """The call itself works unprivileged and agrees with itself."""
    assert kernel_says_synchronised() is kernel_says_synchronised()


def test_sleep_waits_and_forgives_a_negative_time() -> None:
    """A deadline in the past is no wait and no error."""
    start = time.monotonic()
    SystemClock().sleep(-5)
    SystemClock().sleep(0.02)
    assert 0.02 <= time.monotonic() - start < 1
