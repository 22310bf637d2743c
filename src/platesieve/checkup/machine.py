"""Checks of the machine: Python, threads, heat, voltage, swap, disk."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Final

from platesieve.adapters.local.board import FREQUENCY_CAPPED, SINCE_BOOT, SOFT_LIMIT, THROTTLED, UNDER_VOLTAGE
from platesieve.bootstrap.folders import Folders
from platesieve.checkup.finding import Finding

if TYPE_CHECKING:
    from platesieve.adapters.local.board import Board
    from platesieve.settings import Settings

LOW_DISK_BYTES: Final = 200 * 1024 * 1024
WARM_C, HOT_C = 75.0, 80.0  # from 80 degrees on a Pi slows down, at 85 it slows down much (its documentation)
WRITES_A_DAY_BYTES: Final = 200_000_000  # what a device may write to its card in a day
LIFE_USED_PERCENT: Final = 80
_DAY_S: Final = 86_400
_NEWS_S: Final = 3600  # before that, what was written at boot says nothing about a day


def python() -> Finding:
    """Return whether this Python is one we support."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding("python", "pass", version)
    return Finding("python", "fail", f"{version} is not supported", "use Python 3.11, 3.12 or 3.13")


def threads(settings: Settings, board: Board) -> Finding:
    """Return whether inference leaves a core for camera and uplink: more threads than cores wait for each other."""
    wanted, cores = settings.vision.threads, board.cores
    found = f"{wanted} for inference on {cores} cores"
    if wanted > cores:
        return Finding("threads", "fail", found, "set vision.threads = 1: more threads than cores make it slower")
    if wanted > 1 and wanted == cores:
        return Finding("threads", "warn", found, f"set vision.threads to {cores - 1} or less: the camera needs a core")
    return Finding("threads", "pass", found)


def temperature(board: Board) -> Finding:
    """Return how warm the processor is."""
    celsius = board.temperature_c
    if celsius is None:
        return Finding("temperature", "pass", "this machine does not tell")
    found = f"{celsius:.0f} degrees Celsius"
    if celsius >= HOT_C:
        return Finding("temperature", "fail", found, "cool it: heat sink, shade, a larger housing; it slows down now")
    if celsius >= WARM_C:
        return Finding("temperature", "warn", found, f"cool it before summer: from {HOT_C:.0f} degrees it slows down")
    return Finding("temperature", "pass", found)


def throttling(board: Board) -> Finding:
    """Return whether the firmware slows the processor down, now or since boot."""
    flags = board.throttled
    if flags is None:
        return Finding("throttling", "pass", "this machine does not tell")
    slowed = FREQUENCY_CAPPED | THROTTLED | SOFT_LIMIT
    if flags & slowed:
        return Finding("throttling", "fail", "the processor is slowed down now", "cool it, or give it a better supply")
    if flags >> SINCE_BOOT & slowed:
        return Finding("throttling", "warn", "the processor was slowed down since boot", "cool it; check the supply")
    return Finding("throttling", "pass", "never since boot")


def voltage(board: Board) -> Finding:
    """Return whether the supply holds the voltage, now and since boot."""
    flags = board.throttled
    if flags is None:
        return Finding("voltage", "pass", "this machine does not tell")
    remedy = "use the official power supply and a short, thick cable; then reboot"
    if flags & UNDER_VOLTAGE:
        return Finding("voltage", "fail", "too low now: files and frames may be damaged", remedy)
    if flags >> SINCE_BOOT & UNDER_VOLTAGE:
        return Finding("voltage", "warn", "was too low since boot", remedy)
    return Finding("voltage", "pass", "high enough since boot")


def swap(board: Board) -> Finding:
    """Return whether memory may be written to a disk, and with it what the camera saw."""
    if board.swap_bytes:
        return Finding(
            "swap",
            "warn",
            f"{board.swap_bytes >> 20} MiB of memory may go to disk; the services alone are kept from it",
            "sudo swapoff --all, and on Raspberry Pi OS: sudo systemctl disable --now dphys-swapfile",
        )
    return Finding("swap", "pass", "off")


def state(settings: Settings) -> Finding:
    """Return whether the state folder can be written and has room."""
    folders = Folders.of(settings)
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


def wear(settings: Settings, board: Board) -> Finding:
    """Return how fast the card is worn, and where it tells, how far it is."""
    card = board.card(Folders.of(settings).state)
    if card is None:
        return Finding("disk wear", "pass", "the state folder is on no disk of its own")
    a_day = card.written_bytes / max(board.uptime_s, 1.0) * _DAY_S
    found = f"{card.name}: {card.written_bytes / 1e6:.0f} MB written since boot"
    if card.life_used_percent is not None:
        found += f", up to {card.life_used_percent} % of its life used"
        if card.life_used_percent >= LIFE_USED_PERCENT:
            return Finding("disk wear", "warn", found, "plan to replace the card")
    if board.model is not None and board.uptime_s > _NEWS_S and a_day > WRITES_A_DAY_BYTES:
        found += f", {a_day / 1e6:.0f} MB a day"
        return Finding("disk wear", "warn", found, "keep the journal in RAM, and see with `iotop -ao` who writes")
    return Finding("disk wear", "pass", found)
