"""The loop of a collector: store before answering, answer what is stored, stop for nothing that comes in."""

from __future__ import annotations

import json
import os
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from platesieve.adapters.mqtt.wire_schemas import fits
from platesieve.audit.checkpoint import Checkpoint
from platesieve.audit.cosignature import CosignerKey, cosignatures
from platesieve.audit.growth import proofs_document
from platesieve.audit.note import NoteSigner
from platesieve.audit.proof import TiledTree
from platesieve.audit.thinning import Spacing
from platesieve.collector.admission import Rules
from platesieve.collector.collect import Collect, Parts
from platesieve.collector.records import CheckpointStatus, Message, Rejection
from platesieve.collector.retention import RetentionDesk
from platesieve.collector.thinning import Thinning
from platesieve.collector.witness import Witness
from platesieve.domain.disclosure import Kind
from platesieve.domain.errors import StorageError
from platesieve.domain.instant import NS_PER_S, TimeQuality
from platesieve.policy.receipt import ReceiptBook
from platesieve.settings import Device
from tests.fakes.audit_log import FakeAuditLog
from tests.fakes.clock import FakeClock
from tests.fakes.collected import DEVICE
from tests.fakes.inbox import FakeInbox, a_message
from tests.fakes.log_files import LogInMemory, many

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from platesieve.audit.note import NoteVerifier
    from platesieve.audit.witness import Kept
    from platesieve.collector.records import Event
    from platesieve.collector.store import CollectorStore

SECRET = bytes(range(32))
PUBLIC = Ed25519PrivateKey.from_private_bytes(SECRET).public_key().public_bytes_raw()
AUDIT = NoteSigner.generate(f"platesieve/{DEVICE}")
COSIGNER = CosignerKey.generate("platesieve/metro-pd/witness/agency")


class Ledger:
    """Witness files in RAM."""

    def __init__(self) -> None:
        self.lines: list[Kept] = []
        self.thinned: list[str] = []

    def verifier(self, device: str) -> NoteVerifier | None:
        """Know one device."""
        return AUDIT.verifier if device == DEVICE else None

    def kept(self, device: str) -> Sequence[Kept]:  # noqa: ARG002 - of the one device
        """Return the lines."""
        return tuple(self.lines)

    def alone(self, device: str) -> AbstractContextManager[None]:  # noqa: ARG002 - of the one device
        """Have no other writer."""
        return nullcontext()

    def add(self, device: str, line: Kept) -> None:  # noqa: ARG002 - of the one device
        """Add one."""
        self.lines.append(line)

    def due(self, since_ns: int, until_ns: int) -> Sequence[str]:
        """Have two in every new week."""
        week_ns = 7 * 86_400 * NS_PER_S
        return ["damaged", DEVICE] if until_ns // week_ns > since_ns // week_ns else ()

    def thin(self, device: str, spacing: Spacing) -> None:
        """Note it, or refuse."""
        assert spacing == Spacing()
        if device == "damaged":
            raise StorageError("the witness file cannot be read", "restore it")
        self.thinned.append(device)


@dataclass
class Counts:
    """Meters that are read by hand."""

    seen: list[str] = field(default_factory=list)

    def took(self, kind: Kind) -> None:
        """Note."""
        self.seen.append(f"took {kind.value}")

    def rejected(self, reason: Rejection) -> None:
        """Note."""
        self.seen.append(f"rejected {reason.value}")

    def receipted(self, count: int) -> None:
        """Note."""
        self.seen.append(f"receipted {count}")

    def erased(self, count: int) -> None:
        """Note."""

    def failed(self) -> None:
        """Note."""
        self.seen.append("failed")

    def shows(self, store: CollectorStore, now_ns: int, *, connected: bool) -> None:
        """Show nothing."""


