"""`platesieve provision`: from an installer's laptop, by a file on the card, to a device that knows who it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from platesieve.cli.enrol import print_qr
from platesieve.cli.options import broker_parts, device_parts
from platesieve.cli.speech import say

if TYPE_CHECKING:
    from platesieve.domain.errors import PlatesieveError

app = typer.Typer(help="Write, check and apply the file that makes a flashed card a device.", no_args_is_help=True)


@app.command()
def new(
    out: Annotated[Path, typer.Option(help="The card's FAT partition, or a file name.")],
    device: Annotated[str, typer.Option(help="AGENCY/SITE/DEVICE.")],
    policy: Annotated[str, typer.Option(help="Name of a pack; see `platesieve policy list`.")],
    broker: Annotated[str, typer.Option(help="HOST[:PORT] of the MQTT broker; 8883 unless given.")],
    url: Annotated[str, typer.Option(help="https://HOST:PORT where the agency lets devices in.")],
    token: Annotated[str, typer.Option(help="From `platesieve agency enrol token`.")],
    authority: Annotated[Path, typer.Option(help="ca.crt of the agency.")],
    mount: Annotated[str, typer.Option(help="fixed or mobile.")] = "fixed",
    camera: Annotated[str, typer.Option(help="As in the settings.")] = "picamera2",
    latitude: Annotated[float | None, typer.Option(help="Degrees, WGS 84.")] = None,
    longitude: Annotated[float | None, typer.Option(help="Degrees, WGS 84.")] = None,
    recipient: Annotated[
        list[str] | None, typer.Option(help="NAME=FILE: public key that fields are sealed to.")
    ] = None,
    command_key: Annotated[Path | None, typer.Option(help="Public key of who may suspend and resume.")] = None,
    delivery_url: Annotated[
        str | None, typer.Option(help="https://... where the agency publishes policies, hot lists and updates.")
    ] = None,
    delivery_root: Annotated[Path | None, typer.Option(help="The agency's root.json.")] = None,
    delivery_ca: Annotated[
        Path | None, typer.Option(help="CA of that server; those that every system knows unless given.")
    ] = None,
    fact: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE of the device that a policy asks for, such as operator=police."),
    ] = None,
    aim_minutes: Annotated[
        int | None, typer.Option(help="Open the aiming page at the first start, for 1 to 30 minutes.")
    ] = None,
    aim_code: Annotated[
        str | None, typer.Option(help="Code to enter there the first time, 8 to 12 characters.")
    ] = None,
    aim_address: Annotated[
        str | None, typer.Option(help="Where the aiming page answers; the service port, 192.168.7.1, unless given.")
    ] = None,
) -> None:
    """Write platesieve.toml for the card of one device, checked as the device will check it.

    The QR code names the device and the authority that it will trust, for the agency's list.

    Examples:

      platesieve provision new --out /media/me/bootfs --device metro-pd/bridge-7/cam-1 --policy us-mn
      --recipient agency=agency.pub --broker mqtt.example --url https://enrol.example:8443 --token aaaa-bbbb
      --authority ca.crt
    """
    from hashlib import sha256

    from platesieve.adapters.enrolment import provision_file

    where = broker_parts(broker)
    tree: dict[str, Any] = {
        "format": 1,
        "policy": policy,
        "camera": camera,
        "device": {
            **{name.rpartition(".")[2]: value for name, value in device_parts(device).items()},
            "mount": mount,
            "latitude_deg": latitude,
            "longitude_deg": longitude,
            **{name: _value(value) for name, _, value in (pair.partition("=") for pair in fact or ())},
        },
        "broker": {"host": where["uplink.host"], "port": where.get("uplink.port", 8883)},
        "enrolment": {"url": url, "token": token, "authority": _text(authority)},
        "recipients": {name: _text(Path(file)) for name, _, file in (pair.partition("=") for pair in recipient or ())},
        "command_key": _text(command_key) if command_key else None,
        "delivery": _delivery(delivery_url, delivery_root, delivery_ca),
        "aiming": {
            name: value
            for name, value in (("minutes", aim_minutes), ("code", aim_code), ("address", aim_address))
            if value is not None
        },
    }
    provision = provision_file.checked(tree)
    file = out / provision_file.NAME if out.is_dir() else out
    _write_new(file, provision_file.dump(provision))
    say(f"written: {file}; it holds the token until the device has used it")
    print_qr(f"platesieve:{provision.device_path}?ca={sha256(authority.read_bytes()).hexdigest()}")


@app.command()
def check(file: Annotated[Path, typer.Argument(help="platesieve.toml for a card.")]) -> None:
    """Check a file as the device will check it; every fault is listed.

    Examples:

      platesieve provision check /media/me/bootfs/platesieve.toml
    """
    from platesieve.adapters.enrolment import provision_file

    provision = provision_file.parse(_bytes(file))
    say(f"a device will take it: {provision.device_path} under {provision.policy}")


@app.command()
def apply(
    boot: Annotated[Path, typer.Option(help="The FAT partition.")] = Path("/boot/firmware"),
    etc: Annotated[Path, typer.Option(help="Where the settings go.")] = Path("/etc/platesieve"),
    state: Annotated[Path, typer.Option(help="State folder.")] = Path("/var/lib/platesieve"),
    user: Annotated[str | None, typer.Option(help="Account of the services; none: whoever runs this.")] = None,
) -> None:
    """Apply the installer's file, once; what is wrong is shown by LED, screen, serial line, card and aiming page.

    Examples:

      platesieve provision apply --boot /boot/firmware --user platesieve
    """
    from platesieve.adapters.enrolment.first_boot import apply as apply_file
    from platesieve.adapters.enrolment.first_boot import leave_trouble
    from platesieve.adapters.local.announce import Announcer
    from platesieve.domain.errors import PlatesieveError

    announcer = Announcer()
    try:
        provision = apply_file(boot, etc, state, _owner(user))
    except PlatesieveError as error:
        lines = _lines(error)
        announcer.trouble(lines)
        try:
            leave_trouble(boot, state, lines, _owner(user))
        except (OSError, PlatesieveError):
            say("what is wrong cannot be written to the card")
        raise
    if provision is None:
        say("there is nothing to apply")
        return
    announcer.well([f"platesieve: this is {provision.device_path}, under {provision.policy}"])
    say(f"applied: {provision.device_path}")


def _delivery(url: str | None, root: Path | None, authority: Path | None) -> dict[str, str | None] | None:
    """Return the table of signed delivery; None where nothing comes that way."""
    if url is None and root is None:
        return None
    if url is None or root is None:
        raise typer.BadParameter("give both, or neither", param_hint="--delivery-url, --delivery-root")
    return {"url": url, "root": _text(root), "ca": None if authority is None else _text(authority)}


def _value(text: str) -> Any:
    """Return a list or a word; only `excluded_places` is a list."""
    import json

    try:
        return json.loads(text) if text.startswith("[") else text
    except ValueError:
        raise typer.BadParameter("a list is written as JSON, for example []", param_hint="--fact") from None


def _lines(error: PlatesieveError) -> list[str]:
    problems = [f"  {problem}" for problem in getattr(error, "problems", ())]
    return [f"platesieve: {error.message}", *problems, f"hint: {error.hint}"]


def _owner(user: str | None) -> tuple[int, int] | None:
    import pwd

    if user is None:
        return None
    try:
        found = pwd.getpwnam(user)
    except KeyError:
        raise typer.BadParameter(f"there is no account {user}", param_hint="--user") from None
    return found.pw_uid, found.pw_gid


def _bytes(file: Path) -> bytes:
    from platesieve.domain.errors import InputError

    try:
        with file.open("rb") as opened:
            return opened.read(1 << 17)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}", "give a file that you may read") from error


def _text(file: Path) -> str:
    from platesieve.domain.errors import InputError

    try:
        return _bytes(file).decode("ascii").strip() + ("\n" if file.suffix == ".crt" else "")
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is no text", "give a PEM file or a key file") from error


def _write_new(file: Path, content: bytes) -> None:
    from platesieve.domain.errors import OutputError

    try:
        with file.open("xb") as opened:
            opened.write(content)
        if file.stat().st_mode & 0o077:
            file.chmod(0o600)
    except OSError as error:
        raise OutputError(
            f"{file} cannot be written: {error.strerror}", "give --out a place without such a file"
        ) from error
