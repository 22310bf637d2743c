"""Events as a collector has them, and a desk with a key to open them.

Usage::

    store.keep([an_event("e1")])
    key = AgencyKey.drawn()
    store.keep([key.sealed_event("e2", plate="TEST123")])
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from platesieve.collector.records import Event
from platesieve.domain.disclosure import Kind
from platesieve.domain.instant import NS_PER_S
from platesieve.policy.seal import open_sealed, seal, sealing_info
from platesieve.settings import Device
from tests.fakes.clock import START_WALL_NS

if TYPE_CHECKING:
    from platesieve.domain.disclosure import Json

DEVICE = "metro-pd/bridge-7/cam-1"
POLICY: dict[str, Json] = {"id": "hits-only", "version": "2026-11-22", "sha256": "0" * 64}


def an_event(
    id_: str, *, kind: Kind = Kind.HIT, device: str = DEVICE, life_s: float = 3600, data: dict[str, Json] | None = None
) -> Event:
    """Return an event that came at the fake clock's start."""
    body: dict[str, Json] = {"policy": POLICY, "disposition": "hit", **(data or {})}
    expires_ns = None if kind.lasting else START_WALL_NS + round(life_s * NS_PER_S)
    document: dict[str, Json] = {
        "specversion": "1.0",
        "id": id_,
        "type": f"org.platesieve.{kind.value}.v1",
        "source": f"/{device}",
        "data": body if kind in {Kind.HIT, Kind.READ} else dict(data or {}),
    }
    return Event(id_, kind, device, START_WALL_NS, expires_ns, document)


@dataclass(frozen=True, slots=True)
class AgencyKey:
    """The agency's key: seals as a device does, opens as the agency does (collector.reveal.Opener)."""

    secret: bytes
    public: bytes
    recipients: frozenset[str] = frozenset({"agency"})

    @classmethod
    def drawn(cls) -> AgencyKey:
        """Draw a key."""
        key = X25519PrivateKey.generate()
        return cls(key.private_bytes_raw(), key.public_key().public_bytes_raw())

    def open(self, to: str, ciphertext: bytes, info: bytes) -> bytes:
        """Open, for whatever name of ours."""
        assert to in self.recipients
        return open_sealed(self.secret, ciphertext, info)

    def sealed_event(self, id_: str, *, device: str = DEVICE, life_s: float = 3600, **fields: Json) -> Event:
        """Return a hit whose fields are sealed to this key."""
        agency, site, name = device.split("/")
        who = Device(agency=agency, site=site, device=name)
        data: dict[str, Json] = {
            field: {
                "sealed": base64.b64encode(
                    seal(
                        self.public,
                        json.dumps(value).encode(),
                        sealing_info(who, Kind.HIT, id_, field, str(POLICY["sha256"])),
                    )
                ).decode(),
                "to": "agency",
            }
            for field, value in fields.items()
        }
        return an_event(id_, device=device, life_s=life_s, data=data)
