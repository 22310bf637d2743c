"""The page for integrators, followed word by word against a real broker."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.disk.key_files import load_public, load_secret, new_key_files
from platesieve.adapters.disk.key_text import KeyKind
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.adapters.mqtt import wire
from platesieve.adapters.mqtt.publisher import open_publisher
from platesieve.cli.open_event import opened
from platesieve.domain.disclosure import Disclosure, Kind
from platesieve.domain.errors import PlatesieveError
from platesieve.domain.notice import Command, Verb
from platesieve.policy.command import RamMemory, verify_command
from platesieve.policy.seal import seal, sealing_info
from platesieve.settings import Device
from tests.integration.conftest import DEVICE, Broker, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platesieve.domain.disclosure import Json
    from platesieve.ports import Publisher

pytestmark = pytest.mark.integration

PAGE = (Path(__file__).parents[2] / "deploy" / "README.md").read_text().replace("metro-pd", "demo-agency")
AGENCY, SITE, NAME = DEVICE.split("/")
CAMERA = Device(AGENCY, SITE, NAME)
SHA256 = "ab" * 32
POLICY: dict[str, Json] = {"id": "hits-only", "version": "1.0", "sha256": SHA256}


def sealed_event(public: bytes, event_id: str = "event-1") -> Disclosure:
    """Return a hit whose plate is sealed as a device does it."""
    ciphertext = seal(public, b'"AB12CDE"   ', sealing_info(CAMERA, Kind.HIT, event_id, "plate", SHA256))
    body: dict[str, Json] = {
        "policy": POLICY,
        "disposition": "hit",
        "plate": {"sealed": wire_text(ciphertext), "to": "agency"},
    }
    return Disclosure(event_id, Kind.HIT, body, SystemClock().now().wall_ns + 60 * 10**9)


def wire_text(ciphertext: bytes) -> str:
    """Return binary as events carry it."""
    return base64.b64encode(ciphertext).decode()


def as_event(disclosure: Disclosure) -> dict[str, object]:
    """Return what a subscriber parses."""
    return dict(json.loads(wire.encode(disclosure, wire.Address.from_device(CAMERA))))


@pytest.fixture
def publisher(broker: Broker) -> Iterator[Publisher]:
    """Return a device's way to the broker, connected."""
    publisher = open_publisher(broker.uplink(), wire.Address.from_device(CAMERA), lambda: None)
    assert wait_until(lambda: bool(publisher.events()) or publisher.free > 0)
    yield publisher
    publisher.close()


def test_the_subscriber_on_the_page_prints_what_a_device_sends(
    broker: Broker, publisher: Publisher, tmp_path: Path
) -> None:
    """The Python block as it stands, started where the certificates are."""
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len([line for line in program.splitlines() if line.strip()]) <= 20
    said = tmp_path / "said"
    with said.open("wb") as sink:
        command = [sys.executable, "-c", program, "localhost", str(broker.port)]
        listener = subprocess.Popen(command, cwd=broker.folder, stdout=sink, stderr=sink)
    try:
        _, public = new_key_files(KeyKind.AGENCY, tmp_path, "agency")
        numbers = iter(range(1000))

        def heard() -> bool:
            event = sealed_event(load_public(public, KeyKind.AGENCY), f"event-{next(numbers)}")
            publisher.publish(event, SystemClock().now().wall_ns)
            publisher.events()
            time.sleep(0.2)
            return b"event-" in said.read_bytes()

        assert wait_until(heard), said.read_text()
        assert f"platesieve/{DEVICE}/hit event-" in said.read_text()
        assert "AB12CDE" not in said.read_text()
    finally:
        listener.terminate()
        listener.wait(10)


def test_only_the_agency_opens_what_is_sealed_and_only_in_its_own_event(tmp_path: Path) -> None:
    """`platesieve open` gives the plate back; another key, and a value moved to another event, are refused."""
    secret, public = (tmp_path / name for name in ("agency.key", "agency.pub"))
    new_key_files(KeyKind.AGENCY, tmp_path)
    new_key_files(KeyKind.AGENCY, tmp_path, "other")
    event = as_event(sealed_event(load_public(public, KeyKind.AGENCY)))
    (tmp_path / "hit.json").write_text(json.dumps(event))

    command = [sys.executable, "-m", "platesieve", "open", "hit.json", "--key"]
    done = subprocess.run([*command, secret], cwd=tmp_path, capture_output=True, text=True, check=False)
    refused = subprocess.run([*command, "other.key"], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert json.loads(done.stdout)["data"]["plate"] == "AB12CDE"
    assert refused.returncode == 65
    assert "error: a sealed value does not open" in refused.stderr
    with pytest.raises(PlatesieveError):
        opened({**event, "id": "event-2"}, load_secret(secret, KeyKind.AGENCY))


def test_a_command_made_on_the_command_line_is_believed_after_the_broker_carried_it(
    broker: Broker, publisher: Publisher, tmp_path: Path
) -> None:
    """Signed by the verb, published with mosquitto_pub as the page shows, believed by the device, once."""
    _, public = new_key_files(KeyKind.COMMAND, tmp_path)
    sign = [sys.executable, "-m", "platesieve", "command", "suspend", "--device", DEVICE]
    files = ["--key", str(tmp_path / "command.key"), "--out", str(tmp_path / "suspend.cmd")]
    said = subprocess.run([*sign, *files], capture_output=True, text=True, check=True).stderr
    topic = said.rpartition(" on ")[2].strip()
    (line,) = [line for line in PAGE.splitlines() if line.startswith("mosquitto_pub")]
    words = line.replace("mqtt.example", "localhost").replace("8883", str(broker.port)).split()
    words[words.index("-t") + 1], words[words.index("-f") + 1] = topic, str(tmp_path / "suspend.cmd")
    arrived: list[bytes] = []

    def came() -> bool:
        arrived.extend(event.document for event in publisher.events() if isinstance(event, Command))
        return bool(arrived)

    def carried() -> bool:
        subprocess.run(words, cwd=broker.folder, check=True, capture_output=True, env=os.environ)
        return wait_until(came, 0.5)

    assert wait_until(carried)
    key, now, seen = load_public(public, KeyKind.COMMAND), SystemClock().now(), RamMemory()
    assert verify_command(arrived[0], key, CAMERA, now, seen).verb is Verb.SUSPEND
    with pytest.raises(PlatesieveError, match="second time"):
        verify_command(arrived[0], key, CAMERA, now, seen)
