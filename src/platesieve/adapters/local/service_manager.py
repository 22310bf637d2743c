"""Tell systemd that we live, and only when we do: sd_notify(3) in twenty lines.

A thread that said "alive" by a timer would go on saying it beside a hung camera. So work says it: in the camera process
`watchdog` on a fresh frame with a successful inference, in the uplink process each round with the outbox in order.
"""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING, Final

from platesieve.domain.errors import LinkError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

BEAT_S: Final = 1.0  # systemd is told at most this often


def service_manager(environment: Mapping[str, str] = os.environ) -> Callable[[str], None]:
    """Return what tells systemd a line such as `READY=1`; where systemd did not ask for it, it tells nobody.

    It raises LinkError when systemd asked for it and cannot be told: such a unit would later be killed without a word.
    """
    path = environment.get("NOTIFY_SOCKET")
    if not path:
        return lambda _state: None
    address = f"\0{path[1:]}" if path.startswith("@") else path  # @: abstract, as sd_notify(3) writes it

    def tell(state: str) -> None:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
                line.sendto(state.encode(), address)
        except OSError as error:
            raise LinkError(
                f"systemd's notification socket cannot be used: {error.strerror}", "set NotifyAccess=main in the unit"
            ) from error

    return tell


class Pulse:
    """Says that we live, at most once per BEAT_S.

    Args:
        tell: takes the line for systemd; see `service_manager`.
        now_s: monotonic seconds; for tests.
    """

    def __init__(self, tell: Callable[[str], None], now_s: Callable[[], float] = time.monotonic) -> None:
        self._tell, self.now_s = tell, now_s
        self._next_s = float("-inf")

    def ready(self) -> None:
        """Say that the start is over: from now on the watchdog counts."""
        self._tell("READY=1")

    def beat(self) -> None:
        """Say that work was done."""
        if self.now_s() >= self._next_s:
            self._next_s = self.now_s() + BEAT_S
            self._tell("WATCHDOG=1")
