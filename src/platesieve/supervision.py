"""What to do when one of the two processes ends: rules only, `adapters.processes` acts on them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

# Starting again does not mend these: an input, a model, a key, the settings, a log that does not verify.
PERMANENT = frozenset({2, 65, 66, 69, 73, 75, 77, 78})
FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 10.0
STEADY_S = 60.0  # a process that lived this long starts again without a growing delay


class Role(StrEnum):
    """The two processes."""

    CAMERA = "camera"
    UPLINK = "uplink"


@dataclass(frozen=True, slots=True)
class Restart:
    """Start it again after a delay."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class Finish:
    """Stop the other one too and end with this exit code."""

    exit_code: int


Verdict: TypeAlias = Restart | Finish


def after_exit(role: Role, exit_code: int, lived_s: float, earlier_restarts: int) -> Verdict:
    """Return what follows when a process ended that nobody asked to end.

    Args:
        role: which of the two.
        exit_code: its exit code; negative for a signal, as subprocess gives it.
        lived_s: how long it ran.
        earlier_restarts: restarts in a row before this one, each after a life shorter than STEADY_S.
    """
    if role is Role.CAMERA and exit_code == 0:
        return Finish(0)  # a finite source has ended: the uplink empties its outbox and everything stops
    if exit_code in PERMANENT:
        return Finish(exit_code)
    doublings = 0 if lived_s >= STEADY_S else earlier_restarts
    return Restart(min(FIRST_DELAY_S * 2**doublings, LONGEST_DELAY_S))
