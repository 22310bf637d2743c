"""From a device's outbox to a collector's database through a real broker, with everything broken once on the way."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from platesieve.adapters.disk.key_files import KeyKind, load_public, new_key_files
from platesieve.adapters.local.pipe import PipeOutlet
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.bootstrap.collector import collector_process, open_store
from platesieve.collector.settings import CollectorSettings
from platesieve.domain.disclosure import Kind
from platesieve.settings import Uplink
from tests.fakes.disclosures import a_health, a_hit, with_receipt
from tests.integration.conftest import Broker, wait_until
from tests.integration.packet_relay import PUBACK, PUBLISH, PacketRelay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from platesieve.domain.disclosure import Disclosure

pytestmark = pytest.mark.integration
pytest.importorskip("sqlalchemy")
ROOT = Path(__file__).parents[2]
N = 60
SEALED = "x" * 64


@dataclass
class Street:
    """A device with a real uplink process, a broker with a relay before it, and a collector.

    Usage::

        street.collecting(); street.send(ids); street.ends_with(ids)
    """

    broker: Broker
    relay: PacketRelay
    plain: int
    folder: Path
    stack: ExitStack
    receipts: bool = True

    def __post_init__(self) -> None:
        secret, public = new_key_files(KeyKind.RECEIPT, self.folder / "keys")
        self.address = f"sqlite:///{self.folder / 'collector.db'}"
        self.settings = CollectorSettings(
            agency="demo-agency",
            state=str(self.folder / "collector"),
            database=self.address,
            receipt_key=str(secret) if self.receipts else None,
            assume_clock=True,
            broker=Uplink(host="127.0.0.1", port=self.plain, keepalive_s=5),
        )
        self.receipt_key = load_public(public, KeyKind.RECEIPT).hex()
        device = self.folder / "device"
        device.mkdir(mode=0o700)
        self.uplink = Uplink(host="127.0.0.1", port=self.relay.port, receipt_wait_s=1.0, max_in_flight=10)
        command = [sys.executable, str(ROOT / "tests/integration/uplink_process.py"), str(device)]
        command += [json.dumps(asdict(self.uplink)), f"receipt_key={self.receipt_key}"]
        self.device = device
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.stack.callback(self._end_device)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"
        self.outlet = PipeOutlet(device / "uplink.sock", SystemClock(), retry_min_s=0.05, retry_max_s=0.2)
        self.stack.callback(self.outlet.close)

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Run a collector, as the command does."""
        stop = threading.Event()
        thread = threading.Thread(target=collector_process, args=(self.settings, stop.is_set))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(30)

    def send(self, ids: list[str], *, pause_s: float = 0.004) -> None:
        """Let the camera process hand over hits, and see them stored on the device."""
        for id_ in ids:
            self.outlet.send(awaited(id_))
            time.sleep(pause_s)
        assert self.outlet.drain(20)

    def kept(self) -> list[str]:
        """Return the ids in the collector's database."""
        store = open_store(self.address)
        try:
            return [stored.event.id for stored in store.events(limit=100_000)]
        finally:
            store.close()

    def waiting(self) -> int:
        """Return how many events the device still has."""
        time.sleep(0.2)
        copies = self.folder / "copies"  # the outbox lets nobody else open it
        copies.mkdir(exist_ok=True)
        for name in ("outbox.db", "outbox.db-wal"):
            (copies / name).write_bytes((self.device / name).read_bytes())
        with closing(sqlite3.connect(copies / "outbox.db")) as outbox:
            return int(outbox.execute("SELECT count(*) FROM outbox WHERE kind = 'hit'").fetchone()[0])

    def end(self) -> int:
        """End the device; return how many events it has left."""
        self._end_device()
        with closing(sqlite3.connect(self.device / "outbox.db")) as outbox:
            return int(outbox.execute("SELECT count(*) FROM outbox WHERE kind = 'hit'").fetchone()[0])

    def _end_device(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.communicate(timeout=20)


def awaited(id_: str) -> Disclosure:
    """Return a hit whose policy names the collector."""
    return with_receipt(a_hit(id_, expires_in_s=600, now_wall_ns=time.time_ns()))


@pytest.fixture
def make_street(broker: Broker, tmp_path: Path) -> Iterator[Callable[..., Street]]:
    """Return a function that builds one."""
    with ExitStack() as stack:

        def make(**options: Any) -> Street:
            plain = broker.open_plain()
            relay = stack.enter_context(PacketRelay(plain))
            return Street(broker, relay, plain, tmp_path, stack, **options)

        yield make


def nothing(_street: Street) -> None:
    """Break nothing: the control."""


def broker_killed(street: Street) -> None:
    """SIGKILL, and back on the same port with what was saved before."""
    street.broker.kill()
    time.sleep(0.5)
    street.broker.start()


def broker_slow(street: Street) -> None:
    """Twenty kilobytes a second from the device."""
    street.relay.bytes_per_s = 20_000


def link_cut(street: Street) -> None:
    """Three breaks of the connection."""
    for _ in range(3):
        street.relay.cut()
        time.sleep(0.3)


def answers_lost(street: Street) -> None:
    """Ten PUBACKs never arrive, then the connection breaks."""
    street.relay.lose(PUBACK, 10)


def receipts_lost(street: Street) -> None:
    """Five receipts never arrive, and the broker thinks that they did."""
    street.relay.lose(PUBLISH, 5)


@pytest.mark.parametrize(
    "fault", [nothing, broker_killed, broker_slow, link_cut, answers_lost, receipts_lost], ids=lambda f: f.__name__
)
def test_no_fault_on_the_way_loses_invents_or_doubles(
    make_street: Callable[..., Street], fault: Callable[[Street], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Lost, unexpected and duplicate after dedupe are 0/0/0, and the device has let go of everything."""
    street = make_street()
    ids = [f"h{number}" for number in range(N)]
    with street.collecting():
        street.send(ids[: N // 3])
        fault(street)
        street.send(ids[N // 3 :])
        assert wait_until(lambda: set(street.kept()) >= set(ids), 60), set(ids) - set(street.kept())
        assert wait_until(lambda: not street.waiting(), 60), street.waiting()
    kept = street.kept()
    lost, unexpected, twice = len(set(ids) - set(kept)), len(set(kept) - set(ids)), len(kept) - len(set(kept))
    with capsys.disabled():
        name = fault.__name__.replace("_", " ")
        sys.stdout.write(f"\n  {name}: {N} events, {street.relay.lost} packets lost, {lost}/{unexpected}/{twice}\n")
    assert (lost, unexpected, twice) == (0, 0, 0)
    if fault in {answers_lost, receipts_lost}:
        assert street.relay.lost > 0  # the fault did happen
    assert street.end() == 0


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
