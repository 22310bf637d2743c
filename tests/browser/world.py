"""An agency in a folder: real store, real transparency log, real keys, real Disclosures, and the dashboard over them.

Usage::

    world = World(tmp_path)
    world.hit()                       # what a device let out under a real policy, as the collector stores it
    with world.serving() as address:  # in a thread of this process
        ...
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC
from functools import cache
from typing import TYPE_CHECKING

import cv2

from platesieve.adapters.disk.key_files import new_key_files
from platesieve.adapters.disk.key_text import KeyKind
from platesieve.adapters.mqtt.wire import Address, encode
from platesieve.bootstrap.collector import database_address, open_store
from platesieve.bootstrap.dashboard import assemble, desks_of, open_register
from platesieve.bootstrap.look import demo_files
from platesieve.collector.records import CheckpointStatus, Event
from platesieve.collector.settings import CollectorSettings
from platesieve.collector.witness import Witnessed
from platesieve.dashboard.credentials import hash_password, new_totp_secret
from platesieve.dashboard.parts import Options
from platesieve.dashboard.serving import server_of, serving
from platesieve.dashboard.sessions import Stage
from platesieve.domain.crop import Crop, Crops
from platesieve.domain.decision import Disclose
from platesieve.domain.disclosure import Disclosure, Kind
from platesieve.domain.instant import NS_PER_S, Instant, TimeQuality
from platesieve.domain.match import Match, MatchKind
from platesieve.domain.plate import Glyph
from platesieve.policy.decide import Context, decide
from platesieve.policy.instruments import Instruments
from platesieve.policy.load import load_pack
from platesieve.policy.pseudonym import EpochKeys
from platesieve.policy.seal import Sealer
from tests.fakes.passages import AGENCY_PRIVATE, AGENCY_PUBLIC, DEVICE, a_sighting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from platesieve.dashboard.people import Role
    from platesieve.domain.disclosure import Json
    from platesieve.settings import Device

PLATE = "84JTK6"  # drawn: see demo_data/street.toml
PASSWORD = "violet harbour ladder nine"  # noqa: S105 - of a test
FRAME = 130
PLATE_BOX = (541, 584, 924, 1060)
SCENE_BOX = (262, 660, 715, 1215)
ALTERNATIVES: Mapping[int, tuple[tuple[str, float], ...]] = {
    0: (("8", 0.91), ("B", 0.071), ("3", 0.012)),
    5: (("6", 0.95), ("G", 0.04)),
}


@cache
def crops() -> Crops:
    """Return pictures of the red car in the drawn street."""
    clip, _ = demo_files()
    video = cv2.VideoCapture(str(clip))
    video.set(cv2.CAP_PROP_POS_FRAMES, FRAME)
    _, frame = video.read()
    video.release()
    cut = [frame[top:bottom, left:right] for top, bottom, left, right in (PLATE_BOX, SCENE_BOX)]
    plate, scene = (cv2.imencode(".jpg", picture)[1].tobytes() for picture in cut)
    return Crops(Crop(plate), Crop(scene))


class World:
    """Everything of one agency; `hit` and its like do what a collector does with messages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        secret, _ = new_key_files(KeyKind.AGENCY, folder / "keys")
        secret.write_text(f"platesieve-agency-secret-1 {_base64(AGENCY_PRIVATE)}\n")
        self.settings = CollectorSettings(
            agency="metro-pd", state=str(folder / "state"), agency_keys={"agency": str(secret)}, assume_clock=True
        )
        self.store = open_store(database_address(self.settings))
        self.register = open_register(self.settings)
        self.desks = desks_of(self.settings, self.store)
        self.secrets: dict[str, str] = {}

    def close(self) -> None:
        """Close the files."""
        self.store.close()
        self.register.close()

    # ---- people --------------------------------------------------------------------------------------------

    def person(self, name: str, role: Role) -> str:
        """Add somebody who has chosen their secrets, and return the secret of their app."""
        self.register.invite(name, f"{name.capitalize()} Test", role, time.time_ns())
        secret = self.register.offer_totp(name, new_totp_secret())
        self.register.activate(name, _hash(), 0)
        self.secrets[name] = secret
        return secret

    def cookie(self, name: str, role: Role) -> str:
        """Return the cookie of somebody who has signed in already."""
        if self.register.account(name) is None:
            self.person(name, role)
        return self.register.begin(name, Stage.WORK, time.time_ns(), "127.0.0.1", "a test")

    # ---- messages ------------------------------------------------------------------------------------------

    def disclosure(self, policy: str = "us-mn", device: Device = DEVICE, text: str = PLATE) -> Disclosure:
        """Return what a device lets out for a wanted plate that passes now."""
        now = Instant(time.time_ns(), time.monotonic_ns())
        glyphs = tuple(Glyph(ALTERNATIVES.get(at, ((one, 0.999),))) for at, one in enumerate(text))
        sighting = replace(a_sighting(text, 0.97, now), crops=crops(), glyphs=glyphs)
        keys = EpochKeys(device, (), lambda count: b"\x07" * count)
        instruments = Instruments(keys, Sealer({"agency": AGENCY_PUBLIC}), lambda: time.time_ns().to_bytes(16).hex())
        match = Match(MatchKind.EXACT, "stolen", "state-police")
        context = Context(now, TimeQuality.SYNCHRONISED, device)
        decision = decide(sighting, (match,), load_pack(policy), context, instruments)
        assert isinstance(decision, Disclose), decision
        return decision.disclosure

    def hit(self, policy: str = "us-mn", device: Device = DEVICE, text: str = PLATE) -> str:
        """Keep a hit, and return its id."""
        return self.keep(self.disclosure(policy, device, text), device)

    def keep(self, disclosure: Disclosure, device: Device = DEVICE) -> str:
        """Keep a Disclosure as the collector does, and return its id."""
        document = json.loads(encode(disclosure, Address.from_device(device)))
        self.store.keep([self._event(disclosure, device, document)])
        return disclosure.id

    def hostile(self, id_: str, data: Mapping[str, Json], device: str = "metro-pd/bridge-7/cam-1") -> None:
        """Keep a hit that says whatever a test wants it to say."""
        now_ns = time.time_ns()
        document: dict[str, Json] = {
            "specversion": "1.0",
            "id": id_,
            "type": "org.platesieve.hit.v1",
            "data": dict(data),
        }
        self.store.keep([Event(id_, Kind.HIT, device, now_ns, now_ns + 3600 * NS_PER_S, document)])

    def health(self, device: Device = DEVICE, **values: Json) -> None:
        """Take in a health event of a device that reads."""
        policy = load_pack("us-mn").stamp
        hotlist: dict[str, Json] = {"sha256": "ab" * 32, "count": 4211, "age_s": 5400, "stale": False}
        body: dict[str, Json] = {"state": "reading", "reason": None, "fps": 14.8, "dropped": 3, "policy": dict(policy)}
        body |= {"hotlist": hotlist, "clock": "synchronised", "audit_size": 1289, "version": "0.1.0"}
        body |= values
        told = Disclosure(f"health-{time.time_ns()}", Kind.HEALTH, body, None)
        document = json.loads(encode(told, Address.from_device(device)))
        self.store.report_health(self._event(told, device, document))

    def checkpoint(self, status: CheckpointStatus, sentence: str, device: Device = DEVICE, size: int = 1289) -> None:
        """Take in what the witness says of a device's log."""
        name = f"{device.agency}/{device.site}/{device.device}"
        self.store.report_checkpoint(name, Witnessed(status, None, size, sentence), time.time_ns())

    @staticmethod
    def _event(disclosure: Disclosure, device: Device, document: Mapping[str, Json]) -> Event:
        name = f"{device.agency}/{device.site}/{device.device}"
        return Event(disclosure.id, disclosure.kind, name, time.time_ns(), disclosure.expires_wall_ns, document)

    # ---- the dashboard -------------------------------------------------------------------------------------

    @contextmanager
    def serving(self, options: Options | None = None) -> Iterator[str]:
        """Answer on loopback from a thread of this process; give the address."""
        from platesieve.adapters.local.system_clock import SystemClock  # noqa: PLC0415 - beside its use

        where = serving("127.0.0.1", 0)
        given = options or Options(agency="Metro Police")
        clock = SystemClock(assume=True)
        places = self.folder / "places.csv"
        app = assemble(
            self.register, self.store, self.desks, clock, where, given, UTC, places if places.exists() else None
        )
        server = server_of(app, where)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join(10)


@cache
def _hash() -> str:
    return hash_password(PASSWORD)


def _base64(raw: bytes) -> str:
    import base64  # noqa: PLC0415 - beside its use

    return base64.b64encode(raw).decode()
