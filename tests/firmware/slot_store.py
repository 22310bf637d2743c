"""A Pi with two slots, simulated: the firmware's rules over the real backend script, with power that can be cut.

Usage::

    pi = Pi(folder, power=Power(cut_at=7))
    pi.install(b"new", "B"); pi.boot(tryboot=True)

Every chunk of a slot and every `sync` and `mv` of the backend is a write point. At number `cut_at` the power goes.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "firmware/overlay/usr/lib/platesieve"
CHUNKS = 24
PARTITIONS = {"A": 2, "B": 3}


class PowerCutError(Exception):
    """Everything in RAM is gone."""


@dataclass
class Power:
    """Counts write points and goes at one of them; None never goes."""

    cut_at: int | None = None
    points: int = 0

    def point(self) -> None:
        """Pass a write point."""
        self.points += 1
        if self.points == self.cut_at:
            raise PowerCutError


def image(version: str) -> bytes:
    """Return a system image; it boots when every chunk of it is of one version."""
    return f"{version:>15};".encode() * CHUNKS


@dataclass
class Pi:
    """The card and the firmware's flag.

    Attributes:
        folder: holds autoboot.txt and both slots.
        power: what may go.
        booted: slot that runs now.
    """

    folder: Path
    power: Power = field(default_factory=Power)
    booted: str = "A"

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._wrap()
        if not self.autoboot.exists():
            self.autoboot.write_text("[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n")
            for slot in PARTITIONS:
                (self.folder / slot).write_bytes(image("old"))

    @property
    def autoboot(self) -> Path:
        """Return the firmware's file."""
        return self.folder / "autoboot.txt"

    def install(self, content: bytes, slot: str) -> None:
        """Write a slot as RAUC does: mark it bad, write it, mark it good and primary."""
        self.backend("set-state", slot, "bad")
        length = len(content) // CHUNKS
        for chunk in range(CHUNKS):
            self.power.point()
            with (self.folder / slot).open("r+b") as device:
                device.seek(chunk * length)
                device.write(content[chunk * length : (chunk + 1) * length])
        self.backend("set-state", slot, "good")
        self.backend("set-primary", slot)

    def boot(self, *, tryboot: bool = False) -> str | None:
        """Start as the firmware does; return the version that runs, or None where nothing does."""
        section, wanted = "", {}
        for line in self.autoboot.read_text().splitlines():
            if line.startswith("["):
                section = line
            elif line.startswith("boot_partition="):
                wanted[section] = int(line.partition("=")[2])
        number = wanted["[tryboot]" if tryboot else "[all]"]
        self.booted = next(slot for slot, partition in PARTITIONS.items() if partition == number)
        versions = {part.strip() for part in (self.folder / self.booted).read_bytes().split(b";") if part}
        return versions.pop().decode() if len(versions) == 1 else None

    def prove(self, *, well: bool) -> None:
        """Do what the system that was started does: say that it is good, or start again without the flag."""
        if self.backend("get-primary") == self.booted:
            self.backend("set-state", self.booted, "good" if well else "bad")

    def backend(self, *words: str) -> str:
        """Call the backend as RAUC does."""
        (self.folder / "partition").write_bytes(PARTITIONS[self.booted].to_bytes(4, "big"))
        (self.folder / "count").write_text(str(self.power.points))
        environment = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "PLATESIEVE_AUTOBOOT": str(self.autoboot),
            "PLATESIEVE_BOOTED": str(self.folder / "partition"),
            "CUT_AT": str(self.power.cut_at or -1),
            "COUNT": str(self.folder / "count"),
        }
        done = subprocess.run(
            [PROGRAMS / "slots", *words], env=environment, capture_output=True, text=True, check=False
        )
        self.power.points = int((self.folder / "count").read_text())
        if self.power.cut_at is not None and self.power.points >= self.power.cut_at and done.returncode < 0:
            raise PowerCutError
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def _wrap(self) -> None:
        """Put a `sync` and a `mv` before the real ones that count, and end their caller when the power goes."""
        programs = self.folder / "bin"
        programs.mkdir(exist_ok=True)
        for name in ("sync", "mv"):
            wrapper = programs / name
            wrapper.write_text(
                '#!/bin/sh\nread -r n <"$COUNT"; n=$((n + 1)); echo $n >"$COUNT"\n'
                f'[ $n -eq "$CUT_AT" ] && kill -9 $PPID && exit 1\n[ {name} = sync ] || exec /bin/{name} "$@"\n'
            )
            wrapper.chmod(0o755)
