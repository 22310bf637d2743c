"""The three nodes of deploy/fleet on this machine, and members of a fleet who connect to them."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from platesieve.settings import Uplink
from tests.integration.conftest import wait_until

FLEET = Path(__file__).parents[2] / "deploy" / "fleet"
DEVICE, OTHER, STRANGER = "demo-agency/demo-site/cam-1", "demo-agency/demo-site/cam-2", "other-pd/their-site/cam-1"
COLLECTOR, DASHBOARD = "collector.demo-agency", "dashboard.demo-agency"
OTHER_COLLECTOR, OTHER_DASHBOARD = "collector.other-pd", "dashboard.other-pd"
EVERYBODY = (DEVICE, OTHER, STRANGER, COLLECTOR, DASHBOARD, OTHER_COLLECTOR, OTHER_DASHBOARD)
ANSWER_S = 10.0


def why_not() -> str | None:
    """Return why no cluster can be had here, or None."""
    if Path("/usr/lib/rabbitmq/bin/rabbitmq-server").exists() or os.environ.get("RABBITMQ_HOME"):
        return None
    return "rabbitmq-server is not installed"


class Cluster:
    """Use as a context manager; `folder` stays the caller's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._base = _free_ports()
        self._environment = {**os.environ, "BASE": str(self._base)}
        self.ports = tuple(self._base + node for node in (1, 2, 3))

    def __enter__(self) -> Self:
        nodes = "localhost,localhost,localhost"
        subprocess.run([FLEET / "setup", self.folder, nodes, DEVICE, OTHER, STRANGER], check=True, capture_output=True)
        try:
            self.local("start")
            assert wait_until(lambda: self.running() == 3, 60)
        except BaseException:
            self.__exit__()  # nodes that did start would go on without us
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.local("kill", "1", "2", "3")
        self.local("stop")
        shutil.rmtree(self.folder / "local", ignore_errors=True)

    def local(self, verb: str, *words: str) -> str:
        """Call deploy/fleet/local."""
        command = [str(FLEET / "local"), verb, str(self.folder), *words]
        return subprocess.run(
            command, env=self._environment, check=True, text=True, stdin=subprocess.DEVNULL, capture_output=True
        ).stdout

    def bring_back(self) -> bool:
        """Start the nodes that were killed; return whether all three are together again."""
        for node, port in enumerate(self.ports, 1):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) != 0:
                    self.local("start", str(node))
        return wait_until(lambda: self.running() == 3, 60)

    def running(self) -> int:
        """Return how many nodes know of one another."""
        status = json.loads(self.local("ctl", "cluster_status", "--formatter", "json", "--quiet"))
        return len(status["running_nodes"])

    def definitions(self) -> dict[str, Any]:
        """Return the definitions as deployed."""
        loaded: dict[str, Any] = json.loads((self.folder / "rabbitmq" / "definitions.json").read_text())
        return loaded

    def uplink(self, name: str, first: int = 1, **changes: Any) -> Uplink:
        """Return the settings of a member who begins with this node."""
        ports = [*self.ports[first - 1 :], *self.ports[: first - 1]]
        stem = str(self.folder / "pki" / name.replace("/", "_"))
        settings: dict[str, Any] = {
            "host": "localhost",
            "port": ports[0],
            "other_hosts": tuple(f"localhost:{port}" for port in ports[1:]),
            "ca_file": str(self.folder / "pki" / "ca.crt"),
            "certificate_file": f"{stem}.crt",
            "key_file": f"{stem}.key",
        }
        return Uplink(**{**settings, **changes})


class Member:
    """Somebody with a certificate; reads where the test says and writes where it says. MQTT 3.1.1.

    RabbitMQ ends the connection of who oversteps, so each step is a connection of its own or one that may be over.
    """

    def __init__(self, cluster: Cluster, name: str, client_id: str, node: int = 1) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self._subscribed = threading.Event()
        self._over = threading.Event()
        self._up = threading.Event()
        client = self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv311, reconnect_on_failure=False
        )
        settings = cluster.uplink(name, node)
        client.tls_set(settings.ca_file, settings.certificate_file, settings.key_file)
        client.on_connect = lambda _c, _d, _f, reason, _p: (self._over if reason.is_failure else self._up).set()
        client.on_disconnect = lambda *_: self._over.set()
        client.on_subscribe = lambda _c, _d, _m, reasons, _p: (
            self._over if reasons[0].is_failure else self._subscribed
        ).set()
        client.on_message = lambda _c, _d, message: self.heard.append((message.topic, bytes(message.payload)))
        client.connect("localhost", settings.port)
        client.loop_start()
        self.connected = wait_until(lambda: self._up.is_set() or self._over.is_set()) and self._up.is_set()

    def read(self, topic: str) -> bool:
        """Subscribe; return whether the broker took it."""
        self._subscribed.clear()
        self._client.subscribe(topic, 1)
        wait_until(lambda: self._subscribed.is_set() or self._over.is_set(), ANSWER_S)
        return self._subscribed.is_set()

    def write(self, topic: str, payload: bytes) -> bool:
        """Publish; return whether the broker answered, before anything else ended the connection."""
        sent = self._client.publish(topic, payload, qos=1)
        if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return False
        wait_until(lambda: sent.is_published() or self._over.is_set(), ANSWER_S)
        return sent.is_published()

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()


def client_id(name: str) -> str:
    """Return the client id that a member goes by."""
    role, _, agency = name.partition(".")
    ours = {"collector": f"{agency}:collector:x", "dashboard": f"dashboard:{agency}:x"}
    return ours.get(role) or name.replace("/", ":")


def _free_ports() -> int:
    """Return a number after which the ports that deploy/fleet/local needs are free."""
    for base in range(18_900, 20_000, 40):
        free = 0
        for port in [base + offset for offset in (1, 2, 3, 11, 12, 13, 20)]:
            with socket.socket() as probe:
                free += probe.connect_ex(("127.0.0.1", port)) != 0
        if free == 7:
            return base
    raise OSError("no free ports")


def now_ns() -> int:
    """Return the wall clock."""
    return time.time_ns()
