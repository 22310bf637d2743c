"""Vehicles that nobody saw, through the policy that a real one would go through."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from platesieve.domain.decision import Disclose
from platesieve.domain.errors import ConfigError
from platesieve.domain.geometry import Detection
from platesieve.domain.instant import TimeQuality
from platesieve.domain.match import Match, MatchKind
from platesieve.domain.plate import PlateText
from platesieve.domain.sighting import Direction, Sighting
from platesieve.policy.decide import Context, decide
from platesieve.policy.force import suited
from platesieve.policy.language import Publish
from platesieve.settings import Device

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from platesieve.domain.crop import Crops
    from platesieve.domain.disclosure import Disclosure
    from platesieve.domain.instant import Instant
    from platesieve.policy.instruments import Instruments
    from platesieve.policy.language import Policy

MARK = "simulated"
CAMERAS_PER_SITE = 100
_DETECTION = Detection(((800.0, 500.0), (1000.0, 500.0), (1000.0, 545.0), (800.0, 545.0)), 0.98)
_FRAME_PX = (1920, 1080)


def cameras(agency: str, count: int) -> list[Device]:
    """Return who the simulated cameras are: sites of a hundred, each called `simulated-N`."""
    return [
        Device(agency=agency, site=f"{MARK}-{1 + number // CAMERAS_PER_SITE}", device=f"cam-{1 + number:05}")
        for number in range(count)
    ]


def is_simulated(path: str) -> bool:
    """Return whether an `agency/site/device` is one of `cameras`."""
    parts = path.split("/")
    return len(parts) == 3 and parts[1].startswith(f"{MARK}-")  # noqa: PLR2004 - agency, site, device


def publishes_hits(policy: Policy) -> bool:
    """Return whether simulated vehicles are on a list: where a policy publishes hits one by one, else its misses.

    Raises:
        ConfigError: it publishes neither, so that there is nothing to simulate.
    """
    for section, hits in ((policy.hit, True), (policy.miss, False)):
        if section.publish is Publish.EVENT:
            return hits
    raise ConfigError(
        f"under {policy.id} no vehicle leaves as an event of its own, so there is nothing to simulate",
        "choose a policy that publishes hits or reads, for example hits-only",
    )


class Street:
    """What passes one simulated camera.

    Args:
        device: who the camera is, of `cameras`.
        policy: decides what leaves.
        instruments: keys of this camera.
        crops: the picture that every vehicle has.
    """

    def __init__(self, device: Device, policy: Policy, instruments: Instruments, crops: Crops) -> None:
        self._device = suited(device, policy)
        self._policy = policy
        self._instruments = instruments
        self._crops = crops
        self._matches = (Match(MatchKind.EXACT, MARK, MARK),) if publishes_hits(policy) else ()

    def passes(self, number: int, now: Instant) -> Disclosure:
        """Let a vehicle pass, and return what leaves of it.

        Raises:
            ConfigError: the policy lets nothing leave now.
        """
        plate = f"{MARK.upper()}{number % 1000:03}"
        sighting = Sighting(
            text=PlateText(plate),
            glyphs=(),
            confidence=0.998,
            agreeing_frames=max(self._policy.reading.min_agreeing_frames, 5),
            frames=9,
            region=None,
            detection=_DETECTION,
            frame_size_px=_FRAME_PX,
            first_seen=now,
            last_seen=now,
            direction=Direction.APPROACHING,
            crops=self._crops,
        )
        context = Context(now, TimeQuality.SYNCHRONISED, self._device)
        match decide(sighting, self._matches, self._policy, context, self._instruments):
            case Disclose(disclosure):
                return disclosure
            case other:
                raise ConfigError(
                    f"under {self._policy.id} nothing leaves: {getattr(other, 'reason', 'it is only counted')}",
                    "choose a policy that is in force and publishes hits or reads, for example hits-only",
                )


def arrivals(per_second: float, random: Random) -> Iterator[float]:
    """Yield when vehicles pass, in seconds from the start: independent of one another, as in free traffic (Poisson)."""
    return itertools.accumulate(random.expovariate(per_second) for _ in itertools.count())
