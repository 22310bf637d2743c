"""Home Assistant finds a device's health by itself, where `uplink.home_assistant` is set: never a read, never a count.

MQTT discovery: one retained document for each entity on `homeassistant/sensor/NODE/KEY/config`. NODE is agency, site
and device joined by `--`, because a node has no slashes; the broker's access list must let the device write there.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from platesieve import __version__
from platesieve.domain.disclosure import Kind

if TYPE_CHECKING:
    from platesieve.adapters.mqtt.wire import Address

# key in the health event -> name, unit
_SENSORS: dict[str, tuple[str, str | None]] = {
    "state": ("State", None),
    "reason": ("Why not reading", None),
    "fps": ("Frames looked at", "fps"),
    "dropped": ("Frames overtaken", None),
    "policy.id": ("Policy", None),
    "policy.version": ("Policy version", None),
    "hotlist.age_s": ("Age of the hot list", "s"),
    "audit_size": ("Audit entries", None),
    "version": ("Version", None),
}


def discovery(address: Address) -> dict[str, bytes]:
    """Return retained topics and documents for one device."""
    node = address.path.replace("/", "--")
    health = address.topic(Kind.HEALTH)
    about: dict[str, Any] = {
        "device": {
            "identifiers": [f"platesieve:{address.path}"],
            "name": address.path,
            "manufacturer": "platesieve",
            "sw_version": __version__,
        },
        "origin": {"name": "platesieve", "sw_version": __version__},
        "state_topic": health,
        "availability_topic": health,
        "availability_template": "{{ 'offline' if value_json.data.state == 'offline' else 'online' }}",
        "entity_category": "diagnostic",
    }
    documents = {}
    for path, (name, unit) in _SENSORS.items():
        key = path.replace(".", "_")
        document = {
            **about,
            "name": name,
            "unique_id": f"platesieve-{node}-{key}",
            "value_template": _value_of(path),
            **({"unit_of_measurement": unit} if unit else {}),
        }
        documents[f"homeassistant/sensor/{node}/{key}/config"] = json.dumps(document, separators=(",", ":")).encode()
    return documents


def _value_of(path: str) -> str:
    """Return the template of a value; a part that is missing or null, such as the policy of a will, gives none."""
    expression = "value_json.data"
    for part in path.split("."):
        expression = f"({expression} | default({{}}, true))['{part}']"
    return f"{{{{ {expression} | default(none) }}}}"
