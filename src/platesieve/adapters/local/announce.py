"""Tell a person at the device what is wrong, without a keyboard: status LED, HDMI screen, serial line.

All of it is tried and none of it must work: a board without a screen is no reason to stop.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

_CONSOLES: Final = ("dev/tty1", "dev/ttyAMA0", "dev/ttyS0", "dev/serial0")
_LEDS: Final = ("ACT", "led0")  # the green one, under its newer and its older name
_FAST_MS: Final = 100


class Announcer:
    """The board's ways to a person.

    Args:
        root: of the file system; another folder in tests.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def trouble(self, lines: list[str]) -> None:
        """Blink fast and show these lines."""
        self._led("timer", {"delay_on": _FAST_MS, "delay_off": _FAST_MS})
        self._show(lines)

    def well(self, lines: list[str]) -> None:
        """Let the light beat like a heart and show these lines."""
        self._led("heartbeat", {})
        self._show(lines)

    def _show(self, lines: list[str]) -> None:
        text = "".join(f"{line}\r\n" for line in ("", *lines, "")).encode()
        shown = set()
        for name in _CONSOLES:
            path = (self._root / name).resolve()
            if path in shown or not path.exists():
                continue
            shown.add(path)
            with contextlib.suppress(OSError):
                descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOCTTY | os.O_NONBLOCK)
                with os.fdopen(descriptor, "wb", buffering=0) as screen:
                    screen.write(text)

    def _led(self, trigger: str, values: dict[str, int]) -> None:
        for name in _LEDS:
            led = self._root / "sys/class/leds" / name
            with contextlib.suppress(OSError):
                (led / "trigger").write_text(trigger)
                for key, value in values.items():
                    (led / key).write_text(str(value))
