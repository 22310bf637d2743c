"""The uplink process: it has the network and never holds a plate."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from platesieve.adapters.local.instance_lock import instance_lock
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.bootstrap.folders import Folders
from platesieve.bootstrap.given import load_receipt_book
from platesieve.domain.instant import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from platesieve.ports import Ferry
    from platesieve.settings import Settings

    Stop = Callable[[], bool]


def uplink_process(settings: Settings, stop: Stop, drain: Stop) -> None:
    """Run the uplink process: it has the network and never holds a plate.

    Args:
        settings: where the broker is.
        stop: ends it at once; what was not sent stays in the outbox.
        drain: ends it when the camera process has said goodbye and the outbox is empty.
    """
    from platesieve.adapters.disk.outbox_sqlite import SqliteOutbox
    from platesieve.adapters.local.pipe_intake import PipeIntake
    from platesieve.adapters.local.service_manager import Pulse, service_manager
    from platesieve.adapters.mqtt.publisher import open_publisher
    from platesieve.adapters.mqtt.wire import Address
    from platesieve.uplink import run_uplink

    folders = Folders.of(settings)
    clock = SystemClock(assume=settings.device.assume_clock)
    with instance_lock(folders.uplink / "lock"):
        receipts = load_receipt_book(settings)
        wait_ns = int(settings.uplink.receipt_wait_s * NS_PER_S)
        outbox = SqliteOutbox(folders.uplink / "outbox.db", settings.uplink.outbox_quota_bytes, resend_ns=wait_ns)
        intake = PipeIntake(folders.pipe)
        address = Address.from_device(settings.device)
        with ExitStack() as undo:  # the flow closes its parts itself, once it has them all
            undo.callback(intake.close)
            undo.callback(outbox.close)
            publisher = open_publisher(settings.uplink, address, intake.wake)
            undo.callback(publisher.close)
            ferry = _ferry(settings, folders, intake.wake)
            undo.pop_all()
        pulse = Pulse(service_manager())
        pulse.ready()
        run_uplink(intake, outbox, publisher, clock, stop, drain, pulse.beat, receipts, ferry)


def _ferry(settings: Settings, folders: Folders, wake: Callable[[], None]) -> Ferry | None:
    """Return what fetches signed documents. Where none are, what verifies them is not loaded: a third of the memory."""
    if not settings.delivery.wanted:
        return None
    from platesieve.adapters.delivery.device import open_ferry

    return open_ferry(settings, folders.spool, wake)
