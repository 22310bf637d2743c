"""`platesieve run`: both processes under one command."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from platesieve.cli.options import (
    BrokerOption,
    CameraOption,
    ConfigOption,
    HotlistOption,
    PolicyOption,
    RecipientOption,
    StateOption,
    broker_parts,
    device_parts,
    settings_from,
)
from platesieve.cli.speech import EXIT_INTERRUPTED, say
from platesieve.cli.stop_switch import StopSwitch


def run(
    config: ConfigOption = None,
    camera: CameraOption = None,
    policy: PolicyOption = None,
    hotlist: HotlistOption = None,
    state: StateOption = None,
    recipient: RecipientOption = None,
    device: Annotated[
        str | None, typer.Option(help="AGENCY/SITE/DEVICE, the three middle parts of every topic.")
    ] = None,
    mount: Annotated[str | None, typer.Option(help="fixed or mobile; a policy may refuse one of them.")] = None,
    broker: BrokerOption = None,
    ca: Annotated[Path | None, typer.Option(help="CA certificate of the broker.")] = None,
    cert: Annotated[Path | None, typer.Option(help="This device's client certificate.")] = None,
    key: Annotated[Path | None, typer.Option(help="Key of the client certificate.")] = None,
    unsafe_plaintext: Annotated[
        bool, typer.Option("--unsafe-plaintext", help="Allow MQTT without TLS to another machine: test bench only.")
    ] = False,
    assume_clock: Annotated[
        bool, typer.Option("--assume-clock", help="Trust the wall clock although no time server confirmed it.")
    ] = False,
    drain: Annotated[float, typer.Option(help="Seconds to go on sending after a finite source has ended.")] = 20.0,
    pace: Annotated[str | None, typer.Option(help="live or fast: how a clip is replayed.")] = None,
) -> None:
    """Read plates under a policy until stopped: camera process and uplink process under one command.

    Examples:

      platesieve run --camera picamera2 --policy count-only --broker mqtt.example --ca ca.crt

      platesieve run --camera street.mp4 --policy count-only --pace fast --broker localhost:1883

      platesieve run --config /etc/platesieve.toml
    """
    from platesieve.bootstrap.start import check_before_start, run_supervised

    settings = settings_from(
        config,
        {
            "camera": camera,
            "policy": policy,
            "hotlist": hotlist,
            "state": state,
            "pace": pace,
            "device.mount": mount,
            "device.assume_clock": assume_clock or None,
            **device_parts(device),
            **broker_parts(broker),
            "uplink.ca_file": str(ca) if ca else None,
            "uplink.certificate_file": str(cert) if cert else None,
            "uplink.key_file": str(key) if key else None,
            "uplink.unsafe_plaintext": unsafe_plaintext or None,
        },
        recipient,
    )
    check_before_start(settings)
    stop = StopSwitch()
    if settings.uplink.host is None:
        say("no broker is given: what may leave waits in the outbox until it expires; give --broker HOST to send it")
    rules = f"policy {settings.policy}" if settings.policy else "the policy that comes signed"
    say(f"reading from {settings.camera_shown} under {rules}; Ctrl-C stops")
    exit_code = run_supervised(settings, stop, drain)
    sys.exit(EXIT_INTERRUPTED if stop.signal_number == signal.SIGINT else exit_code)
