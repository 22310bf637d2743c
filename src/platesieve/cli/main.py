"""The command line: its verbs, its version, and what happens when one of them refuses.

Nothing heavy is imported here: `platesieve --help` must answer before a person wonders.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from platesieve import __version__
from platesieve.cli import audit, demo, doctor, evaluate, keys, policy, processes, read, run
from platesieve.cli.speech import EXIT_CODES, EXIT_INTERRUPTED, confess, refuse
from platesieve.domain.errors import PlatesieveError

EPILOG = (
    "Try first: platesieve demo. Then: platesieve read photo.jpg --policy us-nh. "
    "Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items()) + "."
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
app.add_typer(policy.app, name="policy")
app.add_typer(audit.app, name="audit")
app.add_typer(keys.app, name="keys")
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
    try:
        app(standalone_mode=True)
    except PlatesieveError as error:
        refuse(error)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        sys.exit(0)  # the reader of our output, such as `head`, has seen enough
    except Exception as error:  # noqa: BLE001 - the last line of defence against a traceback that shows a plate
        confess(error)
