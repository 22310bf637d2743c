"""Every knob of a collector, as `collector.toml` gives them: the unit in the name, a default, one line of why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from platesieve.settings import Uplink

_NO_UNKNOWN_KEYS: dict[str, Any] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class CollectorSettings:
    """All of them. Files are looked for beside the settings file."""

    __pydantic_config__: ClassVar = _NO_UNKNOWN_KEYS

    agency: str = "demo-agency"  # the second part of every topic: one collector serves one agency
    name: str = "agency"  # who we are in policies: `collector = "agency"` there asks for our receipt
    state: str = "~/.local/state/platesieve-collector"  # transparency log, witness files, database
    database: str | None = None  # sqlite:///FILE or postgresql+psycopg://...; a file in `state` unless given
    agency_keys: dict[str, str] = field(default_factory=dict)  # name in the policy's `seal` -> secret key file
    passphrase_file: str | None = None  # opens key files that have one
    receipt_key: str | None = None  # secret key file; without it no receipt is given and devices keep everything
    device_keys: str | None = None  # folder of AGENCY_SITE_DEVICE.vkey files, noted at enrolment
    max_retention_days: int = 731  # an event that asks for more is not believed
    witness_every_days: int = 7  # so long every checkpoint of a device stays; contradictions stay for ever
    witness_hourly_days: int = 731  # so long the first and the last of each hour stay, before that of each day
    max_event_bytes: int = 2 << 20
    metrics_port: int | None = None  # Prometheus, on 127.0.0.1; nothing is served unless given
    share: str | None = None  # name of a shared subscription, where several collectors split hits, reads and counts
    sites: tuple[str, ...] = ()  # whose hits, reads and counts to take, where several divide an agency by its sites
    watches: bool = True  # takes health and checkpoints, and erases what is over; of several, one does
    assume_clock: bool = False  # treat the wall clock as trusted although no time source confirmed it
    broker: Uplink = field(default_factory=Uplink)


BOUNDS: dict[str, tuple[int, int]] = {
    "max_retention_days": (1, 36_525),
    "witness_every_days": (1, 36_525),
    "witness_hourly_days": (1, 36_525),
    "max_event_bytes": (1024, 64 << 20),
    "metrics_port": (1, 65_535),
}


def out_of_bounds(settings: CollectorSettings) -> tuple[str, ...]:
    """Return what is wrong with each value that no collector can work with; empty where all are fine."""
    problems = [
        f"{name}: must be from {least} to {most}"
        for name, (least, most) in BOUNDS.items()
        if (value := getattr(settings, name)) is not None and not least <= value <= most
    ]
    problems += [f"{name}: must not be empty" for name in ("agency", "name", "state") if not getattr(settings, name)]
    if settings.share is not None and (not settings.share or set(settings.share) & set("/+#")):
        problems.append("share: must be a name without / + and #")
    if any(not site or set(site) & set("/+#") for site in settings.sites):
        problems.append("sites: must be names of sites, without / + and #")
    if not settings.watches and settings.share is None and not settings.sites:
        problems.append("watches: must stay true where nothing is divided, or nobody takes health and checkpoints")
    return tuple(problems)
