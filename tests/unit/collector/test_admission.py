"""What is not an event of the device that its topic names is refused, and only its hash is kept."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from platesieve.adapters.mqtt.wire_schemas import fits
from platesieve.collector.admission import Rules, admit
from platesieve.collector.records import Event, Message, Quarantined, Rejection
from platesieve.domain.disclosure import Kind
from platesieve.domain.instant import NS_PER_S
from tests.fakes.clock import START_WALL_NS as NOW
from tests.fakes.collected import DEVICE
from tests.fakes.inbox import a_document, a_message

RULES = Rules("metro-pd", 10_000, 30 * 86_400 * NS_PER_S, fits)
CANARY = "TEST123"


def judged(message: Message) -> Event | Rejection:
    """Return the event, or why there is none."""
    verdict = admit(message, NOW, RULES)
    return verdict.reason if isinstance(verdict, Quarantined) else verdict


def changed(**members: Any) -> Message:
    """Return a message whose envelope says something else; None leaves a member out."""
    document = {key: value for key, value in {**a_document("e1"), **members}.items() if value is not None}
    return Message(f"platesieve/{DEVICE}/hit", json.dumps(document).encode())


def test_an_event_as_devices_make_it_is_believed() -> None:
    """With its id, kind, device and end."""
    event = judged(a_message("e1", life_s=60, plate={"sealed": base64.b64encode(bytes(64)).decode(), "to": "agency"}))

    assert isinstance(event, Event)
    assert (event.id, event.kind, event.device) == ("e1", Kind.HIT, DEVICE)
    assert event.expires_ns == NOW + 60 * NS_PER_S
    assert event.sealed_fields == ("plate",)


def test_binary_mode_is_the_same_event() -> None:
    """CloudEvents over MQTT 5: attributes are user properties, the payload is the data."""
    document = a_document("e1", life_s=60)
    attributes = {key: value for key, value in document.items() if key not in {"data", "datacontenttype"}}
    binary = Message(f"platesieve/{DEVICE}/hit", json.dumps(document["data"]).encode(), "application/json", attributes)

    assert judged(binary) == judged(a_message("e1", life_s=60))


def test_a_field_that_is_not_known_here_is_no_fault() -> None:
    """An old collector survives a newer device."""
    assert isinstance(judged(a_message("e1", weather="rain")), Event)
    assert isinstance(judged(changed(traceparent="00-aa-bb-01")), Event)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (Message(f"platesieve/{DEVICE}/hit", b"\xff\x00"), Rejection.MALFORMED),
        (Message(f"platesieve/{DEVICE}/hit", b"[" * 9_000), Rejection.MALFORMED),
        (Message(f"platesieve/{DEVICE}/hit", b"7"), Rejection.MALFORMED),
        (Message(f"platesieve/{DEVICE}/hit", b'{"data": NaN}'), Rejection.MALFORMED),
        (Message(f"platesieve/{DEVICE}/hit", b""), Rejection.MALFORMED),
        (changed(specversion="2.0"), Rejection.MALFORMED),
        (changed(id=None), Rejection.MALFORMED),
        (changed(id=7), Rejection.MALFORMED),
        (changed(id="x" * 65), Rejection.MALFORMED),
        (changed(id="a b"), Rejection.MALFORMED),
        (changed(type="org.platesieve.read.v1"), Rejection.MALFORMED),
        (changed(type="org.platesieve.hit.v2"), Rejection.MALFORMED),
        (changed(data=None), Rejection.MALFORMED),
        (changed(data=[]), Rejection.MALFORMED),
        (changed(data={"disposition": "hit"}), Rejection.MALFORMED),
        (changed(expires=None), Rejection.MALFORMED),
        (changed(expires="tomorrow"), Rejection.MALFORMED),
        (changed(expires="2026-11-23T00:00:00"), Rejection.MALFORMED),
        (changed(expires="9999-12-31T23:59:59Z"), Rejection.TOO_LONG),
        (changed(source="/metro-pd/bridge-7/cam-2"), Rejection.MISPLACED),
        (replace(a_message("e1"), topic="platesieve/other-pd/bridge-7/cam-1/hit"), Rejection.MISPLACED),
        (replace(a_message("e1"), topic="platesieve/metro-pd/bridge-7/cam-1/do/suspend"), Rejection.MISPLACED),
        (replace(a_message("e1"), topic="elsewhere"), Rejection.MISPLACED),
        (a_message("e1", life_s=-1), Rejection.EXPIRED),
        (a_message("e1", life_s=31 * 86_400), Rejection.TOO_LONG),
        (a_message("e1", lane="x" * 10_000), Rejection.OVERSIZED),
        (a_message("e1", plate={"sealed": "!!!", "to": "agency"}), Rejection.WRONGLY_SEALED),
        (a_message("e1", plate={"sealed": "AAAA", "to": "agency"}), Rejection.WRONGLY_SEALED),
        (a_message("e1", plate={"sealed": "A" * 64, "to": ""}), Rejection.WRONGLY_SEALED),
    ],
)
def test_each_fault_has_its_reason(message: Message, reason: Rejection) -> None:
    """Nothing raises, whatever comes."""
    assert judged(message) == reason


def test_only_the_hash_of_a_refused_message_is_kept() -> None:
    """Whoever sends a plate where none belongs does not get it stored."""
    message = changed(data={"plate": CANARY})
    verdict = admit(message, NOW, RULES)

    assert verdict == Quarantined(
        NOW, Rejection.MALFORMED, sha256(message.payload).hexdigest(), len(message.payload), DEVICE
    )
    assert CANARY not in repr(verdict) + repr(message)
