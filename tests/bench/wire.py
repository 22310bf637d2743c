"""How many bytes a camera's events take on the network: through a relay that counts, TLS and MQTT and all."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from platesieve.adapters.local.system_clock import SystemClock
from platesieve.adapters.mqtt.publisher import MqttPublisher
from platesieve.adapters.mqtt.wire import Address, encode
from platesieve.bootstrap.given import load_policy
from platesieve.bootstrap.simulated_cameras import simulated_health
from platesieve.policy.instruments import instruments_for
from platesieve.settings import Device
from platesieve.simulation.picture import made_up_crops
from platesieve.simulation.traffic import Street
from tests.integration.conftest import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from platesieve.domain.disclosure import Disclosure
    from tests.integration.conftest import Broker

COUNT = 50
_HEADERS_BYTES = 52  # IPv4 and TCP with time stamps, for each read, which is about each packet


class CountingRelay:
    """Relays TCP and counts what goes up and down, headers estimated for each piece that is read."""

    def __init__(self, target_port: int) -> None:
        self.up_bytes = self.down_bytes = 0
        self._target = ("127.0.0.1", target_port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    @property
    def total(self) -> tuple[int, int]:
        """Return bytes up and down so far."""
        return self.up_bytes, self.down_bytes

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                self._open += [near, far]
                threading.Thread(target=self._pump, args=(near, far, True), daemon=True).start()
                threading.Thread(target=self._pump, args=(far, near, False), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, up: bool) -> None:  # noqa: FBT001 - one of two ways
        with suppress(OSError):
            while data := source.recv(1 << 16):
                pieces = -(-len(data) // 1448)
                if up:
                    self.up_bytes += len(data) + pieces * _HEADERS_BYTES
                else:
                    self.down_bytes += len(data) + pieces * _HEADERS_BYTES
                sink.sendall(data)


def wire_figures(broker: Broker, name: str) -> dict[str, Any]:
    """Return payloads of a hit and of health under hits-only, and what comes on top of them on the network."""
    agency, site, camera = name.split("/")
    device = Device(agency=agency, site=site, device=camera)
    clock, policy = SystemClock(assume=True), load_policy("hits-only")
    instruments = instruments_for(device, dict.fromkeys(policy.recipients, os.urandom(32)), policy.epochs_s)
    street = Street(device, policy, instruments, made_up_crops())
    address = Address.from_device(device)

    def hit() -> Disclosure:
        return street.passes(1, clock.now())

    def health() -> Disclosure:
        return simulated_health(policy, instruments)

    with CountingRelay(broker.port) as relay:
        publisher = MqttPublisher(broker.uplink(name, port=relay.port), address, lambda: None)
        try:
            assert wait_until(lambda: not publisher.events() and publisher.free > 0)
            time.sleep(0.5)  # its subscriptions
            connection = relay.total
            sizes = {"hit": len(encode(hit(), address)), "health": len(encode(health(), address))}
            hits = _sent(publisher, relay, hit)
            healths = _sent(publisher, relay, health)
        finally:
            publisher.close()
    return {
        "hit_payload_bytes": sizes["hit"],
        "health_payload_bytes": sizes["health"],
        "up_beyond_payload_bytes": round(healths[0] - sizes["health"]),
        "hit_up_bytes": round(hits[0]),
        "down_per_event_bytes": round(hits[1]),
        "connecting_bytes": sum(connection),
    }


def _sent(publisher: MqttPublisher, relay: CountingRelay, make: Callable[[], Disclosure]) -> tuple[float, float]:
    """Send some, one by one; return bytes up and down of one."""
    before = relay.total
    for _ in range(COUNT):
        assert publisher.publish(make(), time.time_ns())
        assert wait_until(lambda: bool(publisher.events()) and not publisher.in_flight)
    after = relay.total
    return (after[0] - before[0]) / COUNT, (after[1] - before[1]) / COUNT
