"""What `doctor` looks at: each check is a sentence on what was found, and where it is not well, what mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platesieve.adapters.local.board import Board
from platesieve.bootstrap.folders import Folders
from platesieve.checkup import camera, delivery, link, machine, rules
from platesieve.checkup.finding import Finding
from platesieve.domain.errors import ConfigError, PlatesieveError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from platesieve.settings import Settings

__all__ = ["Finding", "check_everything"]


def check_everything(settings: Settings, board: Board | None = None) -> list[Finding]:
    """Run every check; none of them stops the others.

    Args:
        settings: of the device.
        board: what the machine says about itself; this one unless given.
    """
    try:
        Folders.of(settings).refuse_root()
    except StorageError as error:  # whatever else was looked at would leave files that are in the services' way
        return [Finding("state folder", "fail", error.message, error.hint)]
    board = board or Board()
    checks: list[tuple[str, Callable[[], Finding]]] = [
        ("python", machine.python),
        ("threads", lambda: machine.threads(settings, board)),
        ("temperature", lambda: machine.temperature(board)),
        ("throttling", lambda: machine.throttling(board)),
        ("voltage", lambda: machine.voltage(board)),
        ("swap", lambda: machine.swap(board)),
        ("state folder", lambda: machine.state(settings)),
        ("disk wear", lambda: machine.wear(settings, board)),
        ("clock", lambda: rules.clock(settings)),
        ("models", lambda: rules.models(settings)),
        ("telemetry", rules.telemetry),
        ("policy", lambda: rules.policy(settings)),
        ("hot list", lambda: rules.hotlist(settings)),
        ("delivery", lambda: delivery.delivery(settings)),
        ("update", lambda: delivery.update(settings)),
        ("audit log", lambda: rules.audit_log(settings)),
        *((name, look) for name, look in camera.Look(settings).checks()),
        ("broker", lambda: link.broker(settings)),
        ("certificate", lambda: link.certificate(settings)),
    ]
    return [_guarded(subject, check) for subject, check in checks]


def _guarded(subject: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except ConfigError as error:
        return Finding(subject, "fail", "; ".join((error.message, *error.problems)), error.hint)
    except PlatesieveError as error:
        return Finding(subject, "fail", error.message, error.hint)
