"""A camera that hangs, under the units of the image: how long until the machine reboots.

In the place of the program stands one that feeds the watchdog for a while and then hangs, as a driver makes it hang:
either so that it can still be killed, or in the kernel, where no signal reaches it (a file system that is frozen).
Times are the guest's own; the program's start is not in them, because an emulated one says nothing.
"""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from tests.firmware_boot.guest import ROOT, power

if TYPE_CHECKING:
    Kind = Literal["killable", "in the kernel"]

STAND_IN: Final = Path(__file__).parent / "stand_in"
OVERLAY: Final = ROOT / "firmware/overlay/usr/lib/systemd/system/platesieve-camera.service"
SYSTEM: Final = "usr/lib/systemd/system"
LIMIT_S: Final = 60.0
TOLD: Final = "the camera does not come back: rebooting"  # by rescue


@dataclass(frozen=True, slots=True)
class Hang:
    """What a hang led to; times in seconds of the guest's clock since it began.

    Attributes:
        kind: how it hung.
        rebooted_after_s: until the machine was told to reboot; None when it was not.
        starts: of the camera service, the first one too.
        reset: whether the machine then did start anew.
    """

    kind: Kind
    rebooted_after_s: float | None
    starts: int
    reset: bool


def hang(folder: Path, card: Path, kind: Kind, limit_s: float) -> Hang:
    """Start a machine whose camera service will hang, and wait until it reboots."""
    serial = card.with_name(f"hang-{kind.replace(' ', '-')}.log")
    more = _more(card.parent, kind)
    start = time.monotonic()
    with power(folder, card, serial, "cortex-a53", more) as machine:
        while machine.poll() is None and time.monotonic() - start < limit_s:
            time.sleep(1)
            if kind == "in the kernel" and TOLD in serial.read_text(errors="replace"):
                break  # a frozen file system cannot be unmounted; on a device the hardware's timer ends that
        reset = machine.poll() == 0
    text = serial.read_text(errors="replace")
    hung, told = _at(text, "stand-in: hangs now"), _at(text, TOLD)
    after_s = round(told - hung, 1) if hung is not None and told is not None else None
    return Hang(kind, after_s, text.count("stand-in: started"), reset)


def _at(text: str, what: str) -> float | None:
    """Return the time of the first line that says something, in seconds since the kernel started."""
    found = re.search(rf"^\[\s*([\d.]+)\].*{what}", text, re.MULTILINE)
    return float(found[1]) if found else None


def _more(work: Path, kind: Kind) -> Path:
    """Return an archive that puts the stand-in in the place of the program; all times are those of the real unit."""
    root = work / "more-root"
    shutil.rmtree(root, ignore_errors=True)
    drop_in = root / "more" / SYSTEM / "platesieve-camera.service.d"
    drop_in.mkdir(parents=True)
    shutil.copy(STAND_IN, root / "more/usr/lib/stand-in")
    times = [line for line in OVERLAY.read_text().splitlines() if re.match(r"(WatchdogSec|TimeoutStartSec)=", line)]
    freeze = []
    if kind == "in the kernel":  # systemd itself would hang where it prepares a state folder on a frozen file system
        freeze = ["StateDirectory=", "ReadWritePaths=/var/lib/platesieve"]
        freeze += ["ExecStartPre=-+/sbin/fsfreeze --freeze /var/lib/platesieve"]
    lines = ["[Unit]", "ConditionPathExists=", "[Service]", *times, "Environment=PLATESIEVE_UPTIME=/etc/uptime"]
    lines += [*freeze, "ExecStart=", f"ExecStart=/usr/bin/python3 /usr/lib/stand-in {'kernel' if freeze else 'sleep'}"]
    (drop_in / "90-stand-in.conf").write_text("\n".join(lines) + "\n")
    rescue = drop_in.with_name("platesieve-rescue.service.d")
    rescue.mkdir()
    (root / "more/etc").mkdir()
    (root / "more/etc/uptime").write_text("5000.0 5000.0\n")  # a machine that has run for long
    (rescue / "90-uptime.conf").write_text("[Service]\nEnvironment=PLATESIEVE_UPTIME=/etc/uptime\n")
    archive = work / "more.cpio.gz"
    names = subprocess.run(["find", "more"], cwd=root, check=True, capture_output=True).stdout
    command = ["cpio", "-o", "-H", "newc", "--quiet"]
    packed = subprocess.run(command, cwd=root, input=names, check=True, capture_output=True).stdout
    archive.write_bytes(gzip.compress(packed))  # the kernel takes a second archive, but a plain one must be aligned
    return archive
