"""The doctor's line on signed delivery: not used, not there yet, fresh, over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.delivery import fetchers, system_update
from platesieve.bootstrap.update import look
from platesieve.checkup import delivery as checks
from platesieve.checkup import rules
from platesieve.checkup.delivery import delivery
from platesieve.domain.errors import InputError
from platesieve.settings import Delivery as DeliverySettings
from platesieve.settings import Device, Settings
from tests.fakes.agency import IDENTITIES, OURS, Agency, Receiver

if TYPE_CHECKING:
    from pathlib import Path


def settings_of(agency: Agency, state: Path) -> Settings:
    """Return the settings of the agency's device."""
    agency_name, site, device = OURS.split("/")
    way = DeliverySettings(folder=str(agency.mirror), root=str(agency.folder / "root.json"))
    return Settings(device=Device(agency=agency_name, site=site, device=device), delivery=way, state=str(state))


def accepted(agency: Agency, state: Path) -> None:
    """Let the device have taken in what the agency published, under the key that the agency knows."""
    Receiver(state / "camera" / "delivery", agency.root).take(fetchers.folder(agency.mirror))
    (state / "camera").chmod(0o700)
    key = state / "camera" / "lists.key"
    key.write_text(f"{IDENTITIES[OURS]}\n")
    key.chmod(0o600)


def test_a_device_that_takes_nothing_in_is_well() -> None:
    """Its rules stand in its settings."""
    assert delivery(Settings()).mark == "pass"


def test_before_the_first_delivery_it_says_what_is_missing(tmp_path: Path) -> None:
    """A warning with what to do; a trust root that is not there is an error."""
    agency = Agency(tmp_path)
    settings = settings_of(agency, tmp_path / "state")
    assert delivery(settings).mark == "warn"
    assert rules.policy(settings).mark == "warn"

    with pytest.raises(InputError, match="the trust root"):
        delivery(replace(settings, delivery=replace(settings.delivery, root=str(tmp_path / "none.json"))))


@pytest.mark.parametrize(("lasts_s", "mark"), [(86_400.0, "pass"), (-3600.0, "fail")])
def test_it_says_until_when_what_came_counts(tmp_path: Path, lasts_s: float, mark: str) -> None:
    """Fresh is well; a timestamp that is over means that nothing is a hit."""
    agency = Agency(tmp_path)
    agency.publish()
    accepted(agency, tmp_path / "state")
    if lasts_s < 0:  # what was kept is over by now: signed again as if a day had passed
        agency.repository.books.lifetimes_s["timestamp"] = lasts_s
        agency.publish_unchecked()
        (stored,) = (tmp_path / "state/camera/delivery").glob("g-*/metadata/timestamp.json")
        stored.write_bytes((agency.mirror / "metadata/timestamp.json").read_bytes())
    finding = delivery(settings_of(agency, tmp_path / "state"))

    assert finding.mark == mark
    assert "policy count-only counts until" in finding.found
    assert ("nothing is a hit" in finding.found) is (mark == "fail")
    assert finding.remedy or mark == "pass"


def test_it_says_what_runs_and_whether_an_update_waits_or_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing signed, something newer, and something that was tried and is not what runs."""
    agency = Agency(tmp_path)
    settings = settings_of(agency, tmp_path / "state")
    assert checks.update(settings).found.endswith("nothing newer is signed for this device")

    (tmp_path / "bundle").write_bytes(b"a system")
    offer = system_update.take_bundle(tmp_path / "bundle", "99.0", agency.folder / "public")
    agency.add(offer.path, offer.document())
    agency.publish()
    Receiver(tmp_path / "state/spool", agency.root).store.refresh(fetchers.folder(agency.mirror), lambda found: found)
    assert (checks.update(settings).mark, "99.0 comes at night" in checks.update(settings).found) == ("pass", True)

    tried = tmp_path / "tried"
    tried.write_text(f"{offer.sha256}\n")
    monkeypatch.setattr(checks, "look", lambda asked: look(asked, tried=tried))
    assert checks.update(settings).mark == "warn"
