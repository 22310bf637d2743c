"""The services as systemd reads them: how exposed they are, and what they promise."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import sys
import time
from configparser import ConfigParser
from pathlib import Path

import pytest

from platesieve.supervision import PERMANENT

ROOT = Path(__file__).parents[2]
OVERLAY = ROOT / "firmware" / "overlay"
UNITS = OVERLAY / "usr/lib/systemd/system"
LIMITS = {"camera": 1.0, "uplink": 1.5}  # the two that run all the time
PASSING = {"aim": 1.5, "button@": 1.0, "update": 1.5}

pytestmark = pytest.mark.integration


def exposure(unit: Path) -> float:
    """Return the score that `systemd-analyze security` gives a unit file; less is better."""
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    (score,) = re.findall(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    return float(score)


def directives(name: str) -> dict[str, list[str]]:
    """Return the directives of a unit; one that stands several times has several values."""
    found: dict[str, list[str]] = {}
    for line in (UNITS / f"platesieve-{name}.service").read_text().splitlines():
        key, separator, value = line.partition("=")
        if separator and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


@pytest.mark.parametrize(("name", "limit"), {**LIMITS, **PASSING}.items())
def test_a_service_is_hardly_exposed(name: str, limit: float) -> None:
    """The gate of the sandbox: camera and button at most 1.0, those with a network at most 1.5."""
    assert exposure(UNITS / f"platesieve-{name}.service") <= limit


@pytest.mark.parametrize(
    ("name", "line"),
    [("camera", "PrivateNetwork=yes"), ("uplink", "PrivateDevices=yes"), ("aim", "CapabilityBoundingSet=")],
)
def test_the_gate_notices_a_line_that_is_missing(tmp_path: Path, name: str, line: str) -> None:
    """The control: without the line that matters most the score is worse."""
    unit = UNITS / f"platesieve-{name}.service"
    weaker = tmp_path / unit.name
    weaker.write_text(unit.read_text().replace(f"{line}\n", "").replace("IPAddressDeny=any\n", ""))

    assert exposure(weaker) > exposure(unit)


@pytest.mark.parametrize("name", LIMITS)
def test_a_service_leaves_no_trace_and_does_not_restart_in_vain(name: str) -> None:
    """No core dump, no swap, freed memory overwritten, a watchdog, and no restart where none helps."""
    unit = directives(name)

    assert unit["LimitCORE"] == ["0"]
    assert unit["MemorySwapMax"] == ["0"]
    assert unit["Type"] == ["notify"]
    assert "WatchdogSec" in unit
    environment = " ".join(unit["Environment"])
    assert "PYTHONMALLOC=malloc" in environment
    assert "glibc.malloc.perturb=165" in environment
    assert "ORT_DISABLE_TELEMETRY=1" in environment
    assert {int(code) for code in unit["RestartPreventExitStatus"][0].split()} == PERMANENT


def test_the_aiming_page_takes_the_place_of_the_camera_service_and_ends() -> None:
    """Never both at once: one sees pixels without a network, the other for half an hour with the service port."""
    unit = directives("aim")

    assert unit["Conflicts"] == ["platesieve-camera.service"]
    assert int(unit["RuntimeMaxSec"][0]) <= 1900
    assert unit["Restart"] == ["no"]
    assert "console" in unit["StandardError"][0]  # the code is for whoever stands there
    assert unit["InaccessiblePaths"] == ["-/var/lib/platesieve/uplink"]
    assert "Install" not in (UNITS / "platesieve-aim.service").read_text()  # nothing starts it but a person's file


@pytest.mark.parametrize("stream", ["StandardOutput", "StandardError"])
def test_a_person_at_the_device_sees_why_it_is_not_known_yet(stream: str) -> None:
    """Nobody can log in to look; the services that see plates say nothing on a screen."""
    assert directives("enrol")[stream] == ["journal+console"]
    assert stream not in directives("camera")
    assert stream not in directives("uplink")


def run_script(name: str, folder: Path) -> list[str]:
    """Run a script of the overlay on scratch folders; return what it asked of systemd."""
    systemctl = folder / "systemctl"
    systemctl.write_text(f'#!/bin/sh\necho "$@" >> {folder}/asked\n')
    systemctl.chmod(0o755)
    places = {f"PLATESIEVE_{one.upper()}": str(folder / one) for one in ("boot", "state", "etc")}
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", **places}
    subprocess.run(
        [OVERLAY / "usr/lib/platesieve" / name], env=environment, check=True, capture_output=True, timeout=10
    )
    asked = folder / "asked"
    return asked.read_text().splitlines() if asked.exists() else []


@pytest.mark.parametrize(("written", "becomes"), [("20 BRIDGE-SEVEN\n", "20 BRIDGE-SEVEN\n"), ("", "30\n")])
def test_a_file_on_the_card_asks_once(tmp_path: Path, written: str, becomes: str) -> None:
    """It is taken off the card before the page opens; an empty one means half an hour; without one nothing happens."""
    for folder in ("boot", "state"):
        (tmp_path / folder).mkdir()
    (tmp_path / "boot/aim").write_text(written)

    run_script("aim-asked", tmp_path)
    assert (tmp_path / "state/aim").read_text() == becomes
    assert not (tmp_path / "boot/aim").exists()
    (tmp_path / "state/aim").unlink()
    run_script("aim-asked", tmp_path)
    assert list((tmp_path / "state").iterdir()) == []


@pytest.mark.parametrize("confirmed", [True, False])
def test_afterwards_settings_are_in_place_and_the_camera_reads(tmp_path: Path, *, confirmed: bool) -> None:
    """What the installer confirmed replaces the settings as a whole; without it they stay; no request is left."""
    for folder in ("state/camera", "etc"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc/platesieve.toml").write_text("old")
    (tmp_path / "state/aim").write_text("30")
    if confirmed:
        (tmp_path / "state/camera/aim.toml").write_text("new")

    assert run_script("aim-done", tmp_path) == ["--no-block start platesieve-camera.service"]
    assert (tmp_path / "etc/platesieve.toml").read_text() == ("new" if confirmed else "old")
    assert [file.name for file in tmp_path.rglob("*aim*")] == []
    assert len(list((tmp_path / "etc").iterdir())) == 1


@pytest.mark.parametrize(
    ("code", "held_s", "asks"),
    [(148, 0.5, True), (148, 0.05, False), (116, 0.5, False)],
    ids=["held", "short", "power"],
)
def test_a_button_that_is_held_asks_for_the_page(tmp_path: Path, code: int, held_s: float, *, asks: bool) -> None:
    """Three seconds (here 0.3), and only our key: neither a knock nor the power button opens anything."""
    button = subprocess.Popen(
        [sys.executable, OVERLAY / "usr/lib/platesieve/button", "/dev/stdin"],
        stdin=subprocess.PIPE,
        env={"PLATESIEVE_STATE": str(tmp_path), "PLATESIEVE_HOLD_S": "0.3"},
    )
    assert button.stdin is not None
    button.stdin.write(struct.pack("qqHHi", 0, 0, 0, 0, 0))  # EV_SYN: it reads by now, so the time counts from here
    button.stdin.flush()
    time.sleep(0.3)
    for value in (1, 0):
        button.stdin.write(struct.pack("qqHHi", 0, 0, 1, code, value))
        button.stdin.flush()
        time.sleep(held_s)
    button.stdin.close()

    assert button.wait(10) == 0
    assert [file.read_text() for file in tmp_path.iterdir()] == (["30\n"] if asks else [])


def test_both_ways_to_a_device_start_the_same_services() -> None:
    """What wants to be enabled is enabled by `deploy/install` and in the image, and disabled by `deploy/uninstall`."""
    wanted = {unit.name for unit in UNITS.iterdir() if "\n[Install]\n" in unit.read_text()}
    slots = {"platesieve-proved.service", "platesieve-update.timer"}
    for script, without in (
        ("deploy/install", slots),
        ("deploy/uninstall", slots),
        ("firmware/image/program", {"platesieve-update.timer"}),  # where an authority for updates is: image/slots
    ):
        text = (ROOT / script).read_text()
        assert "uninstall" in script or "[web]" in text, "the aiming page needs it"
        named = re.findall(r"platesieve-\w+\.(?:service|timer|path)", text)
        assert set(named) == wanted - without, script


def test_the_lamp_may_be_switched_and_nothing_else_of_the_kernel() -> None:
    """The rule of udev, the sandboxes and the setting mean the same lamp."""
    rules = (OVERLAY / "usr/lib/udev/rules.d/70-platesieve.rules").read_text()
    for name in ("camera", "aim"):
        assert directives(name)["ReadWritePaths"] == ["-/sys/class/leds/ir"]
    assert 'KERNEL=="ir"' in rules
    assert "platesieve-button@%k.service" in rules


def test_each_service_cannot_see_the_other_ones_folder() -> None:
    """The process with the network has no key of the log, the one with the plates no key of the broker."""
    assert directives("camera")["InaccessiblePaths"] == ["-/var/lib/platesieve/uplink"]
    assert directives("uplink")["InaccessiblePaths"] == ["-/var/lib/platesieve/camera"]


def verify(folder: Path, *units: str, options: tuple[str, ...] = ()) -> list[str]:
    """Return what systemd says, at length, when it is asked to start these units of a folder."""
    command = ["systemd-analyze", "verify", "--man=no", *options, *(str(folder / unit) for unit in units)]
    environment = {**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:", "SYSTEMD_LOG_LEVEL": "debug" if not options else ""}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)
    return done.stderr.splitlines()


def put_in_place(folder: Path) -> None:
    """Write our units with programs that are here; the real ones are put in place by an installation."""
    for unit in UNITS.glob("*.*"):
        text = re.sub(r"(?m)^(Exec\w+)=\+?/(?:opt|usr/lib)/platesieve/\S+", r"\1=/bin/true", unit.read_text())
        (folder / unit.name).write_text(re.sub(r"(?m)^Documentation=.*\n", "", text))


def test_systemd_understands_every_line(tmp_path: Path) -> None:
    """No unknown section, key or value."""
    put_in_place(tmp_path)

    said = verify(tmp_path, *(unit.name for unit in UNITS.glob("*.*")), options=("--recursive-errors=no",))
    assert [line for line in said if "platesieve" in line] == []


def test_a_device_can_start_everything_at_once(tmp_path: Path) -> None:
    """No order goes in a circle: systemd breaks one by leaving a service out, and then nothing is provisioned."""
    put_in_place(tmp_path)
    enabled = [unit.name for unit in UNITS.iterdir() if "\n[Install]\n" in unit.read_text()]
    wants = "".join(f"Wants={name}\n" for name in enabled)
    (tmp_path / "everything.target").write_text(f"[Unit]\nRequires=basic.target\n{wants}After=basic.target\n")

    def circles() -> list[str]:
        return [line for line in verify(tmp_path, "everything.target") if "ordering cycle" in line]  # said to debuggers

    assert circles() == []
    unit = tmp_path / "platesieve-aim.path"  # the control: such a line was there once
    unit.write_text(unit.read_text().replace("[Path]", "After=platesieve-provision.service\n[Path]"))
    assert circles()


def test_the_journal_lives_in_ram() -> None:
    """Nothing that is logged reaches the card."""
    journal = ConfigParser()
    journal.read(OVERLAY / "usr/lib/systemd/journald.conf.d/50-platesieve.conf")

    assert journal["Journal"]["Storage"] == "volatile"


@pytest.mark.parametrize(
    ("uptime_s", "result", "status", "expected"),
    [
        (5000, "watchdog", 9, ["--no-block reboot"]),
        (5000, "exit-code", 74, ["--no-block reboot"]),
        (60, "exit-code", 74, ["reset-failed platesieve-camera.service", "--no-block start platesieve-camera.service"]),
        (5000, "exit-code", 78, []),
        (5000, "success", 0, []),
        (5000, "aiming", 9, []),
        (60, "aiming", 9, []),
        (5000, "left behind", 75, ["--no-block reboot"]),
        (5000, "exit-code", 75, []),
    ],
)
def test_rescue_reboots_only_where_it_helps(
    tmp_path: Path, uptime_s: int, result: str, status: int, expected: list[str]
) -> None:
    """Hung after long uptime: reboot. Just booted: try again. Wrong settings, never started, or aimed: neither.

    A process that cannot be killed is a hang as well, although its successor ends with a status that forbids restarts.
    """
    (tmp_path / "group").mkdir()
    (tmp_path / "group/cgroup.procs").write_text("812\n")
    (tmp_path / "812").mkdir()
    (tmp_path / "812/stat").write_text(f"812 (python3) {'D' if result == 'left behind' else 'S'} 1 812\n")
    (tmp_path / "uptime").write_text(f"{uptime_s}.25 100.0\n")
    systemctl = tmp_path / "systemctl"
    aims = 0 if result == "aiming" else 3  # as `systemctl is-active` answers
    active = f"case $* in *is-active*) exit {aims} ;; esac"
    shown = (
        f"case $* in *Result*) echo {result}; exit ;; *ExecMainStatus*) echo {status}; exit ;;"
        " *ControlGroup*) echo /group; exit ;; esac"
    )
    systemctl.write_text(f'#!/bin/sh\n{active}\n{shown}\necho "$@" >> {tmp_path}/asked\n')
    systemctl.chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "PLATESIEVE_UPTIME": str(tmp_path / "uptime"),
        "PLATESIEVE_CGROUPS": str(tmp_path),
        "PLATESIEVE_PROC": str(tmp_path),
        "PLATESIEVE_SLEEP": shutil.which("true") or "true",
    }
    subprocess.run(
        [OVERLAY / "usr/lib/platesieve/rescue"], env=environment, check=True, capture_output=True, timeout=10
    )

    asked = tmp_path / "asked"
    assert (asked.read_text().splitlines() if asked.exists() else []) == expected


@pytest.mark.parametrize(
    ("state", "result", "uptime_s", "expected"),
    [
        ("D", "watchdog", 5000, ["--no-block reboot"]),
        ("D", "watchdog", 60, []),
        ("S", "watchdog", 5000, []),
        ("D", "success", 5000, []),
    ],
)
def test_what_cannot_be_killed_is_not_waited_for(
    tmp_path: Path, state: str, result: str, uptime_s: int, expected: list[str]
) -> None:
    """After each stop: a process that is left in the kernel means a reboot now; after any other it starts anew."""
    files = {"uptime": f"{uptime_s}.25 1", "group/cgroup.procs": "812", "812/stat": f"812 (a) {state} 1"}
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{content}\n")
    systemctl = tmp_path / "systemctl"
    shown = "case $* in *ControlGroup*) echo /group; exit ;; *is-active*) exit 3 ;; *show*) exit ;; esac"
    systemctl.write_text(f'#!/bin/sh\n{shown}\necho "$@" >> {tmp_path}/asked\n')
    systemctl.chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "SERVICE_RESULT": result,
        "PLATESIEVE_UPTIME": str(tmp_path / "uptime"),
        "PLATESIEVE_CGROUPS": str(tmp_path),
        "PLATESIEVE_PROC": str(tmp_path),
    }
    rescue = str(OVERLAY / "usr/lib/platesieve/rescue")
    subprocess.run([rescue, "stopped"], env=environment, check=True, capture_output=True, timeout=10)

    asked = tmp_path / "asked"
    assert (asked.read_text().splitlines() if asked.exists() else []) == expected
