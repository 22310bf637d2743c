"""What the uplink process tells the camera process: commands, and what became of Disclosures."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Verb(StrEnum):
    """What an agency may ask of a device."""

    SUSPEND = "suspend"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class Command:
    """A request of the agency, ferried as it came; the camera process decides whether it counts."""

    verb: Verb


@dataclass(frozen=True, slots=True)
class Erased:
    """Disclosures that left the outbox without being delivered, by reason."""

    count: int
    reason: str  # "expired" | "quota" | "pipe-full"


Notice: TypeAlias = Command | Erased
