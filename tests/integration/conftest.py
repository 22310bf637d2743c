"""A real Mosquitto with the certificates and access list of deploy/mosquitto, started on a free loopback port."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from platesieve.settings import Uplink
from tests.fakes.disclosures import a_hit
from tests.integration.ports import free_port
from tests.integration.postgres import Cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from platesieve.domain.disclosure import Disclosure

SETUP = Path(__file__).parents[2] / "deploy" / "mosquitto" / "setup"
DEVICE = "demo-agency/demo-site/cam-1"
OTHER = "demo-agency/demo-site/cam-2"
STRANGER = "other-pd/their-site/cam-1"  # of another agency on the same broker
LIMIT_S = 15.0


def wait_until(done: Callable[[], bool], limit_s: float = LIMIT_S) -> bool:
    """Wait for something; return whether it came."""
    end_s = time.monotonic() + limit_s
    while not (came := done()) and time.monotonic() < end_s:
        time.sleep(0.01)
    return came


def now_ns() -> int:
    """Return the wall clock: a real broker counts real seconds."""
    return time.time_ns()


def hit(id_: str, expires_in_s: float = 600) -> Disclosure:
    """Return a hit that lives from now on."""
    return a_hit(id_, expires_in_s=expires_in_s, now_wall_ns=now_ns())


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Broker:
    """A Mosquitto that can be killed and started again on the same port with the same data.

    Usage::

        broker.kill(); broker.start()
        broker.uplink()                 # settings of the device, with its certificate
    """

    def __init__(
        self, program: str, folder: Path, extra: str = "", names: Sequence[str] = (DEVICE, OTHER, STRANGER)
    ) -> None:
        self.folder = folder
        self.port, self.websockets_port = free_port(), free_port()
        self._ports = [self.port]
        self._program = program
        environment = {**os.environ, "PORT": str(self.port), "WEBSOCKETS_PORT": str(self.websockets_port)}
        subprocess.run([SETUP, folder, "localhost", *names], env=environment, check=True, capture_output=True)
        self.configuration = folder / "mosquitto.conf"
        text = self.configuration.read_text()
        for port in (self.port, self.websockets_port):
            text = text.replace(f"listener {port}", f"listener {port} 127.0.0.1")
        self.configuration.write_text(text + extra)
        _let_in(folder)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start and wait until it accepts connections."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([self._program, "-c", self.configuration], stderr=log, stdout=log)
        assert wait_until(self._listens), (self.folder / "log").read_text()

    def save(self) -> None:
        """Let it write sessions and retained messages to disk now, as it would every 30 s."""
        store = self.folder / "data" / "mosquitto.db"
        before_ns = store.stat().st_mtime_ns if store.exists() else 0
        if self._process is not None:
            self._process.send_signal(signal.SIGUSR1)
        assert wait_until(lambda: store.exists() and store.stat().st_mtime_ns > before_ns)

    def open_plain(self) -> int:
        """Let anybody in on a plain listener of loopback, for relays that look into packets; return its port."""
        plain = free_port()
        self.kill()
        text = self.configuration.read_text().replace("allow_anonymous false", "allow_anonymous true")
        self.configuration.write_text(f"{text}\nlistener {plain} 127.0.0.1\n")
        access = self.folder / "acl"
        access.write_text(f"topic readwrite platesieve/#\n{access.read_text()}")
        self._ports.append(plain)
        self.start()
        return plain

    def kill(self) -> None:
        """SIGKILL: whatever it had only in memory is gone."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def uplink(self, name: str = DEVICE, **changes: Any) -> Uplink:
        """Return the settings of a device."""
        stem = str(self.folder / name.replace("/", "_"))  # also of collector.AGENCY and dashboard.AGENCY
        settings: dict[str, Any] = {
            "host": "localhost",
            "port": self.port,
            "ca_file": str(self.folder / "ca.crt"),
            "certificate_file": f"{stem}.crt",
            "key_file": f"{stem}.key",
        }
        return Uplink(**{**settings, **changes})

    def _listens(self) -> bool:
        return all(map(_answers, self._ports))


