"""A device with a real uplink process, a broker with a relay before it, and a collector: what tables are made on."""

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
from typing import TYPE_CHECKING

from platesieve.adapters.disk.key_files import load_public, new_key_files
from platesieve.adapters.disk.key_text import KeyKind
from platesieve.adapters.local.pipe_outlet import PipeOutlet
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.bootstrap.collector import collector_process, open_store
from platesieve.collector.settings import CollectorSettings
from platesieve.settings import Uplink
from tests.fakes.disclosures import a_hit, with_receipt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platesieve.domain.disclosure import Disclosure
    from tests.integration.conftest import Broker
    from tests.integration.packet_relay import PacketRelay

ROOT = Path(__file__).parents[2]


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
