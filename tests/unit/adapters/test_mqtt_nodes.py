"""Several nodes of one broker: which is tried when, in which version. The nodes only note who comes, and hang up."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING, Self

import pytest

from platesieve.adapters.mqtt.inbox import MqttInbox
from platesieve.adapters.mqtt.link import tls_context
from platesieve.adapters.mqtt.publisher import MqttPublisher, probe
from platesieve.adapters.mqtt.wire import Address
from platesieve.domain.errors import LinkError
from platesieve.settings import Device, Settings, Uplink, out_of_bounds

if TYPE_CHECKING:
    from collections.abc import Callable

ADDRESS = Address.from_device(Device())


class Node:
    """A node that hangs up on everybody, and notes the versions they spoke; use as a context manager."""

    def __init__(self) -> None:
        self.visits = 0
        self.versions: list[int] = []  # 5, or 4 for MQTT 3.1.1
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._hang_up, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _hang_up(self) -> None:
        while True:
            try:
                visitor, _ = self._listener.accept()
            except OSError:
                return
            self.visits += 1
            with visitor, contextlib.suppress(OSError):
                first = visitor.recv(4096)
                self.versions += first[first.index(b"MQTT") + 4 :][:1] if b"MQTT" in first else b""


def publisher(settings: Uplink) -> MqttPublisher:
    """Return a device's end."""
    return MqttPublisher(settings, ADDRESS, lambda: None, retry_s=(0.01, 0.02))


def inbox(settings: Uplink) -> MqttInbox:
    """Return a collector's end."""
    return MqttInbox(settings, "demo-agency", "demo-agency:collector:agency", None, 10_000, retry_s=(1, 1))


def came(done: Callable[[], bool], limit_s: float = 10.0) -> bool:
    """Wait for something; return whether it came."""
    end_s = time.monotonic() + limit_s
    while not done() and time.monotonic() < end_s:
        time.sleep(0.01)
    return done()


def closed_port() -> int:
    """Return a port where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.parametrize("end", [publisher, inbox])
def test_a_node_that_hangs_up_or_is_not_there_is_followed_by_the_next(
    end: Callable[[Uplink], MqttPublisher | MqttInbox],
) -> None:
    """Both ways in which a connection fails lead on, past the last one to the first again."""
    with Node() as first, Node() as last:
        nowhere = f"127.0.0.1:{closed_port()}"
        others = (nowhere, f"127.0.0.1:{last.port}")
        opened = end(Uplink(host="127.0.0.1", port=first.port, other_hosts=others))
        try:
            assert came(lambda: first.visits >= 2 and last.visits >= 1)
        finally:
            opened.close()


def test_with_one_node_nobody_looks_elsewhere() -> None:
    """The control: another node is visited because it is named."""
    with Node() as first, Node() as last:
        opened = publisher(Uplink(host="127.0.0.1", port=first.port))
        assert came(lambda: first.visits >= 3)
        opened.close()

        assert last.visits == 0


def test_a_probe_gives_each_node_its_turn() -> None:
    """`platesieve doctor` says the same about a cluster as the uplink finds out."""
    with Node() as last:
        where = Uplink(host="127.0.0.1", port=closed_port(), other_hosts=(f"127.0.0.1:{last.port}",))
        probe(where, ADDRESS, limit_s=1.0)

        assert came(lambda: last.visits >= 1, 2)


def test_a_broker_that_hangs_up_on_mqtt_5_is_asked_in_3_1_1() -> None:
    """RabbitMQ 3.10 says nothing to MQTT 5; but nobody is taken for such a broker for good."""
    with Node() as node:
        opened = publisher(Uplink(host="127.0.0.1", port=node.port))
        assert came(lambda: len(node.versions) >= 4)
        opened.close()

    assert node.versions[:4] == [5, 4, 5, 4]


def test_each_node_is_asked_in_both_versions() -> None:
    """Otherwise the one that lives might be asked in the wrong one for ever."""
    with Node() as first, Node() as last:
        where = Uplink(host="127.0.0.1", port=first.port, other_hosts=(f"127.0.0.1:{last.port}",))
        opened = publisher(where)
        assert came(lambda: len(last.versions) >= 2)
        opened.close()

    assert first.versions[:2] == last.versions[:2] == [5, 4]


def test_who_wants_3_1_1_never_speaks_5() -> None:
    """The control: the setting holds."""
    with Node() as node:
        opened = publisher(Uplink(host="127.0.0.1", port=node.port, protocol="3.1.1"))
        assert came(lambda: len(node.versions) >= 3)
        opened.close()

    assert set(node.versions) == {4}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("b.example", ("b.example", 8883)),
        ("b.example:8884", ("b.example", 8884)),
        ("192.0.2.1:1", ("192.0.2.1", 1)),
        ("[2001:db8::1]", ("2001:db8::1", 8883)),
        ("[2001:db8::1]:8884", ("2001:db8::1", 8884)),
    ],
)
def test_a_node_is_a_host_with_or_without_a_port(written: str, meant: tuple[str, int]) -> None:
    """The port of the first one holds for those that name none."""
    assert Uplink(host="a.example", other_hosts=(written,)).brokers == (("a.example", 8883), meant)


@pytest.mark.parametrize(
    "written", ["", "b.example:", "b.example:x", "b.example:99999", "mqtts://b", "u@b", "a/b", ":1"]
)
def test_what_is_no_host_is_refused_before_anything_starts(written: str) -> None:
    """With the name of the setting."""
    (problem,) = out_of_bounds(Settings(uplink=Uplink(host="a.example", other_hosts=(written,))))

    assert problem.startswith("uplink.other_hosts: must be")


def test_a_collector_refuses_them_too() -> None:
    """Its settings are its own; the inbox looks at the nodes before it connects to any."""
    with pytest.raises(LinkError, match=r"broker\.other_hosts"):
        inbox(Uplink(host="localhost", other_hosts=("a/b",)))


def test_other_nodes_need_a_first_one() -> None:
    """Settings that say where else, but not where, are a slip."""
    (problem,) = out_of_bounds(Settings(uplink=Uplink(other_hosts=("b.example",))))

    assert problem == "uplink.host: must name the first of the nodes"
    assert Uplink().brokers == ()


def test_no_node_is_spoken_to_in_the_clear() -> None:
    """A loopback address first does not open the way to a second one over the network."""
    with pytest.raises(LinkError, match="unencrypted"):
        tls_context(Uplink(host="localhost", other_hosts=("b.example",)))
    assert tls_context(Uplink(host="localhost", other_hosts=("127.0.0.1:1884",))) is None
