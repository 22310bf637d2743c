"""The flow, readable on one screen: look, match, decide, write it down, and only then let it go.

`step` is the whole order for one frame; no other file knows it. The promise of the product is in `_settle`:
the audit entry is durable before the Disclosure leaves; no audit, no read.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from platesieve.domain.decision import Disclose, Reason
from platesieve.domain.disclosure import Kind
from platesieve.domain.errors import AuditError, DeliveryError
from platesieve.domain.instant import NS_PER_S, Instant
from platesieve.domain.notice import Arrived, TurnedAway
from platesieve.flow.accountability import checkpoint
from platesieve.flow.generation import NoDeliveries
from platesieve.policy.holds import stretches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from platesieve.audit.entry import Entry
    from platesieve.domain.disclosure import Disclosure
    from platesieve.domain.notice import Notice
    from platesieve.domain.sighting import Sighting
    from platesieve.flow.books import Books
    from platesieve.flow.generation import Deliveries, Generation
    from platesieve.flow.judge import Judge, Judgement
    from platesieve.flow.obedience import Obedience
    from platesieve.flow.orders import Orders
    from platesieve.flow.sight import Sight
    from platesieve.ports import AuditLog, Camera, Clock, Outlet
    from platesieve.vision.frame import Frame

RETRY_S = 5.0  # how long nothing is read after the log could not be written

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the flow is put together from; `bootstrap` makes the real ones, tests make others."""

    sight: Sight
    judge: Judge
    books: Books
    obedience: Obedience
    log: AuditLog
    outlet: Outlet
    clock: Clock
    deliveries: Deliveries = field(default_factory=NoDeliveries)


