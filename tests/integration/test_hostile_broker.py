"""A broker that means harm can keep events from leaving, and nothing else: no crash, no silence, no growth."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING, Self

import pytest

from platesieve.adapters.mqtt.connection import Connection
from platesieve.adapters.mqtt.publisher import MqttPublisher
from platesieve.adapters.mqtt.wire import Address
from platesieve.domain.notice import Command
from platesieve.ports import Delivered
from platesieve.settings import Device, Uplink
from tests.fakes.disclosures import a_hit
from tests.integration.conftest import wait_until

if TYPE_CHECKING:
    from types import TracebackType

    from platesieve.ports import LinkEvent

pytestmark = pytest.mark.integration
CONNACK = b"\x20\x03\x00\x00\x00"
TOPIC = b"platesieve/demo-agency/demo-site/cam-1/do/x"


class HostileBroker:
    """Answers every connection with the same bytes, then listens until the other end goes.

    Usage::

        with HostileBroker(CONNACK + b"junk") as broker:
            ... broker.port, broker.connections ...
    """

    def __init__(self, words: bytes) -> None:
        self._words = words
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.connections = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # the listener was shut down
            while True:
                near, _ = self._listener.accept()
                self.connections += 1
                with near, contextlib.suppress(OSError):  # the device hung up, as it should
                    near.settimeout(1)
                    near.recv(4096)
                    near.sendall(self._words)
                    while near.recv(4096):
                        pass


def publication(payload: bytes, topic: bytes = TOPIC) -> bytes:
    """Return an MQTT 5 PUBLISH with QoS 0 and no properties."""
    rest = len(topic).to_bytes(2, "big") + topic + b"\x00" + payload
    length, left = b"", len(rest)
    while True:
        left, low = divmod(left, 128)
        length += bytes([low | (0x80 if left else 0)])
        if not left:
            return b"\x30" + length + rest


@pytest.mark.parametrize(
    "words",
    [
        b"",
        b"\xff" * 64,
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x20\xff\xff\xff\xff\xff",
        b"\x20\x01\x00",
        b"\x20\x03\x00\x87\x00",
        CONNACK + b"\xff" * 64,
        CONNACK + b"\x40\x00",
        CONNACK + b"\x40\x02\x12\x34" * 100,
        CONNACK + b"\x30\x00",
        CONNACK + publication(b"x", topic=b""),
        CONNACK + publication(b"x", topic=b"\xff\xfe"),
        CONNACK + b"\xe0\x02\x8b\x00",
        CONNACK + b"\x90\x04\x00\x01\x00\x87",
        b"\x20\x06\x00\x00\x03\x21\x00\x00",
    ],
    ids=[
        "silence", "noise", "http", "length without end", "short connack", "not authorised", "noise later",
        "empty puback", "answers to nothing", "empty publish", "empty topic", "topic not utf-8",
        "server shutting down", "subscription refused", "receive maximum zero",
    ],
)  # fmt: skip
def test_bad_words_do_not_stop_the_next_attempt(words: bytes) -> None:
    """Whatever is said, both threads live, nothing counts as delivered, and closing is quick."""
    with HostileBroker(words) as broker:
        settings = Uplink(host="127.0.0.1", port=broker.port)
        publisher = MqttPublisher(settings, Address.from_device(Device()), lambda: None, retry_s=(0.01, 0.05))
        end_s = time.monotonic() + 1.5
        happened: list[LinkEvent] = []
        while time.monotonic() < end_s:
            happened += publisher.events()
            publisher.publish(a_hit("h1", now_wall_ns=time.time_ns()), time.time_ns())
            time.sleep(0.01)
        assert not any(isinstance(event, Delivered) for event in happened)
        assert isinstance(publisher._connection, Connection)
        assert publisher._connection._thread.is_alive()
        assert broker.connections >= 1
        began_s = time.monotonic()
        publisher.close()
        assert time.monotonic() - began_s < 5


def test_a_flood_of_commands_fills_a_bounded_queue(caplog: pytest.LogCaptureFixture) -> None:
    """A thousand commands, thirty-two are kept; a large one is not kept at all; the log has one line of it."""
    words = CONNACK + publication(b"y" * 5000) + publication(b"x" * 100) * 1000
    with HostileBroker(words) as broker:
        settings = Uplink(host="127.0.0.1", port=broker.port)
        publisher = MqttPublisher(settings, Address.from_device(Device()), lambda: None, retry_s=(10, 10))
        assert wait_until(publisher._connection.commands.full)
        time.sleep(0.3)
        commands = [event for event in publisher.events() if isinstance(event, Command)]
        assert commands == [Command(b"x" * 100)] * 32
        publisher.close()
    assert caplog.text.count("commands are dropped") == 1
