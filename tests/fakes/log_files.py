"""A log in memory, grown as the device grows its own: for everything that reads logs.

log = LogInMemory(SIGNER)
log.grow([Boot(...)])
verify_log(log, SIGNER.verifier)
log.content["checkpoint"] = ...   # and now tamper
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from platesieve.audit import entry as e
from platesieve.audit.checkpoint import Checkpoint
from platesieve.audit.note import NoteSigner
from platesieve.audit.tiles import Edge, edge_names
from platesieve.domain.access import DeletionReason, Purpose
from platesieve.domain.disclosure import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

S = 1_000_000_000
START_NS = 1_790_000_000 * S
SIGNER = NoteSigner("platesieve/metro-pd/bridge-7/cam-1", bytes(range(32)))  # a key for tests, known to everybody
OTHER_SIGNER = NoteSigner("platesieve/metro-pd/bridge-7/cam-1", bytes(range(1, 33)))


class LogInMemory:
    """Implements `audit.verify.LogFiles`; `content` is there to be tampered with."""

    def __init__(self, signer: NoteSigner = SIGNER) -> None:
        self.signer = signer
        self.content: dict[str, bytes] = {}
        self.entries: list[bytes] = []
        self._edge = Edge()
        self._sign()

    def grow(self, entries: Sequence[e.Entry]) -> Self:
        """Append entries under a new checkpoint."""
        return self.grow_raw([e.encode(entry) for entry in entries])

    def grow_raw(self, encoded: Sequence[bytes]) -> Self:
        """Append whatever bytes: a device that went bad can sign anything."""
        before = self._edge
        self._edge, files = before.extended(encoded)
        for name in set(edge_names(before.size)) - set(edge_names(self._edge.size)):
            del self.content[name]
        self.content.update(files)
        self.entries += encoded
        self._sign()
        return self

    def _sign(self) -> None:
        checkpoint = Checkpoint(self.signer.name, self._edge.size, self._edge.root())
        self.content["checkpoint"] = self.signer.sign(checkpoint.text)

    @property
    def checkpoint(self) -> bytes:
        """Return the signed checkpoint."""
        return self.content["checkpoint"]

    @property
    def root(self) -> bytes:
        """Return the root over all entries."""
        return self._edge.root()

    def read(self, name: str) -> bytes | None:
        """Return a file."""
        return self.content.get(name)

    def names(self) -> Iterable[str]:
        """Return the names of all files."""
        return tuple(self.content)


def one_of_each() -> list[e.Entry]:
    """Return an entry of every type, in the order of time."""
    sha256, token = "5a" * 32, "c3" * 16
    later = [START_NS + number * S for number in range(40)]
    return [
        e.Boot(later[0], "0.1.0", "metro-pd/bridge-7/cam-1", token),
        e.PolicyRefused(later[1], e.PolicyFault.EXPIRED),
        e.PolicyLoaded(later[2], "us-mn", "2026-11-22", sha256),
        e.HotListLoaded(later[3], ("ncic", "local-bolo"), sha256, 1200, 3600),
        e.ModelsLoaded(later[4], sha256, sha256),
        e.RecipientKey(later[5], "agency", sha256),
        e.EpochKeyCreated(later[6], token, e.KeyPurpose.DEVICE),
        e.ReadingStarted(later[7]),
        e.Publish(later[0], Kind.HIT, sha256, sha256, later[19]),
        full_batch(),
        e.Erased(later[9], 3, e.ErasedReason.QUOTA),
        e.Suspended(later[10], sha256),
        e.Resumed(later[11]),
        e.ReadingStopped(later[12], e.StopReason.CAMERA),
        e.EpochKeyDestroyed(later[13], token),
        e.ClockStep(later[14], later[2], e.ClockSource.NTP),
        e.ConfigLoaded(later[15], sha256),
        e.OperatorFacts(later[15], e.MountKind.FIXED, e.OperatorKind.POLICE, sha256, sha256, sha256, sha256, 2),
        e.KeyTrusted(later[16], e.KeyRole.COMMAND, sha256),
        e.KeyDistrusted(later[17], e.KeyRole.WITNESS, sha256),
        e.ManualEntryAdded(later[18], token, e.ManualReason.ENDANGERED_PERSON, later[30], token),
        e.ManualEntryRemoved(later[19], token, e.ManualEnd.EXPIRED),
        e.Delivered(later[20], "collector-1", 12, sha256),
        e.Access(later[21], Purpose.STOLEN_VEHICLE, ("plate",), sha256, e.Action.OPEN, token, e.Role.INVESTIGATOR,
                 "metro-pd", 1),
        e.Hold(later[22], later[30], token, e.HoldScope.RECORD, Purpose.COURT_ORDER, 2, sha256),
        e.HoldLifted(later[23], token, e.HoldEnd.RELEASED, 2),
        e.Deletion(later[24], DeletionReason.EXPIRED, 2, sha256, later[24], sha256),
        e.AlertsChecked(later[25], "ncic/stolen", 3, 1),
        e.SelfTest(later[26], e.Part.CAMERA, e.Result.PASSED, sha256),
        e.Calibrated(later[27], e.Part.AIM, e.Result.PASSED, sha256),
        e.AimingOpened(later[27], 30),
        e.AimingClosed(later[28], e.AimingEnd.TIME_OVER, 1),
        e.Updated(later[28], e.Component.SOFTWARE, e.UpdateStage.ACTIVATED, "0.2.0", sha256),
        e.LogRepaired(later[29], 2),
        e.Shutdown(later[30]),
        e.Retired(later[31], e.RetireReason.REPLACED, sha256),
    ]  # fmt: skip


SYSTEM_ROLLED_BACK = e.Updated(
    START_NS, e.Component.SYSTEM, e.UpdateStage.ROLLED_BACK, "0.2.0", "5a" * 32, from_version="0.1.0"
)


def full_batch() -> e.Batch:
    """Return a batch with something in every field."""
    return e.Batch(
        START_NS,
        START_NS + 8 * S,
        frames=600,
        plates_found=41,
        hits={"ncic/stolen": 1},
        misses=20,
        unsure=2,
        suppressed={"policy-none": 22},
        tallied=0,
        disclosed=1,
        dropped_frames=3,
        reads=40,
        sightings=23,
        manual=1,
        holds=0,
        commitments="5a" * 32,
    )


def many(count: int, first: int = 0) -> list[e.Entry]:
    """Return `count` small entries, each different."""
    return [e.ReadingStarted(START_NS + (first + number) * S) for number in range(count)]
