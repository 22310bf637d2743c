"""Signed documents on their way to a running device: by a stick, by HTTPS, and no longer once they are over."""

from __future__ import annotations

import contextlib
import ssl
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyrage import x25519

from platesieve.adapters.delivery import fetchers
from platesieve.adapters.disk.audit_folder import FolderFiles
from platesieve.adapters.disk.own_keys import load_or_create_lists_key
from platesieve.audit.entry import HotListLoaded, PolicyLoaded
from platesieve.audit.log_files import read_entries
from platesieve.domain.errors import DeliveryError
from tests.attacks.delivery_world import make_template
from tests.fakes.agency import IDENTITIES, Agency, Receiver, table
from tests.integration.conftest import Broker, Dashboard, wait_until
from tests.integration.test_run import KEEPS_HITS, Device

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]
STREET = ROOT / "src/platesieve/demo_data/street.mp4"
NAME = "demo-agency/demo-site/cam-1"
PLATE = "84JTK6"  # of the vehicle that the drawn street's own hot list wants


class Office(Agency):
    """An agency whose one device is a running one."""

    def __init__(self, folder: Path, identity: str, lifetimes_s: dict[str, float] | None = None) -> None:
        own = x25519.Identity.from_str(identity)
        IDENTITIES[NAME] = own
        super().__init__(folder, lifetimes_s=lifetimes_s, agency=NAME.split("/", maxsplit=1)[0], devices=[NAME])


class RunningDevice(Device):
    """One `platesieve run` whose rules come signed; the street is shown again and again at its own speed."""

    def __init__(self, folder: Path, broker: Broker, clip: Path, office: Office, *settings: str) -> None:
        super().__init__(folder, broker, clip, "--pace", "live")
        file = folder / "platesieve.toml"
        file.write_text("\n".join(["[delivery]", f'root = "{office.folder / "root.json"}"', *settings, "every_s = 1"]))
        at = self.command.index("--hotlist")
        del self.command[at : at + 2]
        self.command += ["--config", str(file)]

    def log(self) -> list[Any]:
        """Return the entries of its audit log."""
        folder = self.state / "camera/audit"
        if not (folder / "checkpoint").exists():
            return []
        size = int((folder / "checkpoint").read_text().splitlines()[1])
        return [entry for _, entry in read_entries(FolderFiles(folder), size)]

    def lists(self) -> list[int]:
        """Return how many entries the hot lists have that the log says were loaded."""
        return [entry.count for entry in self.log() if isinstance(entry, HotListLoaded)]


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the drawn street, shown often enough for the longest of these tests."""
    folder = tmp_path_factory.mktemp("clip")
    import cv2  # noqa: PLC0415 - as the device reads it

    source = cv2.VideoCapture(str(STREET))
    size = int(source.get(cv2.CAP_PROP_FRAME_WIDTH)), int(source.get(cv2.CAP_PROP_FRAME_HEIGHT))
    sink = cv2.VideoWriter(str(folder / "long.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 15.0, size)
    pictures = []
    while (read := source.read())[0]:
        pictures.append(read[1])
    for _ in range(6):
        for picture in pictures[45:195]:
            sink.write(picture)
    sink.release()
    source.release()
    return folder / "long.mp4"


@pytest.fixture
def running() -> Iterator[list[RunningDevice]]:
    """Stop what a test leaves behind."""
    devices: list[RunningDevice] = []
    yield devices
    for device in devices:
        if device.process is not None and device.process.poll() is None:
            device.process.terminate()
            device.process.wait(20)


def test_a_list_on_a_stick_gives_alerts_without_a_restart_and_none_once_it_is_over(
    tmp_path: Path, broker: Broker, dashboard: Dashboard, long_clip: Path, running: list[RunningDevice]
) -> None:
    """Policy and empty list first; then a list with the plate; then nobody publishes any more, and alerts stop."""
    identity = load_or_create_lists_key(tmp_path / "state" / "camera")
    office = Office(tmp_path / "office", identity, {"timestamp": 3600, "snapshot": 3600})
    office.add("policy/test-hits.toml", KEEPS_HITS.encode())
    office.publish()
    device = RunningDevice(tmp_path, broker, long_clip, office, f'folder = "{office.mirror}"')
    running.append(device)
    device.start()

    assert wait_until(lambda: "reading" in dashboard.states(), 60), device.said.read_text()
    assert dashboard.ids("hit") == []
    office.repository.books.lifetimes_s |= {"timestamp": 20}
    office.add_list("wanted", table(PLATE), [NAME])
    office.publish()
    assert wait_until(lambda: bool(dashboard.ids("hit")), 60), device.said.read_text()
    assert wait_until(lambda: b"the hot list is too old" in device.said.read_bytes(), 60), device.said.read_text()
    assert device.process is not None
    assert device.process.poll() is None, "it runs on"
    hits = len(dashboard.ids("hit"))
    assert wait_until(lambda: device.lists()[-1:] == [0], 30), device.lists()
    stale = [
        event["data"]["hotlist"]["stale"] for _, event in list(dashboard.received) if "hotlist" in event.get("data", {})
    ]
    assert wait_until(lambda: _last_stale(dashboard), 30), stale
    device.process.terminate()
    device.process.wait(25)

    assert len(dashboard.ids("hit")) - hits <= 1, "one that was on its way, and none after it"
    entries = device.log()
    assert [entry.id for entry in entries if isinstance(entry, PolicyLoaded)] == ["test-hits"]
    assert device.lists() == [1, 1, 0]
    assert device.verify_log().returncode == 0
    assert PLATE.encode() not in b"".join(
        path.read_bytes() for path in (*office.folder.rglob("*"), *office.mirror.rglob("*")) if path.is_file()
    )
    kept = [path for path in device.state.rglob("*") if path.is_file() and "outbox" not in path.name]
    assert PLATE.encode() not in b"".join(path.read_bytes() for path in kept)


def _last_stale(dashboard: Dashboard) -> bool:
    told = [
        event["data"]["hotlist"]["stale"] for _, event in list(dashboard.received) if "hotlist" in event.get("data", {})
    ]
    return bool(told) and told[-1] is True


# ---- HTTPS -------------------------------------------------------------------------------------------------------


class _Quiet(SimpleHTTPRequestHandler):
    """Serves a folder; `endless` names a file that never ends, `elsewhere` one that is redirected."""

    endless = ""
    elsewhere = ""

    def do_GET(self) -> None:
        if self.endless and self.endless in self.path:
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):  # the device hung up, as it should
                for _ in range(2000):
                    self.wfile.write(bytes(1 << 16))
            return
        if self.elsewhere and self.elsewhere in self.path:
            self.send_response(302)
            self.send_header("Location", "/metadata/1.root.json")
            self.end_headers()
            return
        super().do_GET()

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the name that the library gives it
        """Say nothing."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a certificate for localhost that vouches for itself."""
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(folder / "key"), "-out", str(folder / "crt")]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)
    return folder


