"""What every publisher promises: the same cases on the scripted broker and on a real Mosquitto."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.mqtt.publisher import MqttPublisher
from platesieve.adapters.mqtt.wire import Address
from platesieve.ports import Delivered, Joined
from platesieve.settings import Device
from tests.fakes.disclosures import a_health, a_hit
from tests.fakes.publisher import FakePublisher
from tests.integration.conftest import Broker, find_mosquitto, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platesieve.ports import LinkEvent, Publisher


@pytest.fixture(params=["fake", pytest.param("mosquitto", marks=pytest.mark.integration)])
def publisher(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Publisher]:
    """Return a publisher whose connection is coming up."""
    if request.param == "fake":
        fake = FakePublisher(window=3)
        fake.connect()
        yield fake
        return
    program = find_mosquitto()
    broker = Broker(program, tmp_path / "broker")
    real = MqttPublisher(broker.uplink(max_in_flight=3), Address.from_device(Device()), lambda: None)
    yield real
    real.close()
    broker.kill()


def collect(publisher: Publisher, count: int) -> list[LinkEvent]:
    """Collect events until there are `count`."""
    happened: list[LinkEvent] = []

    def enough() -> bool:
        happened.extend(publisher.events())
        return len(happened) >= count

    wait_until(enough)
    return happened


def test_what_is_published_is_in_flight_until_delivered(publisher: Publisher) -> None:
    """Joined once, then one Delivered for each."""
    now_ns = time.time_ns()
    assert collect(publisher, 1) == [Joined()]
    assert publisher.state == "connected"
    assert publisher.publish(a_hit("h1", now_wall_ns=now_ns), now_ns)
    assert publisher.publish(a_health("reading"), now_ns)
    assert publisher.in_flight == {"h1", "health"}
    assert publisher.free == 1
    assert collect(publisher, 2) == [Delivered("h1"), Delivered("health")]
    assert publisher.in_flight == set()
    assert publisher.free == 3


def test_beyond_the_window_nothing_is_taken(publisher: Publisher) -> None:
    """Nor what has expired; neither is an error."""
    now_ns = time.time_ns()
    collect(publisher, 1)
    assert not publisher.publish(a_hit("expired", expires_in_s=0.5, now_wall_ns=now_ns), now_ns)
    taken = [publisher.publish(a_hit(f"h{i}", now_wall_ns=now_ns), now_ns) for i in range(4)]
    assert taken == [True, True, True, False]
    assert len(collect(publisher, 3)) == 3


def test_closing_twice_is_harmless(publisher: Publisher) -> None:
    """As the port says."""
    publisher.close()
    publisher.close()
