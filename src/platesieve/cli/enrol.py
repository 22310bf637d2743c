"""`platesieve enrol`: the device's side of becoming known to its agency."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from platesieve.cli.options import ConfigOption, JsonOption, settings_from
from platesieve.cli.speech import print_json, say

if TYPE_CHECKING:
    from pathlib import Path

    from platesieve.adapters.enrolment.device_folder import DeviceFolder

app = typer.Typer(help="Get and renew this device's certificate.", no_args_is_help=True)

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 5.0, 300.0


@app.command()
def join(
    config: ConfigOption = None,
    wait_h: Annotated[float, typer.Option(help="Hours to go on trying while the agency cannot be reached.")] = 0.0,
) -> None:
    """Draw a key, show the token to the agency, and keep the certificate that it answers with.

    Examples:

      platesieve enrol join --config /etc/platesieve/platesieve.toml --wait-h 72
    """
    from platesieve.adapters.enrolment.https import asker
    from platesieve.domain.errors import LinkError

    device = _device(config)
    end, pause_s = datetime.now(UTC) + timedelta(hours=wait_h), _FIRST_PAUSE_S
    while True:
        try:
            new = device.join(asker(device.authority_file))
        except LinkError as error:
            if datetime.now(UTC) + timedelta(seconds=pause_s) > end:
                raise
            say(f"{error.message}; trying again in {pause_s:.0f} s")
            time.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
        else:
            say("enrolled" if new else "this device is enrolled already")
            return


@app.command()
def renew(
    config: ConfigOption = None,
    force: Annotated[bool, typer.Option("--force", help="Even where most of its life is left.")] = False,
) -> None:
    """Replace key and certificate when a third of its life is left, over the connection that the old one opens.

    Examples:

      platesieve enrol renew --config /etc/platesieve/platesieve.toml
    """
    from platesieve.adapters.enrolment.https import asker

    device = _device(config)
    say("renewed" if device.renew(asker(device.authority_file), force=force) else "it is not time to renew")


@app.command()
def request(config: ConfigOption = None) -> None:
    """Print a signing request, for an agency without an address: carry it there and the certificate back.

    Examples:

      platesieve enrol request --config /etc/platesieve/platesieve.toml
    """
    typer.echo(_device(config).request().decode(), nl=False)


@app.command()
def accept(
    certificate: Annotated[typer.FileBinaryRead, typer.Argument(help="PEM file from the agency.")],
    config: ConfigOption = None,
) -> None:
    """Take a certificate that was carried here; only one for this device, its key and its authority.

    Examples:

      platesieve enrol accept device.crt --config /etc/platesieve/platesieve.toml
    """
    _device(config).accept(certificate.read())
    say("enrolled")


@app.command()
def show(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show device, fingerprint of its key and until when its certificate is valid, also as a QR code.

    Examples:

      platesieve enrol show --config /etc/platesieve/platesieve.toml
    """
    facts = _device(config).facts()
    if json:
        print_json(facts)
        return
    for name, value in facts.items():
        typer.echo(f"{name:<12} {value or 'none yet'}")
    if not facts["key_sha256"]:
        say("it draws its key when it enrols: platesieve enrol join")
        return
    print_qr(f"platesieve:{facts['device']}?key={facts['key_sha256']}")


def print_qr(text: str) -> None:
    """Print a QR code in half blocks, as a phone reads it from a screen."""
    import sys

    import segno

    segno.make(text, error="m", micro=False).terminal(out=sys.stdout, compact=True)


def _device(config: Path | None) -> DeviceFolder:
    from platesieve.adapters.enrolment.device_folder import DeviceFolder
    from platesieve.bootstrap.folders import Folders

    settings = settings_from(config, {}, None)
    names, folders = settings.device, Folders.of(settings)
    folders.refuse_root()
    return DeviceFolder(folders.uplink, f"{names.agency}/{names.site}/{names.device}")
