"""Whether a policy is in force, whether a device may use it, and who takes over when it ends."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from platesieve.domain.decision import Reason
from platesieve.domain.errors import ConfigError
from platesieve.domain.instant import NS_PER_S
from platesieve.policy.age_file import is_age_recipient
from platesieve.policy.duration import write_duration
from platesieve.policy.language import Requirement
from platesieve.policy.load import load_pack
from platesieve.policy.places import inside
from platesieve.policy.stricter import widenings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from platesieve.domain.instant import Instant
    from platesieve.policy.actions import Scope
    from platesieve.policy.language import Policy
    from platesieve.settings import Device

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MIN_CORNERS = 3


def out_of_force(policy: Policy, wall_ns: int) -> Reason | None:
    """Return why a policy is not in force at a moment, or None: it is from `effective` up to, not on, `expires`."""
    if wall_ns < _midnight_ns(policy.effective):
        return Reason.POLICY_NOT_YET_EFFECTIVE
    if policy.expires is not None and wall_ns >= _midnight_ns(policy.expires):
        return Reason.POLICY_EXPIRED
    return None


def device_refusals(
    policy: Policy,
    device: Device,
    now: Instant,
    recipients: Collection[str] | None = None,
    rings_s: Mapping[Scope, int] | None = None,
) -> tuple[str, ...]:
    """Return why this device may not read under this policy now, in sentences; empty where it may.

    Args:
        policy: the policy.
        device: who the camera is.
        now: the present, on a clock that is believed.
        recipients: names whose public keys are at hand, or the keys by name: then their kind is checked too;
            None leaves that unchecked.
        rings_s: lengths of the epochs of the shared keys at hand, in seconds; None leaves that unchecked.
    """
    refusals = list(misfits(policy, device))
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
    if isinstance(recipients, Mapping):
        refusals += _wrong_keys(policy, recipients)
    if rings_s is not None:
        refusals += _missing_rings(policy, rings_s)
    return tuple(refusals)


def _wrong_keys(policy: Policy, recipients: Mapping[str, bytes]) -> Iterator[str]:
    """Yield to whom age files are sealed without an age recipient, and the other way round."""
    for name in sorted(policy.recipients & set(recipients)):
        if is_age_recipient(recipients[name]) is not (name in policy.age_recipients):
            kind = "crops" if name in policy.age_recipients else "agency"
            yield (
                f"the key of {name} is not of the kind that policy {policy.id} seals with; make one with "
                f"`platesieve keys new {kind}`, and give its .pub"
            )


def _missing_rings(policy: Policy, rings_s: Mapping[Scope, int]) -> Iterator[str]:
    for scope, epoch_s in policy.shared_epochs_s.items():
        length = write_duration(epoch_s)
        if scope not in rings_s:
            yield (
                f"policy {policy.id} has pseudonyms of scope {scope}, and the key for them is missing; make one with "
                f"`platesieve keys new fleet --epoch {length}`, give it to every device, and set shared_keys.{scope}"
            )
        elif rings_s[scope] != epoch_s:
            yield (
                f"policy {policy.id} has {scope} epochs of {length}, and the key in shared_keys.{scope} is for "
                f"{write_duration(rings_s[scope])}; give another key, or correct the policy"
            )


def misfits(policy: Policy, device: Device) -> Iterator[str]:
    """Yield why a device may never read under a policy as it is set up, in sentences."""
    if device.mount not in policy.mounts:
        yield (
            f"policy {policy.id} is for {' and '.join(policy.mounts)} readers, and this one is {device.mount}; "
            "choose another policy, or correct device.mount"
        )
    if policy.operators and device.operator not in policy.operators:
        yield (
            f"policy {policy.id} is for operators of kind {' or '.join(policy.operators)}, and device.operator is "
            f"{device.operator or 'not set'}; set it, or choose another policy"
        )
    for requirement in Requirement:
        if requirement in policy.requires:
            yield from (f"policy {policy.id}: {what}" for what in _unsettled(requirement, device))


def suited(device: Device, policy: Policy) -> Device:
    """Return a device that fits a policy, with facts made up where they are missing: for a look, never to read."""
    placed = Requirement.EXCLUDED_PLACES not in policy.requires or None not in (
        device.latitude_deg,
        device.longitude_deg,
    )
    return replace(
        device,
        mount=device.mount if device.mount in policy.mounts else policy.mounts[0],
        operator=policy.operators[0] if policy.operators else device.operator,
        policy_document_sha256=device.policy_document_sha256 or "0" * 64,
        registration=device.registration or "made-up",
        occasion=device.occasion or "made-up",
        excluded_places=(),
        latitude_deg=device.latitude_deg if placed else 0.0,
        longitude_deg=device.longitude_deg if placed else 0.0,
    )


def _unsettled(requirement: Requirement, device: Device) -> Iterator[str]:
    """Yield what is missing of one thing that an operator must have settled."""
    match requirement:
        case Requirement.POLICY_DOCUMENT:
            if not _SHA256.fullmatch(device.policy_document_sha256 or ""):
                yield (
                    "no written policy is named; adopt one, and set device.policy_document_sha256 to the 64 hex digits "
                    "of the SHA-256 of its file"
                )
        case Requirement.REGISTRATION:
            if not (device.registration or "").strip():
                yield "the device is not registered; set device.registration to its number"
        case Requirement.OCCASION:
            if not (device.occasion or "").strip():
                yield "no occasion is named; set device.occasion to the reference of the order"
        case Requirement.EXCLUDED_PLACES:
            yield from _misplaced(device)


def _misplaced(device: Device) -> Iterator[str]:
    if device.excluded_places is None:
        yield (
            "no excluded places are given; set device.excluded_places to polygons of [latitude, longitude], "
            "or to [] where there are none near"
        )
    elif device.latitude_deg is None or device.longitude_deg is None:
        yield "the device does not know where it stands; set device.latitude_deg and device.longitude_deg"
    elif any(len(polygon) < _MIN_CORNERS for polygon in device.excluded_places):
        yield "an excluded place has fewer than three corners; correct device.excluded_places"
    elif any(inside(polygon, device.latitude_deg, device.longitude_deg) for polygon in device.excluded_places):
        yield "the device stands in an excluded place; move it"


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
