"""An anchor: size and root of a log at a moment, kept by somebody other than the device (FORMAT 6.7, 6.8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from platesieve.audit.checkpoint import Checkpoint
from platesieve.audit.cosignature import cosignatures
from platesieve.audit.words import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Iterable

    from platesieve.audit.cosignature import CosignerVerifier
    from platesieve.audit.note import NoteVerifier


@dataclass(frozen=True, slots=True)
class Anchor:
    """What somebody holds.

    Attributes:
        checkpoint: origin, size and root.
        by: whose word it is, for people.
        time_ns: when it was seen, by the clock of whoever saw it; None where only an order is known.
    """

    checkpoint: Checkpoint
    by: str
    time_ns: int | None = None

    @property
    def size(self) -> int:
        """Return how many entries there were."""
        return self.checkpoint.size


def cosigned_anchors(note: bytes, device: NoteVerifier, witnesses: Iterable[CosignerVerifier]) -> tuple[Anchor, ...]:
    """Return an anchor for each cosignature of a witness that we know under a checkpoint of the device.

    Raises:
        AuditError: it is no checkpoint of this device, or a signature is wrong.
    """
    checkpoint = Checkpoint.from_text(device.open(note))
    return tuple(Anchor(checkpoint, seen.name, seen.time_s * NS_PER_S) for seen in cosignatures(note, witnesses))
