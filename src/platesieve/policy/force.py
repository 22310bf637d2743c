"""Whether a policy is in force, whether a device may use it, and who takes over when it ends."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from platesieve.domain.decision import Reason
from platesieve.domain.errors import ConfigError
from platesieve.domain.instant import NS_PER_S
from platesieve.policy.load import load_pack
from platesieve.policy.stricter import widenings

if TYPE_CHECKING:
    from collections.abc import Collection

    from platesieve.domain.instant import Instant
    from platesieve.policy.language import Policy
    from platesieve.settings import Device


def out_of_force(policy: Policy, wall_ns: int) -> Reason | None:
    """Return why a policy is not in force at a moment, or None: it is from `effective` up to, not on, `expires`."""
    if wall_ns < _midnight_ns(policy.effective):
        return Reason.POLICY_NOT_YET_EFFECTIVE
    if policy.expires is not None and wall_ns >= _midnight_ns(policy.expires):
        return Reason.POLICY_EXPIRED
    return None


def device_refusals(
    policy: Policy, device: Device, now: Instant, recipients: Collection[str] | None = None
) -> tuple[str, ...]:
    """Return why this device may not read under this policy now, in sentences; empty where it may.

    Args:
        policy: the policy.
        device: who the camera is.
        now: the present, on a clock that is believed.
        recipients: names whose public keys are at hand; None leaves that unchecked.
    """
    refusals = []
    if device.mount not in policy.mounts:
        refusals.append(
            f"policy {policy.id} is for {' and '.join(policy.mounts)} readers, and this one is {device.mount}; "
            "choose another policy, or correct device.mount"
        )
    match out_of_force(policy, now.wall_ns):
        case Reason.POLICY_NOT_YET_EFFECTIVE:
            refusals.append(f"policy {policy.id} is in force only from {policy.effective}; check the clock, or wait")
        case Reason.POLICY_EXPIRED:
            refusals.append(f"policy {policy.id} expired on {policy.expires}; install its successor")
        case _:
            pass
    if recipients is not None:
        refusals += [
            f"policy {policy.id} seals to {name}, whose public key is missing; give --recipient {name}=FILE"
            for name in sorted(policy.recipients - set(recipients))
        ]
    return tuple(refusals)


def in_force(policy: Policy, now: Instant) -> Policy:
    """Return the policy, or once it has expired the pack that it names; at most one step.

    A pack that does not ship any more or discloses more (both are refused by `load_policy`, but packs change with
    the product) is not taken: the expired policy is returned, under which nothing is read.
    """
    if policy.on_expiry is None or out_of_force(policy, now.wall_ns) is not Reason.POLICY_EXPIRED:
        return policy
    try:
        successor = load_pack(policy.on_expiry)
    except ConfigError:
        return policy
    return policy if widenings(successor, policy) else successor


def _midnight_ns(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp()) * NS_PER_S
