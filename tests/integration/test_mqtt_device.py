"""A whole device and a real broker: what arrives, and what survives a kill of either side."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.local.pipe_outlet import PipeOutlet
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.adapters.mqtt.wire import Address
from platesieve.domain.notice import Erased
from platesieve.settings import Device, Uplink
from tests.fakes.disclosures import a_health, a_hit
from tests.integration.conftest import DEVICE, Broker, Dashboard, hit, now_ns, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator


pytestmark = pytest.mark.integration
ADDRESS = Address.from_device(Device())
TOPIC = f"platesieve/{DEVICE}"
ROOT = Path(__file__).parents[2]
MANY = 300


class Running:
    """An uplink process and the camera process's end of its pipe."""

    def __init__(self, folder: Path, settings: Uplink, *more: str) -> None:
        self.folder = folder
        self._command = [
            sys.executable,
            str(ROOT / "tests/integration/uplink_process.py"),
            str(folder),
            json.dumps(asdict(settings)),
            *more,
        ]
        self.outlet = PipeOutlet(folder / "uplink.sock", SystemClock(), retry_min_s=0.05, retry_max_s=0.2)
        self.start()

    def start(self) -> None:
        """Start the uplink process."""
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self._command, env=environment, stdout=subprocess.PIPE, stderr=log)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def end(self, how: signal.Signals) -> str:
        """End the uplink process; return what it printed last."""
        self.process.send_signal(how)
        printed, _ = self.process.communicate(timeout=10)
        return printed.decode()


@pytest.fixture
def device(broker: Broker, tmp_path: Path) -> Iterator[Running]:
    """Return a running device."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    running = Running(folder, broker.uplink())
    yield running
    running.process.kill()
    running.process.communicate()
    running.outlet.close()


def test_health_is_retained_and_the_will_says_offline_after_a_kill(
    broker: Broker, dashboard: Dashboard, device: Running
) -> None:
    """Whoever subscribes later sees the present state; after kill -9 that is `offline`; after a start, health again."""
    device.outlet.send(a_health("reading"))
    assert wait_until(lambda: dashboard.states()[-1:] == ["reading"])
    device.end(signal.SIGKILL)
    assert wait_until(lambda: dashboard.states()[-1:] == ["offline"]), dashboard.states()
    late = Dashboard(broker)
    assert wait_until(lambda: late.states() == ["offline"])
    assert late.received[0][0].retain
    late.close()
    device.start()
    device.outlet.send(a_health("reading", "newer"))
    assert wait_until(lambda: dashboard.states()[-1:] == ["reading"])


def test_a_termination_is_quick_and_says_offline(dashboard: Dashboard, device: Running) -> None:
    """SIGTERM ends within five seconds with everything durable."""
    device.outlet.send(a_health("reading"))
    assert wait_until(lambda: dashboard.states()[-1:] == ["reading"])
    began_s = time.monotonic()
    assert device.end(signal.SIGTERM) == "left 0\n"
    assert time.monotonic() - began_s < 5
    assert device.process.returncode == 0
    assert wait_until(lambda: dashboard.states()[-1:] == ["offline"])


def test_nothing_is_lost_when_broker_and_uplink_are_killed_in_the_middle(
    broker: Broker, dashboard: Dashboard, device: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every event arrives, none that was not sent; twice is allowed on the wire and harmless by id.

    The broker takes events off the outbox with its answer and keeps them in memory until its next save: those
    for the subscriber that is away at the kill are the broker's to lose (mosquitto issue 3687), so the
    subscriber here stays, and what was answered has been passed on.
    """
    sent = [f"h{i}" for i in range(MANY)]
    for number, id_ in enumerate(sent):
        device.outlet.send(hit(id_))
        time.sleep(0.005)
        if number == MANY // 3:
            broker.kill()
        if number == MANY // 2:
            device.end(signal.SIGKILL)
            device.start()
        if number == 2 * MANY // 3:
            broker.start()
    assert device.outlet.drain(20)
    assert wait_until(lambda: set(sent) <= set(dashboard.ids()), 30), set(sent) - set(dashboard.ids())
    got = dashboard.ids()
    unexpected, twice = len(set(got) - set(sent)), len(got) - len(set(got))
    with capsys.disabled():
        sys.stdout.write(f"\n  sent {MANY}, lost 0, unexpected {unexpected}, wire duplicates {twice}\n")
    assert set(got) == set(sent)


def test_what_expires_while_the_broker_is_away_is_never_sent(
    broker: Broker, dashboard: Dashboard, device: Running
) -> None:
    """The outage does not lengthen a life, and the camera process is told of the loss."""
    broker.kill()
    device.outlet.send(hit("short", 2))
    device.outlet.send(hit("long", 600))
    assert device.outlet.drain(10)
    time.sleep(3)
    broker.start()
    assert wait_until(lambda: "long" in dashboard.ids())
    assert dashboard.ids() == ["long"]
    notices = device.outlet.notices()
    assert [(n.count, n.reason) for n in notices if isinstance(n, Erased)] == [(1, "expired")]


def test_a_draining_run_ends_by_itself(broker: Broker, dashboard: Dashboard, tmp_path: Path) -> None:
    """The demo: the camera process says goodbye, everything is delivered, its last word stands."""
    folder = tmp_path / "drain"
    folder.mkdir()
    device = Running(folder, broker.uplink(), "drain")
    for i in range(50):
        device.outlet.send(hit(f"h{i}"))
    device.outlet.send(a_health("stopped"))
    assert device.outlet.drain(10)
    device.outlet.close()
    printed, _ = device.process.communicate(timeout=15)
    assert printed == b"left 0\n"
    assert wait_until(lambda: len(dashboard.ids()) == 50 and dashboard.states() == ["stopped"])


def test_the_log_names_no_body(broker: Broker, dashboard: Dashboard, device: Running) -> None:
    """Ids' beginnings, kinds, counts and states; what is in an event stays out."""
    device.outlet.send(a_hit("h1", now_wall_ns=now_ns(), size=40))
    assert wait_until(lambda: "h1" in dashboard.ids())
    device.end(signal.SIGTERM)
    log = (device.folder / "log").read_text()
    assert "connected" in log
    assert "sealed" not in log
    assert "x" * 40 not in log


def test_the_setup_command_keeps_what_exists(broker: Broker) -> None:
    """Run again for one more device of another agency, no certificate changes."""
    before = {file.name: file.read_bytes() for file in broker.folder.glob("*.crt")}
    setup = ROOT / "deploy" / "mosquitto" / "setup"
    folder = broker.folder.parent / "copy"
    shutil.copytree(broker.folder, folder)
    subprocess.run([setup, folder, "localhost", DEVICE, "a/b/new"], check=True, capture_output=True)
    after = {file.name: file.read_bytes() for file in folder.glob("*.crt")}
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {"a_b_new.crt", "collector.a.crt", "dashboard.a.crt"}
    refused = subprocess.run([setup, folder, "localhost", "a/+/c"], check=False, capture_output=True)
    assert refused.returncode == 64
