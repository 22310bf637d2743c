"""What a collector says of a device's checkpoint, from `audit.witness`; the lines go to a file for each device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from platesieve.audit.witness import Seen
    from platesieve.collector.records import CheckpointStatus


@dataclass(frozen=True, slots=True)
class Witnessed:
    """The verdict on one checkpoint.

    Attributes:
        status: as `cameras` shows it.
        seen: the finding in the words of FORMAT 9.3.
        size: entries under the newest checkpoint that is witnessed now.
        sentence: for people.
    """

    status: CheckpointStatus
    seen: Seen | None
    size: int
    sentence: str
