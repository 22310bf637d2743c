"""A broker in the next room, for a collector: what comes in, what was acknowledged, what was answered.

Usage::

    inbox = FakeInbox()
    inbox.come(a_message("e1"))
    inbox.answers            # [(device, "receipt" | "cosigned", document), ...]
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from platesieve.collector.records import Message
from platesieve.domain.disclosure import Kind
from platesieve.domain.instant import NS_PER_S
from tests.fakes.clock import START_WALL_NS
from tests.fakes.collected import DEVICE, POLICY

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass
class FakeInbox:
    """The Inbox port by hand."""

    waiting: list[Message] = field(default_factory=list)
    acknowledged: list[Message] = field(default_factory=list)
    answers: list[tuple[str, str, bytes]] = field(default_factory=list)
    state: str = "connected"
    closed: bool = False

    def come(self, *messages: Message) -> None:
        """Let messages come."""
        self.waiting += messages

    def take(self, timeout_s: float, limit: int) -> Sequence[Message]:  # noqa: ARG002 - the port's signature
        """Give what came."""
        taken, self.waiting = self.waiting[:limit], self.waiting[limit:]
        return taken

    def done(self, messages: Sequence[Message]) -> None:
        """Note what was acknowledged."""
        self.acknowledged += messages

    def answer(self, device: str, what: str, document: bytes) -> None:
        """Note what was answered."""
        self.answers.append((device, what, document))

    def close(self) -> None:
        """Close."""
        self.closed = True


def a_document(
    id_: str, kind: Kind = Kind.HIT, device: str = DEVICE, life_s: float = 3600, **data: Any
) -> dict[str, Any]:
    """Return a CloudEvent as a device makes it."""
    from datetime import UTC, datetime  # noqa: PLC0415 - used here alone

    document: dict[str, Any] = {
        "specversion": "1.0",
        "id": id_,
        "type": f"org.platesieve.{kind.value}.v1",
        "source": f"/{device}",
        "datacontenttype": "application/json",
    }
    if not kind.lasting:
        end_s = (START_WALL_NS + life_s * NS_PER_S) // NS_PER_S
        document["expires"] = datetime.fromtimestamp(end_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {"policy": POLICY, "disposition": "hit"} if kind in {Kind.HIT, Kind.READ} else {}
    return {**document, "data": {**body, **data}}


def a_message(id_: str, kind: Kind = Kind.HIT, device: str = DEVICE, life_s: float = 3600, **data: Any) -> Message:
    """Return a message as the broker delivers it."""
    payload = json.dumps(a_document(id_, kind, device, life_s, **data)).encode()
    return Message(f"platesieve/{device}/{kind.value}", payload, "application/cloudevents+json")
