"""What the uplink process tells the camera process: commands, and what became of Disclosures."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Verb(StrEnum):
    """What an agency may ask of a device."""

    SUSPEND = "suspend"
    RESUME = "resume"
    REFRESH = "refresh"
    ADD_PLATE = "add-plate"
    HOLD = "hold"
    END = "end"

    @property
    def has_terms(self) -> bool:
        """Return whether a command says more than its verb, sealed to the device."""
        return self in {Verb.ADD_PLATE, Verb.HOLD, Verb.END}


@dataclass(frozen=True, slots=True)
class Command:
    """Signed bytes of a request, ferried as they came: only the camera process may believe them."""

    document: bytes


@dataclass(frozen=True, slots=True)
class Erased:
    """Disclosures that were erased without being delivered, by reason."""

    count: int
    reason: str  # "expired" | "quota" | "pipe-full"


@dataclass(frozen=True, slots=True)
class Arrived:
    """Signed documents lie in the spool. Whether they count is for the camera process to find out."""


FAULTS = frozenset({"missing", "malformed", "wrong-mount", "expired", "bad-signature", "rolled-back"})


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """What a server or a folder offered was not even worth ferrying; `fault` is the word that a DeliveryError has."""

    fault: str


Notice: TypeAlias = Command | Erased | Arrived | TurnedAway