class World:
    """A collector on a real store in a file, with fakes on every other side."""

    def __init__(self, folder: Path) -> None:
        from platesieve.adapters.database.store import SqlStore  # noqa: PLC0415 - an optional extra

        self.store = SqlStore(f"sqlite:///{folder / 'collector.db'}")
        self.inbox, self.clock, self.counts, self.ledger = FakeInbox(), FakeClock(), Counts(), Ledger()
        self.log = FakeAuditLog()
        rules = Rules("metro-pd", 10_000, 30 * 86_400 * NS_PER_S, fits)
        witness = Witness(self.ledger, COSIGNER)
        retention = RetentionDesk(self.store, self.log, self.clock)
        parts = Parts(
            self.inbox,
            self.store,
            retention,
            witness,
            Thinning(self.ledger, Spacing(), self.clock.now().wall_ns),
            rules,
            self.clock,
            self.counts,
            "agency",
            SECRET,
            os.urandom,
            "a",
        )
        self.collect = Collect(parts)

    def step(self, *messages: Message) -> None:
        """Let messages come and the loop go round."""
        self.inbox.come(*messages)
        self.collect.step(0)

    def receipted(self) -> list[str]:
        """Return the ids that the device would believe a receipt for."""
        book = ReceiptBook(Device(agency="metro-pd", site="bridge-7", device="cam-1"), {"agency": PUBLIC})
        return [
            id_
            for _, what, document in self.inbox.answers
            if what == "receipt"
            for id_ in book.believe(document, self.clock.now().wall_ns).ids
        ]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Return a collector with nothing in it."""
    pytest.importorskip("sqlalchemy")
    opened = World(tmp_path)
    store = opened.store
    yield opened
    store.close()


def checkpoint(size: int, root: bytes, signer: NoteSigner = AUDIT) -> Message:
    """Return the event of a checkpoint."""
    note = signer.sign(Checkpoint(AUDIT.name, size, root).text).decode()
    return a_message(f"c{size}", Kind.CHECKPOINT, checkpoint=note)


def test_what_is_stored_is_receipted_in_one_document_and_acknowledged(world: World) -> None:
    """Several events of one device are one receipt; the same event twice is receipted and kept once."""
    world.step(a_message("e1"), a_message("e2"), a_message("e1"))

    assert world.receipted() == ["e1", "e2"]
    assert len(world.inbox.answers) == 1
    assert [stored.event.id for stored in world.store.events()] == ["e1", "e2"]
    assert len(world.inbox.acknowledged) == 3


def test_a_database_that_is_gone_gives_no_receipt_and_loses_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same messages wait unacknowledged, and count once it is back."""
    real = world.store.keep

    def refuse(events: Sequence[Event]) -> Mapping[str, Rejection | None]:
        raise StorageError("the collector's database refuses: 08006", "start the database")

    monkeypatch.setattr(world.store, "keep", refuse)
    world.step(a_message("e1"))
    world.step(a_message("e2"))
    assert (world.inbox.answers, world.inbox.acknowledged) == ([], [])

    monkeypatch.setattr(world.store, "keep", real)
    world.clock.advance(3)
    world.step()
    world.step()
    assert sorted(world.receipted()) == ["e1", "e2"]
    assert world.counts.seen[0] == "failed"


def test_a_clock_that_nobody_confirmed_stores_and_erases_nothing(world: World) -> None:
    """What a wrong clock calls over would be lost."""
    world.clock.time_quality = TimeQuality.UNKNOWN
    world.step(a_message("e1"))
    assert (world.inbox.answers, list(world.store.events())) == ([], [])

    world.clock.time_quality = TimeQuality.SYNCHRONISED
    world.clock.advance(3)
    world.step()
    assert world.receipted() == ["e1"]


def test_bad_messages_are_counted_and_stop_nothing(world: World) -> None:
    """The good one between them is stored and receipted; of the others a hash is kept."""
    bad = Message(f"platesieve/{DEVICE}/hit", b'{"plate": "TEST123"}')
    world.step(bad, a_message("e1"), Message("elsewhere", b""))

    assert world.receipted() == ["e1"]
    assert world.store.quarantine_counts() == {Rejection.MALFORMED: 1, Rejection.MISPLACED: 1}
    assert "TEST123" not in repr(world.store.quarantined())
    assert len(world.inbox.acknowledged) == 3


def test_an_id_that_another_device_took_is_no_event_of_it(world: World) -> None:
    """Whoever replays another device's event under its own name gets no receipt."""
    world.step(a_message("e1"))
    world.step(a_message("e1", device="metro-pd/bridge-7/cam-2"))

    assert world.receipted() == ["e1"]
    assert world.store.quarantine_counts() == {Rejection.REPLAYED: 1}


def test_what_is_over_is_erased_with_a_deletion_receipt(world: World) -> None:
    """By the clock, without anybody asking."""
    world.step(a_message("e1", life_s=60))
    world.clock.advance(61)
    world.step()

    assert list(world.store.events()) == []
    assert [deletion.event_id for deletion in world.store.deletions()] == ["e1"]
    assert world.log.kinds() == ["Deletion"]


