"""Updates of the system: offered to a share of the devices, fetched whole or not at all, and not twice."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.delivery import bundle_fetch, fetchers, system_update
from platesieve.adapters.delivery.documents import remove_document
from platesieve.adapters.delivery.system_update import Offer
from platesieve.bootstrap.folders import Folders
from platesieve.bootstrap.update import fetch_update
from platesieve.domain.errors import ConfigError, DeliveryError, InputError, StorageError
from platesieve.settings import Delivery, Device, Settings
from tests.fakes.agency import OURS, THEIRS, Agency, Receiver

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BUNDLE = b"a whole system" * 5000
OFFER = Offer("0.2.0", len(BUNDLE), hashlib.sha256(BUNDLE).hexdigest())


def published(folder: Path, bundle: bytes = BUNDLE, named: Offer = OFFER) -> Path:
    """Return a server's folder with a bundle where an offer says that it is."""
    place = folder / "served" / named.file
    place.parent.mkdir(parents=True)
    place.write_bytes(bundle)
    return folder / "served"


def test_an_offer_is_read_as_it_was_written() -> None:
    """Nothing is added and nothing lost."""
    assert Offer.read(OFFER.document(), "x") == OFFER


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"[]",
        OFFER.document().replace(b'"0.2.0"', b'"0.2.0; reboot"'),
        OFFER.document().replace(OFFER.sha256.encode(), b"../../etc/shadow"),
        OFFER.document().replace(str(len(BUNDLE)).encode(), b"-1"),
        OFFER.document().replace(b'"format": 1', b'"format": 2'),
        OFFER.document().replace(b'"format": 1', b'"format": 1, "urgent": true'),
    ],
)
def test_an_offer_that_says_something_else_is_refused(wrong: bytes) -> None:
    """Whoever writes more than a device understands may have meant a restriction."""
    with pytest.raises(DeliveryError, match="not understood"):
        Offer.read(wrong, "x")


@pytest.mark.parametrize(
    ("version", "than", "newer"),
    [("0.10.0", "0.9.0", True), ("0.9.0", "0.10.0", False), ("1.0", "1", False), ("1.0.1", "1.0", True)],
)
def test_versions_are_compared_by_number(version: str, than: str, *, newer: bool) -> None:
    """Ten is more than nine."""
    assert system_update.is_newer(version, than) is newer


def test_a_larger_share_holds_all_devices_of_a_smaller_one() -> None:
    """And the order is another one for each version: no site is always the first to try."""
    devices = [f"metro/site-{number}/cam" for number in range(200)]
    first, half, everyone = (system_update.first_of(devices, share, "0.2.0") for share in (0.1, 0.5, 1.0))

    assert (len(first), len(half), everyone) == (20, 100, sorted(devices))
    assert set(first) < set(half)
    assert set(first) != set(system_update.first_of(devices, 0.1, "0.3.0"))
    assert len(system_update.first_of(devices[:3], 0.01, "0.2.0")) == 1


def test_a_bundle_is_fetched_whole_and_once(tmp_path: Path) -> None:
    """The second time it is there already, although the server is gone."""
    served = published(tmp_path)
    found = bundle_fetch.fetch(OFFER, fetchers.folder(served), tmp_path / "update")
    (served / OFFER.file).unlink()

    assert found.read_bytes() == BUNDLE
    assert bundle_fetch.fetch(OFFER, fetchers.folder(served), tmp_path / "update") == found


