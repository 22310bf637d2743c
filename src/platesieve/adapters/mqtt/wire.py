"""How a Disclosure looks to subscribers: CloudEvents 1.0 in structured JSON, and the topics it travels on.

Cloudevents' `time` is left out unless the policy let a time through: the moment of sending would give
away what the policy coarsened or dropped.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from platesieve.domain.disclosure import Kind
from platesieve.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platesieve.domain.disclosure import Disclosure, Json
    from platesieve.settings import Device

CONTENT_TYPE = "application/cloudevents+json"
BINARY_CONTENT_TYPE = "application/json"
OFFLINE: Mapping[str, Json] = {"state": "offline"}
_NS_PER_S = 1_000_000_000
_MAX_EXPIRY_S = 0xFFFF_FFFF  # MQTT 5, 3.3.2.3.3: four bytes
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a device stands in topics and sources; `from_device` refuses what no topic may have."""

    agency: str
    site: str
    device: str

    @classmethod
    def from_device(cls, device: Device) -> Address:
        """Build from settings.

        Raises:
            ConfigError: a part is not 1 to 64 of letters, digits, dot, dash and underscore. Anything else
                could reach into another device's topics (`/`) or match several (`+`, `#`).
        """
        parts = {"agency": device.agency, "site": device.site, "device": device.device}
        problems = tuple(
            f"device.{name} cannot be part of a topic" for name, p in parts.items() if not _PART.fullmatch(p)
        )
        if problems:
            raise ConfigError(
                "agency, site or device cannot be part of a topic",
                "use 1 to 64 letters, digits, dots, dashes and underscores, beginning with a letter or digit",
                problems,
            )
        return cls(**parts)

    @property
    def path(self) -> str:
        """Return `agency/site/device`: also the common name in the device's certificate."""
        return f"{self.agency}/{self.site}/{self.device}"

    @property
    def source(self) -> str:
        """Return the CloudEvents source."""
        return f"/{self.path}"

    @property
    def commands(self) -> str:
        """Return the topic filter on which commands come."""
        return f"platesieve/{self.path}/do/+"

    @property
    def receipts(self) -> str:
        """Return the topic on which a collector says what it has."""
        return f"platesieve/{self.path}/receipt"

    @property
    def cosigned(self) -> str:
        """Return the topic on which witnesses give cosigned checkpoints back."""
        return f"platesieve/{self.path}/cosigned"

    def topic(self, kind: Kind) -> str:
        """Return the topic of one kind of Disclosure."""
        return f"platesieve/{self.path}/{kind.value}"


def encode(disclosure: Disclosure, address: Address) -> bytes:
    """Return the CloudEvent of a Disclosure as UTF-8 JSON."""
    return _event(disclosure.id, disclosure.kind, disclosure.body, disclosure.expires_wall_ns, address)


def encode_binary(disclosure: Disclosure, address: Address) -> tuple[dict[str, str], bytes]:
    """Return the same in binary mode: attributes for user properties, and the data as UTF-8 JSON.

    CloudEvents MQTT protocol binding 1.0.2, section 3.1; `datacontenttype` becomes the content type.
    """
    event = json.loads(encode(disclosure, address))
    data = event.pop("data")
    event.pop("datacontenttype")
    return event, json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def encode_offline(address: Address) -> bytes:
    """Return the health event that stands as last will: nothing is known of this device any more."""
    return _event(secrets.token_hex(16), Kind.HEALTH, OFFLINE, None, address)


def remaining_s(expires_wall_ns: int | None, now_wall_ns: int) -> int | None:
    """Return whole seconds left, rounded down; 0 or less means expired, None that it never does."""
    if expires_wall_ns is None:
        return None
    return min((expires_wall_ns - now_wall_ns) // _NS_PER_S, _MAX_EXPIRY_S)


def _event(id_: str, kind: Kind, body: Mapping[str, Json], expires_wall_ns: int | None, address: Address) -> bytes:
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": id_,
        "type": f"org.platesieve.{kind.value}.v1",
        "source": address.source,
        "datacontenttype": "application/json",
    }
    time = body.get("time")
    if isinstance(time, str) and _RFC_3339.fullmatch(time):
        event["time"] = time
    if expires_wall_ns is not None:
        event["expires"] = _timestamp(expires_wall_ns)
    event["data"] = body
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _timestamp(wall_ns: int) -> str:
    """Return RFC 3339 in whole seconds, rounded down: nothing is kept longer than allowed."""
    return datetime.fromtimestamp(wall_ns // _NS_PER_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
