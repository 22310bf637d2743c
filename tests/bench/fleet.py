"""Measure what a fleet costs, for `platesieve plan`: broker, collector, PostgreSQL and wire, with real events.

`PYTHONPATH=src python -m tests.bench.fleet [--devices N] [--rate R] [--seconds S] [--write] [--json]`, from the
checkout; needs mosquitto and postgresql. 1,000 devices take about five minutes, half of them for certificates.
`--write` replaces src/platesieve/simulation/figures.toml. A run beside other work measures that work too.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import tomli_w

from platesieve.adapters.disk.key_files import new_key_files
from platesieve.adapters.disk.key_text import KeyKind
from platesieve.adapters.disk.witness_file import WitnessFile
from platesieve.adapters.disk.witness_files import FolderOfWitness, load_or_create_cosigner
from platesieve.adapters.mqtt.wire import Address, encode
from platesieve.audit.entry import ClockStep
from platesieve.audit.growth import proofs_document
from platesieve.audit.proof import TiledTree
from platesieve.audit.thinning import Spacing
from platesieve.audit.witness import read_witness_file
from platesieve.collector.records import CheckpointStatus, Event
from platesieve.collector.witness import Witness
from platesieve.domain.disclosure import Kind
from platesieve.flow.accountability import checkpoint
from platesieve.simulation.plan import FIGURES_FILE
from tests.bench.wire import wire_figures
from tests.fakes.log_files import START_NS, LogInMemory
from tests.integration.conftest import Broker, find_mosquitto, wait_until
from tests.integration.ports import free_port
from tests.integration.postgres import Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platesieve.domain.disclosure import Disclosure

ROOT = Path(__file__).parents[2]
AGENCY = "metro-pd"
HEALTH_EVERY_S = 2.0  # in the round that measures health: fifteen times as often as a camera's own 30 s
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass
class Watched:
    """Processes whose memory and processor time are taken: one of ours, or a server and its children."""

    pids: list[int]
    peak_bytes: int = 0
    _began_s: float = field(default=0.0)

    def memory(self) -> int:
        """Return their memory now; the shares of pages that they have in common count once (PSS)."""
        now = sum(_proportional_bytes(pid) for pid in self.pids)
        self.peak_bytes = max(self.peak_bytes, now)
        return now

    def begin(self) -> None:
        """Count processor time from now on."""
        self._began_s = sum(_cpu_s(pid) for pid in self.pids)

    def cpu_ms(self) -> float:
        """Return processor time since `begin`, in milliseconds."""
        return (sum(_cpu_s(pid) for pid in self.pids) - self._began_s) * 1000


def _proportional_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
    except (OSError, StopIteration):
        return 0


def _cpu_s(pid: int) -> float:
    """Return user and system time of a process and of children that it has waited for (proc(5), fields 14 to 17)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(value) for value in fields[11:15]) / _TICKS_PER_S


def children(parent: int) -> list[int]:
    """Return a process and everything that it started."""
    found = [parent]
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(entry.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(entry.parent.name))
        except OSError:
            continue
    return found


