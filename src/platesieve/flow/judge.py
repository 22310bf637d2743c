"""One Sighting meets the hot list and the policy: the only place where the three come together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from platesieve.policy.decide import Context, decide, disposition
from platesieve.policy.force import device_refusals, in_force, out_of_force

if TYPE_CHECKING:
    from platesieve.domain.decision import Decision, Reason
    from platesieve.domain.instant import Instant, TimeQuality
    from platesieve.domain.match import Disposition, Match
    from platesieve.domain.sighting import Sighting
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
    """The rules in force, as one value: policy and hot list change together or not at all."""

    policy: Policy
    hotlist: HotList
    device: Device
    instruments: Instruments

    def forbids(self, now: Instant) -> Reason | None:
        """Return why no plate may be read now, or None."""
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
        """Return whether the hot list is older than the policy allows: then nothing is a hit."""
        return self.hotlist.stale(now, self.policy.hotlists.max_age_s)

    def judge(self, sighting: Sighting, now: Instant, quality: TimeQuality) -> Judgement:
        """Match, sort into hit, miss or unsure, and ask the policy what may leave."""
        matches = () if self.hotlist_is_stale(now) else self.hotlist.match(sighting.text, now)
        sort = disposition(sighting, matches, self.policy)
        context = Context(now=now, quality=quality, device=self.device)
        return Judgement(sighting, matches, sort, decide(sighting, matches, self.policy, context, self.instruments))
