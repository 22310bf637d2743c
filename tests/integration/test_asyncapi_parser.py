"""The contract as others' tools see it: the AsyncAPI parser, and consumers of both CloudEvents modes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from platesieve.adapters.mqtt.home_assistant import discovery
from platesieve.adapters.mqtt.publisher import MqttPublisher
from platesieve.adapters.mqtt.wire import Address
from platesieve.settings import Device
from tests.fakes.disclosures import a_health, a_hit
from tests.integration.conftest import DEVICE, Broker, Dashboard, wait_until

if TYPE_CHECKING:
    import paho.mqtt.client as paho

pytestmark = pytest.mark.integration
CONTRACT = Path(__file__).parents[2] / "src" / "platesieve" / "schemas" / "v1" / "asyncapi.json"
PAGE = Path(__file__).parents[2] / "deploy" / "README.md"
INSTALL_S = 240
SYSTEM_CA = "/etc/ssl/certs/ca-certificates.crt"
UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH")
CHECK = """
const {Parser} = require("@asyncapi/parser");
const text = require("fs").readFileSync(process.argv[2], "utf8");
new Parser().parse(text).then(({document, diagnostics}) => {
  const errors = diagnostics.filter((d) => d.severity === 0);
  console.log(JSON.stringify({channels: document ? document.channels().all().length : 0, errors}));
});
"""


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the parser, or skip where npm or its registry is not to be had; in CI that is a fault."""
    npm = shutil.which("npm")
    if npm is None:
        _without("npm is not installed (apt-get install npm)")
    folder = tmp_path_factory.mktemp("asyncapi")
    install = [
        npm,
        "install",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--prefix",
        str(folder),
        "@asyncapi/parser@3",
    ]
    try:
        subprocess.run(install, capture_output=True, check=True, timeout=INSTALL_S, env=_trusting_the_system())
    except subprocess.TimeoutExpired:
        _without(f"npm did not answer within {INSTALL_S} s")
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace")
        assert any(code in said for code in UNREACHABLE), said  # any other refusal of npm is ours to mend
        _without("the registry of npm cannot be reached")
    (folder / "check.cjs").write_text(CHECK)
    return folder


def _trusting_the_system() -> dict[str, str]:
    """Return the environment in which Node.js trusts the certificates of this machine beside its own."""
    return {"NODE_EXTRA_CA_CERTS": SYSTEM_CA, **os.environ} if Path(SYSTEM_CA).exists() else dict(os.environ)


def _without(why: str) -> NoReturn:
    """Skip, but never silently where everything is meant to be checked."""
    sentence = f"{why}: the contract is not checked with @asyncapi/parser"
    if os.environ.get("CI"):
        pytest.fail(sentence)
    pytest.skip(sentence)


def told(folder: Path, file: Path) -> dict[str, object]:
    """Return what the parser says."""
    command = ["node", str(folder / "check.cjs"), str(file)]
    return dict(json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout))


@pytest.mark.slow
@pytest.mark.timeout(INSTALL_S + 120)
def test_the_asyncapi_parser_finds_no_error(check: Path, tmp_path: Path) -> None:
    """Eight channels and no error; the control is the same document with a word that AsyncAPI does not have."""
    assert told(check, CONTRACT) == {"channels": 8, "errors": []}
    wrong = json.loads(CONTRACT.read_text())
    wrong["operations"]["send-hit"]["action"] = "shout"
    (tmp_path / "wrong.json").write_text(json.dumps(wrong))
    assert told(check, tmp_path / "wrong.json")["errors"]


def test_binary_mode_travels_as_user_properties(broker: Broker, dashboard: Dashboard) -> None:
    """A consumer finds id, type and source beside the data, and the content type of the data itself."""
    publisher = MqttPublisher(
        broker.uplink(content_mode="binary"), Address.from_device(Device()), lambda: None, retry_s=(0.1, 0.3)
    )
    assert wait_until(lambda: publisher.events() is not None and publisher.free > 0)
    assert publisher.publish(a_hit("h1", now_wall_ns=time.time_ns()), time.time_ns())
    assert wait_until(lambda: bool(dashboard.received))
    publisher.close()
    message, data = dashboard.received[0]
    attributes = dict(_user_properties(message))

    assert (attributes["id"], attributes["type"]) == ("h1", "org.platesieve.hit.v1")
    assert attributes["source"] == f"/{DEVICE}"
    assert getattr(message.properties, "ContentType", None) == "application/json"
    assert data["disposition"] == "hit"


@pytest.mark.parametrize("announces", [False, True])
def test_home_assistant_finds_health_where_it_is_wanted(broker: Broker, announces: bool) -> None:  # noqa: FBT001
    """With the rule of the integrators' page the documents lie retained on the broker; unless set, nothing does."""
    broker.open_plain()
    broker.kill()
    rule = re.search(r"user metro-pd/\S+\ntopic write homeassistant/\S+", PAGE.read_text())
    assert rule is not None
    ours = (
        rule[0]
        .replace("metro-pd--bridge-7--cam-1", DEVICE.replace("/", "--"))
        .replace("metro-pd/bridge-7/cam-1", DEVICE)
    )
    access = broker.folder / "acl"
    access.write_text(f"topic read homeassistant/#\n{access.read_text()}\n{ours}\n")
    broker.start()
    settings = replace(broker.uplink(), home_assistant=announces)
    publisher = MqttPublisher(settings, Address.from_device(Device()), lambda: None, retry_s=(0.1, 0.3))
    assert wait_until(lambda: publisher.events() is not None and publisher.free > 0)
    assert publisher.publish(a_health("reading"), time.time_ns())
    assert wait_until(lambda: publisher.events() is not None and not publisher.in_flight)
    publisher.close()

    plain = int(broker.configuration.read_text().split()[-2])
    lying = ["mosquitto_sub", "-p", str(plain), "-t", "homeassistant/#", "-W", "2", "-v"]
    found = subprocess.run(lying, capture_output=True, text=True, check=False).stdout.splitlines()
    topics = {line.split()[0] for line in found}

    assert topics == (set(discovery(Address.from_device(Device()))) if announces else set())


def _user_properties(message: paho.MQTTMessage) -> list[tuple[str, str]]:
    return list(getattr(message.properties, "UserProperty", ()))
