"""`platesieve command`: sign what an agency asks of a device; any MQTT client carries it there."""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from platesieve.cli.options import device_parts
from platesieve.cli.speech import say
from platesieve.domain.errors import InputError, KeyFileError

if TYPE_CHECKING:
    from platesieve.domain.notice import Verb

MAX_MINUTES = 55  # a device takes 60 on its own clock, which may be behind
DEFAULT_MINUTES = 10


def command(
    verb: Annotated[
        Literal["suspend", "resume", "refresh", "add-plate", "hold", "end"],
        typer.Argument(help="What the device is asked to do."),
    ],
    device: Annotated[str, typer.Option(help="AGENCY/SITE/DEVICE: the one device that will follow it.")],
    key: Annotated[Path, typer.Option(help="The secret half that `platesieve keys new command` made.")],
    minutes: Annotated[
        int, typer.Option(min=1, max=MAX_MINUTES, help="How long it may be on its way; the device refuses it later.")
    ] = DEFAULT_MINUTES,
    terms: Annotated[
        Path | None,
        typer.Option(
            help="For add-plate, hold and end: file with their terms as KEY = VALUE lines; - for standard input."
        ),
    ] = None,
    device_key: Annotated[
        Path | None, typer.Option(help="For these: the device's device.pub, to which the terms are sealed.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="File to write it to, which must not be there; standard output unless given.")
    ] = None,
) -> None:
    """Sign a command for a device: `suspend` reading, `resume` it, or `refresh` what it reports about itself.

    `add-plate` wants a plate until the end of a shift (terms: plate, category, reason, case, ends). `hold` keeps what
    this camera let out in a period, or of one plate, for longer (from, to, until, case, signer, plate or ""). `end`
    ends either (id, as it was printed). The terms are sealed to the device: the broker does not learn the plate. Give
    them in a file, because others on this computer see command lines.

    The document counts once, for one device, until it expires. Publish it unchanged on the topic that is named;
    the broker needs no trust.

    Examples:

      platesieve command suspend --device metro-pd/bridge-7/cam-1 --key keys/command.key --out suspend.cmd

      platesieve command resume --device metro-pd/bridge-7/cam-1 --key keys/command.key --minutes 30

      platesieve command add-plate --device a/b/cam-1 --key command.key --terms wanted.toml --device-key device.pub
    """
    from platesieve.adapters.disk.key_files import load_secret
    from platesieve.adapters.disk.key_text import KeyKind
    from platesieve.adapters.local.system_clock import SystemClock
    from platesieve.adapters.mqtt.wire import Address
    from platesieve.domain.instant import NS_PER_S
    from platesieve.domain.notice import Verb
    from platesieve.policy.command import nonce_of, sign_command
    from platesieve.settings import Device

    agency, site, name = (str(part) for part in device_parts(device).values())
    addressee = Device(agency=agency, site=site, device=name)
    address = Address.from_device(addressee)
    now = SystemClock().now()
    expires = type(now)(now.wall_ns + minutes * 60 * NS_PER_S, now.monotonic_ns)
    secret = load_secret(key, KeyKind.COMMAND)
    sealed = _terms(Verb(verb), terms, device_key)
    document = sign_command(Verb(verb), secret, addressee, expires, os.urandom, sealed)
    topic = f"{address.commands.removesuffix('+')}{verb}"
    if out is None:
        typer.echo(document.decode(), nl=False)
    else:
        _write_new(out, document)
    say(f"publish it within {minutes} min on {topic}")
    if verb in {"add-plate", "hold"}:
        say(f"its id, to end it before its time: {nonce_of(document)}")


def _terms(verb: Verb, file: Path | None, device_key: Path | None) -> tuple[bytes, bytes] | None:
    """Return the plaintext of terms and the key they are sealed to; None for a verb that has none."""
    from platesieve.adapters.disk.key_files import load_public
    from platesieve.adapters.disk.key_text import KeyKind
    from platesieve.policy.orders import written_terms

    if verb.has_terms is (file is None) or verb.has_terms is (device_key is None):
        said = "has terms: give --terms and --device-key" if verb.has_terms else "has no terms"
        raise typer.BadParameter(f"{verb.value} {said}", param_hint="--terms")
    if file is None or device_key is None:
        return None
    return written_terms(verb, _read_terms(file)), load_public(device_key, KeyKind.DEVICE)


def _read_terms(file: Path) -> dict[str, str]:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        terms = tomllib.loads(text)
    except OSError as error:
        raise InputError(f"the terms cannot be read: {error.strerror}", "give a file that is readable") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise _no_terms() from None  # the cause could repeat a plate
    if not all(isinstance(value, str) for value in terms.values()):
        raise _no_terms()
    return terms


def _no_terms() -> InputError:
    return InputError("the terms are not lines of KEY = VALUE", 'write for example: case = "26-004711"')


def _write_new(file: Path, document: bytes) -> None:
    try:
        with file.open("xb") as opened:
            opened.write(document)
    except OSError as error:
        raise KeyFileError(
            f"the command cannot be written to {file}: {error.strerror}", "give --out a new file in a folder you own"
        ) from error