@pytest.mark.parametrize("change", [lambda b: b[:-1], lambda b: b + b"x", lambda b: b"x" + b[1:], lambda b: b + b * 50])
def test_a_bundle_that_is_not_the_signed_one_leaves_nothing(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    """Shorter, longer, or changed: not one byte stays, and an endless one is not read to its end."""
    source = fetchers.folder(published(tmp_path, change(BUNDLE)))
    with pytest.raises(DeliveryError, match="another update than the one that was signed"):
        bundle_fetch.fetch(OFFER, source, tmp_path / "update")

    assert list((tmp_path / "update").iterdir()) == []


def test_what_has_no_room_is_not_begun(tmp_path: Path) -> None:
    """The audit log must be able to go on."""
    with pytest.raises(StorageError, match="no room"):
        bundle_fetch.fetch(Offer("0.2.0", 1 << 50, "0" * 64), fetchers.folder(tmp_path), tmp_path / "update")


def test_a_roll_out_in_stages_reaches_the_devices_that_are_named_and_no_other(tmp_path: Path) -> None:
    """The office signs for one device, then for both; the other one hears nothing of it before."""
    agency = Agency(tmp_path / "agency")
    bundle = tmp_path / "system.raucb"
    bundle.write_bytes(BUNDLE)
    offer = system_update.take_bundle(bundle, "99.0", agency.folder / "public")
    (first,) = system_update.first_of((OURS, THEIRS), 0.5, "99.0")
    states = []
    for devices in ((first,), (OURS, THEIRS)):
        agency.add(offer.path, offer.document(), devices)
        agency.publish()
        states.append([look(tmp_path, agency, device) for device in (OURS, THEIRS)])
    (later,) = {OURS, THEIRS} - {first}

    assert dict(zip((OURS, THEIRS), states[0], strict=True)) == {first: "fetched", later: "none"}
    assert states[1] == ["fetched", "fetched"]
    remove_document(agency.repository, offer.path)
    agency.publish()
    assert not (agency.mirror / offer.file).exists()


def look(folder: Path, agency: Agency, device: str) -> str:
    """Return what a device finds."""
    return fetch_update(settings_of(folder, agency, device), "0.1.0", folder / "tried").state


def settings_of(folder: Path, agency: Agency, device: str) -> Settings:
    """Return the settings of a device whose spool was just brought up to date."""
    office, site, name = device.split("/")
    (folder / "root.json").write_bytes(agency.root)
    settings = Settings(
        state=str(folder / device.replace("/", "-")),
        device=Device(agency=office, site=site, device=name, assume_clock=True),
        delivery=Delivery(folder=str(agency.mirror), root=str(folder / "root.json")),
    )
    Receiver(Folders.of(settings).spool, agency.root, device).store.refresh(
        fetchers.folder(agency.mirror), lambda found: found
    )
    return settings


def test_a_device_takes_no_older_system_and_none_that_failed_before(tmp_path: Path) -> None:
    """What runs is newer, what was tried is known by its hash; another bundle of that version is another try."""
    agency = Agency(tmp_path / "agency")
    bundle = tmp_path / "system.raucb"
    bundle.write_bytes(BUNDLE)
    offer = system_update.take_bundle(bundle, "0.2.0", agency.folder / "public")
    agency.add(offer.path, offer.document())
    agency.publish()
    settings = settings_of(tmp_path, agency, OURS)
    tried = tmp_path / "tried"

    assert fetch_update(settings, "0.2.0", tried).state == "current"
    assert fetch_update(settings, "0.10.0", tried).state == "current"
    tried.write_text(f"{'0' * 64}\n{offer.sha256}\n")
    assert fetch_update(settings, "0.1.0", tried).state == "tried"
    tried.write_text(f"{'0' * 64}\n")
    fetched = fetch_update(settings, "0.1.0", tried)
    assert (fetched.state, fetched.version) == ("fetched", "0.2.0")
    remove_document(agency.repository, offer.path)
    agency.publish()
    settings_of(tmp_path, agency, OURS)
    assert fetch_update(settings, "0.1.0", tried).state == "none"
    assert fetched.file is not None
    assert not fetched.file.exists()  # taken back before it was installed


def test_what_is_no_bundle_is_not_taken(tmp_path: Path) -> None:
    """An empty file, a name that is no version, a file that is not there."""
    (tmp_path / "empty").touch()
    with pytest.raises(InputError, match="empty"):
        system_update.take_bundle(tmp_path / "empty", "1.0", tmp_path)
    with pytest.raises(InputError, match="cannot be taken"):
        system_update.take_bundle(tmp_path / "gone", "1.0", tmp_path)
    with pytest.raises(ConfigError, match="no version"):
        system_update.take_bundle(tmp_path / "empty", "one", tmp_path)
