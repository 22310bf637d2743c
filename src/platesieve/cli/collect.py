"""`platesieve collect`: the agency's end. Store what devices let out, answer for it, open it for a case."""

from __future__ import annotations

from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from platesieve.cli.options import JsonOption
from platesieve.cli.speech import log_to_stderr, print_json, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platesieve.collector.settings import CollectorSettings
    from platesieve.collector.store import CollectorStore

app = typer.Typer(no_args_is_help=False)

CollectorConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="Settings of the collector (TOML); see deploy/README.md.")
]
UserOption = Annotated[str, typer.Option(help="Account name of whoever asks; it stands in the access record.")]
CaseOption = Annotated[str, typer.Option(help="Case number; it stands in the access record.")]
PurposeName = Literal[
    "alert-check",
    "stolen-vehicle",
    "wanted-person",
    "missing-person",
    "investigation",
    "court-order",
    "records-request",
    "audit",
]
PurposeOption = Annotated[PurposeName, typer.Option(help="Why; it stands in the transparency log.")]
EventArgument = Annotated[str, typer.Argument(help="Id of an event that is kept here.")]


@app.callback(invoke_without_command=True)
def collect(context: typer.Context, config: CollectorConfigOption = None) -> None:
    """Collect until stopped: subscribe, judge, store, give receipts, witness audit logs, erase what is over.

    Nothing is opened meanwhile, and no receipt is given for what is not stored: while the database is gone, devices
    keep what they have. Start as many collectors as you like on one PostgreSQL with `share` set in each.

    Examples:

      platesieve collect --config collector.toml

      platesieve collect reveal 7d1ae2cf2cb0f1d8f7cf1ab97a1c0a53 --purpose stolen-vehicle --case 2026-1742 --user jo
    """
    context.obj = config
    if context.invoked_subcommand is not None:
        return
    from platesieve.bootstrap.collector import collector_process, load_collector_settings
    from platesieve.cli.stop_switch import StopSwitch

    settings = load_collector_settings(config)
    log_to_stderr("collect")
    stop = StopSwitch()
    say(f"collecting for {settings.agency} from {settings.broker.host or 'no broker'}; Ctrl-C stops")
    collector_process(settings, stop)


@app.command()
def reveal(
    context: typer.Context,
    event: EventArgument,
    purpose: PurposeOption,
    case: CaseOption,
    user: UserOption,
    field: Annotated[list[str] | None, typer.Option(help="Open this field alone; may be repeated.")] = None,
    config: CollectorConfigOption = None,
) -> None:
    """Open sealed fields of an event. The transparency log has the access before anything is opened.

    Examples:

      platesieve collect reveal 7d1ae2cf2cb0f1d8f7cf1ab97a1c0a53 --purpose stolen-vehicle --case 2026-1742 --user jo
    """
    from platesieve.bootstrap.collector import open_desk
    from platesieve.collector.reveal import RevealRequest
    from platesieve.domain.access import Purpose

    with _opened(config or context.obj) as (settings, store):
        request = RevealRequest(event, user, Purpose(purpose), case, tuple(field or ()))
        revealed = open_desk(settings, store).reveal(request)
        print_json({"event": event, "log_index": revealed.access.log_index, "fields": dict(revealed.fields)})


@app.command()
def hold(
    context: typer.Context,
    event: EventArgument,
    case: CaseOption,
    user: UserOption,
    days: Annotated[int, typer.Option(min=1, max=366, help="How long, from now; renew it if that is not enough.")],
    config: CollectorConfigOption = None,
) -> None:
    """Keep an event beyond its expiry, for a case.

    Examples:

      platesieve collect hold 7d1ae2cf2cb0f1d8f7cf1ab97a1c0a53 --case 2026-1742 --user jo --days 90
    """
    from platesieve.bootstrap.collector import open_retention

    with _opened(config or context.obj) as (settings, store):
        open_retention(settings, store).hold(event, user, case, days)
        typer.echo(f"kept for {days} days from now at most")


@app.command()
def lift(context: typer.Context, event: EventArgument, config: CollectorConfigOption = None) -> None:
    """End every hold on an event; it goes when its own time is over.

    Examples:

      platesieve collect lift 7d1ae2cf2cb0f1d8f7cf1ab97a1c0a53
    """
    from platesieve.bootstrap.collector import open_retention

    with _opened(config or context.obj) as (settings, store):
        typer.echo(f"{open_retention(settings, store).lift(event)} holds ended")


@app.command()
def export(
    context: typer.Context,
    case: Annotated[str, typer.Argument(help="Case number, as it was given for holds and reveals.")],
    out: Annotated[Path, typer.Option(help="Folder for the package, which must not be there.")],
    purpose: PurposeOption,
    user: UserOption,
    audit_log: Annotated[
        Path | None, typer.Option(help="Folder with copies of devices' audit logs, each AGENCY_SITE_DEVICE/.")
    ] = None,
    config: CollectorConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Export every event of a case: as it came, opened, with who saw it, what the witness has, and the proofs.

    An event belongs to a case when a hold or a reveal named it. Opening is logged as any other reveal. With copies of
    the devices' audit logs each event gets the evidence package that `platesieve audit check` takes.

    Exit codes: 0 written; 66 the case is unknown here, or the folder cannot be written; 73, 75, 77 as ever.

    Examples:

      platesieve collect export 2026-1742 --out case-2026-1742 --purpose court-order --user jo
    """
    from platesieve.bootstrap.collector import export_case

    with _opened(config or context.obj) as (settings, store):
        exported = export_case(settings, store, case, user, purpose, out, audit_log)
        if json:
            print_json({"folder": str(out), "events": exported.events, "proven": exported.proven})
        else:
            typer.echo(f"{exported.events} events in {out}, {exported.proven} of them proven by the device's log")


@contextmanager
def _opened(config: Path | None) -> Iterator[tuple[CollectorSettings, CollectorStore]]:
    """Give settings and store, and close the store at the end."""
    from platesieve.bootstrap.collector import database_address, load_collector_settings, open_store

    settings = load_collector_settings(config)
    with closing(open_store(database_address(settings))) as store:
        yield settings, store
