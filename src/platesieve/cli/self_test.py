"""`platesieve self-test`: does this device still read, as a record in its audit log."""

from __future__ import annotations

import sys

from platesieve.cli.options import ConfigOption, JsonOption, StateOption, settings_from
from platesieve.cli.speech import print_json, print_line


def self_test(config: ConfigOption = None, state: StateOption = None, as_json: JsonOption = False) -> None:
    """Read a drawn plate with this device's models and log the outcome as a calibration record.

    The log has one writer, so stop the camera service meanwhile. Exit code 0 when the plate was read right, else 1.

    Examples:

      platesieve self-test --config /etc/platesieve/platesieve.toml

      platesieve self-test --state STATE --json
    """
    from dataclasses import asdict

    from platesieve.checkup.self_test import log_self_test, read_drawn_plate

    settings = settings_from(config, {"state": state}, None)
    record = read_drawn_plate(settings)
    size = log_self_test(settings, record)
    if as_json:
        print_json({**asdict(record), "sha256": record.sha256, "log_size": size})
    else:
        verdict = "[green]the drawn plate was read right" if record.passed else "[bold red]the plate was not read right"
        print_line(f"{verdict}[/]: {record.passes} passes in {record.frames} frames")
        print_line(f"logged as entry {size - 1}, record sha256 {record.sha256}")
    sys.exit(0 if record.passed else 1)
