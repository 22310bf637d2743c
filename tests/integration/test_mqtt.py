"""The way to a real broker: who is let in, and what arrives."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from platesieve.adapters.mqtt.publisher import MqttPublisher, probe
from platesieve.adapters.mqtt.wire import Address
from platesieve.adapters.mqtt.wire_schemas import schema
from platesieve.domain.disclosure import Kind
from platesieve.domain.notice import Command
from platesieve.ports import Delivered, Joined, Refused
from platesieve.settings import Device, Uplink
from tests.fakes.disclosures import a_hit
from tests.integration.conftest import DEVICE, OTHER, Broker, Dashboard, Relay, hit, now_ns, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import paho.mqtt.client as paho

    from platesieve.ports import LinkEvent

pytestmark = pytest.mark.integration
ADDRESS = Address.from_device(Device())
TOPIC = f"platesieve/{DEVICE}"
ROOT = Path(__file__).parents[2]
MANY = 300


@pytest.fixture
def connect() -> Iterator[Callable[[Uplink], MqttPublisher]]:
    """Return a function that makes a publisher, closed at the end."""
    with ExitStack() as stack:

        def make(settings: Uplink, address: Address = ADDRESS) -> MqttPublisher:
            publisher = MqttPublisher(settings, address, lambda: None, retry_s=(0.1, 0.3))
            stack.callback(publisher.close)
            return publisher

        yield make


def joined(publisher: MqttPublisher) -> bool:
    """Wait for the connection."""
    return wait_until(lambda: Joined() in publisher.events())


def events_until(publisher: MqttPublisher, count: int) -> list[LinkEvent]:
    """Collect events."""
    happened: list[LinkEvent] = []

    def enough() -> bool:
        happened.extend(publisher.events())
        return len(happened) >= count

    wait_until(enough)
    return happened


def property_of(message: paho.MQTTMessage, name: str) -> Any:
    """Return one of the MQTT 5 properties a message came with."""
    return getattr(message.properties, name, None)


def test_an_event_arrives_with_its_type_expiry_and_content_type(
    broker: Broker, dashboard: Dashboard, connect: Callable[..., MqttPublisher]
) -> None:
    """TLS with a client certificate, MQTT 5, and what is left of the retention as message expiry."""
    publisher = connect(broker.uplink())
    assert joined(publisher)
    assert publisher.publish(hit("h1", 600), now_ns())
    assert publisher.in_flight == {"h1"}
    assert events_until(publisher, 1) == [Delivered("h1")]
    assert publisher.in_flight == set()
    assert wait_until(lambda: dashboard.ids() == ["h1"])
    message, event = dashboard.received[-1]
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(event, schema(Kind.HIT))
    assert 595 <= property_of(message, "MessageExpiryInterval") <= 600
    assert property_of(message, "ContentType") == "application/cloudevents+json"
    assert (message.topic, message.qos, message.retain) == (f"{TOPIC}/hit", 1, False)


def test_the_broker_forgets_an_event_whose_subscriber_comes_too_late(
    broker: Broker, connect: Callable[..., MqttPublisher]
) -> None:
    """Retention holds behind us, too: the short one is gone, the long one comes with what is left."""
    early = Dashboard(broker)
    early.close()
    publisher = connect(broker.uplink())
    assert joined(publisher)
    publisher.publish(hit("short", 1.5), now_ns())
    publisher.publish(hit("long", 600), now_ns())
    events_until(publisher, 2)
    time.sleep(2.5)
    late = Dashboard(broker)
    assert wait_until(lambda: "long" in late.ids())
    message, _ = next(pair for pair in late.received if pair[1].get("id") == "long")
    assert late.ids() == ["long"]
    assert property_of(message, "MessageExpiryInterval") <= 598
    late.close()


def test_an_expired_event_is_not_sent(
    broker: Broker, dashboard: Dashboard, connect: Callable[..., MqttPublisher]
) -> None:
    """Not even when the caller asks for it."""
    publisher = connect(broker.uplink())
    assert joined(publisher)
    assert not publisher.publish(hit("expired", -1), now_ns())
    assert not publisher.publish(hit("nearly", 0.9), now_ns())
    assert publisher.publish(hit("alive", 60), now_ns())
    assert wait_until(lambda: "alive" in dashboard.ids())
    assert dashboard.ids() == ["alive"]


@pytest.mark.filterwarnings(  # paho drops a socket whose handshake failed without closing it; the collector closes it
    "ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize("fault", ["no client certificate", "wrong CA", "another name"])
def test_who_cannot_be_trusted_is_not_talked_to(
    broker: Broker, make_broker: Callable[..., Broker], connect: Callable[..., MqttPublisher], fault: str
) -> None:
    """Each refusal has its sentence, and nothing is ever taken."""
    with Relay("127.0.0.2", broker.port) as elsewhere:  # the certificate names 127.0.0.1 only
        settings, said = {
            "no client certificate": (
                broker.uplink(certificate_file=None, key_file=None),
                "asks for a client certificate",
            ),
            "wrong CA": (broker.uplink(ca_file=str(make_broker().folder / "ca.crt")), "certificate was refused"),
            "another name": (broker.uplink(host="127.0.0.2", port=elsewhere.port), "certificate was refused"),
        }[fault]
        publisher = connect(settings)
        assert wait_until(lambda: said in publisher.state), publisher.state
        assert publisher.free == 0
        assert not publisher.publish(hit("h1"), now_ns())


def test_a_device_writes_its_own_topics_only(
    broker: Broker, dashboard: Dashboard, connect: Callable[..., MqttPublisher]
) -> None:
    """With another device's certificate the broker refuses the event, which is told and not lost in silence."""
    publisher = connect(broker.uplink(OTHER))
    assert joined(publisher)
    assert publisher.publish(hit("forged"), now_ns())
    assert events_until(publisher, 1) == [Refused("forged", "Not authorized")]
    assert dashboard.ids() == []


