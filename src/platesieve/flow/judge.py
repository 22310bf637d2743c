"""One Sighting meets the hot list and the policy: the only place where the three come together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from platesieve.domain.decision import Disclose, Reason
from platesieve.flow.orders import Orders
from platesieve.policy.decide import Context, decide, disposition
from platesieve.policy.force import device_refusals, in_force, out_of_force
from platesieve.policy.holds import preserved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platesieve.domain.decision import Decision
    from platesieve.domain.instant import Instant, TimeQuality
    from platesieve.domain.match import Disposition, Match
    from platesieve.domain.sighting import Sighting
    from platesieve.flow.generation import Generation
    from platesieve.hotlist.hotlist import HotList
    from platesieve.policy.instruments import Instruments
    from platesieve.policy.language import Policy
    from platesieve.settings import Device


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of one Sighting. RAM only, like the Sighting in it."""

    sighting: Sighting
    matches: tuple[Match, ...]
    disposition: Disposition
    decision: Decision


@dataclass(frozen=True, slots=True)
class Judge:
    """The rules in force, as one value: policy, hot list and keys change together or not at all.

    Attributes:
        policy: the law.
        hotlist: what is wanted.
        device: who the camera is.
        instruments: keys and chance.
        recipients: the public keys that `instruments` seals to, by name.
        policy_until_ns: wall time from which nobody vouches for the policy; None where nobody had to.
        hotlist_until_ns: the same for the hot list.
        hotlist_from_ns: wall time before which the clock is wrong, and the list does not count; or None.
        orders: wanted plates by hand, and holds; without effect under a policy that does not allow them.
    """

    policy: Policy
    hotlist: HotList
    device: Device
    instruments: Instruments
    recipients: Mapping[str, bytes] = field(default_factory=dict)
    policy_until_ns: int | None = None
    hotlist_until_ns: int | None = None
    hotlist_from_ns: int | None = None
    orders: Orders = field(default_factory=Orders)

    def under(self, generation: Generation) -> Judge:
        """Return who judges under another generation of rules.

        The pseudonym keys go on: they belong to the epoch, and whoever changes the policy ends it.
        """
        return replace(
            self,
            policy=generation.policy,
            hotlist=generation.hotlist,
            instruments=self.instruments.sealing_to(generation.recipients),
            recipients=dict(generation.recipients),
            policy_until_ns=generation.policy_until_ns,
            hotlist_until_ns=generation.hotlist_until_ns,
            hotlist_from_ns=generation.hotlist_from_ns,
        )

    def forbids(self, now: Instant) -> Reason | None:
        """Return why no plate may be read now, or None."""
        if _is_over(self.policy_until_ns, now):
            return Reason.POLICY_EXPIRED
        return out_of_force(self.policy, now.wall_ns)

    def successor(self, now: Instant) -> Judge | None:
        """Return who takes over because the policy has expired, or None while this one stays.

        A pack that tells more, or under which this device may not read, does not take over: then nothing is read.
        Nobody takes over twice, and a clock that is set back brings the expired policy not back.
        """
        policy = in_force(self.policy, now)
        if policy is self.policy or device_refusals(policy, self.device, now):
            return None
        return replace(self, policy=policy)

    def hotlist_is_stale(self, now: Instant) -> bool:
        """Return whether the hot list is older than policy or signer allow: then nothing is a hit."""
        if self.hotlist_from_ns is not None and now.wall_ns < self.hotlist_from_ns:
            return True
        return _is_over(self.hotlist_until_ns, now) or self.hotlist.stale(now, self.policy.hotlists.max_age_s)

    def judge(self, sighting: Sighting, now: Instant, quality: TimeQuality) -> Judgement:
        """Match, sort into hit, miss or unsure, and ask the policy what may leave and how long it is kept."""
        matches = self._matches(sighting, now)
        sort = disposition(sighting, matches, self.policy)
        context = Context(now=now, quality=quality, device=self.device)
        decision = decide(sighting, matches, self.policy, context, self.instruments)
        if isinstance(decision, Disclose) and self.orders.holds:
            seen_ns = now.wall_ns - (now.monotonic_ns - sighting.last_seen.monotonic_ns)
            held = preserved(decision.disclosure, sighting.text, seen_ns, self.policy, self.orders.holds)
            decision = replace(decision, disclosure=held)
        return Judgement(sighting, matches, sort, decision)

    def _matches(self, sighting: Sighting, now: Instant) -> tuple[Match, ...]:
        """Return what list and hand-made entries say. The latter have an end of their own and grow stale with it."""
        text = sighting.text
        listed = () if self.hotlist_is_stale(now) else self.hotlist.match(text, now, sighting.region)
        if not self.policy.hotlists.manual_expires_s or not self.orders.by_hand.entries:
            return listed
        return (*listed, *self.orders.by_hand.match(text, self.policy.folding, now))


def _is_over(until_ns: int | None, now: Instant) -> bool:
    return until_ns is not None and now.wall_ns >= until_ns
