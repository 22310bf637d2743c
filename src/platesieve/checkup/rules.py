"""Checks of what the device goes by: clock, models, policy, hot list, log."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from platesieve.adapters.local.system_clock import SystemClock
from platesieve.bootstrap.folders import Folders
from platesieve.bootstrap.given import load_hotlist, load_policy
from platesieve.bootstrap.log import verify_own_log
from platesieve.bootstrap.rules import build_judge
from platesieve.bootstrap.rules import delivered as delivered_rules
from platesieve.bootstrap.sight import build_sight
from platesieve.checkup.finding import Finding
from platesieve.domain.instant import TimeQuality

if TYPE_CHECKING:
    from platesieve.policy.language import Policy
    from platesieve.settings import Settings

POLICY_ENDS_SOON: Final = timedelta(days=30)


def clock(settings: Settings) -> Finding:
    """Return whether the wall clock may be believed."""
    if SystemClock(assume=settings.device.assume_clock).quality() is TimeQuality.SYNCHRONISED:
        return Finding("clock", "pass", "confirmed by a time source" if not settings.device.assume_clock else "assumed")
    return Finding(
        "clock",
        "warn",
        "no time source has confirmed the wall clock: misses are not counted, hits say time_quality unknown",
        "timedatectl set-ntp true; or set device.assume_clock where another source keeps it right",
    )


def models(settings: Settings) -> Finding:
    """Return whether the networks are the released ones and run."""
    from platesieve.adapters.networks.released_models import load_released  # noqa: PLC0415 - loads the runtime

    build_sight(settings)
    hashes = ", ".join(f"{name} {load_released(name).sha256[:12]}..." for name in ("detector", "reader"))
    return Finding("models", "pass", f"they have the released hashes and run: {hashes}")


def telemetry() -> Finding:
    """Return whether the runtime's telemetry is off."""
    if os.environ.get("ORT_DISABLE_TELEMETRY") == "1":
        return Finding("telemetry", "pass", "onnxruntime's is off")
    return Finding("telemetry", "fail", "onnxruntime's is not switched off", "set ORT_DISABLE_TELEMETRY=1 in the unit")


def policy(settings: Settings) -> Finding:
    """Return whether a policy is in force for this device, and for how long."""
    delivered = None if settings.policy else delivered_rules(settings)
    if settings.policy is None and settings.delivery.wanted and delivered is None:
        return Finding("policy", "warn", "none yet: it comes signed", "see the line on delivery")
    rules = build_judge(settings, SystemClock(assume=True), delivered).policy
    found = f"{rules.id} of {rules.version} is in force for this device"
    if rules.expires is not None:
        found += f" until {rules.expires}"
        if rules.expires <= (datetime.now(UTC) + POLICY_ENDS_SOON).date():
            return Finding("policy", "warn", found, "get the next version from the agency before then")
    if unknown := _collectors(rules) - settings.collectors.keys() if settings.uplink.host else set():
        found += f", but no receipt of the collector `{min(unknown)}` can be believed: events stay until they expire"
        return Finding("policy", "warn", found, f"name its public key: collectors.{min(unknown)} = receipt.pub")
    return Finding("policy", "pass", found)


def _collectors(rules: Policy) -> set[str]:
    """Return the collectors whose receipts the policy waits for."""
    sections = (rules.hit, rules.miss, rules.unsure)
    return {section.collector for section in sections if section.collector is not None}


def hotlist(settings: Settings) -> Finding:
    """Return whether there is a hot list, and whether it is fresh enough for the policy."""
    if settings.hotlist is None and settings.delivery.wanted:
        return Finding("hot list", "pass", "it comes signed: see the line on delivery")
    if settings.hotlist is None:
        return Finding("hot list", "warn", "none is given, so nothing is a hit", "give --hotlist, if there is one")
    now = SystemClock(assume=True).now()
    listed = load_hotlist(settings.hotlist, now)
    age_s = max(now.wall_ns / 1e9 - Path(settings.hotlist).stat().st_mtime, 0.0)
    found = f"{listed.count} entries, written {_ago(age_s)}, sha256 {listed.sha256[:12]}..."
    allowed_s = load_policy(settings.policy).hotlists.max_age_s if settings.policy else None
    if allowed_s is not None and age_s > allowed_s:
        return Finding("hot list", "warn", found, f"fetch it again: the policy allows {_span(allowed_s)}")
    return Finding("hot list", "pass", found)


def audit_log(settings: Settings) -> Finding:
    """Return whether this device's own log verifies."""
    folders = Folders.of(settings)
    if not (folders.audit / "checkpoint").exists():
        return Finding("audit log", "pass", "none yet; it begins with the first run")
    verdict = verify_own_log(folders)
    return Finding("audit log", "pass" if verdict.ok else "fail", verdict.sentence, verdict.remedy)


def _ago(seconds: float) -> str:
    return f"{_span(seconds)} ago"


def _span(seconds: float) -> str:
    for unit, length_s in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length_s:
            return f"{seconds / length_s:.0f} {unit}"
    return "1 second" if round(seconds) == 1 else f"{seconds:.0f} seconds"