def test_an_event_larger_than_the_broker_takes_is_refused_and_the_link_stays(
    make_broker: Callable[..., Broker], connect: Callable[..., MqttPublisher]
) -> None:
    """Sent all the same, it would end the connection again and again."""
    broker = make_broker()
    small = broker.configuration.read_text().replace("max_packet_size 2097152", "max_packet_size 2000")
    broker.kill()
    broker.configuration.write_text(small)
    broker.start()
    publisher = connect(broker.uplink())
    assert joined(publisher)
    assert not publisher.publish(a_hit("big", now_wall_ns=now_ns(), size=3000), now_ns())
    assert publisher.publish(hit("small"), now_ns())
    assert set(events_until(publisher, 2)) == {Refused("big", "larger than the broker takes"), Delivered("small")}
    assert publisher.state == "connected"


def test_a_probe_tells_the_state_and_disturbs_nobody(
    broker: Broker, dashboard: Dashboard, connect: Callable[..., MqttPublisher]
) -> None:
    """The doctor may look while the uplink runs: no take-over, no last will."""
    publisher = connect(broker.uplink())
    assert joined(publisher)
    assert probe(broker.uplink(), ADDRESS) == "connected"
    assert "asks for a client certificate" in probe(broker.uplink(certificate_file=None, key_file=None), ADDRESS)
    time.sleep(0.3)
    assert publisher.state == "connected"
    assert dashboard.states() == []


def test_commands_come_as_bytes_and_large_ones_not_at_all(
    broker: Broker, dashboard: Dashboard, connect: Callable[..., MqttPublisher]
) -> None:
    """Only bytes up to 4 KiB are ferried; what they mean is not for this process."""
    publisher = connect(broker.uplink())
    assert joined(publisher)
    time.sleep(0.2)
    dashboard.client.publish(f"{TOPIC}/do/suspend", b"x" * 5000, qos=1)
    dashboard.client.publish(f"{TOPIC}/do/suspend", b"\x00signed", qos=1)
    assert events_until(publisher, 1) == [Command(b"\x00signed")]


def test_mqtt_3_1_1_by_setting(broker: Broker, dashboard: Dashboard, connect: Callable[..., MqttPublisher]) -> None:
    """Where the agency's broker is older."""
    arrives_without_properties(connect(broker.uplink(protocol="3.1.1")), dashboard)


@pytest.fixture
def old_broker(broker: Broker) -> Iterator[Uplink]:
    """Return settings for a listener that refuses MQTT 5 as 3.1.1 brokers do, and relays the rest to the broker."""
    with Relay("127.0.0.1", broker.open_plain(), refuse_version_5=True) as relay:
        yield Uplink(host="127.0.0.1", port=relay.port)


def test_mqtt_3_1_1_by_itself_where_5_is_refused(
    old_broker: Uplink, dashboard: Dashboard, connect: Callable[..., MqttPublisher]
) -> None:
    """Nobody has to know beforehand what the broker speaks."""
    arrives_without_properties(connect(old_broker), dashboard)


def arrives_without_properties(publisher: MqttPublisher, dashboard: Dashboard) -> None:
    """Send one and see that its expiry is in the event alone."""
    assert joined(publisher), publisher.state
    publisher.publish(hit("h1", 600), now_ns())
    assert events_until(publisher, 1) == [Delivered("h1")]
    assert wait_until(lambda: dashboard.ids() == ["h1"])
    message, event = dashboard.received[-1]
    assert property_of(message, "MessageExpiryInterval") is None
    assert event["expires"]
