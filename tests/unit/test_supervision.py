"""What follows when one of the two processes ends."""

from __future__ import annotations

import pytest

from platesieve.supervision import LONGEST_DELAY_S, PERMANENT, Finish, Restart, Role, after_exit


def test_a_finite_source_that_ended_ends_everything_well() -> None:
    """A clip that is over is no failure."""
    assert Finish(0) == after_exit(Role.CAMERA, 0, 10.0, 0)


def test_an_uplink_that_ends_by_itself_is_started_again() -> None:
    """Only the camera process decides when the work is done."""
    assert isinstance(after_exit(Role.UPLINK, 0, 10.0, 0), Restart)


@pytest.mark.parametrize("exit_code", sorted(PERMANENT))
@pytest.mark.parametrize("role", list(Role))
def test_what_a_restart_cannot_mend_ends_everything(role: Role, exit_code: int) -> None:
    """Wrong settings stay wrong: the person is told instead of a loop that never works."""
    assert Finish(exit_code) == after_exit(role, exit_code, 1.0, 0)


@pytest.mark.parametrize("exit_code", [74, 76, 70, 1, -9, -11])
def test_a_crash_is_followed_by_a_restart(exit_code: int) -> None:
    """A camera that stalled and a process that was killed get another chance."""
    assert isinstance(after_exit(Role.CAMERA, exit_code, 1.0, 0), Restart)


def test_delays_grow_up_to_ten_seconds_and_start_over_after_a_steady_life() -> None:
    """A worker is back within 10 s, as the promises say, and a broken one does not spin."""
    verdicts = [after_exit(Role.CAMERA, 74, 1.0, restarts) for restarts in range(8)]
    delays = [verdict.delay_s for verdict in verdicts if isinstance(verdict, Restart)]

    assert delays == sorted(delays)
    assert delays[0] < delays[1]
    assert delays[-1] == LONGEST_DELAY_S
    assert Restart(delays[0]) == after_exit(Role.CAMERA, 74, 3600.0, 7)
