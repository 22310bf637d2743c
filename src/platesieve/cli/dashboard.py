"""`platesieve dashboard`: the agency's pages over what its collector keeps."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from platesieve.cli.options import JsonOption
from platesieve.cli.speech import console, log_to_stderr, print_json, say

if TYPE_CHECKING:
    from datetime import tzinfo

    from platesieve.collector.settings import CollectorSettings
    from platesieve.dashboard.parts import Options
    from platesieve.dashboard.serving import Serving

PORT = 8443
app = typer.Typer(invoke_without_command=True)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="Settings file of the collector (TOML); the same as for collect.")
]
StateOption = Annotated[
    str | None, typer.Option("--state", help="State folder of the collector; that of the settings unless given.")
]


@app.callback()
def dashboard(
    context: typer.Context,
    config: ConfigOption = None,
    state: StateOption = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; one that is not loopback needs --cert.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65_535)] = PORT,
    cert: Annotated[Path | None, typer.Option(help="Certificate chain (PEM), for HTTPS.")] = None,
    key: Annotated[Path | None, typer.Option(help="Private key of --cert (PEM).")] = None,
    name: Annotated[
        list[str] | None, typer.Option(help="Name that people type into the browser; may be repeated.")
    ] = None,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="A proxy on this machine speaks HTTPS; needs --name.")
    ] = False,
    places: Annotated[Path | None, typer.Option(help="CSV of device,latitude,longitude, for the map.")] = None,
    audit_logs: Annotated[
        Path | None, typer.Option(help="Copies of cameras' audit logs, AGENCY_SITE_DEVICE/ each: proofs for exports.")
    ] = None,
    reports: Annotated[Path | None, typer.Option(help="Folder of pages made by `platesieve report --html`.")] = None,
    time_zone: Annotated[str, typer.Option(help="Time zone of what is shown, such as America/Chicago.")] = "UTC",
    case_format: Annotated[str | None, typer.Option(help="Regular expression of a case number here.")] = None,
    case_example: Annotated[str | None, typer.Option(help="A case number of that form, shown to people.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Show it with a drawn street, in a scratch folder.")] = False,
) -> None:
    """Show an agency its alerts live, its cameras, and who looked at what; sealed fields open for a logged reason.

    It runs beside `platesieve collect`, with the same settings. There is no account until `add-user` makes one. Plain
    HTTP is spoken on loopback only: give a certificate, or put a proxy with HTTPS before it.

    Examples:

      platesieve dashboard --demo

      platesieve dashboard add-user kim --person "Kim Park" --role officer --config collector.toml

      platesieve dashboard --config collector.toml --host 0.0.0.0 --cert chain.pem --key key.pem --name plates.example

      platesieve dashboard --config collector.toml --behind-proxy --name plates.example
    """
    if context.invoked_subcommand is not None:
        return
    from platesieve.bootstrap.dashboard import check_installed, zone_of

    check_installed()
    from platesieve.dashboard.serving import serving

    log_to_stderr("dashboard")
    where = serving(host, port, tuple(name or ()), cert, key, behind_proxy=behind_proxy)
    if demo:
        from platesieve.cli.dashboard_demo import show_demo

        show_demo(where)
        return
    settings = _settings(config, state)
    options = _options(settings, reports, case_format, case_example)
    _serve(settings, where, options, zone_of(time_zone), places, audit_logs)


@app.command("add-user")
def add_user(
    name: Annotated[str, typer.Argument(help="Name for signing in: a-z, digits, dot, dash, underscore.")],
    person: Annotated[str, typer.Option(help="How colleagues know them.")],
    role: Annotated[Literal["officer", "supervisor", "auditor", "admin"], typer.Option(help="What they may do.")],
    config: ConfigOption = None,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Add somebody, or invite again somebody who was suspended, and print a one-time token for their first sign-in.

    The token is good for 48 hours and once; it is not stored and cannot be shown again. With it they choose a password
    and a second factor themselves. Officers and supervisors open sealed fields; auditors read the access log; admins
    manage accounts, and open nothing.

    Examples:

      platesieve dashboard add-user kim --person "Kim Park" --role officer --config collector.toml

      platesieve dashboard add-user lee --person "Lee Moor" --role admin --state /var/lib/platesieve-collector
    """
    from contextlib import closing

    from platesieve.bootstrap.dashboard import check_installed, open_register

    check_installed()
    from platesieve.dashboard.journal import Act, Note
    from platesieve.dashboard.people import Role, checked_name, checked_person

    checked_name(name)
    now_ns = time.time_ns()
    with closing(open_register(_settings(config, state))) as register:
        token = register.invite(name, checked_person(person), Role(role), now_ns)
        register.note(Note(now_ns, "", Act.INVITED, name, "command line"))
    if json:
        print_json({"name": name, "role": role, "token": token, "good_for_h": 48})
        return
    typer.echo(f"name            {name}\nrole            {role}\none-time token  {token}")
    say("give it to them in person; it is good for 48 hours and once, at First sign-in")


def _settings(config: Path | None, state: str | None) -> CollectorSettings:
    from platesieve.bootstrap.collector import load_collector_settings

    return load_collector_settings(config, {} if state is None else {"state": state})


def _options(
    settings: CollectorSettings, reports: Path | None, case_format: str | None, case_example: str | None
) -> Options:
    from platesieve.bootstrap.collector import state_folder
    from platesieve.dashboard.parts import Options, checked_case_format

    standard = Options()
    return Options(
        agency=settings.agency,
        case_format=checked_case_format(case_format) if case_format else standard.case_format,
        case_example=case_example or (standard.case_example if case_format is None else "your case numbers"),
        reports=reports,
        checkpoint=state_folder(settings) / "log" / "checkpoint",
    )


def _serve(
    settings: CollectorSettings,
    where: Serving,
    options: Options,
    zone: tzinfo,
    places: Path | None,
    audit_logs: Path | None,
) -> None:
    from platesieve.bootstrap.dashboard import open_dashboard
    from platesieve.dashboard.serving import server_of

    with open_dashboard(settings, where, options, zone, places, audit_logs) as application:
        console(stderr=True).print(f"[bold]{where.scheme}://{where.shown}[/] (Ctrl-C ends it)", soft_wrap=True)
        server_of(application, where).run()
