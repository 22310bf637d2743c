"""Whether a message is believed: an event as devices make them, from the device that its topic names, in time.

1. It is not larger than any event of ours.
2. Its topic is `platesieve/AGENCY/SITE/DEVICE/KIND`, of our agency.
3. It is a CloudEvent 1.0, structured or (MQTT 5) binary, of the type that its topic names, and fits its schema.
4. Its source is the device that its topic names; the broker's access list lets only that device write there.
5. What is kept says until when, that is not over, and not longer than we keep anything.
6. What is sealed has the length and form of something sealed. Whether it opens shows at a reveal, and only there.

What fails is Quarantined: reason, hash and size, never its words.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from platesieve.collector.records import Event, Quarantined, Rejection, is_sealed
from platesieve.domain.disclosure import Kind
from platesieve.domain.instant import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from platesieve.collector.records import Message

STRUCTURED = "application/cloudevents+json"
_TOPIC = re.compile(
    r"platesieve/([A-Za-z0-9][A-Za-z0-9._-]{0,63})/([A-Za-z0-9][A-Za-z0-9._-]{0,63})/([A-Za-z0-9][A-Za-z0-9._-]{0,63})"
    r"/(hit|read|count|health|checkpoint)",
    re.ASCII,
)
_ID = re.compile(r"[!-~]{1,64}", re.ASCII)
_LEAST_SEALED = 48  # an encapsulated key of 32 bytes and a tag of 16


class _Refused(Exception):  # noqa: N818 - never leaves this module: a refusal is a value outside
    def __init__(self, reason: Rejection) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Rules:
    """What this collector takes.

    Attributes:
        agency: whose events.
        max_bytes: of a payload.
        max_life_ns: how long an event may ask to be kept.
        fits: returns whether a CloudEvent of a kind fits its published schema.
    """

    agency: str
    max_bytes: int
    max_life_ns: int
    fits: Callable[[Kind, Mapping[str, Any]], bool]


def admit(message: Message, now_ns: int, rules: Rules) -> Event | Quarantined:
    """Return the event that a message carries, or what is kept of one that is not believed."""
    try:
        return _admitted(message, now_ns, rules)
    except _Refused as refusal:
        return refused(message, refusal.reason, now_ns)


def refused(message: Message, reason: Rejection, now_ns: int) -> Quarantined:
    """Return what is kept of a message that is not believed."""
    topic = _TOPIC.fullmatch(message.topic)
    device = "/".join(topic.groups()[:3]) if topic else ""
    return Quarantined(now_ns, reason, sha256(message.payload).hexdigest(), len(message.payload), device)


def _admitted(message: Message, now_ns: int, rules: Rules) -> Event:
    # 1.
    if len(message.payload) > rules.max_bytes:
        raise _Refused(Rejection.OVERSIZED)
    # 2.
    topic = _TOPIC.fullmatch(message.topic)
    if topic is None or topic[1] != rules.agency:
        raise _Refused(Rejection.MISPLACED)
    device, kind = "/".join(topic.groups()[:3]), Kind(topic[4])
    # 3.
    document = _document(message)
    if document.get("type") != f"org.platesieve.{kind.value}.v1" or not rules.fits(kind, document):
        raise _Refused(Rejection.MALFORMED)
    if not _ID.fullmatch(document["id"]):
        raise _Refused(Rejection.MALFORMED)
    # 4.
    if document["source"] != f"/{device}":
        raise _Refused(Rejection.MISPLACED)
    # 5.
    expires_ns = None if kind.lasting else _expires_ns(document, now_ns, rules)
    # 6.
    if any(not _looks_sealed(value) for value in document["data"].values() if is_sealed(value)):
        raise _Refused(Rejection.WRONGLY_SEALED)
    return Event(document["id"], kind, device, now_ns, expires_ns, document)


def _document(message: Message) -> dict[str, Any]:
    """Return the CloudEvent in structured form, however it came (CloudEvents MQTT binding 1.0.2, 3.1 and 3.2)."""
    try:
        parsed = json.loads(message.payload, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise _Refused(Rejection.MALFORMED) from None  # the cause carries the text
    if "specversion" in message.attributes and message.content_type != STRUCTURED:
        parsed = {**message.attributes, "datacontenttype": message.content_type or "application/json", "data": parsed}
    if not isinstance(parsed, dict) or not isinstance(parsed.get("data"), dict):
        raise _Refused(Rejection.MALFORMED)
    return parsed


def _no_constant(_text: str) -> None:
    raise ValueError("NaN and infinities are no JSON")


def _expires_ns(document: Mapping[str, Any], now_ns: int, rules: Rules) -> int:
    try:
        moment = datetime.fromisoformat(document["expires"])
        expires_ns = round(moment.timestamp()) * NS_PER_S
    except (ValueError, OverflowError, KeyError, TypeError):
        raise _Refused(Rejection.MALFORMED) from None
    if moment.tzinfo is None:
        raise _Refused(Rejection.MALFORMED)
    if expires_ns <= now_ns:
        raise _Refused(Rejection.EXPIRED)
    if expires_ns > now_ns + rules.max_life_ns:
        raise _Refused(Rejection.TOO_LONG)
    return expires_ns


def _looks_sealed(value: Mapping[str, Any]) -> bool:
    try:
        return len(base64.b64decode(value["sealed"], validate=True)) >= _LEAST_SEALED and bool(value.get("to"))
    except (binascii.Error, ValueError):
        return False
