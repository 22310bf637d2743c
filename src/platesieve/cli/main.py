"""The command line: its verbs, its version, and what happens when one of them refuses.

Nothing heavy is imported here: `platesieve --help` must answer before a person wonders.
"""

from __future__ import annotations

import errno
import sys
from typing import Annotated, NoReturn

import typer

from platesieve import __version__
from platesieve.cli import (
    agency,
    agency_enrol,
    aim,
    audit,
    collect,
    command,
    dashboard,
    demo,
    doctor,
    enrol,
    evaluate,
    keys,
    open_event,
    plan,
    policy,
    processes,
    provision,
    read,
    report,
    retire,
    run,
    schema,
    self_test,
    simulate,
    update,
)
from platesieve.cli.manual import command_tree
from platesieve.cli.speech import EXIT_CODES, EXIT_INTERRUPTED, confess, discard_output, open_closed_streams, refuse
from platesieve.domain.errors import OutputError, PlatesieveError

EPILOG = "\n".join(
    (
        "Try first: platesieve demo. Then: platesieve read photo.jpg --policy us-nh",
        "",
        "Exit codes:",
        *(f"{code:>4}  {meaning}" for code, meaning in EXIT_CODES.items()),
    )
)

app = typer.Typer(
    name="platesieve",
    help="A licence-plate reader that forgets: private reads, public accountability.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they print local variables, and a local variable can be a plate
)
app.command()(run.run)
app.command()(demo.demo)
app.command()(read.read)
app.command()(evaluate.evaluate)
app.command()(doctor.doctor)
app.command("self-test")(self_test.self_test)
app.add_typer(provision.app, name="provision")
app.add_typer(enrol.app, name="enrol")
app.command()(update.update)
app.command()(retire.retire)
app.command()(aim.aim)
app.add_typer(policy.app, name="policy")
app.add_typer(audit.app, name="audit")
app.add_typer(report.app, name="report")
app.add_typer(keys.app, name="keys")
app.add_typer(collect.app, name="collect")
agency.app.add_typer(agency_enrol.app, name="enrol")
app.add_typer(agency.app, name="agency")
app.command()(command.command)
app.add_typer(dashboard.app, name="dashboard")
app.command()(simulate.simulate)
app.command()(plan.plan)
app.command("open")(open_event.open_event)
app.command()(schema.schema)
app.command(hidden=True)(processes.camera)
app.command(hidden=True)(processes.uplink)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"platesieve {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Hold the options that stand before a verb."""


def main() -> None:
    """Run the command line; every refusal is a sentence, a hint and a documented exit code."""
    open_closed_streams()
    try:
        command_tree(app)(prog_name="platesieve", standalone_mode=True)
    except SystemExit as end:
        _end(end)
    except PlatesieveError as error:
        refuse(error)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except OSError as error:
        _end(error)
    except Exception as error:  # noqa: BLE001 - the last line of defence against a traceback that shows a plate
        confess(error)


def _end(end: SystemExit | OSError) -> NoReturn:
    """End as asked, once what was printed has arrived; where it cannot arrive, say so."""
    fault = end if isinstance(end, OSError) else end.__context__  # click turns a broken pipe into exit code 1
    if isinstance(fault, BrokenPipeError):
        discard_output()
        sys.exit(0)  # the reader of our output, such as `head`, has seen enough
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        discard_output()  # likewise, and the answer is known: its exit code stays
    except OSError as error:
        fault = error
    if isinstance(fault, OSError) and fault.errno in {errno.ENOSPC, errno.EIO, errno.EDQUOT} and not fault.filename:
        discard_output()
        refuse(OutputError(f"the answer could not be written: {fault.strerror}", "make room where it goes"))
    if isinstance(end, OSError):
        confess(end)
    raise end
