"""Updates: signed or refused, old or new after a power cut at any point, never below the floor."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.firmware.slot_store import PROGRAMS, Pi, Power, PowerCutError, image

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.integration


def update(pi: Pi, *, well: bool) -> None:
    """Update from A to B, try it once, and let it prove itself or not."""
    pi.install(image("new"), "B")
    assert pi.boot(tryboot=True) == "new"
    pi.prove(well=well)


@pytest.mark.parametrize(("well", "expected"), [(True, "new"), (False, "old")])
def test_a_system_that_proves_itself_stays_and_another_goes(tmp_path: Path, *, well: bool, expected: str) -> None:
    """Within one start a bad system is gone."""
    pi = Pi(tmp_path)
    update(pi, well=well)

    assert pi.boot() == expected
    assert pi.backend("get-primary") == ("B" if well else "A")


def test_a_system_that_never_says_anything_is_gone_after_a_power_cut(tmp_path: Path) -> None:
    """The flag is for one start; a system that hangs before it proves itself is not started again."""
    pi = Pi(tmp_path)
    pi.install(image("new"), "B")
    assert pi.boot(tryboot=True) == "new"

    assert pi.boot() == "old"


@pytest.mark.parametrize("well", [True, False])
def test_a_power_cut_at_every_write_point_leaves_old_or_new(tmp_path: Path, *, well: bool) -> None:
    """Every point of a whole update, and each time the interrupted update can simply be done again."""
    whole = Pi(tmp_path / "whole")
    update(whole, well=well)
    points = whole.power.points
    outcomes = {"old": 0, "new": 0}
    for cut_at in range(1, points + 1):
        pi = Pi(tmp_path / str(cut_at), Power(cut_at))
        with pytest.raises(PowerCutError):
            update(pi, well=well)
        pi.power = Power()
        version = pi.boot()
        assert version in outcomes, f"cut at {cut_at}: nothing starts"
        outcomes[version] += 1
        if version == "old" and cut_at % 7 == 0:
            update(pi, well=True)
            assert pi.boot() == "new"

    assert sum(outcomes.values()) == points > 30
    assert outcomes["old"] > 0


def test_without_the_trial_a_cut_leaves_nothing(tmp_path: Path) -> None:
    """The control: a slot that is made the one that boots before it is written does brick the device."""
    bricked = 0
    for cut_at in range(4, 20):
        pi = Pi(tmp_path / str(cut_at), Power(cut_at))
        pi.autoboot.write_text(
            pi.autoboot.read_text().replace("[all]\ntryboot_a_b=1\nboot_partition=2", "[all]\nboot_partition=3")
        )
        with pytest.raises(PowerCutError):
            pi.install(image("new"), "B")
        bricked += pi.boot() is None
    assert bricked > 0


def floor(folder: Path, *words: str) -> int:
    """Call the floor's program."""
    environment = {"PATH": os.environ["PATH"], "PLATESIEVE_FLOOR": str(folder / "floor")}
    return subprocess.run([PROGRAMS / "floor", *words], env=environment, capture_output=True, check=False).returncode


def test_the_floor_only_rises(tmp_path: Path) -> None:
    """What is older than the oldest allowed is refused, by number and not by letter."""
    assert floor(tmp_path, "check", "0.1.0") == 0
    assert floor(tmp_path, "raise", "0.9.0") == 0
    assert floor(tmp_path, "raise", "0.2.0") == 0
    assert floor(tmp_path, "check", "0.8.9") == 1
    assert floor(tmp_path, "check", "0.9.0") == 0
    assert floor(tmp_path, "check", "0.10.0") == 0
    assert floor(tmp_path, "check", "1;reboot") == 2


def test_the_installer_asks_the_floor(tmp_path: Path) -> None:
    """RAUC's handler reads the version of the signed manifest."""
    (tmp_path / "floor").write_text("0.5.0\n")
    environment = {
        "PATH": os.environ["PATH"],
        "PLATESIEVE_FLOOR": str(tmp_path / "floor"),
        "RAUC_BUNDLE_MOUNT_POINT": str(tmp_path),
    }
    for version, code in (("0.4.9", 1), ("0.5.0", 0)):
        (tmp_path / "manifest.raucm").write_text(f"[update]\ncompatible=platesieve-pi\nversion={version}\n\n[bundle]\n")
        done = subprocess.run([PROGRAMS / "pre-install"], env=environment, capture_output=True, check=False)
        assert done.returncode == code


