"""Disclosures to send about. The plates in them are sealed, as the policy would have done.

Usage::

    a_hit("h1", expires_in_s=60)
    a_health("reading")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platesieve.domain.disclosure import Disclosure, Kind
from platesieve.domain.instant import NS_PER_S
from tests.fakes.clock import START_WALL_NS

if TYPE_CHECKING:
    from platesieve.domain.disclosure import Json

POLICY: dict[str, Json] = {"id": "hits-only", "version": "2026-11-22", "sha256": "0" * 64}


def an_event(
    kind: Kind, id_: str, *, expires_in_s: float = 3600, now_wall_ns: int = START_WALL_NS, size: int = 100
) -> Disclosure:
    """Return a hit, read or count that expires `expires_in_s` after `now_wall_ns`."""
    body: dict[str, Json] = {"policy": POLICY, "disposition": "hit", "plate": {"sealed": "x" * size, "to": "agency"}}
    return Disclosure(id_, kind, body, now_wall_ns + round(expires_in_s * NS_PER_S))


def a_hit(id_: str, *, expires_in_s: float = 3600, now_wall_ns: int = START_WALL_NS, size: int = 100) -> Disclosure:
    """Return a hit."""
    return an_event(Kind.HIT, id_, expires_in_s=expires_in_s, now_wall_ns=now_wall_ns, size=size)


def a_health(state: str, id_: str = "health") -> Disclosure:
    """Return a health event."""
    return Disclosure(id_, Kind.HEALTH, {"state": state}, None)


def with_receipt(disclosure: Disclosure) -> Disclosure:
    """Return the same, to be kept until the collector's receipt."""
    return Disclosure(disclosure.id, disclosure.kind, disclosure.body, disclosure.expires_wall_ns, "agency")
