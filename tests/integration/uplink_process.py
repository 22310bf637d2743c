"""A whole uplink process, for tests that kill it.

Usage::

    uplink_process.py FOLDER SETTINGS_JSON [drain] [receipt_key=HEX]
"""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
from pathlib import Path

from platesieve.adapters.disk.outbox_sqlite import SqliteOutbox
from platesieve.adapters.local.instance_lock import instance_lock
from platesieve.adapters.local.pipe_intake import PipeIntake
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.adapters.mqtt.publisher import MqttPublisher
from platesieve.adapters.mqtt.wire import Address
from platesieve.domain.instant import NS_PER_S
from platesieve.policy.receipt import ReceiptBook
from platesieve.settings import Device, Uplink
from platesieve.uplink import run_uplink


def main(folder: Path, settings: Uplink, *, drain: bool, receipt_key: str | None) -> int:
    """Run until SIGTERM, or until drained; return how many events were never sent."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with instance_lock(folder / "uplink.lock"):
        wait_ns = int(settings.receipt_wait_s * NS_PER_S)
        outbox = SqliteOutbox(folder / "outbox.db", settings.outbox_quota_bytes, resend_ns=wait_ns)
        receipts = ReceiptBook(Device(), {"agency": bytes.fromhex(receipt_key)} if receipt_key else {})
        intake = PipeIntake(folder / "uplink.sock")
        publisher = MqttPublisher(settings, Address.from_device(Device()), intake.wake, retry_s=(0.1, 0.5))
        print("ready", flush=True)  # noqa: T201 - the test waits for it
        clock = SystemClock()
        return run_uplink(intake, outbox, publisher, clock, stop.is_set, lambda: drain, receipts=receipts)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    keys = [argument.removeprefix("receipt_key=") for argument in sys.argv if argument.startswith("receipt_key=")]
    uplink = Uplink(**json.loads(sys.argv[2]))
    left = main(Path(sys.argv[1]), uplink, drain="drain" in sys.argv, receipt_key=keys[0] if keys else None)
    print("left", left, flush=True)  # noqa: T201 - ditto
