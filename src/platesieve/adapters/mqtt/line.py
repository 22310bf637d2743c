"""One member's line to the broker: how a paho client is made and dialled, and what its callbacks note.

A paho client lives for one connection. Its own queue would send again what has expired or was delivered
meanwhile (paho issues 377, 698, 856), so every connection starts with an empty one. Who turns the client's
loop is for others: a thread for each device (`connection`), or one loop for a crowd (`crowd`).
"""

from __future__ import annotations

import abc
import itertools
import logging
import queue
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, LogLevel, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from platesieve.adapters.mqtt import wire
from platesieve.adapters.mqtt.link import explain_text
from platesieve.domain.disclosure import Kind

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from paho.mqtt.reasoncodes import ReasonCode

    from platesieve.settings import Uplink

_log = logging.getLogger(__name__)
CONNECTED = "connected"
CONNECTING = "connecting"
ONLY_3_1_1 = "the broker speaks no MQTT 5; going on with 3.1.1"
TRYING_3_1_1 = "the broker hung up on MQTT 5; trying 3.1.1"
MAX_COMMAND_BYTES = 4096
WILL_DELAY_S = 5  # a connection that comes back within this was never offline for subscribers
_SESSION_S = 24 * 3600  # for this long the broker keeps commands for us
_MAX_INCOMING_BYTES = 16384  # commands, receipts and cosignatures are the only things we subscribe to
_MAX_WAITING_COMMANDS = 32
_MAX_WAITING_RECEIPTS = 64  # one that finds no room is lost like any other: the event is sent again
_UNSUPPORTED_VERSION = 0x84


