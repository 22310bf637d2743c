"""`platesieve run` as an installer starts it: two processes, the released models, a drawn street, a real broker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import tomllib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import pytest

from platesieve.adapters.disk.audit_folder import FolderFiles
from platesieve.adapters.disk.key_files import new_key_files
from platesieve.adapters.disk.key_text import KeyKind
from platesieve.audit.entry import Batch
from platesieve.audit.log_files import read_entries
from tests.integration.conftest import Broker, Dashboard, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "src/platesieve/demo_data"
STREET = tomllib.loads((DEMO / "street.toml").read_text())
PLATES = [vehicle["text"] for vehicle in STREET["vehicle"]]
POLICY = """
format = 1
id = "test-hits"
title = "One event per hit, with a plate that is {action}"
version = "1.0"
jurisdiction = "XX"
sources = [{{ url = "https://example.org/", read = "2026-11-22", verified = "M: made up" }}]
effective = 2020-01-01
mounts = ["fixed"]
[reading]
min_agreeing_frames = 2
min_confidence = 0.5
raw_lifetime = "3s"
[hit]
publish = "event"
retention = "1h"
[hit.fields]
plate = {{ action = "{action}"{to} }}
[miss]
publish = "none"
[unsure]
publish = "none"
"""
KEEPS_HITS = POLICY.format(action="keep", to="")
SEALS_HITS = POLICY.format(action="seal", to=', to = "agency"')


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the part of the drawn street in which the wanted vehicle passes, seven seconds."""
    path = tmp_path_factory.mktemp("clip") / "part.mp4"
    source = cv2.VideoCapture(str(DEMO / "street.mp4"))
    sink = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), STREET["rate_hz"], tuple(STREET["size_px"]))
    for number in range(150):
        _, picture = source.read()
        if number >= 45:
            sink.write(picture)
    source.release()
    sink.release()
    return path


class Device:
    """One `platesieve run` with everything it says and writes."""

    def __init__(self, folder: Path, broker: Broker, clip: Path, *more: str) -> None:
        self.state = folder / "state"
        self.said = folder / "said"
        _, public = new_key_files(KeyKind.AGENCY, folder, "agency")
        link = broker.uplink()
        words = [self._policy_file(folder, word) if word.startswith("\n") else word for word in more]
        self.command = [
            *(sys.executable, "-m", "platesieve", "run", "--camera", str(clip), "--state", str(self.state)),
            *("--recipient", f"agency={public}", "--hotlist", str(DEMO / "hotlist.csv"), "--assume-clock"),
            *("--broker", f"{link.host}:{link.port}", "--ca", str(link.ca_file)),
            *("--cert", str(link.certificate_file), "--key", str(link.key_file), *words),
        ]
        self.process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def _policy_file(folder: Path, text: str) -> str:
        path = folder / "policy.toml"
        path.write_text(text)
        return str(path)

    def sightings(self) -> int:
        """Return how many vehicles the log counts."""
        files = FolderFiles(self.state / "camera/audit")
        size = int((self.state / "camera/audit/checkpoint").read_text().splitlines()[1])
        return sum(entry.sightings or 0 for _, entry in read_entries(files, size) if isinstance(entry, Batch))

    def start(self) -> subprocess.Popen[bytes]:
        """Start it; what it says goes to a file."""
        with self.said.open("ab") as said:
            self.process = subprocess.Popen(self.command, stdout=said, stderr=said, env=os.environ)
        return self.process

    def finish(self, limit_s: float = 120.0) -> int:
        """Start it, wait for its end and return the exit code."""
        return self.start().wait(limit_s)

    def children(self) -> dict[str, int]:
        """Return the process ids of the camera and the uplink process."""
        assert self.process is not None
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if int(parent) == self.process.pid and len(words) > 3:
                found[words[3].decode()] = int(folder.name)
        return found

    def everything_written(self) -> bytes:
        """Return every byte below the state folder, every file name, and all that was said."""
        files = [path for path in self.state.rglob("*") if path.is_file()]
        names = "\n".join(str(path) for path in self.state.rglob("*")).encode()
        return b"\n".join([names, self.said.read_bytes(), *(path.read_bytes() for path in files)])

    def verify_log(self) -> subprocess.CompletedProcess[str]:
        """Run the auditor's command on the log."""
        camera = self.state / "camera"
        command = [sys.executable, "-m", "platesieve", "audit", "verify", str(camera / "audit")]
        return subprocess.run(
            [*command, "--vkey", str(camera / "audit.vkey")], capture_output=True, text=True, check=False
        )


@pytest.fixture
def ended() -> Iterator[list[Device]]:
    """Kill what a failed test leaves behind."""
    devices: list[Device] = []
    yield devices
    for device in devices:
        if device.process is not None and device.process.poll() is None:
            device.process.terminate()
            device.process.wait(20)


def has_restarted(device: Device, role: str, before: int) -> bool:
    """Return whether another process plays this role now."""
    return device.children().get(role, before) != before


