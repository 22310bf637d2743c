"""A collector's end of MQTT (collector.collect.Inbox): a session that waits for us, acknowledged by hand.

A message is acknowledged to the broker when it is stored, and not before: what a crash takes is delivered again. An
acknowledgement belongs to the connection that the message came on, because a packet identifier means something else
on the next one; what came on an older connection is dropped here, and the broker sends it again.
"""

from __future__ import annotations

import itertools
import logging
import queue
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from platesieve.adapters.mqtt.link import tls_context
from platesieve.collector.records import Message
from platesieve.domain.errors import LinkError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from paho.mqtt.reasoncodes import ReasonCode

    from platesieve.settings import Uplink

_log = logging.getLogger(__name__)
CONNECTED = "connected"
READS = ("hit", "read", "count")
WATCHED = ("health", "checkpoint")
"""Never shared: what is said of a camera or its log depends on what was seen of it before, in order."""
KINDS = (*READS, *WATCHED)
_SESSION_S = 14 * 86_400
_SHARED_SESSION_S = 3_600
"""A broker goes on giving its part to a collector that is away; after an hour the others get it."""
_WINDOW = 500  # messages that the broker sends ahead of our acknowledgements
_RETAIN_ON_NEW_SUBSCRIPTION = 1


@dataclass(frozen=True, slots=True)
class _Arrived(Message):
    """A message with what its acknowledgement needs."""

    connection: int = field(default=0, kw_only=True)
    mid: int = field(default=0, kw_only=True)
    qos: int = field(default=0, kw_only=True)


class MqttInbox:
    """See collector.collect.Inbox. Connects by itself from the moment it is built, again and again.

    Args:
        settings: where the broker is; `host` must be set.
        agency: whose topics.
        client_id: stays the same over restarts, because the broker keeps the session under it.
        share: name of a subscription to READS that several collectors share, or None.
        max_bytes: larger packets are not asked for (MQTT 5).
        retry_s: shortest and longest pause between attempts to connect.
        kinds: what to subscribe to; a witness asks for checkpoints alone.
        sites: whose READS to take; empty: of all. What is WATCHED is never divided.

    Raises:
        LinkError: no broker is set, or neither TLS nor loopback.
        KeyFileError: a certificate or key cannot be used.
    """

    def __init__(
        self,
        settings: Uplink,
        agency: str,
        client_id: str,
        share: str | None,
        max_bytes: int,
        retry_s: tuple[int, int] = (1, 60),
        kinds: Sequence[str] = KINDS,
        sites: Sequence[str] = (),
    ) -> None:
        if settings.host is None:
            raise LinkError("no broker is set for the collector", "set broker.host in the settings of the collector")
        self._nodes = itertools.cycle(_nodes(settings))
        self.state = "connecting"
        self._version5 = settings.protocol == "5"
        self._session_s = _SHARED_SESSION_S if share else _SESSION_S
        shared = f"$share/{share}/" if share else ""
        reads = [kind for kind in kinds if kind in READS]
        self._filters = [f"{shared}platesieve/{agency}/{site}/+/{kind}" for site in sites or ("+",) for kind in reads]
        self._filters += [f"platesieve/{agency}/+/+/{kind}" for kind in kinds if kind not in READS]
        self._arrived: queue.SimpleQueue[_Arrived] = queue.SimpleQueue()
        self._connection = 0
        self._client = self._made(settings, client_id)
        self._client.reconnect_delay_set(*retry_s)
        self._keepalive_s, self._max_bytes = settings.keepalive_s, max_bytes
        self._aim_at_next_node()
        self._client.loop_start()

    def take(self, timeout_s: float, limit: int) -> Sequence[Message]:
        """Return messages that came; see collector.collect.Inbox."""
        taken: list[Message] = []
        end_s = time.monotonic() + timeout_s
        while len(taken) < limit:
            try:
                wait_s = 0.0 if taken else max(end_s - time.monotonic(), 0.0)
                message = self._arrived.get(timeout=wait_s) if wait_s else self._arrived.get_nowait()
            except queue.Empty:
                break
            if message.connection == self._connection:
                taken.append(message)
        return taken

    def done(self, messages: Sequence[Message]) -> None:
        """Acknowledge what is stored."""
        for message in messages:
            if isinstance(message, _Arrived) and message.connection == self._connection and message.qos:
                self._client.ack(message.mid, message.qos)

    def answer(self, device: str, what: str, document: bytes) -> None:
        """Publish on a topic of a device. One that is lost with the connection is asked for again by the device."""
        if self.state == CONNECTED:
            self._client.publish(f"platesieve/{device}/{what}", document, qos=1)

    def close(self) -> None:
        """Disconnect; the session stays with the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    def _aim_at_next_node(self) -> None:
        """Say where paho's thread connects next; it takes the pauses between attempts by itself."""
        extra: dict[str, Any] = {}
        if self._version5:
            extra = {"clean_start": False, "properties": _connect_properties(self._max_bytes, self._session_s)}
        self._client.connect_async(*next(self._nodes), self._keepalive_s, **extra)

    def _made(self, settings: Uplink, client_id: str) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if self._version5 else False,
            protocol=MQTTProtocolVersion.MQTTv5 if self._version5 else MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        client.suppress_exceptions = True
        if (tls := tls_context(settings)) is not None:
            client.tls_set_context(tls)
        if settings.username is not None:
            client.username_pw_set(settings.username)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _on_connect(
        self, client: paho.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        if reason.is_failure:
            self._say(f"the broker refused us: {reason}")
            return
        self._connection += 1
        if self._version5:
            options = SubscribeOptions(qos=1, retainHandling=_RETAIN_ON_NEW_SUBSCRIPTION)
            client.subscribe([(each, options) for each in self._filters])
        else:
            client.subscribe([(each, 1) for each in self._filters])
        self._say(CONNECTED)

    def _on_connect_fail(self, *_: object) -> None:
        self._say("the broker cannot be reached")
        self._aim_at_next_node()

    def _on_disconnect(
        self, _client: paho.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        if reason.is_failure:
            self._say(f"the connection was lost: {reason}")
            self._aim_at_next_node()
        else:
            self.state = "closed"

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        content_type, attributes = _properties_of(message)
        self._arrived.put(
            _Arrived(
                message.topic,
                bytes(message.payload),
                content_type,
                attributes,
                bool(message.retain),
                connection=self._connection,
                mid=message.mid,
                qos=message.qos,
            )
        )

    def _say(self, state: str) -> None:
        if state != self.state:
            _log.log(logging.INFO if state == CONNECTED else logging.WARNING, "broker: %s", state)
        self.state = state


def _nodes(settings: Uplink) -> Sequence[tuple[str, int]]:
    try:
        return settings.brokers
    except ValueError as error:
        raise LinkError(
            "broker.other_hosts names something that is no host", "write host names or addresses, with :port if needed"
        ) from error


def _connect_properties(max_bytes: int, session_s: int) -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho has no annotation here
    properties.SessionExpiryInterval = session_s
    properties.ReceiveMaximum = _WINDOW
    properties.MaximumPacketSize = max_bytes + 4096
    return properties


def _properties_of(message: paho.MQTTMessage) -> tuple[str | None, Mapping[str, str]]:
    properties = getattr(message, "properties", None)
    pairs = getattr(properties, "UserProperty", None) or ()
    return getattr(properties, "ContentType", None), {str(name): str(value) for name, value in pairs}
