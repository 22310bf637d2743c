"""`platesieve update`: fetch the system update that the agency signed for this device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from platesieve.cli.options import ConfigOption, JsonOption, settings_from
from platesieve.cli.speech import print_json, say

if TYPE_CHECKING:
    from platesieve.bootstrap.update import Outcome

SAYINGS = {
    "none": "no update is signed for this device",
    "current": "this system is up to date",
    "tried": "the update that is signed was given to RAUC before: it was refused, or did not prove itself",
    "offered": "an update is signed for this device, and the settings name no server or folder that has it",
    "fetched": "the update is here; the service that installs it goes on",
}


def update(
    config: ConfigOption = None,
    running: Annotated[
        str | None, typer.Option(help="Version that runs; /usr/lib/platesieve/system-version unless given.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Fetch the update of the whole system that the agency has signed for this device, if it is newer.

    Nothing is installed by this: on a device with two slots `platesieve-update.service` does that once a day, and
    RAUC verifies the bundle again. A line that breaks is no harm: what came is kept, and the rest is asked for, up to
    20 times and again the next night, where the server knows ranges. Exit codes: 0 fetched, or nothing to do; 65 what
    is offered is not accepted; 75 no room for it.

    Examples:

      platesieve update --config /etc/platesieve/platesieve.toml
    """
    from platesieve.bootstrap.update import fetch_update

    outcome: Outcome = fetch_update(settings_from(config, {}, None), running)
    if json:
        print_json(
            {
                "state": outcome.state,
                "running": outcome.running,
                "version": outcome.version,
                "file": None if outcome.file is None else str(outcome.file),
            }
        )
        return
    named = "" if outcome.version is None else f" ({outcome.running} runs, {outcome.version} is offered)"
    say(f"{SAYINGS[outcome.state]}{named}")
