"""How much a simulated day writes to the card: the real audit log and the real outbox on an ext4 of their own.

`sudo PYTHONPATH=src python -m tests.bench.card_writes [--vehicles 20000] [--hours 24] [--policy NAME ...] [--json]`

Vehicles come from a script, everything behind them is the product's: rules, books, audit log, outbox. The clock is
simulated; what the kernel does by the clock (ext4's commit every 5 s) is done where that clock says so. Counted is what
the kernel gave to the block device, ext4's journal included. What a card's own controller writes on top is not in it.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.console import Console
from rich.table import Column, Table

from platesieve.adapters.disk.audit_folder import AuditFolder
from platesieve.adapters.disk.outbox_sqlite import SqliteOutbox
from platesieve.audit.note import NoteSigner
from platesieve.domain.instant import NS_PER_S
from platesieve.flow.sight import Looked
from platesieve.policy.receipt import ReceiptBook, sign_receipt
from platesieve.ports import Receipted
from platesieve.settings import Audit
from platesieve.uplink import Uplink
from platesieve.vision.frame import Frame
from tests.fakes.clock import FakeClock
from tests.fakes.intake import FakeIntake
from tests.fakes.outlet import FakeOutlet
from tests.fakes.passages import AGENCY_PUBLIC, a_sighting
from tests.fakes.publisher import FakePublisher
from tests.fakes.station import Station

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platesieve.domain.disclosure import Disclosure
    from platesieve.domain.sighting import Sighting
    from platesieve.flow.sight import Sight

COMMIT_S: Final = 5  # ext4's own default: its journal goes to the disk this often
WRITEBACK_S: Final = 30  # vm.dirty_expire_centisecs: what is dirty goes to its place
SECTOR_BYTES: Final = 512
ROUNDS_PER_S: Final = 5  # as many as the uplink makes by itself when nothing comes
CARD_MIB: Final = 512
LIMIT_MB: Final = 200.0
MB: Final = 1_000_000
HIT_EVERY: Final = 500  # vehicles
HOURS: Final = (1, 1, 1, 1, 2, 4, 8, 10, 9, 7, 6, 6, 7, 7, 7, 8, 9, 10, 8, 6, 4, 3, 2, 1)  # traffic of each, relative
POLICIES: Final = ("hits-only", "count-only", "us-mn", "travel-time")
WANTED: Final = "CANARY7"
COLLECTOR: Final = "agency"
DEFAULTS: Final = Audit()
SECRET: Final = bytes(range(32))
PUBLIC: Final = Ed25519PrivateKey.from_private_bytes(SECRET).public_key().public_bytes_raw()


@dataclass(frozen=True, slots=True)
class Day:
    """What one simulated day gave."""

    policy: str
    vehicles: int
    hours: float
    entries: int
    events: int
    written_mb: float
    mb_per_day: float
    took_s: float


class Passing:
    """In place of flow.Sight: what passed since the last frame."""

    def __init__(self) -> None:
        self.coming: list[Sighting] = []

    def look(self, _frame: Frame) -> Looked:
        """Return who passed."""
        passed, self.coming = tuple(self.coming), []
        return Looked(passed, len(passed), len(passed), searched=True)

    def forget(self) -> None:
        """Nothing is kept."""

    def obey(self, **_: object) -> None:
        """Pictures are there anyway."""

    def finish(self) -> tuple[Sighting, ...]:
        """Nobody is left."""
        return ()


class Hose(FakeOutlet):
    """An outlet that ends in an intake."""

    def __init__(self, intake: FakeIntake) -> None:
        super().__init__()
        self._intake = intake
        self.count = 0

    def send(self, disclosure: Disclosure) -> None:
        """Hand it over."""
        self.count += 1
        self._intake.camera.append(disclosure)


@contextmanager
def card() -> Iterator[tuple[Path, Path]]:
    """Make and mount a card as the image's data partition is; yield its folder and the kernel's counters of it."""
    with tempfile.TemporaryDirectory(prefix="platesieve-card-") as scratch:
        image, mount = Path(scratch, "card.ext4"), Path(scratch, "card")
        mount.mkdir()
        subprocess.run(
            ["mke2fs", "-q", "-t", "ext4", "-E", "lazy_itable_init=0,lazy_journal_init=0", image, f"{CARD_MIB}M"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        subprocess.run(["mount", "-o", "loop,noatime,nosuid,nodev,noexec", image, mount], check=True)
        try:
            number = mount.stat().st_dev
            yield mount, Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}/stat")
        finally:
            subprocess.run(["umount", mount], check=True)


def passages(vehicles: int, hours: float) -> dict[int, int]:
    """Return how many vehicles pass in which second, more of them when people go to work and home."""
    chance = random.Random(7)  # noqa: S311 - traffic, not a key
    seconds = range(int(hours * 3600))
    weights = [HOURS[int(second / (hours * 3600) * len(HOURS))] for second in seconds]
    found: dict[int, int] = {}
    for second in chance.choices(seconds, weights, k=vehicles):
        found[second] = found.get(second, 0) + 1
    return found


class Kernel:
    """Does by the simulated clock what the kernel does by its own: a commit every 5 s, all that is dirty every 30 s."""

    def __init__(self, folder: Path, counters: Path) -> None:
        self._folder = os.open(folder, os.O_RDONLY)
        self._mark = os.open(folder / "mark", os.O_WRONLY | os.O_CREAT, 0o600)
        self._syncfs = ctypes.CDLL(None, use_errno=True).syncfs
        self._counters = counters
        self._syncfs(self._folder)
        self._committed = self._start = self._written()

    def pass_second(self, second: int) -> None:
        """Commit what changed, when it is time."""
        if second % WRITEBACK_S == 0:
            self._syncfs(self._folder)
        elif second % COMMIT_S == 0 and self._written() != self._committed:
            os.utime(self._mark)  # a change of an inode, so that fsync commits what else waits in the journal
            os.fsync(self._mark)
        else:
            return
        self._committed = self._written()

    def finish(self) -> int:
        """Write everything back, let go, and return how many bytes were written since the start."""
        self._syncfs(self._folder)
        os.close(self._mark)
        os.close(self._folder)
        return self._written() - self._start

    def _written(self) -> int:
        """Return what was written to the block device (Documentation/block/stat.rst, field 7)."""
        return int(self._counters.read_text().split()[6]) * SECTOR_BYTES


def simulate(policy: str, vehicles: int, hours: float, audit: Audit = DEFAULTS) -> Day:
    """Let a day pass and return what it wrote."""
    started_s = time.monotonic()
    with card() as (folder, counters):
        clock, intake, passing = FakeClock(), FakeIntake(), Passing()
        hose = Hose(intake)
        log = AuditFolder(folder / "audit", NoteSigner.generate("platesieve/a/b/c"), now_ns=lambda: clock.wall_ns)
        outbox = SqliteOutbox(folder / "outbox.db", 64 << 20, now_s=lambda: clock.monotonic_ns / NS_PER_S)
        station = Station(
            policy,
            (),
            hotlist=f"{WANTED},stolen,state,",
            recipients={"agency": AGENCY_PUBLIC},
            clock=clock,
            log=log,
            outlet=hose,
            sight=cast("Sight", passing),
            audit=audit,
        )
        publisher = FakePublisher()
        publisher.connect()
        uplink = Uplink(intake, outbox, publisher, clock, ReceiptBook(station.device, {COLLECTOR: PUBLIC}))
        kernel, traffic, number = Kernel(folder, counters), passages(vehicles, hours), 0
        for second in range(int(hours * 3600)):
            clock.advance(1.0)
            for _ in range(traffic.get(second, 0)):
                number += 1
                text = WANTED if number % HIT_EVERY == 0 else f"K{number:05d}"
                passing.coming.append(a_sighting(text, at=clock.now()))
            now = clock.now()
            station.pipeline.step(Frame(np.zeros((4, 4), np.uint8), second, now.wall_ns, now.monotonic_ns), now)
            for _ in range(ROUNDS_PER_S):
                uplink.step(0)
                if waiting := [one.id for one in publisher.received if one.receipt_from == COLLECTOR]:
                    receipt = sign_receipt(COLLECTOR, waiting, SECRET, station.device, clock.wall_ns, os.urandom)
                    publisher.happen(Receipted(receipt))
                publisher.received.clear()
            kernel.pass_second(second)
        written, entries = kernel.finish(), log.size
        outbox.close()
        log.close()
    mb, took_s = written / MB, time.monotonic() - started_s
    return Day(policy, vehicles, hours, entries, hose.count, round(mb, 1), round(mb * 24 / hours, 1), round(took_s, 1))


def main() -> int:
    """Simulate a day under each policy."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--vehicles", type=int, default=20_000, help="in the time that is simulated")
    parser.add_argument("--hours", type=float, default=24.0, help="how much of a day is simulated")
    parser.add_argument("--policy", nargs="*", default=POLICIES, help="packs")
    parser.add_argument("--json", action="store_true", help="for machines")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.stderr.write("error: a file system is mounted by root\nhint: sudo\n")
        return 77
    days = []
    for policy in options.policy:
        sys.stderr.write(f"a day under {policy} ...\n")
        days.append(simulate(policy, options.vehicles, options.hours))
    if options.json:
        sys.stdout.write(json.dumps([asdict(day) for day in days], indent=1) + "\n")
    else:
        table = Table(
            Column("policy", no_wrap=True), "vehicles", "hours", "entries", "events", "MB", "MB a day", "limit 200"
        )
        for day in days:
            values = (day.vehicles, day.hours, day.entries, day.events, day.written_mb, day.mb_per_day)
            table.add_row(day.policy, *map(str, values), "[red]no[/red]" if day.mb_per_day > LIMIT_MB else "yes")
        Console().print(table)
    return 0 if all(day.mb_per_day <= LIMIT_MB for day in days) else 1


if __name__ == "__main__":
    raise SystemExit(main())
