"""What a plan is asked for: the policy, and how large an event under it is, made and encoded as a camera would."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from platesieve.adapters.local.system_clock import SystemClock
from platesieve.adapters.mqtt.wire import Address, encode
from platesieve.bootstrap.given import load_policy, made_up_rings
from platesieve.policy.instruments import instruments_for
from platesieve.policy.language import Publish
from platesieve.policy.receipt import sign_receipt
from platesieve.simulation.picture import made_up_crops
from platesieve.simulation.plan import Demand
from platesieve.simulation.traffic import Street, cameras

if TYPE_CHECKING:
    from platesieve.policy.language import Policy


def demanded(name: str, **asked: Any) -> tuple[Policy, Demand]:
    """Return a policy, and a demand with the size of its events.

    Args:
        name: of a pack or a file.
        asked: everything of a Demand but sizes.

    Raises:
        ConfigError: the policy is wrong, or not in force.
    """
    policy = load_policy(name)
    return policy, Demand(event_bytes=event_bytes(policy), receipt_bytes=receipt_bytes(), **asked)


def event_bytes(policy: Policy) -> int:
    """Return how large an event is under a policy; 0 where none leaves."""
    if Publish.EVENT not in {policy.hit.publish, policy.miss.publish}:
        return 0
    (device,) = cameras("simulated", 1)
    clock = SystemClock(assume=True)
    recipients = {recipient: os.urandom(32) for recipient in policy.recipients}
    instruments = instruments_for(device, recipients, policy.epochs_s, made_up_rings(policy, clock.now()))
    instruments.pseudonyms.rotate(clock.now())
    disclosure = Street(device, policy, instruments, made_up_crops()).passes(1, clock.now())
    return len(encode(disclosure, Address.from_device(device)))


def receipt_bytes() -> int:
    """Return how large a receipt for one event is."""
    (device,) = cameras("simulated", 1)
    key = Ed25519PrivateKey.generate().private_bytes_raw()
    return len(sign_receipt("agency", ["0" * 32], key, device, SystemClock().now().wall_ns, os.urandom))
