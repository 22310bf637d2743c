"""Vehicles that pass, policies to judge them by, and keys that everybody may know.

Usage::

    policy = a_policy(hit=a_section({Field.PLATE: Seal("agency")}))
    decision = decide(a_sighting(), (AN_ALERT,), policy, a_context(), a_set_of_instruments())
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from platesieve.domain.crop import Crop, Crops
from platesieve.domain.geometry import Detection
from platesieve.domain.instant import NS_PER_S, Instant, TimeQuality
from platesieve.domain.match import Match, MatchKind
from platesieve.domain.plate import Glyph, PlateText
from platesieve.domain.sighting import Direction, Sighting
from platesieve.policy.decide import Context
from platesieve.policy.instruments import Instruments
from platesieve.policy.language import ListRules, Policy, Publish, Reading, Rule, Section
from platesieve.policy.pseudonym import EpochKeys
from platesieve.policy.seal import Sealer
from platesieve.settings import Device

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from platesieve.policy.actions import Action
    from platesieve.policy.fields import Field

CANARY = "CANARY7"
SEEN = Instant(1_795_350_896_789_000_000, 5_000 * NS_PER_S)  # 2026-11-22 12:34:56.789 UTC
DEVICE = Device("metro-pd", "bridge-7", "cam-1", "fixed", 44.977753, -93.265011)
AGENCY_PRIVATE = bytes(range(1, 33))
AGENCY_PUBLIC = X25519PrivateKey.from_private_bytes(AGENCY_PRIVATE).public_key().public_bytes_raw()
AN_ALERT = Match(MatchKind.EXACT, "stolen", "state-police")


def predictable(seed: str = "seed") -> Callable[[int], bytes]:
    """Return bytes that are different at every call and the same in every run."""
    calls = iter(range(10**9))
    return lambda count: hashlib.shake_256(f"{seed}/{next(calls)}".encode()).digest(count)


def a_sighting(text: str = CANARY, confidence: float = 0.97, at: Instant = SEEN) -> Sighting:
    """Return a certain read of a vehicle with everything about it that a read can hold."""
    corners = ((10.0, 10.0), (110.0, 10.0), (110.0, 40.0), (10.0, 40.0))
    return Sighting(
        text=PlateText(text),
        glyphs=tuple(Glyph(((character, confidence),)) for character in text),
        confidence=confidence,
        agreeing_frames=3,
        frames=4,
        region="US-MN",
        detection=Detection(corners, 0.9),
        frame_size_px=(1920, 1080),
        first_seen=Instant(at.wall_ns - NS_PER_S, at.monotonic_ns - NS_PER_S),
        last_seen=at,
        direction=Direction.APPROACHING,
        lane="left",
        crops=Crops(Crop(b"\xff\xd8 plate " + text.encode()), Crop(b"\xff\xd8 scene " + text.encode())),
    )


def a_context(seconds_later: float = 1.0, quality: TimeQuality = TimeQuality.SYNCHRONISED) -> Context:
    """Return the present, a little after the vehicle was seen."""
    later_ns = round(seconds_later * NS_PER_S)
    return Context(Instant(SEEN.wall_ns + later_ns, SEEN.monotonic_ns + later_ns), quality, DEVICE)


def a_set_of_instruments(seed: str = "seed") -> Instruments:
    """Return instruments whose only recipient is `agency`, and whose chance is predictable but for the sealing."""
    random = predictable(seed)
    return Instruments(EpochKeys(DEVICE, (), random), Sealer({"agency": AGENCY_PUBLIC}), lambda: random(16).hex())


def a_section(actions: Mapping[Field, Action], retention_s: int = 86_400) -> Section:
    """Return a section that publishes events."""
    return Section(retention_s, Publish.EVENT, {field: Rule(action) for field, action in actions.items()})


def a_policy(hit: Section | None = None, miss: Section | None = None, unsure: Section | None = None) -> Policy:
    """Return a policy that lets nothing leave but what the sections say."""
    return Policy(
        id="test",
        title="Test",
        version="2026-01-01",
        jurisdiction="any",
        sources=(),
        effective=date(2026, 1, 1),
        expires=None,
        on_expiry=None,
        mounts=("fixed", "mobile"),
        reading=Reading(2, 0.9, 3),
        hit=hit or Section(),
        miss=miss or Section(),
        unsure=unsure or Section(),
        hotlists=ListRules(),
        log_of_use=None,
        sha256="0" * 64,
    )


def uncertain(sighting: Sighting) -> Sighting:
    """Return the same vehicle, read with too little agreement."""
    return replace(sighting, agreeing_frames=1)
