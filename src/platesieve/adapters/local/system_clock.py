"""The clocks of this machine, and whether the wall clock was confirmed by a time source.

A Raspberry Pi without a battery starts in the past; a read stamped with that time would be kept for the wrong
days. So the wall clock is believed only when the kernel or systemd says that it was set from outside.
"""

from __future__ import annotations

import ctypes
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from platesieve.domain.instant import Instant, TimeQuality

if TYPE_CHECKING:
    from collections.abc import Callable

FLOOR_WALL_NS: Final = 1_767_225_600_000_000_000  # 2026-01-01: this program is younger, so no earlier time is true
TIMESYNC_MARK: Final = Path(
    "/run/systemd/timesync/synchronized"
)  # systemd-timesyncd(8): touched at each synchronisation

_STA_UNSYNC: Final = 0x0040  # adjtimex(2), <linux/timex.h>
_TIMEX_BYTES: Final = 256  # struct timex is 208 bytes on 64-bit Linux; the kernel writes no more
_STATUS_AT: Final = ctypes.sizeof(ctypes.c_long) * 5  # modes (padded), offset, freq, maxerror, esterror, then status


def kernel_says_synchronised() -> bool:
    """Return whether the kernel's clock status lacks STA_UNSYNC; False where it may not be asked.

    Any time daemon clears that flag, and the kernel sets it again when the clock is set by hand or when its
    estimated error grows beyond 16 s (adjtimex(2)). A sandbox that forbids the call counts as "not confirmed".
    """
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return False
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)  # modes = 0: read only, which needs no privilege
    if adjtimex(timex) < 0:
        return False
    status = ctypes.c_int.from_buffer(timex, _STATUS_AT).value
    return not status & _STA_UNSYNC


class SystemClock:
    """The Clock port on this machine.

    Args:
        assume: trust the wall clock although nothing confirmed it (an installer's decision: GPS, battery clock).
        timesync_mark: file that systemd-timesyncd touches; for tests.
        kernel_synchronised: asks the kernel; for tests.
        wall_ns: reads the wall clock; for tests.
    """

    def __init__(
        self,
        *,
        assume: bool = False,
        timesync_mark: Path = TIMESYNC_MARK,
        kernel_synchronised: Callable[[], bool] = kernel_says_synchronised,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._assume = assume
        self._mark = timesync_mark
        self._kernel_synchronised = kernel_synchronised
        self._wall_ns = wall_ns

    def now(self) -> Instant:
        """Return the present; the monotonic part runs on while the machine sleeps (CLOCK_BOOTTIME)."""
        return Instant(self._wall_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME))

    def quality(self) -> TimeQuality:
        """Return SYNCHRONISED where the clock is assumed right, or confirmed and not before this program's release."""
        if self._assume:
            return TimeQuality.SYNCHRONISED
        if self._wall_ns() < FLOOR_WALL_NS:
            return TimeQuality.UNKNOWN
        confirmed = self._kernel_synchronised() or self._mark.exists()
        return TimeQuality.SYNCHRONISED if confirmed else TimeQuality.UNKNOWN

    def sleep(self, seconds: float) -> None:
        """Wait; a negative time is no wait."""
        time.sleep(max(seconds, 0.0))
