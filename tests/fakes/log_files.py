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
    later = [START_NS + number * S for number in range(20)]
    return [
        e.Boot(later[0], "0.1.0", "metro-pd/bridge-7/cam-1", token),
        e.PolicyRefused(later[1], e.PolicyFault.EXPIRED),
        e.PolicyLoaded(later[2], "us-mn", "2026-11-22", sha256),
        e.HotListLoaded(later[3], ("ncic", "local-bolo"), sha256, 1200),
        e.ModelsLoaded(later[4], sha256, sha256),
        e.RecipientKey(later[5], "agency", sha256),
        e.EpochKeyCreated(later[6], token, e.KeyPurpose.DEVICE),
        e.ReadingStarted(later[7]),
        e.Publish(later[0], Kind.HIT, sha256, sha256, later[19]),
        e.Batch(
            later[0],
            later[8],
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
            commitments=sha256,
        ),
        e.Erased(later[9], 3, e.ErasedReason.QUOTA),
        e.Suspended(later[10], sha256),
        e.Resumed(later[11]),
        e.ReadingStopped(later[12], e.StopReason.CAMERA),
        e.EpochKeyDestroyed(later[13], token),
        e.ClockStep(later[14], later[2]),
        e.Shutdown(later[3]),
    ]


def many(count: int, first: int = 0) -> list[e.Entry]:
    """Return `count` small entries, each different."""
    return [e.ReadingStarted(START_NS + (first + number) * S) for number in range(count)]
