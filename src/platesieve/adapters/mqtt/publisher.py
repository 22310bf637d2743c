"""MQTT as transport only (ports.Publisher): at most `max_in_flight` events, each gone from here when answered.

Used by one thread, the outbox's owner. What happens in other threads comes to it through queues.
"""

from __future__ import annotations

import logging
import queue
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from paho.mqtt.enums import MQTTErrorCode

from platesieve.adapters.mqtt import wire
from platesieve.adapters.mqtt.connection import Connection
from platesieve.adapters.mqtt.home_assistant import discovery
from platesieve.adapters.mqtt.line import (
    CONNECTED,
    CONNECTING,
    ONLY_3_1_1,
    TRYING_3_1_1,
    Answer,
    Down,
    Up,
    publication_properties,
)
from platesieve.adapters.mqtt.link import tls_context
from platesieve.domain.disclosure import Kind
from platesieve.domain.notice import Command
from platesieve.ports import Delivered, Joined, Receipted, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from platesieve.adapters.mqtt.line import Happening, Line
    from platesieve.domain.disclosure import Disclosure
    from platesieve.ports import LinkEvent, Publisher
    from platesieve.settings import Uplink

T = TypeVar("T")
_log = logging.getLogger(__name__)
_ENVELOPE_BYTES = 512  # topic and properties, generously
_ANSWER_LIMIT_S = 60.0  # a broker that answers pings but not publications for this long is hung up on
_PARTING_S = 1.0  # how long the last answers may take at the end


@dataclass(slots=True)
class _Session:
    """One connection as the owner sees it: what is in flight, by packet identifier, oldest first."""

    up: Up
    waiting: dict[int, tuple[str | None, float]] = field(default_factory=dict)


class MqttPublisher:
    """See ports.Publisher. Connects by itself from the moment it is built.

    Args:
        settings: where the broker is; `host` must be set.
        address: who we are in topics; also the client id.
        on_event: called from any thread when `events()` has something new.
        retry_s: first and longest pause between attempts to connect, in seconds.
        line: to the broker; None: one of our own, with its two threads.

    Raises:
        KeyFileError, LinkError: see link.tls_context; nothing was sent yet.
    """

    def __init__(
        self,
        settings: Uplink,
        address: wire.Address,
        on_event: Callable[[], None],
        *,
        retry_s: tuple[float, float] = (1.0, 60.0),
        line: Line | None = None,
    ) -> None:
        self._address = address
        self._settings = settings
        self._session: _Session | None = None
        self._too_large: list[LinkEvent] = []
        self._connection = line or Connection(settings, address, tls_context(settings), on_event, retry_s)

    @property
    def state(self) -> str:
        """Return `connected`, or in one sentence why not."""
        return self._connection.state

    @property
    def free(self) -> int:
        """Return how many more may be published now; 0 without a connection."""
        return 0 if self._session is None else max(self._session.up.window - len(self._session.waiting), 0)

    @property
    def in_flight(self) -> AbstractSet[str]:
        """Return the ids that were published on this connection and not answered yet."""
        waiting = self._session.waiting.values() if self._session else ()
        return {id_ for id_, _ in waiting if id_ is not None}

    def publish(self, disclosure: Disclosure, now_wall_ns: int) -> bool:
        """Send one; return whether it was taken."""
        left_s = wire.remaining_s(disclosure.expires_wall_ns, now_wall_ns)
        if self._session is None or self.free == 0 or (left_s is not None and left_s <= 0):
            return False
        payload, attributes = self._encoded(disclosure, self._session)
        limit = self._session.up.max_packet_bytes
        if limit is not None and len(payload) + _ENVELOPE_BYTES > limit:
            # Sent all the same it would end the connection (MQTT 5, 3.2.2.3.6), and then every next one.
            self._too_large.append(Refused(disclosure.id, "larger than the broker takes"))
            return False
        return self._send(self._session, disclosure.kind, payload, left_s, disclosure.id, attributes)

    def events(self) -> Sequence[LinkEvent]:
        """Return, once each and in order, what happened since the last call."""
        happened, self._too_large = self._too_large, []
        while (happening := _next(self._connection.happenings)) is not None:
            happened += self._settle(happening)
        while (command := _next(self._connection.commands)) is not None:
            happened.append(Command(command))
        while (receipt := _next(self._connection.receipts)) is not None:
            happened.append(Receipted(receipt))
        self._hang_up_if_mute()
        return happened

    def say_offline(self) -> None:
        """Publish what the last will says."""
        if self._session is not None:
            self._send(self._session, Kind.HEALTH, wire.encode_offline(self._address), None, None)

    def close(self) -> None:
        """Wait a moment for answers, then disconnect. Safe to call twice."""
        deadline_s = time.monotonic() + _PARTING_S
        while self._session is not None and self._session.waiting and time.monotonic() < deadline_s:
            self.events()
            time.sleep(0.01)
        self._session = None
        self._connection.close()

    def _settle(self, happening: Happening) -> list[LinkEvent]:
        if isinstance(happening, Up):
            self._session = _Session(happening)
            self._announce(self._session)
            return [Joined()]
        session = self._session
        if session is None or session.up.number != happening.number:
            return []
        match happening:
            case Down():
                self._session = None  # what was in flight is due again: the outbox still has it
            case Answer(mid=mid, failure=failure):
                id_, _ = session.waiting.pop(mid, (None, 0.0))
                if id_ is not None:
                    return [Delivered(id_) if failure is None else Refused(id_, failure)]
        return []

    def _encoded(self, disclosure: Disclosure, session: _Session) -> tuple[bytes, Mapping[str, str] | None]:
        """Return the payload, and in binary mode the attributes that stand beside it."""
        if self._settings.content_mode == "binary" and session.up.version5:
            attributes, payload = wire.encode_binary(disclosure, self._address)
            return payload, attributes
        return wire.encode(disclosure, self._address), None

    def _announce(self, session: _Session) -> None:
        """Tell Home Assistant which health there is to show; once for each connection, retained."""
        if self._settings.home_assistant:
            for topic, document in discovery(self._address).items():
                session.up.client.publish(topic, document, qos=0, retain=True)

    def _send(
        self,
        session: _Session,
        kind: Kind,
        payload: bytes,
        left_s: int | None,
        id_: str | None,
        attributes: Mapping[str, str] | None = None,
    ) -> bool:
        # MQTT 3.1.1 has no properties; there `expires` in the event alone says it.
        properties = publication_properties(left_s, attributes) if session.up.version5 else None
        topic = self._address.topic(kind)
        try:
            info = session.up.client.publish(topic, payload, qos=1, retain=kind.lasting, properties=properties)
        except (ValueError, OSError) as error:
            _log.warning("a %s could not be published: %s", kind.value, type(error).__name__)
            return False
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return False
        # The answer may have come already, from paho's thread; it waits in the queue for this line.
        session.waiting[info.mid] = (id_, time.monotonic())
        return True

    def _hang_up_if_mute(self) -> None:
        if self._session is not None and self._session.waiting:
            _, oldest_s = next(iter(self._session.waiting.values()))
            if time.monotonic() - oldest_s > _ANSWER_LIMIT_S:
                self._connection.hang_up("the broker stopped answering")


