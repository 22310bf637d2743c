"""Each check of the doctor says pass, warn or fail where it should, and what mends it."""

from __future__ import annotations

import os
import time
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from platesieve.adapters.local.board import Board
from platesieve.adapters.local.instance_lock import instance_lock
from platesieve.bootstrap.folders import Folders
from platesieve.bootstrap.look import demo_files
from platesieve.checkup import check_everything, link, machine, rules
from platesieve.checkup.camera import Look
from platesieve.domain.errors import CameraError, StorageError
from platesieve.settings import Settings, Uplink, Vision

if TYPE_CHECKING:
    from pathlib import Path


def put(root: Path, name: str, text: str) -> Board:
    """Return a board with one file of the kernel's."""
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)
    return Board(root)


@pytest.mark.parametrize(("millidegrees", "mark"), [("60000", "pass"), ("76000", "warn"), ("81000", "fail")])
def test_heat(tmp_path: Path, millidegrees: str, mark: str) -> None:
    """From 80 degrees on a Pi slows down."""
    finding = machine.temperature(put(tmp_path, "sys/class/thermal/thermal_zone0/temp", millidegrees))

    assert finding.mark == mark
    assert bool(finding.remedy) is (mark != "pass")


@pytest.mark.parametrize(
    ("flags", "throttling", "voltage"),
    [
        ("0", "pass", "pass"),
        ("1", "pass", "fail"),
        ("10000", "pass", "warn"),
        ("4", "fail", "pass"),
        ("40000", "warn", "pass"),
        ("50005", "fail", "fail"),
    ],
)
def test_throttling_and_voltage(tmp_path: Path, flags: str, throttling: str, voltage: str) -> None:
    """Now is a fault, since boot a warning."""
    board = put(tmp_path, "sys/devices/platform/soc/soc:firmware/get_throttled", flags)

    assert (machine.throttling(board).mark, machine.voltage(board).mark) == (throttling, voltage)


def test_threads(tmp_path: Path) -> None:
    """One is right everywhere; more than there are cores is a fault."""
    cores = len(os.sched_getaffinity(0))
    assert machine.threads(Settings(), Board(tmp_path)).mark == "pass"
    assert machine.threads(Settings(vision=Vision(threads=cores + 1)), Board(tmp_path)).mark == "fail"


def test_swap(tmp_path: Path) -> None:
    """Memory that may go to a disk is a warning."""
    assert machine.swap(Board(tmp_path)).mark == "pass"
    assert machine.swap(put(tmp_path, "proc/swaps", "Filename Type Size\n/var/swap file 102400 0 -2\n")).mark == "warn"


@pytest.mark.parametrize(("old_h", "mark"), [(1, "pass"), (60, "warn")])
def test_a_hot_list_that_is_older_than_the_policy_allows(tmp_path: Path, old_h: int, mark: str) -> None:
    """The policy says how old; the file says how old it is."""
    file = tmp_path / "wanted.csv"
    file.write_bytes(demo_files()[1].read_bytes())
    written = time.time() - old_h * 3600
    os.utime(file, (written, written))

    assert rules.hotlist(Settings(hotlist=str(file), policy="hits-only")).mark == mark


def test_focus_and_darkness(tmp_path: Path) -> None:
    """A sharp street passes, a blurred one warns, a black one cannot be judged."""
    clip = cv2.VideoCapture(str(demo_files()[0]))
    _, picture = clip.read()
    clip.release()
    marks = {}
    for name, shown in (("sharp", picture), ("soft", cv2.GaussianBlur(picture, (0, 0), 4)), ("black", picture * 0)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.asarray(shown, np.uint8))
        checks = dict(Look(Settings(camera=str(tmp_path / f"{name}.png"))).checks())
        marks[name] = (checks["camera"]().mark, checks["focus"]().mark)

    assert marks == {"sharp": ("pass", "pass"), "soft": ("pass", "warn"), "black": ("warn", "warn")}


@pytest.mark.parametrize(
    ("begins_d", "ends_d", "mark"), [(-10, 300, "pass"), (-350, 15, "warn"), (-400, -1, "fail"), (1, 300, "fail")]
)
def test_the_age_of_the_certificate(tmp_path: Path, begins_d: int, ends_d: int, mark: str) -> None:
    """Thirty days before its end it is time to renew it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "metro/bridge/cam-1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(now + timedelta(days=begins_d))
    signed = builder.not_valid_after(now + timedelta(days=ends_d)).sign(key, hashes.SHA256())
    file = tmp_path / "device.crt"
    file.write_bytes(signed.public_bytes(Encoding.PEM))

    settings = Settings(uplink=replace(Uplink(), host="broker.example", certificate_file=str(file)))
    assert link.certificate(settings).mark == mark


def test_a_camera_that_the_service_uses_is_not_opened_twice(tmp_path: Path) -> None:
    """A device at work is well; the control is the same camera while nobody uses it, which this machine has not."""
    settings = Settings(camera="usb:99", state=str(tmp_path))
    with instance_lock(Folders.of(settings).camera / "lock"):
        used = [check().mark for _, check in Look(settings).checks()]

    assert used == ["pass", "pass"]
    with pytest.raises(CameraError):
        Look(settings).frames()


def test_root_leaves_no_file_in_the_services_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be root's, and the service would stop at it; in a folder of root's own nobody minds."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    folders = Folders.of(Settings(state=str(tmp_path)))
    stat = tmp_path.stat()
    for owner, refused in ((4321, True), (0, False)):
        monkeypatch.setattr(
            type(tmp_path), "stat", lambda _path, owner=owner: os.stat_result((*stat[:4], owner, *stat[5:]))
        )
        with pytest.raises(StorageError, match="4321") if refused else nullcontext():
            folders.refuse_root()


def test_every_check_answers_whatever_is_wrong(tmp_path: Path) -> None:
    """No check stops the others, and whoever fails or warns says what mends it."""
    settings = Settings(camera="usb:99", state=str(tmp_path / "state"), hotlist=str(tmp_path / "absent.csv"))
    findings = check_everything(settings, Board(tmp_path))

    subjects = [finding.subject for finding in findings]
    assert len(subjects) == len(set(subjects)) == 20
    assert {"camera", "policy", "hot list"} <= {finding.subject for finding in findings if finding.mark == "fail"}
    assert [finding for finding in findings if finding.mark != "pass" and not finding.remedy] == []
