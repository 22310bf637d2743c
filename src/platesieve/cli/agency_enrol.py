"""`platesieve agency enrol`: the agency's side of letting devices in, and out again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from platesieve.cli.speech import log_to_stderr, say

app = typer.Typer(help="Let devices in with tokens, sign and revoke their certificates.", no_args_is_help=True)

AuthorityOption = Annotated[Path, typer.Option("--authority", help="Folder with ca.crt and ca.key; keep it offline.")]
DeviceArgument = Annotated[str, typer.Argument(help="AGENCY/SITE/DEVICE.")]


@app.command()
def authority(
    out: Annotated[Path, typer.Option(help="Folder to make it in.")],
    name: Annotated[str, typer.Option(help="Name in its certificate.")] = "platesieve fleet CA",
) -> None:
    """Make an authority: the key that signs devices' certificates. deploy/mosquitto/setup makes one with a broker.

    Examples:

      platesieve agency enrol authority --out authority
    """
    from platesieve.adapters.enrolment.authority_folder import AuthorityFolder

    AuthorityFolder.create(out, name)
    say(f"devices and brokers get {out / 'ca.crt'}; {out / 'ca.key'} stays with the agency")


@app.command()
def token(
    device: DeviceArgument,
    authority: AuthorityOption,
    hours: Annotated[float, typer.Option(min=0.01, max=24 * 30, help="Hours until it expires.")] = 72.0,
) -> None:
    """Print a token that lets one device in, once. It is shown now and never again.

    Examples:

      platesieve agency enrol token metro-pd/bridge-7/cam-1 --authority authority
    """
    from platesieve.adapters.enrolment.authority_folder import AuthorityFolder

    typer.echo(AuthorityFolder(authority).new_token(device, hours))


@app.command()
def serve(
    authority: AuthorityOption,
    cert: Annotated[Path, typer.Option(help="Certificate of this address, signed by the authority.")],
    key: Annotated[Path, typer.Option(help="Its key.")],
    listen: Annotated[str, typer.Option(help="HOST:PORT.")] = "0.0.0.0:8443",
) -> None:
    """Answer devices: certificates for tokens, renewals over the old certificate. Ctrl-C ends it.

    Examples:

      platesieve agency enrol serve --authority authority --cert broker.crt --key broker.key
    """
    from platesieve.adapters.enrolment.authority_folder import AuthorityFolder
    from platesieve.adapters.enrolment.server import EnrolmentServer

    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit():
        raise typer.BadParameter("write HOST:PORT", param_hint="--listen")
    log_to_stderr("enrol")
    with EnrolmentServer(AuthorityFolder(authority), (host, int(port)), cert, key) as server:
        say(f"devices may enrol at https://{host}:{server.server_address[1]}")
        server.serve_forever()


@app.command()
def sign(
    request: Annotated[typer.FileBinaryRead, typer.Argument(help="Signing request of a device, PEM.")],
    authority: AuthorityOption,
    token: Annotated[str, typer.Option(help="Token that was made for this device.")],
) -> None:
    """Print the certificate for a request that was carried here.

    Examples:

      platesieve agency enrol sign device.csr --authority authority --token aaaa-bbbb
    """
    from platesieve.adapters.enrolment.authority_folder import AuthorityFolder

    typer.echo(AuthorityFolder(authority).enrol(request.read(), token).decode(), nl=False)


@app.command()
def revoke(device: DeviceArgument, authority: AuthorityOption) -> None:
    """Revoke every certificate and token of a device and deny its name; say what the broker needs to know of it.

    Examples:

      platesieve agency enrol revoke metro-pd/bridge-7/cam-1 --authority authority
    """
    from platesieve.adapters.enrolment.authority_folder import AuthorityFolder

    folder = AuthorityFolder(authority)
    count = folder.revoke(device)
    say(f"{count} certificate{'' if count == 1 else 's'} revoked, and the name {device} denied")
    _say_next(authority, has_broker=folder.has_broker)


@app.command()
def revocations(authority: AuthorityOption) -> None:
    """Write crl.pem anew, for another month.

    Examples:

      platesieve agency enrol revocations --authority authority
    """
    from platesieve.adapters.enrolment.authority_folder import AuthorityFolder

    folder = AuthorityFolder(authority)
    say(f"written: {folder.write_revocations()}")
    _say_next(authority, has_broker=folder.has_broker)


def _say_next(authority: Path, *, has_broker: bool) -> None:
    """Say how the broker learns of it: Mosquitto 2.0 reads no list of revoked certificates for websockets."""
    if has_broker:
        say(f"now run: deploy/mosquitto/setup renew {authority}; then restart the broker")
        return
    say(f"for a broker of deploy/mosquitto run: deploy/mosquitto/setup renew FOLDER {authority}; then restart it")
    say(f"any other needs {authority / 'crl.pem'}, and must deny everything to the names in {authority / 'revoked'}")
