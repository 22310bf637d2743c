"""`platesieve plan`: what a fleet needs, and what of it was measured, assumed or given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from platesieve.cli.options import JsonOption
from platesieve.cli.speech import console, print_json, print_line
from platesieve.domain.errors import ConfigError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platesieve.simulation.plan import Cost, Demand, Plan


def plan(
    cameras: Annotated[int, typer.Option(min=1, max=10_000_000, help="How many cameras.")],
    vehicles_per_day: Annotated[
        float, typer.Option(min=0, max=1e7, help="Vehicles that one camera reads in a day, on the mean.")
    ] = 5000,
    hits_per_10_000: Annotated[
        float, typer.Option("--hits-per-10000", min=0, max=10_000, help="Of 10,000 vehicles, how many are on a list.")
    ] = 20,
    policy: Annotated[str, typer.Option("--policy", "-p", help="Pack or file that decides what leaves.")] = "hits-only",
    peak: Annotated[float, typer.Option(min=1, max=100, help="Traffic of the busiest minute over the day's mean.")] = 3,
    health: Annotated[float, typer.Option(min=1, max=86_400, help="Seconds between two health events.")] = 30,
    checkpoint: Annotated[float, typer.Option(min=1, max=86_400, help="Seconds between two checkpoints.")] = 60,
    busy: Annotated[float, typer.Option(min=0.05, max=1, help="Share of a core that may be busy at the peak.")] = 0.5,
    outage: Annotated[float, typer.Option(min=0, max=10_000, help="Hours for which the broker may be away.")] = 24,
    prices: Annotated[
        Path | None, typer.Option(help="Price list (TOML), see deploy/fleet/prices.toml; without it no costs.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Plan a fleet: messages, network, broker, collectors, storage, and with a price list what it costs.

    What one event, one connection and one stored row cost was measured with real events (`platesieve simulate`) on the
    machine that is named at the end; how large events are and how long they are kept follows from the policy. Traffic,
    hits and peaks are yours to say: the defaults are assumptions and no statistics. There is no price in here.

    Examples:

      platesieve plan --cameras 10000 --vehicles-per-day 5000 --hits-per-10000 20

      platesieve plan --cameras 400 --policy us-mn --peak 4 --prices prices.toml --json
    """
    from platesieve.bootstrap.plan import demanded
    from platesieve.simulation.plan import costs, load_figures
    from platesieve.simulation.plan import plan as plan_fleet

    rules, demand = demanded(
        policy,
        cameras=cameras,
        vehicles_per_day=vehicles_per_day,
        hits_per_10_000=hits_per_10_000,
        peak=peak,
        health_s=health,
        checkpoint_s=checkpoint,
        busy=busy,
        outage_h=outage,
    )
    figures = load_figures()
    made = plan_fleet(rules, demand, figures)
    currency, lines = costs(made.needs, _read(prices)) if prices is not None else ("", ())
    if as_json:
        print_json(_json(made, currency, lines, figures))
    else:
        _show(made, demand, policy, currency, lines, figures)


def _read(file: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the price list {file} cannot be read", "give a TOML file that is readable") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"the price list is no TOML: {error}", "see deploy/fleet/prices.toml") from error


def _json(made: Plan, currency: str, lines: Sequence[Cost], figures: dict[str, Any]) -> dict[str, Any]:
    from dataclasses import asdict

    bill = {"currency": currency, "lines": [asdict(line) | {"total": line.total} for line in lines]} if lines else None
    return {
        "parts": {part.title: [asdict(row) for row in part.rows] for part in made.parts},
        "needs": dict(made.needs),
        "warnings": list(made.warnings),
        "costs": bill,
        "figures": figures,
    }


def _show(
    made: Plan, demand: Demand, policy: str, currency: str, lines: Sequence[Cost], figures: dict[str, Any]
) -> None:
    from rich.table import Table

    print_line(
        f"{demand.cameras:,} cameras under {policy}, {demand.vehicles_per_day:,g} vehicles a day each, "
        f"{demand.hits_per_10_000:g} of 10,000 on a list"
    )
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(style="dim")
    for part in made.parts:
        table.add_row(f"\n[bold]{part.title}[/]")
        for row in part.rows:
            table.add_row(row.name, written(row.value), row.unit, row.why)
    console().print(table)
    if lines:
        _show_costs(lines, currency)
    for warning in made.warnings:
        print_line(f"\n[bold]does not fit:[/] {warning}")
    took = figures["latency_ms"]["signed"]
    print_line(
        f"\n[dim]measured {figures['measured']} with {figures['devices']:,} cameras and {figures['events']:,} events at"
        f" {figures['events_per_s']:g}/s, {figures['lost']} lost; from a vehicle's passing to the receipt on its camera"
        f" {took['p50']:,.0f} ms, 99 % within {took['p99']:,.0f} ms; all of it on {figures['machine']}[/]"
    )


def _show_costs(lines: Sequence[Cost], currency: str) -> None:
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for justify in ("left", "right", "right", "left", "right"):
        table.add_column(justify=justify, no_wrap=True)
    table.add_row("\n[bold]Costs[/]", "\nquantity", "\nprice", "", f"\n{currency}")
    for line in lines:
        each = "once" if line.each == "once" else "a month"
        table.add_row(
            line.name.replace("_", " "), written(line.quantity), f"{line.price:,.2f}", each, f"{line.total:,.2f}"
        )
    for each, name in (("month", "each month"), ("once", "once")):
        total = sum(line.total for line in lines if line.each == each)
        table.add_row(f"[bold]{name}[/]", "", "", "", f"[bold]{total:,.2f}[/]")
    console().print(table)


def written(value: float) -> str:
    """Return a quantity with as many digits as it deserves: three of a small one, whole thousands."""
    if value == 0 or value >= 100 or value == int(value):  # noqa: PLR2004 - where a fraction says nothing any more
        return f"{value:,.0f}"
    return f"{value:,.1f}" if value >= 10 else f"{value:,.2g}"  # noqa: PLR2004 - ditto
