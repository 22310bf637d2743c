"""The contract of the wire as one AsyncAPI 3 document, generated from the models of the events.

Seen from a device: what it sends, and what it receives.
"""

from __future__ import annotations

import json
from typing import Any

from platesieve.adapters.mqtt.wire import CONTENT_TYPE
from platesieve.adapters.mqtt.wire_schemas import DATA, schema
from platesieve.domain.disclosure import Kind
from platesieve.policy.receipt import MAX_IDS

CONTRACT_VERSION = "1.0.0"  # major: what an old consumer would not survive; minor: new optional fields and topics
_ADDRESS = "platesieve/{agency}/{site}/{device}"
_PART = "1 to 64 letters, digits, dots, dashes and underscores, beginning with a letter or digit"
_BINDING = "0.2.0"
_SIGNED = "two lines of ASCII: canonical JSON, and a base64 Ed25519 signature"
_RECEIVED = {
    "command": (
        "do/{verb}",
        f"A signed command: {_SIGNED} (policy/command.py). It counts once, for one device, for minutes.",
        "text/plain",
    ),
    "receipt": (
        "receipt",
        f"A collector has up to {MAX_IDS} events: {_SIGNED} (policy/receipt.py). Nothing else ends a wait.",
        "text/plain",
    ),
    "cosigned": (
        "cosigned",
        "The newest checkpoint that a witness accepted, with its C2SP cosignature (audit/FORMAT.md).",
        "text/plain",
    ),
}


def contract() -> dict[str, Any]:
    """Return the AsyncAPI document."""
    schemas: dict[str, Any] = {}
    messages = {kind.value: _event(kind, schemas) for kind in Kind}
    messages |= {name: _document(name, text, type_) for name, (_, text, type_) in _RECEIVED.items()}
    channels = {kind.value: _channel(kind.value, kind.value, DATA[kind].__doc__ or "") for kind in Kind}
    channels |= {name: _channel(name, topic, text) for name, (topic, text, _) in _RECEIVED.items()}
    channels["command"]["parameters"]["verb"] = {"description": "what is asked", "examples": ["suspend", "resume"]}
    operations = {f"send-{kind.value}": _operation("send", kind.value, kind) for kind in Kind}
    operations |= {f"receive-{name}": _operation("receive", name, None) for name in _RECEIVED}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "platesieve device",
            "version": CONTRACT_VERSION,
            "description": (
                "What a licence-plate reader that forgets lets out, over MQTT 5 (or 3.1.1) with TLS client "
                "certificates. Events are CloudEvents 1.0: structured JSON, or binary where a device is set so. "
                "Consumers ignore fields that they do not know. QoS 1: the same id twice is the same event. What is "
                "left of `expires` is also the message expiry: erase an event everywhere by then."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {
            "broker": {
                "host": "mqtt.example:8883",
                "protocol": "secure-mqtt",
                "protocolVersion": "5",
                "security": [{"type": "X509", "description": "common name = agency/site/device"}],
            }
        },
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": dict(sorted(schemas.items()))},
    }


def contract_text() -> str:
    """Return the text of `schemas/v1/asyncapi.json`."""
    return json.dumps(contract(), indent=2, ensure_ascii=False) + "\n"


def _event(kind: Kind, schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the message of one kind; its definitions go among the shared ones."""
    payload = {key: value for key, value in schema(kind).items() if key not in {"$schema", "$id", "title"}}
    definitions = payload.pop("$defs")
    schemas.update({name: _moved(definition) for name, definition in definitions.items()})
    return {
        "name": f"org.platesieve.{kind.value}.v1",
        "title": f"{kind.value} event",
        "summary": DATA[kind].__doc__ or "",
        "contentType": CONTENT_TYPE,
        "payload": _moved(payload),
        "bindings": {"mqtt": {"payloadFormatIndicator": 1, "contentType": CONTENT_TYPE, "bindingVersion": _BINDING}},
    }


def _document(name: str, text: str, content_type: str) -> dict[str, Any]:
    return {
        "name": f"org.platesieve.{name}.v1",
        "title": name,
        "summary": text,
        "contentType": content_type,
        "payload": {"type": "string"},
    }


def _channel(name: str, topic: str, text: str) -> dict[str, Any]:
    return {
        "address": f"{_ADDRESS}/{topic}",
        "description": text,
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "parameters": {part: {"description": _PART} for part in ("agency", "site", "device")},
    }


def _operation(action: str, name: str, kind: Kind | None) -> dict[str, Any]:
    mqtt: dict[str, Any] = {"qos": 1, "bindingVersion": _BINDING}
    if kind is not None:
        mqtt["retain"] = kind.lasting
        if not kind.lasting:
            mqtt["messageExpiryInterval"] = {"type": "integer", "minimum": 1, "maximum": 0xFFFF_FFFF}
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{name}"},
        "messages": [{"$ref": f"#/channels/{name}/messages/{name}"}],
        "bindings": {"mqtt": mqtt},
    }


def _moved(value: Any) -> Any:
    """Return a schema whose references point among the shared definitions."""
    if isinstance(value, dict):
        return {
            key: f"#/components/schemas/{inner.removeprefix('#/$defs/')}" if key == "$ref" else _moved(inner)
            for key, inner in value.items()
        }
    return [_moved(inner) for inner in value] if isinstance(value, list) else value
