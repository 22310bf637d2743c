"""Everything on the way from a device's outbox to a collector's database is broken once; what came is counted.

The words are those of Jepsen's queue checker: lost was sent and is not there, unexpected is there and was not sent,
twice is there more than once after the collector's dedupe by id.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from tests.fakes.disclosures import a_hit
from tests.integration.conftest import wait_until
from tests.integration.packet_relay import PUBACK, PUBLISH
from tests.wire.street import Street

PATIENCE_S = 90.0
Fault: TypeAlias = Callable[[Street], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the events of one row.

    Attributes:
        fault: its name.
        events: sent.
        packets_lost: that the relay swallowed.
        lost: see above, as the next two.
        unexpected: ditto.
        twice: ditto.
        left: what the device still keeps at the end.
        seconds: from the first event to the last one stored and let go.
    """

    fault: str
    events: int
    packets_lost: int
    lost: int
    unexpected: int
    twice: int
    left: int
    seconds: float


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


FAULTS: tuple[Fault, ...] = (nothing, broker_killed, broker_slow, link_cut, answers_lost, receipts_lost)


def endure(street: Street, fault: Fault, count: int) -> Outcome:
    """Send `count` events, break something after a third, and count."""
    ids = [f"h{number}" for number in range(count)]
    began_s = time.monotonic()
    with street.collecting():
        street.send(ids[: count // 3])
        fault(street)
        street.send(ids[count // 3 :])
        wait_until(lambda: set(street.kept()) >= set(ids), PATIENCE_S)
        wait_until(lambda: not street.waiting(), PATIENCE_S)
        seconds = time.monotonic() - began_s
    return _counted(fault.__name__.replace("_", " "), street, ids, seconds)


def believe_the_broker(street: Street, count: int) -> Outcome:
    """Do without receipts, as the control: the broker answers while the collector is away, and is killed."""
    ids = [f"h{number}" for number in range(count)]
    began_s = time.monotonic()
    with street.collecting():
        street.send(["first"])
        wait_until(lambda: street.kept() == ["first"], PATIENCE_S)
    street.broker.save()  # the collector's session outlives the kill; what comes for it now does not
    for id_ in ids:
        street.outlet.send(a_hit(id_, expires_in_s=600, now_wall_ns=time.time_ns()))
    street.outlet.drain(20)
    wait_until(lambda: not street.waiting(), PATIENCE_S)
    broker_killed(street)
    with street.collecting():
        wait_until(lambda: set(street.kept()) >= set(ids), 5)
    return _counted("control: no receipts", street, ids, time.monotonic() - began_s)


def _counted(name: str, street: Street, ids: list[str], seconds: float) -> Outcome:
    kept = [id_ for id_ in street.kept() if id_ != "first"]
    return Outcome(
        fault=name,
        events=len(ids),
        packets_lost=street.relay.lost,
        lost=len(set(ids) - set(kept)),
        unexpected=len(set(kept) - set(ids)),
        twice=len(kept) - len(set(kept)),
        left=street.end(),
        seconds=round(seconds, 1),
    )
