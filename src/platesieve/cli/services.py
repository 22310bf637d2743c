"""The two processes as systemd starts them, without the rest of the command line: that is ten megabytes of each."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

from platesieve.cli.speech import EXIT_INTERRUPTED, confess, log_to_stderr, open_closed_streams, refuse
from platesieve.cli.stop_switch import StopSwitch
from platesieve.domain.errors import PlatesieveError

if TYPE_CHECKING:
    from pathlib import Path


def serve(role: str, config: Path | None) -> None:
    """Run one of the two processes until it is told to stop.

    Raises:
        PlatesieveError: it may not or cannot run.
    """
    from platesieve.adapters.disk.config_file import load_settings

    log_to_stderr(role)
    settings = load_settings(config, {})
    if role == "camera":
        from platesieve.bootstrap.camera import camera_process

        camera_process(settings, StopSwitch())
    else:
        from platesieve.bootstrap.uplink import uplink_process

        drain = StopSwitch(signal.SIGUSR1)
        uplink_process(settings, StopSwitch(), drain)


def start(role: str, config: Path) -> None:
    """Run one of the two and end as the command line does: a sentence, a hint and a documented exit code."""
    open_closed_streams()
    try:
        serve(role, config)
    except PlatesieveError as error:
        refuse(error)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - as in cli.main: no traceback that shows a plate
        confess(error)
