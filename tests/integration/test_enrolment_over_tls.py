"""Enrolment over real TLS, and a real broker that stops listening to a device that was revoked."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from platesieve.adapters.disk.key_files import load_lists_public
from platesieve.adapters.disk.own_keys import load_or_create_lists_key
from platesieve.adapters.enrolment.authority_folder import AuthorityFolder
from platesieve.adapters.enrolment.device_folder import DeviceFolder
from platesieve.adapters.enrolment.https import asker
from platesieve.adapters.enrolment.server import EnrolmentServer
from platesieve.adapters.mqtt.publisher import probe
from platesieve.adapters.mqtt.wire import Address
from platesieve.domain.errors import ConfigError, KeyFileError, LinkError
from platesieve.enrolment import certificates
from platesieve.settings import Device, Uplink
from tests.integration.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CAM = "metro/bridge/cam-1"
pytestmark = pytest.mark.integration


@dataclass
class Agency:
    """The agency's folder and its address."""

    folder: AuthorityFolder
    path: Path
    url: str


def address_certificate(path: Path) -> tuple[Path, Path]:
    """Write and return certificate and key of localhost, signed by the authority in `path`."""
    key = certificates.new_key()
    ca = x509.load_pem_x509_certificate((path / "ca.crt").read_bytes())
    signer = certificates._private((path / "ca.key").read_bytes())
    builder = x509.CertificateBuilder().subject_name(certificates._named("localhost")).issuer_name(ca.subject)
    builder = builder.public_key(certificates._private(key).public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(datetime.now(UTC) - timedelta(minutes=5))
    builder = builder.not_valid_after(datetime.now(UTC) + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    (path / "address.crt").write_bytes(builder.sign(signer, hashes.SHA256()).public_bytes(Encoding.PEM))
    (path / "address.key").write_bytes(key)
    return path / "address.crt", path / "address.key"


@pytest.fixture
def agency(tmp_path: Path) -> Iterator[Agency]:
    """Yield an agency that listens."""
    path = tmp_path / "authority"
    folder = AuthorityFolder.create(path, "test CA")
    with EnrolmentServer(folder, ("127.0.0.1", 0), *address_certificate(path), refusal_s=0.3) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield Agency(folder, path, f"https://localhost:{server.server_address[1]}")
        server.shutdown()
        thread.join()


@pytest.fixture
def device(tmp_path: Path, agency: Agency) -> DeviceFolder:
    """Return a device that was invited."""
    (tmp_path / "uplink").mkdir()
    folder = DeviceFolder(tmp_path / "uplink", CAM)
    folder.invite(agency.url, agency.folder.new_token(CAM, 1), agency.folder.certificate)
    return folder


def test_a_device_enrols_renews_and_is_revoked(agency: Agency, device: DeviceFolder) -> None:
    """By token once, then by certificate alone; after the revocation not at all."""
    ask = asker(device.authority_file)
    assert device.join(ask)
    first = device.certificate_file.read_bytes()
    assert not device.join(ask)

    assert device.renew(ask, force=True)
    assert device.certificate_file.read_bytes() != first
    agency.folder.revoke(CAM)
    with pytest.raises(KeyFileError, match="refuses"):
        device.renew(ask, force=True)


def test_the_agency_hears_to_which_key_hot_lists_are_encrypted(
    tmp_path: Path, agency: Agency, device: DeviceFolder
) -> None:
    """The key comes with the first request and is where `agency add-device --lists-key` looks; nobody else's does."""
    load_or_create_lists_key(tmp_path)
    public = (tmp_path / "lists.pub").read_bytes()
    device.tell_lists_key(public)
    ask = asker(device.authority_file)
    forged = {"request": device.request().decode(), "token": "abcdefgh-guessed", "lists_key": public.decode()}
    with pytest.raises(KeyFileError, match="refuses"):
        ask(f"{agency.url}/enrol", forged, None)
    assert not (agency.path / "lists").exists()

    assert device.join(ask)
    assert load_lists_public(agency.path / "lists/metro_bridge_cam-1.pub") == public.decode().strip()


def test_guessing_is_slow_and_says_nothing(agency: Agency, device: DeviceFolder) -> None:
    """Every refusal takes its time, one after the other, however many ask at once."""
    request = device.request().decode()
    refusals: list[str] = []

    def guess(token: str) -> None:
        try:
            asker(device.authority_file)(f"{agency.url}/enrol", {"request": request, "token": token}, None)
        except KeyFileError as error:
            refusals.append(error.message)

    started = time.monotonic()
    threads = [threading.Thread(target=guess, args=(f"aaaaaaaa-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert time.monotonic() - started >= 4 * 0.3
    assert len(set(refusals)) == 1
    assert len(refusals) == 4


def test_a_renewal_needs_the_certificate(agency: Agency, device: DeviceFolder) -> None:
    """A request without one is refused, whatever it asks for."""
    with pytest.raises(KeyFileError):
        asker(device.authority_file)(f"{agency.url}/renew", {"request": device.request().decode()}, None)


def test_a_device_tells_its_token_to_its_agency_alone(tmp_path: Path, agency: Agency, device: DeviceFolder) -> None:
    """An address of another authority gets nothing, and plain HTTP is not spoken."""
    (tmp_path / "other").mkdir()
    AuthorityFolder.create(tmp_path / "other", "another CA")
    with pytest.raises(LinkError):
        asker(tmp_path / "other/ca.crt")(f"{agency.url}/enrol", {"request": "", "token": "secret"}, None)
    with pytest.raises(ConfigError):
        asker(device.authority_file)(agency.url.replace("https", "http"), {}, None)


def test_noise_does_not_stop_the_address(agency: Agency, device: DeviceFolder) -> None:
    """Bytes that are no TLS, a peer that says nothing, a body that is too long: the next device is served."""
    port = int(agency.url.rpartition(":")[2])
    mute = socket.create_connection(("127.0.0.1", port))
    with socket.create_connection(("127.0.0.1", port)) as noisy:
        noisy.sendall(os.urandom(512))
    context = ssl.create_default_context(cafile=str(device.authority_file))
    with (
        socket.create_connection(("localhost", port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as line,
    ):
        line.sendall(b"POST /enrol HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n")
        assert b"403" in line.recv(100)

    assert device.join(asker(device.authority_file))
    mute.close()


def test_the_broker_turns_a_revoked_device_away(tmp_path: Path, agency: Agency, device: DeviceFolder) -> None:
    """Mosquitto with `crlfile`: connected before, refused after; another device stays welcome."""
    device.join(asker(device.authority_file))
    agency.folder.write_revocations()
    port = free_port()
    lines = [
        f"listener {port} 127.0.0.1",
        f"cafile {agency.path}/ca.crt",
        f"certfile {agency.path}/address.crt",
        f"keyfile {agency.path}/address.key",
        f"crlfile {agency.path}/crl.pem",
        "require_certificate true",
        "use_identity_as_username true",
        "user root" if os.geteuid() == 0 else "",
    ]
    (tmp_path / "mosquitto.conf").write_text("\n".join(lines) + "\n")
    uplink = Uplink(
        host="localhost",
        port=port,
        ca_file=str(device.authority_file),
        certificate_file=str(device.certificate_file),
        key_file=str(device.key_file),
    )
    address = Address.from_device(Device(agency="metro", site="bridge", device="cam-1"))

    def asked() -> str:
        broker = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        with subprocess.Popen([broker, "-c", tmp_path / "mosquitto.conf"], stderr=subprocess.DEVNULL) as process:
            time.sleep(0.5)
            state = probe(uplink, address, 5.0)
            process.terminate()
        return state

    assert asked() == "connected"
    agency.folder.revoke(CAM)
    assert asked() != "connected"
