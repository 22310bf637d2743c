"""Print three tables about the way from a camera to a dashboard: faults, rights, latency.

`PYTHONPATH=src python -m tests.wire [faults|rights|latency]... [--events N] [--json]`, from the checkout; needs
mosquitto. With 300 events about four minutes. Exit code 1 where something was lost or leaked, or where a control shows
that it would not have been noticed. `python -m tests.fleet` does the same to a cluster whose nodes are killed.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from tests.integration.conftest import Broker, find_mosquitto
from tests.integration.packet_relay import PacketRelay
from tests.wire import latency, rights
from tests.wire.faults import FAULTS, Outcome, believe_the_broker, endure
from tests.wire.street import Street

if TYPE_CHECKING:
    from collections.abc import Callable

    from platesieve.simulation.tally import Latency

TABLES = ("faults", "rights", "latency")
PAGE_WITHIN_MS = 1000.0
"""What the dashboard promises: new hits on every open page within a second."""


def faults(count: int) -> list[Outcome]:
    """Return a row for each fault, and the control."""
    say = Console(stderr=True)
    made: list[Outcome] = []
    for fault in (*FAULTS, None):
        with (
            say.status(f"{count} events, {(fault.__doc__ or '').strip() if fault else 'the control'}"),
            tempfile.TemporaryDirectory(prefix="ps-w-", dir="/tmp") as scratch,
            ExitStack() as stack,
        ):
            broker = _broker(Path(scratch), stack)
            plain = broker.open_plain()
            relay = stack.enter_context(PacketRelay(plain))
            street = Street(broker, relay, plain, Path(scratch), stack)
            made.append(endure(street, fault, count) if fault else believe_the_broker(street, count))
    return made


def _broker(folder: Path, stack: ExitStack) -> Broker:
    broker = Broker(find_mosquitto(), folder / "broker")
    stack.callback(broker.kill)
    return broker


def who_may() -> tuple[rights.Rights, bool]:
    """Return what arrived, and whether the control leaks."""
    with tempfile.TemporaryDirectory(prefix="ps-w-", dir="/tmp") as scratch, ExitStack() as stack:
        broker = _broker(Path(scratch), stack)
        found = rights.examine(broker)
        return found, rights.leaks_when_widened(broker)


def how_long(count: int) -> dict[str, Latency | None]:
    """Return latencies at ten events a second."""
    with tempfile.TemporaryDirectory(prefix="ps-w-", dir="/tmp") as scratch, ExitStack() as stack:
        return latency.measure(_broker(Path(scratch), stack), Path(scratch), count, 10)


def show_faults(found: list[Outcome]) -> Table:
    """Return the table."""
    title = "Faults, outbox to database"
    table = _table(title, "events", "packets", "lost", "unexpected", "twice", "left", "s")
    for row in found:
        values = (row.events, row.packets_lost, row.lost, row.unexpected, row.twice, row.left, row.seconds)
        table.add_row(row.fault, *(f"{value:,}" for value in values))
    return table


def show_rights(found: rights.Rights) -> Table:
    """Return the table."""
    table = _table("Rights, topics", "wrote own", "others'", "read own", "others'")
    for row in rights.rows(found):
        pairs = (row.writes_own, row.writes_others, row.reads_own, row.reads_others)
        table.add_row(row.who, *(f"{came}/{of}" for came, of in pairs))
    return table


def show_latency(found: dict[str, Latency | None]) -> Table:
    """Return the table."""
    table = _table("Latency, from the camera to", "events", "p50 ms", "p95 ms", "p99 ms")
    table.add_column("longest ms", justify="right")
    for name, one in found.items():
        times = (one.p50_ms, one.p95_ms, one.p99_ms, one.max_ms) if one else ()
        table.add_row(name, str(one.count if one else 0), *(f"{value:,.1f}" for value in times))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), caption=None)
    table.add_column(title, no_wrap=True, min_width=27)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def run(asked: argparse.Namespace, show: Callable[[Table | str], None]) -> tuple[dict[str, Any], list[str]]:
    """Make the tables that are asked for; return their figures, and what is not as it must be."""
    figures: dict[str, Any] = {}
    wrong: list[str] = []
    if "faults" in asked.tables:
        *rows, control = faults(asked.events)
        figures["faults"] = [asdict(row) for row in (*rows, control)]
        wrong += [f"{row.fault}: something was lost, invented, doubled or left" for row in rows if _bad(row)]
        wrong += [] if control.lost else ["the control lost nothing, so a loss might not be seen"]
        show(show_faults([*rows, control]))
        show("packets: swallowed on the way to the device; twice: after the collector's dedupe by id")
    if "rights" in asked.tables:
        found, leaked = who_may()
        figures["rights"] = {
            "tried": found.tried,
            "open_as_promised": len(found.expected & found.heard),
            "missing": sorted(found.expected - found.heard),
            "others": sorted(found.heard - found.expected),
            "control_leaks": leaked,
            "members": [asdict(row) for row in rights.rows(found)],
        }
        wrong += [f"{row.who} may more or less than promised" for row in rights.rows(found) if not row.as_promised]
        wrong += [] if leaked else ["the control shows nothing, so a leak might not be seen"]
        show(show_rights(found))
        show("everybody asks for # and $share/all/platesieve/#, and writes everywhere; counted is what arrived")
        show(f"{found.tried:,} ways tried; with one rule too many the same test sees a hit leak: {leaked}")
    if "latency" in asked.tables:
        took = how_long(asked.events)
        figures["latency"] = {name: asdict(one) if one else None for name, one in took.items()}
        wrong += [f"not everything came to the {name}" for name, one in took.items() if _fewer(one, asked.events)]
        page = took["open page of the dashboard"]
        wrong += [f"the page has 99 % within {page.p99_ms} ms"] if page and page.p99_ms > PAGE_WITHIN_MS else []
        show(show_latency(took))
        show("10 events a second of ten kilobytes; the clock starts when the camera process hands one over")
    return figures, wrong


def _bad(row: Outcome) -> bool:
    return bool(row.lost or row.unexpected or row.twice or row.left)


def _fewer(one: Latency | None, count: int) -> bool:
    return one is None or one.count < count


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.wire", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"{', '.join(TABLES)}; all unless named")
    parser.add_argument("--events", type=int, default=300, help="for each fault, and for latency (300)")
    parser.add_argument("--json", action="store_true", help="print one JSON document for machines")
    asked = parser.parse_args()
    asked.tables = asked.tables or list(TABLES)
    if unknown := set(asked.tables) - set(TABLES):
        parser.error(f"there is no table {', '.join(sorted(unknown))}; choose of {', '.join(TABLES)}")
    if not (which("mosquitto") or which("mosquitto", path="/usr/sbin:/usr/local/sbin")):
        sys.stderr.write("error: mosquitto is not installed\nhint: apt-get install mosquitto\n")
        return 69
    logging.disable(logging.ERROR)  # broken connections are what this is about
    out = Console()
    try:
        figures, wrong = run(asked, lambda part: None if asked.json else out.print(part, "", sep="\n"))
    except KeyboardInterrupt:
        return 130
    if asked.json:
        sys.stdout.write(json.dumps(figures | {"wrong": wrong}, indent=2) + "\n")
    for line in wrong:
        sys.stderr.write(f"not as it must be: {line}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