class NoBroker:
    """The Publisher of a device without `uplink.host`: everything waits in the outbox until it expires."""

    state = "no broker is configured"
    free = 0
    in_flight: AbstractSet[str] = frozenset()

    def publish(self, disclosure: Disclosure, now_wall_ns: int) -> bool:  # noqa: ARG002 - the port's signature
        """Take nothing."""
        return False

    def events(self) -> Sequence[LinkEvent]:
        """Return that nothing happened."""
        return ()

    def say_offline(self) -> None:
        """Tell nobody."""

    def close(self) -> None:
        """Close nothing."""


def open_publisher(settings: Uplink, address: wire.Address, on_event: Callable[[], None]) -> Publisher:
    """Return the way to the broker of these settings; see MqttPublisher for what it raises."""
    return NoBroker() if settings.host is None else MqttPublisher(settings, address, on_event)


def probe(settings: Uplink, address: wire.Address, limit_s: float = 10.0) -> str:
    """Try to connect once, beside an uplink process that may run; return `connected` or in one sentence why not.

    Of several nodes one that takes us is enough, as for the uplink; of none, the first one's reason is returned.

    Raises:
        KeyFileError, LinkError: see link.tls_context.
    """
    if settings.host is None:
        return NoBroker.state
    reasons = []
    for host, port in settings.brokers:
        node = replace(settings, host=host, port=port, other_hosts=())
        reasons.append(_probe_node(node, address, limit_s / len(settings.brokers)))
        if reasons[-1] == CONNECTED:
            return CONNECTED
    return reasons[0]


def _probe_node(settings: Uplink, address: wire.Address, limit_s: float) -> str:
    connection = Connection(settings, address, tls_context(settings), lambda: None, (0.1, 1.0), probing=True)
    end_s = time.monotonic() + limit_s
    while connection.state in {CONNECTING, ONLY_3_1_1, TRYING_3_1_1} and time.monotonic() < end_s:
        time.sleep(0.02)
    state = connection.state
    connection.close()
    return "the broker does not answer" if state == CONNECTING else state


def _next(source: queue.SimpleQueue[T] | queue.Queue[T]) -> T | None:
    try:
        return source.get_nowait()
    except queue.Empty:
        return None
