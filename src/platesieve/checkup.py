"""What `doctor` looks at: each check is a sentence on what was found, and where it is not well, what mends it."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from platesieve import bootstrap
from platesieve.adapters.cameras.setting import open_camera
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.adapters.mqtt.publisher import probe
from platesieve.adapters.mqtt.wire import Address
from platesieve.domain.errors import ConfigError, PlatesieveError
from platesieve.domain.instant import TimeQuality

if TYPE_CHECKING:
    from collections.abc import Callable

    from platesieve.settings import Settings

LOW_DISK_BYTES = 200 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's table."""

    subject: str
    mark: Literal["pass", "warn", "fail"]
    found: str
    remedy: str = ""

    def as_json(self) -> dict[str, str]:
        """Return it for machines."""
        return asdict(self)


def check_everything(settings: Settings) -> list[Finding]:
    """Run every check; none of them stops the others."""
    checks: list[tuple[str, Callable[[Settings], Finding]]] = [
        ("python", _python),
        ("state folder", _state),
        ("audit log", _audit_log),
        ("clock", _clock),
        ("models", _models),
        ("telemetry", _telemetry),
        ("policy", _policy),
        ("hot list", _hotlist),
        ("camera", _camera),
        ("broker", _broker),
    ]
    return [_guarded(subject, check, settings) for subject, check in checks]


def _guarded(subject: str, check: Callable[[Settings], Finding], settings: Settings) -> Finding:
    try:
        return check(settings)
    except ConfigError as error:
        return Finding(subject, "fail", "; ".join((error.message, *error.problems)), error.hint)
    except PlatesieveError as error:
        return Finding(subject, "fail", error.message, error.hint)


def _python(_settings: Settings) -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding("python", "pass", version)
    return Finding("python", "fail", f"{version} is not supported", "use Python 3.11, 3.12 or 3.13")


def _state(settings: Settings) -> Finding:
    folders = bootstrap.Folders.of(settings)
    free = shutil.disk_usage(folders.state).free
    if not all(os.access(folder, os.W_OK) for folder in (folders.state, folders.camera, folders.uplink)):
        return Finding("state folder", "fail", f"{folders.state} cannot be written", "chown it to platesieve's user")
    if damaged := sorted(folders.uplink.glob("*.damaged-*")):
        return Finding(
            "state folder", "warn", f"{len(damaged)} damaged outbox set aside", f"delete {damaged[0]} if unneeded"
        )
    if free < LOW_DISK_BYTES:
        return Finding("state folder", "warn", f"{free >> 20} MiB are free", "make room: a full disk stops reading")
    return Finding("state folder", "pass", f"{folders.state}, {free >> 30} GiB free")


def _audit_log(settings: Settings) -> Finding:
    folders = bootstrap.Folders.of(settings)
    if not (folders.audit / "checkpoint").exists():
        return Finding("audit log", "pass", "none yet; it begins with the first run")
    verdict = bootstrap.verify_own_log(folders)
    return Finding("audit log", "pass" if verdict.ok else "fail", verdict.sentence, verdict.remedy)


def _clock(settings: Settings) -> Finding:
    if SystemClock(assume=settings.device.assume_clock).quality() is TimeQuality.SYNCHRONISED:
        return Finding("clock", "pass", "confirmed by a time source" if not settings.device.assume_clock else "assumed")
    return Finding(
        "clock",
        "warn",
        "no time source has confirmed the wall clock: misses are not counted, hits say time_quality unknown",
        "timedatectl set-ntp true; or set device.assume_clock where another source keeps it right",
    )


def _models(settings: Settings) -> Finding:
    bootstrap.build_sight(settings)
    return Finding("models", "pass", "detector and reader have the released hashes and run")


def _telemetry(_settings: Settings) -> Finding:
    if os.environ.get("ORT_DISABLE_TELEMETRY") == "1":
        return Finding("telemetry", "pass", "onnxruntime's is off")
    return Finding("telemetry", "fail", "onnxruntime's is not switched off", "set ORT_DISABLE_TELEMETRY=1 in the unit")


def _policy(settings: Settings) -> Finding:
    judge = bootstrap.build_judge(settings, SystemClock(assume=True))
    return Finding("policy", "pass", f"{judge.policy.id} of {judge.policy.version} is in force for this device")


def _hotlist(settings: Settings) -> Finding:
    if settings.hotlist is None:
        return Finding("hot list", "warn", "none is given, so nothing is a hit", "give --hotlist, if there is one")
    hotlist = bootstrap.load_hotlist(settings.hotlist, SystemClock(assume=True).now())
    return Finding("hot list", "pass", f"{hotlist.count} entries, sha256 {hotlist.sha256[:12]}...")


def _camera(settings: Settings) -> Finding:
    with closing(open_camera(settings.camera, SystemClock(assume=True))) as camera:
        frame = camera.read()
    if frame is None:
        return Finding("camera", "fail", "it gives no frame", "check the source")
    dark = float(frame.luma.mean()) < 8  # noqa: PLR2004 - of 255: a lens cap, or night without a lamp
    found = f"{settings.camera_shown} gives {frame.width}x{frame.height}"
    if dark:
        return Finding("camera", "warn", f"{found}, black", "take the lens cap off, or open the shutter")
    return Finding("camera", "pass", found)


def _broker(settings: Settings) -> Finding:
    if settings.uplink.host is None:
        return Finding("broker", "warn", "none is given: everything waits until it expires", "give --broker HOST")
    state = probe(settings.uplink, Address.from_device(settings.device))
    where = f"{settings.uplink.host}:{settings.uplink.port}"
    if state == "connected":
        return Finding("broker", "pass", f"connected to {where}")
    return Finding("broker", "fail", state, f"check that a broker listens at {where} and knows this device")
