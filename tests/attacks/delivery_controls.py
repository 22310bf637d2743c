"""The controls of the attacks on signed delivery: an attack, and the check of the device without which it succeeds."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tuf.api.exceptions import DownloadHTTPError
from tuf.api.metadata import Signed, TargetFile, Targets

from platesieve.adapters.delivery import addressed, fetchers, trust_store, unpack
from platesieve.adapters.delivery.addressed import Address, Kind
from platesieve.domain.errors import PlatesieveError
from platesieve.policy import load
from tests.attacks import delivery_keyholders as keyholders
from tests.attacks import delivery_mirror as mirror
from tests.attacks.delivery_world import Attack, a_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def _lenient(_cls: object, custom: Any, _path: str) -> Address:
    return Address(tuple(custom["devices"]))


def _following(root: Path, inside: Path, offset: int) -> Iterator[bytes]:
    if not (root / inside).exists():
        raise DownloadHTTPError("no such file", 404)
    yield (root / inside).read_bytes()[offset:]


REMOVED: dict[str, tuple[Attack, list[tuple[Any, str, Any]]]] = {
    "memory of what was seen": (mirror.rollback, [(trust_store.TrustStore, "folder", None)]),
    "signatures": (keyholders.below_threshold, [(Targets, "verify_delegate", lambda *_: None)]),
    "lengths and hashes": (mirror.swapped_document, [(TargetFile, "verify_length_and_hashes", lambda *_: None)]),
    "expiry": (mirror.freeze, [(Signed, "is_expired", lambda *_: False)]),
    "expiry of a role": (keyholders.expired_role, [(Signed, "is_expired", lambda *_: False)]),
    "addresses": (keyholders.unknown_address, [(Address, "from_custom", classmethod(_lenient))]),
    "addresses by site": (keyholders.list_of_another_site, [(Address, "from_custom", classmethod(_lenient))]),
    "size of a document": (
        keyholders.oversize_document,
        [(addressed, "_MAX_BYTES", dict.fromkeys(Kind, 1 << 30)), (load, "MAX_BYTES", 1 << 30)],
    ),
    "plaintext": (keyholders.plaintext_list, [(unpack, "_opened", lambda document, _: document.data)]),
    "plain files": (mirror.link_on_a_stick, [(fetchers, "_read", _following)]),
    "who may read": (keyholders.policy_for_other_readers, [(unpack, "device_refusals", lambda *_: ())]),
}


def without(check: str, template_folder: Path, folder: Path) -> bool:
    """Return whether an attack succeeds on a device that lacks one check."""
    attack, patches = REMOVED[check]
    world = a_world(template_folder, folder, short=attack is mirror.freeze)
    source = attack(world)
    before = world.device.generation
    with _patched(patches):
        try:
            world.device.take(source)
        except PlatesieveError:
            return False
    return attack is mirror.freeze or world.device.generation is not before


@contextmanager
def _patched(patches: list[tuple[Any, str, Any]]) -> Iterator[None]:
    kept = []
    for asked, name, value in patches:
        owner = next((one for one in getattr(asked, "__mro__", ()) if name in vars(one)), asked)  # who defines it
        kept.append((owner, name, vars(owner)[name]))
        setattr(owner, name, value)
    try:
        yield
    finally:
        for owner, name, value in kept:
            setattr(owner, name, value)
