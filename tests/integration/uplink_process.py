"""A whole uplink process, for tests that kill it: `uplink_process.py FOLDER SETTINGS_JSON [DRAIN_S]`."""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
from pathlib import Path

from platesieve.adapters.disk.outbox_sqlite import SqliteOutbox
from platesieve.adapters.local.instance_lock import instance_lock
from platesieve.adapters.local.pipe import PipeIntake
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.adapters.mqtt.publisher import MqttPublisher
from platesieve.adapters.mqtt.wire import Address
from platesieve.settings import Device, Uplink
from platesieve.uplink import run_uplink


def main(folder: Path, settings: Uplink, *, drain: bool) -> int:
    """Run until SIGTERM, or until drained; return how many events were never sent."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with instance_lock(folder / "uplink.lock"):
        outbox = SqliteOutbox(folder / "outbox.db", settings.outbox_quota_bytes)
        intake = PipeIntake(folder / "uplink.sock")
        publisher = MqttPublisher(settings, Address.from_device(Device()), intake.wake, retry_s=(0.1, 0.5))
        print("ready", flush=True)  # noqa: T201 - the test waits for it
        return run_uplink(intake, outbox, publisher, SystemClock(), stop.is_set, lambda: drain)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    print("left", main(Path(sys.argv[1]), Uplink(**json.loads(sys.argv[2])), drain="drain" in sys.argv), flush=True)  # noqa: T201 - ditto
