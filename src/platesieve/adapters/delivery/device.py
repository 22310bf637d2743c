"""Put the parts of a device together that take in signed documents."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from platesieve.adapters.delivery import fetchers
from platesieve.adapters.delivery.addressed import Kind
from platesieve.adapters.delivery.threads import Courier, Ferry, Reader, device_path, read_trust_root, source_of
from platesieve.adapters.delivery.trust_store import TrustStore
from platesieve.adapters.disk.own_keys import load_or_create_lists_key
from platesieve.domain.errors import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from platesieve.flow.generation import Generation
    from platesieve.ports import Clock
    from platesieve.settings import Settings

_log = logging.getLogger(__name__)
_LOOK_S = 0.5


def open_ferry(settings: Settings, spool: Path, wake: Callable[[], None]) -> Ferry | None:
    """Return what fetches into the spool, or None where nothing is to be fetched.

    Raises:
        InputError: the trust root cannot be read.
        DeliveryError: the spool cannot be made.
    """
    source = source_of(settings.delivery)
    if source is None:
        return None
    store = TrustStore(spool, read_trust_root(settings.delivery), device_path(settings.device))
    return Ferry(store, source, settings.delivery.every_s, wake)


def open_courier(
    settings: Settings, camera: Path, spool: Path, clock: Clock, settled: Mapping[str, bytes]
) -> Courier | None:
    """Return what verifies the spool for the camera process, or None for a device whose rules stand in its settings.

    Args:
        settings: of the device.
        camera: folder of the camera process; the lists key and the verified documents are in it.
        spool: where the ferry puts things.
        clock: now.
        settled: recipients of the settings.

    Raises:
        InputError: the trust root cannot be read.
        KeyFileError: the lists key cannot be used.
    """
    if not settings.delivery.wanted:
        return None
    store = TrustStore(camera / "delivery", read_trust_root(settings.delivery), device_path(settings.device))
    reader = Reader(settings.device, load_or_create_lists_key(camera), settled, clock)
    return Courier(store, fetchers.spool(spool), reader)


def first_generation(
    courier: Courier, clock: Clock, stop: Callable[[], bool], beat: Callable[[], None], *, may_start_without: bool
) -> Generation | None:
    """Return the rules to begin with, and let the courier look for newer ones from now on.

    Args:
        courier: not started yet.
        clock: waits.
        stop: ends the wait.
        beat: called while it lasts.
        may_start_without: the settings hold a policy, so there is nothing to wait for.

    Returns:
        None where the settings' rules are to be taken, or after `stop`.
    """
    kept = _kept(courier)
    courier.start()
    if kept is not None or may_start_without:
        return kept
    _log.warning("nothing is read: no signed policy has come yet (hint: see that the agency publishes for this device)")
    while not stop():
        match courier.take():
            case DeliveryError() as error:
                _log.warning("what was delivered is not accepted: %s", error)
            case None:
                pass
            case generation:
                return generation
        courier.look_gently()
        clock.sleep(_LOOK_S)
        beat()
    return None


def models_kept(courier: Courier) -> dict[str, bytes]:
    """Return the networks that were delivered, verified again, by file name; none where what is kept was changed."""
    try:
        delivery = courier.store.current()
    except DeliveryError:
        return {}  # `_kept` has said it
    return {} if delivery is None else {document.name: document.data for document in delivery.of_kind(Kind.MODELS)}


def _kept(courier: Courier) -> Generation | None:
    try:
        return courier.kept()
    except DeliveryError as error:
        _log.warning("what was delivered before is not used: %s", error)
        return None
