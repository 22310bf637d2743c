"""A real RAUC installs a real bundle into two slots that are files, by the device's own configuration and programs."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.local.system_slots import tries
from platesieve.flow.system_updates import Try
from tests.firmware.slot_store import PROGRAMS
from tests.firmware.test_update import pki

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
NEEDED = ("rauc", "dbus-daemon", "mksquashfs")
SLOTS = {f"by-partlabel/{part}_{slot}": f"{part}_{slot}" for part in ("boot", "system") for slot in "ab"}
BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={folder}/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/><allow user="*"/>
</policy></busconfig>
"""

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0, reason="RAUC mounts bundles, which root does"),
    pytest.mark.skipif(any(shutil.which(name) is None for name in NEEDED), reason=f"needs {', '.join(NEEDED)}"),
]


@dataclass
class Machine:
    """A device with RAUC at work, started from slot A; its slots are files, and its bundles plain ones.

    A kernel for tests need have no dm-verity, which the device's own configuration asks for.
    """

    folder: Path
    office: tuple[str, str, str]

    @property
    def autoboot(self) -> Path:
        """Return the firmware's file."""
        return self.folder / "autoboot.txt"

    def bundle(self, version: str, office: tuple[str, str, str] | None = None, compatible: str | None = None) -> Path:
        """Return a bundle of two files of random bytes, as the office makes it."""
        for name in ("boot.vfat", "system.img"):
            (self.folder / name).write_bytes(os.urandom(1 << 20))
        program, out = ROOT / "firmware/update/bundle", self.folder / f"{version}.raucb"
        out.unlink(missing_ok=True)
        if compatible is not None:
            text = program.read_text().replace("compatible=platesieve-pi", f"compatible={compatible}")
            program = self.folder / "bundle"
            program.write_text(text)
            program.chmod(0o755)
        files = [str(self.folder / name) for name in ("boot.vfat", "system.img")]
        command = [str(program), version, *files, *(office or self.office), str(out)]
        subprocess.run(command, check=True, capture_output=True, timeout=60, env={**os.environ, "FORMAT": "plain"})
        return out

    def install(self, bundle: Path) -> subprocess.CompletedProcess[str]:
        """Install as the device does."""
        command = ["rauc", f"--conf={self.folder}/system.conf", "install", str(bundle)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=self.environment)

    def slot(self, name: str) -> bytes:
        """Return what is in a slot, as long as a bundle's files are."""
        return (self.folder / name).read_bytes()[: 1 << 20]

    def backend(self, *words: str) -> str:
        """Ask the bootloader's program, as RAUC does."""
        done = subprocess.run(
            [PROGRAMS / "slots", *words], capture_output=True, text=True, check=True, env=self.environment
        )
        return done.stdout.strip()

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of RAUC and of its handlers."""
        return {
            "PATH": os.environ["PATH"],
            "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self.folder}/bus",
            "PLATESIEVE_AUTOBOOT": str(self.autoboot),
            "PLATESIEVE_BOOTED": str(self.folder / "partition"),
            "PLATESIEVE_FLOOR": str(self.folder / "floor"),
        }


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """Start a bus and RAUC's service."""
    machine = Machine(tmp_path, pki(tmp_path, "office"))
    text = (ROOT / "firmware/update/system.conf").read_text()
    for device, file in SLOTS.items():
        text = text.replace(f"/dev/disk/{device}", str(tmp_path / file))
        (tmp_path / file).write_bytes(b"old" + bytes((1 << 21) - 3))
    text = text.replace("/usr/lib/platesieve/update-ca.crt", machine.office[2])
    text = text.replace("/usr/lib/platesieve/", f"{PROGRAMS}/").replace("bundle-formats=verity", "bundle-formats=plain")
    text = text.replace("/var/lib/platesieve-system/rauc.status", f"{tmp_path}/status").replace(
        "/run/rauc", f"{tmp_path}/mount"
    )
    (tmp_path / "system.conf").write_text(text)
    (tmp_path / "bus.conf").write_text(BUS.format(folder=tmp_path))
    (tmp_path / "floor").write_text("0.5.0\n")
    (tmp_path / "partition").write_bytes((2).to_bytes(4, "big"))
    machine.autoboot.write_text("[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n")
    commands = (
        ["dbus-daemon", f"--config-file={tmp_path}/bus.conf", "--nofork"],
        ["rauc", f"--conf={tmp_path}/system.conf", "--override-boot-slot=A", "service"],
    )
    started = []
    with (tmp_path / "log").open("ab") as log:
        for command in commands:
            started.append(subprocess.Popen(command, stdout=log, stderr=log, env=machine.environment))
            time.sleep(1)
    yield machine
    for process in reversed(started):
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def test_a_bundle_goes_into_the_other_slot_and_is_tried_before_it_stays(machine: Machine) -> None:
    """Slot B holds what the office signed, byte for byte; the firmware still starts A, and B once, when asked."""
    done = machine.install(machine.bundle("0.6.0"))

    assert done.returncode == 0, done.stdout + done.stderr + (machine.folder / "log").read_text()
    assert machine.slot("boot_b") == (machine.folder / "boot.vfat").read_bytes()
    assert machine.slot("system_b") == (machine.folder / "system.img").read_bytes()
    assert machine.slot("system_a").startswith(b"old")
    assert machine.backend("get-primary") == "B"
    assert "[all]\ntryboot_a_b=1\nboot_partition=2" in machine.autoboot.read_text()  # until B has proved itself
    (machine.folder / "partition").write_bytes((3).to_bytes(4, "big"))
    machine.backend("set-state", "B", "good")
    assert "[all]\ntryboot_a_b=1\nboot_partition=3" in machine.autoboot.read_text()