def simulate(*options: str) -> subprocess.Popen[str]:
    """Start the simulator."""
    command = [sys.executable, "-m", "platesieve", "simulate", "--agency", AGENCY, *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": f"{ROOT}/src"})


@contextmanager
def collector(broker: Broker, folder: Path, database: str) -> Iterator[tuple[int, Path]]:
    """Run `platesieve collect`; give its process id and its public receipt key."""
    secret, public = new_key_files(KeyKind.RECEIPT, folder / "keys")
    uplink = broker.uplink(f"collector.{AGENCY}")
    config = folder / "collector.toml"
    port = free_port()
    config.write_text(
        f'agency = "{AGENCY}"\nstate = "{folder / "collector"}"\ndatabase = "{database}"\nassume_clock = true\n'
        f'receipt_key = "{secret}"\nmetrics_port = {port}\n[broker]\nhost = "localhost"\nport = {uplink.port}\n'
        f'ca_file = "{uplink.ca_file}"\ncertificate_file = "{uplink.certificate_file}"\n'
        f'key_file = "{uplink.key_file}"\n'
    )
    command = [sys.executable, "-m", "platesieve", "collect", "--config", str(config)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}/src"}
    with (folder / "collector.log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log, env=environment)
    try:
        assert wait_until(lambda: "broker: connected" in (folder / "collector.log").read_text(), 30)
        yield process.pid, public
    finally:
        process.terminate()
        process.wait(30)


def finish(process: subprocess.Popen[str], *watched: Watched) -> dict[str, Any]:
    """Wait for a simulator, looking at the others' memory meanwhile; return its figures."""
    while process.poll() is None:
        for each in watched:
            each.memory()
        time.sleep(0.5)
    figures: dict[str, Any] = json.loads(process.communicate()[0])
    return figures


def measure(devices: int, rate: float, seconds: float, folder: Path) -> dict[str, Any]:
    """Return every figure of `platesieve plan`."""
    names = simulate("--devices", str(devices), "--names").communicate()[0].split()
    say(f"making {devices} certificates")
    broker = Broker(find_mosquitto(), folder / "broker", names=names)
    programs = max(Path("/usr/lib/postgresql").glob("*/bin/initdb")).parent
    with tempfile.TemporaryDirectory(prefix="ps-pg-", dir="/tmp") as scratch:
        database = Cluster(programs, Path(scratch))
        try:
            return _measured(devices, rate, seconds, folder, broker, database)
        finally:
            database.stop()
            broker.kill()


def _measured(
    devices: int, rate: float, seconds: float, folder: Path, broker: Broker, cluster: Cluster
) -> dict[str, Any]:
    assert broker._process is not None
    address = cluster.address("fleet")
    mosquitto = Watched([broker._process.pid])
    idle_bytes = mosquitto.memory()
    reach = ("--broker", f"localhost:{broker.port}", "--certificates", str(broker.folder), "--json")
    with collector(broker, folder, address) as (pid, receipt_key):
        collect, postgres = Watched([pid]), Watched(children(_postmaster(cluster)))
        before_bytes = _database_bytes(address)
        everybody = (mosquitto, collect, postgres)
        options = ("--devices", str(devices), *reach, "--collector", f"agency={receipt_key}")
        say(f"{rate:g} events a second for {seconds:g} s")
        # Connecting is no part of an event's cost: it is over when the first event is stored.
        events = simulate(*options, "--rate", str(rate), "--seconds", str(seconds), "--health", "0")
        wait_until(lambda: _rows(address) > 0, 120)
        for each in everybody:
            each.begin()
        already = _rows(address)
        run = finish(events, *everybody)
        stored = _rows(address) - already
        event_ms = {name: each.cpu_ms() / stored for name, each in zip(_NAMES, everybody, strict=True)}
        per_event = (_database_bytes(address) - before_bytes) / _rows(address)
        connected_bytes = mosquitto.peak_bytes
        say("health of everybody")
        quiet_s = str(max(seconds / 2, 6))
        quiet = simulate(*options, "--rate", "0.01", "--seconds", quiet_s, "--health", str(HEALTH_EVERY_S))
        time.sleep(min(20, 2 + devices / 100))  # connecting is over
        for each in everybody:
            each.begin()
        healthy = finish(quiet, *everybody)
        health_ms = {name: each.cpu_ms() / healthy["health_sent"] for name, each in zip(_NAMES, everybody, strict=True)}
    checkpoints = checkpoint_ms(folder / "witness")
    wire = wire_figures(broker, f"{AGENCY}/simulated-1/cam-00001")
    wire["checkpoint_payload_bytes"] = checkpoints.pop("checkpoint_payload_bytes")
    return {
        "measured": datetime.now(UTC).strftime("%Y-%m-%d"),
        "command": f"python -m tests.bench.fleet --devices {devices} --rate {rate:g} --seconds {seconds:g}",
        "machine": _machine(),
        "devices": devices,
        "events_per_s": run["sent_per_s"],
        "events": run["sent"],
        "lost": run["missing"],
        "latency_ms": {
            name: {"p50": one["p50_ms"], "p99": one["p99_ms"]} for name, one in sorted(run["latency"].items())
        },
        "simulator": {"memory_per_1000_devices_mib": run["memory_per_1000_devices_mib"], "cpu_share": run["cpu_share"]},
        "broker": {
            "memory_mib": _mib(idle_bytes),
            "memory_per_connection_kib": round((connected_bytes - idle_bytes) / devices / 1024, 1),
            "cpu_ms_per_event": round(event_ms["broker"], 3),
            "cpu_ms_per_health": round(health_ms["broker"], 3),
        },
        "collector": {
            "memory_mib": _mib(collect.peak_bytes),
            "cpu_ms_per_event": round(event_ms["collector"], 3),
            "cpu_ms_per_health": round(health_ms["collector"], 3),
            **checkpoints,
        },
        "database": {
            "memory_mib": _mib(postgres.peak_bytes),
            "cpu_ms_per_event": round(event_ms["database"], 3),
            "cpu_ms_per_health": round(health_ms["database"], 3),
            "bytes_per_event": round(per_event),
            "bytes_beyond_payload": round(per_event - wire["hit_payload_bytes"]),
        },
        "network": wire,
    }


_NAMES = ("broker", "collector", "database")


def checkpoint_ms(folder: Path, count: int = 100, day: int = 1440) -> dict[str, float]:
    """Return the processor time that a checkpoint costs its witness: of a new log, and of one a day old."""
    log, keys = LogInMemory(), folder / "keys"
    keys.mkdir(parents=True)
    device = log.signer.name.removeprefix("platesieve/")
    (keys / f"{device.replace('/', '_')}.vkey").write_text(log.signer.verifier.vkey + "\n")
    witness = Witness(
        FolderOfWitness(folder / "files", keys),
        load_or_create_cosigner(folder / "witness.key", f"platesieve/{AGENCY}/witness/agency"),
    )
    took: list[float] = []
    for number in range(1, day + 1):
        log.grow([ClockStep(START_NS + number, START_NS + number + 1)])
        data: dict[str, Any] = {"checkpoint": log.checkpoint.decode()}
        if number > 1:
            data["consistency"] = proofs_document({number - 1: TiledTree(log, number).consistency(number - 1)})
        event = Event(str(number), Kind.CHECKPOINT, device, time.time_ns(), None, {"data": data})
        began_s = time.process_time()
        witnessed, _ = witness.see(event)
        took.append(time.process_time() - began_s)
        assert witnessed.status is CheckpointStatus.WITNESSED, witnessed.sentence
    mean = {name: sum(some) / count * 1000 for name, some in (("first", took[:count]), ("last", took[-count:]))}
    (file,) = (folder / "files").glob("*.witness")
    return {
        "witness_line_bytes": round(file.stat().st_size / day),
        "checkpoint_payload_bytes": len(encode(event_of(data), Address(*device.split("/")))),
        "cpu_ms_per_checkpoint": round(mean["first"], 3),
        "cpu_ms_per_checkpoint_after_a_day": round(mean["last"], 3),
        "cpu_us_per_line_thinned": round(thinning_us(file), 1),
    }


def thinning_us(file: Path, days: int = 15) -> float:
    """Return the processor time that a line of a witness file costs when its checkpoints are so many days apart."""
    kept = read_witness_file(file.read_text())
    step_ns = days * 86_400 * 10**9 // len(kept)
    aged = (replace(line, seen_ns=START_NS + number * step_ns).line for number, line in enumerate(kept))
    file.write_text("".join(aged))
    began_s = time.process_time()
    thinned = WitnessFile(file).thin(Spacing())
    took_s = time.process_time() - began_s
    assert thinned.lines < thinned.lines_before == len(kept)
    return took_s / len(kept) * 1e6


def event_of(data: dict[str, Any]) -> Disclosure:
    """Return the event that a device makes of a checkpoint."""
    made = checkpoint(str(data["checkpoint"]), "0" * 32)
    return replace(made, body={**made.body, **data})


def _postmaster(cluster: Cluster) -> int:
    return int((cluster._folder / "data" / "postmaster.pid").read_text().splitlines()[0])


def _query(address: str, statement: str) -> int:
    with psycopg.connect(address.replace("+psycopg", "")) as connection:
        row = connection.execute(statement.encode()).fetchone()
        return int(row[0]) if row else 0


def _rows(address: str) -> int:
    return _query(address, "SELECT count(*) FROM events")


def _database_bytes(address: str) -> int:
    return _query(address, "SELECT pg_total_relation_size('events')")


def _mib(size: float) -> float:
    return round(size / 2**20, 1)


def _machine() -> str:
    words = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    version = subprocess.run([find_mosquitto(), "-h"], capture_output=True, text=True, check=False).stdout.split("\n")[
        0
    ]
    postgres = subprocess.run(["psql", "--version"], capture_output=True, text=True, check=False).stdout.split()
    return (
        f"{os.cpu_count()} cores of {words}; Python {platform.python_version()}, {version.replace(' version', '')},"
        f" PostgreSQL {postgres[2] if len(postgres) > 2 else '?'}"
    )


def say(sentence: str) -> None:
    """Tell the person what goes on."""
    sys.stderr.write(f"{sentence} ...\n")


def main() -> int:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.fleet", description=__doc__)
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--write", action="store_true", help="replace the figures that `platesieve plan` uses")
    parser.add_argument("--json", action="store_true", help="print JSON instead of TOML")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ps-fleet-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        figures = measure(asked.devices, asked.rate, asked.seconds, Path(folder))
    sys.stdout.write(json.dumps(figures, indent=2) + "\n" if asked.json else tomli_w.dumps(figures))
    if asked.write:
        (ROOT / "src/platesieve/simulation" / FIGURES_FILE).write_text(tomli_w.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
