"""The agency's side of the boot test, on this machine: authority, broker and dashboard, all of them real."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import shutil
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import paho.mqtt.client as mqtt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from paho.mqtt.enums import CallbackAPIVersion

from platesieve.adapters.enrolment.authority_folder import AuthorityFolder
from platesieve.adapters.enrolment.server import EnrolmentServer
from platesieve.enrolment import certificates
from tests.integration.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ADDRESS: Final = "10.0.2.2"  # of this machine, as the guest sees it


class Agency:
    """What a device needs to become known, and what it is heard by.

    Attributes:
        folder: of everything.
        authority: signs certificates.
        port: of the broker, which asks everybody for a certificate.
        url: of the agency's address for devices.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = AuthorityFolder.create(folder, "boot test CA")
        self.port = free_port()
        self.url = ""
        self.heard: list[tuple[float, str, dict[str, Any]]] = []
        _address_certificate(folder)

    def token(self, device: str) -> str:
        """Return what lets a device in once."""
        return self.authority.new_token(device, 6)

    def keys(self) -> dict[str, str]:
        """Return the key of each device that has a certificate."""
        issued = json.loads((self.folder / "issued.json").read_text()).values()
        return {fields["device"]: fields["key"] for fields in issued}

    def since(self, start: float, device: str, kind: str) -> list[tuple[float, dict[str, Any]]]:
        """Return what a device itself said after `start`, seconds since then first; its last will is not its word."""
        topic = f"platesieve/{device}/{kind}"
        said = [(at - start, body) for at, name, body in list(self.heard) if at >= start and name == topic]
        return [(at, body) for at, body in said if body.get("data", {}).get("state") != "offline"]


@contextlib.contextmanager
def agency(folder: Path) -> Iterator[Agency]:
    """Open for devices."""
    shutil.rmtree(folder, ignore_errors=True)
    one = Agency(folder)
    pair = folder / "address.crt", folder / "address.key"
    with _broker(one), EnrolmentServer(one.authority, ("127.0.0.1", 0), *pair) as server:
        one.url = f"https://{ADDRESS}:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client = _dashboard(one)
        try:
            yield one
        finally:
            client.loop_stop()
            server.shutdown()


def _address_certificate(folder: Path) -> None:
    """Write address.crt and address.key for this machine as the guest sees it."""
    key = certificates.new_key()
    ca = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(ip)) for ip in (ADDRESS, "127.0.0.1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(certificates._named(ADDRESS)).issuer_name(ca.subject)
    builder = builder.public_key(certificates._private(key).public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
    signed = builder.add_extension(names, critical=False).sign(
        certificates._private((folder / "ca.key").read_bytes()), hashes.SHA256()
    )
    (folder / "address.crt").write_bytes(signed.public_bytes(Encoding.PEM))
    (folder / "address.key").write_bytes(key)


@contextlib.contextmanager
def _broker(one: Agency) -> Iterator[None]:
    """Run a Mosquitto that asks everybody for a certificate."""
    folder = one.folder
    lines = [f"listener {one.port} 127.0.0.1", "require_certificate true", "use_identity_as_username true"]
    lines += [f"cafile {folder}/ca.crt", f"certfile {folder}/address.crt", f"keyfile {folder}/address.key"]
    lines += ["user root"] if os.geteuid() == 0 else []
    (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    with subprocess.Popen([program, "-c", folder / "mosquitto.conf"], stderr=subprocess.DEVNULL) as process:
        time.sleep(1)
        try:
            yield
        finally:
            process.terminate()


def _dashboard(one: Agency) -> mqtt.Client:
    """Subscribe to everything, with a certificate like everybody, and keep it with the time that it came."""
    key = certificates.new_key()
    request = certificates.new_request(key, "test/test/dashboard")
    token = one.authority.new_token("test/test/dashboard", 1)
    (one.folder / "dashboard.crt").write_bytes(one.authority.enrol(request, token))
    (one.folder / "dashboard.key").write_bytes(key)
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.tls_set(str(one.folder / "ca.crt"), str(one.folder / "dashboard.crt"), str(one.folder / "dashboard.key"))
    client.on_message = lambda _client, _data, message: one.heard.append(
        (time.monotonic(), message.topic, json.loads(message.payload))
    )
    client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
    client.connect("127.0.0.1", one.port)
    client.loop_start()
    return client
