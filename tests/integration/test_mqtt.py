"""The way to a real broker: who is let in, what arrives, and what survives a kill of either side."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from platesieve.adapters.local.pipe_outlet import PipeOutlet
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.adapters.mqtt.publisher import MqttPublisher, probe
from platesieve.adapters.mqtt.wire import Address
from platesieve.adapters.mqtt.wire_schemas import schema
from platesieve.domain.disclosure import Kind
from platesieve.domain.notice import Command, Erased
from platesieve.ports import Delivered, Joined, Refused
from platesieve.settings import Device, Uplink
from tests.fakes.disclosures import a_health, a_hit
from tests.integration.conftest import DEVICE, OTHER, Broker, Dashboard, Relay, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import paho.mqtt.client as paho

    from platesieve.domain.disclosure import Disclosure
    from platesieve.ports import LinkEvent

pytestmark = pytest.mark.integration
ADDRESS = Address.from_device(Device())
TOPIC = f"platesieve/{DEVICE}"
ROOT = Path(__file__).parents[2]
MANY = 300


def now_ns() -> int:
    """Return the wall clock: a real broker counts real seconds."""
    return time.time_ns()


def hit(id_: str, expires_in_s: float = 600) -> Disclosure:
    """Return a hit that lives from now on."""
    return a_hit(id_, expires_in_s=expires_in_s, now_wall_ns=now_ns())


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


@pytest.fixture
def old_broker(broker: Broker) -> Iterator[Uplink]:
    """Return settings for a listener that refuses MQTT 5 as 3.1.1 brokers do, and relays the rest to the broker."""
    with Relay("127.0.0.1", broker.open_plain(), refuse_version_5=True) as relay:
        yield Uplink(host="127.0.0.1", port=relay.port)


class Running:
    """An uplink process and the camera process's end of its pipe."""

    def __init__(self, folder: Path, settings: Uplink, *more: str) -> None:
        self.folder = folder
        self._command = [
            sys.executable,
            str(ROOT / "tests/integration/uplink_process.py"),
            str(folder),
            json.dumps(asdict(settings)),
            *more,
        ]
        self.outlet = PipeOutlet(folder / "uplink.sock", SystemClock(), retry_min_s=0.05, retry_max_s=0.2)
        self.start()

    def start(self) -> None:
        """Start the uplink process."""
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self._command, env=environment, stdout=subprocess.PIPE, stderr=log)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def end(self, how: signal.Signals) -> str:
        """End the uplink process; return what it printed last."""
        self.process.send_signal(how)
        printed, _ = self.process.communicate(timeout=10)
        return printed.decode()


@pytest.fixture
def device(broker: Broker, tmp_path: Path) -> Iterator[Running]:
    """Return a running device."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    running = Running(folder, broker.uplink())
    yield running
    running.process.kill()
    running.process.communicate()
    running.outlet.close()


def test_health_is_retained_and_the_will_says_offline_after_a_kill(
    broker: Broker, dashboard: Dashboard, device: Running
) -> None:
    """Whoever subscribes later sees the present state; after kill -9 that is `offline`; after a start, health again."""
    device.outlet.send(a_health("reading"))
    assert wait_until(lambda: dashboard.states()[-1:] == ["reading"])
    device.end(signal.SIGKILL)
    assert wait_until(lambda: dashboard.states()[-1:] == ["offline"]), dashboard.states()
    late = Dashboard(broker)
    assert wait_until(lambda: late.states() == ["offline"])
    assert late.received[0][0].retain
    late.close()
    device.start()
    device.outlet.send(a_health("reading", "newer"))
    assert wait_until(lambda: dashboard.states()[-1:] == ["reading"])


def test_a_termination_is_quick_and_says_offline(dashboard: Dashboard, device: Running) -> None:
    """SIGTERM ends within five seconds with everything durable."""
    device.outlet.send(a_health("reading"))
    assert wait_until(lambda: dashboard.states()[-1:] == ["reading"])
    began_s = time.monotonic()
    assert device.end(signal.SIGTERM) == "left 0\n"
    assert time.monotonic() - began_s < 5
    assert device.process.returncode == 0
    assert wait_until(lambda: dashboard.states()[-1:] == ["offline"])


def test_nothing_is_lost_when_broker_and_uplink_are_killed_in_the_middle(
    broker: Broker, dashboard: Dashboard, device: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every event arrives, none that was not sent; twice is allowed on the wire and harmless by id.

    The broker takes events off the outbox with its answer and keeps them in memory until its next save: those
    for the subscriber that is away at the kill are the broker's to lose (mosquitto issue 3687), so the
    subscriber here stays, and what was answered has been passed on.
    """
    sent = [f"h{i}" for i in range(MANY)]
    for number, id_ in enumerate(sent):
        device.outlet.send(hit(id_))
        time.sleep(0.005)
        if number == MANY // 3:
            broker.kill()
        if number == MANY // 2:
            device.end(signal.SIGKILL)
            device.start()
        if number == 2 * MANY // 3:
            broker.start()
    assert device.outlet.drain(20)
    assert wait_until(lambda: set(sent) <= set(dashboard.ids()), 30), set(sent) - set(dashboard.ids())
    got = dashboard.ids()
    unexpected, twice = len(set(got) - set(sent)), len(got) - len(set(got))
    with capsys.disabled():
        sys.stdout.write(f"\n  sent {MANY}, lost 0, unexpected {unexpected}, wire duplicates {twice}\n")
    assert set(got) == set(sent)


