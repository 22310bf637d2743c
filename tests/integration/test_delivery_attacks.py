"""Every attack of tests/attacks/delivery.py is turned away, changes nothing on disk or in RAM, and is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.delivery.fetchers import spool
from platesieve.domain.errors import DeliveryError
from tests.attacks.delivery import ATTACKS, play
from tests.attacks.delivery_controls import REMOVED, without
from tests.attacks.delivery_keyholders import wrong_device
from tests.attacks.delivery_world import Attack, a_world, make_template
from tests.fakes.agency import OURS, THEIRS, Receiver, table

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the agency that every test begins with a copy of."""
    folder = tmp_path_factory.mktemp("agency") / "template"
    make_template(folder)
    return folder


@pytest.mark.parametrize("attack", ATTACKS, ids=[attack.__name__ for attack in ATTACKS])
def test_an_attack_is_turned_away_and_changes_nothing(attack: Attack, template: Path, tmp_path: Path) -> None:
    """One sentence, a remedy, the same bytes on the disk, the same rules in RAM."""
    outcome = play(attack, template, tmp_path / "world")

    assert outcome.beaten, outcome
    assert "CANARY" not in outcome.sentence


@pytest.mark.parametrize("check", REMOVED)
def test_the_control_without_the_check_the_attack_succeeds(check: str, template: Path, tmp_path: Path) -> None:
    """Each check is needed: the attack that it stops works on a device that lacks it."""
    assert without(check, template, tmp_path / "world")


def test_what_the_agency_publishes_is_accepted(template: Path, tmp_path: Path) -> None:
    """The positive control: a second state with another list is taken in, and a look after that finds nothing new."""
    world = a_world(template, tmp_path / "world")
    world.second_state()

    assert world.device.generation is not None
    assert world.device.generation.hotlist.count == 2
    assert world.device.take(world.source()) is False
    assert world.device.store.current() is not None


def test_any_changed_file_of_the_spool_is_turned_away(template: Path, tmp_path: Path) -> None:
    """The uplink process is not believed: a byte changed in any file of the spool, and the camera process says no."""
    world = a_world(template, tmp_path / "world")
    ferry = Receiver(tmp_path / "spool", world.agency.root)
    ferry.take(world.source())
    assert ferry.store.folder is not None
    files = [path for path in sorted(ferry.store.folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    # The root is the one the device was given; nobody asks the spool for it.
    files = [path for path in files if not path.name.endswith("root.json")]
    assert len(files) >= 10
    for number, path in enumerate(files):
        camera = Receiver(tmp_path / f"camera-{number}", world.agency.root)
        good = path.read_bytes()
        path.write_bytes(good[:-20] + bytes([good[-20] ^ 1]) + good[-19:])
        with pytest.raises(DeliveryError):
            camera.take(spool(tmp_path / "spool"))
        assert camera.on_disk() == {}
        path.write_bytes(good)
        assert camera.take(spool(tmp_path / "spool")), "the control: the file as it was"


def test_what_was_changed_on_the_disk_is_not_believed_at_the_next_start(template: Path, tmp_path: Path) -> None:
    """A policy that somebody edited on the card does not come into force."""
    world = a_world(template, tmp_path / "world")
    assert world.device.store.current() is not None
    assert world.device.store.folder is not None
    (policy,) = (world.device.store.folder / "targets").glob("policy*")
    policy.write_bytes(policy.read_bytes() + b"\n")

    with pytest.raises(DeliveryError, match="not the one that was signed"):
        world.device.store.current()
    assert world.device.take(world.source()), "it is fetched again, although the agency has published nothing new"
    assert world.device.store.current() is not None


def test_a_root_that_two_of_three_keys_sign_takes_over(template: Path, tmp_path: Path) -> None:
    """The agency renews its root; devices follow it, and their own first root still vouches for everything."""
    world = a_world(template, tmp_path / "world")
    world.agency.repository.renew("root")
    world.second_state()

    assert world.device.store.current() is not None
    assert any("2.root.json" in name for name in world.device.on_disk())


def test_no_plate_of_a_list_is_on_the_disk(template: Path, tmp_path: Path) -> None:
    """Repository, mirror and device are searched for every plate; the control finds one that was written in clear."""
    world = a_world(template, tmp_path / "world")
    plates = [f"CANARY{number}" for number in range(10, 40)]
    world.agency.add_list("wanted", table(*plates))
    world.agency.publish()
    assert world.device.take(world.source())
    assert world.device.generation is not None
    assert world.device.generation.hotlist.count == 30

    def found() -> list[str]:
        files = [path for path in (tmp_path / "world").rglob("*") if path.is_file()]
        written = b"".join(path.read_bytes() + str(path).encode() for path in files)
        return [plate for plate in plates if plate.encode() in written]

    assert found() == []
    (tmp_path / "world" / "device" / "left").write_bytes(table(plates[0]))
    assert found() == [plates[0]]


def test_the_device_of_another_site_takes_its_own(template: Path, tmp_path: Path) -> None:
    """The control of the wrong device: what is turned away here is accepted by whom it is for."""
    world = a_world(template, tmp_path / "world")
    source = wrong_device(world)
    other = Receiver(tmp_path / "other", world.agency.root, THEIRS)

    assert other.name != OURS
    assert other.take(source)