def plates_in(written: bytes) -> list[str]:
    """Return which plates of the street are readable in some bytes."""
    return [plate for plate in PLATES if plate.encode() in written]


def test_no_plate_is_written_said_or_sent_under_new_hampshire_law(
    tmp_path: Path, broker: Broker, dashboard: Dashboard, clip: Path
) -> None:
    """Every file, every log line and every broker message is searched for every plate that passed."""
    device = Device(tmp_path, broker, clip, "--policy", "us-nh", "--mount", "mobile", "--pace", "fast", "--drain", "2")
    assert device.finish() == 0, device.said.read_text()

    assert wait_until(lambda: "stopped" in dashboard.states()), device.said.read_text()
    assert device.sightings() >= 2, "nothing passed, so nothing was tested"
    messages = b"\n".join(bytes(message.payload) + message.topic.encode() for message, _ in dashboard.received)
    assert plates_in(device.everything_written() + messages + (broker.folder / "log").read_bytes()) == []
    assert device.verify_log().returncode == 0


def test_the_control_a_policy_that_keeps_the_plate_is_found_out_by_the_same_search(
    tmp_path: Path, broker: Broker, dashboard: Dashboard, clip: Path
) -> None:
    """With the sealing removed the search above finds the wanted plate, and still none of the others."""
    device = Device(tmp_path, broker, clip, "--policy", KEEPS_HITS, "--pace", "fast")
    assert device.finish() == 0, device.said.read_text()

    assert wait_until(lambda: len(dashboard.ids("hit")) == 1), device.said.read_text()
    messages = b"\n".join(bytes(message.payload) for message, _ in dashboard.received)
    assert plates_in(messages) == ["84JTK6"]


def test_a_second_instance_on_the_same_state_is_refused(
    tmp_path: Path, broker: Broker, clip: Path, ended: list[Device]
) -> None:
    """Two writers of one log would fork it."""
    device = Device(tmp_path, broker, clip, "--policy", "count-only")
    ended.append(device)
    device.start()
    assert wait_until((device.state / "camera/audit/checkpoint").exists, 30)

    second = subprocess.run(device.command, capture_output=True, text=True, check=False, timeout=60)

    assert second.returncode == 75
    assert "another platesieve uses this state folder" in second.stderr
    assert "Traceback" not in second.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("after_s", [0.3, 2.5])
def test_a_stop_at_any_moment_leaves_log_and_outbox_whole(
    tmp_path: Path, broker: Broker, clip: Path, ended: list[Device], number: signal.Signals, after_s: float
) -> None:
    """No traceback, a documented exit code, a log that verifies, and a next start that works."""
    device = Device(tmp_path, broker, clip, "--policy", "us-mn")
    ended.append(device)
    process = device.start()
    assert wait_until(lambda: b"reading from" in device.said.read_bytes(), 30)
    time.sleep(after_s)
    process.send_signal(number)

    assert process.wait(25) == (130 if number is signal.SIGINT else 0), device.said.read_text()
    assert "Traceback" not in device.said.read_text()
    if (device.state / "camera/audit/checkpoint").exists():
        assert device.verify_log().returncode == 0
    device.command += ["--pace", "fast", "--drain", "0.5"]
    assert device.finish() == 0, device.said.read_text()
    assert device.verify_log().returncode == 0


def test_either_process_killed_comes_back(
    tmp_path: Path, broker: Broker, dashboard: Dashboard, clip: Path, ended: list[Device]
) -> None:
    """SIGKILL for each in turn: it is noticed, started again, and the wanted vehicle is reported nevertheless."""
    device = Device(tmp_path, broker, clip, "--policy", SEALS_HITS)
    ended.append(device)
    device.start()
    assert wait_until(lambda: "reading" in dashboard.states(), 30), device.said.read_text()
    for role in ("uplink", "camera"):
        before = device.children()[role]
        os.kill(before, signal.SIGKILL)
        assert wait_until(partial(has_restarted, device, role, before), 15)

    assert wait_until(lambda: len(set(dashboard.ids("hit"))) == 1, 60), device.said.read_text()
    assert device.process is not None
    assert device.process.wait(60) == 0
    assert device.verify_log().returncode == 0


def test_a_broker_that_is_away_costs_nothing(tmp_path: Path, broker: Broker, dashboard: Dashboard, clip: Path) -> None:
    """The hit waits in the outbox over a whole run, and leaves with the next one."""
    broker.kill()
    device = Device(tmp_path, broker, clip, "--policy", SEALS_HITS, "--pace", "fast", "--drain", "1")
    assert device.finish() == 0, device.said.read_text()
    assert "waits in the outbox" in device.said.read_text()

    broker.start()
    device.command[device.command.index("--hotlist") + 1] = str(tmp_path / "empty.csv")
    (tmp_path / "empty.csv").write_text("plate,category,list,expires\n")
    device.command[-1] = "20"
    assert device.finish() == 0, device.said.read_text()
    assert wait_until(lambda: len(set(dashboard.ids("hit"))) == 1)