class Pipeline:
    """The camera process: frames in, Disclosures out.

    Args:
        parts: everything it needs from outside.
        observe: shown each frame with what was judged in it. For the demo, which draws both sides;
            the product passes None, and what was judged is gone when `step` returns.
    """

    def __init__(self, parts: Parts, observe: Callable[[Frame, Sequence[Judgement]], None] | None = None) -> None:
        self._parts = parts
        self._observe = observe
        self._retry_at_ns = 0
        self._delivered: Generation | None = None  # accepted, and not in force before the log says so

    def run(self, camera: Camera, stop: Callable[[], bool]) -> None:
        """Read plates until the source ends or `stop` says so, then close the books.

        Raises:
            AuditError: the log cannot be written at the start; nothing was read.
            CameraError: the source stalled or went away; what was decided until then has been settled.
        """
        parts = self._parts
        now = parts.clock.now()
        parts.log.append(parts.books.opening(now))
        try:
            while not stop() and (frame := camera.read()) is not None:
                parts.books.camera_dropped = camera.dropped
                now = Instant(frame.wall_ns, frame.monotonic_ns)
                self.step(frame, now)
        finally:  # a camera that went away takes no vehicle with it that was seen before
            self._conclude(parts.sight.finish(), now)
            entries, leaving = parts.books.closing(now, parts.clock.quality())
            self._let_go(entries, leaving, now)

    def step(self, frame: Frame, now: Instant) -> tuple[Judgement, ...]:
        """Take one frame through the whole flow; return what was judged, for tests."""
        self._hand_over(now)
        parts = self._parts
        notices = parts.outlet.notices()
        self._receive(notices, now)
        parts.obedience.heed(notices, parts.judge.policy, parts.books, now)
        self._follow(parts.obedience.orders, now)
        parts.books.watch_hotlist(now)
        reason = self._why_not(now)
        parts.books.state(reason, now)
        if reason is not None:
            parts.sight.forget()
            return self._conclude((), now)
        looked = parts.sight.look(frame)
        parts.books.looked(looked.plates_found, looked.reads)
        judgements = self._conclude(looked.sightings, now)
        if self._observe is not None:
            self._observe(frame, judgements)
        return judgements

    def _hand_over(self, now: Instant) -> None:
        """Let other rules take over: those that were delivered, or the pack that an expired policy names.

        Between two frames, all of them at once, and their entries are durable before they take effect.
        """
        if now.monotonic_ns < self._retry_at_ns:
            return
        parts = self._parts
        successor = parts.judge.under(self._delivered) if self._delivered else parts.judge.successor(now)
        if successor is None or not self._let_go(*parts.books.handing_over(successor, now), now):
            return
        self._delivered = None
        policy = successor.policy
        parts.books.take_over(successor)
        parts.sight.obey(keep_pictures=policy.wants_pictures, max_pass_s=policy.reading.raw_lifetime_s)
        self._parts = replace(parts, judge=successor)

    def _receive(self, notices: Sequence[Notice], now: Instant) -> None:
        """Take in what was delivered; it takes over before the next frame. Refusals are said and logged."""
        parts = self._parts
        for notice in notices:
            match notice:
                case Arrived():
                    parts.deliveries.look()
                case TurnedAway(fault):
                    parts.books.refused(fault, now)
        match parts.deliveries.take():
            case DeliveryError() as error:
                _log.warning("what was delivered is not accepted: %s", error)
                if error.fault is not None:
                    parts.books.refused(error.fault, now)
            case None:
                pass
            case generation:
                self._delivered = generation

    def _follow(self, orders: Orders, now: Instant) -> None:
        """Let what was ordered become part of the rules, once the log says so."""
        parts = self._parts
        before = parts.judge.orders
        if orders == before or not self._let_go(*parts.books.noted(now), now):
            return
        judge = replace(parts.judge, orders=orders)
        parts.books.ordered(judge)
        self._parts = replace(parts, judge=judge)
        for hold in orders.holds:
            if hold not in before.holds:
                parts.outlet.stretch(tuple(stretches(hold, judge.policy)))

    def _why_not(self, now: Instant) -> Reason | None:
        """Return why no plate may be read now, or None."""
        if now.monotonic_ns < self._retry_at_ns:
            return Reason.AUDIT_UNAVAILABLE
        return self._parts.obedience.suspended or self._parts.judge.forbids(now)

    def _conclude(self, sightings: Iterable[Sighting], now: Instant) -> tuple[Judgement, ...]:
        """Judge Sightings, write down what was decided, and let go what may leave."""
        parts, quality = self._parts, self._parts.clock.quality()
        judgements = tuple(parts.judge.judge(sighting, now, quality) for sighting in sightings)
        decided = [j.decision.disclosure for j in judgements if isinstance(j.decision, Disclose)]
        entries, leaving = parts.books.settle(judgements, decided, now, quality)
        self._let_go(entries, leaving, now)
        return judgements

    def _let_go(self, entries: Sequence[Entry], leaving: list[Disclosure], now: Instant) -> bool:
        """Append entries, and only when they are durable send what they speak of; return whether they are."""
        parts = self._parts
        durable = not entries or self._logged(entries, leaving, now)
        if not durable:
            # A Disclosure without its entry must not exist. Health is about the device alone and has none.
            leaving = [disclosure for disclosure in leaving if disclosure.kind is Kind.HEALTH]
        for disclosure in leaving:
            parts.outlet.send(disclosure)
        return durable

    def _logged(self, entries: Sequence[Entry], leaving: list[Disclosure], now: Instant) -> bool:
        """Append entries and let their checkpoint leave too; False when that cannot be done now."""
        parts = self._parts
        if now.monotonic_ns >= self._retry_at_ns:
            try:
                note = parts.log.append(entries)
            except AuditError as error:
                _log.error("nothing is read until the audit log can be written: %s", error)
                self._retry_at_ns = now.monotonic_ns + int(RETRY_S * NS_PER_S)
            else:
                parts.books.audit_size = int(note.splitlines()[1])  # C2SP tlog-checkpoint: origin, size, root
                leaving.append(checkpoint(note, parts.judge.instruments.new_id()))
                return True
        parts.books.not_written(entries)
        return False
