"""`platesieve doctor`: is this device ready, and if not, what mends it."""

from __future__ import annotations

import sys

from platesieve.cli.options import (
    BrokerOption,
    CameraOption,
    ConfigOption,
    HotlistOption,
    JsonOption,
    PolicyOption,
    RecipientOption,
    StateOption,
    broker_parts,
    settings_from,
)
from platesieve.cli.speech import console, print_json

MARKS = {"pass": "[green]pass[/]", "warn": "[yellow]warn[/]", "fail": "[bold red]fail[/]"}


def doctor(
    config: ConfigOption = None,
    camera: CameraOption = None,
    policy: PolicyOption = None,
    hotlist: HotlistOption = None,
    state: StateOption = None,
    recipient: RecipientOption = None,
    broker: BrokerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check camera, models, policy, hot list, state folder, audit log, clock and broker; name the fix for each.

    Exit code 0 when nothing fails, else 1.

    Examples:

      platesieve doctor --config /etc/platesieve.toml

      platesieve doctor --camera usb:0 --policy us-mn --json
    """
    from platesieve.checkup import check_everything

    settings = settings_from(
        config,
        {"camera": camera, "policy": policy, "hotlist": hotlist, "state": state, **broker_parts(broker)},
        recipient,
    )
    findings = check_everything(settings)
    if as_json:
        print_json([finding.as_json() for finding in findings])
    else:
        from rich.table import Table
        from rich.text import Text

        table = Table("", "what", box=None, padding=(0, 2, 0, 0))
        table.add_column("found", overflow="fold")  # a path that is too long goes on in the next line
        table.add_column("what to do", overflow="fold")
        for finding in findings:
            table.add_row(MARKS[finding.mark], finding.subject, Text(finding.found), Text(finding.remedy))
        console().print(table)
    sys.exit(1 if any(finding.mark == "fail" for finding in findings) else 0)
