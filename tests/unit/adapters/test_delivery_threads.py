"""From a stick to the camera's loop: ferry, spool, notice, courier, generation."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.delivery import fetchers
from platesieve.adapters.delivery.device import first_generation, open_courier, open_ferry
from platesieve.adapters.local import pipe_frames
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.domain.errors import DeliveryError, LinkError
from platesieve.domain.notice import FAULTS, Arrived, TurnedAway
from platesieve.flow.generation import Generation
from platesieve.settings import Delivery, Device, Settings
from tests.fakes.agency import IDENTITIES, OURS, Agency, Receiver, table

if TYPE_CHECKING:
    from pathlib import Path

    from platesieve.adapters.delivery.threads import Courier, Ferry

CLOCK = SystemClock(assume=True)


@pytest.fixture(scope="module")
def agency(tmp_path_factory: pytest.TempPathFactory) -> Agency:
    """Return an agency that has published its first state."""
    agency = Agency(tmp_path_factory.mktemp("agency"))
    agency.publish()
    return agency


def settings_for(agency: Agency) -> Settings:
    """Return the settings of its device."""
    agency_name, site, device = OURS.split("/")
    return Settings(
        device=Device(agency=agency_name, site=site, device=device),
        delivery=Delivery(folder=str(agency.mirror), root=str(agency.folder / "root.json"), every_s=1.0),
    )


def parts(agency: Agency, tmp_path: Path) -> tuple[Ferry, Courier]:
    """Return both ends of a device; the ferry runs and is to be closed."""
    ferry = open_ferry(settings_for(agency), tmp_path / "spool", lambda: None)
    assert ferry is not None
    return ferry, a_courier(agency, tmp_path)


def a_courier(agency: Agency, tmp_path: Path) -> Courier:
    """Return the believing end of a device whose lists key the agency knows, not started."""
    (tmp_path / "camera").mkdir(mode=0o700, exist_ok=True)
    key = tmp_path / "camera" / "lists.key"
    if not key.exists():
        key.write_text(f"{IDENTITIES[OURS]}\n")
        key.chmod(0o600)
    courier = open_courier(settings_for(agency), tmp_path / "camera", tmp_path / "spool", CLOCK, {})
    assert courier is not None
    return courier


def notices_of(ferry: Ferry) -> list[object]:
    """Return what the ferry tells first, waiting for it."""
    for _ in range(600):
        if told := ferry.notices():
            return list(told)
        CLOCK.sleep(0.05)
    return []


def test_what_lies_on_a_stick_becomes_a_generation(agency: Agency, tmp_path: Path) -> None:
    """The ferry says that something arrived; the courier verifies it and has it ready once."""
    ferry, courier = parts(agency, tmp_path)
    told = notices_of(ferry)
    ferry.close()

    assert told == [Arrived()]
    courier.step()
    generation = courier.take()
    assert isinstance(generation, Generation)
    assert (generation.policy.id, generation.hotlist.count) == ("count-only", 1)
    assert courier.take() is None
    courier.step()
    assert courier.take() is None, "nothing new"


def test_a_restart_begins_with_what_was_kept(agency: Agency, tmp_path: Path) -> None:
    """Without stick and spool: the rules are verified again from the disk, and the list is as old as it is."""
    ferry, courier = parts(agency, tmp_path)
    notices_of(ferry)
    ferry.close()
    courier.step()

    again = a_courier(agency, tmp_path)
    kept = first_generation(again, CLOCK, lambda: False, lambda: None, may_start_without=False)
    again.close()
    assert kept is not None
    assert kept.hotlist.count == 1
    assert kept.hotlist.age_s(CLOCK.now()) >= 0


def test_a_device_without_a_policy_waits_and_says_so(
    agency: Agency, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One sentence; a stop ends the wait, and so does the first delivery."""
    caplog.set_level(logging.WARNING)
    courier = a_courier(agency, tmp_path)
    beats: list[int] = []
    stop = iter([False, True])

    none = first_generation(courier, CLOCK, lambda: next(stop), lambda: beats.append(1), may_start_without=False)
    courier.close()

    assert none is None
    assert beats == [1]
    assert caplog.text.count("nothing is read: no signed policy has come yet") == 1


def test_a_list_that_did_not_change_is_not_read_again(agency: Agency, tmp_path: Path) -> None:
    """Only what is known of its age changes: a million entries are decrypted once."""
    device = Receiver(tmp_path / "device", agency.root)
    device.take(fetchers.folder(agency.mirror))
    assert device.generation is not None
    first = device.generation.hotlist
    agency.publish()
    assert device.take(fetchers.folder(agency.mirror))

    assert device.generation.hotlist._records is first._records
    agency.add_list("wanted", table("CANARY7", "CANARY8"))
    agency.publish()
    assert device.take(fetchers.folder(agency.mirror))
    assert device.generation.hotlist._records is not first._records


@pytest.mark.parametrize("notice", [Arrived(), *(TurnedAway(fault) for fault in sorted(FAULTS))])
def test_notices_pass_the_pipe(notice: Arrived | TurnedAway) -> None:
    """As they were; a word that is no fault does not."""
    assert pipe_frames.notice_from_document(pipe_frames.notice_to_document(notice)) == notice
    with pytest.raises(LinkError):
        pipe_frames.notice_from_document({"turned_away": "84JTK6"})


def test_a_folder_without_a_stick_in_it_changes_nothing(agency: Agency, tmp_path: Path) -> None:
    """It is said, and nothing is on the disk."""
    device = Receiver(tmp_path / "device", agency.root)

    with pytest.raises(DeliveryError, match="has not all the files"):
        device.take(fetchers.folder(tmp_path / "nothing"))
    assert device.on_disk() == {}
