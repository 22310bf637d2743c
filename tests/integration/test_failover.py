"""Two real brokers, named as nodes of one: the device and a collector follow each other over."""

from __future__ import annotations

import json
import socket
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.mqtt.inbox import MqttInbox
from platesieve.adapters.mqtt.publisher import MqttPublisher
from platesieve.adapters.mqtt.wire import Address
from platesieve.settings import Device, Uplink
from tests.fakes.disclosures import a_hit
from tests.integration.conftest import Broker, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from platesieve.collector.records import Message

pytestmark = pytest.mark.integration


def listens(port: int) -> bool:
    """Return whether a broker listens there."""
    with socket.socket() as visitor:
        return visitor.connect_ex(("127.0.0.1", port)) == 0


def id_of(message: Message) -> str:
    """Return the id of an event."""
    return str(json.loads(message.payload)["id"])


def arrives(id_: str, publisher: MqttPublisher, inbox: MqttInbox) -> bool:
    """Send one event; return whether it comes."""

    def sent() -> bool:
        publisher.events()  # takes note of the connection that there is now
        return publisher.publish(a_hit(id_, now_wall_ns=time.time_ns()), time.time_ns())

    def came() -> bool:
        messages = inbox.take(0.1, 100)
        inbox.done(messages)
        return id_ in {id_of(message) for message in messages}

    return wait_until(sent) and wait_until(came)


def test_the_other_node_takes_over_and_gives_back(make_broker: Callable[..., Broker]) -> None:
    """Each in turn is killed under both ends; both go on with the one that runs, without being told."""
    first, second = make_broker(), make_broker()
    ports = first.open_plain(), second.open_plain()
    assert wait_until(lambda: all(map(listens, ports)))
    where = Uplink(host="127.0.0.1", port=ports[0], other_hosts=(f"127.0.0.1:{ports[1]}",))
    with ExitStack() as stack:
        publisher = MqttPublisher(where, Address.from_device(Device()), lambda: None, retry_s=(0.1, 0.3))
        stack.callback(publisher.close)
        inbox = MqttInbox(where, "demo-agency", "demo-agency:collector:agency", None, 10_000, retry_s=(1, 1))
        stack.callback(inbox.close)
        assert wait_until(lambda: inbox.state == "connected")
        assert arrives("on-first", publisher, inbox)

        for name, dying, taking_over in (("on-second", first, second), ("on-first-again", second, first)):
            if name == "on-first-again":
                taking_over.start()
            dying.kill()
            assert wait_until(lambda: inbox.state != "connected")
            assert wait_until(lambda: inbox.state == "connected")
            assert arrives(name, publisher, inbox)
