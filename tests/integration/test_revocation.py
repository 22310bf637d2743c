"""What `platesieve agency enrol revoke` revokes is out of the broker of deploy/mosquitto, over websockets too."""

from __future__ import annotations

import shutil
import subprocess
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from platesieve.adapters.enrolment.authority_folder import AuthorityFolder
from platesieve.adapters.mqtt.publisher import probe
from platesieve.adapters.mqtt.wire import Address
from platesieve.cli.main import app
from platesieve.enrolment import certificates
from tests.integration.conftest import DEVICE, OTHER, SETUP, Broker, wait_until
from tests.wire.rights import DASHBOARD, SETTLED_S, Member

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings(  # paho drops a socket whose handshake failed without closing it
        "ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning"
    ),
]

ENROLLED = "demo-agency/demo-site/cam-9"


def enrol(broker: Broker, folder: AuthorityFolder) -> None:
    """Let a device in by a token, and leave certificate and key where the broker's tests look for them."""
    key = certificates.new_key()
    certificate = folder.enrol(certificates.new_request(key, ENROLLED), folder.new_token(ENROLLED, 1))
    stem = ENROLLED.replace("/", "_")
    (broker.folder / f"{stem}.key").write_bytes(key)
    (broker.folder / f"{stem}.crt").write_bytes(certificate)


def comes_through(broker: Broker, name: str) -> bool:
    """Return whether a hit that this device writes over websockets arrives; a hit of another one has to."""
    topic = f"platesieve/{name}/hit"
    with ExitStack() as stack:
        listener, ours = Member(broker, DASHBOARD), Member(broker, DEVICE, "websockets")
        stack.callback(listener.close)
        stack.callback(ours.close)
        with suppress(OSError, AssertionError):  # Mosquitto 2.1 refuses the connection itself
            one = Member(broker, name, "websockets")
            stack.callback(one.close)
            one.write(topic, b"one")
        ours.write(f"platesieve/{DEVICE}/hit", b"ours")
        assert wait_until(lambda: (f"platesieve/{DEVICE}/hit", b"ours") in listener.heard)
        time.sleep(SETTLED_S)
        return (topic, b"one") in listener.heard


def verb(*arguments: str | Path) -> str:
    """Run `platesieve agency enrol` and return what it says."""
    done = CliRunner().invoke(app, ["agency", "enrol", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def restart(broker: Broker) -> None:
    """Kill and start it."""
    broker.kill()
    broker.start()


def test_in_one_folder_a_revoked_device_is_out_once_its_broker_is_told(broker: Broker) -> None:
    """The command that `revoke` prints does it; until then the broker lets the device in, which is the control."""
    enrol(broker, AuthorityFolder(broker.folder))
    assert comes_through(broker, ENROLLED)

    said = verb("revoke", ENROLLED, "--authority", broker.folder)
    assert "1 certificate revoked" in said
    assert f"deploy/mosquitto/setup renew {broker.folder}; then restart" in said
    restart(broker)
    assert comes_through(broker, ENROLLED)

    renewed = subprocess.run([SETUP, "renew", broker.folder], check=True, capture_output=True, text=True).stdout
    assert "renewed: ca.crl (1 revoked), acl (1 denied)" in renewed
    restart(broker)
    assert not comes_through(broker, ENROLLED)
    theirs = Address(*ENROLLED.split("/"))
    assert probe(broker.uplink(ENROLLED), theirs) in {"our certificate was revoked", "the broker hung up on us"}
    assert comes_through(broker, OTHER)


def test_the_authority_may_be_elsewhere_and_keep_its_key(broker: Broker, tmp_path: Path) -> None:
    """ca.key is off the broker's folder, as deploy/README.md says: `renew` takes it from the authority."""
    authority = tmp_path / "authority"
    authority.mkdir()
    shutil.copy(broker.folder / "ca.crt", authority)
    shutil.move(broker.folder / "ca.key", authority)
    enrol(broker, AuthorityFolder(authority))
    said = verb("revoke", ENROLLED, "--authority", authority)
    assert f"deploy/mosquitto/setup renew FOLDER {authority}" in said
    assert str(authority / "revoked") in said

    alone = subprocess.run([SETUP, "renew", broker.folder], check=False, capture_output=True, text=True)
    assert (alone.returncode, alone.stderr[:26]) == (64, "error: ca.key is not here,")
    restart(broker)
    assert comes_through(broker, ENROLLED)

    for _ in range(2):  # the second time changes nothing
        subprocess.run([SETUP, "renew", broker.folder, authority], check=True, capture_output=True)
    restart(broker)
    assert not comes_through(broker, ENROLLED)
    assert comes_through(broker, OTHER)


def test_another_authority_says_nothing_to_this_broker(broker: Broker, tmp_path: Path) -> None:
    """Its list would let in whom ours has revoked."""
    AuthorityFolder.create(tmp_path / "other", "another CA")
    before = (broker.folder / "ca.crl").read_bytes(), (broker.folder / "acl").read_bytes()
    refused = subprocess.run(
        [SETUP, "renew", broker.folder, tmp_path / "other"], check=False, capture_output=True, text=True
    )
    assert refused.returncode == 64
    assert "is another authority" in refused.stderr
    assert before == ((broker.folder / "ca.crl").read_bytes(), (broker.folder / "acl").read_bytes())


def test_an_agency_alone_has_its_two_and_devices_come_in_with_tokens(mosquitto: str, tmp_path: Path) -> None:
    """No certificate of a device is made beforehand; the agency's dashboard hears the one that enrolled."""
    broker = Broker(mosquitto, tmp_path / "broker", names=("demo-agency",))
    try:
        made = {file.stem for file in broker.folder.glob("*.crt")}
        assert made == {"ca", "broker", "collector.demo-agency", "dashboard.demo-agency"}
        enrol(broker, AuthorityFolder(broker.folder))
        with ExitStack() as stack:
            listener, device = Member(broker, DASHBOARD), Member(broker, ENROLLED)
            stack.callback(listener.close)
            stack.callback(device.close)
            device.write(f"platesieve/{ENROLLED}/hit", b"one")
            device.write(f"platesieve/{DEVICE}/hit", b"not its own")
            assert wait_until(lambda: bool(listener.heard))
            time.sleep(SETTLED_S)
            assert set(listener.heard) == {(f"platesieve/{ENROLLED}/hit", b"one")}
    finally:
        broker.kill()


@pytest.mark.parametrize("name", ["", "a/b", "a/b/c/d", "a b", "+", "a//c"])
def test_what_is_neither_a_device_nor_an_agency_gets_nothing(name: str, tmp_path: Path) -> None:
    """It could stand for another place in the topic tree."""
    refused = subprocess.run([SETUP, tmp_path, "localhost", name], check=False, capture_output=True, text=True)
    assert refused.returncode == 64
    assert "is neither agency/site/device nor an agency" in refused.stderr
    assert {file.stem for file in tmp_path.glob("*.crt")} <= {"ca", "broker"}
