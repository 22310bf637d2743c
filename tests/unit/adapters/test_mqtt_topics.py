"""What a broker hands out on topics that nobody asked for is nothing to a device."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

from platesieve.adapters.mqtt.publisher import MqttPublisher
from platesieve.adapters.mqtt.wire import Address
from platesieve.domain.notice import Command
from platesieve.ports import Receipted
from platesieve.settings import Device, Uplink

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDRESS = Address.from_device(Device())
CONNACK, SUBACK = b"\x20\x02\x00\x00", 0x90


def packet(topic: str, payload: bytes) -> bytes:
    """Return a PUBLISH of MQTT 3.1.1 at QoS 0 (section 3.3), short enough for one byte of length."""
    body = len(topic).to_bytes(2) + topic.encode() + payload
    return bytes([0x30, len(body)]) + body


@contextlib.contextmanager
def broker_that_sends(*packets: bytes) -> Iterator[int]:
    """Take one client, grant three subscriptions, and send it what it is told to; yield the port."""
    done = threading.Event()

    def serve(listener: socket.socket) -> None:
        client, _ = listener.accept()
        with client, contextlib.suppress(OSError):
            client.recv(4096)
            client.sendall(CONNACK)
            asked = client.recv(4096)
            client.sendall(bytes([SUBACK, 5, *asked[2:4], 1, 1, 1]) + b"".join(packets))
            done.wait(20)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            done.set()
            thread.join(5)


def test_only_what_was_asked_for_is_a_command_or_a_receipt() -> None:
    """A retained checkpoint that comes back unasked is no command, and says nothing in the log."""
    own = f"platesieve/{ADDRESS.path}"
    sent = (
        packet(f"{own}/checkpoint", b"retained"),
        packet(f"{own}/do", b"too short"),
        packet(f"{own}/do/a/b", b"too long"),
        packet("platesieve/someone/else/do/suspend", b"another's"),
        packet(f"{own}/do/suspend", b"order"),
        packet(f"{own}/cosigned", b"witnessed"),
        packet(f"{own}/receipt", b"receipt"),
    )
    with broker_that_sends(*sent) as port:
        settings = Uplink(host="127.0.0.1", port=port, protocol="3.1.1")
        publisher, found = MqttPublisher(settings, ADDRESS, lambda: None), []
        try:
            end_s = time.monotonic() + 10
            while Receipted(b"receipt") not in found and time.monotonic() < end_s:
                found += [e for e in publisher.events() if isinstance(e, Command | Receipted)]
                time.sleep(0.01)
        finally:
            publisher.close()
    assert found == [Command(b"order"), Command(b"witnessed"), Receipted(b"receipt")]