@dataclass(frozen=True, slots=True)
class Up:
    """A connection was accepted: what is needed to publish on it."""

    number: int
    client: paho.Client
    version5: bool
    window: int
    max_packet_bytes: int | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The broker answered a publication."""

    number: int
    mid: int
    failure: str | None


@dataclass(frozen=True, slots=True)
class Down:
    """A connection is over, or never came about."""

    number: int


Happening: TypeAlias = Up | Answer | Down


@dataclass(slots=True)
class Attempt:
    """One connection from its first packet to its end; late callbacks of an old one touch only their own."""

    number: int
    over: threading.Event = field(default_factory=threading.Event)
    accepted: bool = False
    trouble: str | None = None  # why it ended, as far as it is known
    dropped_commands: bool = False  # said once: a flood must not become a flood of log lines


class Line(abc.ABC):
    """One member's line. Everything it learns lies in `happenings`, `commands` and `receipts`.

    Args:
        settings: where the broker is.
        address: who we are in topics; also the client id.
        tls: the TLS context, or None for plain MQTT.
        on_event: called from any thread when there is something new.
        probing: connect under a name of its own, without session and last will, beside an uplink that runs.
    """

    def __init__(
        self,
        settings: Uplink,
        address: wire.Address,
        tls: ssl.SSLContext | None,
        on_event: Callable[[], None],
        *,
        probing: bool = False,
    ) -> None:
        self.happenings: queue.SimpleQueue[Happening] = queue.SimpleQueue()
        self.commands: queue.Queue[bytes] = queue.Queue(_MAX_WAITING_COMMANDS)
        self.receipts: queue.Queue[bytes] = queue.Queue(_MAX_WAITING_RECEIPTS)
        self.state = CONNECTING
        self._settings = settings
        self._nodes = itertools.cycle(settings.brokers)
        self._node = next(self._nodes)
        self._address = address
        self._tls = tls
        self._on_event = on_event
        self._probing = probing
        # Some brokers refuse a slash.
        self._client_id = address.path.replace("/", ":") + (":probe" if probing else "")
        self._protocol: Literal["5", "3.1.1"] = settings.protocol  # of the next connection
        self._wanted = settings.protocol
        self._attempt = Attempt(0)

    @property
    def attempts(self) -> int:
        """Return how many connections were begun so far."""
        return self._attempt.number

    def hang_up(self, why: str) -> None:
        """End the present connection; a new one follows."""
        self._attempt.trouble = why
        self._attempt.over.set()

    @abc.abstractmethod
    def close(self) -> None:
        """Disconnect for good. Safe to call twice."""

    def _dial(self, client: paho.Client) -> None:
        """Open the connection, TLS and all; what the broker says to it comes through the client's loop."""
        extra: dict[str, Any] = {}
        if self._protocol == "5":
            properties = None if self._probing else _connect_properties()
            extra = {"clean_start": self._probing, "properties": properties}
        client.connect(*self._node, self._settings.keepalive_s, **extra)

    def _ended(self, attempt: Attempt, spoken: str) -> None:
        """Say why a connection ended or never came about, and give the next node its turn."""
        self._say(attempt.trouble or ("the connection was lost" if attempt.accepted else self._fall_back()))
        self._prepare_next(attempt, spoken)
        self._on_event()

    def _prepare_next(self, attempt: Attempt, spoken: str) -> None:
        """Give the next node its turn, however a connection ended; unless this one may know 3.1.1 alone."""
        if attempt.accepted:
            self._protocol = self._wanted
        if attempt.accepted or (spoken, self._protocol) != ("5", "3.1.1"):
            self._node = next(self._nodes)

    def _fall_back(self) -> str:
        """Take the other version for the next connection, and return what to say meanwhile.

        A broker should answer a version that it does not speak (MQTT 3.1.1, 3.1.2.2); RabbitMQ before 3.13 hangs up.
        But so does one that dislikes our certificate: therefore 5 has the first word again at every new start.
        """
        why = self._hung_up()
        if self._wanted == "5":
            self._protocol = "3.1.1" if self._protocol == "5" else "5"
            if self._protocol == "3.1.1" and self.state != why:
                return TRYING_3_1_1
        return why

    def _hung_up(self) -> str:
        """Say why a broker may end a connection without a word.

        In TLS 1.3 a client certificate is missed only after the handshake, and the alert may be lost with the
        connection (RFC 8446, section 4.4.2.4, and the reset that follows).
        """
        if self._tls is not None and self._settings.certificate_file is None:
            return "the broker hung up on us; perhaps it asks for a client certificate"
        return "the broker hung up on us"

    def _client(self, attempt: Attempt) -> paho.Client:
        version5 = self._protocol == "5"
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            clean_session=None if version5 else self._probing,
            protocol=MQTTProtocolVersion.MQTTv5 if version5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        client.suppress_exceptions = True
        client.max_inflight_messages_set(self._settings.max_in_flight + 1)  # one more for the word `offline`
        client.max_queued_messages_set(self._settings.max_in_flight + 1)
        if self._tls is not None:
            client.tls_set_context(self._tls)
        if self._settings.username is not None:
            client.username_pw_set(self._settings.username)
        if not self._probing:
            client.will_set(
                self._address.topic(Kind.HEALTH),
                wire.encode_offline(self._address),
                qos=1,
                retain=True,
                properties=_will_properties() if version5 else None,
            )
        self._hook(client, attempt)
        return client

    def _hook(self, client: paho.Client, attempt: Attempt) -> None:
        """Set the callbacks. They run in paho's thread and only note what happened."""

        def on_connect(
            client: paho.Client, _userdata: object, _flags: object, reason: ReasonCode, properties: Properties | None
        ) -> None:
            if reason.is_failure:
                self._refused(attempt, reason)
                client.disconnect()
                return
            attempt.accepted = True
            if not self._probing:
                topics = (self._address.commands, self._address.receipts, self._address.cosigned)
                client.subscribe([(topic, 1) for topic in topics])
            window = min(self._settings.max_in_flight, getattr(properties, "ReceiveMaximum", 0xFFFF))
            largest = getattr(properties, "MaximumPacketSize", None)
            self._note(Up(attempt.number, client, self._protocol == "5", window, largest))
            self._say(CONNECTED)

        def on_disconnect(
            _client: paho.Client, _userdata: object, flags: paho.DisconnectFlags, reason: ReasonCode, _props: object
        ) -> None:
            if flags.is_disconnect_packet_from_server:
                attempt.trouble = attempt.trouble or f"the broker disconnected us: {reason}"
            attempt.over.set()

        def on_publish(_client: paho.Client, _userdata: object, mid: int, reason: ReasonCode, _props: object) -> None:
            self._note(Answer(attempt.number, mid, str(reason) if reason.is_failure else None))

        def on_message(_client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
            self._take(attempt, message.topic, bytes(message.payload))

        def on_log(_client: paho.Client, _userdata: object, level: int, text: str) -> None:
            # TLS 1.3 refuses a client certificate after the handshake: paho tells only its log why.
            if level == LogLevel.MQTT_LOG_ERR:
                attempt.trouble = explain_text(text) or attempt.trouble

        client.on_connect = on_connect
        client.on_disconnect = on_disconnect
        client.on_publish = on_publish
        client.on_message = on_message
        client.on_log = on_log

    def _note(self, happening: Happening) -> None:
        self.happenings.put(happening)
        self._on_event()

    def _refused(self, attempt: Attempt, reason: ReasonCode) -> None:
        if self._protocol == "5" and reason.value == _UNSUPPORTED_VERSION:
            self._protocol = self._wanted = "3.1.1"
            attempt.trouble = ONLY_3_1_1
        else:
            attempt.trouble = f"the broker refused us: {reason}"

    def _take(self, attempt: Attempt, topic: str, payload: bytes) -> None:
        """Keep what was subscribed to; amqtt 0.11 hands a new subscriber every retained message, asked for or not."""
        if topic == self._address.receipts:
            self._keep_receipt(payload)
        elif topic == self._address.cosigned or paho.topic_matches_sub(self._address.commands, topic):
            self._ferry(attempt, payload)

    def _keep_receipt(self, payload: bytes) -> None:
        try:
            self.receipts.put_nowait(payload)
            self._on_event()
        except queue.Full:
            _log.info("more receipts came at once than are kept; what they were for is sent again")

    def _ferry(self, attempt: Attempt, payload: bytes) -> None:
        try:
            if len(payload) <= MAX_COMMAND_BYTES:
                self.commands.put_nowait(payload)
                self._on_event()
                return
        except queue.Full:
            pass
        if not attempt.dropped_commands:
            _log.warning("commands are dropped that are larger than %d bytes or too many", MAX_COMMAND_BYTES)
        attempt.dropped_commands = True

    def _say(self, state: str) -> None:
        """Set the state; a change is one line in the log, a thousand attempts are not a thousand."""
        if state != self.state:
            _log.log(logging.INFO if state == CONNECTED else logging.WARNING, "broker: %s", state)
        self.state = state


def publication_properties(left_s: int | None, attributes: Mapping[str, str] | None = None) -> Properties:
    """Return the MQTT 5 properties of an event with `left_s` seconds to live (None: no end).

    Args:
        left_s: what is left of its life.
        attributes: those of a CloudEvent in binary mode; None in structured mode.
    """
    properties = _properties(PacketTypes.PUBLISH)
    properties.ContentType = wire.CONTENT_TYPE if attributes is None else wire.BINARY_CONTENT_TYPE
    if attributes is not None:
        properties.UserProperty = list(attributes.items())
    properties.PayloadFormatIndicator = 1
    if left_s is not None:
        properties.MessageExpiryInterval = left_s
    return properties


def _connect_properties() -> Properties:
    properties = _properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = _SESSION_S
    properties.MaximumPacketSize = _MAX_INCOMING_BYTES
    properties.ReceiveMaximum = _MAX_WAITING_COMMANDS
    return properties


def _will_properties() -> Properties:
    properties = _properties(PacketTypes.WILLMESSAGE)
    properties.ContentType = wire.CONTENT_TYPE
    properties.PayloadFormatIndicator = 1
    properties.WillDelayInterval = WILL_DELAY_S
    return properties


def _properties(packet_type: int) -> Properties:
    return Properties(packet_type)  # type: ignore[no-untyped-call]  # paho has no annotation here


def hang_up(client: paho.Client) -> None:
    """End the connection at once, so that whoever turns the client's loop sees it."""
    open_socket = client.socket()
    if open_socket is not None:
        try:
            cast("socket.socket", open_socket).shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it was over already
