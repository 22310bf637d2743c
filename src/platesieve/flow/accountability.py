"""The public plane: what the device says about itself. Nothing here is about a vehicle."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from platesieve import __version__
from platesieve.domain.disclosure import Disclosure, Kind

if TYPE_CHECKING:
    from platesieve.domain.disclosure import Json
    from platesieve.domain.instant import TimeQuality


class State(StrEnum):
    """What the device is doing, as its health event says it."""

    READING = "reading"
    NOT_READING = "not-reading"
    SUSPENDED = "suspended"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Condition:
    """Everything that a health event tells.

    `fps` counts frames that were looked at; `dropped` those that the camera delivered meanwhile.
    """

    state: State
    reason: str | None
    fps: float
    dropped: int
    policy: dict[str, Json]
    hotlist: dict[str, Json]
    clock: TimeQuality
    audit_size: int


def health(condition: Condition, event_id: str) -> Disclosure:
    """Return the retained event that says how the device is."""
    body: dict[str, Json] = {
        "state": condition.state.value,
        "reason": condition.reason,
        "fps": round(condition.fps, 1),
        "dropped": condition.dropped,
        "policy": condition.policy,
        "hotlist": condition.hotlist,
        "clock": condition.clock.value,
        "audit_size": condition.audit_size,
        "version": __version__,
    }
    return Disclosure(id=event_id, kind=Kind.HEALTH, body=body, expires_wall_ns=None)


def checkpoint(note: str, event_id: str) -> Disclosure:
    """Return the retained event that makes every subscriber a witness of the audit log."""
    return Disclosure(id=event_id, kind=Kind.CHECKPOINT, body={"checkpoint": note}, expires_wall_ns=None)
