"""`platesieve retire`: the end of a device's service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from platesieve.cli.options import ConfigOption, JsonOption, StateOption, settings_from
from platesieve.cli.speech import print_json, say


def retire(
    config: ConfigOption = None,
    state: StateOption = None,
    reason: Annotated[
        Literal["decommissioned", "replaced", "moved", "key-compromised"], typer.Option(help="For the audit log.")
    ] = "decommissioned",
    also: Annotated[
        list[Path] | None, typer.Option("--also", help="File or folder that goes too, such as a hot list elsewhere.")
    ] = None,
    untold: Annotated[bool, typer.Option("--untold", help="Although no broker can be told.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Really: there is no way back.")] = False,
    as_json: JsonOption = False,
) -> None:
    """End the log, tell the agency, destroy every key: after this the card opens nothing. Stop the services first.

    The audit log and its public key stay, for whoever answers for what the device did. The settings file goes too.

    Examples:

      platesieve retire --config /etc/platesieve/platesieve.toml --yes

      platesieve retire --state STATE --reason replaced --untold --yes
    """
    from dataclasses import asdict

    from platesieve.audit.entry import RetireReason
    from platesieve.retire import retire as retire_device

    if not yes:
        raise typer.BadParameter("this destroys every key of the device; say --yes", param_hint="--yes")
    settings = settings_from(config, {"state": state}, None)
    gone = [*(also or ()), *([config] if config is not None and str(config) != "-" else [])]
    gone += [Path(settings.hotlist)] if settings.hotlist else []
    done = retire_device(settings, RetireReason(reason), tuple(gone), tell=not untold)
    if as_json:
        print_json(asdict(done))
        return
    say(f"retired; {done.destroyed} files are gone, the log ends with this checkpoint:")
    typer.echo(done.final_checkpoint, nl=False)
    if untold:
        say("nobody was told: give this checkpoint to the agency and revoke the device: platesieve agency enrol revoke")
