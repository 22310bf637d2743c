"""`platesieve dashboard --demo`: a drawn street, its camera, a broker, a collector and the dashboard, on this machine.

Nothing is pretended: it is the real pipeline in its two processes, a real broker on loopback and the real collector,
with keys and accounts that are made now and gone with the scratch folder.
"""

from __future__ import annotations

import logging
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from platesieve.bootstrap.camera import camera_process
from platesieve.bootstrap.collector import (
    collector_process,
    database_address,
    open_store,
    state_folder,
    witness_key,
)
from platesieve.bootstrap.dashboard import (
    Demonstrator,
    demo_people,
    one_time_codes,
    open_dashboard,
    open_register,
    zone_of,
)
from platesieve.bootstrap.folders import Folders
from platesieve.bootstrap.given import load_policy
from platesieve.bootstrap.look import demo_files
from platesieve.cli.speech import say
from platesieve.collector.settings import CollectorSettings
from platesieve.domain.errors import PlatesieveError
from platesieve.policy.force import suited
from platesieve.settings import Uplink

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from platesieve.adapters.mqtt.demo_broker import DemoBroker
    from platesieve.dashboard.serving import Serving
    from platesieve.settings import Settings

POLICY = "us-mn"
COLLECTOR = "agency"  # who signs receipts, by the name that the policy has for it
AGENCY, SITE, DEVICE = "demo-agency", "high-street", "cam-1"
SETTLE_S = 2.0
CODES_EVERY_S = 1.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demo plays."""

    camera: Settings
    collector: CollectorSettings
    places: Path
    reports: Path


def show_demo(where: Serving) -> None:
    """Play until Ctrl-C.

    Raises:
        PlatesieveError: a part of it cannot be started.
    """
    from platesieve.adapters.local.processes import uplink_beside
    from platesieve.adapters.mqtt.demo_broker import demo_broker
    from platesieve.dashboard.parts import Options
    from platesieve.dashboard.serving import server_of

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # `kill` ends the uplink and the scratch folder as well
    over = threading.Event()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="platesieve-dashboard-")))
        broker = stack.enter_context(demo_broker(folder))
        stage = _set(folder, broker)
        with closing(open_register(stage.collector)) as register:
            people = demo_people(register)
        open_store(database_address(stage.collector)).close()  # its tables are there before two open it at once
        stack.enter_context(uplink_beside(stage.camera, SETTLE_S))
        stack.callback(over.set)
        for work in (lambda: collector_process(stage.collector, over.is_set), lambda: _street(stage, over.is_set)):
            stack.callback(_thread(work).join, 10.0)
        stack.callback(over.set)  # last in, first out: before the two are waited for
        checkpoint = Path(stage.collector.state) / "log" / "checkpoint"
        options = Options(agency="Demo Police", reports=stage.reports, checkpoint=checkpoint)
        zone = zone_of("UTC")
        application = stack.enter_context(open_dashboard(stage.collector, where, options, zone, stage.places))
        _announce(where, people)
        _thread(lambda: _tell_codes(people, over))
        server_of(application, where).run()
        over.set()


def _set(folder: Path, broker: DemoBroker) -> Stage:
    """Make keys, settings and the table of places, and enrol the one camera."""
    from platesieve.adapters.disk.config_file import load_settings
    from platesieve.adapters.disk.key_files import new_key_files
    from platesieve.adapters.disk.key_text import KeyKind
    from platesieve.adapters.disk.own_keys import audit_key_name, load_or_create_audit_key

    secret, public = new_key_files(KeyKind.AGENCY, folder / "keys", "agency")
    receipt, receipt_public = new_key_files(KeyKind.RECEIPT, folder / "keys", "receipt")
    clip, _ = demo_files()
    camera = load_settings(
        None,
        {
            "camera": str(clip),
            "hotlist": str(clip.with_name("dashboard_hotlist.csv")),
            "policy": POLICY,
            "state": str(folder / "camera"),
            "recipients": {name: str(public) for name in load_policy(POLICY).recipients},
            "collectors": {COLLECTOR: str(receipt_public)},
            "device.agency": AGENCY,
            "device.site": SITE,
            "device.device": DEVICE,
            "device.assume_clock": True,
            "device.latitude_deg": 44.97759,
            "device.longitude_deg": -93.26502,
            "uplink.host": broker.host,
            "uplink.port": broker.port,
            "uplink.protocol": broker.protocol,
            "audit.health_s": 3.0,
            "audit.batch_s": 10.0,
        },
    )
    camera = replace(camera, device=suited(camera.device, load_policy(POLICY)))
    folders = Folders.of(camera)
    load_or_create_audit_key(folders.camera, audit_key_name(f"{AGENCY}/{SITE}/{DEVICE}"))
    enrolled, reports, places = folder / "enrolled", folder / "reports", folder / "places.csv"
    enrolled.mkdir()
    reports.mkdir()
    shutil.copy(folders.camera / "audit.vkey", enrolled / f"{AGENCY}_{SITE}_{DEVICE}.vkey")
    places.write_text(f"device,latitude,longitude\n{AGENCY}/{SITE}/{DEVICE},44.978,-93.265\n", "utf-8")
    collector = CollectorSettings(
        agency=AGENCY,
        name=COLLECTOR,
        state=str(folder / "collector"),
        agency_keys={"agency": str(secret)},
        receipt_key=str(receipt),
        device_keys=str(enrolled),
        assume_clock=True,
        broker=Uplink(host=broker.host, port=broker.port, protocol=broker.protocol),
    )
    collector_folder = state_folder(collector)
    witness_key(collector, collector_folder)
    seen_by = str(collector_folder / "witness.vkey")
    camera = replace(camera, audit=replace(camera.audit, witnesses=(seen_by,)))
    return Stage(camera, collector, places, reports)


def _street(stage: Stage, stop: Callable[[], bool]) -> None:
    """Play the street again and again; after each round make the reports that its log now gives."""
    number = 0
    while not stop():
        camera_process(stage.camera, stop)
        number += 1
        if not stop():
            _report(Folders.of(stage.camera).audit, stage.reports / f"log-of-use_round-{number}.html")


def _report(log: Path, page: Path) -> None:
    command = [sys.executable, "-m", "platesieve", "report", "log-of-use", str(log), "--html", str(page)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)  # noqa: S603 - ourselves
    if done.returncode:
        _log.warning("the report of this round could not be made (exit code %d)", done.returncode)


def _thread(work: Callable[[], None]) -> threading.Thread:
    """Start work beside us; what it fails with is said, never shown as a traceback."""

    def run() -> None:
        try:
            work()
        except PlatesieveError as error:
            _log.warning("%s (hint: %s)", error.message, error.hint)

    thread = threading.Thread(target=run, name="platesieve-demo", daemon=True)
    thread.start()
    return thread


def _announce(where: Serving, people: Sequence[Demonstrator]) -> None:
    """Print the address and the accounts, in lines that no terminal cuts off."""
    say(f"\n{where.scheme}://{where.shown}  (a drawn street through the real pipeline; Ctrl-C ends it)\n")
    say(f"{'name':<12}{'password':<26}secret for an authenticator app")
    for person in people:
        say(f"{person.name:<12}{person.password:<26}{person.totp_secret}")
    say("\nShown once, gone with the demo. Officers and supervisors open alerts, auditors read the access log,")
    say("admins manage people. A case number is like 26-004217. Codes, should you have no app at hand:\n")


def _tell_codes(people: Sequence[Demonstrator], over: threading.Event) -> None:
    """Keep the codes that an app would show on the last line of the terminal, or print each new one."""
    before = ""
    live = sys.stderr.isatty()
    while not over.is_set():
        codes = one_time_codes(people)
        if codes != before:
            sys.stderr.write(f"\r\x1b[2Kcodes now:  {codes}" if live else f"codes now:  {codes}\n")
            sys.stderr.flush()
            before = codes
        over.wait(CODES_EVERY_S)
