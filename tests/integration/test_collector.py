"""From a device's outbox to a collector's database through a real broker, with everything broken once on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from platesieve.bootstrap.collector import open_store
from platesieve.domain.disclosure import Kind
from tests.fakes.disclosures import a_health
from tests.integration.conftest import Broker, wait_until
from tests.integration.packet_relay import PacketRelay
from tests.wire.faults import FAULTS, answers_lost, believe_the_broker, endure, receipts_lost
from tests.wire.street import Street

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.wire.faults import Fault


pytestmark = pytest.mark.integration
pytest.importorskip("sqlalchemy")
__all__ = ["Street", "make_street"]
ROOT = Path(__file__).parents[2]
N = 60
SEALED = "x" * 64


@pytest.fixture
def make_street(broker: Broker, tmp_path: Path) -> Iterator[Callable[..., Street]]:
    """Return a function that builds one."""
    with ExitStack() as stack:

        def make(**options: Any) -> Street:
            plain = broker.open_plain()
            relay = stack.enter_context(PacketRelay(plain))
            return Street(broker, relay, plain, tmp_path, stack, **options)

        yield make


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_no_fault_on_the_way_loses_invents_or_doubles(make_street: Callable[..., Street], fault: Fault) -> None:
    """Lost, unexpected and duplicate after dedupe are 0/0/0, and the device has let go of everything."""
    outcome = endure(make_street(), fault, N)
    assert (outcome.lost, outcome.unexpected, outcome.twice, outcome.left) == (0, 0, 0, 0)
    assert outcome.packets_lost > 0 or fault not in {answers_lost, receipts_lost}  # the fault did happen


def test_without_receipts_a_killed_broker_loses_what_it_had_answered(make_street: Callable[..., Street]) -> None:
    """The control: the same count sees a loss where the device believed the broker's answer."""
    outcome = believe_the_broker(make_street(), N)
    assert outcome.lost > 0
    assert outcome.left == 0


def test_without_receipts_the_device_keeps_what_the_broker_took(make_street: Callable[..., Street]) -> None:
    """The control: the broker answered every event and the collector has them all, but nobody signed for them."""
    street = make_street(receipts=False)
    with street.collecting():
        street.send(["h1", "h2"])
        assert wait_until(lambda: set(street.kept()) == {"h1", "h2"}, 30)
        time.sleep(1.5)
    assert street.end() == 2


def test_a_collector_that_is_killed_goes_on_where_it_was(make_street: Callable[..., Street]) -> None:
    """SIGKILL of the command in the middle; what it had not stored it had not acknowledged."""
    street = make_street()
    config = street.folder / "collector.toml"
    config.write_text(
        f'agency = "demo-agency"\nstate = "{street.settings.state}"\ndatabase = "{street.address}"\n'
        f'receipt_key = "{street.settings.receipt_key}"\nassume_clock = true\n'
        f'[broker]\nhost = "127.0.0.1"\nport = {street.plain}\n'
    )
    command = [sys.executable, "-m", "platesieve", "collect", "--config", str(config)]
    ids = [f"h{number}" for number in range(N)]

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT / "src")})

    first = start()
    assert wait_until((street.folder / "collector.db").exists, 30)
    street.send(ids[: N // 2])
    assert wait_until(lambda: bool(street.kept()), 30)
    first.kill()
    first.wait()
    street.send(ids[N // 2 :])
    second = start()
    try:
        assert wait_until(lambda: set(street.kept()) == set(ids), 60), set(ids) - set(street.kept())
        assert wait_until(lambda: not street.waiting(), 60), street.waiting()
    finally:
        second.send_signal(signal.SIGTERM)
        assert second.wait(20) == 0
    assert len(street.kept()) == N


def test_bad_messages_are_counted_and_stop_nothing(make_street: Callable[..., Street]) -> None:
    """A flood of rubbish from one that may write; the true event between them arrives."""
    import paho.mqtt.client as paho  # noqa: PLC0415 - here alone
    from paho.mqtt.enums import CallbackAPIVersion  # noqa: PLC0415 - here alone

    street = make_street()
    rubbish = [b"", b"\xff" * 20, b'{"plate": "CANARY1"}', b"[" * 50_000, b'{"specversion": "1.0", "data": 7}']
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", street.plain)
    client.loop_start()
    with street.collecting():
        street.send(["h1"])
        assert wait_until(lambda: street.kept() == ["h1"], 30)  # it listens: rubbish from before would be nobody's
        for payload in rubbish * 4:
            for kind in Kind:
                client.publish(f"platesieve/demo-agency/demo-site/cam-1/{kind.value}", payload, qos=1)
        street.outlet.send(a_health("reading"))
        street.send(["h2"])
        assert wait_until(lambda: set(street.kept()) == {"h1", "h2"}, 30)
        store = open_store(street.address)
        assert wait_until(lambda: sum(store.quarantine_counts().values()) == len(rubbish) * 4 * len(Kind), 30)
        assert wait_until(lambda: [camera.state for camera in store.cameras(time.time_ns())] == ["reading"], 30)
        store.close()
    client.disconnect()
    client.loop_stop()
    assert b"CANARY1" not in (street.folder / "collector.db").read_bytes()


def test_a_forged_receipt_on_the_wire_lets_nothing_go(make_street: Callable[..., Street]) -> None:
    """Whoever may write to a device's receipt topic without the key is not believed."""
    import paho.mqtt.client as paho  # noqa: PLC0415 - here alone
    from paho.mqtt.enums import CallbackAPIVersion  # noqa: PLC0415 - here alone

    from platesieve.policy.receipt import sign_receipt  # noqa: PLC0415 - here alone
    from platesieve.settings import Device  # noqa: PLC0415 - here alone

    street = make_street()
    street.send(["h1"])
    forged = sign_receipt(
        "agency", ["h1"], Ed25519PrivateKey.generate().private_bytes_raw(), Device(), time.time_ns(), os.urandom
    )
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", street.plain)
    client.loop_start()
    client.publish("platesieve/demo-agency/demo-site/cam-1/receipt", forged, qos=1).wait_for_publish(10)
    time.sleep(1.0)
    client.disconnect()
    client.loop_stop()
    assert street.end() == 1
