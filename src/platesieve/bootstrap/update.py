"""Look into the spool for a signed update of the system, and fetch its bundle: in a process of its own, once a day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from platesieve import __version__
from platesieve.adapters.delivery import bundle_fetch, fetchers, system_update
from platesieve.adapters.delivery.stored import read_delivery
from platesieve.adapters.delivery.threads import device_path, read_trust_root
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.adapters.local.system_slots import SYSTEM_VERSION, TRIED
from platesieve.bootstrap.folders import Folders

if TYPE_CHECKING:
    from platesieve.adapters.delivery.fetchers import Source
    from platesieve.settings import Delivery, Settings


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: which version runs, which one is offered, and where the bundle is."""

    state: Literal["none", "current", "tried", "offered", "fetched"]
    running: str
    version: str | None = None
    file: Path | None = None


def fetch_update(settings: Settings, running: str | None = None, tried: Path = TRIED) -> Outcome:
    """Fetch the bundle that is signed for this device, if it is newer than what runs and was not tried before.

    Args:
        settings: of the device.
        running: version of the system; the one that its image says unless given.
        tried: hashes of bundles that were installed before.

    Raises:
        DeliveryError: what is in the spool does not verify, or the bundle is not the one that was signed.
        StorageError: there is no room.
        InputError: the trust root cannot be read.
    """
    found, offer = look(settings, running, tried)
    folder, source = Folders.of(settings).uplink / "update", _source(settings.delivery)
    if found.state != "offered" or offer is None or source is None:
        bundle_fetch.forget(folder)  # the agency may have taken it back meanwhile
        return found
    fetched = bundle_fetch.fetch(offer, source, folder)
    return replace(found, state="fetched", file=fetched)


def look(
    settings: Settings, running: str | None = None, tried: Path = TRIED
) -> tuple[Outcome, system_update.Offer | None]:
    """Return what `fetch_update` would do, and what is offered, without fetching it; see there."""
    running = running or _running()
    offer = _offer(settings)
    if offer is None:
        return Outcome("none", running), None
    if not system_update.is_newer(offer.version, running):
        return Outcome("current", running, offer.version), offer
    state: Literal["tried", "offered"] = "tried" if system_update.was_tried(offer, tried) else "offered"
    return Outcome(state, running, offer.version), offer


def _offer(settings: Settings) -> system_update.Offer | None:
    """Return what the spool holds, verified: it is read only, for the uplink process writes it at the same time."""
    current = Folders.of(settings).spool / "current"
    if not settings.delivery.wanted or not current.is_symlink():
        return None
    folder = current.parent / current.readlink()
    delivery = read_delivery(folder, read_trust_root(settings.delivery), device_path(settings.device))
    return system_update.offered(delivery, SystemClock().now().wall_ns)


def _source(delivery: Delivery) -> Source | None:
    if delivery.url:
        return fetchers.server(delivery.url, delivery.ca_file, bundle_fetch.LIMIT_S)
    return fetchers.folder(Path(delivery.folder)) if delivery.folder else None


def _running() -> str:
    try:
        return SYSTEM_VERSION.read_text(encoding="ascii").strip()
    except OSError:
        return __version__
