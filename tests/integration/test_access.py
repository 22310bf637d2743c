"""Who may write and read what on the broker as deployed: shown by what arrives, never by what a broker answers."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from platesieve.adapters.mqtt.publisher import MqttPublisher, probe
from platesieve.adapters.mqtt.wire import Address
from platesieve.settings import Device
from tests.fakes.disclosures import a_hit
from tests.integration.conftest import DEVICE, LIMIT_S, OTHER, SETUP, STRANGER, Broker, Dashboard, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration
COLLECTOR, DASHBOARD = "collector.demo-agency", "dashboard.demo-agency"
OTHER_DASHBOARD, OTHER_COLLECTOR = "dashboard.other-pd", "collector.other-pd"
KINDS = ("hit", "read", "count", "health", "checkpoint")
ADDRESSED = ("do/suspend", "receipt", "cosigned")
EVERYBODY = (DEVICE, OTHER, STRANGER, COLLECTOR, DASHBOARD, OTHER_COLLECTOR, OTHER_DASHBOARD)
SETTLED_S = 0.6


class Member:
    """Somebody with a certificate who subscribes to everything and writes wherever the test says."""

    def __init__(self, broker: Broker, name: str, transport: str = "tcp") -> None:
        self.name = name
        self.heard: list[tuple[str, bytes]] = []
        ready = threading.Event()
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2,
            f"member:{name.replace('/', ':')}",
            protocol=MQTTProtocolVersion.MQTTv5,
            transport="websockets" if transport == "websockets" else "tcp",
        )
        settings = broker.uplink(name)
        self.client.tls_set(settings.ca_file, settings.certificate_file, settings.key_file)
        self.client.on_connect = lambda client, *_: client.subscribe([("#", 1), ("$share/all/platesieve/#", 1)])
        self.client.on_subscribe = lambda *_: ready.set()
        self.client.on_message = lambda _c, _d, message: self.heard.append((message.topic, bytes(message.payload)))
        port = broker.websockets_port if transport == "websockets" else broker.port
        self.client.connect("localhost", port)
        self.client.loop_start()
        assert ready.wait(LIMIT_S)

    def write(self, topic: str, payload: bytes) -> None:
        """Publish, whatever the broker says to it."""
        self.client.publish(topic, payload, qos=1).wait_for_publish(LIMIT_S)

    def close(self) -> None:
        """Disconnect."""
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def members(broker: Broker) -> Iterator[dict[str, Member]]:
    """Return one of everybody, each subscribed to `#`."""
    with ExitStack() as stack:
        joined = {name: Member(broker, name) for name in EVERYBODY}
        for member in joined.values():
            stack.callback(member.close)
        yield joined


def rights() -> dict[str, dict[str, set[str]]]:
    """Return what the page promises: for each topic who may write it and who may read it."""
    table: dict[str, dict[str, set[str]]] = {}
    for device in (DEVICE, OTHER, STRANGER):
        agency = device.partition("/")[0]
        staff = {f"collector.{agency}", f"dashboard.{agency}"}
        for kind in KINDS:
            table[f"platesieve/{device}/{kind}"] = {"write": {device}, "read": staff}
        for what in ADDRESSED:
            writers = staff if what.startswith("do/") else {f"collector.{agency}"}
            table[f"platesieve/{device}/{what}"] = {"write": writers, "read": {device}}
    table["platesieve/demo-agency"] = table["elsewhere"] = {"write": set(), "read": set()}
    return table


def test_everybody_writes_and_reads_their_own_corner_alone(
    members: dict[str, Member], capsys: pytest.CaptureFixture[str]
) -> None:
    """Each of seven certificates writes to each topic, all of them listen to `#`: exactly what may arrive does."""
    table = rights()
    for topic in table:
        for name, member in members.items():
            member.write(topic, name.encode())
    time.sleep(SETTLED_S)
    expected = {
        (reader, topic, writer) for topic, who in table.items() for writer in who["write"] for reader in who["read"]
    }
    heard = {(name, topic, payload.decode()) for name, member in members.items() for topic, payload in member.heard}
    assert wait_until(lambda: expected <= heard), expected - heard
    with capsys.disabled():
        tried = len(table) * len(members) ** 2
        sys.stdout.write(f"\n  {tried} ways tried, {len(expected)} open as promised, {len(heard - expected)} others\n")
    assert heard == expected


def test_a_wider_access_list_would_be_noticed(make_broker: Callable[..., Broker]) -> None:
    """The control: with one rule too many the test above sees what it must not see."""
    broker = make_broker()
    access = broker.folder / "acl"
    broker.kill()
    access.write_text(f"{access.read_text()}\nuser {OTHER_DASHBOARD}\ntopic read platesieve/#\n")
    broker.start()
    spy, device = Member(broker, OTHER_DASHBOARD), Member(broker, DEVICE)
    device.write(f"platesieve/{DEVICE}/hit", b"x")
    assert wait_until(lambda: (f"platesieve/{DEVICE}/hit", b"x") in spy.heard)
    spy.close()
    device.close()


def test_websockets_have_the_same_rules(broker: Broker, members: dict[str, Member]) -> None:
    """A dashboard in a browser sees its agency's hits, and another agency's dashboard does not."""
    near, far = Member(broker, DASHBOARD, "websockets"), Member(broker, OTHER_DASHBOARD, "websockets")
    members[DEVICE].write(f"platesieve/{DEVICE}/hit", b"one")
    assert wait_until(lambda: (f"platesieve/{DEVICE}/hit", b"one") in near.heard)
    time.sleep(SETTLED_S)
    assert far.heard == []
    near.close()
    far.close()


@pytest.mark.filterwarnings(  # paho drops a socket whose handshake failed without closing it; the collector closes it
    "ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning"
)
def test_a_revoked_certificate_is_refused_and_the_others_are_not(broker: Broker) -> None:
    """A stolen device is let out of the fleet; before that it was in, which is the control."""
    theirs, ours = Address(*OTHER.split("/")), Address.from_device(Device())
    assert probe(broker.uplink(OTHER), theirs) == "connected"
    revoked = subprocess.run(
        [SETUP, "revoke", broker.folder, OTHER.replace("/", "_")], check=True, capture_output=True, text=True
    )
    assert "revoked: demo-agency_demo-site_cam-2" in revoked.stdout
    broker.kill()
    broker.start()

    # The broker's alert may be overtaken by the end of the connection.
    assert probe(broker.uplink(OTHER), theirs) in {"our certificate was revoked", "the broker hung up on us"}
    assert probe(broker.uplink(), ours) == "connected"


def test_a_certificate_that_is_not_there_cannot_be_revoked(broker: Broker) -> None:
    """One sentence and a remedy."""
    refused = subprocess.run([SETUP, "revoke", broker.folder, "nobody"], check=False, capture_output=True, text=True)
    assert (refused.returncode, refused.stderr.splitlines()[1][:5]) == (64, "hint:")


def test_what_a_broker_keeps_on_its_disk_is_sealed(broker: Broker, tmp_path: Path) -> None:
    """An event waits for a dashboard that is away: its canary in clear is on the disk, a sealed one is not."""
    away = Dashboard(broker)
    away.close()
    publisher = MqttPublisher(broker.uplink(), Address.from_device(Device()), lambda: None, retry_s=(0.1, 0.3))
    assert wait_until(lambda: publisher.free > 0 or not publisher.events())
    from tests.fakes.collected import AgencyKey  # noqa: PLC0415 - seals as a device does

    key = AgencyKey.drawn()
    event = key.sealed_event("sealed", device=DEVICE, plate="CANARY1")
    disclosure = a_hit("sealed", now_wall_ns=time.time_ns())
    sealed = type(disclosure)("sealed", disclosure.kind, event.data, disclosure.expires_wall_ns)
    clear = type(disclosure)("clear", disclosure.kind, {"plate": "CANARY2"}, disclosure.expires_wall_ns)
    assert wait_until(lambda: publisher.events() is not None and publisher.free >= 2)
    assert publisher.publish(sealed, time.time_ns())
    assert publisher.publish(clear, time.time_ns())
    assert wait_until(lambda: publisher.events() is not None and not publisher.in_flight)
    broker.save()
    publisher.close()
    on_disk = (broker.folder / "data" / "mosquitto.db").read_bytes()

    assert b"CANARY2" in on_disk  # the control: this is where it would be found
    assert b"CANARY1" not in on_disk
    sealed_plate = event.data["plate"]
    assert isinstance(sealed_plate, dict)
    assert json.dumps(sealed_plate["sealed"]).encode()[1:40] in on_disk
