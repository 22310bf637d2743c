"""What may leave for one Sighting. Default: nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platesieve.domain.decision import Decision, Disclose, Reason, Suppress, Tally
from platesieve.domain.disclosure import Disclosure
from platesieve.domain.instant import NS_PER_S, TimeQuality
from platesieve.domain.match import Disposition
from platesieve.policy.actions import Drop, Keep
from platesieve.policy.coarsen import floor_to
from platesieve.policy.fields import COUNTABLE, Field, classification
from platesieve.policy.force import misfits, out_of_force
from platesieve.policy.instruments import Instruments
from platesieve.policy.language import Publish
from platesieve.policy.minimise import Case, Context, countable, minimise

if TYPE_CHECKING:
    from platesieve.domain.disclosure import Json
    from platesieve.domain.match import Match
    from platesieve.domain.sighting import Sighting
    from platesieve.policy.language import Policy, Section

__all__ = ["Context", "Instruments", "decide", "disposition", "expiry"]

NOTICE = "unverified: confirm visually; not grounds for a stop"
_GRAINS_S = (86_400, 3600, 60, 1)


def disposition(sighting: Sighting, matches: tuple[Match, ...], policy: Policy) -> Disposition:
    """Return which section of the policy speaks about a Sighting.

    Unsure comes first: a plate that was not read for certain is neither wanted nor not wanted.
    """
    needed = policy.reading
    certain = sighting.agreeing_frames >= needed.min_agreeing_frames and sighting.confidence >= needed.min_confidence
    if not certain:
        return Disposition.UNSURE
    return Disposition.HIT if matches else Disposition.MISS


def decide(  # noqa: PLR0911 - each numbered step may end it, in order
    sighting: Sighting,
    matches: tuple[Match, ...],
    policy: Policy | None,
    context: Context,
    instruments: Instruments,
) -> Decision:
    """Return what may leave for a Sighting. Never raises for a valid Sighting and policy.

    1. Without a policy that this device may use as it is set up, nothing leaves.
    2. Outside the days on which the policy is in force, nothing leaves.
    3. A Sighting that outlived the policy's raw lifetime is not used any more.
    4. Too little agreement or confidence makes it unsure; else the hot list makes it a hit or a miss.
    5. A section that publishes nothing ends it here.
    6. On a clock that is not believed only single hits leave: a wrong time makes misses and counts wrong, but a
       wanted vehicle is still one. They say so in `time_quality`, where the policy lets that out.
    7. A section that counts gets one more in the group that its fields give.
    8. A read whose retention is over already does not leave.
    9. Every field takes the form that the policy gives it; what the policy does not name is not looked at. What
       leaves says of each field whether it is private or public.

    Args:
        sighting: the vehicle.
        matches: what the hot lists said about its plate.
        policy: the policy in force, or None.
        context: the present, its quality, and the device.
        instruments: keys and chance.
    """
    # 1.
    if policy is None or any(misfits(policy, context.device)):
        return Suppress(Reason.NO_POLICY)
    # 2.
    reason = out_of_force(policy, context.now.wall_ns)
    if reason is not None:
        return Suppress(reason)
    # 3.
    if context.now.monotonic_ns - sighting.last_seen.monotonic_ns > policy.reading.raw_lifetime_s * NS_PER_S:
        return Suppress(Reason.RAW_LIFETIME_OVER)
    # 4.
    sort = disposition(sighting, matches, policy)
    section = policy.section(sort)
    # 5.
    if section.publish is Publish.NONE:
        return Suppress(Reason.POLICY_NONE)
    # 6.
    alert = sort is Disposition.HIT and section.publish is Publish.EVENT
    if context.quality is not TimeQuality.SYNCHRONISED and not alert:
        return Suppress(Reason.CLOCK_NOT_TRUSTED)
    case = Case(sighting, _best(matches), sort, policy, context, instruments.new_id())
    # 7.
    if section.publish is Publish.AGGREGATE:
        return Tally(sort, _group(case, section))
    # 8.
    expires_ns = expiry(section, case.seen_ns)
    if expires_ns <= context.now.wall_ns:
        return Suppress(Reason.RETENTION_OVER)
    # 9.
    body: dict[str, Json] = {"policy": policy.stamp, "disposition": sort.value}
    if sort is Disposition.HIT:
        body |= {"match": case.matches[0].kind.value, "notice": NOTICE}
    fields = minimise(case, instruments)
    body |= fields
    body["classification"] = {name: classification(Field(name)).value for name in fields}
    return Disclose(Disclosure(case.event_id, case.kind, body, expires_ns, section.collector))


def expiry(section: Section, seen_ns: int) -> int:
    """Return when a read must be erased everywhere, nanoseconds since the Unix epoch.

    Where the time leaves in clear this is the moment last seen plus the retention. Otherwise the expiry, which
    leaves with every read, must not tell the moment either: it is counted from the beginning of the coarse span, or,
    where the time is sealed or dropped, of the day, hour or minute (the largest that is at most half the
    retention). Rounding goes down, never up: a retention is the longest time the law allows.
    """
    grain_s = expiry_grain_s(section)
    from_ns = seen_ns if grain_s is None else floor_to(seen_ns, grain_s)
    return from_ns + section.retention_s * NS_PER_S


def expiry_grain_s(section: Section) -> int | None:
    """Return to how many seconds an expiry tells when a vehicle passed; None where the time leaves in clear."""
    if isinstance(section.action(Field.TIME), Keep):
        return None
    if section.time_period_s is not None:
        return section.time_period_s
    return next((grain for grain in _GRAINS_S if 2 * grain <= section.retention_s), 1)


def _best(matches: tuple[Match, ...]) -> tuple[Match, ...]:
    """Return the matches of the best kind that there is: a guess never colours a fact."""
    best = min((match.kind.rank for match in matches), default=0)
    return tuple(match for match in matches if match.kind.rank == best)


def _group(case: Case, section: Section) -> tuple[tuple[str, str], ...]:
    """Return the fields by which a count is split, in the order of their names."""
    group = {}
    for field in COUNTABLE:
        action = section.action(field)
        if not isinstance(action, Drop) and (value := countable(field, action, case)) is not None:
            group[field.value] = value
    return tuple(sorted(group.items()))
