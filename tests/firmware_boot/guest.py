"""One card and one start of the machine that it is in: what is seen on the serial line and at the broker."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from platesieve.adapters.enrolment import provision_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.firmware_boot.host import Agency

ROOT: Final = Path(__file__).parents[2]
LOOK_S: Final = 1.0
KEY_ID_BYTES: Final = 4  # C2SP signed-note: a signature begins with the key's id


@dataclass
class Start:
    """What one start showed; times in seconds since the power came.

    Attributes:
        card: whose it was.
        processor: that qemu emulated.
        system_s: systemd was through.
        enrolled_s: the device had its certificate.
        health_s: its first health arrived at the broker.
        read_s: the first read of the clip arrived.
        reads: how many did.
        log_key: id of the key that signs its audit log, hex.
        log_sizes: entries under the checkpoints that arrived.
        facts: of each service, with the most memory that it was seen to use.
    """

    card: str
    processor: str
    system_s: float | None = None
    enrolled_s: float | None = None
    health_s: float | None = None
    read_s: float | None = None
    reads: int = 0
    log_key: str = ""
    log_sizes: list[int] = field(default_factory=list)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def rss_kib(self) -> int:
        """Return what both services use together, at the most that was seen of each."""
        return sum(int(fact["rss_kb"]) for fact in self.facts.values())


def write_card(image: Path, card: Path, provision: dict[str, Any]) -> None:
    """Copy the image as an imager does, and put the installer's file on its FAT partition."""
    subprocess.run(["cp", "--sparse=always", image, card], check=True)
    with card.open("rb") as disk:
        first_sector = int.from_bytes(disk.read(512)[454:458], "little")  # MBR: where partition 1 begins
    file = card.with_suffix(".toml")
    file.write_bytes(provision_file.dump(provision_file.checked(provision)))
    subprocess.run(["mcopy", "-o", "-i", f"{card}@@{first_sector * 512}", file, f"::{provision_file.NAME}"], check=True)


@contextlib.contextmanager
def power(folder: Path, card: Path, serial: Path, processor: str, more: Path | None = None) -> Any:
    """Switch a machine on; at the end its power is cut."""
    command = [ROOT / "firmware/boot", folder, card, serial, *([more] if more else [])]
    environment = {**os.environ, "PROCESSOR": processor}
    with subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, env=environment) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def follow(
    folder: Path,
    card: Path,
    agency: Agency,
    device: str,
    processor: str,
    limit_s: float,
    done: Callable[[Start], bool],
) -> Start:
    """Start the machine with a card, watch until `done`, and cut its power."""
    seen = Start(card.stem, processor)
    serial = card.with_suffix(f".{time.time_ns()}.log")
    start = time.monotonic()
    with power(folder, card, serial, processor) as machine:
        while time.monotonic() - start < limit_s and machine.poll() is None:
            time.sleep(LOOK_S)
            _look(seen, start, agency, device, serial)
            if done(seen):
                break
    return seen


def _look(seen: Start, start: float, agency: Agency, device: str, serial: Path) -> None:
    """Take down what is new."""
    now_s = round(time.monotonic() - start, 1)
    text = serial.read_text(errors="replace") if serial.exists() else ""
    if seen.system_s is None and "Startup finished in" in text:
        seen.system_s = now_s
    if seen.enrolled_s is None and re.search(r"platesieve\[\d+\]: enrolled\r?$", text, re.MULTILINE):
        seen.enrolled_s = now_s
    for name in ("health", "read"):
        messages = agency.since(start, device, name)
        if messages and getattr(seen, f"{name}_s") is None:
            setattr(seen, f"{name}_s", round(messages[0][0], 1))
    seen.reads = len(agency.since(start, device, "read"))
    for _, body in agency.since(start, device, "checkpoint"):
        lines = str(body.get("data", {}).get("checkpoint", "")).splitlines()
        if len(lines) > 4:
            seen.log_key = base64.b64decode(lines[4].split()[2])[:KEY_ID_BYTES].hex()
            seen.log_sizes = sorted({*seen.log_sizes, int(lines[1])})
    for line in re.findall(r'\{"fact":.*?\}', text):
        with contextlib.suppress(ValueError):
            fact = json.loads(line)
            before = seen.facts.get(fact["fact"], {})
            seen.facts[fact["fact"]] = {**fact, "rss_kb": max(fact["rss_kb"], before.get("rss_kb", 0))}