@dataclass
class Dashboard:
    """A subscriber with the dashboard's certificate: what it received, as parsed events with their properties.

    Usage::

        dashboard = Dashboard(broker)
        dashboard.ids()
        dashboard.close()
    """

    broker: Broker
    topics: str = "platesieve/#"
    agency: str = "demo-agency"
    received: list[tuple[paho.MQTTMessage, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        ready = threading.Event()
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2, f"dashboard.{self.agency}", protocol=MQTTProtocolVersion.MQTTv5
        )
        folder = self.broker.folder
        who = str(folder / f"dashboard.{self.agency}")
        self.client.tls_set(str(folder / "ca.crt"), f"{who}.crt", f"{who}.key")
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = lambda client, *_: client.subscribe(self.topics, qos=1)
        self.client.on_subscribe = lambda *_: ready.set()
        self.client.on_message = lambda _client, _data, message: self.received.append(
            (message, json.loads(message.payload) if message.payload else {})
        )
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho has no annotation here
        properties.SessionExpiryInterval = 3600
        self.client.connect("localhost", self.broker.port, clean_start=False, properties=properties)
        self.client.loop_start()
        assert ready.wait(LIMIT_S)
        self.broker.save()  # the subscription survives a kill of the broker

    def ids(self, kind: str = "hit") -> list[str]:
        """Return the ids of one kind in order of arrival, duplicates too."""
        return [event["id"] for message, event in list(self.received) if message.topic.endswith(f"/{kind}")]

    def states(self) -> list[str]:
        """Return the states that health told."""
        return [event["data"]["state"] for message, event in list(self.received) if message.topic.endswith("/health")]

    def close(self) -> None:
        """Disconnect."""
        self.client.disconnect()
        self.client.loop_stop()


class Relay:
    """Relays TCP from a free port of `host` to a port of 127.0.0.1, and can answer MQTT 5 as an older broker would.

    Usage::

        with Relay("127.0.0.2", broker.port) as relay:
            ... relay.port ...
    """

    def __init__(self, host: str, target_port: int, *, refuse_version_5: bool = False) -> None:
        self._target = ("127.0.0.1", target_port)
        self._refuse_version_5 = refuse_version_5
        self._open: list[socket.socket] = []
        self._listener = socket.create_server((host, 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):  # the other end may have gone already
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                near, _ = self._listener.accept()
                self._open.append(near)
                threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        with contextlib.suppress(OSError):  # either end hung up: these tests are about that
            first = near.recv(4096)
            version = first[first.index(b"MQTT") + 4] if self._refuse_version_5 else None  # of the CONNECT packet
            if version == 5:
                near.sendall(b"\x20\x02\x00\x01")  # MQTT 3.1.1, 3.2.2.3: unacceptable protocol version
                near.shutdown(socket.SHUT_RDWR)
                return
            far = socket.create_connection(self._target)
            self._open.append(far)
            far.sendall(first)
            threading.Thread(target=_pump, args=(far, near), daemon=True).start()
            _pump(near, far)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):  # either end hung up
        while data := source.recv(4096):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_RDWR)


def _let_in(folder: Path) -> None:
    """Let Mosquitto, which leaves root for a user of its own, walk to its folder below pytest's private ones."""
    if os.geteuid() == 0:
        for parent in (folder, *folder.parents):
            if parent == Path("/"):
                break
            parent.chmod(parent.stat().st_mode | 0o011)


def find_mosquitto() -> str:
    """Return the program, which Debian keeps off the PATH of users; or skip."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip("mosquitto is not installed")
    return found


@pytest.fixture(scope="session")
def mosquitto() -> str:
    """Return the broker's program, or skip."""
    return find_mosquitto()


@pytest.fixture
def make_broker(mosquitto: str, tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    """Return a function that starts a broker with extra lines of configuration."""
    brokers: list[Broker] = []

    def make(extra: str = "") -> Broker:
        brokers.append(Broker(mosquitto, tmp_path / f"broker{len(brokers)}", extra))
        return brokers[-1]

    yield make
    for broker in brokers:
        broker.kill()


@pytest.fixture
def broker(make_broker: Callable[..., Broker]) -> Broker:
    """Return the broker as deployed."""
    return make_broker()


@pytest.fixture
def dashboard(broker: Broker) -> Iterator[Dashboard]:
    """Return a subscriber to everything."""
    subscriber = Dashboard(broker)
    yield subscriber
    subscriber.close()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a private PostgreSQL, or skip where it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("postgresql is not installed")
    with tempfile.TemporaryDirectory(prefix="ps-pg-", dir="/tmp") as folder:
        made = Cluster(found[-1].parent, Path(folder))
        try:
            yield made
        finally:
            made.stop()
