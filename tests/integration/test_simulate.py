"""`platesieve simulate` on a real broker with certificates and a real collector: every event is where it says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from platesieve.adapters.disk.key_files import new_key_files
from platesieve.adapters.disk.key_text import KeyKind
from platesieve.bootstrap.collector import collector_process, open_store
from platesieve.collector.settings import CollectorSettings
from platesieve.domain.disclosure import Kind
from tests.integration.conftest import Broker, wait_until
from tests.integration.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.integration
pytest.importorskip("sqlalchemy")
ROOT = Path(__file__).parents[2]
CAMERAS = 8
COMMAND = (sys.executable, "-m", "platesieve", "simulate", "--agency", "metro-pd", "--devices", str(CAMERAS))


def run(*more: str, timeout_s: float = 100) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(
        [*COMMAND, *more], capture_output=True, text=True, env=environment, timeout=timeout_s, check=False
    )


@pytest.fixture
def busy(mosquitto: str, tmp_path: Path) -> Iterator[Broker]:
    """Return a broker with a certificate for each simulated camera."""
    names = run("--names").stdout.split()
    assert len(names) == CAMERAS
    broker = Broker(mosquitto, tmp_path / "broker", names=names)
    yield broker
    broker.kill()


@contextmanager
def collecting(broker: Broker, folder: Path) -> Iterator[tuple[str, Path]]:
    """Run a collector; give its database and its public receipt key."""
    secret, public = new_key_files(KeyKind.RECEIPT, folder / "keys")
    address = f"sqlite:///{folder / 'collector.db'}"
    settings = CollectorSettings(
        agency="metro-pd",
        state=str(folder / "collector"),
        database=address,
        receipt_key=str(secret),
        assume_clock=True,
        broker=broker.uplink("collector.metro-pd"),
    )
    stop = threading.Event()
    thread = threading.Thread(target=collector_process, args=(settings, stop.is_set))
    thread.start()
    try:
        assert wait_until((folder / "collector.db").exists, 20)
        time.sleep(1)  # its subscription
        yield address, public
    finally:
        stop.set()
        thread.join(30)


def kept(address: str) -> list[Any]:
    """Return what a collector has."""
    store = open_store(address)
    try:
        return [stored.event for stored in store.events(limit=100_000)]
    finally:
        store.close()


def test_every_event_is_followed_to_the_collectors_receipt(busy: Broker, tmp_path: Path) -> None:
    """What is told as sent is in the database, once each, from sites that are called simulated; nothing else is."""
    with collecting(busy, tmp_path) as (address, receipt_key):
        done = run(
            *("--rate", "40", "--seconds", "4", "--health", "2", "--seed", "5", "--json"),
            *("--broker", f"localhost:{busy.port}", "--certificates", str(busy.folder)),
            *("--collector", f"agency={receipt_key}"),
        )
        assert done.returncode == 0, done.stderr
        figures = json.loads(done.stdout)
        events = kept(address)
    sent = figures["sent"]
    assert 100 < sent < 230
    assert (figures["connected"], figures["missing"], figures["unexpected"]) == (CAMERAS, 0, 0)
    assert {name: one["count"] for name, one in figures["latency"].items()} == dict.fromkeys(
        ("taken", "heard", "signed"), sent
    )
    assert 0 < figures["latency"]["signed"]["p50_ms"] <= figures["latency"]["signed"]["p99_ms"] < 30_000
    hits = [event for event in events if event.kind is Kind.HIT]
    assert len(hits) == len({event.id for event in hits}) == sent
    assert {event.device.split("/")[1] for event in hits} == {"simulated-1"}
    assert figures["health_sent"] >= CAMERAS


def test_a_broker_that_is_killed_meanwhile_costs_no_event(busy: Broker, tmp_path: Path) -> None:
    """Every simulated camera comes back by itself and sends again; the collector has each event once."""
    with collecting(busy, tmp_path) as (address, receipt_key):
        busy.save()  # the collector's session outlives the kill
        process = subprocess.Popen(
            [
                *COMMAND,
                *("--rate", "20", "--seconds", "10", "--json", "--broker", f"localhost:{busy.port}"),
                *("--certificates", str(busy.folder), "--collector", f"agency={receipt_key}", "--health", "0"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        )
        assert wait_until(lambda: len(kept(address)) > 20, 60)
        busy.kill()
        time.sleep(1)
        busy.start()
        said, _ = process.communicate(timeout=90)
        figures = json.loads(said)
        events = kept(address)
    assert (process.returncode, figures["connected"]) == (0, CAMERAS), figures
    assert figures["reconnections"] >= CAMERAS
    assert (figures["missing"], figures["unexpected"]) == (0, 0)
    assert len(events) == len({event.id for event in events}) == figures["sent"] > 100


def test_a_receipt_that_never_comes_is_told(busy: Broker, tmp_path: Path) -> None:
    """The control: the broker answers everything, nobody collects, so everything is missing and the answer is no."""
    _, public = new_key_files(KeyKind.RECEIPT, tmp_path / "keys")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    process = subprocess.Popen(
        [
            *COMMAND,
            *("--rate", "20", "--seconds", "60", "--json", "--broker", f"localhost:{busy.port}"),
            *("--certificates", str(busy.folder), "--collector", f"agency={public}"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    time.sleep(6)
    process.send_signal(signal.SIGINT)  # and Ctrl-C gives the figures so far
    said, _ = process.communicate(timeout=30)
    figures = json.loads(said)
    assert process.returncode == 130
    assert figures["finished"] is False
    assert figures["sent"] == figures["missing"] > 0
    assert figures["latency"]["taken"]["count"] > 0


def test_what_cannot_be_simulated_is_refused_in_a_sentence(busy: Broker, tmp_path: Path) -> None:
    """No broker there, a certificate missing: nothing is sent, and the hint is the command that mends it."""
    nobody = run("--broker", f"localhost:{free_port()}")
    assert nobody.returncode == 76
    assert "nothing listens on the broker's port" in nobody.stderr
    short = run("--devices", str(CAMERAS + 2), "--broker", f"localhost:{busy.port}", "--certificates", str(busy.folder))
    assert short.returncode == 77
    assert "2 of 10 certificates are not in" in short.stderr
    assert "metro-pd_simulated-1_cam-00009.crt" in short.stderr
    assert "--names)" in short.stderr
