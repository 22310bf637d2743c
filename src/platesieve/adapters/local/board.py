"""What the board says about itself: heat, voltage, wear, swap. Facts only; `checkup` judges them.

Everything is a small file of the kernel's. A board that lacks one answers None, which is no fault.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SECTOR_BYTES: Final = 512  # the unit of /sys/block/*/stat, whatever the device's own (kernel: block/stat.rst)
# The firmware of a Raspberry Pi; bits 0 to 3 are true now, 16 to 19 were true since boot (vcgencmd get_throttled).
_THROTTLED: Final = "sys/devices/platform/soc/soc:firmware/get_throttled"
UNDER_VOLTAGE, FREQUENCY_CAPPED, THROTTLED, SOFT_LIMIT = (1 << bit for bit in range(4))
SINCE_BOOT: Final = 16


@dataclass(frozen=True, slots=True)
class Card:
    """The storage that holds the state folder.

    Attributes:
        name: of the device, for example mmcblk0.
        written_bytes: since boot.
        life_used_percent: what the maker says is used up, upper bound; None for a card that does not tell.
    """

    name: str
    written_bytes: int
    life_used_percent: int | None


class Board:
    """The files of the kernel.

    Args:
        root: where they are; another folder in tests.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    @property
    def model(self) -> str | None:
        """Return the name of the board, for example "Raspberry Pi 4 Model B Rev 1.5"."""
        text = self._read("sys/firmware/devicetree/base/model")
        return text.strip("\0") if text else None

    @property
    def cores(self) -> int:
        """Return how many processors we may run on."""
        return len(os.sched_getaffinity(0))

    @property
    def uptime_s(self) -> float:
        """Return seconds since boot."""
        return float((self._read("proc/uptime") or "0").split()[0])

    @property
    def temperature_c(self) -> float | None:
        """Return the temperature of the processor, degrees Celsius."""
        text = self._read("sys/class/thermal/thermal_zone0/temp")
        return None if text is None else int(text) / 1000

    @property
    def throttled(self) -> int | None:
        """Return the flags of the Pi's firmware; None on another board."""
        text = self._read(_THROTTLED)
        return None if text is None else int(text, 16)

    @property
    def swap_bytes(self) -> int:
        """Return how much memory may be written to a disk; compressed memory (zram) does not count."""
        lines = (self._read("proc/swaps") or "").splitlines()[1:]
        return sum(int(line.split()[2]) * 1024 for line in lines if "zram" not in line.split()[0])

    def card(self, folder: Path) -> Card | None:
        """Return the storage that a folder is on; None where it is no block device of its own."""
        number = folder.stat().st_dev
        device = self._root / f"sys/dev/block/{os.major(number)}:{os.minor(number)}"
        if not device.exists():
            return None
        disk = device.resolve().parent if (device / "partition").exists() else device.resolve()
        counters = (self._read_at(disk / "stat") or "").split()
        # eMMC, JESD84-B51: 0x01 is up to 10 % used, for two kinds of memory; SD cards have no such register.
        life = [int(part, 16) * 10 for part in (self._read_at(disk / "device/life_time") or "").split()]
        used = max(life, default=0)
        return Card(disk.name, int(counters[6]) * SECTOR_BYTES if len(counters) > 6 else 0, used or None)  # noqa: PLR2004

    def _read(self, name: str) -> str | None:
        return self._read_at(self._root / name)

    @staticmethod
    def _read_at(path: Path) -> str | None:
        try:
            return path.read_text().strip()
        except OSError:  # absent, or a sensor that cannot be read now
            return None
