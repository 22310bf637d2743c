"""A dashboard's end of MQTT, as small as it can be: what the demo and the tests listen with."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from platesieve.domain.errors import LinkError

if TYPE_CHECKING:
    from platesieve.adapters.mqtt.demo_broker import DemoBroker

CONNECT_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Received:
    """One message as a subscriber sees it."""

    topic: str
    event: dict[str, Any]
    size_bytes: int
    retained: bool

    @property
    def kind(self) -> str:
        """Return the last part of the topic: hit, read, count, health or checkpoint."""
        return self.topic.rpartition("/")[2]


class Subscriber:
    """Collects every message under platesieve/#; use as a context manager."""

    def __init__(self, broker: DemoBroker) -> None:
        version = mqtt.MQTTv5 if broker.protocol == "5" else mqtt.MQTTv311
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=version)
        self._broker = broker
        self._ready = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe("platesieve/#", 1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._keep
        self._lock = threading.Lock()
        self._received: list[Received] = []

    def __enter__(self) -> Self:
        self._client.connect(self._broker.host, self._broker.port)
        self._client.loop_start()
        if not self._ready.wait(CONNECT_WITHIN_S):
            raise LinkError("the demo's broker does not answer a subscriber", "try again; report it if it stays so")
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def received(self) -> list[Received]:
        """Return everything received so far, oldest first."""
        with self._lock:
            return list(self._received)

    def settled(self, quiet_s: float = 0.5) -> list[Received]:
        """Return everything, once nothing new has come for a moment: a broker answers before it delivers."""
        before = -1
        while before != len(self.received()):
            before = len(self.received())
            time.sleep(quiet_s)
        return self.received()

    def clear(self) -> None:
        """Forget what was received so far."""
        with self._lock:
            self._received.clear()

    def _keep(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        received = Received(message.topic, json.loads(message.payload), len(message.payload), message.retain)
        with self._lock:
            self._received.append(received)
