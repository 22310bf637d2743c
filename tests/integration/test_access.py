"""Who may write and read what on the broker as deployed: shown by what arrives, never by what a broker answers."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.mqtt.publisher import MqttPublisher, probe
from platesieve.adapters.mqtt.wire import Address
from platesieve.settings import Device
from tests.fakes.disclosures import a_hit
from tests.integration.conftest import DEVICE, OTHER, SETUP, Broker, Dashboard, wait_until
from tests.wire.rights import DASHBOARD, EVERYBODY, OTHER_DASHBOARD, SETTLED_S, Member, examine, leaks_when_widened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platesieve.domain.disclosure import Json

pytestmark = pytest.mark.integration


@pytest.fixture
def members(broker: Broker) -> Iterator[dict[str, Member]]:
    """Return one of everybody, each subscribed to `#`."""
    with ExitStack() as stack:
        joined = {name: Member(broker, name) for name in EVERYBODY}
        for member in joined.values():
            stack.callback(member.close)
        yield joined


def test_everybody_writes_and_reads_their_own_corner_alone(broker: Broker) -> None:
    """Each of seven certificates writes to each topic, all of them listen to `#`: exactly what may arrive does."""
    found = examine(broker)
    assert found.heard == found.expected
    assert found.tried == 26 * 7 * 7


def test_a_wider_access_list_would_be_noticed(broker: Broker) -> None:
    """The control: with one rule too many the test above sees what it must not see."""
    assert leaks_when_widened(broker)


def test_websockets_have_the_same_rules(broker: Broker, members: dict[str, Member]) -> None:
    """A dashboard in a browser sees its agency's hits, another agency's does not, and nobody comes in without one."""
    near, far = Member(broker, DASHBOARD, "websockets"), Member(broker, OTHER_DASHBOARD, "websockets")
    members[DEVICE].write(f"platesieve/{DEVICE}/hit", b"one")
    assert wait_until(lambda: (f"platesieve/{DEVICE}/hit", b"one") in near.heard)
    time.sleep(SETTLED_S)
    assert far.heard == []
    near.close()
    far.close()
    nobody = ssl.create_default_context(cafile=broker.uplink().ca_file)
    with (
        socket.create_connection(("localhost", broker.websockets_port)) as plain,
        nobody.wrap_socket(plain, server_hostname="localhost") as secure,
        pytest.raises(ssl.SSLError, match="certificate required"),
    ):
        secure.recv(1)  # in TLS 1.3 the refusal comes after the handshake


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


def test_over_websockets_a_revoked_certificate_can_do_nothing(broker: Broker) -> None:
    """Mosquitto 2.0 reads no revocation list there and lets it in; its name is denied everything."""
    topic = f"platesieve/{OTHER}/hit"
    listener = Member(broker, DASHBOARD)
    before = Member(broker, OTHER, "websockets")
    before.write(topic, b"before")
    assert wait_until(lambda: (topic, b"before") in listener.heard)
    before.close()
    listener.close()
    subprocess.run([SETUP, "revoke", broker.folder, OTHER.replace("/", "_")], check=True, capture_output=True)
    broker.kill()
    broker.start()

    with ExitStack() as stack:
        listener, ours = Member(broker, DASHBOARD), Member(broker, DEVICE, "websockets")
        stack.callback(listener.close)
        stack.callback(ours.close)
        heard: list[tuple[str, bytes]] = []
        with suppress(OSError, AssertionError):  # 2.1 refuses the connection itself
            stolen = Member(broker, OTHER, "websockets")
            stack.callback(stolen.close)
            heard = stolen.heard
            stolen.write(topic, b"stolen")
        listener.write(f"platesieve/{OTHER}/do/suspend", b"not for it")
        ours.write(f"platesieve/{DEVICE}/hit", b"ours")
        assert wait_until(lambda: (f"platesieve/{DEVICE}/hit", b"ours") in listener.heard)
        time.sleep(SETTLED_S)
        assert (topic, b"stolen") not in listener.heard
        assert heard == []


def test_a_revoked_name_comes_back_only_where_the_list_is_read(broker: Broker) -> None:
    """With websockets it is refused; without them the new certificate works and the old one does not."""
    stem = OTHER.replace("/", "_")
    subprocess.run([SETUP, "revoke", broker.folder, stem], check=True, capture_output=True)
    (broker.folder / f"{stem}.crt").rename(broker.folder / "stolen.crt")
    (broker.folder / f"{stem}.key").rename(broker.folder / "stolen.key")
    again = [str(SETUP), str(broker.folder), "localhost", OTHER]

    refused = subprocess.run(again, check=False, capture_output=True, text=True)
    assert refused.returncode == 64
    assert "was revoked" in refused.stderr
    assert "hint: give it another name" in refused.stderr

    ports = {**os.environ, "PORT": str(broker.port), "WEBSOCKETS_PORT": "0"}
    subprocess.run(again, env=ports, check=True, capture_output=True)
    assert "websockets" not in (broker.folder / "mosquitto.conf").read_text().split("listener")[-1]
    broker.kill()
    broker.start()
    theirs = Address(*OTHER.split("/"))
    assert probe(broker.uplink(OTHER), theirs) == "connected"
    stolen = replace(
        broker.uplink(OTHER),
        certificate_file=str(broker.folder / "stolen.crt"),
        key_file=str(broker.folder / "stolen.key"),
    )
    assert probe(stolen, theirs) in {"our certificate was revoked", "the broker hung up on us"}


# Of the manual of Mosquitto 2.1, mosquitto.conf(5): what we use of it, and what it says will go.
DOCUMENTED_2_1 = {
    "acl_file", "allow_anonymous", "autosave_interval", "cafile", "certfile", "crlfile", "global_plugin", "keyfile",
    "listener", "log_dest", "log_type", "max_inflight_messages", "max_packet_size", "max_queued_bytes",
    "max_queued_messages", "persistence", "persistence_location", "persistent_client_expiration", "plugin_opt_acl_file",
    "protocol", "require_certificate", "tls_version", "use_identity_as_username",
}  # fmt: skip
DEPRECATED_2_1 = {
    "acl_file", "allow_duplicate_messages", "bind_address", "per_listener_settings", "password_file", "port",
}  # fmt: skip


@pytest.mark.parametrize(("plugin", "deprecated"), [("", {"acl_file"}), ("/usr/lib/mosquitto_acl_file.so", set())])
def test_the_configuration_holds_what_mosquitto_2_1_documents(
    plugin: str, deprecated: set[str], tmp_path: Path
) -> None:
    """No program of 2.1 is to be had here: the options are held to its manual, and both ways say the same otherwise."""
    environment = {**os.environ, "ACL_PLUGIN": plugin}
    subprocess.run([SETUP, tmp_path, "localhost", DEVICE], env=environment, check=True, capture_output=True)
    lines = (tmp_path / "mosquitto.conf").read_text().splitlines()
    used = {line.split()[0] for line in lines if line.strip() and not line.startswith("#")}

    assert used - DOCUMENTED_2_1 == set()
    assert used & DEPRECATED_2_1 == deprecated
    if plugin:
        at = lines.index(f"global_plugin {plugin}")
        assert lines[at + 1] == f"plugin_opt_acl_file {tmp_path}/acl"


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
    spelt: Json = [[[character, 1.0]] for character in "CANARY1"]
    event = key.sealed_event("sealed", device=DEVICE, plate="CANARY1", alternatives=spelt)
    disclosure = a_hit("sealed", now_wall_ns=time.time_ns())
    sealed = type(disclosure)("sealed", disclosure.kind, event.data, disclosure.expires_wall_ns)
    told: dict[str, Json] = {"plate": "CANARY2", "alternatives": spelt}
    clear = type(disclosure)("clear", disclosure.kind, told, disclosure.expires_wall_ns)
    assert wait_until(lambda: publisher.events() is not None and publisher.free >= 2)
    assert publisher.publish(sealed, time.time_ns())
    assert publisher.publish(clear, time.time_ns())
    assert wait_until(lambda: publisher.events() is not None and not publisher.in_flight)
    broker.save()
    publisher.close()
    on_disk = (broker.folder / "data" / "mosquitto.db").read_bytes()

    assert b"CANARY2" in on_disk  # the control: this is where it would be found
    assert b"CANARY1" not in on_disk
    assert on_disk.count(json.dumps(spelt, separators=(",", ":")).encode()) == 1  # that of the event in clear
    sealed_plate = event.data["plate"]
    assert isinstance(sealed_plate, dict)
    assert json.dumps(sealed_plate["sealed"]).encode()[1:40] in on_disk
