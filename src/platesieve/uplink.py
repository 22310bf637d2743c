"""The flow of the uplink process: pipe → outbox → broker, one loop in one thread that owns the outbox.

Take, store, say stored, publish, and on the broker's answer let go. Nothing is said to be stored before it
is durable, nothing expired is sent, and everything erased without delivery is counted back to the camera
process, whose audit log it belongs in.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from platesieve.domain.disclosure import Kind
from platesieve.domain.errors import StorageError
from platesieve.domain.instant import NS_PER_S
from platesieve.domain.notice import Command, Erased
from platesieve.policy.receipt import Receipt, ReceiptBook, ReceiptError
from platesieve.ports import Delivered, Joined, Receipted, Refused
from platesieve.settings import Device

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from platesieve.domain.disclosure import Disclosure
    from platesieve.ports import Clock, Ferry, Intake, LinkEvent, Outbox, Publisher

_log = logging.getLogger(__name__)
_WAIT_S = 0.2  # longest wait for anything: bounds how late a stop or an expiry is noticed
_PURGE_S = 1.0
_RECORD_S = 1.0  # while more answers are on their way, those that came wait this long for them
_STORAGE_RETRY_S = 1.0
_REFUSED_S = 60.0  # an event that the broker refused is offered again this much later
_REFUSAL_PAUSE_S = 1.0  # ... and meanwhile the rest is not thrown at a broker that refuses
_CAMERA_GONE_S = 10.0  # a camera process restarts within this; after it subscribers are told `offline`
_PARTING_S = 1.0


def run_uplink(
    intake: Intake,
    outbox: Outbox,
    publisher: Publisher,
    clock: Clock,
    stop: Callable[[], bool],
    drain: Callable[[], bool] = lambda: False,
    progress: Callable[[], None] = lambda: None,
    receipts: ReceiptBook | None = None,
    ferry: Ferry | None = None,
) -> int:
    """Carry events until told to stop; return how many were never taken by the broker (they stay stored).

    Closes its parts at the end.

    Args:
        intake: the pipe from the camera process.
        outbox: the store; used by this thread alone.
        publisher: the way to the broker.
        clock: now.
        stop: asked several times a second; a signal handler makes it true.
        drain: asked likewise; once it is true the run also ends when the camera process has said goodbye and
            the outbox is empty.
        progress: called after each round in which the outbox did what it was asked.
        receipts: believes collectors. Without it no receipt counts, and what awaits one stays until it expires.
        ferry: fetches signed documents; None where none come this way.

    Raises:
        StorageError: the disk refuses at the very end. Before that, the run goes on and tries again.
    """
    uplink = Uplink(intake, outbox, publisher, clock, receipts or ReceiptBook(Device(), {}), ferry)
    with ExitStack() as ending:
        if ferry is not None:
            ending.callback(ferry.close)
        for close in (outbox.close, intake.close, publisher.close):  # run in reverse: the broker first
            ending.callback(close)
        while not stop() and not (drain() and uplink.drained()):
            if uplink.step(_WAIT_S):
                progress()
        return uplink.part()


@dataclass(slots=True)
class Uplink:
    """The loop's parts and the little it remembers. `step` is the flow."""

    intake: Intake
    outbox: Outbox
    publisher: Publisher
    clock: Clock
    receipts: ReceiptBook
    ferry: Ferry | None = None
    _receipts: list[Receipt] = field(default_factory=list)  # believed, not yet recorded
    _answered: set[str] = field(default_factory=set)  # taken by the broker, not yet recorded
    _refused: set[str] = field(default_factory=set)  # refused by the broker, not yet postponed
    _renew: bool = False  # a new connection: the lasting kinds are to be said again
    _started: bool = False
    _next_purge_ns: int = 0
    _record_by_ns: int = 0
    _quiet_until_ns: int = 0  # nothing is published before
    _storage_ok: bool = True
    _camera_gone_ns: int | None = None
    _said_offline: bool = False

    def step(self, timeout_s: float) -> bool:
        """Do one round, at most `timeout_s` seconds long when there is nothing to do; return whether it succeeded."""
        arrived = self.intake.take(timeout_s)
        self._tell_of_documents()
        try:
            self._start()
            self._store(arrived)
            self._stretch()
            self._settle(self.publisher.events())
            self._purge()
            self._publish_due()
            self._record()
            self._watch_camera()
        except StorageError as error:
            self._storage_failed(error)
        else:
            self._storage_ok = True
        return self._storage_ok

    def drained(self) -> bool:
        """Return whether the camera process is gone on purpose and the broker has everything."""
        try:
            return self.intake.goodbye and not (self._answered or self.outbox.unsent())
        except StorageError as error:
            self._storage_failed(error)
            return False

    def part(self) -> int:
        """Wait a moment for answers and say the last word; return how many events the broker never took."""
        end_ns = self.clock.now().monotonic_ns + int(_PARTING_S * NS_PER_S)
        while self.publisher.in_flight and self.clock.now().monotonic_ns < end_ns:
            self._store(self.intake.take(0.01))
            self._settle(self.publisher.events())
        self._settle(self.publisher.events())
        self._record(last=True)
        if not self.intake.goodbye:  # after a goodbye the camera process's own last word stands
            self.publisher.say_offline()
        return self.outbox.unsent()

    def _start(self) -> None:
        """Forget the health of an earlier run: nobody knows yet whether it is still true."""
        if not self._started:
            self.outbox.forget(Kind.HEALTH)
            self._started = True

    def _tell_of_documents(self) -> None:
        """Tell the camera process what the ferry brought, or why it brought nothing."""
        for notice in self.ferry.notices() if self.ferry is not None else ():
            self.intake.notify(notice)

    def _ferry_command(self, command: Command) -> None:
        """Hand a command on, and look for documents: whoever commands may also have published."""
        self.intake.notify(command)
        if self.ferry is not None:
            self.ferry.look()

    def _store(self, arrived: Sequence[Disclosure]) -> None:
        if not arrived:
            return
        dropped = self.outbox.store(arrived)
        self.intake.stored([disclosure.id for disclosure in arrived])
        self._report(dropped, "quota")

    def _stretch(self) -> None:
        """Keep for longer what is held; it is said to be done once it is durable."""
        for asked in self.intake.stretches():
            kept = self.outbox.stretch(asked)
            self.intake.stored([asked.id])
            _log.info("%d events are held for longer", kept)

    def _settle(self, events: Sequence[LinkEvent]) -> None:
        """Do what answers and receipts ask for. What the disk refuses now is done in a later round."""
        self._take_down(events)
        now = self.clock.now()
        while self._receipts:
            self.outbox.receipted(self._receipts[0].ids, self._receipts[0].collector)
            self._receipts.pop(0)
        if self._refused:
            self.outbox.postpone(sorted(self._refused), now.wall_ns + int(_REFUSED_S * NS_PER_S))
            self._refused.clear()
            self._quiet_until_ns = now.monotonic_ns + int(_REFUSAL_PAUSE_S * NS_PER_S)
        if self._renew:
            self.outbox.renew_lasting()
            self._renew = False

    def _record(self, *, last: bool = False) -> None:
        """Let go of what the broker has, many at a time: each time the card is written to."""
        now = self.clock.now()
        if not self._answered:
            self._record_by_ns = now.monotonic_ns + int(_RECORD_S * NS_PER_S)
        elif last or not self.publisher.in_flight or now.monotonic_ns >= self._record_by_ns:
            self.outbox.delivered(sorted(self._answered), now.wall_ns)
            self._answered.clear()

    def _take_down(self, events: Sequence[LinkEvent]) -> None:
        for event in events:
            match event:
                case Joined():
                    self._renew = True
                case Delivered(id_):
                    self._answered.add(id_)
                case Refused(id_, reason):
                    _log.warning("broker refused event %s: %s", id_[:8], reason)
                    self._refused.add(id_)
                case Command():
                    self._ferry_command(event)
                case Receipted(document):
                    self._believe(document)

    def _believe(self, document: bytes) -> None:
        """Take down what a receipt says, where it may be believed. No answer of a broker can stand in for one."""
        try:
            self._receipts.append(self.receipts.believe(document, self.clock.now().wall_ns))
        except ReceiptError as error:
            _log.warning("a receipt was not believed: %s", error)

    def _purge(self) -> None:
        now = self.clock.now()
        if now.monotonic_ns >= self._next_purge_ns:
            self._next_purge_ns = now.monotonic_ns + int(_PURGE_S * NS_PER_S)
            self._report(self.outbox.purge_expired(now.wall_ns), "expired")

    def _publish_due(self) -> None:
        now = self.clock.now()
        free = self.publisher.free
        if free == 0 or now.monotonic_ns < self._quiet_until_ns:
            return
        for disclosure in self.outbox.due(now.wall_ns, free, self.publisher.in_flight | self._answered):
            self.publisher.publish(disclosure, self.clock.now().wall_ns)

    def _watch_camera(self) -> None:
        """Tell subscribers when the camera process is gone without a goodbye: its last health would lie."""
        if self.intake.camera_present or self.intake.goodbye:
            self._camera_gone_ns, self._said_offline = None, False
            return
        now_ns = self.clock.now().monotonic_ns
        self._camera_gone_ns = self._camera_gone_ns or now_ns
        long_enough = now_ns - self._camera_gone_ns >= _CAMERA_GONE_S * NS_PER_S
        if long_enough and not self._said_offline and self.publisher.free > 0:
            _log.warning("no camera process; saying that this device is offline")
            self.outbox.forget(Kind.HEALTH)
            self.publisher.say_offline()
            self._said_offline = True

    def _report(self, count: int, reason: str) -> None:
        if count:
            _log.warning("%d events were erased without delivery: %s", count, reason)
            self.intake.notify(Erased(count, reason))

    def _storage_failed(self, error: StorageError) -> None:
        """Go on without storing: the camera process keeps what it has and sends it again."""
        if self._storage_ok:
            _log.error("%s", error)
        self._storage_ok = False
        self._quiet_until_ns = self.clock.now().monotonic_ns + int(_STORAGE_RETRY_S * NS_PER_S)
        self.intake.reset()