@pytest.mark.parametrize("fault", ["older than the floor", "of another device", "of another office", "changed"])
def test_what_is_not_for_this_device_touches_no_slot(machine: Machine, fault: str) -> None:
    """Refused by the real RAUC, by our handler or its own check, and A stays the one that starts."""
    match fault:
        case "older than the floor":
            bundle = machine.bundle("0.4.9")
        case "of another device":
            bundle = machine.bundle("0.6.0", compatible="toaster")
        case "of another office":
            bundle = machine.bundle("0.6.0", pki(machine.folder, "stranger"))
        case _:
            bundle = machine.bundle("0.6.0")
            content = bytearray(bundle.read_bytes())
            content[len(content) // 2] ^= 1
            bundle.write_bytes(content)
    done = machine.install(bundle)

    assert done.returncode != 0
    assert all(machine.slot(name).startswith(b"old") for name in SLOTS.values())
    assert machine.backend("get-primary") == "A"


def test_a_fetched_bundle_is_installed_once_and_tried(machine: Machine) -> None:
    """The service's program lets the real RAUC write the slot, notes the hash, and asks for one start from it."""
    bin_folder, fetched = machine.folder / "bin", machine.folder / "state/uplink/update/bundle.raucb"
    for folder in (bin_folder, fetched.parent):
        folder.mkdir(parents=True)
    real = shutil.which("rauc")
    (bin_folder / "rauc").write_text(f'#!/bin/sh\nexec {real} --conf={machine.folder}/system.conf "$@"\n')
    (bin_folder / "systemctl").write_text(f'#!/bin/sh\necho "$@" >>{machine.folder}/asked\n[ "$2" != is-active ]\n')
    for program in bin_folder.iterdir():
        program.chmod(0o755)
    own, trial = machine.folder / "own", machine.folder / "trial"
    (machine.folder / "version").write_text("0.5.0\n")
    places = {
        "PLATESIEVE_STATE": str(machine.folder / "state"),
        "PLATESIEVE_SYSTEM_STATE": str(own),
        "PLATESIEVE_SYSTEM_VERSION": str(machine.folder / "version"),
        "PLATESIEVE_TRIAL": str(trial),
    }
    environment = {**machine.environment, **places, "PATH": f"{bin_folder}:{os.environ['PATH']}"}

    def run() -> int:
        command = [str(PROGRAMS / "install-update")]
        done = subprocess.run(command, env=environment, check=False, capture_output=True, timeout=60, umask=0o077)
        return done.returncode

    shutil.copyfile(bundle := machine.bundle("0.4.9"), fetched)
    codes = [run(), run()]  # the second time there is nothing any more
    refused = hashlib.sha256(bundle.read_bytes()).hexdigest()
    asked_before = (machine.folder / "asked").read_text()
    shutil.copyfile(bundle := machine.bundle("0.6.0"), fetched)
    codes.append(run())
    taken = hashlib.sha256(bundle.read_bytes()).hexdigest()

    assert codes == [1, 0, 0]
    assert tries(own / "tried", trial) == (Try(refused, "0.5.0", "0.4.9", refused=True),)
    trial.unlink()  # the machine was started
    assert tries(own / "tried", trial)[1:] == (Try(taken, "0.5.0", "0.6.0", refused=False),)
    modes = [path.stat().st_mode & 0o777 for path in (own, own / "tried")]
    assert modes == [0o755, 0o644], "the processes that read the notes are not root's"
    assert "tryboot" not in asked_before
    assert (machine.folder / "asked").read_text().endswith("--no-block reboot --reboot-argument=0 tryboot\n")
    assert machine.slot("system_b") == (machine.folder / "system.img").read_bytes()
    assert not fetched.exists()
    assert not (machine.folder / "own/bundle.raucb").exists()
