"""Who may write and read what on a broker of deploy/mosquitto: shown by what arrives, not by answers."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.integration.conftest import DEVICE, LIMIT_S, OTHER, STRANGER, wait_until

if TYPE_CHECKING:
    from tests.integration.conftest import Broker

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


@dataclass(frozen=True, slots=True)
class Rights:
    """What was tried and what arrived, as (reader, topic, writer)."""

    table: dict[str, dict[str, set[str]]]
    expected: frozenset[tuple[str, str, str]]
    heard: frozenset[tuple[str, str, str]]
    tried: int


@dataclass(frozen=True, slots=True)
class Row:
    """One member: of the topics it may write or read, and of all others, how many went through."""

    who: str
    writes_own: tuple[int, int]
    writes_others: tuple[int, int]
    reads_own: tuple[int, int]
    reads_others: tuple[int, int]

    @property
    def as_promised(self) -> bool:
        """Return whether all of its own did, and none of the others."""
        own = self.writes_own[0] == self.writes_own[1] and self.reads_own[0] == self.reads_own[1]
        return own and self.writes_others[0] == self.reads_others[0] == 0


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


def examine(broker: Broker) -> Rights:
    """Let everybody subscribe to `#` and write to every topic once; return what arrived where."""
    table = rights()
    with ExitStack() as stack:
        members = {name: Member(broker, name) for name in EVERYBODY}
        for member in members.values():
            stack.callback(member.close)
        for topic in table:
            for name, member in members.items():
                member.write(topic, name.encode())
        expected = {
            (reader, topic, writer) for topic, who in table.items() for writer in who["write"] for reader in who["read"]
        }
        wait_until(lambda: expected <= _heard(members))
        time.sleep(SETTLED_S)  # what must not come would come now
        heard = _heard(members)
    return Rights(table, frozenset(expected), frozenset(heard), len(table) * len(EVERYBODY) ** 2)


def _heard(members: dict[str, Member]) -> set[tuple[str, str, str]]:
    return {(name, topic, payload.decode()) for name, member in members.items() for topic, payload in member.heard}


def rows(found: Rights) -> list[Row]:
    """Return a line for each member."""
    made = []
    for who in EVERYBODY:
        write = {topic for topic, members in found.table.items() if who in members["write"]}
        read = {topic for topic, members in found.table.items() if who in members["read"]}
        written = {topic for _, topic, writer in found.heard if writer == who}
        heard = {topic for reader, topic, _ in found.heard if reader == who}
        everything = set(found.table)
        made.append(
            Row(
                who,
                (len(written & write), len(write)),
                (len(written - write), len(everything - write)),
                (len(heard & read), len(read)),
                (len(heard - read), len(everything - read)),
            )
        )
    return made


def leaks_when_widened(broker: Broker) -> bool:
    """Give another agency's dashboard one rule too many, as the control; return whether it then sees a hit."""
    access = broker.folder / "acl"
    broker.kill()
    access.write_text(f"{access.read_text()}\nuser {OTHER_DASHBOARD}\ntopic read platesieve/#\n")
    broker.start()
    spy, device = Member(broker, OTHER_DASHBOARD), Member(broker, DEVICE)
    device.write(f"platesieve/{DEVICE}/hit", b"x")
    seen = wait_until(lambda: (f"platesieve/{DEVICE}/hit", b"x") in spy.heard)
    spy.close()
    device.close()
    return seen
