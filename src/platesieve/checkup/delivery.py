"""Checks of signed delivery: is the trust root there, how fresh is what came, and does an update wait."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from platesieve.adapters.local.system_clock import SystemClock
from platesieve.bootstrap.rules import delivered
from platesieve.bootstrap.update import look
from platesieve.checkup.finding import Finding
from platesieve.domain.instant import NS_PER_S

if TYPE_CHECKING:
    from platesieve.settings import Settings


def delivery(settings: Settings) -> Finding:
    """Return whether signed policies and hot lists come, and until when what came counts."""
    if not settings.delivery.wanted:
        return Finding("delivery", "pass", "not used: policy and hot list stand in the settings")
    rules = delivered(settings)  # raises where the trust root is missing or what is kept was changed
    if rules is None:
        return Finding(
            "delivery",
            "warn",
            "the trust root is there, and no signed policy has come yet",
            "start platesieve with the server or stick at hand; the agency adds the device with lists.pub",
        )
    now = SystemClock(assume=True).now()
    found = (
        f"policy {rules.policy.id} counts until {_when(rules.policy_until_ns)}, "
        f"{rules.hotlist.count} wanted until {_when(rules.hotlist_until_ns)}"
    )
    if rules.policy_until_ns is not None and now.wall_ns >= rules.policy_until_ns:
        return Finding("delivery", "fail", f"nothing is read: {found}", "have the agency renew and publish its policy")
    if rules.hotlist_until_ns is not None and now.wall_ns >= rules.hotlist_until_ns:
        return Finding(
            "delivery", "fail", f"nothing is a hit: {found}", "have the agency publish, and check the way to it"
        )
    return Finding("delivery", "pass", found)


def update(settings: Settings) -> Finding:
    """Return whether an update of the system waits, and whether one failed."""
    found, _ = look(settings)
    match found.state:
        case "tried":
            said = f"{found.version} is offered, was given to RAUC before and is not what runs: {found.running}"
            return Finding("update", "warn", said, "see journalctl -u platesieve-update -u rauc; tell the agency")
        case "offered":
            return Finding("update", "pass", f"{found.running} runs, {found.version} comes at night")
        case _:
            return Finding("update", "pass", f"{found.running} runs, nothing newer is signed for this device")


def _when(wall_ns: int | None) -> str:
    return "for ever" if wall_ns is None else f"{datetime.fromtimestamp(wall_ns // NS_PER_S, UTC):%Y-%m-%d %H:%M} UTC"
