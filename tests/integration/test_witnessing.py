"""A device, a real broker and a witness: checkpoints go out, cosignatures come back, and then nothing can be undone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.disk.audit_folder import AuditFolder, FolderFiles
from platesieve.adapters.disk.cosigned_notes import CosignedNotes, anchors_beside
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.adapters.mqtt.demo_broker import demo_broker
from platesieve.adapters.mqtt.publisher import MqttPublisher
from platesieve.adapters.mqtt.wire import Address
from platesieve.audit.cosignature import CosignerVerifier
from platesieve.audit.entry import ReadingStarted
from platesieve.audit.verify import verify_log
from platesieve.domain.errors import AuditError
from platesieve.domain.notice import Command
from platesieve.flow.accountability import checkpoint
from platesieve.flow.witnessing import WitnessedOutlet
from platesieve.settings import Uplink
from tests.fakes.log_files import SIGNER
from tests.fakes.outlet import FakeOutlet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]
DEVICE = Address("metro-pd", "bridge-7", "cam-1")


class Device:
    """The device's half: a log, and an uplink to the broker, without a camera between them."""

    def __init__(self, folder: Path, port: int, witnesses: list[CosignerVerifier]) -> None:
        self.log = AuditFolder(folder, SIGNER)
        self._pipe = FakeOutlet()
        self._outlet = WitnessedOutlet(self._pipe, CosignedNotes(self.log, witnesses))
        self._clock = SystemClock(assume=True)
        settings = Uplink(host="127.0.0.1", port=port)
        self._publisher = MqttPublisher(settings, DEVICE, lambda: None, retry_s=(0.1, 0.2))

    def write(self, count: int) -> None:
        """Append entries of now, and publish their checkpoint."""
        now_ns = self._clock.now().wall_ns
        note = self.log.append([ReadingStarted(now_ns)] * count)
        self._outlet.send(checkpoint(note, f"{now_ns:x}"))
        self.step_until(lambda: self._publisher.free > 0)
        assert self._publisher.publish(self._pipe.sent[-1], now_ns)

    def step_until(self, done: Callable[[], bool]) -> None:
        """Carry what comes back to the log."""
        end_s = time.monotonic() + 20
        while not done():
            assert time.monotonic() < end_s, "nothing came back"
            self._pipe.coming_back += [event for event in self._publisher.events() if isinstance(event, Command)]
            self._outlet.notices()
            time.sleep(0.02)

    def close(self) -> None:
        """Let go of both."""
        self._publisher.close()
        self.log.close()


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Return the port of a real broker."""
    (tmp_path / "broker").mkdir()
    with demo_broker(tmp_path / "broker") as broker:
        if broker.protocol != "5":
            pytest.skip("mosquitto is not installed")
        yield broker.port


@pytest.fixture
def witness(tmp_path: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """Run the command as people do."""
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "metro-pd_bridge-7_cam-1.vkey").write_text(SIGNER.verifier.vkey)
    command = [sys.executable, "-m", "platesieve", "audit", "watch", str(tmp_path / "witness"), "--agency", "metro-pd",
               "--keys", str(keys), "--broker", "127.0.0.1", "--port", str(port), "--name", "city-hall",
               "--until-quiet", "15"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def heard(process: subprocess.Popen[str]) -> str:
    """Return the next result that the witness tells."""
    assert process.stdout is not None
    return str(json.loads(process.stdout.readline())["result"])


def verifier(folder: Path) -> CosignerVerifier:
    """Return the key that the witness made on its first start."""
    end_s = time.monotonic() + 30
    while not (folder / "witness.vkey").exists():
        assert time.monotonic() < end_s
        time.sleep(0.05)
    return CosignerVerifier.from_vkey((folder / "witness.vkey").read_text())


def test_what_was_witnessed_cannot_be_undone(tmp_path: Path, port: int, witness: subprocess.Popen[str]) -> None:
    """Growth is cosigned and lies beside the log; the log of before is refused by device, auditor and witness."""
    key = verifier(tmp_path / "witness")
    log, copy = tmp_path / "audit", tmp_path / "copy"
    device = Device(log, port, [key])

    def beside() -> int:
        return max((a.size for a in anchors_beside(FolderFiles(log), SIGNER.verifier, [key])), default=0)

    device.write(3)
    assert heard(witness) == "first"
    device.step_until(lambda: beside() == 3)
    shutil.copytree(log, copy)
    device.write(300)
    assert heard(witness) == "grew"
    device.step_until(lambda: beside() == 303)
    device.close()

    anchors = anchors_beside(FolderFiles(log), SIGNER.verifier, [key])
    assert verify_log(FolderFiles(log), SIGNER.verifier, anchors=anchors).ok
    assert not verify_log(FolderFiles(copy), SIGNER.verifier, anchors=anchors).ok
    assert verify_log(FolderFiles(copy), SIGNER.verifier).ok, "the control: alone, the copy is intact"

    shutil.copytree(log / "cosigned", copy / "cosigned", dirs_exist_ok=True)
    with AuditFolder(copy, SIGNER) as put_back, pytest.raises(AuditError, match="put back"):
        CosignedNotes(put_back, [key])
    shutil.rmtree(copy / "cosigned")
    forgetful = Device(copy, port, [key])
    forgetful.write(1)
    assert heard(witness) == "rolled-back"
    forgetful.close()
