"""Two threads that look for signed documents: `Ferry` where the network is, `Courier` where the camera is.

The ferry fetches from a server or a folder into the spool, and ferries only what it could verify itself, so that the
camera process is not bothered with rubbish. The courier trusts none of that: it verifies everything again, from the
spool, into a store of its own.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from platesieve.adapters.delivery import fetchers
from platesieve.adapters.delivery.unpack import unpack
from platesieve.domain.errors import DeliveryError, InputError
from platesieve.domain.instant import Instant
from platesieve.domain.notice import Arrived, TurnedAway

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from platesieve.adapters.delivery.fetchers import Source
    from platesieve.adapters.delivery.stored import Delivery as Verified
    from platesieve.adapters.delivery.trust_store import TrustStore
    from platesieve.domain.notice import Notice
    from platesieve.flow.generation import Generation
    from platesieve.ports import Clock
    from platesieve.settings import Delivery, Device

_log = logging.getLogger(__name__)
_SOONEST_S = 5.0  # whoever asks us to look now may ask often; a server is not asked more often than this
_RETRY_S = 600.0  # what was not accepted may be later: a policy that begins tomorrow
MAX_ROOT_BYTES = 1 << 16


def device_path(device: Device) -> str:
    """Return agency/site/device."""
    return f"{device.agency}/{device.site}/{device.device}"


def read_trust_root(settings: Delivery) -> bytes:
    """Return the root.json that a device believes.

    Raises:
        InputError: it cannot be read.
    """
    path = Path(settings.root or "")
    try:
        with path.open("rb") as file:
            return file.read(MAX_ROOT_BYTES)
    except OSError as error:
        raise InputError(
            f"the trust root {path} cannot be read: {error.strerror}", "copy the agency's root.json to the device"
        ) from error


def source_of(settings: Delivery) -> Source | None:
    """Return where documents come from, or None for a device to which somebody else brings them."""
    if settings.url:
        return fetchers.server(settings.url, settings.ca_file)
    return fetchers.folder(Path(settings.folder)) if settings.folder else None


class Ferry:
    """Fetches into the spool, again and again. See `ports.Ferry`.

    Args:
        store: of the spool.
        source: a server or a folder.
        every_s: how often to look.
        wake: ends whatever wait the thread is in that takes the notices.
    """

    def __init__(self, store: TrustStore, source: Source, every_s: float, wake: Callable[[], None]) -> None:
        self._store, self._source, self._every_s, self._wake = store, source, every_s, wake
        self._notices: list[Notice] = [Arrived()] if store.folder is not None else []
        self._said = ""
        self._asked, self._closing = threading.Event(), threading.Event()
        self._guard = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="platesieve-ferry", daemon=True)
        self._thread.start()

    def look(self) -> None:
        """Look soon, before it is time."""
        self._asked.set()

    def notices(self) -> Sequence[Notice]:
        """Return, once each, what the camera process should hear."""
        with self._guard:
            taken, self._notices = self._notices, []
        return taken

    def close(self) -> None:
        """Look no more. What is half fetched is forgotten. Safe to call twice."""
        self._closing.set()
        self._asked.set()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._asked.clear()
            self._step()
            soonest_s = time.monotonic() + min(_SOONEST_S, self._every_s)
            self._asked.wait(self._every_s)
            self._closing.wait(max(0.0, soonest_s - time.monotonic()))

    def _step(self) -> None:
        try:
            found = self._store.refresh(self._source, lambda delivery: delivery)
        except DeliveryError as error:
            self._troubled(error)
            return
        self._said = ""
        if found is not None:
            _log.info("fetched %d signed documents from %s", len(found.documents), self._source.name)
            self._tell(Arrived())

    def _troubled(self, error: DeliveryError) -> None:
        if error.message != self._said:  # said once, not every five minutes
            _log.warning("%s", error)
            self._said = error.message
            if error.fault is not None:
                self._tell(TurnedAway(error.fault))

    def _tell(self, notice: Notice) -> None:
        with self._guard:
            self._notices = [*(one for one in self._notices if one != notice), notice]
        self._wake()


@dataclass(frozen=True, slots=True, repr=False)
class Reader:
    """Turns verified documents into rules for this device; all that it needs for that.

    Attributes:
        device: who the camera is.
        identity: its age identity.
        settled: recipients of the settings.
        clock: now.
    """

    device: Device
    identity: str
    settled: Mapping[str, bytes]
    clock: Clock


class Courier:
    """Verifies what comes through the spool, and holds a generation ready for the camera's loop to take.

    Args:
        store: of the camera process alone.
        spool: where the ferry puts things.
        reader: makes rules of them.
    """

    def __init__(self, store: TrustStore, spool: Source, reader: Reader) -> None:
        self._store, self._spool, self._reader = store, spool, reader
        self._in_force: Generation | None = None
        self._ready: Generation | DeliveryError | None = None
        self._said = ""
        self._asked, self._closing = threading.Event(), False
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def store(self) -> TrustStore:
        """Return where accepted documents are."""
        return self._store

    def kept(self) -> Generation | None:
        """Return the rules that were accepted last, verified again; None before the first.

        Raises:
            DeliveryError: they were changed on the disk, or do not fit this device any more.
        """
        delivery, confirmed_ns = self._store.current(), self._store.confirmed_wall_ns()
        if delivery is None or confirmed_ns is None:
            return None
        reader, now = self._reader, self._reader.clock.now()
        age_ns = max(now.wall_ns - confirmed_ns, 0)
        fetched = Instant(now.wall_ns - age_ns, now.monotonic_ns - age_ns)
        self._in_force = unpack(
            delivery,
            reader.device,
            reader.identity,
            now,
            settled=reader.settled,
            confirmed=fetched,
            fetched_ns=confirmed_ns,
        )
        return self._in_force

    def start(self) -> None:
        """Begin to look into the spool, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="platesieve-courier", daemon=True)
        self._thread.start()

    def look(self) -> None:
        """See `flow.generation.Deliveries`."""
        self._asked.set()

    def look_gently(self) -> None:
        """Look if the spool may have something that was not looked at: for whoever is told nothing by the ferry."""
        if self._store.folder is None:
            self._asked.set()

    def take(self) -> Generation | DeliveryError | None:
        """See `flow.generation.Deliveries`."""
        with self._guard:
            taken, self._ready = self._ready, None
        return taken

    def close(self) -> None:
        """Look no more. Safe to call twice."""
        self._closing = True
        self._asked.set()

    def step(self) -> None:
        """Look once."""
        try:
            ready: Generation | DeliveryError | None = self._store.refresh(self._spool, self._accepted)
            self._said = ""
        except DeliveryError as error:
            # An empty spool is no news, and neither is what was said before.
            ready = error if error.fault not in {None, "missing"} and error.message != self._said else None
            self._said = error.message
        if ready is not None:
            with self._guard:
                self._ready = ready

    def _accepted(self, delivery: Verified) -> Generation:
        reader = self._reader
        self._in_force = unpack(
            delivery,
            reader.device,
            reader.identity,
            reader.clock.now(),
            before=self._in_force,
            settled=reader.settled,
        )
        return self._in_force

    def _run(self) -> None:
        while not self._closing:
            self._asked.clear()
            self.step()
            self._asked.wait(_RETRY_S)