@contextlib.contextmanager
def served(folder: Path, certificate: Path, **behaviour: str) -> Iterator[str]:
    """Serve a folder over TLS; give its address."""
    handler = type("Handler", (_Quiet,), behaviour)
    server = ThreadingHTTPServer(("localhost", 0), partial(handler, directory=str(folder)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "crt", certificate / "key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"https://localhost:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the agency that the tests below begin with a copy of."""
    folder = tmp_path_factory.mktemp("agency") / "template"
    make_template(folder)
    return folder


def test_a_static_server_is_all_that_it_takes(template: Path, tmp_path: Path, certificate: Path) -> None:
    """Policy and list come over HTTPS; a second look finds nothing new."""
    agency = Agency(_copy(template, tmp_path), exists=True)
    device = Receiver(tmp_path / "device", agency.root)
    with served(agency.mirror, certificate) as address:
        source = fetchers.server(address, str(certificate / "crt"))
        assert device.take(source)
        assert device.take(source) is False
    assert device.generation is not None
    assert device.generation.hotlist.count == 1


@pytest.mark.parametrize(
    ("behaviour", "trusted"),
    [
        ({"endless": "timestamp.json"}, True),
        ({"endless": "wanted.csv.age"}, True),
        ({"elsewhere": "timestamp"}, True),
        ({}, False),
    ],
    ids=["endless metadata", "endless document", "redirect", "another CA"],
)
def test_a_server_that_misbehaves_changes_nothing(
    template: Path, tmp_path: Path, certificate: Path, behaviour: dict[str, str], *, trusted: bool
) -> None:
    """Nothing is on the disk after it, and one sentence says why."""
    agency = Agency(_copy(template, tmp_path), exists=True)
    device = Receiver(tmp_path / "device", agency.root)
    with served(agency.mirror, certificate, **behaviour) as address:
        source = fetchers.server(address, str(certificate / "crt") if trusted else None)
        with pytest.raises(DeliveryError) as refused:
            device.take(source)
    assert refused.value.hint
    assert device.on_disk() == {}


def test_a_server_that_is_away_is_no_fault_of_anybody(template: Path, tmp_path: Path) -> None:
    """It is said, and the log has nothing to say about it."""
    device = Receiver(tmp_path / "device", (template / "repository/root.json").read_bytes())

    with pytest.raises(DeliveryError, match="cannot be reached") as refused:
        device.take(fetchers.server("https://localhost:9", None))
    assert refused.value.fault is None


def _copy(template: Path, tmp_path: Path) -> Path:
    import shutil  # noqa: PLC0415 - beside its only use

    return Path(shutil.copytree(template, tmp_path / "agency"))
