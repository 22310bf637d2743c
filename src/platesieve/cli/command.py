"""`platesieve command`: sign what an agency asks of a device; any MQTT client carries it there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from platesieve.cli.options import device_parts
from platesieve.cli.speech import say
from platesieve.domain.errors import KeyFileError

MAX_MINUTES = 55  # a device takes 60 on its own clock, which may be behind
DEFAULT_MINUTES = 10


def command(
    verb: Annotated[Literal["suspend", "resume", "refresh"], typer.Argument(help="What the device is asked to do.")],
    device: Annotated[str, typer.Option(help="AGENCY/SITE/DEVICE: the one device that will follow it.")],
    key: Annotated[Path, typer.Option(help="The secret half that `platesieve keys new command` made.")],
    minutes: Annotated[
        int, typer.Option(min=1, max=MAX_MINUTES, help="How long it may be on its way; the device refuses it later.")
    ] = DEFAULT_MINUTES,
    out: Annotated[
        Path | None, typer.Option(help="File to write it to, which must not be there; standard output unless given.")
    ] = None,
) -> None:
    """Sign a command for a device: `suspend` reading, `resume` it, or `refresh` what it reports about itself.

    The document counts once, for one device, until it expires. Publish it unchanged on the topic that is named;
    the broker needs no trust.

    Examples:

      platesieve command suspend --device metro-pd/bridge-7/cam-1 --key keys/command.key --out suspend.cmd

      platesieve command resume --device metro-pd/bridge-7/cam-1 --key keys/command.key --minutes 30
    """
    from platesieve.adapters.disk.key_files import KeyKind, load_secret
    from platesieve.adapters.local.system_clock import SystemClock
    from platesieve.adapters.mqtt.wire import Address
    from platesieve.domain.instant import NS_PER_S
    from platesieve.domain.notice import Verb
    from platesieve.policy.command import sign_command
    from platesieve.settings import Device

    agency, site, name = (str(part) for part in device_parts(device).values())
    addressee = Device(agency=agency, site=site, device=name)
    address = Address.from_device(addressee)
    now = SystemClock().now()
    expires = type(now)(now.wall_ns + minutes * 60 * NS_PER_S, now.monotonic_ns)
    document = sign_command(Verb(verb), load_secret(key, KeyKind.COMMAND), addressee, expires, os.urandom)
    topic = f"{address.commands.removesuffix('+')}{verb}"
    if out is None:
        typer.echo(document.decode(), nl=False)
    else:
        _write_new(out, document)
    say(f"publish it within {minutes} min on {topic}")


def _write_new(file: Path, document: bytes) -> None:
    try:
        with file.open("xb") as opened:
            opened.write(document)
    except OSError as error:
        raise KeyFileError(
            f"the command cannot be written to {file}: {error.strerror}", "give --out a new file in a folder you own"
        ) from error
