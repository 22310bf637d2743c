"""`platesieve aim`: the installer's page, for half an hour at most."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from platesieve.cli.options import CameraOption, ConfigOption, StateOption, settings_from
from platesieve.cli.speech import console, log_to_stderr


def aim(
    config: ConfigOption = None,
    camera: CameraOption = None,
    state: StateOption = None,
    address: Annotated[
        str | None, typer.Option(help="IP address of the service port; 127.0.0.1 unless given. Never all networks.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port; 8460 unless given.", min=0, max=65_535)] = None,
    minutes: Annotated[int, typer.Option(help="How long the page answers.", min=1, max=30)] = 30,
    asked: Annotated[
        bool, typer.Option("--asked", help="Take minutes and code from the file `aim` in the state folder, once.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Where changed settings are written; --config itself unless given.")
    ] = None,
) -> None:
    """Open a page to aim this camera with a phone or laptop: plates blurred, numbers live, gone after half an hour.

    It takes the place of the camera service, which must be stopped meanwhile. The code that lets you in is shown here,
    counts once, and every opening stands in the audit log. On another address than loopback it speaks HTTPS; compare
    the fingerprint. Exit codes: 0 the time is over or somebody ended it; 75 the camera service runs.

    Examples:

      platesieve aim --config /etc/platesieve/platesieve.toml --address 192.168.7.1

      platesieve aim --camera usb:0 --minutes 10
    """
    from platesieve.adapters.enrolment.provision_file import SERVICE_PORT
    from platesieve.bootstrap.aim import Asked, check_installed, open_aim, take_asked
    from platesieve.bootstrap.folders import Folders
    from platesieve.cli.stop_switch import StopSwitch

    check_installed()
    stop = StopSwitch()  # without it the server would pass the signal on, and nothing be logged or given back
    log_to_stderr("aim")
    if asked and config is not None and not config.exists():
        config, address = None, address or SERVICE_PORT  # not provisioned: the page is there to say why
    laid = {"camera": camera, "state": state, "aiming.address": address, "aiming.port": port}
    settings = settings_from(config, laid, None)
    wanted = take_asked(Folders.of(settings).state) if asked else Asked(minutes)
    files = None if config is None or str(config) == "-" else (config, out or config)
    screen = console(stderr=True)

    def show(code: str) -> None:
        screen.print(f"code to enter  [bold]{code}[/]", soft_wrap=True)

    with open_aim(settings, wanted, show, files) as opened:
        screen.print(f"page           [bold]{opened.address}[/], for {wanted.minutes} minutes", soft_wrap=True)
        if opened.fingerprint:
            screen.print(f"certificate    SHA-256 {opened.fingerprint}", soft_wrap=True)
        if not stop():
            opened.server.run()
