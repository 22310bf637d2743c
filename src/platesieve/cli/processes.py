"""The two processes on their own, as systemd starts them: `platesieve camera` and `platesieve uplink`."""

from __future__ import annotations

import signal

from platesieve.cli.options import ConfigOption, settings_from
from platesieve.cli.run import StopSwitch
from platesieve.cli.speech import log_to_stderr


def camera(config: ConfigOption = None) -> None:
    """Run the camera process: it sees plates and has no network.

    Examples:

      platesieve camera --config /etc/platesieve.toml
    """
    from platesieve.bootstrap.camera import camera_process

    log_to_stderr("camera")
    camera_process(settings_from(config, {}, None), StopSwitch())


def uplink(config: ConfigOption = None) -> None:
    """Run the uplink process: it has the network and never holds a plate. SIGUSR1: empty the outbox, then end.

    Examples:

      platesieve uplink --config /etc/platesieve.toml
    """
    from platesieve.bootstrap.uplink import uplink_process

    log_to_stderr("uplink")
    drain = StopSwitch(signal.SIGUSR1)
    uplink_process(settings_from(config, {}, None), StopSwitch(), drain)
