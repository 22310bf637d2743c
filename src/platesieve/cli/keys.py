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
    "lists": "keep {secret} on the device; give {public} to the agency, which encrypts hot lists to it",
    "crops": "keep {secret} with the agency; give {public} to devices: --recipient crops={public}",
    "command": "keep {secret} with whoever may suspend and resume; give {public} to devices as command_key",
    "receipt": "keep {secret} with the collector; give {public} to devices as collectors.NAME, as policies name it",
}
_FLEET_HOLDER = (
    "copy it to every device of the ring, name it there as shared_keys.fleet or shared_keys.site, and then erase this "
    "one: platesieve keys erase {file}"
)


@app.command()
def new(
    kind: Annotated[
        Literal["audit", "agency", "command", "receipt", "lists", "crops", "fleet"],
        typer.Argument(help="What the key is for."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the two files; nothing in it is overwritten.")],
    device: Annotated[
        str | None, typer.Option(help="AGENCY/SITE/DEVICE, for an audit key: it is part of the key's name.")
    ] = None,
    hybrid: Annotated[
        bool,
        typer.Option("--hybrid", help="For an agency key: ML-KEM-768 with X25519, closed to a quantum computer too."),
    ] = False,
    epoch: Annotated[
        str | None, typer.Option(help="For a fleet key: the length of an epoch, as the policy writes it, such as 1h.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Make a key: `audit` for the log, `agency` for sealed fields, `command`, `receipt`, `lists` for hot lists.

    `crops` is for pictures that a policy seals as age files: its secret half opens them, and so does the tool `age`.

    The holder of a command key suspends and resumes devices; a collector signs with its receipt key for what it has.
    `fleet` is one file for all devices that are to give one vehicle the same pseudonym. It goes forward with every
    epoch, on each device by itself, and what it was before cannot be computed from it.

    A device makes its own audit and lists keys on first start; make one here only to hand it over.

    Examples:

      platesieve keys new agency --out keys

      platesieve keys new agency --hybrid --out keys

      platesieve keys new audit --out state --device metro-pd/bridge-7/cam-1

      platesieve keys new fleet --epoch 1h --out keys
    """
    from platesieve.adapters.disk.key_files import key_facts, new_key_files
    from platesieve.adapters.disk.key_text import KeyKind
    from platesieve.adapters.disk.own_keys import audit_key_name

    device_parts(device)
    if (epoch is None) is (kind == "fleet"):
        raise typer.BadParameter(
            "a fleet key needs the length of its epochs, other keys have none", param_hint="--epoch"
        )
    if kind == "fleet":
        _new_fleet_key(out / "fleet.key", str(epoch), json=json)
        return
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


def _new_fleet_key(file: Path, epoch: str, *, json: bool) -> None:
    import os

    from platesieve.adapters.disk.ratchet_file import new_ratchet_file
    from platesieve.adapters.local.system_clock import SystemClock
    from platesieve.policy.duration import divides_time, parse_duration
    from platesieve.policy.ratchet import new_ratchet

    try:
        epoch_s = parse_duration(epoch)
    except ValueError as error:
        raise typer.BadParameter(f"{error}; write for example 1h or 1d", param_hint="--epoch") from error
    if not epoch_s or not divides_time(epoch_s):
        raise typer.BadParameter("write what divides a day, or whole days: 15m, 1h, 1d", param_hint="--epoch")
    ratchet = new_ratchet(epoch_s, SystemClock().now(), os.urandom)
    new_ratchet_file(file, ratchet)
    if json:
        print_json({"kind": "fleet", "secret": str(file), "ring": ratchet.ring, "epoch_s": epoch_s})
        return
    typer.echo(f"secret       {file}\nring         {ratchet.ring}\nepochs       {epoch}, beginning now")
    say(_FLEET_HOLDER.format(file=file))


@app.command()
def token(
    uri: Annotated[
        str, typer.Argument(help="pkcs11:token=NAME;object=NAME?module-path=FILE&pin-source=FILE (RFC 7512).")
    ],
    out: Annotated[Path, typer.Option(help="Folder for agency.pub; nothing in it is overwritten.")],
    make: Annotated[bool, typer.Option("--make", help="Draw the key pair inside the token first.")] = False,
    curve: Annotated[
        Literal["p256", "x25519"], typer.Option(help="Of a key that is made; nearly every token has p256.")
    ] = "p256",
    json: JsonOption = False,
) -> None:
    """Write the public half of an agency key whose secret half never leaves a PKCS#11 token, smart card or HSM.

    Devices seal to agency.pub; the dashboard opens with the token: name the URI in collector.agency_keys.

    Examples:

      platesieve keys token 'pkcs11:token=hsm;object=plates?module-path=MODULE.so&pin-source=pin' --make --out keys
    """
    from platesieve.adapters.disk.key_files import fingerprint, write_agency_public
    from platesieve.adapters.local.token_key import TokenKey, address_of, make_key

    address = address_of(uri)
    if make:
        make_key(address, curve)
    public = TokenKey(address).public
    file = write_agency_public(public, out)
    if json:
        print_json({"kind": "agency", "public": str(file), "fingerprint": fingerprint(public)})
        return
    typer.echo(f"public       {file}\nfingerprint  {fingerprint(public)}")
    say(f"give {file} to devices: --recipient agency={file}; name the token in collector.agency_keys")


@app.command()
def erase(file: Annotated[Path, typer.Argument(help="The fleet key of a device that leaves, or a copy.")]) -> None:
    """Write zeros over a fleet key and remove it: a device that is retired, or the copy that was handed out.

    Examples:

      platesieve keys erase /var/lib/platesieve/camera/fleet.key
    """
    from platesieve.adapters.disk.ratchet_file import erase_ratchet

    erase_ratchet(file)
    say(f"{file} is erased; on flash a trace may remain where no program reaches it")


@app.command()
def show(file: Annotated[Path, typer.Argument(help="A key file of any kind.")], json: JsonOption = False) -> None:
    """Show kind, public half and fingerprint of a key file; never the secret.

    Examples:

      platesieve keys show keys/agency.pub
    """
    from platesieve.adapters.disk.key_files import key_facts
    from platesieve.adapters.disk.key_line import read_line
    from platesieve.adapters.disk.ratchet_file import WORD, load_ratchet

    if read_line(file).startswith(f"{WORD} "):
        ratchet = load_ratchet(file)
        if json:
            next_epoch = {
                "kind": "fleet",
                "ring": ratchet.ring,
                "epoch_s": ratchet.epoch_s,
                "next_epoch": ratchet.epoch,
            }
            print_json(next_epoch)
            return
        typer.echo(f"kind         fleet (secret)\nring         {ratchet.ring}")
        typer.echo(f"epochs       {ratchet.epoch_s} s, the next one is number {ratchet.epoch}")
        return
    facts = key_facts(file)
    half = "secret" if facts.secret else "public"
    if json:
        print_json({"kind": facts.kind.value, "half": half, "public": facts.public, "fingerprint": facts.fingerprint})
        return
    typer.echo(f"kind         {facts.kind} ({half} half)\npublic       {facts.public}")
    typer.echo(f"fingerprint  {facts.fingerprint}")