@pytest.mark.parametrize(
    ("active", "grows", "state"), [(True, True, "good"), (True, False, "bad"), (False, True, "bad")]
)
def test_proved_means_frames_read_and_entries_sealed(tmp_path: Path, *, active: bool, grows: bool, state: str) -> None:
    """A service that only runs, or a log that only grows, is not enough."""
    pi = Pi(tmp_path)
    pi.install(image("new"), "B")
    pi.boot(tryboot=True)
    checkpoint = tmp_path / "checkpoint"
    checkpoint.write_text("origin\n5\nroot\n")
    systemctl = tmp_path / "bin/systemctl"
    growing = f"printf 'origin\\n9\\nroot\\n' > {checkpoint}" if grows else ":"
    systemctl.write_text(f'#!/bin/sh\n{growing}\n[ "$2" != is-active ] || exit {0 if active else 3}\n')
    systemctl.chmod(0o755)
    (tmp_path / "partition").write_bytes((3).to_bytes(4, "big"))
    environment = {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "PLATESIEVE_AUTOBOOT": str(pi.autoboot),
        "PLATESIEVE_BOOTED": str(tmp_path / "partition"),
        "PLATESIEVE_CHECKPOINT": str(checkpoint),
        "PLATESIEVE_PATIENCE_S": "3",
        "PLATESIEVE_SETTLED_S": "2",
        "PLATESIEVE_STEP_S": "1",
        "COUNT": str(tmp_path / "count"),
        "CUT_AT": "-1",
    }
    subprocess.run([PROGRAMS / "proved"], env=environment, check=False, capture_output=True, timeout=60)

    assert pi.backend("get-state", "B") == state
    assert pi.boot() == ("new" if state == "good" else "old")


def pki(folder: Path, name: str) -> tuple[str, str, str]:
    """Return certificate, key and authority of an office that signs updates."""
    ca, key, request, crt = (str(folder / f"{name}-{part}") for part in ("ca.crt", "ca.key", "csr", "crt"))
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    subprocess.run(
        ["openssl", "req", "-x509", *curve, "-keyout", key, "-out", ca, "-subj", f"/CN={name} CA"],
        check=True,
        capture_output=True,
    )
    subprocess.run(
        ["openssl", "req", *curve, "-keyout", f"{crt}.key", "-out", request, "-subj", f"/CN={name}"],
        check=True,
        capture_output=True,
    )
    subprocess.run(
        ["openssl", "x509", "-req", "-in", request, "-CA", ca, "-CAkey", key, "-CAcreateserial", "-out", crt],
        check=True,
        capture_output=True,
    )
    return crt, f"{crt}.key", ca


def test_a_bundle_is_signed_and_a_changed_or_foreign_one_is_refused(tmp_path: Path) -> None:
    """RAUC's own check: one byte, or another office."""
    office, stranger = pki(tmp_path, "office"), pki(tmp_path, "stranger")
    for name in ("boot.vfat", "system.img"):
        (tmp_path / name).write_bytes(os.urandom(1 << 20))
    bundle = tmp_path / "update.raucb"
    command = [
        ROOT / "firmware/update/bundle",
        "0.2.0",
        tmp_path / "boot.vfat",
        tmp_path / "system.img",
        *office,
        bundle,
    ]
    subprocess.run([str(word) for word in command], check=True, capture_output=True, timeout=60)

    def accepted(keyring: str, what: str = "info") -> bool:
        target = [str(tmp_path / f"out-{what}")] if what == "extract" else []
        asked = ["rauc", f"--keyring={keyring}", what, str(bundle), *target]
        return subprocess.run(asked, capture_output=True, check=False, timeout=60).returncode == 0

    assert accepted(office[2])
    assert not accepted(stranger[2])
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 1
    bundle.write_bytes(content)
    assert not accepted(office[2], "extract")