def test_a_checkpoint_is_cosigned_once_it_is_kept_and_a_fork_is_not(world: World) -> None:
    """Two histories of the same length raise the alarm, which a later good one does not take away."""
    world.step(checkpoint(5, bytes(32)))
    (device, what, note), *_ = world.inbox.answers
    assert (device, what, len(world.ledger.lines)) == (DEVICE, "cosigned", 1)
    assert cosignatures(note, [COSIGNER.verifier])[0].name == COSIGNER.name

    world.step(checkpoint(5, b"\1" * 32))
    world.step(checkpoint(5, bytes(32)))
    (camera,) = world.store.cameras(world.clock.wall_ns)
    assert camera.checkpoint_status is CheckpointStatus.FORKED
    assert len(world.ledger.lines) == 2


def test_a_checkpoint_of_another_key_is_an_alarm_and_in_quarantine(world: World) -> None:
    """Signed anew, or forged: both are said."""
    world.step(checkpoint(5, bytes(32), NoteSigner.generate(AUDIT.name)))

    assert world.store.quarantine_counts() == {Rejection.WRONGLY_SIGNED: 1}
    assert world.store.cameras(world.clock.wall_ns)[0].checkpoint_status is CheckpointStatus.FORKED
    assert world.inbox.answers == []


def test_growth_without_proof_leaves_a_log_behind(world: World) -> None:
    """The device is told with the cosigned older one from where its next proof has to lead."""
    world.step(checkpoint(5, bytes(32)))
    world.step(checkpoint(9, b"\1" * 32))

    (camera,) = world.store.cameras(world.clock.wall_ns)
    assert (camera.checkpoint_status, camera.checkpoint_size) == (CheckpointStatus.BEHIND, 5)
    assert [what for _, what, _ in world.inbox.answers] == ["cosigned", "cosigned"]


def test_what_the_broker_kept_is_no_sign_of_life(world: World) -> None:
    """A retained health event of a camera that is known does not make it look alive."""
    health = a_message("h1", Kind.HEALTH, state="reading")
    world.step(health)
    seen_ns = world.store.cameras(0)[0].seen_ns
    world.clock.advance(600)
    world.step(Message(health.topic, health.payload, retained=True))
    assert world.store.cameras(0)[0].seen_ns == seen_ns

    world.step(Message(health.topic, json.dumps(json.loads(health.payload)).encode()))
    assert world.store.cameras(0)[0].seen_ns > seen_ns


def test_a_proof_that_comes_along_lets_the_witness_follow(world: World) -> None:
    """From the size that was cosigned to the new one; the device learns of it, and the log is witnessed again."""
    log = LogInMemory(signer=AUDIT)
    log.grow(many(5))
    world.step(checkpoint_of(log))
    log.grow(many(4, first=5))
    proofs = proofs_document({5: TiledTree(log, 9).consistency(5)})
    world.step(checkpoint_of(log, consistency=proofs))

    (camera,) = world.store.cameras(world.clock.wall_ns)
    assert (camera.checkpoint_status, camera.checkpoint_size) == (CheckpointStatus.WITNESSED, 9)
    assert world.inbox.answers[-1][2].startswith(log.checkpoint)
    broken = proofs_document({9: TiledTree(log, 9).consistency(5)})
    log.grow(many(1, first=9))
    world.step(checkpoint_of(log, consistency=broken))
    assert world.store.cameras(world.clock.wall_ns)[0].checkpoint_status is CheckpointStatus.FORKED


def checkpoint_of(log: LogInMemory, **data: Any) -> Message:
    """Return the event of a log's newest checkpoint."""
    return a_message("c", Kind.CHECKPOINT, checkpoint=log.checkpoint.decode(), **data)


def test_witness_files_are_thinned_one_by_one_and_a_damaged_one_stops_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Once a week each; the round after goes on with the next."""
    world.step()
    assert world.ledger.thinned == []
    world.clock.advance(7 * 86_400)
    world.step()
    assert (world.ledger.thinned, "cannot be read" in caplog.text) == ([], True)
    world.clock.advance(5)
    world.step(a_message("e1", life_s=8 * 86_400))
    world.clock.advance(5)
    world.step()
    assert world.ledger.thinned == [DEVICE]
    assert world.receipted() == ["e1"]
