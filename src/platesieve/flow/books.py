"""What the camera process writes down, and when: entries of the audit log, count windows, health.

Decides only: it returns entries and Disclosures, and `pipeline` makes them durable and lets them go, in that order.
"""

from __future__ import annotations

import logging
import secrets
from base64 import b64encode
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

import rfc8785

from platesieve import __version__
from platesieve.audit import entry as log
from platesieve.audit.commitment import SALT_BYTES, commit
from platesieve.domain.decision import Reason, Tally
from platesieve.domain.disclosure import Kind
from platesieve.domain.instant import NS_PER_S, TimeQuality
from platesieve.domain.match import Disposition
from platesieve.flow.accountability import Condition, State, health
from platesieve.flow.accounts import Accounts
from platesieve.flow.facts import operator_facts
from platesieve.hotlist.hotlist import HotList
from platesieve.policy import aggregate
from platesieve.policy.decide import expiry_grain_s

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platesieve.audit.entry import Entry
    from platesieve.domain.disclosure import Disclosure
    from platesieve.domain.instant import Instant
    from platesieve.flow.judge import Judge, Judgement
    from platesieve.settings import Audit

_log = logging.getLogger(__name__)
STALE_SENTENCE = (
    "the hot list is too old, so nothing is a hit until a newer one comes "
    "(hint: have the agency publish, and check the way to it and the clock)"
)
CLOCK_STEP_S = 2.0  # a wall clock that moved this much against the monotonic one was set by somebody
MOST_HELD = 256  # reads that wait for their batch; more leave before it
MAX_PENDING = 10_000  # a week of batches; a log that cannot be written for longer has other troubles

