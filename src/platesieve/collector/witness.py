"""What a collector says of a device's checkpoint, by `audit.witness`; the lines go to a file for each device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from platesieve.audit.growth import NoGrowth, parse_proofs
from platesieve.audit.witness import Seen, cosign, newest_accepted
from platesieve.collector.records import CheckpointStatus
from platesieve.domain.errors import AuditError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from platesieve.audit.cosignature import CosignerKey
    from platesieve.audit.growth import Growth
    from platesieve.audit.note import NoteVerifier
    from platesieve.audit.witness import Kept
    from platesieve.collector.records import Event

_STATUS = {
    Seen.FIRST: CheckpointStatus.WITNESSED,
    Seen.SAME: CheckpointStatus.WITNESSED,
    Seen.GREW: CheckpointStatus.WITNESSED,
    Seen.UNPROVEN: CheckpointStatus.BEHIND,
}


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

    @property
    def wrongly_signed(self) -> bool:
        """Return whether another key signed it, or none."""
        return self.seen is Seen.OTHER_KEY


class WitnessFiles(Protocol):
    """What is kept of each device, and its key that was noted at enrolment."""

    def verifier(self, device: str) -> NoteVerifier | None:
        """Return the audit key of a device, or None where it is not enrolled here."""

    def kept(self, device: str) -> Sequence[Kept]:
        """Return the lines of its witness file, oldest first."""

    def alone(self, device: str) -> AbstractContextManager[None]:
        """Keep out all other writers of its witness file: what is added must follow from what was read."""

    def add(self, device: str, line: Kept) -> None:
        """Add a line, within `alone`; durable on return.

        Raises:
            StorageError: the disk refuses.
        """


class Witness:
    """Sees checkpoints, remembers them, and cosigns those that contradict nothing.

    Args:
        files: what is kept.
        key: cosigns.
    """

    def __init__(self, files: WitnessFiles, key: CosignerKey) -> None:
        self._files = files
        self._key = key

    def see(self, event: Event) -> tuple[Witnessed, bytes | None]:
        """Return the verdict on a checkpoint event, and the cosigned note that goes back to the device."""
        verifier = self._files.verifier(event.device)
        if verifier is None:
            sentence = "the audit key of this device is not enrolled here: nothing about its log is believed"
            return Witnessed(CheckpointStatus.UNKNOWN, None, 0, sentence), None
        with self._files.alone(event.device):
            return self._judged(event, verifier)

    def _judged(self, event: Event, verifier: NoteVerifier) -> tuple[Witnessed, bytes | None]:
        kept = self._files.kept(event.device)
        note = str(event.data.get("checkpoint", "")).encode()
        try:
            observation, cosigned = cosign(kept, note, event.received_ns, verifier, _growth(event), self._key)
        except AuditError as error:
            return Witnessed(CheckpointStatus.BEHIND, Seen.OTHER_KEY, _size(kept), error.message), None
        grew = observation.kept is not None and observation.ok
        size = _size([observation.kept]) if observation.kept is not None and grew else _size(kept)
        if observation.kept is not None:
            self._files.add(event.device, observation.kept)
        status = _STATUS.get(observation.seen, CheckpointStatus.FORKED)
        return Witnessed(status, observation.seen, size, observation.sentence), cosigned


def _growth(event: Event) -> Growth:
    """Return the proofs that came along, or that none did."""
    if "consistency" not in event.data:
        return NoGrowth()
    try:
        return parse_proofs(event.data["consistency"])
    except InputError:
        return NoGrowth()  # a broken proof proves nothing


def _size(kept: Sequence[Kept]) -> int:
    """Return the size of the newest checkpoint that was accepted."""
    newest = newest_accepted(kept)
    return newest.checkpoint.size if newest is not None else 0
