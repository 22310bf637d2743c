"""What a simulation is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from platesieve.simulation.traffic import MARK

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from platesieve.settings import Uplink


@dataclass(frozen=True, slots=True)
class Simulation:
    """What is asked for.

    Attributes:
        broker: host, port and protocol. Nothing but what the person named.
        devices: how many cameras.
        per_second: events of all of them together.
        seconds: for how long.
        agency: first part of every topic; the site is always `simulated-N`.
        policy: decides what leaves of a vehicle.
        certificates: folder of deploy/mosquitto/setup; None: without TLS, on this machine.
        recipients: raw public keys by name; what is missing is drawn, and nobody can open that.
        receipt_keys: raw public keys of collectors; with them an event is where it should be when its receipt is back.
        health_s: how often each camera says how it is; 0: never.
        state: folder for the outboxes; None: in memory.
        seed: draws the same traffic again.
    """

    broker: Uplink
    devices: int
    per_second: float
    seconds: float
    agency: str = MARK
    policy: str = "hits-only"
    certificates: Path | None = None
    recipients: Mapping[str, bytes] = field(default_factory=dict)
    receipt_keys: Mapping[str, bytes] = field(default_factory=dict)
    health_s: float = 30.0
    state: Path | None = None
    seed: int | None = None
