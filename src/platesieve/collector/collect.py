"""The flow of a collector, one loop: take, judge, store, and only then answer.

A receipt says that an event is durable here, so nothing is answered before the database has it. While the database
is gone the same messages wait, unacknowledged, the broker holds the rest, and the devices keep everything.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from platesieve.collector.admission import admit, refused
from platesieve.collector.records import Event, Quarantined, Rejection
from platesieve.domain.disclosure import Kind
from platesieve.domain.errors import AuditError, StorageError
from platesieve.domain.instant import NS_PER_S, TimeQuality
from platesieve.policy.receipt import MAX_IDS, sign_receipt
from platesieve.settings import Device

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from platesieve.collector.admission import Rules
    from platesieve.collector.records import Message
    from platesieve.collector.retention import RetentionDesk
    from platesieve.collector.store import CollectorStore
    from platesieve.collector.thinning import Thinning
    from platesieve.collector.witness import Witness
    from platesieve.ports import Clock

_log = logging.getLogger(__name__)
BATCH = 100
_WAIT_S = 0.25  # longest wait: bounds how late a stop or an expiry is noticed
_PURGE_S = 5.0
_RETRY_S = 2.0  # how long a database that refuses is left alone
WATCH_S = 60.0
"""How long a watch lasts that is not renewed: a collector that crashed does not keep its successor waiting longer."""


class Inbox(Protocol):
    """The broker, as a collector needs it."""

    @property
    def state(self) -> str:
        """Return `connected`, or in one sentence why not."""

    def take(self, timeout_s: float, limit: int) -> Sequence[Message]:
        """Return messages that came, waiting for the first; each again until `done` names it or the link broke."""

    def done(self, messages: Sequence[Message]) -> None:
        """Tell the broker that these need not be sent again."""

    def answer(self, device: str, what: str, document: bytes) -> None:
        """Publish on a topic of a device (`agency/site/device`): `receipt` or `cosigned`. Not retained."""

    def close(self) -> None:
        """Disconnect. Safe to call twice."""


class Meters(Protocol):
    """Counts for whoever watches over the collector; nothing in them is about a vehicle."""

    def took(self, kind: Kind) -> None:
        """Count an event that was stored."""

    def rejected(self, reason: Rejection) -> None:
        """Count a message that was not believed."""

    def receipted(self, count: int) -> None:
        """Count events that a receipt was given for."""

    def erased(self, count: int) -> None:
        """Count events that were erased."""

    def failed(self) -> None:
        """Count a round that the database or the log refused."""

    def shows(self, store: CollectorStore, now_ns: int, *, connected: bool) -> None:
        """Take what is there now from the store."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the flow is put together from.

    Attributes:
        receipt_key: raw Ed25519 private key; None: nothing is receipted, and devices keep what awaits a receipt.
        name: ours, as policies have it.
        random: gives that many unpredictable bytes.
        thinning: of the witness files.
        watch_as: under which name we watch over the cameras and erase what is over; None: another collector does.
    """

    inbox: Inbox
    store: CollectorStore
    retention: RetentionDesk
    witness: Witness
    thinning: Thinning
    rules: Rules
    clock: Clock
    meters: Meters
    name: str
    receipt_key: bytes | None
    random: Callable[[int], bytes]
    watch_as: str | None = None


def take_watch(store: CollectorStore, agency: str, member: str, now_ns: int) -> None:
    """Take or renew the watch over an agency's cameras.

    Raises:
        StorageError: another collector has it: two would tell two stories of one camera's log.
    """
    other = store.take_watch(agency, member, now_ns, now_ns + int(WATCH_S * NS_PER_S))
    if other is not None:
        raise StorageError(
            f"another collector watches over the cameras of {agency}: {other}",
            "set `share` in all collectors on this database and `watches = false` in all but one",
        )


@dataclass(slots=True)
class Collect:
    """The loop's parts and the little it remembers. `step` is the flow."""

    parts: Parts
    _waiting: Sequence[Message] = ()  # taken, not yet stored
    _next_purge_ns: int = 0
    _quiet_until_ns: int = 0
    _trouble: str = ""

    def run(self, stop: Callable[[], bool]) -> None:
        """Collect until told to stop."""
        while not stop():
            self.step(_WAIT_S)

    def step(self, timeout_s: float) -> None:
        """Do one round, at most `timeout_s` seconds long when there is nothing to do."""
        now = self.parts.clock.now()
        if now.monotonic_ns < self._quiet_until_ns:
            self.parts.clock.sleep(min(timeout_s, (self._quiet_until_ns - now.monotonic_ns) / NS_PER_S))
            return
        self._waiting = self._waiting or self.parts.inbox.take(timeout_s, BATCH)
        try:
            self._take_in(self._waiting)
            self._waiting = ()
            self._purge()
        except (StorageError, AuditError) as error:
            self._refused(error)
        else:
            self._trouble = ""

    def _take_in(self, messages: Sequence[Message]) -> None:
        """Judge, store, answer: in this order, so that an answer is never earlier than what it says."""
        if not messages:
            return
        now_ns = self._trusted_now_ns()
        sorted_out = _Sorted.of(messages, [admit(message, now_ns, self.parts.rules) for message in messages])
        fates = self.parts.store.keep([event for event, _ in sorted_out.reads])
        stored = [event for event, _ in sorted_out.reads if fates[event.id] is None]
        bad = [refused(m, fate, now_ns) for event, m in sorted_out.reads if (fate := fates[event.id]) is not None]
        for event, message in sorted_out.health:
            self._report_health(event, message)
        for event, message in sorted_out.checkpoints:
            bad += self._witness(event, message, now_ns)
        bad += sorted_out.bad
        self.parts.store.quarantine(*bad)
        for quarantined in bad:
            self.parts.meters.rejected(quarantined.reason)
        for event in stored:
            self.parts.meters.took(event.kind)
        self._receipt(stored, now_ns)
        self.parts.inbox.done(messages)

    def _trusted_now_ns(self) -> int:
        """Return the wall clock.

        Raises:
            StorageError: nothing confirmed it: what a wrong clock calls over would be turned away or erased.
        """
        if self.parts.clock.quality() is not TimeQuality.SYNCHRONISED:
            raise StorageError(
                "the clock of this machine is not confirmed by a time source, so nothing is stored or erased",
                "start a time daemon, or set assume_clock where the clock is known to be right",
            )
        return self.parts.clock.now().wall_ns

    def _report_health(self, event: Event, message: Message) -> None:
        known = {camera.device for camera in self.parts.store.cameras(event.received_ns)} if message.retained else set()
        if event.device not in known:  # what the broker kept is no sign of life, unless nothing else is known
            self.parts.store.report_health(event)

    def _witness(self, event: Event, message: Message, now_ns: int) -> list[Quarantined]:
        """Hold a checkpoint to what was seen before; the line is on the disk before its cosignature leaves."""
        witnessed, cosigned = self.parts.witness.see(event)
        self.parts.store.report_checkpoint(event.device, witnessed, now_ns)
        if cosigned is not None:
            self.parts.inbox.answer(event.device, "cosigned", cosigned)
        wrong = witnessed.wrongly_signed
        return [refused(message, Rejection.WRONGLY_SIGNED, now_ns)] if wrong else []

    def _receipt(self, stored: Sequence[Event], now_ns: int) -> None:
        key = self.parts.receipt_key
        if key is None:
            return
        by_device: dict[str, list[str]] = defaultdict(list)
        for event in stored:
            by_device[event.device].append(event.id)
        for path, ids in by_device.items():
            agency, site, device = path.split("/")
            who = Device(agency=agency, site=site, device=device)
            for begin in range(0, len(ids), MAX_IDS):
                batch = ids[begin : begin + MAX_IDS]
                document = sign_receipt(self.parts.name, batch, key, who, now_ns, self.parts.random)
                self.parts.inbox.answer(path, "receipt", document)
                self.parts.meters.receipted(len(batch))

    def _purge(self) -> None:
        now = self.parts.clock.now()
        if now.monotonic_ns < self._next_purge_ns:
            return
        self._next_purge_ns = now.monotonic_ns + int(_PURGE_S * NS_PER_S)
        self._trusted_now_ns()
        if self.parts.watch_as is not None:
            take_watch(self.parts.store, self.parts.rules.agency, self.parts.watch_as, now.wall_ns)
            self.parts.meters.erased(self.parts.retention.expire())
        self.parts.thinning.step(now.wall_ns)
        connected = self.parts.inbox.state == "connected"
        self.parts.meters.shows(self.parts.store, now.wall_ns, connected=connected)

    def _refused(self, error: StorageError | AuditError) -> None:
        """Leave everything where it is and try again: what is not stored is not answered."""
        if error.message != self._trouble:
            _log.error("%s; no receipt is given meanwhile, and devices keep what they have", error)
        self._trouble = error.message
        self.parts.meters.failed()
        self._quiet_until_ns = self.parts.clock.now().monotonic_ns + int(_RETRY_S * NS_PER_S)


@dataclass(slots=True)
class _Sorted:
    """A batch of messages by what is to be done with them."""

    reads: list[tuple[Event, Message]] = field(default_factory=list)
    health: list[tuple[Event, Message]] = field(default_factory=list)
    checkpoints: list[tuple[Event, Message]] = field(default_factory=list)
    bad: list[Quarantined] = field(default_factory=list)

    @classmethod
    def of(cls, messages: Sequence[Message], judged: Sequence[Event | Quarantined]) -> _Sorted:
        sorted_out = cls()
        for message, verdict in zip(messages, judged, strict=True):
            match verdict:
                case Quarantined():
                    sorted_out.bad.append(verdict)
                case Event(kind=Kind.HEALTH):
                    sorted_out.health.append((verdict, message))
                case Event(kind=Kind.CHECKPOINT):
                    sorted_out.checkpoints.append((verdict, message))
                case _:
                    sorted_out.reads.append((verdict, message))
        return sorted_out