def test_what_expires_while_the_broker_is_away_is_never_sent(
    broker: Broker, dashboard: Dashboard, device: Running
) -> None:
    """The outage does not lengthen a life, and the camera process is told of the loss."""
    broker.kill()
    device.outlet.send(hit("short", 2))
    device.outlet.send(hit("long", 600))
    assert device.outlet.drain(10)
    time.sleep(3)
    broker.start()
    assert wait_until(lambda: "long" in dashboard.ids())
    assert dashboard.ids() == ["long"]
    notices = device.outlet.notices()
    assert [(n.count, n.reason) for n in notices if isinstance(n, Erased)] == [(1, "expired")]


def test_a_draining_run_ends_by_itself(broker: Broker, dashboard: Dashboard, tmp_path: Path) -> None:
    """The demo: the camera process says goodbye, everything is delivered, its last word stands."""
    folder = tmp_path / "drain"
    folder.mkdir()
    device = Running(folder, broker.uplink(), "drain")
    for i in range(50):
        device.outlet.send(hit(f"h{i}"))
    device.outlet.send(a_health("stopped"))
    assert device.outlet.drain(10)
    device.outlet.close()
    printed, _ = device.process.communicate(timeout=15)
    assert printed == b"left 0\n"
    assert wait_until(lambda: len(dashboard.ids()) == 50 and dashboard.states() == ["stopped"])


def test_the_log_names_no_body(broker: Broker, dashboard: Dashboard, device: Running) -> None:
    """Ids' beginnings, kinds, counts and states; what is in an event stays out."""
    device.outlet.send(a_hit("h1", now_wall_ns=now_ns(), size=40))
    assert wait_until(lambda: "h1" in dashboard.ids())
    device.end(signal.SIGTERM)
    log = (device.folder / "log").read_text()
    assert "connected" in log
    assert "sealed" not in log
    assert "x" * 40 not in log


def test_the_setup_command_keeps_what_exists(broker: Broker) -> None:
    """Run again for one more device of another agency, no certificate changes."""
    before = {file.name: file.read_bytes() for file in broker.folder.glob("*.crt")}
    setup = ROOT / "deploy" / "mosquitto" / "setup"
    folder = broker.folder.parent / "copy"
    shutil.copytree(broker.folder, folder)
    subprocess.run([setup, folder, "localhost", DEVICE, "a/b/new"], check=True, capture_output=True)
    after = {file.name: file.read_bytes() for file in folder.glob("*.crt")}
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {"a_b_new.crt", "collector.a.crt", "dashboard.a.crt"}
    refused = subprocess.run([setup, folder, "localhost", "a/+/c"], check=False, capture_output=True)
    assert refused.returncode == 64
