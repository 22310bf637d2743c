"""Ctrl-C and SIGTERM as a value."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


class StopSwitch:
    """Turns signals into a value that loops ask for, so that nothing is interrupted half-way."""

    def __init__(self, *numbers: signal.Signals) -> None:
        self.signal_number: int | None = None
        for number in numbers or (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._pressed)

    def _pressed(self, number: int, _frame: FrameType | None) -> None:
        self.signal_number = number

    def __call__(self) -> bool:
        """Return whether it is time to stop."""
        return self.signal_number is not None
