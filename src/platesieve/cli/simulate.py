"""`platesieve simulate`: a whole fleet's events on a broker that you name, and what came of every one of them."""

from __future__ import annotations

import logging
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from platesieve.cli.options import JsonOption, RecipientOption, broker_parts
from platesieve.cli.speech import EXIT_INTERRUPTED, console, print_json, say
from platesieve.cli.stop_switch import StopSwitch
from platesieve.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from platesieve.bootstrap.simulate import Progress as Running
    from platesieve.settings import Settings
    from platesieve.simulation.tally import Figures

_DRAW_S = 0.25
_PHASES = {"connecting": "connecting", "driving": "vehicles pass", "settling": "waiting for the last"}


def simulate(
    devices: Annotated[int, typer.Option(min=1, max=20_000, help="How many cameras.")] = 10,
    rate: Annotated[float, typer.Option(min=0.01, max=100_000, help="Events a second, of all of them together.")] = 10,
    seconds: Annotated[float, typer.Option(min=1, max=1_000_000, help="How long vehicles pass.")] = 30,
    broker: Annotated[
        str | None, typer.Option(help="HOST[:PORT] of the broker to load; there is no other way to name one.")
    ] = None,
    certificates: Annotated[
        Path | None, typer.Option(help="Folder of deploy/mosquitto/setup; without it plain MQTT on this machine.")
    ] = None,
    agency: Annotated[str, typer.Option(help="First part of every topic; sites are simulated-N.")] = "simulated",
    policy: Annotated[str, typer.Option("--policy", "-p", help="Pack or file that decides what leaves.")] = "hits-only",
    recipient: RecipientOption = None,
    collector: Annotated[
        list[str] | None,
        typer.Option(help="NAME=FILE: public receipt key of a collector whose receipts are awaited."),
    ] = None,
    health: Annotated[
        float, typer.Option(min=0, max=86_400, help="Seconds between two health events of a camera; 0: none.")
    ] = 30,
    protocol: Annotated[str, typer.Option(help="5, or 3.1.1 for RabbitMQ before 3.13.")] = "5",
    other_host: Annotated[
        list[str] | None, typer.Option(help="HOST[:PORT] of another node of the same cluster; may be repeated.")
    ] = None,
    state: Annotated[Path | None, typer.Option(help="Folder for the outboxes; in memory unless given.")] = None,
    seed: Annotated[int | None, typer.Option(help="Draw the same traffic again.")] = None,
    names: Annotated[
        bool, typer.Option("--names", help="Only print the cameras' names, for deploy/mosquitto/setup.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Load a broker with the events of a fleet that is not there, and count what arrives.

    Each camera has an outbox, a connection and a certificate of its own; vehicles that nobody saw go through a real
    policy, are really sealed and sent, and every event is followed: to the broker's answer, to a subscriber where there
    is a certificate `dashboard.AGENCY`, and with --collector to the collector's signed receipt. Latency counts from
    the vehicle's passing. Every site is called `simulated-N`, every plate SIMULATED000 to 999, every category
    `simulated`; nobody can open what is sealed unless --recipient gives a key.

    Exit codes: 0 every event came once; 1 one is missing, came uncalled, or a camera was not connected; 76 the broker
    is not there; 77 a certificate is not; 130 Ctrl-C, with the figures so far.

    Examples:

      platesieve simulate --devices 100 --rate 50 --broker localhost:1883

      platesieve simulate --devices 1000 --names --agency metro-pd

      platesieve simulate --devices 1000 --rate 200 --broker localhost --certificates broker --agency metro-pd --json

      platesieve simulate --devices 50 --broker localhost:1883 --collector agency=keys/receipt.pub
    """
    from platesieve.bootstrap.simulate import device_name
    from platesieve.bootstrap.simulate import simulate as run_simulation
    from platesieve.simulation.asked import Simulation
    from platesieve.simulation.traffic import cameras

    if names:
        typer.echo("\n".join(device_name(device) for device in cameras(agency, devices)))
        return
    settings = _settings(broker, protocol, other_host, recipient, collector)
    logging.getLogger("platesieve").setLevel(logging.ERROR)  # a thousand lost connections are one figure
    stop = StopSwitch()
    asked = Simulation(
        broker=settings.uplink,
        devices=devices,
        per_second=rate,
        seconds=seconds,
        agency=agency,
        policy=policy,
        certificates=certificates,
        recipients=_recipients(settings),
        receipt_keys=_receipt_keys(settings),
        health_s=health,
        state=state,
        seed=seed,
    )
    with _drawn(seconds) as draw:
        figures = run_simulation(asked, stop, draw)
    if as_json:
        print_json(figures.as_json())
    else:
        show(figures)
    interrupted = stop.signal_number == signal.SIGINT
    sys.exit(EXIT_INTERRUPTED if interrupted else 0 if figures.good else 1)


def _settings(
    broker: str | None,
    protocol: str,
    other_hosts: list[str] | None,
    recipients: list[str] | None,
    collectors: list[str] | None,
) -> Settings:
    """Return the device settings that the options stand for, checked as those of a device are."""
    from platesieve.cli.options import settings_from

    if broker is None:
        raise ConfigError(
            "no broker is named, and a simulation never looks for one",
            "name one that is yours to load, for example --broker localhost:1883",
        )
    laid: dict[str, object] = {**broker_parts(broker), "uplink.protocol": protocol, "uplink.max_in_flight": 20}
    if other_hosts:
        laid["uplink.other_hosts"] = other_hosts
    for pair in collectors or ():
        name, separator, file = pair.partition("=")
        if not separator or not file:
            raise ConfigError("--collector is not NAME=FILE", "write for example --collector agency=receipt.pub")
        laid[f"collectors.{name}"] = file
    return settings_from(None, laid, recipients)


def _recipients(settings: Settings) -> dict[str, bytes]:
    from platesieve.bootstrap.given import load_recipients

    return load_recipients(settings)


def _receipt_keys(settings: Settings) -> dict[str, bytes]:
    from platesieve.adapters.disk.key_files import load_public
    from platesieve.adapters.disk.key_text import KeyKind

    return {name: load_public(Path(file), KeyKind.RECEIPT) for name, file in settings.collectors.items()}


@contextmanager
def _drawn(seconds: float) -> Iterator[Callable[[Running], None]]:
    """Show a bar with running figures on stderr, where a person watches it."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    out = console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), TextColumn("{task.fields[now]}"))
    last_s = 0.0
    began_s: float | None = None
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as bar:
        task = bar.add_task("connecting", total=seconds, now="")

        def draw(progress: Running) -> None:
            nonlocal last_s, began_s
            now_s = time.monotonic()
            if now_s - last_s < _DRAW_S:
                return
            last_s = now_s
            if progress.phase == "driving" and began_s is None:
                began_s = now_s
            done = 0.0 if began_s is None else min(now_s - began_s, seconds)
            bar.update(task, description=_PHASES[progress.phase], completed=done, now=_now(progress, done))

        yield draw


def _now(progress: Running, done_s: float) -> str:
    """Return the running figures as one line."""
    fleet = progress.fleet
    if progress.phase == "connecting":
        return f"{fleet.connected:,} of {len(fleet.cameras):,} cameras"
    sent, recent = len(fleet.tally.sent), fleet.tally.recent()
    latency = f", p99 {recent.p99_ms:,.0f} ms" if recent else ""
    rate = f"{sent / done_s:,.0f}/s" if done_s else ""
    return f"{sent:,} events {rate}, {fleet.tally.missing:,} under way{latency}"


def show(figures: Figures) -> None:
    """Print the figures for people."""
    from rich.table import Table

    out = console()
    head = f"{figures.connected:,} of {figures.devices:,} cameras connected, {figures.sent:,} events"
    if figures.reconnections:
        head += f", {figures.reconnections:,} reconnections"
    out.print(f"{head} in {figures.seconds:,.1f} s: {figures.sent_per_s:,.1f}/s", soft_wrap=True)
    table = Table(
        "from passing until",
        "events",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "longest ms",
        box=None,
        padding=(0, 2),
    )
    table.columns[0].no_wrap = True
    for column in table.columns[1:]:
        column.justify = "right"
    for step, one in figures.latency.items():
        times = (f"{value:,.1f}" for value in (one.p50_ms, one.p95_ms, one.p99_ms, one.max_ms))
        table.add_row(step.value, f"{one.count:,}", *times)
    out.print(table)
    word = "lost" if figures.finished else "under way when it was stopped"
    out.print(
        f"{word} {figures.missing:,} / unexpected {figures.unexpected:,} / twice on the wire {figures.twice:,}",
        style="none" if figures.good else "bold",
    )
    memory = figures.memory_per_1000_devices_mib
    said = "" if memory is None else f", {memory:,.0f} MiB for 1,000 cameras"
    say(f"the simulation itself used {figures.cpu_share:.0%} of one core{said}")
    if figures.finished and figures.sent_per_s < 0.8 * figures.asked_per_s and figures.sent > _ENOUGH:
        say(
            f"it could not keep up with {figures.asked_per_s:g}/s, so latencies are those of a machine at its limit;"
            " ask for less, or start several, each with an --agency of its own"
        )


_ENOUGH = 100  # events, from which a rate is more than chance
