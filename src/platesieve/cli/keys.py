"""`platesieve keys`: make key pairs and look at their public halves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from platesieve.cli.options import JsonOption, device_parts
from platesieve.cli.speech import print_json, say

app = typer.Typer(help="Make keys and look at their public halves.", no_args_is_help=True)

_HOLDERS = {
    "audit": "keep {secret} on the device; give {public} to every auditor and witness",
    "agency": "keep {secret} with the agency; give {public} to devices: --recipient agency={public}",
    "lists": "keep {secret} on the device as camera/lists.key; give {public} to the agency, which encrypts hot lists to it",
    "command": "keep {secret} with whoever may suspend and resume; give {public} to devices as command_key",
}


@app.command()
def new(
    kind: Annotated[Literal["audit", "agency", "command", "lists"], typer.Argument(help="What the key is for.")],
    out: Annotated[Path, typer.Option(help="Folder for the two files; nothing in it is overwritten.")],
    device: Annotated[
        str | None, typer.Option(help="AGENCY/SITE/DEVICE, for an audit key: it is part of the key's name.")
    ] = None,
    hybrid: Annotated[
        bool,
        typer.Option("--hybrid", help="For an agency key: ML-KEM-768 with X25519, closed to a quantum computer too."),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Make a key pair: `audit` signs the log, `agency` opens what is sealed, `command` suspends, `lists` opens hot lists.

    A device makes its own audit and lists keys on first start; make one here only to hand it over.

    Examples:

      platesieve keys new agency --out keys

      platesieve keys new agency --hybrid --out keys

      platesieve keys new audit --out state --device metro-pd/bridge-7/cam-1
    """
    from platesieve.adapters.disk.key_files import KeyKind, audit_key_name, key_facts, new_key_files

    device_parts(device)
    if (device is None) is (kind == "audit"):
        raise typer.BadParameter("an audit key needs AGENCY/SITE/DEVICE, other keys have none", param_hint="--device")
    if hybrid and kind != "agency":
        raise typer.BadParameter("only an agency key can be a hybrid", param_hint="--hybrid")
    secret, public = new_key_files(KeyKind(kind), out, audit_key_name(device) if device else "", hybrid=hybrid)
    facts = key_facts(public)
    if json:
        print_json({"kind": kind, "secret": str(secret), "public": str(public), "fingerprint": facts.fingerprint})
        return
    typer.echo(f"secret       {secret}\npublic       {public}\nfingerprint  {facts.fingerprint}")
    say(_HOLDERS[kind].format(secret=secret, public=public))


@app.command()
def show(file: Annotated[Path, typer.Argument(help="A key file of any kind.")], json: JsonOption = False) -> None:
    """Show kind, public half and fingerprint of a key file; never the secret.

    Examples:

      platesieve keys show keys/agency.pub
    """
    from platesieve.adapters.disk.key_files import key_facts

    facts = key_facts(file)
    half = "secret" if facts.secret else "public"
    if json:
        print_json({"kind": facts.kind.value, "half": half, "public": facts.public, "fingerprint": facts.fingerprint})
        return
    typer.echo(f"kind         {facts.kind} ({half} half)\npublic       {facts.public}")
    typer.echo(f"fingerprint  {facts.fingerprint}")
