"""Before and around both processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platesieve.adapters.local.system_clock import SystemClock
from platesieve.bootstrap.folders import Folders
from platesieve.bootstrap.given import load_receipt_book
from platesieve.bootstrap.rules import build_judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from platesieve.settings import Settings

    Stop = Callable[[], bool]


def run_supervised(settings: Settings, stop: Stop, drain_s: float) -> int:
    """Run both processes under one command; return the exit code."""
    from platesieve.adapters.local.processes import run_both

    return run_both(settings, stop, drain_s)


def check_before_start(settings: Settings) -> None:
    """Refuse what a start cannot mend while a person is looking, instead of in two processes.

    Raises:
        PlatesieveError: camera, policy, hot list, keys or broker settings are wrong. An address of a stream that does
            not answer is no reason: the network may come later.
    """
    from platesieve.adapters.cameras.setting import refuse_absent
    from platesieve.adapters.mqtt.link import tls_context
    from platesieve.adapters.mqtt.wire import Address

    Folders.of(settings).refuse_root()
    refuse_absent(settings.camera)
    if settings.policy is not None or not settings.delivery.wanted:
        build_judge(settings, SystemClock(assume=settings.device.assume_clock))
    if settings.delivery.wanted:
        from platesieve.adapters.delivery.threads import read_trust_root

        read_trust_root(settings.delivery)
    Address.from_device(settings.device)
    load_receipt_book(settings)
    if settings.uplink.host:
        tls_context(settings.uplink)
