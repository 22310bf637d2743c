"""Boot a built image and follow a whole life: provisioned, enrolled, reading, sending, power cut, sending again.

    python -m tests.firmware_boot build/firmware            # after `sudo firmware/build`; minutes per boot, emulated

Two cards are written from one image. Broker and agency are real and run on this machine; the guest reaches them as
10.0.2.2. Prints what was seen as JSON; exit code 0 when every promise was kept.
"""

from __future__ import annotations

import argparse
import contextlib
import ipaddress
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as mqtt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from paho.mqtt.enums import CallbackAPIVersion

from platesieve.adapters.enrolment import provision_file
from platesieve.adapters.enrolment.authority_folder import AuthorityFolder
from platesieve.adapters.enrolment.server import EnrolmentServer
from platesieve.enrolment import certificates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
HOST = "10.0.2.2"
CLIP = "/opt/platesieve/lib/python3.11/site-packages/platesieve/demo_data/street.mp4"


@dataclass
class Boot:
    """What one boot showed; times in seconds since qemu was started."""

    card: str
    enrolled_s: float | None = None
    health_s: float | None = None
    read_s: float | None = None
    reads: int = 0
    log_origin: str = ""
    log_key: str = ""
    log_sizes: list[int] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def address_certificate(folder: Path) -> None:
    """Write address.crt and address.key for the host as the guest sees it."""
    key = certificates.new_key()
    ca = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(ip)) for ip in (HOST, "127.0.0.1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(certificates._named(HOST)).issuer_name(ca.subject)
    builder = builder.public_key(certificates._private(key).public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
    signed = builder.add_extension(names, critical=False).sign(
        certificates._private((folder / "ca.key").read_bytes()), hashes.SHA256()
    )
    (folder / "address.crt").write_bytes(signed.public_bytes(Encoding.PEM))
    (folder / "address.key").write_bytes(key)


@contextlib.contextmanager
def broker(folder: Path, port: int) -> Iterator[None]:
    """Run a Mosquitto that asks everybody for a certificate."""
    lines = [f"listener {port} 127.0.0.1", "require_certificate true", "use_identity_as_username true"]
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


class Dashboard:
    """Subscribes to everything and keeps it with the time that it came."""

    def __init__(self, folder: Path, authority: AuthorityFolder, port: int) -> None:
        key = certificates.new_key()
        request = certificates.new_request(key, "test/test/dashboard")
        (folder / "dashboard.crt").write_bytes(authority.enrol(request, authority.new_token("test/test/dashboard", 1)))
        (folder / "dashboard.key").write_bytes(key)
        self.heard: list[tuple[float, str, dict[str, Any]]] = []
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.tls_set(str(folder / "ca.crt"), str(folder / "dashboard.crt"), str(folder / "dashboard.key"))
        self._client.on_message = lambda _client, _data, message: self.heard.append(
            (time.monotonic(), message.topic, json.loads(message.payload))
        )
        self._client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def since(self, start: float, device: str, kind: str) -> list[tuple[float, dict[str, Any]]]:
        """Return what a device said after `start`."""
        topic = f"platesieve/{device}/{kind}"
        return [(at - start, body) for at, name, body in list(self.heard) if at >= start and name == topic]


def write_card(image: Path, card: Path, provision: dict[str, Any]) -> None:
    """Copy the image as an imager does, and put the installer's file on its FAT partition."""
    subprocess.run(["cp", "--sparse=always", image, card], check=True)
    with card.open("rb") as disk:
        first_sector = int.from_bytes(disk.read(512)[454:458], "little")  # MBR: where partition 1 begins
    file = card.with_suffix(".toml")
    file.write_bytes(provision_file.dump(provision_file.checked(provision)))
    subprocess.run(["mcopy", "-o", "-i", f"{card}@@{first_sector * 512}", file, f"::{provision_file.NAME}"], check=True)


def boot(
    folder: Path, card: Path, device: str, dashboard: Dashboard, limit_s: float, done: Callable[[Boot], bool]
) -> Boot:
    """Boot a card until `done`, then cut its power."""
    seen = Boot(card.stem)
    serial = card.with_suffix(f".{time.time_ns()}.log")
    start = time.monotonic()
    with subprocess.Popen(
        [ROOT / "firmware/boot", folder, card, serial], start_new_session=True, stdout=subprocess.DEVNULL
    ) as process:
        while time.monotonic() - start < limit_s and process.poll() is None:
            time.sleep(2)
            look(seen, start, device, dashboard, serial)
            if done(seen):
                break
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    sys.stderr.write(f"{seen}\nserial log: {serial}\n")
    return seen


def look(seen: Boot, start: float, device: str, dashboard: Dashboard, serial: Path) -> None:
    """Take down what is new."""
    text = serial.read_text(errors="replace") if serial.exists() else ""
    if seen.enrolled_s is None and re.search(r"platesieve\[\d+\]: enrolled$", text, re.MULTILINE):
        seen.enrolled_s = round(time.monotonic() - start, 1)
    for name in ("health", "read"):
        messages = dashboard.since(start, device, name)
        if messages and getattr(seen, f"{name}_s") is None:
            setattr(seen, f"{name}_s", round(messages[0][0], 1))
    seen.reads = len(dashboard.since(start, device, "read"))
    for _, body in dashboard.since(start, device, "checkpoint"):
        lines = str(body.get("data", {}).get("checkpoint", "")).splitlines()
        if len(lines) > 4:
            seen.log_origin, seen.log_key = (
                lines[0],
                lines[4].split()[2][:6],
            )  # the key's id: first 4 bytes of the signature
            seen.log_sizes = sorted({*seen.log_sizes, int(lines[1])})
    for line in re.findall(r'\{"fact":.*?\}', text):
        with contextlib.suppress(ValueError):
            fact = json.loads(line)
            before = seen.facts.get(fact["fact"], {})
            seen.facts[fact["fact"]] = {**fact, "rss_kb": max(fact["rss_kb"], before.get("rss_kb", 0))}


def main() -> int:
    """Follow three boots of two cards."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="where firmware/build put the image")
    parser.add_argument("--limit-s", type=float, default=900, help="longest wait for one boot")
    parser.add_argument("--keep", type=Path, help="folder for cards and serial logs; a temporary one unless given")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="platesieve-boot-") as scratch:
        work = options.keep or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        answer = follow(options.folder, work, options.limit_s)
    sys.stdout.write(json.dumps(answer, indent=1) + "\n")
    return 0 if all(answer["kept"].values()) else 1


def follow(folder: Path, work: Path, limit_s: float) -> dict[str, Any]:
    """Write two cards, boot the first twice and the second once, and return what was seen and which promises held."""
    shutil.rmtree(work / "authority", ignore_errors=True)
    authority = AuthorityFolder.create(work / "authority", "boot test CA")
    address_certificate(work / "authority")
    port = free_port()
    pair = work / "authority/address.crt", work / "authority/address.key"
    with broker(work / "authority", port), EnrolmentServer(authority, ("127.0.0.1", 0), *pair) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        dashboard = Dashboard(work / "authority", authority, port)

        def provisioned(name: str) -> tuple[Path, str]:
            device = f"metro/bridge/{name}"
            card = work / f"{name}.img"
            tree = {
                "policy": "travel-time",
                "camera": CLIP,
                "pace": "fast",
                "device": {"agency": "metro", "site": "bridge", "device": name, "assume_clock": True},
                "broker": {"host": HOST, "port": port},
                "enrolment": {
                    "url": f"https://{HOST}:{server.server_address[1]}",
                    "token": authority.new_token(device, 6),
                    "authority": authority.certificate.decode(),
                },
            }
            write_card(folder / "platesieve-arm64.img", card, tree)
            return card, device

        first, name = provisioned("cam-1")
        boots = [boot(folder, first, name, dashboard, limit_s, lambda seen: seen.reads > 0 and bool(seen.log_key))]
        boots.append(boot(folder, first, name, dashboard, limit_s, lambda seen: seen.reads > 0 and bool(seen.log_key)))
        second, other = provisioned("cam-2")
        boots.append(boot(folder, second, other, dashboard, limit_s, lambda seen: bool(seen.log_key)))
        issued = json.loads((work / "authority/issued.json").read_text()).values()
    keys = {fields["device"]: fields["key"] for fields in issued}
    return {"boots": [asdict(one) for one in boots], "kept": promises(boots, keys)}


def promises(boots: list[Boot], keys: dict[str, str]) -> dict[str, bool]:
    """Return which promises were kept."""
    first, again, other = boots
    return {
        "reads a clip and sends what it read": first.reads > 0,
        "enrols by itself": first.enrolled_s is not None and "metro/bridge/cam-1" in keys,
        "reads again after a power cut": again.reads > 0,
        "goes on with its log and its key": again.log_key == first.log_key
        and bool(first.log_sizes and again.log_sizes)
        and min(again.log_sizes) > min(first.log_sizes),
        "two cards are two devices": bool(other.log_key)
        and other.log_key != first.log_key
        and keys.get("metro/bridge/cam-1") != keys.get("metro/bridge/cam-2"),
        "runs as its own account": all(
            fact.get("uid") in {"platesieve", ""} for one in boots for fact in one.facts.values() if fact.get("uid")
        ),
    }


if __name__ == "__main__":
    raise SystemExit(main())
