"""Under which rules a device reads: those of its settings, or those that were delivered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from platesieve.adapters.local.system_clock import SystemClock
from platesieve.bootstrap.folders import Folders
from platesieve.bootstrap.given import load_hotlist, load_policy, load_recipients, load_rings, made_up_rings
from platesieve.domain.errors import ConfigError
from platesieve.flow.generation import Generation

if TYPE_CHECKING:
    from platesieve.adapters.delivery.threads import Courier
    from platesieve.flow.judge import Judge
    from platesieve.ports import Clock
    from platesieve.settings import Settings


def build_judge(
    settings: Settings, clock: Clock, generation: Generation | None = None, *, rings_made_up: bool = False
) -> Judge:
    """Return policy, hot list and instruments as one value.

    Args:
        settings: of the device.
        clock: says whether the policy is in force.
        generation: rules that were delivered and verified; they count instead of those of the settings.
        rings_made_up: take no shared key from a file.

    Raises:
        ConfigError: this device may not read under this policy; every reason is listed.
    """
    from platesieve.flow.judge import Judge
    from platesieve.policy.force import device_refusals, in_force
    from platesieve.policy.instruments import instruments_for

    now = clock.now()
    policy = in_force(load_policy(settings.policy) if generation is None else generation.policy, now)
    recipients = load_recipients(settings) if generation is None else dict(generation.recipients)
    rings = made_up_rings(policy, now) if rings_made_up else load_rings(settings)
    lengths_s = {scope: ring.ratchet.epoch_s for scope, ring in rings.items()}
    refusals = device_refusals(policy, settings.device, now, recipients, lengths_s)
    if refusals and generation is None:  # delivered rules were checked; where they are over now, nothing is read
        raise ConfigError(f"this device may not read under policy {policy.id}", "mend each line above", refusals)
    instruments = instruments_for(settings.device, recipients, policy.epochs_s, rings)
    rules = generation or Generation(policy, load_hotlist(settings.hotlist, now, policy.folding), recipients)
    judge = Judge(policy, rules.hotlist, settings.device, instruments, recipients)
    return replace(
        judge,
        policy_until_ns=rules.policy_until_ns,
        hotlist_until_ns=rules.hotlist_until_ns,
        hotlist_from_ns=rules.hotlist_from_ns,
    )


def delivered(settings: Settings) -> Generation | None:
    """Return the rules that came signed and are kept, verified again; None before the first.

    Raises:
        PlatesieveError: the trust root is missing, or what is kept was changed.
    """
    clock = SystemClock(assume=settings.device.assume_clock)
    courier = courier_of(settings, Folders.of(settings), clock)
    return None if courier is None else courier.kept()


def courier_of(settings: Settings, folders: Folders, clock: Clock) -> Courier | None:
    """Return what takes in signed documents, not started; None for a device whose rules stand in its settings."""
    if not settings.delivery.wanted:
        return None
    # Only now: the HTTP library opens a socket when it is imported, to see whether there is IPv6.
    from platesieve.adapters.delivery.device import open_courier

    return open_courier(settings, folders.camera, folders.spool, clock, load_recipients(settings))
