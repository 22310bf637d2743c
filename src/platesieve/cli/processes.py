"""The two processes on their own, as systemd starts them: `platesieve camera` and `platesieve uplink`."""

from __future__ import annotations

from platesieve.cli.options import ConfigOption
from platesieve.cli.services import serve


def camera(config: ConfigOption = None) -> None:
    """Run the camera process: it sees plates and has no network.

    Examples:

      platesieve camera --config /etc/platesieve.toml
    """
    serve("camera", config)


def uplink(config: ConfigOption = None) -> None:
    """Run the uplink process: it has the network and never holds a plate. SIGUSR1: empty the outbox, then end.

    Examples:

      platesieve uplink --config /etc/platesieve.toml
    """
    serve("uplink", config)