_STOP_REASONS = {
    Reason.NO_POLICY: log.StopReason.NO_POLICY,
    Reason.POLICY_EXPIRED: log.StopReason.POLICY_EXPIRED,
    Reason.POLICY_NOT_YET_EFFECTIVE: log.StopReason.POLICY_NOT_YET_EFFECTIVE,
    Reason.SUSPENDED: log.StopReason.SUSPENDED,
    Reason.AUDIT_UNAVAILABLE: log.StopReason.AUDIT_UNAVAILABLE,
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What this start of the device is made of, for its first entries; hashes in hex."""

    detector_sha256: str
    reader_sha256: str
    recipients_sha256: dict[str, str]
    models_delivered: tuple[tuple[str, str, str], ...] = ()
    """Role, version and hash of networks that came signed; with `models_refused` they are not the ones that run."""
    models_refused: bool = False
    system: tuple[log.Updated, ...] = ()
    """What became of updates of the whole system since the log spoke of it last (`system_updates`)."""

    def updates(self, at_ns: int) -> tuple[log.Updated, ...]:
        """Return what became of updates at this start; without a readable pair of networks nothing is known of it."""
        return (*(replace(one, time_ns=at_ns) for one in self.system), *self._networks(at_ns))

    def _networks(self, at_ns: int) -> tuple[log.Updated, ...]:
        stage = log.UpdateStage.REFUSED if self.models_refused else log.UpdateStage.ACTIVATED
        delivered = self.models_delivered
        if self.models_refused and not delivered:
            return (log.Updated(at_ns, log.Component.DETECTOR, stage), log.Updated(at_ns, log.Component.READER, stage))
        return tuple(
            log.Updated(at_ns, log.Component(role), stage, None if self.models_refused else version, sha256)
            for role, version, sha256 in delivered
        )


class Books:
    """The running accounts of one start of the camera process."""

    def __init__(self, judge: Judge, settings: Audit, facts: Facts, now: Instant) -> None:
        self.camera_dropped = 0
        self.audit_size = 0
        self._judge = judge
        self._keys = judge.instruments.pseudonyms
        self._settings = settings
        self._facts = facts
        self._accounts = Accounts(now)
        self._windows = aggregate.Windows()
        self._pending: list[Entry] = []
        self._offered: list[Entry] = []  # what is said of a successor; not true before it takes over
        self._held: list[Disclosure] = []  # reads that leave with the next batch
        self._stale = False  # what the log says of the hot list
        self._not_reading: Reason | None = None
        self._dropped_before = 0
        self._last = now
        self._health_due_ns = 0
        self._frames_at_health = (0, now)
        self._frames = 0

    # ---- what happened -------------------------------------------------------------------------------------

    def note(self, entry: Entry) -> None:
        """Keep an entry for the next time that something is written."""
        self._pending.append(entry)

    def looked(self, plates_found: int, reads: int) -> None:
        """Count one frame that was looked at."""
        self._frames += 1
        self._accounts.looked(plates_found, reads)

    def state(self, reason: Reason | None, now: Instant) -> None:
        """Say whether plates are read, and if not why; a change is logged and told at once."""
        if reason is not None:
            self._accounts.suppress(reason)
        if reason is self._not_reading:
            return
        self._not_reading = reason
        self._health_due_ns = 0
        if reason is None:
            self.note(log.ReadingStarted(now.wall_ns))
        else:
            self._keys.destroy()
            self.note(log.ReadingStopped(now.wall_ns, _STOP_REASONS[reason]))

    def watch_hotlist(self, now: Instant) -> None:
        """Say when the hot list becomes too old to alert from, and when it is so no more; both are logged."""
        stale = self._judge.hotlist_is_stale(now)
        if stale is self._stale:
            return
        self._stale = stale
        self._health_due_ns = 0
        in_force = HotList.empty() if stale else self._judge.hotlist
        self.note(log.HotListLoaded(now.wall_ns, in_force.list_ids, in_force.sha256, in_force.count))
        if stale:
            _log.warning("%s", STALE_SENTENCE)

    def refused(self, fault: str, now: Instant) -> None:
        """Say in one word of the log's that something was delivered and not accepted."""
        self.note(log.PolicyRefused(now.wall_ns, log.PolicyFault(fault)))

    def refresh(self) -> None:
        """Tell the health at the next opportunity instead of when it is due."""
        self._health_due_ns = 0

    def not_written(self, entries: Sequence[Entry]) -> None:
        """Keep what could not be logged for the next time; events among it are forgotten and counted."""
        offered, self._offered = {id(entry) for entry in self._offered}, []
        kept: list[Entry] = [one for one in entries if not isinstance(one, log.Publish) and id(one) not in offered]
        lost = sum(isinstance(entry, log.Publish) for entry in entries)
        self._accounts.suppress(Reason.AUDIT_UNAVAILABLE, lost)
        self._pending = kept[-MAX_PENDING:]

    # ---- what is written -----------------------------------------------------------------------------------

    def opening(self, now: Instant) -> list[Entry]:
        """Return the first entries of a run: what is in force before the first plate is looked at."""
        policy, hotlist, at = self._judge.policy, self._judge.hotlist, now.wall_ns
        device = self._judge.device
        return [
            log.Boot(at, __version__, f"{device.agency}/{device.site}/{device.device}", secrets.token_hex(16)),
            operator_facts(device, now),
            log.ModelsLoaded(at, self._facts.detector_sha256, self._facts.reader_sha256),
            *self._facts.updates(at),
            *(log.RecipientKey(at, name, sha256) for name, sha256 in sorted(self._facts.recipients_sha256.items())),
            log.HotListLoaded(at, hotlist.list_ids, hotlist.sha256, hotlist.count),
            log.PolicyLoaded(at, policy.id, policy.version, policy.sha256),
            log.ReadingStarted(at),
        ]

    def settle(
        self, judgements: Sequence[Judgement], decided: Sequence[Disclosure], now: Instant, quality: TimeQuality
    ) -> tuple[list[Entry], list[Disclosure]]:
        """Return what is to be logged now, and what may leave once it is; reads that are no hits wait."""
        self._watch_clock(now)
        self._accounts.judged(judgements)
        for judgement in judgements:
            if isinstance(judgement.decision, Tally):
                self._windows = self._counted(judgement, judgement.decision)
        if self._not_reading is None:
            self._keys.rotate(now, clock_is_believed=quality is TimeQuality.SYNCHRONISED)
        self._windows, counts = aggregate.close(self._windows, self._judge.policy, now, self._judge.instruments)
        urgent = self._hold_back(decided, now)
        period_is_over = now.seconds_since(self._accounts.start) >= self._settings.batch_s
        if period_is_over or len(self._held) >= MOST_HELD:
            urgent += self._released()
        leaving, published = self._committed((*urgent, *counts), now)
        entries = [*self._pending, *self._key_events(now), *published]
        self._pending.clear()
        if period_is_over:
            entries.append(self._batch(now))
        if now.monotonic_ns >= self._health_due_ns:
            leaving.append(self._health(now, quality))
        return entries, leaving

    def handing_over(self, successor: Judge, now: Instant) -> tuple[list[Entry], list[Disclosure]]:
        """Return what ends with the rules in force, and last what is loaded instead.

        Nothing of two policies is mixed: open windows are told, keys destroyed, the batch closed. Another hot list
        under the same policy ends none of them. The successor takes effect with `take_over`, once all this is durable.
        """
        self._offered = self._changes(successor, now)
        if successor.policy.sha256 == self._judge.policy.sha256:
            entries = [*self._pending, *self._offered]
            self._pending.clear()
            return entries, []
        self._windows, counts = aggregate.flush(self._windows, self._judge.policy, now, self._judge.instruments)
        leaving, published = self._committed((*self._released(), *counts), now)
        self._keys.destroy()
        entries = [*self._pending, *self._key_events(now), *published, self._batch(now), *self._offered]
        self._pending.clear()
        return entries, leaving

    def noted(self, now: Instant) -> tuple[list[Entry], list[Disclosure]]:
        """Return what was noted, to be written before it takes effect."""
        entries = [*self._pending, *self._key_events(now)]
        self._pending.clear()
        return entries, []

    def ordered(self, judge: Judge) -> None:
        """Keep the books of the same rules with other orders from now on."""
        self._judge = judge

    def take_over(self, successor: Judge) -> None:
        """Keep the books of other rules from now on; the next health event says so."""
        if successor.policy.sha256 != self._judge.policy.sha256:
            self._keys.change(successor.policy.epochs_s)
        self._judge, self._offered, self._stale = successor, [], False
        self._health_due_ns = 0

    def closing(self, now: Instant, quality: TimeQuality) -> tuple[list[Entry], list[Disclosure]]:
        """Return the last entries of a run and what leaves with them."""
        self._windows, counts = aggregate.flush(self._windows, self._judge.policy, now, self._judge.instruments)
        leaving, published = self._committed((*self._released(), *counts), now)
        self._keys.destroy()
        entries = [*self._pending, *self._key_events(now), *published, self._batch(now), log.Shutdown(now.wall_ns)]
        leaving.append(self._health(now, quality, State.STOPPED))
        return entries, leaving

    def _changes(self, successor: Judge, now: Instant) -> list[Entry]:
        """Return what the log must say before other rules take effect."""
        before, policy, hotlist, at = self._judge, successor.policy, successor.hotlist, now.wall_ns
        changes: list[Entry] = [
            log.RecipientKey(at, name, sha256(key).hexdigest())
            for name, key in sorted(successor.recipients.items())
            if before.recipients.get(name) != key
        ]
        if hotlist.sha256 != before.hotlist.sha256 or self._stale:
            changes.append(log.HotListLoaded(at, hotlist.list_ids, hotlist.sha256, hotlist.count))
        if policy.sha256 != before.policy.sha256:
            changes.append(log.PolicyLoaded(at, policy.id, policy.version, policy.sha256))
        return changes

    def _hold_back(self, decided: Sequence[Disclosure], now: Instant) -> list[Disclosure]:
        """Keep reads that are no hits for the next batch, and return what leaves at once.

        An append of its own for each would say when every vehicle passed, and would write 220 kB to the card.
        """
        soon_ns = now.wall_ns + int(2 * self._settings.batch_s * NS_PER_S)
        patient = [
            one for one in decided if one.kind is Kind.READ and one.expires_wall_ns and one.expires_wall_ns > soon_ns
        ]
        self._held += patient
        return [one for one in decided if one not in patient]

    def _released(self) -> list[Disclosure]:
        released, self._held = self._held, []
        return released

    def _counted(self, judgement: Judgement, tally: Tally) -> aggregate.Windows:
        return aggregate.add(self._windows, tally, self._judge.policy, judgement.sighting.last_seen)

    def _committed(self, disclosures: Sequence[Disclosure], now: Instant) -> tuple[list[Disclosure], list[Entry]]:
        """Give each its salt and return them with their entries (audit/FORMAT.md section 5)."""
        leaving: list[Disclosure] = []
        entries: list[Entry] = []
        for disclosure in disclosures:
            salt = secrets.token_bytes(SALT_BYTES)
            record = rfc8785.dumps(dict(disclosure.body))
            leaving.append(replace(disclosure, body={**disclosure.body, "salt": b64encode(salt).decode()}))
            entries.append(
                log.Publish(
                    time_ns=self._as_coarse(disclosure, now.wall_ns),
                    kind=disclosure.kind,
                    commitment=commit(salt, record),
                    policy_sha256=self._judge.policy.sha256,
                    expires_ns=disclosure.expires_wall_ns,
                )
            )
        return leaving, entries

    def _as_coarse(self, disclosure: Disclosure, wall_ns: int) -> int:
        """Return a time for the log that is no finer than the one the Disclosure tells."""
        if disclosure.kind not in {Kind.HIT, Kind.READ}:
            return wall_ns
        disposition = Disposition(str(disclosure.body["disposition"]))
        grain_s = expiry_grain_s(self._judge.policy.section(disposition)) or 1
        period_ns = int(max(grain_s, self._settings.batch_s) * NS_PER_S)
        return wall_ns // period_ns * period_ns

    def _key_events(self, now: Instant) -> list[Entry]:
        """Return what became of pseudonym keys since the last call."""
        return [
            log.EpochKeyCreated(now.wall_ns, event.epoch, log.KeyPurpose(event.scope.value))
            if event.created
            else log.EpochKeyDestroyed(now.wall_ns, event.epoch)
            for event in self._keys.take_events()
        ]

    def _batch(self, now: Instant) -> Entry:
        dropped = self.camera_dropped - self._dropped_before
        batch = self._accounts.batch(now, dropped)
        orders = self._judge.orders
        if orders.by_hand.entries or orders.holds:
            batch = replace(batch, manual=len(orders.by_hand.entries), holds=len(orders.holds))
        self._accounts, self._dropped_before = Accounts(now), self.camera_dropped
        return batch

    def _watch_clock(self, now: Instant) -> None:
        """Log a wall clock that was set while we ran: retention is counted on it."""
        expected_ns = self._last.wall_ns + (now.monotonic_ns - self._last.monotonic_ns)
        if abs(now.wall_ns - expected_ns) > CLOCK_STEP_S * NS_PER_S:
            self.note(log.ClockStep(expected_ns, now.wall_ns))
        self._last = now

    def _health(self, now: Instant, quality: TimeQuality, state: State | None = None) -> Disclosure:
        frames, since = self._frames_at_health
        elapsed_s = now.seconds_since(since)
        self._frames_at_health = (self._frames, now)
        self._health_due_ns = now.monotonic_ns + int(self._settings.health_s * NS_PER_S)
        policy, hotlist = self._judge.policy, self._judge.hotlist
        condition = Condition(
            state=state or self._state(),
            reason=self._not_reading.value if self._not_reading else None,
            fps=(self._frames - frames) / elapsed_s if elapsed_s > 0 else 0.0,
            dropped=self.camera_dropped,
            policy=dict(policy.stamp),
            hotlist={
                "sha256": hotlist.sha256,
                "count": hotlist.count,
                "age_s": int(hotlist.age_s(now)),
                "stale": self._judge.hotlist_is_stale(now),
            },
            clock=quality,
            audit_size=self.audit_size,
        )
        return health(condition, self._judge.instruments.new_id())

    def _state(self) -> State:
        if self._not_reading is None:
            return State.READING
        return State.SUSPENDED if self._not_reading is Reason.SUSPENDED else State.NOT_READING
